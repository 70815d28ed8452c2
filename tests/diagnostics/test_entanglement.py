"""Entanglement of states and of circuits against closed forms, PennyLane and Haar-random states."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from math import comb, sqrt

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.diagnostics.entanglement import (
    entanglement_entropy,
    entanglement_profile,
    entangling_capability,
    haar_meyer_wallach,
    mean_entanglement_entropy,
    meyer_wallach,
    page_entropy,
)
from qvar.engines.states import ansatz_states

KEY = jax.random.key(5)


def _random_states(n_qubits: int, count: int, real: bool = False, inside: np.ndarray | None = None) -> np.ndarray:
    """Haar-random states of a register, or of the basis states `inside`."""
    generator = np.random.default_rng(n_qubits)
    inside = np.arange(1 << n_qubits) if inside is None else inside
    vectors = generator.normal(size=(count, len(inside)))
    vectors = vectors + (0 if real else 1j) * generator.normal(size=vectors.shape)
    states = np.zeros((count, 1 << n_qubits), dtype=vectors.dtype)
    states[:, inside] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return states


@cache  # traced once by all tests
def _each(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    return jax.jit(jax.vmap(function))


def _ghz(n: int) -> np.ndarray:
    return np.eye(1 << n)[[0, -1]].sum(axis=0) / sqrt(2)


def _w(n: int) -> np.ndarray:
    return sum(np.eye(1 << n)[1 << k] for k in range(n)) / sqrt(n)


def _turned(theta: jax.Array) -> None:
    for wire in range(3):
        qml.RY(theta[wire], wires=wire)


def _bell_pairs(theta: jax.Array) -> None:
    for wire in (0, 2):
        qml.Hadamard(wire)
        qml.CNOT([wire, wire + 1])
    for wire in range(4):
        qml.Rot(theta[wire], theta[wire + 1], theta[wire], wires=wire)


def _exchange(theta: jax.Array) -> None:
    qml.BasisState([1, 1, 0, 0], wires=range(4))
    qml.SingleExcitation(1e-9 * theta[0], wires=[0, 2])


@pytest.mark.parametrize(("circuit", "n_qubits", "n_params"), [(_turned, 3, 3), (_bell_pairs, 4, 5), (_exchange, 4, 1)])
def test_rounding_takes_no_measure_out_of_its_range(
    circuit: Callable[[jax.Array], None], n_qubits: int, n_params: int
) -> None:
    ansatz = qvar.Ansatz.from_circuit(circuit, n_qubits, n_params)
    capability = entangling_capability(ansatz, key=KEY, samples=20)
    profile = mean_entanglement_entropy(ansatz, key=KEY, samples=20)
    limits = [1, *(min(cut, n_qubits - cut) for cut in profile.cuts)]
    for estimate, largest in zip([capability, *profile.entropies], limits, strict=True):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= largest
    states = qvar.expectation(qml.Z(0), ansatz)
    for seed in range(20):
        state = np.asarray(states.state(ansatz.initial(jax.random.key(seed)))).ravel()
        assert 0 <= meyer_wallach(state) <= 1
        assert all(0 <= entropy <= most for entropy, most in zip(entanglement_profile(state), limits[1:], strict=True))


@pytest.mark.parametrize("n", [2, 5])
def test_states_in_closed_form(n: int) -> None:
    product = np.array([1.0 + 0j])
    for seed in range(n):
        product = np.kron(product, _random_states(1, seed + 1)[seed])
    states = np.stack([product, _ghz(n), _w(n), 1j * _w(n)])
    one_of_w = 4 * (n - 1) / n**2
    np.testing.assert_allclose(_each(meyer_wallach)(states), [0, 1, one_of_w, one_of_w], rtol=0, atol=1e-14)
    shares = np.arange(1, n) / n
    binary = -shares * np.log2(shares) - (1 - shares) * np.log2(1 - shares)
    expected = [np.zeros(n - 1), np.ones(n - 1), binary, binary]
    np.testing.assert_allclose(_each(entanglement_profile)(states), expected, rtol=0, atol=1e-12)


def test_one_qubit() -> None:
    assert float(meyer_wallach([0.6, 0.8j])) == pytest.approx(0, abs=1e-15)
    assert entanglement_profile([0.6, 0.8]).shape == (0,)


def test_states_of_any_norm() -> None:
    for scale in (1e-6, 3.0, 1e6j):
        assert float(meyer_wallach(scale * _ghz(3))) == pytest.approx(1, abs=1e-12)
        assert float(entanglement_entropy(scale * _ghz(3), 1)) == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(jax.jit(entanglement_profile)(scale * _ghz(3)), [1, 1], rtol=0, atol=1e-12)


def test_random_states_against_pennylane() -> None:
    states = _random_states(5, 3)
    matrices = qml.math.dm_from_state_vector(states)
    by_qubits = np.mean([qml.math.purity(matrices, [wire]) for wire in range(5)], axis=0)
    np.testing.assert_allclose(_each(meyer_wallach)(states), 2 * (1 - by_qubits), rtol=0, atol=1e-13)
    for wires in ([3], [4, 0, 2], [0, 1, 2, 3]):
        expected = qml.math.vn_entropy(matrices, wires, base=2)
        found = _each(partial(entanglement_entropy, wires=wires))(states)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    for wires in ([], [4, 0, 1, 3, 2], 0, 5):
        assert float(entanglement_entropy(states[0], wires)) == pytest.approx(0, abs=1e-14)
    profile = _each(entanglement_profile)(states)
    np.testing.assert_allclose(profile[:, 2], qml.math.vn_entropy(matrices, [0, 1, 2], base=2), rtol=0, atol=1e-12)
    assert float(entanglement_entropy(states[0], 3)) == pytest.approx(float(profile[0, 2]), abs=1e-13)


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("ones", [None, 2, (2, 1), 0, (0, 3)])
def test_haar_mean_of_meyer_wallach(ones: int | tuple[int, int] | None, real: bool) -> None:
    n, every = 6, np.arange(64)
    inside = every
    if isinstance(ones, tuple):  # even wires are bits 5, 3, 1
        up, down = (np.bitwise_count(every & mask) for mask in (0b101010, 0b010101))
        inside = every[(up == ones[0]) & (down == ones[1])]
        assert len(inside) == comb(3, ones[0]) * comb(3, ones[1])
    elif ones is not None:
        inside = every[np.bitwise_count(every) == ones]
    sample = np.asarray(_each(meyer_wallach)(_random_states(n, 4000, real, inside)))
    expected = haar_meyer_wallach(n, ones=ones, real=real)
    assert abs(np.mean(sample) - expected) <= 4 * np.std(sample) / sqrt(4000) + 1e-14
    if len(inside) == 1:
        assert expected == 0
    if ones is None and not real:
        assert expected == 62 / 65


def test_page() -> None:
    """The formula written out for small sides, its limit for large ones, and the mean of Haar-random states."""
    assert page_entropy(2, 2) == pytest.approx((1 / 3 + 1 / 4 - 1 / 4) / np.log(2), abs=1e-14)
    expected = (sum(1 / k for k in range(5, 9)) - 1 / 8) / np.log(2)
    assert page_entropy(4, 2) == page_entropy(2, 4) == pytest.approx(expected, abs=1e-14)
    assert page_entropy(1, 8) == 0
    assert page_entropy(2**20, 2**20) == pytest.approx(20 - 0.5 / np.log(2), abs=1e-10)
    profiles = np.asarray(_each(entanglement_profile)(_random_states(4, 4000)))
    page = [page_entropy(2**k, 2 ** (4 - k)) for k in (1, 2, 3)]
    assert (np.abs(profiles.mean(axis=0) - page) < 4 * profiles.std(axis=0) / sqrt(4000)).all()


def test_engines_agree(h4: qvar.Problem) -> None:
    """Q of states in the sector, by occupations, is that of the same states on the register."""
    from qvar.diagnostics.entanglement import SectorMeasure

    ansatz = qvar.gate_fabric(h4, layers=2)
    sector, dense = ansatz_states(ansatz), ansatz_states(ansatz, "dense")
    thetas = sector.draw(KEY, 20, "uniform")
    expected = _each(meyer_wallach)(dense.states(thetas))
    found = sector.measured(SectorMeasure((4, 4)), thetas)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    mean = entangling_capability(ansatz, key=KEY, samples=500)
    assert abs(mean.value - np.mean(expected)) < 4 * np.std(expected) / sqrt(20)


def test_capability_of_one_angle() -> None:
    """RY(t) and a CNOT: Q = sin(t) squared, with mean 1/2 and variance 1/8 over uniform angles."""

    def function(theta):
        qml.RY(theta[0], wires=0)
        qml.CNOT(wires=[0, 1])

    ansatz = qvar.Ansatz.from_circuit(function, 2, 1)
    found = entangling_capability(ansatz, key=KEY, samples=2000)
    error = sqrt(1 / 8 / 2000)
    assert abs(found.value - 0.5) < 4 * error
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert found.samples == 2000
    assert entangling_capability(ansatz, key=KEY, samples=20, start="zero").value == pytest.approx(0, abs=1e-15)


def test_large_sectors_never_need_the_register() -> None:
    """One excitation among 40 qubits, moved by one angle: p = cos(t/2) squared on its qubit, 1 - p on the next."""

    def function(theta):
        qml.PauliX(wires=0)
        qml.SingleExcitation(theta[0], wires=[0, 1])

    ansatz = qvar.Ansatz.from_circuit(function, 40, 1)
    found = entangling_capability(ansatz, key=KEY, samples=1000)
    assert abs(found.value - 4 / 40 * 2 / 8) < 4 * 0.2 / 40 * 2 / sqrt(1000)  # the mean of p (1 - p) is 1/8


def test_mean_entropies() -> None:
    """Circuit 9 makes linear cluster states, turned locally: every cut has one bit. Circuit 1 makes products."""
    cluster = mean_entanglement_entropy(qvar.sim_circuit(4, number=9, layers=1), key=KEY, samples=20)
    assert cluster.cuts == (1, 2, 3)
    assert [one.value for one in cluster.entropies] == pytest.approx([1, 1, 1], abs=1e-12)
    assert cluster.page == (page_entropy(2, 8), page_entropy(4, 4), page_entropy(8, 2))
    product = mean_entanglement_entropy(qvar.sim_circuit(4, number=1, layers=1), key=KEY, samples=20)
    assert [one.value for one in product.entropies] == pytest.approx([0, 0, 0], abs=1e-12)


def test_deep_circuits_reach_page() -> None:
    deep = mean_entanglement_entropy(qvar.sim_circuit(4, number=6, layers=3), key=KEY, samples=400)
    for entropy, page in zip(deep.entropies, deep.page, strict=True):
        assert abs(entropy.value - page) < entropy.high - entropy.low
    assert entropy.samples == 400


def test_mistakes() -> None:
    for state in (np.ones(3), np.ones((2, 2)), np.ones(1)):
        with pytest.raises(qvar.QvarError, match=r"^`state` must have shape \(2\^n,\), but is \("):
            meyer_wallach(state)
    for state, norm in (([0.0, 0.0], "0.0"), ([math.nan, 1.0], "nan"), ([math.inf, 0.0], "inf")):
        for function in (meyer_wallach, entanglement_profile, partial(entanglement_entropy, wires=[0])):
            with pytest.raises(qvar.QvarError, match=rf"^`state` must have .*, but its norm is {norm}\.$"):
                function(state)
    state = _ghz(3)
    for wires, sentence in (
        ([0, 0], r"`wires` must be different, but is \[0, 0\]\."),
        ([3], r"`wires` must be from 0 to 2, but is \[3\]\."),
        (4, r"`wires` must be at most the 3 qubits, but is 4\."),
    ):
        with pytest.raises(qvar.QvarError, match=f"^{sentence}$"):
            entanglement_entropy(state, wires)
    with pytest.raises(qvar.QvarError, match=r"^`samples` must be at least 2, but is 1\.$"):
        entangling_capability(qvar.sim_circuit(4, number=1, layers=1), key=KEY, samples=1)
    with pytest.raises(qvar.QvarError, match=r"^`ones` must fit into 4 qubits, but is \(3, 0\)\.$"):
        haar_meyer_wallach(4, ones=(3, 0))
    with pytest.raises(qvar.QvarError, match=r"^`d_inside` must be at least 1, but is 0\.$"):
        page_entropy(0, 2)
    single = qvar.Ansatz.from_circuit(lambda theta: qml.RX(theta[0], wires=0), 1, 1)
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must have at least 2 qubits, but is 1\.$"):
        mean_entanglement_entropy(single, key=KEY)
