"""Confidence intervals: bootstrap for moments of samples, Wilson for shares."""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray
from qvar.checks import counting_number, finite_number, whole_number
from qvar.diagnostics.estimate import Estimate
from qvar.errors import require

LEVEL = 0.95
"""Confidence of every interval that qvar prints."""

RESAMPLES = 1000
"""Bootstrap samples: the ends of a 95 % interval rest on the 25 outermost on each side."""

_COLUMN_BYTES = 1 << 26
"""Resampled moments of so many columns are held at once."""


def check_level(level: float) -> float:
    """`level` as a `float`; raises `QvarError` unless it lies between 0 and 1."""
    number = finite_number("level", level)
    require(0 < number < 1, "level", "lie between 0 and 1", level)
    return number


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """An estimate times an exactly known factor of at least 0."""
    low, high = estimate.interval
    floor = None if estimate.floor is None else factor * estimate.floor
    return Estimate(factor * float(estimate), (factor * low, factor * high), estimate.samples, floor)


def bootstrap_moments(
    key: jax.Array,
    samples: Float[Array | np.ndarray, "n k"],
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    group: int = 1,
) -> tuple[FloatArray, FloatArray]:
    r"""Percentile bootstrap intervals of the means and variances of columns of samples.

    The rows are drawn n at a time with replacement; the variance is the unbiased one,
    \(\frac{1}{n - 1} \sum_i (x_i - \bar x)^2\). Time is n x k x resamples multiplications, memory resamples x n.

    Efron, Ann. Statist. 7, 1 (1979), https://doi.org/10.1214/aos/1176344552.

    Args:
        key: JAX random key.
        samples: (n, k) rows, n at least 2; columns may depend on each other. Calls with one key draw the same rows.
        level: confidence, between 0 and 1.
        resamples: number of bootstrap samples.
        group: so many rows that follow each other depend on each other, and are drawn together; divides n.

    Returns:
        Intervals of the means and of the variances, (k, 2) each.

    Raises:
        QvarError: if there are fewer than 2 groups, or a number is out of its range.
    """
    n, k = samples.shape
    level, resamples = check_level(level), counting_number("resamples", resamples)
    require(group >= 1 and n % group == 0, "group", f"divide the {n} rows", group)
    require(n // group >= 2, "samples", "hold at least 2 independent rows", n // group)
    rows = np.asarray(samples, dtype=float)  # in NumPy: there is nothing to compile for every number of columns
    centre = rows.mean(axis=0)
    counts = np.asarray(_resampled_counts(key, n // group, resamples))
    width = max(1, _COLUMN_BYTES // (8 * resamples))
    means: list[FloatArray] = [np.zeros((0, 2))]
    variances: list[FloatArray] = [np.zeros((0, 2))]
    for start in range(0, k, width):
        columns = slice(start, start + width)
        moments = _moments(counts, rows[:, columns] - centre[columns])
        for ends, moment in zip((means, variances), moments, strict=True):
            ends.append(np.quantile(moment, [(1 - level) / 2, (1 + level) / 2], axis=0).T)
    return np.concatenate(means) + centre[:, None], np.concatenate(variances)


@partial(jax.jit, static_argnums=(1, 2))
def _resampled_counts(key: jax.Array, n: int, resamples: int) -> Array:
    """(resamples, n) how often each group is drawn."""

    def count(one: jax.Array) -> Array:
        return jnp.zeros(n, float).at[jax.random.randint(one, (n,), 0, n)].add(1.0)

    return jax.vmap(count)(jax.random.split(key, resamples))


def _moments(counts: FloatArray, centred: FloatArray) -> tuple[FloatArray, FloatArray]:
    n, k = centred.shape

    def mean(values: FloatArray) -> FloatArray:
        return counts @ values.reshape(counts.shape[1], -1, k).sum(axis=1) / n

    means = mean(centred)
    return means, (mean(centred**2) - means**2) * (n / (n - 1))


def wilson_interval(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    r"""Wilson's score interval of a probability of success.

    $$ \frac{\hat p + z^2/2n \pm z \sqrt{\hat p (1 - \hat p)/n + z^2/4n^2}}{1 + z^2/n} $$

    Wilson, J. Am. Stat. Assoc. 22, 209 (1927), https://doi.org/10.1080/01621459.1927.10502953.

    Args:
        successes: how often it succeeded.
        trials: how often it was tried; with 0 trials the interval is all of [0, 1].
        level: confidence, between 0 and 1.

    Returns:
        Lower and upper end, within [0, 1].

    Raises:
        QvarError: if there are fewer trials than successes, a number is negative, or `level` is out of its range.
    """
    level = check_level(level)
    successes, trials = whole_number("successes", successes), whole_number("trials", trials)
    require(successes >= 0, "successes", "not be negative", successes)
    require(trials >= successes, "trials", f"be at least the {successes} successes", trials)
    if trials == 0:
        return 0.0, 1.0
    from scipy.stats import norm

    z, share = float(norm.ppf((1 + level) / 2)), successes / trials
    middle = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    low, high = (middle - reach) / (1 + z * z / trials), (middle + reach) / (1 + z * z / trials)
    return (0.0 if successes == 0 else low), (1.0 if successes == trials else high)
