"""Program to the program of its published circuit: CNOTs and gates of one qubit, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Array

from qvar.ansatz.decompositions import Gate, Operation, decomposition, groups
from qvar.ansatz.program import Program, ProgramBuilder, affine_angles


@dataclass(frozen=True)
class Terms:
    """Affine angles of a program, operation by operation."""

    offset: list[float]
    """Constant part of each angle, radians; 0 if a function computes the angle."""
    rows: list[dict[int, float]]
    """{parameter: coefficient} of each angle."""
    function: bool
    """True if the angles are not affine."""

    @classmethod
    def of(cls, program: Program) -> Terms:
        """Read a program."""
        return cls(program.offset.tolist(), program.angle_rows, program.angle_function is not None)

    def combined(self, scales: Mapping[int, float]) -> tuple[dict[int, float], float]:
        """Return {parameter: coefficient} and constant part of a linear combination {operation: scale} of angles."""
        row: dict[int, float] = {}
        for op, scale in scales.items():
            for param, inner in self.rows[op].items():
                row[param] = row.get(param, 0.0) + scale * inner
        return row, sum(scale * self.offset[op] for op, scale in scales.items())

    def ratio(self, first: int, second: int) -> float | None:
        """Return +1 or -1 if the second angle is always the first one times this, else None."""
        if self.function:
            return None
        for sign in (1.0, -1.0):
            turned = {param: sign * scale for param, scale in self.rows[first].items()}
            if self.rows[second] == turned and self.offset[second] == sign * self.offset[first]:
                return sign
        return None


def operations(program: Program) -> list[Operation]:
    """Return the operations of a program, without their angles."""
    return [
        Operation(int(program.kind[index]), program.op_wires(index), program.words[index])
        for index in range(program.n_ops)
    ]


def elementary_gates(program: Program, terms: Terms, n_ops: int | None = None) -> Iterator[tuple[int, Gate]]:
    """Yield the gates of the published circuit, each with the operation from which its group begins.

    The first `n_ops` operations count, all if None. Costs O(number of gates).
    """
    ops = operations(program)[:n_ops]
    for group in groups(ops):
        ratio = terms.ratio(*group) if len(group) == 2 else None
        for gate in decomposition(tuple(ops[group.start : group.stop]), ratio):
            yield group.start, gate


def elementary(program: Program, n_ops: int | None = None) -> Program:
    """Return the same circuit in CNOTs and gates of one qubit, as `qvar.ansatz.decompositions` writes it.

    Equal to the program at every theta, the global phase included. Its angles are affine if the program's are.

    The first `n_ops` operations are taken, all if None.
    """
    terms = Terms.of(program)
    builder = ProgramBuilder(program.n_qubits, program.n_ops if terms.function else program.n_params, program.reference)
    for begin, gate in elementary_gates(program, terms, n_ops):
        scales = {begin + number: scale for number, scale in gate.angle.items() if scale}
        row, constant = (scales, 0.0) if terms.function else terms.combined(scales)
        builder.add(gate.kind, gate.wires, row, offset=gate.offset + constant)
    return with_function(builder.build(), program)


def with_function(built: Program, program: Program) -> Program:
    """Return a circuit whose parameters are the angles of a program, if these are not affine, with its function."""
    if program.angle_function is None:
        return built
    none = {"angle_op": built.angle_op[:0], "angle_param": built.angle_param[:0], "angle_scale": built.angle_scale[:0]}
    function = _GateAngles(program.angle_function, built.affine_map)
    return replace(built, n_params=program.n_params, angle_function=function, **none)


@dataclass(frozen=True, eq=False)
class _GateAngles:
    """theta -> angles of the gates, affine in the angles of the operations."""

    angle_function: Callable[[Any], Array]
    affine_map: tuple[Any, Any, Any, Any]

    def __call__(self, theta: Any) -> Array:
        return affine_angles(self.angle_function(theta), self.affine_map)
