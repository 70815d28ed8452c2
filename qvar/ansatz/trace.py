"""PennyLane in and out: a quantum function becomes a program, a program becomes PennyLane operations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qvar.ansatz.kinds import KIND_INDEX, KINDS, fermionic_sign
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.checks import counting_number, whole_number
from qvar.errors import QvarError, require

_PASSED_OVER = ("Identity", "Barrier", "WireCut", "Snapshot")
_MID_CIRCUIT = ("MidMeasure", "MidMeasureMP", "PauliMeasure", "Conditional")
_MAX_NESTING = 40
_AFFINE_TOLERANCE = 1e-9

Step = tuple[str, tuple[int, ...], str, Any]
"""(kind, wires, Pauli word, angle or None)"""


def trace_circuit(function: Callable[..., Any], n_qubits: int, n_params: int) -> Program:
    """Compiles a PennyLane quantum function of theta into a Program.

    Costs one run of the function under JAX's tracing for affine angles, `n_params` plain runs for a
    function that JAX cannot trace.

    Args:
        function: applies PennyLane operations, given theta of shape (n_params,); no measurements.
        n_qubits: number of qubits; wires are 0 to n_qubits - 1.
        n_params: length of theta.

    Raises:
        QvarError: if the function measures, uses other wires, reads beyond theta, changes its gates with
            theta, or holds an operation that cannot be decomposed.
    """
    n_qubits, n_params = counting_number("n_qubits", n_qubits), whole_number("n_params", n_params)
    require(n_params >= 0, "n_params", "not be negative", n_params)
    generator = np.random.default_rng(20)
    probes = generator.uniform(0.3, 1.7, (3, n_params))
    reference, steps = _steps(function, probes[0], n_qubits, n_params)
    shape = [step[:3] for step in steps]

    def angles(theta: Any) -> Any:
        same_reference, again = _steps(function, theta, n_qubits, n_params)
        if [step[:3] for step in again] != shape or same_reference != reference:
            raise QvarError("`quantum_function` must apply the same gates for every theta, but its gates change.")
        return [0.0 if step[3] is None else step[3] for step in again]

    def traced(theta: Any) -> Any:
        values = angles(theta)
        return jnp.stack([jnp.asarray(v, dtype=float) for v in values]) if values else jnp.zeros(0)

    obstacle = _obstacle_to_jax(traced, probes[1])
    if obstacle is None:
        slope = [np.asarray(jax.jacfwd(traced)(jnp.asarray(p))) for p in probes[1:]]
        affine = np.allclose(slope[0], slope[1], rtol=0, atol=_AFFINE_TOLERANCE)
        matrix, value = slope[0], np.asarray(traced(jnp.asarray(probes[1])))
        offset = value - matrix @ probes[1]
    else:
        # PennyLane may drop a gate at special angles, so all points are generic ones
        values = [np.array(angles(p), dtype=float) for p in probes]
        steps_away = [np.array(angles(probes[0] + unit), dtype=float) - values[0] for unit in np.eye(n_params)]
        matrix = np.stack(steps_away, axis=1) if n_params else np.zeros((len(steps), 0))
        offset = values[0] - matrix @ probes[0]
        affine = all(
            np.allclose(offset + matrix @ p, v, atol=_AFFINE_TOLERANCE) for p, v in zip(probes, values, strict=True)
        )
        if not affine:
            raise QvarError(
                "`quantum_function` must compute angles that are not affine in theta with jax.numpy and gates that "
                f"JAX can trace, but tracing it ends in {obstacle}."
            )
    if not affine:
        warnings.warn(
            "The angles are not affine in theta: the circuit is traced again in each compilation, which is slower.",
            UserWarning,
            stacklevel=3,
        )

    builder = ProgramBuilder(n_qubits, n_params, reference)
    matrix = np.where(np.abs(matrix) < 1e-14, 0.0, matrix)
    for index, (kind, wires, word, _) in enumerate(steps):
        row = {int(p): float(matrix[index, p]) for p in np.flatnonzero(matrix[index])} if affine else {}
        builder.add(kind, wires, row, offset=float(offset[index]) if affine else 0.0, word=word)
    return builder.build(None if affine else traced)


def _obstacle_to_jax(traced: Callable[[Any], Any], theta: Any) -> str | None:
    """Why JAX cannot trace the function, or None; some of PennyLane's decompositions need numbers, too."""
    try:
        jax.eval_shape(traced, jnp.asarray(theta))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(" .")
    return None


