"""Shots that a gradient component takes, against closed forms and simulated measurements."""

import math
from typing import Any

import jax
import numpy as np
import pennylane as qml
import pytest
from scipy.stats import norm

import qvar
from qvar.ansatz.excitation_sums import gaps
from qvar.ansatz.program import ProgramBuilder
from qvar.diagnostics.shots import (
    energy_variance,
    energy_variance_batch,
    gate_shift_rule,
    shots_for_variance,
    shots_to_resolve,
)
from qvar.objective import Objective

Z = float(norm.ppf(0.975))


def rotation(scale: float, gates: int = 1) -> tuple[qvar.Ansatz, Objective]:
    """One parameter that turns one qubit; E = cos(gates * scale * theta)."""

    def circuit(theta: np.ndarray) -> None:
        for _ in range(gates):
            qml.RY(scale * theta[0], wires=0)

    ansatz = qvar.Ansatz.from_circuit(circuit, n_qubits=1, n_params=1)
    return ansatz, qvar.expectation(qml.Z(0), ansatz)


@pytest.fixture(scope="module")
def spins() -> tuple[qvar.Ansatz, Objective, np.ndarray]:
    """Three spins in one layer, their Hamiltonian as a matrix."""
    problem = qvar.tfim(3)
    ansatz = qvar.hardware_efficient(problem, layers=1)
    matrix = np.asarray(qml.matrix(problem.hamiltonian(), wire_order=range(3)))
    return ansatz, qvar.energy(problem, ansatz), matrix


def test_variance_of_a_measurement(spins: tuple[qvar.Ansatz, Objective, np.ndarray]) -> None:
    _, objective, matrix = spins
    thetas = objective.initial_batch(jax.random.key(0), 4, "uniform")
    states = np.asarray(objective.state_batch(thetas))
    means = np.einsum("ni,ij,nj->n", states.conj(), matrix, states).real
    squares = np.einsum("ni,ij,nj->n", states.conj(), matrix @ matrix, states).real
    assert energy_variance_batch(objective, thetas) == pytest.approx(squares - means**2, abs=1e-12)
    assert energy_variance(objective, thetas[2]) == pytest.approx(squares[2] - means[2] ** 2, abs=1e-12)


def test_variance_vanishes_in_an_eigenstate() -> None:
    for theta in (0.0, math.pi):
        assert energy_variance(rotation(1.0)[1], [theta]) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("scale", [1.0, 2.0, -0.5])
def test_one_rotation(scale: float) -> None:
    r"""E = cos(a), both variances cos^2(a), g = -s sin(a): \(N = z^2 \cot^2(a) / 2\) whatever the scale."""
    ansatz, objective = rotation(scale)
    theta = 0.15 / scale
    expected = math.ceil(Z**2 / (2 * math.tan(0.15) ** 2))
    assert shots_to_resolve(objective, [theta]) == pytest.approx([expected])
    assert shots_to_resolve(objective, [theta], ansatz=ansatz) == pytest.approx([expected])


def test_confidence() -> None:
    _, objective = rotation(1.0)
    for confidence in (0.5, 0.99):
        z = float(norm.ppf((1 + confidence) / 2))
        expected = math.ceil(z**2 / (2 * math.tan(0.05) ** 2))
        assert shots_to_resolve(objective, [0.05], confidence=confidence) == pytest.approx([expected])


def test_a_parameter_of_two_gates() -> None:
    r"""E = cos 2a; points of variance cos^2(2a): four with coefficients 1/2, or two with 1 at frequency 2."""
    ansatz, objective = rotation(1.0, gates=2)
    expected = math.ceil(Z**2 / (4 * math.tan(0.2) ** 2))
    assert shots_to_resolve(objective, [0.1], ansatz=ansatz) == pytest.approx([expected])
    assert shots_to_resolve(objective, [0.1]) == pytest.approx([math.ceil(Z**2 / (2 * math.tan(0.2) ** 2))])
    controlled = qvar.Ansatz.from_circuit(lambda theta: (qml.H(0), qml.CRX(theta[0], [0, 1])), 2, 1)
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must be given if a parameter has more than one frequency"):
        shots_to_resolve(qvar.expectation(qml.Z(1), controlled), [0.1])


