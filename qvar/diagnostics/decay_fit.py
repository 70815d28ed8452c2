"""Decay of a variance with the size of the problem: exponential, as on a barren plateau, or a power law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.arguments import checked
from qvar.checks import real_array
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.goodness_of_fit import LEAST_ERROR, LawTest, law_test
from qvar.diagnostics.intervals import LEVEL, check_level
from qvar.errors import require
from qvar.short_repr import short_repr

Numbers: TypeAlias = Sequence[float] | FloatArray | IntArray

Law: TypeAlias = Literal["exponential", "power"]
r"""\(A e^{-b n}\) or \(A n^{-b}\)."""

LAWS: tuple[Law, Law] = ("exponential", "power")

Verdict: TypeAlias = Literal["exponential", "power", "neither", "undecided"]

DECISIVE = 4.0
"""Difference of AICc from which one law is preferred: the other then has "considerably less" support (Burnham and
Anderson), its likelihood is less than exp(-2) = 0.14 of the first one's."""

REJECTED = 0.05
"""A law is rejected if points that follow it would miss it as clearly in fewer cases, the rate of wrong verdicts."""

CLOSE, CLOSER = 0.02, 10.0
"""A law that all variances follow within 2 %, and 10 times closer than the other one, is preferred even if it is
rejected, because of corrections such as that of 1/(2^n + 1)."""

FEW_POINTS, FEW_POINTS_CLEARER = 5, 10.0
"""Without sampling errors, fewer points leave one degree of freedom: the misfit of one law must be 10 times larger."""

FITS = 0.2
"""A law fits if points that follow it miss it as clearly in at least this share of cases."""

LEAST_SIZES = 4
"""Distinct sizes needed for a verdict: two parameters and a scatter leave nothing of three."""

_FITTED_NUMBERS = (
    "prefactor", "power_prefactor", "delta_aic", "scatter", "power_scatter", "p_value", "power_p_value", "misfit",
    "power_misfit",
)  # fmt: skip
"""Fields of a `DecayFit` that are NaN without a fit."""


@short_repr()
@dataclass(frozen=True, eq=False, kw_only=True)
class DecayFit:
    r"""Two laws fitted to variances against size, and the verdict between them."""

    verdict: Verdict
    """The preferred law, `"neither"` if the variances follow none of the two, or `"undecided"`."""
    decays: bool
    """True if the interval of the rate, or of the exponent if that law is preferred, lies above 0."""
    rate: Estimate
    r"""b of \(A e^{-b n}\), for each unit of size, with its interval; `samples` is the number of points."""
    prefactor: float
    r"""A of \(A e^{-b n}\)."""
    exponent: Estimate
    r"""b of \(A n^{-b}\), with its interval; `samples` is the number of points."""
    power_prefactor: float
    r"""A of \(A n^{-b}\)."""
    delta_aic: float
    """AICc of the power law minus that of the exponential: positive if the exponential fits better; nan if unknown."""
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
    p_value: float
    """Probability that points of an exponential law miss it as clearly as these; nan if unknown."""
    power_p_value: float
    """The same of a power law."""
    misfit: float
    r"""Largest distance of \(\ln \mathrm{Var}\) from the exponential: 0.1 is ten percent."""
    power_misfit: float
    """The same from the power law."""
    sentence: str
    """Verdict with its reasons, for the report."""

    def variance_at(self, sizes: Numbers, *, law: Law = "exponential") -> FloatArray:
        """Return the fitted variances at some sizes, for a plot.

        Args:
            sizes: positive.
            law: one of the two fits.

        Raises:
            QvarError: if `law` is none of the two.
        """
        require(law in ("exponential", "power"), "law", "be 'exponential' or 'power'", law)
        n = np.asarray(sizes, dtype=float)
        if law == "power":
            return self.power_prefactor * n**-self.exponent.value
        return self.prefactor * np.exp(-self.rate.value * n)


