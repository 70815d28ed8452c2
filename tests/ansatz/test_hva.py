"""Hamiltonian-variational circuits against exponentials of the models' own terms, and against exact energies."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pennylane as qml
import pytest
from scipy.linalg import expm
from scipy.optimize import minimize
from twin import twin_state

import qvar
from qvar.ansatz.hva import hva
from qvar.engines.pennylane_reference import oracle
from qvar.problems.hubbard import hubbard
from qvar.problems.spin_models import heisenberg, tfim, xxz


def _matrix(operator, n: int) -> np.ndarray:
    return qml.matrix(operator, wire_order=range(n))


def _exchange(bonds, n: int, letters: str) -> np.ndarray:
    gate = {"X": qml.X, "Y": qml.Y, "Z": qml.Z}
    return sum(_matrix(gate[letter](p) @ gate[letter](q), n) for p, q in bonds for letter in letters)


def _hopping(bonds, n: int) -> np.ndarray:
    """sum over bonds and spins of a+_p a_q + a+_q a_p."""
    total = 0
    for p, q in bonds:
        for a, b in ((2 * p, 2 * q), (2 * p + 1, 2 * q + 1)):
            word = qml.FermiC(a) * qml.FermiA(b) + qml.FermiC(b) * qml.FermiA(a)
            total = total + _matrix(qml.jordan_wigner(word), n)
    return total


def _product(*factors) -> np.ndarray:
    state = np.ones(1)
    for factor in factors:
        state = np.kron(state, factor)
    return state


UP, DOWN = np.eye(2)
SINGLET, TRIPLET = np.array([0, 1, -1, 0]) / np.sqrt(2), np.array([0, 1, 1, 0]) / np.sqrt(2)


@pytest.mark.parametrize(("j", "h", "periodic"), [(1.0, 0.7, False), (-0.5, -1.0, True)])
def test_tfim_operator(j: float, h: float, periodic: bool) -> None:
    n, bonds = 3, [(0, 1), (1, 2)] + [(2, 0)] * periodic
    couplings = -np.sign(j) * _exchange(bonds, n, "Z")
    field = -np.sign(h) * sum(_matrix(qml.X(q), n) for q in range(n))
    start = _product(*[np.array([1, np.sign(h)]) / np.sqrt(2)] * n)
    _same_state(tfim(n, j=j, h=h, periodic=periodic), start, [couplings, field])


EXCHANGES: dict[str, tuple[qvar.Problem, np.ndarray, list[list[tuple[int, int]]]]] = {
    "chain": (xxz(4, delta=0.5), _product(SINGLET, SINGLET), [[(1, 2)], [(0, 1), (2, 3)]]),
    "ferromagnetic ring": (
        xxz(4, j=-2.0, delta=0.5, periodic=True),
        _product(TRIPLET, TRIPLET),
        [[(1, 2), (3, 0)], [(0, 1), (2, 3)]],
    ),
    "odd chain": (xxz(3, delta=-0.5), _product(SINGLET, UP), [[(1, 2)], [(0, 1)]]),
    "odd ring": (
        xxz(5, delta=0.5, periodic=True),
        _product(SINGLET, SINGLET, UP),
        [[(1, 2), (3, 4)], [(4, 0)], [(0, 1), (2, 3)]],
    ),
    "ladder": (
        xxz((3, 2), delta=0.5),
        _product(SINGLET, -SINGLET, SINGLET),
        [[(0, 2), (1, 3)], [(2, 4), (3, 5)], [(0, 1), (2, 3), (4, 5)]],
    ),
}


@pytest.mark.parametrize("case", list(EXCHANGES))
def test_xxz_operator(case: str) -> None:
    problem, start, colours = EXCHANGES[case]
    j, delta, n = problem.description["j"], problem.description["delta"], problem.n_qubits
    groups = []
    for colour in colours:
        groups += [np.sign(j) * _exchange(colour, n, "XY"), np.sign(j * delta) * _exchange(colour, n, "Z")]
    _same_state(problem, start, groups)


@pytest.mark.parametrize("case", ["chain", "odd ring", "ladder"])
def test_heisenberg_operator(case: str) -> None:
    like, start, colours = EXCHANGES[case]
    problem = heisenberg(like.description["shape"], periodic=like.description["periodic"])
    _same_state(problem, start, [_exchange(colour, problem.n_qubits, "XYZ") for colour in colours])


@pytest.mark.parametrize(
    ("problem", "colours"),
    [
        (hubbard(3, t=0.8, u=3.0), [[(0, 1)], [(1, 2)]]),
        (hubbard((2, 2), t=-1.0, u=-2.0, n_electrons=(1, 3)), [[(0, 1), (2, 3)], [(0, 2), (1, 3)]]),
        (hubbard(3, n_electrons=(1, 1), periodic=True), [[(0, 1)], [(1, 2)], [(2, 0)]]),
    ],
)
def test_hubbard_operator(problem: qvar.Problem, colours) -> None:
    n, model = problem.n_qubits, problem.description
    number = [(np.eye(2**n) - _matrix(qml.Z(q), n)) / 2 for q in range(n)]
    repulsion = np.sign(model["u"]) * sum(number[2 * p] @ number[2 * p + 1] for p in range(n // 2))
    hops = [-np.sign(model["t"]) * _hopping(colour, n) for colour in colours]

    # the start is the ground state of the hopping among states with these numbers of electrons
    penalty = 50.0 * sum(
        np.linalg.matrix_power(sum(number[spin::2]) - electrons * np.eye(2**n), 2)
        for spin, electrons in enumerate(model["n_electrons"])
    )
    levels, states = np.linalg.eigh(sum(hops) + penalty)
    assert levels[1] - levels[0] > 0.1
    _same_state(problem, states[:, 0], [repulsion, *hops])


def _same_state(problem: qvar.Problem, start: np.ndarray, groups: list[np.ndarray]) -> None:
    layers = 2
    ansatz = hva(problem, layers=layers)
    assert ansatz.n_params == layers * len(groups)
    theta = np.random.default_rng(1).uniform(-1.0, 1.0, ansatz.n_params)
    expected = start
    for angle, group in zip(theta, groups * layers, strict=True):
        expected = expm(-1j * angle * group) @ expected
    found = twin_state(ansatz.program, theta)
    assert abs(np.vdot(found, expected)) == pytest.approx(1.0, abs=1e-12)


def _best_error(problem: qvar.Problem, layers: int, seeds: int) -> float:
    objective = qvar.energy(problem, hva(problem, layers=layers))
    rng = np.random.default_rng(0)

    def value_and_grad(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = objective.value_and_grad(theta)
        return float(value), np.asarray(slope)

    ends = []
    for _ in range(seeds):
        start = rng.uniform(-np.pi, np.pi, objective.n_params)
        ends.append(minimize(value_and_grad, start, jac=True, method="BFGS", options={"gtol": 1e-9}).fun)
        if ends[-1] - problem.exact_energy() < 1e-9:  # none is below
            break
    return min(ends) - problem.exact_energy()


@pytest.mark.parametrize("n", [4, 6, 8])
def test_periodic_tfim_is_exact_with_half_as_many_layers_as_spins(n: int) -> None:
    assert _best_error(tfim(n, periodic=True), layers=n // 2, seeds=2) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("layers", "error"), [(2, 0.0235), (4, 0.0)])
def test_open_tfim_needs_as_many_layers_as_spins(layers: int, error: float) -> None:
    assert _best_error(tfim(4), layers, seeds=12) == pytest.approx(error, abs=5e-5 if error else 1e-9)


@pytest.mark.parametrize(("n", "periodic"), [(4, False), (4, True), (5, True)])
def test_heisenberg_is_exact(n: int, periodic: bool) -> None:
    assert _best_error(heisenberg(n, periodic=periodic), layers=3, seeds=3) == pytest.approx(0.0, abs=1e-9)


def test_xxz_is_exact() -> None:
    assert _best_error(xxz(4, delta=0.5), layers=2, seeds=4) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize(("shape", "layers"), [(2, 1), ((2, 2), 4)])
def test_hubbard_is_exact(shape, layers: int) -> None:
    assert _best_error(hubbard(shape), layers, seeds=2) == pytest.approx(0.0, abs=1e-8)


@dataclass(frozen=True)
class Case:
    """A problem, the number of groups in a layer, and what the circuit claims."""

    problem: qvar.Problem
    groups: int
    symmetries: tuple[str, ...]


CASES = {
    "tfim": Case(tfim(4, h=0.4), 2, ("spin_flip",)),
    "xxz": Case(xxz(6, delta=0.3, periodic=True), 4, ("particle_number", "spin_flip")),
    "xxz 3x3": Case(xxz((3, 3), delta=0.3), 8, ("particle_number",)),
    "xxz torus": Case(xxz((2, 3), j=-1.0, periodic=True), 8, ("particle_number", "spin_flip")),
    "heisenberg": Case(heisenberg(6), 2, ("particle_number", "spin_flip")),
    "heisenberg odd ring": Case(heisenberg(5, periodic=True), 3, ("particle_number",)),
    "heisenberg dimer": Case(heisenberg(2), 1, ("particle_number", "spin_flip")),
    "hubbard": Case(hubbard((2, 2), n_electrons=(2, 1)), 3, ("particle_number", "sz", "s2")),
    "hubbard ring": Case(hubbard(3, periodic=True), 4, ("particle_number", "sz", "s2")),
}


@pytest.mark.parametrize("name", [name for name in CASES if name != "heisenberg dimer"])
def test_agrees_with_pennylane(name: str) -> None:
    problem = CASES[name].problem
    ansatz = hva(problem, layers=2)
    theta = np.random.default_rng(3).uniform(-1.0, 1.0, ansatz.n_params)
    value, gradient = oracle(problem, ansatz)(theta)
    assert np.linalg.norm(gradient) > 1e-2
    ours, slope = qvar.energy(problem, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", list(CASES))
def test_claims_and_counts(name: str) -> None:
    case = CASES[name]
    ansatz = hva(case.problem, layers=3)
    assert ansatz.n_params == 3 * case.groups
    assert ansatz.symmetries == case.symmetries
    assert (ansatz.family, ansatz.name, ansatz.settings) == ("constrained", "hva x3", {"layers": 3})
    objective = qvar.energy(case.problem, ansatz, engine="dense")
    for seed in range(2):
        theta = np.random.default_rng(seed).uniform(-np.pi, np.pi, ansatz.n_params)
        state = twin_state(ansatz.program, theta)
        if "spin_flip" in ansatz.symmetries:
            flipped = np.vdot(state, state[::-1])  # every bit turned
            assert abs(flipped) == pytest.approx(1.0, abs=1e-10)
        if "particle_number" in ansatz.symmetries:
            ones = np.bitwise_count(np.arange(len(state)))
            assert np.sum(np.abs(state[ones == sum(case.problem.reference_bits)]) ** 2) == pytest.approx(1.0, abs=1e-10)
        if "s2" in ansatz.symmetries:
            assert objective.measure is not None
            measured = objective.measure(theta)
            sz = (case.problem.n_alpha - case.problem.n_beta) / 2
            assert measured["sz"] == pytest.approx(sz, abs=1e-10)
            assert measured["s2"] == pytest.approx(sz * (sz + 1), abs=1e-10)


@pytest.mark.parametrize(("problem", "spin"), [(heisenberg(6), 0.0), (heisenberg((3, 3)), 0.5), (heisenberg(4), 0.0)])
def test_heisenberg_conserves_the_total_spin(problem: qvar.Problem, spin: float) -> None:
    n = problem.n_qubits
    ansatz = hva(problem, layers=2)
    theta = np.random.default_rng(5).uniform(-np.pi, np.pi, ansatz.n_params)
    state = np.asarray(qvar.energy(problem, ansatz, engine="dense").state(theta)).reshape([2] * n)
    # XX + YY + ZZ exchanges two spins twice and takes one away
    exchanges = [2.0 * np.vdot(state, np.swapaxes(state, p, q)).real - 1.0 for p in range(n) for q in range(p)]
    assert 0.75 * n + 0.5 * sum(exchanges) == pytest.approx(spin * (spin + 1), abs=1e-10)


def test_hubbard_runs_in_the_sector() -> None:
    problem = hubbard((2, 2))
    assert qvar.energy(problem, hva(problem, layers=1)).engine == "sector"


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (
            lambda: qvar.molecule("H 0 0 0; H 0 0 0.7414"),
            r"^`problem` must be a lattice model out of .*, but is 'H2.*'\.$",
        ),
        (lambda: 4, r"^`problem` must be a lattice model out of .*, but is 4\.$"),
        (
            lambda: hubbard(2, orbitals="hopping"),
            r"^`problem` must be a Hubbard model in 'site' orbitals, .* 'hopping'\.$",
        ),
    ],
)
def test_other_problems_are_refused(problem: Any, sentence: str) -> None:
    with pytest.raises(qvar.QvarError, match=sentence):
        hva.__wrapped__(problem())


@pytest.mark.parametrize("layers", [0, 1.5, True])
def test_layers(layers: Any) -> None:
    with pytest.raises(qvar.QvarError, match=r"^`layers` must be .*\.$"):
        hva.__wrapped__(tfim(3), layers=layers)
