r"""Baselines: published sets, and large-basis energies, that fitted basis sets are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.basis.exponent_starts import nuclear_charge, symbol_of
from qvar.basis.form import Form
from qvar.basis.formats import nwchem
from qvar.basis.published_forms import published_shells
from qvar.basis.shells import BasisSet, Shell, basis_set
from qvar.basis.target import Target
from qvar.checks import counting_number
from qvar.errors import QvarError, require
from qvar.problems.basis_exchange import basis_exchange
from qvar.short_repr import short_repr

HARTREE_FOCK_LIMITS: dict[str, float] = {
    "H": -0.5,
    "He": -2.861679996,
    "Li": -7.432726931,
    "Be": -14.57302317,
    "B": -24.52906073,
    "C": -37.68861896,
    "N": -54.40093421,
    "O": -74.80939847,
    "F": -99.40934939,
    "Ne": -128.5470981,
}
"""Hartree-Fock energies of atoms in their ground states with no basis set, orbitals spherical, in hartree.

Bunge, Barrientos, Bunge, Cogordan, Phys. Rev. A 46, 3691 (1992), https://doi.org/10.1103/PhysRevA.46.3691; hydrogen is
exact. An ROHF determinant of O or F, whose p orbitals need not be alike, lies below it.
"""

UNCONTRACTED = " uncontracted"
"""Suffix of a published set's name: each of its primitives is a function of its own."""

FAMILIAR: tuple[str, ...] = (
    "STO-3G", "3-21G", "6-31G", "cc-pVDZ", "def2-SVP", "cc-pVTZ", "def2-TZVP", "6-311G", "pcseg-0", "pcseg-1",
    "pcseg-2", "4-31G", "STO-4G", "STO-6G", "6-31G*", "6-31G**", "6-311G*", "6-311G**", "aug-cc-pVDZ", "cc-pVQZ",
    "def2-QZVP", "pcseg-3", "Ahlrichs VDZ", "Ahlrichs VTZ", "ANO-RCC-MB",
)  # fmt: skip
"""Published sets that baselines of equal size are chosen from; of equal distance the first."""


@short_repr()
@dataclass(frozen=True, eq=False)
class Baseline:
    """An energy in a basis set that was not fitted."""

    name: str
    """Name for tables."""
    target: Target
    """Molecules and method."""
    basis: BasisSet
    """Basis set."""
    _: KW_ONLY
    n_qubits: int | None = None
    """Number of qubits; 2 for each function of the largest molecule if None."""

    @property
    def energy(self) -> float:
        """The target in this set, in hartree.

        Raises:
            UnsolvedError: if it cannot be computed.
        """
        return self.target.value(self.basis)

    def describe(self) -> dict[str, Any]:
        """Describe the inputs of the energy, ready for JSON."""
        return {"name": self.name, "target": self.target.describe(), "set": nwchem(self.basis)}


@checked()
def published_set(name: str, elements: Sequence[str]) -> BasisSet:
    """Return a set of the Basis Set Exchange.

    Args:
        name: its name; with " uncontracted" at its end, each of its primitives is a function of its own.
        elements: symbols.

    Raises:
        QvarError: if there is no such set, or it lacks an element.
    """
    elements = [symbol_of(element) for element in elements]
    plain = name.removesuffix(UNCONTRACTED)
    shells = [(element, shell) for element in elements for shell in published_shells(plain, element)]
    if plain != name:
        places = dict.fromkeys((element, shell.l) for element, shell in shells)
        shells = [
            (element, Shell(l, exponents, np.eye(len(exponents))))
            for element, l in places
            for exponents in [_exponents(shells, element, l)]
        ]
    return basis_set(shells, name=name)


def _exponents(shells: Sequence[tuple[str, Shell]], element: str, l: int) -> FloatArray:
    """Return distinct exponents of one angular momentum, descending."""
    return np.unique(np.concatenate([shell.exponents for e, shell in shells if (e, shell.l) == (element, l)]))[::-1]


