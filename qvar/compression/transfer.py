"""Angles of one circuit as the start of another: along a bond, to more orbitals, to more copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.program import Program
from qvar.arguments import checked
from qvar.checks import real_numbers, whole_numbers
from qvar.errors import QvarError, require
from qvar.short_repr import short_repr

Signature: TypeAlias = tuple[tuple[int, tuple[int, ...], str, float], ...]
"""Operations that read a parameter: kind, wires, Pauli word, coefficient."""


@short_repr("ansatz", "carried", "fresh")
@dataclass(frozen=True, eq=False, kw_only=True)
class Transferred:
    """A circuit that starts at the angles of another one."""

    ansatz: Ansatz
    """The target, whose start is `"transferred"`."""
    theta: FloatArray
    """(n_params,) its angles, radians; zero for parameters that the source does not have."""
    carried: int
    """Number of parameters with an angle of the source."""
    fresh: int
    """Number of parameters without one."""


@checked()
def transfer(source: Ansatz, theta: Any, target: Ansatz, *, orbitals: Sequence[int] | None = None) -> Transferred:
    r"""Return a circuit that starts at the trained angles of another one.

    A parameter of the target gets the angle of the parameter of the source that turns the same operations, by kind,
    wires and coefficients: the first such parameter of the source for the first of the target, the second for the
    second. All others are zero. So angles are carried along a bond, to a neighbouring molecule of equal shape, to a
    larger active space or basis set, and from k copies of a layer to more, where the further copies begin as the
    identity if their operations do. In neural networks: Yosinski et al. (2014), https://arxiv.org/abs/1411.1792.

    The orbitals of two molecules are those of their self-consistent fields, which may differ in sign and order: angles
    are carried by the number of the orbital, counted from the highest occupied one.

    Args:
        source: the trained circuit.
        theta: (n_params,) its angles, radians.
        target: the circuit to start.
        orbitals: orbital of the target for each orbital of the source, different ones; if None, they are numbered so
            that the highest occupied orbitals of both references agree. Of spin models, the wire for each wire, by
            default the same.

    Raises:
        QvarError: if theta has another length, the orbitals are not those of the target, angles are not affine in
            theta, or no parameter is carried.
    """
    point = real_numbers("theta", theta, (source.n_params,))
    wires = _wires(source.program, target.program, orbitals)
    angles = dict(zip(_numbered(_signatures(source.program, wires)), point, strict=True))
    wanted = _numbered(_signatures(target.program, list(range(target.n_qubits))))
    carried = [key in angles for key in wanted]
    if not any(carried):
        raise QvarError(f"`target` must share operations with {source.name}, but {target.name} shares none.")
    own = np.array([angles.get(key, 0.0) for key in wanted])
    return Transferred(
        ansatz=target.start_at(own, start="transferred"),
        theta=own,
        carried=sum(carried),
        fresh=len(carried) - sum(carried),
    )


def _wires(source: Program, target: Program, orbitals: Sequence[int] | None) -> list[int]:
    """Return the wire of the target for each wire of the source."""
    electrons = any(source.bits) and source.n_qubits % 2 == 0 == target.n_qubits % 2
    if not electrons:
        wires = list(range(source.n_qubits)) if orbitals is None else whole_numbers("orbitals", orbitals)
    else:
        if orbitals is None:
            shift = sum(target.bits[::2]) - sum(source.bits[::2])
            places = [p + shift for p in range(source.n_qubits // 2)]
        else:
            places = whole_numbers("orbitals", orbitals)
        wires = [2 * p + spin for p in places for spin in (0, 1)]
    inside = len(set(wires)) == len(wires) == source.n_qubits and all(0 <= w < target.n_qubits for w in wires)
    number = target.n_qubits // 2 if electrons else target.n_qubits
    require(inside, "orbitals", f"be different numbers below {number}, one for each of the source", orbitals)
    return wires


def _signatures(program: Program, wires: Sequence[int]) -> list[Signature]:
    """Return the operations that read each parameter, on other wires."""
    if program.angle_function is not None:
        raise QvarError("`source` and `target` must have angles that are affine in theta, but one has others.")
    parts: list[list[tuple[int, tuple[int, ...], str, float]]] = [[] for _ in range(program.n_params)]
    for op, param, scale in zip(program.angle_op, program.angle_param, program.angle_scale, strict=True):
        on = tuple(wires[w] for w in program.op_wires(int(op)))
        parts[int(param)].append((int(program.kind[op]), on, program.words[op], round(float(scale), 9)))
    return [tuple(part) for part in parts]


def _numbered(signatures: Sequence[Signature]) -> list[tuple[Signature, int]]:
    """Return signatures with the number of equal ones before."""
    seen: Counter[Signature] = Counter()
    numbered = []
    for signature in signatures:
        numbered.append((signature, seen[signature]))
        seen[signature] += 1
    return numbered
