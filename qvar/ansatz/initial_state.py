"""States that circuits start from in place of a determinant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from qvar._types import IntArray
from qvar.checks import whole_numbers
from qvar.determinants import occupation_strings, register_layout
from qvar.errors import QvarError, shown
from qvar.memory import require_memory
from qvar.short_repr import short_repr

ROUNDING = 1e-14
"""Amplitudes up to this, relative to the largest, are rounding and left out."""


@short_repr("n_qubits", "digest")
@dataclass(frozen=True, eq=False)
class InitialState:
    """A normalized state, as the amplitudes of its basis states that are not zero."""

    n_qubits: int
    states: IntArray
    """(k,) numbers of basis states, ascending; wire 0 is the most significant bit."""
    amplitudes: np.ndarray
    """(k,) amplitudes, real or complex."""

    @property
    def real(self) -> bool:
        """True if all amplitudes are real."""
        return not np.iscomplexobj(self.amplitudes)

    @property
    def largest(self) -> int:
        """Basis state with the largest amplitude, the first one of several."""
        return int(self.states[np.argmax(np.abs(self.amplitudes))])

    @property
    def digest(self) -> str:
        """SHA-256 of the state."""
        h = hashlib.sha256(f"{self.n_qubits} {self.amplitudes.dtype}".encode())
        h.update(self.states.tobytes())
        h.update(self.amplitudes.tobytes())
        return h.hexdigest()

    def on(self, basis_states: IntArray) -> np.ndarray:
        """Return the amplitudes of ascending basis states that hold all of its own."""
        amplitudes = np.zeros(len(basis_states), self.amplitudes.dtype)
        amplitudes[np.searchsorted(basis_states, self.states)] = self.amplitudes
        return amplitudes

    def register(self) -> np.ndarray:
        """Return all amplitudes, (2^n_qubits,); `QvarError` if they do not fit into memory."""
        require_memory("ansatz", f"a state of {self.n_qubits} qubits", 16 << self.n_qubits)
        amplitudes = np.zeros(1 << self.n_qubits, self.amplitudes.dtype)
        amplitudes[self.states] = self.amplitudes
        return amplitudes

    def matrix(self, alpha: IntArray, beta: IntArray) -> np.ndarray:
        """Return the amplitudes (alpha strings, beta strings) of determinants, alpha creation operators first."""
        index, sign = register_layout(alpha, beta, self.n_qubits // 2)
        order = np.argsort(index, axis=None)
        amplitudes = np.empty(index.size, self.amplitudes.dtype)
        amplitudes[order] = self.on(index.ravel()[order])
        return amplitudes.reshape(index.shape) * sign


def initial_state(
    state: Any, n_qubits: int, electrons: tuple[int, int] | None, basis_states: Any = None
) -> InitialState:
    """Return a state from its amplitudes, of any norm but zero.

    Args:
        state: (2^n_qubits,), wire 0 the most significant bit; or a matrix (alpha strings, beta strings) as PySCF's CI
            vectors are; or, with `basis_states`, their amplitudes.
        n_qubits: number of qubits.
        electrons: (spin up, spin down) of a matrix; None if the qubits hold no orbitals.
        basis_states: numbers of basis states, all different.

    Raises:
        QvarError: if a shape does not fit, an amplitude is not finite, or all are zero.
    """
    try:
        values: Any = np.array(state)
        if values.dtype.kind not in "iufc":
            raise TypeError
        values = values.astype(complex if values.dtype.kind == "c" else float)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise QvarError(f"`state` must be an array of amplitudes, but is {shown(state)}.") from None
    if values.dtype.kind == "c" and not values.imag.any():
        values = values.real.copy()
    if basis_states is not None:
        index = np.array(whole_numbers("basis_states", basis_states), dtype=np.int64)
        inside = bool(np.all((index >= 0) & (index < 1 << n_qubits))) and len(np.unique(index)) == len(index)
        if not inside:
            raise QvarError(
                f"`basis_states` must be different numbers below 2^{n_qubits}, but is {shown(basis_states)}."
            )
        if values.shape not in ((len(index),), (len(index), 1)):
            raise QvarError(f"`state` must have the {len(index)} amplitudes of `basis_states`, but has {values.shape}.")
    elif values.ndim == 2:
        index, sign = _determinants(values.shape, n_qubits, electrons)
        values = values * sign
    else:
        if values.shape != (1 << n_qubits,):
            raise QvarError(f"`state` must have 2^{n_qubits} amplitudes, but has the shape {values.shape}.")
        index = np.arange(1 << n_qubits)
    values, index = values.ravel(), index.ravel()
    largest = np.abs(values).max(initial=0.0)
    if not np.isfinite(largest) or largest == 0:
        raise QvarError(f"`state` must have finite amplitudes that are not all zero, but its largest is {largest}.")
    kept = np.flatnonzero(np.abs(values) > ROUNDING * largest)
    kept = kept[np.argsort(index[kept], kind="stable")]
    amplitudes = values[kept] / largest
    return InitialState(n_qubits, index[kept].astype(np.int64), amplitudes / np.linalg.norm(amplitudes))


def _determinants(
    shape: tuple[int, ...], n_qubits: int, electrons: tuple[int, int] | None
) -> tuple[IntArray, IntArray]:
    """Return basis states and signs of a matrix of determinants."""
    m = n_qubits // 2
    if electrons is None or n_qubits % 2:
        raise QvarError(
            f"`state` must have 2^{n_qubits} amplitudes if there are no electrons, but is a matrix {shape}."
        )
    expected = tuple(comb(m, number) for number in electrons)
    if shape != expected:
        raise QvarError(
            f"`state` must be a matrix {expected} of {electrons[0]} and {electrons[1]} electrons in {m} orbitals, or "
            f"have 2^{n_qubits} amplitudes, but has the shape {shape}; `basis_states` names those of another one."
        )
    alpha, beta = (occupation_strings(m, number) for number in electrons)
    return register_layout(alpha, beta, m)
