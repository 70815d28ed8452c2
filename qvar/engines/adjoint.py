r"""The reversible sweep: exact gradients with two states in memory, whatever the depth.

A circuit \(U_N(\varphi_N) \cdots U_1(\varphi_1)|\text{ref}\rangle\) with \(U_k = e^{-i\varphi_k G_k}\)
is run forward once. The backward sweep undoes each factor on the state and on the cotangent \(\lambda\), and computes
\(\partial L / \partial \varphi_k = \mathrm{Re}\langle \lambda_k | -i G_k \psi_k \rangle\).

Jones, Gacon, arXiv:2009.02823, https://arxiv.org/abs/2009.02823.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from qvar._types import PyTree


@runtime_checkable
class Circuit(Protocol):
    """A program compiled by an engine; hashable, so that compiled programs are shared."""

    def __call__(self, reference: PyTree, phi: Array, tables: PyTree) -> Array:
        """Return the state of the circuit; its derivative with respect to the angles phi is a reversible sweep.

        The reference is the initial state as the engine represents it, phi (n,) the angles of the program's mask
        operations in radians, `tables` the engine's arrays.
        """
        ...

    def forward_mode(self, reference: PyTree, phi: Array, tables: PyTree) -> Array:
        """Return the same state, for derivatives in forward mode: one additional tangent state, whatever the depth."""
        ...


@runtime_checkable
class Sweeps(Protocol):
    """The two sweeps over all operations; hashable."""

    def forward(self, state: Array, phi: Array, tables: PyTree) -> Array:
        """Return the state after all operations."""
        ...

    def backward(self, ket: Array, bra: Array, phi: Array, tables: PyTree) -> tuple[Array, Array]:
        """Return the bra before all operations, and Re <bra|-i G|ket> of each, (n,)."""
        ...


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def sweep(sweeps: Sweeps, state: Array, phi: Array, tables: PyTree) -> Array:
    """Apply all operations, the first one first; exact derivatives with respect to the state and to phi (n,)."""
    return sweeps.forward(state, phi, tables)


def _forward(sweeps: Sweeps, state: Array, phi: Array, tables: PyTree) -> tuple[Array, PyTree]:
    final = sweeps.forward(state, phi, tables)  # and not `sweep`, so that a gradient has derivatives itself
    return final, (final, phi, tables)


def _backward(sweeps: Sweeps, kept: PyTree, cotangent: Array) -> tuple[Array, Array, None]:
    final, phi, tables = kept
    # JAX's cotangents pair without conjugation: dL = Re sum(cotangent * dpsi)
    bra, derivatives = sweeps.backward(final, jnp.conj(cotangent), phi, tables)
    return jnp.conj(bra), derivatives.astype(phi.dtype), None


sweep.defvjp(_forward, _backward)
