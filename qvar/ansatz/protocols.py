"""Protocols of problems that ansätze take; a `Problem` satisfies all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from qvar._types import AmplitudeMethod, Excitation, IntArray
from qvar.checks import counting_number
from qvar.errors import require
from qvar.pauli import MAX_QUBITS


@runtime_checkable
class HasReference(Protocol):
    """Qubits and a reference determinant."""

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        ...

    @property
    def reference_bits(self) -> tuple[int, ...]:
        """(n_qubits,) occupation of every wire in the reference determinant."""
        ...


@runtime_checkable
class HasOrbitals(HasReference, Protocol):
    """Electrons in orbitals: occupations, symmetries and cluster amplitudes."""

    @property
    def n_orbitals(self) -> int:
        """Number of spatial orbitals; 0 for spin models."""
        ...

    @property
    def occupied_alpha(self) -> tuple[int, ...]:
        """Orbitals occupied by spin up in the reference determinant."""
        ...

    @property
    def occupied_beta(self) -> tuple[int, ...]:
        """Orbitals occupied by spin down in the reference determinant."""
        ...

    def orbital_parities(self) -> IntArray:
        """Return (n_symmetries, n_orbitals) signs of each orbital under each symmetry of the Hamiltonian."""
        ...

    def amplitudes(self, theory: AmplitudeMethod) -> Mapping[Excitation, float]:
        """Return the cluster amplitude of every spin-conserving single and double excitation."""
        ...


@runtime_checkable
class HasModel(HasReference, Protocol):
    """A lattice model with its name and couplings."""

    @property
    def description(self) -> dict[str, Any]:
        """The inputs that identify the problem: `model` and its couplings."""
        ...


def register(problem: HasReference | int) -> tuple[int, tuple[int, ...] | None]:
    """Return the number of qubits of a problem or an integer, and reference bits or None for |0...0>."""
    if isinstance(problem, HasReference) and not isinstance(problem, type):
        return problem.n_qubits, problem.reference_bits
    n_qubits = counting_number("problem", problem)
    require(n_qubits <= MAX_QUBITS, "problem", f"have at most {MAX_QUBITS} qubits", problem)
    return n_qubits, None
