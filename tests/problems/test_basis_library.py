"""A sample of the Basis Set Exchange, read from texts: the energy that PySCF finds, or one sentence."""

from __future__ import annotations

import random
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import basis_set_exchange
import pytest
from basis_set_exchange.misc import transform_basis_name
from pyscf import gto, scf
from pyscf.gto.basis import bse

from qvar.problems.basis_input import _all_electron_sets, _exchange_name, element_basis, parse_basis
from qvar.problems.molecule import molecule
from qvar.problems.scf import one_thread_without_files

SAMPLE = 60


CASE = Path(__file__).parents[2] / "cases" / "basis_library.py"
library: Any = SimpleNamespace(**runpy.run_path(str(CASE)))


def test_sixty_sets_have_the_one_electron_energies_of_pyscf():
    """Every function of a set adds one energy, so that a lost shell or column, or another l, changes the numbers."""
    pairs = library.published()
    assert len({name for name, _ in pairs}) > 600
    random.Random(0).shuffle(pairs)
    seen: dict[str, list[Any]] = {}
    for k, (name, element) in enumerate(pairs):
        if len(seen) == SAMPLE:
            break
        kind = library.FORMATS[k % 3]
        if name not in seen and (outcomes := list(library.compare(name, [element], [kind]))):
            seen[name] = outcomes
    outcomes = [outcome for found in seen.values() for outcome in found]
    assert len(outcomes) == SAMPLE
    assert [outcome for outcome in outcomes if outcome.status == "differs"] == []
    assert sum(outcome.status == "agrees" for outcome in outcomes) >= SAMPLE - 5


def test_formats_of_other_programs_are_never_taken_for_one_that_is_known():
    """Sulfur's symbol is a shell's letter, and some programs write coefficients before exponents."""
    known = set()
    for kind in basis_set_exchange.get_formats():
        elements = {"STO-3G": ["P"]} | ({} if kind in ("veloxchem", "ricdwrap") else {"6-31G*": ["S"]})
        outcomes = [found for name, element in elements.items() for found in library.compare(name, element, [kind])]
        assert [found for found in outcomes if found.status == "differs"] == []
        known |= {kind} if all(found.status == "agrees" for found in outcomes) else set()
    assert known == {"nwchem", "gaussian94", "gaussian94lib", "psi4"}


def test_sets_without_core_potentials_are_known_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    names = sorted(_all_electron_sets())
    assert 600 < len(names) < len(basis_set_exchange.get_metadata())
    for name in names[::50]:
        data: Any = basis_set_exchange.get_basis(name)
        assert not any("ecp_potentials" in element for element in data["elements"].values())
    for name in ("6-31G*", "def2-SV(P)", "6-311++G(2d,2p)", "aug-cc-pV(5+d)Z", "cc-pVDZ/JKFit"):
        assert _exchange_name(name) == transform_basis_name(name)
    monkeypatch.setitem(sys.modules, "basis_set_exchange", None)  # importing it takes a third of a second
    for name in ("STO-3G", "6-31G*", "cc-pVDZ"):
        assert element_basis(parse_basis(name), "Li").potential is None
    with pytest.raises(ModuleNotFoundError):
        element_basis(parse_basis("def2-SVP"), "Li")


@pytest.mark.parametrize("kind", library.FORMATS)
@pytest.mark.parametrize(
    ("element", "charge", "name"),
    [
        ("H", 0, "6-311++G**"),
        ("He", 0, "cc-pVTZ"),
        ("Li", 0, "6-31G*"),
        ("Be", 0, "def2-SVP"),
        ("Ne", 0, "4-31G"),
        ("K", 1, "STO-3G"),
        ("Zn", 2, "LANL2DZ"),
        ("Kr", 0, "def2-SVP"),
    ],
)
def test_atoms_and_ions_have_the_energy_of_pyscf(element, charge, name, kind):
    text = str(basis_set_exchange.get_basis(name, elements=element, fmt=kind))
    data: Any = basis_set_exchange.get_basis(name, elements=element)
    spin = (gto.charge(element) - charge) % 2
    mol: Any = gto.M(
        atom=element,
        basis=bse._orbital_basis(data)[0],
        ecp=bse._ecp_basis(data),
        charge=charge,
        spin=spin,
        cart=kind != "gaussian94" and "gto_cartesian" in data["function_types"],
        verbose=0,
    )
    with one_thread_without_files():
        expected = scf.ROHF(mol).run(conv_tol=1e-12).e_tot
    own = molecule(f"{element} 0 0 0", basis=text, charge=charge, spin=spin, active_orbitals=[mol.nelec[0] - 1])
    assert own.reference_energy == pytest.approx(expected, abs=1e-8)
