from __future__ import annotations

import inspect
from dataclasses import replace
from math import comb

import numpy as np
import pytest

from qvar.errors import QvarError
from qvar.problems.exact_energy import GroundState, pauli_matrix
from qvar.problems.hubbard import hubbard
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.problem import Problem
from qvar.problems.spin_models import heisenberg, tfim, xxz

MAPPINGS = ("jordan_wigner", "parity", "bravyi_kitaev")
BEH = "Be 0 0 0; H 0 0 1.34"
SQUARE = "H 0.848528137 0 0; H -0.848528137 0 0; H 0 0.848528137 0; H 0 -0.848528137 0"  # 1.2 angstrom long
O2 = "O 0 0 0; O 0 0 1.2"


def lowest_of_pyscf(problem, n_alpha, n_beta):
    """The lowest energy of a sector by PySCF's dense eigensolver."""
    from pyscf.fci import direct_spin1

    solver = direct_spin1.FCISolver()
    solver.verbose, solver.pspace_size = 0, 3000
    integrals, nelec = problem.integrals, (n_alpha, n_beta)
    energy, _ = solver.kernel(integrals.one_body, integrals.two_body, problem.n_orbitals, nelec)
    return energy + integrals.core_energy


def occupations(problem, bits):
    return (problem.decoding[:, :-1] @ np.array(bits) + problem.decoding[:, -1]) % 2


@pytest.mark.parametrize("taper", [False, True])
@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("make", [lambda: hydrogen_chain(3, bond=0.9), lambda: molecule(SQUARE)])
def test_decoded_states_have_the_energies_of_determinants(make, mapping, taper):
    """The energy of a basis state of the qubits is that of the determinant, by the Slater-Condon rules."""
    problem = make()
    mapped = problem.mapped(mapping, taper=taper)
    rng = np.random.default_rng(0)
    for bits in rng.integers(2, size=(6, mapped.n_qubits)):
        occupied = occupations(mapped, bits)
        up, down = (tuple(np.flatnonzero(occupied[spin::2]).tolist()) for spin in (0, 1))
        determinant = replace(problem, occupied_alpha=up, occupied_beta=down)
        basis_state = replace(mapped, bits=tuple(bits.tolist()))
        assert basis_state.reference_energy == pytest.approx(determinant.reference_energy, abs=1e-9)
    own = occupations(mapped, mapped.reference_bits)
    assert tuple(own.tolist()) == problem.reference_bits


def block(mapped, electrons):
    """Energies of a mapped problem with given (spin up, spin down) electrons, by NumPy."""
    n = mapped.n_qubits
    matrix = pauli_matrix(mapped.pauli).toarray()
    occupied = np.array([occupations(mapped, [state >> (n - 1 - k) & 1 for k in range(n)]) for state in range(2**n)])
    inside = (occupied[:, 0::2].sum(axis=1) == electrons[0]) & (occupied[:, 1::2].sum(axis=1) == electrons[1])
    return np.linalg.eigvalsh(matrix[np.ix_(inside, inside)])


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_tapered_problem_knows_the_lowest_of_its_own_sector(mapping):
    """The square's ground state has another symmetry than the determinant, and tapering leaves it out."""
    problem = molecule(SQUARE)
    mapped = problem.mapped(mapping, taper=True)
    lowest = block(mapped, (2, 2))[0]
    assert mapped.exact_energy() == pytest.approx(lowest, abs=1e-8)
    assert mapped.exact_energy() > problem.exact_energy() + 0.1
    gap = 1000 * (mapped.exact_energy() - problem.exact_energy())
    assert any("another spatial symmetry" in text and f"{gap:.4g} mHa" in text for text in mapped.remarks())
    assert problem.mapped(mapping).exact_energy() == problem.exact_energy()


def test_quartet_of_beh_has_doublets_on_its_tapered_qubits():
    problem = molecule(BEH, spin=3)
    mapped = problem.mapped(taper=True)
    assert mapped.exact_energy() == pytest.approx(lowest_of_pyscf(problem, 4, 1), abs=1e-8)
    values = np.linalg.eigvalsh(pauli_matrix(mapped.pauli).toarray())
    state = mapped.lowest_state()
    assert state.energy == pytest.approx(values[0], abs=1e-9)
    assert state.energy == pytest.approx(block(mapped, (2, 3))[0], abs=1e-9)
    assert state.electrons == ((2, 3),)
    assert block(mapped, (4, 1))[0] == pytest.approx(mapped.exact_energy(), abs=1e-8)
    (text,) = [text for text in mapped.remarks() if "spin-up" in text]
    assert "2 spin-up and 3 spin-down" in text
    assert "that of 4 and 1" in text
    assert f"{1000 * (mapped.exact_energy() - values[0]):.4g} mHa" in text


