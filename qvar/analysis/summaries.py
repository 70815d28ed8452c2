"""Summaries of a ledger: one row per contender, over its seeds, the best first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame, FloatArray
from qvar.analysis.accuracy import levels
from qvar.analysis.once import once
from qvar.analysis.rows import (
    MILLIHARTREE,
    RESOLUTION,
    evaluations,
    first,
    known,
    labels,
    message,
    numbers_of,
    resolution,
    shared,
    shown_errors,
    some,
    status_words,
    where,
)
from qvar.optimize.budget import Status
from qvar.units import CHEMICAL_ACCURACY, HARTREE, MILLIHARTREE_PER_HARTREE


class ContenderRow(NamedTuple):
    """A row of `summary` or `curve_summary`; numbers are missing values of pandas, or None, if there are none."""

    rank: int
    label: str
    family: str | None
    n_params: float | None
    two_qubit_gates: float | None
    seeds: int
    finite: int
    converged: int
    failed: int
    message: str | None
    equals: float | None
    quantity: str
    unit: str
    best: float | None
    median: float | None
    within: float | None
    below: int
    evaluations: float | None
    evaluations_to_tolerance: float | None
    wall_s: float | None
    worst: float | None
    npe: float | None
    mean: float | None


@once
def summary(ledger: DataFrame) -> DataFrame:
    """Summarize a ledger: one row per problem, contender and method, the lowest median error first.

    Errors that differ by no more than `RESOLUTION` are equal: then the contender with the fewer parameters comes first,
    then the one of which more seeds converged, then the one that took fewer evaluations. Problems stay in the ledger's
    order; contenders whose exact value is not known come after all errors, and those without a number last.

    Args:
        ledger: a run's ledger.

    Returns:
        Columns: `rank` (1, 2, ... from the top), `label`, `contender`, `problem`, `method`, `family`, `engine`,
        `n_params`, `two_qubit_gates`, `depth`, `series`, `layers` (of circuits with layers);
        `seeds`, `finite` (seeds with a finite value), `converged`, `failed`, `status` ("7 converged, 1 stalled"),
        `message`; `equals` (number of contenders of the problem with the same median error, this one included);
        `quantity` (`error`, or `value` if no reference is known), `unit` (mHa for energies in hartree),
        `best`, `median` (|value - reference| in `unit`, over the finite seeds; the values themselves for `value`);
        `within` (seeds within 1.6 mHa; missing for other units), `below` (seeds that ended below the reference),
        `correlation_recovered` (median), `evaluations` (median), `evaluations_to_tolerance` (median of the seeds that
        reached it), `wall_s` and `compile_s` (of the whole batch).
    """
    groups = ledger.groupby(["problem", "contender", "method"], dropna=False, sort=False) if len(ledger) else []
    entries = [_entry(group) for _, group in groups]
    problems = dict.fromkeys(entry["problem"] for entry in entries)
    entries = [entry for at in problems for entry in _ranked([e for e in entries if e["problem"] == at], "median")]
    return _table(entries, _entry(ledger.iloc[:0]))


@once
def curve_summary(ledger: DataFrame) -> DataFrame:
    """Summarize a run along a coordinate: one row per contender, the smallest greatest error first.

    Args:
        ledger: the ledger of a `qvar.Curve`.

    Returns:
        The columns of `summary`, over all points and seeds, with `seeds` the number of rows, and `worst` (greatest
        |error| along the curve), `npe` (non-parallelity error: greatest minus smallest signed error along the curve;
        missing if a point is), `mean` (mean |error|): medians over the seeds, in `unit`. `evaluations`, `wall_s`
        and `compile_s` are sums over the points.
    """
    groups = ledger.groupby(["contender", "method"], dropna=False, sort=False) if len(ledger) else []
    return _table(_ranked([_curve_entry(group) for _, group in groups], "worst"), _curve_entry(ledger.iloc[:0]))


def lowest(table: DataFrame, column: str) -> Any:
    """Return the row of the lowest error, the first of equal ones."""
    numbers = table[column].astype(float)
    limit = numbers.min() + resolution(str(table.loc[numbers.idxmin(), "unit"]))
    return where(table, numbers <= limit).iloc[0]


def errors_alone(table: DataFrame) -> DataFrame:
    """Return a summary without `best` and `median` of contenders without an exact value, if others have errors."""
    if not some(table["quantity"] == "error"):
        return table
    blank = table["quantity"] == "value"
    return table.assign(best=table["best"].mask(blank), median=table["median"].mask(blank))


_FIRST = ("contender", "problem", "method", "family", "engine", "n_params", "two_qubit_gates", "depth")
_SHARED = ("series", "layers")
_MEDIANS = ("correlation_recovered", "evaluations_to_tolerance", "wall_s", "compile_s")
"""Columns that a summary has from the ledger."""


def _table(entries: list[dict[str, Any]], empty: dict[str, Any]) -> DataFrame:
    import pandas as pd

    table = pd.DataFrame(entries, columns=[*empty, "equals"])
    table.insert(0, "rank", range(1, len(table) + 1))
    table.insert(1, "label", labels(table.drop(columns="problem") if "worst" in empty else table))
    return table


def _entry(group: DataFrame) -> dict[str, Any]:
    amounts, quantity, unit = shown_errors(group)
    finite, errors = (
        numbers[np.isfinite(numbers)] for numbers in (amounts.to_numpy(float), numbers_of(group, "error"))
    )
    in_hartree = first(group["unit"]) == HARTREE and quantity == "error"
    statuses = [status for status in group["status"].tolist() if known(status)]
    spent = numbers_of(group, "energy_evaluations")
    spent = np.where(np.isnan(spent), numbers_of(group, "gradient_evaluations"), spent)
    return {
        **{name: first(group[name]) for name in _FIRST},
        **{name: shared(group, name) for name in _SHARED},
        "seeds": len(group),
        "finite": len(finite),
        "converged": statuses.count(Status.CONVERGED.value),
        "failed": statuses.count(Status.FAILED.value),
        "status": status_words(group["status"]),
        "message": message(group),
        "quantity": quantity,
        "unit": unit,
        "best": finite.min() if len(finite) else None,
        "median": _median(finite),
        "within": int(np.sum(np.abs(errors) <= CHEMICAL_ACCURACY)) if in_hartree else None,
        "below": int(np.sum(errors < -RESOLUTION)),
        "evaluations": _median(spent),
        **{name: _median(numbers_of(group, name)) for name in _MEDIANS},
    }


def _median(numbers: FloatArray) -> float | None:
    """Return the median of the numbers that are there, or None."""
    present = numbers[~np.isnan(numbers)]  # of a few rows: pandas takes a hundred times as long
    return float(np.median(present)) if len(present) else None


def _curve_entry(group: DataFrame) -> dict[str, Any]:
    amounts, quantity, unit = shown_errors(group)
    rows = group.assign(amounts=amounts if quantity == "error" else math.nan, evaluations=evaluations(group))
    seeds = [seed for _, seed in rows.groupby("seed", dropna=False)]
    npe = _over(seeds, "npe", np.max)
    return {
        **_entry(group),
        "worst": _over(seeds, "amounts", np.max),
        "npe": npe if npe is None or unit != MILLIHARTREE else MILLIHARTREE_PER_HARTREE * npe,
        "mean": _over(seeds, "amounts", np.mean),
        **{name: _over(seeds, name, np.sum) for name in ("evaluations", "wall_s", "compile_s")},
    }


def _over(seeds: list[DataFrame], column: str, reduce: Callable[..., Any]) -> float | None:
    """Return the median over the seeds of one number per seed."""
    columns = [numbers_of(seed, column) for seed in seeds]
    numbers = [reduce(values[np.isfinite(values)]) for values in columns if np.isfinite(values).any()]
    return float(np.median(numbers)) if numbers else None


def _ranked(entries: list[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    """Return the entries of one problem in the order of a table, each with `equals`."""
    ordered: list[dict[str, Any]] = []
    kind_of = {id(entry): (entry["quantity"] != "error", str(entry["unit"])) for entry in entries}
    for kind in sorted({kind_of[id(entry)] for entry in entries if known(entry[column])}):
        mine = [entry for entry in entries if known(entry[column]) and kind_of[id(entry)] == kind]
        places = levels([float(entry[column]) for entry in mine], resolution(kind[1]))
        keys = [(place, *_costs(entry)) for place, entry in zip(places, mine, strict=True)]
        ordered += [
            {**mine[k], "equals": places.count(places[k])} for k in sorted(range(len(mine)), key=keys.__getitem__)
        ]
    rest = [entry for entry in entries if not known(entry[column])]
    return [*ordered, *({**entry, "equals": None} for entry in sorted(rest, key=_costs))]


def _costs(entry: dict[str, Any]) -> tuple[float, float, float]:
    """Return the order of contenders with equal errors."""
    n_params, spent = (float(e) if known(e) else math.inf for e in (entry["n_params"], entry["evaluations"]))
    return n_params, -entry["converged"] / max(entry["seeds"], 1), spent
