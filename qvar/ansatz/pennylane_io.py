"""PennyLane in and out: a quantum function becomes a program, a program becomes PennyLane operations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import combinations, product
from typing import Any, cast

import jax
import numpy as np
from scipy.sparse import csr_array

from qvar._types import Connectivity, CostModel
from qvar.ansatz.affine import Form, Other, affine_forms
from qvar.ansatz.capture import record
from qvar.ansatz.decompositions import Operation, has_circuit, numbers_apart
from qvar.ansatz.elementary import elementary, operations
from qvar.ansatz.excitation_sums import projected, reordered
from qvar.ansatz.gates import KINDS, fermionic_sign
from qvar.ansatz.initial_state import InitialState
from qvar.ansatz.linear_operations import Affine
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.ansatz.recognize import ROUNDING
from qvar.ansatz.routing import on_line
from qvar.checks import counting_number, whole_number
from qvar.errors import QvarError, require

_NO_SLOPE = csr_array((1, 0))
"""Coefficients of an angle that depends on no parameter."""


def trace_circuit(function: Any, n_qubits: int, n_params: int) -> Program:
    """Compile a PennyLane quantum function of theta into a Program.

    An angle enters the table of affine angles if it is proved to be affine from the computation that JAX traced (see
    `qvar.ansatz.affine`). If one is not, the program computes all angles by that computation, and a warning says so.
    Costs two to eight runs of the function under JAX's tracing.

    The function takes theta, (n_params,), and measures nothing; wires are 0 to n_qubits - 1. Of a QNode, its function
    is taken, and what that returns is left out.

    Raises:
        QvarError: if the function measures, uses other wires, reads beyond theta, cannot be traced by JAX, as a branch
            on theta cannot, applies other gates in each call, applies none, or holds an operation that cannot be
            decomposed or an angle that is not a finite real number.
    """
    n_qubits, n_params = counting_number("n_qubits", n_qubits), whole_number("n_params", n_params)
    require(n_params >= 0, "n_params", "not be negative", n_params)
    recording = record(function, n_qubits, n_params)
    prepares = isinstance(recording.reference, InitialState) or any(recording.reference)
    if n_params and not recording.operations and not prepares:
        raise QvarError("`quantum_function` must apply gates, but applies none.")
    with jax.ensure_compile_time_eval():
        forms = [_real(form) for form in affine_forms(recording.angles.traced)]
    for (name, *_), form in zip(recording.operations, forms, strict=True):
        if form is not None and not (np.isfinite(form[0]) and np.all(np.isfinite(form[1].data))):
            raise QvarError(
                f"`quantum_function` must give each gate a finite real angle, but that of {name} is not, or not known "
                "to be; jax.numpy.real takes a real part."
            )
    affine = all(form is not None for form in forms)
    if not affine:
        warnings.warn(
            "The angles are not affine in theta: they are computed as the function does, which compiles slower.",
            UserWarning,
            stacklevel=3,
        )
    builder = ProgramBuilder(n_qubits, n_params, recording.reference)
    for (kind, wires, word), form in zip(recording.operations, forms, strict=True):
        if affine and form is not None:
            constant, slope = form
            row = dict(zip(slope.indices.tolist(), slope.data.tolist(), strict=True))
            builder.add(kind, wires, row, offset=float(constant), word=word)
        else:
            builder.add(kind, wires, word=word)
    return builder.build(None if affine else recording.angles)


def _real(form: Form) -> tuple[Any, csr_array] | None:
    """Return constant and coefficients of an angle: None if it is not affine, NaN if it is not known to be real."""
    if isinstance(form, Other):
        return None if form.quarter == 0 else (np.nan, _NO_SLOPE)
    constant, slope = (form.constant, form.slope) if isinstance(form, Affine) else (np.asarray(form), _NO_SLOPE)
    if max(np.abs(np.imag(constant)), np.abs(np.imag(slope.data)).max(initial=0.0)) > ROUNDING:
        return np.nan, _NO_SLOPE
    if slope is _NO_SLOPE:
        return np.real(constant), slope
    slope = csr_array(np.real(slope))
    slope.sum_duplicates()
    slope.eliminate_zeros()
    return np.real(constant), slope


def emit(program: Program, theta: Any) -> None:
    """Apply a program as PennyLane operations; for use inside a quantum function.

    Raises `QvarError` if theta has another length.
    """
    if np.shape(theta) != (program.n_params,):
        raise QvarError(f"`theta` must have shape ({program.n_params},), but has shape {np.shape(theta)}.")
    emit_reference(program)
    if program.angle_function is not None:
        angles = _angles(program.angle_function, theta)
    else:
        angles = operation_angles(program, theta)
    for index in range(program.n_ops):
        emit_operation(program, index, angles[index])


def on_wires(apply: Callable[..., None], program: Program, *arguments: Any, wires: Any) -> None:
    """Apply a program by `emit` or `emit_elementary` on other wires than 0, 1, ...; on these if None.

    Raises `QvarError` if there are not `n_qubits` different wires.
    """
    import pennylane as qml
    from pennylane.tape import make_qscript
    from pennylane.wires import WireError, Wires

    if wires is None:
        apply(program, *arguments)
        return
    try:
        labels = Wires(wires).tolist()
    except WireError:
        labels = []
    require(len(labels) == program.n_qubits, "wires", f"be {program.n_qubits} different labels", wires)
    names = dict(enumerate(labels))
    for operation in make_qscript(apply)(program, *arguments).operations:
        qml.map_wires(operation, names, queue=True)


def emit_reference(program: Program) -> None:
    """Apply the preparation of the state that a program starts from in PennyLane; nothing for |0...0>."""
    import pennylane as qml

    if isinstance(program.reference, InitialState):
        qml.StatePrep(program.reference.register(), wires=range(program.n_qubits))
    elif any(program.reference):
        qml.BasisState(np.array(program.reference), wires=range(program.n_qubits))


def operation_angles(program: Program, theta: Any) -> list[Any]:
    """Return the angles of the operations of an affine program, in the interface of theta."""
    angles: list[Any] = [float(o) for o in program.offset]
    for op, param, scale in zip(program.angle_op, program.angle_param, program.angle_scale, strict=True):
        angles[op] = angles[op] + float(scale) * theta[param]
    return angles


def elementary_operations(tape: Any) -> list[Any]:
    """Return the gates of one qubit and CNOTs of PennyLane's decomposition of a tape; CZ and CY take one CNOT each."""
    import pennylane as qml
    from pennylane.transforms import decompose

    cheap = ("CNOT", "CZ", "CY", "BasisState")
    (flat,), _ = cast(Any, decompose(tape, stopping_condition=lambda op: len(op.wires) <= 1 or op.name in cheap))
    operations = []
    with qml.QueuingManager.stop_recording():
        for operation in flat.operations:
            if operation.name in ("CZ", "CY"):
                control, target = operation.wires
                undo, do = (qml.Hadamard, qml.Hadamard) if operation.name == "CZ" else (qml.adjoint(qml.S), qml.S)
                operations += [undo(target), qml.CNOT((control, target)), do(target)]
            else:
                operations.append(operation)
    return operations


