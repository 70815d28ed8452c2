"""The sector engine: determinants of one (N_alpha, N_beta) alone, or basis states with one number or parity of ones.

The state is a matrix (alpha strings, beta strings) in PySCF's order; if the numbers of either spin are not conserved,
all wires are in the alpha string, and the beta string is empty. An operation mixes a block of rows and columns with
another one (an excitation) or multiplies a block (a phase); signs factorize into rows times columns, Jordan-Wigner
strings or not.

The sweep runs over groups of operations (see `sector_plan`). A group sees the state as rows and lanes: the strings on
which its operations differ are the rows, and whole rows, which are contiguous, are gathered, mixed and put back. Lanes
that the group does not touch are left out. One loop over groups with a switch over their classes, and one loop over the
operations of a group, run any program. Numbers of groups and operations are data, and tables have room (`room`): on one
space, all circuits of one set of classes and one size class share a compiled program, whatever their depth and order.
Circuits of single and double excitations are one set. Compile time grows with the number of classes alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array

from qvar._types import IntArray, PyTree
from qvar.ansatz.program import Program
from qvar.engines.adjoint import sweep
from qvar.engines.conserved import ConservedSector
from qvar.engines.mask_operations import mixing_amplitudes, weights
from qvar.engines.occupation_strings import Layout, register_layout, split
from qvar.engines.room import capacity, operations_room, phases_room, with_room
from qvar.engines.sector_plan import GroupClass, sector_plan
from qvar.engines.sharding import replicate, shard

ROOM, MOST_ROOM = 64, 1 << 16
"""Entries that tables of rows have room for at least: so many for each string, but no more than the second."""


@dataclass(frozen=True)
class SectorCircuit:
    """Groups of block operations on a matrix of amplitudes; see `qvar.engines.adjoint.Circuit`."""

    classes: tuple[GroupClass, ...]
    shape: tuple[int, int]
    """Alpha and beta strings."""
    real: bool
    """True if amplitudes stay real."""
    mesh: Mesh | None = None
    """Devices that the state is sharded over, along the lanes of a group's view."""

    def __call__(self, reference: PyTree, phi: Array, tables: PyTree) -> Array:
        """Return the state (alpha strings, beta strings) of the circuit."""
        return sweep(self, self._start(reference), phi, tables)

    def forward_mode(self, reference: PyTree, phi: Array, tables: PyTree) -> Array:
        """Return the same state, for derivatives in forward mode."""
        return self.forward(self._start(reference), phi, tables)

    def _start(self, reference: PyTree) -> Array:
        dtype = float if self.real else complex
        if "state" in reference:
            return shard(reference["state"].astype(dtype), self.mesh, 1)
        state = jnp.zeros(self.shape, dtype)
        return shard(state.at[reference["row"], reference["column"]].set(reference["sign"]), self.mesh, 1)

    def forward(self, state: Array, phi: Array, tables: PyTree) -> Array:
        """Return the state after all operations."""
        if not self.classes:  # nothing acts on these strings
            return state
        ops = tables["ops"]
        phi = phi[ops["order"]]
        keep, mix = weights(ops, phi, ops["g"])

        def branch(which: int) -> Any:
            if self.classes[which].side == "phase":
                table = tables["phases"][which]
                return lambda state, group: _Phases(self.classes[which], table, ops, group).apply(state, phi)

            def run(state: Array, group: PyTree) -> Array:
                view = _View(self.classes[which], tables, group["lane"], self.mesh)

                def member(at: Array, parts: tuple[Array, ...]) -> tuple[Array, ...]:
                    move = view.move(ops, at)
                    return view.put(parts, move, _mixed(view.take(parts, move), move, keep[at], mix[at]))

                parts = jax.lax.fori_loop(group["start"], group["stop"], member, view.open(state))
                return view.close(state, parts)

            return run

        branches = [branch(which) for which in range(len(self.classes))]

        def step(at: Array, state: Array) -> Array:
            group = _group(ops, at)
            return jax.lax.switch(group["which"], branches, state, group)

        return jax.lax.fori_loop(0, ops["n_groups"], step, shard(state, self.mesh, 1))

    def backward(self, ket: Array, bra: Array, phi: Array, tables: PyTree) -> tuple[Array, Array]:
        """Return the bra before all operations, and the derivative by every angle."""
        if not self.classes:
            return bra, jnp.zeros(phi.shape, jnp.real(ket).dtype)
        ops = tables["ops"]
        n_angles, phi = len(phi), phi[ops["order"]]
        keep, mix = weights(ops, -phi, ops["g_inverse"])

        def branch(which: int) -> Any:
            if self.classes[which].side == "phase":

                def take_off(ket: Array, bra: Array, derivatives: Array, group: PyTree) -> tuple[Array, Array, Array]:
                    phases = _Phases(self.classes[which], tables["phases"][which], ops, group)
                    return phases.apply(ket, -phi), phases.apply(bra, -phi), derivatives + phases.derivatives(ket, bra)

                return take_off

            def run(ket: Array, bra: Array, derivatives: Array, group: PyTree) -> tuple[Array, Array, Array]:
                view = _View(self.classes[which], tables, group["lane"], self.mesh)
                last = group["stop"] - 1

                def member(count: Array, carry: tuple[Any, Any, Array]) -> tuple[Any, Any, Array]:
                    kets, bras, derivatives = carry
                    at = last - count
                    move = view.move(ops, at)
                    taken, bra_taken = view.take(kets, move), view.take(bras, move)
                    derivative = jnp.real(ops["g"][at] * _overlap(bra_taken, taken, move))
                    kets = view.put(kets, move, _mixed(taken, move, keep[at], mix[at]))
                    bras = view.put(bras, move, _mixed(bra_taken, move, keep[at], mix[at]))
                    return kets, bras, derivatives.at[at].set(derivative)

                size, opened = group["stop"] - group["start"], (view.open(ket), view.open(bra))
                kets, bras, derivatives = jax.lax.fori_loop(0, size, member, (*opened, derivatives))
                return view.close(ket, kets), view.close(bra, bras), derivatives

            return run

        branches = [branch(which) for which in range(len(self.classes))]

        def step(count: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            group = _group(ops, ops["n_groups"] - 1 - count)
            return jax.lax.switch(group["which"], branches, *carry, group)

        real = jnp.real(ket).dtype
        carry = (shard(ket, self.mesh, 1), shard(bra, self.mesh, 1), jnp.zeros(ops["order"].shape, real))
        _, bra, derivatives = jax.lax.fori_loop(0, ops["n_groups"], step, carry)
        return bra, jnp.zeros(n_angles, real).at[ops["order"]].add(derivatives)  # what is padded adds 0 to the first


def _group(ops: PyTree, at: Array) -> PyTree:
    """Return one group of the sorted operations."""
    return jax.tree.map(lambda column: jax.lax.dynamic_index_in_dim(column, at, keepdims=False), ops["groups"])


@dataclass(frozen=True)
class _View:
    """The state as a group sees it: rows and lanes.

    Side `alpha` takes the state as it is, `beta` transposed. The lanes of `cross` are the alpha strings that its alpha
    half selects; the strings that it maps them to are a second part.
    """

    shape: GroupClass
    tables: PyTree
    lane: Array
    """First entry among the lanes."""
    mesh: Mesh | None

    def open(self, state: Array) -> tuple[Array, ...]:

        if self.shape.side == "alpha":
            return (state,)
        if self.shape.side == "beta":
            return (shard(state.T, self.mesh, 1),)
        return tuple(shard(_rows_of(state, self._lane(name)).T, self.mesh, 1) for name in self._selections())

    def close(self, state: Array, parts: tuple[Array, ...]) -> Array:

        if self.shape.side == "alpha":
            return parts[0]
        if self.shape.side == "beta":
            return shard(parts[0].T, self.mesh, 1)
        for name, part in zip(self._selections(), parts, strict=True):
            state = _put_rows(state, self._lane(name), shard(part.T, self.mesh, 1))
        return state

    def _selections(self) -> tuple[str, ...]:
        return ("rows", "partner") if self.shape.flips_alpha else ("rows",)

    def move(self, ops: PyTree, at: Array) -> PyTree:
        """Return rows, partners and signs of one operation."""
        first, size = ops["entry"][at, 0], self.shape.rows
        row = {name: jax.lax.dynamic_slice_in_dim(a, first, size) for name, a in self.tables["rows"].items()}
        sign = row["sign"][:, None]
        if self.shape.side == "cross":
            sign = sign * self._lane("sign")[None, :]
        return {**row, "sign": sign, "flip": ops["flip"][at]}

    def take(self, parts: tuple[Array, ...], move: PyTree) -> tuple[Array, ...]:

        if self.shape.diagonal:
            return (_rows_of(parts[0], move["rows"]),)
        return _rows_of(parts[0], move["rows"]), _rows_of(parts[-1], move["partner"])

    def put(self, parts: tuple[Array, ...], move: PyTree, blocks: tuple[Array, ...]) -> tuple[Array, ...]:

        if len(parts) == 2:
            return _put_rows(parts[0], move["rows"], blocks[0]), _put_rows(parts[1], move["partner"], blocks[1])
        part = _put_rows(parts[0], move["rows"], blocks[0])
        return (part if self.shape.diagonal else _put_rows(part, move["partner"], blocks[1]),)

    def _lane(self, name: str) -> Array:
        return jax.lax.dynamic_slice_in_dim(self.tables["lanes"][name], self.lane, self.shape.lanes)


@dataclass(frozen=True)
class _Phases:
    r"""A group of phases \(e^{-i\sum_k \varphi_k a_k \otimes b_k}\), with signs a and b over the strings."""

    shape: GroupClass
    table: PyTree
    ops: PyTree
    group: PyTree

    def apply(self, state: Array, phi: Array) -> Array:
        """Return the state after all phases of the group; phi are the angles of all operations."""
        alpha, beta = self.table["alpha"], self.table["beta"]
        first, second = self._entries()
        angles = jnp.zeros((len(alpha), len(beta)), phi.dtype).at[first, second].add(self._weight() * phi)
        state = state * jnp.exp(-1j * (angles[:, 0] @ alpha))[:, None] * jnp.exp(-1j * (angles[0, 1:] @ beta[1:]))[None]
        if self.shape.crossed:
            state = state * jnp.exp(-1j * (alpha[1:].T @ angles[1:, 1:] @ beta[1:]))
        return state

    def derivatives(self, ket: Array, bra: Array) -> Array:
        """Return Re <bra|-i G_k|ket> of the phases of the group, 0 for other operations."""
        alpha, beta = self.table["alpha"], self.table["beta"]
        weight = jnp.imag(jnp.conj(bra) * ket)
        if self.shape.crossed:
            derivatives = alpha @ weight @ beta.T
        else:
            rest = jnp.zeros((len(alpha) - 1, len(beta) - 1), weight.dtype)
            corner = beta @ jnp.sum(weight, axis=0)
            side = alpha[1:] @ jnp.sum(weight, axis=1)
            derivatives = jnp.concatenate([corner[None], jnp.concatenate([side[:, None], rest], axis=1)])
        return self._weight() * derivatives[self._entries()]

    def _entries(self) -> tuple[Array, Array]:
        first, second = jnp.where(self._inside()[:, None], self.ops["entry"], 0).T
        return first, second

    def _weight(self) -> Array:
        return jnp.where(self._inside(), -jnp.imag(self.ops["g"]), 0.0)

    def _inside(self) -> Array:
        at = jnp.arange(len(self.ops["entry"]))
        return (at >= self.group["start"]) & (at < self.group["stop"])


def _rows_of(part: Array, rows: Array) -> Array:
    return part.at[rows].get(mode="promise_in_bounds", unique_indices=True)


def _put_rows(part: Array, rows: Array, block: Array) -> Array:
    return part.at[rows].set(block, mode="promise_in_bounds", unique_indices=True)


def _mixed(taken: tuple[Array, ...], move: PyTree, keep: Array, mix: Array) -> tuple[Array, ...]:
    """Return the rows after an operation."""
    weight = mix * move["sign"].astype(taken[0].real.dtype)
    if len(taken) == 1:
        return ((keep + weight) * taken[0],)
    source, target = taken
    return keep * source + weight * target, keep * target + move["flip"] * weight * source


def _overlap(bra: tuple[Array, ...], ket: tuple[Array, ...], move: PyTree) -> Array:
    """Return <bra| G / g |ket> on the rows of one operation."""
    if len(ket) == 1:
        return jnp.sum(move["sign"] * (jnp.conj(bra[0]) * ket[0]))
    return jnp.sum(move["sign"] * (jnp.conj(bra[0]) * ket[1] + move["flip"] * (jnp.conj(bra[1]) * ket[0])))


def sector_circuit(
    program: Program, real: bool, sector: ConservedSector, mesh: Mesh | None = None
) -> tuple[tuple[SectorCircuit, PyTree, PyTree], tuple[IntArray, IntArray]]:
    """Return the circuit, the reference and the tables of a program in a sector that it conserves.

    The caller has checked that amplitudes stay `real`. Also returns the alpha and beta strings of the sector,
    ascending.
    """
    lowered, layout = program.lowered.one_of_two, sector.layout
    alpha_strings, beta_strings = sector.strings()
    plan = sector_plan(lowered, layout, alpha_strings, beta_strings)
    forward, back = mixing_amplitudes(lowered, real)
    size, strings = operations_room(len(lowered.slot)), max(len(alpha_strings), len(beta_strings))
    operations = {
        "groups": plan.groups,
        "order": plan.order,
        "entry": plan.entry,
        "flip": plan.flip,
        "g": forward[plan.order] * plan.sign,
        "g_inverse": back[plan.order] * plan.sign,
        "fixed": lowered.fixed[plan.order],
    }
    ops = jax.tree.map(lambda table: with_room(table, size), operations)
    ops["n_groups"] = np.array(len(plan.groups["which"]), np.int32)
    rows, lanes = (max((getattr(own, name) for own in plan.classes), default=0) for name in ("rows", "lanes"))
    least = min(ROOM * strings, MOST_ROOM)
    blocks = {"rows": _with_room(plan.rows, rows, least), "lanes": _with_room(plan.lanes, lanes, least)}
    reference = _reference(program, layout, alpha_strings, beta_strings)
    circuit = SectorCircuit(plan.classes, (len(alpha_strings), len(beta_strings)), real, mesh)
    phases = jax.tree.map(lambda table: with_room(table, phases_room(*table.shape)), plan.phases)
    tables = {"ops": ops, **blocks, "phases": phases}
    return (circuit, *replicate((reference, tables), mesh)), (alpha_strings, beta_strings)


def _reference(program: Program, layout: Layout, alpha_strings: IntArray, beta_strings: IntArray) -> dict[str, Any]:
    """Return row, column and sign of the reference determinant, or the state that the circuit starts from."""
    first = program.initial
    if first is not None:
        own = first.matrix(alpha_strings, beta_strings) if layout.beta else first.on(alpha_strings)
        return {"state": own.reshape(len(alpha_strings), len(beta_strings))}
    alpha, beta = split(program.reference_index, program.n_qubits, layout)
    row, column = np.searchsorted(alpha_strings, alpha), np.searchsorted(beta_strings, beta)
    _, sign = register_layout(alpha_strings[[row]], beta_strings[[column]], len(layout.alpha))
    return {"row": row, "column": column, "sign": float(sign[0, 0])}


def _with_room(table: dict[str, np.ndarray], widest: int, least: int) -> dict[str, np.ndarray]:
    """Return halves one after the other with room for more, and for a slice of the widest if there is any."""
    length = capacity(max(len(table["rows"]), widest), least) if widest else 0
    return {name: with_room(column, length) for name, column in table.items()}
