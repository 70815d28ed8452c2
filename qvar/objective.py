r"""Objective: the one seam between what is trained and whatever trains or measures it.

An objective is a function \(f(\theta) \to \mathbb{R}\) of a flat parameter vector, written in JAX, with
a way to draw a start, a name, a family and its costs. Optimizers, diagnostics and studies see
nothing else: not a circuit, not a molecule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from qvar._types import Family, PyTree
from qvar.errors import QvarError

LossFunction = Callable[[Float[Array, " n_params"], PyTree], Float[Array, ""]]


@dataclass(frozen=True)
class Costs:
    """What one evaluation would cost on hardware; `None` where it is not a circuit."""

    n_qubits: int | None = None
    """Number of qubits."""
    two_qubit_gates: int | None = None
    """CNOTs after decomposition to CNOT and single-qubit gates."""
    depth: int | None = None
    """Circuit depth after the same decomposition."""


@dataclass(frozen=True, eq=False)
class Objective:
    r"""A differentiable function of a flat parameter vector, and all that is known about it.

    `function(theta, data)` is pure, hashable and shared between objectives of the same make, so that a
    compiled program is found again; tables live in `data` and are passed as arguments, never baked
    into compiled code.
    """

    name: str
    """What the ledger calls the contender."""
    family: Family
    """`"generic"` or `"constrained"`."""
    n_params: int
    """Length of theta."""
    function: LossFunction
    """Pure JAX function of (theta of shape (n_params,), data); differentiable, works under `vmap`."""
    draw: Callable[[jax.Array], Shaped[Array, " n_params"]]
    """Start parameters from a JAX random key."""
    data: PyTree = ()
    """Arrays that `function` reads."""
    count_costs: Callable[[], Costs] = Costs
    """Counts qubits, two-qubit gates and depth; called by `costs`, because counting takes PennyLane."""
    engine: str = "none"
    """Which simulator evaluates it: `"dense"`, `"sector"`, or `"none"`."""
    unit: str = ""
    """Unit of the value, such as `"Ha"`."""
    baseline: float | None = None
    """Value of the reference state (Hartree-Fock), where there is one."""
    target: Callable[[], float] | None = None
    """The exact minimum, computed when first asked, where it is known."""
    state_function: Callable[[Any, PyTree], Array] | None = None
    """Pure function of (theta, data) that gives the state vector, where there is one."""
    measure: Callable[[Any], dict[str, float]] | None = None
    """Expectation values at theta beside the loss: `particle_number`, `sz`, `s2`."""

    @cached_property
    def costs(self) -> Costs:
        """Qubits, two-qubit gates, depth; counted when first asked."""
        return self.count_costs()

    def _checked(self, theta: Any) -> Array:
        array = jnp.asarray(theta, dtype=float)
        if array.shape != (self.n_params,):
            raise QvarError(f"`theta` must have shape ({self.n_params},), but has shape {array.shape}.")
        return array

    def loss(self, theta: Any) -> Float[Array, ""]:
        """The value at theta, shape (n_params,); in `unit`.

        Raises:
            QvarError: if theta has another shape.
        """
        return _value(self.function, self._checked(theta), self.data)

    def value_and_grad(self, theta: Any) -> tuple[Float[Array, ""], Float[Array, " n_params"]]:
        """The value at theta and its exact gradient, shape (n_params,).

        Raises:
            QvarError: if theta has another shape.
        """
        return _value_and_grad(self.function, self._checked(theta), self.data)

    def state(self, theta: Any) -> Array:
        """The state vector at theta, in the engine's own layout (see `qvar.energy`).

        Raises:
            QvarError: if theta has another shape, or the objective has no state.
        """
        if self.state_function is None:
            raise QvarError(f"`objective` must have a state, but {self.name} has none.")
        return _value(self.state_function, self._checked(theta), self.data)

    def initial(self, key: jax.Array) -> Float[Array, " n_params"]:
        """Start parameters, shape (n_params,), drawn with a JAX random key."""
        return jnp.asarray(self.draw(key), dtype=float)


@partial(jax.jit, static_argnums=0)
def _value(function: Callable[..., Array], theta: Array, data: PyTree) -> Array:
    return function(theta, data)


@partial(jax.jit, static_argnums=0)
def _value_and_grad(function: Callable[..., Array], theta: Array, data: PyTree) -> tuple[Array, Array]:
    return jax.value_and_grad(function)(theta, data)
