"""Symmetries of integrals: signs of orbitals that no matrix element mixes."""

from __future__ import annotations

import numpy as np

from qvar._types import IntArray
from qvar.problems.hamiltonians import Integrals

_VANISHES = 1e-8
"""Integrals below this, in hartree, count as zero: self-consistent orbitals are symmetric to about 1e-9."""


def orbital_parities(integrals: Integrals) -> IntArray:
    r"""Compute all independent sign vectors \(s \in \{\pm 1\}^M\) under which the Hamiltonian is even.

    \(s_p s_q = 1\) wherever \(h_{pq} \neq 0\), and \(s_p s_q s_r s_s = 1\) wherever \((pq|rs) \neq 0\). They form a
    linear space over GF(2), computed by elimination. Each two-fold operation of the point group (for orbitals that
    are its eigenfunctions) is one of them. The vector of all -1, which counts electrons, is left out.

    Returns:
        Signs, shape (n_symmetries, M); the first orbital has +1 in all. Time and memory grow as M^4.
    """
    m = len(integrals.one_body)
    pairs = np.stack(np.triu_indices(m), axis=1)
    one = pairs[np.abs(integrals.one_body[pairs[:, 0], pairs[:, 1]]) > _VANISHES]
    two = np.argwhere(np.abs(integrals.two_body) > _VANISHES)
    words = {_bits(row) for row in one} | {_bits(row) for row in two}
    words.add(1)  # fixes the sign of the first orbital: of s and -s one is enough
    pivots: dict[int, int] = {}
    for word in words:
        for high, row in pivots.items():
            if word >> high & 1:
                word ^= row
        if word:
            high = word.bit_length() - 1
            pivots = {h: row ^ word if row >> high & 1 else row for h, row in pivots.items()}
            pivots[high] = word
    signs = []
    for free in (p for p in range(m) if p not in pivots):
        flipped = {free} | {high for high, row in pivots.items() if row >> free & 1}
        signs.append([-1 if p in flipped else 1 for p in range(m)])
    return np.array(signs, dtype=np.int64).reshape(len(signs), m)


def _bits(orbitals: IntArray) -> int:
    word = 0
    for p in orbitals:
        word ^= 1 << int(p)
    return word
