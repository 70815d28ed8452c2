"""Counting what a program costs after decomposition to CNOT and single-qubit gates."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import numpy as np

from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.objective import Costs

_GENERIC_ANGLE = 0.3712  # no gate vanishes or simplifies at this angle


def count(program: Program, n_ops: int | None = None) -> Costs:
    """Count qubits, CNOTs and depth of a program, the preparation of its reference included.

    PennyLane decomposes each distinct gate once; the count is linear in the number of decomposed gates.

    Args:
        program: the circuit.
        n_ops: number of operations that count, from the first; all if None.
    """
    depth = np.array(program.reference, dtype=np.int64)  # one X gate on every occupied wire
    cnots = 0
    for index in range(program.n_ops if n_ops is None else n_ops):
        wires = program.op_wires(index)
        span = tuple(range(min(wires), max(wires) + 1)) if KINDS[program.kind[index]].name.startswith("F") else wires
        relative = tuple(span.index(w) for w in wires) if wires else ()
        for gate in _decomposed(int(program.kind[index]), relative, len(span), program.words[index]):
            on = [span[w] for w in gate]
            depth[on] = depth[on].max() + 1
            cnots += len(on) == 2
    return Costs(n_qubits=program.n_qubits, two_qubit_gates=cnots, depth=int(depth.max(initial=0)))


@cache
def _decomposed(kind: int, wires: tuple[int, ...], span: int, word: str) -> tuple[tuple[int, ...], ...]:
    """Wires of each CNOT or single-qubit gate that one operation becomes."""
    if len(wires) == 1 or KINDS[kind].name == "CNOT":  # without PennyLane, which takes seconds to import
        return (wires,)
    from pennylane.tape import make_qscript
    from pennylane.transforms import decompose

    from qvar.ansatz.pennylane_io import emit_operation

    builder = ProgramBuilder(max(span, 1), 0)
    builder.add(KINDS[kind].name, wires, word=word)
    program = builder.build()
    tape = make_qscript(emit_operation)(program, 0, _GENERIC_ANGLE)

    def is_basic(operation: Any) -> bool:
        return len(operation.wires) <= 1 or operation.name in ("CNOT", "CZ", "CY")

    (flat,), _ = cast(Any, decompose(tape, stopping_condition=is_basic))
    gates: list[tuple[int, ...]] = []
    for operation in flat.operations:
        on = tuple(int(w) for w in operation.wires)
        if operation.name in ("CZ", "CY"):  # one CNOT between two single-qubit gates; PennyLane takes two
            gates += [on[1:], on, on[1:]]
        elif on:
            gates.append(on)
    return tuple(gates)
