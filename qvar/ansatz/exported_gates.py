"""A program as gates that every quantum SDK has, with numbers or expressions of the parameters as angles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qvar._types import Connectivity
from qvar.ansatz.elementary import Terms, elementary
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import Program
from qvar.ansatz.routing import on_line
from qvar.errors import QvarError

STANDARD_NAMES: Mapping[str, str] = {
    "RX": "rx",
    "RY": "ry",
    "RZ": "rz",
    "PhaseShift": "p",
    "PauliX": "x",
    "PauliY": "y",
    "PauliZ": "z",
    "Hadamard": "h",
    "S": "s",
    "T": "t",
    "SX": "sx",
    "CNOT": "cx",
}
"""Kinds that a published circuit consists of: their names in OpenQASM's `stdgates.inc` and in Qiskit."""


class AffineAngle(NamedTuple):
    """An angle that is affine in theta; a number if `terms` is empty."""

    constant: float
    """Constant part, radians."""
    terms: Mapping[int, float]
    """Parameter -> coefficient; no zeros."""

    def text(self, times: str = "*", number: Callable[[float], str] = repr) -> str:
        """Write the angle as an expression of `theta0`, `theta1`, ..."""
        words = []
        for parameter, scale in self.terms.items():
            factor = "" if abs(scale) == 1.0 else f"{number(abs(scale))}{times}"
            words.append(("-" if scale < 0.0 else "+", f"{factor}theta{parameter}"))
        if self.constant or not words:
            words.append(("-" if self.constant < 0.0 else "+", number(abs(self.constant))))
        (sign, first), *others = words
        return " ".join([first if sign == "+" else f"-{first}", *(f"{sign} {word}" for sign, word in others)])


class ExportedGate(NamedTuple):
    """One gate."""

    name: str
    """Its name in OpenQASM and in Qiskit."""
    wires: tuple[int, ...]
    angle: AffineAngle | None
    """None for a gate without one."""


@dataclass(frozen=True)
class ExportedCircuit:
    r"""Gates, the first acts first, and \\(e^{i \\text{phase}}\\) times the whole."""

    gates: list[ExportedGate]
    phase: AffineAngle


def affine_angles_of(program: Program, theta: Any) -> list[AffineAngle]:
    """Return the angle of every operation: numbers, or expressions of the parameters if theta is None.

    Raises `QvarError` if theta is None and the angles are not affine.
    """
    terms = Terms.of(program)
    if theta is None:
        if terms.function:
            raise QvarError(
                f"`theta` must be {program.n_params} numbers for a circuit whose angles are not affine in theta, but "
                "is None."
            )
        rows = ({k: c for k, c in row.items() if c} for row in terms.rows)
        return [AffineAngle(constant, row) for constant, row in zip(terms.offset, rows, strict=True)]
    if program.angle_function is not None:
        angles = np.asarray(program.angle_function(theta), float)
    else:
        angles = np.array(program.offset, float)
        np.add.at(angles, program.angle_op, program.angle_scale * theta[program.angle_param])
    return [AffineAngle(angle, {}) for angle in angles.tolist()]


def exported(program: Program, theta: Any, connectivity: Connectivity = "all") -> ExportedCircuit:
    """Return the published circuit of a program, preparation of its reference included.

    Equal to the program at every theta, the global phase included. Costs O(number of gates).

    Angles are expressions of the parameters if theta is None.

    Raises `QvarError` if theta is None and the angles are not affine, a sum of excitations has no published circuit, or
    the circuit starts from a state other than a determinant.
    """
    if program.initial is not None:
        raise QvarError("`ansatz` must start from a determinant to be taken out, but starts from another state.")
    circuit = on_line(program) if connectivity == "line" else elementary(program)
    gates = [ExportedGate("x", (wire,), None) for wire, bit in enumerate(program.bits) if bit]
    constant, phases = 0.0, {}
    for index, angle in enumerate(affine_angles_of(circuit, theta)):
        kind = KINDS[circuit.kind[index]]
        if kind.name == "GlobalPhase":  # exp(-i angle)
            constant -= angle.constant
            for parameter, scale in angle.terms.items():
                phases[parameter] = phases.get(parameter, 0.0) - scale
        else:
            own = angle if kind.parametric else None
            gates.append(ExportedGate(STANDARD_NAMES[kind.name], circuit.op_wires(index), own))
    return ExportedCircuit(gates, AffineAngle(constant, {k: c for k, c in phases.items() if c}))
