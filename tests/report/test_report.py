from __future__ import annotations

import math
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvar.analysis.rows import records
from qvar.analysis.summaries import lowest
from qvar.analysis.summaries import summary as summarize
from qvar.records.run_folder import load
from qvar.records.run_tables import ledger_from, trace_from
from qvar.records.schema import LEDGER_COLUMNS
from qvar.report import notes
from qvar.report.formats import number, seconds
from qvar.report.page import report_page, write_report
from qvar.report.plots.front import pareto_front
from qvar.report.plots.write import write_plots
from qvar.report.reports import rows_text, summary_text
from qvar.report.terminal import columns_text
from qvar.runs.runner import run

PNG = b"\x89PNG\r\n\x1a\n"


def row(contender: str, seed: int, error: float | None, **more: Any) -> dict[str, Any]:
    return {
        "problem": "H4",
        "contender": contender,
        "family": "generic",
        "n_params": 8,
        "seed": seed,
        "status": "converged",
        "value": None if error is None else -2.0 + error,
        "reference": -2.0,
        "error": error,
        "unit": "Ha",
        "gradient_evaluations": 10 * (seed + 1),
        "trace_step": [0, 1],
        "trace_value": [-1.0, None if error is None else -2.0 + error],
        "trace_gradient_norm": [1.0, 0.1],
        "trace_evaluations": [1, 3],
        **more,
    }


@pytest.fixture
def loaded(fake: ModuleType, tmp_path: Path) -> Any:
    contenders = ("ry x1", "ry x2", "broken", "uccsd")
    run(fake.Fake(contenders), tmp_path / "run", progress=False, arguments={"bond": 1.5}, case="cases/a b.py")
    return load(tmp_path / "run")


def test_equal_is_equal() -> None:
    """Exact energies are right to 1e-8: below that neither rank nor headline is won."""
    rows = [row("many", 0, 1e-16, n_params=99), row("few", 0, 4.9e-9, n_params=3), row("mid", 0, 5.1e-9, n_params=9)]
    rows.append(row("worse", 0, 2e-8, n_params=1))
    summary = summarize(ledger_from(rows))
    assert summary["label"].tolist() == ["few", "mid", "many", "worse"]
    assert summary["equals"].tolist() == [3, 3, 3, 1]
    assert "the errors of 1 to 3" in str(notes.equal_errors(summary))
    assert lowest(summary, "median")["label"] == "few"
    text = summary_text(ledger_from(rows))
    assert text.count("<1e-5") == 6
    assert "e-13" not in text
    one = [row("a", 0, 1e-10, n_params=5, status="stalled"), row("b", 0, 0.0, n_params=5)]
    assert summarize(ledger_from(one))["label"].tolist() == ["b", "a"]  # then the one that converged
    assert notes.equal_errors(summarize(ledger_from([row("a", 0, 0.1), row("b", 0, 0.2)]))) == ""


def test_without_an_exact_value_there_is_no_error_and_no_first_rank() -> None:
    unknown = {**row("unknown", 0, -0.5), "reference": None, "error": None}  # -2.5 Ha, lower than all
    ledger = ledger_from([unknown, row("known", 0, 0.1), row("failed", 0, None, status="failed")])
    summary = summarize(ledger)
    assert summary["label"].tolist() == ["known", "unknown", "failed"]
    text = summary_text(ledger)
    assert "No exact value is known for unknown (median value -2.500000 Ha)" in " ".join(text.split())
    (line,) = [line for line in text.splitlines() if line.split()[1:2] == ["unknown"]]
    assert "-2.5" not in line
    (line,) = [line for line in text.splitlines() if line.split()[1:2] == ["known"]]
    assert "100.0" in line
    alone = ledger_from([unknown, {**row("other", 0, -0.25), "reference": None, "error": None}])
    assert "-2.500000" in summary_text(alone)  # values have the columns to themselves
    assert notes.without_exact(summarize(alone)) == ""


def test_summary_over_seeds() -> None:
    rows = [row("a", 0, 1e-3), row("a", 1, 3e-3), row("a", 2, 1.6e-3), row("b", 0, 0.1)]
    a, b = records(summarize(ledger_from(rows)))
    assert (a.label, a.seeds, a.within, a.unit, a.quantity) == ("a", 3, 2, "mHa", "error")
    assert (a.best, a.median) == pytest.approx((1.0, 1.6))
    assert a.evaluations == 20
    assert (b.label, b.within) == ("b", 0)
    assert a.status == "3 converged"


