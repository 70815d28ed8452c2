"""Fabrics against PennyLane's template, dense matrix exponentials and the symmetries that they claim."""

from collections.abc import Callable

import jax
import numpy as np
import pennylane as qml
import pytest
from scipy.sparse import csr_array, identity, kron
from scipy.sparse.linalg import expm_multiply
from twin import descend, twin_state

import qvar
from qvar.ansatz.fabric import brick, gate_fabric, givens_fabric, tups
from qvar.ansatz.gates import KIND_INDEX
from qvar.engines.pennylane_reference import oracle

MAKE: dict[str, Callable[[qvar.Problem], qvar.Ansatz]] = {
    "gate fabric": lambda p: gate_fabric(p, layers=2),
    "gate fabric with pi": lambda p: gate_fabric(p, layers=2, include_pi=True),
    "tups": lambda p: tups(p, layers=2),
    "pp-tups": lambda p: tups(p, layers=2, perfect_pairing=True),
    "givens fabric": lambda p: givens_fabric(p, layers=2),
}


@pytest.fixture(scope="module")
def h3() -> qvar.Problem:
    return qvar.hydrogen_chain(3, bond=1.1)


def _theta(ansatz: qvar.Ansatz, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, ansatz.n_params)


def _annihilators(n: int) -> list[csr_array]:
    """Jordan-Wigner matrices of a_0 ... a_{n-1}, mode 0 the most significant bit."""
    lower, z = csr_array([[0.0, 1.0], [0.0, 0.0]]), csr_array([[1.0, 0.0], [0.0, -1.0]])
    matrices = []
    for mode in range(n):
        matrix = identity(1, format="csr")
        for wire in range(n):
            matrix = kron(matrix, z if wire < mode else lower if wire == mode else identity(2), format="csr")
        matrices.append(csr_array(matrix))
    return matrices


def _determinant(problem: qvar.Problem) -> np.ndarray:
    state = np.zeros(2**problem.n_qubits)
    state[int("".join(map(str, problem.reference_bits)), 2)] = 1.0
    return state


def _anti(operator: csr_array) -> csr_array:
    return operator - operator.T


def test_brick_takes_every_pair_of_neighbours_once() -> None:
    assert brick(2) == [(0, 1)]
    assert brick(5) == [(0, 1), (2, 3), (1, 2), (3, 4)]
    assert brick(6) == [(0, 1), (2, 3), (4, 5), (1, 2), (3, 4)]


@pytest.mark.parametrize("include_pi", [False, True])
@pytest.mark.parametrize("problem_name", ["h2", "h3", "h4"])
def test_gate_fabric_is_pennylanes_template(problem_name: str, include_pi: bool, request) -> None:
    problem = request.getfixturevalue(problem_name)
    ansatz = gate_fabric(problem, layers=3, include_pi=include_pi)
    shape = qml.GateFabric.shape(n_layers=3, n_wires=problem.n_qubits)
    assert ansatz.n_params == np.prod(shape)
    theta = _theta(ansatz)

    @qml.qnode(qml.device("default.qubit", wires=problem.n_qubits))
    def template():
        bits = np.array(problem.reference_bits)
        qml.GateFabric(theta.reshape(shape), wires=range(problem.n_qubits), init_state=bits, include_pi=include_pi)
        return qml.state()

    np.testing.assert_allclose(twin_state(ansatz.program, theta), template(), atol=1e-12)


