"""Identity blocks of Grant et al. 2019: the identity at the start, the inner circuit and its inverse anywhere."""

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.hardware_efficient import hardware_efficient
from qvar.ansatz.identity_blocks import identity_blocks
from qvar.ansatz.program import ProgramBuilder
from qvar.ansatz.random_circuit import random_circuit
from qvar.ansatz.templates import strongly_entangling
from qvar.engines.pennylane_reference import oracle


def _every_inverse(reference: tuple[int, ...]) -> qvar.Ansatz:
    """Fixed gates that are not their own inverses, angles with offsets and shared parameters."""
    builder = ProgramBuilder(4, 2, reference)
    for name, wires in [("Hadamard", [0]), ("S", [0]), ("SX", [1]), ("T", [1]), ("Hadamard", [3]), ("ISWAP", [0, 1])]:
        builder.add(name, wires)
    builder.add("RX", [2], {0: 0.5, 1: -2.0}, offset=0.3)
    builder.add("CRY", [2, 0], {1: 1.0})
    for name, wires in [("ISWAP", [2, 3]), ("S", [2]), ("CY", [1, 2]), ("SX", [3])]:
        builder.add(name, wires)
    builder.add("RY", [1], {0: 1.0})
    return qvar.Ansatz("every inverse", "generic", builder.build())


INNER = {
    "hardware_efficient": lambda p: hardware_efficient(p, layers=2, entangler="iswap_brick"),
    "strongly_entangling": lambda p: strongly_entangling(p, layers=2),
    "random_circuit": lambda p: random_circuit(p, layers=3, key=jax.random.key(4)),
    "every_inverse": lambda p: _every_inverse((0, 0, 0, 0) if isinstance(p, int) else p.reference_bits),
}


@pytest.mark.parametrize("inner", [*INNER, "uccsd"])
def test_starts_at_the_reference_determinant(h2: qvar.Problem, inner: str) -> None:
    ansatz = identity_blocks({**INNER, "uccsd": qvar.uccsd}[inner](h2), blocks=2)
    objective = qvar.energy(h2, ansatz, engine="dense")
    for seed in range(3):
        theta = ansatz.initial(jax.random.key(seed))
        state = np.asarray(objective.state(theta))
        assert abs(state[0b1100]) == pytest.approx(1, abs=1e-12)
        assert float(objective.loss(theta)) == pytest.approx(h2.reference_energy, abs=1e-10)
    other = objective.state(ansatz.initial(jax.random.key(0), "uniform"))
    assert abs(np.asarray(other)[0b1100]) < 0.99


def test_start_is_random_in_the_first_halves_and_equal_in_the_second() -> None:
    ansatz = identity_blocks(hardware_efficient(4, layers=9), blocks=3)
    theta = np.asarray(ansatz.initial(jax.random.key(8))).reshape(3, 2, 80)
    np.testing.assert_array_equal(theta[:, 0], theta[:, 1])
    assert len(np.unique(theta)) == 3 * 80
    assert np.abs(theta).max() <= np.pi
    assert np.mean(theta[:, 0] ** 2) == pytest.approx(np.pi**2 / 3, rel=4 * np.sqrt(0.8 / 240))
    assert np.asarray(ansatz.initial(jax.random.key(9)))[0] != theta[0, 0, 0]


@pytest.mark.parametrize("inner", INNER)
def test_state_is_that_of_the_circuit_and_its_adjoint(inner: str) -> None:
    one = INNER[inner](4)
    ansatz = identity_blocks(one, blocks=2)
    assert ansatz.n_params == 2 * 2 * one.n_params
    theta = np.random.default_rng(3).uniform(-3, 3, (4, one.n_params))

    @qml.qnode(qml.device("default.qubit", wires=4))
    def written() -> object:
        one.circuit(theta[0])
        qml.adjoint(one.circuit)(theta[1])
        one.circuit(theta[2])
        qml.adjoint(one.circuit)(theta[3])
        return qml.state()

    state = qvar.expectation(qml.Z(0), ansatz).state(theta.ravel())
    np.testing.assert_allclose(state, written(), atol=1e-12)


@pytest.mark.parametrize("inner", INNER)
def test_agrees_with_pennylane(h2: qvar.Problem, inner: str) -> None:
    ansatz = identity_blocks(INNER[inner](h2))
    theta = np.random.default_rng(7).uniform(-1, 1, ansatz.n_params)
    value, gradient = oracle(h2, ansatz)(theta)
    assert np.linalg.norm(gradient) > 1e-2
    ours, slope = qvar.energy(h2, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


def test_keeps_what_the_inner_circuit_is(h2: qvar.Problem) -> None:
    inner = qvar.uccsd(h2)
    ansatz = identity_blocks(inner)
    assert ansatz.name == "identity blocks x1 of uccsd"
    assert (ansatz.family, ansatz.symmetries) == ("constrained", inner.symmetries)
    assert ansatz.citations == (*inner.citations, "grant2019")
    assert ansatz.settings == {"blocks": 1, "ansatz": "uccsd", "ansatz_settings": dict(inner.settings)}
    theta = np.random.default_rng(2).uniform(-1, 1, ansatz.n_params)
    objective = qvar.energy(h2, ansatz, engine="sector")
    measured = qvar.energy(h2, ansatz, engine="dense").measure(theta)
    assert measured["particle_number"] == pytest.approx(2, abs=1e-10)
    assert measured["sz"] == pytest.approx(0, abs=1e-10)
    assert float(objective.loss(theta)) == pytest.approx(oracle(h2, ansatz)(theta)[0], abs=1e-10)
    twice = identity_blocks(ansatz)
    assert twice.citations == ansatz.citations


def test_gradient_does_not_vanish_at_the_start(h2: qvar.Problem) -> None:
    ansatz = identity_blocks(hardware_efficient(h2, layers=2))
    _, gradient = qvar.energy(h2, ansatz).value_and_grad(ansatz.initial(jax.random.key(0)))
    assert np.linalg.norm(gradient) > 1e-2


def test_mistakes() -> None:
    with pytest.raises(qvar.QvarError, match=r"^`blocks` must be at least 1, but is 0\.$"):
        identity_blocks(hardware_efficient(4), blocks=0)

    def square(theta: object) -> None:
        qml.RX(theta[0] ** 2, wires=0)

    with pytest.warns(UserWarning, match="not affine"):
        ansatz = qvar.Ansatz.from_circuit(square, 1, 1)
    with pytest.raises(qvar.QvarError, match="`ansatz` must have angles that are affine"):
        identity_blocks(ansatz)