@checked()
def fit_decay(
    sizes: Numbers,
    variances: Numbers,
    *,
    intervals: Any = None,
    errors: Numbers | None = None,
    level: float = LEVEL,
    size_name: str = "qubit",
) -> DecayFit:
    r"""Fit an exponential and a power law to variances against size, and decide between them.

    $$ \ln \mathrm{Var}_i = \ln A - b\, x_i + \epsilon_i, \qquad
       \epsilon_i \sim \mathcal{N}(0, s_i^2 + \tau^2), \qquad x = n \text{ or } \ln n $$

    \(s_i\) is the known sampling error of point i, \(\tau\) an estimated scatter common to all points, such as
    differences between even and odd sizes, which widens the intervals and weakens the verdict.

    Each law is tested for whether it fits, within \(\ln A - b\, n - c \ln n\), which holds both, and within the same
    with a term in \(\sqrt n\) or \(n^3\). If sampling errors are known and explain how the points scatter around the
    larger curve, the reduction of the misfit is compared with \(\chi^2\), else with Fisher's F, which estimates the
    scatter. A law is rejected below a probability of 0.05, so that the true one is rejected in about one of twenty
    cases, and fits above 0.2. If both are rejected, the verdict is `"neither"`; for that, errors that leave less than
    two degrees of freedom, or hardly explain the scatter, count as a part of it.

    The likelihoods, maximal in A, b and \(\tau\), are compared by Akaike's criterion with the correction for few
    points (AICc). Both laws have three parameters, so the difference is twice that of the log-likelihoods. A law is
    preferred if it fits, the other one is rejected, and the difference is at least 4. One that all variances follow
    within 2 %, and 10 times closer than the other, need not pass the test: \(1/(2^n + 1)\) is exponential. All verdicts
    need four different sizes. Everything else is `"undecided"`, and so is a variance that does not fall.
    `cases/interval_coverage.py` measures the rate of wrong verdicts.

    Intervals of b take Student's t with (points - 2) degrees of freedom, \(\tau\) of restricted maximum likelihood and
    the variance of Knapp and Hartung, at least that of the weights: without scatter they cover more often than `level`.
    Without sampling errors this is ordinary least squares.

    Burnham, Anderson, Sociol. Methods Res. 33, 261 (2004), https://doi.org/10.1177/0049124104268644; Knapp, Hartung,
    Stat. Med. 22, 2693 (2003), https://doi.org/10.1002/sim.1482.

    Args:
        sizes: positive sizes n such as numbers of qubits; may repeat.
        variances: one for each size. Those that are zero, negative or not finite are left out, and counted.
        intervals: (points, 2) intervals of the variances at confidence `level`, such as `GradientVariance.interval`
            rows or `Estimate.interval`; their widths on the logarithmic axis are the sampling errors.
        errors: standard errors of the variances, in place of intervals.
        level: confidence of the intervals, of arguments and results.
        size_name: unit of a size, for the sentence.

    Returns:
        Both fits and the verdict. With fewer than two sizes the numbers are nan, with two points their intervals are
        infinite.

    Raises:
        QvarError: if lengths differ, a size is not positive, or both or senseless errors are given.
    """
    level = check_level(level)
    n, v = (np.asarray(real_array(name, x, None)) for name, x in (("sizes", sizes), ("variances", variances)))
    require(n.ndim == 1, "sizes", "be a list of numbers", sizes)
    require(v.shape == n.shape, "variances", f"be a list of {len(n)} numbers, one for each size", variances)
    require(bool(np.all(np.isfinite(n)) and np.all(n > 0)), "sizes", "be positive", sizes)
    usable, has_errors = np.isfinite(v) & (v > 0), intervals is not None or errors is not None
    sampling = _sampling_errors(v, usable, intervals, errors, level)
    n, logarithms, sampling = n[usable], np.log(v[usable]), sampling[usable]
    n_sizes, n_dropped = len(np.unique(n)), int(np.count_nonzero(~usable))
    if n_sizes < 2:
        nothing = Estimate(math.nan, -math.inf, math.inf, len(n))
        usable_sizes = "is 1 usable size" if n_sizes == 1 else "is no usable size"
        sentence = f"Undecided: there {usable_sizes}, and a verdict needs {LEAST_SIZES}."
        return DecayFit(
            **dict.fromkeys(_FITTED_NUMBERS, math.nan),
            verdict="undecided",
            decays=False,
            rate=nothing,
            exponent=nothing,
            n_points=len(n),
            n_sizes=n_sizes,
            n_dropped=n_dropped,
            sentence=_with_dropped(sentence, n_dropped),
        )
    exponential, power = _fit(n, logarithms, sampling, level), _fit(np.log(n), logarithms, sampling, level)
    delta = 2 * (exponential.log_likelihood - power.log_likelihood)
    falls = (exponential if delta >= 0 else power).slope.low > 0
    known = sampling if has_errors else None
    tests = [
        law_test(n, logarithms, known, law) if n_sizes >= LEAST_SIZES else LawTest(math.nan, math.nan) for law in LAWS
    ]
    clearer = FEW_POINTS_CLEARER if known is None and len(n) < FEW_POINTS else 0.0
    verdict = _verdict(exponential, power, *tests, falls=falls, clearer=clearer)
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
        p_value=tests[0].careful,
        power_p_value=tests[1].careful,
        misfit=exponential.misfit,
        power_misfit=power.misfit,
        sentence="",
    )
    extent = f"over {_counted(len(n), 'point')} from {n.min():g} to {_counted(n.max(), size_name)}"
    return replace(fit, sentence=_with_dropped(_sentence(fit, extent, size_name, level), n_dropped))


