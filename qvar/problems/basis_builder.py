"""Shells and core potentials of a basis set, checked one by one as the lines of a text are read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from qvar._types import FloatArray
from qvar.errors import QvarError

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?", re.ASCII)
"""A number of a text. Python's own parser takes "1_0" and "nan" too, but not Fortran's exponents."""

LETTERS = "spdfghi"
"""Letters of angular momenta that all programs agree on."""

COMBINED = {"sp": (0, 1), "spd": (0, 1, 2)}
"""Shells of several momenta that share their exponents."""

_MOMENTA = {**COMBINED, **{letter: (l,) for l, letter in enumerate(LETTERS)}}

_TIGHTEST, _WIDEST = 1e12, 1e-8
"""Exponents beyond these, in bohr^-2, make integrals overflow or vanish."""

_LARGEST, _SMALLEST = 1e20, 1e-20
"""A function whose largest coefficient is beyond these cannot be normalised."""

_SAME = 1e-13
"""Two normalised functions whose overlap differs from 1 by less are the same."""


class BasisText(NamedTuple):
    """Contents of a text."""

    shells: dict[str, list[Any]]
    """Element -> its shells, as `pyscf.gto.Mole.basis` takes them."""
    potentials: dict[str, list[Any]]
    """Element -> its effective core potential, as `pyscf.gto.Mole.ecp` takes it."""
    cartesian: bool
    """True if functions of l > 1 are Cartesian: six d functions and not five."""


class Line(NamedTuple):
    """A line of a text, if it holds more than a comment."""

    number: int
    """Counted from 1."""
    words: list[str]
    """Its words."""
    text: str
    """Without comment and blanks at its ends."""


class Source(NamedTuple):
    """Origin of a text, for errors."""

    argument: str
    """Argument that errors name."""
    name: str
    """Name of the text in errors."""
    format: str
    """"NWChem" or "Gaussian"."""

    def momenta(self, letters: str, others: Mapping[str, tuple[int, ...]], names: str, line: Line) -> tuple[int, ...]:
        """Return the angular momenta of a shell.

        `letters` is its type in lower case, `others` the momenta of types that this format alone has, `names` all its
        types, for the error.

        Raises `QvarError` if the type is unknown.
        """
        momenta = _MOMENTA.get(letters) or others.get(letters)
        if momenta is None:
            raise self.mistake(f"have shells {names}", line)
        return momenta

    def mistake(self, must: str, line: Line | None = None) -> QvarError:
        """Return an error about the text, or about one of its lines."""
        place = f"{self.name!r} does not" if line is None else f"line {line.number} of {self.name!r} is {line.text!r}"
        return QvarError(f"`{self.argument}` must {must}, but {place}.")

    def unknown(self, line: Line) -> QvarError:
        """Return an error about a line that is not understood."""
        return self.mistake(f"be in {self.format}'s format", line)


def number(word: str) -> float:
    """Convert a number of a text, whose exponent may begin with D."""
    return float(word.lower().replace("d", "e"))


def numbers(line: Line, count: int | None, source: Source) -> list[float]:
    """Read an exponent and its coefficients from a line.

    Raises `QvarError` if a word is not a finite number, or there are more or fewer.
    """
    if not all(map(NUMBER.fullmatch, line.words)):
        raise source.unknown(line)
    values = [number(word) for word in line.words]
    if not all(map(math.isfinite, values)):
        raise source.mistake("have finite numbers", line)
    if len(values) < 2 or (count is not None and len(values) != count):
        wanted = "a coefficient" if count in (None, 2) else f"{count - 1} coefficients"
        raise source.mistake(f"have an exponent and {wanted} in each line of this shell", line)
    return values


class Builder:
    """A basis set that grows by shells and terms of potentials."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.shells: dict[str, list[Any]] = {}
        self.potentials: dict[str, list[Any]] = {}
        self.cartesian: set[bool] = set()

    def add_shell(
        self, elements: Sequence[str], momenta: Sequence[int], rows: list[list[float]], head: Line | None = None
    ) -> None:
        """Add a shell to elements, of several momenta one for each.

        `rows` are exponent and coefficients of each primitive; columns after the first belong to one momentum, or are
        one for each. The shell begins with the line `head`; None if there is no text.

        Raises `QvarError` if there are no rows, an exponent is out of range or repeated, or a function is zero or
        repeated.
        """
        if not rows:
            raise self.source.mistake("have no shell without exponents", head)
        table = np.array(rows)
        outside = [a for a in table[:, 0] if not _WIDEST <= a <= _TIGHTEST]
        if outside:
            must = f"have positive exponents, from {_WIDEST:g} to {_TIGHTEST:g} and not {outside[0]:g}"
            raise self.source.mistake(must, head)
        if len(set(table[:, 0])) < len(table):
            raise self.source.mistake("have every exponent of a shell once", head)
        columns = [table[:, 1:]] if len(momenta) == 1 else list(table[:, 1:].T[:, :, None])
        for l, coefficients in zip(momenta, columns, strict=True):
            largest = np.abs(coefficients).max(axis=0)
            if not np.all((largest >= _SMALLEST) & (largest <= _LARGEST)):
                must = f"have in each function a coefficient from {_SMALLEST:g} to {_LARGEST:g}"
                raise self.source.mistake(must, head)
            if np.any(squared_norms(l, table[:, 0], coefficients / largest) < _SAME):
                raise self.source.mistake("have no function whose primitives cancel", head)
            shell = [l, *np.column_stack([table[:, 0], coefficients]).tolist()]
            for element in elements:
                self._refuse_twice(element, shell, head)
                self.shells.setdefault(element, []).append(shell)

    def _refuse_twice(self, element: str, shell: list[Any], head: Line | None) -> None:
        new = np.array(shell[1:])
        for other in (np.array(other[1:]) for other in self.shells.get(element, []) if other[0] == shell[0]):
            if np.any(np.abs(_overlaps(shell[0], other, new)) > 1 - _SAME):
                raise self.source.mistake(f"have every function of {element} once", head)
        if np.any(np.triu(np.abs(_overlaps(shell[0], new, new)), 1) > 1 - _SAME):
            raise self.source.mistake(f"have every function of {element} once", head)

    def add_potential(self, element: str, n_electrons: int, head: Line) -> None:
        """Begin the core potential of an element, which replaces so many electrons; `QvarError` if it has one."""
        if element in self.potentials:
            raise self.source.mistake(f"have one core potential for {element}", head)
        self.potentials[element] = [n_electrons, []]

    def add_term(self, element: str, l: int, rows: Sequence[Line], head: Line) -> None:
        r"""Add a term \(\sum_k c_k r^{n_k - 2} e^{-\alpha_k r^2}\) of a potential.

        `l` is -1 for the local term; `rows` are lines of n, alpha and c.

        Raises:
            QvarError: if the term is there already or has no lines, or one is not understood.
        """
        terms = self.potentials[element][1]
        if not rows or any(term[0] == l for term in terms):
            raise self.source.mistake(f"have each term of the potential of {element} once, with its numbers", head)
        powers: list[list[list[float]]] = [[] for _ in range(7)]
        for line in rows:
            power = line.words[0]
            if len(line.words) != 3 or power not in map(str, range(7)) or not all(map(NUMBER.fullmatch, line.words)):
                raise self.source.mistake("have a power of r from 0 to 6, an exponent and a coefficient here", line)
            exponent, coefficient = map(number, line.words[1:])
            if not (0 < exponent < math.inf and math.isfinite(coefficient)):
                raise self.source.mistake("have positive exponents and finite numbers", line)
            if coefficient:
                powers[int(power)].append([exponent, coefficient])
        terms.append([l, powers])
        terms.sort(key=lambda term: term[0])

    def finished(self) -> BasisText:
        """Return the set.

        Raises `QvarError` if it is empty, a potential has no terms, or it is both spherical and Cartesian.
        """
        if not self.shells and not self.potentials:
            raise self.source.mistake("hold shells of a basis set")
        for element, (_, terms) in self.potentials.items():
            if not terms:
                raise self.source.mistake(f"have the terms of the potential of {element}")
        if len(self.cartesian) > 1:
            raise self.source.mistake("be spherical or Cartesian as a whole")
        return BasisText(self.shells, self.potentials, self.cartesian == {True})


def primitive_overlaps(l: int, a: FloatArray, b: FloatArray) -> FloatArray:
    r"""Return overlaps of primitives, \(\big(2 \sqrt{\alpha \alpha'} / (\alpha + \alpha')\big)^{l + 3/2}\)."""
    a, b = a[:, None], b[None, :]
    return (2 * np.sqrt(a * b) / (a + b)) ** (l + 1.5)


def squared_norms(l: int, exponents: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Compute squared norms of contracted functions: columns of coefficients, which multiply normalised primitives."""
    return np.einsum("kc,kj,jc->c", coefficients, primitive_overlaps(l, exponents, exponents), coefficients)


def _overlaps(l: int, one: FloatArray, two: FloatArray) -> FloatArray:
    """Compute overlaps of the normalised functions of two shells; columns are exponents, then coefficients."""
    inner = one[:, 1:].T @ primitive_overlaps(l, one[:, 0], two[:, 0]) @ two[:, 1:]
    norms = [np.sqrt(squared_norms(l, shell[:, 0], shell[:, 1:])) for shell in (one, two)]
    return inner / np.outer(*norms)
