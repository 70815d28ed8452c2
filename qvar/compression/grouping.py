"""Groups of parameters that are removed together: layers, classes of operations, sets of qubits."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from qvar._types import IntArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.gates import KINDS
from qvar.checks import one_of, whole_numbers
from qvar.errors import QvarError, shown

Grouping: TypeAlias = Literal["parameter", "layer", "class", "qubits"]
"""`"parameter"`: each alone. `"layer"`: those of one layer. `"class"`: those whose operations have the same kind and
spins, such as single excitations of spin up. `"qubits"`: those whose operations act on the same qubits."""

_CHOICES = ("parameter", "layer", "class", "qubits")


def groups_of(ansatz: Ansatz, groups: Any) -> list[IntArray]:
    """Return the numbers of the parameters of each group.

    Raises:
        QvarError: if the word is unknown, a parameter does not exist or is in two groups, or the circuit has no
            layers of equally many parameters.
    """
    if isinstance(groups, str) or not isinstance(groups, Sequence | np.ndarray):
        match one_of("groups", groups, _CHOICES):
            case "layer":
                return _layers(ansatz)
            case "class":
                return _equal(_classes(ansatz))
            case "qubits":
                return _equal(
                    [frozenset(w for op in ops for w in ansatz.program.op_wires(op)) for ops in _operations(ansatz)]
                )
            case _:
                return [np.array([k]) for k in range(ansatz.n_params)]
    rows = [whole_numbers("groups", row) for row in groups]
    flat = [k for row in rows for k in row]
    if not rows or not all(rows) or len(set(flat)) < len(flat) or not all(0 <= k < ansatz.n_params for k in flat):
        words = f"lists of different numbers from 0 to {ansatz.n_params - 1}"
        raise QvarError(f"`groups` must hold {words} for {ansatz.name}, but is {shown(groups)}.")
    return [np.array(sorted(row)) for row in rows]


def _equal(labels: Sequence[Hashable]) -> list[IntArray]:
    """Return the places of equal labels, in the order in which labels first appear."""
    places: dict[Hashable, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    return [np.array(row) for row in places.values()]


def _operations(ansatz: Ansatz) -> list[list[int]]:
    """Return the operations that each parameter drives."""
    program = ansatz.program
    if program.angle_function is not None:
        raise QvarError(f"`groups` must be 'parameter' if angles are not affine in theta as in {ansatz.name}.")
    driven: list[list[int]] = [[] for _ in range(ansatz.n_params)]
    for op, param in zip(program.angle_op.tolist(), program.angle_param.tolist(), strict=True):
        driven[param].append(op)
    return driven


def _classes(ansatz: Ansatz) -> list[Hashable]:
    """Return kind, and spins of an excitation or word of a Pauli rotation, of the operations of each parameter."""
    program = ansatz.program

    def label(op: int) -> Hashable:
        name = KINDS[program.kind[op]].name
        spins = tuple(sorted(wire % 2 for wire in program.op_wires(op))) if "Excitation" in name else ()
        return name, spins, program.words[op]

    return [tuple(sorted({label(op) for op in ops}, key=repr)) for ops in _operations(ansatz)]


def _layers(ansatz: Ansatz) -> list[IntArray]:
    """Return the parameters of each layer, which follow each other; a last layer of rotations is one, too."""
    settings = ansatz.settings
    layers = next((settings[key] for key in ("layers", "reps") if key in settings), None)
    if layers is not None and ansatz.n_params % (number := layers + bool(settings.get("final_rotations"))) == 0:
        return list(np.arange(ansatz.n_params).reshape(number, -1))
    raise QvarError(f"`groups` must not be 'layer' for {ansatz.name}, which has no layers of equally many parameters.")
