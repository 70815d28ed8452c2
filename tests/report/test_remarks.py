from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import jax.numpy as jnp

import qvar
from qvar.records.run_folder import load
from qvar.records.run_tables import ledger_from
from qvar.report.page import report_page
from qvar.report.remarks import remarks
from qvar.report.reports import summary_text
from qvar.runs.runner import run

SADDLE = "The Hartree-Fock reference is a saddle: a second derivative is -0.98 Ha."


def row(problem: str, contender: str, *sentences: str) -> dict[str, object]:
    known = {"remarks": json.dumps(sentences)} if sentences else {}
    numbers = {"value": -1.0, "reference": -1.1, "error": 0.1, "unit": "Ha", "seed": 0, "status": "converged"}
    return {"problem": problem, "contender": contender, "family": "generic", "n_params": 1, **numbers, **known}


def test_each_remark_is_printed_once() -> None:
    rows = [row("N2", name, SADDLE, "The exact state is a triplet.") for name in ("a", "b")]
    ledger = ledger_from(rows)
    assert remarks(ledger) == [SADDLE, "The exact state is a triplet."]
    text = " ".join(summary_text(ledger).split())
    assert text.count(SADDLE) == 1
    assert remarks(ledger_from([row("N2", "a")])) == []


def test_remarks_of_many_problems_are_one_of_each_kind() -> None:
    ledger = ledger_from([row(f"N2 {k}", "a", SADDLE.replace("0.98", f"0.{k}")) for k in range(10, 30)])
    (line,) = remarks(ledger)
    assert line.startswith("N2 10: ")
    assert "-0.10 Ha" in line
    assert "19 more" in line
    many = ledger_from([row("N2", "a", *(f"Remark {'x' * k}." for k in range(1, 12)))])
    assert remarks(many)[-1] == "And 3 more, in the ledger."


def test_a_column_that_is_no_list_is_shown_as_it_is() -> None:
    for text in ("plain words", '{"a": 1}', "[1, 2"):
        assert remarks(ledger_from([row("N2", "a") | {"remarks": text}])) == [text]


def test_run_and_page_say_that_the_reference_is_poor(tmp_path: Path) -> None:
    """Stretched hydrogen: an unrestricted determinant lies lower."""
    problem = qvar.hydrogen_chain(2, bond=2.5)
    bowl = qvar.Objective("bowl", "generic", 1, lambda theta, data: theta @ theta, lambda key: jnp.ones(1))
    duel = qvar.Duel(problem, [bowl], seeds=1, budget=qvar.Budget(gradients=3))
    run(duel, tmp_path / "run", progress=False)
    loaded = load(tmp_path / "run")
    (sentence,) = problem.remarks()
    assert "unrestricted determinant lies below" in sentence
    assert json.loads(loaded.ledger["remarks"].iloc[0]) == [sentence]
    page = report_page(loaded, [])
    assert "What to know of the problem" in page
    assert page.count(sentence) == 1
    assert sentence in " ".join(summary_text(loaded.ledger).split())


def test_runs_without_remarks_have_no_section(fake: ModuleType, tmp_path: Path) -> None:
    run(fake.Fake(("ry x1",)), tmp_path / "run", progress=False)
    assert "What to know" not in report_page(load(tmp_path / "run"), [])
