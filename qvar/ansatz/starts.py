"""Names of the distributions that start parameters are drawn from, and the draws that all circuits share."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar.errors import QvarError
from qvar.random_draws import normal, uniform

SMALL = 0.01
"""Standard deviation of the `gaussian` start, radians: near the reference, and different in every seed."""

COMMON_STARTS = ("uniform", "gaussian", "zero")

ENERGY_STARTS = ("clifford",)
"""Starts that need the energy: `Objective.initial` draws them, see `qvar.engines.clifford_start`."""

START_PAPERS = {
    "zhang": ("zhang2022",),
    "mp2": ("romero2018",),
    "ccsd": ("romero2018",),
    "clifford": ("ravi2022",),
}
"""Citations of starts."""


def common_draw(start: str, key: jax.Array, n_params: int, spread: float) -> Float[Array, " n_params"]:
    """Draw start parameters, shape (n_params,), radians, from one of `COMMON_STARTS`.

    `spread` is the standard deviation of the `gaussian` start, radians.

    Raises `QvarError` if the start needs the energy.
    """
    if start in ENERGY_STARTS:
        words = f"not be {start!r} without an energy: use `qvar.energy(problem, ansatz).initial(key)`"
        raise QvarError(f"`start` must {words}.")
    if start == "uniform":
        return uniform(key, n_params, -jnp.pi, jnp.pi)
    if start == "gaussian":
        return normal(key, n_params, spread)
    return jax.device_put(np.zeros(n_params))
