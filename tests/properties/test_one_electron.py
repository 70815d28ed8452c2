"""Dipole moments, charges and cube files against PySCF's own mean field and CASCI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyscf import mcscf, scf
from pyscf.tools.cubegen import Cube

import qvar
from qvar.engines.spin_blocks import SpinBlock
from qvar.properties.density_matrices import of_blocks

OH = "O 0 0 0; H 0.1 0.3 0.92"


@pytest.fixture(scope="module")
def hydroxyl() -> qvar.Problem:
    """OH radical with a frozen core, off every axis."""
    return qvar.molecule(OH, basis="6-31g", spin=1, active_space=(5, 4))


def mean_field(problem: qvar.Problem) -> Any:
    """PySCF's own mean field of the same molecule."""
    assert problem.orbitals is not None
    mol = problem.orbitals.mole()
    field = (scf.ROHF if mol.spin else scf.RHF)(mol)
    field.conv_tol = 1e-13
    return field.run()


def reference(problem: qvar.Problem) -> qvar.DensityMatrices:
    ansatz = qvar.uccsd(problem)
    return qvar.density_matrices(qvar.energy(problem, ansatz), np.zeros(ansatz.n_params))


def spins_of(field: Any, density: np.ndarray, scheme: str) -> np.ndarray:
    """Mulliken's analysis of PySCF for a density alone: nuclei minus charges are electrons."""
    call = field.mulliken_pop if scheme == "mulliken" else field.mulliken_meta
    return field.mol.atom_charges() - call(field.mol, density, verbose=0)[1]


@pytest.mark.parametrize("scheme", ["mulliken", "meta-lowdin"])
def test_the_reference_determinant_has_the_values_of_the_mean_field(hydroxyl: qvar.Problem, scheme: Any) -> None:
    field, densities = mean_field(hydroxyl), reference(hydroxyl)
    up, down = field.make_rdm1()
    charges = densities.charges(population=scheme)
    call = field.mulliken_pop if scheme == "mulliken" else field.mulliken_meta
    assert charges.charges == pytest.approx(call(verbose=0)[1], abs=1e-6)
    assert charges.spins == pytest.approx(spins_of(field, up, scheme) - spins_of(field, down, scheme), abs=1e-6)
    assert charges.charges.sum() == pytest.approx(0, abs=1e-10)
    assert charges.spins.sum() == pytest.approx(1, abs=1e-10)
    assert charges.atoms == ("O", "H")


def test_dipole_of_the_mean_field(hydroxyl: qvar.Problem) -> None:
    dipole = reference(hydroxyl).dipole()
    field = mean_field(hydroxyl)
    assert dipole.debye == pytest.approx(field.dip_moment(verbose=0), abs=1e-6)
    assert dipole.atomic_units == pytest.approx(field.dip_moment(unit="au", verbose=0), abs=1e-6)
    assert dipole.size == pytest.approx(np.linalg.norm(dipole.debye))


