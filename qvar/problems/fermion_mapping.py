"""Mappings of fermions to qubits; conversion of Pauli terms to PennyLane operators, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from qvar._types import IntArray
from qvar.errors import QvarError, require, shown
from qvar.memory import require_memory
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.tapering import all_bits, taper

_DECOMPOSED_WIRES = 5
"""Operators that PennyLane knows only as matrices are decomposed up to this many wires."""
_MOST_WORDS = 1 << 16
"""Pauli words that a projector or a product may become."""
_BYTES_PER_TERM = 700
"""Memory of one product of ladder operators and of the Pauli words that it becomes, at least."""
_NO_TERM = 1e-13
"""Integrals up to this, in the problem's unit, are rounding and make no term."""
_HERMITIAN = 1e-10
"""Imaginary parts of Pauli coefficients up to this, relative to the largest coefficient, are rounding."""


def qubit_terms(integrals: Integrals, mapping: str = "jordan_wigner") -> PauliTerms:
    r"""Map an electronic Hamiltonian to Pauli terms on 2M qubits, for all numbers of electrons.

    A mapping writes occupations n_k of modes (2p for orbital p spin up, 2p+1 for spin down) into bits b_k:

    - `"jordan_wigner"`: \(b_k = n_k\). Jordan and Wigner 1928, https://doi.org/10.1007/BF01331938.
    - `"parity"`: \(b_k = \sum_{l \le k} n_l \bmod 2\). Seeley et al. 2012, https://doi.org/10.1063/1.4768229.
    - `"bravyi_kitaev"`: \(b_k = \sum_{l = k+1-c}^{k} n_l \bmod 2\) with c the largest power of 2 that divides k+1, a
      binary tree. Bravyi and Kitaev 2002, https://doi.org/10.1006/aphy.2002.6254, as in Seeley et al. 2012.

    Args:
        integrals: the Hamiltonian over M orbitals.
        mapping: one of the above.

    Returns:
        Words and real coefficients, in the unit of the integrals.

    Raises:
        QvarError: if `mapping` is not known, or the terms do not fit into memory.
    """
    import pennylane as qml

    _check_mapping(mapping)
    fermions, n_qubits = _fermions(integrals), 2 * len(integrals.one_body)
    if mapping == "jordan_wigner":
        sentence = qml.jordan_wigner(fermions, ps=True)
    elif mapping == "parity":
        sentence = qml.parity_transform(fermions, n_qubits, ps=True)
    else:
        sentence = qml.bravyi_kitaev(fermions, n_qubits, ps=True)
    return _from_sentence(sentence, n_qubits, "problem")


def encoded_bits(occupations: Sequence[int], mapping: str) -> tuple[int, ...]:
    """Encode a determinant as the basis state of a mapping; see `qubit_terms`.

    Raises `QvarError` if `mapping` is not known.
    """
    _check_mapping(mapping)
    if mapping == "jordan_wigner":
        counted = [1] * len(occupations)
    elif mapping == "parity":
        counted = list(range(1, len(occupations) + 1))
    else:
        counted = [(k + 1) & -(k + 1) for k in range(len(occupations))]
    return tuple(sum(occupations[k + 1 - count : k + 1]) % 2 for k, count in enumerate(counted))


class Mapped(NamedTuple):
    """An electronic Hamiltonian on qubits."""

    terms: PauliTerms
    """Words and coefficients."""
    bits: tuple[int, ...]
    """Basis state of the reference determinant."""
    decoding: IntArray
    """Occupations of modes as sums of bits; see `Problem.decoding`."""


def mapped(integrals: Integrals, occupations: Sequence[int], mapping: str, tapered: bool) -> Mapped:
    """Map an electronic Hamiltonian and its reference determinant to qubits.

    If `tapered`, qubits that symmetries fix are left out; see `qvar.problems.tapering.taper`.
    """
    n = len(occupations)
    terms, bits = qubit_terms(integrals, mapping), encoded_bits(occupations, mapping)
    encoding = np.array([encoded_bits(row, mapping) for row in np.eye(n, dtype=int).tolist()]).T
    inverse = np.rint(np.linalg.inv(encoding)).astype(np.int64)  # triangular with a unit diagonal: all integers
    if not tapered:
        return Mapped(terms, bits, inverse @ np.eye(n, n + 1, dtype=np.int64) % 2)
    decoding = inverse @ all_bits(terms, bits) % 2
    return Mapped(*taper(terms, bits), decoding)