def test_the_lowest_median_error_comes_first() -> None:
    rows = [
        *(row("middle", seed, error) for seed, error in enumerate((1e-9, 3e-3, 4e-3))),
        row("large, tie", 0, 1e-3 + 2e-9, n_params=20),
        row("small, tie", 0, 1e-3 + 4e-9, n_params=10),
        row("none", 0, None, status="failed"),
        row("worst", 0, -0.5),
        row("best", 0, 2e-4, n_params=None),
    ]
    summary = summarize(ledger_from(rows))
    assert summary["label"].tolist() == ["best", "small, tie", "large, tie", "middle", "worst", "none"]
    assert summary["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    text = summary_text(ledger_from(rows)).splitlines()
    starts = [next(k for k, line in enumerate(text) if label in line) for label in summary["label"]]
    assert starts == sorted(starts)


def test_problems_stay_apart_in_the_order_of_the_ledger() -> None:
    rows = [row("a", 0, 0.3, problem="H6"), row("a", 0, 0.1, problem="H4"), row("b", 0, 0.2, problem="H6")]
    assert summarize(ledger_from(rows))["label"].tolist() == ["b, H6", "a, H6", "a, H4"]


def test_pareto_front_of_a_small_example() -> None:
    costs, errors = [4, 1, 2, 2, 3, 5], [1.0, 5.0, 4.0, 3.0, 3.0, 1.0]
    assert pareto_front(costs, errors) == [1, 3, 0]
    assert pareto_front([2, 2, 1], [0.5, 0.5, 0.9]) == [2, 0, 1]  # equals do not beat each other
    assert pareto_front([], []) == []


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_the_pareto_front_is_not_dominated(points: list[tuple[int, int]]) -> None:
    def beaten(position: int) -> bool:
        cost, error = points[position]
        return any(c <= cost and e <= error and (c, e) != (cost, error) for c, e in points)

    front = pareto_front([cost for cost, _ in points], [error for _, error in points])
    assert sorted(front) == [position for position in range(len(points)) if not beaten(position)]
    assert [points[position][0] for position in front] == sorted(points[position][0] for position in front)


def test_the_picture_says_who_is_on_the_front(tmp_path: Path) -> None:
    rows = [
        row("exact, many", 0, 1e-12, n_params=90, two_qubit_gates=50),
        row("exact, few", 0, 3e-12, n_params=30, two_qubit_gates=300),  # a smaller error is rounding, not merit
        row("cheap", 0, 0.1, n_params=4, two_qubit_gates=10),
        row("twin of cheap", 0, 0.1 - 2e-9, n_params=5, two_qubit_gates=12),  # likewise
        row("beaten", 0, 0.2, n_params=8, two_qubit_gates=20),
        row("no circuit", 0, 0.01, n_params=6, two_qubit_gates=None),
    ]
    ledger = ledger_from(rows)
    plots = {plot.path.name: plot for plot in write_plots(ledger, trace_from(rows), tmp_path)}
    caption = plots["error_vs_cost.png"].caption
    assert "by parameters: cheap; no circuit; exact, few. By two-qubit gates: cheap; exact, many." in caption


def test_a_failed_seed_counts_and_has_no_error() -> None:
    rows = [row("a", 0, 1e-3), row("a", 1, None, status="failed", message="RuntimeError: x")]
    rows.append(row("a", 2, math.nan, status="not_finite"))
    (a,) = records(summarize(ledger_from(rows)))
    assert (a.seeds, a.finite, a.failed, a.within, a.message) == (3, 1, 1, 1, "RuntimeError: x")
    assert (a.best, a.median) == pytest.approx((1.0, 1.0))


def test_other_units_and_missing_references() -> None:
    (spins,) = records(summarize(ledger_from([row("a", 0, 0.25, unit="J")])))
    assert (spins.best, spins.unit, spins.within) == (0.25, "J", None)
    (unknown,) = records(summarize(ledger_from([row("a", 0, None, reference=None, value=-1.5)])))
    assert (unknown.best, unknown.unit, unknown.quantity) == (-1.5, "Ha", "value")


def test_values_below_the_reference_are_reported() -> None:
    summary = summarize(ledger_from([row("a", 0, -0.01), row("a", 1, 0.02)]))
    assert summary["best"].tolist() == pytest.approx([10.0])
    assert "Ended below the exact value: a (1 of 2 seeds)." in str(notes.below_exact(summary))
    assert notes.below_exact(summarize(ledger_from([row("a", 0, 0.0)]))) == ""


def test_problems_and_methods_are_named_where_there_are_several() -> None:
    rows = [row("a", 0, 0.1, method="adam"), row("a", 0, 0.2, method="lbfgs"), {"contender": "b", "status": "failed"}]
    assert summarize(ledger_from(rows))["label"].tolist() == ["a, adam", "a, lbfgs", "b"]
    assert len(summarize(ledger_from([]))) == 0


def test_numbers_as_text() -> None:
    assert [number(x) for x in (0.0, 1.23456, 45.678, 299.22, 77452.31, 1e-5, None)] == [
        "0.000", "1.235", "45.68", "299.2", "77452", "1.0e-5", "-",
    ]  # fmt: skip
    assert [seconds(x) for x in (0.0, 0.04, 0.06, 0.25, 45, 200)] == [
        "0.0 s", "<0.1 s", "0.1 s", "0.2 s", "45 s", "3.3 min",
    ]  # fmt: skip
    assert [seconds(x) for x in (9000, None)] == ["2.5 h", "-"]


def test_terminal_tables_fit_80_columns(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for text in (summary_text(loaded.ledger), rows_text(loaded.ledger), columns_text()):
        assert max(map(len, text.splitlines())) <= 80
    summary, rows = summary_text(loaded.ledger), rows_text(loaded.ledger)
    assert "broken: RuntimeError: the matrix is singular" in summary
    assert "broken: RuntimeError: the matrix is singular" in rows
    assert "4/4" in summary
    assert sum("uccsd" in line for line in rows.splitlines()) == 4
    assert all(column in columns_text() for column in LEDGER_COLUMNS)


def test_thirty_contenders_fit_80_columns_in_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = [
        row(f"hardware_efficient x{k}", seed, 1e-12 * 10 ** (k / 3), n_params=330, two_qubit_gates=22000, wall_s=123.0)
        for k in range(30)
        for seed in range(2)
    ]
    lines = summary_text(ledger_from(rows)).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("hardware_efficient" in line for line in lines) == 30
    spent = [row(f"c{k}", 0, 0.1, status="out_of_budget") for k in range(3)]
    assert "Out of budget: c0 (1), c1 (1), c2 (1)." in summary_text(ledger_from(spent))
    spent = [row(f"c{k}", seed, 0.1, status="out_of_budget") for k in range(9) for seed in range(2)]
    assert "Out of budget: 9 of 9 contenders (18 of 18 starts)." in summary_text(ledger_from(spent))


def test_the_pictures_are_pictures(loaded: Any, tmp_path: Path) -> None:
    plots = write_plots(loaded.ledger, loaded.trace, tmp_path / "plots")
    assert [plot.path.name for plot in plots] == ["error_vs_step.png", "error_vs_cost.png"]
    for plot in plots:
        assert plot.path.read_bytes().startswith(PNG)
        assert "Not drawn, because there is no finite value: broken." in plot.caption
    first = plots[0].path.read_bytes()
    assert write_plots(loaded.ledger, loaded.trace, tmp_path / "again")[0].path.read_bytes() == first


@pytest.mark.parametrize(
    "rows",
    [
        [row("a", 0, 0.0), row("a", 1, -1e-3)],
        [row("a", 0, 0.1, unit="J"), row("a x2", 0, 0.01, unit="J", n_params=100)],
        [row("a", 0, None, reference=None, value=-1.5, trace_value=[-1.0, -1.5])],
        [row("a", 0, 0.1, n_params=None, trace_evaluations=None)],
        [row(f"contender number {i}", s, 0.1 / (i + 1)) for i in range(12) for s in range(6)],
        [row("a", 0, 0.1, trace_value=[float("nan"), float("inf")])],
        [row("a", 0, 0.1, problem="H4"), row("a", 0, 0.2, problem="H6")],
        [row("a $x_{", 0, 0.1)],
        [row(f"contender number {i}", 0, 0.1 / (i + 1), n_params=i, two_qubit_gates=i**3) for i in range(31)],
        [row("a", 0, 0.1, n_params=0, two_qubit_gates=0), row("b", 0, 0.1, n_params=100, family=None)],
    ],
    ids=[
        "zero",
        "J",
        "no reference",
        "no parameters",
        "twelve",
        "not finite",
        "two problems",
        "mathtext",
        "thirty",
        "no cost",
    ],
)
def test_pictures_of_odd_ledgers(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    for plot in write_plots(ledger_from(rows), trace_from(rows), tmp_path / "plots"):
        assert plot.path.read_bytes().startswith(PNG)


def test_nothing_is_drawn_of_nothing_and_old_pictures_go(loaded: Any, tmp_path: Path) -> None:
    folder = tmp_path / "plots"
    assert len(write_plots(loaded.ledger, loaded.trace, folder)) == 2
    assert write_plots(ledger_from([]), trace_from([]), folder) == []
    assert list(folder.iterdir()) == []
    failed = [{"contender": "a", "status": "failed", "message": "E"}]
    assert write_plots(ledger_from(failed), trace_from(failed), folder) == []


class _Page(HTMLParser):
    """Collects text and what a page would fetch, and checks that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.fetched, self.open, self.scripts = "", [], [], 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br", "wbr"):
            self.open.append(tag)
        self.scripts += tag == "script"
        assert tag not in ("link", "iframe")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_report_needs_no_other_file_and_is_complete(loaded: Any) -> None:
    page = _Page()
    page.feed(write_report(loaded).read_text())
    assert page.open == []
    assert page.fetched == []
    assert page.scripts == 2 + 1  # the names of two pictures, and the page's own
    for words in (
        "-2.16638740 Ha",
        "uccsd",
        "RuntimeError: the matrix is singular",
        "raise `gradients`",
        "The computation raised an error",
        "qvar run 'cases/a b.py' --bond 1.5",
        "The lowest median error is that of uccsd",
        *LEDGER_COLUMNS,
    ):
        assert words in page.words


def test_text_in_the_report_is_escaped(loaded: Any) -> None:
    evil = "<script>alert('x')</script>&"
    ledger = ledger_from(
        [row(evil, 0, 0.1, problem=evil, status=evil, message=evil, method=evil, engine=evil, unit=evil)]
    )
    case = {**loaded.case, "arguments": {evil: evil}, "study": evil, "host": evil, "case": evil}
    altered = type(loaded)(loaded.folder, case, ledger, loaded.trace, 1, 1)
    page = _Page()
    text = write_report(altered).read_text()
    page.feed(text)
    assert evil in page.words
    assert page.scripts == text.count('<figure class="live">') + 1 == 2


def test_an_unfinished_run_says_so(loaded: Any) -> None:
    missing = loaded.case["tasks"][1]
    loaded.folder.shard(missing["key"]).unlink()
    loaded.folder.ledger.unlink()
    again = load(loaded.folder.path)
    assert (again.n_done, again.n_tasks) == (3, 4)
    assert "3 of 4 tasks are done. Missing: ry x2." in write_report(again).read_text()


def test_of_hundreds_of_rows_the_first_are_named_and_the_others_counted(loaded: Any) -> None:
    rows = [row(f"c{n}", 0, None, status="failed", message="out of memory" if n else "a & b") for n in range(41)]
    rows += [row("d", seed, None, status="failed", message=f"text {seed}") for seed in range(10)]
    tasks = [{"key": f"k{n}", "label": f"task {n}"} for n in range(320)]
    altered = type(loaded)(loaded.folder, {**loaded.case, "tasks": tasks}, ledger_from(rows), loaded.trace, 0, 320)
    text = report_page(altered, [])
    assert f"0 of 320 tasks are done. Missing: {', '.join(f'task {n}' for n in range(8))} and 312 more.<" in text
    assert f">{', '.join(f'c{n} (1)' for n in range(8))} and 34 more<" in text  # 41 and one more contender
    named = "; ".join(f"c{n}, seed 0" for n in range(1, 9))
    assert f"<li><b>c0, seed 0</b>: a &amp; b</li><li><b>{named} and 32 more</b>: out of memory</li>" in text
    assert "<b>d, seed 5</b>: text 5</li><li>and 4 more, in the ledger</li></ul>" in text
    assert text.count("out of memory") == 1


def test_the_result_begins_with_a_verdict_and_its_interval(loaded: Any) -> None:
    """Eight wins of eight: the lower end of the exact 95 % interval is 0.025^(1/8) = 63 %."""
    rows = [row("ry x1", seed, 0.01 * (1 + seed), n_params=40) for seed in range(8)]
    rows += [row("uccsd", seed, 0.001 * (1 + seed), n_params=26, family="constrained") for seed in range(8)]
    run = type(loaded)(loaded.folder, {**loaded.case, "study": "duel"}, ledger_from(rows), trace_from(rows), 1, 1)
    page = _Page()
    page.feed(report_page(run, []))
    assert (
        "uccsd (constrained, 26 parameters) has a lower error than ry x1 (generic, 40) in 8 of 8 pairs of starts "
        "(95 % interval 63-100 %): the constrained model is better; the generic error is 10 (10-10) times"
    ) in page.words
    alone = type(loaded)(loaded.folder, run.case, ledger_from(rows[:8]), trace_from(rows[:8]), 1, 1)
    assert "pairs of starts" not in report_page(alone, [])


def test_a_page_of_a_long_ledger_stays_small(loaded: Any) -> None:
    rows = [row(f"ry x{n}", seed, 0.01 * (1 + seed), n_params=n) for n in range(300) for seed in range(20)]
    run = type(loaded)(loaded.folder, {**loaded.case, "study": "duel"}, ledger_from(rows), trace_from([]), 1, 1)
    page = report_page(run, [])
    assert len(page) < 2_000_000
    assert "of 6000 rows." in page
