"""Many evaluations at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.objective import _value_and_grad_batch
from qvar.random_draws import normal, size_class, uniform


@pytest.fixture(scope="module", params=["uccsd", "hardware_efficient"])
def objective(request: pytest.FixtureRequest, h4: qvar.Problem) -> qvar.Objective:
    ansatz = qvar.uccsd(h4) if request.param == "uccsd" else qvar.hardware_efficient(h4, layers=2)
    return replace(qvar.energy(h4, ansatz), bytes_per_evaluation=1000)


@pytest.mark.parametrize("limit", ["1", "2000", "3000", "1GB"])  # chunks of 1, 2, 3 (the last padded) and all 7
def test_a_batch_is_single_evaluations(limit: str, objective: qvar.Objective, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVAR_MEMORY", limit)
    thetas = np.random.default_rng(1).normal(scale=0.4, size=(7, objective.n_params))
    values, gradients = objective.value_and_grad_batch(thetas)
    assert (values.shape, gradients.shape) == ((7,), (7, objective.n_params))
    for theta, value, gradient in zip(thetas, values, gradients, strict=True):
        alone, slope = objective.value_and_grad(theta)
        assert float(value) == pytest.approx(float(alone), abs=1e-12)
        np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-12)


def test_an_empty_batch(objective: qvar.Objective) -> None:
    values, gradients = objective.value_and_grad_batch(np.zeros((0, objective.n_params)))
    assert (values.shape, gradients.shape) == ((0,), (0, objective.n_params))


def test_mistakes(objective: qvar.Objective) -> None:
    n = objective.n_params
    for shape in ((n,), (2, n + 1), (1, 2, n)):
        sentence = rf"^`thetas` must have shape \(n, {n}\), but has shape \({', '.join(map(str, shape))},?\)\.$"
        with pytest.raises(qvar.QvarError, match=sentence):
            objective.value_and_grad_batch(np.zeros(shape))


def test_chunks_bound_the_memory() -> None:
    matrix = np.random.default_rng(0).normal(size=(100, 100)) / 10

    def function(theta: jax.Array, data: jax.Array) -> jax.Array:
        return jnp.sum(jnp.tanh(data @ jnp.tanh(theta[0] * data)))

    def scratch(chunk: int) -> int:
        lowered = _value_and_grad_batch.lower(function, chunk, jnp.ones((32, 1)), jnp.asarray(matrix))
        return lowered.compile().memory_analysis().temp_size_in_bytes

    assert scratch(2) < scratch(32) / 8


def test_kernels_of_the_host_serve_no_other_function(h2: qvar.Problem) -> None:
    objective = qvar.energy(h2, qvar.uccsd(h2))
    assert objective.host_kernels is not None
    assert replace(objective, name="same").host_kernels is not None
    theta = np.linspace(-1.0, 1.0, objective.n_params)

    def doubled(theta: Any, data: Any) -> Any:
        return 2.0 * objective.function(theta, data)

    other = replace(objective, function=doubled)
    assert float(other.loss(theta)) == pytest.approx(2.0 * float(objective.loss(theta)), abs=1e-12)
    shifted = replace(objective, data={**objective.data, "constant": objective.data["constant"] + 1.0})
    assert float(shifted.loss(theta)) == pytest.approx(1.0 + float(objective.loss(theta)), abs=1e-12)
    assert float(jax.jit(objective.loss)(theta)) == pytest.approx(float(objective.loss(theta)), abs=1e-12)


def test_draws_in_size_classes_are_those_of_jax() -> None:
    key = jax.random.key(5)
    for n in (1, 31, 32, 33, 129, 300):
        np.testing.assert_array_equal(normal(key, n, 0.3), 0.3 * jax.random.normal(key, (n,), float))
        np.testing.assert_array_equal(uniform(key, n, -2.0, 3.0), jax.random.uniform(key, (n,), float, -2.0, 3.0))
    sizes = [size_class(n) for n in range(1, 2000)]
    assert sizes == sorted(sizes)
    assert all(n <= size <= max(32, 4 * n) for n, size in enumerate(sizes, 1))
    assert all(size <= 1.5 * n for n, size in enumerate(sizes, 1) if n > 200)
