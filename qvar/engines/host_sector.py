"""Circuits of the sector engine on the host: tables of a plan for the kernels, and the sweeps that call them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines import derivative_kernels, phase_kernels, sector_kernels
from qvar.engines.host_angles import HostAngles, Mixing
from qvar.engines.host_threads import run_all
from qvar.engines.sector import SectorCircuit

THREADED = 20_000
"""Amplitudes of a state from which several threads work on it."""

LARGE = 200_000
"""Amplitudes from which more than two threads pay."""

FEW_SHARES, SHARES = 2, 8
"""Parts of the work on one state, below and from `LARGE`; the same on any machine, so that sums do not depend on the
number of cores."""

FEW_PHASES = 8
"""Phases of a group up to which, on a column, each multiplies the amplitudes that it selects."""

COPIED = 3
"""Pairs of strings for each string that a group mixes, from which copies of lanes pay."""

_SIDES = {"alpha": sector_kernels.ALPHA, "beta": sector_kernels.LANES, "cross": sector_kernels.LANES}


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Consecutive groups of block operations."""

    groups: IntArray
    """As in `sector_kernels.forward`."""
    runs: tuple[slice, ...]
    """Parts of `groups` that several threads go through without waiting for each other."""


@dataclass(frozen=True, eq=False)
class _Phases:
    """One group of phases; their angles lie among those of all groups from `place` on."""

    place: int
    alpha: FloatArray
    beta: FloatArray
    crossed: bool

    @property
    def angles(self) -> slice:
        """Places of the angles."""
        return slice(self.place, self.place + len(self.alpha) * len(self.beta))

    def multiply(self, states: np.ndarray, more: np.ndarray, angles: FloatArray) -> None:
        """Multiply states and further ones by the phases, in place."""
        phase_kernels.multiply(states, more, self.alpha, self.beta, angles, self.place, self.crossed)

    def add_slopes(self, kets: np.ndarray, bras: np.ndarray, slopes: FloatArray) -> None:
        """Add Re <bra|-iG|ket> to the slopes of the group's angles."""
        phase_kernels.add_slopes(kets, bras, self.alpha, self.beta, slopes, self.place, self.crossed)

    def add_tangent(self, state: np.ndarray, tangent: np.ndarray, rates: FloatArray) -> None:
        """Add to a tangent what phases give that change at these rates."""
        phase_kernels.add_tangent(state, tangent, self.alpha, self.beta, rates, self.place)


