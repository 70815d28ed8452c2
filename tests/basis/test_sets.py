"""Every set in `basis/sets` is loaded, by qvar and by PySCF alone, and has the energy that its record says."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from pyscf import gto

import qvar
from qvar import basis

ROOT = Path(__file__).parents[2]
SETS = sorted((ROOT / "basis" / "sets").glob("*.nw"))


def _recipe(path: str) -> Any:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_sets_and_every_one_has_a_record() -> None:
    assert len(SETS) >= 10
    assert sorted(path.with_suffix(".json") for path in SETS) == sorted((ROOT / "basis" / "sets").glob("*.json"))


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_a_published_set_has_the_energy_of_its_record(path: Path) -> None:
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["status"] == "converged"
    duel = _recipe(record["case"]).case(**record["arguments"])
    assert duel.target.name == record["objective"]
    assert record["form"] in [form.name for form in duel.forms]
    found = basis.read(path)
    assert duel.target.value(found) == pytest.approx(record["value"], abs=1e-9)
    assert duel.target.measure(found)[0].condition_number == pytest.approx(record["condition_number"], rel=1e-6)


@pytest.mark.parametrize("path", SETS[::3], ids=lambda path: path.stem)
def test_pyscf_takes_the_file_without_qvar(path: Path) -> None:
    record = json.loads(path.with_suffix(".json").read_text())
    target = _recipe(record["case"]).case(**record["arguments"]).target
    mol = gto.M(atom=target.atoms, basis=str(path), spin=target.spin, verbose=0)
    mean_field = (mol.ROHF() if target.spin else mol.RHF()).run(conv_tol=1e-11)
    ours = basis.Target(target.atoms, spin=target.spin).value(basis.read(path))
    assert mean_field.e_tot == pytest.approx(ours, abs=1e-9)


def test_a_molecule_takes_the_file_and_has_its_exact_energy() -> None:
    path = ROOT / "basis" / "sets" / "h2-fci-sto-3g-scaled.nw"
    problem = qvar.molecule("H 0 0 0; H 0 0 0.7414", basis=str(path))
    assert problem.n_qubits == 4
    assert problem.exact_energy() == pytest.approx(-1.13876968, abs=1e-7)
