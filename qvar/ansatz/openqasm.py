"""Circuits as OpenQASM text."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from qvar._types import Connectivity
from qvar.ansatz.exported_gates import exported
from qvar.ansatz.program import Program
from qvar.errors import QvarError

QasmVersion: TypeAlias = Literal[2, 3]
"""Major version of OpenQASM."""

_TO_VERSION_2 = {"p": "u1"}
"""Names in the file `qelib1.inc` of the paper of OpenQASM 2, if they differ."""


def openqasm(program: Program, name: str, theta: Any, version: QasmVersion, connectivity: Connectivity) -> str:
    """Return a circuit as OpenQASM; see `Ansatz.to_openqasm`."""
    if version == 2 and theta is None and program.n_params:
        raise QvarError(
            f"`theta` must be {program.n_params} numbers for OpenQASM 2, which has no parameters, but is None."
        )
    circuit = exported(program, theta, connectivity)
    n_qubits = program.n_qubits
    title = f"// {' '.join(name.split())}; q[0] is the most significant bit of a basis state's number in qvar"
    if version == 2:
        lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', title, f"qreg q[{n_qubits}];"]
    else:
        inputs = range(program.n_params if theta is None else 0)
        lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', title]
        lines += [*(f"input float[64] theta{k};" for k in inputs), f"qubit[{n_qubits}] q;"]
        if circuit.phase.constant or circuit.phase.terms:
            lines.append(f"gphase({circuit.phase.text()});")
    for gate, wires, angle in circuit.gates:
        on = ", ".join(f"q[{wire}]" for wire in wires)
        if version == 2 and gate == "sx":
            lines.append(f"rx(pi/2) {on};")
        else:
            word = _TO_VERSION_2.get(gate, gate) if version == 2 else gate
            lines.append(f"{word} {on};" if angle is None else f"{word}({angle.text()}) {on};")
    return "\n".join([*lines, ""])
