"""Every optimization method on every small problem: it descends, counts, stops and repeats itself."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from methods import METHODS, returns

import qvar
from qvar.ansatz.catalogue import ANSATZE
from qvar.optimize.first_order import from_optax
from qvar.optimize.own_method import own_method


def _no_memory(theta, key):
    return ()


def _descend(theta, read, memory):
    return theta - 0.1 * read.gradient, memory, True


def _best_and_key(theta, key):
    return theta, jnp.asarray(jnp.inf, theta.dtype), key


def _climb(theta, read, memory):
    best, value, key = memory
    key, now = jax.random.split(key)
    better = read.value < value
    best, value = jnp.where(better, theta, best), jnp.where(better, read.value, value)
    return best + 0.1 * jax.random.normal(now, theta.shape, theta.dtype), (best, value, key), better


OWN = {
    "optax": lambda: from_optax(optax.chain(optax.clip(1.0), optax.adam(0.05))),
    "own descent": lambda: own_method(_no_memory, _descend, name="own descent"),
    "own climb": lambda: own_method(_best_and_key, _climb, name="own climb", reads="value"),
}
"""Transformations of optax and functions of a user are methods, too."""

TRIED = METHODS | OWN

OBJECTIVES: dict[str, Callable[[], qvar.Objective]] = {
    "h2 uccsd": lambda: _energy(qvar.hydrogen_chain(2, bond=0.7414), qvar.uccsd),
    "tfim layers": lambda: _energy(qvar.tfim(3), lambda p: qvar.hardware_efficient(p, layers=2, rotations=("RY",))),
}


def _energy(problem: qvar.Problem, make: Callable[[qvar.Problem], qvar.Ansatz]) -> qvar.Objective:
    return qvar.energy(problem, make(problem))


def test_every_method_is_public() -> None:
    public = {name for name in qvar.__all__ if returns(getattr(qvar, name), "Method")} - {"from_optax", "own_method"}
    assert public == set(METHODS)
    assert {name: make().name for name, make in METHODS.items()} == {name: name for name in METHODS}


def test_every_public_ansatz_is_in_the_catalogue() -> None:
    public = {name for name in qvar.__all__ if returns(getattr(qvar, name), "Ansatz")} - {"named_ansatz"}
    assert public == {entry.name.split()[0] for entry in ANSATZE}


@pytest.mark.parametrize("objective_name", list(OBJECTIVES))
@pytest.mark.parametrize("method_name", list(TRIED))
def test_method_on_problem(method_name: str, objective_name: str) -> None:
    objective, method = OBJECTIVES[objective_name](), TRIED[method_name]()
    budget = qvar.Budget(gradients=400, gradient_tolerance=1e-5)
    starts = np.stack([objective.initial(jax.random.key(seed)) for seed in range(3)])
    if method.most_harmonics and not np.all(objective.harmonics[:, 1] <= method.most_harmonics):  # or not known
        with pytest.raises(qvar.QvarError, match=f"for {method.name}"):
            qvar.minimize_batch(objective, starts, method=method, budget=budget)
        return
    results = qvar.minimize_batch(objective, starts, method=method, budget=budget)
    again = qvar.minimize_batch(objective, starts, method=method, budget=budget)
    for start, result, repeated in zip(starts, results, again, strict=True):
        assert result.status in (qvar.Status.CONVERGED, qvar.Status.OUT_OF_BUDGET)
        assert result.value < float(objective.loss(start))
        assert result.value >= objective.target() - 1e-9  # variational
        assert result.value == pytest.approx(float(objective.loss(result.theta)), abs=1e-12)
        assert result.energy_evaluations <= 400
        if method.reads_gradient:
            assert result.gradient_evaluations == result.energy_evaluations
            assert (result.status is qvar.Status.CONVERGED) == (result.gradient_norm <= 1e-5)
        else:
            assert result.gradient_evaluations == 0
            assert np.isnan(result.gradient_norm)
        assert np.all(np.diff(result.trace.evaluations) >= 1)
        assert result.trace.value[0] == pytest.approx(float(objective.loss(start)), abs=1e-12)
        np.testing.assert_array_equal(result.theta, repeated.theta)


def test_a_study_compiles_its_energy_once(h2: qvar.Problem) -> None:
    """Eight seeds and many steps trace the loss once, every turn is the same program; curvature is another one."""
    traced = []
    energy = qvar.energy(h2, qvar.hardware_efficient(h2, layers=1))

    def counted(theta, data):
        traced.append(1)
        return energy.function(theta, data)

    objective = qvar.Objective("counted", "generic", energy.n_params, counted, energy.draw, data=energy.data)
    starts = np.stack([objective.initial(jax.random.key(seed)) for seed in range(8)])
    qvar.minimize_batch(objective, starts, budget=qvar.Budget(gradients=200))
    assert len(traced) == 2


def test_an_own_descent_is_that_of_qvar() -> None:
    objective = OBJECTIVES["tfim layers"]()
    start, budget = objective.initial(jax.random.key(0)), qvar.Budget(gradients=50)
    own, known = (
        qvar.minimize(objective, start, method=m, budget=budget)
        for m in (OWN["own descent"](), qvar.gradient_descent(learning_rate=0.1))
    )
    np.testing.assert_allclose(own.theta, known.theta, atol=1e-12)
    assert own.gradient_evaluations == known.gradient_evaluations


@pytest.mark.parametrize(
    "update", [lambda theta, read, memory: theta, lambda theta, read, memory: (theta[:2], (), True)]
)
def test_an_own_method_that_returns_something_else_is_refused(update) -> None:
    with pytest.raises(qvar.QvarError, match="`update` must"):
        own_method(_no_memory, update, name="wrong")
