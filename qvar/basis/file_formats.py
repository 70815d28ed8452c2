"""Texts of basis sets in the formats of NWChem, Gaussian94 and the JSON of the Basis Set Exchange, as that writes them.

Pritchard, Altarawy, Didier, Gibson, Windus, J. Chem. Inf. Model. 59, 4814 (2019),
https://doi.org/10.1021/acs.jcim.9b00725.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from qvar._types import FloatArray
from qvar.basis.exponent_starts import nuclear_charge, symbol_of
from qvar.basis.shells import LETTERS, BasisSet, Shell, segments
from qvar.errors import QvarError, require
from qvar.problems.basis_builder import primitive_overlaps
from qvar.problems.geometry import known_element

_SHELL = {"function_type", "region", "angular_momentum", "exponents", "coefficients"}
_ELEMENT = {"references", "electron_shells", "ecp_electrons", "ecp_potentials"}


class Entry(NamedTuple):
    """A shell as text: exponents in descending order, columns from the tightest to the widest function."""

    l: int
    """Angular momentum."""
    exponents: list[str]
    """Numbers, in bohr^-2."""
    columns: list[list[str]]
    """Coefficients, one list for each function."""
    extent: float
    r"""Smallest \(\langle r^2 \rangle\) of its functions, in bohr^2."""


def entries_of(basis: BasisSet, digits: int) -> dict[str, list[Entry]]:
    """Return the shells of each element as text, in the order of files.

    Elements are sorted by nuclear charge; shells by ascending angular momentum, then from tight to wide.

    Args:
        basis: the set; what its shells do not need, such as primitives that no function uses, is left out.
        digits: digits after the point.

    Raises:
        QvarError: if the set is empty, has numbers that are not finite or not positive, or a shell or primitive twice.
    """
    elements = {symbol_of(element): basis.shells[element] for element in basis.shells}
    result = {}
    for element in sorted(elements, key=nuclear_charge):
        entries = [_entry(shell, digits) for whole in elements[element] for shell in _segments(whole)]
        reason = next((f"{element} has {fault}" for fault in _faults(entries)), "")
        if reason:
            raise QvarError(f"`basis` must be one that a file can hold, but {basis.name!r} is not: {reason}.")
        result[element] = sorted(entries, key=lambda entry: (entry.l, entry.extent))
    if not result:
        raise QvarError(f"`basis` must be one that a file can hold, but {basis.name!r} is not: it has no element.")
    return result


def _segments(shell: Shell) -> list[Shell]:
    finite = np.all(np.isfinite(shell.exponents)) and np.all(np.isfinite(shell.coefficients))
    require(bool(finite), "basis", "have finite exponents and coefficients", shell)
    return segments(shell)


def _entry(shell: Shell, digits: int) -> Entry:
    """Write the numbers of a shell, sorted as they read."""
    exponents = [f"{a:.{digits}e}" for a in shell.exponents]
    columns = [[f"{c:.{digits}e}" for c in column] for column in shell.coefficients.T]
    extents = _extents(shell.l, np.array(exponents, dtype=float), np.array(columns, dtype=float))
    rows = sorted(range(len(exponents)), key=lambda row: -float(exponents[row]))
    order = sorted(range(len(columns)), key=lambda column: extents[column])
    sorted_columns = [[columns[column][row] for row in rows] for column in order]
    return Entry(shell.l, [exponents[row] for row in rows], sorted_columns, min(extents))


def _extents(l: int, exponents: FloatArray, columns: FloatArray) -> FloatArray:
    r"""Return \(\langle r^2 \rangle\) of each function; no number if an exponent is not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        overlaps = primitive_overlaps(l, exponents, exponents)
        squares = overlaps * (l + 1.5) / (exponents[:, None] + exponents)
        wholes = np.einsum("ck,kj,cj->c", columns, overlaps, columns)
        return np.einsum("ck,kj,cj->c", columns, squares, columns) / wholes


def _faults(entries: Sequence[Entry]) -> Iterable[str]:
    if not entries:
        yield "no shells"
    if len({repr(entry[:3]) for entry in entries}) < len(entries):
        yield "the same shell twice"
    for entry in entries:
        if min(map(float, entry.exponents)) <= 0:
            yield "exponents that are not positive"
        if len(set(entry.exponents)) < len(entry.exponents):
            yield "duplicate exponents in a shell"
        if len(set(map(tuple, entry.columns))) < len(entry.columns):
            yield "the same function twice"


def nwchem_text(elements: Mapping[str, Sequence[Entry]]) -> str:
    """Return spherical functions in NWChem's format."""
    lines = ['BASIS "ao basis" SPHERICAL PRINT']
    for element, entries in elements.items():
        lines.append(f"#BASIS SET: {_sizes(entries)}")
        for entry in entries:
            lines += [f"{element}    {LETTERS[entry.l].upper()}", *_matrix([entry.exponents, *entry.columns])]
    return "\n".join([*lines, "END", ""])


