"""Circuits on a line of qubits: CNOTs of neighbors alone, by SWAPs that bring qubits together."""

from __future__ import annotations

import numpy as np

from qvar._types import Connectivity, CostModel
from qvar.ansatz.decompositions import has_circuit
from qvar.ansatz.elementary import elementary, operations, with_function
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.ansatz.resources import Synthesis, count
from qvar.errors import QvarError
from qvar.objective import Costs

_AHEAD = 12
"""Following CNOTs whose distances choose the place where two qubits meet."""

_DECAY = 0.8
"""Weight of each of them relative to the one before."""


def require_published(costs: CostModel | None, connectivity: Connectivity) -> None:
    """Refuse a line of qubits for other circuits than the published ones."""
    if connectivity == "line" and costs != "published":
        raise QvarError(f"`connectivity` must be 'all' unless `costs` is 'published', but `costs` is {costs!r}.")


def count_on(
    program: Program,
    n_ops: int | None,
    connectivity: Connectivity,
    model: CostModel,
    precision: float,
    synthesis: Synthesis,
) -> Costs:
    """Count a program as `qvar.ansatz.resources.count` does, on qubits that are all connected or on a line."""
    if connectivity == "line" and all(map(has_circuit, operations(program)[:n_ops])):
        program, n_ops = on_line(program, n_ops), None
    return count(program, n_ops, model, precision, synthesis)


def on_line(program: Program, n_ops: int | None = None) -> Program:
    r"""Return the published circuit with CNOTs between neighboring wires alone.

    Two distant qubits meet on the way between them, at the place from which the next CNOTs are nearest. A SWAP is three
    CNOTs. In the end SWAPs bring all qubits back, so that the circuit equals the program at every theta. Costs
    O(number of gates \(\times\) number of qubits).

    The first `n_ops` operations are taken, all if None.
    """
    flat = elementary(program, n_ops)
    ops, rows = operations(flat), flat.angle_rows
    pairs = [operation.wires for operation in ops if len(operation.wires) == 2]
    function = flat.angle_function is not None
    builder = ProgramBuilder(flat.n_qubits, flat.n_ops if function else flat.n_params, flat.reference)
    place = list(range(flat.n_qubits))  # of each qubit
    done = 0

    def swap(left: int) -> None:
        for pair in ((left, left + 1), (left + 1, left), (left, left + 1)):
            builder.add("CNOT", pair)
        a, b = place.index(left), place.index(left + 1)
        place[a], place[b] = left + 1, left

    for index, operation in enumerate(ops):
        if len(operation.wires) == 2:
            done += 1
            for left in _meeting(place, operation.wires, pairs[done : done + _AHEAD]):
                swap(left)
        row = {index: 1.0} if function else rows[index]
        offset = 0.0 if function else float(flat.offset[index])
        wires = [place[wire] for wire in operation.wires]
        parametric = KINDS[operation.kind].parametric
        builder.add(operation.name, wires, row if parametric else None, offset=offset, word=operation.word)
    for _ in range(flat.n_qubits):  # odd-even transposition sort
        for begin in (0, 1):
            for left in range(begin, flat.n_qubits - 1, 2):
                if place.index(left) > place.index(left + 1):
                    swap(left)
    return with_function(builder.build(), flat)


def _meeting(place: list[int], pair: tuple[int, ...], following: list[tuple[int, ...]]) -> list[int]:
    """Return the SWAPs that make a pair neighbors, each by its left wire, with the next pairs as near as possible."""
    low, high = sorted(place[qubit] for qubit in pair)
    ways = [[*range(low, at), *range(high - 1, at, -1)] for at in range(low, high)]
    weights = _DECAY ** np.arange(len(following))

    def far(way: list[int]) -> float:
        moved = list(place)
        for left in way:
            a, b = moved.index(left), moved.index(left + 1)
            moved[a], moved[b] = left + 1, left
        return float(weights @ np.array([abs(moved[a] - moved[b]) for a, b in following], dtype=float))

    return min(ways, key=far)
