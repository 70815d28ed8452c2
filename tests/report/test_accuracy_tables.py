"""The tables on accuracy and convergence, from rows whose numbers are worked out by hand."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest

from qvar.analysis.contenders import accuracy_table, convergence_table
from qvar.analysis.rows import known, records
from qvar.analysis.summaries import summary
from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.accuracy import accuracy_parts, success_words
from qvar.report.html import to_html


def row(contender: str, seed: int, error: float | None, n_params: int, **more: Any) -> dict[str, Any]:
    """A seed that arrives at step 2; a correlation energy of 0.1 hartree."""
    base = {"problem": "H4", "contender": contender, "method": "lbfgs", "family": "generic", "seed": seed}
    series, _, layers = contender.partition(" x")
    base |= {"n_params": n_params, "two_qubit_gates": 2 * n_params}
    base |= {"series": series, "layers": int(layers) if layers else None}
    if error is None:
        return {**base, "status": "failed", "message": "E", **more}
    return {
        **base,
        "status": "converged",
        "value": -2.0 + error,
        "reference": -2.0,
        "error": error,
        "unit": "Ha",
        "correlation_recovered": 1 - error / 0.1,
        "energy_evaluations": 50,
        "gradient_evaluations": 50,
        "minimum": 0,
        "pauli_one_norm": 1.6,
        "parameter_shift_energies": 2 * n_params,
        "trace_step": [0, 1, 2],
        "trace_value": [-1.0, -1.5, -2.0 + error],
        "trace_gradient_norm": [1.0, 1.0, 0.0],
        "trace_evaluations": [1, 3, 7],
        **more,
    }


ROWS = [
    *(row("ry x1", seed, error, 10) for seed, error in enumerate([0.05, 0.03, 0.04])),
    *(row("ry x2", seed, error, 20, minimum=seed) for seed, error in enumerate([1e-3, 1e-3, 0.02])),
    *(row("uccsd_1", seed, error, 26, family="constrained") for seed, error in enumerate([0.0, 0.0, None])),
]


def named(table: Any) -> dict[str, Any]:
    return {entry.label: entry for entry in records(table)}


def test_accuracy_table_by_hand() -> None:
    table = accuracy_table(ledger_from(ROWS))
    assert table["label"].tolist() == summary(ledger_from(ROWS))["label"].tolist()
    one, two, ucc = (named(table)[name] for name in ("ry x1", "ry x2", "uccsd_1"))
    per_parameter = [one.per_parameter_low, one.per_parameter_median, one.per_parameter_high]
    assert per_parameter == pytest.approx([0.05, 0.06, 0.07])
    assert two.per_two_qubit_gate_median == pytest.approx(0.99 / 40)
    assert two.per_gradient_evaluation_low == pytest.approx(0.8 / 50)
    assert one.per_shot_median == pytest.approx(0.6 / (1000**2 * (50 + 20 * 50)))
    assert (one.series, one.least_by_median, two.least_by_median, two.least_by_best) == ("ry", 20, 20, 20)
    assert (ucc.least_by_median, ucc.per_parameter_high) == (26, pytest.approx(1 / 26))
    assert math.isnan(ucc.per_parameter_low)


def test_convergence_table_by_hand() -> None:
    table = convergence_table(ledger_from(ROWS), trace_from(ROWS))
    one, two, ucc = (named(table)[name] for name in ("ry x1", "ry x2", "uccsd_1"))
    assert [entry.successes for entry in (one, two, ucc)] == [0, 2, 2]
    assert [entry.reached for entry in (one, two, ucc)] == [0, 2, 2]
    assert (two.steps_50, two.evaluations_50) == (2, 7)
    assert not known(two.steps_75)
    assert (one.unit, one.best, one.error_50) == ("mHa", pytest.approx(30.0), pytest.approx(40.0))
    assert [entry.minima for entry in (one, two, ucc)] == [1, 3, 1]
    assert [entry.in_lowest for entry in (one, two, ucc)] == [3, 1, 2]
    assert [entry.levels for entry in (one, two, ucc)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("successes", "low", "high", "words"),
    [(7, 0.5291, 0.9776, "7/8 [53, 98] %"), (0, 0.0, 0.3244, "0/8 [0, 32] %"), (None, None, None, "-")],
)
def test_success_in_words(successes: Any, low: Any, high: Any, words: str) -> None:
    assert success_words(SimpleNamespace(successes=successes, seeds=8, low=low, high=high)) == words


class _Fragment(HTMLParser):
    """Cells of the tables, and all words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.words, self.open = "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "wbr":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def test_the_tables_of_a_page() -> None:
    page = _Fragment(to_html(accuracy_parts(ledger_from(ROWS), trace_from(ROWS))))
    bought, arrived = page.rows[0], page.rows[4]
    result = {line[1]: dict(zip(bought, line, strict=True)) for line in page.rows[1:4]}
    assert result["ry x1"]["per parameter"] == "0.0600 [0.0500, 0.0700]"
    assert result["ry x1"]["fewest parameters to 1.6 mHa"] == "20"
    assert result["uccsd_1"]["per parameter"] == "0.0385 [-, 0.0385]"
    assert result["uccsd_1"]["correlation recovered"] == "1.00"
    result = {line[1]: dict(zip(arrived, line, strict=True)) for line in page.rows[5:]}
    assert result["ry x2"]["within 1.6 mHa"] == "2/3 [21, 94] %"
    assert result["ry x2"]["steps to 1.6 mHa"] == "2, 2, 2, -, -"
    assert result["ry x1"]["evaluations to 1.6 mHa"] == "-"
    assert result["ry x1"]["final error (mHa)"].startswith("32.00, 35.00, 40.00")
    assert result["ry x2"]["distinct minima (energies)"] == "3 (2)"
    assert result["uccsd_1"]["seeds in the lowest"] == "2/3"