def gaussian_text(elements: Mapping[str, Sequence[Entry]]) -> str:
    """Return spherical functions in Gaussian's format, which has one function in each shell."""
    lines = []
    for element, entries in elements.items():
        lines.append(f"{element}     0")
        for entry in sorted(_single(entries), key=lambda single: (single.l, single.extent)):
            lines.append(f"{LETTERS[entry.l].upper():4} {len(entry.exponents)}   1.00")
            lines += [line.replace("e", "D") for line in _matrix([entry.exponents, *entry.columns])]
        lines.append("****")
    return "\n".join([*lines, ""])


def json_text(elements: Mapping[str, Sequence[Entry]], name: str, description: str) -> str:
    """Return a record of the Basis Set Exchange, in its schema "minimal"."""
    kinds = {_function_type(entry.l) for entries in elements.values() for entry in entries}
    data = {
        "molssi_bse_schema": {"schema_type": "minimal", "schema_version": "0.1"},
        "name": name,
        "description": description,
        "role": "orbital",
        "function_types": sorted(kinds),
        "elements": {
            str(nuclear_charge(element)): {
                "references": [],
                "electron_shells": [
                    {
                        "function_type": _function_type(entry.l),
                        "region": "",
                        "angular_momentum": [entry.l],
                        "exponents": entry.exponents,
                        "coefficients": entry.columns,
                    }
                    for entry in entries
                ],
            }
            for element, entries in elements.items()
        },
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _function_type(l: int) -> str:
    return "gto_spherical" if l > 1 else "gto"


def _single(entries: Sequence[Entry]) -> Iterable[Entry]:
    """Split shells into their functions, each once and with the primitives that it uses."""
    seen = set()
    for entry in entries:
        for column in entry.columns:
            pairs = [(a, c) for a, c in zip(entry.exponents, column, strict=True) if float(c) != 0]
            if (entry.l, *pairs) not in seen:
                seen.add((entry.l, *pairs))
                exponents, coefficients = (list(words) for words in zip(*pairs, strict=True))
                numbers = np.array([coefficients], dtype=float)
                extent = _extents(entry.l, np.array(exponents, dtype=float), numbers)[0]
                yield Entry(entry.l, exponents, [coefficients], extent)


def _matrix(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table of numbers, whose points are below each other."""
    points = [8 * k + 15 * (k - 1) for k in range(1, len(columns) + 1)]
    lines = []
    for row in zip(*columns, strict=True):
        line = ""
        for k, (word, point) in enumerate(zip(row, points, strict=True)):
            line += " " * max(point - 1 - word.index(".") - len(line), min(k, 1)) + word
        lines.append(line)
    return lines


def _sizes(entries: Sequence[Entry]) -> str:
    """Return primitives and functions, "(9s,4p) -> [3s,2p]"; a set without s functions begins with a comma."""
    before = {entry.l: 0 for entry in sorted(entries, key=lambda entry: entry.l)}
    after = dict(before)
    for entry in entries:
        before[entry.l] += len(entry.exponents)
        after[entry.l] += len(entry.columns)
    words = [",".join(f"{count}{LETTERS[l]}" for l, count in counts.items()) for counts in (before, after)]
    comma = "" if 0 in before else ","
    return f"({comma}{words[0]}) -> [{comma}{words[1]}]"


def json_elements(text: str) -> dict[str, dict[str, Any]]:
    """Read a record of the Basis Set Exchange: element -> its entry, whose shells have been checked.

    Raises:
        ValueError: if it is no such record, or a shell has numbers that cannot be; also KeyError and TypeError.
    """
    elements = json.loads(text)["elements"]
    if not elements:
        raise ValueError("no element")
    result = {}
    for charge, entry in elements.items():
        if not charge.isdecimal() or not set(entry) <= _ELEMENT or not (set(entry) - {"references"}):
            raise ValueError(f"element {charge}")
        for shell in entry.get("electron_shells", ()):
            _check_record(shell)
        result[symbol_of(known_element(charge))] = entry
    return result


def _check_record(shell: Mapping[str, Any]) -> None:
    """Raise ValueError, KeyError or TypeError unless a shell of a record can be read."""
    momenta, columns = shell["angular_momentum"], np.array(shell["coefficients"], dtype=float)
    exponents = np.array(shell["exponents"], dtype=float)
    whole = all(isinstance(l, int) and l >= 0 for l in momenta)
    fits = columns.ndim == 2 and columns.shape[1:] == exponents.shape and len(momenta) in (1, len(columns))
    numbers = np.all(np.isfinite(exponents)) and np.all(exponents > 0) and np.all(np.isfinite(columns))
    distinct = len(set(exponents.tolist())) == len(exponents)
    used = fits and np.all(np.any(columns != 0, axis=1)) and np.all(np.any(columns != 0, axis=0))
    kind = shell["function_type"] in (("gto_spherical", "gto_cartesian") if max(momenta) > 1 else ("gto",))
    if set(shell) != _SHELL or not (whole and numbers and distinct and used and kind):
        raise ValueError("shell")
