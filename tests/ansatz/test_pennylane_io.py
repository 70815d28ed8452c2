"""PennyLane quantum functions in: affine or not, and every mistake in one sentence."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.gates import KINDS
from qvar.ansatz.pool_elements import program_of


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


@pytest.mark.filterwarnings("ignore:jax.core:DeprecationWarning")  # PennyLane's
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
    expected, slope = jax.jit(jax.value_and_grad(node))(jnp.asarray(theta))
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
        (
            lambda theta: [qml.RX(theta[0], wires=0), qml.StatePrep(np.ones(2) / 2**0.5, wires=0)],
            "must hold unitary gates .* applies StatePrep",
        ),
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


def test_sums_that_do_not_commute_come_back(h4: qvar.Problem) -> None:
    """As one PennyLane operation, forwards and backwards; its circuit is checked by the conformance tests."""
    sums = [element for element in qvar.pool("singlet_gsd", h4).elements if not element.commutes][::9]
    ansatz = qvar.Ansatz("sums", "constrained", program_of(sums, 8, h4.reference_bits))
    again = qvar.Ansatz.from_circuit(ansatz.circuit, 8, ansatz.n_params)
    names = [KINDS[kind].name for kind in again.program.kind]
    assert names == ["ExcitationSum"] * len(sums)
    theta = np.linspace(-0.7, 0.8, ansatz.n_params)
    np.testing.assert_allclose(*(qvar.energy(h4, one).loss(theta) for one in (ansatz, again)), rtol=0, atol=1e-12)

    def there_and_back(point: Any) -> None:
        ansatz.circuit(point)
        qml.adjoint(lambda: [qml.apply(one) for one in qml.tape.make_qscript(ansatz.circuit)(point).operations[1:]])()

    back = qvar.Ansatz.from_circuit(there_and_back, 8, ansatz.n_params)
    assert float(qvar.energy(h4, back).loss(theta)) == pytest.approx(h4.reference_energy, abs=1e-10)


def test_a_sum_on_other_wires_is_the_same(h4: qvar.Problem) -> None:
    """Its Jordan-Wigner string is on modes between its own."""
    one = next(one for one in qvar.pool("singlet_gsd", h4).elements if not one.commutes and min(one.wires) == 2)
    ansatz = qvar.Ansatz("sum", "constrained", program_of([one], 8, h4.reference_bits))
    theta, labels = np.array([0.8]), list("abcdefgh")
    tapes = [qml.tape.make_qscript(lambda: ansatz.circuit(theta, wires=wires))() for wires in (None, labels)]  # noqa: B023
    states = [qml.matrix(tape, order)[:, 0] for tape, order in zip(tapes, (range(8), labels), strict=True)]
    np.testing.assert_allclose(*states, rtol=0, atol=1e-13)


def test_matrices_of_theta_on_many_wires_are_refused() -> None:
    def circuit(theta: Any) -> None:
        word = qml.PauliRot(theta[0], "XYZ", wires=range(3))
        qml.QubitUnitary(qml.matrix(word, wire_order=range(3)), wires=range(3))

    with pytest.raises(qvar.QvarError, match="applies QubitUnitary, which it decomposes for known numbers only"):
        qvar.Ansatz.from_circuit(circuit, 3, 1)
