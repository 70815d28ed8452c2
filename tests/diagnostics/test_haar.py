"""Haar predictions against Monte Carlo over random states and circuits, and traces of PennyLane's matrices."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.exact_variances import haar_pauli_loss, mcclean_first_angle, mcclean_middle_angle
from qvar.diagnostics.gradients import gradient_variance
from qvar.diagnostics.haar import haar_gradient_variance, haar_loss_variance, has_real_states, sector_moments
from qvar.objective import Objective
from qvar.problems.hamiltonians import PauliTerms
from qvar.problems.problem import Problem


def random_losses(matrix: np.ndarray, real: bool, samples: int = 20000) -> np.ndarray:
    """Expectation values in Haar-random states."""
    rng = np.random.default_rng(11)
    states = rng.normal(size=(samples, len(matrix))) + 0j
    if not real:
        states += 1j * rng.normal(size=states.shape)
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    return np.real(np.sum(states.conj() * (states @ matrix.T), axis=1))


def agrees(losses: np.ndarray, variance: float) -> None:
    """Sampled variance within three standard errors, which are below 5 %."""
    squares = (losses - losses.mean()) ** 2
    error = np.std(squares) / np.sqrt(len(losses))
    assert error < 0.05 * variance
    assert abs(np.mean(squares) - variance) < 3 * error


@pytest.fixture(scope="module")
def h4_sector(h4: qvar.Problem) -> tuple[Objective, np.ndarray]:
    states = np.arange(256)
    alpha, beta = (np.bitwise_count(states & mask) for mask in (0b10101010, 0b01010101))
    inside = np.flatnonzero((alpha == 2) & (beta == 2))
    matrix = qml.matrix(h4.hamiltonian(), wire_order=range(8))[np.ix_(inside, inside)]
    return qvar.energy(h4, qvar.uccsd(h4)), np.asarray(matrix)


@pytest.fixture(scope="module")
def ising() -> tuple[Objective, np.ndarray]:
    problem = qvar.tfim(3, h=0.6)
    objective = qvar.energy(problem, qvar.hardware_efficient(problem, layers=8))
    return objective, np.asarray(qml.matrix(problem.hamiltonian(), wire_order=range(3)))


def test_molecule_in_its_sector(h4_sector: tuple[Objective, np.ndarray]) -> None:
    objective, matrix = h4_sector
    moments = sector_moments(objective)
    assert moments.dimension == 36
    assert moments.trace == pytest.approx(np.trace(matrix).real, abs=1e-9)
    assert moments.square == pytest.approx(np.trace(matrix @ matrix).real, abs=1e-9)
    assert moments.spread == pytest.approx(36 * np.var(np.linalg.eigvalsh(matrix)), abs=1e-9)
    assert has_real_states(objective)
    assert haar_loss_variance(objective) == haar_loss_variance(objective, real=True, moments=moments)
    agrees(random_losses(matrix, real=True), haar_loss_variance(objective))
    agrees(random_losses(matrix, real=False), haar_loss_variance(objective, real=False))


def test_spin_model_in_its_register(ising: tuple[Objective, np.ndarray]) -> None:
    objective, matrix = ising
    assert not has_real_states(objective)
    agrees(random_losses(matrix, real=False), haar_loss_variance(objective))
    agrees(random_losses(matrix, real=True), haar_loss_variance(objective, real=True))


def test_real_states_see_the_real_part_only() -> None:
    observable = qml.Z(0) @ qml.X(1) + 0.7 * qml.Y(0) @ qml.Z(2) + 0.2 * qml.Y(1) @ qml.Y(2)
    objective = qvar.expectation(observable, qvar.hardware_efficient(3, layers=1, rotations=("RY",)))
    assert np.iscomplexobj(objective.state(np.zeros(objective.n_params)))  # as the observable is complex
    assert has_real_states(objective)
    matrix = np.asarray(qml.matrix(observable, wire_order=range(3)))
    agrees(random_losses(matrix, real=True), haar_loss_variance(objective))
    assert haar_loss_variance(objective) == pytest.approx((1 + 0.2**2) * haar_pauli_loss(8, real=True))
    assert haar_loss_variance(objective, real=False) == pytest.approx((1 + 0.7**2 + 0.2**2) * haar_pauli_loss(8))


def first_z(bits: tuple[int, ...]) -> Problem:
    """Z of the first qubit, in the sector of some bits."""
    pauli = PauliTerms(("Z" + "I" * (len(bits) - 1),), np.ones(1))
    return Problem(
        "Z0", len(bits), "", description={}, integrals=None, pauli=pauli, occupied_alpha=(), occupied_beta=(), bits=bits
    )


def test_spin_sector_is_the_law_of_hamming_weights() -> None:
    def circuit(theta: Any) -> None:
        qml.PauliX(0)
        qml.PauliX(1)
        for wire in range(4):  # every wire is reached: the number of ones alone is conserved
            qml.IsingXY(theta[0], wires=[wire, wire + 1])
        qml.PhaseShift(theta[1], wires=2)

    objective = qvar.energy(first_z((1, 1, 0, 0, 0)), qvar.Ansatz.from_circuit(circuit, 5, 2, name="hop"))
    moments = sector_moments(objective)
    assert (objective.engine, *moments) == ("sector", 10, pytest.approx(2.0), 10.0, pytest.approx(9.6))
    assert haar_loss_variance(objective) == pytest.approx(4 * 2 * 3 / (25 * 11))


def test_estimated_traces(h4_sector: tuple[Objective, np.ndarray], ising: tuple[Objective, np.ndarray]) -> None:
    for objective, matrix in (h4_sector, ising):
        exact = sector_moments(objective)
        inside = 0
        for seed in range(20):
            moments = sector_moments(objective, exact_up_to=1, samples=400, key=jax.random.key(seed))
            assert moments.dimension == exact.dimension
            for ours, truth in zip(moments[1:], exact[1:], strict=True):
                assert isinstance(ours, Estimate)
                assert ours.samples == 400
                inside += ours.low <= truth <= ours.high
        assert inside >= 0.87 * 60  # 95 % but for three standard errors
        assert isinstance(moments.spread, Estimate)
        assert moments.spread.value == pytest.approx(exact.spread, rel=0.2)
        loss = haar_loss_variance(objective, moments=moments)
        assert isinstance(loss, Estimate)
        assert loss.low / loss.value == pytest.approx(moments.spread.low / moments.spread.value)
        del matrix


def test_single_words_are_exact_with_two_random_vectors() -> None:
    objective = qvar.expectation(qml.Z(0) @ qml.Z(1), qvar.hardware_efficient(3, layers=1))
    moments = sector_moments(objective, exact_up_to=1, samples=2)
    assert [float(one) for one in moments[:3]] == pytest.approx((8, 0.0, 8.0))
    assert float(haar_loss_variance(objective, moments=moments)) == pytest.approx(haar_pauli_loss(8))


def test_derivatives_of_pauli_rotations_are_the_laws_of_mcclean() -> None:
    objective = qvar.expectation(qml.Z(0) @ qml.Z(1), qvar.hardware_efficient(3, layers=1))
    assert haar_gradient_variance(objective) == pytest.approx(mcclean_middle_angle(8))
    both = haar_gradient_variance(objective, fisher=np.array([2 / 3, 8 / 9]))
    np.testing.assert_allclose(both, [mcclean_first_angle(8), mcclean_middle_angle(8)])


@pytest.mark.parametrize("real", [False, True])
def test_derivatives_in_deep_circuits(real: bool) -> None:
    """A universal circuit on three qubits: the first rotations, which move |000> with F = 1, and those amid."""
    problem = qvar.tfim(3, h=0.6)
    rotations = ("RY",) if real else ("RY", "RZ")
    objective = qvar.energy(problem, qvar.hardware_efficient(problem, layers=10, rotations=rotations))
    sampled = gradient_variance(objective, key=jax.random.key(3), samples=3000)
    amid = objective.n_params // 2
    for parameter, fisher in [(0, 1.0), (1, 1.0), (amid, None), (amid + 1, None)]:
        predicted = haar_gradient_variance(objective, fisher=fisher)
        low, high = sampled.component(parameter).interval
        assert high - low < 0.25 * predicted
        assert abs(sampled.variance[parameter] - predicted) < 3 * (high - low) / (2 * 1.96)
    low, high = sampled.loss_interval
    assert abs(sampled.loss_variance.value - haar_loss_variance(objective)) < 3 * (high - low) / (2 * 1.96)


def test_mistakes(ising: tuple[Objective, np.ndarray]) -> None:
    objective, _ = ising
    for arguments, sentence in [
        ({"exact_up_to": 0}, "`exact_up_to` must be at least 1, but is 0."),
        ({"samples": 1}, "`samples` must be at least 2, but is 1."),
    ]:
        with pytest.raises(qvar.QvarError) as caught:
            sector_moments(objective, **arguments)
        assert str(caught.value) == sentence
    with pytest.raises(qvar.QvarError, match=r"`fisher` must not be negative, but is -1\.0"):
        haar_gradient_variance(objective, fisher=-1.0)
