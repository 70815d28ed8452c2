"""A user's function is what runs, with any angles and operations; and what is no circuit is refused."""

import functools
import itertools
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from pennylane import numpy as pnp
from random_circuits import CURVED, LINEAR, N_KINDS, Circuit, kernel_state, random_circuit, worst_difference
from twin import twin_state

import qvar
from qvar.ansatz import capture
from qvar.engines.pennylane_reference import function_oracle

pytestmark = pytest.mark.filterwarnings("ignore:jax.core:DeprecationWarning")  # PennyLane's

OBSERVABLE = qml.Hamiltonian([0.7, -0.4, 0.3], [qml.Z(0), qml.X(0) @ qml.Y(1), qml.Y(2) @ qml.X(3)])


def made(function: Callable[..., Any], n_qubits: int = 4, n_params: int = 3) -> qvar.Ansatz:
    """The ansatz of a function whose angles may be any."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The angles are not affine")
        return qvar.Ansatz.from_circuit(function, n_qubits, n_params)


def check_program(circuit: Circuit, seed: int) -> None:
    """Compare states at large negative parameters; nothing is compiled. Linear angles are proved to be affine."""
    with pytest.MonkeyPatch.context() as patch:  # recording a function again and checks of types are most of the time
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        patch.setattr(capture, "_run", functools.lru_cache(maxsize=1)(capture._run))
        patch.setattr(capture.Recording, "key", None)
        program = made(circuit.function).program
    theta = -1e3 * np.random.default_rng(seed).random(3)
    assert worst_difference(circuit, program, [theta], kernel_state) < 1
    assert not (circuit.linear and program.angle_function)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_circuit_is_the_one_of_default_qubit(seed: int) -> None:
    check_program(random_circuit(seed, n_ops=1), seed)


@pytest.mark.parametrize("kind", range(N_KINDS))
def test_every_operation_takes_every_function_of_theta(kind: int) -> None:
    """Three functions for each angle, one after the other, all linear or all not."""
    for table in (LINEAR, CURVED):
        functions = list(table)
        for place in range(0, len(functions), 3):
            circuit = random_circuit(100 * kind + place, n_ops=1, kind=kind, names=tuple(functions[place : place + 3]))
            check_program(circuit, place)


@pytest.mark.parametrize("seed", [2, 5])
def test_energies_and_gradients_of_the_engines_are_those_of_default_qubit(seed: int) -> None:
    circuit = random_circuit(seed, n_ops=4)
    theirs = function_oracle(OBSERVABLE, circuit.function, 4)
    objective = qvar.expectation(OBSERVABLE, made(circuit.function))
    for theta in (np.array([0.7, -1.3, 2.1]), np.array([-870.0, -12.0, 401.0])):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Casting complex values", np.exceptions.ComplexWarning)  # autograd's
            value, slope = theirs(theta)
        ours = objective.value_and_grad(theta)
        assert float(ours[0]) == pytest.approx(value, abs=1e-9)
        np.testing.assert_allclose(ours[1], slope, rtol=1e-8, atol=1e-8)


def _names(ansatz: qvar.Ansatz, theta: Any) -> list[str]:
    return [operation.name for operation in qml.tape.make_qscript(ansatz.circuit)(theta).operations]


def test_decomposed_gates_are_applied_once() -> None:
    ansatz = made(lambda theta: qml.Rot(0.0, jnp.sin(theta[0]), 0.0, wires=0), 1, 1)
    assert _names(ansatz, np.ones(1)) == ["RZ", "RY", "RZ"]
    assert ansatz.draw() == "0: ──RZ──RY──RZ─┤  "
    embedding = made(lambda theta: qml.IQPEmbedding(theta, wires=range(2)), 2, 2)
    assert _names(embedding, np.ones(2)) == ["Hadamard", "RZ", "Hadamard", "RZ", "MultiRZ"]


@pytest.mark.parametrize("interface", ["autograd", "jax", "numpy"])
def test_angles_of_any_function_in_every_interface(interface: str) -> None:
    ansatz = made(
        lambda theta: (qml.RY(theta[0] ** 2, wires=0), qml.CRot(theta[1], jnp.abs(theta[0]), 0.3, [0, 1])), 2, 2
    )

    @qml.qnode(qml.device("default.qubit", wires=2))
    def node(theta: Any) -> Any:
        ansatz.circuit(theta)
        return qml.expval(qml.Z(1) + qml.X(0))

    theta = np.array([-1.2, 0.4])
    objective = qvar.expectation(qml.Z(1) + qml.X(0), ansatz)
    value, slope = objective.value_and_grad(theta)
    if interface == "numpy":
        assert float(node(theta)) == pytest.approx(float(value), abs=1e-10)
        return
    with jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Casting complex values", np.exceptions.ComplexWarning)  # autograd's
        theirs = qml.grad(node)(pnp.array(theta)) if interface == "autograd" else jax.grad(node)(jnp.asarray(theta))
    np.testing.assert_allclose(theirs, slope, rtol=0, atol=1e-9)


def test_a_function_is_run_as_it_was() -> None:
    """What its names mean later does not change the circuit, whose gradients are JAX's."""
    scale = [2.0]
    ansatz = made(lambda theta: qml.RX(scale[0] * jnp.sin(theta[0]), wires=0), 1, 1)
    scale[0] = 5.0
    assert float(ansatz.program.angles(jnp.ones(1))[0]) == pytest.approx(2 * np.sin(1.0))
    still = made(lambda theta: qml.RX(jax.lax.stop_gradient(theta[0]), wires=0), 1, 1)
    assert np.asarray(qvar.expectation(qml.Z(0), still).value_and_grad(np.ones(1))[1]) == 0.0


