"""Exact fusion: equal operations without anything between them become one, and parameters that only add up, too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import Program
from qvar.ansatz.removal import idle_operations, without_operations
from qvar.arguments import checked
from qvar.checks import real_numbers
from qvar.errors import QvarError
from qvar.short_repr import short_repr


@short_repr()
class Fused(NamedTuple):
    """A circuit after fusion, equal to the first one at every theta."""

    ansatz: Ansatz
    """The circuit. Its start `"fused"`, the default, is `theta`."""
    theta: FloatArray
    """(n_params,) its angles."""


@checked(own=("theta",))
def fuse(ansatz: Ansatz, theta: Any, *, name: str | None = None) -> Fused:
    r"""Merge equal neighbouring operations of a circuit; the unitary stays the same.

    Two operations of one kind on the same qubits are neighbours if all operations between them act on other qubits;
    \(e^{-i\alpha G} e^{-i\beta G} = e^{-i(\alpha+\beta) G}\). Parameters that then occur in one fixed combination
    alone become one parameter, and those that cancel go.

    Args:
        ansatz: the circuit, with angles affine in theta.
        theta: (n_params,) its angles, radians.
        name: name of the smaller circuit in the ledger; unchanged if None.

    Raises:
        QvarError: if theta has another length or is not finite, or angles are not affine in it.
    """
    point = real_numbers("theta", theta, (ansatz.n_params,), finite=True)
    if ansatz.program.angle_function is not None:
        raise QvarError(f"`ansatz` must have angles that are affine in theta, but those of {ansatz.name} are not.")
    program, merged = _merged(ansatz.program)
    tail = ansatz.classical_tail
    in_tail = int(np.sum(merged[len(merged) - tail :])) if tail else 0
    program, combination = _without_sums(program)
    angles = combination @ point
    fused = replace(
        ansatz,
        program=program,
        name=name or ansatz.name,
        start="fused",
        starts={"fused": lambda key: angles},
        classical_tail=tail - in_tail,
        source=None,
    )
    return Fused(fused, angles)


def _merged(program: Program) -> tuple[Program, np.ndarray]:
    """Return the program with equal neighbours merged into the first of them, and which operations are gone."""
    into = np.arange(program.n_ops)
    wires = [frozenset(program.op_wires(op)) for op in range(program.n_ops)]
    names = [KINDS[kind].name for kind in program.kind]
    fermionic = [name.startswith(("Fermionic", "ExcitationSum")) for name in names]
    supports = _supports(program)
    kept: list[int] = []
    for op in range(program.n_ops):
        into[op] = op
        for before in reversed(kept) if KINDS[program.kind[op]].parametric else ():
            same = names[op] == names[before] and program.words[op] == program.words[before]
            if same and np.array_equal(program.wires[op], program.wires[before]):
                into[op] = before
                break
            both = fermionic[op] and fermionic[before]  # even in fermions: strings do not matter
            if wires[op] & wires[before] or (not both and supports[op] & supports[before]):
                break
        if into[op] == op:
            kept.append(op)
    gone = into != np.arange(program.n_ops)
    offset = np.array(program.offset)
    np.add.at(offset, into[gone], offset[gone])
    angle_op = into[program.angle_op].astype(program.angle_op.dtype)
    whole = replace(program, offset=offset, angle_op=angle_op)
    idle = idle_operations(_with_map(whole, _matrix(whole))) & ~gone
    dropped = gone | idle
    return without_operations(whole, dropped), dropped


def _supports(program: Program) -> list[int]:
    """Return the bits of the qubits that each operation acts on, Jordan-Wigner strings included."""
    lowered, supports = program.lowered, [0] * program.n_ops
    for slot, x, z, m in zip(lowered.slot, lowered.x, lowered.z, lowered.m, strict=True):
        supports[slot] |= int(x) | int(z) | int(m)
    return supports


def _matrix(program: Program) -> sp.csc_array:
    """Return C of the affine angles, (n_ops, n_params), with terms of one operation and parameter added up."""
    terms = (program.angle_scale, (program.angle_op, program.angle_param))
    matrix = sp.csc_array(terms, shape=(program.n_ops, program.n_params))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def _with_map(program: Program, matrix: Any) -> Program:
    """Return the program with other coefficients."""
    terms = sp.coo_array(matrix)
    return replace(
        program,
        n_params=matrix.shape[1],
        angle_op=terms.row.astype(program.angle_op.dtype),
        angle_param=terms.col.astype(program.angle_param.dtype),
        angle_scale=terms.data.astype(float),
    )


def _without_sums(program: Program) -> tuple[Program, sp.csr_array]:
    """Return the program of fewer parameters, and these as a matrix times the old ones.

    Columns of C that are multiples of each other become one.
    """
    matrix = _matrix(program)
    firsts: dict[Any, int] = {}
    rows, columns, factors, kept = [], [], [], []
    for param in range(program.n_params):
        part = slice(matrix.indptr[param], matrix.indptr[param + 1])
        places, data = matrix.indices[part], matrix.data[part]
        if len(places) == 0:
            continue
        label = (places.tobytes(), np.round(data / data[0], 12).tobytes())
        number = firsts.setdefault(label, len(kept))
        if number == len(kept):
            kept.append(param)
        first = matrix.data[matrix.indptr[kept[number]]]
        rows.append(number)
        columns.append(param)
        factors.append(data[0] / first)
    combination = sp.csr_array((factors, (rows, columns)), shape=(len(kept), program.n_params))
    return _with_map(program, matrix[:, kept]), combination
