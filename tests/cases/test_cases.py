"""Every case of the repository runs, small."""

import runpy
from pathlib import Path

import pytest

import qvar

CASES = Path(__file__).parents[2] / "cases"

SMALL = {
    "h4_duel.py": {"layers": (1,), "seeds": 2, "gradients": 30},
    "own_ansatz.py": {"seeds": 2, "gradients": 100},
}
"""Arguments that make a case quick; a new case needs an entry."""


def test_every_case_is_tried() -> None:
    assert {path.name for path in CASES.glob("*.py")} == set(SMALL)


@pytest.mark.parametrize("name", list(SMALL))
def test_runs(name: str, tmp_path: Path) -> None:
    case = runpy.run_path(str(CASES / name))["case"]
    ledger = qvar.run(case(**SMALL[name]), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) <= {"converged", "out_of_budget"}
    assert (ledger["error"] > -1e-9).all()
    best = ledger.groupby("contender")["error"].min()
    assert best["uccsd"] < 1e-4


def test_a_users_circuit_trains_to_the_exact_energy(tmp_path: Path) -> None:
    case = runpy.run_path(str(CASES / "own_ansatz.py"))["case"]
    ledger = qvar.run(case(seeds=3), out=tmp_path / "run", progress=False)
    assert ledger[ledger["contender"] == "mine"]["error"].min() < 1e-6
