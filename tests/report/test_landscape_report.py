"""Tables, pictures and page of a landscape study, from ledgers made up by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qvar.analysis.landscapes import landscape_table
from qvar.analysis.rows import known, records
from qvar.records.run_folder import load
from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.landscape import LANDSCAPE
from qvar.report.page import report_page, write_report
from qvar.report.plots.write import write_plots
from qvar.report.reports import rows_text, summary_text
from qvar.runs.runner import run
from qvar.studies.landscape import Landscape
from qvar.task import Task, task_key

AXIS = [-1.0, 0.0, 1.0]
NAMES = ("keeps", "leaks", "lost")
LINE = {"t": [-0.5, 0.0, 0.5, 1.0, 1.5], "value": [0.0, 1.0, 0.5, -1.0, 0.0]}
PLANE = {"first": AXIS, "second": AXIS, "value": np.add.outer(np.square(AXIS), np.square(AXIS)).tolist()}


def path_of(weights: list[float]) -> str:
    steps = list(range(len(weights)))
    return json.dumps(
        {
            "step": steps,
            "evaluations": [2 * step + 1 for step in steps],
            "sector_weight": weights,
            "symmetry_price": [None if weight == 0 else -0.01 * (1 - weight) for weight in weights],
            "particle_number": [2.0] * len(steps),
            "sz": [0.0] * len(steps),
            "s2": [2 * (1 - weight) for weight in weights],
        }
    )


def rows_of(name: str, **changes: Any) -> list[dict[str, Any]]:
    """Three seeds, the first of which is scanned."""
    weights = {"keeps": (1.0, 1.0, 1.0), "leaks": (0.75, 0.25, 0.9), "lost": (1.0,) * 3}[name]
    rows = []
    for seed, weight in enumerate(weights):
        row = {
            "problem": "H2",
            "contender": name,
            "family": "generic" if name == "leaks" else "constrained",
            "engine": "dense",
            "n_qubits": 4,
            "n_params": 10,
            "seed": seed,
            "method": "lbfgs",
            "status": "converged",
            "value": -1.0 + 0.001 * (seed + 1),
            "reference": -1.0,
            "error": 0.001 * (seed + 1) + (0.1 if name == "leaks" else 0.0),
            "unit": "Ha",
            "gradient_evaluations": 30,
            "wall_s": 0.5,
            "minimum": seed // 2,
            "line_scan": None,
            "trace_step": [0, 1],
            "trace_value": [-0.5, -1.0],
            "trace_gradient_norm": [1.0, 0.1],
            "trace_evaluations": [1, 2],
        }
        if name == "lost":
            lost = dict.fromkeys(("value", "error", "minimum"))
            rows.append({**row, **lost, "status": "failed", "message": "RuntimeError: no circuit"} | changes)
            continue
        for where, negative in (("start", 4 + seed), ("end", 0)):
            row |= {
                f"{where}_smallest_curvature": -0.5,
                f"{where}_largest_curvature": 1.0 + seed,
                f"{where}_hessian_trace": 0.2,
                f"{where}_negative_directions": negative,
                f"{where}_flat_directions": 2,
                f"{where}_condition_number": 1234.0 * (seed + 1),
            }
        row |= {"sector_weight": weight, "symmetry_price": 0.002 * (weight - 1.0)}
        row |= {"leakage_along": path_of([0.0, 0.5, weight] if name == "leaks" else [1.0, 1.0, 1.0])}
        if seed == 0:
            row |= {"line_scan": json.dumps(LINE), "line_minima": 1, "line_variation": 4.0}
            row |= {"start_plane": json.dumps(PLANE), "end_plane": json.dumps(PLANE)}
            row |= {"start_spectrum": "[-0.5, 0.0, 1e-9, 0.25]", "end_spectrum": "[0.0, 0.1, 0.2, 1.0]"}
        rows.append(row | changes)
    return rows


ROWS = [row for name in NAMES for row in rows_of(name)]


@dataclass(frozen=True)
class FakeStudy:
    columns = Landscape.columns

    name: str = "landscape"

    def tasks(self) -> list[Task]:
        return [Task(task_key({"name": name}), name, lambda report, name=name: rows_of(name)) for name in NAMES]


def without(rows: list[dict[str, Any]], *columns: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def test_medians_over_the_seeds() -> None:
    keeps, leaks, lost = records(landscape_table(ledger_from(ROWS)))
    assert (keeps.label, leaks.label, lost.label) == ("keeps", "leaks", "lost")  # the lowest error first
    assert (keeps.ends, keeps.minima, keeps.n_params, keeps.dips) == (3, 2, 10, 1)
    assert (keeps.start_negative_directions, keeps.end_negative_directions, keeps.end_flat_directions) == (5, 0, 2)
    assert (keeps.end_largest_curvature, keeps.end_condition_number) == (2.0, 2468.0)
    assert (keeps.leaked, keeps.most_leaked, keeps.outside, keeps.symmetry_price) == (0, 0, 0, 0)
    # weights 0.75, 0.25 and 0.9
    assert (leaks.leaked, leaks.most_leaked, leaks.outside) == pytest.approx((0.25, 0.75, 1))
    assert leaks.symmetry_price == pytest.approx(-0.0005)
    assert (lost.ends, lost.minima) == (0, 0)
    assert not known(lost.leaked)


def test_only_such_runs_are_taken_for_landscapes() -> None:
    assert LANDSCAPE.recognises(ledger_from(ROWS))
    assert not LANDSCAPE.recognises(ledger_from(without(ROWS, "line_scan")))


def test_terminal_tables_fit_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ledger = ledger_from(ROWS)
    summary, rows = summary_text(ledger), rows_text(ledger)
    assert max(map(len, [*summary.splitlines(), *rows.splitlines()])) <= 80
    assert "lost: RuntimeError: no circuit" in summary
    lines = [line.split() for line in summary.splitlines()]
    assert ["keeps", "2/3", "5/10", "0/10", "2/10", "2500", "0", "0"] in lines
    assert ["leaks", "2/3", "5/10", "0/10", "2/10", "2500", "0.25", "-0.500"] in lines
    assert ["lost", "0/0", "-", "-", "-", "-", "-", "-"] in lines
    assert "[mHa]" in summary


def test_the_pictures_and_the_page(tmp_path: Path) -> None:
    run(FakeStudy(), tmp_path / "run", progress=False)
    loaded = load(tmp_path / "run")
    plots = write_plots(loaded.ledger, loaded.trace, loaded.folder.plots)
    assert [plot.path.stem for plot in plots] == [
        "landscape_lines", "landscape_planes", "landscape_curvature", "symmetry_leakage", "error_vs_step",
    ]  # fmt: skip
    assert {path.name for path in loaded.folder.plots.iterdir()} == {plot.path.name for plot in plots}
    page = report_page(loaded, plots)
    for words in (
        "landscape: H2",
        "keeps: the 3 starts ended in 2 distinct minima; of 10 directions 5 bend down at a typical start, none at a "
        "typical end; nothing left the right sector.",
        "leaks: the 3 starts ended in 2 distinct minima; of 10 directions 5 bend down at a typical start, none at a "
        "typical end; at a typical end 25 % of the state had left the right sector, at 1 of the 3 ends more than half "
        "of it.",
        "symmetry price (mHa)",
        'leaked: end">0.25</td><td class="number" data-head="symmetry price (mHa)">-0.500</td>',
        "lost, seed 2",
        "RuntimeError: no circuit",
        "Weight of the trained state in the right sector",
    ):
        assert words in page
    assert "lost: the" not in page


def test_no_words_on_sectors_that_do_not_exist(tmp_path: Path) -> None:
    ledger = ledger_from(without(ROWS, "sector_weight", "symmetry_price", "leakage_along"))
    assert "leaked" not in summary_text(ledger)
    names = [plot.path.stem for plot in write_plots(ledger, trace_from(ROWS), tmp_path)]
    assert "symmetry_leakage" not in names
    kept = ledger_from(rows_of("keeps"))
    assert "symmetry_leakage" not in [plot.path.stem for plot in write_plots(kept, trace_from(ROWS), tmp_path)]


def test_spin_models_have_no_total_spin_and_keep_their_unit(tmp_path: Path) -> None:
    rows = rows_of("leaks", unit="J")
    for row in rows:
        row["leakage_along"] = json.dumps({**json.loads(row["leakage_along"]), "s2": [None] * 3, "sz": [None] * 3})
    ledger = ledger_from(rows)
    text = summary_text(ledger)
    assert "[J]" in text
    assert "-0.0005" in text
    leakage = next(p for p in write_plots(ledger, trace_from(rows), tmp_path) if p.path.stem == "symmetry_leakage")
    assert "total spin" not in leakage.caption


def test_odd_runs(tmp_path: Path) -> None:
    one = without(rows_of("keeps"), "start_plane", "end_plane")  # one parameter
    names = [plot.path.stem for plot in write_plots(ledger_from(one), trace_from(one), tmp_path)]
    assert names == ["landscape_lines", "landscape_curvature", "error_vs_step"]
    unknown = [{**row, "end_spectrum": "[null, 1.0]"} for row in one]
    unknown += [{**row, "contender": "\u65e5", "start_spectrum": "[]", "end_spectrum": "[]"} for row in one]
    assert len(write_plots(ledger_from(unknown), trace_from(unknown), tmp_path)) == 3
    lost = rows_of("lost")
    assert write_plots(ledger_from(lost), trace_from([]), tmp_path) == []
    assert list(tmp_path.iterdir()) == []  # older pictures are gone
    assert "lost: RuntimeError: no circuit" in summary_text(ledger_from(lost))
    single = rows_of("leaks")[1:2]
    assert "leaks: its start ended in 1 minimum;" in _page(single, tmp_path)
    flat = rows_of("keeps", line_scan=json.dumps({**LINE, "value": [0.0] * 5}), start_spectrum="[0.0, 0.0]")
    constant = json.dumps({**PLANE, "value": np.zeros((3, 3)).tolist()})
    flat = [{**row, "start_plane": constant, "end_plane": constant, "end_spectrum": "[0.0, 0.0]"} for row in flat[:1]]
    assert len(write_plots(ledger_from(flat), trace_from(flat), tmp_path)) == 4


def _page(rows: list[dict[str, Any]], folder: Path) -> str:
    @dataclass(frozen=True)
    class One(FakeStudy):
        def tasks(self) -> list[Task]:
            return [Task(task_key({}), "one", lambda report: rows)]

    run(One(), folder / "one", progress=False)
    return write_report(load(folder / "one")).read_text()
