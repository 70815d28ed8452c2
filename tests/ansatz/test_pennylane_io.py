"""PennyLane quantum functions in: affine or not, and every mistake in one sentence."""

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar


def _affine(theta):
    qml.BasisState(np.array([1, 0, 1]), wires=range(3))
    qml.RX(2 * theta[0] - theta[1] + 0.25, wires=0)
    qml.Rot(theta[1], theta[2], theta[0], wires=2)
    qml.CNOT([0, 1])


def test_affine_angles_become_a_table() -> None:
    ansatz = qvar.Ansatz.from_circuit(_affine, n_qubits=3, n_params=3, name="mine", family="constrained")
    program = ansatz.program
    assert (ansatz.name, ansatz.family, program.reference) == ("mine", "constrained", (1, 0, 1))
    assert program.angle_function is None
    theta = np.array([0.3, -0.2, 1.1])
    angles = np.asarray(program.angles(jnp.asarray(theta)))
    np.testing.assert_allclose(angles, [0.6 + 0.2 + 0.25, -0.2, 1.1, 0.3, 0.0], atol=1e-12)


def test_other_functions_of_theta_work_and_say_so_once() -> None:
    def function(theta):
        qml.RX(jnp.sin(theta[0]), wires=0)
        qml.CRY(theta[0] * theta[1], wires=[0, 1])

    with pytest.warns(UserWarning, match="not affine in theta") as caught:
        ansatz = qvar.Ansatz.from_circuit(function, 2, 2)
    assert len(caught) == 1
    objective = qvar.expectation(qml.PauliZ(1) @ qml.PauliX(0) + qml.PauliZ(0), ansatz)
    theta = np.array([0.4, 1.3])

    @qml.qnode(qml.device("default.qubit", wires=2), interface="jax")
    def node(theta):
        function(theta)
        return qml.expval(qml.PauliZ(1) @ qml.PauliX(0) + qml.PauliZ(0))

    value, gradient = objective.value_and_grad(theta)
    expected, slope = jax.value_and_grad(node)(jnp.asarray(theta))
    assert float(value) == pytest.approx(float(expected), abs=1e-10)
    np.testing.assert_allclose(gradient, slope, atol=1e-8)
    assert qvar.minimize(objective, key=jax.random.key(0)).status is qvar.Status.CONVERGED


def _changing(theta):
    for _ in range(1 + int(10 * float(theta[0]))):
        qml.RX(theta[0], wires=0)


def _measured(theta):
    qml.RX(theta[0], wires=0)
    return qml.expval(qml.PauliZ(0))


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (_measured, "must only apply gates, but returns or makes the measurement expval"),
        (lambda theta: qml.measure(0), "must not measure mid-circuit, but applies MidMeasure"),
        (lambda theta: qml.RX(theta[3], wires=0), "must read only 1 parameters"),
        (lambda theta: qml.RX(theta[0], wires=7), r"must use wires 0 to 1, but applies RX on \[7\]"),
        (lambda theta: qml.RX(theta[0], wires="a"), r"must use wires 0 to 1, but applies RX on \['a'\]"),
        (lambda theta: qml.StatePrep(np.ones(2) / 2**0.5, wires=0), "must hold unitary gates .* applies StatePrep"),
        (lambda theta: qml.RX(np.sin(float(theta[0])), wires=0), "with jax.numpy .* tracing it ends in"),
        (_changing, "must apply the same gates for every theta"),
    ],
)
def test_mistakes_are_one_sentence(function, sentence: str) -> None:
    with pytest.raises(qvar.QvarError, match=sentence) as caught:
        qvar.Ansatz.from_circuit(function, n_qubits=2, n_params=1)
    text = str(caught.value)
    assert text.startswith("`quantum_function` must")
    assert text.endswith(".")
    assert "\n" not in text


def test_circuit_checks_theta() -> None:
    ansatz = qvar.hardware_efficient(2, layers=1)
    with pytest.raises(qvar.QvarError, match=r"^`theta` must have shape \(8,\), but has shape \(3,\)\.$"):
        ansatz.circuit(np.zeros(3))


def test_deeply_nested_templates_are_decomposed() -> None:
    def function(theta):
        qml.StronglyEntanglingLayers(theta.reshape(2, 3, 3), wires=range(3))

    ansatz = qvar.Ansatz.from_circuit(function, 3, 18)
    theta = np.random.default_rng(0).uniform(-1, 1, 18)

    @qml.qnode(qml.device("default.qubit", wires=3))
    def node():
        function(theta)
        return qml.expval(qml.PauliZ(0) @ qml.PauliX(2))

    value = float(qvar.expectation(qml.PauliZ(0) @ qml.PauliX(2), ansatz).loss(theta))
    assert value == pytest.approx(float(node()), abs=1e-10)
