"""The format of Gaussian and Psi4, read strictly."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from qvar.problems.basis_builder import COMBINED, LETTERS, NUMBER, Builder, Line, Source, number, numbers
from qvar.problems.geometry import known_element

_TYPES = (["spherical"], ["cartesian"])
"""First lines of Psi4's files."""

_OTHERS = {"j": (7,), **{f"l={l}": (l,) for l in range(8)}}
"""Momenta of the types of shells that other programs do not have."""


def is_gaussian(line: Line) -> bool:
    """Return True if a text that begins with this line has this format."""
    return line.words == ["****"] or line.text.lower().split() in _TYPES or len(_elements(line.words)) > 0


def read_gaussian(lines: Sequence[Line], builder: Builder) -> None:
    """Add what the lines say to a set; `QvarError` if a line is not understood."""
    source, position = builder.source, 0
    elements: list[str] = []  # of the section at hand; none between sections
    while position < len(lines):
        line = lines[position]
        following = lines[position + 1] if position + 1 < len(lines) else None
        position += 1
        if line.words == ["****"]:
            elements = []
        elif line.text.lower().split() in _TYPES:
            if builder.shells or builder.cartesian:
                raise source.mistake("say once, before its shells, whether functions are spherical", line)
            builder.cartesian.add(line.text.lower() == "cartesian")
        elif _elements(line.words) and following is not None and _is_potential(following.words):
            position = _read_potential(lines, position, _elements(line.words), builder)
            elements = []
        elif not elements:
            elements = _elements(line.words)
            if not elements:
                raise source.unknown(line)
            if len(set(elements)) < len(elements) or set(elements) & set(builder.shells):
                raise source.mistake("have the shells of an element in one place", line)
            if following is None or following.words == ["****"]:
                raise source.mistake("have shells for each element that it names", line)
        else:
            momenta, n_rows, scale = _head(line, source)
            rows = [numbers(row, len(momenta) + 1, source) for row in lines[position : position + n_rows]]
            if len(rows) < n_rows:
                raise source.mistake(f"have {n_rows} lines of numbers for this shell", line)
            builder.add_shell(elements, momenta, [[row[0] * scale**2, *row[1:]] for row in rows], line)
            position += n_rows


def _elements(words: Sequence[str]) -> list[str]:
    """Return the elements of a head, `H 0`, `-H 0`, `H He 0` or `H`; none if it is something else."""
    symbols = [word.removeprefix("-") for word in words]
    if len(symbols) > 1 and symbols.pop() != "0":
        return []
    elements = [known_element(symbol) if symbol.isalpha() else None for symbol in symbols]
    return [] if None in elements else [element for element in elements if element]


def _head(line: Line, source: Source) -> tuple[tuple[int, ...], int, float]:
    """Return momenta, number of primitives and scale factor of a shell."""
    letters, rest = line.words[0].lower(), line.words[1:]
    if (
        not letters[0].isalpha()
        or not rest
        or not (rest[0].isascii() and rest[0].isdecimal())
        or not all(map(NUMBER.fullmatch, rest))
    ):
        raise source.unknown(line)
    momenta = source.momenta(letters, _OTHERS, "S, P, D, F, G, H, I, L=7, SP or SPD", line)
    # further factors are those of P and D; files of the former EMSL library have a 0 there
    scale, *others = [number(word) for word in rest[1:]] or [1.0]
    if not 0 < scale < math.inf or any(other not in (0.0, scale) for other in others):
        raise source.mistake("have one positive scale factor in each shell", line)
    return momenta, int(rest[0]), scale


def _is_potential(words: Sequence[str]) -> bool:
    """Return True for the first line of a potential: a name, the highest l and the number of core electrons."""
    name = words[0].lower()
    is_shell = name in COMBINED or name in LETTERS or name.startswith("l=")
    return len(words) == 3 and not is_shell and words[1].isdecimal() and words[2].isdecimal()


def _read_potential(lines: Sequence[Line], start: int, elements: Sequence[str], builder: Builder) -> int:
    """Read the terms of a potential, the local one first, then those of s, p, ...; return the line after it."""
    source, head = builder.source, lines[start]
    highest = int(head.words[1])
    if highest >= len(LETTERS):
        raise source.mistake(f"have potentials up to {LETTERS[-1]} only", head)
    for element in elements:
        builder.add_potential(element, int(head.words[2]), head)
    position = start + 1
    for l in (-1, *range(highest)):
        title, *counted = lines[position : position + 2] or [head]
        if not counted or not (counted[0].text.isascii() and counted[0].text.isdecimal()):
            must = f"have {highest + 1} terms in this potential, each with a title and its number of lines"
            raise source.mistake(must, head)
        n_rows, named = int(counted[0].text), re.match(r"([a-z])-", title.text.lower())
        if l >= 0 and named and named[1] in LETTERS and named[1] != LETTERS[l]:
            raise source.mistake(f"have the term of {LETTERS[l]} here", title)
        rows = lines[position + 2 : position + 2 + n_rows]
        if len(rows) < n_rows:
            raise source.mistake(f"have {n_rows} lines of numbers for this term", title)
        for element in elements:
            builder.add_term(element, l, rows, title)
        position += 2 + n_rows
    return position
