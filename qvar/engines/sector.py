"""The sector engine: determinants of one (N_alpha, N_beta) alone, never 2^n.

The state is a matrix (alpha strings, beta strings) in PySCF's order. An operation mixes a block of
rows and columns with another one (an excitation) or multiplies a block (a phase); signs factorize
into rows times columns, Jordan-Wigner strings or not. Operations whose blocks have the same shape form a
class and share stacked tables; one `lax.scan` with a switch over the classes runs them all. Time per
operation grows with its blocks; tables with n_ops (rows + columns).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.ansatz.program import Program
from qvar.engines.dense import mixing_amplitudes, weights
from qvar.engines.strings import interleaving_masks, occupation_strings, parity, split


class BlockClass(NamedTuple):
    """What all operations of a class have in common."""

    diagonal: bool
    rows: int
    columns: int
    all_columns: bool
    """Whether the block spans all columns, in their order."""


@dataclass(frozen=True)
class SectorKernel:
    """Block operations on a matrix of amplitudes."""

    classes: tuple[BlockClass, ...]

    def forward(self, state: Array, op: PyTree, phi: Array, tables: PyTree) -> Array:
        """The state after the operation."""
        keep, mix = weights(op, phi, op["g"])

        def branch(which: int) -> Any:
            def apply(state: Array) -> Array:
                return _mix(self.classes[which], _row(tables[which], op["index"]), op, state, keep, mix)

            return apply

        return jax.lax.switch(op["block_class"], [branch(i) for i in range(len(self.classes))], state)

    def backward(self, ket: Array, bra: Array, op: PyTree, phi: Array, tables: PyTree) -> tuple[Array, Array, Array]:
        """Ket and bra before the operation, and the slope of the angle."""
        keep, mix = weights(op, -phi, op["g_inverse"])

        def branch(which: int) -> Any:
            def apply(ket: Array, bra: Array) -> tuple[Array, Array, Array]:
                shape, table = self.classes[which], _row(tables[which], op["index"])
                slope = _slope(shape, table, op, ket, bra)
                ket = _mix(shape, table, op, ket, keep, mix)
                return ket, _mix(shape, table, op, bra, keep, mix), slope

            return apply

        branches = [branch(i) for i in range(len(self.classes))]
        ket, bra, slope = jax.lax.switch(op["block_class"], branches, ket, bra)
        return ket, bra, jnp.where(op["fixed"], 0.0, slope)


def _row(table: PyTree, index: Array) -> PyTree:
    return jax.tree.map(lambda array: jax.lax.dynamic_index_in_dim(array, index, keepdims=False), table)


def _take(shape: BlockClass, state: Array, rows: Array, columns: Array) -> Array:
    return state[rows] if shape.all_columns else state[rows[:, None], columns[None, :]]


def _put(shape: BlockClass, state: Array, rows: Array, columns: Array, block: Array) -> Array:
    at = state.at[rows] if shape.all_columns else state.at[rows[:, None], columns[None, :]]
    return at.set(block, unique_indices=True, mode="promise_in_bounds")


def _sign(table: PyTree) -> Array:
    return table["row_sign"][:, None] * table["column_sign"][None, :]


def _mix(shape: BlockClass, table: PyTree, op: PyTree, state: Array, keep: Array, mix: Array) -> Array:
    rows, columns, sign = table["rows"], table["columns"], _sign(table).astype(jnp.real(state).dtype)
    source = _take(shape, state, rows, columns)
    if shape.diagonal:
        return _put(shape, state, rows, columns, (keep + mix * sign) * source)
    other_rows, other_columns = table["other_rows"], table["other_columns"]
    target = _take(shape, state, other_rows, other_columns)
    state = _put(shape, state, rows, columns, keep * source + mix * sign * target)
    return _put(shape, state, other_rows, other_columns, keep * target + mix * op["flip"] * sign * source)


def _slope(shape: BlockClass, table: PyTree, op: PyTree, ket: Array, bra: Array) -> Array:
    rows, columns, sign = table["rows"], table["columns"], _sign(table).astype(jnp.real(ket).dtype)
    source, bra_source = _take(shape, ket, rows, columns), _take(shape, bra, rows, columns)
    if shape.diagonal:
        return jnp.sum(jnp.real(jnp.conj(bra_source) * (op["g"] * sign * source)))
    other_rows, other_columns = table["other_rows"], table["other_columns"]
    target, bra_target = _take(shape, ket, other_rows, other_columns), _take(shape, bra, other_rows, other_columns)
    mixed = jnp.conj(bra_source) * target + op["flip"] * jnp.conj(bra_target) * source
    return jnp.sum(jnp.real(op["g"] * sign * mixed))


def sector_circuit(
    program: Program, real: bool
) -> tuple[SectorKernel, Array, dict[str, Any], tuple[Any, ...], tuple[int, int]]:
    """The kernel, the reference state and the tables of a program that conserves both spin numbers.

    Args:
        program: the circuit; `program.conserves_spin_numbers` holds.
        real: whether amplitudes stay real; the caller has checked.

    Returns:
        Kernel, state of shape (n_alpha_strings, n_beta_strings), operation table, class tables, and
        (N_alpha, N_beta) of the reference determinant.
    """
    lowered, n = program.lowered, program.n_qubits
    n_orbitals = (n + 1) // 2
    alpha = sum(bit << p for p, bit in enumerate(program.reference[0::2]))
    beta = sum(bit << p for p, bit in enumerate(program.reference[1::2]))
    sector = (alpha.bit_count(), beta.bit_count())
    strings = tuple(occupation_strings(n_orbitals, electrons) for electrons in sector)

    stacks: dict[BlockClass, list[dict[str, np.ndarray]]] = {}
    place = []
    flip = np.ones(len(lowered.x))
    for k in range(len(lowered.x)):
        letters = {name: split(int(getattr(lowered, name)[k]), n) for name in "xzmf"}
        block, flip[k] = _block(letters, n_orbitals, strings)
        everything = len(block["columns"]) == len(strings[1]) and "other_columns" in block
        everything = everything and np.array_equal(block["columns"], block["other_columns"])
        key = BlockClass("other_rows" not in block, len(block["rows"]), len(block["columns"]), everything)
        stack = stacks.setdefault(key, [])
        place.append((key, len(stack)))
        stack.append(block)

    forward, back = mixing_amplitudes(lowered, real)
    order = list(stacks)
    # every occupied pair (alpha p, beta q < p) of the reference exchanges once: see `strings`
    crossings = sum((beta & ((1 << p) - 1)).bit_count() for p in range(n_orbitals) if alpha >> p & 1)
    ops = {
        "block_class": np.array([order.index(key) for key, _ in place], dtype=np.int32),
        "index": np.array([index for _, index in place], dtype=np.int32),
        "flip": flip,
        "g": forward,
        "g_inverse": back,
        "fixed": lowered.fixed,
    }
    tables = tuple({name: np.stack([b[name] for b in stacks[key]]) for name in stacks[key][0]} for key in order)
    state = np.zeros((len(strings[0]), len(strings[1])))
    state[np.searchsorted(strings[0], alpha), np.searchsorted(strings[1], beta)] = (-1.0) ** crossings
    arrays = jax.tree.map(jnp.asarray, (ops, tables))
    return SectorKernel(tuple(order)), jnp.asarray(state, dtype=float if real else complex), *arrays, sector


def _block(letters: dict[str, Any], n_orbitals: int, strings: tuple[IntArray, ...]) -> tuple[dict[str, Any], float]:
    """Rows, columns and signs of one operation, and the sign by which its two directions differ."""
    x, z, m, f = (letters[name] for name in "xzmf")
    over_alpha, over_beta, crossing = interleaving_masks(x, n_orbitals)
    masks = (z.alpha ^ over_alpha, z.beta ^ over_beta)
    chosen = [s[(s & mask) == pattern] for s, mask, pattern in zip(strings, m, f, strict=True)]
    signs: list[FloatArray] = [parity(s, mask).astype(float) for s, mask in zip(chosen, masks, strict=True)]
    found = [np.searchsorted(s, c).astype(np.int32) for s, c in zip(strings, chosen, strict=True)]
    block = {"rows": found[0], "columns": found[1], "row_sign": crossing * signs[0], "column_sign": signs[1]}
    if x.alpha or x.beta:
        partner = [np.searchsorted(s, c ^ flip).astype(np.int32) for s, c, flip in zip(strings, chosen, x, strict=True)]
        block |= {"other_rows": partner[0], "other_columns": partner[1]}
    flips = (masks[0] & x.alpha).bit_count() + (masks[1] & x.beta).bit_count()
    return block, -1.0 if flips % 2 else 1.0
