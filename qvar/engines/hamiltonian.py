r"""Protocol of Hamiltonians: functions that return H|psi>, without a matrix of the size of the state."""

from __future__ import annotations

from functools import partial
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Shaped

from qvar._types import PyTree


@runtime_checkable
class HamiltonianKernel(Protocol):
    """A hashable function (state, tables) -> H|state>; H is Hermitian."""

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """Return H|state>, of the shape of the state."""
        ...


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def quadratic_form(kernel: HamiltonianKernel, state: Shaped[Array, "..."], tables: PyTree) -> Array:
    """Return <state|H|state>, real; its derivative 2 Re <H state|d state> reuses H|state>."""
    return _quadratic(state, kernel(state, tables))


def _quadratic(state: Array, image: Array) -> Array:
    return jnp.sum(jnp.real(jnp.conj(state) * image))


def _quadratic_forward(kernel: HamiltonianKernel, state: Array, tables: PyTree) -> tuple[Array, Array]:
    image = kernel(state, tables)
    return _quadratic(state, image), image


def _quadratic_backward(kernel: HamiltonianKernel, image: Array, cotangent: Array) -> tuple[Array, None]:
    return 2.0 * cotangent * jnp.conj(image), None


quadratic_form.defvjp(_quadratic_forward, _quadratic_backward)
