r"""Tapering: removal of the qubits that the \(Z_2\) symmetries of a Hamiltonian fix.

It uses bit masks and not `qml.taper`: in PennyLane 0.45 `qml.paulix_ops` counts only the wires that some
generator touches, and so picks wrong qubits under Bravyi-Kitaev.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.errors import require
from qvar.problems.hamiltonians import PauliTerms

_VANISHES = 1e-8
"""Coefficients up to this may break a symmetry: self-consistent orbitals are symmetric to about 1e-9."""
_CANCELS = 1e-14
"""Joined words whose coefficients sum to at most this, relative to the largest, cancel."""


def symmetry_generators(terms: PauliTerms) -> tuple[str, ...]:
    r"""Compute independent Z strings \(\tau_j\) that commute with every word of a Hamiltonian.

    By elimination over GF(2). A Z string commutes with a word if it shares an even number of wires with its letters X
    and Y. For molecules
    these are the parities of the numbers of spin-up and spin-down electrons and the two-fold operations of the point
    group, in whatever form the mapping gives them. Symmetries that are no Z strings are not looked for.

    Args:
        terms: the Hamiltonian; words with coefficients up to 1e-8 are ignored.

    Returns:
        Words over "IZ". Each owns one wire that no other touches, its last one; generators in order of these wires.
    """
    flips, _ = _masks(terms)
    rows = np.unique(flips[np.abs(terms.coefficients) > _VANISHES], axis=0)
    pivots: list[int] = []
    for wire in range(terms.n_qubits):
        rank = len(pivots)
        candidates = np.flatnonzero(rows[rank:, wire]) + rank
        if len(candidates):
            rows[[rank, candidates[0]]] = rows[[candidates[0], rank]]
            others = np.flatnonzero(rows[:, wire])
            rows[others[others != rank]] ^= rows[rank]
            pivots.append(wire)
    generators = []
    for wire in sorted(set(range(terms.n_qubits)) - set(pivots)):
        places = {wire} | {pivot for pivot, row in zip(pivots, rows, strict=False) if row[wire]}
        generators.append("".join("Z" if k in places else "I" for k in range(terms.n_qubits)))
    return tuple(generators)


def taper(terms: PauliTerms, bits: tuple[int, ...]) -> tuple[PauliTerms, tuple[int, ...]]:
    r"""Restrict a Hamiltonian to the symmetry sector of a basis state, on the qubits that are free there.

    In the sector where \(\tau_j = s_j\), the generator's own qubit q is fixed by the others: once
    \(Z_q = s_j \prod_{k \in \tau_j, k \ne q} Z_k\) is put in, every word that commutes with \(\tau_j\) acts on q as
    I or X, and q can be dropped. The result is the sector's block of the matrix in the computational basis, each state
    labelled by its remaining bits; so basis states stay basis states with the dropped bits left out. It is that of
    Bravyi et al. 2017, https://arxiv.org/abs/1701.08213, up to conjugation with a Z string of their Clifford frame.
    Words that break a symmetry (coefficients up to 1e-8) have no matrix element in the block. At least
    one qubit is kept: wire 0 of a diagonal Hamiltonian, all of whose qubits are fixed.

    Args:
        terms: the Hamiltonian on n qubits.
        bits: (n,) basis state that chooses \(s_j = \langle\tau_j\rangle = \pm 1\).

    Returns:
        The tapered Hamiltonian, and the basis state on its qubits.

    Raises:
        QvarError: if `bits` are not n zeros and ones.
    """
    fits = len(bits) == terms.n_qubits and not set(bits) - {0, 1}
    require(fits, "bits", f"be {terms.n_qubits} zeros and ones", bits)
    flips, signs = _masks(terms)
    coefficients = np.array(terms.coefficients)
    generators, own = _fixed(terms)

    n_y = (flips & signs).sum(axis=1)
    inside = np.ones(len(coefficients), dtype=bool)
    for generator, wire in zip(generators, own, strict=True):
        inside &= (flips @ generator) % 2 == 0
        moved = signs[:, wire] == 1
        signs[moved] ^= generator
        if generator @ np.array(bits) % 2:
            coefficients[moved] *= -1.0
    # P = i^y X^x Z^z: with another z the same operator has another number y of letters Y, and a word its own phase.
    coefficients *= 1.0 - (n_y - (flips & signs).sum(axis=1)) % 4
    kept = np.setdiff1d(np.arange(terms.n_qubits), own)
    flips, signs = flips[inside][:, kept], signs[inside][:, kept]
    return _joined(flips, signs, coefficients[inside]), tuple(int(bits[k]) for k in kept)


def all_bits(terms: PauliTerms, bits: tuple[int, ...]) -> IntArray:
    """Return all bits of a tapered Hamiltonian's basis states as sums, modulo 2, of the bits that are left.

    Args:
        terms: the Hamiltonian on n qubits, before `taper`.
        bits: (n,) basis state that chooses the sector.

    Returns:
        Shape (n, k + 1) of 0 and 1 for k qubits that are left: bit w is the sum of the bits in row w, and of its last
        entry.
    """
    generators, own = _fixed(terms)
    kept = np.setdiff1d(np.arange(terms.n_qubits), own)
    rows = np.zeros((terms.n_qubits, len(kept) + 1), dtype=np.int64)
    rows[kept, np.arange(len(kept))] = 1
    for generator, wire in zip(generators, own, strict=True):  # no generator touches the wire that another owns
        rows[wire, :-1] = generator[kept]
        rows[wire, -1] = generator @ np.array(bits) % 2
    return rows


def _fixed(terms: PauliTerms) -> tuple[Sequence[IntArray], list[int]]:
    """Return generators as masks of wires, and the wire that each fixes; at least one wire stays free."""
    generators = [np.array([letter == "Z" for letter in word], dtype=np.int64) for word in symmetry_generators(terms)]
    generators = generators[-(terms.n_qubits - 1) :] if terms.n_qubits > 1 else []
    return generators, [int(np.flatnonzero(generator)[-1]) for generator in generators]


def _masks(terms: PauliTerms) -> tuple[IntArray, IntArray]:
    """Masks of flipped bits (letters X, Y) and of signs (letters Z, Y), each (n_terms, n_qubits) of 0 and 1."""
    letters = np.array([list(word) for word in terms.words])
    flips, signs = np.isin(letters, ("X", "Y")), np.isin(letters, ("Z", "Y"))
    return flips.astype(np.int64), signs.astype(np.int64)


def _joined(flips: IntArray, signs: IntArray, coefficients: FloatArray) -> PauliTerms:
    """Sum equal words, in order of their first appearance; return a zero identity if none is left."""
    sums: dict[str, float] = {}
    for row, coefficient in zip(flips + 2 * signs, coefficients, strict=True):
        word = "".join("IXZY"[code] for code in row)
        sums[word] = sums.get(word, 0.0) + float(coefficient)
    threshold = _CANCELS * max(map(abs, sums.values()), default=0.0)
    left = {word: total for word, total in sums.items() if abs(total) > threshold}
    left = left or {"I" * flips.shape[1]: 0.0}
    return PauliTerms(tuple(left), np.array(list(left.values())))
