"""A batch of starts in chunks: the same numbers, and no evaluation of a start that has come to its end."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar


@cache
def _chain() -> qvar.Objective:
    """One program for both limits."""
    return qvar.energy(qvar.tfim(3), qvar.hardware_efficient(3, layers=1, rotations=("RY",)))


@pytest.mark.parametrize("limit", ["1", "3000"])  # chunks of 1, and of 3 where the last is padded
def test_results_do_not_depend_on_the_chunk(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objective = _chain()
    starts = jnp.stack([objective.initial(jax.random.key(seed)) for seed in range(8)])
    budget = qvar.Budget(gradients=25)
    whole = qvar.minimize_batch(objective, starts, budget=budget)
    monkeypatch.setenv("QVAR_MEMORY", limit)
    cut = qvar.minimize_batch(replace(objective, bytes_per_evaluation=1000), starts, budget=budget)
    for one, other in zip(whole, cut, strict=True):
        assert one.status is other.status
        assert one.gradient_evaluations == other.gradient_evaluations
        assert one.value == pytest.approx(other.value, abs=1e-12)
        np.testing.assert_array_equal(one.trace.evaluations, other.trace.evaluations)
        np.testing.assert_allclose(one.trace.value, other.trace.value, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("limit", "chunk"), [("1", 1), ("2000", 2), ("1GB", 5)])
def test_what_is_evaluated(limit: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks of 1 exactly those evaluations are made that are counted; a chunk goes on until its last start ends."""
    monkeypatch.setenv("QVAR_MEMORY", limit)
    calls = []

    def function(theta: jax.Array, data: object) -> jax.Array:
        jax.debug.callback(lambda _: calls.append(1), theta)
        return jnp.sum(100.0 * (theta[1:] - theta[:-1] ** 2) ** 2 + (1.0 - theta[:-1]) ** 2)

    def draw(key: jax.Array) -> jax.Array:
        return jax.random.normal(key, (2,))

    objective = qvar.Objective("rosenbrock", "generic", 2, function, draw, bytes_per_evaluation=1000)
    starts = np.array([[1.0, 1.0], [-1.2, 1.0], [0.9, 0.8], [2.0, 2.0], [-0.5, 0.0]])
    results = qvar.minimize_batch(objective, starts, budget=qvar.Budget(gradients=100, hessian_products=0))
    jax.effects_barrier()
    made = [result.gradient_evaluations for result in results]
    assert made[0] == 1
    assert len(set(made)) > 3
    chunks = [made[first : first + chunk] for first in range(0, 5, chunk)]
    assert len(calls) == sum(chunk * max(together) for together in chunks)
