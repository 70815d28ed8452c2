"""Sentences below a summary: contenders without an error, equal errors, and energies below the exact one."""

from __future__ import annotations

from qvar.report import tables
from qvar.report.tables import Frame


def summary_notes(table: Frame) -> list[str]:
    """Sentences that a summary needs below it.

    Args:
        table: a `summary`.
    """
    return [words for words in (without_exact(table), equal_errors(table), below_exact(table)) if words]


def without_exact(table: Frame) -> str | None:
    """A sentence on contenders whose exact value is not known, if that of others is; None if there are none.

    Args:
        table: a `summary`.
    """
    rows = table[(table["quantity"] == "value") & table["median"].notna()]
    if rows.empty or not (table["quantity"] == "error").any():
        return None
    which = ", ".join(
        f"{row.label} (median value {float(row.median):.6f} {row.unit})".rstrip() for row in tables.records(rows)
    )
    return f"No exact value is known for {which}, so that there is no error to rank by."


def equal_errors(table: Frame) -> str | None:
    """A sentence on contenders whose errors are equal within what the exact energy is known to, or None.

    Args:
        table: a `summary`.
    """
    rows = table[(table["quantity"] == "error") & (table["equals"].fillna(0) > 1)]
    if rows.empty:
        return None
    blocks: list[str] = []
    ranked = tables.records(rows)
    while ranked:
        block, ranked = ranked[: int(ranked[0].equals)], ranked[int(ranked[0].equals) :]
        blocks.append(f"{block[0].rank} to {block[-1].rank}")
    return (
        f"Equal within {tables.RESOLUTION:g} of the unit, to which exact values are known: the errors of "
        f"{', '.join(blocks)}; the fewer parameters come first."
    )


def below_exact(table: Frame) -> str | None:
    """A sentence on contenders that ended below the exact value, or None if there are none.

    Args:
        table: a `summary`.
    """
    rows = table[table["below"] > 0]
    if rows.empty:
        return None
    which = ", ".join(f"{row.label} ({row.below} of {row.seeds} seeds)" for row in tables.records(rows))
    return (
        f"Ended below the exact value: {which}. Such a state has left the sector of the exact state, for another "
        "particle number or spin (columns particle_number, sz, s2). Errors are shown by size; a crossing on the way "
        "down is no arrival within 1.6 mHa."
    )
