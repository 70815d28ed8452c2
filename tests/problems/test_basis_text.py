"""Texts of basis sets: what their writer meant, or one sentence; and whatever is written comes back."""

from __future__ import annotations

import re
from typing import Any

import basis_set_exchange
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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


# --- generated texts


@st.composite
def basis_sets(draw: st.DrawFn, columns: int) -> dict[str, list[tuple[str, list[list[float]]]]]:
    """Element -> shells: their letters, and rows of an exponent and coefficients; all exponents differ."""
    elements = draw(st.lists(st.sampled_from(["H", "He", "S", "P", "Cl", "Na"]), min_size=1, max_size=3, unique=True))
    steps = iter(draw(st.lists(st.integers(1, 40), min_size=40, max_size=40)))
    exponent, numbers = 0.05, st.sampled_from([0.25, -0.5, 1.0, 0.154328967, -1.5e-3, 12.0])
    sets: dict[str, list[tuple[str, list[list[float]]]]] = {}
    for element in elements:
        for letters in draw(st.lists(st.sampled_from(["S", "P", "D", "F", "SP", "I"]), min_size=1, max_size=3)):
            n_rows = draw(st.integers(1, 3))
            width = 2 if letters == "SP" else draw(st.integers(1, min(columns, n_rows)))
            rows = []
            for row in range(n_rows):
                exponent *= 1 + next(steps) / 10
                # zeros below the diagonal keep functions apart, as in published general contractions
                rows.append([exponent, *(0.0 if k > row and letters != "SP" else draw(numbers) for k in range(width))])
            sets.setdefault(element, []).append((letters, rows))
    return sets


def expected_shells(sets: Any) -> dict[str, list[Any]]:
    shells: dict[str, list[Any]] = {element: [] for element in sets}
    for element, parts in sets.items():
        for letters, rows in parts:
            if letters == "SP":
                shells[element] += [[l, *([row[0], row[l + 1]] for row in rows)] for l in (0, 1)]
            else:
                shells[element].append(["SPDFGHI".index(letters), *rows])
    return shells


def number(draw: Any, value: float) -> str:
    """The same number in one of the ways to write it, with all digits."""
    mantissa, _, power = f"{value:.17e}".partition("e")
    return draw(st.sampled_from([repr(value), f"{value:.17E}", f"{mantissa}D{power}", f"{value:+.17e}"]))


def written(draw: Any, sets: Any, kind: str) -> list[list[str]]:
    """Lines of a text, each a list of words."""
    lines: list[list[str]] = []
    for element, parts in sets.items():
        symbol = draw(st.sampled_from([element, element.upper(), element.lower()]))
        if kind != "nwchem":
            lines.append([draw(st.sampled_from([symbol, f"-{symbol}"])), "0"])
        for letters, rows in parts:
            shell = draw(st.sampled_from([letters, letters.lower()]))
            if kind == "nwchem":
                lines.append([symbol, "L" if letters == "SP" and draw(st.booleans()) else shell])
            else:
                lines.append([shell, str(len(rows)), draw(st.sampled_from(["1.00", "1.0", "1.0D0"]))])
            lines += [[number(draw, value) for value in row] for row in rows]
        if kind != "nwchem":
            lines.append(["****"])
    return lines


def decorated(draw: Any, lines: list[list[str]], kind: str, cartesian: bool) -> str:
    """The text with blank lines, comments, tabs and line ends of all kinds."""
    if kind == "nwchem":
        header = [
            "BASIS",
            *draw(st.sampled_from([['"ao basis"'], []])),
            "CARTESIAN" if cartesian else "SPHERICAL",
            "PRINT",
        ]
        lines = [header, *lines, *([["END"]] if draw(st.booleans()) else [])]
    elif kind == "psi4":
        lines = [["cartesian" if cartesian else "spherical"], *draw(st.sampled_from([[["****"]], []])), *lines]
    if kind != "nwchem" and lines[-1] == ["****"] and draw(st.booleans()):
        lines = lines[:-1]
    blank, indent = draw(st.sampled_from([" ", "\t", "     "])), draw(st.sampled_from(["", "  ", "\t"]))
    ends = st.sampled_from(["", "", "", "  ", " ! note 1.0", " # H S", "\n", "\n\n# BASIS 2.0 1.0", "\n ! ****"])
    text = "\n".join(indent + blank.join(words) + draw(ends) for words in lines) + "\n"
    return draw(st.sampled_from(["", "\ufeff", "# a set\n\n", "! a set\n"])) + text.replace(
        "\n", draw(st.sampled_from(["\n", "\r\n"]))
    )