def test_central_difference() -> None:
    """(cos(a + s) - cos(a - s)) / 2s = -sin a sin s / s, variances sin^2(a +- s)."""
    _, objective = rotation(1.0)
    a, s = 0.7, 0.2
    noise = (math.sin(a + s) ** 2 + math.sin(a - s) ** 2) / (2 * s) ** 2
    expected = math.ceil(Z**2 * noise / (math.sin(a) * math.sin(s) / s) ** 2)
    assert shots_to_resolve(objective, [a], step=s) == pytest.approx([expected])


def test_zero_gradients_take_forever_and_certain_ones_a_single_shot() -> None:
    _, objective = rotation(1.0)
    assert shots_to_resolve(objective, [0.0])[0] == math.inf
    assert shots_to_resolve(objective, [math.pi / 2])[0] == 1.0  # both points are eigenstates


def test_a_parameter_that_does_nothing() -> None:
    """All energies of its rule are zero but for rounding, as <ZZ> is behind RX(t) RX(-t) and RY(pi/2)."""

    def circuit(theta: Any) -> None:
        qml.RX(theta[0], 0)
        qml.RX(-theta[0], 0)
        qml.RY(theta[1], 1)

    ansatz = qvar.Ansatz.from_circuit(circuit, n_qubits=2, n_params=2)
    objective = qvar.expectation(qml.Z(0) @ qml.Z(1), ansatz)
    for angle in (0.3, 1.1, -1.7):
        shots = shots_to_resolve(objective, [angle, math.pi / 2], ansatz=ansatz)
        assert (shots[0], shots[1] < math.inf) == (math.inf, True)


def test_a_parameter_of_global_phases_alone() -> None:
    def circuit(theta: jax.Array) -> None:
        qml.GlobalPhase(theta[0])
        qml.RY(0.4, wires=0)
        qml.GlobalPhase(-2 * theta[0])
        for wire in range(2):
            qml.RX(theta[1], wires=wire)

    def other(theta: jax.Array) -> None:
        qml.GlobalPhase(theta[0])
        for wire in range(2):
            qml.RX(theta[1], wires=wire)

    ansatz = qvar.Ansatz.from_circuit(circuit, n_qubits=2, n_params=2)
    objective = qvar.expectation(qml.Z(0) - 0.4 * qml.Y(0) @ qml.X(1) + 0.3 * qml.Y(1), ansatz)
    for theta in np.random.default_rng(0).uniform(-3, 3, (10, 2)):
        shots = shots_to_resolve(objective, theta, ansatz=ansatz)
        assert np.isinf(shots[0])
        assert np.isfinite(shots[1])
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must be the circuit .* of parameter 1\.$"):
        shots_to_resolve(objective, [0.3, 1.1], ansatz=qvar.Ansatz.from_circuit(other, n_qubits=2, n_params=2))


