from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml
import pytest
from scipy.sparse.linalg import eigsh

from qvar.errors import QvarError
from qvar.problems.exact_energy import pauli_ground_energy, pauli_matrix
from qvar.problems.fermion_mapping import encoded_bits, observable, pauli_terms, qubit_terms
from qvar.problems.hamiltonians import PauliTerms
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.spin_models import tfim

MOLECULES = {
    "H2": lambda: hydrogen_chain(2, bond=0.7414),
    "H3": lambda: hydrogen_chain(3, bond=0.9),
    "H4": lambda: hydrogen_chain(4, bond=1.5),
    "LiH": lambda: molecule("Li 0 0 0; H 0 0 1.595", active_space=(2, 5)),
    "O2": lambda: molecule("O 0 0 0; O 0 0 1.2", spin=2, active_space=(6, 4)),
}


def sector(problem):
    """Basis states with the problem's numbers of spin-up (even wires) and spin-down electrons."""
    n = problem.n_qubits
    bits = (np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1)) & 1
    chosen = (bits[:, 0::2].sum(1) == problem.n_alpha) & (bits[:, 1::2].sum(1) == problem.n_beta)
    return np.flatnonzero(chosen)


@pytest.mark.parametrize("name", MOLECULES)
def test_lowest_energy_in_the_sector_is_fci(name):
    problem = MOLECULES[name]()
    matrix = problem.hamiltonian().sparse_matrix(wire_order=range(problem.n_qubits)).tocsr()
    places = sector(problem)
    block = matrix[places][:, places]
    outside = np.setdiff1d(np.arange(matrix.shape[0]), places)
    assert abs(matrix[places][:, outside]).max() < 1e-12
    if len(places) < 50:
        lowest = np.linalg.eigvalsh(block.toarray())[0]
    else:
        lowest = eigsh(block, k=1, which="SA", v0=np.ones(len(places)), return_eigenvectors=False)[0]
    assert lowest == pytest.approx(problem.exact_energy(), abs=1e-9)


@pytest.mark.parametrize("name", MOLECULES)
def test_reference_state_has_the_reference_energy(name):
    problem = MOLECULES[name]()
    matrix = pauli_matrix(pauli_terms(problem.hamiltonian(), problem.n_qubits))
    place = int("".join(map(str, problem.reference_bits)), 2)
    assert matrix[place, place] == pytest.approx(problem.reference_energy, abs=1e-10)


def test_hamiltonian_runs_in_pennylane():
    problem = hydrogen_chain(2)
    device = qml.device("default.qubit", wires=problem.n_qubits)

    @qml.qnode(device)
    def energy():
        qml.BasisState(np.array(problem.reference_bits), wires=range(problem.n_qubits))
        return qml.expval(problem.hamiltonian())

    assert energy() == pytest.approx(problem.reference_energy, abs=1e-10)


def test_spin_model_needs_no_mapping():
    problem = tfim(3, periodic=True)
    again = pauli_terms(problem.hamiltonian(), 3)
    assert again.words == problem.pauli.words
    np.testing.assert_array_equal(again.coefficients, problem.pauli.coefficients)


MAPPINGS = ("jordan_wigner", "parity", "bravyi_kitaev")


def dense(problem, mapping):
    return pauli_matrix(qubit_terms(problem.integrals, mapping)).toarray()


@pytest.mark.parametrize("name", ["H2", "H3", "H4"])
def test_spectrum_is_the_same_in_all_mappings(name):
    problem = MOLECULES[name]()
    spectra = [np.linalg.eigvalsh(dense(problem, mapping)) for mapping in MAPPINGS]
    for spectrum in spectra[1:]:
        np.testing.assert_allclose(spectrum, spectra[0], atol=1e-10)


def test_lowest_energy_of_a_larger_register_is_the_same_in_all_mappings():
    problem = MOLECULES["LiH"]()
    lowest = [pauli_ground_energy(qubit_terms(problem.integrals, mapping)) for mapping in MAPPINGS]
    assert lowest == pytest.approx([problem.exact_energy()] * 3, abs=1e-9)


def test_integrals_below_1e_minus_8_count():
    problem = molecule("H 0 0 0; H 0 0 1; H 0.3 0.1 8; H 0.1 0.4 9")
    for mapping in MAPPINGS:
        assert problem.mapped(mapping).reference_energy == pytest.approx(problem.reference_energy, abs=1e-12)


