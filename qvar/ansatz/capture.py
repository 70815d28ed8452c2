"""One run of a user's quantum function under JAX's tracing, or the reason why it cannot be traced."""

from __future__ import annotations

import inspect
import re
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from qvar.ansatz.angle_function import AngleFunction, computation_digest
from qvar.ansatz.initial_state import InitialState
from qvar.ansatz.recognize import Step, steps
from qvar.errors import QvarError

_MOST_RECORDINGS = 8
_OPERATIONS_RECORDED = 400
"""A function is recorded again up to this many operations, to detect one that draws its gates at random."""


_NEEDS_NUMBERS = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


_ON_SHAPES = re.compile("shape|dimension|size|length|tensor|array|axis|axes|index|indices|unpack", re.IGNORECASE)
"""Words of an exception that may come from theta in another shape than a template wants."""

_INSIDE = (
    "`quantum_function` must apply its gates by itself, but applies some inside of jax.jit, jax.lax.scan, jax.vmap or "
    "the like, or is made inside of one."
)


@dataclass(frozen=True, eq=False)
class Recording:
    """Operations that a quantum function applies."""

    reference: tuple[int, ...] | InitialState
    """(n_qubits,) bits of the reference determinant, or the state that is prepared first."""
    operations: tuple[tuple[str, tuple[int, ...], str], ...]
    """Kind, wires and Pauli word of each operation."""
    angles: AngleFunction
    """Their angles, 0 for an operation without one."""

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Everything that is equal in two recordings of one function."""
        return repr(self.reference), self.operations, computation_digest(self.angles.traced)


def record(function: Any, n_qubits: int, n_params: int) -> Recording:
    """Run a quantum function under JAX's tracing, twice or more often.

    The function takes theta, (n_params,), and measures nothing. Of a QNode, its function is run, and what that returns
    is left out.

    Raises `QvarError` if it is no such function, or applies other gates in each call.
    """
    function = quantum_function(function)
    before = _random_state()
    first = _run(function, n_qubits, n_params)
    between = _random_state()
    for _ in range(max(1, min(_MOST_RECORDINGS, _OPERATIONS_RECORDED // max(1, len(first.operations))) - 1)):
        if _run(function, n_qubits, n_params).key != first.key:
            raise QvarError(
                "`quantum_function` must apply the same gates in every call, but two calls differ; draw random numbers "
                "once, outside of it."
            )
    if before != between != _random_state():
        raise QvarError(
            "`quantum_function` must apply the same gates in every call, but draws random numbers; draw them once, "
            "outside of it."
        )
    return first


def _random_state() -> tuple[Any, ...]:
    """Return the state of the generator that all of NumPy shares."""
    _, numbers, *rest = np.random.get_state(legacy=True)
    return np.asarray(numbers).tobytes(), *rest


def quantum_function(function: Any) -> Callable[..., Any]:
    """Return the function of theta that applies the gates.

    Raises `QvarError` if it cannot be called with theta alone, or is a QNode with transforms.
    """
    import pennylane as qml
    from pennylane.queuing import AnnotatedQueue
    from pennylane.tape import QuantumScript

    if isinstance(function, qml.QNode):
        if len(function.compile_pipeline if hasattr(function, "compile_pipeline") else function.transform_program):
            raise QvarError(
                "`quantum_function` must be a function that applies gates, but is a QNode with transforms; give the "
                "function without them."
            )
        inner = quantum_function(function.func)

        def gates(theta: Any) -> None:
            with AnnotatedQueue() as queue:
                inner(theta)
            for operation in QuantumScript.from_queue(queue).operations:
                qml.apply(operation)

        return gates
    if hasattr(function, "__wrapped__") and hasattr(function, "lower"):  # gates inside of jax.jit cannot be recorded
        function = function.__wrapped__
    if not callable(function):
        kind_name = type(function).__name__
        raise QvarError(f"`quantum_function` must be a function of theta that applies gates, but is a {kind_name}.")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise QvarError(
            "`quantum_function` must take one argument, the vector theta, but takes "
            f"{_signature(function)}; fix the others, for example by a lambda."
        ) from None
    except ValueError:  # some callables written in C have no signature
        pass
    return function


def _signature(function: Callable[..., Any]) -> str:
    names = [str(parameter) for parameter in inspect.signature(function).parameters.values()]
    return f"({', '.join(names)})" if names else "none"


def _run(function: Callable[..., Any], n_qubits: int, n_params: int) -> Recording:
    """Record a function once."""
    from pennylane.queuing import AnnotatedQueue, QueuingManager
    from pennylane.tape import QuantumScript

    recorded: list[tuple[tuple[int, ...] | InitialState, list[Step]]] = []

    def angles(theta: Any) -> list[Any]:
        # numbers that do not depend on theta stay numbers, which PennyLane needs to decompose some gates
        with jax.ensure_compile_time_eval(), QueuingManager.stop_recording():
            with AnnotatedQueue() as queue:
                returned = function(theta)
            tape = QuantumScript.from_queue(queue)
            recorded.append(steps(tape.operations, n_qubits))
            _check_returned(tape, returned)
        return [0.0 if step[3] is None else step[3] for step in recorded[-1][1]]

    try:
        with jax.numpy_rank_promotion("allow"), warnings.catch_warnings():  # a setting for qvar's own functions
            warnings.filterwarnings("ignore", "jax.core", DeprecationWarning)  # PennyLane's
            traced = jax.make_jaxpr(angles)(jax.ShapeDtypeStruct((n_params,), jax.dtypes.canonicalize_dtype(float)))
    except QvarError as error:
        raise QvarError(str(error)) from error.__cause__  # without JAX's note about its own frames
    except Exception as error:
        raise QvarError(_explained(error, n_params, _place(error, function))) from error
    if any(isinstance(constant, Tracer) for constant in traced.consts):  # of another trace
        raise QvarError(_INSIDE)
    (reference, operations), *_ = recorded
    return Recording(reference, tuple(step[:3] for step in operations), AngleFunction(traced))


def _check_returned(tape: Any, returned: Any) -> None:
    if tape.measurements:
        raise QvarError(
            f"`quantum_function` must only apply gates, but returns or makes the measurement {tape.measurements[0]}."
        )
    if not _only_operators(returned):
        kind = "an array" if isinstance(returned, jax.Array) else f"a {type(returned).__name__}"
        raise QvarError(
            f"`quantum_function` must only apply gates and return nothing, but returns {kind}; a QNode in it runs by "
            "itself, and adds no gates."
        )


def _only_operators(returned: Any) -> bool:
    import pennylane as qml

    if isinstance(returned, list | tuple):
        return all(_only_operators(value) for value in returned)
    return returned is None or isinstance(returned, int | str | qml.operation.Operator)


def _place(error: Exception, function: Callable[..., Any]) -> str:
    """Return file and line of a function that an exception passed, in brackets; empty if they are not known."""
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" ({Path(file).name}, line {lines[-1]})" if lines else ""


def _explained(error: Exception, n_params: int, place: str) -> str:
    """Explain an exception in a quantum function, at a place in its file."""
    lines = str(error).strip().splitlines() or [""]
    sentence = f"{type(error).__name__}: {lines[0].split('. ')[0]}".rstrip(" .:")
    if isinstance(error, jax.errors.TracerBoolConversionError | jax.errors.NonConcreteBooleanIndexError):
        return (
            "`quantum_function` must apply the same gates for every theta, but branches on theta (if, while, and, or, "
            "min, max, sorted or the like); compute the angles with jax.numpy.where instead."
        )
    if isinstance(error, _NEEDS_NUMBERS):
        return (
            "`quantum_function` must apply the same gates for every theta and compute their angles with jax.numpy "
            "alone, but takes plain numbers of theta (by numpy, math, float, int, range or a list that is no "
            f"jax.numpy.array): tracing it ends in {type(error).__name__}."
        )
    if isinstance(error, jax.errors.UnexpectedTracerError):
        return _INSIDE
    if isinstance(error, NameError | ImportError | AttributeError) or not _ON_SHAPES.search(str(error)):
        return f"`quantum_function` must run, but ends in {sentence}{place}."
    return (
        f"`quantum_function` must take theta as one flat vector of {n_params} numbers (`n_params`), reshaped where a "
        "template wants another shape, for example theta.reshape(layers, n_qubits, 3), but ends in "
        f"{sentence}{place}."
    )
