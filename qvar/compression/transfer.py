"""Angles of one circuit as the start of another: along a bond, to more orbitals, to more copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import Program
from qvar.arguments import checked
from qvar.checks import real_numbers, whole_numbers
from qvar.errors import QvarError, require
from qvar.problems.orbital_matching import OrbitalMatch
from qvar.short_repr import short_repr

Signature: TypeAlias = tuple[tuple[int, tuple[int, ...], str, float], ...]
"""Operations that read a parameter: kind, wires, Pauli word, coefficient, the first of them positive."""

_OWN_INVERSE = frozenset(
    {"PauliX", "PauliY", "PauliZ", "Hadamard", "CNOT", "CY", "CZ", "SWAP", "Toffoli", "CCZ", "CSWAP"}
)
"""Gates without an angle that cancel in pairs."""


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
def transfer(
    source: Ansatz, theta: Any, target: Ansatz, *, orbitals: Sequence[int] | OrbitalMatch | None = None
) -> Transferred:
    r"""Return a circuit that starts at the trained angles of another one.

    A parameter of the target gets the angle of the parameter of the source that drives the same operations, by kind,
    wires and coefficients: the first such parameter of the source for the first of the target, the second for the
    second. All others are zero. So angles are carried along a bond, to a neighbouring molecule of equal shape, to a
    larger active space or basis set, and from k copies of a layer to more, where the further copies begin as the
    identity if their operations do. In neural networks: Yosinski et al. (2014), https://arxiv.org/abs/1411.1792.

    The orbitals of two molecules are those of their self-consistent fields, which may differ in sign and order. Angles
    are carried by the number of the orbital, counted from the highest occupied one; or, with `qvar.match_orbitals`, to
    the orbital that is most alike, with the sign that the signs of the orbitals ask for.

    Args:
        source: the trained circuit.
        theta: (n_params,) its angles, radians.
        target: the circuit to start.
        orbitals: orbital of the target for each orbital of the source, different ones, or a `qvar.OrbitalMatch`; if
            None, they are numbered so that the highest occupied orbitals of both references agree. Of spin models, the
            wire for each wire, by default the same.

    Raises:
        QvarError: if theta has another length or is not finite, the orbitals are not those of the target or lead
            occupied ones to empty ones, gates without angles differ if all other angles are zero, so that angles do not
            mean the same, angles are not affine in theta, or no parameter is carried.
    """
    point = real_numbers("theta", theta, (source.n_params,), finite=True)
    signs = orbitals.signs if isinstance(orbitals, OrbitalMatch) else ()
    places = orbitals.orbitals if isinstance(orbitals, OrbitalMatch) else orbitals
    wires = _wires(source, target, places)
    flipped = _flipped(source, signs)
    own = list(range(target.n_qubits))
    angles = {
        key: sign * angle
        for (key, sign), angle in zip(_numbered(_signatures(source.program, wires, flipped)), point, strict=True)
    }
    wanted = _numbered(_signatures(target.program, own, np.zeros(target.program.n_ops, bool)))
    carried = np.array([key in angles for key, _ in wanted], bool)
    if not carried.any():
        raise QvarError(f"`target` must share operations with {source.name}, but {target.name} shares none.")
    before = _fixed_gates(source.program, wires, np.ones(source.n_params, bool))
    other = _fixed_gates(target.program, own, carried)
    differ = sum((other - before).values()) + sum((before - other).values())
    if differ > 0:
        words = f"have the gates without angles of {source.name} if its further angles are zero"
        raise QvarError(f"`target` must {words}, but those of {target.name} differ in {differ}.")
    start = np.array([sign * angles.get(key, 0.0) for key, sign in wanted])
    return Transferred(
        ansatz=target.start_at(start, start="transferred"),
        theta=start,
        carried=int(carried.sum()),
        fresh=int((~carried).sum()),
    )


def _wires(source: Ansatz, target: Ansatz, orbitals: Sequence[int] | None) -> list[int]:
    """Return the wire of the target for each wire of the source; `QvarError` if their references differ there."""
    first, second = source.program, target.program
    electrons = any(first.bits) and first.n_qubits % 2 == 0 == second.n_qubits % 2
    if not electrons:
        wires = list(range(first.n_qubits)) if orbitals is None else whole_numbers("orbitals", orbitals)
    else:
        if orbitals is None:
            shift = sum(second.bits[::2]) - sum(first.bits[::2])
            places = [p + shift for p in range(first.n_qubits // 2)]
        else:
            places = whole_numbers("orbitals", orbitals)
        wires = [2 * p + spin for p in places for spin in (0, 1)]
    inside = len(set(wires)) == len(wires) == first.n_qubits and all(0 <= w < second.n_qubits for w in wires)
    if not inside and orbitals is None:
        words = "counted from the highest occupied one" if electrons else "by its number"
        place = "orbital" if electrons else "qubit"
        raise QvarError(f"`target` must have each {place} of {source.name}, {words}, but {target.name} has not.")
    number = second.n_qubits // 2 if electrons else second.n_qubits
    require(inside, "orbitals", f"be different numbers below {number}, one for each of the source", orbitals)
    for wire, place in enumerate(wires):
        bits = first.bits[wire], second.bits[place]
        if bits[0] != bits[1]:
            words = (
                f"qubit {wire} of {source.name} starts with {bits[0]} and qubit {place} of {target.name} with {bits[1]}"
            )
            raise QvarError(f"`orbitals` must lead occupied orbitals to occupied ones, but {words}.")
    return wires


def _flipped(source: Ansatz, signs: Sequence[int]) -> np.ndarray:
    """Return the operations whose angle changes its sign with those of the orbitals, (n_ops,).

    These flip an odd number of bits of orbitals of negative sign.
    """
    program = source.program
    flipped = np.zeros(program.n_ops, bool)
    mask = sum(1 << (program.n_qubits - 1 - wire) for wire in range(2 * len(signs)) if signs[wire // 2] < 0)
    if mask == 0:
        return flipped
    lowered = program.lowered
    odd = np.bitwise_count(lowered.x & mask) % 2 == 1
    some, every = flipped.copy(), ~flipped
    some[lowered.slot[odd]] = True
    every[lowered.slot[~odd]] = False
    if (some & ~every).any() or lowered.fixed[odd].any():
        raise QvarError(
            f"`source` must consist of excitations to follow signs of orbitals, but {source.name} does not."
        )
    return some


def _signatures(program: Program, wires: Sequence[int], flipped: np.ndarray) -> list[tuple[Signature, int]]:
    """Return the operations that read each parameter, on other wires, and the sign that is taken out of them."""
    if program.angle_function is not None:
        raise QvarError("`source` and `target` must have angles that are affine in theta, but one has others.")
    parts: list[list[tuple[int, tuple[int, ...], str, float]]] = [[] for _ in range(program.n_params)]
    for op, param, scale in zip(program.angle_op, program.angle_param, program.angle_scale, strict=True):
        on = tuple(wires[w] for w in program.op_wires(int(op)))
        own = round(float(-scale if flipped[op] else scale), 9)
        parts[int(param)].append((int(program.kind[op]), on, program.words[op], own))
    signs = [-1 if part and part[0][-1] < 0 else 1 for part in parts]
    return [
        (tuple((kind, on, word, sign * scale) for kind, on, word, scale in part), sign)
        for part, sign in zip(parts, signs, strict=True)
    ]


def _numbered(signatures: Sequence[tuple[Signature, int]]) -> list[tuple[tuple[Signature, int], int]]:
    """Return signatures with the number of equal ones before, each with its sign."""
    seen: Counter[Signature] = Counter()
    numbered = []
    for signature, sign in signatures:
        numbered.append(((signature, seen[signature]), sign))
        seen[signature] += 1
    return numbered


def _fixed_gates(program: Program, wires: Sequence[int], used: np.ndarray) -> Counter[tuple[str, tuple[int, ...]]]:
    """Return the gates without an angle, on other wires, that are left if parameters that are not used are zero.

    Equal neighbours that are their own inverse cancel.
    """
    driven = np.zeros(program.n_ops, bool)
    driven[program.angle_op[used[program.angle_param]]] = True
    driven |= program.offset != 0.0
    stacks: list[list[int]] = [[] for _ in range(program.n_qubits)]
    left: set[int] = set()
    for op in range(program.n_ops):
        kind, on = KINDS[program.kind[op]], program.op_wires(op)
        if kind.parametric and not driven[op]:
            continue
        before = {stacks[wire][-1] if stacks[wire] else -1 for wire in on}
        last = before.pop() if len(before) == 1 else -1
        same = last in left and program.kind[last] == program.kind[op]
        if same and kind.name in _OWN_INVERSE and np.array_equal(program.op_wires(last), on):
            left.remove(last)
            for wire in on:
                stacks[wire].pop()
            continue
        for wire in on:
            stacks[wire].append(op)
        if not kind.parametric:
            left.add(op)
    return Counter((KINDS[program.kind[op]].name, tuple(wires[w] for w in program.op_wires(op))) for op in left)
