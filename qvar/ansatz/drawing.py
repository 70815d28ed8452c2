"""A program as text: a wire diagram if it is small, else a table of its operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np

from qvar.ansatz.exported_gates import AffineAngle, affine_angles_of
from qvar.ansatz.gates import KINDS
from qvar.ansatz.pennylane_io import diagram
from qvar.ansatz.program import Program
from qvar.errors import clipped

MOST_LINES = 24
"""Largest number of operations in a folded table."""

MOST_OF_GROUP = 6
"""Largest number of operations of one kind in a row that a folded table has."""

_COLUMNS_OF_GATE = 3
"""Smallest width of a gate in a wire diagram."""


def draw(program: Program, theta: Any, everything: bool, max_length: int) -> str:
    """Draw the program; see `Ansatz.draw`."""
    if _levels(program) * _COLUMNS_OF_GATE <= max_length:
        text = diagram(program, theta)
        if max(map(len, text.splitlines()), default=0) <= max_length:
            return text
    return operations_table(program, theta, everything, max_length)


def _levels(program: Program) -> int:
    """Return the largest number of operations on one wire."""
    on = program.wires[program.wires >= 0]
    return int(np.bincount(on, minlength=1).max())


def operations_table(program: Program, theta: Any, everything: bool, max_length: int) -> str:
    """Write the operations of a program, one in a line; see `Ansatz.draw`."""
    names = [KINDS[kind].name for kind in program.kind]
    counts = ", ".join(f"{count} {name}" for name, count in Counter(names).most_common())
    first = "a state" if program.initial is not None else f"|{''.join(map(str, program.bits))}>"
    title = f"{program.n_qubits} qubits, {program.n_ops} operations, {program.n_params} parameters, from {first}"
    if not names:
        return title
    listed = range(program.n_ops) if everything else list(_folded(names))
    angles = _angles(program, theta)
    rows = [(str(index), names[index], _wires(program, index), angles[index]) for index in listed]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines, last = [title, counts], -1
    for index, (number, name, wires, angle) in zip(listed, rows, strict=True):
        if index > last + 1:
            lines.append(f"{'':{widths[0]}}  ... {index - last - 1} more")
        lines.append(f"{number:>{widths[0]}}  {name:{widths[1]}}  {wires:{widths[2]}}  {angle}")
        last = index
    if last + 1 < program.n_ops:
        lines.append(f"{'':{widths[0]}}  ... {program.n_ops - last - 1} more")
    return "\n".join(clipped(line.rstrip(), max_length) for line in lines)


def _folded(names: list[str]) -> Iterator[int]:
    """Yield the first operations of each row of one kind, until the table is long enough."""
    count = 0
    for _, group in groupby(range(len(names)), names.__getitem__):
        own = list(group)
        for index in own if len(own) <= MOST_OF_GROUP + 1 else own[:MOST_OF_GROUP]:
            if count == MOST_LINES:
                return
            count += 1
            yield index


def _angles(program: Program, theta: Any) -> list[str]:
    if theta is None and program.angle_function is not None:
        return ["f(theta)" if KINDS[kind].parametric else "" for kind in program.kind]
    number = "{:.6g}".format if theta is None else "{:.3f}".format
    angles: list[AffineAngle] = affine_angles_of(program, theta)
    return [
        angle.text(" ", number) if KINDS[kind].parametric else ""
        for kind, angle in zip(program.kind, angles, strict=True)
    ]


def _wires(program: Program, index: int) -> str:
    """Return the wires of an operation; of an excitation, those that it empties and those that it fills."""
    name, wires, word = KINDS[program.kind[index]].name, program.op_wires(index), program.words[index]
    if name == "PauliRot":
        return " ".join(f"{letter}{wire}" for letter, wire in zip(word, wires, strict=True))
    if name.endswith(("SingleExcitation", "DoubleExcitation")):
        half = len(wires) // 2
        created, annihilated = (" ".join(map(str, sorted(part))) for part in (wires[:half], wires[half:]))
        return f"{annihilated} -> {created}"
    return " ".join(map(str, wires))
