r"""Pools of operators from which circuits grow: \(e^{\theta A}\) of anti-Hermitian elements \(A\), as data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, TypeAlias

from qvar._types import Excitation
from qvar.ansatz.ansatz import Ansatz, Symmetry
from qvar.ansatz.decompositions import Operation
from qvar.ansatz.elementary import Terms, operations
from qvar.ansatz.excitations import doubles, generalized_doubles, generalized_singles, pair_doubles, singles
from qvar.ansatz.gates import KIND_INDEX, KINDS
from qvar.ansatz.pennylane_io import pauli_words
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.ansatz.protocols import HasOrbitals, HasReference
from qvar.ansatz.resources import count
from qvar.arguments import checked
from qvar.errors import QvarError, shown
from qvar.short_repr import short_repr

Term: TypeAlias = tuple[float, Operation]
"""(c, operation): the angle of the operation is \\(2 c \\theta\\), so that it is \\(e^{c \\theta A}\\)."""


@short_repr("name", "cnots")
@dataclass(frozen=True, eq=False)
class PoolElement:
    r"""One element \(A = \sum_i c_i A_i\), whose terms commute.

    \(A_i\) is \(T - T^\dagger\) of an excitation, or \(-iP\) of a Pauli word.
    """

    name: str
    """Its excitations or words, such as `"4 5 <- 1 0"`."""
    terms: tuple[Term, ...]
    """The terms, in the order in which they act."""
    n_qubits: int
    """Qubits of the register."""

    @property
    def wires(self) -> frozenset[int]:
        """Qubits that it changes; those of a Jordan-Wigner string are not among them."""
        return frozenset(wire for _, operation in self.terms for wire in operation.wires)

    @property
    def norm(self) -> float:
        r"""Root of the sum of squares of the coefficients of A: each \(T - T^\dagger\) has two, each \(-iP\) one."""
        return math.sqrt(sum(c * c * (2 if _is_excitation(operation) else 1) for c, operation in self.terms))

    @cached_property
    def cnots(self) -> int:
        """CNOTs of its published circuit."""
        return count(program_of([self], self.n_qubits, None)).two_qubit_gates or 0


@short_repr("name", "n_qubits", "size")
@dataclass(frozen=True, eq=False)
class Pool:
    """Elements of one kind on one register."""

    name: str
    """Name in the ledger, such as `"qubit_gsd"`."""
    n_qubits: int
    """Qubits of the register."""
    elements: tuple[PoolElement, ...]
    """The elements, in their order."""
    _: KW_ONLY
    symmetries: tuple[Symmetry, ...] = ()
    """Quantities that every element conserves."""
    citations: tuple[str, ...] = ()
    """Keys of papers in `qvar/citations.bib`."""

    @property
    def size(self) -> int:
        """Number of elements."""
        return len(self.elements)

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self.elements)

    def describe(self) -> dict[str, Any]:
        """Describe the pool for task keys, ready for JSON."""
        terms = [
            [one.name, [[c, operation.name, list(operation.wires), operation.word] for c, operation in one.terms]]
            for one in self.elements
        ]
        return {"name": self.name, "elements": terms}

    def normalized(self) -> Pool:
        """Return the pool with every element divided by its norm, as Grimsley et al. (2019) do.

        It changes the selection if norms differ.
        """
        elements = tuple(
            replace(one, terms=tuple((c / one.norm, operation) for c, operation in one.terms)) for one in self.elements
        )
        return replace(self, elements=elements)


@checked(own=("problem",))
def pool(source: str | Ansatz, problem: HasReference, *, normalize: bool = False) -> Pool:
    r"""Return a pool of operators for growing circuits.

    | name | elements | from |
    |---|---|---|
    | `sd` | excitations of one and two electrons from the reference determinant | Grimsley et al. 2019 |
    | `gsd` | excitations between any two or four modes that conserve N and Sz | Grimsley et al. 2019 |
    | `pairs` | both electrons of an orbital to another one | Lee et al. 2019 |
    | `qubit_sd`, `qubit_gsd` | the same without Jordan-Wigner strings | Yordanov et al. 2021 |
    | `ceo` | single qubit excitations; sums and differences of two doubles on the same qubits | Ramoa et al. 2024 |
    | `pauli` | each Pauli word of the excitations of `gsd` | Tang et al. 2021 |
    | `pauli_no_z` | the same words without Z | Tang et al. 2021 |

    Costs O(M^4) operations for M orbitals.

    Args:
        source: name of the pool; or an ansatz, whose operations with a parameter become one element each.
        problem: gives the number of qubits and, for excitations, its orbitals.
        normalize: whether each element is divided by its norm.

    Raises:
        QvarError: if the name is unknown, the problem has no orbitals for excitations, or the ansatz has another number
            of qubits, angles that are not affine, or no parameter.
    """
    if isinstance(source, Ansatz):
        answer = _of_ansatz(source, problem)
    elif source in _POOLS:
        if (
            not isinstance(problem, HasOrbitals)
            or problem.n_orbitals == 0
            or problem.n_qubits != 2 * problem.n_orbitals
        ):
            raise QvarError(f"`problem` must have a qubit for each spin orbital for the pool {source}, but has not.")
        make, symmetries, citations = _POOLS[source]
        elements = tuple(PoolElement(name, tuple(terms), problem.n_qubits) for name, terms in make(problem))
        answer = Pool(source, problem.n_qubits, elements, symmetries=symmetries, citations=citations)
    else:
        words = ", ".join(map(repr, _POOLS))
        raise QvarError(f"`source` must be an Ansatz or one of {words}, but is {shown(source)}.")
    if not answer.elements:
        raise QvarError(f"`source` must give a pool with elements, but {answer.name} has none for {shown(problem)}.")
    return answer.normalized() if normalize else answer


def program_of(
    elements: Sequence[PoolElement], n_qubits: int, reference: Sequence[int] | None, start: Program | None = None
) -> Program:
    """Return the circuit of a sequence of elements, one parameter each, after another circuit or a determinant.

    Args:
        elements: the first acts first.
        n_qubits: qubits of the register.
        reference: occupation of the wires; that of `start` if it is given.
        start: circuit that acts before, whose parameters come first.
    """
    shift = 0 if start is None else start.n_params
    builder = ProgramBuilder(n_qubits, shift + len(elements), reference if start is None else start.reference)
    if start is not None:
        builder.extend(start)
    for number, element in enumerate(elements):
        for coefficient, operation in element.terms:
            angle = {shift + number: 2.0 * coefficient}
            builder.add(operation.name, operation.wires, angle, word=operation.word)
    return builder.build()


Made: TypeAlias = tuple[str, Sequence[Term]]


def _is_excitation(operation: Operation) -> bool:
    return operation.name.endswith("Excitation")


def _excitation(excitation: Excitation, *, fermionic: bool) -> Operation:
    created, annihilated = excitation
    name = "SingleExcitation" if len(created) == 1 else "DoubleExcitation"
    return Operation(KIND_INDEX[f"Fermionic{name}" if fermionic else name], (*created, *annihilated))


def _title(excitation: Excitation) -> str:
    created, annihilated = excitation
    return f"{' '.join(map(str, created))} <- {' '.join(map(str, annihilated))}"


def _plain(sequence: Iterable[Excitation], *, fermionic: bool) -> Iterator[Made]:
    for excitation in sequence:
        yield _title(excitation), [(1.0, _excitation(excitation, fermionic=fermionic))]


def _sd(problem: HasOrbitals) -> list[Excitation]:
    return singles(problem) + doubles(problem)


def _gsd(problem: HasOrbitals) -> list[Excitation]:
    return generalized_singles(problem.n_orbitals) + generalized_doubles(problem.n_orbitals)


def _pairs(problem: HasOrbitals) -> list[Excitation]:
    return pair_doubles(combinations(range(problem.n_orbitals), 2))


def _coupled(problem: HasOrbitals) -> Iterator[Made]:
    """Yield single excitations, then all sums and differences of two doubles on the same four qubits."""
    yield from _plain(generalized_singles(problem.n_orbitals), fermionic=False)
    groups: dict[frozenset[int], list[Excitation]] = {}
    for created, annihilated in generalized_doubles(problem.n_orbitals):
        groups.setdefault(frozenset((*created, *annihilated)), []).append((created, annihilated))
    for group in groups.values():
        for first, second in combinations(group, 2):
            for sign, word in ((1.0, "+"), (-1.0, "-")):
                terms = [(1.0, _excitation(first, fermionic=False)), (sign, _excitation(second, fermionic=False))]
                yield f"({_title(first)}) {word} ({_title(second)})", terms
        if len(group) == 1:  # both electrons of one orbital
            yield _title(group[0]), [(1.0, _excitation(group[0], fermionic=False))]


def _words(problem: HasOrbitals, *, strings: bool) -> Iterator[Made]:
    """Yield each Pauli word of the excitations once, by its letters on the wires in ascending order."""
    seen = set[str]()
    for created, annihilated in _gsd(problem):
        for word, wires, _ in pauli_words(created, annihilated):
            letters = dict(zip(wires, word, strict=True))
            on = sorted(wire for wire in letters if strings or letters[wire] != "Z")
            name = " ".join(f"{letters[wire]}{wire}" for wire in on)
            if name not in seen:
                seen.add(name)
                operation = Operation(KIND_INDEX["PauliRot"], tuple(on), "".join(letters[wire] for wire in on))
                yield name, [(1.0, operation)]


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

_POOLS: Mapping[str, tuple[Callable[[Any], Iterable[Made]], tuple[Symmetry, ...], tuple[str, ...]]] = {
    "sd": (lambda problem: _plain(_sd(problem), fermionic=True), _NUMBERS, ("grimsley2019",)),
    "gsd": (lambda problem: _plain(_gsd(problem), fermionic=True), _NUMBERS, ("grimsley2019",)),
    "pairs": (lambda problem: _plain(_pairs(problem), fermionic=True), _NUMBERS, ("lee2019",)),
    "qubit_sd": (lambda problem: _plain(_sd(problem), fermionic=False), _NUMBERS, ("yordanov2021",)),
    "qubit_gsd": (lambda problem: _plain(_gsd(problem), fermionic=False), _NUMBERS, ("yordanov2021",)),
    "ceo": (_coupled, _NUMBERS, ("ramoa2024",)),
    "pauli": (lambda problem: _words(problem, strings=True), (), ("tang2021",)),
    "pauli_no_z": (lambda problem: _words(problem, strings=False), (), ("tang2021",)),
}
"""{name: (problem -> (name, terms) of each element, conserved quantities, citations)}"""

POOL_NAMES: tuple[str, ...] = tuple(_POOLS)
