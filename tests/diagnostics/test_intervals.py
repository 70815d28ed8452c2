"""Intervals cover what they claim to cover."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binomtest

import qvar
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import bootstrap_moments, scaled, wilson_interval


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_bootstrap_covers_moments_of_normal_samples(level: float) -> None:
    """300 columns, each an experiment of its own with mean 3 and variance 4."""
    samples = 3.0 + 2.0 * jax.random.normal(jax.random.key(1), (400, 300), float)
    means, variances = bootstrap_moments(jax.random.key(2), samples, level)
    assert means.shape == variances.shape == (300, 2)
    for ends, truth in ((means, 3.0), (variances, 4.0)):
        covered = np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
        # the columns share their resamples but not their samples: a binomial scatter, and a percent for the bootstrap
        assert abs(covered - level) < 3 * np.sqrt(level * (1 - level) / 300) + 0.01
    width = 2 * 1.959964 if level == 0.95 else 2 * 1.281552
    assert np.mean(np.diff(means)) == pytest.approx(width * np.sqrt(4 / 400), rel=0.03)
    assert np.mean(np.diff(variances)) == pytest.approx(width * np.sqrt(2 * 16 / 399), rel=0.05)


def test_bootstrap_of_groups_is_that_of_their_means() -> None:
    """Rows that repeat each other three times tell no more than one of them."""
    samples = jax.random.normal(jax.random.key(3), (200, 40), float)
    alone = bootstrap_moments(jax.random.key(4), samples)
    grouped = bootstrap_moments(jax.random.key(4), jnp.repeat(samples, 3, axis=0), group=3)
    np.testing.assert_allclose(grouped[0], alone[0], atol=1e-12)
    np.testing.assert_allclose(grouped[1], alone[1] * (199 / 200) * (600 / 599), atol=1e-12)
    careless, _ = bootstrap_moments(jax.random.key(4), jnp.repeat(samples, 3, axis=0))
    assert np.mean(np.diff(careless)) == pytest.approx(np.mean(np.diff(alone[0])) / np.sqrt(3), rel=0.1)


def test_bootstrap_in_blocks_of_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = 100.0 + jax.random.normal(jax.random.key(5), (50, 7), float)
    whole = bootstrap_moments(jax.random.key(6), samples)
    monkeypatch.setattr("qvar.diagnostics.intervals._COLUMN_BYTES", 8 * 1000 * 3)  # three columns at a time
    for ours, theirs in zip(bootstrap_moments(jax.random.key(6), samples), whole, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_bootstrap_of_constants() -> None:
    means, variances = bootstrap_moments(jax.random.key(0), jnp.full((10, 2), 0.3))
    np.testing.assert_allclose(means, 0.3, atol=1e-15)
    np.testing.assert_allclose(variances, 0.0, atol=1e-30)
    assert bootstrap_moments(jax.random.key(0), jnp.zeros((10, 0)))[0].shape == (0, 2)


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (0, 20), (3, 20), (10, 20), (20, 20), (1, 1000)])
@pytest.mark.parametrize("level", [0.95, 0.6827])
def test_wilson(successes: int, trials: int, level: float) -> None:
    ci = binomtest(successes, trials).proportion_ci(confidence_level=level, method="wilson")
    assert wilson_interval(successes, trials, level) == pytest.approx((ci.low, ci.high), abs=1e-12)


def test_wilson_without_trials() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_scaled() -> None:
    twice = scaled(Estimate(0.5, (0.25, 1.0), 30, floor=0.125), 2.0)
    assert (float(twice), twice.interval, twice.samples, twice.floor) == (1.0, (0.5, 2.0), 30, 0.25)


def test_mistakes() -> None:
    samples, key = jnp.zeros((6, 2)), jax.random.key(0)
    for arguments, sentence in [
        ({"level": 1.0}, "`level` must lie between 0 and 1, but is 1.0."),
        ({"resamples": 0}, "`resamples` must be at least 1, but is 0."),
        ({"group": 4}, "`group` must divide the 6 rows, but is 4."),
        ({"group": 6}, "`samples` must hold at least 2 independent rows, but is 1."),
    ]:
        with pytest.raises(qvar.QvarError) as caught:
            bootstrap_moments(key, samples, **arguments)
        assert str(caught.value) == sentence
    for wrong in [(-1, 3), (4, 3)]:
        with pytest.raises(qvar.QvarError):
            wilson_interval(*wrong)
    with pytest.raises(qvar.QvarError, match="`level` must lie between 0 and 1"):
        wilson_interval(1, 2, 95)
