"""The numbers of a study over depths: ranks, success and where they saturate, from its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qvar.diagnostics.fisher import saturation_layer
from qvar.diagnostics.intervals import wilson_interval
from qvar.report.tables import Frame

if TYPE_CHECKING:
    import pandas as pd

RELIABLE = 0.9
"""Share of successful starts from which a depth counts as reliable."""


def is_capacity(ledger: Frame) -> bool:
    """Whether a ledger is that of a `qvar.studies.capacity.Capacity`."""
    return {"series", "layers", "tolerance"} <= set(ledger.columns)


def depth_table(ledger: Frame) -> pd.DataFrame:
    """One row per series and depth, in the ledger's order.

    Args:
        ledger: the ledger of a study over depths.

    Returns:
        Columns: `series`, `family`, `layers`, `n_params`, `fisher_rank`, `fisher_rank_bound`, `lie_dimension`,
        `effective_dimension` with `_low` and `_high`, `unit`, `tolerance`, `seeds`, `successes` (seeds with
        |error| <= tolerance; those without a finite error failed), `success` with `_low` and `_high` (Wilson, 95 %),
        `median` (|error| over the finite seeds), `evaluations` (median), `message`.
    """
    import pandas as pd

    rows = []
    for (series, layers), group in ledger.groupby(["series", "layers"], sort=False):
        errors = group["error"].to_numpy(dtype=float, na_value=np.nan)
        tolerance = float(group["tolerance"].iloc[0])
        finite = np.abs(errors[np.isfinite(errors)])
        successes = int((finite <= tolerance).sum())
        low, high = wilson_interval(successes, len(errors))
        rows.append(
            {
                "series": series,
                "family": _first(group, "family"),
                "layers": int(layers),
                **{
                    name: _first(group, name)
                    for name in (
                        "n_params", "fisher_rank", "fisher_rank_bound", "lie_dimension", "effective_dimension",
                        "effective_dimension_low", "effective_dimension_high", "unit",
                    )
                },
                "tolerance": tolerance,
                "seeds": len(errors),
                "successes": successes,
                "success": successes / len(errors),
                "success_low": low,
                "success_high": high,
                "median": float(np.median(finite)) if len(finite) else np.nan,
                "evaluations": float(group["gradient_evaluations"].dropna().median()),
                "message": _first(group, "message"),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def series_table(depths: Frame) -> pd.DataFrame:
    """One row per series, in the order of `depth_table`.

    Args:
        depths: a `depth_table`.

    Returns:
        Columns: `series`, `family`, `layers_first`, `layers_last`, `rank` (at the largest depth), `bound`,
        `lie_dimension` (at the largest depth), `saturation` (layers from which the rank stays; missing where it is not
        seen to), `saturation_params`, `reliable` (layers from which all depths succeed in at least 90 % of the starts),
        `reliable_params`, `success_first`, `success_last` (successes of seeds at the smallest and largest depth).
    """
    import pandas as pd

    rows = []
    for series, group in depths.groupby("series", sort=False):
        group = group.sort_values("layers")
        ranked = group[group["fisher_rank"].notna()]
        ranks = {int(row.layers): int(row.fisher_rank) for row in ranked.itertuples()}
        saturation = saturation_layer(ranks) if ranks else None
        late = [int(row.layers) for row in group.itertuples() if row.success < RELIABLE]
        good = group[group["layers"] > (max(late) if late else 0)]
        reliable = int(good["layers"].iloc[0]) if len(good) else None
        params = dict(zip(group["layers"], group["n_params"], strict=True))
        last: Any = group.iloc[-1]
        first: Any = group.iloc[0]
        rows.append(
            {
                "series": series,
                "family": last["family"],
                "layers_first": int(first["layers"]),
                "layers_last": int(last["layers"]),
                "rank": last["fisher_rank"],
                "bound": last["fisher_rank_bound"],
                "lie_dimension": last["lie_dimension"],
                "saturation": saturation,
                "saturation_params": params.get(saturation),
                "reliable": reliable,
                "reliable_params": params.get(reliable),
                "success_first": f"{first['successes']}/{first['seeds']}",
                "success_last": f"{last['successes']}/{last['seeds']}",
            }
        )
    return pd.DataFrame(rows)


def _first(group: Frame, column: str) -> Any:
    if column not in group.columns:
        return None
    present = group[column].dropna()
    return present.iloc[0] if len(present) else None
