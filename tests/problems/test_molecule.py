from __future__ import annotations

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from qvar.errors import QvarError
from qvar.problems.molecule import hydrogen_chain, molecule

WATER = "O; H 1 0.9584; H 1 0.9584 2 104.45"
LIH = "Li 0 0 0; H 0 0 1.595"
CARTESIAN = "BASIS CARTESIAN\nN S\n5 1\n1 1\nN S\n0.5 1\nN P\n1 1\nN D\n1 1\nEND\n"
SPHERICAL = CARTESIAN.replace("CARTESIAN", "SPHERICAL")

# Energies in hartree, all electrons in STO-3G: RHF, FCI.
REFERENCE = {
    "H2 0.7414": (lambda: molecule("H 0 0 0; H 0 0 0.7414"), -1.1166843871, -1.1372701747),
    "H2 0.735": (lambda: hydrogen_chain(2, bond=0.735), -1.1169989968, -1.1373060358),
    "H4 1.0": (lambda: hydrogen_chain(4), None, -2.1663874486),
    "H4 1.5": (lambda: hydrogen_chain(4, bond=1.5), None, -1.9961503255),
    "H6 1.0": (lambda: hydrogen_chain(6, bond=1.0), -3.1355322140, -3.2360662799),
    "LiH 1.546": (lambda: molecule("Li 0 0 0; H 0 0 1.546"), -7.8631336887, -7.8827618487),
    "LiH 1.595": (lambda: molecule(LIH), -7.8620238601, -7.8824019323),
    "BeH2": (lambda: molecule("Be 0 0 0; H 0 0 1.3264; H 0 0 -1.3264"), None, -15.5951768689),
    "H2O": (lambda: molecule(WATER), -74.9631198616, -75.0127593131),
    "LiH CAS(2e,5o)": (lambda: molecule(LIH, active_space=(2, 5)), -7.8620238601, -7.8821745058),
    "LiH frozen core": (lambda: molecule(LIH, frozen=[0]), -7.8620238601, -7.8821745058),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_values(name):
    make, hartree_fock, fci = REFERENCE[name]
    problem = make()
    assert problem.exact_energy() == pytest.approx(fci, abs=1e-8)
    if hartree_fock is not None:
        assert problem.reference_energy == pytest.approx(hartree_fock, abs=1e-8)


def pyscf_scf(geometry, spin=0, basis="sto-3g"):
    from pyscf import gto, scf

    mol = gto.M(atom=geometry, basis=basis, spin=spin, verbose=0)
    mean_field = scf.RHF(mol) if spin == 0 else scf.ROHF(mol)
    mean_field.conv_tol, mean_field.chkfile = 1e-13, None
    mean_field.run()
    return mean_field


@pytest.mark.parametrize(
    ("geometry", "spin", "basis", "choice"),
    [
        (WATER, 0, "6-31g", {}),
        ("N 0 0 0; N 0 0 1.1", 0, "sto-3g", {"active_space": (6, 6)}),
        ("N 0 0 0; N 0 0 1.1", 0, "sto-3g", {"frozen": (0, 1)}),
        ("O 0 0 0; O 0 0 1.2", 2, "sto-3g", {"active_space": (8, 6)}),
        ("Li 0 0 0", 1, "6-31g", {}),
        ("N 0 0 0", 3, "6-31g", {}),
        ("He 0 0 0; H 0 0 1.2", 1, "6-31g", {}),
        ("I 0 0 0; H 0 0 1.6", 0, "def2-svp", {"active_space": (4, 4)}),
    ],
)
def test_reference_energy_is_pyscfs(geometry, spin, basis, choice):
    from pyscf import gto, scf

    problem = molecule(geometry, basis=basis, spin=spin, **choice)
    mol = gto.M(atom=geometry, basis=basis, spin=spin, ecp={"I": basis} if "I" in geometry else {}, verbose=0)
    mean_field = scf.RHF(mol) if spin == 0 else scf.ROHF(mol)
    mean_field.conv_tol, mean_field.chkfile = 1e-13, None
    mean_field.run()
    assert problem.reference_energy == pytest.approx(mean_field.e_tot, abs=1e-9)


@pytest.mark.parametrize(
    ("geometry", "spin", "electrons", "orbitals", "choice"),
    [
        (LIH, 0, 2, [2, 3, 6], {"active_orbitals": [5, 1, 2]}),
        (LIH, 0, 4, [1, 2, 3, 6], {"active_orbitals": (0, 1, 2, 5), "frozen": ()}),
        (WATER, 0, 6, [2, 4, 5, 6, 7], {"active_orbitals": [1, 3, 4, 5, 6]}),
        ("O 0 0 0; O 0 0 1.2", 2, 8, [5, 6, 7, 8, 9, 10], {"active_space": (8, 6)}),
        (LIH, 0, 2, [2, 3, 4], {"active_space": (2, 3)}),
    ],
)
def test_active_space_is_pyscfs_casci(geometry, spin, electrons, orbitals, choice):
    """Orbital numbers of PySCF count from 1."""
    from pyscf import mcscf

    casci = mcscf.CASCI(pyscf_scf(geometry, spin), len(orbitals), electrons)
    casci.fcisolver.conv_tol = 1e-12
    energy = casci.kernel(casci.sort_mo(orbitals))[0]
    problem = molecule(geometry, spin=spin, **choice)
    assert problem.n_orbitals == len(orbitals)
    assert problem.n_electrons == electrons
    assert problem.exact_energy() == pytest.approx(energy, abs=1e-8)


def test_determinant_of_a_choice_with_gaps():
    problem = molecule(WATER, active_orbitals=[6, 1, 4])
    assert (problem.occupied_alpha, problem.occupied_beta) == ((0, 1), (0, 1))
    assert problem.description["active_orbitals"] == [1, 4, 6]
    assert problem.description["frozen"] == [0, 2, 3]
    assert problem.reference_energy == pytest.approx(molecule(WATER).reference_energy, abs=1e-9)


def test_ways_to_say_one_active_space_are_one_problem():
    ways = [{"active_space": (2, 5)}, {"frozen": [0]}, {"active_orbitals": range(5, 0, -1)}]
    problems = [molecule(LIH, **way) for way in ways]
    assert problems[0].description == problems[1].description == problems[2].description
    assert len({problem.integrals.two_body.tobytes() for problem in problems}) == 1
    whole = molecule(LIH, active_space=(4, 6))
    assert whole.description == molecule(LIH).description


def test_units_and_spellings_agree():
    bohr = 0.529177210903
    expected = molecule("H 0 0 0; H 0 0 0.7414").reference_energy
    assert molecule(f"H 0 0 0; H 0 0 {0.7414 / bohr}", unit="bohr").reference_energy == pytest.approx(
        expected, abs=1e-7
    )
    assert molecule("h, 0, 0, 0\n\n# a comment\n1\t0 0 .7414 ", basis="STO-3G").reference_energy == expected
    assert molecule("H\nH 1 0.7414").reference_energy == pytest.approx(expected, abs=1e-10)
    assert molecule(" H 0 0  0;\nH,0 0 0.7414").description == molecule("H 0 0 0; H 0 0 0.7414").description
    assert molecule("H1 0 0 0; H@2 0 0 0.7414").reference_energy == expected


def test_basis_given_as_text():
    text = "H S\n3.42525091 0.15432897\n0.62391373 0.53532814\n0.16885540 0.44463454\n"
    problem = molecule("H 0 0 0; H 0 0 0.7414", basis=text)
    assert problem.exact_energy() == pytest.approx(-1.1372701747, abs=1e-7)
    assert problem.name == "H2 custom basis"


def test_cartesian_functions():
    """CO in 6-31G*, which was made for six d functions."""
    from pyscf import gto, scf

    problem = molecule("C 0 0 0; O 0 0 1.13", basis="6-31g*", cart=True, active_space=(2, 2))
    assert problem.description["cart"] is True
    mol = gto.M(atom="C 0 0 0; O 0 0 1.13", basis="6-31g*", cart=True, verbose=0)
    assert problem.orbitals.coefficients.shape == (mol.nao, mol.nao) == (30, 30)
    field = scf.RHF(mol)
    field.conv_tol, field.chkfile = 1e-12, None
    assert problem.reference_energy == pytest.approx(field.kernel(), abs=1e-9)
    spherical = molecule("C 0 0 0; O 0 0 1.13", basis="6-31g*", active_space=(2, 2))
    assert "cart" not in spherical.description
    assert spherical.orbitals.coefficients.shape == (28, 28)


def test_linearly_dependent_functions_are_left_out():
    """At the stated threshold, as PySCF's own canonical orthogonalization leaves them out; a note says how many."""
    from pyscf import gto, scf
    from pyscf.scf import hf

    text = "H S\n1.0 1.0\nH S\n1.002 1.0\nH S\n0.2 1.0\nH P\n0.7 1.0\n"
    geometry = "H 0 0 0; H 0 0 0.74"
    problem = molecule(geometry, basis=text)
    assert problem.n_orbitals == 10
    assert problem.orbitals.coefficients.shape == (12, 10)
    assert "2 of its 12 functions are left out" in problem.remarks()[0]
    mol = gto.M(atom=geometry, basis=gto.parse(text), verbose=0)
    field = scf.RHF(mol)
    field.conv_tol, field.chkfile = 1e-12, None
    assert hf.overlap_zero_eigenvalue_threshold == 1e-6
    assert problem.reference_energy == pytest.approx(field.kernel(), abs=1e-9)
    assert field.mo_coeff.shape == (12, 10)
    without = molecule(geometry, basis=text.replace("H S\n1.002 1.0\n", ""))
    assert problem.exact_energy() == pytest.approx(without.exact_energy(), abs=1e-4)
    coarse = molecule("H 0 0 0; H 0 0 0.1", basis=text, linear_dependence=0.01)
    assert coarse.n_orbitals < 10
    assert coarse.description["linear_dependence"] == 0.01
    fine = molecule(geometry, basis=text, linear_dependence=1e-8)
    assert fine.n_orbitals == 12
    assert not fine.notes
    assert fine.reference_energy < problem.reference_energy  # more functions, by the variational principle


def test_ghost_atom_brings_functions_and_no_electrons():
    problem = molecule("H 0 0 0; ghost-H 0 0 1", spin=1)
    assert (problem.n_qubits, problem.n_electrons) == (4, 1)


def test_chain_picks_the_lowest_spin():
    assert (hydrogen_chain(3).n_alpha, hydrogen_chain(3).n_beta) == (2, 1)
    assert (hydrogen_chain(4).n_alpha, hydrogen_chain(4).n_beta) == (2, 2)
    assert (hydrogen_chain(3, charge=1).n_alpha, hydrogen_chain(3, charge=1).n_beta) == (1, 1)
    assert hydrogen_chain(4, spin=2).description["spin"] == 2
    atom = hydrogen_chain(1)
    assert atom.exact_energy() == pytest.approx(atom.reference_energy, abs=1e-10)


def test_chain_is_the_molecule_of_its_geometry():
    chain, written = hydrogen_chain(3, bond=0.9), molecule("H 0 0 0.0; H 0 0 0.9; H 0 0 1.8", spin=1)
    assert chain.description == written.description
    assert chain.integrals.two_body.tobytes() == written.integrals.two_body.tobytes()


def test_names():
    assert hydrogen_chain(4).name == "H4 1.0 sto-3g"
    assert hydrogen_chain(2, bond=0.7414, basis="6-31g", active_space=(2, 2)).name == "H2 0.7414 6-31g (2e,2o)"
    assert hydrogen_chain(3, charge=1).name == "H3+ 1.0 sto-3g"
    assert molecule(LIH, active_space=(2, 5)).name == "LiH sto-3g (2e,5o)"
    assert molecule("He 0 0 0; H 0 0 1", charge=1, name="mine").name == "mine"


@pytest.mark.parametrize("make", [lambda: hydrogen_chain(4), lambda: molecule(WATER, active_orbitals=[1, 4, 5, 6])])
def test_symmetries_of_the_integrals_are_exact(make):
    integrals = make().integrals
    np.testing.assert_array_equal(integrals.one_body, integrals.one_body.T)
    two = integrals.two_body
    for axes in itertools.product([(0, 1), (1, 0)], [(2, 3), (3, 2)]):
        bra, ket = axes
        np.testing.assert_array_equal(two, two.transpose(*bra, *ket))
        np.testing.assert_array_equal(two, two.transpose(*ket, *bra))


SCRIPT = """
import hashlib
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.orbital_choices import Avas, NaturalOrbitals, OrbitalsByIrrep
CORE = {"A1g": 2, "A1u": 2, "E1uy": 1}
for problem in (
    hydrogen_chain(5),
    molecule("Be 0 0 0; H 0 0 1.3264; H 0 0 -1.3264"),
    molecule("O 0 0 0; O 0 0 1.2", spin=2, active_space=(8, 6)),
    molecule("H 0 0 0; H 1.2 0 0; H 0 1.2 0; H 1.2 1.2 0"),
    molecule("O; H 1 0.9584; H 1 0.9584 2 104.45", basis="6-31g"),
    molecule("N 0 0 0; N 0 0 1.1", active_space=Avas("N 2p", threshold=0.6)),
    molecule("O 0 0 0; O 0 0 1.2", spin=2, active_space=NaturalOrbitals("cisd", active_space=(8, 6))),
    molecule("N 0 0 0; N 0.6 0.6 0.6", active_space=OrbitalsByIrrep({"A1g": 1, "E1ux": 1}, frozen=CORE)),
):
    i = problem.integrals
    data = i.one_body.tobytes() + i.two_body.tobytes() + repr((i.core_energy, problem.reference_energy)).encode()
    print(problem.name, hashlib.sha256(data).hexdigest())
"""


def test_same_inputs_give_the_same_bits_in_two_processes(tmp_path):
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"OMP_NUM_THREADS": threads},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        for threads in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stdout.count("\n") == 8
    assert runs[0].stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "argument", "mention"),
    [
        ({"geometry": "H 0 0 0; Xx 0 0 1"}, "geometry", "'Xx'"),
        ({"geometry": "Qq 0 0 0"}, "geometry", "'Qq'"),
        ({"geometry": "hello"}, "geometry", "'hello'"),
        ({"geometry": "/etc/hostname"}, "geometry", "'/etc/hostname'"),
        ({"geometry": "X 0 0 0; H 0 0 1"}, "geometry", "'X'"),
        ({"geometry": "200 0 0 0"}, "geometry", "'200'"),
        ({"geometry": ""}, "geometry", "''"),
        ({"geometry": "# nothing\n;"}, "geometry", "at least one atom"),
        ({"geometry": 5}, "geometry", "5"),
        ({"geometry": "H 0 0 0; H 0 0"}, "geometry", "'H 0 0'"),
        ({"geometry": "H 0 0 0 0"}, "geometry", "'H 0 0 0 0'"),
        ({"geometry": "H 0 0 0; H 0 0 a"}, "geometry", "'H 0 0 a'"),
        ({"geometry": "H 0 0 0; H 0 0 nan"}, "geometry", "nan"),
        ({"geometry": "H 0 0 0; H 0 0 exit()"}, "geometry", "exit()"),
        ({"geometry": "H; H 1"}, "geometry", "'H 1'"),
        ({"geometry": "H; H 2 0.7"}, "geometry", "'H 2 0.7'"),
        ({"geometry": "O; H 1 0.96; H 1 0.96 1 104"}, "geometry", "'H 1 0.96 1 104'"),
        ({"geometry": "O; H 1 0.96; H 1 0.96 2 200"}, "geometry", "180"),
        ({"geometry": "H 0 0 0; H 0 0 0"}, "geometry", "atoms 1 (H) and 2 (H)"),
        ({"geometry": "H; H 1 0.0"}, "geometry", "atoms 1 (H) and 2 (H)"),
        ({"unit": "furlong"}, "unit", "'furlong'"),
        ({"basis": "no-such-basis"}, "basis", "'no-such-basis'"),
        ({"geometry": "U 0 0 0", "spin": 4}, "basis", "for U"),
        ({"basis": ""}, "basis", "''"),
        ({"basis": 3}, "basis", "3"),
        ({"basis": "/etc/hostname"}, "basis", "file"),
        ({"basis": "gth-szv"}, "basis", "'gth-szv'"),
        ({"basis": "not\na basis"}, "basis", "custom basis"),
        ({"cart": 1}, "cart", "1"),
        ({"geometry": "N 0 0 0", "spin": 3, "basis": SPHERICAL, "cart": True}, "cart", "declared spherical"),
        ({"geometry": "N 0 0 0", "spin": 3, "basis": CARTESIAN, "cart": False}, "cart", "declared Cartesian"),
        ({"linear_dependence": 0.0}, "linear_dependence", "0.0"),
        ({"linear_dependence": 1.0}, "linear_dependence", "1.0"),
        ({"geometry": "H 0 0 0; H 0 0 0.01", "spin": 2, "linear_dependence": 0.01}, "linear_dependence", "2 spin-up"),
        ({"spin": 1}, "spin", "1"),
        ({"spin": 4, "charge": -2}, "basis", "4 spin-up"),
        ({"spin": 4}, "spin", "4"),
        ({"spin": -2}, "spin", "-2"),
        ({"spin": 0.5}, "spin", "0.5"),
        ({"charge": 2}, "charge", "2"),
        ({"charge": 3}, "charge", "3"),
        ({"charge": "+1"}, "charge", "'+1'"),
        ({"active_space": (4, 2)}, "active_space", "(4, 2)"),
        ({"active_space": (2, 3)}, "active_space", "(2, 3)"),
        ({"active_space": (1, 2)}, "active_space", "even"),
        ({"active_space": (0, 2)}, "active_space", "(0, 2)"),
        ({"active_space": (2, 0)}, "active_space", "(2, 0)"),
        ({"active_space": (2,)}, "active_space", "(2,)"),
        ({"active_space": 2}, "active_space", "2"),
        ({"active_space": (2, 1.5)}, "active_space[1]", "1.5"),
        ({"geometry": "O 0 0 0; O 0 0 1.2", "spin": 2, "active_space": (0, 2)}, "active_space", "(0, 2)"),
        ({"geometry": "N 0 0 0", "spin": 3, "active_space": (1, 3)}, "active_space", "3 unpaired"),
        ({"active_space": (2, 2), "frozen": []}, "active_space", "`frozen`"),
        ({"active_space": (2, 2), "active_orbitals": [0, 1]}, "active_space", "`active_orbitals`"),
        ({"active_orbitals": [0, 0]}, "active_orbitals", "[0, 0]"),
        ({"active_orbitals": [0, 2]}, "active_orbitals", "[0, 2]"),
        ({"active_orbitals": [-1]}, "active_orbitals", "[-1]"),
        ({"active_orbitals": [1]}, "active_orbitals", "at least one active electron"),
        ({"active_orbitals": "01"}, "active_orbitals", "'01'"),
        ({"active_orbitals": [1], "frozen": []}, "active_orbitals", "leaves out 0"),
        ({"active_orbitals": [0, 1], "frozen": [0]}, "frozen", "shares 0"),
        ({"geometry": "Li 0 0 0", "spin": 1, "active_orbitals": [0]}, "active_orbitals", "leaves out 1"),
        ({"frozen": [1]}, "frozen", "1"),
        ({"frozen": [0]}, "frozen", "at least one active electron"),
    ],
)
def test_mistakes(arguments, argument, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        molecule.__wrapped__(**({"geometry": "H 0 0 0; H 0 0 1"} | arguments))  # as users have it, without hook
    one_sentence(info, argument, mention)


@pytest.mark.parametrize(
    ("arguments", "argument", "mention"),
    [
        ({"bond": -1.0}, "bond", "-1.0"),
        ({"bond": 0}, "bond", "0"),
        ({"bond": 1e-5}, "bond", "1e-05"),
        ({"bond": float("nan")}, "bond", "nan"),
        ({"bond": "long"}, "bond", "'long'"),
        ({"n_atoms": 0}, "n_atoms", "0"),
        ({"n_atoms": 2.0}, "n_atoms", "2.0"),
        ({"spin": 1}, "spin", "1"),
        ({"basis": "none"}, "basis", "'none'"),
    ],
)
def test_mistakes_in_a_chain(arguments, argument, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        hydrogen_chain.__wrapped__(**({"n_atoms": 4} | arguments))
    one_sentence(info, argument, mention)


def test_one_sentence_as_promised():
    with pytest.raises(QvarError, match=r"^`bond` must be positive, but is -1\.0\.$"):
        hydrogen_chain(4, bond=-1.0)
