"""Numbers of a ranking: one row per setting and contender, with ranks within each setting."""

from __future__ import annotations

from typing import Any, NamedTuple

from qvar._types import DataFrame
from qvar.analysis.once import once
from qvar.analysis.rows import message, records, shared, where
from qvar.units import MILLIHARTREE_PER_HARTREE

BASELINE = "baseline"
"""Setting of the rows that are energies without a circuit."""

SAME = 1e-3
"""Difference of median errors, in mHa, below which contenders share a rank."""


class RankingRow(NamedTuple):
    """A row of `ranking_summary`; numbers are missing values of pandas, or None, if there are none."""

    setting: str
    rank: float | None
    contender: str
    family: str | None
    n_qubits: float | None
    n_params: float | None
    best: float | None
    median: float | None
    limit_error: float | None
    message: str | None


@once
def ranking_summary(ledger: DataFrame) -> DataFrame:
    """Summarize a ranking: settings in the ledger's order, within one the lowest median error first.

    Args:
        ledger: a ranking's ledger.

    Returns:
        Columns: `setting`, `contender`, `family`, `n_qubits`, `n_params`, `series`, `layers`, `seeds`, `converged`,
        `best` (lowest energy), `median` (of the error, in mHa), `limit_error` (of the lowest energy, in mHa),
        `message`, `rank` (within the setting).
    """
    import pandas as pd

    entries: list[dict[str, Any]] = []
    groups: Any = ledger.groupby(["setting", "contender"], dropna=False, sort=False)
    for (setting, contender), group in groups:
        finite = where(group, group["value"].notna())
        entries.append(
            {
                "setting": setting,
                "contender": contender,
                **{name: group[name].iloc[0] for name in ("family", "n_qubits", "n_params")},
                **{name: shared(group, name) for name in ("series", "layers")},
                "seeds": len(group),
                "converged": int((group["status"] == "converged").fillna(False).sum()),
                "best": finite["value"].min() if len(finite) else None,
                "median": MILLIHARTREE_PER_HARTREE * finite["error"].median() if len(finite) else None,
                "limit_error": MILLIHARTREE_PER_HARTREE * finite["limit_error"].min() if len(finite) else None,
                "message": message(group),
            }
        )
    table = pd.DataFrame(entries)
    if table.empty:
        return table
    settings = list(dict.fromkeys(table["setting"]))
    table = table.sort_values(
        ["setting", "median"],
        key=lambda column: column.map(settings.index) if column.name == "setting" else column.astype(float),
        kind="stable",
        na_position="last",
    ).reset_index(drop=True)
    table["rank"] = [rank for at in settings for rank in _ranks(where(table, table["setting"] == at))]
    return table


def orders(summary: DataFrame) -> dict[str, dict[str, float]]:
    """Return for each setting the rank of each contender that has one; baselines have none."""
    circuits = where(summary, (summary["setting"] != BASELINE) & summary["rank"].notna())
    return {
        str(setting): {str(row.contender): float(row.rank) for row in records(group)}
        for setting, group in circuits.groupby("setting", sort=False)
    }


def _ranks(group: DataFrame) -> list[int | None]:
    """Return 1, 2, ... in the order of the rows; equal errors share a rank, a missing one has none."""
    ranks: list[int | None] = []
    last = float("-inf")
    for position, error in enumerate(group["median"].astype(float), start=1):
        if error != error:
            ranks.append(None)
        elif ranks and ranks[-1] is not None and error - last <= SAME:
            ranks.append(ranks[-1])
        else:
            ranks.append(position)
            last = error
    return ranks
