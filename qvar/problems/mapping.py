"""Problems and observables as PennyLane operators, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar.errors import QvarError, require
from qvar.problems.problem import PauliTerms, Problem

_DECOMPOSED_WIRES = 5
"""Operators that PennyLane knows only as matrices are decomposed up to this many wires."""
_HERMITIAN = 1e-10
"""Imaginary parts of Pauli coefficients up to this, relative to the largest coefficient, are rounding."""


def jordan_wigner(problem: Problem) -> Any:
    r"""The Hamiltonian of a problem as a PennyLane operator on wires 0 ... n_qubits-1.

    For a molecule, the Jordan-Wigner transform \(a_k \to Z_0 \cdots Z_{k-1} (X_k + i Y_k)/2\) of the electronic
    Hamiltonian, with spin orbital 2p for orbital p spin up and 2p+1 for spin down. It acts on all numbers of
    electrons, so its lowest eigenvalue may lie below `problem.exact_energy()`, that of the problem's sector.
    A spin model needs no transform and is returned as it is.

    Args:
        problem: what to map.

    Returns:
        A PennyLane operator with real Pauli coefficients, in the problem's unit.
    """
    import pennylane as qml

    if problem.pauli is not None:
        return observable(problem.pauli)
    integrals = problem.integrals
    assert integrals is not None
    # PennyLane's two[p, q, r, s] stands before a+_p a+_q a_r a_s, and so is (ps|qr).
    two = np.ascontiguousarray(integrals.two_body.transpose(0, 2, 3, 1))
    fermions = qml.qchem.fermionic_observable(np.array([integrals.core_energy]), np.array(integrals.one_body), two)
    sentence = qml.jordan_wigner(fermions, ps=True)
    return observable(_from_sentence(sentence, problem.n_qubits, "problem"))


def observable(terms: PauliTerms) -> Any:
    """Pauli terms as a PennyLane operator on wires 0 ... n_qubits-1.

    Args:
        terms: words and coefficients.

    Returns:
        A `qml.Hamiltonian` with one term per word.
    """
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


def pauli_terms(observable: Any, n_qubits: int) -> PauliTerms:
    """Any PennyLane observable as Pauli terms: sums, products, multiples, Pauli operators, Hermitian matrices.

    Args:
        observable: a Hermitian PennyLane operator on wires among 0 ... n_qubits-1. One without a Pauli
            representation of its own, such as `qml.Hermitian`, may act on at most five wires.
        n_qubits: length of the words.

    Returns:
        The terms, equal words joined; a single identity with coefficient 0 for the zero operator.

    Raises:
        QvarError: if `observable` is no operator, not Hermitian, or uses other wires.
    """
    import pennylane as qml

    require(n_qubits >= 1, "n_qubits", "be at least 1", n_qubits)
    is_state = isinstance(observable, qml.operation.StatePrepBase)
    if is_state or not isinstance(observable, qml.operation.Operator):
        raise QvarError(f"`observable` must be a PennyLane observable, but is {_shown(observable)}.")
    inside = all(isinstance(w, int | np.integer) and 0 <= w < n_qubits for w in observable.wires)
    if not inside:
        wires = list(observable.wires)
        raise QvarError(f"`observable` must act on wires 0 to {n_qubits - 1}, but acts on {wires}.")
    sentence = observable.pauli_rep
    if sentence is None:
        sentence = _decompose(observable)
    return _from_sentence(sentence, n_qubits, "observable")


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
    """Words and real coefficients of a PennyLane `PauliSentence`, in its order."""
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


def _shown(value: Any) -> str:
    """`repr` in one line of bearable length."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
