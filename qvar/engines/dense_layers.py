r"""Layers of a dense circuit on planes of amplitudes, forward and backward.

States are an array (states, planes, 2^n). The planes are real and imaginary parts, or real amplitudes alone; in the
backward sweep, ket and bra are two states. Rotations of up to five neighbouring qubits act as one Kronecker product, a
real matrix product that moves the last bits of the index to the front, so that all windows restore the order of qubits.
In the backward sweep, the derivatives by all rotations of a window come from one product of bra and ket over the other
qubits, those by phases from the row and column sums of \(\mathrm{Im}(\bar\lambda \psi)\).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array

from qvar._types import PyTree
from qvar.engines.dense_tables import PhaseClass, Plan, StepClass
from qvar.engines.mask_operations import moved
from qvar.engines.sharding import shard

Derivatives: TypeAlias = dict[tuple[str, str], Array]
"""Derivatives by the angles of one step: (place in the step, name of the angles) -> one row of their table, flat."""

GRAM_ROWS = 512
"""Rows of bra and ket that one product sums; Eigen is slow at small products of long sums."""


@dataclass(frozen=True)
class LayerCircuit:
    """theta's angles -> state, for a circuit of layers; hashable."""

    plan: Plan
    complex_state: bool

    def __call__(self, reference: Array, phi: Array, tables: PyTree) -> Array:
        """Return the state (2^n,) of the circuit.

        The reference is the number of a basis state or a state (2^n,), phi the angles of the mask operations in
        radians, `tables` those of `dense_tables.tabulate`.
        """
        start = self._start(reference, phi)
        return self._state(sweep(self.plan, start, _angles(phi, tables), tables) if self.plan.runs else start)

    def forward_mode(self, reference: Array, phi: Array, tables: PyTree) -> Array:
        """Return the same state, for derivatives in forward mode."""
        start, ready = self._start(reference, phi), _prepare(self.plan, _angles(phi, tables))
        return self._state(_forward(self.plan, start, ready, tables))

    def _start(self, reference: Array, phi: Array) -> Array:
        if reference.ndim:
            return jnp.stack([jnp.real(reference), jnp.imag(reference)][: self.plan.n_planes]).astype(phi.dtype)
        return jnp.zeros((self.plan.n_planes, 1 << self.plan.n_qubits), phi.dtype).at[0, reference].set(1.0)

    def _state(self, planes: Array) -> Array:
        if self.plan.n_planes == 2:
            return jax.lax.complex(planes[0], planes[1])
        return planes[0] + 0j if self.complex_state else planes[0]


def _angles(phi: Array, tables: PyTree) -> dict[str, Array]:
    """Return the angles in the order of the tables; linear in phi."""
    angles = {}

    def scatter(terms: PyTree, shape: tuple[int, ...]) -> Array:
        added = terms["scale"].astype(phi.dtype) * phi[terms["source"]]
        return jnp.zeros(shape, phi.dtype).at[terms["slot"], terms["place"]].add(added)

    if "rotations" in tables:
        angles["rotations"] = scatter(tables["rotations"], tables["rotations"]["zero"].shape)
    phases = tables.get("phases", {})
    for name in ("high", "low"):
        if f"{name}_terms" in phases:
            signs = phases[f"{name}_signs"].astype(phi.dtype)
            local = scatter(phases[f"{name}_terms"], (phases[name].shape[0], signs.shape[0]))
            angles[name] = phases[name].astype(phi.dtype) + local @ signs
    if "cross_terms" in phases:
        slots, groups = phases["cross_low"].shape
        signs = phases["cross_high_signs"].astype(phi.dtype)
        terms = scatter(phases["cross_terms"], (slots, groups * signs.shape[0]))
        angles["cross"] = terms.reshape(slots, groups, -1) @ signs
    if "single" in tables:
        single = tables["single"]
        angles["single"] = single["scale"].astype(phi.dtype) * phi[single["source"]]
    return angles


def _prepare(plan: Plan, angles: dict[str, Array]) -> dict[str, Any]:
    """Return rotations of windows and factors of phases, computed from all angles at once."""
    ready: dict[str, Any] = {"windows": []}
    for name in ("high", "low", "cross", "single"):
        if name in angles:
            ready[name] = jnp.stack([jnp.cos(angles[name]), jnp.sin(angles[name])], axis=1)
    if "rotations" in angles:
        cosine, sine = jnp.cos(angles["rotations"]), jnp.sin(angles["rotations"])
        rotation = jnp.stack([jnp.stack([cosine, -sine], axis=-1), jnp.stack([sine, cosine], axis=-1)], axis=-2)
        wire = 0
        for size in plan.windows:
            middle = wire + (size + 1) // 2
            halves = [rotation[:, wire:middle], rotation[:, middle : wire + size]]
            ready["windows"].append([_kronecker(half) for half in halves])
            wire += size
    return ready


