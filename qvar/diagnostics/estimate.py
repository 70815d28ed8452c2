"""Estimate: a number from samples that does not forget how sure it is."""

from __future__ import annotations


class Estimate(float):
    """A number estimated from random samples; reckons as a float, and knows its interval."""

    interval: tuple[float, float]
    """Lower and upper end at 95 % confidence, unless the function that made it says otherwise."""
    samples: int
    """How many samples it rests on."""
    floor: float | None
    """What sampling alone would give on average where the true number is zero; None where that is zero."""

    def __new__(cls, value: float, interval: tuple[float, float], samples: int, floor: float | None = None) -> Estimate:
        """An estimate from its value, its interval and the number of samples."""
        estimate = super().__new__(cls, value)
        estimate.interval = (float(interval[0]), float(interval[1]))
        estimate.samples = int(samples)
        estimate.floor = None if floor is None else float(floor)
        return estimate

    def __repr__(self) -> str:
        low, high = self.interval
        floor = "" if self.floor is None else f", floor {self.floor:.3g}"
        return f"{float(self):.6g} [{low:.3g}, {high:.3g}] ({self.samples} samples{floor})"

    __str__ = __repr__
