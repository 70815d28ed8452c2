r"""Protocol of Hamiltonians: functions that return H|psi>, without a matrix of the size of the state."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Shaped

from qvar._types import PyTree
from qvar.engines.sharding import replicate

if TYPE_CHECKING:
    from qvar.engines.host_hamiltonian import HostHamiltonian


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


@dataclass(frozen=True, eq=False)
class HamiltonianParts:
    """A Hamiltonian on the states of one engine, whose tables its objectives share."""

    kernel: HamiltonianKernel
    tables: PyTree
    real: bool
    """True if a real state stays real."""
    constant: float
    """Added to every value."""

    @classmethod
    def of(cls, made: tuple[HamiltonianKernel, PyTree, bool], constant: float, mesh: Mesh | None) -> HamiltonianParts:
        """Return the parts of a kernel and its tables, which are put on the device if it is a single one."""
        return cls(made[0], replicate(made[1], None) if mesh is None else made[1], made[2], constant)

    @cached_property
    def on_host(self) -> HostHamiltonian | None:
        """The function of the same tables on the host; None if there is none."""
        from qvar.engines.host_hamiltonian import host_hamiltonian

        return host_hamiltonian(self.kernel, self.tables)
