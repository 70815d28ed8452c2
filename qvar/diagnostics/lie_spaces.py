r"""Spaces of the elements of a Lie algebra, as rows of real numbers.

An element \(iH\) is a real row: its coefficients over the Pauli strings seen so far, or, inside a sector of D basis
states, \(\mathrm{Re} H + \mathrm{Im} H\), which is a \(D \times D\) matrix of the same norm. Brackets are those of the
Hermitian operators, \(i [G, H]\), so that \([iG, iH] = -i \cdot i[G, H]\) up to sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import comb, prod
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import scipy.sparse

from qvar._types import FloatArray, IntArray
from qvar.checks import whole_number, whole_numbers
from qvar.engines.occupation_strings import occupation_strings, register_layout
from qvar.errors import QvarError, require
from qvar.pauli import (
    BRACKET,
    ComplexArray,
    Masks,
    PauliSum,
    find_strings,
    parity,
    product_exponents,
    string_keys,
)

Sector: TypeAlias = int | tuple[int, int]
"""Number of ones; or (n_alpha, n_beta), ones on even and on odd wires."""

MOST_STATES = 100
"""Basis states of a sector whose algebra is computed."""

_LEAVES = 1e-9
"""Matrix elements that leave a sector, relative to the operator's norm, up to this are rounding."""
_CHUNK = 1 << 21
"""Pairs of strings that are multiplied at once."""
_TABLE_QUBITS = 10
"""Number of qubits up to which a table holds the place of every string."""
_DENSE = 0.05
"""Matrices with a larger share of nonzero elements are multiplied as dense ones."""


@runtime_checkable
class Space(Protocol):
    """Rows that represent Hermitian operators without their identity part."""

    @property
    def width(self) -> int:
        """Length of a row; it may grow."""
        ...

    @property
    def full(self) -> int:
        """Largest dimension of an algebra in this space."""
        ...

    def row(self, operator: PauliSum) -> FloatArray:
        """Return the row (width,) of an operator; widen the space if needed."""
        ...

    def bracket(self, element: FloatArray, rows: FloatArray) -> FloatArray:
        """Return the brackets i [A, H] of an element and of every row; widen the space if needed."""
        ...

    def copy(self) -> Space:
        """Return a space that may be widened independently."""
        ...


