from __future__ import annotations

import numpy as np
import pytest
from pyscf import gto, lib, scf
from pyscf.scf import hf

from qvar import basis
from qvar.errors import QvarError
from qvar.problems.basis_input import parse_basis
from qvar.problems.geometry import parse_geometry
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.scf import build_molecule, fix_signs, run_scf


def orbitals_of(geometry, basis="sto-3g", spin=0):
    mol = build_molecule(parse_geometry(geometry, "angstrom"), parse_basis(basis), 0, spin)
    mean_field = run_scf(mol)
    return mol, mean_field, mean_field.mo_coeff


def test_largest_coefficient_becomes_positive():
    columns = np.array([[0.1, -0.9, 0.5], [-0.8, 0.2, -0.5 * (1 + 1e-12)], [0.3, 0.1, 0.1]])
    fixed = fix_signs(columns)
    np.testing.assert_array_equal(fixed, columns * np.array([-1, -1, 1]))
    np.testing.assert_array_equal(fix_signs(-columns), fixed)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_pi_orbitals_come_out_along_the_axes(axis):
    """Every pi orbital of a nitrogen molecule along one axis is made of the p functions of one other axis."""
    end = [0.0, 0.0, 0.0]
    end[axis] = 1.1
    mol, mean_field, orbitals = orbitals_of(f"N 0 0 0; N {end[0]} {end[1]} {end[2]}")
    labels = [label[3] for label in mol.ao_labels(fmt=False)]
    pairs = [k for k in range(9) if abs(mean_field.mo_energy[k + 1] - mean_field.mo_energy[k]) < 1e-6]
    assert len(pairs) == 2
    for k in pairs:
        used = [{labels[row] for row in np.flatnonzero(np.abs(orbitals[:, column]) > 1e-8)} for column in (k, k + 1)]
        assert sorted(map(sorted, used)) == sorted([letter] for letter in "xyz" if letter != "xyz"[axis])


@pytest.mark.parametrize(("geometry", "spin"), [("N 0 0 0; N 0 0 1.1", 0), ("O 0 0 0; O 0 0 1.2", 2)])
def test_orbitals_stay_orthonormal_and_canonical(geometry, spin):
    mol, mean_field, orbitals = orbitals_of(geometry, spin=spin)
    np.testing.assert_allclose(orbitals.T @ mol.intor("int1e_ovlp") @ orbitals, np.eye(mol.nao), atol=1e-10)
    fock = orbitals.T @ np.asarray(mean_field.get_fock()) @ orbitals
    np.testing.assert_allclose(fock, np.diag(mean_field.mo_energy), atol=1e-6)


def test_the_first_guess_is_made_once(monkeypatch):
    guesses, usual = [], hf.SCF.init_guess_by_minao
    monkeypatch.setattr(hf.SCF, "init_guess_by_minao", lambda *args, **more: guesses.append(0) or usual(*args, **more))
    orbitals_of("N 0 0 0; N 0 0 1.1")
    assert len(guesses) == 1


def test_second_order_steps_in_where_diis_fails(monkeypatch):
    from pyscf.scf.hf import RHF

    expected = hydrogen_chain(4).reference_energy
    usual = RHF.kernel

    def stops_early(self, *args, **kwargs):
        if type(self) is RHF:
            self.max_cycle = 1
        return usual(self, *args, **kwargs)

    monkeypatch.setattr(RHF, "kernel", stops_early)
    assert hydrogen_chain(4).reference_energy == pytest.approx(expected, abs=1e-9)


def test_scf_that_does_not_converge_is_reported(monkeypatch, one_sentence):
    from pyscf.scf.hf import RHF

    def stuck(self, *_, **__):
        self.converged = False

    monkeypatch.setattr(RHF, "kernel", stuck)
    monkeypatch.setattr(RHF, "newton", lambda self: self)
    with pytest.raises(QvarError) as info:
        hydrogen_chain(4)
    one_sentence(info, "geometry")


def test_no_checkpoint_file_is_opened(monkeypatch):
    """Not in a fit either, nor where a saddle is followed; the tests' own mean fields open none, see conftest.py."""
    monkeypatch.setattr(hf, "MUTE_CHKFILE", False)
    monkeypatch.setattr(lib, "NamedTemporaryFile", lambda **_: pytest.fail("PySCF opened a checkpoint file."))
    molecule("N 0 0 0; N 0 0 2.0", basis="sto-3g", stable=True)
    molecule("O 0 0 0; O 0 0 1.2", basis="sto-3g", spin=2).amplitudes("mp2")
    form = basis.from_set("H", "6-31g")
    target = basis.Target("H 0 0 0; H 0 0 2.5", theory="uhf", stable=True)
    target.value_and_grad(form, np.asarray(form.start))
    target.measure(form.basis(form.start))
    with pytest.raises(pytest.fail.Exception):
        scf.RHF(gto.M(atom="He", verbose=0))