@dataclass(frozen=True, eq=False)
class HostSector:
    """A circuit on matrices of amplitudes (alpha strings, beta strings); states are changed in place.

    A column of amplitudes is a single row to the kernels, whose inner loops run over the columns of a row.
    """

    shape: tuple[int, int]
    reference: tuple[int, int, float]
    """Row, column and sign of the reference."""
    mixing: Mixing
    parts: tuple[_Blocks | _Phases, ...]
    phases: HostAngles
    """Angles of all groups of phases from those of the operations."""
    tables: tuple[np.ndarray, ...]
    """ops, halves, signs, lanes and lane_signs of `sector_kernels.forward`."""
    order: IntArray
    """(n_ops,) mask operation of the program at each place."""
    first: np.ndarray | None = None
    """State that takes the place of the reference."""

    @property
    def size(self) -> int:
        """Amplitudes of a state."""
        return self.shape[0] * self.shape[1]

    @property
    def n_calls(self) -> int:
        """Kernels that a sweep calls one after the other."""
        return len(self.parts)

    def start(self, n: int) -> np.ndarray:
        """Return the reference n times, (n, alpha strings, beta strings), or the state that takes its place."""
        if self.first is not None:
            return np.repeat(self.first[None], n, axis=0)
        states = np.zeros((n, *self.shape), self.mixing.generator.dtype)
        row, column, sign = self.reference
        states[:, row, column] = sign
        return states

    def starting_from(self, state: np.ndarray) -> HostSector:
        """Return the circuit with a state in place of the reference."""
        return replace(self, first=np.asarray(state, self.mixing.generator.dtype).reshape(self.shape))

    def _rows(self, states: np.ndarray) -> np.ndarray:
        return states.reshape(len(states), 1, -1) if self.shape[1] == 1 else states

    def forward(self, states: np.ndarray, angles: FloatArray) -> None:
        """Apply all operations at angles (n, n_ops)."""
        states = self._rows(states)
        weights, phases = self.mixing.weights(angles), self.phases.rates(angles)
        for part in self.parts:
            if isinstance(part, _Phases):
                part.multiply(states, states[:0], phases)
                continue
            for groups, shares in self._stretches(part):
                arguments = (states, groups, *self.tables, weights)
                run_all([partial(sector_kernels.forward, *arguments, k, shares) for k in range(shares)])

    def backward(self, kets: np.ndarray, bras: np.ndarray, angles: FloatArray) -> FloatArray:
        """Undo all operations, and return Re <bra|-iG|ket> of each, (n, n_ops)."""
        kets, bras = self._rows(kets), self._rows(bras)
        weights, factors = self.mixing.weights(angles, inverse=True), self.mixing.factors
        slopes, phases = np.zeros(angles.shape), self.phases.rates(-angles)
        of_phases = np.zeros(phases.shape)
        for part in reversed(self.parts):
            if isinstance(part, _Phases):
                part.add_slopes(kets, bras, of_phases)
                part.multiply(kets, bras, phases)
                continue
            for groups, shares in reversed(list(self._stretches(part))):
                if shares == 1:
                    arguments = (kets, bras, slopes, groups, *self.tables, weights, factors)
                    sector_kernels.backward(*arguments, 0, 1)
                    continue
                partial_slopes = np.zeros((shares, *angles.shape))
                run_all(
                    [
                        partial(
                            sector_kernels.backward,
                            *(kets, bras, partial_slopes[k], groups, *self.tables, weights, factors, k, shares),
                        )
                        for k in range(shares)
                    ]
                )
                slopes += partial_slopes.sum(axis=0)
        slopes += self.phases.pulled_back(of_phases)
        return slopes

    def tangents(self, states: np.ndarray, angles: FloatArray, rates: FloatArray) -> FloatArray:
        """Apply all operations to a state and its tangent, or undo them on a ket, a bra and their tangents.

        States are (2, ...) or (4, ...), see `sector_kernels.tangents`, `rates` the derivatives of the angles. Returns
        Re <bra|-iG|ket> and its tangent, (2, n_ops); zeros if there are two states.
        """
        states = self._rows(states)
        undo, slopes = len(states) == 4, np.zeros((2, len(angles)))
        weights, factors = self.mixing.weights(angles[None], inverse=undo)[:, 0], self.mixing.factors
        own_angles, own_rates = (-angles, -rates) if undo else (angles, rates)
        phases = np.repeat(self.phases.rates(own_angles[None]), len(states), axis=0)
        changes = self.phases.rates(own_rates[None])[0]
        of_phases = np.zeros((3, len(changes)))
        for part in reversed(self.parts) if undo else self.parts:
            if isinstance(part, _Blocks):
                sector_kernels.tangents(states, slopes, part.groups, *self.tables, weights, factors, own_rates)
                continue
            if undo:
                part.add_slopes(states[[0, 1, 0]], states[[2, 2, 3]], of_phases)
            part.multiply(states, states[:0], phases)
            for at in range(0, len(states), 2):
                part.add_tangent(states[at], states[at + 1], changes)
        of_phases[1] += of_phases[2]
        slopes += self.phases.pulled_back(of_phases[:2])
        return slopes

    def derivatives(self, states: np.ndarray, overlaps: FloatArray, angles: FloatArray, rates: FloatArray) -> None:
        """Apply all operations to a state, a costate and tangents; as `derivative_kernels.in_sector`."""
        states = self._rows(states)
        weights, factors, tables = self.mixing.weights(angles[None])[:, 0], self.mixing.factors, self.tables
        started = np.zeros(len(states), bool)
        started[:2] = True, len(overlaps) > 0
        phases = np.repeat(self.phases.rates(angles[None]), len(states), axis=0)
        halves = self.phases.rates(0.5 * rates)
        of_phases = np.zeros((len(overlaps), halves.shape[1]))
        for part in self.parts:
            if isinstance(part, _Blocks):
                tangents = (weights, factors, rates)
                derivative_kernels.in_sector(states, overlaps, started, part.groups, *tables, *tangents)
                continue
            part.multiply(states, states[:0], phases)
            moved = np.flatnonzero(np.any(halves[:, part.angles], axis=1))
            started[2 + moved] = True
            for last in (False, True):
                for at in moved:
                    part.add_tangent(states[0], states[2 + at], halves[at])
                if len(overlaps) and not last:
                    part.add_slopes(states[2:], np.repeat(states[1:2], len(rates), axis=0), of_phases)
        overlaps += self.phases.pulled_back(of_phases)

    def _stretches(self, part: _Blocks) -> Iterator[tuple[IntArray, int]]:
        """Yield groups that run together, and into how many shares they are cut."""
        if self.size < THREADED:
            yield part.groups, 1
            return
        for run in part.runs:
            yield part.groups[run], FEW_SHARES if self.size < LARGE else SHARES


