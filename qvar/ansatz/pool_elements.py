r"""Elements of pools, and the circuits that they make."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from qvar._types import Excitation, FloatArray
from qvar.ansatz.ansatz import Symmetry
from qvar.ansatz.decompositions import Operation
from qvar.ansatz.excitation_sums import collected, commute, modes_of, terms_of, word_of
from qvar.ansatz.gates import KIND_INDEX
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.ansatz.resources import count
from qvar.short_repr import short_repr

Term: TypeAlias = tuple[float, Operation]
"""(c, operation): the angle of the operation is \\(2 c \\theta\\), so that it is \\(e^{c \\theta A}\\)."""

Made: TypeAlias = tuple[str, Sequence[Term]]
"""(name, terms) of an element."""

_SUM = "ExcitationSum"

IDLE = 1e-8
"""Size below which a derivative is zero, as in the code of Ramoa et al. (2024)."""


@short_repr("name", "cnots")
@dataclass(frozen=True, eq=False)
class PoolElement:
    r"""One element \(A = \sum_i c_i A_i\).

    \(A_i\) is \(T - T^\dagger\) of an excitation, or \(-iP\) of a Pauli word. Excitations need not commute.
    """

    name: str
    """Its excitations or words, such as `"4 5 <- 1 0"`."""
    terms: tuple[Term, ...]
    """The terms."""
    n_qubits: int
    """Qubits of the register."""
    exact: bool = True
    r"""True if the circuit is \(e^{\theta A}\), False if it is the product of all \(e^{c_i \theta A_i}\), in their
    order."""
    free: bool = False
    r"""True if each term has an angle of its own, \(\prod_i e^{c_i \theta_i A_i}\)."""

    @property
    def n_params(self) -> int:
        """Number of angles."""
        return len(self.terms) if self.free else 1

    @property
    def wires(self) -> frozenset[int]:
        """Qubits that it changes; those of a Jordan-Wigner string are not among them."""
        return frozenset(wire for _, operation in self.terms for wire in operation.wires)

    @property
    def norm(self) -> float:
        r"""Root of the sum of squares of the coefficients of A: each \(T - T^\dagger\) has two, each \(-iP\) one."""
        plain: dict[Operation, float] = {}
        for c, operation in self.terms:
            if not _is_fermionic(operation):
                plain[operation] = plain.get(operation, 0.0) + c
        squares = sum(c * c * (2 if operation.name.endswith("Excitation") else 1) for operation, c in plain.items())
        return math.sqrt(squares + sum(2.0 * c * c for c in excitations_of(self.terms).values()))

    @cached_property
    def commutes(self) -> bool:
        """True if all terms commute with each other."""
        return all(_commute(one, other) for (_, one), (_, other) in combinations(self.terms, 2))

    def without_idle(self, gradients: FloatArray) -> PoolElement:
        """Return the element without those of several angles whose derivatives are zero, at least one left."""
        if not self.free:
            return self
        sizes = np.abs(gradients)
        terms = tuple(term for term, size in zip(self.terms, sizes, strict=True) if size >= min(IDLE, sizes.max()))
        return replace(self, name=free_name(terms), terms=terms)

    @cached_property
    def circuit(self) -> tuple[Term, ...]:
        """Operations of its circuit, the first acts first; one for each angle if it has several."""
        if self.free or self.commutes or not self.exact:
            return self.terms
        parts = excitations_of(self.terms)
        scale = max(parts.values(), key=abs)
        word = word_of({excitation: c / scale for excitation, c in parts.items()})
        return ((scale, Operation(KIND_INDEX[_SUM], modes_of(parts), word)),)

    @cached_property
    def cnots(self) -> int | None:
        """CNOTs of its published circuit; None if there is none."""
        return count(program_of([self], self.n_qubits, None)).two_qubit_gates


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

    @cached_property
    def angles(self) -> tuple[slice, ...]:
        """Places of each element's angles among those of all, in their order."""
        ends = np.cumsum([one.n_params for one in self.elements]).tolist()
        return tuple(slice(end - one.n_params, end) for one, end in zip(self.elements, ends, strict=True))

    @property
    def n_params(self) -> int:
        """Number of angles of all elements."""
        return sum(one.n_params for one in self.elements)

    def sizes(self, gradients: FloatArray) -> FloatArray:
        """Return the size of each element's derivative, (size,): the norm if it has several angles.

        Args:
            gradients: (n_params,) derivatives by the angles of all elements.
        """
        return np.sqrt(np.add.reduceat(gradients**2, [one.start for one in self.angles]))

    def describe(self) -> dict[str, Any]:
        """Describe the pool for task keys, ready for JSON."""
        terms = [
            [
                one.name,
                [[c, operation.name, list(operation.wires), operation.word] for c, operation in one.circuit],
                *(["free"] if one.free else []),
            ]
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

    def as_products(self) -> Pool:
        r"""Return the pool with \(\prod_i e^{c_i \theta A_i}\) in place of every \(e^{\theta A}\).

        Both have the same derivative at angle zero; the product costs fewer gates, and has a published circuit.
        """
        return replace(self, elements=tuple(replace(one, exact=False) for one in self.elements))


def program_of(
    elements: Sequence[PoolElement], n_qubits: int, reference: Sequence[int] | None, start: Program | None = None
) -> Program:
    """Return the circuit of a sequence of elements after another circuit or a determinant.

    The first element acts first; parameters of `start` come first, and its reference is taken if it is given.
    """
    shift = 0 if start is None else start.n_params
    n_params = shift + sum(element.n_params for element in elements)
    builder = ProgramBuilder(n_qubits, n_params, reference if start is None else start.reference)
    if start is not None:
        builder.extend(start)
    for element in elements:
        for place, (coefficient, operation) in enumerate(element.circuit):
            angle = {shift + (place if element.free else 0): 2.0 * coefficient}
            builder.add(operation.name, operation.wires, angle, word=operation.word)
        shift += element.n_params
    return builder.build()


def title(excitation: Excitation) -> str:
    """Return the name of an excitation, such as `"4 5 <- 1 0"`."""
    created, annihilated = excitation
    return f"{' '.join(map(str, created))} <- {' '.join(map(str, annihilated))}"


def free_name(terms: Sequence[Term]) -> str:
    """Return the name of excitations with an angle each, such as `"(4 5 <- 1 0), (4 1 <- 5 0)"`."""
    halves = [(operation.wires, len(operation.wires) // 2) for _, operation in terms]
    names = [title((wires[:half], wires[half:])) for wires, half in halves]
    return names[0] if len(names) == 1 else ", ".join(f"({name})" for name in names)


def excitation_terms(parts: Mapping[Excitation, float]) -> tuple[Term, ...]:
    """Return the terms of a sum of excitations, as `qvar.ansatz.excitation_sums.collected` returns it."""
    return tuple((c, excitation_operation(excitation, fermionic=True)) for excitation, c in parts.items())


def excitation_operation(excitation: Excitation, *, fermionic: bool) -> Operation:
    r"""Return the operation with the generator \(T - T^\dagger\).

    T has its Jordan-Wigner string if it is fermionic; then it may create and annihilate the same mode, or have any
    number of modes.
    """
    created, annihilated = excitation
    modes = (*created, *annihilated)
    if fermionic and (len(set(modes)) < len(modes) or len(modes) not in (2, 4) or len(created) != len(annihilated)):
        parts = collected([(1.0, created, annihilated)])
        return Operation(KIND_INDEX[_SUM], modes_of(parts), word_of(parts))
    name = "SingleExcitation" if len(created) == 1 else "DoubleExcitation"
    return Operation(KIND_INDEX[f"Fermionic{name}" if fermionic else name], modes)


def excitations_of(terms: Iterable[Term]) -> dict[Excitation, float]:
    """Return the fermionic ones of some terms as one sum of excitations, equal ones merged."""
    parts: list[tuple[float, Sequence[int], Sequence[int]]] = []
    for c, operation in terms:
        if operation.name == _SUM:
            inner = terms_of(operation.word, operation.wires)
            parts += [(c * scale, *excitation) for excitation, scale in inner.items()]
        elif _is_fermionic(operation):
            half = len(operation.wires) // 2
            parts.append((c, operation.wires[:half], operation.wires[half:]))
    return collected(parts)


def _is_fermionic(operation: Operation) -> bool:
    return operation.name == _SUM or operation.name.startswith("Fermionic")


def _commute(one: Operation, other: Operation) -> bool:
    """Return whether two terms commute; those that are not fermionic do by construction."""
    if not (_is_fermionic(one) and _is_fermionic(other)) or not set(one.wires) & set(other.wires):
        return True
    return commute(word_of(excitations_of([(1.0, one), (0.5, other)])))
