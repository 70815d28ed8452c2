"""Intervals by profile likelihood."""

from __future__ import annotations

import numpy as np
import pytest

import qvar
from qvar.analysis import profile_likelihood

X = np.linspace(0.0, 1.0, 8)
Y = 0.3 + 1.2 * X + 0.1 * np.cos(20.0 * X)


def line(theta, x):
    return theta[0] + theta[1] * x


def product(theta, x):
    return theta[0] * theta[1] * x


def test_of_a_linear_model_it_is_the_normal_interval() -> None:
    """With the covariance of least squares: slope plus or minus 1.96 standard errors, whatever the grid."""
    design = np.stack([np.ones(8), X], axis=1)
    best, *_ = np.linalg.lstsq(design, Y, rcond=None)
    error = 0.2 * np.sqrt(np.linalg.inv(design.T @ design)[1, 1])
    objective = qvar.fit(line, (X, Y), n_params=2, noise=0.2)
    profile = profile_likelihood(objective, best, 1, values=np.linspace(best[1] - 1.7, best[1] + 1.3, 6))
    assert (profile.low, profile.high) == pytest.approx(best[1] + 1.959964 * error * np.array([-1.0, 1.0]), abs=1e-5)
    assert profile.is_bounded
    law = 0.5 * ((profile.values - best[1]) / error) ** 2
    assert profile.costs - float(objective.loss(best)) == pytest.approx(law, abs=1e-8)
    half = profile_likelihood(objective, best, 1, values=[best[1] - 0.1, best[1] + 2.0])
    assert half.low == -np.inf
    assert not half.is_bounded


def test_a_parameter_that_another_one_replaces_is_flat() -> None:
    """Only the product of both counts, so that the profile of one is level."""
    objective = qvar.fit(product, (X, 2.0 * X), n_params=2, noise=0.1)
    profile = profile_likelihood(objective, [1.0, 2.0], 0, values=[0.5, 0.8, 1.5, 3.0])
    assert np.ptp(profile.costs) == pytest.approx(0.0, abs=1e-8)
    assert profile.thetas[:, 1] == pytest.approx(2.0 / profile.values, rel=1e-4)
    assert (profile.low, profile.high) == (-np.inf, np.inf)


def test_one_parameter_is_evaluated() -> None:
    objective = qvar.fit(lambda theta, x: theta[0] * x, (X, X), n_params=1, noise=1.0)
    error = 1.0 / np.sqrt(np.sum(X**2))
    profile = profile_likelihood(objective, [1.0], 0, values=[-2.0, 0.5, 3.0, 5.0], level=0.9)
    assert (profile.low, profile.high) == pytest.approx(1.0 + 1.644854 * error * np.array([-1, 1]), abs=1e-5)


def test_mistakes() -> None:
    objective = qvar.fit(line, (X, Y), n_params=2, noise=0.2)
    with pytest.raises(qvar.QvarError, match="`parameter` must be from 0 to 1, but is 2"):
        profile_likelihood(objective, [0.0, 0.0], 2, values=[-1.0, 1.0])
    with pytest.raises(qvar.QvarError, match="`values` must lie on both sides of 0, the parameter's own, but is"):
        profile_likelihood(objective, [0.0, 0.0], 0, values=[1.0, 2.0])
    with pytest.raises(qvar.QvarError, match="`level` must lie between 0 and 1, but is 1"):
        profile_likelihood(objective, [0.0, 0.0], 0, values=[-1.0, 1.0], level=1.0)


def test_a_point_beside_the_minimum_is_refused() -> None:
    """Its interval would be that of another parameter vector: theta is off in the other parameter, in its own, or both.

    As is the higher one of two minima, from which only the profile finds the lower one.
    """
    design = np.stack([np.ones(8), X], axis=1)
    best, *_ = np.linalg.lstsq(design, Y, rcond=None)
    objective = qvar.fit(line, (X, Y), n_params=2, noise=0.2)
    for shift in ([0.3, 0.0], [0.0, 0.3], [-0.1, 0.3], [np.nan, 0.0]):
        with pytest.raises(qvar.QvarError, match="`theta` must be in the minimum of the objective, but the value is"):
            profile_likelihood(objective, best + shift, 1, values=[best[1] - 9.0, best[1] + 9.0])
    accepted = profile_likelihood(objective, best + 1e-5, 1, values=best[1] + np.linspace(-1.0, 1.0, 6))
    assert accepted.is_bounded
    well = qvar.fit(lambda theta, x: (theta**2 - 1) ** 2 + 0.1 * theta + 0 * x, (X, 0 * X - 1), n_params=1, noise=1)
    higher = qvar.minimize(well, [1.0]).theta
    with pytest.raises(qvar.QvarError, match="with parameter 0 at -1"):
        profile_likelihood(well, higher, 0, values=[-1.0, 2.0])