@dataclass(frozen=True)
class _Line:
    """ln Var against x, fitted with a straight line."""

    slope: Estimate
    """b, positive if the variance falls."""
    prefactor: float
    scatter: float
    log_likelihood: float
    misfit: float


def _fit(x: FloatArray, y: FloatArray, sampling: FloatArray, level: float) -> _Line:
    from scipy.special import stdtrit

    squares = sampling**2 + LEAST_ERROR**2
    likeliest = 1 / (squares + _common_variance(x, y, squares, restricted=False))
    common = _common_variance(x, y, squares, restricted=True)
    weights = 1 / (squares + common)
    middle, height, slope, residuals = _line(x, y, weights)
    freedom, reach = len(x) - 2, math.inf
    if freedom > 0:
        excess = max(1.0, float(np.sum(weights * residuals**2)) / freedom)
        spread = float(np.sum(weights * (x - middle) ** 2))
        reach = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(excess / spread)
    b = -float(slope)
    return _Line(
        slope=Estimate(b, b - reach, b + reach, len(x)),
        prefactor=math.exp(float(height + b * middle)),
        scatter=math.sqrt(common),
        log_likelihood=-float(_deviance(x, y, likeliest, restricted=False)) / 2,
        misfit=float(np.max(np.abs(residuals))),
    )


def _verdict(
    exponential: _Line, power: _Line, test: LawTest, power_test: LawTest, *, falls: bool, clearer: float
) -> Verdict:
    delta = 2 * (exponential.log_likelihood - power.log_likelihood)
    lines, both = (exponential, power), (test, power_test)
    preferred, other = (0, 1) if delta >= 0 else (1, 0)
    decided = falls and abs(delta) >= DECISIVE and both[other].sampling < REJECTED
    close = lines[preferred].misfit <= min(CLOSE, lines[other].misfit / CLOSER)
    fits = both[preferred].sampling >= FITS and lines[preferred].misfit <= lines[other].misfit / max(clearer, 1e-9)
    if decided and (close or fits):
        return LAWS[preferred]
    return "neither" if max(test.careful, power_test.careful) < REJECTED else "undecided"


def _common_variance(x: FloatArray, y: FloatArray, squares: FloatArray, restricted: bool) -> float:
    """Return the tau^2 of the largest (restricted) likelihood, given known variances s^2."""
    if restricted and len(x) <= 2:
        return 0.0  # a line through two points leaves no scatter
    # the likelihood may have several maxima in tau: a scan, then the surroundings of the best three times finer
    largest = 4 * float(np.var(y)) + float(np.max(squares))
    grid, tau_squared = np.concatenate([[0.0], np.geomspace(LEAST_ERROR**2 / 100, largest, 60)]), 0.0
    for _ in range(4):
        best = int(np.argmin(_deviance(x, y, 1 / (squares + grid[:, None]), restricted)))
        tau_squared = float(grid[best])
        grid = np.linspace(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], 41)
    return tau_squared if tau_squared > LEAST_ERROR**2 else 0.0


def _deviance(x: FloatArray, y: FloatArray, weights: FloatArray, restricted: bool) -> Any:
    """Return -2 ln likelihood of the best line, up to a constant common to both laws; for each row of weights."""
    middle, _, _, residuals = _line(x, y, weights)
    value = np.sum(weights * residuals**2 - np.log(weights), axis=-1)
    if not restricted:
        return value
    spread = np.sum(weights * (x - middle[..., None]) ** 2, axis=-1)
    return value + np.log(np.sum(weights, axis=-1) * spread)


def _line(x: FloatArray, y: FloatArray, weights: FloatArray) -> tuple[Any, Any, Any, FloatArray]:
    """Fit a line for each row of weights: mean x, height there, slope, and residuals (..., points)."""
    share = weights / weights.sum(axis=-1, keepdims=True)
    middle, height = share @ x, share @ y
    away = x - middle[..., None]
    slope = np.sum(share * away * y, axis=-1) / np.sum(share * away**2, axis=-1)
    return middle, height, slope, y - height[..., None] - slope[..., None] * away


