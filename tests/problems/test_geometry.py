"""Geometry strings: every token is read as its writer meant it, or the string is refused."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyscf import gto
from pyscf.data.elements import ELEMENTS

from qvar.errors import QvarError
from qvar.problems.geometry import known_element, parse_geometry
from qvar.problems.molecule import molecule

ONE_SENTENCE = r"^`geometry` must [^\n]*\.$"


def atoms(text):
    return list(parse_geometry(text, "angstrom").atoms)


@pytest.mark.parametrize("label", ["H", "h", "H1", "H12", "H@1", "H_1", "H:1", "1"])
def test_labels_of_hydrogen(label):
    assert atoms(f"{label} 0 0 1") == [("H", (0.0, 0.0, 1.0))]


@pytest.mark.parametrize(
    "label",
    [
        *(
            "ghost-Xe",
            "GHOST:XE",
            "ghost_xe",
            "ghost.Xe",
            "GhostXe",
            "X-Xe",
            "x:xe",
            "X_Xe",
            "XXe",
            "ghost-Xe2",
        ),  # PySCF
        *("@Xe", "@XE", "@xe1", "Gh(Xe)", "GH(xe1)"),  # Psi4
        "Xe:",  # ORCA
        *("bqXe", "BqXe", "Bq-Xe"),  # NWChem
        "Xe-Bq",  # Gaussian
    ],
)
def test_ghosts_of_other_programs_are_ghosts(label):
    assert atoms(f"{label} 0 0 1") == [("ghost-Xe", (0.0, 0.0, 1.0))]


def test_the_ghost_of_another_program_has_functions_and_no_electrons_and_no_potential():
    """Counterpoise correction as Psi4 writes it; PySCF alone makes an atom of `@Na`."""
    problem = molecule("H 0 0 0; @Na 0 0 2", basis="lanl2dz", spin=1)
    assert problem.n_electrons == 1
    assert problem.name.startswith("Hghost-Na ")
    mol = gto.M(atom="H 0 0 0; ghost-Na 0 0 2", basis={"H": "lanl2dz", "ghost-Na": gto.load("lanl2dz", "Na")}, spin=1)
    assert (problem.n_orbitals, mol.nelectron) == (mol.nao, 1)
    lowest = np.linalg.eigvals(
        np.linalg.solve(mol.intor("int1e_ovlp"), mol.intor("int1e_kin") + mol.intor("int1e_nuc"))
    )
    assert problem.reference_energy == pytest.approx(lowest.real.min(), abs=1e-9)


@settings(max_examples=300, deadline=None)
@given(
    letters=st.text("HhCcAaNnOoXxEeQ", min_size=1, max_size=3),
    tail=st.text("01a_@:-+.()", max_size=3),
    head=st.sampled_from(["", "@", "X-", "ghost-", "bq"]),
)
def test_a_label_names_the_letters_that_stand_in_it(letters, tail, head):
    """PySCF joins all letters of a label, and so makes calcium of `C1a`."""
    try:
        ((symbol, _),) = atoms(f"{head}{letters}{tail} 0 0 0")
    except QvarError:
        plain = letters.capitalize() in ELEMENTS[1:]
        assert not (plain and not head and re.fullmatch(r"[0-9]*", tail))
        return
    whole = f"{head}{letters}{tail}".lower()
    element = symbol.removeprefix("ghost-").lower()
    assert element in re.findall("[a-z]+", whole) or re.fullmatch(rf"(x|ghost|bq){element}[0-9@:_]*", whole)
    if head and (head + letters).capitalize() not in ELEMENTS:
        assert symbol.startswith("ghost-")


def test_elements_are_known_by_symbol_or_charge_only():
    assert [known_element(symbol) for symbol in ("na", "NA", "11", 11)] == ["Na"] * 4
    for other in ("", "N1", "@N", "0", 0, 119, "X", "D", None, 1.0, True, "\uff11"):
        assert known_element(other) is None


XYZ = "3\nwater; in its usual form\nO 0 0 0.1\nH 0 0.7 -0.5\nH 0 -0.7 -0.5\n\n"


def test_an_xyz_file_is_read_with_its_two_first_lines():
    assert atoms(XYZ) == atoms("O 0 0 0.1; H 0 0.7 -0.5; H 0 -0.7 -0.5")
    assert parse_geometry(XYZ, "angstrom").text == "O 0 0 0.1; H 0 0.7 -0.5; H 0 -0.7 -0.5"
    assert atoms("2\n\nH 0 0 0\nH 0 0 1") == atoms("H 0 0 0; H 0 0 1")
    for wrong in (
        XYZ.replace("3", "2"),
        XYZ.replace("3", "4"),
        XYZ + XYZ,
        "1\nH 0 0 0\nH 0 0 1",
        "2\nH 0 0 0\nH 0 0 1",
    ):
        with pytest.raises(QvarError, match=ONE_SENTENCE):
            atoms(wrong)


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("H He 0", "'H He 0'"),
        ("H 0 0 0 He 0 0 1", "'H 0 0 0 He 0 0 1'"),
        ("0 1\nH 0 0 0", "'0'"),
        ("units bohr\nH 0 0 0", "'units'"),
        ("water.xyz", "'water.xyz'"),
        ("C1a 0 0 0", "'C1a'"),
        ("Na+ 0 0 0", "'Na+'"),
        ("D 0 0 0", "'D' (an isotope is written as its element"),
        ("C-13 0 0 0", "'C-13' (an isotope is written as its element"),
        ("H(Iso=2) 0 0 0", "'H(Iso=2)'"),
        ("H 0,5 0 0", "blanks or by commas"),
        ("H 0 0,74", "blanks or by commas"),
        ("H 0 0 1_0", "numbers after the symbol"),
        ("H 0 0 infinity", "numbers after the symbol"),
        ("H 0 0 \u22121", "numbers after the symbol"),
        ("H 0 0 1e400", "numbers below 1e+06"),
        ("H 0 0 0; H 0 0 1e200", "numbers below 1e+06"),
        ("# H 0 0 0; H 0 0 1", "';' in the comment"),
        ("H; H 1 -0.7", "not negative"),
        ("H; H 1 0.0; H 1 0.7 2 90", "atoms 1 (H) and 2 (H)"),
        ("H; H 1 0.7; H 1 0.7 2 0; H 2 0.8 3 90 1 0", "nan"),
        ("O; H 1 R; H 1 R 2 A\nR=1", "'R=1'"),
        ("H; H \u00b2 0.7", "numbers"),
        ("C; C 1 1.2; H 1 1.1 2 180; H 2 1.1 1 120 3 0; H 2 1.1 1 120 3 90", "not on one line"),
    ],
)
def test_mistakes(text, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        atoms(text)
    one_sentence(info, "geometry", mention)


@pytest.mark.parametrize(
    ("name", "spellings"),
    [("angstrom", ["Angstrom", "ANG", "angs", " A "]), ("bohr", ["Bohr", "BOHR", "au", "AU", "a.u.", "B"])],
)
def test_units_in_any_case(name, spellings):
    for unit in spellings:
        assert parse_geometry("H 0 0 0", unit).unit == name
    assert molecule("H 0 0 0", spin=1, unit=spellings[0]).description["unit"] == name


@pytest.mark.parametrize("unit", ["nm", "", "bohrium", None, np.array(["bohr", "angstrom"]), 1, 0.529])
def test_other_units(unit):
    with pytest.raises(QvarError, match=r"^`unit` must be 'angstrom' or 'bohr', but is .*\.$"):
        parse_geometry("H", unit)


@pytest.mark.parametrize("text", [None, np.zeros(3), b"H 0 0 0", {"H": (0, 0, 0)}, 5])
def test_what_is_no_geometry(text):
    with pytest.raises(QvarError, match=r"^`geometry` must be a text of atoms .*, or a Mole of PySCF, but is .*\.$"):
        parse_geometry(text, "bohr")


LISTS = [
    [("O", (0, 0, 0.1)), ("H", (0, 0.7, -0.5)), ("H", (0, -0.7, -0.5))],
    (["o", [0.0, 0.0, 0.1]], ["H1", np.array([0, 0.7, -0.5])], ["H@2", (0, -0.7, np.float64(-0.5))]),
    [(8, (0, 0, 0.1)), (np.int64(1), (0, 0.7, -0.5)), ("1", (0, -0.7, -0.5))],
    [("O", 0, 0, 0.1), ("H", 0, 0.7, -0.5), ["H", 0, -0.7, -0.5]],
    ["O 0 0 0.1", "H 0 0.7 -0.5", "H, 0, -0.7, -0.5  # the last"],
]


@pytest.mark.parametrize("atom_list", LISTS)
def test_lists_of_atoms(atom_list):
    assert atoms(atom_list) == [("O", (0, 0, 0.1)), ("H", (0, 0.7, -0.5)), ("H", (0, -0.7, -0.5))]


def test_a_list_of_lines_may_be_a_zmatrix():
    assert atoms(["O", "H 1 0.96", "H 1 0.96 2 104.5"]) == atoms("O; H 1 0.96; H 1 0.96 2 104.5")


@pytest.mark.parametrize(
    ("atom_list", "mention"),
    [
        ([], "at least one atom"),
        ([("H", (0, 0))], "('H', (0, 0))"),
        ([("H", (0, 0, "0"))], "three coordinates"),
        ([("H", (0, 0, 1j))], "three coordinates"),
        ([("H", (0, 0, None))], "three coordinates"),
        ([("H", (0, 0, float("nan")))], "nan"),
        ([("H", (0, 0, np.inf))], "inf"),
        ([("H", 0, 0, 10**400)], "inf"),
        ([(None, (0, 0, 0))], "None"),
        ([(1.0, (0, 0, 0))], "1.0"),
        ([(True, (0, 0, 0))], "True"),
        ([(119, (0, 0, 0))], "'119'"),
        ([("Xx", (0, 0, 0))], "'Xx'"),
        ([("H", (0, 0, 0)), ("H", (0, 0, 0))], "atoms 1 (H) and 2 (H)"),
        (["H 0 0 0; H 0 0 1"], "three coordinates"),
        (["H 0 0 0", "H 0 0"], "'H 0 0'"),
        ([5], "5"),
        ([("H", (0, 0, 0)), None], "None"),
        (("H", (0, 0, 0)), "(0, 0, 0)"),
    ],
)
def test_mistakes_in_lists(atom_list, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        atoms(atom_list)
    one_sentence(info, "geometry", mention)


def test_dihedral_angles_that_do_not_matter_may_be_counted_from_a_line():
    acetylene = atoms("C; C 1 1.2; H 1 1.06 2 180; H 2 1.06 1 180 3 0")
    assert math.dist(acetylene[2][1], acetylene[3][1]) == pytest.approx(1.2 + 2 * 1.06)
    bent = atoms("C; C 1 1.2; H 1 1.06 2 180; H 2 1.06 1 120 3 0")
    assert math.dist(bent[0][1], bent[3][1]) == pytest.approx(math.sqrt(1.2**2 + 1.06**2 + 1.2 * 1.06))


def test_numbers_of_fortran_and_with_leading_zeros():
    assert atoms("H 0 0 1.5D+00") == [("H", (0.0, 0.0, 1.5))]
    assert atoms("H; H 01 0.7; H 1 0.8 2 090") == atoms("H; H 1 0.7; H 1 0.8 2 90")


PLACES = st.lists(
    st.tuples(st.sampled_from(["H", "he", "Li1", "@C", "8"]), *[st.integers(-30, 30)] * 3),
    min_size=1,
    max_size=4,
    unique_by=lambda atom: atom[1:],
)
MEANT = {"H": "H", "he": "He", "Li1": "Li", "@C": "ghost-C", "8": "O"}


@settings(max_examples=150, deadline=None)
@given(places=PLACES, data=st.data())
def test_generated_geometries_come_back_and_damaged_ones_lose_nothing(places, data):
    """Written in any style, atoms come back; after damage each token still counts, or there is one sentence."""
    lines = []
    for label, *where in places:
        blank = data.draw(st.sampled_from([" ", ",", "\t", ", "]))
        numbers = [data.draw(st.sampled_from(["{:.2f}", "{:.3E}", "{:+.3f}"])).format(n / 4) for n in where]
        lines.append(blank.join([label, *numbers]))
    end = data.draw(st.sampled_from([";", "\n", "\r\n", "; ", " # a note\n", "\n\n# a line\n"]))
    text = end.join(lines)
    expected = [(MEANT[label], tuple(n / 4 for n in where)) for label, *where in places]
    assert atoms(text) == expected
    position = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:position] + data.draw(st.text("\n;,. -@:xXeEdD0#(", max_size=2)) + text[position + 1 :]
    try:
        geometry = parse_geometry(damaged, "angstrom")
    except QvarError:
        return
    code = re.sub("#.*", "", damaged)
    assert len(re.split(r"[\s,;]+", code.strip(" \t\r\n,;"))) == len(geometry.text.replace(";", "").split())
    shape = [4] * len(geometry.atoms) if len(geometry.text.split(";")[0].split()) == 4 else [1, 3, 5, 7]
    assert [len(line.split()) for line in geometry.text.split(";")] == shape[: len(geometry.atoms)]
