"""Reference of the engines: the same ansatz and Hamiltonian in PennyLane's own simulators.

Slow and independent, for checks and benchmarks: circuit, Hamiltonian (a Jordan-Wigner sum of Pauli words) and gradient
are PennyLane's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

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
    return _observable(problem)


def _observable(problem: Problem | Any) -> Any:
    from qvar.problems.fermion_mapping import operator_of

    return problem.hamiltonian() if isinstance(problem, Problem) else operator_of(problem)


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


def function_oracle(
    problem: Problem | Any, function: Callable[[Any], Any], n_qubits: int
) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    """Return energy and exact gradient of a quantum function as `"default.qubit"` computes them, as `oracle` does.

    PennyLane differentiates by the numbers in the gates, by backpropagation, and JAX these numbers by theta. PennyLane
    with JAX's arrays would compile every step of the simulation by itself.
    """
    import pennylane as qml
    from pennylane import pytrees

    observable = _observable(problem)

    def value_and_grad(theta: FloatArray) -> tuple[float, FloatArray]:
        varying: dict[int, Any] = {}

        def numbers(point: Any) -> Any:
            """Return real and imaginary parts of all numbers that depend on theta, one after the other."""
            leaves, _ = pytrees.flatten(_operations(function, point))
            varying.update({index: one for index, one in enumerate(leaves) if isinstance(one, Tracer)})
            parts = [jnp.ravel(part) for one in varying.values() for part in _parts(one, jnp)]
            return jnp.concatenate(parts) if parts else jnp.zeros(0)

        values, pull_back = jax.vjp(numbers, jnp.asarray(theta))
        leaves, structure = pytrees.flatten(_in_numpy(_operations(function, jnp.asarray(theta))))

        @qml.qnode(qml.device("default.qubit", wires=n_qubits), interface="autograd", diff_method="backprop")
        def node(values: Any) -> Any:
            bound, first = list(leaves), 0
            for index in varying:
                parts = []
                for like in _parts(leaves[index], np):
                    parts.append(values[first : first + like.size].reshape(like.shape))
                    first += like.size
                bound[index] = parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]
            with qml.QueuingManager.stop_recording():
                operations = pytrees.unflatten(bound, structure)
            for operation in operations:
                qml.apply(operation)
            return qml.expval(observable)

        if not varying:
            return float(node(np.zeros(0))), np.zeros(np.shape(theta))
        value, gradient = pennylane_gradient(node)(np.asarray(values))
        return value, np.asarray(pull_back(jnp.asarray(gradient))[0])

    return value_and_grad


def function_state(function: Callable[[Any], Any], n_qubits: int) -> Callable[[FloatArray], np.ndarray]:
    """Return the state (2^n,) that a quantum function prepares from theta, as `"default.qubit"` computes it."""
    import pennylane as qml
    from pennylane.tape import QuantumScript

    device = qml.device("default.qubit", wires=n_qubits)

    def state(theta: FloatArray) -> np.ndarray:
        script = QuantumScript(_in_numpy(_operations(function, jnp.asarray(theta))), [qml.state()])
        with np.errstate(invalid="ignore"):  # angles that are not finite
            (result,) = qml.execute([script], device)
        return np.asarray(result)

    return state


def _operations(function: Callable[[Any], Any], theta: Any) -> list[Any]:
    """Return the operations that a quantum function of JAX's arrays applies."""
    from pennylane.tape import make_qscript

    with jax.numpy_rank_promotion("allow"):  # a setting for qvar's own functions
        return make_qscript(function)(theta).operations


def _in_numpy(operations: list[Any]) -> list[Any]:
    """Return operations with NumPy's arrays in them, in place of JAX's."""
    from pennylane import pytrees

    leaves, structure = pytrees.flatten(operations)
    return pytrees.unflatten([np.asarray(one) if isinstance(one, jax.Array) else one for one in leaves], structure)


def _parts(number: Any, library: Any) -> list[Any]:
    """Return real and imaginary part of a number that is complex, and a real one alone."""
    return [library.real(number), library.imag(number)] if library.iscomplexobj(number) else [number]
