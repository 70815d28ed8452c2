"""Texts of basis sets: what their writer meant, or one sentence; and whatever is written comes back."""

from __future__ import annotations

import re
from typing import Any

import basis_set_exchange
import numpy as np
import pytest
from pyscf import gto, scf
from pyscf.gto.basis import bse, parse_nwchem_ecp

from qvar.errors import QvarError
from qvar.problems.basis_input import element_basis, parse_basis
from qvar.problems.basis_text import read_basis_text
from qvar.problems.molecule import molecule
from qvar.problems.scf import one_thread_without_files

ONE_SENTENCE = r"^`basis` must [^\n]*\.$"


def published(name: str, elements: Any, kind: str) -> str:
    return str(basis_set_exchange.get_basis(name, elements=elements, fmt=kind))


def hartree_fock(atom: str, shells: Any, spin: int = 0, **more: Any) -> float:
    with one_thread_without_files():
        return scf.ROHF(gto.M(atom=atom, basis=shells, spin=spin, verbose=0, **more)).run(conv_tol=1e-12).e_tot


def read(text: str) -> dict[str, list[Any]]:
    return read_basis_text(text, "mine").shells


SP = "H SP\n 3.0 0.2 0.5\n 0.8 0.6 0.7\nH S\n 0.2 1.0\n"
SP_SHELLS = [[0, [3.0, 0.2], [0.8, 0.6]], [1, [3.0, 0.5], [0.8, 0.7]], [0, [0.2, 1.0]]]
H2 = "H 0 0 0; H 0 0 0.7414"


@pytest.mark.parametrize("letters", ["SP", "sp", "L", "l"])
def test_the_l_shell_of_nwchem_is_an_sp_shell(letters):
    """PySCF reads `L` as functions of angular momentum 8."""
    text = SP.replace("SP", letters)
    assert read(text)["H"] == SP_SHELLS
    assert molecule(H2, basis=text, active_space=(2, 2)).reference_energy == pytest.approx(
        hartree_fock(H2, SP_SHELLS), abs=1e-9
    )


@pytest.mark.parametrize("kind", ["nwchem", "psi4"])
def test_cartesian_functions_are_cartesian(kind):
    """6-31G* was made with six d functions, and PySCF takes five of them."""
    text = published("6-31G*", "F", kind)
    shells = bse._orbital_basis(basis_set_exchange.get_basis("6-31G*", elements="F"))[0]
    cartesian, spherical = (hartree_fock("F", shells, spin=1, cart=cart) for cart in (True, False))
    assert abs(cartesian - spherical) > 1e-4
    for given_text, energy, functions in (
        (text, cartesian, 15),
        (re.sub("(?i)cartesian", "spherical", text), spherical, 14),
    ):
        problem = molecule("F 0 0 0", basis=given_text, spin=1, active_space=(1, 1))
        assert problem.reference_energy == pytest.approx(energy, abs=1e-8)
        assert molecule("F 0 0 0", basis=given_text, spin=1, frozen=[0]).n_orbitals == functions - 1


D = "H S\n 1.0 1.0\nH D\n 0.9 1.0\n"


def test_a_text_says_whether_its_d_functions_are_spherical():
    assert not read_basis_text(D, "mine").cartesian
    assert read_basis_text(f"BASIS CARTESIAN\n{D}END\n", "mine").cartesian
    assert not read_basis_text(f'basis "a b" spherical print\n{D}end\n', "mine").cartesian
    assert not read_basis_text(f"BASIS\n{SP}END\n", "mine").cartesian
    for header in ("BASIS", 'BASIS "ao basis" PRINT', "BASIS SPHERCAL"):
        with pytest.raises(
            QvarError, match=r"^`basis` must say SPHERICAL or CARTESIAN after BASIS .* line 1 of 'mine'"
        ):
            read(f"{header}\n{D}END\n")


GBS = "H     0\nS   2   1.00\n   3.0   0.2\n   0.8   0.6\nP   1   1.00\n   0.7   1.0\n****\n"
GBS_SHELLS = {"H": [[0, [3.0, 0.2], [0.8, 0.6]], [1, [0.7, 1.0]]]}


