"""Unitary coupled cluster against other packages, PennyLane's operators, and published or reference energies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations
from math import comb

import jax
import numpy as np
import pennylane as qml
import pytest
from cluster_circuits import MILLIHARTREE, error, factors
from pennylane.fermi import FermiWord
from twin import twin_state

import qvar
from qvar.ansatz.gates import KINDS
from qvar.ansatz.ucc import kupccgsd, puccd, uccd, uccgsd, uccsd
from qvar.citations import bibtex


def excitation_matrix(n_qubits: int, created: tuple[int, ...], annihilated: tuple[int, ...]) -> np.ndarray:
    """T as PennyLane's Jordan-Wigner matrix."""
    half = len(created)
    word = FermiWord({(k, w): "+" if k < half else "-" for k, w in enumerate((*created, *annihilated))})
    return qml.matrix(qml.jordan_wigner(word), wire_order=range(n_qubits))


def determinant(problem: qvar.Problem) -> np.ndarray:
    state = np.zeros(2**problem.n_qubits)
    state[int("".join(map(str, problem.reference_bits)), 2)] = 1.0
    return state


def slopes(ansatz: qvar.Ansatz, directions: np.ndarray) -> np.ndarray:
    """Derivatives of the register's state at theta = 0 along some directions, by central differences."""
    h, program = 1e-4, ansatz.program
    return np.array([(twin_state(program, h * d) - twin_state(program, -h * d)) / (2 * h) for d in directions])


# --- energies of reference -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "expected"), [("singles_first", 0.0796), ("doubles_first", 0.0853)])
def test_energy_of_h4(h4: qvar.Problem, order, expected: float) -> None:
    assert error(h4, uccsd(h4, order=order)) == pytest.approx(expected, abs=6e-5)


def test_energies_of_lih(lih: qvar.Problem) -> None:
    pairs = kupccgsd(lih, layers=1)
    assert pairs.n_params == 45
    assert error(lih, pairs) == pytest.approx(0.1203, abs=6e-5)
    everything = error(lih, uccsd(lih))
    assert everything == pytest.approx(0.0100, abs=6e-5)
    pruned = uccsd(lih, prune="mp2")
    assert pruned.n_params == 34 < 92
    assert error(lih, pruned) == pytest.approx(everything, abs=1e-4)


def test_pair_energies_of_h4_stretched() -> None:
    problem = qvar.hydrogen_chain(4, bond=1.5)
    assert error(problem, kupccgsd(problem, layers=1), seeds=3) == pytest.approx(16.206, abs=6e-4)
    two = kupccgsd(problem, layers=2)
    assert two.n_params == 36
    assert error(problem, two, seeds=3) < 1e-5


@pytest.mark.parametrize(("order", "expected"), [("singles_first", 0.6133), ("doubles_first", 0.6344)])
def test_energy_of_h6(order, expected: float) -> None:
    problem = qvar.hydrogen_chain(6, bond=1.0)
    assert error(problem, uccsd(problem, order=order)) == pytest.approx(expected, abs=6e-5)


def test_generalized_reaches_the_exact_energy_where_uccsd_does_not(h4: qvar.Problem) -> None:
    assert abs(error(h4, uccgsd(h4))) < 1e-4


@pytest.mark.parametrize("excitations", ["fermionic", "qubit"])
def test_pair_doubles_reach_the_best_state_without_unpaired_electrons(h2: qvar.Problem, excitations) -> None:
    """Of hydrogen that is the exact one."""
    assert abs(error(h2, puccd(h2, excitations=excitations))) < 1e-6


# --- which excitations ------------------------------------------------------------------------------------------


def as_set(wires: tuple[int, ...]) -> frozenset[frozenset[int]]:
    """An excitation or its adjoint, whatever the order of its modes."""
    half = len(wires) // 2
    return frozenset((frozenset(wires[:half]), frozenset(wires[half:])))


def all_conserving(n_modes: int, rank: int) -> set[frozenset[frozenset[int]]]:
    sets = [frozenset(modes) for modes in combinations(range(n_modes), rank)]
    return {
        frozenset((one, two))
        for one, two in combinations(sets, 2)
        if not one & two and sum(m % 2 for m in one) == sum(m % 2 for m in two)
    }


