"""Sets of the Basis Set Exchange from H to Kr, read from their texts: PySCF's energies, or the reason why not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import basis_set_exchange
import numpy as np
import scipy.linalg
from basis_set_exchange import writers
from pyscf import gto
from pyscf.data.elements import ELEMENTS
from pyscf.gto.basis import bse

import qvar
from qvar import basis

Kind = Literal["nwchem", "gaussian94", "psi4"]
FORMATS: tuple[Kind, ...] = ("nwchem", "gaussian94", "psi4")
HEAVIEST = 36


class Outcome(NamedTuple):
    """What became of a set, for one element and one format."""

    name: str
    """Name of the set."""
    element: str
    """Symbol of the element."""
    kind: str
    """The format."""
    refusal: str = ""
    """Why qvar does not take the text; empty if it does."""
    difference: float = np.nan
    """Difference of the energy of the ion with one electron from PySCF's, in hartree."""
    spectrum: float = np.nan
    """Largest difference of the energies of its excited states, relative to their size, at least 1 hartree."""

    @property
    def status(self) -> str:
        """`agrees` if the energy is right to 1e-8 hartree and every function counts, `refused`, or `differs`."""
        if self.refusal:
            return "refused"
        return "agrees" if self.difference < 1e-8 and self.spectrum < 1e-9 else "differs"


def published() -> list[tuple[str, str]]:
    """Name and element of everything in the library from H to Kr."""
    pairs = []
    for entry in basis_set_exchange.get_metadata().values():
        charges = [int(z) for z in entry["versions"][entry["latest_version"]]["elements"]]
        pairs += [(entry["display_name"], ELEMENTS[z]) for z in sorted(charges) if z <= HEAVIEST]
    return pairs


def compare(name: str, elements: Iterable[str], kinds: Iterable[str] = FORMATS, most: int = 10**6) -> Iterator[Outcome]:
    """Compare a set with PySCF, element by element; what has more than `most` functions is left out."""
    elements = list(elements)
    data: Any = basis_set_exchange.get_basis(name, elements=elements)
    shells, potentials = bse._orbital_basis(data)[0], bse._ecp_basis(data)
    texts = {kind: str(writers.write_formatted_basis_str(data, kind)) for kind in kinds}
    for element in elements:
        core = potentials.get(element, [0])[0]
        charge = gto.charge(element) - core - 1
        size = sum((2 * shell[0] + 1) * (len(shell[1]) - 1) for shell in shells.get(element, []))
        expected: dict[bool, np.ndarray] = {}
        for kind, text in texts.items() if size <= most else ():
            try:
                own = one_electron_energies(basis.mole(f"{element} 0 0 0", text, charge=charge, spin=1))
            except qvar.QvarError as error:
                yield Outcome(name, element, kind, str(error))
                continue
            cartesian = kind in ("nwchem", "psi4") and "gto_cartesian" in data["function_types"]
            if cartesian not in expected:
                ecp = {element: potentials[element]} if element in potentials else {}
                orbitals = {element: shells[element]}
                mol = gto.M(atom=element, basis=orbitals, ecp=ecp, charge=charge, spin=1, cart=cartesian, verbose=0)
                expected[cartesian] = one_electron_energies(mol)
            known = expected[cartesian]
            if len(own) != len(known):
                yield Outcome(name, element, kind, "", np.inf, np.inf)
                continue
            error = np.abs(own - known)
            spectrum = (error / np.maximum(1.0, np.abs(known))).max()
            yield Outcome(name, element, kind, "", float(error[0]), float(spectrum))


def one_electron_energies(mol: Any) -> np.ndarray:
    """Eigenvalues of the core Hamiltonian: energies of the ion with one electron, to which every function adds one."""
    core = mol.intor("int1e_kin") + mol.intor("int1e_nuc")
    if mol.has_ecp():
        core = core + mol.intor("ECPscalar")
    return scipy.linalg.eigh(core, mol.intor("int1e_ovlp"), eigvals_only=True)


@dataclass(frozen=True)
class Library:
    """One task for each set of the library."""

    kinds: tuple[str, ...]
    """Formats."""
    every: int
    """Every so many sets, in the order of their names."""
    most: int
    """Functions of the largest set that is compared."""

    name = "basis library"

    def tasks(self) -> list[qvar.Task]:
        """One task for each set, with all its elements."""
        sets: dict[str, list[str]] = {}
        for name, element in published():
            sets.setdefault(name, []).append(element)
        chosen = sorted(sets)[:: self.every]
        version = basis_set_exchange.__version__
        return [
            qvar.Task(
                qvar.task_key({"set": name, "kinds": self.kinds, "most": self.most, "library": version}),
                name,
                partial(self._rows, name, sets[name]),
            )
            for name in chosen
        ]

    def _rows(self, name: str, elements: Sequence[str], report: Any) -> list[dict[str, Any]]:
        outcomes = list(compare(name, elements, self.kinds, self.most))
        return [_row(name, kind, [outcome for outcome in outcomes if outcome.kind == kind]) for kind in self.kinds]


def _row(name: str, kind: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All elements of a set in one format."""
    count = Counter(outcome.status for outcome in outcomes)
    reasons = Counter(outcome.refusal.partition(", but ")[0] for outcome in outcomes if outcome.refusal)
    words = [f"{count['agrees']} of {len(outcomes)} elements agree"]
    words += [f"{times} {reason.replace('`basis`', 'basis')}" for reason, times in reasons.most_common()]
    words += [f"{outcome.element} differs" for outcome in outcomes if outcome.status == "differs"]
    return {
        "problem": "one electron",
        "contender": name,
        "method": kind,
        "status": next((status for status in ("differs", "refused") if count[status]), "agrees"),
        "error": max((outcome.difference for outcome in outcomes if not outcome.refusal), default=None),
        "unit": "Ha",
        "message": "; ".join(words),
    }


def case(kinds: tuple[Kind, ...] = FORMATS, every: int = 1, most: int = 60) -> Library:
    """Compares the ion with one electron, and all its excited states, in each set and format with PySCF.

    A lost shell or column, another angular momentum or scale, Cartesian functions taken for spherical ones and a core
    potential left out all change these energies. The ledger has one row for each set and format, whose status is
    `agrees`, `refused` if a sentence refuses the text for some element (`message` says which), or `differs`.

    Args:
        kinds: Formats of the texts.
        every: Every so many sets, in the order of their names; 1 takes all.
        most: Number of functions above which an element of a set is left out.
    """
    qvar.require(every >= 1, "every", "be at least 1", every)
    qvar.require(most >= 1, "most", "be at least 1", most)
    return Library(tuple(kinds), every, most)


if __name__ == "__main__":
    qvar.launch(case)
