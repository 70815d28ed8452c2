"""Tables, pictures and page of a study over depths, from ledgers made up by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qvar.analysis.depths import depth_table, series_table
from qvar.analysis.rows import known, records
from qvar.records.run_folder import load
from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.capacity import CAPACITY
from qvar.report.page import report_page, write_report
from qvar.report.plots.write import write_plots
from qvar.report.reports import rows_text, summary_text
from qvar.runs.runner import run
from qvar.studies.capacity import Capacity
from qvar.task import Task, task_key

SERIES: dict[str, dict[int, tuple[int | None, int, int]]] = {
    "ladder": {1: (2, 2, 0), 2: (4, 4, 9), 3: (4, 6, 10)},
    "generic": {1: (6, 8, 0), 2: (12, 12, 10), 4: (20, 20, 8), 8: (40, 36, 10)},
    "broken": {1: (None, 5, 0)},
}
"""By series and layers: rank, parameters, and how many of ten seeds succeed."""


def rows_of(series: str, layers: int, **changes: Any) -> list[dict[str, Any]]:
    rank, n_params, good = SERIES[series][layers]
    rows = []
    for seed in range(10):
        error = 1e-6 if seed < good else 0.02 * (seed + 1)
        rows.append(
            {
                "problem": "chain",
                "contender": f"{series} x{layers}",
                "family": "constrained" if series == "ladder" else "generic",
                "engine": "dense",
                "n_qubits": 4,
                "n_params": n_params,
                "seed": seed,
                "method": "lbfgs",
                "status": "converged" if seed < good else "out_of_budget",
                "value": -5.0 + error,
                "reference": -5.0,
                "error": error,
                "unit": "J",
                "gradient_evaluations": 10 * layers + seed,
                "wall_s": 0.5,
                "trace_step": [0],
                "trace_value": [-4.0],
                "trace_gradient_norm": [1.0],
                "trace_evaluations": [1],
                "series": series,
                "layers": layers,
                "tolerance": 1e-4,
                "fisher_rank": rank,
                "fisher_rank_bound": None if rank is None else 30,
                "fisher_samples": 4,
                "lie_dimension": 11 if series == "ladder" else None,
                "lie_limit": None if rank is None else 10_000,
            }
        )
        if rank is None:
            lost = dict.fromkeys(("value", "error", "reference", "unit", "gradient_evaluations"))
            rows[-1] |= lost | {"status": "failed", "message": "RuntimeError: no circuit"}
        rows[-1] |= changes
    return rows


def all_rows(**changes: Any) -> list[dict[str, Any]]:
    return [row for series, depths in SERIES.items() for layers in depths for row in rows_of(series, layers, **changes)]


@dataclass(frozen=True)
class FakeStudy:
    columns = Capacity.columns

    name: str = "capacity"

    def tasks(self) -> list[Task]:
        depths = [(series, layers) for series in SERIES for layers in SERIES[series]]
        return [Task(task_key({"depth": d}), f"{d[0]} x{d[1]}", lambda report, d=d: rows_of(*d)) for d in depths]


def wilson(successes: int, n: int) -> tuple[float, float]:
    z = 1.959963984540054
    middle = (successes + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(successes * (n - successes) / n + z * z / 4)
    return middle - half, middle + half


def test_one_row_for_each_depth() -> None:
    depths = records(depth_table(ledger_from(all_rows())))
    assert [(row.series, row.layers) for row in depths] == [
        (series, layers) for series, depth in SERIES.items() for layers in depth
    ]
    for row in depths:
        rank, n_params, good = SERIES[row.series][row.layers]
        assert (row.n_params, row.seeds, row.successes, row.success) == (n_params, 10, good, good / 10)
        assert (row.success_low, row.success_high) == pytest.approx(wilson(good, 10), abs=1e-12)
        assert row.fisher_rank == rank if rank is not None else not known(row.fisher_rank)
    first, second = depths[:2]
    assert (first.median, first.evaluations, first.unit, first.tolerance) == pytest.approx(
        (0.11, 14.5, "J", 1e-4)
    )  # errors 0.02 to 0.2
    assert second.median == pytest.approx(1e-6)
    assert math.isnan(depths[-1].median)
    assert depths[-1].message == "RuntimeError: no circuit"


def test_saturation_and_reliability() -> None:
    ladder, generic, broken = records(series_table(depth_table(ledger_from(all_rows()))))
    assert (ladder.rank, ladder.bound, ladder.lie_dimension) == (4, 30, 11)
    assert (ladder.saturation, ladder.saturation_params) == (2, 4)
    assert (ladder.reliable, ladder.reliable_params) == (2, 4)  # 9 of 10 are enough
    # the rank still grows; 8 of 10 at four layers undo the success at two
    assert not known(generic.saturation)
    assert not known(generic.saturation_params)
    assert (generic.reliable, generic.reliable_params, generic.success_last) == (8, 36, "10/10")
    assert not any(known(value) for value in (broken.rank, broken.saturation, broken.reliable))
    assert broken.success_last == "0/10"


def test_errors_just_at_the_tolerance_succeed_and_negative_ones_by_size() -> None:
    rows = rows_of("ladder", 1)
    for row, error in zip(rows, (1e-4, -1e-4, -2e-4, None, math.nan, 1.01e-4, *[1.0] * 4), strict=True):
        row["error"] = error
    (row,) = records(depth_table(ledger_from(rows)))
    assert (row.successes, row.seeds) == (2, 10)


def test_hartree_is_shown_in_millihartree() -> None:
    rows = rows_of("ladder", 1, unit="Ha", tolerance=1.6e-3)
    (row,) = records(depth_table(ledger_from(rows)))
    assert (row.unit, row.tolerance, row.median) == pytest.approx(("mHa", 1.6, 110.0))
    assert "within 1.6 mHa of the exact value" in summary_text(ledger_from(rows)).replace("\n", " ")


def test_only_such_runs_are_taken_for_studies_over_depths() -> None:
    assert CAPACITY.recognises(ledger_from(all_rows()))
    assert not CAPACITY.recognises(ledger_from([{k: v for k, v in row.items() if k != "series"} for row in all_rows()]))


def test_terminal_tables_fit_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ledger = ledger_from(all_rows())
    summary, rows = summary_text(ledger), rows_text(ledger)
    assert max(map(len, [*summary.splitlines(), *rows.splitlines()])) <= 80
    flat = " ".join(summary.split())
    for words in (
        "9/10 60-98 %",
        "ladder: overparametrized from 2 layers (4 parameters) on, where the rank stays at 4. Training is reliable "
        "(at least 90 % of the starts succeed) at the same depth and beyond.",
        "generic: not seen to be overparametrized; the rank is 40 at 8 layers. Training is reliable (at least 90 % of "
        "the starts succeed) from 8 layers (36 parameters) and beyond.",
        "broken: the rank is not known. Training is not reliable (at least 90 % of the starts succeed) up to 1 layer: "
        "0/10 there.",
        "The fewest parameters with which training is reliable are those of ladder, 4.",
        "A start succeeds that ends within 0.0001 J of the exact value.",
        "broken x1: RuntimeError: no circuit",
    ):
        assert words in flat


def test_early_and_late_success_is_reported() -> None:
    early, late = rows_of("ladder", 1), [*rows_of("ladder", 2), *rows_of("ladder", 3)]
    for row in early:
        row |= {"error": 0.0, "fisher_rank": 2}
    assert "is reliable (at least 90 % of the starts succeed) from 1 layer (2" in " ".join(
        summary_text(ledger_from([*early, *late])).split()
    )
    for row in late[:10]:
        row["error"] = 1.0
    assert "succeed) only from 3 layers (6 parameters) and beyond." in " ".join(
        summary_text(ledger_from([*rows_of("ladder", 1), *late])).split()
    )


def test_the_pictures_and_the_page(tmp_path: Path) -> None:
    run(FakeStudy(), tmp_path / "run", progress=False)
    loaded = load(tmp_path / "run")
    plots = write_plots(loaded.ledger, loaded.trace, loaded.folder.plots)
    assert [plot.path.name for plot in plots] == ["capacity.png", "error_vs_layers.png"]
    assert {path.name for path in loaded.folder.plots.iterdir()} == {plot.path.name for plot in plots}
    assert all("Not drawn, because there is no finite value: broken x1." in plot.caption for plot in plots)
    page = report_page(loaded, plots)
    for words in (
        "capacity: chain",
        "ladder: 1, 2, 3; generic: 1, 2, 4, 8; broken: 1",
        "the largest over 4 random points",
        "a start succeeds that ends within 0.0001 J of the exact value; intervals are 95 %",
        "10 at every depth",
        "the rank of the quantum Fisher information",
        "ladder: overparametrized from 2 layers (4 parameters) on, where the rank stays at 4.",
        'success">9/10</td><td class="number" data-head="95 % interval"><span class="whole">60-98</span> %</td>',
        'Lie algebra">over 10,000</td>',  # generic: its Lie algebra was too large to count
        "Larocca et al. 2023",
        "number of independent directions",  # what a column means
    ):
        assert words in page


def test_effective_dimensions_are_shown_where_they_were_measured(tmp_path: Path) -> None:
    measured: dict[str, Any] = {
        "effective_dimension": 3.25,
        "effective_dimension_low": 3.01,
        "effective_dimension_high": 3.49,
    }

    @dataclass(frozen=True)
    class Measured(FakeStudy):
        def tasks(self) -> list[Task]:
            return [Task(task_key({}), "ladder x1", lambda report: rows_of("ladder", 1, **measured))]

    run(Measured(), tmp_path / "run", progress=False)
    page = write_report(load(tmp_path / "run")).read_text()
    assert "<th class=number>effective dimension</th>" in page
    assert "3.2 (3.0 to 3.5)" in page
    measured["effective_dimension_needed"] = 300
    run(Measured(), tmp_path / "few", progress=False)
    page = write_report(load(tmp_path / "few")).read_text()
    assert "3.2 (3.0 to 3.5; heavy tail: interval too narrow, 300 samples needed)" in page


def test_one_depth_and_one_seed(tmp_path: Path) -> None:
    ledger = ledger_from(rows_of("ladder", 2)[:1])
    (row,) = records(series_table(depth_table(ledger)))
    assert not known(row.saturation)  # one depth does not show whether the rank stays
    assert (row.reliable, row.success_last) == (2, "1/1")
    assert len(write_plots(ledger, trace_from([]), tmp_path)) == 2
    text = " ".join(summary_text(ledger).split())
    assert "not seen to be overparametrized; the rank is 4 at 2 layers." in text
    assert "The fewest" not in text  # there is no other one


def test_odd_runs(tmp_path: Path) -> None:
    failed = ledger_from(rows_of("broken", 1))
    assert write_plots(failed, trace_from([]), tmp_path) == []
    assert "broken x1: RuntimeError: no circuit" in summary_text(failed)
    ranks_only = ledger_from(rows_of("ladder", 1, value=math.nan, error=math.nan, status="not_finite"))
    assert [plot.path.name for plot in write_plots(ranks_only, trace_from([]), tmp_path)] == ["capacity.png"]
    assert "0/10" in summary_text(ranks_only)
    unknown = ledger_from(rows_of("ladder", 1, reference=None, error=None))
    assert len(write_plots(unknown, trace_from([]), tmp_path)) == 2
    text = " ".join(summary_text(unknown).split())
    assert "The exact value is not known, so nothing is said of success." in text
    assert "0/10" not in text
    lost = ledger_from(
        [*rows_of("ladder", 1), {"contender": "ladder x2", "status": "failed", "message": "MemoryError: "}]
    )
    assert "ladder x2: MemoryError" in summary_text(lost)
    assert len(write_plots(lost, trace_from([]), tmp_path)) == 2