@pytest.mark.parametrize(
    "text",
    [
        GBS,
        f"****\n{GBS}",
        f"spherical\n\n****\n{GBS}",
        f"\ufeff! a comment\nspherical\n{GBS}",
        GBS.replace("\n", "\r\n"),
        GBS.replace("\n", "\r"),
        GBS.replace("   ", "\t"),
        GBS.removesuffix("****\n"),
        GBS.replace("3.0", "0.3D+01").replace("0.8", "8.0d-1"),
        GBS.replace("S   2   1.00", "s 2 1.0   0.000000 ! tight"),
        GBS.replace("S   2   1.00", "S 2"),
        GBS.replace("H     0", "-h 0"),
        GBS.replace("H     0", "H"),
        GBS.replace("P   1   1.00", "L=1 1 1.00"),
        GBS.replace("   0.7   1.0", "\n# why not\n 0.7 1 ! one\n\n"),
        GBS.replace(
            "S   2   1.00\n   3.0   0.2\n   0.8", "S 2 0.5\n 12.0 .2\n 3.2"
        ),  # a scale factor multiplies by 0.25
    ],
)
def test_the_ways_of_gaussian_and_psi4(text, tmp_path):
    shells = read(text)
    assert list(shells) == ["H"]
    assert [shell[0] for shell in shells["H"]] == [0, 1]
    for own, expected in zip(shells["H"], GBS_SHELLS["H"], strict=True):
        np.testing.assert_allclose(own[1:], expected[1:], rtol=1e-14)
    path = tmp_path / "mine.gbs"
    path.write_bytes(text.encode())
    assert element_basis(parse_basis(path), "H").shells == shells["H"]


def test_a_section_of_gaussian_holds_for_all_elements_that_it_names():
    shells = read(GBS.replace("H     0", "H -He 0"))
    assert shells == {"H": GBS_SHELLS["H"], "He": GBS_SHELLS["H"]}
    atom = "He 0 0 0; H 0 0 1.4"
    given_text = GBS.replace("H     0", "H He 0")
    found = molecule(atom, basis=given_text, charge=1).reference_energy
    assert found == pytest.approx(hartree_fock(atom, shells, charge=1), abs=1e-9)


@pytest.mark.parametrize("kind", ["nwchem", "gaussian94", "psi4"])
def test_core_potentials_of_all_formats(kind):
    text = published("lanl2dz", ["Na", "H", "Zn"], kind)
    given_text = parse_basis(text)
    for element in ("Na", "Zn"):
        whole = published("lanl2dz", element, "nwchem")
        assert element_basis(given_text, element).potential == parse_nwchem_ecp.parse(whole[whole.index("\nECP") :])
    assert element_basis(given_text, "H").potential is None
    atom = "Na 0 0 0; H 0 0 1.9"
    expected = hartree_fock(atom, "lanl2dz", ecp={"Na": "lanl2dz"})
    assert molecule(atom, basis=text).reference_energy == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("name", ["aug-cc-pvdz-pp", "AUG-CC-PVDZ-PP", "augccpvdzpp", "cc-pwCVTZ-PP"])
def test_core_potentials_that_pyscf_does_not_find_by_the_name_of_their_set(name):
    """PySCF has the shells of these sets in two files, and looks for the potential in none of them."""
    full = "aug-cc-pvdz-pp" if name == "augccpvdzpp" else name
    found = element_basis(parse_basis(name), "Zn")
    text = published(full, "Zn", "nwchem")
    assert found.potential[0] == 10
    assert found.potential == parse_nwchem_ecp.parse(text[text.index("\nECP") :])


