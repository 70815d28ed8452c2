"""Numbers of a landscape study: curvatures, distinct minima and leakage of each contender."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.rows import labelled, median
from qvar.analysis.summaries import summary

_MEASURED = (
    "start_negative_directions", "end_negative_directions", "end_flat_directions", "end_largest_curvature",
    "end_condition_number", "symmetry_price",
)  # fmt: skip
"""Columns of the ledger whose medians are taken."""


class LandscapeRow(NamedTuple):
    """A row of `landscape_table`; numbers are missing values of pandas, or None, if there are none."""

    label: str
    n_params: float | None
    ends: int
    minima: int
    start_negative_directions: float
    end_negative_directions: float
    end_flat_directions: float | None
    end_largest_curvature: float | None
    end_condition_number: float | None
    leaked: float
    most_leaked: float
    outside: int
    symmetry_price: float
    dips: float | None
    unit: str


def landscape_table(ledger: DataFrame) -> DataFrame:
    """Compute one row per contender, the lowest median error first, as in `summary`.

    Args:
        ledger: the ledger of a landscape study.

    Returns:
        Columns: `label`, `n_params`, `ends` (seeds that ended in a minimum), `minima` (distinct ones among them), the
        medians over the seeds of `start_negative_directions`, `end_negative_directions`, `end_flat_directions`,
        `end_largest_curvature`, `end_condition_number`, `leaked` (1 - sector_weight) and `symmetry_price` (in `unit`),
        missing if nothing was measured; `most_leaked` (of any seed), `outside` (seeds of which more than half has
        leaked), `dips` (local minima on the line of the lowest seed), `unit`.
    """
    import pandas as pd

    groups = dict(list(labelled(ledger).groupby("label", sort=False)))
    rows = []
    for label in summary(ledger)["label"]:
        group: DataFrame = groups[label]
        ends = _present(group, "minimum").to_numpy(dtype=float)
        leaked = (1.0 - _present(group, "sector_weight").to_numpy(dtype=float)).clip(min=0.0)
        rows.append(
            {
                "label": str(label),
                "n_params": median(_present(group, "n_params")),
                "ends": len(ends),
                "minima": len(np.unique(ends)),
                **{name: median(_present(group, name)) for name in _MEASURED},
                "leaked": float(np.median(leaked)) if len(leaked) else None,
                "most_leaked": float(leaked.max()) if len(leaked) else None,
                "outside": int((leaked > 0.5).sum()),
                "dips": median(_present(group, "line_minima")),
                "unit": next(iter(group["unit"].dropna()), ""),
            }
        )
    return pd.DataFrame(rows)


def _present(group: DataFrame, column: str) -> Any:
    import pandas as pd

    return group[column].dropna() if column in group.columns else pd.Series(dtype=float)
