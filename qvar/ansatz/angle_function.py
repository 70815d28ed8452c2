"""Angles that are not affine in theta, as the computation that JAX traced."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun
from jaxtyping import Array, Float

from qvar.random_draws import is_key


@dataclass(frozen=True, eq=False)
class AngleFunction:
    """theta -> angles (n_ops,), radians: the computation that JAX traced, without PennyLane and the user's function."""

    traced: ClosedJaxpr

    def __call__(self, theta: Any) -> Float[Array, " n_ops"]:
        """Compute the angles at theta."""
        values = jaxpr_as_fun(self.traced)(jnp.asarray(theta, dtype=float))
        return jnp.stack([jnp.real(value).astype(float) for value in values])


def computation_digest(closed: ClosedJaxpr) -> str:
    """Return the SHA-256 of a traced computation, its constants included."""
    digest = hashlib.sha256()
    _add(closed, digest)
    return digest.hexdigest()


def _add(closed: ClosedJaxpr, digest: Any) -> None:
    # a function in a parameter shows its address
    digest.update(re.sub(r"0x[0-9a-f]+", "", str(closed.jaxpr)).encode())
    for constant in closed.consts:
        array = np.asarray(jax.random.key_data(constant) if is_key(constant) else constant)
        digest.update(repr((array.shape, array.dtype)).encode() + np.ascontiguousarray(array).tobytes())
    for equation in closed.jaxpr.eqns:
        for value in jax.tree.leaves(tuple(equation.params.values()), is_leaf=lambda x: isinstance(x, ClosedJaxpr)):
            if isinstance(value, ClosedJaxpr):
                _add(value, digest)
