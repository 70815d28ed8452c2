r"""Sums of Pauli strings as bit masks: products, commutators, and conjugation with the fixed gates of a circuit.

A string is two integers, wire 0 the most significant of n bits: the bits x that it flips (letters X and Y) and the bits
z whose parity is its sign (letters Y and Z),

$$ P(x, z) = i^{|x \wedge z|} X^x Z^z, \qquad
   P(a) P(b) = i^{e} P(a \oplus b), \quad
   e = |x_a \wedge z_a| + |x_b \wedge z_b| + 2 |z_a \wedge x_b| - |(x_a \oplus x_b) \wedge (z_a \oplus z_b)| . $$

Two strings anticommute where e is odd, and then \(i [P(a), P(b)] = 2 (e - 2) P(a \oplus b)\) with \(e \in \{1, 3\}\)
modulo 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from qvar._types import IntArray
from qvar.ansatz.gates import MaskOp
from qvar.errors import QvarError
from qvar.problems.hamiltonians import PauliTerms

Masks: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
"""Bit masks, one bit for each wire."""
ComplexArray: TypeAlias = np.ndarray[Any, np.dtype[np.complex128]]

MOST_STRINGS = 1 << 16
"""Fixed gates may turn one Pauli string into so many."""

_CANCELS = 1e-12
"""Coefficients up to this, relative to the largest, are rounding."""
_LOW = np.uint64(32)

BRACKET = np.array([0.0, -2.0, 0.0, 2.0])
"""c by e in i [P(a), P(b)] = c P(a + b)."""


def popcount(masks: Masks) -> IntArray:
    """Number of ones of each mask, int64."""
    return np.bitwise_count(masks).astype(np.int64)


def product_exponents(xa: Masks, za: Masks, xb: Masks, zb: Masks) -> np.ndarray:
    """The exponents e modulo 4 of products P(a) P(b), broadcast, uint8; odd where the strings anticommute."""
    flips = np.bitwise_count(xa & za) + np.bitwise_count(xb & zb) + 2 * np.bitwise_count(za & xb)
    return (flips - np.bitwise_count((xa ^ xb) & (za ^ zb))) & 3  # modulo 256 on the way


def string_keys(x: Masks, z: Masks) -> Masks:
    """One integer for each string, equal where strings are equal; only keys of one call may be compared."""
    if len(x) and int((x | z).max()) >> 32:  # ranks among the masks at hand
        x, z = (np.unique(masks, return_inverse=True)[1].astype(np.uint64) for masks in (x, z))
    return (x << _LOW) | z


def find_strings(x: Masks, z: Masks, wanted_x: Masks, wanted_z: Masks) -> IntArray:
    """Positions of wanted strings among distinct ones; -1 where a string is not there."""
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
    """(n_strings,) complex; real where the operator is Hermitian."""

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
        """Equal strings joined, those that cancel left out."""
        _, first, place = np.unique(string_keys(self.x, self.z), return_index=True, return_inverse=True)
        joined = np.zeros(len(first), dtype=np.complex128)
        np.add.at(joined, place, self.coefficients)
        kept = np.abs(joined) > _CANCELS * np.abs(self.coefficients).max(initial=0.0)
        return PauliSum(self.n_qubits, self.x[first[kept]], self.z[first[kept]], joined[kept])

    def traceless(self) -> PauliSum:
        """The sum without its identity string."""
        kept = (self.x | self.z) != 0
        return PauliSum(self.n_qubits, self.x[kept], self.z[kept], self.coefficients[kept])

    def times(self, factor: complex) -> PauliSum:
        """A multiple."""
        return PauliSum(self.n_qubits, self.x, self.z, self.coefficients * factor)


def word_sum(words: Sequence[str], coefficients: Any) -> PauliSum:
    """A sum of Pauli words of one length over "IXYZ", wire 0 first; equal words are joined."""
    masks = [
        [int("".join("01"[letter in letters] for letter in word), 2) for word in words] for letters in ("XY", "YZ")
    ]
    x, z = (np.array(column, dtype=np.uint64) for column in masks)
    return PauliSum(len(words[0]), x, z, np.asarray(coefficients, dtype=np.complex128)).simplified()


def from_terms(terms: PauliTerms) -> PauliSum:
    """Pauli terms as a sum."""
    return word_sum(terms.words, terms.coefficients)


def single_strings(operator: PauliSum) -> list[PauliSum]:
    """Every string of a sum by itself, with coefficient 1."""
    one = np.ones(1, dtype=np.complex128)
    x, z = operator.x, operator.z
    return [PauliSum(operator.n_qubits, x[k : k + 1], z[k : k + 1], one) for k in range(len(x))]


def added(sums: Sequence[PauliSum]) -> PauliSum:
    """A + B + ..."""
    x, z = (np.concatenate([getattr(one, name) for one in sums]) for name in "xz")
    return PauliSum(sums[0].n_qubits, x, z, np.concatenate([one.coefficients for one in sums])).simplified()


def product(a: PauliSum, b: PauliSum) -> PauliSum:
    """A B.

    Raises:
        QvarError: if it has far more strings than can be kept.
    """
    size = len(a.x) * len(b.x)
    if size > MOST_STRINGS << 8:
        raise QvarError(_too_many(size))
    xa, xb = np.repeat(a.x, len(b.x)), np.tile(b.x, len(a.x))
    za, zb = np.repeat(a.z, len(b.z)), np.tile(b.z, len(a.z))
    phases = 1j ** product_exponents(xa, za, xb, zb)
    coefficients = (a.coefficients[:, None] * b.coefficients[None, :]).ravel() * phases
    return PauliSum(a.n_qubits, xa ^ xb, za ^ zb, coefficients).simplified()


def commute(a: PauliSum, b: PauliSum) -> bool:
    """Whether A B = B A."""
    factors = BRACKET[product_exponents(a.x[:, None], a.z[:, None], b.x[None, :], b.z[None, :])]
    if not factors.any():
        return True
    if len(a.x) == 1 or len(b.x) == 1:
        return False
    one, two = np.nonzero(factors)
    terms = factors[one, two] * a.coefficients[one] * b.coefficients[two]
    # the threshold is relative to the largest term: a sum that cancels leaves nothing
    return len(PauliSum(a.n_qubits, a.x[one] ^ b.x[two], a.z[one] ^ b.z[two], terms).simplified().x) == 0


def _too_many(size: int) -> str:
    return (
        "`ansatz` must have fixed gates that turn a Pauli string into "
        f"at most {MOST_STRINGS} strings, but they make up to {size}."
    )


def mask_sums(op: MaskOp, n_qubits: int) -> tuple[PauliSum, PauliSum]:
    r"""Generator G of a mask operation and the projector \(\Pi\) on the states A that it acts on.

    With \(s \subseteq m\), \(\Pi = 2^{-|m|} \sum_s (-1)^{|s \wedge f|} Z^s\) where no selected bit is flipped;
    where some are, the projectors on both patterns add up, and the s that share an odd number of bits with x cancel.
    """
    flipped = op.x & op.m
    subsets, rest = [0], op.m
    while rest:
        bit = rest & -rest
        subsets += [subset | bit for subset in subsets]
        rest ^= bit
    if flipped:
        subsets = [subset for subset in subsets if (subset & flipped).bit_count() % 2 == 0]
    signs = np.array([1 - 2 * ((subset & op.f).bit_count() % 2) for subset in subsets]) / len(subsets)
    z = np.array(subsets, dtype=np.uint64)
    projector = PauliSum(n_qubits, np.zeros_like(z), z, signs.astype(np.complex128))
    x = np.full_like(z, op.x)
    turned = z ^ np.uint64(op.z)
    coefficients = op.w * signs * 1j ** popcount(x & turned)  # Z^z X^x = i^|x & z| P(x, z)
    return PauliSum(n_qubits, x, turned, coefficients).simplified(), projector.simplified()


def mask_unitary(op: MaskOp, angle: float | None, n_qubits: int) -> PauliSum:
    r"""\(1 - \Pi + G\) of a fixed mask operation (angle None), or \(e^{-i\varphi G}\) for the angle \(\varphi\)."""
    generator, projector = mask_sums(op, n_qubits)
    one = word_sum(["I" * n_qubits], [1.0])
    if angle is None:
        return added([one, projector.times(-1.0), generator])
    return added([one, projector.times(np.cos(angle) - 1.0), generator.times(-1j * np.sin(angle))])


def _image_of_unit(unitary: PauliSum, string: PauliSum) -> PauliSum:
    """U^dagger P U with exact coefficients where it is a single string."""
    inverse = PauliSum(unitary.n_qubits, unitary.x, unitary.z, unitary.coefficients.conj())
    image = product(inverse, product(string, unitary))
    real = image.coefficients.real if len(image.x) > 1 else np.round(image.coefficients.real)
    return PauliSum(image.n_qubits, image.x, image.z, real.astype(np.complex128))


class Frame:
    r"""The map \(A \mapsto W^\dagger A W\), W the fixed gates so far, as the images of \(X_q\) and \(Z_q\).

    Clifford gates keep the images single strings, so that each costs a few products; others make sums of them.
    """

    def __init__(self, n_qubits: int) -> None:
        """The identity map."""
        self.n_qubits = n_qubits
        self._images: dict[int, tuple[PauliSum, PauliSum]] = {}
        self._local: dict[Any, dict[int, tuple[PauliSum, PauliSum]]] = {}

    def append(self, op: MaskOp, angle: float | None) -> None:
        """Puts one more gate behind W: fixed where the angle is None, else exp(-i angle G).

        Raises:
            QvarError: if a string becomes more strings than can be kept.
        """
        key = (op.x, op.z, op.m, op.f, op.w, angle)
        if key not in self._local:
            unitary = mask_unitary(op, angle, self.n_qubits)
            bits = [1 << k for k in range(self.n_qubits) if (op.x | op.z | op.m) >> k & 1]
            none = np.zeros(1, dtype=np.uint64)
            local = {}
            for bit in bits:
                mask, one = np.array([bit], dtype=np.uint64), np.ones(1, dtype=np.complex128)
                pair = (PauliSum(self.n_qubits, mask, none, one), PauliSum(self.n_qubits, none, mask, one))
                local[bit] = tuple(_image_of_unit(unitary, string) for string in pair)
            self._local[key] = local
        fresh = {bit: (self(of_x), self(of_z)) for bit, (of_x, of_z) in self._local[key].items()}
        self._images.update(fresh)

    def __call__(self, operator: PauliSum) -> PauliSum:
        """The image of an operator.

        Raises:
            QvarError: if it has more strings than can be kept.
        """
        if not self._images or len(operator.x) == 0:
            return operator
        used = int(np.bitwise_or.reduce(operator.x | operator.z))
        moved = {bit: pair for bit, pair in self._images.items() if bit & used}
        touched = np.uint64(sum(moved))
        x, z = operator.x & ~touched, operator.z & ~touched
        # P(x, z) is a product over qubits, with a letter Y = i X Z
        coefficients = operator.coefficients * 1j ** popcount(operator.x & operator.z & touched)
        start = PauliSum(self.n_qubits, x, z, coefficients)
        if all(len(image.x) == 1 for pair in moved.values() for image in pair):
            return self._single(operator, start, moved)
        images = []
        for k in range(len(operator.x)):
            image = PauliSum(self.n_qubits, x[k : k + 1], z[k : k + 1], coefficients[k : k + 1])
            for bit, pair in moved.items():
                for mask, factor in zip((operator.x[k], operator.z[k]), pair, strict=True):
                    if int(mask) & bit:
                        image = product(image, factor)
            images.append(image)
        result = added(images)
        if len(result.x) > MOST_STRINGS:
            raise QvarError(_too_many(len(result.x)))
        return result

    def _single(self, operator: PauliSum, start: PauliSum, moved: dict[int, tuple[PauliSum, PauliSum]]) -> PauliSum:
        """All strings at once where every image is a single string."""
        x, z, exponents = start.x.copy(), start.z.copy(), np.zeros(len(start.x), dtype=np.int64)
        signs = np.ones(len(x))
        for bit, pair in moved.items():
            for masks, factor in zip((operator.x, operator.z), pair, strict=True):
                on = (masks & np.uint64(bit)) != 0
                exponents[on] += product_exponents(x[on], z[on], factor.x, factor.z)
                x[on] ^= factor.x
                z[on] ^= factor.z
                signs[on] *= factor.coefficients.real
        return PauliSum(self.n_qubits, x, z, start.coefficients * signs * 1j**exponents).simplified()
