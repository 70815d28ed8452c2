"""Tables, pictures and page of a run along a coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qvar.analysis.rows import axis_name, is_curve, records
from qvar.analysis.summaries import curve_summary
from qvar.records.run_folder import load
from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.page import write_report
from qvar.report.plots.write import write_plots
from qvar.report.reports import rows_text, summary_text
from qvar.runs.runner import run
from qvar.task import Task, task_key

ERRORS = {
    "flat": ((5e-3, 5e-3, 5e-3), (6e-3, 6e-3, 7e-3)),
    "good then bad": ((1e-4, 1e-3, 0.1), (1e-4, 1e-3, 0.1)),
    "with a gap": ((1e-3, None, 1e-3), (2e-3, 2e-3, -2e-3)),
}
"""Errors by contender, seed and point, in hartree."""


def rows_of(contender: str) -> list[dict[str, Any]]:
    rows = []
    for seed, errors in enumerate(ERRORS[contender]):
        present = [error for error in errors if error is not None]
        for place, error in zip((0.5, 1.0, 2.0), errors, strict=True):
            rows.append(
                {
                    "problem": f"H2 {place}",
                    "contender": contender,
                    "family": "constrained",
                    "n_params": 3,
                    "two_qubit_gates": 40,
                    "seed": seed,
                    "method": "lbfgs",
                    "status": "failed" if error is None else "converged",
                    "value": None if error is None else -place + error,
                    "reference": -place,
                    "error": error,
                    "unit": "Ha",
                    "gradient_evaluations": 10,
                    "wall_s": 1.5,
                    "coordinate": place,
                    "coordinate_name": "bond",
                    "coordinate_unit": "angstrom",
                    "npe": max(present) - min(present) if len(present) == 3 else None,
                    "message": "RuntimeError: no orbitals" if error is None else None,
                    "trace_step": [0],
                    "trace_value": [-place],
                    "trace_gradient_norm": [1.0],
                    "trace_evaluations": [1],
                }
            )
    return rows


ROWS = [row for contender in ERRORS for row in rows_of(contender)]


@dataclass(frozen=True)
class FakeCurve:
    name: str = "curve"

    def tasks(self) -> list[Task]:
        return [Task(task_key({"name": name}), name, lambda report, name=name: rows_of(name)) for name in ERRORS]


@pytest.fixture
def loaded(tmp_path: Path) -> Any:
    run(FakeCurve(), tmp_path / "run", progress=False)
    return load(tmp_path / "run")


def test_summary_along_the_coordinate() -> None:
    gap, flat, bad = records(curve_summary(ledger_from(ROWS)))
    assert (gap.label, flat.label, bad.label) == ("with a gap", "flat", "good then bad")
    assert (flat.rank, flat.unit, flat.seeds, flat.within) == (2, "mHa", 6, 0)
    # medians over two seeds: greatest errors 5 and 7; greatest minus smallest 0 and 1; means 5 and 19/3
    assert (flat.worst, flat.npe, flat.mean) == pytest.approx((6.0, 0.5, (5 + 19 / 3) / 2))
    assert (bad.worst, bad.npe, bad.within) == pytest.approx((100.0, 99.9, 4))
    # the first seed lacks a point and so its NPE; the second goes from +2 to -2
    assert (gap.worst, gap.npe, gap.finite, gap.failed) == pytest.approx((1.5, 4.0, 5, 1))
    assert (flat.evaluations, flat.wall_s) == pytest.approx((30, 4.5))


def test_only_such_runs_are_taken_for_curves() -> None:
    assert is_curve(ledger_from(ROWS))
    assert axis_name(ledger_from(ROWS)) == "bond (angstrom)"
    plain = [{key: value for key, value in row.items() if not key.startswith("coordinate")} for row in ROWS]
    assert not is_curve(ledger_from(plain))


def test_terminal_tables_fit_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ledger = ledger_from(ROWS)
    summary, rows = summary_text(ledger), rows_text(ledger)
    assert max(map(len, [*summary.splitlines(), *rows.splitlines()])) <= 80
    assert summary.index("with a gap") < summary.index("flat") < summary.index("good then bad")
    for words in ("NPE", "99.90", "5/6", "Failed: with a gap (1).", "with a gap: RuntimeError: no orbitals"):
        assert words in summary
    assert "with a gap, seed 0, bond 1: RuntimeError: no orbitals" in rows
    assert sum("flat" in line for line in rows.splitlines()) == 6


def test_the_pictures_and_the_page(loaded: Any) -> None:
    plots = write_plots(loaded.ledger, loaded.trace, loaded.folder.plots)
    assert [plot.path.name for plot in plots] == ["energy_vs_coordinate.png", "error_vs_coordinate.png"]
    assert {path.name for path in loaded.folder.plots.iterdir()} == {plot.path.name for plot in plots}
    page = write_report(loaded).read_text()
    for words in (
        "curve: H2 0.5, H2 1.0, H2 2.0",
        "3, bond (angstrom) from 0.5 to 2",
        "The smallest greatest error along the curve is that of <b>with a gap</b>, 1.500 mHa.",
        "The smallest NPE is that of <b>flat</b>, 0.500 mHa.",
        "with a gap, seed 0, bond 1",
        "non-parallelity",
    ):
        assert words in page


def test_odd_curves(tmp_path: Path) -> None:
    assert write_plots(ledger_from(ROWS[:0]), trace_from([]), tmp_path) == []
    failed = [{**row, "value": None, "error": None, "status": "failed"} for row in rows_of("flat")]
    assert write_plots(ledger_from(failed), trace_from(failed), tmp_path) == []
    assert records(curve_summary(ledger_from(failed)))[0].rank == 1
    lost = [*ROWS, {"contender": "a task that raised", "status": "failed", "message": "E"}]  # it has no coordinate
    assert len(write_plots(ledger_from(lost), trace_from(lost), tmp_path)) == 2
    unknown = [{**row, "reference": None, "error": None, "npe": None} for row in rows_of("flat")]
    plots = write_plots(ledger_from(unknown), trace_from(unknown), tmp_path)
    assert [plot.path.name for plot in plots] == ["energy_vs_coordinate.png"]
    assert summary_text(ledger_from(unknown))
