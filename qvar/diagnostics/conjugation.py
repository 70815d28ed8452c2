"""Mask operations as Pauli sums, and conjugation of Pauli sums with the fixed gates of a circuit."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar.ansatz.gates import MaskOp
from qvar.errors import QvarError
from qvar.pauli import PauliSum, added, product, product_exponents, word_sum

MOST_STRINGS = 1 << 16
"""Strings that fixed gates may make of one Pauli string, at most."""


def mask_sums(op: MaskOp, n_qubits: int) -> tuple[PauliSum, PauliSum]:
    r"""Return the generator G of a mask operation and the projector \(\Pi\) on the states A that it acts on.

    With \(s \subseteq m\), \(\Pi = 2^{-|m|} \sum_s (-1)^{|s \wedge f|} Z^s\) if no selected bit is flipped; else the
    projectors on both patterns add up, and the s that share an odd number of bits with x cancel.
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
    x, z = np.full_like(z, op.x), z ^ np.uint64(op.z)
    coefficients = op.w * signs * 1j ** np.bitwise_count(x & z)  # Z^z X^x = i^|x & z| P(x, z)
    return PauliSum(n_qubits, x, z, coefficients).simplified(), projector.simplified()


def mask_unitary(op: MaskOp, angle: float | None, n_qubits: int) -> PauliSum:
    r"""Return \(1 - \Pi + G\) of a fixed mask operation (angle None), or \(e^{-i\varphi G}\) of a rotation."""
    generator, projector = mask_sums(op, n_qubits)
    one = word_sum(["I" * n_qubits], [1.0])
    if angle is None:
        return added([one, projector.times(-1.0), generator])
    return added([one, projector.times(np.cos(angle) - 1.0), generator.times(-1j * np.sin(angle))])


class Frame:
    r"""The map \(A \mapsto W^\dagger A W\), W the fixed gates so far, as the images of \(X_q\) and \(Z_q\).

    Clifford gates keep the images single strings, so that each costs a few products; others make sums of them.
    """

    def __init__(self, n_qubits: int) -> None:
        """Make the identity map."""
        self.n_qubits = n_qubits
        self._images: dict[int, tuple[PauliSum, PauliSum]] = {}
        self._local: dict[Any, dict[int, tuple[PauliSum, PauliSum]]] = {}

    def append(self, op: MaskOp, angle: float | None) -> None:
        """Append a gate to W: fixed if the angle is None, else exp(-i angle G).

        Raises `QvarError` if a string becomes more than `MOST_STRINGS` strings.
        """
        key = (op.x, op.z, op.m, op.f, op.w, angle)
        if key not in self._local:
            unitary = mask_unitary(op, angle, self.n_qubits)
            none, one = np.zeros(1, dtype=np.uint64), np.ones(1, dtype=np.complex128)
            local = {}
            for bit in (1 << k for k in range(self.n_qubits) if (op.x | op.z | op.m) >> k & 1):
                mask = np.array([bit], dtype=np.uint64)
                pair = (PauliSum(self.n_qubits, mask, none, one), PauliSum(self.n_qubits, none, mask, one))
                local[bit] = tuple(_image(unitary, string) for string in pair)
            self._local[key] = local
        self._images |= {bit: (self(of_x), self(of_z)) for bit, (of_x, of_z) in self._local[key].items()}

    def __call__(self, operator: PauliSum) -> PauliSum:
        """Return the image of an operator.

        Raises:
            QvarError: if it has more than `MOST_STRINGS` strings.
        """
        if not self._images or len(operator.x) == 0:
            return operator
        used = int(np.bitwise_or.reduce(operator.x | operator.z))
        moved = {bit: pair for bit, pair in self._images.items() if bit & used}
        touched = np.uint64(sum(moved))
        x, z = operator.x & ~touched, operator.z & ~touched
        # P(x, z) is a product over qubits, with a letter Y = i X Z
        coefficients = operator.coefficients * 1j ** np.bitwise_count(operator.x & operator.z & touched)
        start = PauliSum(self.n_qubits, x, z, coefficients)
        if all(len(image.x) == 1 for pair in moved.values() for image in pair):
            return self._single(operator, start, moved)
        images = []
        for k in range(len(operator.x)):
            image = PauliSum(self.n_qubits, x[k : k + 1], z[k : k + 1], coefficients[k : k + 1])
            for bit, pair in moved.items():
                for mask, factor in zip((operator.x[k], operator.z[k]), pair, strict=True):
                    if int(mask) & bit:
                        image = _limited_product(image, factor)
            images.append(image)
        result = added(images)
        _check_size(len(result.x), MOST_STRINGS)
        return result

    def _single(self, operator: PauliSum, start: PauliSum, moved: dict[int, tuple[PauliSum, PauliSum]]) -> PauliSum:
        """Map all strings at once if every image is a single string."""
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


def _image(unitary: PauliSum, string: PauliSum) -> PauliSum:
    """Return U^dagger P U, with exact coefficients if it is a single string."""
    inverse = PauliSum(unitary.n_qubits, unitary.x, unitary.z, unitary.coefficients.conj())
    image = _limited_product(inverse, _limited_product(string, unitary))
    real = image.coefficients.real if len(image.x) > 1 else np.round(image.coefficients.real)
    return PauliSum(image.n_qubits, image.x, image.z, real.astype(np.complex128))


def _limited_product(a: PauliSum, b: PauliSum) -> PauliSum:
    _check_size(len(a.x) * len(b.x), MOST_STRINGS << 8)
    return product(a, b)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise QvarError(
            f"`ansatz` must have fixed gates that turn a Pauli string into at most {MOST_STRINGS} strings, but they "
            f"make up to {size}."
        )