def _kronecker(rotations: Array) -> Array:
    """Return products of rotations of neighbouring qubits, (steps, qubits, 2, 2) -> (steps, 2^qubits, 2^qubits)."""
    product = jnp.ones((rotations.shape[0], 1, 1), rotations.dtype)
    for q in range(rotations.shape[1]):
        product = jax.vmap(jnp.kron)(product, rotations[:, q])
    return product


def _rotation(window: list[Array], at: Array) -> Array:
    return jnp.kron(*(_pick(half, at) for half in window))


def _pick(table: Array, at: Array) -> Array:
    return jax.lax.dynamic_index_in_dim(table, at, keepdims=False)


def _factors(
    plan: Plan, kind: PhaseClass, ready: PyTree, tables: PyTree, at: Array, dtype: Any
) -> tuple[Array, Array | None]:
    """Return real and imaginary part of the phases at one place, (2^high, 2^low)."""
    phases = tables["phases"]

    def tensor(high: Array, low: Array) -> Array:
        return high[:, None] * low[None, :]

    if plan.n_planes == 1:
        real, imaginary = tensor(*(_pick(phases[name], at).astype(dtype) for name in ("high", "low"))), None
    else:
        high, low = (_pick(ready[name], at) for name in ("high", "low"))
        real = tensor(high[0], low[0]) - tensor(high[1], low[1])
        imaginary = tensor(high[0], low[1]) + tensor(high[1], low[0])
    if kind.coded:
        high_code, low_code = _pick(phases["high_code"], at), _pick(phases["low_code"], at)
        odd = jax.lax.population_count(high_code[0][:, None] & low_code[0][None, :])
        for word in range(1, high_code.shape[0]):
            odd = odd + jax.lax.population_count(high_code[word][:, None] & low_code[word][None, :])
        sign = (1 - 2 * (odd & 1)).astype(dtype)
        real, imaginary = real * sign, None if imaginary is None else imaginary * sign
    if kind.crossed and imaginary is not None:
        cosines, sines = _pick(ready["cross"], at)
        low = _cross_low(phases, at, dtype)
        for group in range(low.shape[0]):
            here = low[group] * low[group]
            cosine = 1.0 + tensor(cosines[group] - 1.0, here)
            sine = tensor(sines[group], low[group])
            real, imaginary = real * cosine - imaginary * sine, real * sine + imaginary * cosine
    return real, imaginary


def _cross_low(phases: PyTree, at: Array, dtype: Any) -> Array:
    return phases["cross_low_signs"][_pick(phases["cross_low"], at)].astype(dtype)


def _multiply(state: Array, real: Array, imaginary: Array | None) -> Array:
    """Multiply the state by a phase of shape (2^high, 2^low)."""
    real = real.reshape(1, -1)
    if imaginary is None:
        return state * real[None]
    imaginary = imaginary.reshape(1, -1)
    x, y = state[:, 0], state[:, 1]
    return jnp.stack([x * real - y * imaginary, x * imaginary + y * real], axis=1)


def _permute(state: Array, tables: PyTree, at: Array, way: str) -> Array:
    high, low = (_pick(tables["permutation"][name + way], at) for name in ("high", "low"))
    source = (high[:, None] ^ low[None, :]).reshape(-1)
    return _gather(state, source)


def _gather(state: Array, source: Array) -> Array:
    return state.at[..., source].get(mode="promise_in_bounds", unique_indices=True, wrap_negative_indices=False)


def _rotate(states: Array, rotation: Array, back: bool) -> Array:
    """Rotate the last window of the index of each state and move it to the front; states (states, planes * 2^n)."""
    count, side = states.shape[0], rotation.shape[0]
    many = jnp.broadcast_to(rotation[None], (count, side, side))
    rows = states.reshape(count, -1, side)
    rotated = jax.lax.dot_general(many, rows, (((1 if back else 2,), (2,)), ((0,), (0,))))
    return rotated.reshape(count, -1)


def _planes_first(plan: Plan, states: Array) -> Array:
    """Reorder the index after all windows, which leave the planes last."""
    return jnp.swapaxes(states.reshape(states.shape[0], -1, plan.n_planes), 1, 2)