def _fermions(integrals: Integrals) -> Any:
    r"""Write the Hamiltonian as a PennyLane `FermiSentence`.

    \(E_{core} + \sum_{pq\sigma} h_{pq} a^\dagger_{p\sigma} a_{q\sigma} + \tfrac12 \sum_{pqrs\sigma\tau} (ps|qr)
    a^\dagger_{p\sigma} a^\dagger_{q\tau} a_{r\tau} a_{s\sigma}\); `qml.qchem.fermionic_observable` leaves out terms
    below 1e-8, which add up.
    """
    import pennylane as qml

    n_terms = 4 * int(np.count_nonzero(np.abs(integrals.two_body) > _NO_TERM))
    require_memory("problem", f"{n_terms} terms", n_terms * _BYTES_PER_TERM)
    terms: dict[Any, float] = {qml.FermiWord({}): integrals.core_energy}
    for p, q in np.argwhere(np.abs(integrals.one_body) > _NO_TERM).tolist():
        for spin in (0, 1):
            word = {(0, 2 * p + spin): "+", (1, 2 * q + spin): "-"}
            terms[qml.FermiWord(word)] = float(integrals.one_body[p, q])
    for p, s, q, r in np.argwhere(np.abs(integrals.two_body) > _NO_TERM).tolist():
        for one, two in ((0, 0), (0, 1), (1, 0), (1, 1)):
            if one != two or (p != q and r != s):  # no mode twice
                modes = (2 * p + one, 2 * q + two, 2 * r + two, 2 * s + one)
                word = dict(zip(enumerate(modes), "++--", strict=True))
                terms[qml.FermiWord(word)] = 0.5 * float(integrals.two_body[p, s, q, r])
    return qml.FermiSentence(terms)


def _check_mapping(mapping: str) -> None:
    names = ("jordan_wigner", "parity", "bravyi_kitaev")
    require(mapping in names, "mapping", "be 'jordan_wigner', 'parity' or 'bravyi_kitaev'", mapping)


def observable(terms: PauliTerms) -> Any:
    """Return Pauli terms as a `qml.Hamiltonian` on wires 0 ... n_qubits-1, one term per word."""
    import pennylane as qml

    letters = {"X": qml.X, "Y": qml.Y, "Z": qml.Z}
    operators = []
    for word in terms.words:
        factors = [letters[letter](wire) for wire, letter in enumerate(word) if letter != "I"]
        if not factors:
            operators.append(qml.Identity(0))
        else:
            operators.append(factors[0] if len(factors) == 1 else qml.prod(*factors))
    return qml.Hamiltonian([float(c) for c in terms.coefficients], operators)


def operator_of(observable: Any) -> Any:
    """Return a `PauliWord` or `PauliSentence` as an operator, which PennyLane measures; an operator as it is."""
    from pennylane.pauli import PauliSentence, PauliWord

    if not isinstance(observable, PauliSentence | PauliWord):
        return observable
    return observable.operation(wire_order=sorted(observable.wires, key=str) or [0])


def pauli_terms(observable: Any, n_qubits: int) -> PauliTerms:
    r"""Convert any PennyLane observable to Pauli terms: sums, products, multiples, Pauli operators, Hermitian matrices.

    Args:
        observable: a Hermitian PennyLane operator, `PauliWord` or `PauliSentence` on wires among 0 ... n_qubits-1. A
            projector on a basis state of k wires becomes \(2^k\) words, \(\prod_q (1 \pm Z_q)/2\), and k is at most
            16. Others without a Pauli representation of their own, such as `qml.Hermitian`, may act on at most five
            wires, alone or in sums and products.
        n_qubits: length of the words.

    Returns:
        The terms, equal words joined; a single identity with coefficient 0 for the zero operator.

    Raises:
        QvarError: if `observable` is no operator, not Hermitian, or uses other wires.
    """
    import pennylane as qml

    require(n_qubits >= 1, "n_qubits", "be at least 1", n_qubits)
    is_state = isinstance(observable, qml.operation.StatePrepBase)
    kinds = qml.operation.Operator | qml.pauli.PauliSentence | qml.pauli.PauliWord
    if is_state or not isinstance(observable, kinds):
        raise QvarError(f"`observable` must be a PennyLane observable, but is {shown(observable)}.")
    inside = all(isinstance(w, int | np.integer) and 0 <= w < n_qubits for w in observable.wires)
    if not inside:
        wires = list(observable.wires)
        raise QvarError(f"`observable` must act on wires 0 to {n_qubits - 1}, but acts on {wires}.")
    return _from_sentence(_sentence(observable), n_qubits, "observable")


