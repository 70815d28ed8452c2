"""Circuits on registers of 2^n amplitudes on the host, one mask operation at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.program import Program
from qvar.engines import derivative_kernels, mask_kernels
from qvar.engines.host_angles import Mixing
from qvar.engines.host_threads import run_all
from qvar.engines.mask_operations import mixing_amplitudes

WINDOW, NEAR = 13, 6
"""Bits of a window, whose amplitudes stay in a core's cache, and how many of them are the lowest ones."""

SHARES = 8
"""Parts of the work on a register of several chunks; the same on any machine, so that sums are."""

LOOK_AHEAD = 200
"""Operations that one may move past; bounds the time to sort a program."""


@dataclass(frozen=True, eq=False)
class HostRegister:
    """A circuit on registers; states are changed in place."""

    n_qubits: int
    reference: int
    mixing: Mixing
    masks: IntArray
    """(n_ops, 4) x, z, m, f, for `derivative_kernels.on_register`."""
    free: IntArray
    """(n_ops,) bits that number the runs of an operation."""
    runs: IntArray
    """(n_ops,) lengths of these."""
    ops: IntArray
    """(n_ops, 10) table of `mask_kernels`."""
    stages: tuple[tuple[int, int, IntArray, IntArray], ...]
    """Start, stop, inner and outer of `mask_kernels.forward`."""
    first: np.ndarray | None = None
    """State that takes the place of the reference."""

    @property
    def size(self) -> int:
        """Amplitudes of a state."""
        return 1 << self.n_qubits

    @property
    def n_calls(self) -> int:
        """Kernels that a sweep calls one after the other."""
        return len(self.stages)

    def start(self, n: int) -> np.ndarray:
        """Return the reference n times, (n, 2^n_qubits), or the state that takes its place."""
        if self.first is not None:
            return np.repeat(self.first[None], n, axis=0)
        states = np.zeros((n, 1 << self.n_qubits), self.mixing.generator.dtype)
        states[:, self.reference] = 1.0
        return states

    def starting_from(self, state: np.ndarray) -> HostRegister:
        """Return the circuit with a state in place of the reference."""
        return replace(self, first=np.asarray(state, self.mixing.generator.dtype).reshape(-1))

    def forward(self, states: np.ndarray, angles: FloatArray) -> None:
        """Apply all operations at angles (n, n_ops)."""
        arrays = (self._parts(states), self.ops)
        weights = self._weights(angles)
        for *stage, outer in self.stages:
            shares = min(1 << len(outer), SHARES)
            arguments = (*arrays, *stage, outer, weights)
            run_all([partial(mask_kernels.forward, *arguments, share, shares) for share in range(shares)])

    def backward(self, kets: np.ndarray, bras: np.ndarray, angles: FloatArray) -> FloatArray:
        """Undo all operations, and return Re <bra|-iG|ket> of each, (n, n_ops)."""
        slopes, weights = np.zeros((SHARES, *angles.shape)), self._weights(angles, inverse=True)
        arrays, factors = (self._parts(kets), self._parts(bras)), self._parts(self.mixing.factors)
        for *stage, outer in reversed(self.stages):
            shares = min(1 << len(outer), SHARES)
            arguments = (self.ops, *stage, outer, weights, factors)
            calls = (
                partial(mask_kernels.backward, *arrays, slopes[share], *arguments, share, shares)
                for share in range(shares)
            )
            run_all(list(calls))
        return slopes.sum(axis=0)

    def _weights(self, angles: FloatArray, *, inverse: bool = False) -> FloatArray:
        weights = self.mixing.weights(angles, inverse=inverse)
        return self._parts(np.ascontiguousarray(weights.swapaxes(0, 1)))

    def _parts(self, numbers: np.ndarray) -> FloatArray:
        """Return real, or real and imaginary, parts along a last axis, without a copy."""
        return numbers.view(float).reshape(*numbers.shape, numbers.itemsize // 8)

    def tangents(self, states: np.ndarray, angles: FloatArray, rates: FloatArray) -> FloatArray:
        """Apply or undo all operations with tangents; as `qvar.engines.host_sector.HostSector.tangents`."""
        undo, slopes = len(states) == 4, np.zeros((SHARES, 2, len(angles)))
        weights, rates = self._weights(angles[None], inverse=undo), -rates if undo else rates
        factors = self._parts(self.mixing.factors)
        for *stage, outer in reversed(self.stages) if undo else self.stages:
            shares, own = min(1 << len(outer), SHARES), self._parts(states)
            arguments = (self.ops, *stage, outer, weights, factors, rates)
            calls = (
                partial(mask_kernels.tangents, own, slopes[share], *arguments, share, shares) for share in range(shares)
            )
            run_all(list(calls))
        return slopes.sum(axis=0)

    def derivatives(self, states: np.ndarray, overlaps: FloatArray, angles: FloatArray, rates: FloatArray) -> None:
        """Apply all operations to a state, a costate and tangents; as `derivative_kernels.on_register`."""
        weights = self.mixing.weights(angles[None])[:, 0]
        tables = (self.masks, self.free, self.runs, weights, self.mixing.factors)
        derivative_kernels.on_register(states, overlaps, *tables, rates)


def host_register(program: Program, real: bool) -> tuple[HostRegister, IntArray]:
    """Return the circuit of a program, and which operation of the program each of its operations is.

    The caller has checked that amplitudes stay `real`.
    """
    lowered, n_qubits = program.lowered, program.n_qubits
    table = np.stack([np.asarray(getattr(lowered, name), np.int64) for name in "xzmf"], axis=1)
    order: list[int] = []
    rows, stages = [np.zeros((0, 9), np.int64)], []
    for window, own in _stages(table, n_qubits):
        bits = [bit for bit in range(n_qubits) if window >> bit & 1]
        outer = np.array([bit for bit in range(n_qubits) if not window >> bit & 1], np.int64)
        inside = _taken(table[own], bits)
        places, exchanged = _order(inside[:, 0] | inside[:, 1] | inside[:, 2], len(bits))
        inside, exchange = inside[places], exchanged[:, None]
        x, z, m, f = np.where(exchange, _exchange(inside, len(bits)), inside).T
        outside = table[own][places] & ~window
        rows.append(np.stack([x, z, f, *_runs(x, z, m, len(bits)), exchanged, *outside.T[1:]], axis=1))
        stages.append((len(order), len(order) + len(own), _pieces(bits), outer))
        order += [own[place] for place in places]
    sorted_ops = np.array(order, np.int64)
    x, z = table[sorted_ops, 0], table[sorted_ops, 1]
    forward, back = mixing_amplitudes(lowered, real)
    flip, fixed = np.where(np.bitwise_count(x & z) % 2, -1.0, 1.0), np.array(lowered.fixed)[sorted_ops]
    mixing = Mixing(np.array(forward)[sorted_ops], np.array(back)[sorted_ops], flip, fixed)
    ops = np.insert(np.concatenate(rows), mask_kernels.FIXED, fixed, axis=1)
    masks, free, runs = np.ascontiguousarray(table[sorted_ops]), *_runs(x, z, table[sorted_ops, 2], n_qubits)
    circuit = HostRegister(n_qubits, program.reference_index, mixing, masks, free, runs, ops, tuple(stages))
    if program.initial is not None:
        circuit = circuit.starting_from(program.initial.register())
    return circuit, sorted_ops


def _stages(table: IntArray, n_qubits: int) -> Iterator[tuple[int, list[int]]]:
    """Yield windows, as bits, and the operations (x, z, m, f) of each stage.

    Operations on different bits change places. A window has the lowest bits, so that amplitudes are consecutive, and
    some others next to each other.
    """
    if n_qubits <= WINDOW:
        yield (1 << n_qubits) - 1, list(range(len(table)))
        return
    near, wide = (1 << NEAR) - 1, WINDOW - NEAR
    firsts = [*range(n_qubits - wide, NEAR, -wide), NEAR]
    windows = [near | ((1 << wide) - 1) << first for first in firsts]
    flips, supports = table[:, 0].tolist(), (table[:, 0] | table[:, 1] | table[:, 2]).tolist()
    waiting = list(range(len(table)))
    while waiting:
        flipped = flips[waiting[0]]
        window = next((own for own in windows if not flipped & ~own), None)
        if window is None:  # bits far from each other
            window = flipped
            for bit in range(n_qubits):
                window |= 1 << bit if window.bit_count() < WINDOW else 0
        taken, blocked, rest = [], 0, []
        for at, op in enumerate(waiting):
            if not flips[op] & ~window and not supports[op] & blocked:
                taken.append(op)
                continue
            rest.append(op)
            blocked |= supports[op]
            if blocked + 1 >> n_qubits or len(rest) == LOOK_AHEAD:
                rest += waiting[at + 1 :]
                break
        yield window, taken
        waiting = rest


def _taken(masks: IntArray, bits: list[int]) -> IntArray:
    """Return masks of some bits of the register, counted from 0."""
    return sum((masks >> bit & 1) << place for place, bit in enumerate(bits)) + np.zeros_like(masks)


def _pieces(bits: list[int]) -> IntArray:
    """Return the starts of the pieces of consecutive amplitudes in the first chunk of a window."""
    near = next((place for place, bit in enumerate(bits) if place != bit), len(bits))
    starts = np.zeros(1, np.int64)
    for bit in bits[near:]:
        starts = np.concatenate([starts, starts | 1 << bit])
    return starts


def _runs(x: IntArray, z: IntArray, m: IntArray, n_qubits: int) -> tuple[IntArray, IntArray]:
    """Return the bits that number the runs of each operation, and the lengths of these."""
    everything = (1 << n_qubits) - 1
    highest = np.array([1 << (int(bits).bit_length() - 1) if bits else 0 for bits in x], np.int64)
    free = everything & ~m & np.where(x & m, everything, ~highest)
    bits = x | z | m | 1 << n_qubits
    runs = bits & -bits  # the lowest bit that matters
    return free & ~(runs - 1), runs


def _exchange(bits: IntArray, n_qubits: int) -> IntArray:
    """Exchange the lowest and the highest bits."""
    low, shift = (1 << mask_kernels.LOW) - 1, max(0, n_qubits - mask_kernels.LOW)
    return bits & ~(low | low << shift) | bits >> shift & low | (bits & low) << shift


def _order(support: IntArray, n_qubits: int) -> tuple[IntArray, np.ndarray]:
    """Return an order of operations with few exchanges, and whether each acts on the exchanged register.

    Operations on different bits change places.

    `support` (n_ops,) are the bits that matter to each operation. Nothing is exchanged below twice `mask_kernels.LOW`
    qubits.
    """
    if n_qubits < 2 * mask_kernels.LOW:
        return np.arange(len(support)), np.zeros(len(support), bool)
    low, shift = (1 << mask_kernels.LOW) - 1, n_qubits - mask_kernels.LOW
    order, places = [], []
    waiting, exchanged = list(range(len(support))), False
    masks = support.tolist()
    while waiting:
        blocked, rest = 0, []
        for at, op in enumerate(waiting):
            bits = masks[op]
            lowest, highest = bits & low, bits >> shift & low
            fits = not (highest if exchanged else lowest) or (lowest and highest)
            if fits and not bits & blocked:
                order.append(op)
                places.append(exchanged)
            else:
                rest.append(op)
                blocked |= bits
                if blocked + 1 >> n_qubits or len(rest) == LOOK_AHEAD:
                    rest += waiting[at + 1 :]
                    break
        waiting, exchanged = rest, not exchanged
    return np.array(order, np.int64), np.array(places, bool)
