"""Accuracy per cost and convergence of each contender, one row each in the order of the summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from qvar._types import DataFrame, Series
from qvar.analysis.accuracy import Cost, correlation_per, least_parameters
from qvar.analysis.convergence import (
    KEYS,
    LEVELS,
    column_of,
    final_errors,
    minima_found,
    quantiles_to_tolerance,
    success,
)
from qvar.analysis.rows import MILLIHARTREE, known, records, where
from qvar.analysis.summaries import summary
from qvar.units import HARTREE, MILLIHARTREE_PER_HARTREE

_NAMES = ("rank", "label", *KEYS, "family", "n_params", "two_qubit_gates", "seeds", "unit")
"""Columns that both tables take from `summary`, in its order of contenders."""


def accuracy_table(ledger: DataFrame) -> DataFrame:
    """Compute the accuracy per parameter: one row per contender, in the order of `summary`.

    Args:
        ledger: a run's ledger.

    Returns:
        `rank`, `label`, `problem`, `contender`, `method`, `family`, `n_params`, `two_qubit_gates`, `seeds`, `unit`;
        `correlation_recovered` (median); `per_parameter_low`, `_median`, `_high` and so on for each cost of
        `correlation_per`; `series` (the family of depths), `least_by_median`, `least_by_best` (see
        `least_parameters`). Columns that need a tolerance have numbers for energies in hartree alone.
    """
    table = summary(ledger).loc[:, [*_NAMES, "correlation_recovered", "series"]].copy()
    in_hartree = _in_hartree(ledger)
    for cost in get_args(Cost):
        entries = _matching(table, correlation_per(in_hartree if cost == "shot" else ledger, cost))
        for end in ("low", "median", "high"):
            table[f"per_{cost}_{end}"] = _column(entries, end, "float64")
    table["series"] = table["series"].fillna(table["contender"])
    least = _matching(table, least_parameters(in_hartree), ("problem", "series", "method"))
    for column in ("by_median", "by_best"):
        table[f"least_{column}"] = _column(least, column, "Int64")
    return table


def convergence_table(ledger: DataFrame, trace: DataFrame) -> DataFrame:
    """Compute how often and how soon the seeds converge: one row per contender, in the order of `summary`.

    Args:
        ledger: a run's ledger.
        trace: its trace.

    Returns:
        `rank`, `label`, `problem`, `contender`, `method`, `family`, `n_params`, `two_qubit_gates`, `seeds`, `unit`
        (mHa for errors in hartree); `successes`, `share`, `low`, `high` of `success`; `reached`, `steps_10` ...
        `evaluations_90` of `quantiles_to_tolerance`; `best`, `error_10` ... `error_90` (in `unit`) of `final_errors`;
        `minima`, `in_lowest`, `levels` of `minima_found`. Columns that need a tolerance have numbers for energies in
        hartree alone.
    """
    in_hartree = _in_hartree(ledger)
    table = summary(ledger).loc[:, list(_NAMES)].copy()
    for other in (
        success(in_hartree),
        quantiles_to_tolerance(in_hartree, trace),
        final_errors(ledger),
        minima_found(ledger),
    ):
        entries = _matching(table, other)
        for name in [column for column in other.columns if column not in table.columns]:
            table[name] = _column(entries, name, str(other[name].dtype))
    milli = (table["unit"] == MILLIHARTREE).to_numpy(dtype=bool)
    for name in ("best", *(column_of("error", level) for level in LEVELS)):
        table.loc[milli, name] *= MILLIHARTREE_PER_HARTREE
    return table


def _in_hartree(ledger: DataFrame) -> DataFrame:
    """Return the rows whose tolerance is known: in hartree, or failed before they had a unit."""
    return where(ledger, ledger["unit"].fillna(HARTREE) == HARTREE)


def _matching(table: DataFrame, other: DataFrame, keys: Sequence[str] = KEYS) -> list[Any]:
    """Return for each row of a table of contenders that of another one with the same keys, or None."""
    names = list(keys)
    entries = dict(zip(_texts(other, names), records(other), strict=True))
    return [entries.get(key) for key in _texts(table, names)]


def _texts(table: DataFrame, names: list[str]) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in table[names].itertuples(index=False, name=None)]


def _column(rows: Sequence[Any], name: str, kind: str) -> Series:
    """Return a column of rows; missing where there is no row."""
    import pandas as pd

    cells = [None if row is None or not known(getattr(row, name)) else getattr(row, name) for row in rows]
    return pd.Series(cells, dtype=kind)  # pyright: ignore[reportArgumentType, reportCallIssue]
