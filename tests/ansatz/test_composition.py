"""Circuits made of circuits, against PennyLane's simulator on their parts."""

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar

KEY = jax.random.key(0)


def state(ansatz: qvar.Ansatz, theta: np.ndarray) -> np.ndarray:
    from qvar.engines.states import ansatz_states

    return np.asarray(ansatz_states(ansatz, "dense").states(jax.numpy.asarray(theta)[None])[0])


def in_pennylane(*parts: tuple[qvar.Ansatz, np.ndarray]) -> np.ndarray:
    n = parts[0][0].n_qubits

    @qml.qnode(qml.device("default.qubit", wires=n))
    def node():
        for ansatz, theta in parts:
            ansatz.circuit(theta)
        return qml.state()

    return np.asarray(node())


def test_one_after_another() -> None:
    spins = qvar.tfim(3)
    first, second = qvar.hva(spins, layers=1), qvar.hardware_efficient(spins, layers=1)
    both = first.then(second)
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(first.n_params), rng.standard_normal(second.n_params)
    expected = in_pennylane((first, a), (second, b))
    np.testing.assert_allclose(state(both, np.concatenate([a, b])), expected, atol=1e-12)
    np.testing.assert_allclose(in_pennylane((both, np.concatenate([a, b]))), expected, atol=1e-12)
    assert (both.family, both.name) == ("generic", f"{first.name} + {second.name}")
    assert both.initial(KEY).shape == (first.n_params + second.n_params,)
    assert set(both.symmetries) == set(first.symmetries) & set(second.symmetries)


def test_symmetries_of_both_are_kept(h2: qvar.Problem) -> None:
    both = qvar.uccsd(h2).then(qvar.kupccgsd(h2, layers=1), name="a")
    assert both.family == "constrained"
    assert "sz" in both.symmetries
    assert both.program.reference == qvar.uccsd(h2).program.reference
    zero = np.zeros(both.n_params)
    assert float(qvar.energy(h2, both).loss(zero)) == pytest.approx(h2.reference_energy, abs=1e-12)


@pytest.mark.parametrize("held", [None, [0, 3], []])
def test_held_angles(held: list[int] | None) -> None:
    """One angle is read by several gates, one gate reads two angles: k-UpCCGSD and UCCSD adapted to spin."""
    h2 = qvar.named("h2")
    ansatz = qvar.kupccgsd(h2, layers=3)
    rng = np.random.default_rng(1)
    theta, other = rng.standard_normal(ansatz.n_params), rng.standard_normal(ansatz.n_params)
    numbers = list(range(ansatz.n_params)) if held is None else held
    frozen = ansatz.freeze(theta, parameters=held)
    free = np.setdiff1d(np.arange(ansatz.n_params), numbers)
    assert frozen.n_params == len(free)
    whole = np.array(other)
    whole[numbers] = theta[numbers]
    np.testing.assert_allclose(in_pennylane((frozen, other[free])), in_pennylane((ansatz, whole)), atol=1e-12)
    np.testing.assert_allclose(state(frozen, other[free]), in_pennylane((ansatz, whole)), atol=1e-12)


@pytest.mark.parametrize("held", [[0], [0, 1]])
def test_held_angles_of_other_functions(held: list[int]) -> None:
    def circuit(theta):
        qml.RX(theta[0] * theta[1], 0)
        qml.RY(theta[1], 1)

    with pytest.warns(UserWarning, match="affine"):
        ansatz = qvar.Ansatz.from_circuit(circuit, 2, 2)
    theta = np.array([0.7, 0.4])
    frozen = ansatz.freeze(theta, parameters=held)
    np.testing.assert_allclose(state(frozen, np.delete(theta, held)), in_pennylane((ansatz, theta)), atol=1e-12)


def test_a_start_at_angles(h2: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h2)
    theta = np.arange(float(ansatz.n_params))
    started = ansatz.start_at(theta)
    assert started.start == "trained"
    assert np.array_equal(started.initial(KEY), theta)
    assert started.describe() != ansatz.describe()


def test_mistakes(h2: qvar.Problem, h4: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h2)
    with pytest.raises(qvar.QvarError, match="`other` must have 4 qubits, but uccsd has 8"):
        ansatz.then(qvar.uccsd(h4))
    with pytest.raises(qvar.QvarError, match="`parameters` must be numbers from 0 to 2, but is"):
        ansatz.freeze(np.zeros(3), parameters=[3])
    with pytest.raises(qvar.QvarError, match="`theta` must have shape"):
        ansatz.freeze(np.zeros(2))
    with pytest.raises(qvar.QvarError, match="`start` must not be one of 'uniform', 'gaussian', 'zero', but is 'zero'"):
        ansatz.start_at(np.zeros(3), start="zero")
