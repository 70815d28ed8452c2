"""Batch: where all starts of a training stand; what it takes to read and to change it on the host."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import IntArray
from qvar.optimize.budget import Status
from qvar.optimize.method import Iterate, Method, Start

RUNNING = -1
STATUSES = tuple(Status)
"""Statuses are numbers on the device, by their place here."""


class Home(NamedTuple):
    """The stationary point that a start has left last, so that it can go back where nothing lower was found."""

    theta: Array
    """(n_starts, n_params)"""
    value: Array
    """(n_starts,) NaN if no point was left."""
    gradient: Array
    """(n_starts, n_params)"""
    curvature: Array
    """(n_starts,)"""
    falls: Array
    """(n_starts,) whether the curvature is negative: a saddle, and not a valley without slope."""
    steps: Array
    """(n_starts,) accepted points until then."""


class Batch(NamedTuple):
    """The state of all starts; every leaf has the leading axis n_starts."""

    iterates: Iterate
    status: Array
    evaluations: Array
    """Evaluations that the method has spent."""
    checked: Array
    """True if its end was checked for negative curvature."""
    curvature: Array
    """Lowest curvature there; NaN if not known."""
    products: Array
    """Hessian products made so far."""
    charged: Array
    """Evaluations that the products before a step out of a saddle stand for."""
    steps: Array
    """Accepted points before the method was started again."""
    tries: Array
    """Steps out of the stationary point `home`."""
    home: Home


def new_batch(method: Method, starts: Array, keys: jax.Array, frequencies: Array | None) -> Batch:
    """All starts before their first evaluation."""
    n = len(starts)
    nothing, nowhere = jnp.full(n, jnp.nan, starts.dtype), jnp.full_like(starts, jnp.nan)
    counts, no = jnp.zeros(n, int), jnp.zeros(n, bool)
    batch = Batch(
        iterates=iterates_at(method, starts, keys, frequencies),
        status=jnp.full(n, RUNNING),
        evaluations=counts,
        checked=no,
        curvature=nothing,
        products=counts,
        charged=counts,
        steps=counts,
        tries=counts,
        home=Home(nowhere, nothing, nowhere, nothing, no, counts),
    )
    return jax.tree.map(_strong, batch)


def iterates_at(method: Method, thetas: Array, keys: jax.Array, frequencies: Array | None) -> Iterate:
    """Return the first state of a method at each of several points."""
    return jax.vmap(method.init, (Start(0, 0, None),))(Start(thetas, keys, frequencies))  # pyright: ignore[reportArgumentType]


def chosen(which: IntArray, fresh: Iterate, old: Iterate) -> Iterate:
    """Return iterates of which some are taken from others; on the host."""

    def pick(new: Any, old: Any) -> Any:
        if isinstance(old, jax.Array) and jnp.issubdtype(old.dtype, jax.dtypes.prng_key):
            numbers = pick(jax.random.key_data(new), jax.random.key_data(old))
            return jax.random.wrap_key_data(numbers, impl=jax.random.key_impl(old))
        picked = np.array(jax.device_get(old))
        picked[which] = jax.device_get(new)[which]
        return picked

    return jax.tree.map(pick, fresh, old)


def running(batch: Batch) -> int:
    """Return the number of starts that still run."""
    return int(np.sum(np.asarray(batch.status) == RUNNING))


def unchecked(batch: Batch) -> np.ndarray:
    """(n_starts,) which of them converged and have not been looked at for negative curvature."""
    converged = np.asarray(batch.status) == STATUSES.index(Status.CONVERGED)
    return converged & ~np.asarray(batch.checked)


def _strong(leaf: Array) -> Array:
    """Without JAX's weak type, which a saved state does not keep; both take one compiled program."""
    return leaf.astype(leaf.dtype) if getattr(leaf, "weak_type", False) else leaf
