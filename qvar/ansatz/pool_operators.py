"""Elements of a pool from PennyLane operators: fermionic sums and Pauli sums."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

from qvar.ansatz.decompositions import Operation
from qvar.ansatz.excitation_sums import MOST_MODES, collected, modes_of
from qvar.ansatz.gates import KIND_INDEX
from qvar.ansatz.pool_elements import PoolElement, Term, excitation_terms
from qvar.errors import QvarError, shown

_ROUNDING = 1e-12
"""Size of a coefficient, relative to the largest, that is rounding."""


def operator_element(operator: Any, number: int, n_qubits: int) -> PoolElement:
    r"""Return the element that is a PennyLane operator.

    Args:
        operator: anti-Hermitian: `qml.fermi` words and sums with real coefficients, or an operator with commuting Pauli
            words.
        number: its place in the pool, for messages.
        n_qubits: qubits of the register.

    Raises:
        QvarError: if it is something else, uses other wires, or cannot be exponentiated.
    """
    import pennylane as qml

    what = f"`source` must hold anti-Hermitian PennyLane operators, but its operator {number}"
    if isinstance(operator, qml.FermiWord | qml.FermiSentence):
        terms = _fermionic(operator, what)
    elif getattr(operator, "pauli_rep", None) is not None:
        terms = _pauli(operator, what)
    else:
        raise QvarError(f"{what} is {shown(operator)}.")
    element = PoolElement(" ".join(str(operator).split()), terms, n_qubits)
    if not terms:
        raise QvarError(f"`source` must hold operators that change a state, but its operator {number} is zero.")
    if max(element.wires) >= n_qubits:
        raise QvarError(
            f"`source` must use wires 0 to {n_qubits - 1}, but its operator {number} has {max(element.wires)}."
        )
    if len(element.wires) > MOST_MODES and not element.commutes:
        raise QvarError(
            f"`source` must hold operators on at most {MOST_MODES} modes if their terms do not commute, but its "
            f"operator {number} has {len(element.wires)}."
        )
    return element


def _fermionic(operator: Any, what: str) -> tuple[Term, ...]:
    import pennylane as qml

    sums: dict[tuple[tuple[int, ...], tuple[int, ...]], complex] = {}
    sentence = qml.FermiSentence({operator: 1.0}) if isinstance(operator, qml.FermiWord) else operator
    for word, coefficient in sentence.items():
        ladder = [(int(mode), sign == "+") for (_, mode), sign in sorted(word.items())]
        if len(ladder) % 2:
            raise QvarError(f"{what} has an odd number of creators and annihilators.")
        _order(ladder, complex(coefficient), sums)
    largest = max(map(abs, sums.values()), default=0.0)
    parts = []
    for (up, down), c in sums.items():
        adjoint = sums.get((down[::-1], up[::-1]), 0.0)
        if abs(c + complex(adjoint).conjugate()) > _ROUNDING * largest:
            raise QvarError(f"{what} is not anti-Hermitian.")
        if abs(c.imag) > _ROUNDING * largest:
            raise QvarError(f"{what} has a coefficient that is not real, {c:.3g}.")
        if up > down[::-1] and abs(c) > _ROUNDING * largest:
            parts.append((c.real, up, down))
    parts = collected(parts)
    for excitation in parts:
        if len(modes_of([excitation])) > MOST_MODES:
            raise QvarError(
                f"`source` must hold operators whose terms have at most {MOST_MODES} modes, but one has "
                f"{len(modes_of([excitation]))}."
            )
    return excitation_terms(parts)


def _order(
    ladder: Sequence[tuple[int, bool]], c: complex, sums: dict[tuple[tuple[int, ...], tuple[int, ...]], complex]
) -> None:
    """Add c times a product of creators (True) and annihilators, normal ordered: creators come first, descending."""
    for at, ((mode, creates), (after, then)) in enumerate(pairwise(ladder)):
        if creates == then and mode == after:
            return
        swap = (not creates and then) or (creates == then and (mode < after if creates else mode > after))
        if swap:
            rest = [*ladder[:at], *ladder[at + 2 :]]
            _order([*ladder[:at], ladder[at + 1], ladder[at], *ladder[at + 2 :]], -c, sums)
            if mode == after:
                _order(rest, c, sums)
            return
    key = tuple(mode for mode, creates in ladder if creates), tuple(mode for mode, creates in ladder if not creates)
    sums[key] = sums.get(key, 0.0) + c


def _pauli(operator: Any, what: str) -> tuple[Term, ...]:
    sentence = {word: complex(c) for word, c in operator.pauli_rep.items() if len(word)}
    largest = max(map(abs, sentence.values()), default=0.0)
    if any(abs(c.real) > _ROUNDING * largest for c in sentence.values()):
        raise QvarError(f"{what} is not anti-Hermitian.")
    if any(not a.commutes_with(b) for a, b in combinations(sentence, 2)):
        raise QvarError(f"{what} has Pauli words that do not commute.")
    terms = []
    for word, c in sentence.items():
        if abs(c) > _ROUNDING * largest:
            wires = tuple(int(wire) for wire in sorted(word))
            letters = "".join(word[wire] for wire in wires)
            terms.append((-c.imag, Operation(KIND_INDEX["PauliRot"], wires, letters)))
    return tuple(terms)
