"""Orders of excitations: those of PennyLane, Qiskit and TenCirChem, and by the size of their amplitudes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pennylane as qml
import pytest
from cluster_circuits import error, factors

import qvar
from qvar.ansatz.ucc import kupccgsd, uccd, uccsd


def permutation_sign(wanted: tuple[int, ...], given: tuple[int, ...]) -> int:
    places = [given.index(mode) for mode in wanted]
    return (-1) ** sum(a > b for a, b in combinations(places, 2))


def pennylane_weight(wires: tuple[int, ...], theta: float) -> float:
    """Weight of the gate with generator c_p^ c_q^ c_r c_s of s<r, q<p, from the amplitude of our operator."""
    half = len(wires) // 2
    created, annihilated = wires[:half], wires[half:]
    descending = tuple(sorted(created, reverse=True)), tuple(sorted(annihilated, reverse=True))
    return 2 * theta * permutation_sign(created, descending[0]) * permutation_sign(annihilated, descending[1])


@pytest.mark.parametrize("make", [lambda: qvar.hydrogen_chain(4, bond=1.0), lambda: qvar.hydrogen_chain(3, bond=1.1)])
def test_pennylane_order_is_pennylanes(make: Callable[[], qvar.Problem]) -> None:
    problem = make()
    ansatz = uccsd(problem, order="pennylane")
    n = problem.n_qubits
    singles, doubles = qml.qchem.excitations(problem.n_electrons, n)
    listed = [set(d) for d in doubles] + [set(s) for s in singles]
    assert [set(wires) for wires in factors(ansatz)] == listed

    theta = np.random.default_rng(2).uniform(-1, 1, ansatz.n_params)
    by_factor = [pennylane_weight(wires, t) for wires, t in zip(factors(ansatz), theta, strict=True)]
    weights = np.array(by_factor[len(doubles) :] + by_factor[: len(doubles)])
    s_wires, d_wires = qml.qchem.excitations_to_wires(singles, doubles)

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit():
        qml.UCCSD(weights, range(n), s_wires, d_wires, np.array(problem.reference_bits))
        return qml.expval(problem.hamiltonian())

    assert float(qvar.energy(problem, ansatz).loss(theta)) == pytest.approx(float(circuit()), abs=1e-10)


@pytest.mark.parametrize("k", [1, 2])
def test_redundant_pairs_are_pennylanes(k: int) -> None:
    problem = qvar.hydrogen_chain(3, bond=1.1)
    n, m = problem.n_qubits, problem.n_orbitals
    ansatz = kupccgsd(problem, layers=k, redundant=True)
    shape = qml.kUpCCGSD.shape(k=k, n_wires=n, delta_sz=0)
    assert ansatz.n_params == shape[0] * shape[1] == k * 3 * m * (m - 1)

    theta = np.random.default_rng(4).uniform(-1, 1, shape)
    wires = np.array(factors(ansatz), dtype=object).reshape(shape)
    n_doubles = m * (m - 1)
    weights = np.zeros(shape)
    for layer in range(k):
        # doubles lead both electrons of wires1 to wires2; singles the electron of the first wire to the last
        signed = [2 * t * (-1 if len(w) == 4 else 1) for w, t in zip(wires[layer], theta[layer], strict=True)]
        weights[layer] = signed[n_doubles:] + signed[:n_doubles]

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit():
        qml.kUpCCGSD(weights, wires=range(n), k=k, delta_sz=0, init_state=np.array(problem.reference_bits))
        return qml.expval(problem.hamiltonian())

    assert float(qvar.energy(problem, ansatz).loss(theta.ravel())) == pytest.approx(float(circuit()), abs=1e-10)


QISKIT_H3 = "0>2 1>2 3>4 3>5 03>24 03>25 13>24 13>25"
QISKIT_H4 = (
    "0>2 0>3 1>2 1>3 4>6 4>7 5>6 5>7 01>23 04>26 04>27 05>26 05>27 04>36 04>37 05>36 05>37 "
    "14>26 14>27 15>26 15>27 14>36 14>37 15>36 15>37 45>67"
)
"""`excitation_list` of Qiskit Nature 0.8's UCCSD: all spin up first, then all spin down."""


@pytest.mark.parametrize(("atoms", "listed"), [(3, QISKIT_H3), (4, QISKIT_H4)])
def test_qiskit_order(atoms: int, listed: str) -> None:
    problem = qvar.hydrogen_chain(atoms, bond=1.0)

    def wire(block: str) -> int:
        spin, orbital = divmod(int(block), atoms)
        return 2 * orbital + spin

    expected = []
    for excitation in listed.split():
        before, after = excitation.split(">")
        expected.append(tuple([wire(b) for b in after] + [wire(b) for b in before[::-1]]))
    assert factors(uccsd(problem, order="qiskit")) == expected


@pytest.mark.parametrize(("atoms", "n_params", "published"), [(4, 11, 0.01), (6, 39, 0.27)])
def test_tencirchem_order_gives_the_published_numbers(atoms: int, n_params: int, published: float) -> None:
    """Hydrogen chains at 0.8 angstrom: parameters and error in millihartree of TenCirChem's documentation."""
    problem = qvar.hydrogen_chain(atoms, bond=0.8)
    ansatz = uccsd(problem, order="tencirchem")
    assert ansatz.n_params == n_params
    assert round(error(problem, ansatz), 2) == published


@pytest.mark.parametrize(("atoms", "n_params"), [(8, 108), (10, 246)])
def test_tencirchem_counts(atoms: int, n_params: int) -> None:
    assert uccsd(qvar.hydrogen_chain(atoms, bond=0.8), order="tencirchem").n_params == n_params


def sizes(problem: qvar.Problem, ansatz: qvar.Ansatz) -> list[float]:
    """|MP2 amplitude| of every factor."""
    amplitudes = problem.amplitudes("mp2")
    halves = [(wires[: len(wires) // 2], wires[len(wires) // 2 :]) for wires in factors(ansatz)]
    return [abs(amplitudes[half]) for half in halves]


def test_mp2_order_falls(h4: qvar.Problem) -> None:
    for ansatz in (uccsd(h4, order="mp2"), uccd(h4, order="mp2")):
        found = sizes(h4, ansatz)
        assert found == pytest.approx(sorted(found, reverse=True), abs=1e-8)
    canonical = factors(uccsd(h4))
    by_size = factors(uccsd(h4, order="mp2"))
    assert sorted(by_size) == sorted(canonical)
    zeros = [wires for wires, size in zip(canonical, sizes(h4, uccsd(h4)), strict=True) if size < 1e-8]
    assert len(zeros) == 8 + 8  # singles, and doubles of odd parity
    assert by_size[-16:] == zeros  # equal ones keep their order


def test_tencirchem_order_falls_after_the_singles(h4: qvar.Problem) -> None:
    ansatz = uccsd(h4, order="tencirchem")
    assert factors(ansatz)[:8] == factors(uccsd(h4))[:8]
    found = sizes(h4, ansatz)[8:]
    assert len(found) == 10
    assert min(found) > 1e-3
    assert found == pytest.approx(sorted(found, reverse=True), abs=1e-8)
