"""Reference of the engines: the same ansatz and Hamiltonian in PennyLane's own simulators.

Slow and independent, for checks and benchmarks: circuit, Hamiltonian (a Jordan-Wigner sum of Pauli words) and gradient
are PennyLane's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.errors import QvarError
from qvar.problems.problem import Problem

Device: TypeAlias = Literal["default.qubit", "lightning.qubit"]


def oracle(
    problem: Problem | Any, ansatz: Ansatz, device: Device = "default.qubit"
) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    """Return energy and exact gradient as PennyLane computes them.

    `"default.qubit"` differentiates by backpropagation, `"lightning.qubit"` by the adjoint method. The problem may be a
    PennyLane observable.

    Returns:
        Function of theta (n_params,) that returns the value and the gradient (n_params,). Time and memory grow as
        2^n times gates times, for the observable, Pauli words.

    Raises:
        QvarError: if the device is unknown or the angles are not affine in theta.
    """
    import pennylane as qml

    methods = {"default.qubit": "backprop", "lightning.qubit": "adjoint"}
    if device not in methods:
        raise QvarError(f"`device` must be 'default.qubit' or 'lightning.qubit', but is {device!r}.")
    observable = checked_observable(problem, ansatz)

    @qml.qnode(qml.device(device, wires=ansatz.n_qubits), interface="autograd", diff_method=methods[device])
    def node(theta: Any) -> Any:
        ansatz.circuit(theta)
        return qml.expval(observable)

    return pennylane_gradient(node)


def checked_observable(problem: Problem | Any, ansatz: Ansatz) -> Any:
    """Return the PennyLane observable of a problem; an observable itself.

    Raises `QvarError` if the circuit's angles are not affine in theta, which PennyLane could not differentiate.
    """
    if ansatz.program.angle_function is not None:
        raise QvarError(f"`ansatz` must have angles that are affine in theta, but those of {ansatz.name} are not.")
    return problem.hamiltonian() if isinstance(problem, Problem) else problem


def pennylane_gradient(node: Any) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    """Return value and gradient of a PennyLane QNode of the interface `autograd`, as functions of NumPy arrays."""
    import pennylane as qml
    from pennylane import numpy as pnp

    gradient = qml.grad(node)

    def value_and_grad(theta: FloatArray) -> tuple[float, FloatArray]:
        trainable = pnp.array(np.asarray(theta, dtype=float), requires_grad=True)
        derivatives = np.asarray(gradient(trainable), dtype=float)
        return float(np.asarray(gradient.forward)), derivatives  # PennyLane keeps the value of the same forward pass

    return value_and_grad
