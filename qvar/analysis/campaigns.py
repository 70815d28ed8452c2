"""Numbers of a campaign: one row per point and contender, and one per contender over all points."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.accuracy import levels
from qvar.analysis.rows import (
    MILLIHARTREE,
    SWEEP,
    ended,
    first,
    is_curve,
    is_scaling,
    known,
    labels,
    resolution,
    series_label,
    shown_errors,
    some,
    typed,
)
from qvar.optimize.budget import Status
from qvar.units import CHEMICAL_ACCURACY, MILLIHARTREE_PER_HARTREE

_CANNOT_CONVERGE = {status.value for status in (Status.MEASURED, Status.TRAINED, Status.NOT_FINITE, Status.FAILED)}
"""Ends of studies that follow no gradient to a minimum."""

VARIANCE = "variance"
"""Quantity of a study in which nothing is trained: there more is better."""


@dataclass(frozen=True)
class Argument:
    """A swept argument of a case."""

    name: str
    column: str
    numeric: bool
    """True if its values are different numbers, which an axis can show; truth values are none."""
    values: tuple[Any, ...]
    """Numbers from the smallest, others in order of appearance; None if the argument was not given."""

    def position(self, value: Any) -> int:
        """Return the position of a value among all values."""
        return self.values.index(value if known(value) else None)


@dataclass(frozen=True)
class Block:
    """The points that share all arguments but one."""

    fixed: dict[Argument, Any]
    """The values that they share."""
    rows: DataFrame
    """Those rows of `campaign_table`."""

    @property
    def name(self) -> str:
        """The values that they share in words; empty if nothing else was swept."""
        return point_words(self.fixed)


def arguments(ledger: DataFrame) -> list[Argument]:
    """Return the swept arguments, in the order of their columns."""
    return [_argument(str(column), ledger[column]) for column in ledger.columns if str(column).startswith(SWEEP)]


def _argument(column: str, cells: Any) -> Argument:
    values: list[Any] = [value.item() if hasattr(value, "item") else value for value in cells.unique()]
    values = list(dict.fromkeys(value if known(value) else None for value in values))
    numeric = len(values) > 1 and all(
        isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value) for value in values
    )
    return Argument(column.removeprefix(SWEEP), column, numeric, tuple(sorted(values) if numeric else values))


def varied(ledger: DataFrame) -> list[Argument]:
    """Return the swept arguments that have several values; all of them if none has."""
    swept = arguments(ledger)
    return [argument for argument in swept if len(argument.values) > 1] or swept


def points(ledger: DataFrame) -> list[tuple[dict[Argument, Any], DataFrame]]:
    """Return the points that have rows, the last argument running fastest, each with its rows."""
    return _grouped(ledger, varied(ledger))


def _grouped(table: DataFrame, swept: Sequence[Argument]) -> list[tuple[dict[Argument, Any], DataFrame]]:
    """Group a table by the values of some arguments, in the order of these values."""
    groups: Any = table.groupby([argument.column for argument in swept], dropna=False, sort=False)
    parts: list[tuple[dict[Argument, Any], Any]]
    parts = [(dict(zip(swept, values, strict=True)), rows) for values, rows in groups]
    return sorted(parts, key=lambda part: [argument.position(value) for argument, value in part[0].items()])


def value_words(value: Any, digits: int = 6) -> str:
    """Format a value of an argument, with so many digits at most unless it is a whole number."""
    if isinstance(value, list | tuple):  # of `case.json`; in a ledger it is one text
        return " ".join(map(str, value))
    if not known(value):
        return "not given"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def short_words(values: Sequence[Any]) -> list[str]:
    """Format the values of one argument with as few digits, three or more, as distinguish them."""
    for digits in range(3, 17):
        words = [value_words(value, digits) for value in values]
        if len(set(words)) == len(words):
            return words
    return [value_words(value) for value in values]


def point_words(at: dict[Argument, Any]) -> str:
    """Format a point, such as "molecule=h4, layers=3"."""
    return ", ".join(f"{argument.name}={value_words(value)}" for argument, value in at.items())


class CampaignRow(NamedTuple):
    """A row of `campaign_table`; numbers are missing values of pandas, or None, if there are none."""

    point: int
    name: str
    label: str
    family: str | None
    n_params: float | None
    quantity: str
    unit: str
    seeds: int
    converged: int | None
    failed: int
    median: float
    best: bool


class StandingRow(NamedTuple):
    """A row of `campaign_standings`; numbers are missing values of pandas, or None, if there are none."""

    label: str
    family: str | None
    n_params_low: float | None
    n_params_high: float | None
    points: int
    won: int
    within: float | None
    worst: float | None
    worst_at: str | None
    seeds: int
    converged: int | None
    failed: int


def campaign_table(ledger: DataFrame) -> DataFrame:
    """Compute one row per point and contender.

    Circuits that differ in their number of layers alone are one contender at all points if no point has two of them.
    Its number is the median over its seeds of |error|, or of the value if a point has no reference; along a curve of
    each seed's greatest |error|; over sizes the variance of the gradient at the largest size.

    Args:
        ledger: of a campaign; any study's.

    Returns:
        Columns: `point` (0, 1, ...), `name` (of the point), the swept columns, `label`, `series` (the label without a
        number of layers), `layers`, `family`, `n_params`, `quantity` (`error`, `value` or `variance`), `unit` (mHa for
        errors in hartree), `seeds` (rows), `finite`, `converged` (missing if the study cannot converge), `failed`,
        `low`, `median`, `high`, `best` (true if no other contender of the point is better; of equal errors the one of
        fewest parameters). The points in the order of `points`.
    """
    import pandas as pd

    if ledger.empty:
        return pd.DataFrame(columns=[*ledger.columns, *_COLUMNS])
    ledger = ledger.assign(label=_labels(ledger))
    layers = ledger["layers"] if "layers" in ledger.columns else math.nan
    ledger = ledger.assign(series=_series(ledger), layers=layers)
    swept = [argument.column for argument in arguments(ledger)]
    parts, about = [], {}
    for number, (at, rows) in enumerate(points(ledger)):
        amounts, quantity, unit = _shown(rows)
        values = amounts.to_numpy(dtype=float, na_value=np.nan)
        parts.append(rows.assign(point=number, amounts=np.where(np.isfinite(values), values, np.nan)))
        about[number] = (point_words(at), quantity, unit)
    table = _per_contender(pd.concat(parts), swept)
    for place, column in enumerate(("name", "quantity", "unit")):
        table[column] = [about[number][place] for number in table["point"]]
    table["best"] = _best(table)
    return table.loc[:, ["point", "name", *swept, *_COLUMNS]]


_COLUMNS = (
    "label", "series", "layers", "family", "n_params", "quantity", "unit", "seeds", "finite", "converged", "failed",
    "low", "median", "high", "best",
)  # fmt: skip


def _labels(ledger: DataFrame) -> list[str]:
    """Return names of contenders that are the same at all points, without what differs from point to point."""
    columns = [argument.column for argument in arguments(ledger)]
    along = is_curve(ledger) or is_scaling(ledger)

    def inside(column: str) -> bool:
        return bool((ledger.groupby(columns, dropna=False)[column].nunique() > 1).any())

    parts = [column for column in ("problem", "method", "start", "setting") if column in ledger.columns]
    kept = [column for column in parts if inside(column) and not (along and column == "problem")]
    if is_scaling(ledger) and "start" not in kept:  # `labels` would add it for a study over sizes
        ledger = ledger.drop(columns="size_name")
    names = labels(ledger.drop(columns=[column for column in parts if column not in kept]))
    if "setting" in kept:
        names = [f"{name}, {setting}" for name, setting in zip(names, ledger["setting"], strict=True)]
    return _without_depth(ledger.assign(label=names), columns)


def _without_depth(ledger: DataFrame, columns: list[str]) -> list[str]:
    """Return names without the depth if it is one of the things that differ from point to point."""
    names: Any = ledger.assign(series=_series(ledger))
    several = names.groupby([*columns, "series"], dropna=False)["label"].nunique().groupby("series").max() > 1
    depths = names.groupby("series")["label"].nunique()
    return [
        str(series) if depths[series] > 1 and not several[series] else str(label)
        for label, series in zip(names["label"], names["series"], strict=True)
    ]


def _series(ledger: DataFrame) -> list[str]:
    """Return the labels without numbers of layers."""
    series = ledger["series"] if "series" in ledger.columns else [None] * len(ledger)
    cells = zip(ledger["label"], ledger["contender"], series, strict=True)
    return [series_label(str(label), str(contender), name) for label, contender, name in cells]


def _shown(rows: DataFrame) -> tuple[Any, str, str]:
    """Return the numbers of the rows of one point, missing if another row of the same seed has it."""
    if is_scaling(rows):
        largest = rows.groupby("label")["size"].transform("max")
        unit = first(rows["unit"])
        variance = rows["gradient_variance"] if "gradient_variance" in rows else rows["value"] * math.nan
        return variance.where(rows["size"] == largest), VARIANCE, "" if unit is None else f"{unit}\u00b2"
    amounts, quantity, unit = shown_errors(rows)
    if is_curve(rows):
        greatest = amounts.groupby([rows["label"], rows["seed"].fillna(-1)]).transform("max")
        repeated = rows.assign(seed=rows["seed"].fillna(-1)).duplicated(["label", "seed"])
        return greatest.where(~repeated), quantity, unit
    return amounts, quantity, unit


def _per_contender(rows: DataFrame, swept: list[str]) -> DataFrame:
    marked = rows.assign(
        converged=ended(rows, Status.CONVERGED.value),
        failed=ended(rows, Status.FAILED.value),
    )
    groups: Any = marked.groupby(["point", "label"], sort=False)
    table = groups.agg(
        **{column: (column, "first") for column in ("series", "layers", "family", *swept)},
        n_params=("n_params", "max"), seeds=("status", "size"), finite=("amounts", "count"),
        converged=("converged", "sum"), failed=("failed", "sum"), low=("amounts", "min"), median=("amounts", "median"),
        high=("amounts", "max"),
    ).reset_index()  # fmt: skip
    if set(rows["status"].dropna()) <= _CANNOT_CONVERGE:
        table["converged"] = None
    return table


def _best(table: DataFrame) -> list[bool]:
    """Return for each row if no other contender of its point is better."""
    order: list[tuple[float, float]] = []
    firsts: dict[int, tuple[float, float]] = {}
    for row, place in zip(typed(table, CampaignRow), _places(table), strict=True):
        order.append((place, float(row.n_params or 0) if known(row.n_params) else math.inf))
        firsts[row.point] = min(order[-1], firsts.get(row.point, order[-1]))
    return [place == firsts[at] and math.isfinite(place[0]) for at, place in zip(table["point"], order, strict=True)]


def _places(table: DataFrame) -> list[float]:
    """Return the place of each row among those of its point, equal errors one place; infinite without a number."""
    places = [math.inf] * len(table)
    rows = typed(table, CampaignRow)
    for point in dict.fromkeys(row.point for row in rows):
        here = [k for k, row in enumerate(rows) if row.point == point and known(row.median)]
        falling = any(rows[k].quantity == VARIANCE for k in here)  # there the greatest is the first
        values = [-float(rows[k].median) if falling else float(rows[k].median) for k in here]
        widths = [0.0 if falling else resolution(rows[k].unit) for k in here]
        for k, place in zip(here, levels(values, min(widths, default=0.0)), strict=True):
            places[k] = float(place)
    return places


def campaign_standings(table: DataFrame) -> DataFrame:
    """Compute one row per contender, over all points, the one that is best at the most points first.

    Args:
        table: `campaign_table`.

    Returns:
        Columns: `label`, `series`, `layers`, `family`, `n_params_low`, `n_params_high`, `points` (that it took part
        in), `finite` (those of them with a number), `won` (those at which it is best), `within` (points whose median
        error is within 1.6 mHa; missing if none is in hartree), `worst` (the greatest median error; missing if units
        differ or it is no error), `worst_at`, `mean_rank`, `seeds`, `converged` (missing if the study cannot
        converge), `failed`.
    """
    import pandas as pd

    kinds = table.loc[table["median"].notna(), ["quantity", "unit"]].drop_duplicates()
    one = len(kinds) == 1 and kinds["quantity"].iloc[0] == "error"
    places = pd.Series(_places(table), index=table.index)
    ranks = places.where(table["median"].notna()).groupby(table["point"]).rank()
    in_mha = table["unit"] == MILLIHARTREE
    level = CHEMICAL_ACCURACY * MILLIHARTREE_PER_HARTREE
    rows = []
    groups: Any = table.groupby("label", sort=False)
    for label, mine in groups:
        medians = mine["median"].dropna()
        extreme: Any = medians.idxmax() if one and len(medians) else None
        rows.append(
            {
                "label": str(label),
                **{name: first(mine[name]) for name in ("series", "layers", "family")},
                "n_params_low": mine["n_params"].min(),
                "n_params_high": mine["n_params"].max(),
                "points": len(mine),
                "finite": len(medians),
                "won": int(mine["best"].sum()),
                "within": int((mine.loc[in_mha, "median"] <= level).sum()) if some(in_mha) else None,
                "worst": None if extreme is None else float(mine.loc[extreme, "median"]),
                "worst_at": None if extreme is None else str(mine.loc[extreme, "name"]),
                "mean_rank": float(ranks[mine.index].mean()),
                **{name: int(mine[name].sum()) for name in ("seeds", "failed")},
                "converged": int(mine["converged"].sum()) if mine["converged"].notna().all() else None,
            }
        )
    rows.sort(key=lambda row: (-row["won"], -(row["within"] or 0), row["finite"] == 0, row["mean_rank"]))
    return pd.DataFrame(rows)


class BestAt(NamedTuple):
    """The best contenders of a point."""

    point: str
    """Name of the point."""
    rows: list[CampaignRow]
    """Their rows of `campaign_table`."""
    finite: int
    """Contenders that have a number there."""


def best_at(table: DataFrame) -> list[BestAt]:
    """Return the best contenders of every point."""
    by_point: dict[int, list[CampaignRow]] = {}
    for row in typed(table, CampaignRow):
        by_point.setdefault(row.point, []).append(row)
    return [
        BestAt(rows[0].name, [row for row in rows if row.best], sum(known(row.median) for row in rows))
        for _, rows in sorted(by_point.items())
    ]


def across(swept: Sequence[Argument]) -> Argument:
    """Return the argument whose values make the columns: a numeric one if there is any, with the most values."""
    return max(reversed(swept), key=lambda argument: (argument.numeric, len(argument.values)))


def blocks(table: DataFrame, along: Argument | None, swept: Sequence[Argument]) -> list[Block]:
    """Group the points by all arguments but one."""
    others = [argument for argument in swept if argument is not along]
    return [Block(fixed, rows) for fixed, rows in _grouped(table, others)] if others else [Block({}, table)]


def failures(ledger: DataFrame) -> list[tuple[str, int, str]]:
    """Return every message with the number of its rows and the place of the first, the most frequent first."""
    if "message" not in ledger.columns:
        return []
    rows = ledger.assign(label=_labels(ledger)).dropna(subset=["message"]) if len(ledger) else ledger
    swept = varied(ledger)
    entries = []
    for message, group in rows.groupby("message", sort=False):
        row = group.iloc[0]
        at = point_words({argument: row[argument.column] for argument in swept})
        entries.append((str(message), len(group), f"{row['label']} at {at}"))
    return sorted(entries, key=lambda entry: -entry[1])
