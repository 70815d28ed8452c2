"""Problems from Hamiltonians as operators: ladder operators or Pauli words, of PennyLane and of OpenFermion."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qvar import units
from qvar.arguments import checked
from qvar.checks import whole_numbers
from qvar.errors import QvarError, require, shown
from qvar.pauli import MAX_QUBITS
from qvar.problems.fermion_mapping import operator_of, pauli_terms
from qvar.problems.fermion_terms import Ladder, integrals_of, integrals_of_words
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.integral_problems import Occupied, Unit, integral_problem
from qvar.problems.problem import Problem


@checked()
def from_hamiltonian(
    hamiltonian: Any,
    *,
    n_electrons: int | None = None,
    spin: int = 0,
    occupied: Occupied | None = None,
    bits: Sequence[int] | None = None,
    unit: Unit = units.HARTREE,
    name: str | None = None,
) -> Problem:
    r"""Make the problem of a Hamiltonian of PennyLane or OpenFermion.

    Ladder operators act on modes: 2p is orbital p spin up, 2p + 1 spin down. They are PennyLane's `FermiWord` and
    `FermiSentence`, or OpenFermion's `FermionOperator`, `InteractionOperator` and `MolecularData`; the objects of
    OpenFermion are recognized by their attributes, so that it need not be installed. The integrals over orbitals are
    read off, and the Hamiltonian that they make is compared with all of the given one.

    Pauli words are any PennyLane observable that has them, a `PauliSentence` or `PauliWord`, or OpenFermion's
    `QubitOperator`. With `n_electrons` they are those of electrons, mapped by Jordan and Wigner, and become integrals
    in the same way; without, they stay Pauli words, as for spins or another mapping.

    Args:
        hamiltonian: one of the above.
        n_electrons: number of electrons; that of `MolecularData` if None.
        spin: spin-up minus spin-down electrons; that of `MolecularData` if `n_electrons` is None.
        occupied: orbitals of the reference determinant, see `qvar.from_integrals`.
        bits: basis state that circuits start from, for Pauli words without electrons; zeros if None.
        unit: unit of all energies: `"Ha"`, hartree, or `"J"`, a lattice model's coupling.
        name: name for tables; made from the numbers of electrons, orbitals or qubits if None.

    Returns:
        The problem; its description holds a digest of the Hamiltonian.

    Raises:
        QvarError: if it is no such Hamiltonian, is not Hermitian, does not conserve electrons, depends on spin, or has
            complex orbitals, or if an argument does not fit it.
    """
    electrons, terms = _electrons(hamiltonian), None
    if electrons is None:
        terms = _pauli_terms(hamiltonian)
        if n_electrons is not None:
            electrons = integrals_of_words(terms)
    if electrons is not None:
        if n_electrons is None and _is_molecular_data(hamiltonian):
            n_electrons, spin = int(hamiltonian.n_electrons), int(hamiltonian.multiplicity) - 1
        if n_electrons is None:
            raise QvarError("`n_electrons` must be a number for a Hamiltonian of electrons, but is None.")
        require(bits is None, "bits", "be left out for electrons, which have `occupied`", bits)
        return integral_problem(electrons, n_electrons, spin, occupied, unit, name)
    assert terms is not None  # see above
    require(occupied is None, "occupied", "be left out without `n_electrons`; `bits` is for qubits", occupied)
    require(spin == 0, "spin", "be left out without `n_electrons`", spin)
    return _pauli_problem(terms, bits, unit, name)


def _pauli_problem(terms: PauliTerms, bits: Any, unit: str, name: str | None) -> Problem:
    n = terms.n_qubits
    state = [0] * n if bits is None else whole_numbers("bits", bits)
    require(len(state) == n and not set(state) - {0, 1}, "bits", f"be {n} zeros and ones", bits)
    digest = hashlib.sha256(" ".join(terms.words).encode())
    digest.update((terms.coefficients + 0.0).astype("<f8").tobytes())
    return Problem(
        name=name or f"{len(terms.words)} Pauli words on {n} qubits",
        n_qubits=n,
        unit=unit,
        description={"model": "pauli", "sha256": digest.hexdigest(), "qubits": n, "bits": state, "unit": unit},
        pauli=terms,
        bits=tuple(state),
    )


def _electrons(hamiltonian: Any) -> Integrals | None:
    """Return the integrals of ladder operators; None for something else."""
    if _is_molecular_data(hamiltonian):
        two = np.asarray(hamiltonian.two_body_integrals)
        two = two.transpose(0, 3, 1, 2) if two.ndim == 4 else two  # of a_p^+ a_q^+ a_r a_s
        try:
            return Integrals(hamiltonian.nuclear_repulsion, hamiltonian.one_body_integrals, two)
        except QvarError as error:
            raise QvarError(f"`hamiltonian` must hold integrals over real orbitals, but does not: {error}") from error
    words = _ladder_words(hamiltonian)
    return None if words is None else integrals_of(words)


def _is_molecular_data(hamiltonian: Any) -> bool:
    fields = ("one_body_integrals", "two_body_integrals", "nuclear_repulsion", "n_electrons", "multiplicity")
    return _has(hamiltonian, *fields)


def _has(value: Any, *fields: str) -> bool:
    return not isinstance(value, type) and all(hasattr(value, field) for field in fields)


def _ladder_words(hamiltonian: Any) -> dict[Ladder, complex] | None:
    from pennylane.fermi import FermiSentence, FermiWord

    if isinstance(hamiltonian, FermiWord):
        hamiltonian = FermiSentence({hamiltonian: 1.0})
    if isinstance(hamiltonian, FermiSentence):
        words: dict[Ladder, complex] = {}
        for word, value in hamiltonian.items():
            letters = [(mode, letter == "+") for (_, mode), letter in sorted(word.items())]
            words[_word(letters)] = complex(value)
        return words
    if _has(hamiltonian, "constant", "one_body_tensor", "two_body_tensor"):
        words = {(): complex(hamiltonian.constant)}
        for tensor, creates in ((hamiltonian.one_body_tensor, (True, False)), (hamiltonian.two_body_tensor, _TWO)):
            for index in np.argwhere(np.asarray(tensor)).tolist():
                words[tuple(zip(index, creates, strict=True))] = complex(tensor[tuple(index)])
        return words
    terms = _terms(hamiltonian)
    if terms is not None and not _is_pauli(terms):
        return {_word([(mode, bool(creates)) for mode, creates in word]): complex(c) for word, c in terms.items()}
    return None


_TWO = (True, True, False, False)


def _word(letters: Sequence[tuple[Any, bool]]) -> Ladder:
    for mode, _ in letters:
        if not isinstance(mode, int | np.integer) or isinstance(mode, bool):
            raise QvarError(f"`hamiltonian` must have integers for modes, but has {shown(mode)}.")
    return tuple((int(mode), creates) for mode, creates in letters)


def _terms(hamiltonian: Any) -> Mapping[Any, Any] | None:
    """Return the words of an operator of OpenFermion; None for something else."""
    terms = None if isinstance(hamiltonian, type) else getattr(hamiltonian, "terms", None)
    if not isinstance(terms, Mapping):
        return None
    if all(isinstance(word, tuple) and all(len(factor) == 2 for factor in word) for word in terms):
        return terms
    raise QvarError("`hamiltonian` must have words ((mode, 1 or 0), ...) or ((qubit, 'Z'), ...), but has others.")


def _is_pauli(terms: Mapping[Any, Any]) -> bool:
    """Return whether words are those of a `QubitOperator`: (qubit, letter) for each factor."""
    return any(isinstance(factor[1], str) for word in terms for factor in word)


def _pauli_terms(hamiltonian: Any) -> PauliTerms:
    from pennylane.operation import Operator
    from pennylane.pauli import PauliSentence, PauliWord

    terms = _terms(hamiltonian)
    if terms is not None:
        hamiltonian = PauliSentence({PauliWord(dict(word)): value for word, value in terms.items()})
    hamiltonian = operator_of(hamiltonian)
    if not isinstance(hamiltonian, Operator):
        raise QvarError(
            "`hamiltonian` must be a Hamiltonian of PennyLane or OpenFermion, such as a FermiSentence or a sum of "
            f"Pauli words, but is {shown(hamiltonian)}."
        )
    wires: list[Any] = hamiltonian.wires.tolist()
    if not all(isinstance(wire, int) and 0 <= wire < MAX_QUBITS for wire in wires):
        raise QvarError(f"`hamiltonian` must act on wires from 0 to {MAX_QUBITS - 1}, but acts on {shown(wires)}.")
    try:
        return pauli_terms(hamiltonian, max(wires, default=0) + 1)
    except QvarError as error:
        raise QvarError(str(error).replace("`observable`", "`hamiltonian`", 1)) from error