def _sampling_errors(v: FloatArray, usable: np.ndarray, intervals: Any, errors: Any, level: float) -> FloatArray:
    """Return standard errors of ln Var; 0 if unknown."""
    require(intervals is None or errors is None, "errors", "be left out if `intervals` is given", errors)
    sampling = np.zeros(len(v))
    if errors is not None:
        standard = np.asarray(real_array("errors", errors, None))
        require(standard.shape == v.shape, "errors", f"be a list of {len(v)} numbers", errors)
        good = np.isfinite(standard[usable]) & (standard[usable] >= 0)
        require(bool(good.all()), "errors", "be finite and not negative", errors)
        sampling[usable] = standard[usable] / v[usable]
    if intervals is not None:
        from scipy.special import ndtri

        ends = np.asarray(real_array("intervals", intervals, None))
        require(ends.shape == (len(v), 2), "intervals", f"have shape ({len(v)}, 2)", ends.shape)
        low, high, value = ends[usable, 0], ends[usable, 1], v[usable]
        good = np.isfinite(low) & np.isfinite(high) & (low <= high) & (high > 0)
        require(bool(good.all()), "intervals", "be finite, lower end first", intervals)
        # an end at zero or below is replaced by the other end
        above = np.log(np.maximum(high / value, 1.0))
        below = np.where(low > 0, np.log(np.maximum(value / np.where(low > 0, low, value), 1.0)), above)
        sampling[usable] = (above + below) / (2 * float(ndtri((1 + level) / 2)))
    return sampling


def _digits(number: float) -> str:
    """Format a number with three digits, zeros at the end included."""
    return f"{number:#.3g}".rstrip(".")


def _percent(misfit: float) -> str:
    """Return the ratio of a variance to a law in words, from the distance on the logarithmic axis."""
    return f"{100 * math.expm1(misfit):.2g} %" if misfit < 1 else f"a factor of {math.exp(misfit):.2g}"


def _counted(n: float, thing: str) -> str:
    return f"{n:g} {thing}" if n == 1 else f"{n:g} {thing}s"


def _with_dropped(sentence: str, n_dropped: int) -> str:
    if n_dropped == 0:
        return sentence
    left_out = "1 variance that is" if n_dropped == 1 else f"{n_dropped} variances that are"
    return f"{sentence} Left out: {left_out} not a positive number."


def _sentence(fit: DecayFit, extent: str, size_name: str, level: float) -> str:
    def law(formula: str, slope: Estimate) -> str:
        return f"{formula} with b = {_digits(slope.value)} [{_digits(slope.low)}, {_digits(slope.high)}]"

    exponential, power = law("A exp(-b n)", fit.rate), law("A n^-b", fit.exponent)
    intervals = f"{100 * level:g} % interval"
    by = f"{abs(fit.delta_aic):.1f}"
    if fit.verdict == "exponential":
        return (
            f"Exponential decay {extent}: the variance falls by a factor of {_digits(math.exp(fit.rate.value))} for "
            f"each {size_name}, {exponential} ({intervals}); AICc prefers it to a power law by {by}, {DECISIVE:g} "
            "decides."
        )
    misses = (
        f"the variances miss the exponential by up to {_percent(fit.misfit)} and the power law by up to "
        f"{_percent(fit.power_misfit)}"
    )
    chances = f"p = {fit.p_value:.2g} and {fit.power_p_value:.2g}"
    if fit.verdict == "neither":
        return (
            f"Neither an exponential nor a power law {extent}: {misses}, more than their scatter and errors explain "
            f"({chances}); {exponential}, or {power} ({intervals}s)."
        )
    if fit.verdict == "power":
        return (
            f"Power law {extent}: the variance falls as {power} ({intervals}); AICc prefers it to an exponential by "
            f"{by}, {DECISIVE:g} decides."
        )
    if fit.n_sizes < LEAST_SIZES:
        why = f"{fit.n_sizes} different sizes are too few, a verdict needs {LEAST_SIZES}"
    elif not fit.decays:
        why = "the variance is not seen to fall, its rate may be zero or negative"
    else:
        preferred = "the exponential" if fit.delta_aic >= 0 else "the power law"
        why = f"AICc prefers {preferred} by {by}"
        why += f" only, {DECISIVE:g} decides" if abs(fit.delta_aic) < DECISIVE else f", but {misses} ({chances})"
    return f"Undecided {extent}: {why}; {exponential}, or {power} ({intervals}s)."
