"""Columns that studies declare: their types, their meaning, and their way into a run's folder and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import qvar
from qvar.errors import QvarError
from qvar.records.schema import COMMON_COLUMNS, LEDGER_COLUMNS, MESSAGE, TRACE_TYPES, describe, study_columns
from qvar.runs.case_flags import load_case, make_study

CASE = """
import qvar


class Walks:
    name = "walks"
    columns = (
        qvar.LedgerColumn("hops", "Int64", "Number of hops.", unit="lattice constants"),
        qvar.LedgerColumn("closed", "boolean", "True if the walk ended at its start."),
        qvar.LedgerColumn("path", "string", "JSON list: the sites."),
    )

    def tasks(self):
        rows = [{"contender": "a", "value": 1.0, "path": [0, 1]}, {"contender": "b", "hops": None, "closed": None}]
        return [qvar.Task(qvar.task_key({"walk": k}), row["contender"], lambda report, row=row: [row])
                for k, row in enumerate(rows)]


def case(n: int = 1) -> Walks:
    return Walks()
"""


@pytest.mark.usefixtures("without_pages")
def test_a_case_file_declares_columns(tmp_path: Path) -> None:
    """Also columns without a single value keep their types, in the tables and when these are made again of shards."""
    (tmp_path / "walks.py").write_text(CASE)
    study = make_study(load_case(tmp_path / "walks.py"), {"n": 1})
    ledger = qvar.run(study, tmp_path / "r", progress=False)
    kinds = {"path": "string", "hops": "Int64", "closed": "boolean"}
    assert {name: str(ledger[name].dtype) for name in kinds} == kinds
    assert list(ledger.columns) == [*LEDGER_COLUMNS, *kinds]
    assert ledger["path"].tolist() == ["[0, 1]", pd.NA]
    (tmp_path / "r" / "ledger.parquet").unlink()
    run = qvar.load(tmp_path / "r")
    pd.testing.assert_frame_equal(run.ledger, ledger)
    columns = run.case["columns"]
    assert columns[0] == {"name": "hops", "kind": "Int64", "unit": "lattice constants", "meaning": "Number of hops."}


def study_with(columns: Any, row: dict[str, Any]) -> Any:
    task = qvar.Task("a", "a", lambda report: [row])
    return type("Study", (), {"name": "own", "columns": columns, "tasks": lambda self: [task]})()


def test_wrong_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(QvarError, match=r"`study\.columns` must be a list of LedgerColumn, but is \('hops',\)"):
        qvar.run(study_with(("hops",), {}), tmp_path / "a", progress=False)
    twice = (qvar.LedgerColumn("hops", "Int64", "Hops."),) * 2
    with pytest.raises(QvarError, match=r"`study\.columns` must have different names, but 'hops' occurs more"):
        qvar.run(study_with(twice, {}), tmp_path / "b", progress=False)
    with pytest.raises(QvarError, match="`kind` must be 'string', 'Int64', 'float64' or 'boolean', but is 'x'"):
        qvar.LedgerColumn.__init__.__wrapped__(twice[0], "hops", "x", "Hops.")  # the annotation would refuse it first
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_pages")
def test_a_value_of_another_type_fails_its_task(tmp_path: Path) -> None:
    columns = (qvar.LedgerColumn("hops", "Int64", "Hops."),)
    (row,) = qvar.run(study_with(columns, {"hops": "many"}), tmp_path / "r", progress=False).to_dict("records")
    assert row["status"] == "failed"
    assert "`hops` must hold values of type Int64, but holds 'many'" in row["message"]


def test_every_column_has_a_sentence() -> None:
    for own in study_columns().values():
        for column in (*COMMON_COLUMNS, MESSAGE, *own):
            assert describe(column.name, own) == column.sentence
            assert column.sentence.endswith(".")
    assert all(describe(name) != describe("shots") for name in TRACE_TYPES)
    assert describe("shots") == "Column that the study itself appended."
    assert describe("sweep_bond") == "Value of the case's argument `bond`, which the campaign swept."


def test_a_name_has_one_type_in_all_studies() -> None:
    kinds: dict[str, set[str]] = {}
    for columns in study_columns().values():
        for column in columns:
            kinds.setdefault(column.name, set()).add(column.kind)
    assert {name for name, seen in kinds.items() if len(seen) > 1} == set()
    assert not set(kinds) & {*LEDGER_COLUMNS, MESSAGE.name}
