"""Random numbers of any length from programs that are compiled once for a size class.

The first n of a longer draw of JAX are the draw of length n, so a start is the same as without size classes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float


def size_class(n: int) -> int:
    """Return the length that n numbers are padded to: 32, 128, and from there powers of two and 1.5 times those."""
    if n <= 128:
        return 32 if n <= 32 else 128
    power = 1 << (n - 1).bit_length()
    return power * 3 // 4 if n <= power * 3 // 4 else power


def is_key(value: Any) -> bool:
    """Return if a value is an array of typed JAX random keys."""
    return isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)


def key_integers(key: jax.Array) -> list[int]:
    """Return the integers of a JAX random key, for a record."""
    return np.asarray(jax.random.key_data(key)).ravel().tolist()


def normal(key: jax.Array, n: int, deviation: float = 1.0) -> Float[Array, " n"]:
    """Return `deviation * jax.random.normal(key, (n,))`."""
    if isinstance(key, Tracer):
        return deviation * jax.random.normal(key, (size_class(n),), float)[:n]
    return jax.device_put(deviation * np.asarray(_normal(key, _draw_class(n)))[:n])


def uniform(key: jax.Array, n: int, low: float, high: float) -> Float[Array, " n"]:
    """Return `jax.random.uniform(key, (n,), minval=low, maxval=high)`."""
    if isinstance(key, Tracer):
        return jax.random.uniform(key, (size_class(n),), float, low, high)[:n]
    return jax.device_put(np.asarray(_uniform(key, _draw_class(n), low, high))[:n])


def signs(key: jax.Array, n: int) -> Float[Array, " n"]:
    """Return `jax.random.rademacher(key, (n,), float)`, +1 and -1."""
    return jax.device_put(np.asarray(_signs(key, _draw_class(n)))[:n])


def _draw_class(n: int) -> int:
    """Return the length of a draw: compiling takes a tenth of a second, and a few hundred numbers microseconds."""
    return max(256, size_class(n))


@partial(jax.jit, static_argnums=1)
def _normal(key: jax.Array, n: int) -> Array:
    return jax.random.normal(key, (n,), float)


@partial(jax.jit, static_argnums=1)
def _signs(key: jax.Array, n: int) -> Array:
    return jax.random.rademacher(key, (n,), float)


@partial(jax.jit, static_argnums=1)
def _uniform(key: jax.Array, n: int, low: Any, high: Any) -> Array:
    return jax.random.uniform(key, (n,), float, low, high)
