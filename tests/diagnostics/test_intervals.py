"""Intervals cover what they claim to cover."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binomtest

import qvar
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.exact_variances import cerezo_global
from qvar.diagnostics.intervals import (
    average_variance,
    bootstrap_moments,
    moment_intervals,
    samples_needed,
    scaled,
    wilson_interval,
)


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_bootstrap_covers_moments_of_normal_samples(level: float) -> None:
    """300 columns, each an experiment of its own with mean 3 and variance 4."""
    samples = 3.0 + 2.0 * jax.random.normal(jax.random.key(1), (400, 300), float)
    means, variances = bootstrap_moments(samples, key=jax.random.key(2), level=level)
    assert means.shape == variances.shape == (300, 2)
    for ends, truth in ((means, 3.0), (variances, 4.0)):
        covered = np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
        # the columns share their resamples but not their samples: a binomial scatter, and a percent for the bootstrap
        assert abs(covered - level) < 3 * np.sqrt(level * (1 - level) / 300) + 0.01
    width = 2 * 1.959964 if level == 0.95 else 2 * 1.281552
    assert np.mean(np.diff(means)) == pytest.approx(width * np.sqrt(4 / 400), rel=0.03)
    assert np.mean(np.diff(variances)) == pytest.approx(width * np.sqrt(2 * 16 / 399), rel=0.05)


def test_bootstrap_of_groups_is_that_of_their_means() -> None:
    """Rows that repeat each other three times count as one of them."""
    samples = jax.random.normal(jax.random.key(3), (200, 40), float)
    alone = bootstrap_moments(samples, key=jax.random.key(4))
    grouped = bootstrap_moments(jnp.repeat(samples, 3, axis=0), key=jax.random.key(4), group=3)
    np.testing.assert_allclose(grouped[0], alone[0], atol=1e-12)
    np.testing.assert_allclose(grouped[1], alone[1] * (199 / 200) * (600 / 599), atol=1e-12)
    careless, _ = bootstrap_moments(jnp.repeat(samples, 3, axis=0), key=jax.random.key(4))
    assert np.mean(np.diff(careless)) == pytest.approx(np.mean(np.diff(alone[0])) / np.sqrt(3), rel=0.1)


def test_bootstrap_in_blocks_of_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = 100.0 + jax.random.normal(jax.random.key(5), (50, 7), float)
    whole = bootstrap_moments(samples, key=jax.random.key(6))
    monkeypatch.setattr("qvar.diagnostics.intervals._COLUMN_BYTES", 8 * 1000 * 3)  # three columns at a time
    for ours, theirs in zip(bootstrap_moments(samples, key=jax.random.key(6)), whole, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_bootstrap_of_constants() -> None:
    means, variances = bootstrap_moments(jnp.full((10, 2), 0.3), key=jax.random.key(0))
    np.testing.assert_allclose(means, 0.3, atol=1e-15)
    np.testing.assert_allclose(variances, 0.0, atol=1e-30)
    assert bootstrap_moments(jnp.zeros((10, 0)), key=jax.random.key(0))[0].shape == (0, 2)


def cosines(rng: np.random.Generator, n: int, qubits: int, experiments: int) -> np.ndarray:
    """Products of cos^2(theta / 2), the global cost of Cerezo et al. 2021 but for its sign and a constant."""
    product = np.ones((n, experiments))
    for _ in range(qubits):
        product *= np.cos(rng.uniform(0, 2 * np.pi, (n, experiments)) / 2) ** 2
    return product


def covered(ends: np.ndarray, truth: float) -> float:
    return float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])))


EXPERIMENTS = 600

TOLERANCE = 3 * np.sqrt(0.95 * 0.05 / EXPERIMENTS)


@pytest.mark.parametrize("qubits", [4, 8])
def test_intervals_of_heavy_tails_cover(qubits: int) -> None:
    """The global cost and its derivative at 1000 samples: by quantiles of resampled variances 0.83 at 8 qubits."""
    rng = np.random.default_rng(1)
    losses = cosines(rng, 1000, qubits, EXPERIMENTS)
    slopes = 0.5 * np.sin(rng.uniform(0, 2 * np.pi, losses.shape)) * cosines(rng, 1000, qubits - 1, EXPERIMENTS)
    exact = [((3 / 8) ** qubits - (1 / 4) ** qubits, 2.0**-qubits), (cerezo_global(qubits), 0.0)]
    for samples, (variance, mean) in zip((losses, slopes), exact, strict=True):
        assert 0.1 * variance < np.var(samples[:, 0]) < 10 * variance
        intervals = moment_intervals(jax.random.key(3), samples)
        assert 0.93 - TOLERANCE < covered(intervals.variances, variance) < 0.97 + TOLERANCE
        assert 0.93 - TOLERANCE < covered(intervals.means, mean) < 0.99 + TOLERANCE
        if qubits == 4:
            assert not intervals.needed.any()


@pytest.mark.parametrize("n", [20, 50, 500])
@pytest.mark.parametrize(
    ("draw", "mean", "variance"),
    [
        (lambda rng, shape: rng.normal(size=shape), 0.0, 1.0),
        (lambda rng, shape: rng.uniform(size=shape), 0.5, 1 / 12),
        (lambda rng, shape: rng.laplace(size=shape), 0.0, 2.0),
        (lambda rng, shape: np.exp(0.5 * rng.normal(size=shape)), np.exp(1 / 8), np.exp(1 / 4) * (np.exp(1 / 4) - 1)),
        (lambda rng, shape: rng.choice([-1.0, 1.0], shape), 0.0, 1.0),  # no variance can be larger
    ],
)
def test_intervals_cover_at_few_and_many_samples(
    n: int, draw: Callable[..., np.ndarray], mean: float, variance: float
) -> None:
    means, variances = bootstrap_moments(draw(np.random.default_rng(2), (n, EXPERIMENTS)), key=jax.random.key(3))
    least = (0.90 if n == 20 else 0.93) - TOLERANCE  # log-normal: 20 samples say little of its fourth moment
    assert covered(variances, variance) > least
    assert covered(means, mean) > 0.93 - TOLERANCE
    if n == 500:
        assert covered(means, mean) < 0.97 + TOLERANCE


@pytest.mark.parametrize("n", [2, 3, 4, 6, 10, 19])
def test_few_samples_have_wide_intervals_of_variances(n: int) -> None:
    """Of normal samples, and of light tails, as of a cosine: two equal squares looked like a variance without error."""
    rng = np.random.default_rng(n)
    for draw, variance in ((rng.normal, 1.0), (lambda size: np.cos(rng.uniform(0, 2 * np.pi, size)), 0.5)):
        single = bootstrap_moments(draw(size=(n, 400)), key=jax.random.key(3))[1]
        assert covered(single, variance) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400)
        averages = [average_variance(jax.random.key(i), draw(size=(n, 3))).interval for i in range(200)]
        assert covered(np.array(averages), variance) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200)


def test_samples_that_cannot_carry_an_interval_say_so() -> None:
    rng = np.random.default_rng(4)
    needed = moment_intervals(jax.random.key(5), cosines(rng, 1000, 12, 300)).needed
    assert np.mean(needed > 0) > 0.95
    # the kurtosis is near 35/128 * 64/9 to the power 12, and it takes a few times as many samples
    assert 2000 < np.median(needed[needed > 0]) < 100_000
    assert not moment_intervals(jax.random.key(5), rng.normal(size=(100, 300))).needed.any()
    assert np.mean(moment_intervals(jax.random.key(5), cosines(rng, 20_000, 8, 4)).needed > 0) == 0
    # rows in groups: so many times the groups
    alone = moment_intervals(jax.random.key(5), cosines(rng, 200, 12, 10))
    rng = np.random.default_rng(4)
    few = cosines(rng, 200, 12, 10)
    assert alone.needed.all()
    np.testing.assert_allclose(
        moment_intervals(jax.random.key(5), np.repeat(few, 3, axis=0), group=3).needed,
        3 * moment_intervals(jax.random.key(5), few).needed,
    )


def test_average_variance() -> None:
    """One column is its variance; columns that are the same are one; the interval covers, in the words that it says."""
    rng = np.random.default_rng(6)
    one = cosines(rng, 300, 3, 1)
    estimate = average_variance(jax.random.key(7), one)
    assert estimate.value == pytest.approx(one.var(ddof=1))
    assert estimate.interval == pytest.approx(bootstrap_moments(one, key=jax.random.key(7))[1][0], rel=0.05)
    same = average_variance(jax.random.key(7), np.repeat(one, 4, axis=1))
    assert same.interval == pytest.approx(estimate.interval, rel=1e-9)
    held = 0
    for number in range(200):
        low, high = average_variance(jax.random.key(number), cosines(rng, 300, 4, 5)).interval
        held += low <= (3 / 8) ** 4 - (1 / 4) ** 4 <= high
    assert held >= 200 * 0.93 - 3 * np.sqrt(200 * 0.93 * 0.07)
    heavy = average_variance(jax.random.key(8), cosines(rng, 200, 14, 2))
    assert heavy.needed is not None
    assert f"heavy tail: interval too narrow, {heavy.needed} samples needed" in repr(heavy)
    assert "heavy" not in repr(estimate)


def test_estimates_are_copied_whole() -> None:
    estimate = Estimate(0.5, 0.25, 1.0, 30, floor=0.125, needed=400)
    for copied in (copy.deepcopy(estimate), pickle.loads(pickle.dumps(estimate))):
        assert copied == estimate
        assert float(copied) == 0.5


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.1234, 0.1101, 0.1363), "0.123 [0.110, 0.136]"),
        ((1.234e-7, 1.101e-7, 1.363e-7), "1.23e-07 [1.10e-07, 1.36e-07]"),
        ((-1234.56, -1300.0, -1170.0), "-1235 [-1300, -1170]"),
        ((2.0, 2.0, 2.0), "2 [2, 2]"),
        ((1.5, -np.inf, np.inf), "1.5 [-inf, inf]"),
        ((np.nan, -np.inf, np.inf), "nan [-inf, inf]"),
    ],
)
def test_estimates_print_the_digits_that_their_interval_allows(numbers: tuple[float, ...], text: str) -> None:
    assert str(Estimate(*numbers, 10)) == text


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (0, 20), (3, 20), (10, 20), (20, 20), (1, 1000)])
@pytest.mark.parametrize("level", [0.95, 0.6827])
def test_wilson(successes: int, trials: int, level: float) -> None:
    ci = binomtest(successes, trials).proportion_ci(confidence_level=level, method="wilson")
    assert wilson_interval(successes, trials, level=level) == pytest.approx((ci.low, ci.high), abs=1e-12)


def test_wilson_without_trials() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_scaled() -> None:
    twice = scaled(Estimate(0.5, 0.25, 1.0, 30, floor=0.125, needed=90), 2.0)
    assert twice == Estimate(1.0, 0.5, 2.0, 30, floor=0.25, needed=90)


def test_mistakes() -> None:
    samples, key = jnp.zeros((6, 2)), jax.random.key(0)
    for arguments, sentence in [
        ({"level": 1.0}, "`level` must lie between 0 and 1, but is 1.0."),
        ({"resamples": 0}, "`resamples` must be at least 1, but is 0."),
        ({"group": 4}, "`group` must divide the 6 rows, but is 4."),
        ({"group": 6}, "`values` must hold at least 2 independent rows, but is 1."),
    ]:
        with pytest.raises(qvar.QvarError) as caught:
            bootstrap_moments(samples, key=key, **arguments)
        assert str(caught.value) == sentence
    for wrong in [(-1, 3), (4, 3)]:
        with pytest.raises(qvar.QvarError):
            wilson_interval(*wrong)
    with pytest.raises(qvar.QvarError, match="`level` must lie between 0 and 1"):
        wilson_interval(1, 2, level=95)


def test_few_effective_samples_say_so_even_if_the_tail_is_not_heavy() -> None:
    """One square of 20 makes up half of their sum: 3.6 effective samples, where 4 are wanted."""
    squares = np.full(20, 0.05)
    squares[3] = 1.0
    assert squares.sum() ** 2 / (squares**2).sum() == pytest.approx(3.63, abs=0.01)
    assert samples_needed(squares) is not None
    squares[3] = 0.8  # 4.3 effective samples
    assert samples_needed(squares) is None
