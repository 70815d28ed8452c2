"""Rows of a ledger: the names of contenders, the errors that are shown, and how trainings ended."""

from __future__ import annotations

import math
from typing import Any, SupportsFloat, TypeAlias, TypeGuard, TypeVar

import numpy as np

from qvar._types import DataFrame
from qvar.units import HARTREE, MILLIHARTREE_PER_HARTREE, short_exponent, shown_energy

MILLIHARTREE = "mHa"
"""Unit in which errors of molecular energies are shown."""

RESOLUTION = 1e-8
"""Accuracy of exact energies: smaller differences, in the ledger's unit, are rounding."""

SWEEP = "sweep_"
"""Prefix of the columns that hold the swept arguments of a case."""

CURVE_MARKS = frozenset({"coordinate", "coordinate_name", "coordinate_unit"})
SCALING_MARKS = frozenset({"size_name", "start"})
"""Columns that ledgers along a coordinate, and over sizes, have."""


Cell: TypeAlias = object
"""Entry of a table: a number, a text, a truth value, or a missing value (None, NaN or that of pandas)."""

Record = TypeVar("Record")
_Entry = TypeVar("_Entry")


def known(value: _Entry | None) -> TypeGuard[_Entry]:
    """Return if a cell of a table holds something."""
    import pandas as pd

    return not bool(pd.isna(value))  # pyright: ignore[reportArgumentType, reportCallIssue]


def as_float(value: Cell) -> float | None:
    """Return the number in a cell; None if there is none."""
    number = float(value) if isinstance(value, SupportsFloat) else math.nan
    return None if math.isnan(number) else number


def records(table: DataFrame) -> list[Any]:
    """Return the rows of a table, each with its columns as attributes."""
    return list(table.itertuples(index=False))


def typed(table: DataFrame, kind: type[Record]) -> list[Record]:
    """Return the rows of a table as named tuples of a type, whose fields are columns; one without column is None."""
    make: Any = kind
    return [make(*(getattr(row, name, None) for name in make._fields)) for row in records(table)]


def where(table: DataFrame, mask: Any) -> DataFrame:
    """Return the rows of a table for which a mask holds."""
    return table.loc[mask]


def some(mask: Any) -> bool:
    """Return if a mask holds for any row; missing entries do not count."""
    return bool(mask.fillna(False).any())


def first(values: Any) -> Any:
    """Return the first entry of a column that is there, or None."""
    if len(values) and known(values.iloc[0]):  # as nearly always, and many times faster
        return values.iloc[0]
    present = values.dropna()
    return present.iloc[0] if len(present) else None


def shared(rows: DataFrame, column: str) -> Any:
    """Return the first entry of a column that is there; None if there is none, or no such column."""
    return first(rows[column]) if column in rows.columns else None


def median(values: Any) -> float | None:
    """Return the median of the entries of a column that are there, or None."""
    present = values.dropna()
    return float(present.median()) if len(present) else None


def message(rows: DataFrame) -> str | None:
    """Return the messages of failures in some rows of a ledger, each once, or None."""
    messages = rows["message"].dropna() if "message" in rows.columns else []
    return "; ".join(dict.fromkeys(map(str, messages))) or None


def ended(rows: DataFrame, status: str) -> Any:
    """Return for each row if it ended with a status."""
    return (rows["status"] == status).fillna(False).astype(bool)


def resolution(unit: str) -> float:
    """Return `RESOLUTION` in the unit that errors are shown in."""
    return RESOLUTION * (MILLIHARTREE_PER_HARTREE if unit == MILLIHARTREE else 1)


def resolution_words(unit: str) -> str:
    """Return `resolution` as text: "1e-5" for mHa, "1e-8" for other units."""
    return short_exponent(f"{resolution(unit):.0e}")


def best_words(error: float, unit: str) -> str:
    """Return the best error of a training, such as "best 0.08 mHa"; one below `RESOLUTION` is "best <1e-5 mHa"."""
    if abs(error) <= RESOLUTION:
        return f"best <{shown_energy(RESOLUTION, unit, 1)}"
    return f"best {shown_energy(error, unit, 3)}"


def evaluations(rows: DataFrame) -> Any:
    """Return the evaluations that each row of a ledger took: energies, with or without their gradients."""
    return rows["energy_evaluations"].fillna(rows["gradient_evaluations"])


