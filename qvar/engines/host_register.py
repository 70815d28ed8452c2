"""Circuits on registers of 2^n amplitudes on the host, one mask operation at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.program import Program
from qvar.engines import derivative_kernels, mask_kernels
from qvar.engines.host_angles import Mixing
from qvar.engines.mask_operations import mixing_amplitudes


@dataclass(frozen=True, eq=False)
class HostRegister:
    """A circuit on registers; states are changed in place."""

    n_qubits: int
    reference: int
    mixing: Mixing
    masks: IntArray
    """(n_ops, 4) x, z, m, f."""
    free: IntArray
    """(n_ops,) bits that number the runs of an operation, see `mask_kernels.forward`."""
    runs: IntArray
    """(n_ops,) lengths of these."""

    @property
    def size(self) -> int:
        """Amplitudes of a state."""
        return 1 << self.n_qubits

    def start(self, n: int) -> np.ndarray:
        """Return the reference n times, (n, 2^n_qubits)."""
        states = np.zeros((n, 1 << self.n_qubits), self.mixing.generator.dtype)
        states[:, self.reference] = 1.0
        return states

    def forward(self, states: np.ndarray, angles: FloatArray) -> None:
        """Apply all operations at angles (n, n_ops)."""
        mask_kernels.forward(states, self.masks, self.free, self.runs, self.mixing.weights(angles))

    def backward(self, kets: np.ndarray, bras: np.ndarray, angles: FloatArray) -> FloatArray:
        """Undo all operations, and return Re <bra|-iG|ket> of each, (n, n_ops)."""
        slopes, weights = np.zeros(angles.shape), self.mixing.weights(angles, inverse=True)
        mask_kernels.backward(kets, bras, slopes, self.masks, self.free, self.runs, weights, self.mixing.factors)
        return slopes

    def tangents(self, states: np.ndarray, angles: FloatArray, rates: FloatArray) -> FloatArray:
        """Apply or undo all operations with tangents; as `qvar.engines.host_sector.HostSector.tangents`."""
        undo, slopes = len(states) == 4, np.zeros((2, len(angles)))
        weights = self.mixing.weights(angles[None], inverse=undo)[:, 0]
        rates = -rates if undo else rates
        mask_kernels.tangents(states, slopes, self.masks, self.free, self.runs, weights, self.mixing.factors, rates)
        return slopes

    def derivatives(self, states: np.ndarray, overlaps: FloatArray, angles: FloatArray, rates: FloatArray) -> None:
        """Apply all operations to a state, a costate and tangents; as `derivative_kernels.on_register`."""
        weights = self.mixing.weights(angles[None])[:, 0]
        tables = (self.masks, self.free, self.runs, weights, self.mixing.factors)
        derivative_kernels.on_register(states, overlaps, *tables, rates)


def host_register(program: Program, real: bool) -> HostRegister:
    """Return the circuit of a program.

    Args:
        program: the circuit.
        real: whether amplitudes stay real; the caller has checked.
    """
    lowered, everything = program.lowered, (1 << program.n_qubits) - 1
    x, z, m, f = (np.asarray(getattr(lowered, name), np.int64) for name in "xzmf")
    highest = np.array([1 << (int(bits).bit_length() - 1) if bits else 0 for bits in x], np.int64)
    free = everything & ~m & np.where(x & m, everything, ~highest)
    bits = x | z | m | 1 << program.n_qubits
    runs = bits & -bits  # the lowest bit that matters
    forward, back = mixing_amplitudes(lowered, real)
    flip = np.where(np.bitwise_count(x & z) % 2, -1.0, 1.0)
    masks = np.stack([x, z, m, f], axis=1) if len(x) else np.zeros((0, 4), np.int64)
    mixing = Mixing(np.array(forward), np.array(back), flip, np.array(lowered.fixed))
    return HostRegister(program.n_qubits, program.reference_index, mixing, masks, free & ~(runs - 1), runs)