def test_exact_state_of_another_symmetry_is_mentioned():
    """Every determinant that the square's ground state holds has another sign than the reference."""
    square, chain = molecule(SQUARE), hydrogen_chain(4)
    for problem in (square, chain):
        problem.exact_energy()
    assert any("another spatial symmetry" in text for text in square.remarks())
    assert chain.remarks() == ()


def test_magnetization_of_the_exact_state_is_mentioned():
    """Spins that align: the Neel reference has three ones of six, and the two lowest states none and all."""
    aligned, alternating, multiplet = xxz(6, delta=-2.0), heisenberg(6), heisenberg(6, j=-1.0)
    for problem in (aligned, alternating, multiplet):
        assert problem.remarks() == ()
        problem.exact_energy()
    (text,) = aligned.remarks()
    assert "has 0 or 6 ones of 6, but the reference has 3" in text
    assert alternating.remarks() == multiplet.remarks() == ()  # one of the multiplet has the reference's ones


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_cation_has_lower_states_of_more_electrons(mapping):
    ion = hydrogen_chain(3, bond=0.9, charge=1)
    lowest = min(
        (lowest_of_pyscf(ion, a, b), (a, b)) for a in range(4) for b in range(4) if a + b > 0
    )  # the bare nuclei lie above
    state, mapped = ion.lowest_state(), ion.mapped(mapping)
    assert state.energy == pytest.approx(lowest[0], abs=1e-9)
    assert lowest[1] in state.electrons
    assert state.electrons == ((1, 2), (2, 1))
    assert mapped.lowest_state().energy == pytest.approx(state.energy, abs=1e-9)
    assert mapped.lowest_state().electrons == state.electrons
    assert any("1 spin-up and 2 spin-down or 2 spin-up and 1 spin-down" in text for text in mapped.remarks())
    assert not any("spin-up" in text for text in ion.mapped(mapping, taper=True).remarks())


def test_neutral_molecules_without_lower_states_need_no_remark():
    problem = molecule("Li 0 0 0; H 0 0 1.6", active_space=(2, 2))
    assert problem.lowest_state().electrons == ((1, 1),)
    assert problem.lowest_state().energy == pytest.approx(problem.exact_energy(), abs=1e-9)
    for taper in (False, True):
        assert problem.mapped(taper=taper).remarks() == ()


def test_large_registers_are_not_searched_unasked(monkeypatch):
    monkeypatch.setattr("qvar.problems.remarks._SMALL_REGISTER", 5)
    mapped = hydrogen_chain(3, charge=1).mapped()
    assert "`lowest_state()`" in mapped.remarks()[-1]
    assert "_lowest_state" not in mapped.__dict__
    with pytest.raises(QvarError, match=r"^`lowest_state` must be asked of at most 24 qubits, but there are 26\.$"):
        hydrogen_chain(13).lowest_state()


def test_lowest_state_of_spins_is_the_exact_one():
    state = tfim(4).lowest_state()
    assert (state.energy, state.electrons) == (pytest.approx(tfim(4).exact_energy(), abs=1e-10), ())
    diagonal = tfim(4, h=0.0)
    assert diagonal.lowest_state().energy == pytest.approx(-3.0)


def test_spin_of_the_exact_state_is_named():
    """O2 as a closed shell: the lowest state with 8 electrons of each spin is a triplet."""
    problem = molecule(O2)
    assert not any("triplet" in text for text in problem.remarks())  # not known before it is asked
    triplet = molecule(O2, spin=2).exact_energy()
    assert problem.exact_energy() == pytest.approx(triplet, abs=1e-8)
    singlet = problem.exact_energy(spin=0)
    assert problem.exact_energy(spin=2) == pytest.approx(triplet, abs=1e-8)
    (text,) = [text for text in problem.remarks() if "triplet" in text]
    assert "S^2 = 2.00" in text
    assert f"{1000 * (singlet - triplet):.4g} mHa" in text
    assert not any("exact state" in text for text in molecule(O2, spin=2).remarks())


