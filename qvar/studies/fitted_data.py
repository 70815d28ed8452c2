"""Data that models are fitted to: simulated with noise from exact values, or measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from qvar._types import FloatArray
from qvar.arguments import check_fields
from qvar.checks import real_numbers, whole_numbers
from qvar.engines.likelihoods import model_inputs, noise_levels
from qvar.errors import QvarError, require
from qvar.short_repr import short_repr


class Sample(NamedTuple):
    """One repetition of the data."""

    y: FloatArray
    """(n,) values, or counts."""
    noise: FloatArray | None
    """(n,) standard deviations; None for counts."""
    weights: FloatArray
    """(n,) number of times that each value counts."""
    scale: float
    """Mean number of counts of a prediction of 1; 1 if the values are no counts."""


@short_repr("levels", "level_name")
@dataclass(frozen=True, eq=False)
class SimulatedData:
    r"""Exact values with simulated noise, which falls as more is measured.

    Repetition s of level N is drawn from the numbers (s, N) alone, so that all models see the same noise:

    - with standard deviations \(\sigma_i\): Gaussian noise of standard deviation \(\sigma_i / \sqrt N\), as of N shots;
    - with `noise="poisson"`: counts of mean N times the exact value, which a model predicts without the factor N.
    """

    inputs: Any
    """Inputs x of the models, an array or a dictionary of arrays."""
    truth: Any
    """(n,) exact values."""
    _: KW_ONLY
    noise: Any
    """Standard deviation of one measurement of each value, a number or (n,); or `"poisson"`."""
    levels: Sequence[int]
    """Different numbers of measurements or shots; of counts, factors."""
    level_name: str = "shots"
    """Word for the levels in the report."""
    quantities: Mapping[str, float] = field(default_factory=dict)
    """Exact values of quantities of the models, by name."""
    groups: Any = None
    """(n,) integer labels of values that belong together and are left out together for `group_error`; none if None."""
    test: Any = None
    """(inputs, truth) of other values, for `test_error`; the fitted ones serve if None."""
    coordinate: Any = None
    """(n,) numbers for the horizontal axis of the plot of fits; the inputs if None and they are one number each."""
    axis: str = "x"
    """Name of that axis, with its unit."""

    def __post_init__(self) -> None:
        check_fields(self)
        truth = _checked(self)
        if isinstance(self.noise, str):
            require(self.noise == "poisson", "noise", "be numbers or 'poisson'", self.noise)
            require(bool(np.all(truth > 0)), "truth", "be positive for Poisson noise", self.truth)
        else:
            noise_levels(self.noise, truth)
        levels = whole_numbers("levels", self.levels)
        good = len(levels) > 0 and min(levels) >= 1 and len(set(levels)) == len(levels)
        require(good, "levels", "hold different positive integers", self.levels)

    @property
    def values(self) -> FloatArray:
        """(n,) exact values."""
        return np.asarray(self.truth, float)

    def sample(self, repetition: int, level: int) -> Sample:
        """Return the data of one repetition."""
        random, truth = np.random.default_rng([repetition, level]), self.values
        if isinstance(self.noise, str):
            return Sample(random.poisson(level * truth).astype(float), None, np.ones(len(truth)), float(level))
        noise = noise_levels(self.noise, truth) / np.sqrt(level)
        return Sample(truth + noise * random.standard_normal(noise.shape), noise, np.ones(len(truth)), 1.0)


@short_repr()
@dataclass(frozen=True, eq=False)
class MeasuredData:
    r"""Measured values with a noise level.

    Repetition 0 is the data as measured. Each further one is a bootstrap sample of pairs: n of the n values, drawn with
    replacement from each group, as whole-numbered weights; `test_error` is the error at the values that were not drawn,
    about 37 %. It supposes no model to be right, as residuals and parametric samples would. A value that was drawn
    twice is in one fold.

    Efron, Tibshirani, J. Am. Stat. Assoc. 92, 548 (1997), https://doi.org/10.1080/01621459.1997.10474007.
    """

    inputs: Any
    """Inputs x of the models, an array or a dictionary of arrays."""
    y: Any
    """(n,) measured values."""
    _: KW_ONLY
    noise: Any
    """Standard deviation of each value, a number or (n,)."""
    groups: Any = None
    """(n,) integer labels of values that belong together and are left out together for `group_error`; none if None."""
    test: Any = None
    """(inputs, values) of other measurements, for `test_error`; the values that were not drawn if None."""
    coordinate: Any = None
    """(n,) numbers for the horizontal axis of the plot of fits; the inputs if None and they are one number each."""
    axis: str = "x"
    """Name of that axis, with its unit."""

    levels = (1,)
    level_name = ""
    quantities: ClassVar[Mapping[str, float]] = {}

    def __post_init__(self) -> None:
        check_fields(self)
        noise_levels(self.noise, _checked(self))

    @property
    def values(self) -> FloatArray:
        """(n,) measured values."""
        return np.asarray(self.y, float)

    def sample(self, repetition: int, level: int) -> Sample:
        """Return the data of one repetition; `level` is 1."""
        y = self.values
        weights, random = np.ones(len(y)), np.random.default_rng([repetition, level])
        if repetition > 0:
            labels = np.zeros(len(y), int) if self.groups is None else np.asarray(self.groups)
            drawn = [random.choice(np.flatnonzero(labels == label), np.sum(labels == label)) for label in set(labels)]
            weights = np.bincount(np.concatenate(drawn), minlength=len(y)).astype(float)
        return Sample(y, noise_levels(self.noise, y), weights, 1.0)


FittedData = SimulatedData | MeasuredData
"""Data of a `qvar.Selection`."""


def drawn_against(data: FittedData) -> FloatArray | None:
    """Return the numbers of the horizontal axis of a plot of fits; None if the inputs are several numbers each."""
    if data.coordinate is not None:
        return np.asarray(data.coordinate, float)
    x = data.inputs
    numbers = None if isinstance(x, dict) else np.asarray(x, float)
    return numbers if numbers is not None and numbers.shape == data.values.shape else None


def _checked(data: FittedData) -> FloatArray:
    """Return the values after a check of what both kinds of data have."""
    name = "truth" if isinstance(data, SimulatedData) else "y"
    values = real_numbers(name, getattr(data, name), ("n",), finite=True)
    require(len(values) > 1, name, "hold at least two values", getattr(data, name))
    model_inputs("inputs", data.inputs)
    if data.coordinate is not None:
        real_numbers("coordinate", data.coordinate, values.shape, finite=True)
    if data.groups is not None:
        labels = whole_numbers("groups", data.groups)
        good = len(labels) == len(values) and len(set(labels)) > 1
        require(good, "groups", f"be {len(values)} labels of at least two groups", data.groups)
    if data.test is not None:
        if not isinstance(data.test, tuple | list) or len(data.test) != 2:
            raise QvarError("`test` must be (inputs, values), but is no pair.")
        model_inputs("test[0]", data.test[0])
        real_numbers("test[1]", data.test[1], ("m",), finite=True)
    return values
