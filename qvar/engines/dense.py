"""The dense engine: all 2^n amplitudes, any gate.

One update serves every kind of operation: an amplitude mixes with the one at the flipped index,
with a sign that is the parity of masked bits (see `qvar.ansatz.kinds`). Time per operation and state
memory grow as 2^n; gradients need four states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import PyTree
from qvar.ansatz.kinds import Lowered
from qvar.ansatz.program import Program


@dataclass(frozen=True)
class DenseKernel:
    """Mask operations on a register of n qubits."""

    n_qubits: int

    def _partner(self, state: Array, op: PyTree) -> tuple[Array, Array]:
        """(G / w)|state>, and where G acts at all."""
        index = jnp.arange(1 << self.n_qubits, dtype=op["x"].dtype)
        selected = index & op["m"]
        active = (selected == op["f"]) | (selected == op["t"])
        odd = jax.lax.population_count(index & op["z"]) & 1
        sign = jnp.where(active, 1 - 2 * odd, 0).astype(jnp.real(state).dtype)
        return sign * state[index ^ op["x"]], active

    def forward(self, state: Array, op: PyTree, phi: Array, tables: PyTree) -> Array:
        """The state after the operation."""
        keep, mix = weights(op, phi, op["g"])
        partner, active = self._partner(state, op)
        return jnp.where(active, keep, 1.0) * state + mix * partner

    def backward(self, ket: Array, bra: Array, op: PyTree, phi: Array, tables: PyTree) -> tuple[Array, Array, Array]:
        """Ket and bra before the operation, and the slope of the angle."""
        keep, mix = weights(op, -phi, op["g_inverse"])
        partner, active = self._partner(ket, op)
        bra_partner, _ = self._partner(bra, op)
        slope = jnp.sum(jnp.real(jnp.conj(bra) * (op["g"] * partner)))
        scale = jnp.where(active, keep, 1.0)
        return (
            scale * ket + mix * partner,
            scale * bra + mix * bra_partner,
            jnp.where(op["fixed"], 0.0, slope),
        )


def weights(op: PyTree, phi: Array, g: Array) -> tuple[Array, Array]:
    """(weight of the own amplitude, weight of the partner) of a rotation or a fixed operation."""
    keep = jnp.where(op["fixed"], 0.0, jnp.cos(phi))
    return keep, jnp.where(op["fixed"], 1.0, jnp.sin(phi)) * g


def mixing_amplitudes(lowered: Lowered, real: bool) -> tuple[Any, Any]:
    """Amplitude of the partner, going forward and going back; -i w for a rotation, w for a fixed operation.

    Going back, a rotation's angle changes its sign instead; a fixed operation is transposed and conjugated.
    """
    flips = np.where(np.bitwise_count(lowered.x & lowered.z) % 2, -1.0, 1.0)
    forward = np.where(lowered.fixed, lowered.w, -1j * lowered.w)
    back = np.where(lowered.fixed, np.conj(lowered.w) * flips, forward)
    return (np.real(forward), np.real(back)) if real else (forward, back)


def dense_circuit(program: Program, real: bool) -> tuple[DenseKernel, Array, dict[str, Any]]:
    """The kernel, the reference state and the operation table of a program.

    Args:
        program: the circuit.
        real: whether amplitudes stay real; the caller has checked.

    Returns:
        Kernel, state of shape (2^n,), table with leading axis n_ops.
    """
    lowered, n = program.lowered, program.n_qubits
    integer = np.int32 if n < 31 else np.int64
    forward, back = mixing_amplitudes(lowered, real)
    ops = {name: getattr(lowered, name).astype(integer) for name in "xzmf"}
    ops["t"] = ops["f"] ^ (ops["x"] & ops["m"])
    ops |= {"g": forward, "g_inverse": back, "fixed": lowered.fixed}
    start = int("".join(map(str, program.reference)), 2)
    state = jnp.zeros(1 << n, dtype=float if real else complex).at[start].set(1.0)
    return DenseKernel(n), state, jax.tree.map(jnp.asarray, ops)