def emit_elementary(program: Program, theta: Any, model: CostModel, connectivity: Connectivity = "all") -> None:
    """Apply the circuit that `qvar.ansatz.resources.count` counts; for use inside a quantum function.

    Raises `QvarError` if theta has another length.
    """
    if model == "published" or not all(map(has_circuit, operations(program))):
        emit(elementary(program) if connectivity == "all" else on_line(program), theta)
        return
    import pennylane as qml
    from pennylane.tape import make_qscript

    for operation in elementary_operations(make_qscript(emit)(program, theta)):
        qml.apply(operation)


def _angles(function: Callable[[Any], Any], theta: Any) -> list[Any]:
    """Return angles that are not affine, in the interface of theta and differentiable in it."""
    from pennylane import math

    interface = math.get_interface(theta)
    if interface == "jax":
        return list(function(theta))
    if interface == "autograd":
        from autograd.extend import defvjp, primitive

        angles = primitive(lambda point: np.asarray(function(point)))
        defvjp(angles, lambda _, point: lambda cotangent: np.asarray(jax.vjp(function, point)[1](cotangent)[0]))
        values = angles(theta)
        return [values[index] for index in range(len(values))]
    if interface == "numpy" or isinstance(theta, list | tuple):
        return list(np.asarray(function(theta)))
    raise QvarError(
        "`theta` must be an array of NumPy, autograd or JAX if the angles are not affine in it, but is one of "
        f"{interface}."
    )