@pytest.mark.parametrize(
    ("make", "spins"),
    [
        (lambda: molecule(O2, active_space=(8, 6)), (0, 2, 4)),
        (lambda: molecule(BEH, spin=1), (1, 3, 5)),
        (lambda: molecule("Be 0 0 0", basis="6-31g", charge=2), (0, 2)),
        (lambda: hubbard(4, u=4.0), (0, 2, 4)),
    ],
)
def test_lowest_energy_of_each_spin_is_pyscfs(make, spins):
    """Every level of a sector, with the spin that PySCF gives it; levels of one energy share theirs."""
    from pyscf.fci import direct_spin1, spin_op

    problem = make()
    m, nelec, integrals = problem.n_orbitals, (problem.n_alpha, problem.n_beta), problem.integrals
    size = direct_spin1.make_hdiag(integrals.one_body, integrals.two_body, m, nelec).size
    absorbed = direct_spin1.absorb_h1e(integrals.one_body, integrals.two_body, m, nelec, 0.5)
    shape = tuple(comb(m, n) for n in nelec)
    matrix, square = (
        np.stack([np.asarray(apply(unit.reshape(shape))).ravel() for unit in np.eye(size)])
        for apply in (
            lambda c: direct_spin1.contract_2e(absorbed, c, m, nelec),
            lambda c: spin_op.contract_ss(c, m, nelec),
        )
    )
    # H + S^2/1000 separates levels of one energy, and its vectors are those of both
    values, vectors = np.linalg.eigh(matrix + 1e-3 * square)
    s2 = np.einsum("ik,ij,jk->k", vectors, square, vectors)
    for spin in spins:
        target = spin * (spin + 2) / 4
        of_spin = values[np.abs(s2 - target) < 1e-6] - 1e-3 * target
        assert problem.exact_energy(spin=spin) == pytest.approx(of_spin.min() + integrals.core_energy, abs=1e-8)


def test_degenerate_spins_need_no_remark():
    """Two hydrogen atoms 20 angstrom apart: singlet and triplet have one energy."""
    problem = molecule("H 0 0 0; H 0 0 20")
    assert problem.exact_energy(spin=2) == pytest.approx(problem.exact_energy(), abs=1e-9)
    for s2 in (0.0, 0.7, 2.0):  # an eigensolver may end in any mixture
        problem.__dict__["_exact_state"] = GroundState(problem.exact_energy(), s2)
        assert not any("exact state" in text for text in problem.remarks())


def test_determinants_without_a_spin_need_no_remark():
    problem = hubbard(4, u=4.0)
    problem.exact_energy()
    assert problem.remarks() == ()


@pytest.mark.parametrize(
    ("make", "spin", "mention"),
    [
        (lambda: hydrogen_chain(4), 1, "0, 2, 4"),
        (lambda: hydrogen_chain(4), 6, "0, 2, 4"),
        (lambda: hydrogen_chain(4, spin=2), 0, "2, 4"),
        (lambda: molecule("He 0 0 0", basis="6-31g", charge=1, spin=1), 3, "be one of 1"),
        (lambda: tfim(4), 0, "has no orbitals"),
        (lambda: hydrogen_chain(2).mapped(), 0, "has no orbitals"),
        (lambda: hydrogen_chain(2), 0.5, "0.5"),
    ],
)
def test_spins_that_cannot_be(make, spin, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        inspect.unwrap(Problem.exact_energy)(make(), spin)  # as users have it, without hook
    one_sentence(info, "spin", mention)


def test_facts_of_a_mapped_problem_are_saved(tmp_path):
    mapped = molecule(SQUARE).mapped(taper=True)
    mapped.save(tmp_path / "square.npz")
    loaded = Problem.load(tmp_path / "square.npz")
    np.testing.assert_array_equal(loaded.decoding, mapped.decoding)
    assert loaded.remarks() == mapped.remarks()
    assert loaded.exact_energy() == mapped.exact_energy()
    spin_known = molecule(O2, active_space=(8, 6))
    spin_known.exact_energy()
    spin_known.save(tmp_path / "o2.npz")
    assert Problem.load(tmp_path / "o2.npz").remarks() == spin_known.remarks()
    assert any("triplet" in text for text in spin_known.remarks())
