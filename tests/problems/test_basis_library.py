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
from pyscf.data.elements import ELEMENTS
from pyscf.gto.basis import bse

from qvar import basis
from qvar.errors import QvarError
from qvar.problems.basis_exchange import all_electron_sets, exchange_name
from qvar.problems.basis_input import element_basis, parse_basis
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


@pytest.fixture
def without_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the package, also from PySCF."""
    monkeypatch.setitem(sys.modules, "basis_set_exchange", None)
    monkeypatch.setattr(bse, "basis_set_exchange", None)
    monkeypatch.setattr("qvar.problems.basis_input.all_electron_sets", frozenset)


def test_sets_without_core_potentials_are_known_without_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    names = sorted(all_electron_sets())
    assert 600 < len(names) < len(basis_set_exchange.get_metadata())
    for name in names[::50]:
        data: Any = basis_set_exchange.get_basis(name)
        assert not any("ecp_potentials" in element for element in data["elements"].values())
    for name in ("6-31G*", "def2-SV(P)", "6-311++G(2d,2p)", "aug-cc-pV(5+d)Z", "cc-pVDZ/JKFit"):
        assert exchange_name(name) == transform_basis_name(name)
    monkeypatch.setitem(sys.modules, "basis_set_exchange", None)  # importing it takes a third of a second
    for name in ("STO-3G", "6-31G*", "cc-pVDZ"):
        assert element_basis(parse_basis(name), "Li").potential is None


@pytest.mark.parametrize(
    ("name", "element"), [("STO-3G", "H"), ("6-31G*", "O"), ("cc-pVTZ", "Li"), ("def2-SVP", "Zn"), ("lanl2dz", "Na")]
)
def test_sets_of_pyscf_work_without_the_package(name: str, element: str, without_exchange: None) -> None:
    own = element_basis(parse_basis(name), element)
    assert own.shells == gto.basis.load(name, element)
    assert own.potential == (gto.basis.load_ecp(name, element) if name == "lanl2dz" else None)


def test_sets_that_need_the_package_name_the_command_that_installs_it(without_exchange: None) -> None:
    install = "pip install 'qvar-sim[basis-library]'"
    needed = f"The Basis Set Exchange must be installed for {{!r}}: {install}."
    calls = {
        needed.format("cc-pwcvdz-pp"): lambda: element_basis(parse_basis("cc-pwCVDZ-PP"), "Cu"),
        needed.format("6-31G"): lambda: basis.from_set("H", "6-31G"),
        needed.format("STO-3G"): lambda: basis.sets_of_size(basis.free("He", s=2)),
        f"`basis` must be a basis set that has shells for He, but is 'cc-pv9z'; the Basis Set Exchange has more: "
        f"{install}.": lambda: element_basis(parse_basis("cc-pV9Z"), "He"),
    }
    for sentence, call in calls.items():
        with pytest.raises(QvarError) as caught:
            call()
        assert str(caught.value) == sentence


def test_no_core_potential_is_lost_without_the_package(without_exchange: None) -> None:
    """PySCF has valence shells without their potential only in sets whose name ends with "Z-PP"; qvar asks there."""
    status: dict[tuple[str, str], str] = {}
    for about in basis_set_exchange.get_metadata().values():
        version = about["versions"][about["latest_version"]]
        name = gto.basis._format_basis_name(about["display_name"])
        if "scalar_ecp" not in about["function_types"] or name not in gto.basis.ALIAS:
            continue
        charges = [version["elements"][place] for place in (0, len(version["elements"]) * 2 // 3, -1)]
        data: Any = basis_set_exchange.get_basis(about["display_name"], elements=charges)
        for charge, element in ((z, ELEMENTS[int(z)]) for z in charges if "ecp_potentials" in data["elements"][z]):
            try:
                own = element_basis(parse_basis(name), element)
                electrons = own.potential[0] if own.potential else 0
                status[name, element] = "right" if electrons == data["elements"][charge]["ecp_electrons"] else "wrong"
            except QvarError as error:
                status[name, element] = "asks" if "must be installed" in str(error) else "none"
    assert [place for place, word in status.items() if word == "wrong"] == []
    assert {name for (name, _), word in status.items() if word == "asks"} <= {f"ccpwcv{n}zpp" for n in "dtq5"}
    assert {"right", "asks"} <= set(status.values())
    assert len(status) > 40


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
