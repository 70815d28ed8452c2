"""The format of NWChem, read strictly."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qvar.problems.basis_builder import COMBINED, LETTERS, Builder, Line, Source, numbers
from qvar.problems.geometry import known_element

_WORDS_OF_BASIS = {"spherical", "cartesian", "print", "noprint", "segment", "nosegment"}

_OTHERS = {"l": COMBINED["sp"], "k": (7,)}
"""Momenta of the types of shells that other programs do not have."""


def read_nwchem(lines: Sequence[Line], builder: Builder) -> None:
    """Add what the lines say to a set; without a line `BASIS` they are shells until `END`, and spherical.

    Raises `QvarError` if a line is not understood.
    """
    source, position, block = builder.source, 0, "fragment"
    owners: dict[str, int] = {}  # element -> the block of its shells
    n_blocks, head, unsaid = 0, lines[0], False
    while position < len(lines):
        line = lines[position]
        first = line.words[0].lower()
        if first in ("basis", "ecp"):
            block, n_blocks, head = first, n_blocks + 1, line
            types = _types(line, source)
            unsaid = first == "basis" and not types
            builder.cartesian |= {kind == "cartesian" for kind in types if first == "basis"}
            position += 1
        elif first == "end" and len(line.words) == 1:
            block = ""
            position += 1
        elif not block:
            raise source.mistake("have its shells between BASIS and END", line)
        elif block == "ecp":
            position = _read_potential(lines, position, builder)
        else:
            element = known_element(line.words[0]) if line.words[0].isalpha() else None
            if element is None or len(line.words) != 2 or not line.words[1].isalpha():
                raise source.unknown(line)
            momenta = source.momenta(
                line.words[1].lower(), _OTHERS, "S, P, D, F, G, H, I, K, SP or L, which is SP", line
            )
            if unsaid and max(momenta) > 1:
                must = "say SPHERICAL or CARTESIAN after BASIS if it has d functions, as NWChem and others differ"
                raise source.mistake(must, head)
            if owners.setdefault(element, n_blocks) != n_blocks:
                raise source.mistake(f"have the shells of {element} in one block", line)
            end = _end_of_numbers(lines, position + 1)
            rows: list[list[float]] = []
            for row in lines[position + 1 : end]:
                count = len(momenta) + 1 if len(momenta) > 1 else len(rows[0]) if rows else None
                rows.append(numbers(row, count, source))
            builder.add_shell([element], momenta, rows, line)
            position = end


def _types(line: Line, source: Source) -> set[str]:
    """Return the words "spherical" and "cartesian" of a line that begins a block."""
    words = re.sub(r"\"[^\"]*\"", "", line.text.lower()).split()[1:]
    named = len(words) > 0 and words[0] not in _WORDS_OF_BASIS and '"' not in line.text
    types = {"spherical", "cartesian"} & set(words)
    if set(words[named:]) - _WORDS_OF_BASIS or len(types) > 1:
        raise source.mistake("have no other words here than a name, SPHERICAL, CARTESIAN, PRINT and SEGMENT", line)
    return types


def _end_of_numbers(lines: Sequence[Line], start: int) -> int:
    while start < len(lines) and not lines[start].words[0][0].isalpha():
        start += 1
    return start


def _read_potential(lines: Sequence[Line], start: int, builder: Builder) -> int:
    """Read one line `El nelec N`, or one term of an element with its numbers; return the line after it."""
    source, line = builder.source, lines[start]
    words = [word.lower() for word in line.words]
    element = known_element(words[0]) if words[0].isalpha() else None
    if element is not None and len(words) == 3 and words[1] == "nelec" and words[2].isdecimal():
        builder.add_potential(element, int(words[2]), line)
        return start + 1
    if element is None or len(words) != 2 or (words[1] != "ul" and (len(words[1]) != 1 or words[1] not in LETTERS)):
        raise source.mistake("have core potentials in NWChem's format", line)
    if element not in builder.potentials:
        raise source.mistake(f"say first how many electrons the core of {element} has (nelec)", line)
    end = _end_of_numbers(lines, start + 1)
    builder.add_term(element, -1 if words[1] == "ul" else LETTERS.index(words[1]), lines[start + 1 : end], line)
    return end
