"""Hamiltonians of PennyLane and OpenFermion as problems.

OpenFermion is not needed: objects with the attributes that its documentation lists take the place of its own.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.errors import QvarError
from qvar.problems.fermion_mapping import _fermions
from qvar.problems.fermion_terms import integrals_of, ladder_terms


@pytest.fixture(scope="module")
def h3():
    return qvar.hydrogen_chain(3, bond=1.1)


def close(integrals, other, atol=1e-12):
    assert integrals.core_energy == pytest.approx(other.core_energy, abs=atol)
    assert np.allclose(integrals.one_body, other.one_body, rtol=0, atol=atol)
    assert np.allclose(integrals.two_body, other.two_body, rtol=0, atol=atol)


def fermion_operator(integrals):
    """The attributes of OpenFermion's `FermionOperator`: words of (mode, 1 to create or 0), with coefficients."""
    words = ladder_terms(integrals)
    return SimpleNamespace(terms={tuple((p, int(c)) for p, c in word): value for word, value in words.items()})


def interaction_operator(integrals):
    r"""Those of `InteractionOperator`: \(\sum h_{pq} a_p^+ a_q + \sum h_{pqrs} a_p^+ a_q^+ a_r a_s\) over modes."""
    m = len(integrals.one_body)
    one, two = np.zeros((2 * m,) * 2), np.zeros((2 * m,) * 4)
    for s in (0, 1):
        one[s::2, s::2] = integrals.one_body
        for t in (0, 1):
            two[s::2, t::2, t::2, s::2] = 0.5 * integrals.two_body.transpose(0, 2, 3, 1)
    return SimpleNamespace(constant=integrals.core_energy, one_body_tensor=one, two_body_tensor=two)


def molecular_data(problem):
    """Those of `MolecularData`, whose integrals over orbitals are in the order of a_p^+ a_q^+ a_r a_s."""
    own = problem.integrals
    return SimpleNamespace(
        nuclear_repulsion=own.core_energy,
        one_body_integrals=own.one_body,
        two_body_integrals=own.two_body.transpose(0, 2, 3, 1),
        n_electrons=problem.n_electrons,
        multiplicity=problem.n_alpha - problem.n_beta + 1,
    )


def qubit_operator(observable):
    """Those of `QubitOperator`: words of (qubit, letter), with coefficients."""
    return SimpleNamespace(terms={tuple(word.items()): value for word, value in observable.pauli_rep.items()})


@pytest.mark.parametrize(
    "make",
    [
        lambda problem: _fermions(problem.integrals),
        lambda problem: fermion_operator(problem.integrals),
        lambda problem: interaction_operator(problem.integrals),
        lambda problem: problem.hamiltonian(),
        lambda problem: problem.hamiltonian().pauli_rep,
        lambda problem: qubit_operator(problem.hamiltonian()),
    ],
)
def test_integrals_come_back(h3, make):
    problem = qvar.from_hamiltonian(make(h3), n_electrons=3, spin=1)
    close(problem.integrals, h3.integrals)
    assert (problem.reference_bits, problem.name) == (h3.reference_bits, "integrals (3e,3o)")
    assert problem.exact_energy() == pytest.approx(h3.exact_energy(), abs=1e-8)


def test_molecular_data_know_their_electrons(h3):
    problem = qvar.from_hamiltonian(molecular_data(h3))
    close(problem.integrals, h3.integrals)
    assert (problem.n_alpha, problem.n_beta) == (2, 1)
    assert qvar.from_hamiltonian(molecular_data(h3), n_electrons=2).n_alpha == 1


@pytest.mark.parametrize("fermionic", [True, False])
def test_pennylanes_own_molecule(fermionic):
    """Integrals, mean field and mapping of `qml.qchem`, whose atoms are in bohr."""
    symbols, places = ["H", "H"], np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]])
    molecule = qml.qchem.Molecule(symbols, qml.numpy.array(places, requires_grad=False))
    if fermionic:
        hamiltonian = qml.qchem.fermionic_hamiltonian(molecule)()
    else:
        hamiltonian, _ = qml.qchem.molecular_hamiltonian(molecule)
    theirs = qvar.molecule("H 0 0 0; H 0 0 1.4", unit="bohr")
    problem = qvar.from_hamiltonian(hamiltonian, n_electrons=2)
    assert problem.reference_energy == pytest.approx(theirs.reference_energy, abs=1e-6)
    assert problem.exact_energy() == pytest.approx(theirs.exact_energy(), abs=1e-6)


def test_any_order_of_ladder_operators(h3):
    """Number operators and products that are not normal ordered, with a constant that they make."""
    word = qml.FermiWord
    n = [word({(0, k): "+", (1, k): "-"}) for k in range(4)]
    hole = word({(0, 0): "-", (1, 0): "+"})
    repulsion = n[0] * n[1] + n[2] * n[3]
    hops = sum(word({(0, p): "+", (1, q): "-"}) for p, q in ((0, 2), (2, 0), (1, 3), (3, 1)))
    problem = qvar.from_hamiltonian(4.0 * repulsion - 1.0 * hops, n_electrons=2, occupied=([0], [1]), unit="J")
    close(problem.integrals, qvar.hubbard(2, u=4.0).integrals)
    assert qvar.from_hamiltonian(hole + n[0] + n[1] * 0.0, n_electrons=0).integrals.core_energy == 1.0


