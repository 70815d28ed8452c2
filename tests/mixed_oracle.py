"""Local noise on PennyLane's own mixed-state device."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pennylane as qml

import qvar
from qvar.ansatz.pennylane_io import emit_operation, emit_reference, operation_angles
from qvar.engines.density_matrix import Channel, Gates, _noisy_program
from qvar.engines.pennylane_reference import checked_observable, pennylane_gradient

_CHANNELS = {
    "depolarizing": "DepolarizingChannel",
    "bit_flip": "BitFlip",
    "phase_flip": "PhaseFlip",
    "amplitude_damping": "AmplitudeDamping",
}


def mixed_oracle(
    problem: Any, ansatz: qvar.Ansatz, probability: float, channel: Channel = "depolarizing", gates: Gates = "written"
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Return noisy energy and gradient at theta as PennyLane's `default.mixed` computes them."""
    program = _noisy_program(ansatz, probability, gates)
    observable = checked_observable(problem, ansatz)

    @qml.qnode(qml.device("default.mixed", wires=program.n_qubits), interface="autograd", diff_method="backprop")
    def node(theta: Any) -> Any:
        emit_reference(program)
        angles = operation_angles(program, theta)
        for index in range(program.n_ops):
            emit_operation(program, index, angles[index])
            for wire in program.op_wires(index):
                getattr(qml, _CHANNELS[channel])(probability, wires=wire)
        return qml.expval(observable)

    return pennylane_gradient(node)