def is_curve(ledger: DataFrame) -> bool:
    """Return if a ledger goes along a coordinate, as that of a `qvar.Curve` does."""
    return set(ledger.columns) >= CURVE_MARKS


def is_scaling(ledger: DataFrame) -> bool:
    """Return if a ledger goes over sizes, as that of a `qvar.Scaling` does."""
    return set(ledger.columns) >= SCALING_MARKS


def is_campaign(ledger: DataFrame) -> bool:
    """Return if a ledger is that of a case swept over its arguments."""
    return any(str(column).startswith(SWEEP) for column in ledger.columns)


def without_sweep(table: DataFrame) -> DataFrame:
    """Return a ledger or trace without the swept arguments: the columns of the study alone."""
    return table.drop(columns=[column for column in table.columns if str(column).startswith(SWEEP)])


def axis_name(ledger: DataFrame) -> str:
    """Return the coordinate of a run along one, with its unit, such as "bond (angstrom)"."""
    name, unit = (first(ledger[column]) for column in ("coordinate_name", "coordinate_unit"))
    return f"{name or 'coordinate'} ({unit})" if unit else str(name or "coordinate")


def labels(rows: DataFrame) -> list[str]:
    """Return names that distinguish contenders: with the problem and the method if a run has several.

    The problems of a run along a coordinate or over sizes are the points of one contender's curve and no part of its
    name; over sizes the start is.
    """
    parts = ("start", "method") if is_scaling(rows) else ("method",) if is_curve(rows) else ("problem", "method")
    several = [c for c in parts if c in rows.columns and len(rows[c].dropna().unique()) > 1]
    return [
        ", ".join([str(contender), *(str(value) for value in others if known(value))])
        for contender, *others in rows[["contender", *several]].itertuples(index=False, name=None)
    ]


def series_label(label: str, contender: str, series: object) -> str:
    """Return a label with the name of the series, which has no number of layers, in place of the contender's."""
    return f"{series}{label.removeprefix(contender)}" if known(series) else label


def labelled(rows: DataFrame) -> DataFrame:
    """Return a table with `labels` as its column `label`."""
    return rows.assign(label=labels(rows))


def row_name(row: Any) -> str:
    """Return the name of a row of a labelled ledger, such as "uccsd, seed 3, bond 1.5"."""
    parts = [str(row["label"])]
    if known(row["seed"]):
        parts.append(f"seed {row['seed']:.0f}")
    if known(row.get("coordinate")):
        parts.append(f"{row['coordinate_name']} {row['coordinate']:g}")
    if known(row.get("size_name")):
        size = f"{row['size']:.0f}" if known(row["size"]) else "-"
        parts.append(f"{size} {row['size_name']}")
    return ", ".join(parts)


def shown_errors(rows: DataFrame) -> tuple[Any, str, str]:
    """Return the size of the error of rows that share a unit, or the value if no reference is known.

    Returns:
        The numbers; their kind, `error` or `value`; and their unit: mHa for errors in hartree.
    """
    unit = first(rows["unit"]) or ""
    if not some(rows["error"].notna()):
        return rows["value"], "value", unit
    errors = rows["error"].abs()
    return (errors * MILLIHARTREE_PER_HARTREE, "error", MILLIHARTREE) if unit == HARTREE else (errors, "error", unit)


def endings(ledger: DataFrame) -> dict[str, dict[str, int]]:
    """Return for every status that occurs the contenders that ended so, each with the number of its rows."""
    named = labelled(ledger).assign(status=ledger["status"].fillna("unknown"))
    groups = named.groupby("status", sort=False)
    return {str(status): group["label"].value_counts(sort=False).to_dict() for status, group in groups}


def status_words(statuses: Any) -> str:
    """Return how the seeds ended, such as "7 converged, 1 stalled"."""
    counts = statuses.fillna("unknown").value_counts()
    return ", ".join(f"{count} {str(status).replace('_', ' ')}" for status, count in counts.items())


def numbers_of(rows: DataFrame, column: str) -> Any:
    """Return a column as an array of floats; NaN if a number, or the column, is missing."""
    if column not in rows.columns:
        return np.full(len(rows), math.nan)
    return rows[column].to_numpy(dtype=float, na_value=np.nan)