def _gram(bra: Array, ket: Array, side: int) -> Array:
    """Return sum_r bra[r, a] ket[r, b] over everything but the last window."""
    bra, ket = bra.reshape(-1, side), ket.reshape(-1, side)
    chunks = max(1, bra.shape[0] // GRAM_ROWS)
    if chunks == 1:
        return bra.T @ ket
    bra, ket = (part.reshape(chunks, -1, side) for part in (bra, ket))
    return jax.lax.dot_general(bra, ket, (((1,), (1,)), ((0,), (0,)))).sum(axis=0)


def _single(plan: Plan, op: PyTree, cosine_sine: Array, g: Array, states: Array) -> tuple[Array, Array]:
    """Return the states after one mask operation, and (-i G)|states> (G itself if it is fixed)."""
    dtype, size = states.dtype, 1 << plan.n_qubits
    source, sign, active = moved(op, plan.n_qubits)
    offset = (jnp.arange(plan.n_planes, dtype=source.dtype) ^ op["swap"]) * size
    partner = _gather(states.reshape(states.shape[0], -1), (offset[:, None] + source[None, :]).reshape(-1)).reshape(
        states.shape
    )
    partner = g.astype(dtype)[None, :, None] * sign.astype(dtype)[None, None] * partner
    keep = jnp.where(op["fixed"], 0.0, cosine_sine[0]).astype(dtype)
    mix = jnp.where(op["fixed"], 1.0, cosine_sine[1]).astype(dtype)
    scale = jnp.where(active, keep, 1.0).astype(dtype)
    return scale[None, None] * states + mix * partner, partner


def _forward_step(plan: Plan, kind: StepClass, state: Array, slot: PyTree, ready: PyTree, tables: PyTree) -> Array:
    dtype = state.dtype
    if kind.before:
        state = _multiply(state, *_factors(plan, kind.before, ready, tables, slot["before"], dtype))
    if kind.permutation:
        state = _permute(state, tables, slot["permutation"], "")
    if kind.after:
        state = _multiply(state, *_factors(plan, kind.after, ready, tables, slot["after"], dtype))
    if kind.rotations:
        state = state.reshape(1, -1)
        for window in reversed(ready["windows"]):
            state = _rotate(state, _rotation(window, slot["rotations"]), back=False)
        state = _planes_first(plan, state)
    if kind.single:
        op = jax.tree.map(lambda table: _pick(table, slot["single"]), tables["single"])
        state, _ = _single(plan, op, _pick(ready["single"], slot["single"]), op["g"], state)
    return state


def _backward_step(
    plan: Plan, kind: StepClass, states: Array, slot: PyTree, ready: PyTree, tables: PyTree
) -> tuple[Array, Derivatives]:
    """Return ket and bra, stacked, before the step, and the derivatives by its angles."""
    dtype = states.dtype
    derivatives: Derivatives = {}
    if kind.single:
        op = jax.tree.map(lambda table: _pick(table, slot["single"]), tables["single"])
        cosine, sine = _pick(ready["single"], slot["single"])
        bra = states[1]
        states, partner = _single(plan, op, jnp.stack([cosine, -sine]), op["g_inverse"], states)
        derivatives["single", "single"] = jnp.where(op["fixed"], 0.0, jnp.sum(bra * partner[0])).astype(dtype)[None]
    if kind.rotations:
        grams = []
        states = states.reshape(2, -1)
        for window in reversed(ready["windows"]):
            rotation = _rotation(window, slot["rotations"])
            grams.append(_gram(states[1], states[0], rotation.shape[0]).reshape(-1))
            states = _rotate(states, rotation, back=True)
        states = _planes_first(plan, states)
        derivatives["rotations", "rotations"] = jnp.concatenate(grams[::-1]) @ tables["selector"].astype(dtype)
    if kind.after:
        states, moments = _phases_back(plan, kind.after, states, slot["after"], ready, tables)
        derivatives |= {("after", name): moment for name, moment in moments.items()}
    if kind.permutation:
        states = _permute(states, tables, slot["permutation"], "_inverse")
    if kind.before:
        states, moments = _phases_back(plan, kind.before, states, slot["before"], ready, tables)
        derivatives |= {("before", name): moment for name, moment in moments.items()}
    return states, derivatives


def _phases_back(
    plan: Plan, kind: PhaseClass, states: Array, at: Array, ready: PyTree, tables: PyTree
) -> tuple[Array, dict[str, Array]]:
    real, imaginary = _factors(plan, kind, ready, tables, at, states.dtype)
    if imaginary is None:
        return _multiply(states, real, None), {}
    ket, bra = states[0].reshape(2, *plan.halves), states[1].reshape(2, *plan.halves)
    moment = bra[1] * ket[0] - bra[0] * ket[1]  # Re <bra|i ket>
    derivatives = {"high": moment.sum(axis=1), "low": moment.sum(axis=0)}
    if kind.crossed:
        derivatives["cross"] = (_cross_low(tables["phases"], at, states.dtype) @ moment.T).reshape(-1)
    return _multiply(states, real, -imaginary), derivatives


def _derivatives_layout(plan: Plan, angles: dict[str, Array]) -> dict[tuple[str, str], int]:
    """Return the derivatives that any step of the circuit has, and their lengths."""
    layout: dict[tuple[str, str], int] = {}
    for kind in (kind for classes in plan.runs for kind in classes):
        names = [(place, place) for place in ("rotations", "single") if getattr(kind, place)]
        for place in ("before", "after"):
            phases = getattr(kind, place)
            if phases is not None and "high" in angles:
                names += [(place, "high"), (place, "low")] + ([(place, "cross")] if phases.crossed else [])
        layout |= {key: angles[key[1]][0].size for key in names}
    return layout


def _slot(tables: PyTree, at: Array) -> PyTree:
    """Return the places of the parts of one step."""
    return jax.tree.map(lambda column: _pick(column, at), tables["slots"])


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def sweep(plan: Plan, reference: Array, angles: dict[str, Array], tables: PyTree) -> Array:
    """Apply all steps to the reference state, (planes, 2^n).

    The derivative reverses every step, so that memory does not grow with depth.
    """
    return _forward(plan, reference, _prepare(plan, angles), tables)


def _forward(plan: Plan, reference: Array, ready: PyTree, tables: PyTree) -> Array:
    state = shard(reference[None], plan.mesh, 2)
    for run, classes in enumerate(plan.runs):
        branches = [partial(_forward_step, plan, kind, ready=ready, tables=tables) for kind in classes]

        def step(at: Array, state: Array, branches: list[Any] = branches) -> Array:
            slot = _slot(tables, at)
            if len(branches) == 1:
                return shard(branches[0](state, slot), plan.mesh, 2)
            return shard(jax.lax.switch(slot["which"], branches, state, slot), plan.mesh, 2)

        state = jax.lax.fori_loop(tables["starts"][run], tables["starts"][run + 1], step, state)
    return state[0]


def _sweep_forward(plan: Plan, reference: Array, angles: dict[str, Array], tables: PyTree) -> tuple[Array, PyTree]:
    ready = _prepare(plan, angles)
    final = _forward(plan, reference, ready, tables)
    return final, (final, ready, angles, tables)


def _sweep_backward(plan: Plan, kept: PyTree, cotangent: Array) -> tuple[Array, dict[str, Array], None]:
    final, ready, angles, tables = kept
    states = shard(jnp.stack([final, cotangent]), plan.mesh, 2)
    layout = _derivatives_layout(plan, angles)
    rows = jnp.zeros((len(tables["slots"]["which"]), sum(layout.values())), states.dtype)
    for run, classes in reversed(list(enumerate(plan.runs))):

        def branch(kind: StepClass) -> Any:
            def apply(states: Array, slot: PyTree) -> tuple[Array, Array]:
                states, derivatives = _backward_step(plan, kind, states, slot, ready, tables)
                rows = [
                    derivatives[key] if key in derivatives else jnp.zeros(size, states.dtype)
                    for key, size in layout.items()
                ]
                return states, jnp.concatenate([*rows, jnp.zeros(0, states.dtype)])

            return apply

        start, stop = tables["starts"][run], tables["starts"][run + 1]
        branches = [branch(kind) for kind in classes]

        def step(
            count: Array, carry: tuple[Array, Array], stop: Array = stop, branches: list[Any] = branches
        ) -> tuple[Array, Array]:
            states, rows = carry
            slot = _slot(tables, stop - 1 - count)
            apply = branches[0] if len(branches) == 1 else partial(jax.lax.switch, slot["which"], branches)
            states, derivatives = apply(states, slot)
            return shard(states, plan.mesh, 2), rows.at[stop - 1 - count].set(derivatives)

        states, rows = jax.lax.fori_loop(0, stop - start, step, (states, rows))
    return states[1], _collect(layout, rows, angles, tables["slots"]), None


def _collect(
    layout: dict[tuple[str, str], int], rows: Array, angles: dict[str, Array], slots: PyTree
) -> dict[str, Array]:
    """Return the derivatives of all steps in the layout of the angles."""
    collected = {name: jnp.zeros_like(array) for name, array in angles.items()}
    start = 0
    for (place, name), size in layout.items():
        values = rows[:, start : start + size].reshape(-1, *angles[name].shape[1:]).astype(angles[name].dtype)
        start += size
        # steps without such angles are dropped
        at = jnp.where(slots[place] < 0, len(angles[name]), slots[place])
        collected[name] = collected[name].at[at].add(values, mode="drop")
    return collected


sweep.defvjp(_sweep_forward, _sweep_backward)