@pytest.mark.parametrize(
    ("gate", "points"),
    [
        (lambda a: qml.CRY(a, wires=[0, 1]), 4),
        (lambda a: qml.SingleExcitation(a, wires=[0, 1]), 4),
        (lambda a: qml.IsingXY(a, wires=[1, 2]), 4),
        (lambda a: qml.ControlledPhaseShift(a, wires=[0, 1]), 2),
        (lambda a: qml.PhaseShift(a, wires=2), 2),
        (lambda a: qml.IsingXX(a, wires=[0, 2]), 2),
        (lambda a: qml.DoubleExcitation(a, wires=[0, 1, 2, 3]), 4),
        (lambda a: qml.GlobalPhase(a), 0),
    ],
)
def test_rules_give_the_derivative(gate: object, points: int) -> None:
    """Shifted energies by PennyLane, summed with the rule's coefficients, against PennyLane's gradient."""

    def circuit(theta: np.ndarray) -> None:
        for wire in range(4):
            qml.RY(0.4 + wire, wires=wire)
            qml.RZ(0.3 - wire, wires=wire)
        gate(1.7 * theta[0] + 0.2)  # type: ignore[operator]
        for wire in range(3):
            qml.CNOT([wire, wire + 1])
            qml.RX(0.9, wires=wire)

    ansatz = qvar.Ansatz.from_circuit(circuit, n_qubits=4, n_params=1)
    rule = gate_shift_rule(ansatz.program)
    assert len(rule.shift) == points

    @qml.qnode(qml.device("default.qubit", wires=4))
    def node(theta: object) -> object:
        circuit(theta)  # type: ignore[arg-type]
        return qml.expval(qml.Z(0) @ qml.X(1) + qml.Y(2) @ qml.Z(3) + 0.5 * qml.Z(1))

    theta = qml.numpy.array([0.6], requires_grad=True)
    # a shift of the gate's angle is one of theta by as much over its coefficient
    rows = zip(rule.coefficient, rule.shift, strict=True)
    summed = sum(c * float(node(np.array([0.6 + shift / 1.7]))) for c, shift in rows)
    exact = 0.0 if points == 0 else float(qml.grad(node)(theta)[0])
    assert summed == pytest.approx(exact, abs=1e-12)
    # all of them swing with the gate's angle at most, and no rule spends more than that
    assert np.abs(rule.coefficient).sum() == pytest.approx(1.7 if points else 0.0)


def test_rule_of_a_sum_of_excitations() -> None:
    """Its frequencies are not equidistant: a sine of each has the right derivative, by coefficients of small sum."""
    builder = ProgramBuilder(8, 1)
    pool = qvar.pool("singlet_gsd", qvar.hydrogen_chain(4))
    ((_, operation),) = next(one for one in pool.elements if one.name == "(2 3 <- 0 1) triplet pairs").circuit
    builder.add(operation.name, operation.wires, {0: 1.0}, word=operation.word)
    rule, frequencies = gate_shift_rule(builder.build()), 0.5 * np.array(gaps(operation.word))
    assert len(rule.shift) == 2 * len(frequencies)
    np.testing.assert_allclose(np.sin(np.outer(frequencies, rule.shift)) @ rule.coefficient, frequencies, atol=1e-12)
    np.testing.assert_allclose(np.cos(np.outer(frequencies, rule.shift)) @ rule.coefficient, 0.0, atol=1e-12)
    assert frequencies[-1] < np.abs(rule.coefficient).sum() < 1.2 * frequencies[-1]


def measured(
    rng: np.random.Generator, states: np.ndarray, coefficients: np.ndarray, matrix: np.ndarray, shots: int, runs: int
) -> np.ndarray:
    """Estimates of sum c E from so many measurements in H's eigenbasis at each point, (runs,)."""
    levels, vectors = np.linalg.eigh(matrix)
    total = np.zeros(runs)
    for state, c in zip(states, coefficients, strict=True):
        chances = np.abs(vectors.conj().T @ state) ** 2
        total += c * rng.multinomial(shots, chances / chances.sum(), size=runs) @ levels / shots
    return total


def test_simulated_measurements_resolve_as_often_as_promised(
    spins: tuple[qvar.Ansatz, Objective, np.ndarray],
) -> None:
    _, objective, matrix = spins
    theta = np.asarray(objective.initial(jax.random.key(5), "uniform"))
    shots, gradient = shots_to_resolve(objective, theta), np.asarray(objective.value_and_grad(theta)[1])
    many = [j for j in range(len(theta)) if 60 < shots[j] < 1e7]  # the law of large numbers has to hold
    assert len(many) >= 3
    rng = np.random.default_rng(0)
    for j in many[:3]:
        ends = theta + np.pi / 2 * np.array([[1.0], [-1.0]]) * np.eye(len(theta))[j]
        states = np.asarray(objective.state_batch(ends))
        estimates = measured(rng, states, np.array([0.5, -0.5]), matrix, int(shots[j]), 4000)
        inside = np.mean(np.abs(estimates - gradient[j]) < abs(gradient[j]))
        assert inside == pytest.approx(0.95, abs=0.015)  # four standard errors, and a little for the rounding up
        assert np.mean(np.sign(estimates) == np.sign(gradient[j])) == pytest.approx(0.975, abs=0.012)


