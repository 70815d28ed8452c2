"""Curvature: against closed forms, finite differences of exact gradients, and `jax.hessian`."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from scipy.optimize import minimize

import qvar
from qvar.diagnostics.curvature import (
    hessian,
    hessian_extremes,
    hessian_product,
    hessian_spectrum,
    hessian_summary,
    hessian_trace,
)
from qvar.objective import Objective

KEY = jax.random.key(2)


def plain(function, n_params: int, data=()) -> Objective:
    return Objective("plain", "generic", n_params, function, lambda key: jnp.zeros(n_params), data=data)


def bowl(theta, data):
    return 0.5 * jnp.vdot(theta, data @ theta)


def quadratic(eigenvalues) -> Objective:
    """Half of x A x with the given eigenvalues of A."""
    n = len(eigenvalues)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(n, n)))[0]
    return plain(bowl, n, jnp.asarray(turn @ np.diag(eigenvalues) @ turn.T))


@pytest.fixture(scope="module", params=["sector", "layers", "masks"])
def circuit(request: pytest.FixtureRequest, h4: qvar.Problem) -> Objective:
    """The three simulators: determinants, layers, one operation at a time."""
    if request.param == "sector":
        return qvar.energy(h4, qvar.puccd(h4))
    if request.param == "layers":
        return qvar.energy(qvar.tfim(3), qvar.hardware_efficient(3, layers=2))
    return qvar.expectation(qml.Z(0) @ qml.Z(1), qvar.random_circuit(4, layers=3, key=KEY))


@pytest.fixture(scope="module")
def point(circuit: Objective) -> tuple[np.ndarray, np.ndarray]:
    """Some theta, and the Hessian there by central differences of fourth order of the exact gradient."""
    n, h = circuit.n_params, 1e-3
    theta = np.random.default_rng(6).uniform(-1.0, 1.0, n)
    steps = np.concatenate([k * h * np.eye(n) for k in (-2, -1, 1, 2)])
    slopes = np.asarray(circuit.value_and_grad_batch(theta + steps)[1]).reshape(4, n, n)
    return theta, (slopes[0] - 8 * slopes[1] + 8 * slopes[2] - slopes[3]) / (12 * h)


def test_differences_of_gradients(
    circuit: Objective, point: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    theta, expected = point
    n = circuit.n_params
    assert np.abs(expected).max() > 0.1
    found = np.asarray(hessian(circuit, theta))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    v = np.random.default_rng(1).normal(size=n)
    np.testing.assert_allclose(hessian_product(circuit, theta, v), found @ v, rtol=0, atol=1e-12)

    eigenvalues = np.linalg.eigvalsh(found)
    low, high = hessian_extremes(circuit, theta, count=2)
    np.testing.assert_allclose(np.concatenate([low, high]), eigenvalues[[0, 1, -2, -1]], rtol=0, atol=1e-9)

    trace = hessian_trace(circuit, theta, key=KEY, samples=400)
    error = math.sqrt(2 * (np.sum(found**2) - np.sum(np.diag(found) ** 2)) / 400)
    assert abs(trace.value - np.trace(found)) < 4 * error
    assert (trace.high - trace.low) / (2 * 1.96) == pytest.approx(error, rel=0.2)

    monkeypatch.setenv("QVAR_MEMORY", "1")  # one direction at a time
    np.testing.assert_allclose(hessian(circuit, theta), found, rtol=0, atol=1e-12)


def test_closed_form() -> None:
    ansatz = qvar.Ansatz.from_circuit(lambda theta: [qml.RY(theta[q], wires=q) for q in range(2)], 2, 2)
    objective = qvar.expectation(qml.Z(0) @ qml.Z(1), ansatz)  # cos a cos b
    a, b = 0.7, -2.1
    same, mixed = -math.cos(a) * math.cos(b), math.sin(a) * math.sin(b)
    np.testing.assert_allclose(hessian(objective, [a, b]), [[same, mixed], [mixed, same]], rtol=0, atol=1e-14)
    summary = hessian_summary(objective, [0.0, 0.0])
    assert (summary.negative, summary.flat, summary.gradient_norm) == (2, 0, pytest.approx(0, abs=1e-14))
    assert math.isnan(summary.condition)


def test_any_objective() -> None:
    def function(theta, data):
        return jnp.sum(jnp.sin(data @ theta)) * jnp.exp(-(theta[0] ** 2))

    data = jnp.asarray(np.random.default_rng(0).normal(size=(6, 5)))
    theta = jnp.linspace(-1.0, 1.0, 5)
    expected = jax.jit(jax.hessian(function))(theta, data)
    np.testing.assert_allclose(hessian(plain(function, 5, data), theta), expected, rtol=0, atol=1e-13)


def test_summary() -> None:
    objective = quadratic([-2.0, -1e-3, -1e-9, 1e-8, 0.5, 4.0])
    theta = np.ones(6)
    summary = hessian_summary(objective, theta)
    assert (summary.n_params, summary.negative, summary.flat, summary.tolerance) == (6, 2, 2, 1e-6)
    assert summary.smallest == pytest.approx(-2.0)
    assert summary.largest == pytest.approx(4.0)
    assert summary.trace == pytest.approx(2.499, abs=1e-7)
    assert summary.condition == pytest.approx(8.0)
    assert summary.gradient_norm == pytest.approx(np.linalg.norm(np.asarray(objective.data) @ theta))
    assert hessian_summary(objective, theta, tolerance=0.2).negative == 1
    assert hessian_summary(objective, theta, tolerance=1e-10).condition == pytest.approx(4e8, rel=1e-5)
    np.testing.assert_allclose(hessian_spectrum(objective, theta), [-2, -1e-3, -1e-9, 1e-8, 0.5, 4], rtol=0, atol=1e-12)


def test_no_curvature_at_all() -> None:
    summary = hessian_summary(plain(lambda theta, data: jnp.sum(theta), 3), np.zeros(3))
    assert (summary.negative, summary.flat, summary.largest, summary.trace) == (0, 3, 0.0, 0.0)
    assert math.isnan(summary.condition)
    low, high = hessian_extremes(plain(lambda theta, data: jnp.sum(theta), 9), np.zeros(9), count=2)
    assert (*low, *high) == (0.0, 0.0, 0.0, 0.0)


def test_no_parameters() -> None:
    circuit = qvar.Ansatz.from_circuit(lambda theta: qml.Hadamard(0), n_qubits=2, n_params=0)
    objective = qvar.energy(qvar.tfim(2), circuit)
    assert hessian(objective, []).shape == (0, 0)
    assert hessian_spectrum(objective, []).shape == (0,)


def test_ends_of_a_large_spectrum() -> None:
    eigenvalues = np.concatenate([[-3.0, -1.0], np.zeros(50), np.linspace(0.1, 2.0, 146), [5.0, 7.0]])
    low, high = hessian_extremes(quadratic(eigenvalues), np.zeros(200), count=2)
    np.testing.assert_allclose(np.concatenate([low, high]), [-3, -1, 5, 7], rtol=0, atol=1e-10)
    low, high = hessian_extremes(quadratic([1.0, 2.0, 3.0]), np.zeros(3), count=3)
    np.testing.assert_allclose(low, [1, 2, 3], rtol=0, atol=1e-12)
    np.testing.assert_allclose(high, [1, 2, 3], rtol=0, atol=1e-12)
    low, high = hessian_extremes(quadratic([1.5]), np.zeros(1))
    assert (*low, *high) == pytest.approx((1.5, 1.5))


def test_trace_of_a_diagonal_matrix_is_exact() -> None:
    trace = hessian_trace(plain(lambda theta, data: jnp.sum(jnp.cos(theta)), 4), np.zeros(4), key=KEY, samples=2)
    assert trace.value == pytest.approx(-4.0)
    assert trace.interval == pytest.approx((-4.0, -4.0))


def test_rounded_angles_cost_what_the_trace_says(h2: qvar.Problem) -> None:
    """Mean rise over uniform errors of a step Delta: Delta^2 / 24 times the trace (REFERENCE: compression)."""
    objective = qvar.energy(h2, qvar.uccsd(h2))

    def value_and_grad(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = objective.value_and_grad(theta)
        return float(value), np.asarray(gradient)

    end = minimize(value_and_grad, np.full(3, 0.05), jac=True, method="BFGS", options={"gtol": 1e-9})
    trace = hessian_summary(objective, end.x).trace
    for bits in (7, 8):
        step = 2 * math.pi / 2**bits
        nodes, weights = np.polynomial.legendre.leggauss(4)  # the mean over the cube, by quadrature
        errors = np.array(list(itertools.product(0.5 * step * nodes, repeat=3)))
        share = np.prod(list(itertools.product(0.5 * weights, repeat=3)), axis=1)
        rise = share @ np.asarray(objective.loss_batch(end.x + errors)) - end.fun
        assert rise == pytest.approx(step**2 / 24 * trace, rel=1e-3)


def test_mistakes() -> None:
    objective = quadratic([1.0, 2.0])
    theta = np.zeros(2)
    cases = [
        (lambda: hessian(objective, np.zeros(3)), r"^`theta` must have shape \(2,\), but has shape \(3,\)\.$"),
        (lambda: hessian_spectrum(objective, [np.inf, 0]), r"^`theta\[0\]` must be finite, but is inf\."),
        (lambda: hessian_product(objective, theta, np.zeros(1)), "^`v` must have shape"),
        (lambda: hessian_extremes(objective, theta, count=0), "^`count` must be at least 1, but is 0"),
        (lambda: hessian_extremes(objective, theta, count=3), "^`count` must be at most the 2 parameters, but is 3"),
        (lambda: hessian_trace(objective, theta, key=KEY, samples=1), "^`samples` must be at least 2, but is 1"),
        (lambda: hessian_summary(objective, theta, tolerance=-0.1), "^`tolerance` must be at least 0 and below 1"),
        (lambda: hessian_summary(replace(objective, n_params=0), []), "^`objective` must have parameters"),
    ]
    for call, sentence in cases:
        with pytest.raises(qvar.QvarError, match=sentence):
            call()
