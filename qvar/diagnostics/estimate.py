"""Estimates from random samples, with their intervals."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class Estimate:
    """A number estimated from random samples, with its interval; prints as 0.123 [0.110, 0.136]."""

    value: float
    low: float
    """Lower end of the interval, at 95 % confidence unless another level is chosen."""
    high: float
    """Upper end of the interval."""
    samples: int
    """Number of samples."""
    _: KW_ONLY
    floor: float | None = None
    """Mean that sampling alone gives if the true number is zero; None if that is zero."""
    needed: int | None = None
    """Number of samples, to a factor of about 3, that the interval needs to reach its confidence; None if there are
    enough. A number means that the samples have a heavy tail, and that the interval is too narrow."""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        return self.low, self.high

    def __float__(self) -> float:
        """Return the value."""
        return self.value

    def __str__(self) -> str:
        """Return value and interval, with two digits of the interval's half width."""
        numbers, reach = (self.value, self.low, self.high), (self.high - self.low) / 2
        largest = max(map(abs, numbers))
        if 0 < reach < math.inf:
            place = math.floor(math.log10(reach)) - 1
            digits = max(0, math.floor(math.log10(largest)) - place)
            style = f".{max(0, -place)}f" if 1e-4 <= largest < 1e6 else f".{digits}e"
        else:
            style = ".6g"
        value, low, high = (format(number, style) for number in numbers)
        return f"{value} [{low}, {high}]"

    def __repr__(self) -> str:
        floor = "" if self.floor is None else f", floor {self.floor:.3g}"
        tail = "" if self.needed is None else f"; {heavy_tail(self.needed)}"
        return f"{self} ({self.samples} samples{floor}{tail})"


def heavy_tail(needed: int) -> str:
    """Return the warning about an interval of too few samples of a heavy tail."""
    return f"heavy tail: interval too narrow, {needed} samples needed"
