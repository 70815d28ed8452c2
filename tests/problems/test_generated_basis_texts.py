"""Generated texts of basis sets: what is written comes back, and a mistake is one sentence or no change."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvar.errors import QvarError
from qvar.problems.basis_text import read_basis_text

ONE_SENTENCE = r"^`basis` must [^\n]*\.$"


def read(text: str) -> dict[str, list[Any]]:
    return read_basis_text(text, "mine").shells


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
