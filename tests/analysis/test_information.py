"""Information criteria of a linear model by hand, and fits against closed forms and scipy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from scipy.stats import norm, poisson

import qvar
from qvar.analysis import information_criteria


def line(theta, x):
    return theta[0] + theta[1] * x


def rates(theta, x):
    return jnp.exp(theta[0] + theta[1] * x)


X = np.linspace(0.0, 1.0, 9)
RNG = np.random.default_rng(0)


def test_a_linear_model_by_hand() -> None:
    """Least squares in closed form: its likelihood, the three criteria, and the covariance of its parameters."""
    y, sigma = 1.0 + 2.0 * X + 0.3 * RNG.standard_normal(9), 0.3
    design = np.stack([np.ones(9), X], axis=1)
    best, *_ = np.linalg.lstsq(design, y, rcond=None)
    likelihood = float(norm.logpdf(y, design @ best, sigma).sum())
    objective = qvar.fit(line, (X, y), n_params=2, noise=sigma)
    result = qvar.minimize(objective, np.zeros(2), method=qvar.bfgs())
    np.testing.assert_allclose(result.theta, best, atol=1e-6)
    assert -result.value == pytest.approx(likelihood, abs=1e-9)
    criteria = information_criteria(-result.value, 2, 9)
    assert criteria.aic == pytest.approx(4 - 2 * likelihood)
    assert criteria.aicc == pytest.approx(4 - 2 * likelihood + 12 / 6)
    assert criteria.bic == pytest.approx(2 * np.log(9) - 2 * likelihood)
    fisher = qvar.diagnostics.data_fisher(objective, result.theta)
    np.testing.assert_allclose(fisher, design.T @ design / sigma**2, atol=1e-9)
    errors = 1.0 / np.sqrt(np.linalg.eigvalsh(fisher))
    assert qvar.diagnostics.identifiable(objective, result.theta) == 2
    assert qvar.diagnostics.identifiable(objective, result.theta, error=float(errors.mean())) == 1
    far = np.array([1.0, 7.0])  # a prediction far from the data, of the variance x (X^T X)^-1 x
    error = qvar.diagnostics.standard_error(objective, result.theta, lambda theta: theta @ far)
    assert error == pytest.approx(sigma * np.sqrt(far @ np.linalg.inv(design.T @ design) @ far))


@pytest.mark.parametrize("unit", [1e-12, 1e-7, 1.0, 1e7, 1e12])
def test_standard_errors_do_not_depend_on_units(unit):
    """A slope over a length in nanometres is as well determined as one in metres: least squares in closed form."""
    objective = qvar.fit(line, (unit * (1.0 + X), X), n_params=2, noise=0.3)
    design = np.stack([np.ones(9), 1.0 + X], axis=1)
    errors = 0.3 * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    theta = np.array([0.1, 0.2 / unit])
    own = [qvar.diagnostics.standard_error(objective, theta, lambda theta, k=k: theta[k]) for k in (0, 1)]
    assert own * np.array([1.0, unit]) == pytest.approx(errors)
    assert qvar.diagnostics.identifiable(objective, theta) == 2
    one = qvar.fit(line, ([unit], [1.0]), n_params=2, noise=0.3)
    assert qvar.diagnostics.identifiable(one, theta) == 1
    assert qvar.diagnostics.standard_error(one, theta, lambda theta: theta[1]) == np.inf
    assert qvar.diagnostics.standard_error(one, theta, lambda theta: theta[0] + unit * theta[1]) == pytest.approx(0.3)


def test_counts_and_weights() -> None:
    y = RNG.poisson(np.exp(1.0 + X))
    objective = qvar.fit(rates, (X, y), n_params=2, noise="poisson")
    theta = np.array([0.9, 1.1])
    mean = np.exp(0.9 + 1.1 * X)
    assert float(objective.loss(theta)) == pytest.approx(-poisson.logpmf(y, mean).sum())
    design = np.stack([np.ones(9), X], axis=1)
    np.testing.assert_allclose(
        qvar.diagnostics.data_fisher(objective, theta), design.T @ (mean[:, None] * design), rtol=1e-10
    )
    some = np.arange(9) % 2
    weighted = qvar.fit(rates, (X, y), n_params=2, noise="poisson", weights=some)
    assert float(weighted.loss(theta)) == pytest.approx(-poisson.logpmf(y, mean)[some == 1].sum())


def test_no_counts_where_none_are_predicted() -> None:
    """A count of zero with a prediction of zero has probability 1, and the slope of the others."""
    objective = qvar.fit(lambda theta, x: theta[0] * x, ([0.0, 1.0, 2.0], [0, 3, 5]), n_params=1, noise="poisson")
    value, slope = objective.value_and_grad([2.0])
    assert float(value) == pytest.approx(-poisson.logpmf([0, 3, 5], [0, 2, 4]).sum())
    assert slope == pytest.approx([(1 - 3 / 2) * 1 + (1 - 5 / 4) * 2])


def test_a_negative_rate_has_no_likelihood() -> None:
    """A rate of -r would reward a count of 0 by r without limit.

    Of two groups of counts, the rate of nothing but zeros is best at 0, the edge: no minimization may end below.
    """
    counts, groups = np.array([0, 0, 4, 6]), np.array([[1.0, 0.0]] * 2 + [[0.0, 1.0]] * 2)
    objective = qvar.fit(lambda theta, x: x @ theta, (groups, counts), n_params=2, noise="poisson")
    assert np.isnan(objective.loss([-0.1, 5.0]))
    assert np.isnan(objective.loss([0.1, -5.0]))
    edge = -poisson.logpmf(counts, [0, 0, 5, 5]).sum()
    assert float(objective.loss([0.0, 5.0])) == pytest.approx(edge)
    result = qvar.minimize(objective, [1.0, 1.0])
    assert result.value >= edge - 1e-9
    assert result.status is not qvar.Status.CONVERGED


def test_a_parameter_that_changes_nothing_is_not_identifiable() -> None:
    def redundant(theta, x):
        return (theta[0] + theta[1]) * x

    objective, theta = qvar.fit(redundant, (X, X), n_params=2, noise=0.1), np.array([0.3, 0.4])
    assert qvar.diagnostics.identifiable(objective, theta) == 1
    of_sum = qvar.diagnostics.standard_error(objective, theta, lambda theta: theta[0] + theta[1])
    assert of_sum == pytest.approx(0.1 / np.sqrt(X @ X))
    assert qvar.diagnostics.standard_error(objective, theta, lambda theta: theta[0]) == np.inf
    with pytest.raises(qvar.QvarError, match="`quantity` must be a JAX function of theta with one number"):
        qvar.diagnostics.standard_error(objective, theta, lambda theta: theta)


def test_few_data_have_no_corrected_criterion() -> None:
    assert information_criteria(-1.0, 3, 4).aicc == np.inf


def test_mistakes() -> None:
    with pytest.raises(qvar.QvarError, match="`noise` must be positive, but is 0"):
        qvar.fit(line, (X, X), n_params=2, noise=0.0)
    for data in ((X, X * np.nan), (np.full(9, np.inf), X)):
        with pytest.raises(qvar.QvarError, match=r"`data\[[01]\]\[0\]` must be finite, but is "):
            qvar.fit(line, data, n_params=2, noise=1.0)
    for weights in (np.zeros(9), X - 0.5):
        with pytest.raises(qvar.QvarError, match="`weights` must not be negative, nor all zero, but is array"):
            qvar.fit(line, (X, X), n_params=2, noise=1.0, weights=weights)
    with pytest.raises(qvar.QvarError, match=r"`truth\[\d+\]` must be finite, but is "):
        qvar.SimulatedData(X, X * np.nan, noise=1.0, levels=[1])
    with pytest.raises(qvar.QvarError, match=r"`data\[1\]` must hold counts for Poisson noise"):
        qvar.fit(line, (X, X), n_params=2, noise="poisson")
    with pytest.raises(qvar.QvarError, match=r"`model` must give \(9,\) predictions, .* but gives \(2,\)"):
        qvar.fit(lambda theta, x: theta, (X, X), n_params=2, noise=1.0)
    for model, kind in ((lambda theta, x: 1j * theta[0] * x, "complex128"), (lambda theta, x: theta[0] > x, "bool")):
        with pytest.raises(qvar.QvarError, match=f"`model` must give real numbers of floating point, .* gives {kind}"):
            qvar.fit(model, (X, X), n_params=1, noise=1.0)
    with pytest.raises(qvar.QvarError, match="`objective` must be a fit to data"):
        qvar.diagnostics.data_fisher(qvar.energy(qvar.tfim(2), qvar.hardware_efficient(2)), np.zeros(4))
    with pytest.raises(qvar.QvarError, match="`n_data` must be at least 1, but is 0"):
        information_criteria(0.0, 1, 0)


def test_angles_that_a_circuit_does_not_show_are_not_identifiable() -> None:
    """Z of the first qubit after RY(a) RY(b) is cos(a + b), with one slope by both angles, and none by a third one."""

    def circuit(theta):
        qml.RY(theta[0], 0)
        qml.RY(theta[1], 0)
        qml.RY(theta[2], 1)

    ansatz = qvar.Ansatz.from_circuit(circuit, n_qubits=2, n_params=3)
    z = qvar.expectation(qml.Z(0), ansatz)
    objective = qvar.fit(lambda theta, x: x * z.function(theta, z.data), ([1.0], [0.5]), n_params=3, noise=0.1)
    theta = np.array([0.3, 0.4, 0.5])
    slope = -np.sin(0.7) * np.array([1.0, 1.0, 0.0])
    np.testing.assert_allclose(
        qvar.diagnostics.data_fisher(objective, theta), np.outer(slope, slope) / 0.01, atol=1e-10
    )
    assert qvar.diagnostics.identifiable(objective, theta) == 1
