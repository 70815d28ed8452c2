"""PennyLane operations as qvar's kinds, decomposed by PennyLane if needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qvar.ansatz.gates import KIND_INDEX, KINDS, fermionic_sign
from qvar.ansatz.initial_state import InitialState, initial_state
from qvar.errors import QvarError
from qvar.memory import require_memory

_PASSED_OVER = ("Identity", "Barrier", "WireCut", "Snapshot")
_MID_CIRCUIT = ("MidMeasure", "MidMeasureMP", "PauliMeasure", "Conditional")
_PREPARES = ("StatePrep", "BasisState")
_FROM_MATRIX = ("QubitUnitary", "ControlledQubitUnitary", "DiagonalQubitUnitary")
_MAX_NESTING = 40
_MATRIX_WIRES = 6
"""Operations that are only known by their matrix are decomposed up to this many wires."""
_UNITARY = 1e-8
ROUNDING = 1e-14
"""Imaginary parts of angles up to this are rounding."""

Step = tuple[str, tuple[int, ...], str, Any]
"""(kind, wires, Pauli word, angle or None)"""


def steps(operations: Sequence[Any], n_qubits: int) -> tuple[tuple[int, ...] | InitialState, list[Step]]:
    """Translate PennyLane operations.

    Args:
        operations: what a quantum function applies, in order; their parameters may be JAX tracers.
        n_qubits: number of qubits; wires are 0 to n_qubits - 1.

    Returns:
        Bits of the reference determinant that flips at the very beginning prepare, or the state of a `StatePrep` there,
        and the operations of known kinds that follow.

    Raises:
        QvarError: if an operation measures, uses other wires, has an angle that is no real number, or cannot be
            decomposed.
    """
    import pennylane as qml

    reference = [0] * n_qubits
    known: list[Step] = []
    if operations and isinstance(operations[0], qml.StatePrep):
        prepared, operations = _prepared(operations[0], n_qubits), operations[1:]
        for operation in operations:
            known += _expand(operation, n_qubits, at_start=False)
        return prepared, known
    for operation in operations:
        for step in _expand(operation, n_qubits, at_start=not known):
            if step[0] == "PauliX" and not known:
                reference[step[1][0]] ^= 1
            else:
                known.append(step)
    return tuple(reference), known


def _prepared(operation: Any, n_qubits: int) -> InitialState:
    """Return the state that a `StatePrep` prepares on a register in |0...0>."""
    if any(isinstance(value, Tracer) for value in operation.parameters):
        raise QvarError(
            f"`quantum_function` must prepare the same state for every theta, but theta enters {operation.name}."
        )
    wires = operation.wires.tolist()
    if not all(isinstance(w, int | np.integer) and 0 <= w < n_qubits for w in wires):
        raise QvarError(f"`quantum_function` must use wires 0 to {n_qubits - 1}, but applies StatePrep on {wires}.")
    require_memory("quantum_function", f"a state of {n_qubits} qubits", 32 << n_qubits)
    if operation.batch_size is not None:
        raise QvarError(f"`quantum_function` must prepare one state, but {operation.name} has {operation.batch_size}.")
    return initial_state(np.ravel(operation.state_vector(wire_order=range(n_qubits))), n_qubits, None)


def _expand(operation: Any, n_qubits: int, *, at_start: bool, depth: int = 0) -> Iterator[Step]:
    """Express one PennyLane operation in known kinds, decomposed by PennyLane if necessary."""
    import pennylane as qml
    from pennylane.ops.op_math import Exp

    name = operation.name
    if name in _MID_CIRCUIT:
        raise QvarError(f"`quantum_function` must not measure mid-circuit, but applies {name}.")
    if name in _PASSED_OVER:
        return
    labels = operation.wires.tolist()
    if any(isinstance(w, Tracer) for w in labels):
        raise QvarError(
            f"`quantum_function` must apply the same gates for every theta, but theta chooses {name}'s wires."
        )
    if not all(isinstance(w, (int, np.integer)) and 0 <= w < n_qubits for w in labels):
        raise QvarError(f"`quantum_function` must use wires 0 to {n_qubits - 1}, but applies {name} on {labels}.")
    wires = tuple(int(w) for w in labels)
    if name in ("BasisState", "BasisEmbedding") and at_start:
        yield from (
            ("PauliX", (w,), "", None) for w, bit in zip(wires, np.ravel(operation.parameters[0]), strict=True) if bit
        )
        return
    if getattr(operation, "batch_size", None) is not None:
        shapes = [jnp.shape(value) for value in operation.parameters]
        raise QvarError(f"`quantum_function` must give each gate one angle, but {name} has {shapes[0]}.")
    if name in KIND_INDEX and type(operation) is getattr(qml, name, None):  # not another class of that name
        yield from _known(operation, wires)
        return
    if name == "ExcitationSum" and wires == tuple(range(len(wires))):  # as an ansatz applies it
        own = operation.hyperparameters
        yield name, own["modes"], own["word"], _angle(name, operation.parameters[0])
        return
    if isinstance(operation, Exp) and operation.base.pauli_rep is not None:
        rotations = _exponential(operation)
        if rotations:
            yield from rotations
            return
    for part in _parts(operation, deep=depth > _MAX_NESTING):
        yield from _expand(part, n_qubits, at_start=at_start, depth=depth + 1)


def _parts(operation: Any, *, deep: bool) -> list[Any]:
    """Return simpler operations that make an operation."""
    import pennylane as qml
    from pennylane.ops.op_math import Controlled, Exp, Pow

    name, traced = operation.name, any(isinstance(value, Tracer) for value in operation.parameters)
    root = isinstance(operation, Pow) and (isinstance(operation.z, Tracer) or operation.z != np.round(operation.z))
    if root and (traced or isinstance(operation.z, Tracer)):  # a root of a matrix is not that of another period
        raise QvarError(f"`quantum_function` must raise gates of theta to whole powers, but applies {name}.")
    if isinstance(operation, Pow) and isinstance(operation.base, Exp) and not root:  # PennyLane returns no list of it
        return [operation.base.pow(float(cast(Any, operation.z)))]
    words = f"unitary gates that PennyLane can decompose, but applies {name}{_remedy(operation)}"
    refused = QvarError(f"`quantum_function` must hold {words}.")
    if deep or name in _PREPARES or isinstance(operation, qml.operation.Channel):
        raise refused
    if isinstance(operation, Controlled) and traced and type(operation.base) in (qml.RX, qml.RY, qml.RZ):
        return _controlled_rotation(operation)
    base = operation.base if isinstance(operation, Controlled) else operation
    if type(base) in (qml.DoubleExcitationPlus, qml.DoubleExcitationMinus):
        parts = _double_excitation_with_phase(base)
        return parts if base is operation else [_controlled(operation, part) for part in parts]
    if name in _FROM_MATRIX and not traced:
        _check_unitary(operation)
        if type(operation) in (qml.QubitUnitary, qml.DiagonalQubitUnitary):
            # an array of JAX would be decomposed by dozens of small programs, each to be compiled
            of_matrix: Any = type(operation)
            operation = of_matrix(np.asarray(operation.parameters[0]), wires=operation.wires)
    for_numbers = QvarError(
        "`quantum_function` must hold gates that PennyLane can decompose for every theta at once, but applies "
        f"{name}, which it decomposes for known numbers only."
    )
    if name == "QubitUnitary" and traced and len(operation.wires) > 2:  # its trace would not end
        raise for_numbers
    if operation.has_decomposition and name != "SpecialUnitary" and not root:
        try:
            return operation.decomposition()
        except jax.errors.JAXTypeError as error:
            raise for_numbers from error
    n_wires = len(operation.wires)
    if not operation.has_matrix or not 1 <= n_wires <= (1 if traced else _MATRIX_WIRES):
        raise refused
    matrix = _matrix(operation)
    if jnp.shape(matrix) != (2**n_wires, 2**n_wires):  # not of qubits
        raise refused
    if not traced:
        _check_unitary(operation)
    return [qml.QubitUnitary(matrix, wires=operation.wires)]


def _exponential(operation: Any) -> list[Step]:
    """Write the exponential of a Pauli sum as rotations; none if its words do not commute."""
    from pennylane.ops.op_math import Evolution

    terms = list(operation.base.pauli_rep.items())
    if not all(one.commutes_with(other) for place, (one, _) in enumerate(terms) for other, _ in terms[:place]):
        return []
    known: list[Step] = []
    for word, coefficient in terms:
        is_time = isinstance(operation, Evolution)
        factor: Any = 2.0 * operation.param if is_time else 2j * operation.coeff  # real if the exponent is imaginary
        angle: Any = _angle(operation.name, factor * coefficient)
        if len(word):
            known.append(("PauliRot", tuple(int(wire) for wire in word), "".join(word.values()), angle))
        else:
            known.append(("GlobalPhase", (), "", angle / 2))
    return known


def _remedy(operation: Any) -> str:
    """Return what a user may write in place of an operation that is refused, as the end of a sentence."""
    import pennylane as qml
    from pennylane.ops.op_math import Exp

    if operation.name in _PREPARES:
        return " after the first operation; prepare states at the very beginning"
    if isinstance(operation, qml.operation.Channel):
        return "; `qvar.noisy_energy` adds noise to a circuit"
    if isinstance(operation, Exp):
        return "; for words that do not commute take qml.TrotterProduct"
    return "; write it in gates of qubits, or prepare its state by qml.StatePrep at the very beginning"


def _controlled(operation: Any, part: Any) -> Any:
    """Return an operation under the controls of another one."""
    import pennylane as qml

    return qml.ctrl(part, control=operation.control_wires, control_values=operation.control_values)


def _controlled_rotation(operation: Any) -> list[Any]:
    """Decompose a rotation with controls, which PennyLane does for known angles only."""
    import pennylane as qml

    base, target = operation.base, operation.target_wires
    turn = type(base) if type(base) is not qml.RX else qml.RZ
    flip = _controlled(operation, qml.X(target))
    around = [qml.Hadamard(target)] if type(base) is qml.RX else []
    angle: Any = base.parameters[0]
    half = angle / 2
    return [*around, turn(half, target), flip, turn(-half, target), flip, *around]


def _double_excitation_with_phase(operation: Any) -> list[Any]:
    r"""Decompose a double excitation that gives all other states a phase, which PennyLane does not.

    The phase is \(e^{\pm i\phi(1 - P)/2}\) with the projector P on both states that the excitation turns: an eighth of
    the sum of all words with an even number of Z, where those with one Z of the first two wires have a minus.
    """
    import pennylane as qml

    wires, angle = operation.wires, operation.parameters[0]
    phase = angle if type(operation) is qml.DoubleExcitationPlus else -angle
    pairs = [(list(pair), 1 if set(pair) in ({0, 1}, {2, 3}) else -1) for pair in combinations(range(4), 2)]
    words = [*pairs, (list(range(4)), 1)]
    return [
        qml.DoubleExcitation(angle, wires=wires),
        *(qml.MultiRZ(sign * phase / 8, wires=[wires[at] for at in word]) for word, sign in words),
        qml.GlobalPhase(-7 * phase / 16),
    ]


def _known(operation: Any, wires: tuple[int, ...]) -> Iterator[Step]:
    """Yield an operation of one of qvar's kinds."""
    name, kind = operation.name, KINDS[KIND_INDEX[operation.name]]
    angle = _angle(name, operation.parameters[0]) if kind.parametric else None
    if name == "FermionicSingleExcitation":
        yield from _excitation((wires[-1],), (wires[0],), wires[1:-1], angle)
    elif name == "FermionicDoubleExcitation":
        low, high = (tuple(w) for w in (operation.hyperparameters["wires1"], operation.hyperparameters["wires2"]))
        yield from _excitation((high[-1], high[0]), (low[-1], low[0]), (*low[1:-1], *high[1:-1]), angle)
    else:
        yield name, wires, operation.hyperparameters.get("pauli_word", "") if name == "PauliRot" else "", angle


