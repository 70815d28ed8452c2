"""Local noise, against Kraus operators in NumPy and PennyLane's mixed-state device."""

from functools import reduce

import jax
import numpy as np
import pennylane as qml
import pytest
from mixed_oracle import mixed_oracle

import qvar
from qvar.ansatz.elementary import elementary
from qvar.engines.density_matrix import noisy_energy
from qvar.problems.fermion_mapping import observable, pauli_terms

CHANNELS = ("depolarizing", "bit_flip", "phase_flip", "amplitude_damping")
ONE, X, Y, Z = np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])


def kraus(channel: str, p: float) -> list[np.ndarray]:
    if channel == "depolarizing":
        return [np.sqrt(1 - p) * ONE, *(np.sqrt(p / 3) * pauli for pauli in (X, Y, Z))]
    if channel == "amplitude_damping":
        return [np.diag([1, np.sqrt(1 - p)]), np.array([[0, np.sqrt(p)], [0, 0]])]
    return [np.sqrt(1 - p) * ONE, np.sqrt(p) * (X if channel == "bit_flip" else Z)]


def on_wire(matrix: np.ndarray, wire: int, n: int) -> np.ndarray:
    return reduce(np.kron, [matrix if w == wire else ONE for w in range(n)])


def rotation(pauli: np.ndarray, angle: float) -> np.ndarray:
    return np.cos(angle / 2) * ONE - 1j * np.sin(angle / 2) * pauli


def simulated(theta: np.ndarray, matrix: np.ndarray, channel: str, p: float) -> float:
    """RY, CNOT, Hadamard, CNOT the other way, RX on two wires, by Kraus operators."""
    cnot, reverse = np.eye(4)[[0, 1, 3, 2]], np.eye(4)[[0, 3, 2, 1]]
    hadamard = (X + Z) / np.sqrt(2)
    gates = [
        (on_wire(rotation(Y, theta[0]), 0, 2), [0]),
        (cnot, [0, 1]),
        (on_wire(hadamard, 1, 2), [1]),
        (reverse, [1, 0]),
        (on_wire(rotation(X, 2 * theta[1] + 0.3), 1, 2), [1]),
    ]
    rho = np.zeros((4, 4), complex)
    rho[2, 2] = 1.0  # |10>
    for gate, wires in gates:
        rho = gate @ rho @ gate.conj().T
        for wire in wires:
            rho = sum(on_wire(k, wire, 2) @ rho @ on_wire(k, wire, 2).conj().T for k in kraus(channel, p))
    return float(np.trace(matrix @ rho).real)


def circuit(theta: np.ndarray) -> None:
    qml.PauliX(0)
    qml.RY(theta[0], wires=0)
    qml.CNOT([0, 1])
    qml.Hadamard(1)
    qml.CNOT([1, 0])
    qml.RX(2 * theta[1] + 0.3, wires=1)


SMALL = qvar.Ansatz.from_circuit(circuit, n_qubits=2, n_params=2)
WITNESS = qml.Z(0) @ qml.Z(1) + 0.5 * qml.X(0) - 0.7 * qml.Y(1) @ qml.Z(0) + 0.3 * qml.Z(1) + 0.2 * qml.I(0)
THETA = np.array([0.4, -1.1])


@pytest.mark.parametrize("channel", CHANNELS)
def test_kraus_operators_in_numpy_give_the_same(channel: str) -> None:
    matrix = np.asarray(qml.matrix(WITNESS, wire_order=[0, 1]))
    for p in (0.0, 0.13, 1.0):
        objective = noisy_energy(WITNESS, SMALL, p, channel=channel)
        assert float(objective.loss(THETA)) == pytest.approx(simulated(THETA, matrix, channel, p), abs=1e-13)