KINDS = st.sampled_from(["nwchem", "gaussian94", "psi4"])


@settings(max_examples=120, deadline=None)
@given(kind=KINDS, cartesian=st.booleans(), data=st.data())
def test_generated_texts_come_back(kind, cartesian, data):
    sets = data.draw(basis_sets(3 if kind == "nwchem" else 1))
    text = decorated(data.draw, written(data.draw, sets, kind), kind, cartesian)
    found = read_basis_text(text, "mine")
    assert found.shells == expected_shells(sets)
    assert found.potentials == {}
    assert found.cartesian == (cartesian and kind != "gaussian94")


def damage(draw: Any, lines: list[list[str]], kind: str) -> list[list[str]]:
    """One mistake that changes what is said, or makes it mean nothing."""
    lines = [list(words) for words in lines]
    numbers = [
        k for k, words in enumerate(lines) if len(words) > 1 and words[0][0] in "+-.0123456789" and words[-1] != "0"
    ]
    heads = [k for k, words in enumerate(lines) if words[0][0].isalpha() and (kind == "nwchem" or len(words) == 3)]
    row, head = draw(st.sampled_from(numbers)), draw(st.sampled_from(heads))
    ways = ["column", "twice", "sign", "zero", "word", "letter", "line", "nan", "unknown", "empty"]
    way = draw(st.sampled_from(ways if kind == "nwchem" else [*ways, "lost"]))
    end = next((k for k in range(head + 1, len(lines)) if k not in numbers), len(lines))
    match way:
        case "column":
            lines[row].pop()
        case "twice":
            lines[end:end] = lines[head:end]
        case "sign":
            lines[row][0] = "-" + lines[row][0].lstrip("+")
        case "zero":
            lines[row][0] = "0.0"
        case "word":
            lines[draw(st.integers(0, len(lines) - 1))].append("extra")
        case "letter":
            lines[head][1 if kind == "nwchem" else 0] = draw(st.sampled_from(["X", "Q", "SD", "PS", "8", "?"]))
        case "line":
            lines.insert(
                draw(st.integers(0, len(lines))), draw(st.sampled_from([["nonsense"], ["1.0"], ["H", "S", "P"]]))
            )
        case "nan":
            lines[row][-1] = draw(st.sampled_from(["nan", "inf", "1e999", "1,0", "1_0", "--1", "0x1"]))
        case "unknown":
            symbols = [k for k, words in enumerate(lines) if (len(words) == 2 and words[0].lstrip("-")[0].isalpha())]
            lines[draw(st.sampled_from(symbols))][0] = draw(st.sampled_from(["Xx", "H1", "@H", "ghost-H", "0"]))
        case "empty":
            del lines[head + 1 : end]
        case _:
            del lines[row]
    return lines


@settings(max_examples=150, deadline=None)
@given(kind=KINDS, data=st.data())
def test_a_mistake_is_never_another_set(kind, data):
    sets = data.draw(basis_sets(3 if kind == "nwchem" else 1))
    lines = damage(data.draw, written(data.draw, sets, kind), kind)
    with pytest.raises(QvarError, match=ONE_SENTENCE):
        read(decorated(data.draw, lines, kind, cartesian=False))


@settings(max_examples=150, deadline=None)
@given(kind=KINDS, data=st.data())
def test_any_damage_ends_in_a_set_or_in_a_sentence(kind, data):
    sets = data.draw(basis_sets(2 if kind == "nwchem" else 1))
    text = decorated(data.draw, written(data.draw, sets, kind), kind, cartesian=False)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        more = data.draw(st.text("\n 0123456789.DE+-HSPL*=#!\t\0\u00b2", max_size=3))
        text = text[:start] + more + text[start + data.draw(st.integers(0, 8)) :]
    try:
        found = read_basis_text(text, "mine")
    except QvarError as error:
        message = str(error)
    else:
        message = ""
        shells = [shell for parts in found.shells.values() for shell in parts]
        assert shells or found.potentials
        assert all(np.all(np.isfinite(shell[1:])) and np.all(np.array(shell[1:])[:, 0] > 0) for shell in shells)
    assert re.match(ONE_SENTENCE, message) or not message