def test_pauli_words_stay_words():
    ising = qvar.tfim(3, h=0.7)
    for hamiltonian in (ising.hamiltonian(), ising.hamiltonian().pauli_rep, qubit_operator(ising.hamiltonian())):
        problem = qvar.from_hamiltonian(hamiltonian, bits=[1, 0, 0], unit="J")
        assert problem.exact_energy() == pytest.approx(ising.exact_energy(), abs=1e-9)
        assert (problem.n_qubits, problem.reference_bits, problem.unit) == (3, (1, 0, 0), "J")
    theta = np.linspace(-1, 1, 6)
    ansatz = qvar.hardware_efficient(3, layers=1, rotations=("RY",))
    value = float(qvar.energy(problem, ansatz).loss(theta))
    assert value == pytest.approx(float(qvar.energy(ising, ansatz).loss(theta)), abs=1e-12)
    single = qvar.from_hamiltonian(qml.pauli.PauliWord({0: "X"}))
    assert single.exact_energy() == pytest.approx(-1.0, abs=1e-9)
    others = [qvar.from_hamiltonian(h) for h in (qml.Z(0), qml.X(0), 2.0 * qml.Z(0))]
    assert len({str(each.description) for each in others}) == 3


def test_all_ansaetze_of_the_right_kind(h3):
    """No lattice model's circuit for bare integrals and words."""
    own = h3.integrals
    assert "uccsd" in qvar.all_ansatze(qvar.from_integrals(own.one_body, own.two_body, 2))[0]
    assert "hva" not in qvar.all_ansatze(qvar.from_hamiltonian(qml.Z(0) @ qml.X(1)))[0]


WRONG = {
    "no operator": (lambda p: 3, {"n_electrons": 2}, "FermiSentence"),
    "no electrons": (lambda p: _fermions(p.integrals), {}, "n_electrons"),
    "half a wire": (lambda p: qml.Z("a"), {}, "wires from 0 to 61"),
    "a mode far away": (lambda p: qml.FermiWord({(0, 62): "+", (1, 62): "-"}), {"n_electrons": 1}, "0 to 61"),
    "an electron made": (lambda p: qml.FermiWord({(0, 0): "+"}), {"n_electrons": 1}, "conserve"),
    "three electrons": (
        lambda p: qml.FermiWord({(k, m): "+-"[k > 2] for k, m in enumerate((0, 1, 2, 2, 1, 0))}),
        {"n_electrons": 1},
        "at most two",
    ),
    "not Hermitian": (
        lambda p: sum(qml.FermiWord({(0, s): "+", (1, 2 + s): "-"}) for s in (0, 1)), {"n_electrons": 1}, "symmetric",
    ),
    "spin up alone": (lambda p: qml.FermiWord({(0, 0): "+", (1, 0): "-"}), {"n_electrons": 1}, "spin down"),
    "a flip of spin": (
        lambda p: qml.FermiWord({(0, 0): "+", (1, 1): "-"}) + qml.FermiWord({(0, 1): "+", (1, 0): "-"}),
        {"n_electrons": 1},
        "spin down",
    ),
    "complex": (
        lambda p: 1j * qml.FermiWord({(0, 0): "+", (1, 2): "-"}) - 1j * qml.FermiWord({(0, 2): "+", (1, 0): "-"}),
        {"n_electrons": 1},
        "real coefficients",
    ),
    "not finite": (lambda p: np.nan * qml.FermiWord({(0, 0): "+", (1, 0): "-"}), {"n_electrons": 1}, "finite"),
    "a name for a mode": (lambda p: SimpleNamespace(terms={(("x", 1), ("x", 0)): 1.0}), {"n_electrons": 1}, "integers"),
    "words of another kind": (lambda p: SimpleNamespace(terms={"x": 1.0}), {}, "words"),
    "another mapping": (lambda p: p.hamiltonian("parity"), {"n_electrons": 3, "spin": 1}, "Jordan and Wigner"),
    "odd qubits": (lambda p: qml.Z(2), {"n_electrons": 1}, "two qubits for each orbital"),
    "words that are not Hermitian": (lambda p: 1j * qml.Z(0), {}, "Hermitian"),
    "bits of electrons": (lambda p: p.hamiltonian(), {"n_electrons": 3, "spin": 1, "bits": [0] * 6}, "occupied"),
    "bits of other qubits": (lambda p: qml.Z(0), {"bits": [0, 1]}, "1 zeros and ones"),
    "orbitals of qubits": (lambda p: qml.Z(0), {"occupied": ([0], [])}, "bits"),
    "spin of qubits": (lambda p: qml.Z(0), {"spin": 2}, "n_electrons"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_hamiltonian_is_one_sentence(name, h3):
    make, changes, mention = WRONG[name]
    with pytest.raises(QvarError) as info:
        qvar.from_hamiltonian(make(h3), **changes)
    text = str(info.value)
    assert mention in text
    assert text.startswith("`")
    assert text.endswith(".")
    assert "\n" not in text


def test_ladder_terms_and_back(h3):
    close(integrals_of(ladder_terms(h3.integrals)), h3.integrals, atol=1e-15)
