"""The report of a study of one's own that trains nothing."""

from __future__ import annotations

from pathlib import Path

from qvar.records.run_folder import LoadedRun, RunFolder
from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.page import report_page
from qvar.report.reports import report_of, summary_text

ROWS = [
    {"problem": "atom", "contender": "6-31G", "method": "nwchem", "status": "agrees", "error": -2e-9, "unit": "Ha"},
    {"problem": "atom", "contender": "6-31G", "method": "psi4", "status": "agrees", "error": 1e-9, "unit": "Ha"},
    {"problem": "atom", "contender": "pc-1", "method": "nwchem", "status": "differs", "error": 0.25, "unit": "Ha"},
    {"problem": "atom", "contender": "pc-2", "method": "nwchem", "status": "refused", "message": "it has an ECP"},
]


def test_rows_are_counted_and_nothing_is_said_of_trainings() -> None:
    ledger = ledger_from(ROWS)
    text = summary_text(ledger, "basis library")
    lines = [line.split() for line in text.splitlines()]
    assert ["6-31G", "2", "2", "agrees", "<1e-8", "Ha"] in lines
    assert ["pc-1", "1", "1", "differs", "0.250", "Ha"] in lines
    assert "4 rows: 2 agrees, 1 differs, 1 refused. This study has no verdict" in " ".join(text.split())
    run = LoadedRun(RunFolder(Path("run")), {"study": "basis library", "tasks": []}, ledger, trace_from(ROWS), 4, 4)
    page = report_page(run, [])
    assert "This study has no verdict" in page
    assert "it has an ECP" in page
    for word in ("trained from", "chemical accuracy", "parameters"):
        assert word not in page.partition("What the columns mean")[0]


def test_trainings_have_the_report_of_a_duel() -> None:
    trained = [{**row, "n_params": 3} for row in ROWS]
    assert report_of(ledger_from(trained)).study == "duel"
    assert report_of(ledger_from(ROWS)).study == ""
    assert report_of(ledger_from(ROWS), "duel").study == "duel"
