"""Circuits as Qiskit's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qvar._types import Connectivity
from qvar.ansatz.exported_gates import AffineAngle, exported
from qvar.ansatz.program import Program
from qvar.errors import QvarError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


def qiskit_circuit(program: Program, name: str, theta: Any, connectivity: Connectivity) -> QuantumCircuit:
    """Return a circuit in Qiskit; see `Ansatz.to_qiskit`."""
    try:
        from qiskit.circuit import ParameterVector, QuantumCircuit
    except ImportError as error:
        raise QvarError("Qiskit must be installed for a circuit in it: pip install 'qvar-sim[qiskit]'.") from error
    circuit = exported(program, theta, connectivity)
    parameters = ParameterVector("theta", program.n_params)

    def value(angle: AffineAngle) -> Any:
        total: Any = angle.constant
        for parameter, scale in angle.terms.items():
            term = parameters[parameter] if scale == 1.0 else scale * parameters[parameter]
            total = term if isinstance(total, float) and total == 0.0 else total + term
        return total

    result = QuantumCircuit(program.n_qubits, name=name, global_phase=value(circuit.phase))
    for gate, wires, angle in circuit.gates:
        getattr(result, gate)(*([] if angle is None else [value(angle)]), *wires)
    return result
