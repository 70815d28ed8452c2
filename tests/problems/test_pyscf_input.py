"""Problems from calculations of PySCF, against PySCF's own CASCI on the same orbitals."""

from __future__ import annotations

import inspect
import json
from types import SimpleNamespace

import numpy as np
import pytest
from pyscf import dft, gto, mcscf, qmmm, scf

from qvar.errors import QvarError
from qvar.problems.molecule import molecule
from qvar.problems.orbital_choices import Avas, NaturalOrbitals
from qvar.problems.problem import Problem
from qvar.problems.pyscf_input import from_pyscf
from qvar.task import task_key


@pytest.fixture(scope="module", autouse=True)
def no_checkpoint_files():
    from pyscf.scf import hf

    hf.MUTE_CHKFILE, before = True, hf.MUTE_CHKFILE
    yield
    hf.MUTE_CHKFILE = before


def mole(atom="N 0 0 0; N 0 0 1.1", basis="sto-3g", **more):
    return gto.M(atom=atom, basis=basis, verbose=0, **more)


def o2(**more):
    return mole("O 0 0 0; O 0 0 1.2", spin=2, **more)


def casci_energy(field, problem):
    """Return the energy of PySCF's CASCI in the orbitals that the problem keeps."""
    c, frozen, active = problem.orbitals.coefficients, problem.orbitals.frozen, problem.orbitals.active
    order = [*frozen, *active, *(k for k in range(c.shape[1]) if k not in frozen + active)]
    casci = mcscf.CASCI(field, len(active), (problem.n_alpha, problem.n_beta))
    casci.fcisolver.conv_tol, casci.verbose = 1e-12, 0
    return casci.kernel(c[:, order])[0]


