"""Reads sets of the Basis Set Exchange as a user would, from their texts, and compares with PySCF.

`python tests/problems/basis_library.py --all` takes every set for every element from H to Kr in every format, prints
how many agree, how many are refused and why; `test_basis_library.py` takes a sample.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import basis_set_exchange
import numpy as np
import scipy.linalg
from basis_set_exchange import writers
from pyscf import gto
from pyscf.data.elements import ELEMENTS
from pyscf.gto.basis import bse

from qvar.errors import QvarError
from qvar.problems.basis_sets import given_basis
from qvar.problems.geometry import parse_geometry
from qvar.problems.scf import build_molecule

FORMATS = ("nwchem", "gaussian94", "psi4")
HEAVIEST = 36


class Outcome(NamedTuple):
    """What became of a set, for one element and one format."""

    name: str
    element: str
    kind: str
    refusal: str
    """Why qvar does not take the text; empty if it does."""
    difference: float
    """Of the energy of the ion with one electron, in hartree."""
    spectrum: float
    """Largest difference of the one-electron energies of all functions, relative to their size, at least 1 hartree."""

    @property
    def agrees(self) -> bool:
        """Whether the energy is right to 1e-8 hartree, and every function counts."""
        return not self.refusal and self.difference < 1e-8 and self.spectrum < 1e-9


def published() -> list[tuple[str, str]]:
    """Name and element of everything in the library from H to Kr."""
    pairs = []
    for entry in basis_set_exchange.get_metadata().values():
        charges = [int(z) for z in entry["versions"][entry["latest_version"]]["elements"]]
        pairs += [(entry["display_name"], ELEMENTS[z]) for z in sorted(charges) if z <= HEAVIEST]
    return pairs


def compare(name: str, elements: Iterable[str], kinds: Iterable[str] = FORMATS, most: int = 10**6) -> Iterator[Outcome]:
    """Compare a set with PySCF, element by element; sets of more than `most` functions for an element are left out."""
    elements = list(elements)
    data: Any = basis_set_exchange.get_basis(name, elements=elements)
    shells, potentials = bse._orbital_basis(data)[0], bse._ecp_basis(data)
    texts = {kind: str(writers.write_formatted_basis_str(data, kind)) for kind in kinds}
    for element in elements:
        core = potentials.get(element, [0])[0]
        size = sum((2 * shell[0] + 1) * (len(shell[1]) - 1) for shell in shells.get(element, []))
        if size > most:
            continue
        expected: dict[bool, np.ndarray] = {}
        for kind, text in texts.items():
            given = given_basis(text)
            charge = gto.charge(element) - core - 1
            try:
                own = build_molecule(parse_geometry(f"{element} 0 0 0", "angstrom"), given, charge, 1)
            except QvarError as error:
                yield Outcome(name, element, kind, str(error), 0.0, 0.0)
                continue
            cartesian = kind in ("nwchem", "psi4") and "gto_cartesian" in data["function_types"]
            if cartesian not in expected:
                expected[cartesian] = one_electron_energies(_by_pyscf(element, shells, potentials, charge, cartesian))
            energies = one_electron_energies(own)
            if len(energies) != len(expected[cartesian]):
                yield Outcome(name, element, kind, "", np.inf, np.inf)
                continue
            error = np.abs(energies - expected[cartesian])
            scale = np.maximum(1.0, np.abs(expected[cartesian]))
            yield Outcome(name, element, kind, "", float(error[0]), float((error / scale).max()))


def _by_pyscf(element: str, shells: Any, potentials: Any, charge: int, cartesian: bool) -> Any:
    basis = {element: shells[element]}
    ecp = {element: potentials[element]} if element in potentials else {}
    return gto.M(atom=element, basis=basis, ecp=ecp, charge=charge, spin=1, cart=cartesian, verbose=0)


def one_electron_energies(mol: Any) -> np.ndarray:
    """Eigenvalues of the core Hamiltonian: energies of the ion with one electron, to which every function adds one."""
    core = mol.intor("int1e_kin") + mol.intor("int1e_nuc")
    if mol.has_ecp():
        core = core + mol.intor("ECPscalar")
    return scipy.linalg.eigh(core, mol.intor("int1e_ovlp"), eigvals_only=True)


def main(args: list[str]) -> int:
    """Compare all sets, or some of them; 0 if each agrees or is refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every set; otherwise every 20th")
    parser.add_argument("--part", default="0/1", help="k/n: every n-th of them from the k-th on, counted from 0")
    parser.add_argument("--most", type=int, default=10**6, help="leave out sets with more functions on an element")
    options = parser.parse_args(args)
    warnings.simplefilter("error")
    grouped: dict[str, list[str]] = {}
    for name, element in published():
        grouped.setdefault(name, []).append(element)
    part, parts = map(int, options.part.split("/"))
    names = sorted(grouped)[:: 1 if options.all else 20][part::parts]
    counts: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    for name in names:
        for outcome in compare(name, grouped[name], most=options.most):
            verdict = "agrees" if outcome.agrees else "is refused" if outcome.refusal else "differs"
            counts[verdict] += 1
            if outcome.refusal:
                refusals[outcome.refusal.partition(", but ")[0]] += 1
            elif not outcome.agrees:
                print(f"{outcome} differs", flush=True)
    print(f"{len(names)} sets: {dict(counts)}")
    for reason, count in refusals.most_common():
        print(f"{count:6d} {reason}")
    return 1 if counts["differs"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
