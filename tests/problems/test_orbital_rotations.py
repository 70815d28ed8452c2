"""Active spaces that are computed: AVAS, natural orbitals, representations; against PySCF's own."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from pyscf import ci, gto, mcscf, mp, scf
from pyscf.mcscf import avas

from qvar.errors import QvarError
from qvar.problems.molecule import molecule
from qvar.problems.orbital_choices import Avas, NaturalOrbitals, OrbitalsByIrrep

N2, O2 = "N 0 0 0; N 0 0 1.1", "O 0 0 0; O 0 0 1.2"
WATER = "O 0 0 0.117; H 0 0.757 -0.471; H 0 -0.757 -0.471"


def mean_field(atom, spin=0, basis="sto-3g", **more):
    mol = gto.M(atom=atom, basis=basis, spin=spin, verbose=0, **more)
    field = scf.RHF(mol) if spin == 0 else scf.ROHF(mol)
    field.conv_tol, field.chkfile = 1e-13, None
    return field.run()


def casci(field, n_orbitals, electrons, orbitals):
    solver = mcscf.CASCI(field, n_orbitals, electrons)
    solver.fcisolver.conv_tol, solver.verbose = 1e-12, 0
    return solver.kernel(orbitals)[0]


@pytest.mark.parametrize(
    ("geometry", "spin", "basis", "labels", "threshold", "space"),
    [
        (N2, 0, "6-31g", "N 2p", 0.6, (8, 6)),
        (O2, 2, "sto-3g", ("O 2p",), 0.7, (8, 5)),
        (WATER, 0, "6-31g", ("O 2p", "H 1s"), 0.5, (6, 5)),
    ],
)
def test_avas_is_pyscfs(geometry, spin, basis, labels, threshold, space):
    problem = molecule(geometry, basis=basis, spin=spin, active_space=Avas(labels, threshold=threshold))
    field = mean_field(geometry, spin, basis)
    n, electrons, orbitals = avas.avas(field, labels, threshold=threshold, openshell_option=3, verbose=0)
    assert (problem.n_electrons, problem.n_orbitals) == (electrons, n) == space
    assert problem.exact_energy() == pytest.approx(casci(field, n, electrons, orbitals), abs=1e-8)
    assert problem.reference_energy == pytest.approx(field.e_tot, abs=1e-9)
    assert problem.stability.internal == pytest.approx(molecule(geometry, basis=basis, spin=spin).stability.internal)
    assert "AVAS" in problem.name
    assert "AVAS" in problem.remarks()[0]
    assert problem.description["active_space"]["threshold"] == threshold


@pytest.mark.parametrize(
    ("geometry", "labels", "minimal_basis", "space"),
    [
        ("Na 0 0 0; H 0 0 1.9", ("Na 3s", "H 1s"), "minao", (2, 2)),
        ("I 0 0 0; H 0 0 1.6", ("I 5p", "H 1s"), "sto-3g", (6, 4)),
    ],
)
def test_shells_are_counted_from_the_nucleus_although_there_is_a_core_potential(geometry, labels, minimal_basis, space):
    choice = Avas(labels, threshold=0.4, minimal_basis=minimal_basis)
    problem = molecule(geometry, basis="lanl2dz", active_space=choice)
    assert (problem.n_electrons, problem.n_orbitals) == space


def sorted_by_occupation(field, density):
    """Return natural orbitals of a density over atomic orbitals, by an eigenproblem that has no orbitals in it."""
    import scipy.linalg

    overlap = field.mol.intor("int1e_ovlp")
    numbers, orbitals = scipy.linalg.eigh(overlap @ density @ overlap, overlap)
    return numbers[::-1], orbitals[:, ::-1]


@pytest.mark.parametrize(
    ("geometry", "spin", "theory", "make"),
    [
        (WATER, 0, "mp2", lambda field: mp.MP2(field)),
        (WATER, 0, "cisd", lambda field: ci.CISD(field)),
        (O2, 2, "mp2", lambda field: mp.UMP2(field.to_uhf())),
        (O2, 2, "cisd", lambda field: ci.UCISD(field.to_uhf())),
    ],
)
def test_natural_orbitals_are_pyscfs(geometry, spin, theory, make):
    field = mean_field(geometry, spin)
    solver = make(field)
    solver.conv_tol, solver.conv_tol_normt = 1e-12, 1e-9
    solver.run(verbose=0)
    density = solver.make_rdm1(ao_repr=True)
    numbers, orbitals = sorted_by_occupation(field, sum(density) if spin else density)
    inside = (numbers > 0.01) & (numbers < 1.99)
    n, n_core = int(inside.sum()), int(np.sum(numbers >= 1.99))
    electrons = field.mol.nelectron - 2 * n_core
    problem = molecule(geometry, spin=spin, active_space=NaturalOrbitals(theory, threshold=0.01))
    assert (problem.n_electrons, problem.n_orbitals) == (electrons, n)
    assert problem.exact_energy() == pytest.approx(casci(field, n, electrons, orbitals), abs=1e-8)
    assert theory.upper() in problem.remarks()[0]
    assert f"{numbers[inside][0]:.4f}" in problem.remarks()[0]
    pair = molecule(geometry, spin=spin, active_space=NaturalOrbitals(theory, active_space=(electrons, n)))
    assert pair.exact_energy() == pytest.approx(problem.exact_energy(), abs=1e-9)


def test_a_determinant_that_is_not_hartree_focks_has_no_stability():
    hartree_fock = molecule(WATER)
    problem = molecule(WATER, active_space=NaturalOrbitals("cisd", active_space=(8, 6)))
    gap = problem.reference_energy - hartree_fock.reference_energy
    assert gap > 1e-5
    assert problem.stability is None
    assert f"lies {1000 * gap:.4g} mHa above" in problem.remarks()[1]
    # unrelaxed MP2 does not mix occupied and empty orbitals: its determinant is Hartree-Fock's
    same = molecule(WATER, active_space=NaturalOrbitals("mp2", active_space=(8, 6)))
    assert same.reference_energy == pytest.approx(hartree_fock.reference_energy, abs=1e-9)
    assert same.stability.internal == pytest.approx(hartree_fock.stability.internal, abs=1e-6)


@pytest.mark.parametrize(
    ("geometry", "spin", "active", "frozen"),
    [
        (WATER, 0, {"A1": 2, "B1": 1, "B2": 2}, {"A1": 2}),
        (N2, 0, {"A1g": 1, "A1u": 1, "E1ux": 1, "E1uy": 1, "E1gx": 1, "E1gy": 1}, {"A1g": 2, "A1u": 2}),
        # along no axis: pi orbitals have to be rotated into the representations
        ("N 0 0 0; N 0.635 0.635 0.635", 0, {"A1g": 1, "E1ux": 1, "E1gx": 1}, {"A1g": 2, "A1u": 2, "E1uy": 1}),
        (O2, 2, {"E1ux": 1, "E1uy": 1, "E1gx": 1, "E1gy": 1}, {"A1g": 3, "A1u": 2}),
    ],
)
def test_representations_are_counted_as_pyscf_sorts_them(geometry, spin, active, frozen):
    problem = molecule(geometry, spin=spin, active_space=OrbitalsByIrrep(active, frozen=frozen))
    field = mean_field(geometry, spin, symmetry=True)
    n, electrons = sum(active.values()), field.mol.nelectron - 2 * sum(frozen.values())
    solver = mcscf.CASCI(field, n, electrons)
    solver.verbose, solver.fcisolver.conv_tol = 0, 1e-12
    solver.fcisolver.wfnsym = None
    orbitals = mcscf.sort_mo_by_irrep(solver, field.mo_coeff, active, frozen)
    plain = mean_field(geometry, spin)
    assert problem.exact_energy() == pytest.approx(casci(plain, n, electrons, np.asarray(orbitals)), abs=1e-8)
    assert problem.reference_energy == pytest.approx(field.e_tot, abs=1e-8)
    assert problem.remarks()[0].endswith(f" of {field.mol.groupname}.")


def test_a_subgroup_counts_by_its_own_labels():
    whole = OrbitalsByIrrep({"E1ux": 1, "E1uy": 1, "E1gx": 1, "E1gy": 1}, frozen={"A1g": 3, "A1u": 2})
    part = OrbitalsByIrrep({"B3u": 1, "B2u": 1, "B2g": 1, "B3g": 1}, frozen={"Ag": 3, "B1u": 2}, group="D2h")
    one, two = (molecule(N2, active_space=choice) for choice in (whole, part))
    assert one.integrals.two_body.tobytes() == two.integrals.two_body.tobytes()


VALENCE = {"A1g": 3, "A1u": 2, "E1ux": 1}


@pytest.mark.parametrize(
    ("make", "argument", "mention"),
    [
        (lambda: Avas("N 3p"), "labels", "such as 'N 2p'"),
        (lambda: Avas("O 2p"), "labels", "'O 2p'"),
        (lambda: Avas(""), "labels", "''"),
        (lambda: Avas("N 2p", threshold=1.5), "threshold", "1.5"),
        (lambda: Avas("N 2p", minimal_basis="nothing"), "minimal_basis", "'nothing'"),
        (lambda: Avas("N 2p", threshold=0.9999), "threshold", "0.9999"),
        (lambda: NaturalOrbitals(threshold=0.9), "threshold", "at most"),
        (lambda: NaturalOrbitals(threshold=0.0), "threshold", "0.0"),
        (lambda: NaturalOrbitals(threshold=0.1, active_space=(2, 2)), "threshold", "`active_space`"),
        (lambda: NaturalOrbitals(active_space=(3, 2)), "active_space", "(3, 2)"),
        (lambda: OrbitalsByIrrep({"A1": 1}), "active", "'A1'"),
        (lambda: OrbitalsByIrrep({"A1g": 1}, frozen={"Q": 1}), "frozen", "'Q'"),
        (lambda: OrbitalsByIrrep({"A1g": 9}), "active", "9"),
        (lambda: OrbitalsByIrrep({"A1g": -1}), "active", "-1"),
        (lambda: OrbitalsByIrrep({"A1g": 0}), "active", "at least one"),
        (lambda: OrbitalsByIrrep({"A1g": 3}), "active_space", "leaves out"),
        (
            lambda: OrbitalsByIrrep({"A1g": 3, "A1u": 2, "E1ux": 1}, frozen={"E1gx": 1}),
            "active_space",
            "with 0 electrons",
        ),
        (lambda: OrbitalsByIrrep({"A1g": 1}, group="Td"), "group", "'Td'"),
    ],
)
def test_mistakes(make, argument, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        inspect.unwrap(molecule)(N2, active_space=make())
    one_sentence(info, argument, mention)


def test_atoms_whose_shells_minao_lacks_need_another_basis():
    sentence = r"^`minimal_basis` must be a basis set with all shells of I, such as 'sto-3g'"
    for shell in ("I 3p", "I 5p"):
        with pytest.raises(QvarError, match=sentence):
            molecule("I 0 0 0; H 0 0 1.6", basis="lanl2dz", active_space=Avas(shell))


def test_a_determinant_without_the_symmetry_of_the_molecule_is_refused():
    with pytest.raises(QvarError, match=r"^`active_space` .* orbital \d+ has no symmetry"):
        molecule("N 0 0 0; N 0 0 2.6", stable=True, active_space=OrbitalsByIrrep({"A1g": 3}))


def test_avas_is_cited():
    from qvar.problems.problem_citations import problem_citations

    assert "sayfutyarova2017" in problem_citations(molecule(N2, active_space=Avas("N 2p")))
    assert "sayfutyarova2017" not in problem_citations(molecule(N2, active_space=(2, 2)))
