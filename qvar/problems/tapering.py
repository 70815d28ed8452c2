r"""Tapering: removal of the qubits that the \(Z_2\) symmetries of a Hamiltonian fix.

It uses bit masks and not `qml.taper`: in PennyLane 0.45 `qml.paulix_ops` counts only the wires that some
generator touches, and so picks wrong qubits under Bravyi-Kitaev.
"""

from __future__ import annotations

import numpy as np

from qvar._types import IntArray
from qvar.errors import require
from qvar.pauli import PauliSum, word_masks
from qvar.problems.hamiltonians import PauliTerms

_VANISHES = 1e-8
"""Coefficients up to this may break a symmetry: self-consistent orbitals are symmetric to about 1e-9."""
_CANCELS = 1e-14
"""Joined words whose coefficients sum to at most this, relative to the largest, cancel."""


def symmetry_generators(terms: PauliTerms) -> tuple[str, ...]:
    r"""Compute independent Z strings \(\tau_j\) that commute with every word of a Hamiltonian.

    By elimination over GF(2). A Z string commutes with a word if it shares an even number of wires with its letters X
    and Y. For molecules these are the parities of the numbers of spin-up and spin-down electrons and the two-fold
    operations of the point group, in the form of the mapping. Symmetries that are no Z strings are not considered.

    Args:
        terms: the Hamiltonian; words with coefficients up to 1e-8 are ignored.

    Returns:
        Words over "IZ". Each owns one wire that no other touches, its last one; generators in order of these wires.
    """
    rows: list[int] = []
    for row in word_masks(terms.words)[0][np.abs(terms.coefficients) > _VANISHES].tolist():
        for other in rows:
            row = min(row, row ^ other)  # no row has the leading bit of another
        if row:
            rows = [*(min(other, other ^ row) for other in rows), row]
    n, pivots = terms.n_qubits, {1 << row.bit_length() - 1: row for row in rows}
    free = [bit for bit in (1 << n - 1 - wire for wire in range(n)) if bit not in pivots]
    masks = [bit | sum(pivot for pivot, row in pivots.items() if row & bit) for bit in free]
    return tuple(f"{mask:0{n}b}".translate(str.maketrans("01", "IZ")) for mask in masks)


def taper(terms: PauliTerms, bits: tuple[int, ...]) -> tuple[PauliTerms, tuple[int, ...]]:
    r"""Restrict a Hamiltonian to the symmetry sector of a basis state, on the qubits that are free there.

    In the sector where \(\tau_j = s_j\), the generator's own qubit q is fixed by the others: once
    \(Z_q = s_j \prod_{k \in \tau_j, k \ne q} Z_k\) is put in, every word that commutes with \(\tau_j\) acts on q as
    I or X, and q can be dropped. The result is the sector's block of the matrix in the computational basis, each state
    labelled by its remaining bits; so basis states stay basis states with the dropped bits left out. It is that of
    Bravyi et al. 2017, https://arxiv.org/abs/1701.08213, up to conjugation with a Z string of their Clifford frame.
    Words that break a symmetry (coefficients up to 1e-8) have no matrix element in the block. At least one qubit is
    kept: wire 0 of a diagonal Hamiltonian, all of whose qubits are fixed.

    Raises `QvarError` if `bits` are not n zeros and ones.
    """
    fits = len(bits) == terms.n_qubits and not set(bits) - {0, 1}
    require(fits, "bits", f"be {terms.n_qubits} zeros and ones", bits)
    x, z = word_masks(terms.words)
    coefficients, state, generators = np.array(terms.coefficients), _number(bits), _fixed(terms)
    n_y = np.bitwise_count(x & z).astype(np.int64)
    inside = np.ones(len(coefficients), dtype=bool)
    for generator in generators:
        inside &= np.bitwise_count(x & generator) % 2 == 0
        moved = (z & (generator & -generator)) != 0
        z[moved] ^= generator
        if (generator & state).bit_count() % 2:
            coefficients[moved] *= -1.0
    # P = i^y X^x Z^z: with another z the same operator has another number y of letters Y, and a word its own phase.
    coefficients *= 1.0 - (n_y - np.bitwise_count(x & z).astype(np.int64)) % 4
    kept = _free_wires(generators, terms.n_qubits)
    words = PauliSum(terms.n_qubits, x[inside], z[inside], coefficients[inside].astype(np.complex128)).words
    sums: dict[str, float] = {}
    for word, coefficient in zip(words, coefficients[inside].tolist(), strict=True):
        word = "".join(word[wire] for wire in kept)
        sums[word] = sums.get(word, 0.0) + coefficient
    threshold = _CANCELS * max(map(abs, sums.values()), default=0.0)
    left = {word: total for word, total in sums.items() if abs(total) > threshold} or {"I" * len(kept): 0.0}
    return PauliTerms(tuple(left), np.array(list(left.values()))), tuple(int(bits[wire]) for wire in kept)


def all_bits(terms: PauliTerms, bits: tuple[int, ...]) -> IntArray:
    """Return all bits of a tapered Hamiltonian's basis states as sums, modulo 2, of the bits that are left.

    `bits` choose the sector of the Hamiltonian before `taper`. Of shape (n, k + 1) for k qubits that are left: bit w is
    the sum of the bits in row w, and of its last entry.
    """
    n, generators = terms.n_qubits, _fixed(terms)
    kept = _free_wires(generators, n)
    rows = np.zeros((n, len(kept) + 1), dtype=np.int64)
    rows[kept, np.arange(len(kept))] = 1
    for generator in generators:  # no generator touches the wire that another owns
        wire = n - (generator & -generator).bit_length()
        rows[wire, :-1] = [generator >> (n - 1 - free) & 1 for free in kept]
        rows[wire, -1] = (generator & _number(bits)).bit_count() % 2
    return rows


def _fixed(terms: PauliTerms) -> list[int]:
    """Return the masks of generators that each fix a wire, their lowest bit; at least one wire stays free."""
    generators = symmetry_generators(terms)[-(terms.n_qubits - 1) :] if terms.n_qubits > 1 else ()
    return [int(word.translate(str.maketrans("IZ", "01")), 2) for word in generators]


def _free_wires(generators: list[int], n_qubits: int) -> list[int]:
    fixed = sum(generator & -generator for generator in generators)
    return [wire for wire in range(n_qubits) if not fixed >> (n_qubits - 1 - wire) & 1]


def _number(bits: tuple[int, ...]) -> int:
    return int("".join(str(int(bit)) for bit in bits), 2)
