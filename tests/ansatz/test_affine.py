"""What is proved to be affine is so everywhere, and nothing that bends anywhere is proved."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.ansatz.affine import Other, affine_forms
from qvar.ansatz.linear_operations import Affine

MATRIX = np.random.default_rng(0).normal(size=(4, 3))

LINEAR: dict[str, Callable[[Any], Any]] = {
    "entry": lambda t: t[-1],
    "slice": lambda t: t[::-2],
    "fancy index": lambda t: t[np.array([0, 2])],
    "fancy index in a matrix": lambda t: t.reshape(3, 1)[np.array([0, 2]), 0],
    "iterated": lambda t: list(t)[1],
    "reshaped": lambda t: t.reshape(1, 3).T.ravel(),
    "arithmetic": lambda t: (2.0 * t - 1) / np.array([3, 4, 5]) + t[::-1],
    "sum and mean": lambda t: jnp.sum(t) - jnp.mean(t.reshape(3, 1), axis=1),
    "running sums": lambda t: jnp.cumsum(t) + jax.lax.cumsum(t, reverse=True),
    "set": lambda t: t.at[0].set(t[2]),
    "line": lambda t: jnp.linspace(t[0], t[1], 5),
    "matrix product": lambda t: MATRIX.reshape(2, 2, 3) @ t.reshape(3, 1),
    "einsum": lambda t: jnp.einsum("ij,kj->ik", t.reshape(1, 3), MATRIX),
    "outer": lambda t: jnp.outer(np.arange(2.0), t),
    "where": lambda t: jnp.where(np.array([True, False, True]), t, 0.5),
    "stack, concatenate, tile": lambda t: jnp.tile(jnp.concatenate([jnp.stack([t[0], 0.3, t[1]]), t]), 2),
    "roll and repeat": lambda t: jnp.repeat(jnp.roll(t, 1), 2),
    "pad": lambda t: jnp.pad(t, 1),
    "pad, cut and spread": lambda t: jnp.concatenate(
        [jax.lax.pad(t, 0.5, [(-1, 2, 2)]), jax.lax.pad(t, 0.5, [(2, -3, 1)])]
    ),
    "split": lambda t: jnp.split(t, 3)[2],
    "take": lambda t: jnp.take(t, jnp.array([0, 1])),
    "differences": lambda t: jnp.diff(t),
    "diagonal": lambda t: jnp.diag(t),
    "trace": lambda t: jnp.trace(t.reshape(3, 1) @ np.ones((1, 3))),
    "power of one": lambda t: t[0] ** 1,
    "complex parts": lambda t: jnp.real(jnp.conj(1j * t) * (2 - 1j) + t) + ((1 + 2j) * t).imag,
    "known branch": lambda t: jax.lax.cond(True, lambda x: 2 * x, lambda x: x**2, t[0]),
    "vmap": lambda t: jax.vmap(lambda x: 2 * x)(t),
    "jit": lambda t: jax.jit(lambda x: jnp.deg2rad(x) + 1)(t),
    "Kronecker": lambda t: jnp.kron(t, np.array([1.0, 2.0])),
    "average": lambda t: jnp.average(t, weights=np.array([1.0, 2, 3])),
    "dynamic slice": lambda t: jax.lax.dynamic_slice(t, (1,), (2,)),
}

CURVED: dict[str, Callable[[Any], Any]] = {
    "abs": jnp.abs,
    "Python abs": abs,
    "maximum": lambda t: jnp.maximum(t, 0.0),
    "minimum": lambda t: jnp.minimum(t, 9.0),
    "clip": lambda t: jnp.clip(t, -9.0, 9.0),
    "where": lambda t: jnp.where(t > 0, t, -t),
    "where of the same": lambda t: jnp.where(t > 0, t, t),
    "remainder": lambda t: t % np.pi,
    "whole part": lambda t: t // 1,
    "round": jnp.round,
    "floor": jnp.floor,
    "sign": jnp.sign,
    "to integers": lambda t: t.astype(int).astype(float),
    "to single precision": lambda t: t.astype(np.float32).astype(float),
    "reduced precision": lambda t: jax.lax.reduce_precision(t, 5, 10),
    "stopped gradient": jax.lax.stop_gradient,
    "product": lambda t: t[0] * t[1],
    "inverse": lambda t: 1 / t,
    "square": lambda t: t**2,
    "sort": jnp.sort,
    "largest": jnp.max,
    "at the largest": lambda t: t[jnp.argmax(t)],
    "set at the smallest": lambda t: t.at[jnp.argmin(t)].set(0.0),
    "rectified": jax.nn.relu,
    "branch": lambda t: jax.lax.cond(t[0] > 0, lambda x: x, lambda x: -x, t[0]),
    "loop": lambda t: jax.lax.scan(lambda c, x: (c + x, c), 0.0, t)[1],
    "running products": jnp.cumprod,
    "unwrapped": jnp.unwrap,
    "angle": lambda t: jnp.angle(jnp.exp(1j * t)),
    "norm": jnp.linalg.norm,
    "rule of its own": lambda t: _own_rule(t),
}


@jax.custom_jvp
def _own_rule(x: Any) -> Any:
    return 2 * x


_own_rule.defjvps(lambda tangent, answer, x: 3 * tangent)


def _form(function: Callable[[Any], Any], n_params: int = 3) -> Any:
    (form,) = affine_forms(jax.make_jaxpr(function)(jnp.zeros(n_params)))
    return form


@pytest.mark.parametrize("name", LINEAR)
def test_linear_functions_are_proved_and_exact(name: str) -> None:
    form = _form(LINEAR[name])
    assert isinstance(form, Affine)
    for theta in (np.array([0.3, -0.7, 1.9]), np.array([-812.0, -3.5, -77.1])):
        expected = np.asarray(LINEAR[name](jnp.asarray(theta)))
        found = form.constant + (form.slope @ theta).reshape(np.shape(form.constant))
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-11)


@pytest.mark.parametrize("name", CURVED)
def test_nothing_else_is_proved(name: str) -> None:
    assert _form(CURVED[name]) == Other(0)


def test_complex_numbers_are_real_or_imaginary_if_all_factors_are() -> None:
    turned: dict[Callable[[Any], Any], int | None] = {
        lambda t: jnp.sin(t) + 0j: 0,
        lambda t: 1j * jnp.sin(t): 1,
        lambda t: -1j * (2j * jnp.sin(t)) / 3j: 1,
        lambda t: 1j * jnp.sin(t) + jnp.cos(t): None,
        lambda t: (1 + 1j) * jnp.sin(t): None,
        lambda t: jnp.exp(1j * t): None,
    }
    for function, quarter in turned.items():
        assert _form(function) == Other(quarter)


@pytest.mark.parametrize(
    "function",
    [
        lambda t: t[5],
        lambda t: t[-4],
        lambda t: t[np.array([0, 7])],
        lambda t: jnp.take(t, 3),
        lambda t: jnp.sin(t)[4],
        lambda t: t.reshape(3, 1)[0, 1],
    ],
)
def test_reading_beyond_an_array_is_refused(function: Callable[[Any], Any]) -> None:
    """JAX itself would read the last entry."""
    with pytest.raises(
        qvar.QvarError, match=r"^`quantum_function` must read only 3 parameters \(`n_params`\), but reads "
    ):
        _form(function)
    assert isinstance(_form(lambda t: jnp.take(t, 7, mode="clip")), Affine)
