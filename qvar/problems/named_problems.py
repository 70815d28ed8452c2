"""Problems by name, such as `lih`: the usual test molecules and lattices, for the command line and for cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from qvar.arguments import checked
from qvar.checks import finite_number
from qvar.errors import QvarError, did_you_mean, require
from qvar.problems.hubbard import hubbard
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.problem import Problem
from qvar.problems.spin_models import heisenberg, tfim, xxz

_BASIS = "sto-3g"


@dataclass(frozen=True)
class NamedProblem:
    """A well-known problem."""

    name: str
    """Name, such as `lih`."""
    about: str
    """Description in a few words."""
    bond: float | None
    """Default length of its bonds, in angstrom; None for lattices."""
    make: Callable[..., Problem]
    """Maker of the problem; that of a molecule takes the length of its bonds and keywords of `qvar.molecule`."""


def _chain(n_atoms: int) -> Callable[..., Problem]:
    return lambda bond, **choices: hydrogen_chain(n_atoms, bond=bond, **choices)


def _diatomic(one: str, other: str, formula: str) -> Callable[..., Problem]:
    def make(bond: float, **choices: Any) -> Problem:
        return molecule(f"{one} 0 0 0; {other} 0 0 {bond!r}", name=_title(formula, bond, choices), **choices)

    return make


def _beh2(bond: float, **choices: Any) -> Problem:
    return molecule(f"Be 0 0 0; H 0 0 {bond!r}; H 0 0 {-bond!r}", name=_title("BeH2", bond, choices), **choices)


def _h2o(bond: float, **choices: Any) -> Problem:
    geometry = f"O; H 1 {bond!r}; H 1 {bond!r} 2 104.45"
    if choices["active_space"] is None:
        choices |= {"frozen": [0]}
    problem = molecule(geometry, **choices)
    space = f"({problem.n_electrons}e,{problem.n_orbitals}o)"
    return replace(problem, name=f"{_title('H2O', bond, {**choices, 'active_space': None})} {space}")


def _title(formula: str, bond: float, choices: dict[str, Any]) -> str:
    space = choices["active_space"]
    return f"{formula} {round(bond, 6)!r} {choices['basis']}" + (f" ({space[0]}e,{space[1]}o)" if space else "")


PROBLEMS: tuple[NamedProblem, ...] = (
    NamedProblem("h2", "hydrogen molecule", 0.7414, _chain(2)),
    NamedProblem("h4", "chain of 4 hydrogen atoms", 1.0, _chain(4)),
    NamedProblem("h6", "chain of 6 hydrogen atoms", 1.0, _chain(6)),
    NamedProblem("lih", "lithium hydride", 1.546, _diatomic("Li", "H", "LiH")),
    NamedProblem("beh2", "beryllium hydride, linear", 1.3264, _beh2),
    NamedProblem("h2o", "water, 104.45 degrees, frozen core", 0.9584, _h2o),
    NamedProblem("n2", "nitrogen molecule", 1.0977, _diatomic("N", "N", "N2")),
    NamedProblem("tfim", "transverse-field Ising ring, J = h = 1", None, lambda: tfim(6, periodic=True)),
    NamedProblem("xxz", "XXZ ring, J = 1, Delta = 0.5", None, lambda: xxz(6, delta=0.5, periodic=True)),
    NamedProblem("heisenberg", "Heisenberg ring, J = 1", None, lambda: heisenberg(6, periodic=True)),
    NamedProblem("hubbard", "Fermi-Hubbard chain, half filled, t = 1, U = 4", None, lambda: hubbard(4, u=4.0)),
)
"""Molecules in STO-3G, with all electrons active unless `about` says otherwise; then lattices."""


@checked()
def named(
    name: str,
    bond: float | None = None,
    *,
    basis: str = _BASIS,
    active_space: tuple[int, int] | None = None,
    stable: bool = False,
) -> Problem:
    """Make a well-known problem by its name; `qvar list problems` prints the names.

    Args:
        name: `h2`, `h4`, `h6`, `lih`, `beh2`, `h2o` or `n2`, or `tfim`, `xxz`, `heisenberg` or `hubbard`; case does not
            matter.
        bond: length of all bonds, in angstrom; the usual one if None. Lattices have none.
        basis: name of the basis set of a molecule.
        active_space: (electrons, orbitals) around the Fermi level, see `molecule`; all electrons if None, of water all
            but those of the core.
        stable: whether a Hartree-Fock reference that is a saddle is followed down, see `molecule`.

    Raises:
        QvarError: if the name is unknown, `bond` is not positive, something of a molecule is given for a lattice, or as
            `molecule` does.
    """
    word = name.strip().lower()
    for entry in PROBLEMS:
        if entry.name == word and entry.bond is None:
            require(bond is None, "bond", f"be left out for the lattice {word}", bond)
            require(basis == _BASIS, "basis", f"be left out for the lattice {word}", basis)
            require(active_space is None, "active_space", f"be left out for the lattice {word}", active_space)
            require(not stable, "stable", f"be left out for the lattice {word}", stable)
            return entry.make()
        if entry.name == word:
            length = finite_number("bond", entry.bond if bond is None else bond)
            require(length > 0, "bond", "be positive", bond)
            require(length <= 1e6, "bond", "be at most 10^6 angstrom", bond)
            return entry.make(length, basis=basis, active_space=active_space, stable=stable)
    names = [entry.name for entry in PROBLEMS]
    hint = did_you_mean(word, names, f"it knows {', '.join(names)}.")
    raise QvarError(f"`{name}` is not a problem that qvar knows; {hint}")


def title_of(name: str, bond: float, basis: str) -> str:
    """Return words for a molecule at a bond length in a basis set, such as "LiH, 1.546 angstrom, sto-3g"."""
    formula = {"lih": "LiH", "beh2": "BeH2"}.get(name, name.upper())
    return f"{formula}, {bond:g} angstrom, {basis}"