@pytest.mark.parametrize("n_alpha", [2, 3])
def test_densities_of_casci(hydroxyl: qvar.Problem, n_alpha: int) -> None:
    """The lowest state of the active space, with the frozen core, over atomic orbitals."""
    assert hydroxyl.orbitals is not None
    field = mean_field(hydroxyl)
    casci = mcscf.CASCI(field, 4, (n_alpha, 5 - n_alpha))
    casci.kernel(np.array(hydroxyl.orbitals.coefficients))
    block = SpinBlock(n_alpha, 5 - n_alpha, np.asarray(casci.ci))
    densities = of_blocks(hydroxyl, [block])
    assert densities.energy() == pytest.approx(casci.e_tot, abs=1e-8)
    density = densities.in_atomic_orbitals()
    for own, expected in zip(density, casci.make_rdm1s(), strict=True):
        assert np.allclose(own, expected, rtol=0, atol=1e-10)
    assert np.allclose(density.total, casci.make_rdm1(), rtol=0, atol=1e-10)
    overlap = field.mol.intor("int1e_ovlp")
    assert np.trace(density.total @ overlap) == pytest.approx(9, abs=1e-10)
    assert np.trace(densities.in_molecular_orbitals().spin) == pytest.approx(2 * n_alpha - 5, abs=1e-10)
    assert densities.dipole().debye == pytest.approx(field.dip_moment(dm=casci.make_rdm1(), verbose=0), abs=1e-8)
    charges = densities.charges(population="mulliken").charges
    assert charges == pytest.approx(field.mulliken_pop(dm=casci.make_rdm1(), verbose=0)[1], abs=1e-8)
    natural = densities.natural_orbitals()
    own = np.sort(np.concatenate([natural.occupations, [2.0, 2.0], np.zeros(len(overlap) - 6)]))
    assert own == pytest.approx(np.sort(mcscf.addons.make_natural_orbitals(casci)[0]), abs=1e-8)
    assert natural.ao_coefficients is not None
    assert np.allclose(natural.ao_coefficients.T @ overlap @ natural.ao_coefficients, np.eye(4), atol=1e-10)


def test_lowdin_charges_follow_from_the_square_root_of_the_overlap(hydroxyl: qvar.Problem) -> None:
    densities, assumed = reference(hydroxyl), hydroxyl.orbitals
    assert assumed is not None
    mol = assumed.mole()
    values, vectors = np.linalg.eigh(mol.intor("int1e_ovlp"))
    root = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    populations = np.diag(root @ densities.in_atomic_orbitals().total @ root)
    oxygen = sum(populations[at] for at, label in enumerate(mol.ao_labels(fmt=None)) if label[0] == 0)
    assert densities.charges(population="lowdin").charges[0] == pytest.approx(8 - oxygen, abs=1e-8)


def test_a_table_of_charges(hydroxyl: qvar.Problem) -> None:
    lines = str(reference(hydroxyl).charges()).splitlines()
    assert lines[0].split() == ["atom", "charge", "spin", "(meta-lowdin)"]
    assert lines[1].split()[:2] == ["0", "O"]
    assert all(len(line) <= 80 for line in lines)


def test_cube_files(hydroxyl: qvar.Problem, tmp_path: Path) -> None:
    """A field on its grid is that of PySCF, and integrates to the electrons inside the box."""
    densities = reference(hydroxyl)
    assert hydroxyl.orbitals is not None
    mol = hydroxyl.orbitals.mole()
    path = tmp_path / "field.cube"

    def values() -> np.ndarray:
        lines = path.read_text().splitlines()
        return np.array(" ".join(lines[6 + mol.natm :]).split(), float)

    grid = Cube(mol, resolution=0.5)
    orbitals = mol.eval_gto("GTOval", grid.get_coords())
    density = densities.in_atomic_orbitals()
    for field, own in (("density", density.total), ("spin", density.spin)):
        densities.cube(path, field=field, resolution=0.5)  # pyright: ignore[reportArgumentType]
        assert values() == pytest.approx(np.einsum("gi,ij,gj->g", orbitals, own, orbitals), rel=1e-4, abs=1e-8)
    densities.cube(str(path), field="natural", orbital=3, resolution=0.5)
    natural = densities.natural_orbitals().ao_coefficients
    assert natural is not None
    assert values() == pytest.approx(orbitals @ natural[:, 3], rel=1e-4, abs=1e-8)
    assert [each.name for each in tmp_path.iterdir()] == ["field.cube"]
    with pytest.raises(qvar.QvarError, match="`orbital` must be from 0 to 3, but is 4"):
        densities.cube(path, field="natural", orbital=4)
    with pytest.raises(qvar.QvarError, match="`path` must be a file that can be written"):
        densities.cube(tmp_path / "nowhere" / "field.cube", resolution=0.5)
    with pytest.raises(qvar.QvarError, match="`resolution` must be positive, but is 0"):
        densities.cube(path, resolution=0.0)
