"""Problems from a restricted mean field of PySCF: choice of orbitals, integrals, stability and description."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from qvar import units
from qvar._types import FloatArray
from qvar.errors import QvarError
from qvar.memory import require_memory
from qvar.problems.active_space import ActiveSpace, choose_active_space, degenerate_borders
from qvar.problems.orbital_choices import Avas, NaturalOrbitals, OrbitalsByIrrep
from qvar.problems.orbital_rotations import RotatedOrbitals, avas_orbitals, correlated_orbitals, orbitals_by_irrep
from qvar.problems.orbitals import Orbitals, molecule_text
from qvar.problems.problem import Problem
from qvar.problems.scf import active_integrals, one_thread_without_files
from qvar.problems.stability import Stability, UndecidedError, analysed
from qvar.units import shown_energy

_SAME = 1e-7
"""Energies of determinants closer than this, in hartree, are those of one."""


class SpaceChoice(NamedTuple):
    """Arguments by which a user chooses an active space."""

    active_space: Any
    """(electrons, orbitals), `Avas`, `NaturalOrbitals`, `OrbitalsByIrrep`, or None."""
    active_orbitals: Any
    """Indices, or None."""
    frozen: Any
    """Indices, or None."""

    @property
    def is_computed(self) -> bool:
        """True if the choice needs a mean field first."""
        return isinstance(self.active_space, Avas | NaturalOrbitals | OrbitalsByIrrep)

    def of(self, occupations: Any) -> ActiveSpace:
        """Return the lists of orbitals of a choice that is not computed; raise `QvarError` if it does not fit."""
        space = choose_active_space([int(number) for number in occupations], *self)
        require_memory("active_space", f"{len(space.active)} orbitals", 2 * 8 * len(space.active) ** 4)
        return space


class Head(NamedTuple):
    """Names and inputs of a molecule."""

    name: str | None
    """Name that the user wishes, or None."""
    stem: str
    """Formula, charge and basis, for the default name."""
    inputs: dict[str, Any]
    """Description without the choice of orbitals."""
    notes: tuple[str, ...] = ()
    """Sentences on the mean field."""


def molecular_problem(
    mean_field: Any, choice: SpaceChoice, head: Head, *, stationary: bool = True, lowered: float = 0.0
) -> Problem:
    """Make the problem of a molecule.

    The mean field has exact integrals; indices of the active space count its orbitals. Its determinant is a stationary
    point of the Hartree-Fock energy if `stationary`, and was `lowered` from a saddle by an energy in hartree.

    Raises `QvarError` if the choice does not fit the molecule, or its computation does not converge.
    """
    kinds, energies = np.asarray(mean_field.mo_occ), np.asarray(mean_field.mo_energy)
    before, notes, stem = float(mean_field.e_tot), head.notes, head.stem
    inputs = head.inputs
    if choice.is_computed:
        rotated = _rotated(mean_field, choice)
        kinds, energies = np.array(rotated.kinds, float), rotated.energies
        space = _space_of(rotated, choice.active_space)
        mean_field = mean_field.copy()
        mean_field.mo_coeff = rotated.coefficients
        mean_field.mo_occ = np.array(rotated.occupations, float)
        notes, stem = (*notes, f"{rotated.about}."), f"{stem} {choice.active_space.label}"
        inputs = {**inputs, "active_space": choice.active_space.description}
    else:
        space = choice.of(mean_field.mo_occ)
    notes += degenerate_borders(space, energies, kinds)
    integrals = active_integrals(mean_field, np.array(space.frozen, int), np.array(space.active, int))
    above = integrals.determinant_energy(space.occupied_alpha, space.occupied_beta) - before
    stability = None
    if choice.is_computed and abs(above) > _SAME:
        notes += (
            f"The reference determinant lies {shown_energy(above, units.HARTREE)} above that of the mean field, whose "
            "orbitals are others.",
        )
    elif stationary:
        stability, undecided = _stability(mean_field, lowered)
        notes += undecided
    n_orbitals = mean_field.mo_coeff.shape[1]
    suffix = f" ({space.n_electrons}e,{len(space.active)}o)" if len(space.active) < n_orbitals else ""
    return Problem(
        name=f"{stem}{suffix}" if head.name is None else head.name,
        n_qubits=2 * len(space.active),
        unit=units.HARTREE,
        description={**inputs, "frozen": list(space.frozen), "active_orbitals": list(space.active)},
        integrals=integrals,
        occupied_alpha=space.occupied_alpha,
        occupied_beta=space.occupied_beta,
        stability=stability,
        notes=notes,
        orbitals=Orbitals(mean_field.mo_coeff, space.frozen, space.active, molecule_text(mean_field.mol)),
    )


def _rotated(mean_field: Any, choice: SpaceChoice) -> RotatedOrbitals:
    if choice.active_orbitals is not None or choice.frozen is not None:
        raise QvarError("`active_space` must be given without `active_orbitals` and `frozen`, but is given with them.")
    if isinstance(choice.active_space, Avas):
        return avas_orbitals(mean_field, choice.active_space)
    if isinstance(choice.active_space, NaturalOrbitals):
        return correlated_orbitals(mean_field, choice.active_space)
    return orbitals_by_irrep(mean_field, choice.active_space)


def _space_of(rotated: RotatedOrbitals, kind: Any) -> ActiveSpace:
    """Return the active space of orbitals that were computed."""
    pair = kind.active_space if isinstance(kind, NaturalOrbitals) else None
    if pair is not None:
        return SpaceChoice(pair, None, None).of(rotated.occupations)
    electrons = rotated.occupations
    for k in rotated.frozen:
        if electrons[k] < 2:
            must = "freeze doubly occupied orbitals alone"
            raise QvarError(f"`active_space` must {must}, but freezes orbital {k} with {electrons[k]} electrons.")
    left_out = {k for k, number in enumerate(electrons) if number} - {*rotated.frozen, *rotated.active}
    if left_out:
        must = "hold every occupied orbital that it does not freeze"
        raise QvarError(f"`active_space` must {must}, but leaves out orbital {min(left_out)}.")
    if not any(electrons[k] for k in rotated.active):
        raise QvarError("`active_space` must hold at least one electron, but all its orbitals are empty.")
    return SpaceChoice(None, rotated.active, rotated.frozen).of(electrons)


def _stability(mean_field: Any, lowered: float) -> tuple[Stability | None, tuple[str, ...]]:
    try:
        with one_thread_without_files():
            return replace(analysed(mean_field), lowered=lowered), ()
    except UndecidedError:
        return None, ("Whether the Hartree-Fock reference is a minimum could not be found out.",)


def charge_suffix(charge: int) -> str:
    """Return the sign and size of a charge, such as "+" and "2-"; empty for neutral molecules."""
    size = str(abs(charge)) if abs(charge) > 1 else ""
    return "" if charge == 0 else size + ("+" if charge > 0 else "-")


def digest(*arrays: FloatArray | float) -> str:
    """Return a digest of numbers, which changes with each bit of them."""
    content = hashlib.sha256()
    for array in arrays:
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()
