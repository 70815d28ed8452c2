from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from qvar.errors import QvarError
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.problem import Problem
from qvar.problems.scf import converge, follow, one_thread_without_files
from qvar.problems.stability import _internal, _lowest, _rotated, analysed

N2 = "N 0 0 0; N 0 0 2.0"
SQUARE = "H 0.848528137 0 0; H -0.848528137 0 0; H 0 0.848528137 0; H 0 -0.848528137 0"  # 1.2 angstrom long
BEH = "Be 0 0 0; H 0 0 1.34"


def mean_field(geometry, kind, spin=0, basis="sto-3g", xc=None):
    from pyscf import dft, gto, scf

    mol = gto.M(atom=geometry, basis=basis, spin=spin, verbose=0)
    field = getattr(scf if xc is None else dft, kind)(mol)
    if xc is not None:
        field.xc, field.grids.level = xc, 1
    return converge(field)


def rotations(occupations):
    """Pairs (emptier, fuller) of orbitals."""
    return [(a, i) for a in range(len(occupations)) for i in range(len(occupations)) if occupations[a] < occupations[i]]


def energy(field, orbitals):
    with one_thread_without_files():
        return float(field.energy_tot(dm=field.make_rdm1(orbitals, field.mo_occ)))


def second_derivatives(function, n, h=2e-3):
    """Hessian of a function of n numbers at 0 by central differences."""
    units, hessian = h * np.eye(n), np.zeros((n, n))
    for j in range(n):
        for k in range(j + 1):
            corners = [function(s * units[j] + t * units[k]) * s * t for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
            hessian[j, k] = hessian[k, j] = sum(corners) / (4 * h * h)
    return hessian


def turned(orbitals, pairs, x):
    kappa = np.zeros((len(orbitals), len(orbitals)))
    for (a, i), angle in zip(pairs, x, strict=True):
        kappa[a, i], kappa[i, a] = angle, -angle
    return orbitals @ expm(kappa)


@pytest.mark.parametrize(
    ("geometry", "kind", "spin"),
    [
        ("Li 0 0 0; H 0 0 1.6", "RHF", 0),
        (SQUARE, "RHF", 0),
        (BEH, "ROHF", 1),
        (BEH, "ROHF", 3),
        ("H 0 0 0; H 0 0 2.5", "UHF", 0),
        ("H 0 0 0; H 0 0 0.9; H 0 0 1.8", "UHF", 1),
        ("O 0 0 0; H 0 0 0.97", "ROHF", 1),
    ],
)
def test_lowest_second_derivative_is_that_of_the_energy(geometry, kind, spin):
    field = mean_field(geometry, kind, spin)
    occupations, orbitals = np.asarray(field.mo_occ), np.asarray(field.mo_coeff)
    if kind == "UHF":
        pairs = [rotations(occ) for occ in occupations]
        n = len(pairs[0])

        def function(x):
            parts = (x[:n], x[n:])
            return energy(field, np.stack([turned(c, p, y) for c, p, y in zip(orbitals, pairs, parts, strict=True)]))

        hessian = second_derivatives(function, sum(map(len, pairs)))
    else:
        pairs = rotations(occupations)
        hessian = second_derivatives(lambda x: energy(field, turned(orbitals, pairs, x)), len(pairs))
    assert analysed(field).internal == pytest.approx(np.linalg.eigvalsh(hessian)[0], abs=2e-4)


def test_closed_to_open_to_empty_rotations_count():
    """In O2 they carry almost half of the curvature; PySCF's product for restricted open shells leaves them out."""
    field = mean_field("O 0 0 0; O 0 0 1.2", "ROHF", 2, basis="6-31g")
    lowest, direction = _lowest(*_internal(field))
    h = 5e-3
    energies = [energy(field, _rotated(field, step * direction)) for step in (-h, 0.0, h)]
    assert lowest == pytest.approx((energies[0] - 2 * energies[1] + energies[2]) / h**2, abs=1e-4)
    assert lowest < -0.03


@pytest.mark.parametrize("geometry", ["Li 0 0 0; H 0 0 1.6", "H 0 0 0; H 0 0 2.5", SQUARE])
def test_external_derivative_is_that_of_the_unrestricted_energy(geometry):
    field = mean_field(geometry, "RHF")
    unrestricted, pairs = field.to_uhf(), rotations(field.mo_occ)

    def function(x):
        both = [turned(field.mo_coeff, pairs, sign * x / np.sqrt(2)) for sign in (1, -1)]
        return energy(unrestricted, np.stack(both))

    lowest = np.linalg.eigvalsh(second_derivatives(function, len(pairs)))[0]
    assert analysed(field).external == pytest.approx(lowest, abs=2e-4)


@pytest.mark.parametrize(
    ("geometry", "basis"),
    [
        ("N 0 0 0; N 0 0 1.1", "sto-3g"),
        (N2, "sto-3g"),
        ("H 0 0 0; H 0 0 2.5", "6-31g"),
        ("C 0 0 0; C 0 0 1.25", "sto-3g"),
        ("F 0 0 0; F 0 0 1.42", "6-31g"),
        ("Be 0 0 0; H 0 0 2.6; H 0 0 -2.6", "sto-3g"),
        ("O; H 1 0.9584; H 1 0.9584 2 104.45", "sto-3g"),
    ],
)
def test_verdicts_are_pyscfs(geometry, basis):
    field = mean_field(geometry, "RHF", basis=basis)
    found = analysed(field)
    _, _, internal, external = field.stability(internal=True, external=True, return_status=True)
    assert (not found.is_saddle, not found.breaks_spin) == (internal, external)


def lowest_of_random_starts(geometry, kind, spin, starts):
    """The lowest energy that PySCF's own second-order iteration finds from orbitals turned at random."""
    field, energies = mean_field(geometry, kind, spin), []
    rng, n = np.random.default_rng(1), len(field.mo_occ)
    for _ in range(starts):
        kappa = rng.standard_normal((n, n))
        second_order = field.newton()
        second_order.verbose, second_order.max_cycle = 0, 60
        with one_thread_without_files():
            second_order.kernel(field.mo_coeff @ expm(0.3 * (kappa - kappa.T)), field.mo_occ)
        energies.append(second_order.e_tot)
    return min(energies)


@pytest.mark.parametrize(
    ("geometry", "spin", "lowered"),
    [(N2, 0, 0.196), (SQUARE, 0, None), ("O 0 0 0; O 0 0 1.2", 2, None)],
)
def test_saddle_is_followed_to_a_minimum(geometry, spin, lowered):
    """The figure of N2 is that of an audit with PySCF alone."""
    found, stable = molecule(geometry, spin=spin), molecule(geometry, spin=spin, stable=True)
    assert found.stability.is_saddle
    assert not stable.stability.is_saddle
    gain = found.reference_energy - stable.reference_energy
    assert stable.stability.lowered == pytest.approx(gain, abs=1e-8)
    assert gain > 1e-4
    if lowered is not None:
        assert gain == pytest.approx(lowered, abs=5e-4)
    if found.n_qubits == 8:
        assert stable.exact_energy() == pytest.approx(found.exact_energy(), abs=1e-8)
    assert "saddle" in found.remarks()[0]
    assert "`stable=True`" in found.remarks()[0]
    assert "followed from a saddle" in stable.remarks()[0]
    assert (stable.description.pop("stable"), stable.description) == (True, found.description)


@pytest.mark.parametrize(("geometry", "spin"), [(N2, 0), ("O 0 0 0; O 0 0 1.2", 2)])
def test_no_random_start_ends_lower(geometry, spin):
    kind = "RHF" if spin == 0 else "ROHF"
    stable = molecule(geometry, spin=spin, stable=True).reference_energy
    assert stable <= lowest_of_random_starts(geometry, kind, spin, 2) + 1e-6


def test_stable_reference_is_left_alone():
    found, stable = hydrogen_chain(4), hydrogen_chain(4, stable=True)
    assert stable.stability == found.stability
    assert stable.integrals.two_body.tobytes() == found.integrals.two_body.tobytes()
    assert found.remarks() == ()


def test_unrestricted_hydrogen_leaves_the_restricted_saddle():
    """Two hydrogen atoms far apart have twice the energy of one atom, and a restricted determinant does not."""
    field, atom = mean_field("H 0 0 0; H 0 0 8", "UHF", basis="6-31g"), mean_field("H 0 0 0", "UHF", 1, basis="6-31g")
    first = field.e_tot
    lowered = follow(field)
    assert lowered == pytest.approx(first - 2 * atom.e_tot, abs=1e-5)
    assert lowered > 0.1
    assert not analysed(field).is_saddle


def test_functionals_are_followed_too():
    field = mean_field("H 0 0 0; H 0 0 3.5", "UKS", xc="pbe")
    restricted = mean_field("H 0 0 0; H 0 0 3.5", "RKS", xc="pbe")
    assert field.e_tot == pytest.approx(restricted.e_tot, abs=1e-7)
    assert analysed(restricted).breaks_spin
    assert follow(field) > 0.01
    assert not analysed(field).is_saddle


def test_free_rotations_are_no_saddle_and_are_mentioned():
    """The closed shell of O2 that fills one of two pi orbitals may fill any other."""
    problem = molecule("O 0 0 0; O 0 0 1.2")
    assert problem.stability.internal == pytest.approx(0.0, abs=1e-6)
    assert not problem.stability.is_saddle
    assert "one of many" in problem.remarks()[0]


@pytest.mark.parametrize(("atom", "spin"), [("Mn", 5), ("Cr", 6)])
def test_open_shells_below_closed_ones_are_occupied(atom, spin):
    """PySCF fills 3d orbitals singly whose energies do not follow those of the doubly occupied ones."""
    problem = molecule(f"{atom} 0 0 0", spin=spin)
    expected = mean_field(f"{atom} 0 0 0", "ROHF", spin)
    occupations = np.asarray(expected.mo_occ)
    assert not np.all(np.diff(occupations) <= 0)
    assert problem.reference_energy == pytest.approx(expected.e_tot, abs=1e-7)


@pytest.mark.parametrize(
    ("geometry", "spin"),
    [(SQUARE, 0), ("H 0 0 0; H 1.2 0 0; H 0 1.2 0; H 1.2 1.2 0", 0), ("C 0 0 0", 2), ("Mn 0 0 0", 5)],
)
@pytest.mark.parametrize("kind", ["ROHF", "UHF"])
def test_rounding_does_not_choose_the_determinant(geometry, spin, kind, monkeypatch):
    """Noise in the first guess stands for other processors, whose sums end in other digits."""
    from pyscf.scf import hf, uhf

    maker, energies = uhf.UHF if kind == "UHF" else hf.SCF, []
    usual = maker.get_init_guess
    for seed in range(4):

        def guess(field, *arguments, _seed=seed, **options):
            density = usual(field, *arguments, **options)
            noise = 1e-13 * np.random.default_rng(_seed).standard_normal(density.shape[-2:])
            return density + noise + noise.T

        monkeypatch.setattr(maker, "get_init_guess", guess)
        energies.append(mean_field(geometry, kind, spin).e_tot)
    assert np.ptp(energies) < 1e-7


def test_nothing_to_rotate():
    assert (molecule("He 0 0 0").stability.internal, molecule("H 0 0 0", spin=1).stability.internal) == (None, None)


def test_stability_is_saved(tmp_path):
    problem = hydrogen_chain(2, bond=2.5)
    problem.save(tmp_path / "h2.npz")
    loaded = Problem.load(tmp_path / "h2.npz")
    assert loaded.stability == problem.stability
    assert loaded.remarks() == problem.remarks() != ()


def test_an_iteration_that_fails_is_an_error(monkeypatch, one_sentence):
    from qvar.problems import scf

    usual = scf._second_order

    def fails(*arguments):
        found = usual(*arguments)
        found.converged = False
        return found

    monkeypatch.setattr(scf, "_second_order", fails)
    monkeypatch.setattr(scf, "_SAME", -1.0)
    with pytest.raises(QvarError) as info:
        molecule(SQUARE, stable=True)
    one_sentence(info, "stable", "-1.705931")


def test_an_analysis_that_fails_is_a_remark(monkeypatch, one_sentence):
    from pyscf import lib

    usual = lib.davidson1
    monkeypatch.setattr(lib, "davidson1", lambda *a, **k: usual(*a, **k | {"max_cycle": 1}))
    problem = molecule("O; H 1 0.9584; H 1 0.9584 2 104.45", basis="6-31g")
    assert problem.stability is None
    assert problem.remarks() == ("Whether the Hartree-Fock reference is a minimum could not be found out.",)
    with pytest.raises(QvarError) as info:
        molecule("O; H 1 0.9584; H 1 0.9584 2 104.45", basis="6-31g", stable=True)
    one_sentence(info, "stable", "rotations")


def test_active_spaces_that_cut_a_pair_are_mentioned():
    lih = "Li 0 0 0; H 0 0 1.6"
    cut = molecule(lih, active_space=(2, 3)).remarks()
    assert len(cut) == 1
    assert "of 3, 4 it takes 3 alone" in cut[0]
    assert molecule(lih, active_space=(2, 5)).remarks() == ()
    assert molecule(lih, active_orbitals=[1, 2, 5]).remarks() == ()
    core = molecule("N 0 0 0; N 0 0 1.1", frozen=[0, 1, 4]).remarks()
    assert "of 4, 5 it takes 5 alone" in core[0] or "of 5, 6 it takes" in core[0]