def test_best_seeds_that_take_fewer_parameters_are_reported() -> None:
    rows = [*(row("ry x1", seed, error, 10) for seed, error in enumerate([0.1, 0.1, 1e-3])), row("ry x2", 0, 1e-3, 20)]
    assert "20 (best seed 10)" in to_html(accuracy_parts(ledger_from(rows), trace_from(rows)))


def test_other_units_have_no_tolerance() -> None:
    rows = [row("a", 0, 0.1, 4, unit="J"), row("b", 0, 0.1, 4)]
    ledger, trace = ledger_from(rows), trace_from(rows)
    spins, molecule = (named(convergence_table(ledger, trace))[name] for name in "ab")
    assert not known(spins.successes)
    assert molecule.successes == 0
    assert spins.best == pytest.approx(0.1)
    spins, molecule = (named(accuracy_table(ledger))[name] for name in "ab")
    assert spins.per_parameter_median == pytest.approx(0.0)
    assert not known(spins.per_shot_median)
    page = _Fragment(to_html(accuracy_parts(ledger_from(rows[:1]), trace_from(rows[:1]))))
    assert not any("1.6 mHa" in head for head in page.rows[0] + page.rows[2])


def test_methods_have_steps_of_their_own() -> None:
    rows = [row("a", 0, 0.0, 4), row("a", 0, 0.1, 4, method="adam")]
    table = convergence_table(ledger_from(rows), trace_from(rows))
    assert table["label"].tolist() == ["a, lbfgs", "a, adam"]
    assert table["successes"].tolist() == [1, 0]
    assert table["steps_50"].notna().tolist() == [True, False]


@pytest.mark.parametrize(
    "rows", [[], [{"contender": "a", "status": "failed"}], [row("a", 0, None, 4)]], ids=["none", "bare", "failed"]
)
def test_ledgers_without_numbers(rows: list[dict[str, Any]]) -> None:
    ledger, trace = ledger_from(rows), trace_from(rows)
    assert len(accuracy_table(ledger)) == len(convergence_table(ledger, trace)) == len(rows)
    _Fragment(to_html(accuracy_parts(ledger, trace)))


def test_names_are_escaped() -> None:
    evil = "<b>_&"
    rows = [row(evil, 0, 0.0, 4, unit="Ha", method=evil, problem=evil, family=evil)]
    text = to_html(accuracy_parts(ledger_from(rows), trace_from(rows)))
    assert "<b>" not in text
    assert _Fragment(text).words.count(evil) == 2
    assert re.search(r"&lt;b&gt;_<wbr>&amp;", text)
