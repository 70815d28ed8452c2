"""Global depolarizing noise, against density matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.pennylane_io import emit_operation
from qvar.diagnostics.gradients import gradient_variance
from qvar.diagnostics.noise import depolarized, maximally_mixed_value
from qvar.engines.density_matrix import noisy_energy
from qvar.objective import Objective

WITNESS = 0.8 * qml.Z(0) @ qml.Z(1) - 0.6 * qml.X(2) + 0.5 * qml.Y(0) @ qml.X(1) + 0.25 * qml.I(0)


@pytest.fixture(scope="module")
def spins() -> tuple[qvar.Ansatz, Objective]:
    """Three qubits, an observable whose trace is not zero."""
    ansatz = qvar.hardware_efficient(3, layers=1)
    return ansatz, qvar.expectation(WITNESS, ansatz)


def with_channels(ansatz: qvar.Ansatz, theta: np.ndarray, observable: object, p: float) -> float:
    """A global depolarizing channel after every gate, on a density matrix."""
    program, d = ansatz.program, 2**ansatz.n_qubits
    rho = np.zeros((d, d), complex)
    rho[program.reference_index, program.reference_index] = 1.0
    angles = np.asarray(program.angles(jnp.asarray(theta)))
    for index in range(program.n_ops):
        gate = qml.matrix(emit_operation, wire_order=range(ansatz.n_qubits))(program, index, angles[index])
        rho = gate @ rho @ gate.conj().T
        rho = (1 - p) * rho + p * np.eye(d) / d
    return float(np.trace(qml.matrix(observable, wire_order=range(ansatz.n_qubits)) @ rho).real)


def test_density_matrix_with_a_channel_after_every_gate(spins: tuple[qvar.Ansatz, Objective]) -> None:
    ansatz, objective = spins
    theta = np.asarray(objective.initial(jax.random.key(0), "uniform"))
    noisy = depolarized(objective, 0.03, ansatz.program.n_ops)
    assert float(noisy.loss(theta)) == pytest.approx(with_channels(ansatz, theta, WITNESS, 0.03), abs=1e-13)


def test_density_matrix_of_a_molecule(h2: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h2)
    theta = np.array([0.3, -0.4, 0.9])
    expected = with_channels(ansatz, theta, h2.hamiltonian(), 0.1)
    for engine in ("sector", "dense"):
        noisy = depolarized(qvar.energy(h2, ansatz, engine=engine), 0.1, ansatz.program.n_ops, problem=h2)
        assert float(noisy.loss(theta)) == pytest.approx(expected, abs=1e-12)


def test_pennylane_with_kraus_operators() -> None:
    """All 4^n Pauli words with equal weight are the global channel; PennyLane's own device."""
    p, words = 0.2, [np.kron(a, b) for a in _paulis() for b in _paulis()]
    kraus = [np.sqrt(1 - p * 15 / 16) * words[0], *(np.sqrt(p / 16) * word for word in words[1:])]

    @qml.qnode(qml.device("default.mixed", wires=2))
    def node(theta: np.ndarray) -> object:
        qml.RY(theta[0], wires=0)
        qml.QubitChannel(kraus, wires=[0, 1])
        qml.CNOT([0, 1])
        qml.RX(theta[1], wires=1)
        qml.QubitChannel(kraus, wires=[0, 1])
        return qml.expval(qml.Z(0) @ qml.Z(1) + 0.3 * qml.X(0))

    def circuit(theta: np.ndarray) -> None:
        qml.RY(theta[0], wires=0)
        qml.CNOT([0, 1])
        qml.RX(theta[1], wires=1)

    theta = np.array([0.4, 1.2])
    objective = qvar.expectation(qml.Z(0) @ qml.Z(1) + 0.3 * qml.X(0), qvar.Ansatz.from_circuit(circuit, 2, 2))
    assert float(depolarized(objective, p, 2).loss(theta)) == pytest.approx(float(node(theta)), abs=1e-12)


def _paulis() -> list[np.ndarray]:
    return [np.asarray(qml.matrix(pauli(0))) for pauli in (qml.I, qml.X, qml.Y, qml.Z)]


def test_gradients_shrink_by_q_and_variances_by_its_square(spins: tuple[qvar.Ansatz, Objective]) -> None:
    _, objective = spins
    noisy, q = depolarized(objective, 0.1, 4), 0.9**4
    thetas = objective.initial_batch(jax.random.key(2), 200, "uniform")
    values, slopes = (np.asarray(each) for each in objective.value_and_grad_batch(thetas))
    noisy_values, noisy_slopes = (np.asarray(each) for each in noisy.value_and_grad_batch(thetas))
    assert noisy_slopes == pytest.approx(q * slopes, abs=1e-14)
    assert np.var(noisy_slopes, axis=0) == pytest.approx(q**2 * np.var(slopes, axis=0), rel=1e-10)
    assert np.var(noisy_values) == pytest.approx(q**2 * np.var(values), rel=1e-10)