def test_simulated_measurements_of_excitations(h2: qvar.Problem) -> None:
    """The four-point rule, in the sector engine, with half the angle of theta's scale in the rule's own words."""
    ansatz = qvar.uccsd(h2)
    objective, dense = qvar.energy(h2, ansatz), qvar.energy(h2, ansatz, engine="dense")
    theta = np.array([0.05, -0.07, 0.02])
    shots = shots_to_resolve(objective, theta, ansatz=ansatz)
    assert shots == pytest.approx(shots_to_resolve(dense, theta, ansatz=ansatz))
    matrix = np.asarray(qml.matrix(h2.hamiltonian(), wire_order=range(4)))
    j = int(np.argmax(shots))
    assert 60 < shots[j] < 1e7
    gradient = float(objective.value_and_grad(theta)[1][j])
    # exp(theta (T - T^+)) has frequencies 1 and 2
    shifts = np.pi / 4 * np.array([1.0, -1.0, 3.0, -3.0])
    near, far = (1 / (8 * np.sin(k * np.pi / 8) ** 2) for k in (1, 3))
    coefficients = np.array([near, -near, -far, far])
    states = np.asarray(dense.state_batch(theta + shifts[:, None] * np.eye(3)[j]))
    exact = coefficients @ np.einsum("ni,ij,nj->n", states.conj(), matrix, states).real
    assert exact == pytest.approx(gradient, abs=1e-10)
    estimates = measured(np.random.default_rng(1), states, coefficients, matrix, int(shots[j]), 4000)
    assert np.mean(np.abs(estimates - gradient) < abs(gradient)) == pytest.approx(0.95, abs=0.015)


def test_shots_of_an_ensemble() -> None:
    assert shots_for_variance(0.01, 3.0) == math.ceil(Z**2 * 0.5 * 3.0 / 0.01)
    assert shots_for_variance([0.02, 0.0, 50.0], 1.0, squares=2.0) == pytest.approx(
        [math.ceil(Z**2 * 100), math.inf, 1]
    )
    # ten qubits more, 2^10 times the variance: exponentially many shots
    few, many = shots_for_variance([2.0**-5, 2.0**-25], 1.0)
    assert many / few == pytest.approx(2.0**20, rel=0.02)


def test_what_is_refused(spins: tuple[qvar.Ansatz, Objective, np.ndarray], h2: qvar.Problem) -> None:
    ansatz, objective, _ = spins
    theta = np.zeros(objective.n_params)
    with pytest.raises(qvar.QvarError, match=r"^`confidence` must be between 0 and 1, but is 1\.0\.$"):
        shots_to_resolve(objective, theta, confidence=1.0)
    with pytest.raises(qvar.QvarError, match=r"^`step` must be left out if `ansatz` is given, but is 0\.1\.$"):
        shots_to_resolve(objective, theta, ansatz=ansatz, step=0.1)
    with pytest.raises(qvar.QvarError, match=r"^`step` must be positive, but is 0\.0\.$"):
        shots_to_resolve(objective, theta, step=0.0)
    with pytest.raises(qvar.QvarError, match=r"^`theta` must have shape \(12,\), but has shape \(2,\)\.$"):
        shots_to_resolve(objective, theta[:2])
    with pytest.raises(
        qvar.QvarError, match=r"^`ansatz` must be the circuit of the objective, but .* not made of it\.$"
    ):
        shots_to_resolve(objective, theta, ansatz=qvar.uccsd(h2))
    with pytest.raises(qvar.QvarError, match=r"^`gradient_variance` must not be negative, but is -1\.0\.$"):
        shots_for_variance(-1.0, 1.0)