def emit_operation(program: Program, index: int, angle: Any) -> None:
    """Apply one operation of a program in PennyLane, with the given angle."""
    import pennylane as qml

    kind, wires = KINDS[program.kind[index]], program.op_wires(index)
    if kind.name.startswith("Fermionic"):
        _emit_fermionic(wires, angle)
    elif kind.name == "ExcitationSum":
        _emit_sum(Operation(int(program.kind[index]), wires, program.words[index]), angle)
    elif kind.name == "PauliRot":
        qml.PauliRot(angle, program.words[index], wires=wires)
    elif kind.name == "GlobalPhase":
        qml.GlobalPhase(angle)
    elif kind.parametric:
        getattr(qml, kind.name)(angle, wires=wires)
    else:
        getattr(qml, kind.name)(wires=wires)


def _emit_fermionic(modes: Sequence[int], angle: Any) -> None:
    """Apply PennyLane's own fermionic excitation if its wire ranges allow it, else commuting Pauli rotations."""
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


def _emit_sum(operation: Operation, angle: Any) -> None:
    """Apply commuting Pauli rotations if there is one term, else one PennyLane operation."""
    import pennylane as qml

    term = numbers_apart(operation)
    if term is None:
        register = range(max(operation.wires) + 1)  # the Jordan-Wigner string may be on any of them
        _sum_operation()(angle, wires=register, word=operation.word, modes=operation.wires)
        return
    c, excitation, numbers = term
    for word, wires, scale in pauli_words(*excitation):
        for k in range(len(numbers) + 1):
            for more in combinations(numbers, k):
                letters = dict(zip(wires, word, strict=True))
                for wire in more:
                    letters = _without(letters, wire) if wire in letters else {**letters, wire: "Z"}
                factor = c * scale * (-1.0) ** k / 2 ** len(numbers)
                qml.PauliRot(factor * angle, "".join(letters.values()), wires=list(letters))


@cache
def _sum_operation() -> Any:
    """Return the class of PennyLane operations that are sums of excitations which do not commute."""
    import pennylane as qml

    class ExcitationSum(qml.operation.Operation):
        """Exponential of a sum of fermionic excitations; the word is that of `qvar.ansatz.excitation_sums`."""

        def __init__(self, angle: Any, wires: Any, word: str, modes: Sequence[int], id: str | None = None) -> None:
            self._hyperparameters = {"word": word, "modes": tuple(modes)}
            super().__init__(angle, wires=wires, id=id)

        @staticmethod
        def compute_decomposition(*params: Any, wires: Any, **own: Any) -> list[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
            return _sum_gates(params[0], wires.tolist(), own["word"], own["modes"])

        def adjoint(self) -> Any:
            angle: Any = self.parameters[0]
            return ExcitationSum(-angle, self.wires, **self.hyperparameters)

    return ExcitationSum


def _sum_gates(angle: Any, wires: Sequence[Any], word: str, modes: Sequence[int]) -> list[Any]:
    r"""Return a matrix on the modes between CZ gates.

    Each ladder operator has the sign of all modes before its own: those of the sum are in the matrix, and
    \\(CZ_{mw}\\, a_m\\, CZ_{mw} = a_m Z_w\\) makes those of the others.
    """
    import pennylane as qml
    from pennylane import math

    ascending = sorted(modes)
    order = tuple(ascending.index(mode) for mode in modes)
    around = [(wires[wire], wires[mode]) for mode in ascending for wire in range(mode) if wire not in modes]
    matrix: Any = np.eye(1 << len(modes))
    for rate, own, turned in projected(reordered(word, order)):
        phase = 0.5 * rate * angle
        matrix = matrix + (math.cos(phase) - 1.0) * own + math.sin(phase) * turned
    return [
        *map(qml.CZ, around),
        qml.QubitUnitary(matrix, wires=[wires[mode] for mode in ascending]),
        *map(qml.CZ, around),
    ]


def _without(letters: dict[int, str], wire: int) -> dict[int, str]:
    return {own: letter for own, letter in letters.items() if own != wire}


def pauli_words(creates: Sequence[int], annihilates: Sequence[int]) -> Iterator[tuple[str, list[int], float]]:
    r"""Write an excitation as commuting Pauli rotations.

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


def diagram(program: Program, theta: Any) -> str:
    """Draw the wires of a program by PennyLane, in one row; with angles if theta is not None."""
    import pennylane as qml

    values = np.zeros(program.n_params) if theta is None else theta
    decimals = None if theta is None else 3
    return qml.draw(emit, decimals=decimals, max_length=10**9, show_matrices=False)(program, values)
