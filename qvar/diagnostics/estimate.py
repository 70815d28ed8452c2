"""Estimate: a number from random samples, with its interval."""

from __future__ import annotations

from typing import Any


class Estimate(float):
    """A number estimated from random samples: a float that knows its interval."""

    interval: tuple[float, float]
    """Lower and upper end at 95 % confidence, unless the function that made it says otherwise."""
    samples: int
    """Number of samples that it rests on."""
    floor: float | None
    """Mean of what sampling alone gives if the true number is zero; None if that is zero."""
    needed: int | None
    """Number of samples, to a factor of about 3, from which the interval holds what it claims; None if these are
    enough. A number says that the samples have a heavy tail, of which too few were seen: the interval is too narrow."""

    def __new__(
        cls,
        value: float,
        interval: tuple[float, float],
        samples: int,
        floor: float | None = None,
        needed: int | None = None,
    ) -> Estimate:
        """Make an estimate from its value, its interval and the number of samples."""
        estimate = super().__new__(cls, value)
        estimate.interval = (float(interval[0]), float(interval[1]))
        estimate.samples = int(samples)
        estimate.floor = None if floor is None else float(floor)
        estimate.needed = None if needed is None else int(needed)
        return estimate

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what copies and pickles are made from."""
        return Estimate, (float(self), self.interval, self.samples, self.floor, self.needed)

    def __repr__(self) -> str:
        low, high = self.interval
        floor = "" if self.floor is None else f", floor {self.floor:.3g}"
        tail = "" if self.needed is None else f"; {heavy_tail(self.needed)}"
        return f"{float(self):.6g} [{low:.3g}, {high:.3g}] ({self.samples} samples{floor}{tail})"

    __str__ = __repr__


def heavy_tail(needed: int) -> str:
    """Return the words for an interval that rests on too few samples of a heavy tail."""
    return f"heavy tail: interval too narrow, {needed} samples needed"
