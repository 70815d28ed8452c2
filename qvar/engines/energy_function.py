"""Functions of JAX for an energy: its value at theta, and its operator on a state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float

from qvar._types import PyTree
from qvar.engines.hamiltonian import HamiltonianKernel, quadratic_form
from qvar.engines.sharding import gather
from qvar.engines.state_function import StateFunction
from qvar.host_kernels import HostKernels, HostSource
from qvar.objective import Objective


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


def with_operator(
    objective: Objective,
    kernel: HamiltonianKernel,
    tables: PyTree,
    on_host: Callable[[HostKernels], HostKernels],
    *,
    constant: float | None = None,
    **changes: Any,
) -> Objective:
    """Return the expectation value of another operator, from a circuit's energy; its constant if None.

    `on_host` makes its functions on the host of those of the energy; `changes` are other fields of the objective.
    """
    state_function: Any = objective.needed("state_function")
    old: Any = objective.data
    data = {**old, "hamiltonian": tables, **({} if constant is None else {"constant": np.asarray(constant)})}
    function = EnergyFunction(state_function, kernel)

    def make() -> HostKernels | None:
        kernels = objective.value_kernels
        return None if kernels is None else on_host(kernels)

    return replace(
        objective,
        function=function,
        data=data,
        operator=OperatorFunction(kernel, state_function.readers),
        host=None if objective.host is None else HostSource(make, function, state_function, data),
        **changes,
    )
