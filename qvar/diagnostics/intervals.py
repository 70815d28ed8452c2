"""Confidence intervals: studentized bootstrap for moments of samples, Wilson for shares."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.checks import counting_number, finite_number, real_array
from qvar.diagnostics.estimate import Estimate
from qvar.errors import require

LEVEL = 0.95
"""Confidence of every interval that qvar prints."""

RESAMPLES = 1000
"""Bootstrap samples: the ends of a 95 % interval rest on the 25 outermost on each side."""

DRAWN_SHARE = 1 / 3
"""Size of a bootstrap sample relative to the sample's; smaller samples show the effect of unseen heavy tails."""

MORE_DRAWN = 4
"""Number added to the size of a bootstrap sample, which matters to small samples only."""

EFFECTIVE_SAMPLES = 5.0
"""Effective samples below which an interval of a variance is too narrow."""

TAIL_INDEX = 0.5
"""Tail index of the squares below which an interval of a variance is too narrow."""

_FEW = 20
"""Samples below which the bootstrap has too few different draws: its interval alone covers 0.5 to 0.9 of 0.95."""

_ENOUGH = 12.0
"""Effective samples above which the tail index is meaningless: the squares have few different values."""

_COLUMN_BYTES = 1 << 26
"""Bytes of the resampled moments that are held at once."""


def check_level(level: float) -> float:
    """Return `level` as a `float`; raise `QvarError` unless it lies between 0 and 1."""
    number = finite_number("level", level)
    require(0 < number < 1, "level", "lie between 0 and 1", level)
    return number


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """Return an estimate times an exactly known factor of at least 0."""
    floor = None if estimate.floor is None else factor * estimate.floor
    value, low, high = (factor * number for number in (estimate.value, estimate.low, estimate.high))
    return replace(estimate, value=value, low=low, high=high, floor=floor)


class MomentIntervals(NamedTuple):
    """Intervals of the means and the variances of k columns, and the samples that the latter need."""

    means: FloatArray
    """(k, 2) lower and upper ends."""
    variances: FloatArray
    """(k, 2) lower and upper ends."""
    needed: FloatArray
    """(k,) number of rows needed for the interval of the variance at its confidence; 0 if there are enough."""


@checked("resamples")
def bootstrap_moments(
    values: Float[Array | np.ndarray, "n k"],
    *,
    key: jax.Array,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    group: int = 1,
) -> tuple[FloatArray, FloatArray]:
    r"""Compute studentized bootstrap intervals of the means and variances of columns of samples.

    The variance is the unbiased one. A bootstrap sample is m of the n rows, drawn with replacement, and gives

    $$ T = \frac{\ln v^* - \ln v}{s^*}, \qquad
       s^2 = \frac{1}{v^2} \Big[ \frac{\mu_4 - v^2}{n - 1} + \frac{2 v^2}{n (n - 1)} \Big], $$

    v the variance, s the standard error of its logarithm, \(\mu_4\) the fourth central moment, and an asterisk for the
    same of the bootstrap sample. The interval is \([v\, e^{-s T_{hi}}, v\, e^{-s T_{lo}}]\) with quantiles of T
    (bootstrap-t; Hall 1988). m is n / 3 + 4: samples with a heavy tail that are smaller than n miss its largest
    values as the sample itself misses those beyond (m out of n; Bickel, Götze, van Zwet 1997). For means, T is
    \((\bar x^* - \bar x) / s^*\), and each end is the farther one of this interval and of Student's; so is it for
    variances of fewer than 20 groups of rows, with the interval of \(\chi^2\) for normal samples.

    Time is n x k x resamples multiplications, memory resamples x n. `cases/interval_coverage.py` measures coverage.

    Hall, Ann. Statist. 16, 927 (1988), https://doi.org/10.1214/aos/1176350933; Bickel, Götze, van Zwet, Stat. Sin. 7,
    1 (1997).

    Args:
        values: (n, k) rows of samples, n at least 2; columns may depend on each other.
        key: JAX random key; calls with one key draw the same rows.
        level: confidence, between 0 and 1.
        resamples: number of bootstrap samples.
        group: number of consecutive rows that depend on each other, and are drawn together; divides n.

    Returns:
        Intervals of the means and of the variances, (k, 2) each.

    Raises:
        QvarError: if there are fewer than 2 groups, or a number is out of its range.
    """
    intervals = moment_intervals(key, values, level, resamples, group)
    return intervals.means, intervals.variances


