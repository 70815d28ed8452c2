"""Orbitals over atomic orbitals: they lead back to the molecule that PySCF knows."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pyscf import scf

from qvar.errors import QvarError
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.orbitals import Orbitals
from qvar.problems.problem import Problem
from qvar.problems.spin_models import tfim

CARTESIAN = "BASIS CARTESIAN\nN S\n5.0 1.0\n0.8 1.0\nN P\n0.7 1.0\nN D\n0.8 1.0\nEND\n"
MOLECULES = {
    "water": lambda: molecule("O; H 1 0.9584; H 1 0.9584 2 104.45", frozen=[0]),
    "ion in bohr": lambda: molecule("He 0 0 0; H 0 0 1.4", unit="bohr", charge=1, basis="6-31g"),
    "ghost": lambda: molecule("He 0 0 0; ghost-H 0 0 1.2", basis="6-31g"),
    "core potential": lambda: molecule("Na 0 0 0; H 0 0 1.9", basis="lanl2dz"),
    "Cartesian": lambda: molecule("N 0 0 0", basis=CARTESIAN, spin=3),
    "gap": lambda: molecule("Li 0 0 0; H 0 0 1.6", active_orbitals=[1, 2, 5]),
}


@pytest.mark.parametrize("name", MOLECULES)
def test_the_rebuilt_molecule_has_the_integrals_of_the_problem(name):
    """Also after a file: the one-body integrals of the active orbitals in the field of the core are the problem's."""
    problem = MOLECULES[name]()
    orbitals = problem.orbitals
    mol, c = orbitals.mole(), orbitals.coefficients
    np.testing.assert_allclose(c.T @ mol.intor("int1e_ovlp") @ c, np.eye(c.shape[1]), atol=1e-10)
    core, active = c[:, list(orbitals.frozen)], c[:, list(orbitals.active)]
    density = 2 * core @ core.T
    mean_field = scf.RHF(mol) if mol.spin == 0 else scf.ROHF(mol)
    hamiltonian = mean_field.get_hcore()
    coulomb, exchange = mean_field.get_jk(mol, density)
    effective = hamiltonian + coulomb - 0.5 * exchange
    energy = mol.energy_nuc() + 0.5 * np.sum(density * (hamiltonian + effective))
    np.testing.assert_allclose(active.T @ effective @ active, problem.integrals.one_body, atol=1e-10)
    assert energy == pytest.approx(problem.integrals.core_energy, abs=1e-10)


def test_a_file_keeps_them_bit_for_bit(tmp_path):
    problem = MOLECULES["gap"]()
    problem.save(tmp_path / "x.npz")
    back = Problem.load(tmp_path / "x.npz").orbitals
    assert back.coefficients.tobytes() == problem.orbitals.coefficients.tobytes()
    assert (back.frozen, back.active) == ((0,), (1, 2, 5))
    assert back.molecule == problem.orbitals.molecule
    overlaps = [orbitals.mole().intor("int1e_ovlp").tobytes() for orbitals in (back, problem.orbitals)]
    assert overlaps[0] == overlaps[1]


def test_lattices_and_mapped_problems_have_none(tmp_path):
    assert tfim(3).orbitals is None
    assert hydrogen_chain(2).mapped().orbitals is None
    bare = replace(hydrogen_chain(2), orbitals=None)
    bare.save(tmp_path / "x.npz")
    assert Problem.load(tmp_path / "x.npz").orbitals is None


TEXT = json.dumps({"atoms": [], "basis": {}, "potentials": {}, "charge": 0, "spin": 0, "cartesian": False})


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"coefficients": np.zeros(3)}, "coefficients"),
        ({"coefficients": np.full((2, 2), np.nan)}, "coefficients[0, 0]"),
        ({"frozen": (2,)}, "frozen"),
        ({"active": (0, 0)}, "active"),
        ({"frozen": (1,)}, "frozen"),
        ({"molecule": "H 0 0 0"}, "molecule"),
        ({"molecule": "{}"}, "molecule"),
    ],
)
def test_mistakes(arguments, argument, one_sentence):
    with pytest.raises(QvarError) as info:
        Orbitals(**({"coefficients": np.eye(2), "frozen": (), "active": (0, 1), "molecule": TEXT} | arguments))
    one_sentence(info, argument)


def test_a_problem_has_as_many_active_columns_as_orbitals(one_sentence):
    with pytest.raises(QvarError) as info:
        replace(hydrogen_chain(2), orbitals=Orbitals(np.eye(3), (), (0, 1, 2), TEXT))
    one_sentence(info, "orbitals", "2 active columns")
