"""Random quantum functions: angles by any functions of theta, PennyLane's operations, wires in any order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
from twin import state_of_angles, twin_angles

Angle = Callable[[Any], Any]
"""theta -> an angle."""

LINEAR: dict[str, Callable[..., Any]] = {
    "minus": lambda x, c, xp: -x,
    "times": lambda x, c, xp: c * x,
    "over": lambda x, c, xp: x / c,
    "plus": lambda x, c, xp: x + c,
    "stacked": lambda x, c, xp: xp.stack([x, 2.0 * x, xp.asarray(c)])[1],
    "cumulated": lambda x, c, xp: xp.cumsum(xp.array([x, c, x]))[2],
    "chosen": lambda x, c, xp: xp.where(c > 0, x, -x),
    "imaginary": lambda x, c, xp: xp.imag((c + 1j) * x),
    "product": lambda x, c, xp: xp.dot(np.array([c, 0.5]), xp.array([x, x])),
    "rolled": lambda x, c, xp: xp.roll(xp.array([x, c]), 1)[1],
}
"""(x, constant, numpy or jax.numpy) -> a linear function of x."""


def _turned(x: Any) -> Any:
    return -x


def _same(x: Any) -> Any:
    return x


def _halved(_: Any, x: Any) -> Any:
    return 0.5 * x + 1.0


def _branch(x: Any, c: float, xp: Any) -> Any:
    return (x if x > c else -x) if xp is np else jax.lax.cond(x > c, _same, _turned, x)


def _loop(x: Any, c: float, xp: Any) -> Any:
    return 0.125 * x + 1.75 if xp is np else jax.lax.fori_loop(0, 3, _halved, x)


CURVED: dict[str, Callable[..., Any]] = {
    "abs": lambda x, c, xp: xp.abs(x),
    "Python abs": lambda x, c, xp: abs(x),
    "sine": lambda x, c, xp: xp.sin(x),
    "maximum": lambda x, c, xp: xp.maximum(x, c),
    "minimum": lambda x, c, xp: xp.minimum(x, c),
    "clipped": lambda x, c, xp: xp.clip(x, -abs(c), 2.0),
    "where": lambda x, c, xp: xp.where(x > 0, x, c * x),
    "remainder": lambda x, c, xp: x % (abs(c) + 0.1),
    "rounded": lambda x, c, xp: xp.round(x),
    "floor": lambda x, c, xp: xp.floor(x) + c,
    "sign": lambda x, c, xp: xp.sign(x) * c,
    "square": lambda x, c, xp: x**2,
    "root": lambda x, c, xp: xp.sqrt(xp.abs(x)),
    "tanh": lambda x, c, xp: xp.tanh(x),
    "inverse": lambda x, c, xp: 1.0 / (1.0 + x * x),
    "whole": lambda x, c, xp: xp.asarray(x).astype(int) + c,
    "single": lambda x, c, xp: xp.asarray(x).astype(np.float32).astype(float),
    "still": lambda x, c, xp: x if xp is np else jax.lax.stop_gradient(x),
    "rectified": lambda x, c, xp: xp.maximum(x, 0.0) if xp is np else jax.nn.relu(x),
    "sorted": lambda x, c, xp: xp.sort(xp.array([x, c]))[0],
    "branch": _branch,
    "loop": _loop,
    "wrapped": lambda x, c, xp: xp.arctan2(xp.sin(x), xp.cos(x)),
    "entry": lambda x, c, xp: xp.array([1.0, c])[xp.asarray(x > 0).astype(int)],
}
"""(x, constant, numpy or jax.numpy) -> a function of x that is not affine, or that JAX does not show to be."""


@dataclass(frozen=True)
class Circuit:
    """A quantum function."""

    function: Callable[[Any], None]
    n_qubits: int
    n_params: int
    linear: bool
    """Whether each angle is made of linear functions alone."""


N_KINDS = 27
"""Kinds of operations."""


def random_circuit(
    seed: int,
    n_qubits: int = 4,
    n_params: int = 3,
    n_ops: int = 5,
    kind: int | None = None,
    names: tuple[str, ...] | None = None,
) -> Circuit:
    """A circuit of random operations, after a layer that makes each amplitude another.

    `kind` is that of all operations, and `names` are the functions that make each angle, if they are not drawn.
    """
    rng = np.random.default_rng(seed)
    curved = rng.random() < 0.7
    linear, gates = True, []
    for _ in range(n_ops):
        angles = []
        for _ in range(3):
            angle, straight = _angle(rng, n_params, curved, names)
            angles.append(angle)
            linear &= straight
        gate, straight = _gate(rng, n_qubits, angles, kind)
        gates.append(gate)
        linear &= straight

    def function(theta: Any) -> None:
        for wire in range(n_qubits):
            qml.RY(0.5 + 0.3 * wire, wires=wire)
        for gate in gates:
            gate(theta)

    return Circuit(function, n_qubits, n_params, linear)


def _angle(rng: np.random.Generator, n_params: int, curved: bool, names: tuple[str, ...] | None) -> tuple[Angle, bool]:
    """A function of theta, and whether it is linear."""
    index, vector = int(rng.integers(n_params)), rng.normal(size=n_params)
    first: Angle = [
        lambda t: t[index],
        lambda t: t[-1 - index],
        lambda t: t.sum(),
        lambda t: vector @ t,
        lambda t: t[::-1].reshape(1, -1)[0, index],
        lambda t: t[np.array([index, 0])][0],
    ][rng.integers(6)]
    steps, straight = [], True
    for place in range(rng.integers(0, 4) if names is None else len(names)):
        table = CURVED if curved and rng.random() < 0.4 else LINEAR
        name = list(table)[rng.integers(len(table))]
        if names is not None:
            name = names[place]
            table = LINEAR if name in LINEAR else CURVED
        steps.append((table[name], float(np.round(rng.normal(), 3)) or 1.0))
        straight &= table is LINEAR

    def angle(theta: Any) -> Any:
        x = first(theta)
        for function, constant in steps:
            x = function(x, constant, np if isinstance(theta, np.ndarray) else jnp)
        return x

    return angle, straight


def _unitary(rng: np.random.Generator, n_wires: int) -> np.ndarray:
    size = 2**n_wires
    return np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))[0]


def _gate(rng: np.random.Generator, n: int, angles: list[Angle], kind: int | None) -> tuple[Callable[[Any], Any], bool]:
    """One operation on random wires, and whether it keeps angles linear."""
    a, b, c = angles
    w = rng.permutation(n).tolist()
    cut = int(rng.integers(2, n + 1))
    word, values, power = (
        "".join(rng.choice(list("XYZ"), cut)),
        rng.integers(0, 2, 2).tolist(),
        int(rng.choice([2, -1, 3])),
    )
    matrix, name = _unitary(rng, 2), str(rng.choice(["RX", "RY", "RZ", "PhaseShift"]))
    fixed = str(rng.choice(["X", "Y", "Z", "H", "S", "T", "SX"]))
    pair = str(rng.choice(["CNOT", "CY", "CZ", "CH", "SWAP", "ISWAP", "SISWAP", "ECR"]))
    two = str(
        rng.choice([
            "CRX", "CRY", "CRZ", "ControlledPhaseShift", "IsingXX", "IsingYY", "IsingZZ", "IsingXY", "PSWAP",
            "CPhaseShift01", "SingleExcitation", "SingleExcitationPlus", "FermionicSWAP",
        ])
    )  # fmt: skip

    def array(theta: Any, values: Any) -> Any:
        return (np if isinstance(theta, np.ndarray) else jnp).array(values, float)

    gates: list[Callable[[Any], Any]] = [
        lambda t: qml.IQPEmbedding(array(t, [a(t), b(t)]), wires=w[:2]),
        lambda t: getattr(qml, name)(a(t), wires=w[0]),
        lambda t: getattr(qml, two)(a(t), wires=w[:2]),
        lambda t: getattr(qml, two)(a(t), wires=w[:2]),
        lambda t: getattr(qml, fixed)(w[0]),
        lambda t: getattr(qml, pair)(w[:2]),
        lambda t: qml.Rot(a(t), b(t), c(t), wires=w[0]),
        lambda t: qml.U3(a(t), b(t), c(t), wires=w[0]),
        lambda t: qml.CRot(a(t), b(t), c(t), wires=w[:2]),
        lambda t: qml.PauliRot(a(t), word, wires=w[:cut]),
        lambda t: qml.MultiRZ(a(t), wires=w[:cut]),
        lambda t: qml.DoubleExcitation(a(t), wires=w[:4]),
        lambda t: qml.OrbitalRotation(a(t), wires=w[:4]),
        lambda t: qml.FermionicSingleExcitation(a(t), wires=w[:cut]),
        lambda t: qml.FermionicDoubleExcitation(a(t), wires1=w[:2], wires2=w[2:4]),
        lambda t: qml.ctrl(getattr(qml, name)(a(t), wires=w[0]), control=w[1:3], control_values=values),
        lambda t: qml.adjoint(getattr(qml, two)(a(t), wires=w[:2])),
        lambda t: qml.pow(getattr(qml, name)(a(t), wires=w[0]), power),
        lambda t: qml.pow(getattr(qml, fixed)(w[0]), 0.5),
        lambda t: qml.exp(qml.X(w[0]) @ qml.Z(w[1]), 1j * t[0]),
        lambda t: qml.evolve(0.5 * qml.Y(w[0]) @ qml.X(w[1]), a(t)),
        lambda t: qml.prod(qml.RX(a(t), w[0]), qml.CNOT(w[:2])),
        lambda t: qml.QubitUnitary(matrix, wires=w[:2]),
        lambda t: qml.GlobalPhase(a(t)),
        lambda t: qml.AngleEmbedding(array(t, [a(t), b(t)]), wires=w[:2], rotation="Y"),
        lambda t: qml.StronglyEntanglingLayers(array(t, [[[a(t), b(t), c(t)]] * 2]), wires=w[:2]),
        lambda t: qml.CommutingEvolution(qml.Hamiltonian([0.3, 0.7], [qml.Z(w[0]), qml.Z(w[0]) @ qml.Z(w[1])]), a(t)),
    ]
    index = int(rng.integers(len(gates))) if kind is None else kind
    return gates[index], index != 0  # the first multiplies angles


def pennylane_state(circuit: Circuit, theta: np.ndarray) -> np.ndarray:
    """Amplitudes that PennyLane's default.qubit gives the function itself."""
    with qml.queuing.AnnotatedQueue() as queue:
        circuit.function(theta)
    tape = qml.tape.QuantumScript(qml.tape.QuantumScript.from_queue(queue).operations, [qml.state()])
    device = qml.device("default.qubit", wires=circuit.n_qubits)
    (ready,), _ = device.preprocess_transforms()((tape,))
    return np.asarray(device.execute(ready))


