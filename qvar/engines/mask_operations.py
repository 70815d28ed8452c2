"""Mask operations one at a time on a register (see `qvar.ansatz.gates`).

Ensembles of random circuits run on it, because its compiled program depends on the number of qubits and a size class of
the number of operations alone; and layers are compared with it. An amplitude mixes with the one at the flipped index,
with a sign that is the parity of masked bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import PyTree
from qvar.ansatz.gates import Lowered
from qvar.ansatz.program import Program
from qvar.engines.adjoint import sweep
from qvar.engines.room import operations_room, with_room


@dataclass(frozen=True)
class MaskCircuit:
    """All operations of a program on a register of n qubits; see `qvar.engines.adjoint.Circuit`."""

    n_qubits: int

    def __call__(self, reference: Array, phi: Array, tables: PyTree) -> Array:
        """Return the state (2^n,) of the circuit."""
        return sweep(self, reference, phi, tables)

    def forward_mode(self, reference: Array, phi: Array, tables: PyTree) -> Array:
        """Return the same state, for derivatives in forward mode."""
        return self.forward(reference, phi, tables)

    def forward(self, state: Array, phi: Array, tables: PyTree) -> Array:
        """Return the state after all operations."""

        def step(at: Array, state: Array) -> Array:
            op, angle = _one(tables["ops"], at), _one(phi, at)
            keep, mix = weights(op, angle, op["g"])
            partner, active = self._partner(state, op)
            return jnp.where(active, keep, 1.0) * state + mix * partner

        return jax.lax.fori_loop(0, tables["n_ops"], step, state)

    def backward(self, ket: Array, bra: Array, phi: Array, tables: PyTree) -> tuple[Array, Array]:
        """Return the bra before all operations, and the derivative by every angle."""

        def step(count: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            ket, bra, derivatives = carry
            at = tables["n_ops"] - 1 - count
            op, angle = _one(tables["ops"], at), _one(phi, at)
            keep, mix = weights(op, -angle, op["g_inverse"])
            partner, active = self._partner(ket, op)
            derivative = jnp.where(op["fixed"], 0.0, jnp.sum(jnp.real(jnp.conj(bra) * (op["g"] * partner))))
            scale = jnp.where(active, keep, 1.0)
            ket, bra = scale * ket + mix * partner, scale * bra + mix * self._partner(bra, op)[0]
            return ket, bra, derivatives.at[at].set(derivative)

        carry = (ket, bra, jnp.zeros(phi.shape, jnp.real(ket).dtype))
        return jax.lax.fori_loop(0, tables["n_ops"], step, carry)[1:]

    def _partner(self, state: Array, op: PyTree) -> tuple[Array, Array]:
        """Return (G / w)|state>, and where G acts."""
        source, sign, active = moved(op, self.n_qubits)
        return sign.astype(jnp.real(state).dtype) * state[source], active


def _one(tables: PyTree, at: Array) -> PyTree:
    """Return one operation's entries of arrays."""
    return jax.tree.map(lambda table: jax.lax.dynamic_index_in_dim(table, at, keepdims=False), tables)


def moved(op: PyTree, n_qubits: int) -> tuple[Array, Array, Array]:
    """Return each amplitude's partner, its sign (0 where nothing acts), and where the operation acts; (2^n,) each."""
    index = jnp.arange(1 << n_qubits, dtype=op["x"].dtype)
    selected = index & op["m"]
    active = (selected == op["f"]) | (selected == op["t"])
    odd = jax.lax.population_count(index & op["z"]) & 1
    return index ^ op["x"], jnp.where(active, 1 - 2 * odd, 0), active


def mask_tables(lowered: Lowered) -> dict[str, Any]:
    """Return the masks as `moved` reads them; `t` is the other pattern of the selected bits."""
    integer = np.int32 if lowered.n_qubits < 31 else np.int64
    tables = {name: getattr(lowered, name).astype(integer) for name in "xzmf"}
    return tables | {"t": tables["f"] ^ (tables["x"] & tables["m"])}


def weights(op: PyTree, phi: Array, g: Array) -> tuple[Array, Array]:
    """Return (weight of the own amplitude, weight of the partner) of a rotation or a fixed operation."""
    keep = jnp.where(op["fixed"], 0.0, jnp.cos(phi))
    return keep, jnp.where(op["fixed"], 1.0, jnp.sin(phi)) * g


def mixing_amplitudes(lowered: Lowered, real: bool) -> tuple[Any, Any]:
    """Return the partner's amplitude, forward and backward; -i w for a rotation, w for a fixed operation.

    Backward, a rotation has the opposite angle, and a fixed operation is transposed and conjugated.
    """
    flips = np.where(np.bitwise_count(lowered.x & lowered.z) % 2, -1.0, 1.0)
    forward = np.where(lowered.fixed, lowered.w, -1j * lowered.w)
    back = np.where(lowered.fixed, np.conj(lowered.w) * flips, forward)
    return (np.real(forward), np.real(back)) if real else (forward, back)


def mask_circuit(program: Program, real: bool) -> tuple[MaskCircuit, Array, dict[str, Any]]:
    """Return the circuit of a program operation by operation, its reference state (2^n,) and its tables.

    The caller has checked that amplitudes stay `real`.
    """
    lowered, n = program.lowered, program.n_qubits
    forward, back = mixing_amplitudes(lowered, real)
    operations = mask_tables(lowered) | {"g": forward, "g_inverse": back, "fixed": lowered.fixed}
    size = operations_room(len(lowered.slot))
    ops = {name: with_room(table, size) for name, table in operations.items()}
    tables = {"ops": ops, "n_ops": np.array(len(lowered.slot), np.int32)}
    dtype = float if real else complex
    if program.initial is None:
        state = jnp.zeros(1 << n, dtype).at[program.reference_index].set(1.0)
    else:
        state = jnp.asarray(program.initial.register(), dtype)
    return MaskCircuit(n), state, jax.device_put(tables)
