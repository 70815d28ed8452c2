"""An ansatz inside a QNode: any wires, any measurement, gradients of the QNode's own."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar


@pytest.mark.filterwarnings("ignore:jax.core:DeprecationWarning")  # PennyLane's
def test_value_and_gradient_are_those_of_qvar(h2: qvar.Problem) -> None:
    """By PennyLane's differentiation, compiled, on wires with names."""
    ansatz = qvar.uccsd(h2, excitations="qubit")
    objective = qvar.energy(h2, ansatz)
    wires = ["a", "b", "c", "d"]
    hamiltonian = qml.Hermitian(qml.matrix(h2.hamiltonian(), wire_order=range(4)), wires)  # one term is one product

    @jax.jit
    @qml.qnode(qml.device("default.qubit", wires=wires))
    def node(theta: Any) -> Any:
        ansatz(theta, wires=wires)
        return qml.expval(hamiltonian)

    theta = jnp.array([0.3, -0.8, 1.1])
    value, gradient = objective.value_and_grad(theta)
    expected, slope = jax.value_and_grad(node)(theta)
    assert float(value) == pytest.approx(float(expected), abs=1e-10)
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-8)


@pytest.mark.filterwarnings("ignore:jax.core:DeprecationWarning")
@pytest.mark.parametrize("interface", ["numpy", "autograd", "jax", "list"])
def test_theta_of_any_interface(interface: str) -> None:
    ansatz = qvar.sim_circuit(4, number=14, layers=1)
    numbers = np.linspace(-1.0, 2.0, ansatz.n_params)
    theta: Any = {
        "numpy": numbers, "autograd": qml.numpy.array(numbers), "jax": jnp.array(numbers), "list": numbers.tolist(),
    }[interface]  # fmt: skip

    @qml.qnode(qml.device("default.qubit", wires=4))
    def node(theta: Any) -> Any:
        ansatz(theta)
        return qml.expval(qml.Hermitian(np.diag(np.arange(16.0)), wires=range(4)))

    mean = float(qvar.expectation(qml.Hermitian(np.diag(np.arange(16.0)), wires=range(4)), ansatz).loss(numbers))
    value = jax.jit(node) if interface == "jax" else node
    assert float(value(theta)) == pytest.approx(mean, abs=1e-10)


@pytest.mark.parametrize("costs", [None, "published", "pennylane"])
def test_wires_are_renamed_in_every_operation(costs: Any) -> None:
    """Kinds with several lists of wires among them; the first of the wires is the first of the ansatz."""
    ansatz = qvar.uccsd(qvar.hydrogen_chain(3, bond=1.0))
    theta = np.linspace(-1.0, 1.0, ansatz.n_params)
    wires = [7, "x", 0, 5, 3, 1]
    states = []
    for order, own in ((range(6), {}), (wires, {"wires": wires})):

        @qml.qnode(qml.device("default.qubit", wires=order))
        def node(own: Any) -> Any:
            ansatz.circuit(theta, costs=costs, **own)
            return qml.state()

        states.append(node(own))
    np.testing.assert_allclose(*states, rtol=0, atol=1e-12)
    assert np.count_nonzero(np.abs(states[0]) > 1e-3) > 4


def test_one_circuit_inside_another() -> None:
    """Two of them side by side, as a new ansatz."""
    part = qvar.hardware_efficient(2, layers=1)

    def both(theta: Any) -> None:
        part(theta[:8])
        part(theta[8:], wires=[3, 2])

    whole = qvar.Ansatz.from_circuit(both, 4, 16)
    theta = np.linspace(-2.0, 1.0, 16)
    values = [
        float(qvar.expectation(observable, ansatz).loss(point))
        for observable, ansatz, point in (
            (qml.Z(0) @ qml.X(1) @ qml.Z(3) @ qml.X(2), whole, theta),
            (qml.Z(0) @ qml.X(1), part, theta[:8]),
            (qml.Z(0) @ qml.X(1), part, theta[8:]),
        )
    ]
    assert values[0] == pytest.approx(values[1] * values[2], abs=1e-12)
    assert abs(values[0]) > 1e-3


@pytest.mark.parametrize("wires", [[0], [0, 0], 3, "abc", [0, 1, 2], [[0], [1]]])
def test_other_numbers_of_wires_are_refused(wires: Any) -> None:
    ansatz = qvar.hardware_efficient(2, layers=1)
    with pytest.raises(qvar.QvarError, match=r"^`wires` must be 2 different labels, but is .*\.$"):
        ansatz(np.zeros(8), wires=wires)


def test_another_length_is_refused() -> None:
    with pytest.raises(qvar.QvarError, match=r"^`theta` must have shape \(8,\), but has shape \(3,\)\.$"):
        qvar.hardware_efficient(2, layers=1)(np.zeros(3))


def test_an_ansatz_is_no_function_that_makes_one(h2: qvar.Problem) -> None:
    contender = qvar.Contender("a", "generic", qvar.uccsd(h2))  # pyright: ignore[reportArgumentType]
    sentence = r"^`theta` must be 3 angles, for an ansatz makes no other one, but is "
    with pytest.raises(qvar.QvarError, match=sentence):
        qvar.Duel(h2, [contender])
