"""How fast a variance falls with the size of the problem: exponentially, as on a barren plateau, or as a power law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import LEVEL, check_level
from qvar.errors import require
from qvar.short_repr import short_repr

Numbers: TypeAlias = Sequence[float] | FloatArray | IntArray

Law: TypeAlias = Literal["exponential", "power"]
r"""\(A e^{-b n}\) or \(A n^{-b}\)."""

Verdict: TypeAlias = Literal["exponential", "power", "undecided"]

DECISIVE = 4.0
"""Difference of AICc from which one law is preferred: the other then has "considerably less" support (Burnham and
Anderson), its likelihood is less than exp(-2) = 0.14 of the first one's."""

LEAST_SIZES = 4
"""Distinct sizes from which a verdict is given: two parameters and a scatter leave nothing of three."""

_LEAST_ERROR = 1e-6
"""Relative error that every variance has at least, so that exact laws have a finite likelihood."""


@short_repr()
@dataclass(frozen=True, eq=False)
class DecayFit:
    r"""Two laws fitted to variances against size, and which of them the variances speak for."""

    verdict: Verdict
    """The law that is preferred, or `"undecided"`."""
    decays: bool
    """Whether the variance falls at all: the interval of the rate, or of the exponent where that law is preferred, lies
    above 0."""
    rate: Estimate
    r"""b of \(A e^{-b n}\), for each unit of size, with its interval; `samples` is the number of points."""
    prefactor: float
    r"""A of \(A e^{-b n}\)."""
    exponent: Estimate
    r"""b of \(A n^{-b}\), with its interval; `samples` is the number of points."""
    power_prefactor: float
    r"""A of \(A n^{-b}\)."""
    delta_aic: float
    """AICc of the power law minus that of the exponential: positive speaks for the exponential. nan where it cannot be
    told."""
    n_points: int
    """Number of variances that were fitted."""
    n_sizes: int
    """Number of different sizes among them."""
    n_dropped: int
    """Number of variances left out because they were zero, negative or not finite."""
    scatter: float
    r"""Standard deviation of \(\ln \mathrm{Var}\) around the exponential beyond sampling errors: 0.1 is ten percent."""
    power_scatter: float
    """The same around the power law."""
    sentence: str
    """Verdict and why, for a reader who does not know the code."""

    def variance_at(self, sizes: Numbers, law: Law = "exponential") -> FloatArray:
        """The fitted variances at some sizes, to be drawn.

        Args:
            sizes: positive.
            law: which of the two fits.

        Raises:
            QvarError: if `law` is none of the two.
        """
        require(law in ("exponential", "power"), "law", "be 'exponential' or 'power'", law)
        n = np.asarray(sizes, dtype=float)
        if law == "power":
            return self.power_prefactor * n ** -float(self.exponent)
        return self.prefactor * np.exp(-float(self.rate) * n)


