"""Numbers of a study over depths: ranks, success and the depths at which they saturate."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.rows import MILLIHARTREE, first, known, numbers_of, records, shown_errors, where
from qvar.units import HARTREE, MILLIHARTREE_PER_HARTREE

RELIABLE = 0.9
"""Share of successful starts from which a depth counts as reliable."""

_CARRIED = (
    "family", "n_params", "fisher_rank", "fisher_rank_bound", "lie_dimension", "lie_limit", "effective_dimension",
    "effective_dimension_low", "effective_dimension_high", "effective_dimension_needed", "message",
)  # fmt: skip
"""Columns that are the same for all seeds."""


class DepthRow(NamedTuple):
    """A row of `depth_table`; numbers are missing values of pandas, or None, if there are none."""

    series: str
    layers: int
    n_params: float | None
    fisher_rank: float | None
    effective_dimension: float
    effective_dimension_low: float
    effective_dimension_high: float
    effective_dimension_needed: float
    seeds: int
    successes: float | None
    success: float
    success_low: float
    success_high: float
    unit: str
    median: float | None
    evaluations: float | None
    message: str | None


class SeriesRow(NamedTuple):
    """A row of `series_table`; numbers are missing values of pandas, or None, if there are none."""

    series: str
    family: str | None
    layers_first: int
    layers_last: int
    rank: float | None
    bound: float | None
    lie_dimension: float | None
    lie_limit: float | None
    saturation: float
    saturation_params: float | None
    reliable: float
    reliable_params: float | None
    success_last: str | None


def depth_table(ledger: DataFrame) -> DataFrame:
    """Compute one row per series and depth, in the ledger's order.

    Args:
        ledger: the ledger of a study over depths.

    Returns:
        Columns: `series`, `layers`, `family`, `n_params`, `fisher_rank`, `fisher_rank_bound`, `lie_dimension`,
        `lie_limit`, `effective_dimension` with `_low`, `_high` and `_needed`, `message`; `seeds`, `successes` (seeds
        with |error| <= tolerance; those without a finite error failed; missing if there is no exact value to compare
        with), `success` (the share) with `_low` and `_high` (Wilson, 95 %), `unit` (mHa for energies in hartree), and
        in it `tolerance` and `median` (|error| over the finite seeds); `evaluations` (median).
    """
    import pandas as pd

    amounts, quantity, unit = shown_errors(ledger)  # one problem, one unit
    amounts = amounts if quantity == "error" else amounts * np.nan
    judged = quantity == "error" or bool(ledger["value"].isna().all())
    scale = MILLIHARTREE_PER_HARTREE if unit in (MILLIHARTREE, HARTREE) else 1.0
    rows = []
    groups: Any = ledger.assign(amounts=amounts).groupby(["series", "layers"], sort=False)
    for (series, layers), group in groups:
        errors, evaluations = numbers_of(group, "amounts"), numbers_of(group, "gradient_evaluations")
        tolerance = scale * float(group["tolerance"].iloc[0])
        rows.append(
            {
                "series": series,
                "layers": int(layers),
                **{name: first(group[name]) if name in group.columns else None for name in _CARRIED},
                "seeds": len(group),
                **_success(errors, tolerance, judged),
                "unit": MILLIHARTREE if unit == HARTREE else unit,
                "tolerance": tolerance,
                "median": _finite_median(errors),
                "evaluations": _finite_median(evaluations),
            }
        )
    return pd.DataFrame(rows)


def series_table(depths: DataFrame) -> DataFrame:
    """Compute one row per series, in the order of `depth_table`.

    Args:
        depths: a `depth_table`.

    Returns:
        Columns: `series`, `family`, `layers_first`, `layers_last`, `rank`, `bound`, `lie_dimension` and `lie_limit`
        (at the largest depth), `saturation` (layers from which the rank stays; missing if it was not seen to),
        `saturation_params`, `reliable` (layers from which all depths succeed in at least 90 % of the starts; missing
        if there are none), `reliable_params`, `success_last` (such as "3/20", at the largest depth; missing if there
        is no exact value to compare with).
    """
    import pandas as pd

    from qvar.diagnostics.fisher_information import saturation_layer  # imports JAX, which other pages do not need

    rows = []
    for series, group in depths.groupby("series", sort=False):
        group = group.sort_values("layers")
        ranks = {int(row.layers): int(row.fisher_rank) for row in records(group) if known(row.fisher_rank)}
        saturation = saturation_layer(ranks) if ranks else None
        late = group.loc[~(group["success"] >= RELIABLE), "layers"]
        good = where(group, group["layers"] > (late.max() if len(late) else 0))
        reliable = int(good["layers"].iloc[0]) if len(good) else None
        params = dict(zip(group["layers"], group["n_params"], strict=True))
        last: Any = group.iloc[-1]
        rows.append(
            {
                "series": series,
                "family": first(group["family"]),
                "layers_first": int(group["layers"].iloc[0]),
                "layers_last": int(last["layers"]),
                "rank": first(group["fisher_rank"].iloc[::-1]),
                "bound": first(group["fisher_rank_bound"].iloc[::-1]),
                "lie_dimension": last["lie_dimension"],
                "lie_limit": last["lie_limit"],
                "saturation": saturation,
                "saturation_params": params.get(saturation),
                "reliable": reliable,
                "reliable_params": params.get(reliable),
                "success_last": f"{int(last['successes'])}/{last['seeds']}" if known(last["successes"]) else None,
            }
        )
    return pd.DataFrame(rows)


def _success(errors: np.ndarray, tolerance: float, judged: bool) -> dict[str, Any]:
    from qvar.diagnostics.intervals import wilson_interval  # imports JAX, which other pages do not need

    if not judged:
        return {"successes": None, "success": np.nan, "success_low": np.nan, "success_high": np.nan}
    successes = int((errors <= tolerance).sum())  # NaN counts as a failure
    low, high = wilson_interval(successes, len(errors))
    return {"successes": successes, "success": successes / len(errors), "success_low": low, "success_high": high}


def _finite_median(numbers: np.ndarray) -> float:
    finite = numbers[np.isfinite(numbers)]
    return float(np.median(finite)) if len(finite) else np.nan