def _steps(
    function: Callable[..., Any], theta: Any, n_qubits: int, n_params: int
) -> tuple[tuple[int, ...], list[Step]]:
    """Runs the quantum function once: (reference bits, operations as known kinds)."""
    from pennylane.tape import make_qscript

    try:
        tape = make_qscript(function)(theta)
    except IndexError as error:
        raise QvarError(
            f"`quantum_function` must read only {n_params} parameters (n_params), but reads beyond: {error}."
        ) from None
    for operation in tape.operations:
        name = operation.name
        if name in _MID_CIRCUIT:
            raise QvarError(f"`quantum_function` must not measure mid-circuit, but applies {name}.")
    if tape.measurements:
        raise QvarError(
            f"`quantum_function` must only apply gates, but returns or makes the measurement {tape.measurements[0]}."
        )
    reference = [0] * n_qubits
    steps: list[Step] = []
    for operation in tape.operations:
        for step in _expand(operation, n_qubits, at_start=not steps):
            if step[0] == "PauliX" and not steps:
                reference[step[1][0]] ^= 1  # flips before anything else belong to the reference determinant
            else:
                steps.append(step)
    return tuple(reference), steps


def _expand(operation: Any, n_qubits: int, *, at_start: bool, depth: int = 0) -> Iterator[Step]:
    """One PennyLane operation as known kinds, decomposed by PennyLane where needed."""
    name = operation.name
    if name in _PASSED_OVER:
        return
    labels = operation.wires.tolist()
    if not all(isinstance(w, (int, np.integer)) and 0 <= w < n_qubits for w in labels):
        raise QvarError(f"`quantum_function` must use wires 0 to {n_qubits - 1}, but applies {name} on {labels}.")
    wires = tuple(int(w) for w in labels)
    if name in ("BasisState", "BasisEmbedding") and at_start:
        yield from (
            ("PauliX", (w,), "", None) for w, bit in zip(wires, np.ravel(operation.parameters[0]), strict=True) if bit
        )
        return
    modes = _fermionic_modes(operation, wires)
    if name in KIND_INDEX and modes is not None:
        kind = KINDS[KIND_INDEX[name]]
        angle = operation.parameters[0] if kind.parametric else None
        if angle is not None and jnp.ndim(angle) > 0:
            raise QvarError(f"`quantum_function` must give each gate one angle, but {name} has {jnp.shape(angle)}.")
        word = operation.hyperparameters.get("pauli_word", "") if name == "PauliRot" else ""
        yield name, modes, word, angle
        return
    if not operation.has_decomposition or depth > _MAX_NESTING or name in ("StatePrep", "BasisState"):
        raise QvarError(f"`quantum_function` must hold unitary gates that PennyLane can decompose, but applies {name}.")
    for part in operation.decomposition():
        yield from _expand(part, n_qubits, at_start=at_start, depth=depth + 1)


def _fermionic_modes(operation: Any, wires: tuple[int, ...]) -> tuple[int, ...] | None:
    """Created, then annihilated modes of a fermionic excitation; other kinds keep their wires.

    None where PennyLane's excitation skips wires, so that its string is not the Jordan-Wigner one.
    """
    if operation.name == "FermionicSingleExcitation":
        if wires != tuple(range(wires[0], wires[-1] + 1)):
            return None
        return wires[-1], wires[0]
    if operation.name == "FermionicDoubleExcitation":
        low, high = (tuple(w) for w in (operation.hyperparameters["wires1"], operation.hyperparameters["wires2"]))
        if any(w != tuple(range(w[0], w[-1] + 1)) for w in (low, high)) or low[-1] > high[0]:
            return None
        return high[-1], high[0], low[-1], low[0]
    return wires