@pytest.mark.parametrize("gates", ["written", "cnot"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_pennylane_gives_the_same_energy_and_gradient(h2: qvar.Problem, channel: str, gates: str) -> None:
    ansatz = qvar.uccsd(h2)
    theta = np.array([0.5, -0.8, 1.1])
    value, slopes = noisy_energy(h2, ansatz, 0.04, channel=channel, gates=gates).value_and_grad(theta)
    expected, gradient = mixed_oracle(h2, ansatz, 0.04, channel, gates)(theta)
    assert float(value) == pytest.approx(expected, abs=1e-11)
    assert np.asarray(slopes) == pytest.approx(gradient, abs=1e-11)


def test_without_noise_it_is_the_energy(h2: qvar.Problem) -> None:
    ansatz = qvar.hardware_efficient(h2, layers=1)
    noisy, noiseless = noisy_energy(h2, ansatz, 0.0), qvar.energy(h2, ansatz)
    thetas = noisy.initial_batch(jax.random.key(1), 3, "uniform")
    for one, other in zip(noisy.value_and_grad_batch(thetas), noiseless.value_and_grad_batch(thetas), strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), abs=1e-10)
    assert (noisy.target(), noisy.baseline, noisy.unit) == (noiseless.target(), noiseless.baseline, "Ha")
    assert noisy.engine == "mixed"
    assert noisy.state_function is noisy.operator is noisy.measure is None


def test_gradient_is_the_slope() -> None:
    objective = noisy_energy(WITNESS, SMALL, 0.1, channel="amplitude_damping")
    slopes = np.asarray(objective.value_and_grad(THETA)[1])
    step = 1e-5
    for j, slope in enumerate(slopes):
        ends = [float(objective.loss(THETA + sign * step * np.eye(2)[j])) for sign in (1, -1)]
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


def test_a_depolarized_wire_keeps_its_share() -> None:
    """One rotation, one wire: (1 - 4p/3) cos theta; and each further gate on the wire takes as much again."""

    def turn(theta: np.ndarray) -> None:
        qml.RY(theta[0], wires=0)
        qml.RY(0.0 * theta[0], wires=0)

    objective = noisy_energy(qml.Z(0), qvar.Ansatz.from_circuit(turn, 2, 1), 0.06)
    assert float(objective.loss([0.7])) == pytest.approx((1 - 0.08) ** 2 * np.cos(0.7), abs=1e-14)


def test_noise_follows_every_gate_of_a_decomposition(h2: qvar.Problem) -> None:
    program = qvar.uccsd(h2).program
    flat = elementary(program)
    names = {qvar.ansatz.gates.KINDS[kind].name for kind in flat.kind}
    assert names <= {"RX", "RY", "RZ", "CNOT", "Hadamard", "S", "T", "SX", "PhaseShift", "GlobalPhase"}
    two = sum(len(flat.op_wires(index)) == 2 for index in range(flat.n_ops))
    assert two == qvar.uccsd(h2).resources().two_qubit_gates
    written, cnots = (noisy_energy(h2, qvar.uccsd(h2), 0.01, gates=gates) for gates in ("written", "cnot"))
    assert float(written.loss(np.zeros(3))) < float(cnots.loss(np.zeros(3)))  # more gates, more noise


def test_noise_is_data(h2: qvar.Problem) -> None:
    """Other noise on a circuit of the same shape finds the compiled program again."""
    from qvar.objective import _value

    ansatz = qvar.hardware_efficient(2, layers=1)
    noisy_energy(qml.Z(0), ansatz, 0.01).loss(np.zeros(ansatz.n_params))
    compiled = _value._cache_size()
    noisy_energy(qml.X(1), ansatz, 0.2, channel="amplitude_damping").loss(np.ones(ansatz.n_params))
    assert _value._cache_size() == compiled


def test_frequencies_are_those_of_the_circuit() -> None:
    objective = noisy_energy(WITNESS, SMALL, 0.1)
    assert objective.frequencies == pytest.approx([1.0, 2.0])
    for j, w in enumerate((1.0, 2.0)):
        shift = np.pi / (2 * w) * np.eye(2)[j]
        rule = 0.5 * w * (float(objective.loss(THETA + shift)) - float(objective.loss(THETA - shift)))
        assert rule == pytest.approx(float(objective.value_and_grad(THETA)[1][j]), abs=1e-13)


def test_it_can_be_minimized() -> None:
    objective = noisy_energy(qml.Z(0) @ qml.Z(1), SMALL, 0.02, channel="phase_flip")
    result = qvar.minimize(objective, theta0=THETA, budget=qvar.Budget(gradients=50))
    assert result.gradient_norm < 1e-4
    assert result.value < float(objective.loss(THETA))


def test_a_sum_of_words_is_the_same_as_its_terms() -> None:
    again = observable(pauli_terms(WITNESS, 2))
    both = [float(noisy_energy(each, SMALL, 0.1).loss(THETA)) for each in (WITNESS, again)]
    assert both[0] == pytest.approx(both[1], abs=1e-14)


def test_what_is_refused(h2: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match=r"^`probability` must be from 0 to 1, but is 1\.5\.$"):
        noisy_energy(WITNESS, SMALL, 1.5)
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must have at most 8 qubits with noise, but has 9\.$"):
        noisy_energy(qml.Z(0), qvar.hardware_efficient(9, layers=1), 0.1)
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must have the problem's 4 qubits, but .* has 2\.$"):
        noisy_energy(h2, SMALL, 0.1)
