"""Active spaces: frozen orbitals, active orbitals and their occupations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qvar._types import FloatArray
from qvar.checks import whole_numbers
from qvar.errors import QvarError, require

_DEGENERATE = 1e-6
"""Orbital energies closer than this, in hartree, count as one."""


@dataclass(frozen=True)
class ActiveSpace:
    """A choice of molecular orbitals; indices count them from 0."""

    frozen: tuple[int, ...]
    """Doubly occupied orbitals of the core, ascending."""
    active: tuple[int, ...]
    """Orbitals of the problem, ascending; active orbital p is `active[p]`."""
    occupied_alpha: tuple[int, ...]
    """Places in `active` that hold a spin-up electron in the self-consistent-field determinant."""
    occupied_beta: tuple[int, ...]
    """Places in `active` that hold a spin-down electron in the self-consistent-field determinant."""

    @property
    def n_electrons(self) -> int:
        """Number of active electrons."""
        return len(self.occupied_alpha) + len(self.occupied_beta)


def choose_active_space(
    occupations: Sequence[int],
    active_space: Any = None,
    active_orbitals: Any = None,
    frozen: Any = None,
) -> ActiveSpace:
    """Check a user's choice and convert it to lists of orbitals; without a choice, all orbitals are active.

    `occupations` are the electrons of each molecular orbital in the reference determinant; the others are a user's
    words.

    Raises `QvarError` if the choices contradict each other, the molecule, or the numbers of electrons.
    """
    n_orbitals = len(occupations)
    if active_space is not None:
        if active_orbitals is not None or frozen is not None:
            raise QvarError(
                "`active_space` must be given without `active_orbitals` and `frozen`, but is given with them."
            )
        frozen, active_orbitals = _around_fermi_level(occupations, active_space)
    core = None if frozen is None else _indices("frozen", frozen, n_orbitals)
    active = None if active_orbitals is None else _indices("active_orbitals", active_orbitals, n_orbitals)
    doubly = {k for k, electrons in enumerate(occupations) if electrons == 2}
    occupied = {k for k, electrons in enumerate(occupations) if electrons}
    if core is not None and not set(core) <= doubly:
        which = f"those below {len(doubly)}" if doubly == set(range(len(doubly))) else "such as the lowest"
        raise QvarError(f"`frozen` must hold doubly occupied orbitals, {which}, but has {max(set(core) - doubly)}.")
    if active is None:
        active = sorted(set(range(n_orbitals)) - set(core or ()))
    if core is None:
        core = sorted(doubly - set(active))
    if set(core) & set(active):
        raise QvarError(
            f"`frozen` must share no orbital with `active_orbitals`, but shares {min(set(core) & set(active))}."
        )
    left_out = occupied - set(core) - set(active)
    if left_out:
        raise QvarError(
            f"`active_orbitals` must hold every occupied orbital not frozen, but leaves out {min(left_out)}."
        )
    alpha = tuple(p for p, orbital in enumerate(active) if orbital in occupied)
    beta = tuple(p for p, orbital in enumerate(active) if orbital in doubly)
    if not alpha:
        argument = "frozen" if active_orbitals is None else "active_orbitals"
        raise QvarError(f"`{argument}` must leave at least one active electron, but leaves none.")
    return ActiveSpace(tuple(core), tuple(active), alpha, beta)


def degenerate_borders(space: ActiveSpace, energies: FloatArray, occupations: FloatArray) -> tuple[str, ...]:
    """Return a sentence for each set of orbitals of one energy and occupation of which the active space takes a part.

    The directions in such a set are arbitrary, so that a part of it breaks the molecule's symmetry.
    """
    sentences, first = [], 0
    for k in range(1, len(energies) + 1):
        ends = k == len(energies) or occupations[k] != occupations[first]
        if not ends and abs(energies[k] - energies[k - 1]) <= _DEGENERATE:
            continue
        group = set(range(first, k))
        if 0 < len(group & set(space.active)) < len(group):
            numbers = ", ".join(map(str, sorted(group)))
            taken = ", ".join(map(str, sorted(group & set(space.active))))
            sentences.append(
                f"The active space cuts through orbitals of one energy: of {numbers} it takes {taken} alone, an "
                "arbitrary choice that breaks the symmetry of the molecule."
            )
        first = k
    return tuple(sentences)


def _around_fermi_level(occupations: Sequence[int], active_space: Any) -> tuple[list[int], list[int]]:
    """Return the (frozen, active) orbitals of CAS(electrons, orbitals): the lowest orbitals are frozen."""
    numbers = whole_numbers("active_space", active_space)
    require(len(numbers) == 2, "active_space", "be a pair (electrons, orbitals)", active_space)
    electrons, orbitals = numbers
    n_orbitals, n_alpha = len(occupations), sum(number > 0 for number in occupations)
    total = sum(occupations)
    unpaired = 2 * n_alpha - total
    pair = (electrons, orbitals)
    require(electrons >= 1, "active_space", "have at least one electron", pair)
    require(electrons <= total, "active_space", f"have at most the molecule's {total} electrons", pair)
    require(electrons >= unpaired, "active_space", f"have at least the {unpaired} unpaired electrons", pair)
    parity = "even" if total % 2 == 0 else "odd"
    require((total - electrons) % 2 == 0, "active_space", f"have an {parity} number of electrons", pair)
    n_frozen = (total - electrons) // 2
    most, least = n_orbitals - n_frozen, n_alpha - n_frozen
    require(orbitals <= most, "active_space", f"have at most {most} orbitals with {electrons} electrons", pair)
    require(orbitals >= least, "active_space", f"have at least {least} orbitals for {electrons} electrons", pair)
    order = sorted(range(n_orbitals), key=lambda k: -occupations[k])  # those of one occupation stay in order
    return order[:n_frozen], order[n_frozen : n_frozen + orbitals]


def _indices(argument: str, values: Any, n_orbitals: int) -> list[int]:
    indices = whole_numbers(argument, values)
    require(len(set(indices)) == len(indices), argument, "hold no orbital twice", indices)
    inside = all(0 <= index < n_orbitals for index in indices)
    require(inside, argument, f"hold orbitals between 0 and {n_orbitals - 1}", indices)
    return sorted(indices)
