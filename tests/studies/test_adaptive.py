"""The study of growing circuits: its ledger, its trace, and growths that go on where they were interrupted."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

import qvar
from qvar.analysis.paths import listed_steps
from qvar.optimize.checkpoint import Arrays, Keeper, Stopped, keeping
from qvar.optimize.turns import Turns
from qvar.task import Row

BUSY = ("wall_s", "compile_s")


def study(problem: qvar.Problem, **settings: Any) -> qvar.Adaptive:
    return qvar.Adaptive(problem, ["qubit_gsd"], **{"max_operators": 4, **settings})


def rows_of(one: qvar.Adaptive) -> list[Row]:
    (task,) = one.tasks()
    return task.run(lambda progress: None)


def test_the_row_of_a_growth(h4: qvar.Problem) -> None:
    (row,) = rows_of(study(h4))
    grown = qvar.adapt(h4, "qubit_gsd", max_operators=4)
    assert row["value"] == grown.value
    assert row["theta"] == grown.theta.tolist()
    assert (row["contender"], row["pool"], row["n_params"], row["seed"]) == ("adapt qubit_gsd", "qubit_gsd", 4, 0)
    assert (row["status"], row["growth_end"], row["iterations"]) == ("out_of_budget", "operators", 4)
    assert row["two_qubit_gates"] == grown.cnots[-1]
    assert row["cost_model"] == "published"
    assert row["energy_evaluations"] == grown.evaluations[-1]
    assert row["trace_step"] == [0, 1, 2, 3, 4]
    assert row["trace_value"] == grown.values.tolist()
    assert row["trace_gradient_norm"] == grown.pool_norms.tolist()
    steps = listed_steps("growth", row["growth"])
    assert [step["cnots"] for step in steps] == grown.cnots.tolist()
    assert [name for step in steps for name in step["chosen"]] == list(grown.operators)
    assert row["particle_number"] == pytest.approx(4.0, abs=1e-12)


def test_a_growth_and_fixed_circuits_in_one_report(h2: qvar.Problem, tmp_path: Any) -> None:
    whole = qvar.Adaptive(h2, ["sd", "qubit_sd"], [qvar.uccsd], seeds=2)
    assert [task.label for task in whole.tasks()] == ["adapt sd", "adapt qubit_sd", "uccsd"]
    assert {"grimsley2019", "yordanov2020", "yordanov2021"} <= set(whole.citations)
    path = tmp_path / "run"
    ledger = qvar.run(whole, path, progress=False)
    assert ledger["contender"].tolist() == ["adapt sd", "adapt qubit_sd", "uccsd", "uccsd"]
    assert np.abs(ledger["error"]).max() < 1e-6
    page = (path / "report.html").read_text()
    assert "Operators, CNOTs and evaluations to an error" in page
    assert "1 / 13 / " in page
    assert (path / "plots" / "error_vs_growth.png").exists()
    assert len(qvar.load(path).parameters("adapt sd", seed=0)) == 1


def test_an_interrupted_growth_goes_on_at_its_operator(h4: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the third optimization: the first two are not repeated, and the row is that of a whole growth."""
    turns = itertools.count()
    advance = Turns.advance

    def counted(self: Turns, most: int) -> Any:
        next(turns)
        return advance(self, most)

    (undisturbed,) = rows_of(study(h4))
    kept: dict[str, Arrays] = {}
    monkeypatch.setattr(Turns, "advance", counted)
    with pytest.raises(Stopped), keeping(Keeper(kept.get, kept.__setitem__, lambda: False, lambda: len(kept) == 2)):
        rows_of(study(h4))
    before = next(turns)
    assert len(kept) == 3
    with keeping(Keeper(kept.get, kept.__setitem__, lambda: False, lambda: False)):
        (row,) = rows_of(study(h4))
    assert len(kept) == 4
    again = next(turns) - before - 1
    with keeping(Keeper(kept.get, kept.__setitem__, lambda: False, lambda: False)):
        rows_of(study(h4))
    assert next(turns) - before - again - 2 == 0  # all of it is kept
    assert 0 < again < before + again
    assert {name: row[name] for name in row if name not in BUSY} == {
        name: undisturbed[name] for name in undisturbed if name not in BUSY
    }


def test_keys_of_tasks_differ_by_what_changes_the_numbers(h4: qvar.Problem) -> None:
    settings: list[dict[str, Any]] = [
        {}, {"max_operators": 5}, {"grow": "tetris"}, {"select": "gradient_per_cnot"}, {"error": 1e-3},
        {"rules": qvar.GrowthRules(prune=True)}, {"rules": qvar.GrowthRules(last=2)},
        {"rules": qvar.GrowthRules(repeat=2)},
        {"max_cnots": 40}, {"gradient_norm": 1e-2}, {"step_budget": qvar.Budget()}, {"method": qvar.adam()},
    ]  # fmt: skip
    keys = [task.key for one in settings for task in study(h4, **one).tasks()]
    other = qvar.Adaptive(h4, [qvar.pool("qubit_gsd", h4, normalize=True)], max_operators=4)
    assert len({*keys, other.tasks()[0].key}) == len(settings) + 1
    json.dumps(keys)


def test_the_trace_of_a_pruned_growth_has_a_row_for_each_step() -> None:
    """A step is known by the number of operators added, those that were removed again included."""
    stretched = qvar.hydrogen_chain(4, 2.0)
    (row,) = rows_of(study(stretched, rules=qvar.GrowthRules(prune=True), max_operators=9, gradient_norm=1e-6))
    steps = listed_steps("growth", row["growth"])
    assert any(step["removed"] for step in steps)
    assert row["trace_step"] == list(range(len(steps)))


def test_names_and_papers_of_rules(h4: qvar.Problem) -> None:
    whole = study(h4, select="energy", rules=qvar.GrowthRules(grow="tetris", prune=True, last=2))
    assert whole.tasks()[0].label == "adapt qubit_gsd energy tetris pruned last 2"
    assert {"anastasiou2024", "vaquerosabater2025", "jager2024", "ramoa2024b"} <= set(whole.citations)
    repeated = study(h4, rules=qvar.GrowthRules(repeat=2))
    assert repeated.tasks()[0].label == "adapt qubit_gsd repeat 2"
    assert "liu2022" in repeated.citations
    assert study(h4).tasks()[0].label == "adapt qubit_gsd"


def test_what_the_study_refuses(h4: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match="`pools` must hold at least one pool"):
        qvar.Adaptive(h4, [])
    with pytest.raises(qvar.QvarError, match="`pools` must"):
        qvar.Adaptive(h4, ["sd", "sd"])
    with pytest.raises(qvar.QvarError, match="`source` must be an Ansatz or one of"):
        qvar.Adaptive(h4, ["everything"])


def test_a_failed_growth_is_a_row(h4: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any, **settings: Any) -> None:
        raise RuntimeError("no memory")

    one = study(h4)
    monkeypatch.setattr("qvar.studies.adaptive.adapt", fails)
    (row,) = rows_of(one)
    assert (row["status"], row["contender"]) == ("failed", "adapt qubit_gsd")
    assert "no memory" in row["message"]