def emit(program: Program, theta: Any) -> None:
    """Applies a program as PennyLane operations; for use inside a quantum function.

    Args:
        program: the circuit.
        theta: (n_params,) of any interface that PennyLane knows.

    Raises:
        QvarError: if theta has another length.
    """
    import pennylane as qml

    if np.shape(theta) != (program.n_params,):
        raise QvarError(f"`theta` must have shape ({program.n_params},), but has shape {np.shape(theta)}.")
    if any(program.reference):
        qml.BasisState(np.array(program.reference), wires=range(program.n_qubits))
    if program.angle_function is not None:
        angles = list(program.angle_function(theta))
    else:
        angles = [float(o) for o in program.offset]
        for op, param, scale in zip(program.angle_op, program.angle_param, program.angle_scale, strict=True):
            angles[op] = angles[op] + float(scale) * theta[param]
    for index in range(program.n_ops):
        emit_operation(program, index, angles[index])


def emit_operation(program: Program, index: int, angle: Any) -> None:
    """Applies one operation of a program in PennyLane, with the given angle."""
    import pennylane as qml

    kind, wires = KINDS[program.kind[index]], program.op_wires(index)
    if kind.name.startswith("Fermionic"):
        _emit_fermionic(wires, angle)
    elif kind.name == "PauliRot":
        qml.PauliRot(angle, program.words[index], wires=wires)
    elif kind.name == "GlobalPhase":
        qml.GlobalPhase(angle)
    elif kind.parametric:
        getattr(qml, kind.name)(angle, wires=wires)
    else:
        getattr(qml, kind.name)(wires=wires)


def _emit_fermionic(modes: Sequence[int], angle: Any) -> None:
    """PennyLane's own fermionic excitation where its wire ranges allow it, commuting Pauli rotations elsewhere."""
    import pennylane as qml

    half = len(modes) // 2
    creates, annihilates = modes[:half], modes[half:]
    low, high = (creates, annihilates) if max(creates) < max(annihilates) else (annihilates, creates)
    if max(low) > min(high):
        for word, wires, scale in pauli_words(creates, annihilates):
            qml.PauliRot(scale * angle, word, wires=wires)
        return
    if low is creates:  # T - T^+ = -(T^+ - T)
        angle = -angle
    if half == 1:
        qml.FermionicSingleExcitation(angle, wires=range(low[0], high[0] + 1))
        return
    # PennyLane means c_p^+ c_q^+ c_r c_s with p > q > r > s; each reordered pair changes the sign
    swaps = (creates[0] < creates[1]) != (annihilates[0] < annihilates[1])
    qml.FermionicDoubleExcitation(
        -angle if swaps else angle,
        wires1=range(min(low), max(low) + 1),
        wires2=range(min(high), max(high) + 1),
    )


def pauli_words(creates: Sequence[int], annihilates: Sequence[int]) -> Iterator[tuple[str, list[int], float]]:
    r"""An excitation as commuting Pauli rotations.

    \(e^{\theta (T - T^\dagger) / 2} = \prod_P e^{-i s_P \theta P / 2}\) with
    \(T = \pm \prod Z \prod_{\text{created}} \tfrac{X - iY}{2} \prod_{\text{annihilated}} \tfrac{X + iY}{2}\).

    Yields:
        (word, wires, s_P), 2^(number of modes - 1) of them.
    """
    modes = [*creates, *annihilates]
    n_qubits = max(modes) + 1
    z, sign = fermionic_sign(creates, annihilates, n_qubits)
    string = [w for w in range(n_qubits) if z >> (n_qubits - 1 - w) & 1]
    for letters in product("XY", repeat=len(modes)):
        if letters.count("Y") % 2 == 0:
            continue
        factor = complex(sign)
        for position, letter in enumerate(letters):
            if letter == "Y":
                factor *= -1j if position < len(creates) else 1j
        yield "".join(letters) + "Z" * len(string), [*modes, *string], -2.0 * factor.imag / 2 ** len(modes)


def draw(program: Program, theta: Any, max_length: int) -> str:
    """The program as PennyLane draws it."""
    import pennylane as qml

    values = np.zeros(program.n_params) if theta is None else theta
    drawer = qml.draw(emit, decimals=None if theta is None else 3, max_length=max_length, show_matrices=False)
    return drawer(program, values)
