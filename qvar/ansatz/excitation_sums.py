r"""Exact exponentials of sums of excitations that do not commute, as products of plane rotations.

A sum \(A = \sum_i c_i (T_i - T_i^\dagger)\) on at most eight modes is a real antisymmetric matrix on their at most 256
occupation patterns, block-diagonal with small blocks. In each block

$$ A = \sum_j \lambda_j (u_j v_j^T - v_j u_j^T) = Q \Big( \sum_j \lambda_j J_j \Big) Q^T, $$

with orthonormal \(u_j, v_j\), and \(J_j\) that rotates one pattern into another one. Q does not depend on the angle:
it is a product of rotations of pairs of patterns by constant angles. So \(e^{\theta A}\) is a sequence of rotations,
each of one pair of patterns, by an angle \(\lambda_j \theta\) or by a constant one. Two of them that differ in the
occupation of one spectator mode alone are one rotation, which does not depend on that mode, or by its sign alone.

A *word* is the text of such a sum: `"1.0 32<01;-0.5 2<0"` for
\(1.0\,(a_3^\dagger a_2^\dagger a_0 a_1 - h.c.) - 0.5\,(a_2^\dagger a_0 - h.c.)\). The digits are places in the
ascending list of its modes; coefficients are exact to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from qvar._types import Excitation, FloatArray

MOST_MODES = 8
"""Largest number of modes of one sum."""

_ZERO = 1e-12
"""Size below which an entry of a matrix is rounding."""

_MOST_MERGED = 500
"""Largest number of rotations of which some are merged; more come of large blocks, where hardly any can be."""

_CLOSE = 1e-9
"""Distance below which two angles, or two eigenvalues, are equal."""


class Plane(NamedTuple):
    r"""Rotation \(e^{\varphi J}\) of pairs of patterns \(k, k \oplus x\) with \(k \wedge m = f\).

    \(J|k \oplus x\rangle = (-1)^{|k \wedge z|}\,|k\rangle\); \(\varphi\) is `factor` times the angle plus `constant`.
    The first mode is the most significant bit; f has the highest bit of x.
    """

    x: int
    z: int
    m: int
    f: int
    factor: float
    constant: float


def collected(terms: Iterable[tuple[float, Sequence[int], Sequence[int]]]) -> dict[Excitation, float]:
    r"""Collect a sum of \(c\,(T - T^\dagger)\) with equal excitations merged.

    Args:
        terms: (c, created, annihilated) with T the product of creators and annihilators in the order in which they are
            written; a mode that is both created and annihilated is a number operator.

    Returns:
        {(created, annihilated): coefficient}, created modes descending, annihilated ones ascending, the created ones
        above the others in this order of tuples; no zeros.
    """
    result: dict[Excitation, float] = {}
    for c, created, annihilated in terms:
        up, up_sign = _sorted(created, descending=True)
        down, down_sign = _sorted(annihilated, descending=False)
        sign = up_sign * down_sign
        if sign == 0 or set(up) == set(down):  # zero, or equal to its adjoint
            continue
        if up < down[::-1]:  # T - T^+ = -(T^+ - T)
            up, down, sign = down[::-1], up[::-1], -sign
        result[up, down] = result.get((up, down), 0.0) + sign * c
    return {excitation: c for excitation, c in result.items() if c != 0.0}


def _sorted(modes: Sequence[int], *, descending: bool) -> tuple[tuple[int, ...], int]:
    """Return modes in order and the sign of the permutation; the sign is 0 if a mode comes twice."""
    pairs = combinations(modes, 2)
    sign = 1
    for a, b in pairs:
        sign *= 0 if a == b else -1 if (a < b) == descending else 1
    return tuple(sorted(modes, reverse=descending)), sign


def modes_of(terms: Iterable[Excitation]) -> tuple[int, ...]:
    """Return all modes of some excitations, ascending."""
    return tuple(sorted({mode for excitation in terms for half in excitation for mode in half}))


def word_of(terms: Mapping[Excitation, float]) -> str:
    """Return the word of a sum as `collected` returns it."""
    place = {mode: str(at) for at, mode in enumerate(modes_of(terms))}
    return ";".join(
        f"{float(c)!r} {''.join(place[mode] for mode in up)}<{''.join(place[mode] for mode in down)}"
        for (up, down), c in sorted(terms.items())
    )


def terms_of(word: str, modes: Sequence[int]) -> dict[Excitation, float]:
    """Return the sum of a word whose places are these modes, as `collected` does."""
    terms = []
    for text in word.split(";"):
        c, excitation = text.split(" ")
        up, down = ([modes[int(place)] for place in half] for half in excitation.split("<"))
        terms.append((float(c), up, down))
    return collected(terms)


@lru_cache(maxsize=4096)
def reordered(word: str, order: tuple[int, ...]) -> str:
    """Return the word of the same sum if place k is mode number `order[k]`."""
    return word_of(terms_of(word, order))


@lru_cache(maxsize=512)
def local_matrix(word: str) -> csr_array:
    """Return the matrix of a sum on the patterns of its modes; the first mode is the most significant bit."""
    terms = terms_of(word, range(MOST_MODES))
    return _matrix(terms, len(modes_of(terms)))


def _matrix(terms: Mapping[Excitation, float], n: int) -> csr_array:
    patterns = np.arange(1 << n)
    rows, columns, entries = [np.zeros(0, int)], [np.zeros(0, int)], [np.zeros(0)]
    for (up, down), c in terms.items():
        state, sign, alive = patterns.copy(), np.ones(len(patterns)), np.ones(len(patterns), bool)
        for mode, occupied in [*((mode, 1) for mode in down[::-1]), *((mode, 0) for mode in up[::-1])]:
            shift = n - 1 - mode
            alive &= (state >> shift & 1) == occupied
            sign *= 1.0 - 2.0 * (np.bitwise_count(state >> (shift + 1)) % 2)
            state ^= 1 << shift
        rows += [state[alive], patterns[alive]]
        columns += [patterns[alive], state[alive]]
        entries += [c * sign[alive], -c * sign[alive]]
    places = (np.concatenate(rows), np.concatenate(columns))
    return csr_array((np.concatenate(entries), places), shape=(1 << n, 1 << n))


@lru_cache(maxsize=4096)
def commute(word: str) -> bool:
    """Return whether all terms of a word commute with each other."""
    terms = terms_of(word, range(MOST_MODES))
    n = len(modes_of(terms))
    parts = [_matrix({excitation: 1.0}, n) for excitation in terms]
    return all(abs(a @ b - b @ a).max() < _ZERO for a, b in combinations(parts, 2))


@lru_cache(maxsize=512)
def planes(word: str) -> tuple[Plane, ...]:
    """Return the rotations whose product is the exponential of angle times the sum of a word; the first acts first."""
    ops: list[Plane] = []
    for patterns, matrix in _blocks(word):
        ops += _rotations(matrix, patterns, (1 << _n_modes(word)) - 1)
    return tuple(_merged(ops) if len(ops) <= _MOST_MERGED else ops)


def _n_modes(word: str) -> int:
    return len(modes_of(terms_of(word, range(MOST_MODES))))


def _blocks(word: str) -> Iterator[tuple[list[int], FloatArray]]:
    """Yield the patterns and the matrix of each block that is not zero."""
    matrix = local_matrix(word).toarray()
    _, label = connected_components(matrix, directed=False)
    for block in np.unique(label):
        patterns = np.flatnonzero(label == block)
        if len(patterns) > 1:
            yield patterns.tolist(), matrix[np.ix_(patterns, patterns)]


def _rotations(matrix: FloatArray, patterns: list[int], everything: int) -> list[Plane]:
    """Return the rotations of one block."""
    pairs = _pairs(matrix)
    scale = np.array([size for size, _, _ in pairs])
    vectors = np.stack([vector for _, u, v in pairs for vector in (u, v)], axis=1)

    def plane(a: int, b: int, factor: float, constant: float) -> Plane:
        """Rotation that turns pattern number a towards number b."""
        x = patterns[a] ^ patterns[b]
        top = 1 << (x.bit_length() - 1)
        sign = 1.0 if patterns[b] & top else -1.0
        f = patterns[b] if patterns[b] & top else patterns[a]
        return Plane(x, 0, everything, f, sign * factor, sign * constant)

    before: list[Plane] = []
    axes: list[int] = []
    for column in range(vectors.shape[1]):
        size = np.round(np.abs(vectors[:, column]), 9)
        axis = int(np.argmax(size))
        for row in np.flatnonzero(size > 0.0):
            if row != axis:
                turn = float(np.arctan(vectors[row, column] / vectors[axis, column]))
                c, s = np.cos(turn), np.sin(turn)
                vectors[[axis, row]] = np.array([[c, s], [-s, c]]) @ vectors[[axis, row]]
                before.append(plane(axis, int(row), 0.0, -turn))
        axes.append(axis)
    signs = [np.sign(vectors[axis, column]) for column, axis in enumerate(axes)]
    turns = [
        plane(axes[2 * j + 1], axes[2 * j], float(scale[j] * signs[2 * j] * signs[2 * j + 1]), 0.0)
        for j in range(len(pairs))
    ]
    return [*before, *turns, *(op._replace(constant=-op.constant) for op in reversed(before))]


def _pairs(matrix: FloatArray) -> list[tuple[float, FloatArray, FloatArray]]:
    r"""Return \(\lambda, u, v\) of an antisymmetric matrix, with vectors of few entries."""
    values, vectors = np.linalg.eigh(1j * matrix)
    pairs = []
    for size in _distinct(values):
        own = vectors[:, np.abs(values - size) < _CLOSE]
        projector = 2.0 * np.real(own @ own.conj().T)
        for _ in range(own.shape[1]):
            norms = np.sqrt(np.maximum(np.diag(projector), 0.0))
            entries = np.where(norms > _CLOSE, (np.abs(projector) > _CLOSE).sum(axis=0), len(norms) + 1)
            at = int(np.argmin(entries))
            u = projector[:, at] / norms[at]
            v = -matrix @ u / size
            pairs.append((float(size), u, v))
            projector = projector - np.outer(u, u) - np.outer(v, v)
    return pairs


def _distinct(sizes: FloatArray) -> list[float]:
    """Return the different positive ones of some numbers, ascending."""
    ordered = np.sort(sizes[sizes > _CLOSE])
    return ordered[np.diff(ordered, prepend=-1.0) > _CLOSE].tolist()


def _merged(ops: list[Plane]) -> list[Plane]:
    """Merge rotations that differ in one spectator mode alone, as long as there are some."""
    merges = True
    while merges:
        merges = False
        left: list[Plane | None] = list(ops)
        partners: dict[tuple[int, ...], int] = {}
        for j, later in enumerate(ops):
            for bit in (1 << place for place in range(MOST_MODES) if later.m & ~later.x & 1 << place):
                i = partners.setdefault((later.x, later.z, later.m, later.f & ~bit, bit), j)
                earlier = left[i]
                if i == j or earlier is not ops[i] or left[j] is not later:
                    continue
                both = _both(ops[i], later)
                between = [op for op in left[i + 1 : j] if op is not None]
                moving = next((k for k in (j, i) if all(_disjoint(ops[k], op) for op in between)), None)
                if both is not None and moving is not None:
                    left[moving], left[i + j - moving] = None, both
                    merges = True
        ops = [op for op in left if op is not None]
    return ops


def _both(a: Plane, b: Plane) -> Plane | None:
    """Return one rotation in place of two that differ in one spectator mode; None if there is none."""
    bit = a.f ^ b.f
    if a.x != b.x or a.m != b.m or a.z != b.z or bit & (bit - 1) or not bit or bit & a.x:
        return None
    low, high = (a, b) if b.f & bit else (b, a)
    for z, sign in ((a.z, 1.0), (a.z | bit, -1.0)):
        if abs(low.factor - sign * high.factor) + abs(low.constant - sign * high.constant) < _CLOSE:
            return Plane(a.x, z, a.m & ~bit, low.f, low.factor, low.constant)
    return None


def _disjoint(a: Plane, b: Plane) -> bool:
    """Return whether two rotations act on different patterns."""
    return not any((f ^ g) & a.m & b.m == 0 for f in (a.f, a.f ^ a.x) for g in (b.f, b.f ^ b.x))


@lru_cache(maxsize=64)
def projected(word: str) -> tuple[tuple[float, FloatArray, FloatArray], ...]:
    r"""Return the exponential of a sum as functions of the angle.

    Returns:
        \(\lambda, P, K\) with \(e^{\theta A} = 1 + \sum_\lambda (\cos\lambda\theta - 1) P + \sin\lambda\theta\, K\):
        P projects on the eigenvectors of \(\pm i\lambda\), and \(K = A P / \lambda\); (2^n, 2^n) on all patterns.
    """
    matrix = local_matrix(word).toarray()
    values, vectors = np.linalg.eigh(1j * matrix)
    answer = []
    for rate in _distinct(values):
        own = vectors[:, np.abs(values - rate) < _CLOSE]
        projector = 2.0 * np.real(own @ own.conj().T)
        answer.append((rate, projector, matrix @ projector / rate))
    return tuple(answer)


@lru_cache(maxsize=4096)
def gaps(word: str) -> tuple[float, ...]:
    r"""Return the different positive differences of the eigenvalues of \(iA\), ascending."""
    blocks = list(_blocks(word))
    values = [np.linalg.eigvalsh(1j * matrix) for _, matrix in blocks]
    if sum(len(patterns) for patterns, _ in blocks) < 1 << _n_modes(word):
        values.append(np.zeros(1))  # patterns that stay
    spectrum = np.sort(np.concatenate(values))
    spectrum = spectrum[np.diff(spectrum, prepend=-np.inf) > _CLOSE]
    return tuple(_distinct((spectrum[:, None] - spectrum).ravel()))
