r"""How an objective's state moves with its parameters: tangent states and the quantum Fisher information.

Tangents are taken in forward mode, exactly, with one tangent state for each direction that is followed at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from qvar._types import PyTree
from qvar.objective import Objective


@dataclass(frozen=True)
class TangentFunction:
    r"""theta -> (state, all tangents \(\partial_i \psi\)); pure and hashable, so that compiled programs are shared."""

    state: Callable[[Any, PyTree], Array]
    """A state function that has derivatives in forward mode."""
    chunk: int
    """How many directions are followed at once."""

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> tuple[Array, Array]:
        """The state (d,) and its derivatives by every parameter (n_params, d), flat."""

        def at(point: Array) -> Array:
            return self.state(point, data).ravel()

        def along(direction: Array) -> Array:
            return jax.jvp(at, (theta,), (direction,))[1]

        directions = jnp.eye(len(theta), dtype=theta.dtype)
        if self.chunk >= len(theta):
            return at(theta), jax.vmap(along)(directions)
        return at(theta), jax.lax.map(along, directions, batch_size=self.chunk)


@dataclass(frozen=True)
class FisherFunction:
    r"""theta -> quantum Fisher information matrix.

    $$ F_{ij} = 4\, \mathrm{Re}\left[ \langle\partial_i\psi|\partial_j\psi\rangle
       - \langle\partial_i\psi|\psi\rangle\langle\psi|\partial_j\psi\rangle \right] $$
    """

    tangents: TangentFunction

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> Float[Array, "n_params n_params"]:
        """F(theta)."""
        state, tangents = self.tangents(theta, data)
        along = tangents.conj() @ state
        return 4.0 * jnp.real(tangents.conj() @ tangents.T - jnp.outer(along, along.conj()))


def tangent_function(objective: Objective) -> TangentFunction:
    """The state and its tangents as a function of (theta, data).

    Raises:
        QvarError: if the objective has no state.
    """
    state = objective.needed("state_function")
    return TangentFunction(objective.forward_state_function or state, objective.chunk(objective.n_params))


def fisher_function(objective: Objective) -> FisherFunction:
    """The quantum Fisher information as a function of (theta, data); it holds all n_params tangent states at once.

    Raises:
        QvarError: if the objective has no state.
    """
    return FisherFunction(tangent_function(objective))
