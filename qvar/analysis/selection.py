"""Models that are preferred at each number of shots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qvar.analysis.rows import where
from qvar.diagnostics.intervals import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

CRITERIA = ("aic", "aicc", "bic", "cv_error", "true_error")
"""Columns by which a model is preferred, the lowest first."""


class SelectionRow(NamedTuple):
    """A row of `selection_table`."""

    model: str
    n_params: int
    shots: int
    seeds: int
    aic: int
    aicc: int
    bic: int
    cv_error: int
    true_error: int
    median_error: float
    median_cv: float
    identifiable: float
    unit: str


class CrossingRow(NamedTuple):
    """A row of `crossings`."""

    criterion: str
    model: str
    n_params: int
    shots: int
    preferred: int
    seeds: int
    low: float
    high: float


def selection_table(ledger: pd.DataFrame) -> pd.DataFrame:
    """Count how often each model is preferred, at each number of shots.

    Args:
        ledger: that of a `qvar.Selection`.

    Returns:
        One row per number of shots and model, with `seeds` (repetitions with all models fitted); `aic`, `aicc`, `bic`,
        `cv_error`, `true_error`: repetitions in which the model has the lowest; `median_error` (median of
        `true_error`), `median_cv` (median of `cv_error`), `identifiable` (median).
    """
    import pandas as pd

    rows: list[SelectionRow] = []
    fits: Any = where(ledger, ledger["aic"].notna()) if "aic" in ledger else ledger.iloc[:0]
    models = list(dict.fromkeys(fits["model"])) if len(fits) else []
    for shots, group in fits.groupby("shots", sort=True) if len(fits) else []:
        preferred: dict[str, Any] = {}
        complete: list[int] = []
        for criterion in CRITERIA:
            wide = group.pivot_table(index="seed", columns="model", values=criterion, sort=False).astype(float)
            wide = wide.reindex(columns=models).dropna()
            complete = list(wide.index)
            preferred[criterion] = wide.idxmin(axis=1).value_counts()
        for model in models:
            own: Any = where(group, group["model"] == model)
            if own.empty:
                continue
            counts = {criterion: int(preferred[criterion].get(model, 0)) for criterion in CRITERIA}
            rows.append(
                SelectionRow(
                    model=model,
                    n_params=int(own["n_params"].iloc[0]),
                    shots=int(shots),
                    seeds=len(complete),
                    **counts,
                    median_error=float(np.median(own["true_error"].astype(float))),
                    median_cv=float(np.median(own["cv_error"].astype(float))),
                    identifiable=float(np.median(own["identifiable"].astype(float))),
                    unit=str(own["unit"].iloc[0] or ""),
                )
            )
    return pd.DataFrame(rows, columns=list(SelectionRow._fields))


def crossings(table: pd.DataFrame) -> list[CrossingRow]:
    """Return the fewest shots from which models of at least a size are preferred, for each criterion and size.

    Preferred in most repetitions, at all larger numbers of shots too; with the 95 % Wilson interval there. The smallest
    model is left out.
    """
    rows: list[CrossingRow] = []
    everything: Any = table
    sizes = {str(row.model): int(row.n_params) for row in everything.itertuples()}
    for criterion in CRITERIA:
        for model, size in sorted(sizes.items(), key=lambda item: item[1])[1:]:
            larger: Any = where(everything, everything["n_params"] >= size)
            counts = larger.groupby("shots")[criterion].sum()
            totals = everything.groupby("shots")["seeds"].first()
            share = (counts / totals).sort_index()
            below = share.index[share.to_numpy() <= 0.5]
            good = share.index[share.index > below.max()] if len(below) else share.index
            if len(good) == 0:
                continue
            shots, first = int(good[0]), int(counts[good[0]])
            low, high = wilson_interval(first, int(totals[good[0]]))
            rows.append(CrossingRow(criterion, model, size, shots, first, int(totals[good[0]]), low, high))
    return rows