def host_sector(circuit: SectorCircuit, reference: PyTree, tables: PyTree) -> HostSector:
    """Return the circuit of `qvar.engines.sector.sector_circuit` for the host."""
    ops, shape = _without_room(tables["ops"]), circuit.shape
    mixing = Mixing(ops["g"], ops["g_inverse"], ops["flip"], ops["fixed"])
    column = shape[1] == 1
    halves, lanes = _Stack(), _Stack()
    lanes.add(np.arange(shape[0]), np.arange(shape[0]), np.ones(shape[0]))
    halves.add(*(np.asarray(tables["rows"][name]) for name in ("rows", "partner", "sign")))
    all_lanes = {name: np.asarray(table) for name, table in tables["lanes"].items()}
    lane_firsts: dict[tuple[int, int], int] = {}
    places = np.zeros((len(ops["order"]), 2), np.int64)
    parts: list[_Blocks | _Phases] = []
    groups: list[tuple[int, ...]] = []
    n_angles, own_angles = 0, [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]

    def close() -> None:
        if groups:
            parts.append(_Blocks(np.array(groups, np.int64), _runs(groups)))
            groups.clear()

    heads = list(zip(*(ops["groups"][name].tolist() for name in ("which", "lane", "start", "stop")), strict=True))
    n_phases = np.zeros((len(circuit.classes), 2), np.int64)  # what follows in the tables is room
    for which, _, start, stop in heads:
        n_phases[which] = np.maximum(n_phases[which], 1 + ops["entry"][start:stop].max(axis=0))
    for which, lane, start, stop in heads:
        own, table, entry = circuit.classes[which], tables["phases"][which], ops["entry"][start:stop]
        if own.side == "phase" and column and stop - start <= FEW_PHASES:
            alpha, beta = np.asarray(table["alpha"]), np.asarray(table["beta"])
            for k, (first, second) in enumerate(entry, start):
                places[k] = halves.add_phase(alpha[first] * beta[second])
            groups.append((sector_kernels.LANES, start, stop, 0, 1, 1, 0))
            continue
        if own.side == "phase":
            close()
            alpha, beta = (
                np.array(table[name])[:n] for name, n in zip(("alpha", "beta"), n_phases[which], strict=True)
            )
            by = entry[:, 0], entry[:, 1]
            if column:
                alpha, beta, by = beta, alpha, by[::-1]
            parts.append(phases_of_group := _Phases(n_angles, alpha, beta, own.crossed))
            weights = -np.imag(mixing.generator[start:stop])
            own_angles.append((n_angles + by[0] * len(beta) + by[1], np.arange(start, stop), weights))
            n_angles = phases_of_group.angles.stop
            continue
        places[start:stop, 0], places[start:stop, 1] = entry[:, 0], own.rows
        first, count = 0, shape[0]
        if own.side == "cross":
            first, count = lane_firsts.get((lane, own.lanes), lanes.length), own.lanes
            if first == lanes.length:
                lane_firsts[lane, count] = lanes.add(*_sorted_by_sign(all_lanes, slice(lane, lane + count)))
        side = _SIDES[own.side]
        if column:  # its strings are the columns of the only row
            side, count = (sector_kernels.LANES, 1) if own.side == "alpha" else (sector_kernels.ALPHA, count)
        pays = not column and (stop - start) * own.rows >= COPIED * shape[own.side != "alpha"]
        groups.append((side, start, stop, first, count, int(own.diagonal), int(pays)))
    close()
    is_state = "state" in reference
    start = (0, 0, 1.0) if is_state else (int(reference["row"]), int(reference["column"]), float(reference["sign"]))
    rows, columns, entries = map(np.concatenate, zip(*own_angles, strict=True))
    matrix = sp.csr_array((entries, (rows, columns)), shape=(n_angles, len(places)))
    phases = HostAngles.of(np.zeros(n_angles), matrix, len(places))
    stacks = (*halves.arrays(), *lanes.arrays())
    own = HostSector(shape, start, mixing, tuple(parts), phases, (places, *stacks), ops["order"])
    return own.starting_from(np.asarray(reference["state"])) if is_state else own


