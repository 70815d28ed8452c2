"""Networks trained on examples: means over seeds with intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.paired import mean_interval
from qvar.analysis.rows import first, where


class LearningRow(NamedTuple):
    """A row of `learning_table`."""

    problem: str
    model: str
    family: str
    series: str
    training_size: int
    n_params: int
    multiply_adds: int
    seeds: int
    mean_error: float
    low: float
    high: float
    train_error: float
    accuracy: float
    unit: str


def learning_table(ledger: DataFrame) -> DataFrame:
    """Average the errors of each network over its seeds.

    Args:
        ledger: that of a `qvar.Learning`.

    Returns:
        One row per problem, training size and model, in the ledger's order of problems and models, with `seeds`
        (trainings that ended with a finite error), `mean_error` (of `test_error`) with its 95 % bootstrap interval over
        the seeds, `low` and `high`, and the means of `train_error` and `accuracy`.
    """
    import pandas as pd

    rows: list[LearningRow] = []
    ends: Any = where(ledger, ledger["test_error"].notna()) if "test_error" in ledger else ledger.iloc[:0]
    ends = where(ends, np.isfinite(ends["test_error"].astype(float))) if len(ends) else ends
    order = ["problem", "training_size", "model"]
    for (problem, size, model), group in ends.groupby(order, sort=False) if len(ends) else []:
        errors = group["test_error"].to_numpy(dtype=float)
        low, high = mean_interval(errors)
        mean = float(errors.mean())
        rows.append(
            LearningRow(
                problem=str(problem),
                model=str(model),
                family=str(first(group["family"])),
                series=str(first(group["series"]) or ""),
                training_size=int(size),
                n_params=int(group["n_params"].iloc[0]),
                multiply_adds=int(group["multiply_adds"].iloc[0]),
                seeds=len(group),
                mean_error=mean,
                low=mean if low is None else low,
                high=mean if high is None else high,
                train_error=float(group["train_error"].astype(float).mean()),
                accuracy=float(group["accuracy"].astype(float).mean()),
                unit=str(first(group["unit"]) or ""),
            )
        )
    table = pd.DataFrame(rows, columns=list(LearningRow._fields))
    places = {name: place for place, name in enumerate(dict.fromkeys(table["problem"]))}
    return table.sort_values(
        ["problem", "training_size"], key=lambda column: column.map(places) if column.name == "problem" else column,
        kind="stable", ignore_index=True,
    )  # fmt: skip