def moment_intervals(
    key: jax.Array,
    values: Float[Array | np.ndarray, "n k"],
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    group: int = 1,
) -> MomentIntervals:
    r"""Compute the intervals of `bootstrap_moments`, and the number of samples that those of the variances need.

    More are needed if few samples dominate the variance. With squares \(w_i = (x_i - \bar x)^2\), the number of
    effective samples is \((\sum_i w_i)^2 / \sum_i w_i^2\), and the tail index is Hill's from the \(\sqrt n\) largest
    squares; intervals cover less than about 0.93 if the one is below 5 or the other below 0.5. The number of samples
    is extrapolated from the growth of both with n.

    Hill, Ann. Statist. 3, 1163 (1975), https://doi.org/10.1214/aos/1176343247.
    """
    rows = np.asarray(real_array("values", values, ("n", "k")))
    n, k = rows.shape
    level, resamples = check_level(level), counting_number("resamples", resamples, bytes_each=2 * 8 * max(1, n))
    require(group >= 1 and n % group == 0, "group", f"divide the {n} rows", group)
    n_groups = n // group
    require(n_groups >= 2, "values", "hold at least 2 independent rows", n_groups)
    rows = np.asarray(rows, dtype=float)  # in NumPy: there is nothing to compile for every number of columns
    centre = rows.mean(axis=0)
    weights, drawn = _bootstrap_weights(key, n_groups, resamples)
    width = max(1, _COLUMN_BYTES // (8 * resamples))
    parts = [MomentIntervals(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))]
    for start in range(0, k, width):
        columns = slice(start, start + width)
        parts.append(_column_intervals(weights, drawn, rows[:, columns] - centre[columns], level, group))
    means, variances, needed = (np.concatenate(ends) for ends in zip(*parts, strict=True))
    return MomentIntervals(means + centre[:, None], variances, needed)


def mean_estimates(key: jax.Array, samples: Any, level: float = LEVEL) -> tuple[Estimate, ...]:
    """Return the means of columns (n, k) of independent samples with the intervals of `bootstrap_moments`."""
    rows = np.asarray(samples, dtype=float)
    means, ends = rows.mean(axis=0), moment_intervals(key, rows, level).means
    needed = [samples_needed(np.abs(column)) for column in (rows - means).T]
    return tuple(
        Estimate(mean, min(low, mean), max(high, mean), len(rows), needed=number)  # equal samples differ by rounding
        for mean, (low, high), number in zip(means, ends, needed, strict=True)
    )


def average_variance(
    key: jax.Array, samples: Float[Array | np.ndarray, "n k"], level: float = LEVEL, group: int = 1
) -> Estimate:
    """Return the average of the unbiased variances of columns, with an interval.

    The interval is that of `bootstrap_moments` for one variance, of squares that are averaged over the columns, which
    may depend on each other.
    """
    rows = np.asarray(samples, dtype=float)
    n, n_groups = len(rows), len(rows) // group
    centred = rows - rows.mean(axis=0)
    squares = np.mean(centred**2, axis=1).reshape(n_groups, group, 1).mean(axis=1)
    value = float(squares.mean()) * n / (n - 1)
    weights, drawn = _bootstrap_weights(key, n_groups, RESAMPLES)
    scale = squares.max(axis=0)
    unit = squares / np.where(scale > 0, scale, 1.0)
    zeros = np.zeros_like(unit)
    whole = _variance(np.full((1, n_groups), 1 / n_groups), n_groups, zeros, unit)
    ends, growth = _logarithmic_ends(whole, _variance(weights, drawn, zeros, unit), n_groups, drawn, level)
    needed = float(_needed(unit, growth)[0]) * group
    low, high = (ends * (scale * n / (n - 1))[:, None])[0]
    return Estimate(value, low, high, n, needed=int(needed) or None)


def student_ends(
    value: Any, error: Any, n: int, resampled: Any, resampled_error: Any, drawn: int, level: float
) -> FloatArray:
    r"""Return the farther ends of a studentized bootstrap interval and of Student's.

    Of k values with standard errors from n independent samples, and of bootstrapped ones, (resamples, k), each of
    `drawn` samples. Lower and upper ends, (k, 2).
    """
    from scipy.special import stdtrit

    quantiles = [(1 - level) / 2, (1 + level) / 2]
    # a draw of equal samples has no error
    errors = np.maximum(resampled_error, error * math.sqrt(n / drawn / (drawn + 1)))
    ratio = np.divide(resampled - value, errors, out=np.zeros_like(resampled), where=errors > 0)
    low, high = np.quantile(ratio, quantiles, axis=0)
    reach = float(stdtrit(n - 1, (1 + level) / 2))
    return np.stack([value - np.maximum(high, reach) * error, value - np.minimum(low, -reach) * error], axis=-1)


