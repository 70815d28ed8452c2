r"""The reversible sweep: exact gradients with two states in memory, whatever the depth.

A circuit \(U_N(\varphi_N) \cdots U_1(\varphi_1)|\text{ref}\rangle\) with \(U_k = e^{-i\varphi_k G_k}\)
is run by one `lax.scan`. Going back, each factor is taken off the state and off the cotangent \(\lambda\), and
\(\partial L / \partial \varphi_k = \mathrm{Re}\langle \lambda_k | -i G_k \psi_k \rangle\) is read off.

Jones, Gacon, arXiv:2009.02823, https://arxiv.org/abs/2009.02823.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from qvar._types import PyTree


@runtime_checkable
class CircuitKernel(Protocol):
    """How one engine applies one operation; hashable, so that compiled programs are shared."""

    def forward(self, state: Array, op: PyTree, phi: Array, tables: PyTree) -> Array:
        """The state after the operation."""
        ...

    def backward(self, ket: Array, bra: Array, op: PyTree, phi: Array, tables: PyTree) -> tuple[Array, Array, Array]:
        """Ket and bra before the operation, and Re <bra|-i G|ket>."""
        ...


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def evolve(kernel: CircuitKernel, state: Array, phi: Array, ops: PyTree, tables: PyTree) -> Array:
    """Applies all operations, the first one first.

    Args:
        kernel: the engine's operations.
        state: initial state; the derivative with respect to it is exact, too.
        phi: (n_ops,) angles, radians.
        ops: arrays with leading axis n_ops, one slice for each operation.
        tables: arrays that all operations share.
    """
    if phi.shape[0] == 0:
        return state

    def step(state: Array, op_phi: tuple[PyTree, Array]) -> tuple[Array, None]:
        op, angle = op_phi
        return kernel.forward(state, op, angle, tables), None

    return jax.lax.scan(step, state, (ops, phi))[0]


def _forward(kernel: CircuitKernel, state: Array, phi: Array, ops: PyTree, tables: PyTree) -> tuple[Array, PyTree]:
    final: Array = evolve(kernel, state, phi, ops, tables)
    return final, (final, phi, ops, tables)


def _backward(kernel: CircuitKernel, kept: PyTree, cotangent: Array) -> tuple[Array, Array, None, None]:
    final, phi, ops, tables = kept

    def step(states: tuple[Array, Array], op_phi: tuple[PyTree, Array]) -> tuple[tuple[Array, Array], Array]:
        op, angle = op_phi
        ket, bra, slope = kernel.backward(*states, op, angle, tables)
        return (ket, bra), slope

    # JAX's cotangents pair without conjugation: dL = Re sum(cotangent * dpsi)
    bra = jnp.conj(cotangent)
    if phi.shape[0] == 0:
        return cotangent, jnp.zeros_like(phi), None, None
    (_, bra), slopes = jax.lax.scan(step, (final, bra), (ops, phi), reverse=True)
    return jnp.conj(bra), slopes.astype(phi.dtype), None, None


evolve.defvjp(_forward, _backward)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def sweep(kernel: Any, state: Array, phi: Array, ops: PyTree, tables: PyTree) -> Array:
    """Applies all operations, the first one first."""
    return kernel.forward(state, phi, ops, tables)


def _sweep_forward(kernel: Any, state: Array, phi: Array, ops: PyTree, tables: PyTree) -> tuple[Array, PyTree]:
    final: Array = sweep(kernel, state, phi, ops, tables)
    return final, (final, phi, ops, tables)


def _sweep_backward(kernel: Any, kept: PyTree, cotangent: Array) -> tuple[Array, Array, None, None]:
    final, phi, ops, tables = kept
    bra, slopes = kernel.backward(final, jnp.conj(cotangent), phi, ops, tables)
    return jnp.conj(bra), slopes.astype(phi.dtype), None, None


sweep.defvjp(_sweep_forward, _sweep_backward)
