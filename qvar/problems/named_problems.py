"""Problems by name, such as `lih`: the usual test molecules and lattices, for the command line and for cases."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from qvar.arguments import checked
from qvar.checks import finite_number
from qvar.errors import QvarError, require
from qvar.problems.hubbard import hubbard
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.problem import Problem
from qvar.problems.spin_models import heisenberg, tfim, xxz


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
    """Maker of the problem; that of a molecule takes the length of its bonds and `stable`, see `qvar.molecule`."""


def _chain(n_atoms: int) -> Callable[[float, bool], Problem]:
    return lambda bond, stable: hydrogen_chain(n_atoms, bond=bond, stable=stable)


def _diatomic(one: str, other: str, formula: str) -> Callable[[float, bool], Problem]:
    return lambda bond, stable: molecule(
        f"{one} 0 0 0; {other} 0 0 {bond!r}", stable=stable, name=_title(formula, bond)
    )


def _beh2(bond: float, stable: bool) -> Problem:
    return molecule(f"Be 0 0 0; H 0 0 {bond!r}; H 0 0 {-bond!r}", stable=stable, name=_title("BeH2", bond))


def _h2o(bond: float, stable: bool) -> Problem:
    geometry = f"O; H 1 {bond!r}; H 1 {bond!r} 2 104.45"
    return molecule(geometry, frozen=[0], stable=stable, name=f"{_title('H2O', bond)} (8e,6o)")


def _title(formula: str, bond: float) -> str:
    return f"{formula} {round(bond, 6)!r} sto-3g"


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
def named(name: str, bond: float | None = None, *, stable: bool = False) -> Problem:
    """Make a well-known problem by its name; `qvar list problems` prints the names.

    Args:
        name: `h2`, `h4`, `h6`, `lih`, `beh2`, `h2o` or `n2` (STO-3G), or `tfim`, `xxz`, `heisenberg` or `hubbard`;
            case does not matter.
        bond: length of all bonds, in angstrom; the usual one if None. Lattices have none.
        stable: whether a Hartree-Fock reference that is a saddle is followed down, see `molecule`.

    Raises:
        QvarError: if the name is unknown, `bond` is not positive, or `bond` or `stable` is given for a lattice.
    """
    word = name.strip().lower()
    for entry in PROBLEMS:
        if entry.name == word and entry.bond is None:
            require(bond is None, "bond", f"be left out for the lattice {word}", bond)
            require(not stable, "stable", f"be left out for the lattice {word}", stable)
            return entry.make()
        if entry.name == word:
            length = finite_number("bond", entry.bond if bond is None else bond)
            require(length > 0, "bond", "be positive", bond)
            require(length <= 1e6, "bond", "be at most 10^6 angstrom", bond)
            return entry.make(length, stable)
    names = [entry.name for entry in PROBLEMS]
    near = difflib.get_close_matches(word, names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"it knows {', '.join(names)}."
    raise QvarError(f"`{name}` is not a problem that qvar knows; {hint}")
