"""Random circuits of McClean et al. 2018: their make, and the plateau's exact variance."""

import inspect
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.gates import KINDS
from qvar.ansatz.random_circuit import random_circuit
from qvar.engines.pennylane_reference import oracle


def test_gates_are_the_papers() -> None:
    ansatz = random_circuit(5, layers=7, key=jax.random.key(2))
    program = ansatz.program
    gates = [(KINDS[kind].name, program.op_wires(k)) for k, kind in enumerate(program.kind)]
    assert gates[:5] == [("RY", (q,)) for q in range(5)]
    np.testing.assert_array_equal(program.offset, [np.pi / 4] * 5 + [0] * (len(gates) - 5))
    for layer in range(7):
        part = gates[5 + 9 * layer : 14 + 9 * layer]
        assert [wires for _, wires in part] == [(0,), (1,), (2,), (3,), (4,), (0, 1), (1, 2), (2, 3), (3, 4)]
        assert {name for name, _ in part[:5]} <= {"RX", "RY", "RZ"}
        assert {name for name, _ in part[5:]} == {"CZ"}
    assert ansatz.n_params == 5 * 7
    assert program.angle_param.tolist() == list(range(35))
    assert ansatz.citations == ("mcclean2018",)


def test_axes_are_drawn_evenly_and_by_the_key() -> None:
    ansatz = random_circuit(10, layers=90, key=jax.random.key(5))
    names = [KINDS[kind].name for kind in ansatz.program.kind[10:]]
    counts = np.array([names.count(axis) for axis in ("RX", "RY", "RZ")])
    assert np.sum((counts - 300) ** 2 / 300) < 13.8  # chi squared of two degrees of freedom, one in a thousand
    assert ansatz.program.digest == random_circuit(10, layers=90, key=jax.random.key(5)).program.digest
    assert ansatz.program.digest != random_circuit(10, layers=90, key=jax.random.key(6)).program.digest
    assert ansatz.settings == {"layers": 90, "key": [0, 5]}
    assert random_circuit(10, layers=90, key=jax.random.PRNGKey(5)).program.digest == ansatz.program.digest


def test_agrees_with_pennylane(h2: qvar.Problem) -> None:
    ansatz = random_circuit(h2, layers=4, key=jax.random.key(1))
    assert ansatz.program.reference == h2.reference_bits
    theta = np.random.default_rng(7).uniform(-3, 3, ansatz.n_params)
    value, gradient = oracle(h2, ansatz)(theta)
    assert np.linalg.norm(gradient) > 1e-2
    ours, slope = qvar.energy(h2, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


def test_plateau() -> None:
    """Variance over circuits and angles: d / (3 (d^2 - 1)) of the first derivative, d^2 / (2 (d-1) (d+1)^2) amid.

    The interval is four standard errors of the mean over circuits, each with angles of its own.
    """
    circuits, draws, layers, d = 60, 40, 60, 16
    objectives = [
        qvar.expectation(qml.Z(0) @ qml.Z(1), random_circuit(4, layers=layers, key=jax.random.key(k)))
        for k in range(circuits)
    ]
    assert len({o.function for o in objectives}) == 1
    data = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[o.data for o in objectives])
    theta = jax.random.uniform(jax.random.key(99), (circuits, draws, 4 * layers), float, -np.pi, np.pi)
    over_angles = jax.vmap(jax.grad(objectives[0].function), in_axes=(0, None))
    gradients = np.asarray(jax.jit(jax.vmap(over_angles))(theta, data))
    for param, variance in [(0, d / (3 * (d**2 - 1))), (2 * layers, d**2 / (2 * (d - 1) * (d + 1) ** 2))]:
        squares = np.mean(gradients[:, :, param] ** 2, axis=1)
        assert np.mean(squares) == pytest.approx(variance, abs=4 * np.std(squares) / np.sqrt(circuits))
        assert 4 * np.std(squares) / np.sqrt(circuits) < 0.35 * variance  # the interval says something


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"layers": 0}, "`layers` must be at least 1, but is 0."),
        ({"problem": 1}, "`n_qubits` must be at least 2, but is 1."),
    ],
)
def test_mistakes(arguments: dict, sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        inspect.unwrap(random_circuit)(**({"problem": 4, "layers": 1, "key": jax.random.key(0)} | arguments))
    assert str(caught.value) == sentence


def test_one_key_not_many() -> None:
    with pytest.raises(qvar.QvarError, match=r"`key` must be a JAX random key, .* but has shape"):
        random_circuit(4, layers=1, key=jax.random.split(jax.random.key(0)))
    with pytest.raises(qvar.QvarError, match=r"^`key` must be a JAX random key, .* but is 7\.$"):
        random_circuit(4, layers=1, key=cast(Any, 7))
