"""Costs of a circuit on hardware, in the circuits of the literature or in PennyLane's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from qvar._types import CostModel
from qvar.ansatz.decompositions import groups, has_circuit
from qvar.ansatz.elementary import Terms, elementary_gates, operations
from qvar.ansatz.gates import KIND_INDEX, KINDS
from qvar.ansatz.initial_state import InitialState
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.objective import Costs

ROTATION_PRECISION = 1e-10
"""Error of each rotation that is approximated by T gates, in the operator norm."""

Synthesis: TypeAlias = Literal["deterministic", "mixed_fallback"]
"""Approximation of a rotation by T gates."""

_GENERIC_ANGLE = 0.3712  # no gate vanishes or simplifies at this angle
_ROTATIONS = ("RX", "RY", "RZ", "PhaseShift", "U1", "Rot", "U2", "U3")


class _Step(NamedTuple):
    """One gate of a decomposed circuit."""

    wires: tuple[int, ...]
    rotations: int
    """Number of rotations by an angle that is no multiple of pi/4."""
    t_gates: int


def t_gates_of_rotation(precision: float, synthesis: Synthesis = "deterministic") -> float:
    r"""Return the T gates of one rotation by any angle, to an error \(\epsilon\).

    `"deterministic"`: \(\lceil 3 \log_2(1/\epsilon) \rceil\) (Ross and Selinger 2016). `"mixed_fallback"`:
    \(0.56 \log_2(1/\epsilon) + 5.3\) on average, by a random choice between circuits that may fail and are then
    corrected, with roots of T gates as well (Kliuchnikov et al., Quantum 7, 1208 (2023),
    https://doi.org/10.22331/q-2023-12-18-1208).
    """
    bits = math.log2(1.0 / precision)
    return math.ceil(3.0 * bits) if synthesis == "deterministic" else 0.56 * bits + 5.3


def count(
    program: Program,
    n_ops: int | None = None,
    model: CostModel = "published",
    precision: float = ROTATION_PRECISION,
    synthesis: Synthesis = "deterministic",
) -> Costs:
    r"""Count qubits, CNOTs, depths and T gates of a program, the preparation of its reference included.

    A rotation takes the T gates of `t_gates_of_rotation`, one by pi/4 a single one, one by pi/2 none. Costs O(number of
    gates).

    The first `n_ops` operations count, all if None; `precision` is the error of each rotation. Only the number of
    qubits is known of a circuit that starts from a state other than a determinant, or has a sum of excitations that do
    not commute: no circuit is published.
    """
    if isinstance(program.reference, InitialState) or not all(
        has_circuit(operation) for operation in operations(program)[:n_ops]
    ):
        return Costs(n_qubits=program.n_qubits, cost_model=model)
    depth = list(program.reference)  # one X gate on every occupied wire
    cnot_depth = [0] * program.n_qubits
    cnots = rotations = t_gates = 0
    steps = _published(program, n_ops) if model == "published" else _pennylane(program, n_ops)
    for wires, turns, exact in steps:
        level = max([depth[wire] for wire in wires], default=0) + 1
        for wire in wires:
            depth[wire] = level
        if len(wires) == 2:
            a, b = wires
            cnots += 1
            cnot_depth[a] = cnot_depth[b] = max(cnot_depth[a], cnot_depth[b]) + 1
        rotations += turns
        t_gates += exact
    return Costs(
        n_qubits=program.n_qubits,
        two_qubit_gates=cnots,
        depth=max(depth, default=0),
        cnot_depth=max(cnot_depth, default=0),
        t_gates=t_gates + math.ceil(rotations * t_gates_of_rotation(precision, synthesis)),
        cost_model=model,
    )


def cost_citations(program: Program) -> set[str]:
    """Return the papers of the published circuits that a program is counted by, keys of `qvar/citations.bib`."""
    ops = operations(program)
    if not any("Excitation" in operation.name and has_circuit(operation) for operation in ops):
        return set()
    coupled = any(len(group) > 1 for group in groups(ops))
    return {"yordanov2020", "ramoa2024"} if coupled else {"yordanov2020"}


def _published(program: Program, n_ops: int | None) -> Iterator[_Step]:
    terms = Terms.of(program)
    for begin, gate in elementary_gates(program, terms, n_ops):
        if gate.kind == "GlobalPhase":
            continue
        row, constant = terms.combined({begin + number: scale for number, scale in gate.angle.items()})
        varies = bool(row) or (terms.function and bool(gate.angle))
        yield _Step(gate.wires, *_turns(gate.kind, None if varies else gate.offset + constant))


def _turns(name: str, angle: float | None) -> tuple[int, int]:
    """Return the numbers of rotations and of exact T gates of a gate; the angle is None if it varies."""
    if name == "T":
        return 0, 1
    if name not in _ROTATIONS:
        return 0, 0
    eighths = math.nan if angle is None else angle / (math.pi / 4)
    if not abs(eighths - np.round(eighths)) < 1e-9:
        return 1, 0
    return 0, int(np.round(eighths)) % 2


def _pennylane(program: Program, n_ops: int | None) -> Iterator[_Step]:
    terms = Terms.of(program)
    for index in range(program.n_ops if n_ops is None else n_ops):
        wires = program.op_wires(index)
        stringed = KINDS[program.kind[index]].name.startswith(("Fermionic", "ExcitationSum"))
        span = tuple(range(min(wires), max(wires) + 1)) if stringed else wires
        relative = tuple(span.index(w) for w in wires) if wires else ()
        angle = _GENERIC_ANGLE if terms.function or terms.rows[index] else terms.offset[index]
        for step in _decomposed(int(program.kind[index]), relative, len(span), program.words[index], angle):
            yield step._replace(wires=tuple(span[wire] for wire in step.wires))


@lru_cache(maxsize=4096)
def _decomposed(kind: int, wires: tuple[int, ...], span: int, word: str, angle: float) -> tuple[_Step, ...]:
    """Return the gates of one qubit, and CNOTs, into which PennyLane decomposes one operation."""
    name = KINDS[kind].name
    if len(wires) == 1 or kind == KIND_INDEX["CNOT"]:  # without PennyLane, which takes seconds to import
        return (_Step(wires, *_turns(name, angle)),)
    from pennylane.tape import make_qscript

    from qvar.ansatz.pennylane_io import elementary_operations, emit_operation

    builder = ProgramBuilder(max(span, 1), 0)
    builder.add(name, wires, word=word)
    steps: list[_Step] = []
    for operation in elementary_operations(make_qscript(emit_operation)(builder.build(), 0, angle)):
        on = tuple(int(w) for w in operation.wires)
        if len(on) == 2:
            steps.append(_Step(on, 0, 0))
        elif on:
            turns = [_turns(operation.name, float(value)) for value in operation.parameters]
            is_t = operation.name in ("T", "Adjoint(T)")
            steps.append(_Step(on, sum(n for n, _ in turns), sum(n for _, n in turns) + is_t))
    return tuple(steps)
