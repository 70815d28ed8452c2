"""Numbers of a comparison of basis sets: one row per form or baseline."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.accuracy import levels
from qvar.analysis.rows import RESOLUTION, ended, known, median, message, numbers_of
from qvar.diagnostics.minima import distinct_minima
from qvar.optimize.budget import Status
from qvar.units import MILLIHARTREE_PER_HARTREE

PUBLISHED = "published"
"""Family of sets in which nothing was fitted."""

_OF_BEST = (
    "n_qubits", "n_primitives", "n_functions", "n_numbers", "condition_number", "smallest_ratio", "virial_ratio",
    "spherical", "final_gradient_norm", "basis_set", "transfer",
)  # fmt: skip
"""Columns that are taken from the start that ended lowest."""


class BasisRow(NamedTuple):
    """A row of `basis_table`; numbers are missing values of pandas, or None, if there are none."""

    rank: int
    label: str
    family: str
    n_params: int
    n_primitives: float
    n_functions: float
    n_numbers: float
    n_qubits: float
    starts: int
    finite: int
    failed: int
    reached: int
    value: float
    worst: float
    error: float
    above: float
    condition_number: float | None
    smallest_ratio: float | None
    virial_ratio: float | None
    spherical: bool | None
    basis_set: str | None
    transfer: Any
    evaluations: float | None
    wall_s: float | None
    message: str | None


def basis_table(ledger: DataFrame) -> DataFrame:
    """Compute one row per form or baseline, the lowest energy first.

    Args:
        ledger: the ledger of a `qvar.basis.BasisDuel`.

    Returns:
        Columns: `rank`, `label`, `family`, `n_params`; `starts`, `finite`, `converged`, `failed` and `reached` (starts
        that ended in the lowest minimum of their form); `value` (the lowest, in hartree), `worst` (the highest),
        `error` (of the lowest, in mHa, from the limit, or from `floor` if none is known), `above` (of the lowest, in
        mHa, from `floor`, see there); the columns of the circuit and the set of the lowest start; `evaluations`
        (median), `wall_s` (sum over the starts), `message`.
    """
    import pandas as pd

    rows = [_entry(group) for _, group in ledger.groupby("contender", sort=False)] if len(ledger) else []
    places = levels([float(row["value"]) if known(row["value"]) else np.nan for row in rows], RESOLUTION)
    costs = [float(row["n_params"]) if known(row["n_params"]) else np.inf for row in rows]
    order = sorted(range(len(rows)), key=lambda k: (places[k], costs[k]))
    table = pd.DataFrame([rows[k] for k in order], columns=list(_entry(ledger.iloc[:0])))
    table.insert(0, "rank", range(1, len(table) + 1))
    level, zero = floor(ledger), limit(ledger)
    table["above"] = MILLIHARTREE_PER_HARTREE * (table["value"].astype(float) - level)
    table["error"] = MILLIHARTREE_PER_HARTREE * (table["value"].astype(float) - (level if zero is None else zero))
    return table


def limit(ledger: DataFrame) -> float | None:
    """Return the limit that errors are counted from, in hartree, or None if it is not known."""
    references = ledger["reference"].dropna()
    return float(references.iloc[0]) if len(references) else None


def floor(ledger: DataFrame) -> float:
    """Return the energy above which energies are drawn, in hartree.

    It is the limit, or the lowest energy if the limit is not known or that energy lies lower; NaN without any energy.
    """
    values = numbers_of(ledger, "value")
    lowest = float(values[np.isfinite(values)].min(initial=np.inf))
    zero = limit(ledger)
    if not np.isfinite(lowest):
        return float("nan")
    return lowest if zero is None or lowest < zero - RESOLUTION else zero


def _entry(group: DataFrame) -> dict[str, Any]:
    values = numbers_of(group, "value")
    finite = np.isfinite(values)
    best = group.iloc[int(np.nanargmin(values))] if finite.any() else None
    row = group.iloc[0] if len(group) else {}
    return {
        "label": row.get("contender"),
        "family": row.get("family"),
        "n_params": row.get("n_params"),
        "starts": len(group),
        "finite": int(finite.sum()),
        "converged": int(ended(group, Status.CONVERGED.value).sum()),
        "failed": int(len(group) - finite.sum()),
        "reached": int((distinct_minima(values).labels == 0).sum()),
        "value": values[finite].min() if finite.any() else None,
        "worst": values[finite].max() if finite.any() else None,
        **{column: None if best is None else best.get(column) for column in _OF_BEST},
        "evaluations": median(group["gradient_evaluations"]),
        "wall_s": group["wall_s"].sum() if len(group["wall_s"].dropna()) else None,
        "message": message(group),
    }
