"""Minimization: counts, stops, batches, and the field's own numbers."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import qvar
from qvar.optimize.first_order import gradient_descent
from qvar.optimize.rotosolve import rotosolve


def _objective(function, n_params: int) -> qvar.Objective:
    return qvar.Objective(
        name="test",
        family="generic",
        n_params=n_params,
        function=lambda theta, data: function(theta),
        draw=lambda key: jax.random.normal(key, (n_params,)),
    )


def _rosenbrock(x):
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


METHODS = {
    "lbfgs": qvar.lbfgs(),
    "adam": qvar.adam(learning_rate=0.05),
    "gradient_descent": gradient_descent(learning_rate=0.05),
}


@pytest.mark.parametrize("method", list(METHODS))
def test_a_quadratic_is_minimized(method: str) -> None:
    scale = jnp.array([1.0, 2.0, 5.0])
    objective = _objective(lambda x: jnp.sum(scale * (x - 1.5) ** 2), 3)
    budget = qvar.Budget(gradients=3000, gradient_tolerance=1e-6)
    result = qvar.minimize(objective, method=METHODS[method], theta0=jnp.zeros(3), budget=budget)
    assert result.status is qvar.Status.CONVERGED
    np.testing.assert_allclose(result.theta, 1.5, atol=1e-5)
    assert result.gradient_norm <= 1e-6


def test_rosenbrock_takes_no_more_than_scipy() -> None:
    objective = _objective(_rosenbrock, 10)
    start = np.tile([-1.2, 1.0], 5)
    result = qvar.minimize(objective, theta0=start, budget=qvar.Budget(gradients=1000, gradient_tolerance=1e-5))
    assert result.status is qvar.Status.CONVERGED
    np.testing.assert_allclose(result.theta, 1.0, atol=1e-5)
    peer = scipy.optimize.minimize(
        scipy.optimize.rosen, start, jac=scipy.optimize.rosen_der, method="L-BFGS-B", options={"gtol": 1e-5}
    )
    assert result.gradient_evaluations <= 1.5 * peer.nfev


def test_evaluations_are_counted_as_made() -> None:
    calls = []

    def counted(x):
        jax.debug.callback(lambda: calls.append(1))
        return _rosenbrock(x)

    objective = _objective(counted, 4)
    result = qvar.minimize(objective, theta0=np.tile([-1.2, 1.0], 2), budget=qvar.Budget(gradients=500))
    jax.effects_barrier()
    assert result.hessian_products == 4  # all there are; each evaluates the function as well
    assert result.gradient_evaluations == result.energy_evaluations == len(calls) - result.hessian_products
    assert result.gradient_evaluations > result.iterations  # line searches are in
    assert result.trace.evaluations[-1] == result.gradient_evaluations


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("gradients", [1, 2, 7])
def test_the_budget_is_never_exceeded(method: str, gradients: int) -> None:
    objective = _objective(lambda x: 1e-3 * _rosenbrock(x), 6)
    result = qvar.minimize(
        objective, method=METHODS[method], key=jax.random.key(1), budget=qvar.Budget(gradients=gradients)
    )
    assert result.status is qvar.Status.OUT_OF_BUDGET
    assert result.gradient_evaluations == gradients
    assert result.value == pytest.approx(float(objective.loss(result.theta)), rel=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_gradient_descent_is_a_recursion(momentum: float) -> None:
    scale, start = np.array([1.0, 3.0]), np.array([2.0, -1.0])
    objective = _objective(lambda x: jnp.sum(jnp.asarray(scale) * x**2) / 2, 2)
    method = gradient_descent(learning_rate=0.1, momentum=momentum)
    result = qvar.minimize(objective, method=method, theta0=start, budget=qvar.Budget(gradients=20), keep_path=True)
    theta, velocity = [start], np.zeros(2)
    for _ in range(19):
        velocity = scale * theta[-1] + momentum * velocity
        theta.append(theta[-1] - 0.1 * velocity)
    np.testing.assert_allclose(result.trace.theta, theta, rtol=0, atol=1e-14)


@pytest.mark.parametrize("method", list(METHODS))
def test_the_path_is_what_was_accepted(method: str) -> None:
    objective = _objective(lambda x: 1e-2 * _rosenbrock(x), 3)
    starts = objective.initial_batch(jax.random.key(2), 2)
    budget = qvar.Budget(gradients=100)  # more than one stretch
    results = qvar.minimize_batch(objective, starts, method=METHODS[method], budget=budget, keep_path=True)
    for start, result in zip(starts, results, strict=True):
        path = result.trace.theta
        assert path is not None
        assert path.shape == (result.iterations + 1, 3)
        np.testing.assert_array_equal(path[0], start)
        np.testing.assert_array_equal(path[-1], result.theta)
        np.testing.assert_allclose(objective.loss_batch(path), result.trace.value, rtol=1e-12)
    assert qvar.minimize_batch(objective, starts, method=METHODS[method], budget=budget)[0].trace.theta is None


def test_energies_bound_what_reads_no_gradient() -> None:
    assert qvar.lbfgs().evaluations(qvar.Budget(gradients=7, energies=3)) == 7
    assert rotosolve().evaluations(qvar.Budget(gradients=7, energies=3)) == 3
    assert rotosolve().evaluations(qvar.Budget(gradients=7)) == 7


def test_values_of_lbfgs_never_rise() -> None:
    result = qvar.minimize(_objective(_rosenbrock, 8), key=jax.random.key(5), budget=qvar.Budget(gradients=400))
    assert np.all(np.diff(result.trace.value) <= 1e-12)
    assert list(result.trace.step) == list(range(result.iterations + 1))


def test_time_is_a_stop() -> None:
    result = qvar.minimize(
        _objective(_rosenbrock, 4),
        method=qvar.adam(learning_rate=1e-6),
        key=jax.random.key(0),
        budget=qvar.Budget(gradients=10**9, seconds=0.3),
    )
    assert result.status is qvar.Status.OUT_OF_TIME
    assert result.wall_s < 30


@pytest.mark.parametrize("method", list(METHODS))
def test_nan_is_a_status_and_neighbours_go_on(method: str) -> None:
    objective = _objective(lambda x: jnp.sum(jnp.where(x > 100.0, jnp.nan, (x - 1.0) ** 2)), 2)
    starts = np.array([[0.0, 0.0], [200.0, 0.0], [3.0, -1.0]])
    results = qvar.minimize_batch(objective, starts, method=METHODS[method], budget=qvar.Budget(gradients=3000))
    assert [r.status for r in results] == [qvar.Status.CONVERGED, qvar.Status.NOT_FINITE, qvar.Status.CONVERGED]
    assert np.isnan(results[1].value)
    assert results[1].gradient_evaluations == 1


def test_a_step_into_nan_is_shortened() -> None:
    objective = _objective(lambda x: jnp.sum(-jnp.log(x) + x), 1)  # no value for x < 0, minimum at 1
    result = qvar.minimize(objective, theta0=np.array([8.0]))
    assert result.status is qvar.Status.CONVERGED
    assert result.theta[0] == pytest.approx(1.0, abs=1e-5)


def test_a_wrong_gradient_stalls() -> None:
    @jax.custom_vjp
    def uphill(x):
        return jnp.sum(x**2) + 10.0

    uphill.defvjp(lambda x: (uphill(x), x), lambda x, ct: (-2.0 * ct * x,))
    result = qvar.minimize(_objective(uphill, 2), theta0=np.ones(2))
    assert result.status is qvar.Status.STALLED
    np.testing.assert_array_equal(result.theta, 1.0)


def test_batches_are_single_runs_side_by_side() -> None:
    objective = _objective(_rosenbrock, 5)
    keys = [jax.random.key(seed) for seed in range(4)]
    starts = jnp.stack([objective.initial(key) for key in keys])
    budget = qvar.Budget(gradients=300)
    together = qvar.minimize_batch(objective, starts, budget=budget)
    for key, one in zip(keys, together, strict=True):
        alone = qvar.minimize(objective, key=key, budget=budget)
        assert alone.status is one.status
        assert alone.value == pytest.approx(one.value, abs=1e-8)


def test_mistakes() -> None:
    objective = _objective(_rosenbrock, 3)
    with pytest.raises(qvar.QvarError, match=r"^`theta0` must have shape \(3,\), but has shape \(2,\)\.$"):
        qvar.minimize(objective, theta0=np.zeros(2))
    with pytest.raises(qvar.QvarError, match=r"^`key` must be a JAX random key .* is None\.$"):
        qvar.minimize(objective)
    for arguments in ({"gradients": 0}, {"energies": 0}, {"seconds": 0.0}, {"gradient_tolerance": -1.0}):
        with pytest.raises(qvar.QvarError, match=f"^`{next(iter(arguments))}` must .*, but is"):
            qvar.Budget(**arguments)
    with pytest.raises(qvar.QvarError, match=r"^`learning_rate` must be positive"):
        qvar.adam(learning_rate=0.0)
    for arguments in ({"learning_rate": 0.0}, {"momentum": 1.0}, {"momentum": -0.1}):
        with pytest.raises(qvar.QvarError, match=f"^`{next(iter(arguments))}` must .*, but is"):
            gradient_descent(**arguments)


# Factorized UCCSD in the canonical order, from zero: errors against FCI in mHa, computed independently.
@pytest.mark.parametrize(
    ("bond", "order", "expected"),
    [
        (1.5, "singles_first", 1.3730),
        (1.5, "doubles_first", 1.4366),
    ],
)
def test_uccsd_on_h4(bond: float, order: str, expected: float) -> None:
    problem = qvar.hydrogen_chain(4, bond=bond)
    ansatz = qvar.uccsd(problem, order=order)
    result = qvar.minimize(qvar.energy(problem, ansatz), theta0=np.zeros(26))
    assert result.status is qvar.Status.CONVERGED
    assert 1000 * (result.value - problem.exact_energy()) == pytest.approx(expected, abs=1e-3)


def test_uccsd_on_lih_within_ten_seconds(lih: qvar.Problem) -> None:
    objective = qvar.energy(lih, qvar.uccsd(lih))
    begin = time.process_time()
    result = qvar.minimize(objective, theta0=np.zeros(92))
    assert time.process_time() - begin < 10
    assert 1000 * (result.value - lih.exact_energy()) == pytest.approx(0.0100, abs=1e-3)