def fit_decay(
    sizes: Numbers,
    variances: Numbers,
    intervals: Any = None,
    *,
    errors: Numbers | None = None,
    level: float = LEVEL,
    size_name: str = "qubit",
) -> DecayFit:
    r"""Fits an exponential and a power law to variances against size, and decides between them.

    $$ \ln \mathrm{Var}_i = \ln A - b\, x_i + \epsilon_i, \qquad
       \epsilon_i \sim \mathcal{N}(0, s_i^2 + \tau^2), \qquad x = n \text{ or } \ln n $$

    \(s_i\) is the known sampling error of point i, \(\tau\) a scatter that all points share and that is estimated: what
    is not sampling error, such as differences between even and odd sizes, widens the intervals and weakens the verdict.

    The likelihoods, maximal in A, b and \(\tau\), are compared by Akaike's criterion with the correction for few
    points (AICc). Both laws have three parameters, so the difference is twice that of the log-likelihoods. One law is
    preferred from a difference of 4 and from four different sizes; less is `"undecided"`, and so is a variance that
    does not fall. In simulations with five sizes up to 7 % of the fits came to the wrong verdict where the two laws
    differ by no more than the scatter, and below 1 % where they differ by more.

    Intervals of b take Student's t with (points - 2) degrees of freedom, \(\tau\) of restricted maximum likelihood and
    the variance of Knapp and Hartung, which is not let fall below that of the weights: they cover more often than
    `level` says where there is no scatter. Without sampling errors this is ordinary least squares.

    Burnham, Anderson, Sociol. Methods Res. 33, 261 (2004), https://doi.org/10.1177/0049124104268644; Knapp, Hartung,
    Stat. Med. 22, 2693 (2003), https://doi.org/10.1002/sim.1482.

    Args:
        sizes: positive sizes n such as numbers of qubits; may repeat.
        variances: as many variances. Those that are zero, negative or not finite are left out, and counted.
        intervals: (points, 2) intervals of the variances at confidence `level`, such as `GradientVariance.interval`
            rows or `Estimate.interval`; their widths on the logarithmic axis are the sampling errors.
        errors: standard errors of the variances, in place of intervals.
        level: confidence of the intervals that come in and of those that go out.
        size_name: what a size counts, for the sentence.

    Returns:
        Both fits and the verdict. With fewer than two sizes the numbers are nan, with two points their intervals are
        infinite.

    Raises:
        QvarError: if lengths differ, a size is not positive, or both or senseless errors are given.
    """
    level = check_level(level)
    n, v = np.asarray(sizes, dtype=float), np.asarray(variances, dtype=float)
    require(n.ndim == 1, "sizes", "be a list of numbers", sizes)
    require(v.shape == n.shape, "variances", f"be a list of {len(n)} numbers, one for each size", variances)
    require(bool(np.all(np.isfinite(n)) and np.all(n > 0)), "sizes", "be positive", sizes)
    usable = np.isfinite(v) & (v > 0)
    sampling = _sampling_errors(v, usable, intervals, errors, level)
    n, logarithms, sampling = n[usable], np.log(v[usable]), sampling[usable]
    n_sizes, n_dropped = len(np.unique(n)), int(np.count_nonzero(~usable))
    if n_sizes < 2:
        nothing = Estimate(math.nan, (-math.inf, math.inf), len(n))
        found = "is 1 usable size" if n_sizes == 1 else "is no usable size"
        sentence = f"Undecided: there {found}, and a verdict needs {LEAST_SIZES}."
        return DecayFit(
            "undecided", False, nothing, math.nan, nothing, math.nan, math.nan, len(n), n_sizes, n_dropped, math.nan,
            math.nan, _with_dropped(sentence, n_dropped),
        )  # fmt: skip
    exponential, power = _fit(n, logarithms, sampling, level), _fit(np.log(n), logarithms, sampling, level)
    delta = 2 * (exponential.log_likelihood - power.log_likelihood)
    falls = (exponential if delta >= 0 else power).slope.interval[0] > 0
    verdict: Verdict = "undecided"
    if falls and abs(delta) >= DECISIVE and n_sizes >= LEAST_SIZES:
        verdict = "exponential" if delta > 0 else "power"
    fit = DecayFit(
        verdict=verdict,
        decays=falls,
        rate=exponential.slope,
        prefactor=exponential.prefactor,
        exponent=power.slope,
        power_prefactor=power.prefactor,
        delta_aic=delta,
        n_points=len(n),
        n_sizes=n_sizes,
        n_dropped=n_dropped,
        scatter=exponential.scatter,
        power_scatter=power.scatter,
        sentence="",
    )
    where = f"over {_counted(len(n), 'point')} from {n.min():g} to {_counted(n.max(), size_name)}"
    return replace(fit, sentence=_with_dropped(_sentence(fit, where, size_name, level), n_dropped))


@dataclass(frozen=True)
class _Line:
    """ln Var against x, fitted with a straight line."""

    slope: Estimate
    """b, positive where the variance falls."""
    prefactor: float
    scatter: float
    log_likelihood: float


def _fit(x: FloatArray, y: FloatArray, sampling: FloatArray, level: float) -> _Line:
    from scipy.stats import t

    squares = sampling**2 + _LEAST_ERROR**2
    likeliest = 1 / (squares + _common_variance(x, y, squares, restricted=False))
    common = _common_variance(x, y, squares, restricted=True)
    weights = 1 / (squares + common)
    middle, height, slope, residuals = _line(x, y, weights)
    freedom, reach = len(x) - 2, math.inf
    if freedom > 0:
        excess = max(1.0, float(np.sum(weights * residuals**2)) / freedom)
        spread = float(np.sum(weights * (x - middle) ** 2))
        reach = float(t.ppf((1 + level) / 2, freedom)) * math.sqrt(excess / spread)
    b = -float(slope)
    return _Line(
        slope=Estimate(b, (b - reach, b + reach), len(x)),
        prefactor=math.exp(float(height + b * middle)),
        scatter=math.sqrt(common),
        log_likelihood=-float(_deviance(x, y, likeliest, restricted=False)) / 2,
    )


def _common_variance(x: FloatArray, y: FloatArray, squares: FloatArray, restricted: bool) -> float:
    """The tau^2 of the largest (restricted) likelihood, beside known variances s^2."""
    if restricted and len(x) <= 2:
        return 0.0  # a line through two points leaves no scatter
    # the likelihood may have several maxima in tau: a scan, then the surroundings of the best three times finer
    largest = 4 * float(np.var(y)) + float(np.max(squares))
    grid, tau_squared = np.concatenate([[0.0], np.geomspace(_LEAST_ERROR**2 / 100, largest, 60)]), 0.0
    for _ in range(4):
        best = int(np.argmin(_deviance(x, y, 1 / (squares + grid[:, None]), restricted)))
        tau_squared = float(grid[best])
        grid = np.linspace(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], 41)
    return tau_squared if tau_squared > _LEAST_ERROR**2 else 0.0


