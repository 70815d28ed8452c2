"""Tables, pictures and page of a study over sizes, from a made-up ledger whose variances follow exact laws."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qvar.analysis.decay import decay_table
from qvar.analysis.rows import labels, records
from qvar.records.run_folder import load
from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.html import to_html
from qvar.report.page import report_page, write_report
from qvar.report.plots.scaling import variance_against_size
from qvar.report.plots.write import write_plots
from qvar.report.reports import report_of, rows_text, summary_text
from qvar.report.scaling import SCALING
from qvar.report.scaling_tables import ratio
from qvar.runs.runner import run
from qvar.task import Task, task_key

SIZES = (4, 6, 8, 10, 12)
ONE: dict[str, Any] = {"size_name": "qubits", "start": "uniform", "start_noise": 0.0, "seed": 0, "method": "sampling"}


def point(contender: str, size: int, loss: float, gradient: float, width: float, **more: Any) -> dict[str, Any]:
    def ends(name: str, value: float) -> dict[str, float]:
        return {name: value, f"{name}_low": 0.95 * value, f"{name}_high": 1.05 * value}

    return {
        **ONE,
        "problem": f"{contender} on {size}",
        "contender": contender,
        "family": "constrained",
        "engine": "dense",
        "n_qubits": size,
        "n_params": 2 * size,
        "status": "measured",
        "value": 0.0,
        "unit": "J",
        "wall_s": 1.5,
        "compile_s": 0.5,
        "size": size,
        "samples": 500,
        **ends("loss_variance", loss),
        **ends("gradient_variance", gradient),
        **ends("gradient_variance_first", 2 * gradient),
        "gradient_variance_largest": 3 * gradient,
        "gradient_mean_square": 1.5 * gradient,
        "component_variances": json.dumps([gradient] * (2 * size)),
        "spectral_width": width,
        "normalised_loss_variance": loss / width**2,
        "space_dimension": 2**size,
        "haar_loss_variance": loss / 4,
        **more,
    }


def law_columns(size: int) -> dict[str, Any]:
    first = 2.0**-size / 2
    return {"law": "1/d", "law_loss_variance": 2.0**-size, "law_gradient_variance_first": first, "family": "generic"}


def halving(size: int) -> dict[str, Any]:
    """Falls by a factor of 2 for each qubit, like its exact law."""
    return point("halving", size, 2.0**-size, 0.25 * 2.0**-size, 2.0, **law_columns(size))


def squares(size: int) -> dict[str, Any]:
    """Grows as n^2 in its own unit, but its spectrum as n^2: relative to that it falls as n^-2."""
    lie = {"lie_dimension": size**2, "lie_loss_variance": 0.5 * size**2}
    return point("squares", size, size**2, 3 * size**2, size**2, **lie)


def lost(size: int) -> dict[str, Any]:
    """Does not exist at 8 qubits."""
    row = {**ONE, "contender": "lost", "family": "constrained", "status": "failed", "message": "RuntimeError: none"}
    return {**row, "size": size} if size == 8 else point("lost", size, 0.1, 0.1, 1.0)


EVERYONE: tuple[Callable[[int], dict[str, Any]], ...] = (halving, squares, lost)
ROWS = [make(size) for make in EVERYONE for size in SIZES]


@dataclass(frozen=True)
class FakeScaling:
    name: str = "scaling"

    def tasks(self) -> list[Task]:
        return [
            Task(task_key({"name": str(make), "n": n}), make.__name__, lambda report, make=make, n=n: [make(n)])
            for make in EVERYONE
            for n in SIZES
        ]


@pytest.fixture
def loaded(tmp_path: Path) -> Any:
    run(FakeScaling(), tmp_path / "run", progress=False)
    return load(tmp_path / "run")


def test_exact_laws_give_their_verdicts() -> None:
    table: Any = decay_table(ledger_from(ROWS))
    assert list(table["contender"]) == ["halving"] * 2 + ["squares"] * 2 + ["lost"] * 2
    for row in records(table[table["contender"] == "halving"]):
        assert row.verdict == "exponential"
        assert row.rate == pytest.approx(math.log(2), rel=1e-3)
        assert row.rate_low < math.log(2) < row.rate_high
    for row, prefactor in zip(records(table[table["contender"] == "squares"]), (1.0, 3.0), strict=True):
        assert row.relative
        assert row.verdict == "power"
        assert row.exponent == pytest.approx(2, rel=1e-3)
        assert row.power_prefactor == pytest.approx(prefactor, rel=1e-2)
    loss, _ = records(table[table["contender"] == "lost"])
    assert (loss.verdict, loss.n_points, loss.variance_first) == ("undecided", 4, 0.1)  # it does not fall


def test_only_such_runs_are_taken_for_scaling() -> None:
    assert report_of(ledger_from(ROWS)) is SCALING
    plain = [{key: value for key, value in row.items() if key not in ("size_name", "start")} for row in ROWS]
    assert report_of(ledger_from(plain)) is not SCALING


def test_labels_distinguish_starts_but_not_sizes() -> None:
    assert set(labels(ledger_from(ROWS))) == {"halving", "squares", "lost"}
    several = [{**row, "start": start} for start in ("uniform", "mp2") for row in ROWS[:5]]
    assert list(dict.fromkeys(labels(ledger_from(several)))) == ["halving, uniform", "halving, mp2"]
    assert len(decay_table(ledger_from(several))) == 4


def test_terminal_tables_fit_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ledger = ledger_from([{**row, "contender": f"hardware_{row['contender']}"} for row in ROWS])
    summary, rows = summary_text(ledger), rows_text(ledger)
    assert max(map(len, [*summary.splitlines(), *rows.splitlines()])) <= 80
    for words in ("hardware_halving", "exponential", "power law", "undecided", "4-12", "500 random", "RuntimeError"):
        assert words in summary
    assert "hardware_halving, loss: Exponential decay" in summary
    assert re.search(
        r"hardware_squares +4 +16\.0 \+- 5 % .* 4\.00 +2\.00", rows
    )  # its Haar value and that of the algebra
    assert "hardware_lost, 8 qubits: RuntimeError: none" in rows


def test_the_pictures_and_the_page(loaded: Any) -> None:
    plots = write_plots(loaded.ledger, loaded.trace, loaded.folder.plots)
    assert [plot.path.stem for plot in plots] == ["loss_variance", "gradient_variance", "component_variance"]
    assert {path.name for path in loaded.folder.plots.iterdir()} == {plot.path.name for plot in plots}
    for plot in plots:
        assert "500 random parameter vectors" in plot.caption
    for words in ("95 % intervals", "exact law", "random states", "Lie algebra", "spectral width"):
        assert words in plots[0].caption
    page = write_report(loaded).read_text()
    for words in (
        "Exponential, as on a barren plateau: <b>halving</b> (divided by 2.00 [",
        "A power law, and so no barren plateau: <b>squares</b> (as n to the power -2.00 [",
        "Undecided: <b>lost</b>",
        "500 random parameter vectors at every point",
        "5 x 500",
        "(halving: 1/d)",
        "8.00 (dim 16)",
        "lost, seed 0, 8 qubits",
        "AICc prefers it to a power law",
        "halving: halving on 4 ... halving on 12",
    ):
        assert words in page, words
    assert "<h2>Variance of the gradient against the number of qubits</h2>" in page


def test_neither_is_a_verdict_without_a_line(tmp_path: Path) -> None:
    rows = [{**halving(n), **point("halving", n, v := 2.0**-n + 1e-3, v / 4, 2.0)} for n in range(2, 13)]
    for row in rows:
        row |= {
            f"{name}{end}": row[name] for name in ("loss_variance", "gradient_variance") for end in ("_low", "_high")
        }
    ledger = ledger_from(rows)
    assert list(decay_table(ledger)["verdict"]) == ["neither", "neither"]
    assert "neither" in summary_text(ledger)
    page = to_html(list(SCALING.result(ledger, trace_from(rows))))
    assert "Neither an exponential nor a power law: <b>halving</b> (from 0.0628 at 2 to " in page
    figure = variance_against_size(ledger, "gradient")
    assert figure is not None
    assert not [line for line in figure.figure.axes[0].lines if len(np.asarray(line.get_xdata())) == 100]


def test_intervals_that_are_too_narrow_are_named(tmp_path: Path) -> None:
    rows = [halving(size) for size in SIZES]
    for row in rows:
        row |= {"loss_variance_needed": None, "gradient_variance_needed": 30_000 if row["size"] == 12 else None}
    ledger = ledger_from(rows)
    words = "12 qubits, variance of the gradient: heavy tail: interval too narrow, 30000 samples needed."
    for text in (summary_text(ledger), rows_text(ledger)):
        assert words in " ".join(text.split())
        assert text.count("heavy tail") == 1
    page = to_html(list(SCALING.result(ledger, trace_from(rows))))
    assert words in page
    assert page.count("heavy tail") == 1


def test_depths_are_shown_without_a_verdict(tmp_path: Path) -> None:
    rows = [{**halving(size), "size_name": "layers", "n_qubits": 4} for size in SIZES]
    ledger = ledger_from(rows)
    assert all(decay_table(ledger)["verdict"].isna())
    text = summary_text(ledger)
    assert "layers" in text
    assert "exponential" not in text
    plots = write_plots(ledger, trace_from(rows), tmp_path)
    assert plots[0].title == "Variance of the loss against the number of layers"
    assert "Decays are fitted if sizes count qubits" in to_html(list(SCALING.result(ledger, trace_from(rows))))


def test_odd_ledgers(tmp_path: Path) -> None:
    assert write_plots(ledger_from(ROWS[:0]), trace_from([]), tmp_path) == []
    nothing = [lost(8)]
    assert write_plots(ledger_from(nothing), trace_from(nothing), tmp_path) == []
    assert "RuntimeError: none" in summary_text(ledger_from(nothing))
    assert "failed" in rows_text(ledger_from(nothing))
    assert SCALING.result(ledger_from(nothing), trace_from(nothing))
    raised = [*ROWS[:5], {"contender": "a task that raised", "status": "failed", "message": "E"}]  # it has no size
    assert len(write_plots(ledger_from(raised), trace_from(raised), tmp_path)) == 3
    assert "E" in summary_text(ledger_from(raised))
    still = [point("still", size, 0.0, 0.0, 2.0) for size in SIZES]
    assert write_plots(ledger_from(still), trace_from(still), tmp_path) == []
    assert "5 variances that are not a positive number" in summary_text(ledger_from(still))
    assert rows_text(ledger_from(still))
    half = [halving(4), {**halving(6), "loss_variance": 0.0, "loss_variance_low": 0.0, "loss_variance_high": 0.0}]
    plots = write_plots(ledger_from(half), trace_from(half), tmp_path)
    assert "Not drawn: 1 variance of zero" in plots[0].caption


def test_an_unfinished_run_has_a_page(loaded: Any) -> None:
    first = loaded.ledger.iloc[:1]
    assert "halving" in report_page(type(loaded)(**{**vars(loaded), "ledger": first}), [])


@pytest.mark.parametrize(
    ("value", "predicted", "words"),
    [(1.0, 2.0, "0.50"), (300.0, 2.0, "150"), (0.0, 2.0, "0.00"), (1e-4, 1.0, "0.000100"), (12.0, 1.0, "12.0"),
     (1.0, None, "-"), (1.0, 0, "-")],
)  # fmt: skip
def test_ratios(value: float, predicted: float | None, words: str) -> None:
    assert ratio(value, predicted) == words
