r"""Hamiltonians of electrons as sums of products of ladder operators, and the integrals that they hold.

A product is normal ordered by \(a_p a_q^\dagger = \delta_{pq} - a_q^\dagger a_p\). Integrals over orbitals are the
coefficients of \(a^\dagger_{p\uparrow} a_{q\uparrow}\) and of
\(a^\dagger_{p\uparrow} a^\dagger_{q\downarrow} a_{r\downarrow} a_{s\uparrow}\), which is \((ps|qr)\); all other
coefficients follow from them if the Hamiltonian is free of spin. Mode 2p is orbital p spin up, 2p + 1 spin down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from qvar.errors import QvarError
from qvar.memory import require_memory
from qvar.pauli import MAX_QUBITS, word_masks
from qvar.problems.fermion_mapping import qubit_terms
from qvar.problems.hamiltonians import SYMMETRY_TOLERANCE, Integrals, PauliTerms

Ladder: TypeAlias = tuple[tuple[int, bool], ...]
"""A product of ladder operators, (mode, True if it creates) each; the last acts first."""

_BYTES_PER_TERM = 400


def normal_ordered(terms: Mapping[Ladder, complex]) -> dict[Ladder, complex]:
    """Return the same sum in products of creation operators by falling modes, then annihilation by rising ones."""
    ordered: dict[Ladder, complex] = {}
    waiting = [(list(word), complex(value)) for word, value in terms.items()]
    while waiting:
        word, value = waiting.pop()
        for at in range(len(word) - 1):
            (p, creates), (q, after) = word[at], word[at + 1]
            if creates == after and p == q:
                break
            if after and not creates and p == q:
                waiting.append((word[:at] + word[at + 2 :], value))
            if (after and not creates) or (creates == after and (p < q) == creates):
                waiting.append(([*word[:at], word[at + 1], word[at], *word[at + 2 :]], -value))
                break
        else:
            key = tuple(word)
            ordered[key] = ordered.get(key, 0.0) + value
    return ordered


def integrals_of(terms: Mapping[Ladder, complex]) -> Integrals:
    """Return the integrals of a Hamiltonian of electrons without spin interactions.

    Raises `QvarError` if it does not conserve electrons, holds interactions of more than two, depends on spin, or its
    integrals are not those of real orbitals.
    """
    modes = [mode for word in terms for mode, _ in word]
    if min(modes, default=0) < 0 or max(modes, default=0) >= MAX_QUBITS:
        raise QvarError(
            f"`hamiltonian` must have modes from 0 to {MAX_QUBITS - 1}, but has {min(modes)} to {max(modes)}."
        )
    m = max(modes, default=0) // 2 + 1
    require_memory("hamiltonian", f"{len(terms)} products", len(terms) * _BYTES_PER_TERM + 32 * m**4)
    ordered = normal_ordered(terms)
    largest = max((abs(value) for value in ordered.values()), default=0.0)
    rounding = SYMMETRY_TOLERANCE * max(1.0, largest)
    core, one, two = 0.0, np.zeros((m, m)), np.zeros((m,) * 4)
    for word, value in ordered.items():
        if abs(value) <= rounding and len(word) > 4:
            continue
        if not np.isfinite(value):
            raise QvarError(f"`hamiltonian` must have finite coefficients, but that of {_shown(word)} is {value}.")
        if abs(value.imag) > rounding:
            raise QvarError(f"`hamiltonian` must have real coefficients, but that of {_shown(word)} is {value:.6g}.")
        created = [mode for mode, creates in word if creates]
        annihilated = [mode for mode, creates in word if not creates]
        if len(created) != len(annihilated) or len(created) > 2:
            raise QvarError(
                "`hamiltonian` must conserve the number of electrons and hold interactions of at most two, but has "
                f"{value.real:.6g} times {_shown(word)}."
            )
        if not created:
            core = value.real
        elif len(created) == 1:
            (p,), (q,) = created, annihilated
            if p % 2 == q % 2 == 0:
                one[p // 2, q // 2] = value.real
        elif created[0] % 2 != created[1] % 2 and annihilated[0] % 2 != annihilated[1] % 2:
            (p, q), (r, s) = sorted(created, key=_spin), sorted(annihilated, key=_spin, reverse=True)
            sign = (1 if [p, q] == created else -1) * (1 if [r, s] == annihilated else -1)
            two[p // 2, s // 2, q // 2, r // 2] = sign * value.real
    try:
        integrals = Integrals(core, one, two)
    except QvarError as error:
        raise QvarError(f"`hamiltonian` must be that of electrons in real orbitals, but is not: {error}") from error
    for word, value in _differences(ordered, normal_ordered(ladder_terms(integrals))):
        if abs(value) > rounding:
            raise QvarError(
                "`hamiltonian` must be Hermitian and the same for spin up and spin down, mode 2p being orbital p spin "
                f"up and 2p + 1 spin down, but {_shown(word)} is off by {abs(value):.3g}."
            )
    return integrals


def ladder_terms(integrals: Integrals) -> dict[Ladder, complex]:
    """Return the Hamiltonian as products of ladder operators, zeros left out."""
    terms: dict[Ladder, complex] = {(): integrals.core_energy}
    for p, q in np.argwhere(integrals.one_body).tolist():
        for spin in (0, 1):
            terms[(2 * p + spin, True), (2 * q + spin, False)] = float(integrals.one_body[p, q])
    for p, s, q, r in np.argwhere(integrals.two_body).tolist():
        for one, two in ((0, 0), (0, 1), (1, 0), (1, 1)):
            word = ((2 * p + one, True), (2 * q + two, True), (2 * r + two, False), (2 * s + one, False))
            terms[word] = 0.5 * float(integrals.two_body[p, s, q, r])
    return terms


def integrals_of_words(terms: PauliTerms) -> Integrals:
    """Return the integrals of a Hamiltonian that the mapping of Jordan and Wigner made Pauli words.

    They are its matrix elements between states of up to two electrons; the words that they map to are compared with
    all of its words.

    Raises `QvarError` if it is no such Hamiltonian.
    """
    n = terms.n_qubits
    if n % 2:
        raise QvarError(
            f"`hamiltonian` must have two qubits for each orbital if there are electrons, but has {n} qubits."
        )
    m = n // 2
    states: dict[int, tuple[int, ...]] = {0: ()}
    bits = [1 << (n - 1 - mode) for mode in range(n)]
    for mode in range(n):
        states[bits[mode]] = (mode,)
    for up in range(0, n, 2):
        for down in range(1, n, 2):
            states[bits[up] | bits[down]] = (up, down)
    elements = _elements(terms, states)
    core = elements.get((0, 0), 0.0)
    one, two = np.zeros((m, m)), np.zeros((m,) * 4)
    for (row, column), value in elements.items():
        bra, ket = states[row], states[column]
        if len(bra) == len(ket) == 1 and bra[0] % 2 == ket[0] % 2 == 0:
            one[bra[0] // 2, ket[0] // 2] = value - core * (bra == ket)
    for (row, column), value in elements.items():
        bra, ket = states[row], states[column]
        if len(bra) == len(ket) == 2:
            (p, q), (s, r) = bra, ket
            sign = (1 if p < q else -1) * (1 if s < r else -1)
            alone = core * (bra == ket) + one[p // 2, s // 2] * (q == r) + one[q // 2, r // 2] * (p == s)
            two[p // 2, s // 2, q // 2, r // 2] = sign * value - alone
    try:
        integrals = Integrals(core, one, two)
        theirs = qubit_terms(integrals)
    except QvarError as error:
        words = "that of electrons in real orbitals by the mapping of Jordan and Wigner"
        raise QvarError(f"`hamiltonian` must be {words}, but is not: {error}") from error
    ours = _summed(zip(terms.words, terms.coefficients, strict=True))
    mapped = _summed(zip(theirs.words, theirs.coefficients, strict=True))
    rounding = SYMMETRY_TOLERANCE * max(1.0, float(np.abs(terms.coefficients).max()))
    for word, value in _differences(ours, mapped):
        if abs(value) > rounding:
            raise QvarError(
                "`hamiltonian` must be that of electrons by the mapping of Jordan and Wigner, wire 2p being orbital p "
                f"spin up, but its coefficient of {word} is off by {abs(value):.3g}; without `n_electrons` it is taken "
                "as Pauli words."
            )
    return integrals


def _elements(terms: PauliTerms, states: Mapping[int, tuple[int, ...]]) -> dict[tuple[int, int], float]:
    """Return the matrix elements between basis states with as many electrons."""
    flips, signs = (masks.astype(np.int64) for masks in word_masks(terms.words))
    weights = terms.coefficients * np.array([1, -1j, -1, 1j])[np.bitwise_count(flips & signs) % 4]
    elements: dict[tuple[int, int], float] = {}
    for column, modes in states.items():
        values = weights * (1 - 2 * (np.bitwise_count(signs & column).astype(int) % 2))
        for row, value in zip((flips ^ column).tolist(), values.tolist(), strict=True):
            if row in states and len(states[row]) == len(modes):
                elements[row, column] = elements.get((row, column), 0.0) + value.real
    return elements


def _summed(pairs: Iterable[tuple[str, Any]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for word, value in pairs:
        total[word] = total.get(word, 0.0) + float(value)
    return total


def _differences(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    return ((key, one.get(key, 0.0) - other.get(key, 0.0)) for key in {**one, **other})


def _spin(mode: int) -> int:
    return mode % 2


def _shown(word: Ladder) -> str:
    return " ".join(f"a{mode}{'^+' if creates else ''}" for mode, creates in word) or "the constant"
