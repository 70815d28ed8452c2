"""Ground states as vectors: full configuration interaction, and that of few excitations."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from qvar.arguments import checked
from qvar.errors import QvarError
from qvar.problems.exact_energy import fci_ground, ground_among, occupations, pauli_ground_vector
from qvar.problems.problem import Problem

Theory: TypeAlias = Literal["fci", "cisd"]
"""Full configuration interaction, or the determinants of at most two excitations from the reference."""


@checked()
def ground_state(problem: Problem, *, theory: Theory = "fci") -> np.ndarray:
    r"""Compute the ground state of a problem as a normalised vector.

    It is the teacher of `qvar.distil`, and what `qvar.adapt(target_state=...)` may grow towards.

    Args:
        problem: gives the Hamiltonian, and of a molecule the numbers of electrons.
        theory: `"fci"` for the exact state; `"cisd"` for the lowest state among the determinants of at most two
            excitations from the reference, of molecules alone.

    Returns:
        Of a molecule, the matrix (alpha strings, beta strings) in PySCF's order, as the states of `qvar.energy` in the
        sector engine; of a spin model, all \(2^n\) amplitudes, wire 0 the most significant bit. Of several lowest
        states one. Time and memory grow as the number of determinants.

    Raises:
        QvarError: if it is out of reach, does not converge, or CISD is asked of a problem without electrons.
    """
    if problem.integrals is None:
        if theory == "cisd" or problem.pauli is None:
            raise QvarError(f"`theory` must be 'fci' for {problem.name}, which has no electrons, but is {theory!r}.")
        return pauli_ground_vector(problem.pauli)
    integrals, n_alpha, n_beta = problem.integrals, problem.n_alpha, problem.n_beta
    if theory == "fci":
        vector = fci_ground(integrals, n_alpha, n_beta).vector
    else:
        levels = [_excitations(problem.n_orbitals, own) for own in (problem.occupied_alpha, problem.occupied_beta)]
        vector = ground_among(integrals, n_alpha, n_beta, levels[0][:, None] + levels[1] <= 2).vector
    assert vector is not None  # electrons in orbitals have one
    return vector / np.linalg.norm(vector)


def _excitations(m: int, occupied: tuple[int, ...]) -> np.ndarray:
    """Return the number of electrons of each string, in PySCF's order, that are outside of the occupied orbitals."""
    outside = ~np.isin(np.arange(m), occupied)
    return occupations(m, len(occupied)) @ outside.astype(int)