def _without_room(ops: PyTree) -> dict[str, Any]:
    """Return the operations of a circuit's tables."""
    count = int(ops["n_groups"])
    groups = {name: np.array(column)[:count] for name, column in ops["groups"].items()}
    n_ops = int(groups["stop"].max(initial=0))
    names = ("order", "entry", "flip", "g", "g_inverse", "fixed")
    return {"groups": groups} | {name: np.array(ops[name])[:n_ops] for name in names}


def _sorted_by_sign(table: dict[str, np.ndarray], entries: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, partners and signs of some lanes, those of one sign side by side."""
    order = entries.start + np.argsort(table["sign"][entries], kind="stable")
    return table["rows"][order], table["partner"][order], table["sign"][order]


def _runs(groups: list[tuple[int, ...]]) -> tuple[slice, ...]:
    """Return consecutive groups on columns alone, or on the same rows, as one run; others one by one."""
    runs: list[slice] = []
    previous: Any = None
    for number, (side, _, _, first, count, *_) in enumerate(groups):
        alike = (side,) if side == sector_kernels.ALPHA else (side, first, count)
        if alike == previous:
            runs[-1] = slice(runs[-1].start, number + 1)
        else:
            runs.append(slice(number, number + 1))
        previous = alike
    return tuple(runs)


class _Stack:
    """Entries of several tables, one after the other."""

    def __init__(self) -> None:
        self.pairs: list[np.ndarray] = []
        self.signs: list[np.ndarray] = []
        self.length = 0
        self.phases: dict[bytes, tuple[int, int]] = {}

    def add_phase(self, signs: FloatArray) -> tuple[int, int]:
        """Add the signs of a phase on all strings, and return the place of the first entry and their number."""
        key, rows = signs.tobytes(), np.flatnonzero(signs)
        if key not in self.phases:
            self.phases[key] = (self.add(rows, rows, signs[rows]), len(rows))
        return self.phases[key]

    def add(self, rows: IntArray, partner: IntArray, sign: FloatArray) -> int:
        """Add entries, and return the place of the first."""
        first = self.length
        self.pairs.append(np.stack([rows, partner], axis=1).astype(np.int32))
        self.signs.append(np.asarray(sign, float))
        self.length += len(rows)
        return first

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs (n_entries, 2) and signs (n_entries,)."""
        if not self.pairs:
            return np.zeros((0, 2), np.int32), np.zeros(0)
        return np.concatenate(self.pairs), np.concatenate(self.signs)
