"""Converged means a minimum: curvature against closed forms and dense Hessians, and the way out of saddles."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.hessian_products import lowest_curvature
from qvar.optimize.first_order import gradient_descent
from qvar.optimize.natural_gradient import natural_gradient
from qvar.optimize.rotosolve import rotosolve

METHODS = {"lbfgs": qvar.lbfgs(), "adam": qvar.adam(), "gradient_descent": gradient_descent(learning_rate=0.2)}
LONG = qvar.Budget(gradients=3000)


def _objective(function: Callable[[jax.Array], jax.Array], n_params: int, **more: Any) -> qvar.Objective:
    draw = lambda key: jax.random.normal(key, (n_params,))  # noqa: E731
    return qvar.Objective("test", "generic", n_params, lambda theta, data: function(theta), draw, **more)


def _wells(x: jax.Array) -> jax.Array:
    """A saddle of curvature -2 at 0, two minima of -1/4 at y = +-1/sqrt(2), of curvature 2 and 4."""
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


@pytest.mark.parametrize("method", list(METHODS))
def test_a_start_on_a_saddle_steps_down(method: str) -> None:
    result = qvar.minimize(_objective(_wells, 2), method=METHODS[method], theta0=np.zeros(2), budget=LONG)
    assert result.status is qvar.Status.CONVERGED
    assert result.value == pytest.approx(-0.25, abs=1e-10)
    assert result.lowest_curvature == pytest.approx(2.0, abs=1e-4)
    np.testing.assert_array_equal(result.trace.step, np.arange(result.iterations + 1))
    assert result.trace.value[0] == 0.0
    assert np.all(np.diff(result.trace.evaluations) >= 1)
    # two products and one value along the direction, before the step: two evaluations each
    assert result.gradient_evaluations == result.energy_evaluations + 2 * 3 == result.trace.evaluations[-1]
    assert result.hessian_products == 3 + 2


@pytest.mark.parametrize("method", list(METHODS))
def test_an_end_on_a_saddle_is_a_status(method: str) -> None:
    objective, start = _objective(_wells, 2), np.array([0.3, 0.0])  # nothing ever pulls y away from 0
    result = qvar.minimize(objective, method=METHODS[method], theta0=start, budget=LONG)
    assert result.status is qvar.Status.SADDLE
    assert "saddle" in result.status.sentence
    assert "lowest_curvature" in result.status.sentence
    assert result.lowest_curvature == pytest.approx(-2.0, abs=1e-5)
    assert result.gradient_evaluations == result.energy_evaluations
    left = qvar.minimize(
        objective, method=METHODS[method], theta0=start, budget=qvar.Budget(gradients=3000, escape="always")
    )
    assert left.status is qvar.Status.CONVERGED
    assert left.value == pytest.approx(-0.25, abs=1e-10)
    held = qvar.minimize(objective, method=METHODS[method], theta0=np.zeros(2), budget=qvar.Budget(escape="never"))
    assert (held.status, held.energy_evaluations) == (qvar.Status.SADDLE, 1)


def test_neighbours_of_a_saddle_are_undisturbed() -> None:
    objective = _objective(_wells, 2)
    starts = np.array([[0.0, 0.0], [0.2, 0.4], [0.3, 0.0]])
    together = qvar.minimize_batch(objective, starts, budget=LONG)
    assert [one.status.value for one in together] == ["converged", "converged", "saddle"]
    alone = qvar.minimize_batch(objective, starts[1:2], budget=LONG)[0]
    assert together[1].energy_evaluations == alone.energy_evaluations
    np.testing.assert_array_equal(together[1].theta, alone.theta)


def test_degenerate_saddles_are_left_too() -> None:
    """Flat to second order: a monkey saddle, with minima of -27/256 at r = 3/4, and a minimum of fourth order."""
    monkey = _objective(lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2 + jnp.sum(x**2) ** 2, 2)
    result = qvar.minimize(monkey, theta0=np.zeros(2), budget=LONG)
    assert result.status is qvar.Status.CONVERGED
    assert result.value == pytest.approx(-27 / 256, abs=1e-10)
    bowl = _objective(lambda x: jnp.sum(jnp.cos(x) + x**2 / 2), 3)  # 3 + x^4/24 ...
    result = qvar.minimize(bowl, theta0=np.zeros(3), budget=LONG)
    assert (result.status, result.value, result.iterations) == (qvar.Status.CONVERGED, 3.0, 0)
    np.testing.assert_array_equal(result.theta, 0.0)
    assert result.gradient_norm == 0.0
    np.testing.assert_array_equal(result.trace.value, [3.0])


def test_a_start_in_a_flat_valley_is_its_own_result() -> None:
    """Redundant parameters, as many circuits have: zero curvature is no saddle."""
    valley = _objective(lambda x: (jnp.sum(x) - 1.0) ** 2, 4)
    start = np.array([0.1, 0.2, 0.3, 0.4])
    result = qvar.minimize(valley, theta0=start)
    assert (result.status, result.iterations) == (qvar.Status.CONVERGED, 0)
    np.testing.assert_array_equal(result.theta, start)
    assert abs(result.lowest_curvature) < 1e-12
    ring = _objective(lambda x: (jnp.sum(x**2) - 1.0) ** 2, 3)  # curves of equal value that bend
    loose = qvar.Budget(gradient_tolerance=1e-3)
    for budget in (loose, LONG):
        ends = qvar.minimize_batch(ring, ring.initial_batch(jax.random.key(0), 8), budget=budget)
        assert {one.status for one in ends} == {qvar.Status.CONVERGED}
    assert min(one.lowest_curvature for one in qvar.minimize_batch(ring, np.eye(3) * 0.9999, budget=loose)) < 0


def test_no_step_out_of_a_saddle_beyond_the_budget() -> None:
    result = qvar.minimize(_objective(_wells, 2), theta0=np.zeros(2), budget=qvar.Budget(gradients=5))
    assert (result.status, result.energy_evaluations) == (qvar.Status.SADDLE, 1)
    result = qvar.minimize(
        _objective(_wells, 2),
        method=qvar.adam(learning_rate=1e-3),
        theta0=np.zeros(2),
        budget=qvar.Budget(gradients=20),
    )
    assert (result.status, result.gradient_evaluations) == (qvar.Status.OUT_OF_BUDGET, 20)
    assert result.value < 0
    assert np.isnan(result.lowest_curvature)
    result = qvar.minimize(_objective(_wells, 2), theta0=np.zeros(2), budget=qvar.Budget(hessian_products=0))
    assert (result.status, result.hessian_products) == (qvar.Status.CONVERGED, 0)
    assert np.isnan(result.lowest_curvature)


def test_what_has_no_second_derivative_has_no_curvature() -> None:
    scalar, vector = jax.ShapeDtypeStruct((), float), jax.ShapeDtypeStruct((2,), float)

    def called(function: Callable[[Any], Any], shapes: Any, x: jax.Array) -> Any:
        return jax.pure_callback(lambda y: function(np.asarray(y)), shapes, x, vmap_method="sequential")

    @jax.custom_vjp
    def outside(x: jax.Array) -> jax.Array:
        return called(lambda y: np.sum(y**2), scalar, x)

    def forward(x: jax.Array) -> Any:
        return called(lambda y: (np.sum(y**2), 2 * y), (scalar, vector), x)

    outside.defvjp(forward, lambda slopes, cotangent: (cotangent * slopes,))
    result = qvar.minimize(_objective(outside, 2), theta0=np.ones(2))
    assert (result.status, result.hessian_products) == (qvar.Status.CONVERGED, 0)
    assert np.isnan(result.lowest_curvature)
    nothing = qvar.minimize(_objective(lambda x: jnp.sum(x) + 1.0, 0), theta0=np.zeros(0))
    assert (nothing.status, nothing.value) == (qvar.Status.CONVERGED, 1.0)


def test_rotosolve_at_the_minimum_of_each_angle_alone() -> None:
    """Each angle alone is at its minimum, but the Hessian at 0 is [[1, 3], [3, 1]]."""
    objective = _objective(lambda x: 3 * jnp.sin(x[0]) * jnp.sin(x[1]) - jnp.sum(jnp.cos(x)), 2, frequencies=np.ones(2))
    held = qvar.minimize(objective, method=rotosolve(), theta0=np.zeros(2), budget=qvar.Budget(escape="never"))
    assert held.status is qvar.Status.SADDLE
    assert held.lowest_curvature == pytest.approx(-2.0, abs=1e-9)
    assert held.gradient_evaluations == 0
    result = qvar.minimize(objective, method=rotosolve(), theta0=np.zeros(2))
    # sin^2 = s, at x = -y: -3 s - 2 sqrt(1 - s) is lowest at cos = 1/3
    assert result.value == pytest.approx(-3 * (1 - 1 / 9) - 2 / 3, abs=1e-7)
    assert result.status is qvar.Status.CONVERGED


# ---------------------------------------------------------------------------------------------------------------------
# Lanczos


def _lowest(matrices: list[np.ndarray], gradient: float = 0.0, most: int = 20) -> Any:
    vectors = np.random.default_rng(3).standard_normal((len(matrices), len(matrices[0])))

    def products(rows: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes = np.zeros_like(directions)
        slopes[:, 0] = gradient
        return slopes, np.stack([matrices[row] @ v for row, v in zip(rows, directions, strict=True)])

    return lowest_curvature(products, vectors, np.zeros(len(matrices)), most)


def _with_spectrum(spectrum: Any, seed: int = 0) -> np.ndarray:
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(spectrum),) * 2))[0]
    return (basis * np.asarray(spectrum)) @ basis.T


def test_lowest_eigenvalues() -> None:
    draw = np.random.default_rng(1)
    small = [_with_spectrum(draw.standard_normal(12), seed) for seed in range(4)]
    found = _lowest(small)
    np.testing.assert_allclose(found.lowest, [np.linalg.eigvalsh(one)[0] for one in small], atol=1e-10)
    assert found.falls.all()
    assert (found.products <= 12).all()
    spectra = [np.linspace(0.5, 4, 60), [-0.05, *np.linspace(0.1, 4, 59)], [*np.zeros(30), *np.ones(30)], np.zeros(60)]
    found = _lowest([_with_spectrum(spectrum) for spectrum in spectra])
    assert found.falls.tolist() == [False, True, False, False]
    assert found.flat.tolist() == [False, False, True, True]
    assert (found.products <= 20).all()
    for lowest, spectrum in zip(found.lowest, spectra, strict=True):
        assert min(spectrum) - 1e-12 <= lowest <= min(spectrum) + 0.25
    np.testing.assert_allclose(np.linalg.norm(found.direction, axis=1), 1.0, atol=1e-12)


def test_what_counts_as_negative() -> None:
    def falls(lowest: float, gradient: float = 0.0) -> bool:
        return bool(_lowest([_with_spectrum([lowest, 0.0, 1.0, 2.0])], gradient).falls[0])

    assert falls(-1e-4)
    assert not falls(-1e-6)  # 1e-6 of the largest is 2e-6
    assert falls(-1e-4, gradient=5e-6)
    assert not falls(-1e-4, gradient=2e-5)  # a bent valley of that slope may curve so
    assert not falls(np.nan)
    assert np.isnan(_lowest([np.full((3, 3), np.nan)]).lowest[0])


@cache
def _chain() -> qvar.Objective:
    return qvar.energy(qvar.tfim(3), qvar.hardware_efficient(3, layers=1, rotations=("RY",)))


@jax.jit
def _hessian(theta: jax.Array) -> jax.Array:
    return jax.hessian(_chain().function)(theta, _chain().data)


@pytest.mark.parametrize("name", ["lbfgs", "natural_gradient", "rotosolve"])
def test_curvature_is_the_dense_hessians(name: str) -> None:
    method = {"lbfgs": qvar.lbfgs(), "natural_gradient": natural_gradient(), "rotosolve": rotosolve()}[name]
    objective, budget = _chain(), qvar.Budget(gradients=20000, gradient_tolerance=1e-5)
    results = qvar.minimize_batch(
        objective, objective.initial_batch(jax.random.key(4), 3), method=method, budget=budget
    )
    for result in results:
        assert result.status in (qvar.Status.CONVERGED, qvar.Status.SADDLE)
        dense = _hessian(jnp.asarray(result.theta))
        assert result.lowest_curvature == pytest.approx(float(jnp.linalg.eigvalsh(dense)[0]), abs=1e-8)


def test_symmetric_starts_of_circuits_move() -> None:
    """Zero angles: a saddle for rotations and CNOTs, flat to second order at the Hartree-Fock state of H2 for LUCJ."""
    h4, h2 = qvar.hydrogen_chain(4, bond=1.0), qvar.molecule("H 0 0 0; H 0 0 0.7414")
    rotations = qvar.energy(h4, qvar.hardware_efficient(h4, layers=2))
    held = qvar.minimize(rotations, theta0=np.zeros(48), budget=qvar.Budget(escape="never"))
    assert (held.status, held.iterations) == (qvar.Status.SADDLE, 0)
    assert 1000 * (held.value - h4.exact_energy()) == pytest.approx(1286.6, abs=0.1)
    assert held.lowest_curvature == pytest.approx(-0.418, abs=1e-3)
    moved = qvar.minimize(rotations, theta0=np.zeros(48), budget=qvar.Budget(gradients=60))
    assert moved.value < held.value - 0.5
    cluster = qvar.energy(h2, qvar.lucj(h2))
    result = qvar.minimize(cluster, theta0=np.zeros(cluster.n_params), budget=qvar.Budget(gradients=1000))
    assert result.status is qvar.Status.CONVERGED
    assert result.value == pytest.approx(-1.1372701747, abs=1e-6)
