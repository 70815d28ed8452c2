r"""FCIDUMP files: the Hamiltonian of electrons in orbitals as text.

A namelist with the numbers of orbitals and electrons, then one line "value p q r s" for each integral, orbitals
counted from 1: \((pq|rs)\); \(h_{pq}\) if r = s = 0; the core energy if all four are 0.

Knowles, Handy, Comput. Phys. Commun. 54, 75 (1989), https://doi.org/10.1016/0010-4655(89)90033-7.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import re
import zlib
from collections.abc import Mapping
from itertools import combinations_with_replacement
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qvar.atomic_files import read_regular, write_whole
from qvar.errors import QvarError, shown
from qvar.pauli import MAX_QUBITS
from qvar.problems.hamiltonians import SYMMETRY_TOLERANCE, Integrals

_MOST_BYTES = 1 << 28
"""Size of a text up to which it is read: all integrals over 31 orbitals, each permutation by itself, take less."""

_NUMBER = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[edq]([+-]?[0-9]+)|([+-][0-9]+))?", re.IGNORECASE)
"""A number as Fortran writes it: 1.5, 1.5E-3, 1.5D-3, 1.5-103."""

_LINE = re.compile(r"(\([^)]*\)|\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)")
_HEAD = re.compile(r"\s*[&$]FCI\b", re.IGNORECASE)
_END = re.compile(r"[&$]END\b|/", re.IGNORECASE)
_KEY = re.compile(r"([a-z]\w*(?:\([0-9]+\))?)\s*=", re.IGNORECASE)
_COMMENT = re.compile(r"[!#].*")
_FALSE = ({"0"}, {".FALSE."}, {"FALSE"}, {".F."}, {"F"}, set())
"""Values of a switch that is off."""


class Dump(NamedTuple):
    """Content of an FCIDUMP file."""

    integrals: Integrals
    n_electrons: int
    spin: int
    """Spin-up minus spin-down electrons, MS2."""


class _Head(NamedTuple):
    n_orbitals: int
    n_electrons: int
    spin: int
    lines: list[tuple[int, str]]
    """Numbers and texts of the lines after it."""


def read_fcidump(path: str | os.PathLike[str], core_energy: float | None = None) -> Dump:
    """Read a file, compressed by gzip or not.

    `core_energy` is the energy of a file without a line of it; None if the file must have one.

    Raises `QvarError` if it is no whole FCIDUMP file of real, spin-free integrals over at most `MAX_QUBITS` / 2
    orbitals; the sentence names file and line.
    """
    name = str(path)
    head = _head(name, _text(name))
    m = head.n_orbitals
    values: dict[tuple[int, ...], tuple[float, int]] = {}
    for number, text in head.lines:
        entry = _entry(name, number, text, m)
        if entry is None:
            continue
        indices, value = entry
        known, first = values.setdefault(indices, (value, number))
        if abs(known - value) > SYMMETRY_TOLERANCE * max(1.0, abs(known)):
            raise _wrong(name, number, f"gives {value!r} for an integral that is {known!r} in line {first}")
    core = values.pop((), None)
    if core is None and core_energy is None:
        raise QvarError(
            f"`path` must hold a whole FCIDUMP file, but {name!r} ends without a line 'E 0 0 0 0'; if it is whole, "
            "give `core_energy`."
        )
    if core is not None and core_energy is not None:
        raise QvarError(f"`core_energy` must be left out for {name!r}, whose line {core[1]} has it: {core[0]!r}.")
    one, two = np.zeros((m, m)), np.zeros((m,) * 4)
    for indices, (value, _) in values.items():
        if len(indices) == 2:
            p, q = indices
            one[p, q] = one[q, p] = value
        else:
            p, q, r, s = indices
            for a, b in ((p, q), (q, p)):
                for c, d in ((r, s), (s, r)):
                    two[a, b, c, d] = two[c, d, a, b] = value
    energy = core[0] if core is not None else core_energy
    return Dump(Integrals(energy, one, two), head.n_electrons, head.spin)


def write_fcidump(path: str | os.PathLike[str], dump: Dump) -> None:
    """Write a file whole or not at all, each number so that it is read back bit for bit; zeros are left out.

    Raises `QvarError` if the file cannot be written.
    """
    integrals, m = dump.integrals, len(dump.integrals.one_body)
    lines = [
        f" &FCI NORB={m},NELEC={dump.n_electrons},MS2={dump.spin},",
        f"  ORBSYM={'1,' * m}",
        "  ISYM=1,",
        " &END",
    ]
    pairs = [(p, q) for p in range(m) for q in range(p + 1)]
    for rs, pq in combinations_with_replacement(pairs, 2):
        lines += _line(float(integrals.two_body[*pq, *rs]), *pq, *rs)
    for pq in pairs:
        lines += _line(float(integrals.one_body[pq]), *pq)
    text = "\n".join([*lines, f"{integrals.core_energy!r} 0 0 0 0", ""])
    data = gzip.compress(text.encode(), mtime=0) if str(path).endswith(".gz") else text.encode()
    try:
        with write_whole(Path(path)) as temporary:
            temporary.write_bytes(data)
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        raise QvarError(f"`path` must be a file that can be written, but {str(path)!r} is not.") from error


def _line(value: float, *indices: int) -> list[str]:
    labels = " ".join(str(index + 1) for index in indices)
    return [f"{value!r} {labels}{' 0 0' if len(indices) == 2 else ''}"] if value else []


def _text(name: str) -> str:
    try:
        data = read_regular(Path(name), _MOST_BYTES)
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise QvarError(f"`path` must be an existing file, but {name!r} is not.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise QvarError(f"`path` must be a file that can be read, but {name!r} is not.") from error
    if len(data) > _MOST_BYTES:
        raise QvarError(f"`path` must hold a text of at most {_MOST_BYTES} bytes, but {name!r} is longer.")
    return data.decode("utf-8", "replace")


def _head(name: str, text: str) -> _Head:
    """Read the namelist."""
    lines = [(number, _COMMENT.sub("", line)) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line.strip()]
    start = _HEAD.match(lines[0][1]) if lines else None
    if start is None:
        line = f"line {lines[0][0]} is {shown(lines[0][1].strip())}" if lines else "it is empty"
        raise QvarError(f"`path` must hold an FCIDUMP file, which begins with &FCI, but in {name!r} {line}.")
    first = lines[0][0]
    lines[0] = (first, lines[0][1][start.end() :])
    words: list[str] = []
    for at, (number, line) in enumerate(lines):
        end = _END.search(line)
        words.append(line[: end.start()] if end else line)
        if end:
            rest = line[end.end() :].strip()
            after = [(number, rest)] if rest else []
            return _numbers(name, first, _namelist(" ".join(words)), after + lines[at + 1 :])
    raise _wrong(name, first, "begins a header that no line ends by &END or /")


def _namelist(text: str) -> dict[str, list[str]]:
    """Return the values of each name, in capitals; "4*1" is four values."""
    keys = list(_KEY.finditer(text))
    stops = [key.start() for key in keys[1:]] + [len(text)]
    values = {}
    for key, stop in zip(keys, stops, strict=True):
        row: list[str] = []
        for word in text[key.end() : stop].replace(",", " ").split():
            count, star, value = word.partition("*")
            repeats = star and count.isdecimal() and int(count) <= 2 * MAX_QUBITS
            row += [value] * int(count) if repeats else [word]
        values[key[1].upper()] = row
    return values


def _numbers(name: str, line: int, values: Mapping[str, list[str]], lines: list[tuple[int, str]]) -> _Head:
    """Check the values of the namelist, which begins in a line."""
    for key in ("UHF", "IUHF", "TREL"):
        if {value.upper() for value in values.get(key, [])} not in _FALSE:
            word = "relativistic" if key == "TREL" else "of different orbitals for each spin"
            raise _wrong(name, line, f"says {key}={','.join(values[key])}: integrals are {word}, which are not read")

    def number(key: str, default: int | None = None) -> int:
        row = values.get(key, [] if default is None else [str(default)])
        if len(row) != 1 or re.fullmatch(r"[+-]?[0-9]{1,9}", row[0]) is None:
            raise _wrong(
                name, line, f"begins a header with {key}={','.join(row)}" if row else f"begins one without {key}"
            )
        return int(row[0])

    m, n, spin = number("NORB"), number("NELEC"), number("MS2", 0)
    if m < 1 or 2 * m > MAX_QUBITS:
        raise _wrong(name, line, f"says NORB={m}, and orbitals must be from 1 to {MAX_QUBITS // 2}")
    if not 0 <= n <= 2 * m:
        raise _wrong(name, line, f"says NELEC={n}, and {m} orbitals hold from 0 to {2 * m} electrons")
    if (n + spin) % 2 or abs(spin) > min(n, 2 * m - n):
        raise _wrong(name, line, f"says MS2={spin}, which {n} electrons in {m} orbitals cannot have")
    symmetries = len(values.get("ORBSYM", []))
    if symmetries not in (0, m):
        raise _wrong(name, line, f"says NORB={m}, but ORBSYM has {symmetries} entries")
    return _Head(m, n, spin, lines)


def _entry(name: str, number: int, text: str, m: int) -> tuple[tuple[int, ...], float] | None:
    """Return sorted indices, from 0, and value of a line; None for the energy of an orbital."""
    match = _LINE.fullmatch(text.strip())
    if match is None:
        columns = len(re.sub(r"\([^)]*\)", "x", text).split())
        raise _wrong(name, number, f"has {columns} columns instead of 5: {shown(text.strip())}")
    labels = match.groups()[1:]
    if not all(label.isdecimal() and label.isascii() and len(label) < 9 for label in labels):
        raise _wrong(name, number, f"has {' '.join(labels)!r} for indices of orbitals")
    p, q, r, s = map(int, labels)
    if max(p, q, r, s) > m:
        raise _wrong(name, number, f"has an orbital {max(p, q, r, s)}, but NORB={m}")
    value = _value(name, number, match[1])
    zeros = (p > 0, q > 0, r > 0, s > 0)
    if zeros == (True, False, False, False):
        return None
    if zeros not in ((True,) * 4, (True, True, False, False), (False,) * 4):
        raise _wrong(name, number, f"has the indices {p} {q} {r} {s}, which are those of no integral")
    one = (max(p, q) - 1, min(p, q) - 1)
    if not r:
        return one if p else (), value
    two = (max(r, s) - 1, min(r, s) - 1)
    return max(one, two) + min(one, two), value


def _value(name: str, number: int, text: str) -> float:
    parts = text[1:-1].split(",") if text.startswith("(") else [text]
    matches = [_NUMBER.fullmatch(part.strip()) for part in parts]
    values = [math.nan if own is None else float(f"{own[1]}e{own[2] or own[3] or 0}") for own in matches]
    if len(values) > 2 or not all(map(math.isfinite, values)):
        raise _wrong(name, number, f"begins with {shown(text)}, which is no finite number")
    if len(values) == 2 and values[1] != 0.0:
        raise _wrong(name, number, f"begins with {shown(text)}, but integrals must be real")
    return values[0]


def _wrong(name: str, number: int, words: str) -> QvarError:
    return QvarError(f"`path` must hold a sound FCIDUMP file, but line {number} of {name!r} {words}.")
