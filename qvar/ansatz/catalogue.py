"""Table of every ansatz: `qvar list ansatze`, the conformance tests and the cases read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import jax

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.fabric import gate_fabric, givens_fabric, tups
from qvar.ansatz.hardware_efficient import hardware_efficient
from qvar.ansatz.hva import hva
from qvar.ansatz.identity_blocks import identity_blocks
from qvar.ansatz.lucj import lucj, ucj
from qvar.ansatz.orbital_optimized import orbital_optimized
from qvar.ansatz.protocols import HasModel, HasOrbitals, HasReference
from qvar.ansatz.random_circuit import random_circuit
from qvar.ansatz.sim_circuits import sim_circuit
from qvar.ansatz.symmetry_preserving import particle_conserving_u1, particle_conserving_u2, symmetry_preserving
from qvar.ansatz.templates import basic_entangler, efficient_su2, real_amplitudes, strongly_entangling
from qvar.ansatz.ucc import kupccgsd, puccd, uccd, uccgsd, uccsd
from qvar.arguments import checked
from qvar.errors import QvarError

Needs: TypeAlias = Literal["qubits", "orbitals", "model"]
"""Requirement of an ansatz: qubits alone, electrons in orbitals, or the terms of a lattice model."""


@dataclass(frozen=True)
class Entry:
    """One ansatz with its usual settings."""

    name: str
    """Name of the function that makes it, with a setting if that distinguishes two entries."""
    make: Callable[[Any, int], Ansatz]
    """(problem, layers) -> the ansatz; those without layers ignore the second."""
    needs: Needs
    """Requirement on the problem."""


ANSATZE: tuple[Entry, ...] = (
    Entry("hardware_efficient", lambda p, n: hardware_efficient(p, layers=n), "qubits"),
    Entry("real_amplitudes", lambda p, n: real_amplitudes(p, reps=n), "qubits"),
    Entry("efficient_su2", lambda p, n: efficient_su2(p, reps=n), "qubits"),
    Entry("strongly_entangling", lambda p, n: strongly_entangling(p, layers=n), "qubits"),
    Entry("basic_entangler", lambda p, n: basic_entangler(p, layers=n), "qubits"),
    Entry("sim_circuit 6", lambda p, n: sim_circuit(p, number=6, layers=n), "qubits"),
    Entry("random_circuit", lambda p, n: random_circuit(p, layers=n, key=jax.random.key(0)), "qubits"),
    Entry("identity_blocks", lambda p, n: identity_blocks(hardware_efficient(p, layers=1), blocks=n), "qubits"),
    Entry("uccsd", lambda p, _: uccsd(p), "orbitals"),
    Entry("uccsd spin-adapted", lambda p, _: uccsd(p, spin_adapted=True), "orbitals"),
    Entry("uccsd qubit", lambda p, _: uccsd(p, excitations="qubit"), "orbitals"),
    Entry("uccd", lambda p, _: uccd(p), "orbitals"),
    Entry("puccd", lambda p, _: puccd(p), "orbitals"),
    Entry("uccgsd", lambda p, _: uccgsd(p), "orbitals"),
    Entry("kupccgsd", lambda p, n: kupccgsd(p, layers=n), "orbitals"),
    Entry("orbital_optimized puccd", lambda p, _: orbital_optimized(puccd(p)), "orbitals"),
    Entry("gate_fabric", lambda p, n: gate_fabric(p, layers=n), "orbitals"),
    Entry("tups", lambda p, n: tups(p, layers=n), "orbitals"),
    Entry("givens_fabric", lambda p, n: givens_fabric(p, layers=n), "orbitals"),
    Entry("lucj", lambda p, n: lucj(p, layers=n), "orbitals"),
    Entry("ucj", lambda p, n: ucj(p, layers=n), "orbitals"),
    Entry("symmetry_preserving", lambda p, _: symmetry_preserving(p), "orbitals"),
    Entry("particle_conserving_u1", lambda p, n: particle_conserving_u1(p, layers=n), "orbitals"),
    Entry("particle_conserving_u2", lambda p, n: particle_conserving_u2(p, layers=n), "orbitals"),
    Entry("hva", lambda p, n: hva(p, layers=n), "model"),
)
"""The table, generic ansätze first."""


def obstacle(entry: Entry, problem: HasReference) -> str | None:
    """Return a sentence on why an ansatz does not apply to a problem; None if it does."""
    electrons = isinstance(problem, HasOrbitals) and problem.n_orbitals > 0
    bonds = isinstance(problem, HasModel) and "bonds" in problem.description
    if entry.needs == "orbitals" and not electrons:
        return "It needs electrons in orbitals, but this problem has none."
    if entry.needs == "model" and not bonds:
        return "It needs a lattice model, such as hubbard or tfim."
    return None


@checked()
def named_ansatz(problem: HasReference, name: str, *, layers: int = 2) -> Ansatz:
    """Return an ansatz of the table by its name, such as `"uccsd"`, on a problem.

    Args:
        problem: a molecule or a lattice model.
        name: a name that `qvar list ansatze` prints.
        layers: layers of those that have layers.

    Raises:
        QvarError: if there is no such name, or the ansatz does not apply to the problem.
    """
    entry = next((entry for entry in ANSATZE if entry.name == name), None)
    if entry is None:
        raise QvarError(f"`name` must be a name that `qvar list ansatze` prints, but is {name!r}.")
    reason = obstacle(entry, problem)
    if reason is not None:
        raise QvarError(f"`name` must be an ansatz for this problem, but is {name!r}. {reason}")
    return replace(entry.make(problem, layers), name=name)


@checked()
def all_ansatze(problem: HasReference, *, layers: int = 2) -> tuple[dict[str, Ansatz], dict[str, str]]:
    """Build every ansatz of the table for one problem.

    Args:
        problem: a molecule or a lattice model.
        layers: layers of those that have layers.

    Returns:
        Name -> ansatz for those that apply, and name -> reason for the others.
    """
    built: dict[str, Ansatz] = {}
    refused: dict[str, str] = {}
    for entry in ANSATZE:
        reason = obstacle(entry, problem)
        if reason is None:
            try:
                built[entry.name] = entry.make(problem, layers)
            except QvarError as error:
                reason = str(error)
        if reason is not None:
            refused[entry.name] = reason
    return built, refused
