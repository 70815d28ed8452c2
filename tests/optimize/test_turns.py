"""Optimizer and evaluation as programs of their own: compilations, padding, kernels of the host."""

from __future__ import annotations

from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from compilations import compilations

import qvar
from qvar.host_kernels import HostKernels, HostSource
from qvar.optimize import kept_updates
from qvar.optimize.packing import Layout
from qvar.optimize.start_keys import numbers_of_keys, usual_keys


class Valley:
    """Coupled double wells, as a JAX function and as kernels of the host that count the points they are asked for."""

    def __init__(self, n_params: int, shift: float = 0.0) -> None:
        self.n_params, self.points, self.products = n_params, 0, 0
        self.weights = np.linspace(1.0, 4.0, n_params) + shift

    def function(self, theta: jax.Array, data: jax.Array) -> jax.Array:
        return jnp.sum(data * (theta**4 / 4 - theta**2 / 2)) + jnp.sum(theta[1:] * theta[:-1]) / 3

    def values_and_gradients(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert x.shape == (len(x), self.n_params)
        self.points += len(x)
        gradients = self.weights * (x**3 - x)
        gradients[:, 1:] += x[:, :-1] / 3
        gradients[:, :-1] += x[:, 1:] / 3
        return (self.weights * (x**4 / 4 - x**2 / 2)).sum(1) + (x[:, 1:] * x[:, :-1]).sum(1) / 3, gradients

    def hessian_product(self, x: np.ndarray, v: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        self.products += 1
        values, gradients = self.values_and_gradients(x[None])
        self.points -= 1
        product = self.weights * (3 * x**2 - 1) * v
        product[1:] += v[:-1] / 3
        product[:-1] += v[1:] / 3
        return float(values[0]), gradients[0], product

    def values(self, x: np.ndarray) -> np.ndarray:
        return self.values_and_gradients(x)[0]

    def objective(self, on_host: bool) -> qvar.Objective:
        function, data = self.function, jax.device_put(self.weights)
        kernels = HostKernels(self.values, self.values_and_gradients, self.hessian_product)
        return qvar.Objective(
            "valley", "generic", self.n_params, function, lambda key: jax.random.normal(key, (self.n_params,)),
            data=data, host=HostSource(lambda: kernels, function, None, data) if on_host else None,
        )  # fmt: skip


def starts(n_params: int, n: int = 3) -> np.ndarray:
    return np.random.default_rng(n_params).standard_normal((n, n_params))


def test_five_objectives_take_one_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """With kernels of the host nothing is compiled for an objective, and the optimizer once for its size class."""
    monkeypatch.setattr(kept_updates, "program_folder", lambda: None)  # none of an earlier process
    lbfgs = qvar.lbfgs(memory=3)
    method, key = lbfgs._replace(update=lambda *read: lbfgs.update(*read)), jax.random.key(0)  # a method of its own
    budget = qvar.Budget(gradients=12, escape="always")
    with compilations() as count:
        for shift, n_params in enumerate((20, 23, 26, 29, 31)):
            valley = Valley(n_params, float(shift))
            results = qvar.minimize_batch(
                valley.objective(on_host=True), starts(n_params), method=method, budget=budget
            )
            assert valley.points == sum(result.energy_evaluations for result in results)
    assert count == {"jit(_begin)": 1, "jit(_update)": 1}
    with compilations() as count:
        saddle = np.zeros((3, 17))  # curvature, a step out of a saddle, and a first state again
        results = qvar.minimize_batch(Valley(17).objective(on_host=True), saddle, method=method)
        assert all(result.value < 0 and result.hessian_products > 0 for result in results)
        qvar.minimize(Valley(17).objective(on_host=True), starts(17)[0], method=method, key=key, budget=budget)
        qvar.minimize(Valley(32).objective(on_host=True), starts(32)[0], method=method, budget=budget)
    assert count == {"jit(_begin)": 1, "jit(_update)": 1}  # for one start
    with compilations() as count:
        qvar.minimize_batch(Valley(25).objective(on_host=False), starts(25), method=method, budget=budget)
    assert set(count) <= {"jit(_evaluate)", "jit(_derivatives)"}
    assert count["jit(_evaluate)"] == 1


def test_lbfgs_on_the_host_compiles_nothing() -> None:
    with compilations() as count:
        for n_params in (5, 32, 33, 300):
            objective = Valley(n_params).objective(on_host=True)
            qvar.minimize_batch(objective, np.zeros((2, n_params)), budget=qvar.Budget(gradients=30))
    assert not count


class Wall(Valley):
    """A steep valley that has no values beyond a wall; the gradient of its last start points uphill."""

    def values_and_gradients(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = super().values_and_gradients(x)
        values = np.where(np.any(np.abs(x) > 2.5, axis=1), np.nan, 30.0 * values)
        return values, 30.0 * np.where(x[:, :1] > 2.0, -gradients, gradients)


@pytest.mark.parametrize("n_params", [3, 32, 33, 150])
@pytest.mark.parametrize("max_trials", [3, 20])
def test_lbfgs_on_the_host_takes_the_steps_of_jax(n_params: int, max_trials: int) -> None:
    method, wall = qvar.lbfgs(memory=4, max_trials=max_trials), Wall(n_params)
    points = np.concatenate([starts(n_params).clip(-1.9, 1.9), np.full((2, n_params), 2.4), starts(n_params, 1) + 4.0])
    points[3, 0] = 1.0
    keep: dict[str, Any] = {"budget": qvar.Budget(gradients=40, hessian_products=0), "keep_path": True}
    results = qvar.minimize_batch(wall.objective(True), points, method=method, **keep)
    expected = qvar.minimize_batch(wall.objective(True), points, method=method._replace(host=None), **keep)
    assert {result.status.value for result in results} >= {"stalled", "not_finite"}
    for one, other in zip(results, expected, strict=True):
        assert one.status is other.status
        assert one.energy_evaluations == other.energy_evaluations
        np.testing.assert_array_equal(one.trace.evaluations, other.trace.evaluations)
        np.testing.assert_allclose(one.trace.theta, other.trace.theta, rtol=0, atol=1e-9)
        np.testing.assert_allclose(one.trace.gradient_norm, other.trace.gradient_norm, rtol=1e-6, atol=1e-9)


DESCENT = qvar.gradient_descent(learning_rate=0.05, momentum=0.5)


# a size class that is exactly full, and one parameter more
@pytest.mark.parametrize(
    ("method", "n_params"),
    [(qvar.lbfgs(), 3), (qvar.lbfgs(), 32), (qvar.lbfgs(), 33), (qvar.adam(learning_rate=0.1), 3), (DESCENT, 3)],
)
def test_padding_changes_nothing(method: Any, n_params: int) -> None:
    valley = Valley(n_params)
    budget, points = qvar.Budget(gradients=25, gradient_tolerance=1e-5), starts(n_params)
    keep: dict[str, Any] = {"budget": budget, "keep_path": True}
    exact = qvar.minimize_batch(valley.objective(False), points, method=method._replace(allows_padding=False), **keep)
    for on_host in (False, True):
        results = qvar.minimize_batch(valley.objective(on_host), points, method=method, **keep)
        for one, other in zip(results, exact, strict=True):
            assert one.theta.shape == (n_params,)
            assert one.status is other.status
            assert one.energy_evaluations == other.energy_evaluations
            assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=1e-6, abs=1e-9)
            np.testing.assert_allclose(one.trace.theta, other.trace.theta, rtol=0, atol=1e-8)
            np.testing.assert_allclose(one.trace.value, other.trace.value, rtol=0, atol=1e-10)
            np.testing.assert_array_equal(one.trace.evaluations, other.trace.evaluations)


def test_kernels_of_the_host_find_the_curvature() -> None:
    valley, budget = Valley(6), qvar.Budget(gradients=300, escape="always")
    points = np.concatenate([np.zeros((1, 6)), starts(6)])
    compiled = qvar.minimize_batch(valley.objective(False), points, budget=budget)
    assert valley.points == valley.products == 0
    results = qvar.minimize_batch(valley.objective(True), points, budget=budget)
    assert valley.products == sum(result.hessian_products for result in results)
    for one, other in zip(results, compiled, strict=True):
        assert one.status is other.status is qvar.Status.CONVERGED
        assert one.value == pytest.approx(other.value, abs=1e-10)
        assert one.lowest_curvature == pytest.approx(other.lowest_curvature, abs=1e-6)


def test_methods_that_read_values_use_the_kernels() -> None:
    valley, budget = Valley(4), qvar.Budget(gradients=20)
    method = qvar.spsa()
    compiled = qvar.minimize_batch(valley.objective(False), starts(4), method=method, budget=budget)
    results = qvar.minimize_batch(valley.objective(True), starts(4), method=method, budget=budget)
    assert valley.points > 0
    for one, other in zip(results, compiled, strict=True):
        np.testing.assert_allclose(one.theta, other.theta, rtol=0, atol=1e-12)
        assert one.energy_evaluations == other.energy_evaluations == 20


def test_turns_ahead_of_the_host_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on an accelerator: turns after the last start has ended leave no trace."""
    valley, budget = Valley(7), qvar.Budget(gradients=40, gradient_tolerance=1e-4)
    usual = qvar.minimize_batch(valley.objective(False), starts(7), budget=budget, keep_path=True)
    monkeypatch.setattr("qvar.optimize.turns._is_host", lambda: False)
    ahead = qvar.minimize_batch(valley.objective(False), starts(7), budget=budget, keep_path=True)
    for one, other in zip(ahead, usual, strict=True):
        assert one.status is other.status
        assert one.energy_evaluations == other.energy_evaluations
        np.testing.assert_allclose(one.trace.theta, other.trace.theta, rtol=0, atol=1e-8)
        np.testing.assert_array_equal(one.trace.evaluations, other.trace.evaluations)


def test_states_survive_packing() -> None:
    """Numbers that neither of the two arrays can hold get arrays of their own; keys stay keys."""
    keys = jax.random.split(jax.random.key(3), 4)
    state = {
        "real": np.arange(8.0).reshape(4, 2),
        "half": np.arange(4, dtype=np.float16),
        "flags": np.array([True, False, True, True]),
        "big": np.full((4, 1, 2), 2**63 + 5, np.uint64),
        "complex": np.arange(4) * (1 + 2j),
        "small": np.full(4, -7, np.int8),
        "nothing": np.zeros((4, 0)),
    }
    layout = Layout.of(state | {"key": keys}, "threefry2x32")
    arrays = layout.pack(state | {"key": np.asarray(jax.random.key_data(keys))}, np)
    assert [array.dtype for array in arrays] == [np.float64, np.int64, np.uint64, np.complex128]

    @jax.jit
    def round_trip(arrays: Any) -> Any:
        inside = layout.unpack(arrays, jnp)
        assert jnp.issubdtype(inside["key"].dtype, jax.dtypes.prng_key)
        return layout.pack(inside, jnp)

    back = layout.unpack(tuple(map(np.asarray, round_trip(arrays))), np)
    for name, part in state.items():
        np.testing.assert_array_equal(back[name], part, strict=True)
    np.testing.assert_array_equal(back["key"], jax.random.key_data(keys))


def test_usual_keys_are_those_of_jax() -> None:
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), jnp.arange(100))
    assert usual_keys(100).kind == numbers_of_keys(keys, (100,)).kind
    np.testing.assert_array_equal(usual_keys(100).numbers, jax.random.key_data(keys))
    with pytest.raises(qvar.QvarError, match=r"^`keys` must have shape \(3,\), but has shape \(100,\)\.$"):
        numbers_of_keys(keys, (3,))


def test_other_kinds_of_keys() -> None:
    keys = jax.random.split(jax.random.key(1, impl="rbg"), 3)
    objective, budget = Valley(2).objective(False), qvar.Budget(gradients=8)
    first, again = (
        qvar.minimize_batch(objective, starts(2), method=qvar.spsa(), keys=keys, budget=budget) for _ in range(2)
    )
    usual = qvar.minimize_batch(objective, starts(2), method=qvar.spsa(), budget=budget)
    for one, other, third in zip(first, again, usual, strict=True):
        np.testing.assert_array_equal(one.theta, other.theta)
        assert not np.array_equal(one.theta, third.theta)
