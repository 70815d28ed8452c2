r"""Pools of operators from which circuits grow: \(e^{\theta A}\) of anti-Hermitian elements \(A\), as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from qvar._types import Excitation
from qvar.ansatz.ansatz import Ansatz, Symmetry
from qvar.ansatz.decompositions import Operation
from qvar.ansatz.elementary import Terms, operations
from qvar.ansatz.excitations import doubles, generalized_doubles, generalized_singles, pair_doubles, singles
from qvar.ansatz.gates import KIND_INDEX, KINDS
from qvar.ansatz.pennylane_io import pauli_words
from qvar.ansatz.pool_elements import Made, Pool, PoolElement, excitation_operation, free_name, program_of, title
from qvar.ansatz.pool_operators import operator_element
from qvar.ansatz.protocols import HasOrbitals, HasReference
from qvar.ansatz.spin_pools import singlet_gsd, singlet_sd, spin_complement_gsd
from qvar.arguments import checked
from qvar.errors import QvarError, shown


@checked(own=("source", "problem"))
def pool(
    source: str | Ansatz | Sequence[Any], problem: HasReference, *, normalize: bool = False, product: bool = False
) -> Pool:
    r"""Return a pool of operators for growing circuits.

    | name | elements | from |
    |---|---|---|
    | `sd` | excitations of one and two electrons from the reference determinant | Grimsley et al. 2019 |
    | `gsd` | excitations between any two or four modes that conserve N and Sz | Grimsley et al. 2019 |
    | `singlet_sd`, `singlet_gsd` | sums of these that conserve the total spin, of norm 1 | Grimsley et al. 2019 |
    | `spin_complement_gsd` | excitations plus the same ones with both spins flipped | Grimsley et al. 2019 |
    | `pairs` | both electrons of an orbital to another one | Lee et al. 2019 |
    | `qubit_sd`, `qubit_gsd` | as `sd`, `gsd` without Jordan-Wigner strings | Yordanov et al. 2021 |
    | `ceo` | single qubit excitations; sums and differences of two doubles on the same qubits | Ramoa et al. 2024 |
    | `ceo_mvp` | single qubit excitations; all doubles on the same qubits, an angle each | Ramoa et al. 2024 |
    | `pauli` | each Pauli word of the excitations of `gsd` | Tang et al. 2021 |
    | `pauli_no_z` | the same words without Z | Tang et al. 2021 |
    | `minimal_v`, `minimal_g` | 2n - 2 Pauli words that reach any real state | Tang et al. 2021 |
    | `terms` | Pauli words of the Hamiltonian, and products of two that anticommute | |

    The terms of an element of the singlet and the spin-complement pools need not commute: its exact exponential is
    meant, for which no circuit of few CNOTs is published. Costs O(M^4) operations for M orbitals.

    Args:
        source: name of the pool; or an ansatz, whose operations with a parameter become one element each; or a list of
            anti-Hermitian PennyLane operators: `qml.fermi` sums with real coefficients (on at most eight modes if their
            terms do not commute), or operators with commuting Pauli words.
        problem: gives the number of qubits and, for excitations, its orbitals.
        normalize: whether each element is divided by its norm.
        product: whether an element is the product of the exponentials of its terms, in their order, in place of the
            exponential of their sum: the same gradient at angle zero, and a published circuit.

    Raises:
        QvarError: if the name is unknown, the problem has no orbitals for excitations, the ansatz has another number
            of qubits, angles that are not affine, or no parameter, or an operator is not anti-Hermitian or cannot be
            exponentiated.
    """
    if isinstance(source, Ansatz):
        answer = _of_ansatz(source, problem)
    elif isinstance(source, str) and source in _POOLS:
        make, symmetries, citations = _POOLS[source]
        if source not in _WITHOUT_ORBITALS and (
            not isinstance(problem, HasOrbitals)
            or problem.n_orbitals == 0
            or problem.n_qubits != 2 * problem.n_orbitals
        ):
            raise QvarError(f"`problem` must have a qubit for each spin orbital for the pool {source}, but has not.")
        elements = tuple(
            PoolElement(name, tuple(terms), problem.n_qubits, free=source in _FREE and len(terms) > 1)
            for name, terms in make(problem)
        )
        answer = Pool(source, problem.n_qubits, elements, symmetries=symmetries, citations=citations)
        answer = answer.normalized() if source.startswith("singlet") else answer
    elif isinstance(source, Sequence) and not isinstance(source, str):
        answer = _of_operators(source, problem)
    else:
        words = ", ".join(map(repr, _POOLS))
        raise QvarError(f"`source` must be an Ansatz or one of {words}, but is {shown(source)}.")
    if not answer.elements:
        raise QvarError(f"`source` must give a pool with elements, but {answer.name} has none for {shown(problem)}.")
    answer = answer.normalized() if normalize else answer
    return answer.as_products() if product else answer


def _plain(sequence: Iterable[Excitation], *, fermionic: bool) -> Iterator[Made]:
    for excitation in sequence:
        yield title(excitation), [(1.0, excitation_operation(excitation, fermionic=fermionic))]


def _sd(problem: HasOrbitals) -> list[Excitation]:
    return singles(problem) + doubles(problem)


def _gsd(problem: HasOrbitals) -> list[Excitation]:
    return generalized_singles(problem.n_orbitals) + generalized_doubles(problem.n_orbitals)


def _pairs(problem: HasOrbitals) -> list[Excitation]:
    return pair_doubles(combinations(range(problem.n_orbitals), 2))


def _quartets(problem: HasOrbitals) -> list[list[Excitation]]:
    """Return the double excitations, those on the same four qubits together: three of one spin, two of both."""
    groups: dict[frozenset[int], list[Excitation]] = {}
    for created, annihilated in generalized_doubles(problem.n_orbitals):
        groups.setdefault(frozenset((*created, *annihilated)), []).append((created, annihilated))
    return list(groups.values())


def _coupled(problem: HasOrbitals) -> Iterator[Made]:
    """Yield single excitations, then all sums and differences of two doubles on the same four qubits."""
    yield from _plain(generalized_singles(problem.n_orbitals), fermionic=False)
    for group in _quartets(problem):
        for first, second in combinations(group, 2):
            for sign, word in ((1.0, "+"), (-1.0, "-")):
                terms = [
                    (1.0, excitation_operation(first, fermionic=False)),
                    (sign, excitation_operation(second, fermionic=False)),
                ]
                yield f"({title(first)}) {word} ({title(second)})", terms


def _coupled_free(problem: HasOrbitals) -> Iterator[Made]:
    """Yield single excitations, then all doubles on the same four qubits together."""
    yield from _plain(generalized_singles(problem.n_orbitals), fermionic=False)
    for group in _quartets(problem):
        terms = [(1.0, excitation_operation(one, fermionic=False)) for one in group]
        yield free_name(terms), terms


def _words(problem: HasOrbitals, *, strings: bool) -> Iterator[Made]:
    """Yield each Pauli word of the excitations once, by its letters on the wires in ascending order."""
    seen = set[str]()
    for created, annihilated in _gsd(problem):
        for word, wires, _ in pauli_words(created, annihilated):
            letters = dict(zip(wires, word, strict=True))
            element = _word({wire: letter for wire, letter in letters.items() if strings or letter != "Z"})
            if element[0] not in seen:
                seen.add(element[0])
                yield element


def _of_operators(operators: Sequence[Any], problem: HasReference) -> Pool:
    elements = tuple(operator_element(one, number, problem.n_qubits) for number, one in enumerate(operators))
    conserves = program_of(
        [replace(one, exact=False) for one in elements], problem.n_qubits, None
    ).conserves_spin_numbers
    return Pool("operators", problem.n_qubits, elements, symmetries=_NUMBERS if conserves else ())


def _word(letters: Mapping[int, str]) -> Made:
    """Return the element of one Pauli word, by its letters on wires."""
    on = sorted(letters)
    operation = Operation(KIND_INDEX["PauliRot"], tuple(on), "".join(letters[wire] for wire in on))
    return " ".join(f"{letters[wire]}{wire}" for wire in on), [(1.0, operation)]


def _minimal_v(problem: HasReference) -> Iterator[Made]:
    """Yield the pool V: with a qubit before them, Z times the words on fewer qubits, and Y on the first two qubits."""
    n = problem.n_qubits
    for last in range(n - 1, -1, -1):  # Z...ZY, then from the innermost recursion outwards
        yield _word({**dict.fromkeys(range(last), "Z"), last: "Y"})
    for last in range(n - 2, 0, -1):
        yield _word({**dict.fromkeys(range(last - 1), "Z"), last: "Y"})


def _minimal_g(problem: HasReference) -> Iterator[Made]:
    """Yield the pool G: ZY on neighbours, and Y on all qubits but the last."""
    for wire in range(problem.n_qubits - 1):
        yield _word({wire: "Z", wire + 1: "Y"})
    for wire in range(problem.n_qubits - 1):
        yield _word({wire: "Y"})


def _hamiltonian_words(problem: Any) -> Iterator[Made]:
    """Yield the words of the Hamiltonian, then the products of two that anticommute, each once."""
    sentence = problem.hamiltonian().pauli_rep
    words = [word for word in sentence if len(word)]
    products = [next(iter(a @ b)) for a, b in combinations(words, 2) if not a.commutes_with(b)]
    for word in dict.fromkeys([*words, *products]):
        yield _word({int(wire): letter for wire, letter in word.items()})


def _of_ansatz(ansatz: Ansatz, problem: HasReference) -> Pool:
    """Return the operations of an ansatz; those that one parameter shares and follow each other are one element."""
    program = ansatz.program
    if program.n_qubits != problem.n_qubits:
        raise QvarError(f"`source` must have {problem.n_qubits} qubits as the problem, but has {program.n_qubits}.")
    if program.angle_function is not None:
        raise QvarError("`source` must have angles that are affine in theta, but has others.")
    rows = Terms.of(program).rows
    elements: dict[str, PoolElement] = {}
    for operation, row in zip(operations(program), rows, strict=True):
        if row and KINDS[operation.kind].parametric:
            where = " ".join(map(str, operation.wires))
            name = f"{operation.name} {operation.word} {where}".replace("  ", " ")
            elements.setdefault(name, PoolElement(name, ((1.0, operation),), program.n_qubits))
    return Pool(
        ansatz.name,
        program.n_qubits,
        tuple(elements.values()),
        symmetries=ansatz.symmetries,
        citations=ansatz.citations,
    )


_NUMBERS: tuple[Symmetry, ...] = ("particle_number", "sz")

_SPINS: tuple[Symmetry, ...] = (*_NUMBERS, "s2")

_WITHOUT_ORBITALS = ("minimal_v", "minimal_g", "terms")

_FREE = ("ceo_mvp",)
"""Pools of elements with an angle for each term."""

_POOLS: Mapping[str, tuple[Callable[[Any], Iterable[Made]], tuple[Symmetry, ...], tuple[str, ...]]] = {
    "sd": (lambda problem: _plain(_sd(problem), fermionic=True), _NUMBERS, ("grimsley2019",)),
    "gsd": (lambda problem: _plain(_gsd(problem), fermionic=True), _NUMBERS, ("grimsley2019",)),
    "singlet_sd": (singlet_sd, _SPINS, ("grimsley2019",)),
    "singlet_gsd": (singlet_gsd, _SPINS, ("grimsley2019",)),
    "spin_complement_gsd": (spin_complement_gsd, _NUMBERS, ("grimsley2019",)),
    "pairs": (lambda problem: _plain(_pairs(problem), fermionic=True), _NUMBERS, ("lee2019",)),
    "qubit_sd": (lambda problem: _plain(_sd(problem), fermionic=False), _NUMBERS, ("yordanov2021",)),
    "qubit_gsd": (lambda problem: _plain(_gsd(problem), fermionic=False), _NUMBERS, ("yordanov2021",)),
    "ceo": (_coupled, _NUMBERS, ("ramoa2024",)),
    "ceo_mvp": (_coupled_free, _NUMBERS, ("ramoa2024",)),
    "pauli": (lambda problem: _words(problem, strings=True), (), ("tang2021",)),
    "pauli_no_z": (lambda problem: _words(problem, strings=False), (), ("tang2021",)),
    "minimal_v": (_minimal_v, (), ("tang2021", "shkolnikov2023")),
    "minimal_g": (_minimal_g, (), ("tang2021", "shkolnikov2023")),
    "terms": (_hamiltonian_words, (), ("grimsley2019",)),
}
"""{name: (problem -> (name, terms) of each element, conserved quantities, citations)}"""

POOL_NAMES: tuple[str, ...] = tuple(_POOLS)
