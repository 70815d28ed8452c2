"""Molecules that come as objects of PySCF: what they hold counts, and a contradiction is an error."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from pyscf import gto, scf

from qvar.errors import QvarError
from qvar.problems.molecule import molecule

WATER = "O 0 0 0.117; H 0 0.757 -0.471; H 0 -0.757 -0.471"

MOLES = {
    "built": lambda: gto.M(atom=WATER, basis="6-31g", verbose=0),
    "not built": lambda: gto.Mole(atom=WATER, basis="6-31g", verbose=0),
    "symmetric, in bohr": lambda: gto.M(atom="H 0 0 0; F 0 0 1.7", unit="B", symmetry=True, verbose=0),
    "ion": lambda: gto.M(atom="O 0 0 0; H 0 0 0.97", charge=-1, verbose=0),
    "open shell": lambda: gto.M(atom="O 0 0 0; O 0 0 1.2", spin=2, verbose=0),
    "Cartesian": lambda: gto.M(atom="N 0 0 0", basis="6-31g*", cart=True, spin=3, verbose=0),
    "ghost": lambda: gto.M(atom="He 0 0 0; ghost-H 0 0 1", basis={"He": "6-31g", "ghost-H": gto.load("6-31g", "H")}),
    "basis by label": lambda: gto.M(atom="H1 0 0 0; H2 0 0 0.7", basis={"H1": "6-31g", "H2": "sto-3g"}, verbose=0),
    "core potential": lambda: gto.M(atom="Na 0 0 0; H 0 0 1.9", basis="lanl2dz", ecp="lanl2dz", verbose=0),
}


@pytest.mark.parametrize("name", MOLES)
def test_the_energy_is_that_of_pyscf(name):
    mol = MOLES[name]()
    problem = molecule(mol, active_space=None if mol.nao_nr() < 8 else (2, 2) if mol.spin == 0 else None)
    if not mol._built:
        mol.build()
    field = scf.RHF(mol) if mol.spin == 0 else scf.ROHF(mol)
    field.conv_tol, field.chkfile, field.verbose = 1e-12, None, 0
    assert problem.reference_energy == pytest.approx(field.kernel(), abs=1e-8)
    assert (problem.description["charge"], problem.description["spin"]) == (mol.charge, mol.spin)
    np.testing.assert_allclose(problem.orbitals.mole().intor("int1e_ovlp"), mol.intor("int1e_ovlp"), atol=1e-13)


def test_names():
    assert molecule(MOLES["ion"]()).name == "OH- sto-3g"
    assert molecule(MOLES["basis by label"]()).name == "H2 custom basis"
    assert molecule(MOLES["built"](), active_space=(2, 2), name="mine").name == "mine"


def test_arguments_may_repeat_what_the_molecule_holds():
    mol = MOLES["built"]()
    again = molecule(mol, basis="6-31G", charge=0, spin=0, unit="ANG", cart=False, active_space=(4, 4))
    assert again.description == molecule(mol, active_space=(4, 4)).description


def cell():
    from pyscf.pbc import gto as cells

    return cells.M(atom="He 0 0 0", a=np.eye(3) * 3, basis="sto-3g", verbose=0)


def wrong_electrons():
    mol = gto.M(atom="H 0 0 0; H 0 0 0.7", verbose=0)
    mol.nelec = (2, 2)
    return mol


@pytest.mark.parametrize(
    ("make", "more", "argument", "mention"),
    [
        (MOLES["built"], {"basis": "sto-3g"}, "basis", "has '6-31g', but is 'sto-3g'"),
        (MOLES["built"], {"charge": 2}, "charge", "has 0, but is 2"),
        (MOLES["built"], {"spin": 2}, "spin", "has 0, but is 2"),
        (MOLES["built"], {"unit": "bohr"}, "unit", "has 'angstrom', but is 'bohr'"),
        (MOLES["built"], {"cart": True}, "cart", "has False, but is True"),
        (lambda: gto.Mole(), {}, "geometry", "atoms"),
        (lambda: gto.Mole(atom="Qq 0 0 0", verbose=0), {}, "geometry", "that PySCF can build"),
        (lambda: gto.Mole(atom="H 0 0 0", verbose=0), {}, "geometry", "that PySCF can build"),
        (lambda: gto.M(atom="H 0 0 0; H 0 0 1e-5", verbose=0), {}, "geometry", "atoms 1 (H) and 2 (H)"),
        (lambda: gto.M(atom="H 0 0 0; H 0 0 1", nucmod=1, verbose=0), {}, "geometry", "nuclei"),
        (wrong_electrons, {}, "geometry", "(2, 2)"),
        (cell, {}, "geometry", "periodic cell"),
    ],
)
def test_mistakes(make, more, argument, mention, one_sentence):
    mol = make()
    with pytest.raises(QvarError) as info:
        inspect.unwrap(molecule)(mol, **more)  # as users have it, without hook
    one_sentence(info, argument, mention)
