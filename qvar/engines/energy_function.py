"""Functions of JAX for an energy: its value at theta, and its operator on a state."""

from __future__ import annotations

from dataclasses import dataclass

from jax.sharding import Mesh
from jaxtyping import Array, Float

from qvar._types import PyTree
from qvar.engines.hamiltonian import HamiltonianKernel, quadratic_form
from qvar.engines.sharding import gather
from qvar.engines.state_function import StateFunction


@dataclass(frozen=True)
class OperatorFunction:
    """state -> H|state>, the constant included; see `Objective.operator`."""

    hamiltonian: HamiltonianKernel
    readers: Mesh | None = None
    """As `StateFunction.readers`."""

    def __call__(self, state: Array, data: PyTree) -> Array:
        """Return H|state>, of the shape of the state."""
        return gather(self.hamiltonian(state, data["hamiltonian"]) + data["constant"] * state, self.readers)


@dataclass(frozen=True)
class EnergyFunction:
    """theta -> <psi(theta)|H|psi(theta)> + constant."""

    state: StateFunction
    hamiltonian: HamiltonianKernel

    @property
    def allows_padding(self) -> bool:
        """As `StateFunction.allows_padding`."""
        return self.state.allows_padding

    def padded_size(self, data: PyTree) -> int:
        """Return what `StateFunction.padded_size` does."""
        return self.state.padded_size(data)

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> Float[Array, ""]:
        """Return the energy at theta."""
        value = quadratic_form(self.hamiltonian, self.state.amplitudes(theta, data), data["hamiltonian"])
        return gather(value + data["constant"], self.state.readers)