def _deviance(x: FloatArray, y: FloatArray, weights: FloatArray, restricted: bool) -> Any:
    """-2 ln likelihood of the best line, up to a constant that is the same for both laws; for each row of weights."""
    middle, _, _, residuals = _line(x, y, weights)
    value = np.sum(weights * residuals**2 - np.log(weights), axis=-1)
    if not restricted:
        return value
    spread = np.sum(weights * (x - middle[..., None]) ** 2, axis=-1)
    return value + np.log(np.sum(weights, axis=-1) * spread)


def _line(x: FloatArray, y: FloatArray, weights: FloatArray) -> tuple[Any, Any, Any, FloatArray]:
    """Weighted least squares, for each row of weights: mean x, height there, slope, and residuals (..., points)."""
    share = weights / weights.sum(axis=-1, keepdims=True)
    middle, height = share @ x, share @ y
    away = x - middle[..., None]
    slope = np.sum(share * away * y, axis=-1) / np.sum(share * away**2, axis=-1)
    return middle, height, slope, y - height[..., None] - slope[..., None] * away


def _sampling_errors(v: FloatArray, usable: np.ndarray, intervals: Any, errors: Any, level: float) -> FloatArray:
    """Standard errors of ln Var; 0 where nothing is known."""
    require(intervals is None or errors is None, "errors", "be left out where `intervals` is given", errors)
    sampling = np.zeros(len(v))
    if errors is not None:
        given = np.asarray(errors, dtype=float)
        require(given.shape == v.shape, "errors", f"be a list of {len(v)} numbers", errors)
        good = np.isfinite(given[usable]) & (given[usable] >= 0)
        require(bool(good.all()), "errors", "be finite and not negative", errors)
        sampling[usable] = given[usable] / v[usable]
    if intervals is not None:
        from scipy.stats import norm

        ends = np.asarray(intervals, dtype=float)
        require(ends.shape == (len(v), 2), "intervals", f"have shape ({len(v)}, 2)", ends.shape)
        low, high, value = ends[usable, 0], ends[usable, 1], v[usable]
        good = np.isfinite(low) & np.isfinite(high) & (low <= high) & (high > 0)
        require(bool(good.all()), "intervals", "be finite, lower end first", intervals)
        # an end at zero or below says as much as the other end
        above = np.log(np.maximum(high / value, 1.0))
        below = np.where(low > 0, np.log(np.maximum(value / np.where(low > 0, low, value), 1.0)), above)
        sampling[usable] = (above + below) / (2 * float(norm.ppf((1 + level) / 2)))
    return sampling


def _counted(n: float, thing: str) -> str:
    return f"{n:g} {thing}" if n == 1 else f"{n:g} {thing}s"


def _with_dropped(sentence: str, n_dropped: int) -> str:
    if n_dropped == 0:
        return sentence
    left_out = "1 variance that is" if n_dropped == 1 else f"{n_dropped} variances that are"
    return f"{sentence} Left out: {left_out} not a positive number."


def _sentence(fit: DecayFit, where: str, size_name: str, level: float) -> str:
    def law(formula: str, slope: Estimate) -> str:
        low, high = slope.interval
        return f"{formula} with b = {float(slope):.3g} [{low:.3g}, {high:.3g}]"

    exponential, power = law("A exp(-b n)", fit.rate), law("A n^-b", fit.exponent)
    intervals = f"{100 * level:g} % interval"
    by = f"{abs(fit.delta_aic):.1f}"
    if fit.verdict == "exponential":
        return (
            f"Exponential decay {where}: the variance falls by a factor of {math.exp(float(fit.rate)):.3g} for each "
            f"{size_name}, {exponential} ({intervals}); AICc prefers it to a power law by {by}, {DECISIVE:g} decides."
        )
    if fit.verdict == "power":
        return (
            f"Power law {where}: the variance falls as {power} ({intervals}); AICc prefers it to an exponential by "
            f"{by}, {DECISIVE:g} decides."
        )
    if fit.n_sizes < LEAST_SIZES:
        why = f"{fit.n_sizes} different sizes are too few, a verdict needs {LEAST_SIZES}"
    elif not fit.decays:
        why = "the variance is not seen to fall, its rate may be zero or negative"
    else:
        preferred = "the exponential" if fit.delta_aic >= 0 else "the power law"
        why = f"AICc prefers {preferred} by {by} only, {DECISIVE:g} decides"
    return f"Undecided {where}: {why}; {exponential}, or {power} ({intervals}s)."
