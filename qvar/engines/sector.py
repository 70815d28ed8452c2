"""The sector engine: determinants of one (N_alpha, N_beta) alone, or basis states with one number of ones; never 2^n.

The state is a matrix (alpha strings, beta strings) in PySCF's order; a spin model has all its wires in the alpha string
and a single, empty beta string. An operation mixes a block of rows and columns with another one (an excitation) or
multiplies a block (a phase); signs factorize into rows times columns, Jordan-Wigner strings or not. Operations whose
blocks have the same shape form a class and share stacked tables; one `lax.scan` with a switch over the classes runs
them all. Time per operation grows with its blocks; tables with the number of different operations times (rows +
columns).
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
from qvar.engines.strings import Layout, SplitMask, interleaving_masks, occupation_strings, parity, split


class BlockClass(NamedTuple):
    """What all operations of a class have in common."""

    diagonal: bool
    rows: int
    columns: int
    all_columns: bool
    """Whether the block spans all columns, in their order."""
    everything: bool
    """Whether the block is the whole matrix."""


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
    if shape.everything:
        return state
    return state[rows] if shape.all_columns else state[rows[:, None], columns[None, :]]


def _put(shape: BlockClass, state: Array, rows: Array, columns: Array, block: Array) -> Array:
    if shape.everything:
        return block
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
    program: Program, real: bool, layout: Layout
) -> tuple[tuple[SectorKernel, Array, PyTree, PyTree], tuple[IntArray, IntArray]]:
    """The kernel, the reference state and the tables of a program that conserves the ones in both strings.

    Args:
        program: the circuit; `program.lowered.conserves` holds for the wires of either string.
        real: whether amplitudes stay real; the caller has checked.
        layout: which wires the strings are.

    Returns:
        (kernel, state of shape (n_alpha_strings, n_beta_strings), operation table, class tables), and the alpha and
        beta strings with as many ones as the reference, ascending.
    """
    lowered, n = program.lowered, program.n_qubits
    alpha, beta = split(int("".join(map(str, program.reference)), 2), n, layout)
    alpha_strings = occupation_strings(len(layout.alpha), alpha.bit_count())
    beta_strings = occupation_strings(len(layout.beta), beta.bit_count())

    stacks: dict[BlockClass, list[dict[str, np.ndarray]]] = {}
    places: dict[tuple[int, ...], tuple[BlockClass, int, float]] = {}  # equal operations share one table
    masks = [tuple(row) for row in np.stack([lowered.x, lowered.z, lowered.m, lowered.f], axis=1).tolist()]
    for mask in dict.fromkeys(masks):
        block, flip = _block([split(letter, n, layout) for letter in mask], alpha_strings, beta_strings, layout)
        rows, columns = block["rows"], block["columns"]
        all_columns = len(columns) == len(beta_strings) and np.array_equal(columns, block.get("other_columns", columns))
        everything = all_columns and len(rows) == len(alpha_strings)  # only phases span all rows
        key = BlockClass("other_rows" not in block, len(rows), len(columns), all_columns, everything)
        stack = stacks.setdefault(key, [])
        places[mask] = (key, len(stack), flip)
        stack.append(block)

    forward, back = mixing_amplitudes(lowered, real)
    order = {key: which for which, key in enumerate(stacks)}
    # every occupied pair (alpha p, beta q < p) of the reference exchanges once: see `strings`
    crossings = sum((beta & ((1 << p) - 1)).bit_count() for p in range(n) if alpha >> p & 1)
    ops = {
        "block_class": np.array([order[places[mask][0]] for mask in masks], dtype=np.int32),
        "index": np.array([places[mask][1] for mask in masks], dtype=np.int32),
        "flip": np.array([places[mask][2] for mask in masks], dtype=float),
        "g": forward,
        "g_inverse": back,
        "fixed": lowered.fixed,
    }
    tables = tuple({name: np.stack([b[name] for b in stack]) for name in stack[0]} for stack in stacks.values())
    state = np.zeros((len(alpha_strings), len(beta_strings)))
    state[np.searchsorted(alpha_strings, alpha), np.searchsorted(beta_strings, beta)] = (-1.0) ** crossings
    start = jnp.asarray(state, dtype=float if real else complex)
    arrays = jax.tree.map(jnp.asarray, (ops, tables))
    return (SectorKernel(tuple(order)), start, *arrays), (alpha_strings, beta_strings)


def _block(letters: list[SplitMask], alpha: IntArray, beta: IntArray, layout: Layout) -> tuple[dict[str, Any], float]:
    """Rows, columns and signs of one operation, and the sign by which its two directions differ."""
    x, z, m, f = letters
    strings = (alpha, beta)
    over_alpha, over_beta, crossing = interleaving_masks(x, len(layout.alpha))
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
