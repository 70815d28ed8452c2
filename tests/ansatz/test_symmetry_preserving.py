"""Exchange-gate circuits against their matrices, PennyLane's templates and the particle number that they conserve."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.gates import KIND_INDEX
from qvar.ansatz.symmetry_preserving import particle_conserving_u1, particle_conserving_u2, symmetry_preserving
from qvar.engines.pennylane_reference import oracle
from qvar.optimize.minimize import minimize_batch

MAKE: dict[str, Callable[[qvar.Problem], qvar.Ansatz]] = {
    "a gates": lambda p: symmetry_preserving(p, gates=2 * p.n_qubits),
    "complex a gates": lambda p: symmetry_preserving(p, gates=2 * p.n_qubits, real=False),
    "u1": lambda p: particle_conserving_u1(p, layers=2),
    "u2": lambda p: particle_conserving_u2(p, layers=2),
}

TEMPLATES = {
    "u1": (particle_conserving_u1, qml.ParticleConservingU1),
    "u2": (particle_conserving_u2, qml.ParticleConservingU2),
}


@dataclass(frozen=True)
class Register:
    """Qubits and a reference state, no Hamiltonian."""

    reference_bits: tuple[int, ...]

    @property
    def n_qubits(self) -> int:
        return len(self.reference_bits)


def _theta(ansatz: qvar.Ansatz, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, ansatz.n_params)


def _state(ansatz: qvar.Ansatz, theta: np.ndarray) -> np.ndarray:
    observable = qml.PauliZ(0) @ qml.PauliZ(ansatz.n_qubits - 1)
    return np.asarray(qvar.expectation(observable, ansatz).state(theta))


def _pairs(ansatz: qvar.Ansatz) -> list[tuple[int, ...]]:
    """Wires of the exchanges, in order."""
    program = ansatz.program
    exchanges = np.flatnonzero(program.kind == KIND_INDEX["SingleExcitation"])
    return [program.op_wires(int(index)) for index in exchanges]


def _a_gate(theta: float, phi: float) -> np.ndarray:
    """The gate of Gard et al. on 00, 01, 10, 11."""
    matrix = np.eye(4, dtype=complex)
    c, s = np.cos(theta), np.sin(theta)
    matrix[1:3, 1:3] = [[c, np.exp(1j * phi) * s], [np.exp(-1j * phi) * s, -c]]
    return matrix


@pytest.mark.parametrize("real", [True, False])
def test_one_gate_is_the_papers_matrix(real: bool) -> None:
    ansatz = symmetry_preserving(Register((1, 0)), gates=1, real=real)
    bare = dataclasses.replace(ansatz, program=dataclasses.replace(ansatz.program, reference=(0, 0)))
    theta = np.array([0.7] if real else [0.7, -1.9])
    matrix = qml.matrix(bare.circuit, wire_order=[0, 1])(theta)
    np.testing.assert_allclose(matrix, _a_gate(0.7, 0.0 if real else -1.9), atol=1e-14)
    assert ansatz.program.lowered.real == real


@pytest.mark.parametrize("theta", [0.0, 0.7, -2.1])
@pytest.mark.parametrize("phi", [0.0, 1.3])
def test_matrix_is_the_papers_circuit(theta: float, phi: float) -> None:
    """CNOT, R^dagger, CNOT, R, CNOT with R = RZ(phi + pi) RY(theta + pi/2), the last one acting first."""

    def circuit():
        qml.CNOT([1, 0])
        qml.RZ(-phi - np.pi, wires=1)
        qml.RY(-theta - np.pi / 2, wires=1)
        qml.CNOT([0, 1])
        qml.RY(theta + np.pi / 2, wires=1)
        qml.RZ(phi + np.pi, wires=1)
        qml.CNOT([1, 0])

    np.testing.assert_allclose(qml.matrix(circuit, wire_order=[0, 1])(), _a_gate(theta, phi), atol=1e-14)


@pytest.mark.parametrize(
    ("bits", "pattern"),
    [
        ((1, 1, 1, 1, 0, 0, 0, 0), [(3, 4), (4, 5), (5, 6), (6, 7), (2, 3), (1, 2), (0, 1)]),
        ((1, 0, 1, 0), [(0, 1), (1, 2), (2, 3)]),
        ((0, 1, 1, 1, 0, 0), [(0, 1), (3, 4), (4, 5), (1, 2), (2, 3)]),
    ],
)
def test_gates_start_where_particles_meet_holes(bits: tuple[int, ...], pattern: list[tuple[int, int]]) -> None:
    ansatz = symmetry_preserving(Register(bits), gates=len(pattern) + 2)
    assert _pairs(ansatz) == pattern + pattern[:2]


@pytest.mark.parametrize("bits", [(1, 1, 0, 0), (1, 1, 0, 0, 0, 0), (1, 1, 1, 0, 0, 0), (1, 1, 1, 1, 0, 0, 0, 0)])
@pytest.mark.parametrize("real", [True, False])
def test_default_reaches_every_direction_of_the_sector(bits: tuple[int, ...], real: bool) -> None:
    size = math.comb(len(bits), sum(bits))
    ansatz = symmetry_preserving(Register(bits), real=real)
    assert ansatz.n_params == size * (1 if real else 2)
    objective = qvar.expectation(qml.PauliZ(0) @ qml.PauliZ(len(bits) - 1), ansatz)
    theta = jax.random.uniform(jax.random.key(3), (ansatz.n_params,), minval=-3.0, maxval=3.0)
    state = np.asarray(objective.state(theta))
    step = 1e-5 * np.eye(ansatz.n_params)
    ahead, behind = (np.stack([np.asarray(objective.state(theta + s * e)) for e in step]) for s in (1, -1))
    slopes = ((ahead - behind) / 2e-5).T
    slopes = slopes - np.outer(state, state.conj() @ slopes)  # turning the phase leads nowhere
    singular = np.linalg.svd(np.vstack([slopes.real, slopes.imag]), compute_uv=False)
    assert np.sum(singular > 1e-6 * singular[0]) == (size - 1) * (1 if real else 2)


def test_default_number_of_gates_is_capped() -> None:
    half_full = Register((1,) * 10 + (0,) * 10)
    assert symmetry_preserving(half_full).n_params == 1024 < math.comb(20, 10)
    assert symmetry_preserving(half_full, gates=1500, real=False).n_params == 3000


@pytest.mark.parametrize("name", list(TEMPLATES))
@pytest.mark.parametrize("bits", [(1, 0), (1, 1, 0), (0, 1, 1, 0, 0), (1, 1, 1, 1, 0, 0)])
@pytest.mark.parametrize("layers", [1, 3])
def test_states_are_those_of_pennylanes_templates(name: str, bits: tuple[int, ...], layers: int) -> None:
    make, template = TEMPLATES[name]
    ansatz = make(Register(bits), layers=layers)
    n = len(bits)
    shape = template.shape(layers, n)
    assert ansatz.n_params == np.prod(shape) == layers * (2 * (n - 1) if name == "u1" else 2 * n - 1)
    theta = _theta(ansatz)

    @qml.qnode(qml.device("default.qubit", wires=n))
    def expected():
        template(theta.reshape(shape), wires=range(n), init_state=np.array(bits))
        return qml.state()

    np.testing.assert_allclose(_state(ansatz, theta), expected(), atol=1e-12)


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_energies_and_gradients_are_those_of_pennylanes_templates(h2: qvar.Problem, name: str) -> None:
    make, template = TEMPLATES[name]
    ansatz = make(h2, layers=2)
    shape = template.shape(2, 4)
    hamiltonian = h2.hamiltonian()

    @qml.qnode(qml.device("default.qubit", wires=4), interface="autograd", diff_method="backprop")
    def energy(weights):
        template(weights, wires=range(4), init_state=np.array(h2.reference_bits))
        return qml.expval(hamiltonian)

    theta = _theta(ansatz)
    weights = qml.numpy.array(theta.reshape(shape), requires_grad=True)
    ours, gradient = qvar.energy(h2, ansatz).value_and_grad(theta)
    assert np.linalg.norm(gradient) > 1e-2
    assert float(ours) == pytest.approx(float(energy(weights)), abs=1e-10)
    np.testing.assert_allclose(gradient, np.ravel(qml.grad(energy)(weights)), rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", list(MAKE))
def test_dense_engine_agrees_with_pennylane(h2: qvar.Problem, name: str) -> None:
    ansatz = MAKE[name](h2)
    theta = _theta(ansatz)
    value, gradient = oracle(h2, ansatz)(theta)
    ours, slope = qvar.energy(h2, ansatz, engine="dense").value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", list(MAKE))
def test_particle_number_and_nothing_more_is_conserved(h4: qvar.Problem, name: str) -> None:
    ansatz = MAKE[name](h4)
    assert ansatz.symmetries == ("particle_number",)
    assert not ansatz.program.conserves_spin_numbers
    objective = qvar.energy(h4, ansatz, engine="dense")  # sectors have no amplitudes outside of them
    spins = []
    for seed in range(3):
        theta = _theta(ansatz, seed)
        measured = objective.measure(theta)
        state = np.asarray(objective.state(theta))
        outside = np.bitwise_count(np.arange(len(state))) != 4
        assert np.sum(np.abs(state[outside]) ** 2) < 1e-10
        assert measured["particle_number"] == pytest.approx(4.0, abs=1e-10)
        spins.append(abs(measured["sz"]))
    assert max(spins) > 1e-2


@pytest.mark.parametrize("name", list(MAKE))
def test_zero_is_the_reference(h4: qvar.Problem, name: str) -> None:
    ansatz = MAKE[name](h4)
    energy = qvar.energy(h4, ansatz).loss(np.zeros(ansatz.n_params))
    assert float(energy) == pytest.approx(h4.reference_energy, abs=1e-9)


def _idempotency(ansatz: qvar.Ansatz) -> float:
    """Distance of the one-particle density matrix from a projector, which only single determinants have."""
    state = _state(ansatz, _theta(ansatz))
    n, states = ansatz.n_qubits, np.arange(len(state))
    removed = []
    for mode in range(n):
        bit = 1 << (n - 1 - mode)
        sign = (-1.0) ** np.bitwise_count(states >> (n - mode))
        emptied = np.zeros_like(state)
        filled = (states & bit) != 0
        emptied[states[filled] ^ bit] = (sign * state)[filled]
        removed.append(emptied)
    density = np.conj(removed) @ np.transpose(removed)
    assert np.trace(density).real == pytest.approx(sum(ansatz.program.reference), abs=1e-10)
    return float(np.abs(density @ density - density).max())


def test_u2_stays_a_single_determinant_and_u1_does_not() -> None:
    register = Register((1, 1, 1, 0, 0, 0))
    assert _idempotency(particle_conserving_u2(register, layers=5)) < 1e-12
    assert _idempotency(particle_conserving_u1(register, layers=5)) > 1e-2
    assert _idempotency(symmetry_preserving(register)) > 1e-2


def test_default_reaches_chemical_accuracy_on_h4(h4: qvar.Problem) -> None:
    objective = qvar.energy(h4, symmetry_preserving(h4))
    starts = np.stack([np.asarray(objective.initial(key)) for key in jax.random.split(jax.random.key(0), 2)])
    results = minimize_batch(objective, starts, method=qvar.lbfgs(), budget=qvar.Budget(gradients=500))
    error = min(result.value for result in results) - h4.exact_energy()
    assert -1e-9 < error < 1.6e-3


def test_bad_input_is_one_sentence(h2: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match="`gates` must be at least 1, but is 0"):
        symmetry_preserving(h2, gates=0)
    for make in (particle_conserving_u1, particle_conserving_u2):
        with pytest.raises(qvar.QvarError, match="`layers` must be at least 1, but is 0"):
            make(h2, layers=0)
    for make in (symmetry_preserving, particle_conserving_u1, particle_conserving_u2):
        with pytest.raises(qvar.QvarError, match=r"`problem` must have both ones and zeros .* has 0 ones on 4 qubits"):
            make(qvar.tfim(4))
        with pytest.raises(qvar.QvarError, match="has 2 ones on 2 qubits"):
            make(qvar.molecule("He 0 0 0"))
