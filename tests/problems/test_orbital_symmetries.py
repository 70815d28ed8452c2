"""Signs of orbitals against PySCF's irreducible representations, and against trying every sign vector."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from qvar.problems.basis_input import parse_basis
from qvar.problems.geometry import parse_geometry
from qvar.problems.hamiltonians import Integrals
from qvar.problems.hubbard import hubbard
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.orbital_symmetries import orbital_parities
from qvar.problems.scf import build_molecule, run_scf
from qvar.problems.spin_models import tfim

MOLECULES = {
    "H2O": ("O 0 0 0; H 0 0.757 0.587; H 0 -0.757 0.587", "C2v", 2),
    "LiH": ("Li 0 0 0; H 0 0 1.546", "C2v", 2),
    "BeH2": ("Be 0 0 0; H 0 0 1.3264; H 0 0 -1.3264", "D2h", 3),
    "N2": ("N 0 0 -0.55; N 0 0 0.55", "D2h", 3),
}


def spanned(signs):
    """All products of the given sign vectors, each with +1 on the first orbital."""
    found = {(1,) * signs.shape[1]}
    for row in signs:
        row = row * row[0]
        found |= {tuple(int(x) for x in row * np.array(other)) for other in found}
    return found


@pytest.mark.parametrize("name", MOLECULES)
def test_symmetries_are_those_of_the_point_group(name):
    """An orbital's sign under an operation is the character of its irreducible representation, one-dimensional here."""
    from pyscf import gto, symm

    geometry, group, count = MOLECULES[name]
    orbitals = run_scf(build_molecule(parse_geometry(geometry, "angstrom"), parse_basis("sto-3g"), 0, 0)).mo_coeff
    mol = gto.M(atom=geometry, basis="sto-3g", symmetry=group, verbose=0)
    irreps = symm.label_orb_symm(mol, mol.irrep_name, mol.symm_orb, orbitals)
    characters = {row[0]: row[1:] for row in symm.param.CHARACTER_TABLE[group]}
    theirs = np.array([characters[irrep] for irrep in irreps]).T  # (operations, orbitals)
    ours = molecule(geometry).orbital_parities()
    assert ours.shape == (count, len(irreps))
    assert set(np.unique(ours)) == {-1, 1}
    np.testing.assert_array_equal(ours[:, 0], 1)
    assert spanned(ours) == spanned(theirs)
    assert len(spanned(ours)) == 2**count


def even_sign_vectors(integrals: Integrals):
    """By trying all: those under which no integral changes by more than 1e-8, first orbital +1."""
    m = len(integrals.one_body)
    found = set()
    for rest in product((1, -1), repeat=m - 1):
        s = np.array((1, *rest))
        one = integrals.one_body * np.multiply.outer(s, s)
        two = integrals.two_body * np.einsum("p,q,r,s->pqrs", s, s, s, s)
        changes = max(np.abs(one - integrals.one_body).max(), np.abs(two - integrals.two_body).max())
        if changes < 1e-8:
            found.add(tuple(int(x) for x in s))
    return found


@pytest.mark.parametrize(
    "make",
    [
        lambda: molecule("O; H 1 0.9584; H 1 0.9584 2 104.45"),
        lambda: molecule("O 0.1 0.2 0.3; H 1.0 0.3 0.4; H 0.2 1.1 0.5"),
        lambda: molecule("Li 0 0 0; H 0 0 1.595", active_space=(2, 5)),
        lambda: hydrogen_chain(6, bond=1.0),
        lambda: hydrogen_chain(3, bond=1.0),
        lambda: hydrogen_chain(1, bond=1.0),
        lambda: hubbard(4),
    ],
    ids=["H2O", "bent askew", "LiH active space", "H6", "H3", "H", "Hubbard"],
)
def test_all_are_found(make):
    problem = make()
    ours = problem.orbital_parities()
    assert spanned(ours) == even_sign_vectors(problem.integrals)
    assert len(spanned(ours)) == 2 ** len(ours)  # independent


def test_integrals_of_made_up_symmetries():
    """Three blocks that only exchange pairs: (pq|rs) is zero unless every block appears an even number of times."""
    rng = np.random.default_rng(1)
    blocks = np.array([0, 1, 0, 2, 1, 2, 0])
    m = len(blocks)
    one = rng.normal(size=(m, m)) * (blocks[:, None] == blocks)
    two = rng.normal(size=(m,) * 4)
    for index in product(range(m), repeat=4):
        if any(np.sum(blocks[list(index)] == block) % 2 for block in range(3)):
            two[index] = 0.0
    two = sum(two.transpose(x) for x in ((0, 1, 2, 3), (1, 0, 2, 3), (0, 1, 3, 2), (1, 0, 3, 2)))
    integrals = Integrals(0.0, one + one.T, two + two.transpose(2, 3, 0, 1))
    expected = {tuple(np.array((1, a, b))[blocks]) for a in (1, -1) for b in (1, -1)}
    assert spanned(orbital_parities(integrals)) == expected


def test_noise_below_the_threshold_is_no_coupling():
    problem = hydrogen_chain(4, bond=1.0)
    noise = 1e-10 * np.random.default_rng(0).normal(size=(4, 4))
    noisy = Integrals(0.0, problem.integrals.one_body + noise + noise.T, problem.integrals.two_body)
    np.testing.assert_array_equal(orbital_parities(noisy), [[1, -1, 1, -1]])
    coupled = Integrals(0.0, problem.integrals.one_body + 1e4 * (noise + noise.T), problem.integrals.two_body)
    assert orbital_parities(coupled).shape == (0, 4)


def test_spin_models_have_no_orbitals():
    assert tfim(4).orbital_parities().shape == (0, 0)
