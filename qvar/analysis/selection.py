"""Models that are preferred in each data set and at each level of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from qvar._types import DataFrame
from qvar.analysis.rows import first, median, where
from qvar.diagnostics.intervals import wilson_interval

CRITERIA = ("aic", "aicc", "bic", "cv_error", "group_error", "test_error")
"""Columns by which a model is preferred, the lowest first."""


class SelectionRow(NamedTuple):
    """A row of `selection_table`."""

    problem: str
    level: int
    level_name: str
    model: str
    family: str
    n_params: int
    seeds: int
    aic: int | None
    aicc: int | None
    bic: int | None
    cv_error: int | None
    group_error: int | None
    test_error: int | None
    median_error: float | None
    median_cv: float | None
    median_group: float | None
    identifiable: float | None
    operations: float | None
    evaluation_s: float | None
    unit: str


class CrossingRow(NamedTuple):
    """A row of `crossings`."""

    criterion: str
    problem: str
    model: str
    n_params: int
    level: int
    level_name: str
    preferred: int
    seeds: int
    low: float
    high: float


def selection_table(ledger: DataFrame) -> DataFrame:
    """Count how often each model is preferred, in each data set and at each level of it.

    Args:
        ledger: that of a `qvar.Selection`.

    Returns:
        One row per data set, level and model, with `seeds` (repetitions with all models fitted); `aic`, `aicc`, `bic`,
        `cv_error`, `group_error`, `test_error`: repetitions in which the model has the lowest, missing if there is no
        such criterion; `median_error` (median of `test_error`), `median_cv` (of `cv_error`), `median_group` (of
        `group_error`), `identifiable` (median), `operations` and `evaluation_s` of an evaluation.
    """
    import pandas as pd

    rows: list[SelectionRow] = []
    fits: Any = where(ledger, ledger["aic"].notna()) if "aic" in ledger else ledger.iloc[:0]
    for (problem, level), group in fits.groupby(["problem", "level"], sort=False) if len(fits) else []:
        models = list(dict.fromkeys(group["model"]))
        complete = int((group.groupby("seed")["model"].nunique() == len(models)).sum())
        preferred = {criterion: _preferred(group, criterion, models) for criterion in CRITERIA}
        for model in models:
            own: Any = where(group, group["model"] == model)
            counts: dict[str, Any] = {
                criterion: None if times is None else int(times.get(model, 0)) for criterion, times in preferred.items()
            }
            rows.append(
                SelectionRow(
                    problem=str(problem),
                    level=int(level),
                    level_name=str(first(group["level_name"]) or ""),
                    model=str(model),
                    family=str(own["family"].iloc[0]),
                    n_params=int(own["n_params"].iloc[0]),
                    seeds=complete,
                    **counts,
                    median_error=median(own["test_error"]),
                    median_cv=median(own["cv_error"]),
                    median_group=median(own["group_error"]),
                    identifiable=median(own["identifiable"]),
                    operations=first(own["operations"]),
                    evaluation_s=first(own["evaluation_s"]),
                    unit=str(own["unit"].iloc[0] or ""),
                )
            )
    return pd.DataFrame(rows, columns=list(SelectionRow._fields))


def _preferred(group: DataFrame, criterion: str, models: list[str]) -> Any:
    """Return the number of repetitions in which each model has the lowest criterion; None if none has it."""
    wide = group.pivot_table(index="seed", columns="model", values=criterion, sort=False).astype(float)
    wide = wide.reindex(columns=models).dropna()
    return wide.idxmin(axis=1).value_counts() if len(wide) else None


def crossings(table: DataFrame) -> list[CrossingRow]:
    """Return the lowest level from which models of at least a size are preferred, for each criterion, data and size.

    Preferred in most repetitions, at all higher levels too; with the 95 % Wilson interval there. The smallest model is
    left out, and so are data of one level.
    """
    rows: list[CrossingRow] = []
    for problem, part in table.groupby("problem", sort=False):
        everything: Any = part
        if everything["level"].nunique() < 2:
            continue
        sizes = {str(row.model): int(row.n_params) for row in everything.itertuples()}
        for criterion in CRITERIA:
            if everything[criterion].isna().any():
                continue
            for model, size in sorted(sizes.items(), key=lambda item: item[1])[1:]:
                larger: Any = where(everything, everything["n_params"] >= size)
                counts = larger.groupby("level")[criterion].sum()
                totals = everything.groupby("level")["seeds"].first()
                share = (counts / totals).sort_index()
                below = share.index[share.to_numpy(float) <= 0.5]
                good = share.index[share.index > below.max()] if len(below) else share.index
                if len(good) == 0:
                    continue
                level, times, seeds = int(good[0]), int(counts[good[0]]), int(totals[good[0]])
                words, interval = str(everything["level_name"].iloc[0]), wilson_interval(times, seeds)
                rows.append(CrossingRow(criterion, str(problem), model, size, level, words, times, seeds, *interval))
    return rows
