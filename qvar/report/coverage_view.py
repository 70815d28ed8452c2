"""How a study of coverage is shown: a table of intervals, and one of verdicts on decays."""

from __future__ import annotations

from typing import Any

from qvar.records.run_folder import LoadedRun
from qvar.report import pieces, tables
from qvar.report.plot_style import Drawing
from qvar.report.tables import Frame
from qvar.report.terminal import empty_table, plain, render
from qvar.report.view import View

_WORDS = (
    "Experiments whose exact result is known were repeated with random samples, and it was counted how often the 95 % "
    "interval held that result, and how often the verdict on a decay was wrong. Nothing was trained."
)

_INTERVALS = {"covered": "covered", "below": "all below", "above": "all above", "flagged": "says too narrow"}
_VERDICTS = {"right": "right", "wrong": "wrong", "undecided": "undecided"}

_NOTE = (
    "Shares in percent. All below, all above: the interval misses the exact value and lies below or above it. Says too "
    "narrow: the estimate itself says that it takes more samples of a heavy tail. Wrong: a verdict that is neither "
    "right nor undecided."
)


def is_coverage(ledger: Frame) -> bool:
    """Whether a ledger is that of a `qvar.studies.coverage.Coverage`."""
    return "experiments" in ledger.columns and "covered" in ledger.columns


def _parts(ledger: Frame) -> list[tuple[str, dict[str, str], list[Any]]]:
    parts = [("interval of", _INTERVALS), ("", _VERDICTS)]
    return [
        (title, columns, tables.records(ledger[ledger[next(iter(columns))].notna()]))
        for title, columns in parts
        if next(iter(columns)) in ledger.columns
    ]


def _percent(value: Any) -> str:
    return f"{100 * float(value):.1f}" if tables.known(value) else tables.NOTHING


def _result(ledger: Frame, trace: Frame) -> str:
    html = ""
    for title, columns, rows in _parts(ledger):
        heads = [title or "verdict", "samples", "experiments", *columns.values()]
        cells = [
            [
                pieces.name(row.contender),
                *pieces.numbers([tables.count(row.samples), tables.count(row.experiments)]),
                *pieces.numbers([_percent(getattr(row, column)) for column in columns]),
            ]
            for row in rows
        ]
        html += pieces.table(heads, cells)
    return f'{html}<p class="note">{_NOTE}</p>'


def _text(ledger: Frame) -> str:
    """One row per kind of interval, and one per kind of verdict."""
    texts = []
    for title, columns, rows in _parts(ledger):
        table = empty_table()
        table.add_column(title or "verdict", overflow="fold", min_width=8)
        for name in ("samples", *columns.values()):
            table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
        for row in rows:
            shares = [_percent(getattr(row, column)) for column in columns]
            table.add_row(plain(row.contender), tables.count(row.samples), *shares)
        texts.append(render(table, []))
    return "\n".join([*texts, _NOTE])


def _facts(run: LoadedRun) -> dict[str, str]:
    return {"Experiments": ", ".join(pieces.values(run.ledger, "experiments"))}


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    return [], []


COVERAGE = View(
    recognises=is_coverage,
    words=_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=(),
    text=_text,
    rows=_text,
    noun="kinds",
)
"""The view of a `qvar.studies.coverage.Coverage`."""