@pytest.mark.parametrize("atoms", [2, 3, 4])
def test_generalized_excitations_are_all(atoms: int) -> None:
    problem = qvar.hydrogen_chain(atoms)
    for order in ("singles_first", "doubles_first", "mp2"):
        ansatz = uccgsd(problem, order=order)
        found = [as_set(wires) for wires in factors(ansatz)]
        m = atoms
        assert len(found) == len(set(found)) == m * (m - 1) + 6 * comb(m, 4) + m**2 * (m - 1) ** 2 // 2
        assert set(found) == all_conserving(2 * m, 1) | all_conserving(2 * m, 2)
        assert ansatz.n_params == len(found)
    if atoms == 4:
        assert factors(uccgsd(problem))[12:18:2] == [(4, 6, 2, 0), (2, 6, 4, 0), (0, 6, 4, 2)]
    ranks = [len(wires) for wires in factors(uccgsd(problem, order="doubles_first"))]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("atoms", [2, 3, 4, 5])
def test_excitations_from_the_reference_are_all(atoms: int) -> None:
    """Open shells too."""
    problem = qvar.hydrogen_chain(atoms)
    bits = problem.reference_bits

    def from_reference(excitation: frozenset[frozenset[int]]) -> bool:
        return {frozenset(bits[m] for m in part) for part in excitation} == {frozenset({0}), frozenset({1})}

    n = 2 * atoms
    singles = {e for e in all_conserving(n, 1) if from_reference(e)}
    doubles = {e for e in all_conserving(n, 2) if from_reference(e)}
    for order in ("singles_first", "doubles_first", "mp2", "qiskit", "pennylane"):
        found = factors(uccsd(problem, order=order))
        assert len(found) == len(singles | doubles)
        assert {as_set(wires) for wires in found} == singles | doubles
        assert all(bits[w] == (k >= len(wires) // 2) for wires in found for k, w in enumerate(wires))
    assert {as_set(wires) for wires in factors(uccd(problem))} == doubles


def test_pairs_in_order(h4: qvar.Problem) -> None:
    pairs = list(combinations(range(4), 2))
    once = [(2 * q, 2 * q + 1, 2 * p + 1, 2 * p) for p, q in pairs]
    once += [(2 * q + s, 2 * p + s) for p, q in pairs for s in (0, 1)]
    assert factors(kupccgsd(h4, layers=2)) == 2 * once
    assert kupccgsd(h4, layers=2).n_params == 2 * 3 * 4 * 3 // 2
    assert factors(puccd(h4)) == [(2 * a, 2 * a + 1, 2 * i + 1, 2 * i) for i in (0, 1) for a in (2, 3)]


def test_pruning_keeps_what_the_reference_can_reach(h4: qvar.Problem) -> None:
    """Orbitals of the chain alternate between even and odd."""

    def even(wires: tuple[int, ...]) -> bool:
        return sum(w // 2 for w in wires) % 2 == 0

    for make in (uccsd, uccd, uccgsd, kupccgsd):
        kept, everything = factors(make(h4, prune="symmetry")), factors(make(h4))
        assert kept == [wires for wires in everything if even(wires)]
        assert len(kept) < len(everything)
    singles = [wires for wires in factors(uccsd(h4, prune="mp2")) if len(wires) == 2]
    assert singles == [wires for wires in factors(uccsd(h4)) if len(wires) == 2 and even(wires)]
    for prune in ("symmetry", "mp2"):
        pruned = uccsd(h4, prune=prune)
        assert pruned.n_params == 14
        assert error(h4, pruned) == pytest.approx(error(h4, uccsd(h4)), abs=1e-4)


# --- tied amplitudes, starts, claims ----------------------------------------------------------------------------


@pytest.mark.parametrize("excitations", ["fermionic", "qubit"])
@pytest.mark.parametrize(
    ("make", "n_params"),
    [
        (lambda p, x: uccsd(p, excitations=x, spin_adapted=True), 14),
        (lambda p, x: uccsd(p, excitations=x, spin_adapted=True, order="qiskit"), 14),
        (lambda p, x: uccsd(p, excitations=x, spin_adapted=True, prune="mp2"), 8),
        (lambda p, x: uccd(p, excitations=x, spin_adapted=True), 10),
        (lambda p, x: kupccgsd(p, layers=1, excitations=x, spin_adapted=True), 12),
        (lambda p, x: kupccgsd(p, layers=2, redundant=True, excitations=x, spin_adapted=True), 48),
    ],
    ids=["uccsd", "uccsd qiskit", "uccsd pruned", "uccd", "pairs", "redundant pairs"],
)
def test_tied_amplitudes_are_singlets_to_first_order(h4: qvar.Problem, make, n_params: int, excitations) -> None:
    ansatz = make(h4, excitations)
    assert ansatz.n_params == n_params
    spin = qml.matrix(qml.qchem.spin2(4, 8), wire_order=range(8))
    spin = spin + (4 * 3 / 4 - (determinant(h4) @ spin @ determinant(h4)).real - 3.0) * np.eye(256)
    tangents = slopes(ansatz, np.eye(n_params))
    assert np.abs(tangents).max() > 0.5
    np.testing.assert_allclose(spin @ tangents.T, 0.0, atol=1e-7)


def test_tied_amplitudes_span_all_singlets(h4: qvar.Problem) -> None:
    """E_ai and E_ai E_bj on the determinant, one parameter each."""
    e = {(a, i): sum(excitation_matrix(8, (2 * a + s,), (2 * i + s,)) for s in (0, 1)) for a in (2, 3) for i in (0, 1)}
    hf = determinant(h4)
    expected = [x @ hf for x in e.values()] + [x @ y @ hf for x in e.values() for y in e.values()]
    tangents = slopes(uccsd(h4, spin_adapted=True), np.eye(14))
    assert np.linalg.matrix_rank(tangents, tol=1e-6) == 14
    assert np.linalg.matrix_rank(np.vstack([expected, tangents]), tol=1e-6) == 14
    assert np.linalg.matrix_rank(slopes(uccsd(h4), np.eye(26)), tol=1e-6) == 26


def turned(problem: qvar.Problem) -> qvar.Problem:
    """The same molecule with its orbitals in another order, occupied ones not below the empty ones."""
    order = np.roll(np.arange(problem.n_orbitals), 1)  # new orbital p is the old order[p]
    integrals = replace(
        problem.integrals,
        one_body=problem.integrals.one_body[np.ix_(order, order)],
        two_body=problem.integrals.two_body[np.ix_(order, order, order, order)],
    )
    places = {int(old): new for new, old in enumerate(order)}
    alpha, beta = ([places[p] for p in occ] for occ in (problem.occupied_alpha, problem.occupied_beta))
    return replace(problem, integrals=integrals, occupied_alpha=tuple(alpha), occupied_beta=tuple(beta))


VARIANTS: dict[str, Callable[[qvar.Problem], qvar.Ansatz]] = {
    "uccsd": uccsd,
    "uccsd qiskit": lambda p: uccsd(p, order="qiskit"),
    "uccsd pruned": lambda p: uccsd(p, prune="mp2"),
    "uccd": uccd,
    "uccgsd": uccgsd,
    "pairs": lambda p: kupccgsd(p, layers=2),
    "redundant pairs": lambda p: kupccgsd(p, layers=1, redundant=True),
    "qubit uccsd": lambda p: uccsd(p, excitations="qubit"),
    "qubit uccgsd": lambda p: uccgsd(p, excitations="qubit"),
}
CLOSED_SHELL_VARIANTS = {
    "uccsd tencirchem": lambda p: uccsd(p, order="tencirchem"),
    "spin-adapted uccsd": lambda p: uccsd(p, spin_adapted=True),
    "spin-adapted qubit uccsd": lambda p: uccsd(p, excitations="qubit", spin_adapted=True),
    "spin-adapted uccsd pruned": lambda p: uccsd(p, spin_adapted=True, prune="mp2"),
    "spin-adapted pairs": lambda p: kupccgsd(p, layers=1, spin_adapted=True),
    "puccd": puccd,
    "qubit puccd": lambda p: puccd(p, excitations="qubit"),
}
PROBLEMS = {
    "h4": lambda: qvar.hydrogen_chain(4, bond=1.0),
    "h3": lambda: qvar.hydrogen_chain(3, bond=1.1),
    "h3 turned": lambda: turned(qvar.hydrogen_chain(3, bond=1.1)),
}


@cache
def cached(name: str) -> qvar.Problem:
    return PROBLEMS[name]()


@cache
def excited(name: str, created: tuple[int, ...], annihilated: tuple[int, ...]) -> np.ndarray:
    """T on the reference determinant."""
    return excitation_matrix(cached(name).n_qubits, created, annihilated) @ determinant(cached(name))


@pytest.mark.parametrize(
    ("problem_name", "name"),
    [("h4", name) for name in {**VARIANTS, **CLOSED_SHELL_VARIANTS}]
    + [(problem, name) for problem in ("h3", "h3 turned") for name in VARIANTS],
)
def test_starts_are_the_amplitudes(problem_name: str, name: str) -> None:
    r"""To first order the start is \(\sum t\, T |HF>\) over the excitations that the ansatz has."""
    problem = cached(problem_name)
    ansatz = {**VARIANTS, **CLOSED_SHELL_VARIANTS}[name](problem)
    present = {as_set(wires) for wires in factors(ansatz)}
    starts, expected = [], np.zeros((2, 2**problem.n_qubits), dtype=complex)
    for row, method in enumerate(("mp2", "ccsd")):
        starts.append(np.asarray(ansatz.initial(jax.random.key(0), method)))
        np.testing.assert_array_equal(starts[-1], ansatz.initial(jax.random.key(1), method))
        for (created, annihilated), t in problem.amplitudes(method).items():
            if as_set((*created, *annihilated)) in present:
                expected[row] += t * excited(problem_name, created, annihilated)
    assert np.linalg.norm(expected, axis=1).min() > 1e-3
    np.testing.assert_allclose(slopes(ansatz, np.array(starts)), expected, atol=1e-7)


def test_starts_are_good(h4: qvar.Problem) -> None:
    """Errors in millihartree: 67.8 of the determinant, 0.08 of UCCSD at its best."""
    for make in (uccsd, lambda p: uccsd(p, spin_adapted=True), lambda p: uccsd(p, order="tencirchem"), uccgsd):
        ansatz = make(h4)
        loss = qvar.energy(h4, ansatz).loss
        zero, mp2, ccsd = (
            (float(loss(ansatz.initial(jax.random.key(0), start))) - h4.exact_energy()) / MILLIHARTREE
            for start in ("zero", "mp2", "ccsd")
        )
        assert zero == pytest.approx(67.84, abs=0.01)
        assert mp2 < 15
        assert 0.0 < ccsd < 0.2


@pytest.mark.parametrize(
    ("make", "claimed"),
    [
        (puccd, True),
        (lambda p: puccd(p, excitations="qubit"), True),
        (lambda p: kupccgsd(p, layers=2, spin_adapted=True), True),
        (lambda p: kupccgsd(p, layers=1, redundant=True, spin_adapted=True), True),
        (lambda p: kupccgsd(p, excitations="qubit", spin_adapted=True), False),
        (kupccgsd, False),
        (uccgsd, False),
        (uccd, False),
        (lambda p: uccsd(p, spin_adapted=True), False),
        (lambda p: uccsd(p, excitations="qubit"), False),
    ],
)
def test_claimed_symmetries_hold_and_others_do_not(h4: qvar.Problem, make, claimed: bool) -> None:
    ansatz = make(h4)
    theta = np.random.default_rng(0).uniform(-np.pi, np.pi, ansatz.n_params)
    measured = qvar.energy(h4, ansatz).measure(theta)
    assert set(ansatz.symmetries) == {"particle_number", "sz"} | ({"s2"} if claimed else set())
    assert ansatz.program.conserves_spin_numbers
    assert measured["particle_number"] == pytest.approx(4.0, abs=1e-10)
    assert measured["sz"] == pytest.approx(0.0, abs=1e-10)
    assert (abs(measured["s2"]) < 1e-10) == claimed


# --- records and mistakes ---------------------------------------------------------------------------------------


def test_names_settings_and_papers(h4: qvar.Problem) -> None:
    assert uccsd(h4).name == "uccsd"
    assert uccsd(h4, order="doubles_first").name == "uccsd doubles first"
    assert uccsd(h4, order="qiskit", prune="mp2").name == "uccsd qiskit order pruned by mp2"
    assert kupccgsd(h4, layers=2, excitations="qubit", spin_adapted=True).name == "spin-adapted qubit 2-upccgsd"
    assert uccgsd(h4, name="mine").name == "mine"
    assert uccd(h4).settings == {"order": "canonical", "excitations": "fermionic", "spin_adapted": False, "prune": None}
    for variant in {**VARIANTS, **CLOSED_SHELL_VARIANTS}.values():
        assert bibtex(variant(h4).citations)
    assert {"xia2021", "yordanov2020"} <= set(puccd(h4, excitations="qubit").citations)
    assert "cao2022" in uccgsd(h4, prune="symmetry").citations
    assert "li2023" in uccsd(h4, order="tencirchem").citations


@pytest.mark.parametrize(("excitations", "prefix"), [("fermionic", "Fermionic"), ("qubit", "")])
def test_gates(h4: qvar.Problem, excitations, prefix: str) -> None:
    program = uccsd(h4, excitations=excitations).program
    assert {KINDS[k].name for k in program.kind} == {f"{prefix}SingleExcitation", f"{prefix}DoubleExcitation"}
    np.testing.assert_array_equal(np.abs(program.angle_scale), 2.0)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: uccsd(qvar.tfim(4)), "`problem` must have occupied and empty orbitals to excite between"),
        (lambda: puccd(qvar.tfim(4)), "`problem` must have occupied and empty orbitals to excite between"),
        (lambda: kupccgsd(qvar.hydrogen_chain(1)), "`problem` must have occupied and empty orbitals to excite between"),
        (lambda: uccd(qvar.hydrogen_chain(1)), "`problem` must have occupied and empty orbitals to excite between"),
        (lambda: uccd(qvar.hydrogen_chain(2, charge=1)), "`problem` must have excitations of uccd, but has none"),
        (lambda: puccd(qvar.hydrogen_chain(3)), r"`problem` must have a closed shell for pair excitations, .*\(0, 1\)"),
        (
            lambda: uccsd(qvar.hydrogen_chain(3), spin_adapted=True),
            "`problem` must have a closed shell for spin-adapted",
        ),
        (lambda: kupccgsd(qvar.hydrogen_chain(3), spin_adapted=True), "`problem` must have a closed shell for spin-ad"),
        (lambda: uccsd(qvar.hydrogen_chain(3), order="tencirchem"), "`problem` must have a closed shell for the order"),
        (
            lambda: uccsd(qvar.hydrogen_chain(2), order="tencirchem", spin_adapted=True),
            "`spin_adapted` must be False for the order 'tencirchem'",
        ),
        (lambda: kupccgsd(qvar.hydrogen_chain(2), layers=0), "`layers` must be at least 1, but is 0"),
        (
            lambda: unchecked(uccsd, order="random"),
            "`order` must be 'singles_first', .* or 'pennylane', but is 'random'",
        ),
        (lambda: unchecked(uccd, order="qiskit"), "`order` must be 'canonical' or 'mp2', but is 'qiskit'"),
        (lambda: unchecked(uccgsd, order="qiskit"), "`order` must be 'singles_first', 'doubles_first' or 'mp2', but"),
        (lambda: unchecked(uccsd, prune="d2h"), "`prune` must be 'symmetry', 'mp2' or None, but is 'd2h'"),
        (lambda: unchecked(kupccgsd, prune="mp2"), "`prune` must be 'symmetry' or None, but is 'mp2'"),
    ],
)
def test_mistakes(make, sentence: str) -> None:
    with pytest.raises(qvar.QvarError, match=f"^{sentence}.*\\.$"):
        make()


def unchecked(function, **arguments):
    """As without the tests' type checker."""
    return function.__wrapped__(qvar.hydrogen_chain(2), **arguments)