def _sentence(observable: Any) -> Any:
    """Convert an operator to a PennyLane `PauliSentence`; its parts need not be Hermitian."""
    from pennylane.ops.op_math import Prod, SProd, Sum
    from pennylane.ops.qubit.observables import BasisStateProjector
    from pennylane.pauli import PauliSentence

    if observable.pauli_rep is not None:
        return observable.pauli_rep
    if isinstance(observable, BasisStateProjector):
        return _projector(observable)
    if len(observable.wires) <= _DECOMPOSED_WIRES or not isinstance(observable, Prod | SProd | Sum):
        return _decompose(observable)
    if isinstance(observable, SProd):
        return observable.scalar * _sentence(observable.base)
    first, *others = [_sentence(part) for part in observable.operands]
    result = PauliSentence(first)
    for other in others:
        if isinstance(observable, Prod):
            _check_words(observable, len(result) * len(other))
        result = result @ other if isinstance(observable, Prod) else result + other
    return result


def _projector(observable: Any) -> Any:
    from pennylane.pauli import PauliSentence, PauliWord

    _check_words(observable, 1 << len(observable.wires))
    words: dict[Any, float] = {(): 1.0}
    for wire, bit in zip(observable.wires, np.ravel(observable.parameters[0]), strict=True):
        sign = -0.5 if bit else 0.5
        words = {
            key: value * factor for w, c in words.items() for key, value, factor in ((w, c, 0.5), ((*w, wire), c, sign))
        }
    return PauliSentence({PauliWord(dict.fromkeys(wires, "Z")): value for wires, value in words.items()})


def _check_words(observable: Any, n_words: int) -> None:
    if n_words > _MOST_WORDS:
        raise QvarError(
            f"`observable` must be a sum of at most {_MOST_WORDS} Pauli words, but is a {observable.name} on "
            f"{len(observable.wires)} wires with {n_words}."
        )


def _decompose(observable: Any) -> Any:
    import pennylane as qml

    wires = observable.wires
    if len(wires) > _DECOMPOSED_WIRES:
        raise QvarError(
            f"`observable` must have a Pauli representation or act on at most {_DECOMPOSED_WIRES} wires, "
            f"but is a {observable.name} on {len(wires)}."
        )
    try:
        matrix = np.asarray(qml.matrix(observable, wire_order=wires))
    except qml.operation.MatrixUndefinedError:
        raise QvarError(f"`observable` must have a matrix, but {observable.name} has none.") from None
    if np.abs(matrix - matrix.conj().T).max() > _HERMITIAN * max(np.abs(matrix).max(), 1e-300):
        raise QvarError(f"`observable` must be Hermitian, but {observable.name} is not.")
    return qml.pauli_decompose(matrix, wire_order=wires, pauli=True)


def _from_sentence(sentence: Any, n_qubits: int, argument: str) -> PauliTerms:
    """Return words and real coefficients of a PennyLane `PauliSentence`, in its order."""
    coefficients = np.array([complex(c) for c in sentence.values()], dtype=np.complex128)
    largest = np.abs(coefficients).max(initial=0.0)
    if not np.all(np.isfinite(coefficients)):
        raise QvarError(f"`{argument}` must have finite coefficients, but has some that are not.")
    if np.abs(coefficients.imag).max(initial=0.0) > _HERMITIAN * largest:
        worst = coefficients[np.argmax(np.abs(coefficients.imag))]
        raise QvarError(f"`{argument}` must be Hermitian, but has a Pauli coefficient {complex(worst)}.")
    words = ["".join(word.get(wire, "I") for wire in range(n_qubits)) for word in sentence]
    kept = [k for k in range(len(words)) if coefficients[k].real != 0.0]
    if not kept:
        return PauliTerms(("I" * n_qubits,), np.zeros(1))
    return PauliTerms(tuple(words[k] for k in kept), coefficients.real[kept])
