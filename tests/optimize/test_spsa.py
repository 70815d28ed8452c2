"""SPSA: gains, directions, the noise of shots, and what is counted."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.optimize.spsa import spsa

MANY = 4000


def _objective(function, n_params: int, **fields) -> qvar.Objective:
    return qvar.Objective(
        name="test",
        family="generic",
        n_params=n_params,
        function=lambda theta, data: function(theta),
        draw=lambda key: jax.random.normal(key, (n_params,)),
        **fields,
    )


def test_gains_are_those_of_spall() -> None:
    """Of x^3 the difference quotient is 3 x^2 + c^2, whatever the direction."""
    settings = {"a": 0.3, "c": 0.2, "stability": 5.0, "alpha": 0.7, "gamma": 0.15}
    budget = qvar.Budget(gradients=1, energies=20)
    result = qvar.minimize(
        _objective(lambda x: jnp.sum(x**3), 1), method=spsa(**settings), theta0=[0.8], budget=budget, keep_path=True
    )
    x = [0.8]
    for k in range(1, 11):
        x.append(x[-1] - 0.3 / (5.0 + k) ** 0.7 * (3 * x[-1] ** 2 + (0.2 / k**0.15) ** 2))
    assert result.trace.theta is not None
    np.testing.assert_allclose(result.trace.theta[:, 0], x, rtol=1e-12)
    np.testing.assert_allclose(result.trace.value, np.array(x) ** 3, rtol=1e-12)


def test_directions_are_signs_and_the_slope_is_unbiased() -> None:
    slopes = np.array([1.0, -2.0, 0.5])
    objective = _objective(lambda x: jnp.sum(jnp.asarray(slopes) * x), 3)
    results = qvar.minimize_batch(
        objective, np.zeros((MANY, 3)), method=spsa(a=1.0, stability=0.0), budget=qvar.Budget(gradients=2)
    )
    steps = -np.array([result.theta for result in results])  # (slopes . signs) signs
    sizes = np.abs(steps)
    np.testing.assert_allclose(sizes, sizes[:, :1] @ np.ones((1, 3)), rtol=1e-9)
    deviation = np.sqrt((np.sum(slopes**2) - slopes**2) / MANY)
    assert np.all(np.abs(steps.mean(axis=0) - slopes) < 4.5 * deviation)
    assert len(np.unique(np.sign(steps * np.sign(steps[:, :1])), axis=0)) == 4  # all directions, up to their sign


def test_the_noise_of_shots() -> None:
    """H = diag(0, 2) in the state (cos t, sin t): variance 4 cos^2 sin^2, the same at every theta."""
    angle, shots, c, a = 0.6, 50, 0.1, 0.3
    energy, variance = 2 * np.sin(angle) ** 2, 4 * (np.cos(angle) * np.sin(angle)) ** 2
    objective = _objective(
        lambda x: energy + 0.0 * jnp.sum(x),
        1,
        state_function=lambda theta, data: jnp.array([jnp.cos(angle), jnp.sin(angle)]) + 0.0 * theta,
        operator=lambda state, data: jnp.array([0.0, 2.0]) * state,
    )
    method = spsa(shots=shots, a=a, c=c, stability=0.0, alpha=0.0)
    results = qvar.minimize_batch(
        objective, np.zeros((MANY, 1)), method=method, budget=qvar.Budget(gradients=4), keep_path=True
    )
    first, second = np.diff(np.array([result.trace.theta for result in results])[:, :, 0], axis=1).T
    for k, steps in enumerate((first, second), start=1):
        noise = steps * 2 * (c / k**0.101) / a  # difference of two measurements, up to sign
        assert np.mean(noise**2) == pytest.approx(2 * variance / shots, rel=5 * np.sqrt(2 / MANY))
        assert abs(np.mean(noise)) < 4.5 * np.sqrt(2 * variance / shots / MANY)
        assert np.mean(noise**4) / np.mean(noise**2) ** 2 == pytest.approx(3.0, abs=0.4)  # normal
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.5 / np.sqrt(MANY)
    for result in results[:5]:
        np.testing.assert_allclose(result.trace.value, energy, rtol=1e-14)  # exact, without noise


@pytest.mark.parametrize("energies", [1, 2, 7])
def test_what_is_counted(energies: int) -> None:
    """Two energies for each step; those where it stands are made for the record and not counted."""
    calls = []

    def function(x):
        jax.debug.callback(lambda: calls.append(1))
        return jnp.sum((x - 1.0) ** 2)

    budget = qvar.Budget(gradients=1000, energies=energies)
    result = qvar.minimize(_objective(function, 2), method=spsa(), key=jax.random.key(0), budget=budget)
    jax.effects_barrier()
    assert result.status is qvar.Status.OUT_OF_BUDGET
    assert result.energy_evaluations == energies
    assert result.gradient_evaluations == 0
    assert result.iterations == energies // 2
    assert len(calls) == energies + result.iterations + 1
    np.testing.assert_array_equal(result.trace.evaluations, 2 * np.arange(result.iterations + 1))
    assert result.value == pytest.approx(np.sum((result.theta - 1.0) ** 2), rel=1e-14)
    assert np.isnan(result.gradient_norm)
    assert np.isnan(result.trace.gradient_norm).all()


def test_a_quadratic_is_minimized() -> None:
    scale = jnp.array([1.0, 2.0, 3.0])
    objective = _objective(lambda x: jnp.sum(scale * (x - 1.5) ** 2), 3)
    result = qvar.minimize(objective, method=spsa(), theta0=np.zeros(3), budget=qvar.Budget(energies=3000))
    np.testing.assert_allclose(result.theta, 1.5, atol=1e-3)


def test_more_shots_come_closer(h2: qvar.Problem) -> None:
    objective = qvar.energy(h2, qvar.uccsd(h2))
    starts, budget = objective.initial_batch(jax.random.key(0), 8), qvar.Budget(energies=600)
    errors = []
    for shots in (100, 10_000):
        results = qvar.minimize_batch(objective, starts, method=spsa(shots=shots), budget=budget)
        errors.append(np.mean([result.value for result in results]) - h2.exact_energy())
        assert all(result.value == pytest.approx(float(objective.loss(result.theta)), abs=1e-12) for result in results)
    assert 0 < errors[1] < 0.1 * errors[0]
    assert errors[1] < 1.6e-3


def test_a_key_is_all_that_it_depends_on() -> None:
    objective = _objective(lambda x: jnp.sum(jnp.cos(x)), 4)
    keys = jnp.stack([jax.random.key(seed) for seed in range(3)])
    starts = jnp.stack([objective.initial(key) for key in keys])
    budget = qvar.Budget(energies=20)
    together = qvar.minimize_batch(objective, starts, method=spsa(), budget=budget, keys=keys)
    for key, one in zip(keys, together, strict=True):
        np.testing.assert_allclose(
            qvar.minimize(objective, method=spsa(), key=key, budget=budget).theta, one.theta, rtol=1e-12
        )
    same = qvar.minimize_batch(objective, np.ones((2, 4)), method=spsa(), budget=budget)
    assert not np.allclose(same[0].theta, same[1].theta)  # starts of their own, directions of their own


def test_nan_is_a_status() -> None:
    objective = _objective(lambda x: jnp.sum(jnp.where(x > 0.05, jnp.nan, x)), 1)
    starts = np.array([[-9.0], [0.0], [1.0]])
    results = qvar.minimize_batch(objective, starts, method=spsa(), budget=qvar.Budget(energies=6))
    assert [result.status.value for result in results] == ["out_of_budget", "not_finite", "not_finite"]


def test_mistakes() -> None:
    objective = _objective(lambda x: jnp.sum(x**2), 1)
    with pytest.raises(qvar.QvarError, match=r"^`objective` must have a state, but test has none\.$"):
        qvar.minimize(objective, method=spsa(shots=10), theta0=[1.0])
    with pytest.raises(qvar.QvarError, match=r"^`keys` must have shape \(1,\), but has shape \(2,\)\.$"):
        qvar.minimize_batch(objective, [[1.0]], method=spsa(), keys=jax.random.split(jax.random.key(0)))
    for arguments in ({"shots": 0}, {"a": 0.0}, {"c": -1.0}, {"stability": -1.0}, {"alpha": -0.1}, {"gamma": -0.1}):
        with pytest.raises(qvar.QvarError, match=f"^`{next(iter(arguments))}` must .*, but is"):
            spsa(**arguments)
