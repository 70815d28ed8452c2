r"""Hamiltonians as plain arrays: integrals over orbitals, or Pauli words with coefficients.

Every array is checked here, because engines read each number once and trust the symmetries: a Hamiltonian which is not
Hermitian would give an energy of no operator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.checks import finite_number, require_finite
from qvar.errors import QvarError, require, shown
from qvar.short_repr import short_repr

SYMMETRY_TOLERANCE = 1e-8
"""Deviation from symmetry that counts as rounding, relative to the largest element of the array (and to 1 if that is
smaller). Integrals from a file of 10 digits pass; the error of an energy stays near that of `exact_energy`, 1e-8."""

_SWAPS = ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1))
"""Transpositions that generate the eight symmetries of (pq|rs)."""

_OTHER_ORDERS = (
    ((0, 2, 1, 3), "physicists' order, <pq|rs> = (pr|qs)"),
    ((0, 3, 1, 2), "the order of a_p^+ a_q^+ a_r a_s, (ps|qr)"),
)
"""Transpositions to chemists' order, and the order that they start from."""


def real_array(argument: str, values: Any) -> FloatArray:
    """Return a read-only copy of real, finite numbers; a cached exact energy must stay that of these numbers.

    Raises `QvarError` if the values are not an array of numbers, have an imaginary part, or are not finite.
    """
    try:
        array: Any = np.array(values)
        if array.dtype.kind not in "iufc":
            raise TypeError
    except (TypeError, ValueError):
        raise QvarError(f"`{argument}` must be an array of real numbers, but is {shown(values)}.") from None
    if array.dtype.kind == "c":
        imaginary = np.abs(array.imag).max(initial=0.0)
        if not imaginary == 0:
            raise QvarError(f"`{argument}` must be real, but has imaginary parts up to {imaginary:.3g}.")
        array = array.real
    array = array.astype(np.float64, copy=False)
    require_finite(argument, array)
    array.setflags(write=False)
    return array


@short_repr()
@dataclass(frozen=True, eq=False, init=False)
class Integrals:
    r"""The electronic Hamiltonian over real, orthonormal orbitals of the active space.

    \(H = E_{core} + \sum_{pq} h_{pq} E_{pq} + \tfrac12 \sum_{pqrs} (pq|rs)
    (E_{pq} E_{rs} - \delta_{qr} E_{ps})\) with \(E_{pq} = \sum_\sigma a^\dagger_{p\sigma} a_{q\sigma}\).

    Deviations from symmetry below 1e-8 of the largest element are averaged away, so that the symmetries of the arrays
    are exact; larger ones are refused.
    """

    core_energy: float
    """Nuclear repulsion and the energy of the frozen core, in hartree."""
    one_body: FloatArray
    """h, shape (M, M), symmetric, in hartree; holds the mean field of the frozen core."""
    two_body: FloatArray
    """(pq|rs) in chemists' order, shape (M, M, M, M), with its eight symmetries, in hartree."""

    def __init__(self, core_energy: Any, one_body: Any, two_body: Any) -> None:
        """Check and copy the arrays.

        Args:
            core_energy: a real number, in hartree.
            one_body: h, array-like of shape (M, M), real and symmetric, in hartree.
            two_body: (pq|rs), array-like of shape (M, M, M, M), real, with its eight symmetries, in hartree.

        Raises:
            QvarError: if a shape does not fit, a number is not real or not finite, `one_body` is not symmetric, or
                `two_body` has not the eight symmetries of chemists' order.
        """
        one, two = real_array("one_body", one_body), real_array("two_body", two_body)
        m = len(one) if one.ndim else 0
        require(m > 0 and one.shape == (m, m), "one_body", "have shape (M, M)", one.shape)
        require(two.shape == (m,) * 4, "two_body", f"have shape {(m,) * 4}", two.shape)
        object.__setattr__(self, "core_energy", finite_number("core_energy", core_energy))
        object.__setattr__(self, "one_body", _symmetric(one))
        object.__setattr__(self, "two_body", _eightfold(two))

    def determinant_energy(self, alpha: Sequence[int], beta: Sequence[int]) -> float:
        r"""Return the energy of a determinant by the Slater-Condon rules, in hartree.

        \(E_{core} + \sum_{i\sigma} h_{ii} + \tfrac12 \sum_{i\sigma, j\tau} [(ii|jj) - \delta_{\sigma\tau} (ij|ji)]\).
        """
        coulomb, exchange = np.einsum("iijj->ij", self.two_body), np.einsum("ijji->ij", self.two_body)
        energy = self.core_energy + sum(np.trace(self.one_body[np.ix_(spin, spin)]) for spin in (alpha, beta))
        for spin in (alpha, beta):
            energy += 0.5 * (coulomb - exchange)[np.ix_(spin, spin)].sum()
        return float(energy + coulomb[np.ix_(alpha, beta)].sum())


