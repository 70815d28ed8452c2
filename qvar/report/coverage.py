"""The report of a study of coverage: a table of intervals, and one of verdicts on decays."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qvar._types import DataFrame
from qvar.analysis.rows import known, typed, where
from qvar.report.formats import count, values
from qvar.report.study_report import StudyReport
from qvar.report.table import NOTHING, Column, Note, Part, Table
from qvar.report.terminal import to_terminal

_WORDS = (
    "Experiments whose exact result is known were repeated with random samples. The tables count the intervals of 95 % "
    "that held that result, and the right and wrong verdicts on a decay. Nothing was trained."
)

_INTERVALS = {"covered": "covered", "below": "all below", "above": "all above", "flagged": "flagged as too narrow"}
_VERDICTS = {"right": "right", "wrong": "wrong", "undecided": "undecided"}

_NOTE = (
    "Shares in percent. All below, all above: the interval misses the exact value and lies below or above it. Flagged "
    "as too narrow: the estimate itself reports that a heavy tail needs more samples. Wrong: a verdict that is neither "
    "right nor undecided."
)


class CoverageRow(NamedTuple):
    """A row of a ledger; shares are missing values of pandas, or None, if they are not those of its kind."""

    contender: str
    samples: int
    experiments: int
    covered: float | None
    below: float | None
    above: float | None
    flagged: float | None
    right: float | None
    wrong: float | None
    undecided: float | None


def _tables(ledger: DataFrame) -> list[Table[CoverageRow]]:
    return [
        _table(title, columns, where(ledger, ledger[next(iter(columns))].notna()))
        for title, columns in (("interval of", _INTERVALS), ("verdict", _VERDICTS))
        if next(iter(columns)) in ledger.columns
    ]


def _table(title: str, columns: dict[str, str], rows: DataFrame) -> Table[CoverageRow]:
    shares = [Column(head, _percent(name), short=head.replace(" ", "\n")) for name, head in columns.items()]
    return Table(
        [
            Column(title, lambda row: str(row.contender), "name"),
            Column("samples", lambda row: count(row.samples)),
            Column("experiments", lambda row: count(row.experiments), show="page"),
            *shares,
        ],
        typed(rows, CoverageRow),
    )


def _percent(column: str) -> Callable[[CoverageRow], str]:
    def cell(row: CoverageRow) -> str:
        value = getattr(row, column)
        return f"{100 * float(value):.1f}" if known(value) else NOTHING

    return cell


def _verdict(ledger: DataFrame) -> list[str]:
    """Return how often the intervals held, in a sentence; nothing if there are none."""
    if "covered" not in ledger.columns:
        return []
    rows = typed(where(ledger, ledger["covered"].notna()), CoverageRow)
    if not rows:
        return []
    low, high = (choose(rows, key=lambda row: float(row.covered or 0)) for choose in (min, max))
    mean = sum(float(row.covered or 0) for row in rows) / len(rows)
    return [
        f"Intervals of 95 % held the exact value in {100 * mean:.1f} % of the experiments: between "
        f"{100 * float(low.covered or 0):.0f} % ({low.contender}) and {100 * float(high.covered or 0):.0f} % "
        f"({high.contender})."
    ]


def _result(ledger: DataFrame, trace: DataFrame) -> list[Part]:
    return [*_verdict(ledger), *_tables(ledger), Note(_NOTE)]


def _text(ledger: DataFrame) -> str:
    return "\n".join([*map(to_terminal, _tables(ledger)), *_verdict(ledger), _NOTE])


COVERAGE = StudyReport(
    study="coverage",
    marks=frozenset({"experiments", "covered"}),
    words=_WORDS,
    facts=lambda run: {"Experiments": ", ".join(values(run.ledger, "experiments"))},
    result=_result,
    text=_text,
    rows=_text,
    noun="kinds",
)
"""The report of a `qvar.studies.coverage.Coverage`."""
