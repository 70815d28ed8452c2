"""The report of published tables: printed number, number computed here, difference."""

from __future__ import annotations

from typing import NamedTuple

from qvar._types import DataFrame
from qvar.analysis.rows import known, typed
from qvar.report.formats import seconds, values
from qvar.report.study_report import StudyReport
from qvar.report.table import NOTHING, Column, Heading, Note, Part, Span, Table, Text
from qvar.report.terminal import to_terminal, wrapped
from qvar.units import short_exponent

_WORDS = (
    "Numbers printed in papers, or published by their authors as data, were computed again. A number agrees if the "
    "difference is within a tolerance that the printing, or what is known about the calculation, explains."
)


class _Number(NamedTuple):
    """A published number, and the one that was computed."""

    table: str
    title: str
    source: str
    held: str
    quantity: str
    printed: str
    unit: str | None
    value: float | None
    error: float | None
    tolerance: float
    within: bool | None
    remark: str | None
    message: str | None
    status: str
    wall_s: float


def _here(row: _Number) -> str:
    """Return the computed number with the digits of the printed one."""
    if not known(row.value):
        return NOTHING
    places = len(row.printed.partition(".")[2])
    whole = places == 0 and float(row.value).is_integer()
    return f"{row.value:.{places}f}" if places or whole else f"{row.value:.6g}"


def _difference(row: _Number) -> str:
    if not known(row.error):
        return NOTHING
    whole = row.printed.lstrip("-").isdigit() and float(row.error).is_integer()
    return f"{row.error:.0f}" if whole else short_exponent(f"{row.error:.1e}")


def _tolerance(row: _Number) -> str:
    whole = float(row.tolerance).is_integer()
    return f"{row.tolerance:.0f}" if whole else short_exponent(f"{row.tolerance:.0e}")


def _within(row: _Number) -> Text:
    if not known(row.within):
        return Span("failed", "bad")
    return "yes" if row.within else Span("no", "wrong")


def _table(rows: list[_Number]) -> Table[_Number]:
    columns: list[Column[_Number]] = [
        Column("quantity", lambda row: f"{row.quantity} [{row.unit}]" if known(row.unit) else row.quantity, "name"),
        Column("published", lambda row: row.printed, stays=True),
        Column("here", _here, stays=True),
        Column("difference", _difference, short="differ-\nence", stays=True),
        Column("within", _within, "word", stays=True),
        Column("tolerance", _tolerance, short="toler-\nance"),
    ]
    return Table(columns, rows)


def _remarks(rows: list[_Number]) -> list[str]:
    """Return what is known about the numbers that differ, each sentence once, and the messages of failures."""
    lines: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if not known(row.within):
            lines.setdefault(("Failed", str(row.message)), []).append(row.quantity)
        elif not row.within:
            words = f"Known: {row.remark}." if known(row.remark) else "The reason is not known."
            lines.setdefault(("Outside the tolerance", words), []).append(row.quantity)
    return [f"{head}: {', '.join(names)}. {words}" for (head, words), names in lines.items()]


def _count(ledger: DataFrame) -> str:
    agree = sum(row.status == "agrees" for row in typed(ledger, _Number))
    tables, papers = len(values(ledger, "table")), len(values(ledger, "paper"))
    what = f"{len(ledger)} numbers of {tables} {'table' if tables == 1 else 'tables'}"
    return f"{agree} of {what} from {papers} {'paper' if papers == 1 else 'papers'} agree."


def _groups(ledger: DataFrame) -> list[list[_Number]]:
    rows = typed(ledger, _Number)
    return [[row for row in rows if row.table == name] for name in values(ledger, "table")]


def _result(ledger: DataFrame, trace: DataFrame) -> list[Part]:
    parts: list[Part] = [_count(ledger)]
    for rows in _groups(ledger):
        one = rows[0]
        parts += [Heading(f"{one.table}: {one.title}"), _table(rows)]
        parts += [Note(line) for line in (*_remarks(rows), f"Source: {one.source}", f"Held fixed: {one.held}")]
    return parts


def _text(ledger: DataFrame) -> str:
    blocks = []
    for rows in _groups(ledger):
        one = rows[0]
        head = wrapped(f"{one.table}: {one.title}", f"Source: {one.source}", f"Held fixed: {one.held}.")
        blocks.append("\n".join([head, to_terminal(_table(rows)), *map(wrapped, _remarks(rows))]))
    return "\n\n".join([*blocks, _count(ledger)])


PUBLISHED = StudyReport(
    study="published",
    marks=frozenset({"printed", "within", "table"}),
    words=_WORDS,
    facts=lambda run: {"Tables": ", ".join(values(run.ledger, "table")), "Time": seconds(_seconds(run.ledger))},
    result=_result,
    text=_text,
    rows=_text,
    noun="numbers",
)
"""The report of a `qvar.Published`."""


def _seconds(ledger: DataFrame) -> float:
    """Return the time of all calculations, each once."""
    return sum({(row.table, row.wall_s): float(row.wall_s) for row in typed(ledger, _Number)}.values())
