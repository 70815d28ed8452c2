"""The rows of a ledger as a table that a reader sorts and searches."""

from __future__ import annotations

from typing import Any

from qvar._types import DataFrame
from qvar.analysis.rows import known
from qvar.report.formats import attention
from qvar.report.table import NOTHING, Column, Fold, Note, Part, Table, Text

MOST_CELLS = 30_000
"""Cells of a page, which hold its size to a megabyte; the files have all."""

_FIRST = ("problem", "contender", "family", "seed", "method", "status", "value", "reference", "error", "unit")
"""Columns on the left, if they differ from row to row."""

_LONGEST = 60
"""Letters of a cell; columns with longer ones, such as those of lists, are left out."""


def ledger_rows(ledger: DataFrame) -> list[Part]:
    """Return every row of a ledger with the columns that differ from row to row; [] if it is empty.

    Columns of messages, long texts and lists are left out, and rows after the first `MOST_CELLS` cells.
    """
    if ledger.empty:
        return []
    names = [str(name) for name in ledger if _is_drawn(ledger[name])]
    names.sort(key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    rows = ledger.head(MOST_CELLS // len(names))
    columns = [_column(place, rows[name]) for place, name in enumerate(names)]
    less = f" Here are the first {len(rows)} of {len(ledger)} rows." if len(ledger) > len(rows) else ""
    note = (
        "Columns that are the same in all rows, and those of messages and lists, are left out; ledger.csv and "
        f"ledger.parquet have everything.{less}"
    )
    table = Table(columns, list(rows[names].itertuples(index=False, name=None)), searched=True)
    return [Fold(f"All {len(ledger)} rows of the ledger", [table, Note(note)])]


def _is_drawn(column: Any) -> bool:
    present = column.dropna()
    if column.name == "contender":
        return True
    if (
        column.name == "message"
        or present.empty
        or (len(column) > 1 and len(present) == len(column) and present.nunique() == 1)
    ):
        return False
    return present.dtype.kind in "biuf" or int(present.astype(str).str.len().max()) <= _LONGEST


def _column(place: int, column: Any) -> Column[Any]:
    name = str(column.name)
    align: Any = "name" if name == "contender" else "number" if column.dtype.kind in "iuf" else "word"

    def cell(row: Any) -> Text:
        value = row[place]
        if not known(value):
            return NOTHING
        if name == "status":
            return attention(str(value), value == "failed")
        return f"{value:.8g}" if isinstance(value, float) else str(value)

    return Column(name.replace("_", " "), cell, align)
