r"""Sums of Pauli strings as bit masks: words, products, commutators, parities.

A string is two integers, wire 0 the most significant of n bits: the bits x that it flips (letters X and Y) and the bits
z whose parity is its sign (letters Y and Z),

$$ P(x, z) = i^{|x \wedge z|} X^x Z^z, \qquad P(a) P(b) = i^{e} P(a \oplus b), \qquad
   P(x, z) |k\rangle = i^{|x \wedge z|} (-1)^{|k \wedge z|} |k \oplus x\rangle $$

with \(e = |x_a \wedge z_a| + |x_b \wedge z_b| + 2 |z_a \wedge x_b| - |(x_a \oplus x_b) \wedge (z_a \oplus z_b)|\). Two
strings anticommute if e is odd, and then \(i [P(a), P(b)] = 2 (e - 2) P(a \oplus b)\) with \(e \in \{1, 3\}\) modulo 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from qvar._types import IntArray

Masks: TypeAlias = np.ndarray[Any, np.dtype[Any]]
"""Bit masks, one bit for each wire: uint64, or Python integers above 64 wires."""
ComplexArray: TypeAlias = np.ndarray[Any, np.dtype[np.complex128]]

MAX_QUBITS = 62
"""Largest register: basis states are numbered by 64-bit integers."""

CANCELS = 1e-12
"""Coefficients up to this, relative to the largest, are rounding."""

BRACKET = np.array([0.0, -2.0, 0.0, 2.0])
"""c by e in i [P(a), P(b)] = c P(a + b)."""


def parity(strings: IntArray | int, mask: int) -> IntArray:
    """Return (-1)^(number of ones of each string under the mask), int64."""
    return 1 - 2 * (np.bitwise_count(np.asarray(strings, dtype=np.int64) & mask).astype(np.int64) & 1)


def word_masks(words: Sequence[str]) -> tuple[Masks, Masks]:
    """Return the masks x and z of Pauli words of one length over "IXYZ", wire 0 first."""
    dtype = np.uint64 if len(words[0]) <= 64 else object
    x, z = (
        np.array([int(word.translate(str.maketrans("IXYZ", bits)), 2) for word in words], dtype=dtype)
        for bits in ("0110", "0011")
    )
    return x, z


def product_exponents(xa: Masks, za: Masks, xb: Masks, zb: Masks) -> np.ndarray:
    """Return the exponents e modulo 4 of products P(a) P(b), broadcast, uint8; odd if the strings anticommute."""
    flips = np.bitwise_count(xa & za) + np.bitwise_count(xb & zb) + 2 * np.bitwise_count(za & xb)
    return ((flips - np.bitwise_count((xa ^ xb) & (za ^ zb))) & 3).astype(np.uint8, copy=False)  # modulo 256 on the way


def string_keys(x: Masks, z: Masks) -> Masks:
    """Return one integer for each string, equal for equal strings; only keys of one call may be compared."""
    if len(x) and int((x | z).max()) >> 32:  # ranks of the masks
        x, z = (np.unique(masks, return_inverse=True)[1].astype(np.uint64) for masks in (x, z))
    return (x << np.uint64(32)) | z


def find_strings(x: Masks, z: Masks, wanted_x: Masks, wanted_z: Masks) -> IntArray:
    """Return positions of wanted strings among distinct ones; -1 for a string that is missing."""
    if len(x) == 0:
        return np.full(len(wanted_x), -1, dtype=np.int64)
    keys = string_keys(np.concatenate([x, wanted_x]), np.concatenate([z, wanted_z]))
    known, wanted = keys[: len(x)], keys[len(x) :]
    order = np.argsort(known)
    place = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(x) - 1)]
    return np.where(known[place] == wanted, place, -1)


@dataclass(frozen=True, eq=False)
class PauliSum:
    r"""An operator \(\sum_k c_k P(x_k, z_k)\) on n qubits."""

    n_qubits: int
    x: Masks
    """(n_strings,) bits that each string flips."""
    z: Masks
    """(n_strings,) bits whose parity is its sign."""
    coefficients: ComplexArray
    """(n_strings,) complex; real if the operator is Hermitian."""

    @property
    def words(self) -> tuple[str, ...]:
        """The strings as words over "IXYZ", wire 0 first."""
        bits = range(self.n_qubits - 1, -1, -1)
        masks = zip(self.x.tolist(), self.z.tolist(), strict=True)
        return tuple("".join("IXZY"[(x >> bit & 1) + 2 * (z >> bit & 1)] for bit in bits) for x, z in masks)

    @property
    def norm(self) -> float:
        r"""\(\sqrt{\mathrm{Tr}(A^\dagger A) / 2^n}\)."""
        return float(np.linalg.norm(self.coefficients))

    def simplified(self) -> PauliSum:
        """Return the sum with equal strings joined, without those that cancel."""
        _, first, place = np.unique(string_keys(self.x, self.z), return_index=True, return_inverse=True)
        joined = np.zeros(len(first), dtype=np.complex128)
        np.add.at(joined, place, self.coefficients)
        kept = np.abs(joined) > CANCELS * np.abs(self.coefficients).max(initial=0.0)
        return PauliSum(self.n_qubits, self.x[first[kept]], self.z[first[kept]], joined[kept])

    def traceless(self) -> PauliSum:
        """Return the sum without its identity string."""
        kept = (self.x | self.z) != 0
        return PauliSum(self.n_qubits, self.x[kept], self.z[kept], self.coefficients[kept])

    def times(self, factor: complex) -> PauliSum:
        """Return a multiple."""
        return PauliSum(self.n_qubits, self.x, self.z, self.coefficients * factor)

    def strings(self) -> list[PauliSum]:
        """Return every string by itself, with coefficient 1."""
        one = np.ones(1, dtype=np.complex128)
        return [PauliSum(self.n_qubits, self.x[k : k + 1], self.z[k : k + 1], one) for k in range(len(self.x))]


def word_sum(words: Sequence[str], coefficients: Any) -> PauliSum:
    """Return a sum of Pauli words of one length over "IXYZ", wire 0 first; equal words are joined."""
    return PauliSum(len(words[0]), *word_masks(words), np.asarray(coefficients, dtype=np.complex128)).simplified()


def added(sums: Sequence[PauliSum]) -> PauliSum:
    """Return A + B + ..."""
    x, z = (np.concatenate([getattr(one, name) for one in sums]) for name in "xz")
    return PauliSum(sums[0].n_qubits, x, z, np.concatenate([one.coefficients for one in sums])).simplified()


def product(a: PauliSum, b: PauliSum) -> PauliSum:
    """Return A B."""
    xa, xb = np.repeat(a.x, len(b.x)), np.tile(b.x, len(a.x))
    za, zb = np.repeat(a.z, len(b.z)), np.tile(b.z, len(a.z))
    phases = 1j ** product_exponents(xa, za, xb, zb)
    coefficients = (a.coefficients[:, None] * b.coefficients[None, :]).ravel() * phases
    return PauliSum(a.n_qubits, xa ^ xb, za ^ zb, coefficients).simplified()


def commutator(a: PauliSum, b: PauliSum) -> PauliSum:
    """Return i [A, B]."""
    factors = BRACKET[product_exponents(a.x[:, None], a.z[:, None], b.x[None, :], b.z[None, :])]
    one, two = np.nonzero(factors)
    terms = factors[one, two] * a.coefficients[one] * b.coefficients[two]
    return PauliSum(a.n_qubits, a.x[one] ^ b.x[two], a.z[one] ^ b.z[two], terms).simplified()


def commute(a: PauliSum, b: PauliSum) -> bool:
    """Return whether A B = B A, up to rounding relative to the largest term of the commutator."""
    return len(commutator(a, b).x) == 0
