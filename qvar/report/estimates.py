"""Estimates of quantities against their exact values, as a table."""

from __future__ import annotations

from qvar._types import DataFrame
from qvar.analysis.estimates import EstimateRow, estimate_table
from qvar.analysis.rows import known, typed
from qvar.report.formats import attention, count, digits, once, share
from qvar.report.table import NOTHING, Column, Heading, Note, Part, Table, Text

_NOTE = (
    "Quantities whose exact value is known, because the data are simulated. Bias: mean of the estimates minus the "
    "exact value, with its 95 % interval over the repetitions. Standard error: from the Fisher information of each "
    "fit, the median; none if these data do not determine the quantity, whatever their noise. Held: repetitions whose "
    "interval of 95 % confidence holds the exact value, of those that have one; marked if so few are no accident. "
    "A model without the true structure has intervals that are too narrow."
)


def _signed(value: float | None) -> str:
    return f"{value:+.2g}" if known(value) else NOTHING


def _bias(row: EstimateRow) -> str:
    ends = f" ({_signed(row.bias_low)} to {_signed(row.bias_high)})" if known(row.bias_low) else ""
    return f"{_signed(row.bias)}{ends}"


def _held(row: EstimateRow) -> Text:
    return attention(share(row.covered, row.intervals), row.coverage_high < 0.95) if row.intervals else NOTHING


def estimate_parts(ledger: DataFrame) -> list[Part]:
    """Return a heading, a table and a note; nothing if no quantity has an exact value."""
    rows = typed(estimate_table(ledger), EstimateRow)
    if not rows:
        return []
    level = next((row.level_name for row in rows if row.level_name), "level")
    columns: list[Column[EstimateRow]] = [
        Column("quantity", once(rows, "quantity"), "name"),
        Column("data", once(rows, "problem"), "name"),
        Column(level, lambda row: count(row.level)),
        Column("model", lambda row: row.model, "name"),
        Column("exact", lambda row: digits(row.truth, 4)),
        Column("median", lambda row: digits(row.median, 4)),
        Column("bias", _bias),
        Column("standard error", lambda row: digits(row.standard_error, 2) if row.intervals else "none"),
        Column("held", _held),
    ]
    return [Heading("Estimates against exact values"), Table(columns, rows), Note(_NOTE)]