def _angle(name: str, angle: Any) -> Any:
    """Convert an angle to a finite float, or a tracer of one."""
    if isinstance(angle, Tracer):
        return angle
    try:
        number = complex(np.asarray(angle, dtype=complex).reshape(()))
    except (TypeError, ValueError):
        number = complex("nan")
    if abs(number.imag) > ROUNDING or not np.isfinite(number):
        raise QvarError(f"`quantum_function` must give each gate a finite real angle, but {name} has {angle!r}.")
    return number.real


def _matrix(operation: Any) -> Any:
    """Return the matrix of an operation; SciPy draws numbers to take a root, which are not those of the function."""
    import pennylane as qml

    state = np.random.get_state()
    try:
        return qml.matrix(operation)
    finally:
        np.random.set_state(state)


def _check_unitary(operation: Any) -> None:
    """Refuse a matrix that is not unitary; PennyLane applies it, but decomposes it into something else."""
    matrix = np.asarray(_matrix(operation))
    if not np.allclose(matrix.conj().T @ matrix, np.eye(len(matrix)), rtol=0.0, atol=_UNITARY):
        raise QvarError(
            f"`quantum_function` must hold unitary gates, but the matrix of {operation.name} is not unitary."
        )


def _excitation(
    creates: tuple[int, ...], annihilates: tuple[int, ...], string: tuple[int, ...], angle: Any
) -> Iterator[Step]:
    r"""Return PennyLane's fermionic excitation, which writes Z on the wires that it lists in between.

    If those are the wires of the Jordan-Wigner string, in whatever order, it is one operation; so it is without any
    string. CZ gates with one of the modes write other strings, \(CZ_{pw}\, a_p\, CZ_{pw} = a_p Z_w\), so that each
    operation conserves the numbers of electrons.
    """
    single, modes = len(creates) == 1, (*creates, *annihilates)
    n_qubits = max((*modes, *string)) + 1
    z, sign = fermionic_sign(creates, annihilates, n_qubits)
    missing = {w for w in range(n_qubits) if z >> (n_qubits - 1 - w) & 1} ^ set(string)
    _, descending = fermionic_sign((1,), (0,), 2) if single else fermionic_sign((3, 2), (1, 0), 4)
    name = "SingleExcitation" if single else "DoubleExcitation"
    if len(missing) <= len(string):
        name = f"Fermionic{name}"
    else:
        missing, sign = set(string), 1
    if sign != descending:  # PennyLane's sign is that of descending modes
        creates, annihilates = annihilates, creates
    around: list[Step] = [("CZ", (modes[0], wire), "", None) for wire in sorted(missing)]
    yield from around
    yield name, (*creates, *annihilates), "", angle
    yield from around
