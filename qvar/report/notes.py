"""Sentences below a summary: contenders without an error, equal errors, and energies below the exact one."""

from __future__ import annotations

from qvar._types import DataFrame
from qvar.analysis.rows import resolution_words, some, typed, where
from qvar.analysis.summaries import ContenderRow
from qvar.report.formats import common, energy, listed


def summary_notes(summary: DataFrame) -> list[str]:
    """Return the sentences that a `summary` needs below it."""
    return list(filter(None, (without_exact(summary), equal_errors(summary), below_exact(summary))))


def without_exact(summary: DataFrame) -> str:
    """Return a sentence on contenders without an exact value, if others have one; "" if there are none."""
    rows = where(summary, (summary["quantity"] == "value") & summary["median"].notna())
    if rows.empty or not some(summary["quantity"] == "error"):
        return ""
    lines = typed(rows, ContenderRow)
    names = [f"{row.label} (median value {energy(row.median)} {row.unit})".rstrip() for row in lines]
    return f"No exact value is known for {listed(names)}, so that there is no error to rank by."


def equal_errors(summary: DataFrame) -> str:
    """Return a sentence on contenders whose errors are equal within the accuracy of the exact energy, or ""."""
    mask = (summary["quantity"] == "error") & (summary["equals"].fillna(0) > 1)
    ranked = typed(where(summary, mask), ContenderRow)
    blocks: list[str] = []
    while ranked:
        size = int(ranked[0].equals or 1)
        block, ranked = ranked[:size], ranked[size:]
        blocks.append(f"{block[0].rank} to {block[-1].rank}")
    if not blocks:
        return ""
    unit = common(where(summary, mask), "unit")
    close = f"{resolution_words(unit)} {unit}".rstrip()
    return (
        f"Equal within {close}, to which exact values are known: the errors of "
        f"{', '.join(blocks)}; the fewer parameters come first."
    )


def below_exact(summary: DataFrame) -> str:
    """Return a sentence on contenders that ended below the exact value, or ""."""
    names = [f"{row.label} ({row.below} of {row.seeds} seeds)" for row in typed(summary, ContenderRow) if row.below > 0]
    if not names:
        return ""
    return (
        f"Ended below the exact value: {listed(names)}. Such a state has left the sector of the exact state, for "
        "another particle number or spin (columns particle_number, sz, s2). Errors are shown by size; a crossing on "
        "the way down is no arrival within 1.6 mHa."
    )