FIELDS = {
    "RHF": (lambda: scf.RHF(mole()), (6, 6)),
    "symmetric": (lambda: scf.RHF(mole(symmetry=True)), (6, 6)),
    "Cartesian": (lambda: scf.RHF(mole("C 0 0 0; O 0 0 1.1", "6-31g*", cart=True)), (4, 4)),
    "ROHF": (lambda: scf.ROHF(o2()), (8, 6)),
    "core potential": (lambda: scf.RHF(mole("Na 0 0 0; H 0 0 1.9", "lanl2dz", ecp="lanl2dz")), (2, 4)),
    "X2C": (lambda: scf.RHF(mole("F 0 0 0; H 0 0 0.92")).x2c(), (4, 3)),
    "point charges": (lambda: qmmm.mm_charge(scf.RHF(mole("F 0 0 0; H 0 0 0.92")), [[0, 0, 3.0]], [0.4]), (4, 3)),
    "second order": (lambda: scf.RHF(mole()).newton(), (6, 6)),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_mean_field_keeps_its_energy_and_orbitals(name):
    make, space = FIELDS[name]
    field = make().run(conv_tol=1e-10)
    problem = from_pyscf(field, active_space=space)
    assert problem.reference_energy == pytest.approx(field.e_tot, abs=1e-8)
    assert problem.exact_energy() == pytest.approx(casci_energy(field, problem), abs=1e-8)
    np.testing.assert_array_equal(problem.orbitals.coefficients, field.mo_coeff)
    assert (problem.n_electrons, problem.n_orbitals) == space
    assert problem.stability is not None
    assert not any("orbitals are" in note for note in problem.notes)
    np.testing.assert_array_equal(problem.orbitals.mole().intor("int1e_ovlp"), field.mol.intor("int1e_ovlp"))


@pytest.mark.parametrize(
    ("make", "kind", "note"),
    [
        (lambda: dft.RKS(mole(), xc="pbe"), "RKS", "not the functional's"),
        (lambda: dft.ROKS(o2(), xc="pbe"), "ROKS", "not the functional's"),
        (lambda: scf.RHF(mole()).density_fit(), "RHF", "density-fitted"),
        (lambda: scf.UHF(o2()), "UHF natural orbitals", "natural orbitals of the UHF density"),
        (lambda: dft.UKS(o2(), xc="pbe"), "UKS natural orbitals", "Kohn-Sham orbitals (pbe)"),
    ],
)
def test_orbitals_of_another_energy_are_named(make, kind, note):
    field = make().run()
    problem = from_pyscf(field, active_space=(6, 5))
    plain = scf.RHF(field.mol) if field.mol.spin == 0 else scf.ROHF(field.mol)
    assert problem.exact_energy() == pytest.approx(casci_energy(plain.run(), problem), abs=1e-8)
    assert problem.stability is None
    assert any(note in sentence for sentence in problem.remarks())
    assert problem.description["orbitals"] == kind


def test_natural_orbitals_of_uhf_diagonalize_its_density():
    """In descending order of occupation; for a closed shell they are the canonical orbitals of RHF."""
    field = scf.UHF(o2()).run(conv_tol=1e-12)
    c = from_pyscf(field).orbitals.coefficients
    projected = c.T @ field.mol.intor("int1e_ovlp")
    occupations = projected @ field.make_rdm1().sum(axis=0) @ projected.T
    np.testing.assert_allclose(occupations, np.diag(np.diag(occupations)), atol=1e-9)
    assert np.all(np.diff(np.diag(occupations)) < 1e-6)
    assert occupations.trace() == pytest.approx(16)
    closed, restricted = (from_pyscf(make(mole()).run(conv_tol=1e-13), frozen=[0, 1]) for make in (scf.UHF, scf.RHF))
    assert closed.reference_energy == pytest.approx(restricted.reference_energy, abs=1e-9)
    assert closed.exact_energy() == pytest.approx(restricted.exact_energy(), abs=1e-8)


def test_casscf_and_casci_bring_their_active_space():
    field = scf.RHF(mole("Li 0 0 0; H 0 0 2.4", "6-31g")).run()
    for make in (mcscf.CASSCF, mcscf.CASCI):
        calculation = make(field, 4, 2)
        calculation.conv_tol, calculation.verbose = 1e-10, 0
        calculation.run()
        problem = from_pyscf(calculation)
        assert problem.exact_energy() == pytest.approx(calculation.e_tot, abs=1e-8)
        assert problem.orbitals.frozen == (0,)
        assert (problem.n_electrons, problem.n_orbitals, problem.stability) == (2, 4, None)
        assert problem.description["orbitals"] in problem.remarks()[0]
        with pytest.raises(QvarError, match=r"^`active_space`, .* must be left out for a CASCI or CASSCF"):
            from_pyscf(calculation, active_space=(2, 2))
        with pytest.raises(QvarError, match=r"^`orbitals` must be left out for a CASCI or CASSCF"):
            from_pyscf(calculation, orbitals=field.mo_coeff)


def test_a_casci_need_not_be_run_and_a_casscf_must():
    field = scf.RHF(mole()).run()
    assert from_pyscf(mcscf.CASCI(field, 6, 6)).exact_energy() == pytest.approx(
        from_pyscf(field, active_space=(6, 6)).exact_energy(), abs=1e-9
    )
    with pytest.raises(QvarError, match=r"^`mean_field` must be converged, but CASSCF\(6,6\) did not converge\.$"):
        from_pyscf(mcscf.CASSCF(field, 6, 6))


def test_the_reference_of_a_casscf_fills_the_orbitals_of_largest_occupation():
    """PySCF leaves the active orbitals in any order: here the empty one comes first."""
    field = scf.RHF(mole("H 0 0 0; H 0 0 0.74")).run()
    calculation = mcscf.CASCI(field, 2, 2)
    calculation.canonicalization = False
    calculation.kernel(field.mo_coeff[:, ::-1])
    problem = from_pyscf(calculation)
    assert problem.occupied_alpha == problem.occupied_beta == (1,)
    assert problem.reference_energy == pytest.approx(field.e_tot, abs=1e-9)


def test_own_orbitals():
    from pyscf import lo

    field = scf.RHF(mole("O 0 0 0; H 0.76 0.59 0; H -0.76 0.59 0")).run(conv_tol=1e-12)
    localized = field.mo_coeff.copy()
    localized[:, :5] = lo.Boys(field.mol, localized[:, :5]).kernel()
    problem = from_pyscf(field, orbitals=localized, active_orbitals=[2, 3, 4, 5, 6])
    assert problem.reference_energy == pytest.approx(field.e_tot, abs=1e-9)
    assert problem.exact_energy() == pytest.approx(casci_energy(field, problem), abs=1e-8)
    assert problem.remarks() == ("Its orbitals were given; the reference energy is that of their determinant.",)
    whole = from_pyscf(field, orbitals=np.round(localized, 8))  # as of a file
    assert whole.exact_energy() == pytest.approx(from_pyscf(field).exact_energy(), abs=1e-8)
    fewer = from_pyscf(field, orbitals=localized[:, :6])
    assert fewer.n_orbitals == 6


def test_indices_count_the_columns_of_an_unsorted_determinant():
    """Orbitals that are occupied by symmetry need not come first."""
    field = scf.RHF(mole("H 0 0 0; H 0 0 0.74", "6-31g")).run()
    field.mo_coeff, field.mo_occ = field.mo_coeff[:, [2, 0, 1, 3]], field.mo_occ[[2, 0, 1, 3]]
    field.mo_energy = field.mo_energy[[2, 0, 1, 3]]
    problem = from_pyscf(field, active_space=(2, 2))
    assert problem.orbitals.active == (0, 1)
    assert problem.occupied_alpha == (1,)
    assert problem.reference_energy == pytest.approx(field.e_tot, abs=1e-8)
    with pytest.raises(QvarError, match=r"^`active_orbitals` must hold every occupied orbital .* leaves out 1"):
        from_pyscf(field, active_orbitals=[0, 2], frozen=[])


def test_the_description_identifies_the_problem(tmp_path):
    field = scf.RHF(mole("H 0 0 0; H 0 0 0.74")).run()
    problem = from_pyscf(field, name="mine")
    assert problem.name == "mine"
    assert from_pyscf(field).name == "H2 sto-3g"
    assert from_pyscf(scf.UHF(field.mol).run(), active_orbitals=[0]).name == "H2 sto-3g UHF natural orbitals (2e,1o)"
    description = json.loads(json.dumps(problem.description))
    assert description == problem.description == from_pyscf(field).description
    shaken = scf.RHF(field.mol).run()
    shaken.get_hcore = lambda *_: scf.hf.get_hcore(field.mol) + 1e-13
    assert task_key(from_pyscf(shaken).description) != task_key(description)
    problem.save(tmp_path / "x.npz")
    assert Problem.load(tmp_path / "x.npz").description == description


def test_it_agrees_with_a_molecule_of_text():
    text = molecule("N 0 0 0; N 0 0 1.1", active_space=(6, 6))
    own = from_pyscf(scf.RHF(mole()).run(conv_tol=1e-13), active_space=(6, 6))
    assert own.exact_energy() == pytest.approx(text.exact_energy(), abs=1e-8)
    assert own.stability.internal == pytest.approx(text.stability.internal, abs=1e-5)


def h2():
    return mole("H 0 0 0; H 0 0 0.74")


def periodic():
    from pyscf.pbc import gto as cells
    from pyscf.pbc import scf as periodic_scf

    cell = cells.M(atom="He 0 0 0", a=np.eye(3) * 3, basis="sto-3g", verbose=0)
    return periodic_scf.RHF(cell)


def smeared():
    return scf.addons.smearing_(scf.RHF(h2()), sigma=0.5).run()


def lowered():
    field = scf.RHF(h2()).run()
    field.e_tot -= 0.01
    return field


def without_atoms():
    field = scf.RHF(gto.M(verbose=0))
    field.mo_coeff, field.converged = np.zeros((0, 0)), True
    return field


@pytest.mark.parametrize(
    ("make", "more", "argument", "mention"),
    [
        (lambda: scf.RHF(h2()), {}, "mean_field", "have been run"),
        (lambda: scf.RHF(mole()).run(max_cycle=1), {}, "mean_field", "RHF did not converge"),
        (lambda: mcscf.CASSCF(scf.RHF(mole()).run(), 6, 6).run(max_cycle_macro=1), {}, "mean_field", "CASSCF(6,6) did"),
        (lambda: mcscf.UCASSCF(scf.UHF(h2()).run(), 2, 2).run(), {}, "mean_field", "one set of orbitals"),
        (lambda: scf.GHF(h2()).run(), {}, "mean_field", "GHF"),
        (periodic, {}, "mean_field", "periodic cell"),
        (lambda: scf.RHF(h2()).ddCOSMO(), {}, "mean_field", "solvent"),
        (smeared, {}, "mean_field", "smearing"),
        (lowered, {}, "mean_field", "-0.01 Ha more"),
        (without_atoms, {}, "mean_field", "`qvar.from_integrals`"),
        (lambda: scf.RHF(mole("H 0 0 0; H 0 0 0.74", nucmod=1)).run(), {}, "mean_field", "nuclei"),
        (h2, {}, "mean_field", "pyscf.scf.RHF(mol).run()"),
        (lambda: "mean field", {}, "mean_field", "pyscf.scf.RHF(mol).run()"),
        (lambda: SimpleNamespace(mo_coeff=1), {}, "mean_field", "pyscf.scf.RHF(mol).run()"),
        (lambda: scf.RHF(h2()).run(), {"orbitals": np.eye(2)}, "orbitals", "orthonormal"),
        (lambda: scf.RHF(h2()).run(), {"orbitals": np.eye(3)}, "orbitals", "(2, n_mo)"),
        (lambda: scf.RHF(h2()).run(), {"orbitals": 1j * np.eye(2)}, "orbitals", "real"),
        (lambda: scf.RHF(h2()).run(), {"active_space": (4, 2)}, "active_space", "(4, 2)"),
        (lambda: scf.RHF(h2()).run(), {"active_space": Avas("H 1s"), "frozen": []}, "active_space", "`frozen`"),
        (lambda: dft.RKS(h2()).run(), {"active_space": NaturalOrbitals()}, "active_space", "RKS"),
    ],
)
def test_mistakes(make, more, argument, mention, one_sentence):
    calculation = make()
    with pytest.raises(QvarError) as info:
        inspect.unwrap(from_pyscf)(calculation, **more)  # as users have it, without hook
    one_sentence(info, argument, mention)
