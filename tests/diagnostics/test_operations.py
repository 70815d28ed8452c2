"""Multiply-adds against closed forms."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

import qvar
from qvar.diagnostics import operation_count


def product(a, b):
    return a @ b


A, B = jnp.ones((3, 4)), jnp.ones((4, 5))


def image(kernel, x, groups: int = 1, stride: int = 1):
    numbers = ("NCHW", "OIHW", "NCHW")
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", dimension_numbers=numbers, feature_group_count=groups
    )


def test_products_have_m_k_n() -> None:
    assert operation_count(product, A, B) == 3 * 4 * 5
    assert operation_count(jax.jit(product), A, B) == 60
    assert operation_count(jax.vmap(product), jnp.ones((7, 3, 4)), jnp.ones((7, 4, 5))) == 7 * 60
    assert operation_count(jax.vmap(product, (0, None)), jnp.ones((7, 3, 4)), B) == 7 * 60
    assert operation_count(lambda a: jax.nn.relu(jax.checkpoint(product)(a, B)), A) == 60
    assert operation_count(jnp.vdot, jnp.ones(9), jnp.ones(9)) == 9
    assert operation_count(lambda a: a * a + a, A) == 0


@pytest.mark.parametrize(("groups", "stride"), [(1, 1), (2, 1), (6, 1), (1, 2)])
def test_convolutions_have_outputs_times_channels_times_window(groups: int, stride: int) -> None:
    kernel, x = jnp.ones((12, 6 // groups, 5, 3)), jnp.ones((2, 6, 8, 10))
    expected = 2 * 12 * (8 // stride) * (10 // stride) * (6 // groups) * 5 * 3
    assert operation_count(lambda k, v: image(k, v, groups, stride), kernel, x) == expected
    both = jax.vmap(lambda k, v: image(k, v, groups, stride))
    assert operation_count(both, jnp.stack([kernel] * 3), jnp.stack([x] * 3)) == 3 * expected


def test_loops_count_as_often_as_they_run() -> None:
    square = jnp.ones((4, 4))

    def twice(x):
        return jax.lax.fori_loop(0, 3, lambda _, y: jax.lax.fori_loop(0, 5, lambda _, z: square @ z, y), x)

    assert operation_count(twice, jnp.ones(4)) == 3 * 5 * 16
    assert operation_count(lambda x: jax.lax.scan(lambda c, _: (square @ c, c), x, None, 6), jnp.ones(4)) == 6 * 16
    branches = operation_count(lambda x: jax.lax.cond(x[0] > 0, lambda y: square @ (square @ y), lambda y: y, x),
        jnp.ones(4))  # fmt: skip
    assert branches == 2 * 16


def test_mistakes() -> None:
    square = jnp.ones((4, 4))
    loop = lambda x: jax.lax.while_loop(lambda y: y[0] < 9.0, lambda y: square @ y, x)  # noqa: E731
    with pytest.raises(qvar.QvarError, match="`function` must have loops of fixed length"):
        operation_count(loop, jnp.ones(4))
    with pytest.raises(
        qvar.QvarError, match="`function` must be a JAX function of the arguments, but raised TypeError"
    ):
        operation_count(product, A, A)
