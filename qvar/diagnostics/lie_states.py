"""Pure states by their amplitudes, from bits or vectors; fixed gates on them, and means of Pauli strings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.gates import MaskOp
from qvar.checks import amplitude_array
from qvar.diagnostics.lie_spaces import sector_states
from qvar.errors import QvarError, require
from qvar.pauli import ComplexArray, Masks, parity

_MOST_AMPLITUDES = 1 << 22
"""Amplitudes of a state after fixed gates, at most."""


@dataclass(frozen=True)
class Amplitudes:
    """A pure state on the register by its amplitudes that are not zero."""

    index: IntArray
    values: ComplexArray


def is_bits(state: Any) -> bool:
    """Return whether a state is a list of bits: integers, not amplitudes."""
    array = np.asarray(amplitude_array("state", state))
    return array.ndim == 1 and array.dtype.kind in "iub"


def state_qubits(state: Any) -> int:
    """Return the number of qubits of a state on the whole register; 1 for None."""
    if state is None:
        return 1
    size = amplitude_array("state", state).size
    return size if is_bits(state) else max(1, int(size).bit_length() - 1)


def read_amplitudes(state: Any, n_qubits: int, sector: Any) -> Amplitudes:
    """Read a state from n bits, or from its amplitudes on the register or in a sector.

    Raises `QvarError` if it is neither, or not normalised.
    """
    array = np.asarray(amplitude_array("state", state))
    if is_bits(state):
        bits = [int(bit) for bit in array]
        fits = len(bits) == n_qubits and not set(bits) - {0, 1}
        require(fits, "state", f"be {n_qubits} bits or amplitudes", state)
        return Amplitudes(np.array([int("".join(map(str, bits)), 2)]), np.ones(1, dtype=np.complex128))
    if array.dtype.kind not in "fc":
        raise QvarError(f"`state` must be bits or amplitudes, but is {type(state).__name__}.")
    states, signs = (np.arange(1 << n_qubits), 1) if sector is None else sector_states(sector, n_qubits)
    fits = array.size == len(states) and bool(np.all(np.isfinite(array)))
    require(fits, "state", f"be bits or {len(states)} finite amplitudes", array.shape)
    values = array.ravel().astype(np.complex128) * signs
    norm = float(np.linalg.norm(values))
    require(abs(norm - 1.0) < 1e-6, "state", "have norm 1", norm)
    kept = np.flatnonzero(values)
    return Amplitudes(states[kept], values[kept] / norm)


def prepared(state: Amplitudes, gates: Iterable[tuple[MaskOp, float | None]]) -> Amplitudes:
    """Return a state after fixed gates; those without an angle are no rotations.

    Raises `QvarError` if it has more amplitudes than can be kept.
    """
    index, values = state.index, state.values
    for op, angle in gates:
        selected = index & op.m
        acted = (selected == op.f) | (selected == op.f ^ (op.x & op.m))
        # G takes |k> to w (-1)^|z & (k + x)| |k + x>
        flipped = index[acted] ^ op.x
        moved = op.w * parity(flipped, op.z) * values[acted]
        stays = values.copy()
        stays[acted] *= 0.0 if angle is None else np.cos(angle)
        moved = moved if angle is None else -1j * np.sin(angle) * moved
        index, place = np.unique(np.concatenate([index, flipped]), return_inverse=True)
        joined = np.zeros(len(index), dtype=np.complex128)
        np.add.at(joined, place, np.concatenate([stays, moved]))
        kept = np.abs(joined) > 1e-14
        index, values = index[kept], joined[kept]
        if len(index) > _MOST_AMPLITUDES:
            raise QvarError(
                f"`generators` must start from a state of at most {_MOST_AMPLITUDES} amplitudes, "
                f"but the fixed gates before the first free one make {len(index)}."
            )
    return Amplitudes(index, values)


def string_means(state: Amplitudes, x: Masks, z: Masks) -> FloatArray:
    """Return <P> of every string, (n_strings,)."""
    means = np.zeros(len(x))
    order = np.argsort(state.index)
    index, values = state.index[order], state.values[order]
    flips, group = np.unique(x, return_inverse=True)
    for number, flip in enumerate(flips.tolist()):
        place = np.minimum(np.searchsorted(index, index ^ flip), len(index) - 1)
        weights = np.where(index[place] == index ^ flip, values[place].conj() * values, 0.0)
        kept = np.flatnonzero(weights)
        if len(kept) == 0:
            continue
        for k in np.flatnonzero(group == number):
            # P(x, z)|k> = i^|x & z| (-1)^|k & z| |k + x>
            phase = 1j ** ((flip & int(z[k])).bit_count() % 4)
            means[k] = float(np.real(phase * np.sum(weights[kept] * parity(index[kept], int(z[k])))))
    return means