def test_gate_fabric_has_the_templates_energy_and_gradient(h2: qvar.Problem) -> None:
    ansatz = gate_fabric(h2, layers=2)
    hamiltonian = h2.hamiltonian()

    @qml.qnode(qml.device("default.qubit", wires=4), interface="autograd", diff_method="adjoint")
    def template(weights):
        qml.GateFabric(weights, wires=range(4), init_state=np.array(h2.reference_bits))
        return qml.expval(hamiltonian)

    theta = _theta(ansatz)
    weights = qml.numpy.array(theta.reshape(2, 1, 2), requires_grad=True)
    ours, gradient = qvar.energy(h2, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(float(template(weights)), abs=1e-10)
    np.testing.assert_allclose(gradient, np.ravel(qml.grad(template)(weights)), rtol=0, atol=1e-8)


@pytest.mark.parametrize("perfect_pairing", [False, True])
@pytest.mark.parametrize("problem_name", ["h3", "h4"])
def test_tups_is_the_papers_product(problem_name: str, perfect_pairing: bool, request) -> None:
    problem = request.getfixturevalue(problem_name)
    # HOMO next to LUMO; in H3 orbital 1 is singly occupied and stays alone
    places = {"h3": [0, 2, 1], "h4": [0, 3, 1, 2]}[problem_name] if perfect_pairing else list(range(problem.n_orbitals))
    ansatz = tups(problem, layers=2, perfect_pairing=perfect_pairing)
    theta = _theta(ansatz)
    a = _annihilators(problem.n_qubits)
    m = problem.n_orbitals
    column_a = [(p, p - 1) for p in range(1, m, 2)]
    column_b = [(p, p - 1) for p in range(2, m, 2)]
    expected = _determinant(problem)
    angles = iter(theta)
    for high, low in 2 * (column_a + column_b):
        p, q = places[high], places[low]
        single = a[2 * p].T @ a[2 * q] + a[2 * p + 1].T @ a[2 * q + 1]
        double = a[2 * p].T @ a[2 * p + 1].T @ a[2 * q + 1] @ a[2 * q]
        for generator in (single, double, single):
            expected = expm_multiply(next(angles) * _anti(generator), expected, traceA=0.0)
    assert next(angles, None) is None
    np.testing.assert_allclose(twin_state(ansatz.program, theta), expected, atol=1e-11)


def test_givens_fabric_is_its_formula(h3: qvar.Problem) -> None:
    ansatz = givens_fabric(h3, layers=2)
    theta = _theta(ansatz)
    a = _annihilators(6)
    expected = _determinant(h3)
    angles = iter(theta / 2)
    for p, q in 2 * [(0, 1), (1, 2)]:
        alpha = a[2 * q].T @ a[2 * p]
        beta = a[2 * q + 1].T @ a[2 * p + 1]
        pair = a[2 * q].T @ a[2 * q + 1].T @ a[2 * p + 1] @ a[2 * p]
        for generator in (alpha, beta, pair):
            expected = expm_multiply(next(angles) * _anti(generator), expected, traceA=0.0)
    np.testing.assert_allclose(twin_state(ansatz.program, theta), expected, atol=1e-11)


@pytest.mark.parametrize("with_pairs", [False, True])
def test_givens_fabric_leaves_the_slater_determinants_by_its_pairs(h4: qvar.Problem, with_pairs: bool) -> None:
    ansatz = givens_fabric(h4, layers=3)
    theta = _theta(ansatz)
    if not with_pairs:
        theta[2::3] = 0.0
    state = twin_state(ansatz.program, theta)
    removed = np.array([operator @ state for operator in _annihilators(8)])
    density = removed.conj() @ removed.T
    assert np.trace(density) == pytest.approx(4.0, abs=1e-10)
    distance = np.abs(density @ density - density).max()  # zero for one determinant only
    assert distance > 1e-2 if with_pairs else distance < 1e-10


def test_perfect_pairing_puts_bonding_next_to_antibonding_orbitals(lih: qvar.Problem) -> None:
    program = tups(lih, layers=1, perfect_pairing=True).program
    doubles = [program.op_wires(i) for i in range(program.n_ops) if program.kind[i] == KIND_INDEX["DoubleExcitation"]]
    orbitals = [(wires[2] // 2, wires[0] // 2) for wires in doubles]
    # occupied 0 and 1, empty 2 to 5: places hold 0 3 1 2 4 5
    assert orbitals == [(0, 3), (1, 2), (4, 5), (3, 1), (2, 4)]


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("problem_name", ["h2", "h3", "h4", "lih"])
def test_number_of_parameters(problem_name: str, layers: int, request) -> None:
    problem = request.getfixturevalue(problem_name)
    neighbours = problem.n_orbitals - 1
    assert gate_fabric(problem, layers=layers).n_params == 2 * layers * neighbours
    assert gate_fabric(problem, layers=layers, include_pi=True).n_params == 2 * layers * neighbours
    assert tups(problem, layers=layers).n_params == 3 * layers * neighbours
    assert tups(problem, layers=layers, perfect_pairing=True).n_params == 3 * layers * neighbours
    assert givens_fabric(problem, layers=layers).n_params == 3 * layers * neighbours


@pytest.mark.parametrize("name", [name for name in MAKE if name != "gate fabric with pi"])
def test_zero_is_the_reference(h4: qvar.Problem, name: str) -> None:
    ansatz = MAKE[name](h4)
    np.testing.assert_allclose(twin_state(ansatz.program, np.zeros(ansatz.n_params)), _determinant(h4), atol=1e-14)


@pytest.mark.parametrize("name", list(MAKE))
@pytest.mark.parametrize(("problem_name", "total_spin"), [("h3", 0.5), ("h4", 0.0)])
def test_claimed_symmetries_hold_at_random_parameters(name: str, problem_name: str, total_spin: float, request) -> None:
    problem = request.getfixturevalue(problem_name)
    ansatz = MAKE[name](problem)
    for seed in range(3):
        theta = _theta(ansatz, seed)
        measured = qvar.energy(problem, ansatz, engine="dense").measure(theta)
        state = twin_state(ansatz.program, theta)
        states = np.arange(len(state))
        up_mask = int("10" * problem.n_orbitals, 2)
        up, down = np.bitwise_count(states & up_mask), np.bitwise_count(states & (up_mask >> 1))
        outside = (up != problem.n_alpha) | (down != problem.n_beta)
        assert np.sum(np.abs(state[outside]) ** 2) < 1e-10
        assert measured["particle_number"] == pytest.approx(problem.n_electrons, abs=1e-10)
        assert measured["sz"] == pytest.approx(total_spin, abs=1e-10)
        if "s2" in ansatz.symmetries:
            a = _annihilators(problem.n_qubits)
            raising = sum(a[2 * p].T @ a[2 * p + 1] for p in range(problem.n_orbitals))
            s2_state = raising.T @ (raising @ state) + total_spin * (total_spin + 1) * state  # S- S+ + Sz (Sz + 1)
            assert measured["s2"] == pytest.approx(total_spin * (total_spin + 1), abs=1e-10)
            np.testing.assert_allclose(s2_state, total_spin * (total_spin + 1) * state, atol=1e-10)


def test_givens_fabric_claims_no_total_spin(h4: qvar.Problem) -> None:
    ansatz = givens_fabric(h4, layers=6)
    assert ansatz.symmetries == ("particle_number", "sz")
    assert qvar.energy(h4, ansatz).measure(_theta(ansatz))["s2"] > 0.1


@pytest.mark.parametrize("name", ["gate fabric with pi", "pp-tups"])  # the others: tests/conformance
def test_both_engines_agree_with_pennylane(h2: qvar.Problem, name: str) -> None:
    ansatz = MAKE[name](h2)
    theta = _theta(ansatz)
    value, gradient = oracle(h2, ansatz)(theta)
    assert np.linalg.norm(gradient) > 1e-2
    for engine in ("dense", "sector"):
        ours, slope = qvar.energy(h2, ansatz, engine=engine).value_and_grad(theta)
        assert float(ours) == pytest.approx(value, abs=1e-10)
        np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", list(MAKE))
def test_sector_engine_agrees_with_the_dense_one(h4: qvar.Problem, name: str) -> None:
    ansatz = MAKE[name](h4)
    assert ansatz.program.conserves_spin_numbers
    theta = _theta(ansatz)
    value, gradient = qvar.energy(h4, ansatz, engine="dense").value_and_grad(theta)
    ours, slope = qvar.energy(h4, ansatz, engine="sector").value_and_grad(theta)
    assert np.linalg.norm(gradient) > 1e-2
    assert float(ours) == pytest.approx(float(value), abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("make", "layers"), [(gate_fabric, 6), (tups, 4), (givens_fabric, 6)])
def test_some_layers_reach_chemical_accuracy_on_h4(
    h4: qvar.Problem, make: Callable[..., qvar.Ansatz], layers: int
) -> None:
    objective = qvar.energy(h4, make(h4, layers=layers))
    starts = [objective.initial(key) for key in jax.random.split(jax.random.key(0), 2)]
    error = min(descend(objective, start, maxiter=150) for start in starts) - h4.exact_energy()
    assert -1e-9 < error < 1.6e-3


@pytest.mark.parametrize("make", [gate_fabric, tups, givens_fabric])
def test_bad_input_is_one_sentence(h4: qvar.Problem, make: Callable[..., qvar.Ansatz]) -> None:
    with pytest.raises(qvar.QvarError, match="`layers` must be at least 1, but is 0"):
        make(h4, layers=0)
    with pytest.raises(qvar.QvarError, match="`problem` must have electrons in at least two orbitals, but has 0 orb"):
        make(qvar.tfim(4))
    with pytest.raises(qvar.QvarError, match="`problem` must have electrons in at least two orbitals, but has 1 orb"):
        make(qvar.molecule("He 0 0 0"))
    with pytest.raises(qvar.QvarError, match=r"must have both ones and zeros in its reference .* has 4 ones on 4"):
        make(qvar.molecule("He 0 0 0; He 0 0 2.0"))