def draws(key: jax.Array, n: int, resamples: int) -> np.ndarray:
    """Return bootstrap samples of n things, as indices (resamples, m), m a third of n and 4."""
    drawn = min(n, math.ceil(DRAWN_SHARE * n) + MORE_DRAWN)
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)))  # nothing to compile for every n
    return generator.integers(0, n, (resamples, drawn))


def samples_needed(weights: FloatArray) -> int | None:
    """Return how many samples a mean of n positive numbers needs for its interval to hold; None if n are enough."""
    return int(_needed(weights[:, None], np.full(1, 0.5))[0]) or None


def _bootstrap_weights(key: jax.Array, n: int, resamples: int) -> tuple[FloatArray, int]:
    """Return (resamples, n) shares of each group in each bootstrap sample, and how many are drawn."""
    chosen = draws(key, n, resamples)
    places = chosen + n * np.arange(resamples)[:, None]
    counts = np.bincount(places.ravel(), minlength=n * resamples).reshape(resamples, n)
    return counts / chosen.shape[1], chosen.shape[1]


def _column_intervals(
    weights: FloatArray, drawn: int, centred: FloatArray, level: float, group: int
) -> MomentIntervals:
    """Return intervals of centred columns; the means' relative to the centre."""
    n_groups = weights.shape[1]
    scale = np.abs(centred).max(axis=0)  # fourth powers of small numbers underflow
    unit = centred / np.where(scale > 0, scale, 1.0)
    grouped = unit.reshape(n_groups, group, -1)
    sums, squares = grouped.mean(axis=1), (grouped**2).mean(axis=1)
    everything = np.full((1, n_groups), 1 / n_groups)
    whole = _variance(everything, n_groups, sums, squares)
    resampled = _variance(weights, drawn, sums, squares)
    ends, growth = _logarithmic_ends(whole, resampled, n_groups, drawn, level)
    # from the variance without the bias of n groups to the unbiased one of independent rows
    rows = n_groups * group
    plain = (squares.mean(axis=0) - whole.mean[0] ** 2) * rows / (rows - 1)
    ends = ends * (plain / np.where(whole.variance[0] > 0, whole.variance[0], 1.0))[:, None]
    errors = np.sqrt(whole.mean_error[0]), n_groups, resampled.mean, np.sqrt(resampled.mean_error), drawn
    means = student_ends(whole.mean[0], *errors, level)
    return MomentIntervals(means * scale[:, None], ends * scale[:, None] ** 2, _needed(squares, growth) * group)


class _Moments(NamedTuple):
    """Moments of columns for each row of weights, (rows, k) each."""

    mean: FloatArray
    mean_error: FloatArray
    """Squared standard error of the mean."""
    variance: FloatArray
    error: FloatArray
    """Squared standard error of the variance."""
    center_error: FloatArray
    """The part of it that comes from the mean, and stays if all squares are equal."""


def _variance(weights: FloatArray, drawn: int, sums: FloatArray, squares: FloatArray) -> _Moments:
    """Return moments from the means (groups, k) over groups of x and of x squared; `drawn` groups have a weight."""
    mean, square, products = weights @ sums, weights @ squares, weights @ sums**2
    spread = np.maximum(products - mean**2, 0.0)
    # the variance follows square - 2 mean x at each group
    mixed = weights @ squares**2 - 4 * mean * (weights @ (squares * sums)) + 4 * mean**2 * products
    scatter = np.maximum(mixed - (square - 2 * mean**2) ** 2, 0.0)
    return _Moments(
        mean=mean,
        mean_error=spread / (drawn - 1),
        variance=np.maximum(square - mean**2, 0.0) + spread / (drawn - 1),
        error=(scatter + 2 * spread**2 / drawn) / (drawn - 1),
        center_error=2 * spread**2 / (drawn * (drawn - 1)),
    )


