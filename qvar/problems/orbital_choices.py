"""Kinds of active spaces that a computation chooses, as a user writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

from qvar.arguments import check_fields
from qvar.checks import whole_number
from qvar.errors import QvarError, require
from qvar.short_repr import short_repr


@short_repr()
@dataclass(frozen=True)
class Avas:
    """Active space of the orbitals that overlap with chosen atomic orbitals (AVAS).

    Occupied and empty orbitals are rotated among themselves into eigenvectors of the projector on the atomic orbitals
    of a minimal basis set; those whose eigenvalue is at least `threshold` are active, and so are singly occupied ones.
    The reference determinant stays that of the mean field. The spaces are those of PySCF's `mcscf.avas` with
    `openshell_option=3`. Sayfutyarova et al. 2017, https://doi.org/10.1021/acs.jctc.7b00128.
    """

    labels: str | tuple[str, ...]
    """Atomic orbitals as PySCF labels them, such as "N 2p" or ("Fe 3d", "C 2pz"); "0 N 2p" is that of atom 0 alone."""
    _: KW_ONLY
    threshold: float = 0.2
    """Smallest eigenvalue of an active orbital, between 0 and 1."""
    minimal_basis: str = "minao"
    """Basis set of the atomic orbitals, of a name that PySCF knows."""

    def __post_init__(self) -> None:
        if isinstance(self.labels, list):
            object.__setattr__(self, "labels", tuple(self.labels))
        check_fields(self)
        labels = self.words
        require(bool(labels) and all(label.strip() for label in labels), "labels", "name atomic orbitals", self.labels)
        require(0 < self.threshold < 1, "threshold", "be between 0 and 1", self.threshold)

    @property
    def words(self) -> tuple[str, ...]:
        """Labels, also if there is one."""
        return (self.labels,) if isinstance(self.labels, str) else self.labels

    @property
    def description(self) -> dict[str, Any]:
        """JSON-able fields."""
        return {"avas": list(self.words), "threshold": float(self.threshold), "minimal_basis": self.minimal_basis}

    @property
    def label(self) -> str:
        """Words for the name of a problem."""
        return "AVAS"


@short_repr()
@dataclass(frozen=True)
class NaturalOrbitals:
    """Active space of natural orbitals, by their occupations in a correlated wave function of all electrons.

    The reference determinant fills the natural orbitals of largest occupation, which is not the Hartree-Fock
    determinant. Open shells take the sum of both spins' density matrices (UMP2, UCISD on the ROHF determinant).
    """

    theory: Literal["mp2", "cisd"] = "mp2"
    """Second-order perturbation theory, or configuration interaction with singles and doubles; by PySCF."""
    _: KW_ONLY
    threshold: float | None = None
    """Orbitals with occupations from `threshold` to 2 - `threshold` are active; 0.02 if None."""
    active_space: tuple[int, int] | None = None
    """Instead of a threshold: (electrons, orbitals) around the Fermi level, in the order of the occupations."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.threshold is not None and self.active_space is not None:
            raise QvarError("`threshold` must be given without `active_space`, but is given with it.")
        if self.threshold is None and self.active_space is None:
            object.__setattr__(self, "threshold", 0.02)
        if self.threshold is not None:
            require(0 < self.threshold < 1, "threshold", "be between 0 and 1", self.threshold)

    @property
    def description(self) -> dict[str, Any]:
        """JSON-able fields."""
        space = None if self.active_space is None else list(self.active_space)
        return {"natural_orbitals": self.theory, "threshold": self.threshold, "active_space": space}

    @property
    def label(self) -> str:
        """Words for the name of a problem."""
        return f"{self.theory.upper()} natural"


@short_repr()
@dataclass(frozen=True)
class OrbitalsByIrrep:
    """Active space of canonical orbitals, counted in each irreducible representation of the point group."""

    active: Mapping[str, int]
    """Label of PySCF, such as "A1g", "B2u" or "E1ux" -> number of active orbitals, the lowest that are not frozen."""
    _: KW_ONLY
    frozen: Mapping[str, int] = field(default_factory=dict)
    """Label -> number of frozen orbitals, the lowest; none of those that are not named."""
    group: str | None = None
    """Point group, such as "D2h"; the molecule's own, as PySCF finds it, if None."""

    def __post_init__(self) -> None:
        check_fields(self)
        for argument, counts in (("active", self.active), ("frozen", self.frozen)):
            for count in counts.values():
                require(whole_number(argument, count) >= 0, argument, "hold numbers that are not negative", counts)
            object.__setattr__(self, argument, dict(counts))
        require(any(self.active.values()), "active", "hold at least one orbital", self.active)

    @property
    def description(self) -> dict[str, Any]:
        """JSON-able fields."""
        return {"irreps": dict(self.active), "frozen": dict(self.frozen), "group": self.group}

    @property
    def label(self) -> str:
        """Words for the name of a problem."""
        return "by irrep"


ActiveSpaceChoice = tuple[int, int] | Avas | NaturalOrbitals | OrbitalsByIrrep
"""(electrons, orbitals) around the Fermi level, or a kind of active space."""
