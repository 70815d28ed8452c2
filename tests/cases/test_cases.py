"""Every case of the repository runs, small."""

import runpy
from pathlib import Path
from typing import Any

import pytest

import qvar
from qvar.ansatz.catalogue import build
from qvar.problems.named import named

FAMILIES = ("all", "generic", "constrained")
CASES = Path(__file__).parents[2] / "cases"

SMALL: dict[str, dict[str, Any]] = {
    "h4_duel.py": {"layers": (1,), "seeds": 2, "gradients": 30},
    "own_ansatz.py": {"seeds": 2, "gradients": 100},
    "family_duel.py": {
        "molecule": "h2", "contenders": ("hardware_efficient", "uccsd"), "layers": 1, "seeds": 2, "gradients": 60,
    },
    "dissociation.py": {"molecule": "h2", "points": 2, "layers": 1, "seeds": 2, "gradients": 60},
}  # fmt: skip
"""Arguments that make a case quick; a new case needs an entry."""


def test_every_case_is_tried() -> None:
    assert {path.name for path in CASES.glob("*.py")} == set(SMALL)


def load(name: str) -> Any:
    return runpy.run_path(str(CASES / name))["case"]


@pytest.mark.parametrize("name", list(SMALL))
def test_runs(name: str, tmp_path: Path) -> None:
    case = load(name)
    ledger = qvar.run(case(**SMALL[name]), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) <= {"converged", "out_of_budget"}
    assert (ledger["error"] > -1e-9).all()
    best = ledger.groupby("contender")["error"].min()
    assert best["uccsd"] < 1e-4


def test_a_users_circuit_trains_to_the_exact_energy(tmp_path: Path) -> None:
    case = load("own_ansatz.py")
    ledger = qvar.run(case(seeds=3), out=tmp_path / "run", progress=False)
    assert ledger[ledger["contender"] == "mine"]["error"].min() < 1e-6


def test_the_family_duel_takes_the_whole_catalogue() -> None:
    case = load("family_duel.py")
    everyone, _ = build(named("h2"), 2)
    labels = {
        families: [task.label for task in case("h2", families=families, layers=2).tasks()] for families in FAMILIES
    }
    assert labels["all"] == list(everyone)
    assert sorted([*labels["generic"], *labels["constrained"]]) == sorted(everyone)
    assert "uccsd" in labels["constrained"]
    assert [task.label for task in case("h2", contenders=("uccsd",)).tasks()] == ["uccsd"]


def test_the_dissociation_walks_from_start_to_stop() -> None:
    study = load("dissociation.py")("h2", start=2.0, stop=1.0, points=3, contenders=("uccsd",))
    assert study.coordinates == (2.0, 1.5, 1.0)
    energies = [study.problem(bond).exact_energy() for bond in study.coordinates]
    assert energies == pytest.approx([qvar.hydrogen_chain(2, bond=bond).exact_energy() for bond in (2.0, 1.5, 1.0)])


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        (
            "family_duel.py",
            {"contenders": ("uccd ",)},
            "`contenders` must be names that `qvar list ansatze` prints, but",
        ),
        ("family_duel.py", {"bond": -1.0}, "`bond` must be positive, but is -1.0."),
        ("dissociation.py", {"contenders": ("x",)}, "`contenders` must be names that `qvar list ansatze` prints"),
        (
            "dissociation.py",
            {"contenders": ("hva",)},
            "`contenders` must be names that `qvar list ansatze` prints for a molecule",
        ),
        ("dissociation.py", {"start": 0.0}, "`start` must be positive, but is 0.0."),
        ("dissociation.py", {"stop": -0.5}, "`stop` must be positive, but is -0.5."),
        ("dissociation.py", {"points": 0}, "`points` must be at least 1, but is 0."),
    ],
)
def test_mistakes_are_told_before_anything_runs(name: str, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        load(name)(molecule="h2", **arguments)
    assert str(caught.value).startswith(sentence)