def kernel_state(circuit: Circuit, theta: np.ndarray) -> np.ndarray:
    """The same by default.qubit's kernels, operation by operation, which is quicker than the device."""
    state = np.zeros((2,) * circuit.n_qubits, complex)
    state[(0,) * circuit.n_qubits] = 1.0
    with qml.queuing.AnnotatedQueue() as queue:
        circuit.function(theta)
    pending = qml.tape.QuantumScript.from_queue(queue).operations[::-1]
    while pending:
        operation = pending.pop()
        if operation.has_matrix:
            state = qml.devices.qubit.apply_operation(operation, state)
        else:
            pending += operation.decomposition()[::-1]
    return np.asarray(state).ravel()


def worst_difference(
    circuit: Circuit, program: Any, thetas: list[np.ndarray], state: Callable[..., np.ndarray] = pennylane_state
) -> float:
    """Largest distance of two states at some theta, relative to what rounded angles allow."""
    worst = 0.0
    for theta in thetas:
        angles = twin_angles(program, theta)
        theirs, ours = state(circuit, theta), state_of_angles(program, angles)
        phase = np.vdot(ours, theirs)
        allowed = 1e-9 + 50 * np.finfo(float).eps * np.abs(angles).sum()
        worst = max(worst, float(np.linalg.norm(theirs - phase / abs(phase) * ours)) / allowed)
    return worst