class StringSpace:
    """Rows over Pauli strings, orthonormal under Tr(A B) / 2^n; a new string gets a new column."""

    def __init__(self, n_qubits: int, x: Masks | None = None, z: Masks | None = None) -> None:
        """Make the space of some strings; empty if they are None."""
        self.n_qubits = n_qubits
        self.x: Masks = np.zeros(0, dtype=np.uint64) if x is None else x
        self.z: Masks = np.zeros(0, dtype=np.uint64) if z is None else z
        self._table: IntArray | None = None
        self._tabulated = 0

    def copy(self) -> StringSpace:
        """Return a space with the same strings."""
        return StringSpace(self.n_qubits, self.x, self.z)

    @property
    def width(self) -> int:
        """Number of strings seen."""
        return len(self.x)

    @property
    def full(self) -> int:
        """4^n - 1."""
        return 4**self.n_qubits - 1

    def columns(self, x: Masks, z: Masks) -> IntArray:
        """Return the columns of strings; new strings are appended."""
        place = self._find(x, z)
        missing = np.flatnonzero(place < 0)
        if len(missing):
            x, z = x[missing], z[missing]
            _, first, number = np.unique(string_keys(x, z), return_index=True, return_inverse=True)
            place[missing] = self.width + number
            self.x, self.z = np.concatenate([self.x, x[first]]), np.concatenate([self.z, z[first]])
        return place

    def _find(self, x: Masks, z: Masks) -> IntArray:
        if self.n_qubits > _TABLE_QUBITS:
            return find_strings(self.x, self.z, x, z)
        if self._table is None:
            self._table = np.full(4**self.n_qubits, -1, dtype=np.int64)
        shift = np.uint64(self.n_qubits)
        if self._tabulated < self.width:
            rest = slice(self._tabulated, self.width)
            self._table[(self.x[rest] << shift) | self.z[rest]] = np.arange(self._tabulated, self.width)
            self._tabulated = self.width
        return self._table[(x << shift) | z]

    def row(self, operator: PauliSum) -> FloatArray:
        """Return the coefficients of the strings."""
        place = self.columns(operator.x, operator.z)
        row = np.zeros(self.width)
        np.add.at(row, place, operator.coefficients.real)
        return row

    def bracket(self, element: FloatArray, rows: FloatArray) -> FloatArray:
        """Multiply by the matrix of i [A, P], a chunk of the strings P at a time."""
        terms = np.flatnonzero(element)
        xa, za, ca = self.x[terms, None], self.z[terms, None], element[terms]
        count = rows.shape[1]
        parts = []
        step = max(1, _CHUNK // max(1, len(terms)))
        for start in range(0, count, step):
            xb, zb = (masks[None, start : min(start + step, count)] for masks in (self.x, self.z))
            factors = BRACKET[product_exponents(xa, za, xb, zb)]
            term, which = np.nonzero(factors)
            place = self.columns(xa[term, 0] ^ xb[0, which], za[term, 0] ^ zb[0, which])
            values, shape = factors[term, which] * ca[term], (xb.shape[1], self.width)
            chunk = rows[:, start : start + step]
            if len(values) > _DENSE * shape[0] * shape[1]:
                matrix = np.zeros(shape)
                matrix[which, place] = values  # every pair makes another string
                parts.append(chunk @ matrix)
            else:
                sparse = scipy.sparse.csc_matrix((values, (which, place)), shape=shape)
                parts.append(np.asarray((sparse.T @ chunk.T).T))
        result = np.zeros((len(rows), self.width))
        for part in parts:
            result[:, : part.shape[1]] += part
        return result


class SectorSpace:
    """Rows of D x D matrices within a sector, orthonormal under Tr(A B)."""

    def __init__(self, generators: Sequence[PauliSum], sector: Any, n_qubits: int) -> None:
        """Make the space of matrices on the basis states of a sector.

        Raises:
            QvarError: if there is no such sector, it is too large, or a generator leaves it.
        """
        self.n_qubits = n_qubits
        self.states, self.signs = sector_states(sector, n_qubits)
        for one in generators:
            self.matrix(one, leaving=False)

    def copy(self) -> SectorSpace:
        """Return the space itself, whose width is fixed."""
        return self

    @property
    def n_states(self) -> int:
        """D."""
        return len(self.states)

    @property
    def width(self) -> int:
        """D^2."""
        return self.n_states**2

    @property
    def full(self) -> int:
        """D^2 - 1."""
        return self.width - 1

    @cached_property
    def _order(self) -> IntArray:
        return np.argsort(self.states)

    def find(self, states: IntArray) -> tuple[IntArray, np.ndarray]:
        """Return the places of basis states in the sector, and whether each is in it."""
        place = np.searchsorted(self.states, states, sorter=self._order)
        place = self._order[np.minimum(place, self.n_states - 1)]
        return place, self.states[place] == states

    def matrix(self, operator: PauliSum, *, leaving: bool) -> ComplexArray:
        """Return the matrix (D, D) of an operator within the sector, traceless.

        Raises `QvarError` if some leave the sector, unless `leaving` allows it.
        """
        size = self.n_states
        matrix = np.zeros((size, size), dtype=np.complex128)
        out: dict[int, Any] = {}
        column = np.arange(size)
        for x, z, c in zip(operator.x.tolist(), operator.z.tolist(), operator.coefficients.tolist(), strict=True):
            # P(x, z)|k> = i^|x & z| (-1)^|k & z| |k + x>
            values = c * 1j ** ((x & z).bit_count() % 4) * parity(self.states, z)
            place, inside = self.find(self.states ^ x)
            matrix[place[inside], column[inside]] += values[inside]
            if not inside.all():
                out[x] = out.get(x, 0.0) + np.where(inside, 0.0, values)
        worst = max((float(np.abs(values).max()) for values in out.values()), default=0.0)
        if not leaving and worst > _LEAVES * operator.norm:
            raise QvarError(
                f"`sector` must be one that all generators stay within, but {_word(operator)} leaves the sector."
            )
        matrix *= self.signs[:, None] * self.signs[None, :]
        return matrix - np.eye(size) * (np.trace(matrix) / size)

    def row(self, operator: PauliSum) -> FloatArray:
        """Return the block of an operator within the sector."""
        return self.flat(self.matrix(operator, leaving=True))

    @staticmethod
    def flat(matrices: ComplexArray) -> FloatArray:
        """Return Hermitian matrices as rows."""
        rows = matrices.real + matrices.imag
        return rows.reshape(*matrices.shape[:-2], -1)

    def matrices(self, rows: FloatArray) -> ComplexArray:
        """Return rows as Hermitian matrices."""
        square = rows.reshape(*rows.shape[:-1], self.n_states, self.n_states)
        turned = np.swapaxes(square, -1, -2)
        return (square + turned) / 2 + 0.5j * (square - turned)

    def bracket(self, element: FloatArray, rows: FloatArray) -> FloatArray:
        """Multiply the matrices."""
        size = self.n_states
        right = self.matrices(rows).reshape(-1, size) @ self.matrices(element)  # H A, whose conjugate is A H
        right = right.reshape(-1, size, size)
        return self.flat(1j * (right.conj().swapaxes(-1, -2) - right))


def _word(operator: PauliSum) -> str:
    parts = [f"{c.real:.4g} {word}" for c, word in zip(operator.coefficients[:3], operator.words[:3], strict=True)]
    return " + ".join(parts) + (" + ..." if len(operator.x) > 3 else "")


def sector_states(sector: Any, n_qubits: int) -> tuple[IntArray, IntArray]:
    r"""Return the basis states of a sector and their signs, (D,) each.

    Hamming weight k: ascending integers, no signs. (n_alpha, n_beta): the order and the signs of the sector engine,
    alpha strings times beta strings, \(s(a, b) = (-1)^{\sum_{p \in a} |\{q < p : q \in b\}|}\).

    Raises `QvarError` if there is no such sector, or it has more than 100 states.
    """
    if isinstance(sector, tuple | list) and len(sector) == 2:
        require(n_qubits % 2 == 0, "sector", f"be a number of ones for {n_qubits} qubits", sector)
        numbers, orbitals = whole_numbers("sector", sector), n_qubits // 2
    elif isinstance(sector, tuple | list):
        raise QvarError(f"`sector` must be a number of ones or a pair (n_alpha, n_beta), but is {sector!r}.")
    else:
        numbers, orbitals = [whole_number("sector", sector)], n_qubits
    fits = all(0 <= number <= orbitals for number in numbers)
    require(fits, "sector", f"have from 0 to {orbitals} ones{' of each spin' * (len(numbers) - 1)}", sector)
    size = prod(comb(orbitals, number) for number in numbers)
    if size > MOST_STATES:
        raise QvarError(f"`sector` must have at most {MOST_STATES} basis states, but {sector!r} has {size}.")
    if len(numbers) == 1:
        states = occupation_strings(n_qubits, numbers[0])
        return states, np.ones_like(states)
    alpha, beta = (occupation_strings(orbitals, number) for number in numbers)
    states, signs = register_layout(alpha, beta, orbitals)
    return states.ravel(), signs.ravel()
