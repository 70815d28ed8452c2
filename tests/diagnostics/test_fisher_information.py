"""Fisher information: against PennyLane, ranks against theory, effective dimension against closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.diagnostics.dimension_interval import dimension_estimate
from qvar.diagnostics.fisher_information import (
    classical_fisher,
    effective_dimension,
    fisher,
    fisher_batch,
    fisher_product,
    fisher_rank,
    fisher_rank_bound,
    fisher_spectra,
    fisher_spectrum,
    saturation_layer,
)
from qvar.objective import Objective
from qvar.quantum_geometry import FisherColumns, Information, fisher_function

KEY = jax.random.key(5)
THETA = [0.3, 1.0, -2.0, 0.4]
OF_ROTATIONS = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.25, 0.25], [0, 0, 0.25, 0.25]])
ANSATZ = qvar.hardware_efficient(3, layers=2, entangler="cz_chain")


def quick(problem: qvar.Problem, ansatz: qvar.Ansatz) -> Objective:
    """One operation at a time, which compiles in half the time that layers take."""
    return qvar.energy(problem, replace(ansatz, program=replace(ansatz.program, one_of_many=True)))


def own(function, n_qubits: int, n_params: int) -> Objective:
    return quick(qvar.tfim(n_qubits), qvar.Ansatz.from_circuit(function, n_qubits, n_params))


@pytest.fixture(scope="module")
def circuit() -> Objective:
    return quick(qvar.tfim(3), ANSATZ)


@pytest.fixture(scope="module")
def rotations() -> Objective:
    """RY on each of three qubits, the last by the mean of two parameters: information is the same everywhere."""

    def turns(theta):
        qml.RY(theta[0], wires=0)
        qml.RY(theta[1], wires=1)
        qml.RY(0.5 * (theta[2] + theta[3]), wires=2)

    return own(turns, 3, 4)


def test_pennylane_has_a_quarter_of_it(circuit: Objective) -> None:
    theta = np.random.default_rng(2).uniform(-np.pi, np.pi, circuit.n_params)

    @qml.qnode(qml.device("default.qubit", wires=3))
    def node(parameters):
        ANSATZ.circuit(parameters)
        return qml.expval(qml.Z(0))

    @qml.qnode(qml.device("default.qubit", wires=3))
    def outcomes(parameters):
        ANSATZ.circuit(parameters)
        return qml.probs(wires=range(3))

    parameters = qml.numpy.array(theta, requires_grad=True)
    expected = 4 * qml.adjoint_metric_tensor(node)(parameters)
    np.testing.assert_allclose(fisher(circuit, theta), expected, rtol=0, atol=1e-12)
    layers = qvar.energy(qvar.tfim(3), ANSATZ)
    np.testing.assert_allclose(fisher(layers, theta), expected, rtol=0, atol=1e-12)
    seen = np.asarray(qml.gradients.classical_fisher(outcomes)(parameters))
    np.testing.assert_allclose(classical_fisher(circuit, theta), seen, rtol=0, atol=1e-10)
    assert np.linalg.eigvalsh(expected - seen)[0] > -1e-12  # no measurement sees more than there is


def test_engines_agree(h4: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h4)
    assert fisher_rank_bound(qvar.energy(h4, ansatz)) == 6 * 6 - 1  # real amplitudes of determinants
    theta = 0.3 * np.random.default_rng(0).normal(size=ansatz.n_params)
    sector, dense = (qvar.energy(h4, ansatz, engine=engine) for engine in ("sector", "dense"))
    np.testing.assert_allclose(fisher(sector, theta), fisher(dense, theta), rtol=0, atol=1e-12)


def test_batch_product_and_spectrum_are_of_the_matrix(circuit: Objective) -> None:
    thetas = np.random.default_rng(8).uniform(-1, 1, (3, circuit.n_params))
    matrices = np.asarray(fisher_batch(circuit, thetas))
    v = np.random.default_rng(9).normal(size=circuit.n_params)
    for theta, matrix in zip(thetas, matrices, strict=True):
        np.testing.assert_allclose(fisher(circuit, theta), matrix, rtol=0, atol=1e-13)
        np.testing.assert_allclose(fisher_product(circuit, theta, v), matrix @ v, rtol=0, atol=1e-12)
        np.testing.assert_allclose(fisher_spectrum(circuit, theta), np.linalg.eigvalsh(matrix), rtol=0, atol=1e-12)


def test_little_memory(rotations: Objective, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVAR_MEMORY", "1")
    assert isinstance(fisher_function(rotations), FisherColumns)
    np.testing.assert_allclose(fisher(rotations, THETA), OF_ROTATIONS, rtol=0, atol=1e-13)
    assert fisher_rank(rotations, key=KEY) == 3


@pytest.mark.parametrize(("n", "layers", "rank"), [(5, 1, 2), (5, 2, 4), (5, 4, 4), (6, 3, 6)])
def test_rank_of_the_ising_ring(n: int, layers: int, rank: int) -> None:
    problem = qvar.tfim(n, periodic=True)
    assert rank == min(2 * layers, 2 * (n // 2))
    assert fisher_rank(quick(problem, qvar.hva(problem, layers=layers)), key=KEY) == rank


def test_rank_of_real_states() -> None:
    objective = quick(qvar.tfim(4), qvar.hardware_efficient(4, layers=5, rotations=("RY",)))
    assert objective.n_params == 24  # more columns than the 16 rows
    assert fisher_rank(objective, key=KEY) == 2**4 - 1


@pytest.mark.parametrize(("n", "layers", "rank"), [(2, 3, 6), (3, 2, 14)])
def test_rank_of_all_states(n: int, layers: int, rank: int) -> None:
    objective = quick(qvar.tfim(n), qvar.hardware_efficient(n, layers=layers, entangler="cz_chain"))
    assert rank == 2 ** (n + 1) - 2 == fisher_rank_bound(objective)
    assert fisher_rank(objective, key=KEY) == rank


def test_zeros_are_far_below_what_counts() -> None:
    objective = quick(qvar.tfim(3), qvar.hardware_efficient(3, layers=4, entangler="cz_chain"))
    assert objective.n_params == 30
    spectrum = np.asarray(fisher_spectrum(objective, objective.initial(KEY, "uniform")))
    assert spectrum[30 - 14] > 1e-5
    assert spectrum[30 - 14 - 1] < 1e-28


def test_redundant_parameters_count_once(rotations: Objective) -> None:
    np.testing.assert_allclose(fisher(rotations, THETA), OF_ROTATIONS, rtol=0, atol=1e-13)
    # amplitudes are real: what is found in the computational basis is all
    np.testing.assert_allclose(classical_fisher(rotations, THETA), OF_ROTATIONS, rtol=0, atol=1e-13)
    assert fisher_rank(rotations, key=KEY) == 3
    assert fisher_rank(rotations, key=KEY, tolerance=0.6) == 2


def test_phases_that_nobody_sees_have_no_rank() -> None:
    def phases(theta):
        qml.RZ(theta[0], wires=0)
        qml.RX(0.7, wires=0)
        qml.RY(0.4, wires=1)
        qml.GlobalPhase(theta[1])

    idle = own(phases, 2, 2)
    np.testing.assert_allclose(fisher(idle, [0.3, 0.2]), np.zeros((2, 2)), rtol=0, atol=1e-15)
    assert fisher_rank(idle, key=KEY) == 0
    assert effective_dimension(idle, key=KEY, samples=4, n_data=1000).value == 0.0
    assert fisher_rank(own(lambda theta: None, 2, 0), key=KEY) == 0


def test_the_largest_rank_of_several_points_is_the_generic_one() -> None:
    def turns(theta):
        qml.RY(theta[0], wires=0)
        qml.RZ(theta[1], wires=0)

    objective = own(turns, 2, 2)  # at theta_0 = 0 the phase has nothing to act on

    def draw(key: jax.Array, start: str) -> jax.Array:
        often = jnp.where(jax.random.bernoulli(key), 0.3, 0.0)
        return jnp.zeros(2) if start == "pole" else often * jnp.ones(2)

    poles = replace(objective, draw_named=draw)
    assert fisher_rank(poles, key=KEY, start="pole") == 1
    assert {fisher_rank(poles, key=jax.random.key(seed)) for seed in range(3)} == {2}


def test_outcomes_that_cannot_occur() -> None:
    def turns(theta):
        qml.RY(theta[0], wires=0)
        qml.RY(theta[1], wires=1)

    objective = own(turns, 2, 2)
    np.testing.assert_allclose(classical_fisher(objective, [0.4, 0.0]), np.diag([1.0, 0.0]), rtol=0, atol=1e-12)
    np.testing.assert_allclose(classical_fisher(objective, [1e-6, 2e-6]), np.eye(2), rtol=0, atol=1e-9)


@pytest.mark.parametrize("n_data", [100, 10**6, 10**200])
def test_effective_dimension_of_constant_information(rotations: Objective, n_data: int) -> None:
    kappa = 0.5 * n_data / (2 * math.pi * math.log(n_data))
    scaled = 4 / 2.5 * np.array([1.0, 1.0, 0.5])  # eigenvalues with trace n_params
    expected = np.sum(np.log1p(kappa * scaled)) / math.log(kappa)
    found = effective_dimension(rotations, key=KEY, samples=4, n_data=n_data, gamma=0.5)
    assert found.value == pytest.approx(expected, rel=1e-10)
    assert found.interval == pytest.approx((expected, expected), rel=1e-10)
    assert found.samples == 4
    if n_data > 10**100:
        assert found.value == pytest.approx(3, abs=0.01)  # the rank


@pytest.mark.parametrize("information", ["quantum", "classical"])
def test_effective_dimension_by_its_definition(circuit: Objective, information: Information) -> None:
    kappa = 1e5 / (2 * math.pi * math.log(1e5))
    found = effective_dimension(circuit, key=KEY, samples=12, n_data=10**5, information=information)
    thetas = circuit.initial_batch(jax.random.split(KEY)[0], 12, "uniform")
    one = {"quantum": fisher, "classical": classical_fisher}[information]
    matrices = np.array([one(circuit, theta) for theta in thetas])
    scaled = circuit.n_params * matrices / np.trace(matrices, axis1=1, axis2=2).mean()
    volume = np.mean(np.sqrt(np.linalg.det(np.eye(circuit.n_params) + kappa * scaled)))
    assert found.value == pytest.approx(2 * np.log(volume) / np.log(kappa), rel=1e-9)
    assert found.low < found.value < found.high


def test_saturation() -> None:
    assert saturation_layer({1: 2, 2: 4, 3: 6, 4: 6, 5: 6}) == 3
    assert saturation_layer({8: 30, 2: 12, 4: 24, 6: 30}) == 6
    assert saturation_layer({1: 2, 2: 4, 3: 6}) is None
    assert saturation_layer({1: 6, 2: 5, 3: 6, 4: 6}) == 3
    assert saturation_layer({1: 3, 2: 3}) == 1


def test_mistakes(rotations: Objective) -> None:
    theta = np.zeros(4)
    cases = [
        (lambda: fisher(rotations, np.zeros(3)), r"`theta` must have shape \(4,\), but has shape \(3,\)\."),
        (lambda: fisher(rotations, [0, 0, 0, np.nan]), r"`theta\[3\]` must be finite, but is nan\."),
        (lambda: fisher_product(rotations, theta, np.zeros(5)), r"`v` must have shape \(4,\)"),
        (lambda: fisher_batch(rotations, theta), r"`thetas` must have shape \(n, 4\)"),
        (lambda: fisher_rank(rotations, key=KEY, samples=0), "`samples` must be at least 1, but is 0"),
        (lambda: fisher_rank(rotations, key=KEY, tolerance=1.0), "`tolerance` must be at least 0 and below 1"),
        (lambda: fisher_rank(rotations, key=KEY, start="nowhere"), "`start` must be one of"),
        (lambda: effective_dimension(rotations, key=KEY, samples=1), "`samples` must be at least 2"),
        (lambda: effective_dimension(rotations, key=KEY, n_data=10), "`n_data` must be so large that"),
        (lambda: effective_dimension(rotations, key=KEY, gamma=2.0), "`gamma` must be above 0 and at most 1"),
        (lambda: saturation_layer({}), "`ranks` must hold at least one depth"),
        (lambda: fisher(replace(rotations, state_function=None), theta), "`objective` must have a state"),
    ]
    for call, sentence in cases:
        with pytest.raises(qvar.QvarError, match=sentence):
            call()
    lost = replace(rotations, draw_named=lambda key, start: jnp.full(4, jnp.nan))
    with pytest.raises(qvar.QvarError, match="finite state"):
        fisher_rank(lost, key=KEY)


def test_interval_of_the_effective_dimension_covers() -> None:
    """100 points out of many: quantiles of resampled dimensions cover 0.80 where few points have large determinants."""
    objective = qvar.expectation(qml.Z(0) @ qml.Z(1), qvar.hardware_efficient(4, layers=3))
    spectra = fisher_spectra(objective, KEY, 1000)
    rng, experiments = np.random.default_rng(6), 100
    for kappa, points in ((11_520.0, 100), (23.0, 20)):
        truth = dimension_estimate(KEY, spectra, kappa).value
        estimates = [
            dimension_estimate(jax.random.key(i), spectra[rng.integers(0, len(spectra), points)], kappa, 250)
            for i in range(experiments)
        ]
        covered = np.mean([one.low <= truth <= one.high for one in estimates])
        assert covered >= 0.93 - 3 * np.sqrt(0.93 * 0.07 / experiments)
        assert all(one.needed is None or one.needed > points for one in estimates)


@pytest.mark.parametrize("points", [20, 100])
def test_interval_of_the_dimension_covers_for_heavy_determinants(points: int) -> None:
    """Spectra of eight chi-squared eigenvalues, and log-normal determinants: bootstrap alone covers 0.88 of 20."""
    rng, experiments, kappa = np.random.default_rng(points), 200, 11_520.0
    for draw in (
        lambda n: rng.chisquare(2, (n, 8)),
        lambda n: np.exp(0.5 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 6))),
    ):
        truth = dimension_estimate(KEY, draw(20_000), kappa, 1).value
        ends = np.array([dimension_estimate(jax.random.key(i), draw(points), kappa, 250).interval for i in range(200)])
        covered = np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
        assert covered >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / experiments)


def test_effective_dimension_of_few_points_with_large_determinants() -> None:
    spectra = np.concatenate([np.full((19, 40), 0.1), np.full((1, 40), 10.0)])
    estimate = dimension_estimate(KEY, spectra, 1e4)
    assert estimate.needed is not None
    assert "heavy tail: interval too narrow" in repr(estimate)
    assert dimension_estimate(KEY, np.ones((20, 40)), 1e4).needed is None
