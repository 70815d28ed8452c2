from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest

from qvar.errors import QvarError
from qvar.problems.exact_energy import fci_ground, pauli_ground_energy, pauli_matrix
from qvar.problems.fermion_mapping import observable
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.molecule import hydrogen_chain, molecule


def random_terms(n, n_terms, letters, seed=0):
    rng = np.random.default_rng(seed)
    words = tuple("".join(rng.choice(list(letters), n)) for _ in range(n_terms))
    return PauliTerms(words, rng.standard_normal(n_terms))


@pytest.mark.parametrize("letters", ["IXZ", "IXYZ", "IZ", "Y"])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_matrix_is_pennylanes(n, letters):
    terms = random_terms(n, 12, letters)
    expected = qml.matrix(observable(terms), wire_order=range(n))
    np.testing.assert_allclose(pauli_matrix(terms).toarray(), expected, atol=1e-13)


@pytest.mark.parametrize("letters", ["IXZ", "IXYZ", "IZ"])
@pytest.mark.parametrize("n", [2, 5, 6, 7])
def test_ground_energy_is_that_of_the_dense_matrix(n, letters):
    terms = random_terms(n, 20, letters)
    assert pauli_ground_energy(terms) == pytest.approx(np.linalg.eigvalsh(pauli_matrix(terms).toarray())[0], abs=1e-10)


def test_matrix_stays_real_where_it_can():
    assert pauli_matrix(PauliTerms(("YY", "XZ"), np.ones(2))).dtype == np.float64
    assert pauli_matrix(PauliTerms(("YI",), np.ones(1))).dtype == np.complex128


def test_operator_that_vanishes():
    assert pauli_ground_energy(PauliTerms(("I" * 8, "X" * 8), np.zeros(2))) == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("nelec", [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (2, 2), (3, 3)])
def test_every_small_sector_is_right(nelec):
    """Without interaction, the energy is the sum of the lowest orbital energies of each spin."""
    rng = np.random.default_rng(1)
    one = rng.standard_normal((3, 3))
    one = one + one.T
    levels = np.linalg.eigvalsh(one)
    expected = 0.25 + levels[: nelec[0]].sum() + levels[: nelec[1]].sum()
    assert fci_ground(Integrals(0.25, one, np.zeros((3,) * 4)), *nelec).energy == pytest.approx(expected, abs=1e-10)


def test_iterated_sector_of_free_electrons():
    rng = np.random.default_rng(2)
    one = rng.standard_normal((8, 8))
    one = one + one.T
    expected = 2 * np.linalg.eigvalsh(one)[:4].sum()
    assert fci_ground(Integrals(0.0, one, np.zeros((8,) * 4)), 4, 4).energy == pytest.approx(expected, abs=1e-9)


def test_ground_state_of_another_symmetry_than_the_lowest_determinants():
    """Twelve orbitals at -1 apart from twelve at 0 whose hopping -t takes their lowest level to -11 t = -3.3.

    Both electrons of the ground state are among the latter; the lowest determinants have at most one there.
    """
    one = np.diag([-1.0] * 6 + [0.0] * 12 + [-1.0] * 6)
    one[6:18, 6:18] -= 0.3 * (1 - np.eye(12))
    assert fci_ground(Integrals(0.0, one, np.zeros((24,) * 4)), 1, 1).energy == pytest.approx(-6.6, abs=1e-9)


def test_triplet_ground_state_is_found_in_both_sectors():
    """The oxygen molecule's lowest triplet has a component in the sector of equally many spins."""
    geometry = "O 0 0 0; O 0 0 1.2"
    assert molecule(geometry).exact_energy() == pytest.approx(molecule(geometry, spin=2).exact_energy(), abs=1e-8)


def test_exact_energy_does_not_depend_on_orbitals():
    """FCI is the same over stretched and turned orbitals, with degenerate ones among them."""
    one = molecule("N 0 0 0; N 0 0 1.8", frozen=[0, 1]).exact_energy()
    other = molecule("N 0 0 0; N 1.8 0 0", frozen=[0, 1]).exact_energy()
    assert one == pytest.approx(other, abs=1e-9)


def test_fci_that_does_not_converge_is_reported(monkeypatch, one_sentence):
    from pyscf.fci import direct_spin1

    problem = hydrogen_chain(2)

    def stuck(self, *_, **__):
        self.converged = False
        return 0.0, None

    monkeypatch.setattr(direct_spin1.FCISolver, "kernel", stuck)
    with pytest.raises(QvarError) as info:
        problem.exact_energy()
    one_sentence(info, "exact_energy")


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: pauli_ground_energy(PauliTerms(("Z" * 70,), np.ones(1))), "exact_energy"),
        (lambda: pauli_ground_energy(PauliTerms(("X" * 40,), np.ones(1))), "exact_energy"),
        (lambda: fci_ground(Integrals(0.0, np.eye(30), np.zeros((30,) * 4)), 15, 15).energy, "exact_energy"),
        (lambda: fci_ground(Integrals(0.0, np.eye(2), np.zeros((2,) * 4)), 3, 0).energy, "n_alpha"),
        (lambda: fci_ground(Integrals(0.0, np.eye(2), np.zeros((2,) * 4)), 0, -1).energy, "n_beta"),
    ],
)
def test_refusals(call, argument, one_sentence):
    with pytest.raises(QvarError) as info:
        call()
    one_sentence(info, argument)