def test_gradient_variance_of_noisy_objectives(spins: tuple[qvar.Ansatz, Objective]) -> None:
    ansatz, objective = spins
    noisy, q, key = depolarized(objective, 0.1, 4), 0.9**4, jax.random.key(0)
    found, less = (gradient_variance(each, key=key, samples=50, start="uniform") for each in (objective, noisy))
    assert np.asarray(less.variance) == pytest.approx(q**2 * np.asarray(found.variance), rel=1e-10)
    local = gradient_variance(noisy_energy(WITNESS, ansatz, 0.02), key=key, samples=50, start="uniform")
    assert np.all(np.asarray(local.variance) < np.asarray(found.variance))


def test_ends_of_the_scale(spins: tuple[qvar.Ansatz, Objective]) -> None:
    _, objective = spins
    theta = np.asarray(objective.initial(jax.random.key(3), "uniform"))
    for none in (depolarized(objective, 0.0, 5), depolarized(objective, 0.4, 0)):
        assert float(none.loss(theta)) == pytest.approx(float(objective.loss(theta)), abs=1e-14)
    assert float(depolarized(objective, 1.0, 1).loss(theta)) == pytest.approx(0.25, abs=1e-14)  # the identity's weight


def test_trace_from_integrals_from_the_operator_and_from_the_matrix(h4: qvar.Problem) -> None:
    exact = float(np.trace(qml.matrix(h4.hamiltonian(), wire_order=range(8))).real) / 256
    dense = qvar.energy(h4, qvar.hardware_efficient(h4, layers=1))
    assert maximally_mixed_value(dense) == pytest.approx(exact, abs=1e-11)
    assert maximally_mixed_value(dense, problem=h4) == pytest.approx(exact, abs=1e-11)
    assert maximally_mixed_value(qvar.energy(h4, qvar.uccsd(h4)), problem=h4) == pytest.approx(exact, abs=1e-11)


def test_trace_of_spin_models_and_lattices() -> None:
    spins = qvar.tfim(12)  # all words are traceless
    assert maximally_mixed_value(qvar.energy(spins, qvar.hardware_efficient(spins, layers=1))) == 0.0
    lattice = qvar.hubbard(2, u=4.0)  # a quarter of U on each site
    assert maximally_mixed_value(qvar.energy(lattice, qvar.uccsd(lattice)), problem=lattice) == pytest.approx(
        2.0, abs=1e-13
    )


def test_trace_of_words_that_no_table_holds() -> None:
    """One word is not tabulated, see `qvar.engines.pauli_hamiltonian`."""
    ansatz = qvar.hardware_efficient(3, layers=1)
    for word, mean in ((2.0 * qml.I(0), 2.0), (qml.Z(0) @ qml.Z(2), 0.0), (qml.X(0) @ qml.Z(2), 0.0)):
        assert maximally_mixed_value(qvar.expectation(word, ansatz)) == mean


def test_it_is_an_objective_like_any_other(h2: qvar.Problem) -> None:
    noiseless = qvar.energy(h2, qvar.uccsd(h2))
    noisy = depolarized(noiseless, 0.05, 3, problem=h2)
    assert noisy.state_function is noisy.forward_state_function is noisy.operator is noisy.measure is None
    assert noisy.name == "uccsd depolarized 0.05 x 3"
    assert depolarized(noiseless, 0.05, 3, problem=h2, name="noisy").name == "noisy"
    result = qvar.minimize(noisy, theta0=np.zeros(3), budget=qvar.Budget(gradients=30))
    mixed, q = maximally_mixed_value(noiseless, problem=h2), 0.95**3
    assert result.value == pytest.approx(q * h2.exact_energy() + (1 - q) * mixed, abs=1e-9)


def test_what_is_refused(h2: qvar.Problem, h4: qvar.Problem, spins: tuple[qvar.Ansatz, Objective]) -> None:
    _, objective = spins
    sector = qvar.energy(h2, qvar.uccsd(h2))
    with pytest.raises(qvar.QvarError, match=r"^`problem` must be given if the engine is not 'dense', .* is None\.$"):
        depolarized(sector, 0.1, 1)
    with pytest.raises(qvar.QvarError, match=r"^`problem` must be the one whose energy uccsd is, but is H4 .*\.$"):
        depolarized(sector, 0.1, 1, problem=h4)
    with pytest.raises(qvar.QvarError, match=r"^`probability` must be from 0 to 1, but is -0\.1\.$"):
        depolarized(objective, -0.1, 1)
    with pytest.raises(qvar.QvarError, match=r"^`applications` must not be negative, but is -1\.$"):
        depolarized(objective, 0.1, -1)
    with pytest.raises(qvar.QvarError, match=r"^`objective` must have an operator, but .* has none\.$"):
        depolarized(noisy_energy(qml.Z(0), qvar.hardware_efficient(2, layers=1), 0.1), 0.1, 1)