@checked()
def casscf_baseline(
    target: Target, n_orbitals: int, *, basis: str = "cc-pVTZ", electrons: int | None = None
) -> Baseline:
    """Make a baseline of CASSCF in a large basis, with as many active orbitals as a small set has functions.

    Both need the same number of qubits; here the orbitals are optimized among all those of the large set.

    Args:
        target: a single molecule; its method does not matter.
        n_orbitals: active orbitals, half the qubits.
        basis: the large set, of the Basis Set Exchange.
        electrons: active electrons; all if None.

    Returns:
        The baseline; its `energy` is that of CASSCF.

    Raises:
        QvarError: if the target has several molecules, the large set lacks an element, or the active space does not
            fit.
    """
    if not isinstance(target.atoms, str):
        raise QvarError(f"`target` must be a single molecule for CASSCF, but is {target.name}.")
    everything = sum(nuclear_charge(element) for element, _ in target.geometry.atoms) - target.charge
    active, n_orbitals = electrons or everything, counting_number("n_orbitals", n_orbitals)
    wider = replace(target, theory="casscf", xc="", active_space=(active, n_orbitals), conditioning=0.0)
    large = published_set(basis, target.elements)
    functions = sum(large.n_functions(element) for element, _ in target.geometry.atoms)
    room = functions - (everything - active) // 2
    require(n_orbitals <= room, "n_orbitals", f"be at most the {room} that {basis} has", n_orbitals)
    return Baseline(f"CASSCF({active},{n_orbitals})/{basis}", wider, large, n_qubits=2 * n_orbitals)


@checked()
def sets_of_size(form: Form, *, names: Sequence[str] = FAMILIAR, most: int = 2) -> tuple[str, ...]:
    """Choose published sets that come nearest to a form in size, for baselines.

    First those whose numbers of primitives come nearest, each as it is and uncontracted, then those that have the most
    functions without having more than the form.

    Args:
        form: form to be fitted.
        names: sets to choose from.
        most: number of each kind.
    """
    if names:
        basis_exchange(names[0])  # if it is missing, each name would be passed over below
    own = form.basis(form.start)
    choices: dict[tuple[Any, int], tuple[str, BasisSet]] = {}  # without sets that are equal but for their names
    for name in names:
        try:
            basis = published_set(name, form.elements)
        except QvarError:  # lacks an element
            continue
        choices.setdefault((frozenset(primitives(basis)), _functions(basis)), (name, basis))
    by_primitives = sorted(choices.values(), key=lambda entry: _distance(_sizes(own), _sizes(entry[1])))[:most]
    fitting = [(name, basis) for name, basis in choices.values() if _functions(basis) <= _functions(own)]
    by_functions = sorted(fitting, key=lambda entry: -_functions(entry[1]))[:most]
    chosen = []
    for name, basis in by_primitives:
        chosen += [name, name + UNCONTRACTED] if _contracted(basis) else [name]
    return tuple(dict.fromkeys([*chosen, *(name for name, _ in by_functions)]))


def _sizes(basis: BasisSet) -> Counter[tuple[str, int]]:
    """Count the different exponents of each element and angular momentum."""
    return Counter((element, l) for element, l, _ in primitives(basis))


def _distance(a: Counter[tuple[str, int]], b: Counter[tuple[str, int]]) -> int:
    return sum(abs(a[place] - b[place]) for place in {*a, *b})


def _functions(basis: BasisSet) -> int:
    return sum(basis.n_functions(element) for element in basis.elements)


def _contracted(basis: BasisSet) -> bool:
    return _functions(basis) < sum(2 * l + 1 for _, l, _ in primitives(basis))


def primitives(basis: BasisSet) -> set[tuple[str, int, float]]:
    """Return radial primitives (element, angular momentum, exponent), each once."""
    return {
        (element, shell.l, float(exponent))
        for element, shells in basis.shells.items()
        for shell in shells
        for exponent in shell.exponents
    }


def n_numbers(basis: BasisSet) -> int:
    """Count the numbers of a set: distinct exponents of each element, and coefficients up to scale."""
    exponents = len({(element, exponent) for element, _, exponent in primitives(basis)})
    columns = [column for shells in basis.shells.values() for shell in shells for column in shell.coefficients.T]
    return exponents + sum(int(np.count_nonzero(column)) - 1 for column in columns)