@pytest.mark.parametrize("mapping", MAPPINGS[1:])
@pytest.mark.parametrize("name", ["H2", "H3", "H4"])
def test_every_determinant_is_encoded(name, mapping):
    """A Hamiltonian written in other bits is the same matrix with rows and columns permuted, but for signs."""
    problem = MOLECULES[name]()
    n = problem.n_qubits
    occupations = list(np.ndindex(*(2,) * n))
    places = [int("".join(map(str, encoded_bits(o, mapping))), 2) for o in occupations]
    assert sorted(places) == list(range(2**n))
    given, mapped = dense(problem, "jordan_wigner"), dense(problem, mapping)
    moved = mapped[np.ix_(places, places)]
    np.testing.assert_allclose(np.diag(moved), np.diag(given), atol=1e-12)
    np.testing.assert_allclose(np.abs(moved), np.abs(given), atol=1e-12)


@pytest.mark.parametrize(("mapping", "basis"), [("parity", "parity"), ("bravyi_kitaev", "bravyi_kitaev")])
@pytest.mark.parametrize(("electrons", "n"), [(1, 2), (2, 4), (3, 7), (4, 12), (9, 16), (10, 20)])
def test_encoded_bits_are_those_of_pennylane(mapping, basis, electrons, n):
    occupations = [1] * electrons + [0] * (n - electrons)
    assert encoded_bits(occupations, mapping) == tuple(qml.qchem.hf_state(electrons, n, basis=basis))


@pytest.mark.parametrize("make", [lambda: hydrogen_chain(2).hamiltonian, lambda: hydrogen_chain(2).mapped])
def test_unknown_mapping(make, one_sentence):
    with pytest.raises(QvarError) as info:
        make()("parrity")
    one_sentence(info, "mapping", "'parrity'", "'bravyi_kitaev'")
    with pytest.raises(QvarError) as info:
        encoded_bits((0, 1), "JW")
    one_sentence(info, "mapping", "'JW'")


def test_spins_cannot_be_mapped(one_sentence):
    problem = tfim(3)
    with pytest.raises(QvarError) as info:
        problem.hamiltonian("parity")
    one_sentence(info, "mapping", problem.name, "'parity'")
    with pytest.raises(QvarError) as info:
        problem.hamiltonian(taper=True)
    one_sentence(info, "taper", problem.name)
    with pytest.raises(QvarError) as info:
        problem.mapped()
    one_sentence(info, "problem", problem.name)


H = np.array([[1.0, 2 - 1j], [2 + 1j, -0.5]])
OBSERVABLES = {
    "single": qml.Z(1),
    "identity": qml.Identity(0),
    "multiple": 0.5 * qml.Y(2),
    "product": qml.X(0) @ qml.Z(2),
    "sum": qml.X(0) + 2 * qml.Z(1) @ qml.Z(0) - qml.Y(2),
    "sum with a number": qml.X(0) + 1.5 * qml.Identity(1),
    "joined": qml.X(0) + qml.X(0) + qml.Z(1),
    "product on one wire": qml.prod(qml.X(0), qml.X(0), qml.Z(1)),
    "Hamiltonian": qml.Hamiltonian([0.1, -0.2], [qml.X(0) @ qml.Y(1), qml.Z(2)]),
    "Hermitian": qml.Hermitian(H, wires=1),
    "Hermitian, turned wires": qml.Hermitian(np.kron(H, np.diag([1.0, 2.0])), wires=[2, 0]),
    "sum with Hermitian": qml.Hermitian(H, wires=1) + qml.Z(2),
    "Hadamard": qml.Hadamard(1),
    "projector": qml.Projector([0, 1], wires=[0, 2]),
    "swap": qml.SWAP([0, 2]),
    "word": qml.pauli.PauliWord({2: "X", 0: "Y"}),
    "empty word": qml.pauli.PauliWord({}),
    "sentence": qml.pauli.PauliSentence({qml.pauli.PauliWord({0: "X", 1: "Z"}): 0.3, qml.pauli.PauliWord({}): -1.2}),
}


@pytest.mark.parametrize("name", OBSERVABLES)
def test_every_observable_keeps_its_matrix(name):
    given = OBSERVABLES[name]
    terms = pauli_terms(given, 3)
    expected = qml.matrix(given, wire_order=range(3))
    assert len(set(terms.words)) == len(terms.words)
    np.testing.assert_allclose(pauli_matrix(terms).toarray(), expected, atol=1e-12)
    np.testing.assert_allclose(qml.matrix(observable(terms), wire_order=range(3)), expected, atol=1e-12)