def test_an_ion_in_a_set_whose_potential_pyscf_does_not_find():
    name = "aug-cc-pVDZ-PP"
    data: Any = basis_set_exchange.get_basis(name, elements="Zn")
    shells, potentials = bse._orbital_basis(data)[0], bse._ecp_basis(data)
    expected = hartree_fock("Zn", shells, charge=19, spin=1, ecp=potentials)
    for basis in (name, published(name, "Zn", "nwchem"), published(name, "Zn", "psi4")):
        ion = molecule("Zn 0 0 0", basis=basis, charge=19, spin=1, active_orbitals=[0])
        assert ion.reference_energy == pytest.approx(expected, abs=1e-6)  # PySCF ships shells with fewer digits


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("H S\n1 1\nH S\n1 1\n", "have every function of H once, but line 3 of 'mine' is 'H S'."),
        ("H S\n1 1 2\n", "have every function of H once, but line 1 of 'mine' is 'H S'."),
        ("H S\n1 1\n1 1\n", "have every exponent of a shell once, but line 1 of 'mine' is 'H S'."),
        ("H S\nH P\n1 1\n", "have no shell without exponents, but line 1 of 'mine' is 'H S'."),
        (
            "H S\n1 1 0\n2 1\n",
            "have an exponent and 2 coefficients in each line of this shell, but line 3 of 'mine' is '2 1'.",
        ),
        (
            "H L\n1 1\n",
            "have an exponent and 2 coefficients in each line of this shell, but line 2 of 'mine' is '1 1'.",
        ),
        ("H S\n1 0\n", "have in each function a coefficient from 1e-20 to 1e+20, but line 1 of 'mine' is 'H S'."),
        ("H S\n1 1e300\n", "have in each function a coefficient from 1e-20 to 1e+20, but line 1 of 'mine' is 'H S'."),
        ("H S\n0 1\n", "have positive exponents, from 1e-08 to 1e+12 and not 0, but line 1 of 'mine' is 'H S'."),
        ("H S\n1 1e999\n", "have finite numbers, but line 2 of 'mine' is '1 1e999'."),
        ("H S\n1_0 1\n", "be in NWChem's format, but line 2 of 'mine' is '1_0 1'."),
        ("H S 1 1.00\n1 1\n", "be in NWChem's format, but line 1 of 'mine' is 'H S 1 1.00'."),
        ("H@1 S\n1 1\n", "be in NWChem's format, but line 1 of 'mine' is 'H@1 S'."),
        ("hydrogen S\n1 1\n", "be in NWChem's format, but line 1 of 'mine' is 'hydrogen S'."),
        ("* library 6-31g\n\n", "be in NWChem's format, but line 1 of 'mine' is '* library 6-31g'."),
        ("$DATA\nHYDROGEN\n$END\n", "be in NWChem's format, but line 1 of 'mine' is '$DATA'."),
        (
            "BASIS SPHERICAL\nH S\n1 1\nEND\nH P\n1 1\n",
            "have its shells between BASIS and END, but line 5 of 'mine' is 'H P'.",
        ),
        (
            "BASIS SPHERICAL REL\nH S\n1 1\n",
            "have no other words here than a name, SPHERICAL, CARTESIAN, PRINT and SEGMENT, "
            "but line 1 of 'mine' is 'BASIS SPHERICAL REL'.",
        ),
        (
            "BASIS SPHERICAL\nH S\n1 1\nEND\nBASIS CARTESIAN\nHe S\n1 1\nEND\n",
            "be spherical or Cartesian as a whole, but 'mine' does not.",
        ),
        (
            "BASIS SPHERICAL\nH S\n1 1\nEND\nBASIS SPHERICAL\nH P\n1 1\nEND\n",
            "have the shells of H in one block, but line 6 of 'mine' is 'H P'.",
        ),
        ("H S\n1 1\nEND\nECP\nH nelec 0\nEND\n", "have the terms of the potential of H, but 'mine' does not."),
        (
            "H S\n1 1\nEND\nECP\nH ul\n2 1 1\nEND\n",
            "say first how many electrons the core of H has (nelec), but line 5 of 'mine' is 'H ul'.",
        ),
        (
            "H S\n1 1\nEND\nSO\nH ul\n2 1 1\nEND\n",
            "have its shells between BASIS and END, but line 4 of 'mine' is 'SO'.",
        ),
        (
            "H S\n1 1\nEND\nECP\nH nelec 0\nH ul\n2 1 1\nH ul\n2 2 1\n",
            "have each term of the potential of H once, with its numbers, but line 8 of 'mine' is 'H ul'.",
        ),
        ("#\n!\n", "hold shells of a basis set, but 'mine' does not."),
        ("BASIS SPHERICAL\nEND\n", "hold shells of a basis set, but 'mine' does not."),
        ("H 0\nS 2 1.0\n1 1\n****\n", "be in Gaussian's format, but line 4 of 'mine' is '****'."),
        ("H 0\nS 2 1.0\n1 1\n", "have 2 lines of numbers for this shell, but line 2 of 'mine' is 'S 2 1.0'."),
        ("H 0\nS 1 1.0\n1 1\n2 1\n", "be in Gaussian's format, but line 4 of 'mine' is '2 1'."),
        ("H 0\nS 0 1.0\n****\n", "have no shell without exponents, but line 2 of 'mine' is 'S 0 1.0'."),
        ("H 0\nP 0\nD 1 1.0\n1 1\n", "have no shell without exponents, but line 2 of 'mine' is 'P 0'."),
        ("H 0\n****\n", "have shells for each element that it names, but line 1 of 'mine' is 'H 0'."),
        (
            "H 0\nSP 1 1.0\n1 1\n",
            "have an exponent and 2 coefficients in each line of this shell, but line 3 of 'mine' is '1 1'.",
        ),
        (
            "H 0\nS 1 1.0 1.3\n1 1\n",
            "have one positive scale factor in each shell, but line 2 of 'mine' is 'S 1 1.0 1.3'.",
        ),
        ("H 0\nS 1 0.0\n1 1\n", "have one positive scale factor in each shell, but line 2 of 'mine' is 'S 1 0.0'."),
        ("H 0\nK 1 1.0\n1 1\n", "have shells S, P, D, F, G, H, I, L=7, SP or SPD, but line 2 of 'mine' is 'K 1 1.0'."),
        ("H 0\n6-31G\n****\n", "be in Gaussian's format, but line 2 of 'mine' is '6-31G'."),
        (
            "H 0\nS 1 1.0\n1 1\n****\nH 0\nP 1 1.0\n1 1\n",
            "have the shells of an element in one place, but line 5 of 'mine' is 'H 0'.",
        ),
        ("H H 0\nS 1 1.0\n1 1\n", "have the shells of an element in one place, but line 1 of 'mine' is 'H H 0'."),
        (
            "H 0\nS 1 1.0\n1 1\n****\ncartesian\n",
            "say once, before its shells, whether functions are spherical, but line 5 of 'mine' is 'cartesian'.",
        ),
        (
            "NA 0\nNA-ECP 1 10\nd potential\n1\n2 1 1\n",
            "have 2 terms in this potential, each with a title and its number of lines, "
            "but line 2 of 'mine' is 'NA-ECP 1 10'.",
        ),
        (
            "NA 0\nNA-ECP 1 10\np potential\n1\n2 1 1\nd-p potential\n1\n2 1 1\n",
            "have the term of s here, but line 6 of 'mine' is 'd-p potential'.",
        ),
        (
            "NA 0\nNA-ECP 0 10\ns potential\n2\n2 1 1\n",
            "have 2 lines of numbers for this term, but line 3 of 'mine' is 's potential'.",
        ),
    ],
)
def test_mistakes(text, sentence):
    with pytest.raises(QvarError) as caught:
        read(text)
    assert str(caught.value) == f"`basis` must {sentence}"


@pytest.mark.parametrize(
    "basis",
    [
        *({"H": "sto-3g"}, ["sto-3g"], b"sto-3g", None, "unc-6-31g", "no-such-set", ".", "/", "a\0b", "~none/a.nw"),
        *("a\0b.nw", "none.gbs", "\n", "\n\n", "def2-ecp", "sto-3g.nw"),
    ],
)
def test_what_is_no_basis_set(basis, one_sentence):
    with pytest.raises(QvarError) as info:
        element_basis(parse_basis(basis), "H")
    one_sentence(info, "basis")


def test_folders_and_files_that_are_no_text(tmp_path, one_sentence):
    (tmp_path / "folder.nw").mkdir()
    (tmp_path / "bytes.gbs").write_bytes(b"\xff\xfeH\x00")
    (tmp_path / "zeros.nw").write_bytes(b"\0" * 100)
    for name in ("folder.nw", "bytes.gbs", "zeros.nw"):
        with pytest.raises(QvarError) as info:
            element_basis(parse_basis(tmp_path / name), "H")
        one_sentence(info, "basis")
