"""Strings of the bits of basis states, and masks over them.

Electrons have one string for each spin, a spin model has one in all; see `qvar.determinants` for the order of
determinants and its signs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from qvar._types import IntArray
from qvar.determinants import occupation_strings as occupation_strings
from qvar.determinants import register_layout as register_layout


class Layout(NamedTuple):
    """Wires of the bits of the two strings of a state, lowest bit first."""

    alpha: tuple[int, ...]
    beta: tuple[int, ...]


def electron_layout(n_qubits: int) -> Layout:
    """Return the layout with spin up on even wires and spin down on odd wires."""
    return Layout(tuple(range(0, n_qubits, 2)), tuple(range(1, n_qubits, 2)))


def spin_layout(n_qubits: int) -> Layout:
    """Return the layout with one string for all wires, equal to the basis state's number, and one without bits."""
    return Layout(tuple(reversed(range(n_qubits))), ())


class SplitMask(NamedTuple):
    """Bits of a register mask, sorted by string."""

    alpha: int
    beta: int


def split(mask: int, n_qubits: int, layout: Layout) -> SplitMask:
    """Return a register mask (wire 0 the most significant bit) as masks over the two strings."""
    alpha, beta = (
        sum((mask >> (n_qubits - 1 - wire) & 1) << bit for bit, wire in enumerate(wires)) for wires in layout
    )
    return SplitMask(alpha, beta)


def split_masks(masks: IntArray, n_qubits: int, layout: Layout) -> list[SplitMask]:
    """Return `split` of each of some masks."""
    alpha, beta = (
        sum((masks >> (n_qubits - 1 - wire) & 1) << bit for bit, wire in enumerate(wires)) + np.zeros_like(masks)
        for wires in layout
    )
    return list(map(SplitMask, alpha.tolist(), beta.tolist()))


def spin_strings(states: IntArray, n_qubits: int) -> tuple[IntArray, IntArray]:
    """Return the alpha and the beta string of each basis state of a register of electrons."""
    alpha, beta = (
        sum((states >> (n_qubits - 1 - wire) & 1) << bit for bit, wire in enumerate(wires))
        for wires in electron_layout(n_qubits)
    )
    return np.asarray(alpha), np.asarray(beta)


@lru_cache(maxsize=4096)
def interleaving_masks(x: SplitMask, n_orbitals: int) -> tuple[int, int, int]:
    """Return the change of the sign s(a, b) when the bits x are flipped.

    Returns:
        (mask over alpha, mask over beta, sign): s(a, b) s(a ^ x.alpha, b ^ x.beta) is the parity of a under the
        first times the parity of b under the second times the sign.
    """
    over_alpha = sum(1 << p for p in range(n_orbitals) if (x.beta & ((1 << p) - 1)).bit_count() % 2)
    over_beta = sum(1 << q for q in range(n_orbitals) if (x.alpha >> (q + 1)).bit_count() % 2)
    crossings = (over_alpha & x.alpha).bit_count() % 2
    return over_alpha, over_beta, 1 - 2 * crossings
