"""The report of experiments that are compared with each other seed by seed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.paired import PairedRow, mean_interval, paired_table
from qvar.analysis.rows import first, known, typed, where
from qvar.report.duel import DUEL
from qvar.report.families import FAMILY_NOTE, family_rows, family_rows_table, family_sentences
from qvar.report.formats import attention, count, number, once, values
from qvar.report.paired import counts, sentences
from qvar.report.plots.trials import error_along
from qvar.report.study_report import pictures
from qvar.report.table import NOTHING, Column, Note, Part, Table
from qvar.report.terminal import to_terminal
from qvar.report.training import messages

if TYPE_CHECKING:
    pass

_WORDS = (
    "Models were fitted to data in several ways, each repeated with the same seeds, and judged by their error on data "
    "that they were not fitted to. Generic models can describe many things; constrained ones are held back or made "
    "smaller by what is known of the problem. A trial is compared with another one seed by seed: it helped if its "
    "error is lower in significantly more than half of the seeds in which the two differ, it hurt if in significantly "
    "less, and else the seeds do not decide it. An interval holds the true number in 95 of 100 repetitions."
)

_NOTE = (
    "Mean error: over the repetitions, with its 95 % bootstrap interval. Law: the mean by an exact law. Against: the "
    "trial that it is compared with; better / worse / equal count seeds, change is the mean difference of the errors "
    "with its 95 % bootstrap interval."
)


_FEW = 8
"""Comparisons above which those between lines have no sentence."""


class _Row(NamedTuple):
    """A trial over all its seeds."""

    label: str
    data: str
    line: str
    n_params: float | None
    bits: float | None
    training_size: float | None
    mean: float | None
    low: float | None
    high: float | None
    law: float | None
    failed: int
    seeds: int
    message: str | None
    pair: PairedRow


def _rows(ledger: DataFrame) -> list[_Row]:
    rows = []
    for pair in typed(paired_table(ledger, column="test_error"), PairedRow):
        own: Any = where(ledger, ledger["contender"] == pair.contender)
        errors = own["test_error"].dropna().to_numpy(float)
        low, high = mean_interval(errors[np.isfinite(errors)])
        n_params, bits, size, law, words = (
            first(own[name]) if name in own else None
            for name in ("n_params", "bits", "training_size", "expected", "message")
        )
        failed = int((own["status"] != "trained").sum())
        mean = float(errors.mean()) if len(errors) else None
        data, line = (str(first(own[name]) or "") for name in ("data", "line"))
        numbers = (n_params, bits, size, mean, low, high, law)
        rows.append(_Row(pair.contender, data, line, *numbers, failed, len(own), words, pair))
    return rows


def _table(rows: list[_Row]) -> Table[_Row]:
    columns: list[Column[_Row]] = [
        Column("data", once(rows, "data"), "name", "page"),
        Column("trial", lambda row: row.label, "name"),
        Column("examples", lambda row: count(row.training_size), optional=True),
        Column("params", lambda row: count(row.n_params), stays=True, optional=True),
        Column("bits", lambda row: count(row.bits), optional=True),
        Column("mean error", _mean, stays=True),
        Column("law", lambda row: number(row.law), optional=True),
        Column("against", lambda row: row.pair.against or NOTHING, "name", "page"),
        Column("better / worse / equal", lambda row: counts(row.pair), short="better/\nworse/\nequal"),
        Column("change", _change, show="page"),
        Column("verdict", lambda row: row.pair.verdict or NOTHING, "word", stays=True),
    ]
    if any(row.failed for row in rows):
        columns.append(Column("failed", lambda row: attention(f"{row.failed}/{row.seeds}", row.failed)))
    return Table(columns, rows)


def _mean(row: _Row) -> str:
    return f"{number(row.mean)} [{number(row.low)}, {number(row.high)}]" if known(row.low) else number(row.mean)


def _change(row: _Row) -> str:
    pair = row.pair
    ends = f" [{number(pair.change_low)}, {number(pair.change_high)}]" if known(pair.change_low) else ""
    return f"{number(pair.change)}{ends}"


def _sentences(rows: list[_Row]) -> list[str]:
    """Return the verdicts along each line; those between lines are in the table alone if there are many."""
    lines = {row.label: (row.data, row.line) for row in rows}
    pairs = [row for row in rows if row.pair.verdict]
    if len(pairs) > _FEW:
        pairs = [row for row in pairs if lines.get(row.pair.against) == lines[row.label]]
    return sentences([row.pair for row in pairs])


def _parts(ledger: DataFrame) -> list[Part]:
    rows, families = _rows(ledger), family_rows(ledger)
    table: list[Part] = [family_rows_table(families), Note(FAMILY_NOTE)] if families else []
    lines = [*family_sentences(families), *_sentences(rows)]
    return [*lines, *table, _table(rows), Note(_NOTE), *map(Note, messages(rows))]


def _text(ledger: DataFrame) -> str:
    rows = _rows(ledger)
    table = _table(rows)
    return to_terminal(table, notes=["", *family_sentences(family_rows(ledger)), *_sentences(rows), *messages(rows)])


TRIALS = replace(
    DUEL,
    study="trials",
    words=_WORDS,
    facts=lambda run: {"Repetitions": str(len(values(run.ledger, "seed")))},
    marks=frozenset({"line", "mark", "expected", "test_error"}),
    result=lambda ledger, trace: _parts(ledger),
    drawings=lambda ledger, trace: pictures([error_along(ledger)]),
    pictures=("error_along",),
    text=_text,
    sections=lambda ledger, trace: {},
)
"""The report of a `qvar.Trials`."""