def _symmetric(one: FloatArray) -> FloatArray:
    worst = np.abs(one - one.T)
    p, q = np.unravel_index(np.argmax(worst), one.shape)
    if worst[p, q] > _rounding(one):
        raise QvarError(
            f"`one_body` must be symmetric, but its elements ({p}, {q}) and ({q}, {p}) are "
            f"{one[p, q]:.10g} and {one[q, p]:.10g}."
        )
    return one if worst[p, q] == 0 else _mean(one, ((1, 0),))


def _eightfold(two: FloatArray) -> FloatArray:
    """Return the integrals with exact symmetry; arrays that have it are not copied."""
    tolerance = _rounding(two)
    deviations = [_deviation(two, axes) for axes in _SWAPS]
    worst = int(np.argmax(deviations))
    if deviations[worst] <= tolerance:
        return two if deviations[worst] == 0 else _mean(two, _SWAPS)
    for axes, order in _OTHER_ORDERS:
        transposed = two.transpose(axes)
        if all(_deviation(transposed, swap) <= tolerance for swap in _SWAPS):
            raise QvarError(
                f"`two_body` must be in chemists' order, (pq|rs), but is in {order}: give two_body.transpose{axes}."
            )
    equal = "".join("pqrs"[axis] for axis in _SWAPS[worst])
    raise QvarError(
        f"`two_body` must have the eight symmetries of real orbitals in chemists' order, but (pq|rs) and "
        f"({equal[:2]}|{equal[2:]}) differ by up to {deviations[worst]:.3g}."
    )


def _deviation(two: FloatArray, axes: tuple[int, ...]) -> float:
    """Return the largest difference from a transposition, slice by slice to save memory."""
    transposed = two.transpose(axes)
    return max(float(np.abs(here - there).max()) for here, there in zip(two, transposed, strict=True))


def _rounding(array: FloatArray) -> float:
    return SYMMETRY_TOLERANCE * max(1.0, float(np.abs(array).max()))


def _mean(array: FloatArray, swaps: Iterable[tuple[int, ...]]) -> FloatArray:
    """Average over the group that commuting transpositions generate; each sum keeps the symmetries before it."""
    for axes in swaps:
        array = 0.5 * (array + array.transpose(axes))
    array.setflags(write=False)
    return array


@short_repr("n_qubits", "words")
@dataclass(frozen=True, eq=False, init=False)
class PauliTerms:
    r"""A Hermitian operator \(\sum_k c_k P_k\) as a list of Pauli words with real coefficients."""

    words: tuple[str, ...]
    """Words over "IXYZ", one letter per wire, wire 0 first; all of length n_qubits."""
    coefficients: FloatArray
    """c, shape (n_terms,), real."""

    def __init__(self, words: Any, coefficients: Any) -> None:
        """Check and copy the terms.

        Args:
            words: words of one length over "IXYZ"; a repeated word counts each time.
            coefficients: array-like of shape (n_terms,), real.

        Raises:
            QvarError: if there is no word, one has other letters or another length, or a coefficient is not real or not
                finite.
        """
        listed = isinstance(words, Iterable) and not isinstance(words, str)
        require(listed, "words", "be a list of Pauli words", words)
        words = tuple(words)
        require(len(words) > 0, "words", "hold at least one Pauli word", words)
        for word in words:
            good = isinstance(word, str) and bool(word) and not set(word) - set("IXYZ")
            require(good and len(word) == len(words[0]), "words", "hold words of one length over 'IXYZ'", word)
        numbers, shape = real_array("coefficients", coefficients), (len(words),)
        require(numbers.shape == shape, "coefficients", f"have shape {shape}", numbers.shape)
        object.__setattr__(self, "words", tuple(map(str, words)))
        object.__setattr__(self, "coefficients", numbers)

    @property
    def n_qubits(self) -> int:
        """Number of wires that the words cover."""
        return len(self.words[0])

    def basis_state_energy(self, bits: Sequence[int]) -> float:
        """Return the expectation value in a computational basis state, one 0 or 1 per wire."""
        energy = 0.0
        for word, coefficient in zip(self.words, self.coefficients, strict=True):
            if not set(word) - set("IZ"):
                ones = sum(bit for bit, letter in zip(bits, word, strict=True) if letter == "Z")
                energy += float(coefficient) * (-1.0) ** ones
        return energy
