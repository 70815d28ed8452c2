"""Rotosolve: PennyLane's sweep, closed forms, counts and stops."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import qvar
from qvar.optimize.rotosolve import excitation_solve, rotosolve


def _objective(function, frequencies) -> qvar.Objective:
    n_params = len(frequencies)
    return qvar.Objective(
        name="test",
        family="generic",
        n_params=n_params,
        function=lambda theta, data: function(theta),
        draw=lambda key: jax.random.normal(key, (n_params,)),
        frequencies=np.array(frequencies, dtype=float),
    )


AMPLITUDES, WAVES = np.array([1.0, 0.3, 2.0]), np.array([1.0, 2.0, 0.5])


def _separable(x):
    return jnp.sum(jnp.asarray(AMPLITUDES) * jnp.sin(jnp.asarray(WAVES) * x + 0.7)) + 4.0


def test_a_sum_of_sines_takes_one_sweep() -> None:
    result = qvar.minimize(_objective(_separable, WAVES), method=rotosolve(), theta0=[0.1, -2.0, 3.0], keep_path=True)
    assert result.status is qvar.Status.CONVERGED
    assert result.value == pytest.approx(4.0 - 3.3, abs=1e-14)
    assert result.trace.value[3] == pytest.approx(4.0 - 3.3, abs=1e-14)
    np.testing.assert_array_equal(result.trace.evaluations, [1, 3, 5, 7, 10, 12, 14])  # the 8th is the new sweep's E_0
    assert result.energy_evaluations == 14
    assert result.gradient_evaluations == 0
    assert result.iterations == 6
    assert result.trace.theta is not None
    np.testing.assert_array_equal(result.trace.theta[3:], np.tile(result.theta, (4, 1)))  # at its minimum it stays
    moved = np.abs(np.diff(result.trace.theta[:4], axis=0))
    np.testing.assert_array_equal(moved > 0, np.eye(3, dtype=bool))
    assert np.all(np.diag(moved) <= np.pi / WAVES)  # the nearest minimum


def _circuit(theta):
    qml.RY(theta[0], 0)
    qml.RX(2.0 * theta[1], 1)
    qml.IsingXX(0.5 * theta[2], [0, 1])
    qml.RY(theta[3], 2)
    qml.CNOT([1, 2])
    qml.PauliRot(theta[4], "YZX", [0, 1, 2])
    qml.PhaseShift(theta[5], 2)
    qml.RX(-theta[6], 2)


def test_a_sweep_is_that_of_pennylane() -> None:
    waves = np.array([1.0, 2.0, 0.5, 1.0, 1.0, 1.0, 1.0])
    problem = qvar.tfim(3)
    objective = qvar.energy(problem, qvar.Ansatz.from_circuit(_circuit, 3, 7))
    start = np.random.default_rng(0).uniform(-1.0, 1.0, 7)
    hamiltonian = problem.hamiltonian()

    @qml.qnode(qml.device("default.qubit", wires=3))
    def node(theta):
        _circuit(theta)
        return qml.expval(hamiltonian)

    spectra = {"theta": {(j,): [wave] for j, wave in enumerate(waves)}}
    peer, values = qml.RotosolveOptimizer().step_and_cost(
        node, pnp.array(start, requires_grad=True), spectra=spectra, full_output=True
    )[::2]
    result = qvar.minimize(objective, method=rotosolve(), theta0=start, budget=qvar.Budget(energies=15), keep_path=True)
    assert result.status is qvar.Status.OUT_OF_BUDGET
    np.testing.assert_allclose(result.trace.value[1:], np.array(values), rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.exp(1j * waves * result.theta), np.exp(1j * waves * np.array(peer)), atol=1e-6)
    assert result.value == pytest.approx(float(node(result.theta)), abs=1e-12)


def test_the_ground_state_is_found() -> None:
    problem = qvar.tfim(3)
    objective = qvar.energy(problem, qvar.hardware_efficient(3, layers=2, rotations=("RY",)))
    starts = objective.initial_batch(jax.random.key(0), 4)
    results = qvar.minimize_batch(
        objective, starts, method=rotosolve(tolerance=1e-11), budget=qvar.Budget(energies=20_000)
    )
    assert all(result.status is qvar.Status.CONVERGED for result in results)
    assert min(result.value for result in results) == pytest.approx(problem.exact_energy(), abs=1e-9)
    for result in results:
        assert np.all(np.diff(result.trace.value) <= 1e-13)
        assert result.value == pytest.approx(float(objective.loss(result.theta)), abs=1e-12)
        assert np.linalg.norm(objective.value_and_grad(result.theta)[1]) < 1e-4


@pytest.mark.parametrize("energies", [1, 2, 3, 6, 8, 9])
def test_the_budget_is_never_exceeded(energies: int) -> None:
    coupled = lambda x: jnp.sin(x[0]) * jnp.cos(x[1] + 0.2) + jnp.sin(x[2] - x[1]) + 0.3 * jnp.cos(x[2])  # noqa: E731
    objective = _objective(coupled, [1.0, 1.0, 1.0])
    result = qvar.minimize(
        objective, method=rotosolve(), theta0=[0.3, 0.1, -0.4], budget=qvar.Budget(energies=energies)
    )
    assert result.status is qvar.Status.OUT_OF_BUDGET
    assert result.energy_evaluations == energies
    assert result.value == pytest.approx(float(objective.loss(result.theta)), abs=1e-14)


@pytest.mark.parametrize("n_params", [0, 1])
def test_pairs_of_fewer_than_two_parameters(n_params: int) -> None:
    objective = _objective(lambda x: jnp.asarray(2.0) + jnp.sum(jnp.cos(x + 0.3)), [1.0] * n_params)
    result = qvar.minimize(objective, method=excitation_solve(parameters=2), theta0=np.zeros(n_params))
    assert result.status is qvar.Status.CONVERGED
    assert result.value == pytest.approx(2.0 - n_params, abs=1e-13)


def test_parameters_that_move_nothing_stay() -> None:
    objective = _objective(lambda x: jnp.cos(x[1]) + 0.0 * x[0], [1.0, 1.0])
    result = qvar.minimize(objective, method=rotosolve(), theta0=[0.4, 0.5])
    assert result.theta[0] == 0.4
    assert result.theta[1] == pytest.approx(np.pi, abs=1e-14)
    none = _objective(lambda x: jnp.asarray(2.0) + jnp.sum(x), [])
    alone = qvar.minimize(none, method=rotosolve(), theta0=np.zeros(0))
    assert (alone.status, alone.value, alone.energy_evaluations) == (qvar.Status.CONVERGED, 2.0, 1)


def test_nan_is_a_status_and_neighbours_go_on() -> None:
    objective = _objective(lambda x: jnp.sum(jnp.where(x > 100.0, jnp.nan, jnp.sin(x))), [1.0])
    results = qvar.minimize_batch(
        objective, [[0.0], [200.0], [99.5]], method=rotosolve(), budget=qvar.Budget(energies=50)
    )
    assert [r.status.value for r in results] == ["converged", "not_finite", "not_finite"]
    assert results[1].energy_evaluations == 1
    assert results[2].theta[0] == 99.5


def _two_turns(theta):
    qml.RX(theta[0], 0)
    qml.RY(theta[1], 1)
    qml.CNOT([0, 1])
    qml.RX(np.sqrt(2.0) * theta[1], 1)


def test_mistakes(h2: qvar.Problem) -> None:
    objective = qvar.energy(qvar.tfim(2), qvar.Ansatz.from_circuit(_two_turns, 2, 2))
    for method in (rotosolve(), excitation_solve()):
        with pytest.raises(
            qvar.QvarError, match=r"^`objective` must be a trigonometric .* known to be, in parameter 1\.$"
        ):
            qvar.minimize(objective, method=method, theta0=np.zeros(2))
    tied = qvar.energy(h2, qvar.kupccgsd(h2, spin_adapted=True))
    with pytest.raises(qvar.QvarError, match=r"^`objective` must have at most 2 harmonics .* has 4 in parameter 1\.$"):
        qvar.minimize(tied, method=excitation_solve(), theta0=np.zeros(tied.n_params))
    unknown = replace(_objective(_separable, WAVES), frequencies=None)
    with pytest.raises(qvar.QvarError, match=r"^`objective` must have frequencies for rotosolve, but test has none\.$"):
        qvar.minimize(unknown, method=rotosolve(), theta0=np.zeros(3))
    with pytest.raises(qvar.QvarError, match=r"^`tolerance` must not be negative, but is -1\.0\.$"):
        rotosolve(tolerance=-1.0)
    with pytest.raises(qvar.QvarError, match="`parameters` must be"):
        excitation_solve(parameters=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("molecule", "error"),
    [
        ("Li 0 0 0; H 0 0 1.595", 1.6e-3),
        ("Be 0 0 0; H 0 0 1.326; H 0 0 -1.326", 1.6e-3),
        ("O 0 0 0; H 0 0.7572 0.5865; H 0 -0.7572 0.5865", 1.6e-3),
    ],
)
def test_one_sweep_of_uccsd_reaches_chemical_accuracy(molecule: str, error: float) -> None:
    """Jaeger et al. (2024): from zero, at the equilibrium; 4 energies for each excitation and one before."""
    problem = qvar.molecule(molecule)
    objective = qvar.energy(problem, qvar.uccsd(problem))
    n_params = objective.n_params
    budget = qvar.Budget(energies=4 * n_params + 1, escape="never", hessian_products=0)
    result = qvar.minimize(objective, np.zeros(n_params), method=excitation_solve(), budget=budget, keep_path=True)
    assert result.value - problem.exact_energy() < error
    assert result.energy_evaluations == 4 * n_params + 1
    assert result.value == pytest.approx(float(objective.loss(result.theta)), abs=1e-11)
    np.testing.assert_array_equal(result.trace.evaluations, 1 + 4 * np.arange(n_params + 1))


def test_each_step_is_the_lowest_of_many_energies(h4: qvar.Problem) -> None:
    """No other angle of the same parameter has less energy, whatever operations share it."""
    tied = qvar.kupccgsd(h4, layers=1, spin_adapted=True)
    objective = qvar.energy(h4, tied)
    assert set(objective.harmonics[:, 1]) == {2.0, 4.0}
    start = np.random.default_rng(3).uniform(-1.0, 1.0, tied.n_params)
    result = qvar.minimize(objective, start, method=rotosolve(), budget=qvar.Budget(energies=60), keep_path=True)
    path = result.trace.theta
    assert path is not None
    assert len(path) > 8
    for parameter, (before, after, value) in enumerate(zip(path, path[1:], result.trace.value[1:], strict=False)):
        at = parameter % tied.n_params
        assert np.flatnonzero(before != after).tolist() in ([at], [])
        period = 2.0 * np.pi / objective.harmonics[at, 0]
        points = np.repeat(before[None], 400, axis=0)
        points[:, at] += np.linspace(0.0, period, 400)
        values = np.asarray(objective.host_kernels.values(points))
        assert value <= values.min() + 1e-10
        assert value == pytest.approx(float(objective.loss(after)), abs=1e-11)


def test_the_nearest_of_equal_minima_is_taken() -> None:
    def function(x):
        return jnp.cos(2.0 * x[0])

    objective = replace(_objective(function, [1.0]), harmonics=np.array([[1.0, 2.0]]))
    result = qvar.minimize(objective, [1.2], method=rotosolve(), budget=qvar.Budget(escape="never"))
    assert result.theta[0] == pytest.approx(np.pi / 2, abs=1e-7)
    assert result.value == pytest.approx(-1.0, abs=1e-14)


def test_two_angles_leave_a_place_where_each_alone_is_stuck() -> None:
    objective = _objective(lambda x: -jnp.sin(x[0]) * jnp.sin(x[1]) + jnp.cos(2.0 * x[2]), [1.0, 1.0, 2.0])
    alone = qvar.minimize(objective, method=excitation_solve(), theta0=np.zeros(3))
    both = qvar.minimize(objective, method=excitation_solve(parameters=2), theta0=np.zeros(3), keep_path=True)
    assert alone.value == pytest.approx(-1.0, abs=1e-12)
    assert both.value == pytest.approx(-2.0, abs=1e-12)
    assert both.status is qvar.Status.CONVERGED
    np.testing.assert_array_equal(both.trace.evaluations, [1, 25, 49, 74, 98])  # the 50th is the new sweep's E_0


def test_each_pair_is_put_at_the_lowest_of_many_energies(h4: qvar.Problem) -> None:
    """No other two angles of a pair have less energy."""
    objective = qvar.energy(h4, qvar.uccsd(h4))
    n_params = objective.n_params
    method, budget = excitation_solve(parameters=2), qvar.Budget(energies=1 + 24 * 4)
    start = np.random.default_rng(5).uniform(-1.5, 1.5, n_params)
    result = qvar.minimize(objective, start, method=method, budget=budget, keep_path=True)
    path, periods = result.trace.theta, 2.0 * np.pi / objective.harmonics[:, 0]
    assert path is not None
    assert len(path) == 5
    for pair, (before, after, value) in enumerate(zip(path, path[1:], result.trace.value[1:], strict=False)):
        at = [2 * pair, 2 * pair + 1]
        assert set(np.flatnonzero(before != after)) <= set(at)
        grid = np.linspace(0.0, 1.0, 40)
        points = np.repeat(before[None], 1600, axis=0)
        points[:, at] += np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2) * periods[at]
        values = np.asarray(objective.host_kernels.values(points))
        assert value <= values.min() + 1e-12
        assert value == pytest.approx(float(objective.loss(after)), abs=1e-11)