def test_zero_operator():
    for zero in (qml.X(0) - qml.X(0), qml.pauli.PauliSentence({})):
        terms = pauli_terms(zero, 2)
        assert terms.words == ("II",)
        assert terms.coefficients.tolist() == [0.0]


def test_round_trip_of_words():
    terms = PauliTerms(("IXYZ", "IIII", "ZIII"), np.array([0.25, -1.0, 3.0]))
    again = pauli_terms(observable(terms), 4)
    assert again.words == terms.words
    np.testing.assert_array_equal(again.coefficients, terms.coefficients)


@pytest.mark.parametrize(
    ("given", "mention"),
    [
        (3, "3"),
        (None, "None"),
        ("ZZ", "'ZZ'"),
        (qml.expval(qml.Z(0)), "expval"),
        (1j * qml.X(0), "1j"),
        (qml.prod(qml.X(0), qml.Z(0)), "j"),
        (qml.RX(0.3, 0), "RX"),
        (qml.S(0), "0.5j"),
        (qml.S(0) + qml.Hermitian(H, 1), "Sum is not"),
        (qml.BasisState([1], wires=0), "BasisState"),
        (qml.X(3), "3"),
        (qml.X("a"), "'a'"),
        (qml.Z(0) @ qml.Z(-1), "-1"),
        (qml.Hermitian(np.eye(64), wires=range(6)), "Hermitian"),
        (float("nan") * qml.X(0), "not"),
        (qml.pauli.PauliWord({3: "X"}), "3"),
        (qml.pauli.PauliSentence({qml.pauli.PauliWord({0: "X"}): 1j}), "1j"),
    ],
)
def test_mistakes(given, mention, one_sentence):
    n_qubits = 6 if isinstance(given, qml.Hermitian) else 3
    with pytest.raises(QvarError) as info:
        pauli_terms(given, n_qubits)
    one_sentence(info, "observable", mention)


def test_no_qubits(one_sentence):
    with pytest.raises(QvarError) as info:
        pauli_terms(qml.X(0), 0)
    one_sentence(info, "n_qubits", "0")


@pytest.mark.parametrize(
    ("operator", "n_words"),
    [
        (qml.Projector([1, 0, 1, 1, 0, 0, 1, 0], wires=[7, 6, 5, 0, 1, 2, 3, 4]), 256),
        (qml.Identity(0) - qml.Projector([0] * 6, wires=range(6)), 64),
        (qml.Hamiltonian([1.0, 2.0], [qml.Projector([0] * 7, wires=range(7)), qml.Z(0)]), 128),
        (2 * qml.Projector([1, 0, 1], wires=[0, 2, 1]) @ qml.Z(7) @ qml.Projector([0, 1], wires=[6, 4]), 32),
        (qml.Projector([1, 0, 1], [0, 2, 1]) + qml.Z(3) @ qml.Hermitian(np.array([[1, 1j], [-1j, 2]]), 5), 11),
        (qml.Projector(np.array([0.6, 0.8j]), wires=3) @ qml.Projector([0] * 6, [0, 1, 2, 4, 5, 6]), 192),
    ],
    ids=str,
)
def test_projectors_alone_and_in_sums_and_products(operator: Any, n_words: int) -> None:
    terms = pauli_terms(operator, 8)
    assert len(terms.words) == n_words
    made = qml.matrix(observable(terms), wire_order=range(8))
    np.testing.assert_allclose(made, qml.matrix(operator, wire_order=range(8)), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("operator", "sentence"),
    [
        (qml.Projector([0] * 17, range(17)), "at most 65536 Pauli words, but is a Projector on 17 wires with 131072"),
        (qml.Projector([0] * 9, range(9)) @ qml.Projector([0] * 8, range(9, 17)), "is a Prod on 17 wires with 131072"),
        (1j * qml.Projector([0] * 6, range(6)), "must be Hermitian"),
        (qml.Projector(np.eye(64)[0], range(6)), "act on at most 5 wires, but is a Projector on 6"),
    ],
    ids=["wide", "product", "imaginary", "state"],
)
def test_projectors_that_are_too_wide_or_not_hermitian(operator: Any, sentence: str) -> None:
    with pytest.raises(QvarError, match=sentence):
        pauli_terms(operator, 17)