def test_functions_that_agree_at_some_points_are_distinguished() -> None:
    functions = [lambda t: qml.RX(jnp.abs(t[0]), wires=0), lambda t: qml.RX(jnp.maximum(t[0], 0.0), wires=0)]
    one, other, again = (made(f, 1, 1).program.digest for f in (*functions, functions[0]))
    assert one == again != other


def test_numbers_that_do_not_depend_on_theta_stay_numbers() -> None:
    """PennyLane decomposes a matrix of numbers only."""

    def function(theta: Any) -> None:
        qml.BasisState(jnp.array([1, 0, 1, 0]), wires=range(4))
        qml.QubitUnitary(jnp.eye(4)[jnp.array([0, 1, 3, 2])], wires=[2, 0])
        qml.RX(theta[0] * jnp.sum(jnp.arange(3)), wires=0)

    program = made(function).program
    assert program.reference == (1, 0, 1, 0)
    assert program.angle_function is None


@qml.qnode(qml.device("default.qubit", wires=2))
def node(theta: Any) -> Any:
    """A QNode."""
    qml.RX(theta[0], wires=0)
    qml.CNOT([0, 1])
    return qml.expval(qml.Z(0))


class Layers:
    """Quantum functions as an object and as its method."""

    def __call__(self, theta: Any) -> None:
        qml.RX(theta[0], wires=0)
        qml.CNOT([0, 1])

    def method(self, theta: Any, wire: int = 0) -> None:
        self(theta)


@pytest.mark.parametrize(
    "function",
    [
        node,
        Layers(),
        Layers().method,
        functools.partial(Layers().method, wire=1),
        jax.jit(Layers().method),
        qml.adjoint(lambda theta: (qml.CNOT([0, 1]), qml.RX(-theta[0], wires=0))),
        lambda theta: [qml.RX(theta[0], wires=0), (qml.CNOT([0, 1]), 0)],
    ],
)
def test_what_else_is_a_quantum_function(function: Callable[..., Any]) -> None:
    theta = np.array([-0.7])
    expected = [np.cos(0.35), 0, 0, 1j * np.sin(0.35)]
    np.testing.assert_allclose(twin_state(made(function, 2, 1).program, theta), expected, atol=1e-12)


def _branching(theta: Any) -> None:
    if theta[0] > 0:
        qml.RX(theta[0], wires=0)


COUNTER = itertools.count()


def _sometimes(theta: Any) -> None:
    (qml.RX if np.random.default_rng().random() < 0.5 else qml.RY)(theta[0], wires=0)


PLAIN, SAME, FLAT, ANGLE = (
    "with jax.numpy alone",
    "apply the same gates",
    "one flat vector of 3 numbers",
    "finite real angle",
)