def _logarithmic_ends(
    whole: _Moments, resampled: _Moments, n: int, drawn: int, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return ends (k, 2) of variances by T on the logarithm, and powers of n with which their kurtosis grows, (k,)."""
    from scipy.special import chdtri, ndtri

    value, present = whole.variance[0], whole.variance[0] > 0
    safe = np.where(present, value, 1.0)
    error = whole.error[0] / safe**2
    # draws of equal rows have no variance and no error: keep both at the resolution of a draw
    values = np.maximum(resampled.variance, safe / (drawn + 1))
    errors = np.maximum(resampled.error / values**2, error * n / drawn / (drawn + 1))
    ratio = np.divide(np.log(values / safe), np.sqrt(errors), out=np.zeros_like(values), where=errors > 0)
    low, high = np.quantile(ratio, [(1 - level) / 2, (1 + level) / 2], axis=0)
    reach, least = np.sqrt(error), float(ndtri((1 + level) / 2)) * np.sqrt(whole.center_error[0]) / safe
    low, high = np.minimum(low * reach, -least), np.maximum(high * reach, least)
    if n < _FEW:
        normal = np.log(chdtri(n - 1, [(1 + level) / 2, (1 - level) / 2]) / (n - 1))
        low, high = np.minimum(low, normal[0]), np.maximum(high, normal[1])
    ends = np.stack([safe * np.exp(-high), safe * np.exp(-low)], axis=-1)
    kurtosis, smaller = 1 + n * error, 1 + drawn * np.median(errors, axis=0)
    growth = np.log(kurtosis / smaller) / math.log(n / drawn) if drawn < n else np.ones_like(kurtosis)
    return np.where(present[:, None], ends, 0.0), growth


def _needed(squares: FloatArray, growth: FloatArray) -> FloatArray:
    """Return the number of groups needed for intervals of their mean, (k,); 0 if the (groups, k) squares are enough."""
    n = len(squares)
    tail = min(n - 1, max(3, round(math.sqrt(n))))
    largest = -np.partition(-squares, tail, axis=0)[: tail + 1]  # the last of them is the smallest
    total = squares.sum(axis=0)
    effective = total**2 / np.where(total > 0, (squares**2).sum(axis=0), 1.0)
    logarithms = np.log(np.maximum(largest, np.finfo(float).tiny))
    index = 1 / np.maximum((logarithms[:tail] - logarithms[tail]).mean(axis=0), 1e-9)
    few = effective < min(EFFECTIVE_SAMPLES, n / 5)
    heavy = (index < TAIL_INDEX) & (effective < _ENOUGH)
    # effective samples grow as n^(1 - growth), the tail index of products of factors about as n^(1/8)
    by_effective = (EFFECTIVE_SAMPLES / np.maximum(effective, 1.0)) ** (1 / (1 - np.clip(growth, 0.0, 0.75)))
    by_index = (TAIL_INDEX / index) ** 8
    factor = np.maximum(np.maximum(np.where(few, by_effective, 1.0), np.where(heavy, by_index, 1.0)), 1.5)
    needed = n * np.minimum(factor, 1e6)
    rounded = np.ceil(needed / 10 ** np.floor(np.log10(needed))) * 10 ** np.floor(np.log10(needed))
    return np.where((total > 0) & (few | heavy), rounded, 0.0)


@checked()
def wilson_interval(successes: int, trials: int, *, level: float = LEVEL) -> tuple[float, float]:
    r"""Return Wilson's score interval of a probability of success.

    $$ \frac{\hat p + z^2/2n \pm z \sqrt{\hat p (1 - \hat p)/n + z^2/4n^2}}{1 + z^2/n} $$

    Wilson, J. Am. Stat. Assoc. 22, 209 (1927), https://doi.org/10.1080/01621459.1927.10502953.

    Args:
        successes: number of successes.
        trials: number of trials; with 0 trials the interval is all of [0, 1].
        level: confidence, between 0 and 1.

    Returns:
        Lower and upper end, within [0, 1].

    Raises:
        QvarError: if there are fewer trials than successes, a number is negative, or `level` is out of its range.
    """
    level = check_level(level)
    require(successes >= 0, "successes", "not be negative", successes)
    require(trials >= successes, "trials", f"be at least the {successes} successes", trials)
    if trials == 0:
        return 0.0, 1.0
    from scipy.special import ndtri

    z, share = float(ndtri((1 + level) / 2)), successes / trials
    middle = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    low, high = (middle - reach) / (1 + z * z / trials), (middle + reach) / (1 + z * z / trials)
    return (0.0 if successes == 0 else low), (1.0 if successes == trials else high)
