"""Orbitals of one molecule that are like those of another: in a larger basis set, or of a neighbouring molecule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.errors import QvarError
from qvar.problems.orbitals import Orbitals
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr

LEAST_OVERLAP = 0.3
"""Size of the overlap below which two orbitals are not alike."""


@short_repr("orbitals", "signs")
@dataclass(frozen=True, eq=False, kw_only=True)
class OrbitalMatch:
    """Orbital of a target for each orbital of a source, see `match_orbitals`."""

    orbitals: tuple[int, ...]
    """Numbers of the target's active orbitals."""
    signs: tuple[int, ...]
    """1, or -1 if the two orbitals have opposite signs."""
    overlaps: FloatArray
    """Their overlaps, each positive or negative."""


@checked()
def match_orbitals(source: Problem, target: Problem) -> OrbitalMatch:
    r"""Find the active orbital of a target that is most like each active orbital of a source.

    Orbitals of a self-consistent field come in the order of their energies and with arbitrary signs, so that equal
    numbers mean different orbitals in another basis set or molecule, and an angle of an excitation changes its sign.
    Here overlaps \(\langle\phi_p|\phi'_q\rangle\) decide: of all ways to give every orbital one of its own, occupied to
    occupied, the one of the largest sum of sizes.

    Molecules are compared as their geometries lie in space: put the atoms that correspond near each other.

    Args:
        source: molecule with orbitals.
        target: the same.

    Raises:
        QvarError: if a problem has no orbitals, such as a lattice, the target has fewer occupied or empty ones, or an
            overlap is below 0.3.
    """
    table = _overlaps(_orbitals(source, "source"), _orbitals(target, "target"))
    rows, columns = (np.array([_kind(problem, p) for p in range(problem.n_orbitals)]) for problem in (source, target))
    for kind in set(rows.tolist()):
        if np.sum(columns == kind) < np.sum(rows == kind):
            words = f"{np.sum(rows == kind)} orbitals with {kind} electrons as {source.name}"
            raise QvarError(f"`target` must have {words}, but {target.name} has {np.sum(columns == kind)}.")
    from scipy.optimize import linear_sum_assignment

    impossible = -2.0 * len(rows)
    gain = np.where(rows[:, None] == columns[None], np.abs(table), impossible)
    _, places = linear_sum_assignment(gain, maximize=True)
    chosen = table[np.arange(len(rows)), places]
    weakest = int(np.abs(chosen).argmin())
    if abs(chosen[weakest]) < LEAST_OVERLAP:
        words = f"have an orbital like orbital {weakest} of {source.name}"
        raise QvarError(f"`target` must {words}, but their largest overlap is {abs(chosen[weakest]):.2f}.")
    signs = tuple(1 if one > 0 else -1 for one in chosen)
    return OrbitalMatch(orbitals=tuple(int(q) for q in places), signs=signs, overlaps=chosen)


def _kind(problem: Problem, orbital: int) -> int:
    """Return the electrons of an orbital in the reference; -1 for a single one of spin down."""
    up, down = orbital in problem.occupied_alpha, orbital in problem.occupied_beta
    return -1 if down and not up else up + down


def _orbitals(problem: Problem, argument: str) -> Orbitals:
    if problem.orbitals is None:
        raise QvarError(f"`{argument}` must be a molecule with orbitals, but is {problem.name}.")
    return problem.orbitals


def _overlaps(source: Orbitals, target: Orbitals) -> FloatArray:
    """Return the overlaps of active orbitals, (source, target)."""
    from pyscf import gto

    atomic: Any = gto.intor_cross("int1e_ovlp", source.mole(), target.mole())
    first, second = source.coefficients[:, list(source.active)], target.coefficients[:, list(target.active)]
    return np.asarray(first.T @ atomic @ second)