MISTAKES: dict[str, tuple[Callable[..., Any] | Any, str]] = {
    "branch": (_branching, "branches on theta"),
    "conditional expression": (lambda t: qml.RX(t[0] if t[0] > 0 else -t[0], 0), "branches on theta"),
    "Python max": (lambda t: qml.RX(max(t[0], t[1]), 0), "branches on theta"),
    "sorted": (lambda t: [qml.RX(x, 0) for x in sorted(t)], "branches on theta"),
    "mask": (lambda t: qml.RX(t[t > 0][0], 0), "branches on theta"),
    "cond": (lambda t: qml.cond(t[0] > 0, qml.X)(0), "branches on theta"),
    "number of gates": (lambda t: [qml.RX(t[0], 0) for _ in range(int(t[0]))], SAME),
    "wire": (lambda t: qml.RX(t[0], int(t[1])), SAME),
    "wire of theta": (lambda t: qml.RX(t[0], wires=t[1]), SAME),
    "float": (lambda t: qml.RX(3 * float(t[0]), 0), PLAIN),
    "numpy": (lambda t: qml.RX(np.sin(t[0]), 0), PLAIN),
    "numpy array": (lambda t: qml.AngleEmbedding(np.array([t[0], t[1]]), wires=[0, 1]), PLAIN),
    "random angle": (lambda t: qml.RX(t[0] + np.random.rand(), 0), "two calls differ"),
    "random gate": (_sometimes, "two calls differ"),
    "Python's random": (lambda t: qml.RX(t[0] * random.random(), 0), "two calls differ"),
    "random and unused": (lambda t: qml.RX(t[0] + 0 * np.random.rand(), 0), "draws random numbers"),
    "counter": (lambda t: qml.RX(t[0] * next(COUNTER), 0), "two calls differ"),
    "text": (lambda t: qml.RX(t["a"], 0), FLAT),
    "template": (lambda t: qml.StronglyEntanglingLayers(t, wires=range(2)), r"theta.reshape\(layers, n_qubits, 3\)"),
    "two indices": (lambda t: qml.RX(t[0, 1], 0), FLAT),
    "unpacked": (lambda t: [qml.RX(a, 0) for a, b in [t]], FLAT),
    "set": (lambda t: t.__setitem__(0, 1.0), FLAT),
    "beyond": (lambda t: qml.RX(t[3], 0), "only 3 parameters"),
    "beyond, within a function": (lambda t: qml.RX(jnp.sin(t[3]), 0), "only 3 parameters"),
    "two arguments": (lambda t, x: qml.RX(t[0] * x, 0), r"one argument, the vector theta, but takes \(t, x\)"),
    "no argument": (lambda: qml.RX(0.3, 0), "one argument, the vector theta, but takes none"),
    "keyword": (lambda *, t: qml.RX(t[0], 0), "one argument"),
    "tape": (qml.tape.QuantumScript([qml.X(0)]), "be a function of theta .* is a QuantumScript"),
    "QNode with transforms": (qml.transforms.cancel_inverses(node), "QNode with transforms"),
    "QNode inside": (lambda t: node(t), "returns an array; a QNode"),
    "generator": (lambda t: (qml.RX(x, 0) for x in t), "returns a generator"),
    "nothing": (lambda t: None, "apply gates, but applies none"),
    "inside jit": (lambda t: jax.jit(lambda x: [qml.RX(x, 0)][1:])(t[0]), "jax.jit"),
    "complex": (lambda t: qml.RX(1 + 0.1j, 0), ANGLE),
    "complex function": (lambda t: qml.RX(t[0] * (1 + 0.1j), 0), ANGLE),
    "complex curve": (lambda t: qml.RX(jnp.exp(1j * t[0]), 0), ANGLE),
    "not a number": (lambda t: qml.RX(np.nan, 0), ANGLE),
    "infinite": (lambda t: qml.RX(t[0] * np.inf, 0), ANGLE),
    "none": (lambda t: qml.RX(None, 0), ANGLE),
    "word as an angle": (lambda t: qml.RX("a", 0), ANGLE),
    "many angles": (lambda t: qml.RX(t, 0), "one angle"),
    "name": (
        lambda t: rx(t[0], 0),  # noqa: F821
        r"run, but ends in NameError: .*'rx'.* \(test_quantum_functions.py, line \d+\)",
    ),
    "gate": (lambda t: qml.Rx(t[0], 0), r"run, but ends in AttributeError: .*'Rx'"),
    "equal wires": (lambda t: qml.CNOT([1, 1]), r"run, but ends in ValueError: .*wires"),
    "error of one's own": (lambda t: Path("no file of this name").read_text(), "run, but ends in FileNotFoundError: "),
    "another shape": (lambda t: qml.StronglyEntanglingLayers(t, range(2)), FLAT),
    "Pauli word": (lambda t: qml.PauliRot(t[0], "XQ", [0, 1]), "not allowed"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_no_circuit_is_one_sentence(name: str) -> None:
    function, sentence = MISTAKES[name]
    with pytest.raises(qvar.QvarError, match=sentence) as caught:
        qvar.Ansatz.from_circuit(function, 2, 3)
    text = str(caught.value)
    assert text.startswith("`quantum_function` must ")
    assert text.endswith(".")
    assert "\n" not in text


def test_real_numbers_of_any_kind_are_angles() -> None:
    angles = [1 + 0j, True, 1, np.float32(1), np.array(1), jnp.ones(()), np.int64(1)]
    program = made(lambda theta: [qml.RX(angle, wires=0) for angle in angles], 1, 0).program
    np.testing.assert_array_equal(program.offset, np.ones(len(angles)))
    complex_numbers = made(lambda theta: qml.RX((1 + 0j) * theta[0], wires=0), 1, 1).program
    assert complex_numbers.angle_function is None
