"""Quantum natural gradient: PennyLane's step, singular metrics, chunks."""

from __future__ import annotations

import jax
import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import qvar
from qvar.optimize.first_order import gradient_descent
from qvar.optimize.natural_gradient import natural_gradient


@pytest.fixture(scope="module")
def ansatz() -> qvar.Ansatz:
    return qvar.hardware_efficient(3, layers=1, rotations=("RY", "RZ"))


@pytest.fixture(scope="module")
def tfim(ansatz: qvar.Ansatz) -> qvar.Objective:
    return qvar.energy(qvar.tfim(3), ansatz)


def test_steps_are_those_of_pennylane(ansatz: qvar.Ansatz, tfim: qvar.Objective) -> None:
    hamiltonian = qvar.tfim(3).hamiltonian()

    @qml.qnode(qml.device("default.qubit", wires=3))
    def node(theta):
        ansatz.circuit(theta)
        return qml.expval(hamiltonian)

    start = np.random.default_rng(1).uniform(-np.pi, np.pi, ansatz.n_params)
    peer = qml.QNGOptimizer(0.07, lam=0.02)
    path = [pnp.array(start, requires_grad=True)]
    for _ in range(2):
        path.append(peer.step(node, path[-1], metric_tensor_fn=qml.adjoint_metric_tensor(node)))
    method = natural_gradient(learning_rate=0.07, regularisation=0.02)
    result = qvar.minimize(tfim, method=method, theta0=start, budget=qvar.Budget(gradients=3), keep_path=True)
    np.testing.assert_allclose(result.trace.theta, np.array(path), rtol=0, atol=1e-9)
    assert result.gradient_evaluations == result.energy_evaluations == 3


def test_the_ground_state_is_found_sooner_than_by_plain_descent() -> None:
    problem = qvar.tfim(3)
    objective = qvar.energy(problem, qvar.hardware_efficient(3, layers=2, rotations=("RY",)))
    start, budget = objective.initial(jax.random.key(1)), qvar.Budget(gradients=150, gradient_tolerance=1e-5)
    natural = qvar.minimize(objective, method=natural_gradient(learning_rate=0.1), theta0=start, budget=budget)
    assert natural.status is qvar.Status.CONVERGED
    assert natural.value == pytest.approx(problem.exact_energy(), abs=1e-9)
    plain = qvar.minimize(objective, method=gradient_descent(learning_rate=0.1), theta0=start, budget=budget)
    assert plain.value > natural.value + 1e-3


def test_a_singular_metric_is_no_obstacle() -> None:
    """RY(a) RY(b)|0> depends on a + b alone: metric (1/4) [[1, 1], [1, 1]], natural step of the sum 4 sin(sum)."""

    def circuit(theta):
        qml.RY(theta[0], 0)
        qml.RY(theta[1], 0)

    objective = qvar.expectation(qml.Z(0), qvar.Ansatz.from_circuit(circuit, 1, 2))
    method = natural_gradient(learning_rate=0.1, regularisation=0.0)
    result = qvar.minimize(objective, method=method, theta0=[0.3, 0.4], budget=qvar.Budget(gradients=2), keep_path=True)
    assert result.trace.theta is not None
    step = 0.1 * 4.0 * np.sin(0.7) / 2.0  # half of it for each
    np.testing.assert_allclose(result.trace.theta[1], [0.3 + step, 0.4 + step], atol=1e-6)


def test_results_do_not_depend_on_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """One start at a time, and the metric column by column."""
    objective = qvar.energy(qvar.tfim(2), qvar.hardware_efficient(2, layers=1, rotations=("RY",)))
    starts, budget = objective.initial_batch(jax.random.key(0), 3), qvar.Budget(gradients=5)
    whole = qvar.minimize_batch(objective, starts, method=natural_gradient(), budget=budget)
    monkeypatch.setenv("QVAR_MEMORY", "1")
    cut = qvar.minimize_batch(objective, starts, method=natural_gradient(), budget=budget)
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(one.theta, other.theta, rtol=0, atol=1e-11)


def test_mistakes() -> None:
    objective = qvar.Objective("bare", "generic", 2, lambda theta, data: (theta**2).sum(), lambda key: np.zeros(2))
    with pytest.raises(qvar.QvarError, match=r"^`objective` must have a state, but bare has none\.$"):
        qvar.minimize(objective, method=natural_gradient(), theta0=np.ones(2))
    with pytest.raises(qvar.QvarError, match=r"^`learning_rate` must be positive, but is 0\.0\.$"):
        natural_gradient(learning_rate=0.0)
    with pytest.raises(qvar.QvarError, match=r"^`regularisation` must not be negative, but is -1\.0\.$"):
        natural_gradient(regularisation=-1.0)
