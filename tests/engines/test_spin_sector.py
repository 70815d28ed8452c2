"""Spin models among the basis states with one number of ones: against dense states, matrices and PennyLane."""

from math import comb

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from twin import slopes, twin_state

import qvar
from qvar import units
from qvar.ansatz.hva import hva
from qvar.engines.occupation_strings import occupation_strings
from qvar.engines.pauli_hamiltonian import conserves_ones, pauli_sector_hamiltonian
from qvar.engines.pennylane_reference import oracle
from qvar.problems.fermion_mapping import observable
from qvar.problems.hamiltonians import PauliTerms
from qvar.problems.problem import Problem
from qvar.problems.spin_models import heisenberg, tfim, xxz

PROBLEMS = {
    "heisenberg 4": heisenberg(4),
    "heisenberg ring 6": heisenberg(6, periodic=True),
    "heisenberg ring 7": heisenberg(7, periodic=True),
    "xxz 5": xxz(5, delta=0.4),
    "xxz ring 8": xxz(8, j=-0.7, delta=0.4, periodic=True),
    "xxz 2x3": xxz((2, 3), delta=-0.3),
}


def _random(n_params: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.5, 1.5, n_params)


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_sector_is_the_register_on_fewer_states(name: str) -> None:
    problem = PROBLEMS[name]
    n = problem.n_qubits
    ansatz = hva(problem, layers=2)
    theta = _random(ansatz.n_params)
    sector = qvar.energy(problem, ansatz)
    assert sector.engine == "sector"

    assert problem.pauli is not None
    matrix = observable(problem.pauli).sparse_matrix(wire_order=range(n))

    def energy(theta: np.ndarray) -> float:
        register = twin_state(ansatz.program, theta)
        return np.vdot(register, matrix @ register).real

    state, register = np.asarray(sector.state(theta)), twin_state(ansatz.program, theta)
    inside = np.flatnonzero(np.bitwise_count(np.arange(2**n)) == n // 2)
    assert state.shape == (comb(n, n // 2), 1)
    np.testing.assert_allclose(state[:, 0], register[inside], atol=1e-12)

    value, gradient = sector.value_and_grad(theta)
    slope = slopes(energy, theta)
    assert np.linalg.norm(slope) > 1e-2
    assert float(value) == pytest.approx(energy(theta), abs=1e-10)
    if n < 6:  # the program without derivatives
        assert float(sector.loss(theta)) == pytest.approx(energy(theta), abs=1e-10)
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-8)


def _conserving(theta) -> None:
    """Kinds that conserve the number of ones, though not those on even and on odd wires; any reference."""
    qml.BasisState(np.array([1, 0, 0, 1, 0, 1, 0]), wires=range(7))
    qml.SingleExcitation(theta[0], wires=[0, 1])
    qml.SingleExcitation(theta[1], wires=[6, 3])
    qml.DoubleExcitation(theta[2], wires=[0, 2, 5, 6])
    qml.FermionicSingleExcitation(theta[3], wires=[1, 2, 3, 4])
    qml.FermionicDoubleExcitation(theta[4], wires1=[0, 1, 2], wires2=[3, 4])
    qml.IsingXY(theta[5], wires=[4, 5])
    qml.IsingXY(theta[0], wires=[0, 6])
    qml.IsingZZ(theta[1], wires=[1, 6])
    qml.ControlledPhaseShift(theta[2], wires=[2, 3])
    qml.CRZ(theta[3], wires=[2, 5])
    qml.RZ(theta[4], wires=3)
    qml.SWAP([0, 5])
    qml.ISWAP([2, 3])
    qml.CSWAP([1, 4, 5])
    qml.CZ([0, 1])
    qml.T(2)
    qml.PauliZ(4)
    qml.MultiRZ(theta[5], wires=[0, 3, 4])
    qml.SingleExcitation(theta[5], wires=[0, 1])  # the first gate once more


def _chiral() -> Problem:
    """Exchange over long ranges, fields, three-body and imaginary terms that conserve the number of ones."""
    words = {"ZIIIIIZ": 0.3, "IIZIIII": -0.8, "IIIIIII": 0.5}
    words |= {"XIIXIII": 0.7, "YIIYIII": 0.7}  # exchange
    words |= {"IXYIIII": 0.4, "IYXIIII": -0.4}  # Dzyaloshinskii-Moriya: imaginary in this basis
    words |= {"IIXZZXI": -0.9, "IIYZZYI": -0.9}  # hopping with its Jordan-Wigner string
    words |= {"XXIIIXX": 0.25, "YYIIIYY": 0.25, "XYIIIXY": 0.25, "YXIIIYX": 0.25}
    words |= {"XXIIIYY": -0.25, "YYIIIXX": -0.25, "XYIIIYX": 0.25, "YXIIIXY": 0.25}  # pairs hop
    return Problem(
        name="chiral",
        n_qubits=7,
        unit=units.COUPLING,
        description={"model": "chiral"},
        integrals=None,
        pauli=PauliTerms(tuple(words), np.array(list(words.values()))),
        occupied_alpha=(),
        occupied_beta=(),
    )


@pytest.mark.parametrize("problem", [_chiral(), heisenberg(7)], ids=lambda problem: problem.name)
def test_any_conserving_circuit_against_pennylane(problem: Problem) -> None:
    ansatz = qvar.Ansatz.from_circuit(_conserving, 7, 6)
    assert not ansatz.program.conserves_spin_numbers
    theta = _random(6, seed=4)
    value, gradient = oracle(problem, ansatz)(theta)
    sector = qvar.energy(problem, ansatz)
    assert sector.engine == "sector"
    assert sector.state(theta).shape == (comb(7, 3), 1)
    found, slope = sector.value_and_grad(theta)
    assert float(found) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize("ones", [0, 1, 3, 7])
def test_hamiltonian_in_every_sector(ones: int) -> None:
    terms = _chiral().pauli
    assert terms is not None
    states = occupation_strings(7, ones)
    kernel, tables, real = pauli_sector_hamiltonian(terms.words, terms.coefficients, states)
    assert not real
    matrix = observable(terms).sparse_matrix(wire_order=range(7))[states][:, states]
    rng = np.random.default_rng(2)
    state = rng.normal(size=(len(states), 1)) + 1j * rng.normal(size=(len(states), 1))
    np.testing.assert_allclose(jax.jit(kernel)(jnp.asarray(state), tables), matrix @ state, atol=1e-12)


def test_real_circuits_stay_real() -> None:
    def function(theta) -> None:
        qml.BasisState(np.array([0, 1, 0, 1]), wires=range(4))
        qml.SingleExcitation(theta[0], wires=[1, 2])

    ansatz = qvar.Ansatz.from_circuit(function, 4, 1)
    assert qvar.energy(heisenberg(4), ansatz).state(np.zeros(1)).dtype == np.float64


@pytest.mark.parametrize(
    ("words", "coefficients", "conserved"),
    [
        (("XX", "YY"), (1.0, 1.0), True),
        (("XX", "YY", "ZZ", "ZI", "II"), (0.3, 0.3, 2.0, -1.0, 4.0), True),
        (("XY", "YX"), (1.0, -1.0), True),
        (("XXI", "YYI", "IXX"), (1.0, 1.0, 0.5), False),
        (("XX",), (1.0,), False),
        (("XX", "YY"), (1.0, -1.0), False),
        (("XX", "YY"), (1.0, 1.0 + 1e-9), False),
        (("XX", "YY"), (0.0, 0.0), True),
        (("XI", "ZZ"), (1e-3, 1.0), False),
        (("XZX", "YZY"), (1.0, 1.0), True),
        (("XZX", "YIY"), (1.0, 1.0), False),
    ],
)
def test_conservation_is_seen_in_the_terms(words, coefficients, conserved: bool) -> None:
    assert conserves_ones(words, np.array(coefficients)) is conserved
    matrix = observable(PauliTerms(words, np.array(coefficients))).matrix(wire_order=range(len(words[0])))
    number = np.diag(np.bitwise_count(np.arange(len(matrix))).astype(float))
    assert bool(np.abs(matrix @ number - number @ matrix).max() < 1e-12) is conserved


def test_hamiltonian_that_does_not_conserve_is_dense() -> None:
    spins = tfim(4)
    ansatz = hva(heisenberg(4), layers=1)
    assert qvar.energy(spins, ansatz).engine == "dense"
    with pytest.raises(
        qvar.QvarError, match=r"^`engine` must be .* the Hamiltonian .* of TFIM 4 .* but is 'sector'\.$"
    ):
        qvar.energy(spins, ansatz, engine="sector")


def test_circuit_that_does_not_conserve_is_dense() -> None:
    spins = heisenberg(4)
    ansatz = qvar.hardware_efficient(spins, layers=1, name="rotations")
    assert qvar.energy(spins, ansatz).engine == "dense"
    with pytest.raises(
        qvar.QvarError, match=r"^`engine` must be .* number of ones .* in rotations, but is 'sector'\.$"
    ):
        qvar.energy(spins, ansatz, engine="sector")


def _few_ones(n: int, ones: int) -> qvar.Ansatz:
    from qvar.ansatz.program import ProgramBuilder

    builder = ProgramBuilder(n, 2, [1] * ones + [0] * (n - ones))
    builder.add("SingleExcitation", (n - 1, 0), {0: 1.0})
    builder.add("IsingXY", (ones - 1, ones), {1: 1.0})
    return qvar.Ansatz("few ones", "constrained", builder.build())


def test_more_qubits_than_a_register_can_hold() -> None:
    """Two ones on 40 sites: 780 states; the reference has 38 bonds of parallel spins and one of opposite ones."""
    objective = qvar.energy(heisenberg(40), _few_ones(40, 2))
    assert objective.engine == "sector"
    assert objective.state(np.zeros(2)).shape == (780, 1)
    assert float(objective.loss(np.zeros(2))) == pytest.approx(37.0, abs=1e-10)


def test_too_many_states_are_refused_before_anything_is_built() -> None:
    ansatz = _few_ones(40, 20)
    with pytest.raises(qvar.QvarError, match=r"^`engine` must be .* more than 16777216 states .* but is 'sector'\.$"):
        qvar.energy(heisenberg(40), ansatz, engine="sector")
    with pytest.raises(qvar.QvarError, match=r"^`n_qubits` must be at most 30 in the dense engine, but is 40\.$"):
        qvar.energy(heisenberg(40), ansatz)


@pytest.mark.parametrize(("n_orbitals", "ones"), [(0, 0), (1, 1), (5, 0), (5, 2), (6, 6), (7, 4), (3, 4)])
def test_strings_are_all_and_ascending(n_orbitals: int, ones: int) -> None:
    everything = np.arange(2**n_orbitals)
    expected = everything[np.bitwise_count(everything) == ones]
    np.testing.assert_array_equal(occupation_strings(n_orbitals, ones), expected)
