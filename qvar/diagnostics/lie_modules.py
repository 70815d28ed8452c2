r"""Module of an observable under a Lie algebra, and second moments over its group.

The module M of an operator O is the span of O and its nested commutators with the algebra. On real coordinates in an
orthonormal basis of M, a random U of the group acts by an orthogonal matrix. With o and r those of O and of the state,

$$ \mathrm{E}[\mathrm{Tr}(\rho U^\dagger O U)^2] = r^T \, \mathcal T(o o^T) \, r, $$

\(\mathcal T\) the orthogonal projection onto the matrices that commute with the algebra on M (Schur's lemma).
Directions in which M is constant belong to the mean, and are left out. Where M is a sum of irreducible S of which no
two are equivalent, \(\mathcal T(o o^T) = \sum_S |o_S|^2 / \dim S\) times the projector on S. An O of the algebra itself
has simple ideals for S.

Strings: M is spanned by strings, which fall into orbits under commutators with the generators. A matrix that commutes
with all commutators decomposes by the string Q that it shifts by. On an orbit, the part of Q is a multiple of
\(L_Q: P \mapsto Q P\) (or \(i Q P\)) if Q commutes with all generators and maps the orbit to an orbit, and zero
otherwise, because the orbit is connected. The \(L_Q\) are signed permutations, orthogonal to each other.

Sums: the weights of M are the eigenvalues of a random element. A weight of multiplicity one belongs to one irreducible
S, which its eigenvector generates, and no other S is equivalent. The complement of S is decomposed in the same way. A
rest without such weights, that of equivalent S, is averaged over the tori of three elements in alternation, which
converges to the average over the group that they generate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from qvar._types import FloatArray, IntArray
from qvar.diagnostics.lie_algebra import LieAlgebra, close_rows, close_strings
from qvar.diagnostics.lie_spaces import Space
from qvar.errors import QvarError
from qvar.pauli import BRACKET, ComplexArray, Masks, PauliSum, find_strings, product_exponents

MOST_ELEMENTS = 4096
"""Largest module over sums that is decomposed: time grows with the third power."""

_SHIFT_SIGNS = np.array([1.0, -1.0, -1.0, 1.0])
"""Signs by e of the products Q P of strings that commute, and i Q P of strings that do not."""
_ZERO = 1e-8
"""Weights that differ by no more, relative to the largest, are equal."""
_STILL = 1e-12
"""Squares of weights up to this, relative to the largest, are zero."""
_INVARIANT = 1e-6
"""Leakage out of a part under commutators that is allowed, relative to the largest."""
_TRIES = 3
MOST_MIXED = 512
"""Largest part of a module whose irreducible parts are not separated."""
_ROUNDS = 2000
_CONVERGED = 1e-13


@dataclass(frozen=True, eq=False)
class StringModule:
    """A module spanned by Pauli strings."""

    x: Masks
    z: Masks
    own_x: Masks
    """Strings that generate the algebra."""
    own_z: Masks
    orbit: IntArray
    """(n_strings,) number of the orbit of each string."""

    @cached_property
    def _members(self) -> list[IntArray]:
        """Strings of every orbit; an orbit of one is a constant, and has none."""
        order = np.argsort(self.orbit, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(self.orbit[order])) + 1)
        return [part if len(part) > 1 else part[:0] for part in parts]

    @cached_property
    def _pattern(self) -> IntArray:
        """(n_strings,) equal if strings anticommute with the same generators."""
        odd = product_exponents(self.x[:, None], self.z[:, None], self.own_x[None, :], self.own_z[None, :]) % 2
        return np.unique(np.packbits(odd, axis=1), axis=0, return_inverse=True)[1].reshape(-1)

    def coordinates(self, operator: PauliSum) -> FloatArray:
        """Return the coefficients of the strings."""
        place = find_strings(operator.x, operator.z, self.x, self.z)
        return np.where(place >= 0, operator.coefficients.real[place], 0.0)

    def twirl(self, v: FloatArray) -> scipy.sparse.csr_matrix:
        """Return the projection of v v^T onto the commutant of the algebra, constants left out."""
        by_pattern = np.argsort(self._pattern, kind="stable")
        starts = np.searchsorted(self._pattern[by_pattern], np.arange(self._pattern.max(initial=0) + 2))
        rows, columns, values = [], [], []
        for members in self._members:
            if len(members) == 0 or not v[members].any():
                continue
            x, z, pattern = self.x[members], self.z[members], int(self._pattern[members[0]])
            for partner in by_pattern[starts[pattern] : starts[pattern + 1]]:
                qx, qz = x[:1] ^ self.x[partner], z[:1] ^ self.z[partner]
                signs = _SHIFT_SIGNS[product_exponents(qx, qz, x, z)]
                target = self._find(x ^ qx, z ^ qz)
                weight = float(np.sum(v[target] * signs * v[members])) / len(members)
                if weight != 0.0:
                    rows.append(target)
                    columns.append(members)
                    values.append(weight * signs)
        size = (len(self.x), len(self.x))
        if not rows:
            return scipy.sparse.csr_matrix(size)
        places = (np.concatenate(rows), np.concatenate(columns))
        return scipy.sparse.csr_matrix((np.concatenate(values), places), shape=size)

    def _find(self, x: Masks, z: Masks) -> IntArray:
        return find_strings(self.x, self.z, x, z)

    def _bracket(self, generator: PauliSum) -> scipy.sparse.csr_matrix:
        """Return the matrix of i [G, .]."""
        gx, gz = generator.x[:, None], generator.z[:, None]
        factors = BRACKET[product_exponents(gx, gz, self.x[None, :], self.z[None, :])]
        term, which = np.nonzero(factors)
        place = self._find(generator.x[term] ^ self.x[which], generator.z[term] ^ self.z[which])
        values = factors[term, which] * generator.coefficients.real[term]
        return scipy.sparse.csr_matrix((values, (place, which)), shape=(len(self.x), len(self.x)))

    def turned(self, generator: PauliSum, v: FloatArray) -> FloatArray:
        """Return the coordinates of i [G, .] of an element."""
        return self._bracket(generator) @ v

    def moment(self, o: FloatArray, r: FloatArray) -> float:
        """Return E <r, U o>^2 over the group, constants left out."""
        return float(r @ (self.twirl(o) @ r))

    def moment_around(self, o: FloatArray, r: FloatArray, generator: PauliSum) -> float:
        """Return E <r, U i[G, V o]>^2 over independent U and V."""
        bracket = self._bracket(generator)
        return float((bracket @ self.twirl(o) @ bracket.T).multiply(self.twirl(r)).sum())


@dataclass(frozen=True, eq=False)
class Mixed:
    """A part of a module that may hold equivalent irreducible parts."""

    rows: FloatArray
    """(d, width) orthonormal."""
    matrices: Sequence[FloatArray]
    """(d, d) antisymmetric matrices of two random elements of the algebra, acting on coordinates from the right."""

    @cached_property
    def _tori(self) -> list[tuple[ComplexArray, np.ndarray]]:
        """Eigenvectors of elements, and which pairs of their eigenvalues are equal."""
        tori = []
        for angle in (0.0, np.pi / 3, 2 * np.pi / 3):
            values, vectors = np.linalg.eigh(1j * (np.cos(angle) * self.matrices[0] + np.sin(angle) * self.matrices[1]))
            new = np.diff(values, prepend=values[:1]) > _ZERO * max(float(np.abs(values).max()), _ZERO)
            group = np.cumsum(new)
            tori.append((vectors, group[:, None] == group[None, :]))
        return tori

    def twirl(self, v: FloatArray) -> FloatArray:
        """Return the projection of v v^T onto the commutant of the algebra.

        Raises:
            QvarError: if the average does not converge.
        """
        twirled = np.outer(v, v)
        for _ in range(_ROUNDS):
            before = twirled
            for vectors, equal in self._tori:
                inner = np.where(equal, vectors.conj().T @ twirled @ vectors, 0.0)
                twirled = (vectors @ inner @ vectors.conj().T).real
            if np.abs(twirled - before).max() <= _CONVERGED * _length(v):
                return twirled
        raise QvarError("`observable` must be one whose average over the group converges, but it does not.")


@dataclass(frozen=True, eq=False)
class RowModule:
    """A module over sums, constants left out."""

    space: Space
    width: int
    """Length of rows."""
    parts: Sequence[FloatArray]
    """Irreducible parts of which no two are equivalent, (d, width) orthonormal rows of each."""
    mixed: Mixed | None = None
    """The rest, if there is one."""

    def coordinates(self, operator: PauliSum) -> FloatArray:
        """Return the row of an operator of the module."""
        return self.space.row(operator)[: self.width]

    def turned(self, generator: PauliSum, v: FloatArray) -> FloatArray:
        """Return the row of i [G, .] of an element."""
        return self._bracket(generator, v[None, :])[0]

    def _bracket(self, generator: PauliSum, rows: FloatArray) -> FloatArray:
        space = self.space.copy()
        element = space.row(generator)
        rows = np.pad(rows, ((0, 0), (0, space.width - self.width)))
        return space.bracket(element, rows)[:, : self.width]

    def moment(self, o: FloatArray, r: FloatArray) -> float:
        """Return E <r, U o>^2 over the group, constants left out."""
        total = sum(_length(part @ o) * _length(part @ r) / len(part) for part in self.parts)
        if self.mixed is not None:
            r = self.mixed.rows @ r
            total += float(r @ self.mixed.twirl(self.mixed.rows @ o) @ r)
        return float(total)

    def moment_around(self, o: FloatArray, r: FloatArray, generator: PauliSum) -> float:
        """Return E <r, U i[G, V o]>^2 over independent U and V."""
        total = 0.0
        for part in self.parts:
            weight = _length(part @ o) * _length(part @ r) / len(part) ** 2
            total += weight * _length(self._bracket(generator, part)) if weight else 0.0
        if self.mixed is not None:
            rows = self.mixed.rows
            bracket = self._bracket(generator, rows) @ rows.T
            inner = bracket.T @ self.mixed.twirl(rows @ o) @ bracket
            total += float(np.sum(inner * self.mixed.twirl(rows @ r)))
        return total


def _length(rows: FloatArray) -> float:
    return float(np.sum(rows**2))


def string_module(algebra: LieAlgebra, operator: PauliSum, limit: int) -> StringModule:
    """Return the module of an operator under an algebra of strings.

    Raises `QvarError` if its dimension is larger than `limit`.
    """
    own = algebra.generators
    x, z, complete, _ = close_strings(own, limit, operator.strings())
    if not complete:
        raise QvarError(
            f"`limit` must be at least the dimension of what the algebra turns the observable into, but is {limit}."
        )
    own_x, own_z = (np.concatenate([getattr(one, name) for one in own] or [x[:0]]) for name in "xz")
    edges = []
    for k in range(len(own)):
        moved = np.flatnonzero(product_exponents(x, z, own_x[k : k + 1], own_z[k : k + 1]) % 2)
        edges.append((moved, find_strings(x, z, x[moved] ^ own_x[k], z[moved] ^ own_z[k])))
    starts, ends = (np.concatenate([edge[side] for edge in edges] or [np.zeros(0, dtype=np.int64)]) for side in (0, 1))
    graph = scipy.sparse.csr_matrix((np.ones(len(starts)), (starts, ends)), shape=(len(x), len(x)))
    orbit = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    return StringModule(x, z, own_x, own_z, orbit)


def row_module(algebra: LieAlgebra, operator: PauliSum, limit: int) -> RowModule:
    """Return the module of an operator under an algebra of sums, or in a sector.

    Raises `QvarError` if it is too large, or holds equivalent parts.
    """
    assert algebra.rows is not None
    space = algebra.space.copy()
    row = space.row(operator)
    size = float(np.linalg.norm(row))
    if algebra.dimension == space.full:  # all traceless operators, which are irreducible
        return RowModule(space, space.width, [algebra.rows] if algebra.dimension else [])
    if size == 0.0 or algebra.dimension == 0:
        return RowModule(space, space.width, [])
    most = min(limit, MOST_ELEMENTS)
    rows, complete = close_rows(space, [row / size], most, algebra.rows, strict=False)
    if not complete:
        raise QvarError(
            f"`observable` must be one that the algebra turns into a space of dimension at most {most}, "
            "but its is larger."
        )
    width = rows.shape[1]
    for seed in range(_TRIES):
        draw = np.random.default_rng(seed)
        elements = draw.normal(size=(2, algebra.dimension)) / np.sqrt(algebra.dimension) @ algebra.rows
        matrices = []
        for element in elements:
            scratch = space.copy()
            full = np.zeros(width)
            full[: element.size] = element
            matrices.append(scratch.bracket(full, rows)[:, :width] @ rows.T)
        matrices = [(matrix - matrix.T) / 2 for matrix in matrices]
        parts, rest = _irreducible(matrices)
        if not _invariant([*parts, rest], matrices):
            continue
        if len(rest) > MOST_MIXED:
            raise QvarError(
                f"`observable` must be one that the algebra turns into at most {MOST_MIXED} dimensions with equivalent "
                f"parts, but its has {len(rest)}."
            )
        mixed = Mixed(rest @ rows, [rest @ matrix @ rest.T for matrix in matrices]) if len(rest) else None
        return RowModule(space, width, [part @ rows for part in parts], mixed)
    raise QvarError("`observable` must be one whose parts separate in double precision, but they do not.")


def _invariant(parts: Sequence[FloatArray], matrices: Sequence[FloatArray]) -> bool:
    """Return whether matrices map each part to itself."""
    largest = max((float(np.abs(matrix).max()) for matrix in matrices), default=0.0)
    images = [(part, part @ matrix) for part in parts if len(part) for matrix in matrices]
    return all(np.abs(image - image @ part.T @ part).max() <= _INVARIANT * largest for part, image in images)


class _Matrices:
    """Two matrices as a space for `close_rows`."""

    def __init__(self, matrices: Sequence[FloatArray]) -> None:
        self._matrices = matrices
        self.width = len(matrices[0])
        self.full = self.width

    def row(self, operator: PauliSum) -> FloatArray:
        raise NotImplementedError

    def bracket(self, element: FloatArray, rows: FloatArray) -> FloatArray:
        return rows @ (element[0] * self._matrices[0] + element[1] * self._matrices[1])

    def copy(self) -> _Matrices:
        return self


def _irreducible(matrices: Sequence[FloatArray]) -> tuple[list[FloatArray], FloatArray]:
    """Return irreducible parts under two antisymmetric matrices, none equivalent, and the rest without constants."""
    values, vectors = np.linalg.eigh(sum(matrix.T @ matrix for matrix in matrices))
    largest = float(np.sqrt(max(float(values[-1]), 0.0)))
    if largest <= _ZERO:
        return [], np.zeros((0, len(values)))
    rest = vectors[:, values > _STILL * largest**2].T
    parts: list[FloatArray] = []
    while len(rest):
        generated = _generated([rest @ matrix @ rest.T for matrix in matrices], largest)
        if not generated:
            break
        parts += [part @ rest for part in generated]
        taken = np.concatenate(generated)
        rest = np.linalg.qr(taken.T, mode="complete")[0][:, len(taken) :].T @ rest
    return parts, rest


def _generated(matrices: Sequence[FloatArray], scale: float) -> list[FloatArray]:
    """Return the irreducible parts that weights of multiplicity one generate."""
    values, vectors = np.linalg.eigh(1j * matrices[0])
    weights: ComplexArray = vectors
    gaps = np.diff(values, prepend=-np.inf, append=np.inf)
    gap = np.minimum(gaps[:-1], gaps[1:])
    once = np.flatnonzero((gap > _ZERO * scale) & (values > _ZERO * scale))
    size = len(values)
    parts: list[FloatArray] = []
    covered = np.zeros((0, size))
    for k in once[np.argsort(-gap[once])]:
        seeds = np.sqrt(2.0) * np.stack([weights[:, k].real, weights[:, k].imag])
        if _length(covered @ seeds.T) > 1.0:
            continue
        part, _ = close_rows(_Matrices(matrices), list(seeds), size, np.eye(2), strict=False)
        parts.append(part)
        covered = np.concatenate([covered, part])
    return parts
