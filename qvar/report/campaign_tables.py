"""A campaign in numbers: one row per point and contender, who won how often, and who stands in which cell."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qvar.analysis.accuracy import levels, series_of
from qvar.optimize.budget import Status
from qvar.records.schema import SWEEP
from qvar.report import tables
from qvar.report.tables import Frame
from qvar.units import CHEMICAL_ACCURACY, MILLIHARTREE_PER_HARTREE

VARIANCE = "variance"
"""Quantity of a study in which nothing is trained: there more is better."""


@dataclass(frozen=True)
class Argument:
    """A swept argument of a case."""

    name: str
    column: str
    numeric: bool
    """Whether its values are different numbers, which an axis can show; truth values are none."""
    values: tuple[Any, ...]
    """Numbers from the smallest, others as they first appear; None where the argument was not given."""

    def position(self, value: Any) -> int:
        """Which of the values this is."""
        return self.values.index(value if tables.known(value) else None)


@dataclass(frozen=True)
class Block:
    """The points that share all arguments but one."""

    fixed: dict[Argument, Any]
    """What they share."""
    rows: Frame
    """Those rows of `results`."""

    @property
    def name(self) -> str:
        """What they share in words; empty where nothing else was swept."""
        return point_words(self.fixed)


def is_campaign(ledger: Frame) -> bool:
    """Whether a ledger is that of a case swept over its arguments."""
    return any(str(column).startswith(SWEEP) for column in ledger.columns)


def arguments(ledger: Frame) -> list[Argument]:
    """The swept arguments, in the order of their columns."""
    found: list[Argument] = []
    for column in ledger.columns:
        if not str(column).startswith(SWEEP):
            continue
        values: list[Any] = [value.item() if hasattr(value, "item") else value for value in ledger[column].unique()]
        values = list(dict.fromkeys(value if tables.known(value) else None for value in values))
        numeric = len(values) > 1 and all(
            isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value) for value in values
        )
        found.append(
            Argument(str(column).removeprefix(SWEEP), column, numeric, tuple(sorted(values) if numeric else values))
        )
    return found


def varied(ledger: Frame) -> list[Argument]:
    """The swept arguments that have several values; all of them where none has."""
    swept = arguments(ledger)
    return [argument for argument in swept if len(argument.values) > 1] or swept


def alone(table: Frame) -> Frame:
    """A ledger or trace without the swept arguments: what the study itself wrote."""
    return table.drop(columns=[column for column in table.columns if str(column).startswith(SWEEP)])


def points(ledger: Frame) -> list[tuple[dict[Argument, Any], Frame]]:
    """The points that have rows, the last argument running fastest, each with its rows."""
    swept = varied(ledger)
    groups = ledger.groupby([argument.column for argument in swept], dropna=False, sort=False)
    found = []
    for values, rows in groups:
        at = dict(zip(swept, values, strict=True))
        found.append(([argument.position(value) for argument, value in at.items()], at, rows))
    return [(at, rows) for _, at, rows in sorted(found, key=lambda entry: entry[0])]


def value_words(value: Any, digits: int = 6) -> str:
    """A value of an argument, with so many digits at most where it is no whole number."""
    if isinstance(value, list | tuple):  # of `case.json`; in a ledger it is one text
        return " ".join(map(str, value))
    if not tables.known(value):
        return "not given"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def short_words(values: Sequence[Any]) -> list[str]:
    """Values of one argument with as few digits, three or more, as tell them apart."""
    for digits in range(3, 17):
        words = [value_words(value, digits) for value in values]
        if len(set(words)) == len(words):
            return words
    return [value_words(value) for value in values]


def point_words(at: dict[Argument, Any]) -> str:
    """A point in words, such as "molecule=h4, layers=3"."""
    return ", ".join(f"{argument.name}={value_words(value)}" for argument, value in at.items())


def results(ledger: Frame) -> Frame:
    """One row per point and contender.

    A contender whose name tells its depth ("x4") is one contender at all points where no point has two of its depths.
    What is told of it is the median over its seeds of |error|, or of the value where a point has no reference; along
    a curve of each seed's greatest |error|; over sizes the variance of the gradient at the largest size.

    Args:
        ledger: of a campaign; any study's.

    Returns:
        Columns: `point` (0, 1, ...), `name` (of the point), the swept columns, `label`, `family`, `n_params`,
        `quantity` (`error`, `value` or `variance`), `unit` (mHa for errors in hartree), `seeds` (rows), `finite`,
        `converged`, `failed`, `low`, `median`, `high`, `best` (whether no other contender of the point is better:
        equal errors go by fewer parameters). The points as `points` gives them.
    """
    import numpy as np
    import pandas as pd

    if ledger.empty:
        return pd.DataFrame(columns=[*ledger.columns, *_COLUMNS])
    ledger = ledger.assign(label=_labels(ledger))
    swept = [argument.column for argument in arguments(ledger)]
    parts, about = [], {}
    for number, (at, rows) in enumerate(points(ledger)):
        shown, quantity, unit = _shown(rows)
        numbers_shown = shown.to_numpy(dtype=float, na_value=np.nan)
        parts.append(rows.assign(point=number, shown=np.where(np.isfinite(numbers_shown), numbers_shown, np.nan)))
        about[number] = (point_words(at), quantity, unit)
    table = _per_contender(pd.concat(parts), swept)
    for place, column in enumerate(("name", "quantity", "unit")):
        table[column] = [about[number][place] for number in table["point"]]
    table["best"] = _best(table)
    return table[["point", "name", *swept, *_COLUMNS]]


_COLUMNS = (
    "label", "family", "n_params", "quantity", "unit", "seeds", "finite", "converged", "failed", "low", "median",
    "high", "best",
)  # fmt: skip


def _labels(ledger: Frame) -> list[str]:
    """Names of contenders that are the same at all points; what differs from point to point is not said."""
    columns = [argument.column for argument in arguments(ledger)]
    along = tables.is_curve(ledger) or tables.is_scaling(ledger)

    def inside(column: str) -> bool:
        return bool((ledger.groupby(columns, dropna=False)[column].nunique() > 1).any())

    tells = [column for column in ("problem", "method", "start", "setting") if column in ledger.columns]
    said = [column for column in tells if inside(column) and not (along and column == "problem")]
    if tables.is_scaling(ledger) and "start" not in said:  # else it is no longer known for one
        ledger = ledger.drop(columns="size_name")
    named = tables.labels(ledger.drop(columns=[column for column in tells if column not in said]))
    if "setting" in said:
        named = [f"{name}, {setting}" for name, setting in zip(named, ledger["setting"], strict=True)]
    return _without_depth(ledger.assign(label=named), columns)


def _without_depth(ledger: Frame, columns: list[str]) -> list[str]:
    """Names without the depth where it is one of the things that differ from point to point."""
    names = ledger.assign(series=[series_of(str(label))[0] for label in ledger["label"]])
    several = names.groupby([*columns, "series"], dropna=False)["label"].nunique().groupby("series").max() > 1
    depths = names.groupby("series")["label"].nunique()
    return [
        str(series) if depths[series] > 1 and not several[series] else str(label)
        for label, series in zip(names["label"], names["series"], strict=True)
    ]


def _shown(rows: Frame) -> tuple[Any, str, str]:
    """What is told of the rows of one point, missing where another row of the same seed tells it."""
    if tables.is_scaling(rows):
        largest = rows.groupby("label")["size"].transform("max")
        units = rows["unit"].dropna()
        unit = f"{units.iloc[0]}\u00b2" if len(units) else ""
        variance = rows["gradient_variance"] if "gradient_variance" in rows else rows["value"] * math.nan
        return variance.where(rows["size"] == largest), VARIANCE, unit
    shown, quantity, unit = tables.shown_errors(rows)
    if tables.is_curve(rows):
        greatest = shown.groupby([rows["label"], rows["seed"].fillna(-1)]).transform("max")
        first = ~rows.assign(seed=rows["seed"].fillna(-1)).duplicated(["label", "seed"])
        return greatest.where(first), quantity, unit
    return shown, quantity, unit


def _per_contender(rows: Frame, swept: list[str]) -> Frame:
    marked = rows.assign(
        converged=(rows["status"] == Status.CONVERGED.value).fillna(False).astype(bool),
        failed=(rows["status"] == Status.FAILED.value).fillna(False).astype(bool),
    )
    groups = marked.groupby(["point", "label"], sort=False)
    firsts = {column: (column, "first") for column in ("family", *swept)}
    return groups.agg(
        **firsts,
        n_params=("n_params", "max"), seeds=("status", "size"), finite=("shown", "count"),
        converged=("converged", "sum"), failed=("failed", "sum"), low=("shown", "min"), median=("shown", "median"),
        high=("shown", "max"),
    ).reset_index()  # fmt: skip


def _best(table: Frame) -> list[bool]:
    """Of each row, whether no other contender of its point is better."""
    order: list[tuple[float, float]] = []
    firsts: dict[int, tuple[float, float]] = {}
    for row, place in zip(tables.records(table), _places(table), strict=True):
        order.append((place, float(row.n_params) if tables.known(row.n_params) else math.inf))
        firsts[row.point] = min(order[-1], firsts.get(row.point, order[-1]))
    return [place == firsts[at] and math.isfinite(place[0]) for at, place in zip(table["point"], order, strict=True)]


def _places(table: Frame) -> list[float]:
    """The place of each row among those of its point, equal errors one place; infinite without a number."""
    places = [math.inf] * len(table)
    rows = tables.records(table)
    for point in dict.fromkeys(row.point for row in rows):
        here = [k for k, row in enumerate(rows) if row.point == point and tables.known(row.median)]
        falling = any(rows[k].quantity == VARIANCE for k in here)  # there the greatest is the first
        values = [-float(rows[k].median) if falling else float(rows[k].median) for k in here]
        widths = [0.0 if falling else tables.resolution(rows[k].unit) for k in here]
        for k, place in zip(here, levels(values, min(widths, default=0.0)), strict=True):
            places[k] = float(place)
    return places


def standings(table: Frame) -> Frame:
    """One row per contender, over all points, who is best at the most points first.

    Args:
        table: `results`.

    Returns:
        Columns: `label`, `family`, `n_params_low`, `n_params_high`, `points` (that it took part in), `finite` (those
        of them with a number), `won`, `within` (points whose median error is within 1.6 mHa; missing where none is in
        hartree), `worst` (the greatest median error; missing where units
        differ or it is no error), `worst_at`, `mean_rank`, `seeds`, `converged`,
        `failed`.
    """
    import pandas as pd

    kinds = table.loc[table["median"].notna(), ["quantity", "unit"]].drop_duplicates()
    one = len(kinds) == 1 and kinds["quantity"].iloc[0] == "error"
    places = pd.Series(_places(table), index=table.index)
    ranks = places.where(table["median"].notna()).groupby(table["point"]).rank()
    in_mha = table["unit"] == tables.MILLIHARTREE
    level = CHEMICAL_ACCURACY * MILLIHARTREE_PER_HARTREE
    rows = []
    for label, mine in table.groupby("label", sort=False):
        medians = mine["median"].dropna()
        extreme = medians.idxmax() if one and len(medians) else None
        families = mine["family"].dropna()
        rows.append(
            {
                "label": str(label),
                "family": families.iloc[0] if len(families) else None,
                "n_params_low": mine["n_params"].min(),
                "n_params_high": mine["n_params"].max(),
                "points": len(mine),
                "finite": int(mine["median"].notna().sum()),
                "won": int(mine["best"].sum()),
                "within": int((mine.loc[in_mha, "median"] <= level).sum()) if in_mha.any() else None,
                "worst": None if extreme is None else float(mine.loc[extreme, "median"]),
                "worst_at": None if extreme is None else str(mine.loc[extreme, "name"]),
                "mean_rank": float(ranks[mine.index].mean()),
                "seeds": int(mine["seeds"].sum()),
                "converged": int(mine["converged"].sum()),
                "failed": int(mine["failed"].sum()),
            }
        )
    rows.sort(key=lambda row: (-row["won"], -(row["within"] or 0), row["finite"] == 0, row["mean_rank"]))
    return pd.DataFrame(rows)


def winners(table: Frame) -> list[tuple[str, list[Any], int]]:
    """For every point its name, the rows of `results` that are best there, and how many contenders have a number."""
    found: dict[int, list[Any]] = {}
    for row in tables.records(table):
        found.setdefault(row.point, []).append(row)
    return [
        (str(rows[0].name), [row for row in rows if row.best], sum(tables.known(row.median) for row in rows))
        for _, rows in sorted(found.items())
    ]


def across(swept: Sequence[Argument]) -> Argument:
    """The argument whose values make the columns: a numeric one if there is any, of those the one with most values."""
    return max(reversed(swept), key=lambda argument: (argument.numeric, len(argument.values)))


def blocks(table: Frame, along: Argument | None, swept: Sequence[Argument]) -> list[Block]:
    """The points grouped by all arguments but one.

    Args:
        table: `results`.
        along: the argument that differs within a block.
        swept: the arguments that have several values.
    """
    others = [argument for argument in swept if argument is not along]
    if not others:
        return [Block({}, table)]
    found = []
    for values, rows in table.groupby([argument.column for argument in others], dropna=False, sort=False):
        fixed = dict(zip(others, values, strict=True))
        found.append(([argument.position(value) for argument, value in fixed.items()], Block(fixed, rows)))
    return [block for _, block in sorted(found, key=lambda entry: entry[0])]


def unit_words(table: Frame) -> str:
    """What the numbers are, such as "median error (mHa)", or "" where they are of several kinds."""
    kinds = table.loc[table["median"].notna(), ["quantity", "unit"]].drop_duplicates()
    if len(kinds) != 1:
        return ""
    quantity, unit = kinds.iloc[0]
    noun = {"error": "median |error|", VARIANCE: "variance of the gradient"}.get(str(quantity), f"median {quantity}")
    return f"{noun} ({unit})" if unit else noun


def cell_words(row: Any) -> str:
    """The number of one contender at one point; "failed" where nothing of it has a number."""
    if not tables.known(row.median):
        return "failed" if row.failed else tables.NOTHING
    if row.quantity == "error":
        floor = tables.resolution(row.unit)
        return f"<{floor:g}" if row.median < floor else tables.number(row.median)
    return f"{row.median:.3g}" if row.quantity == VARIANCE else f"{row.median:.6f}"


def failures(ledger: Frame) -> list[tuple[str, int, str]]:
    """Every message with the number of rows that have it and where it stands first, the commonest first."""
    if "message" not in ledger.columns:
        return []
    rows = ledger.assign(label=_labels(ledger)).dropna(subset=["message"]) if len(ledger) else ledger
    swept = varied(ledger)
    found = []
    for message, group in rows.groupby("message", sort=False):
        first = group.iloc[0]
        at = point_words({argument: first[argument.column] for argument in swept})
        found.append((str(message), len(group), f"{first['label']} at {at}"))
    return sorted(found, key=lambda entry: -entry[1])
