"""The summary of a ledger: one row per contender, over its seeds. What `qvar show` and the report both print."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

from qvar.analysis.accuracy import levels
from qvar.optimize.budget import Status
from qvar.units import CHEMICAL_ACCURACY, HARTREE, MILLIHARTREE_PER_HARTREE

if TYPE_CHECKING:
    import pandas as pd

Frame: TypeAlias = Any
"""A pandas.DataFrame. Type checkers take any selection of one for a Series as well, so it is not said to them."""

Column: TypeAlias = Any
"""A pandas.Series, likewise."""

MILLIHARTREE = "mHa"
"""Unit in which errors of molecular energies are shown."""

NOTHING = "-"
"""What stands in a table where there is no number."""

RESOLUTION = 1e-8
"""Differences smaller than this, in the ledger's unit, are rounding: exact energies are right to as much."""


def summary(ledger: Frame) -> pd.DataFrame:
    """One row per contender (and problem and method, where there are several), the lowest median error first.

    Errors that differ by no more than `RESOLUTION` are equal: then the contender with the fewer parameters comes first,
    then the one of which more seeds converged, then the one that took fewer evaluations. Several problems stay apart,
    in the ledger's order; contenders whose exact value is not known come after all errors, and those without a number
    last.

    Args:
        ledger: a run's ledger.

    Returns:
        Columns: `rank` (1, 2, ... from the top), `label`, `contender`, `problem`, `method`, `family`, `engine`,
        `n_params`, `two_qubit_gates`, `depth`;
        `seeds`, `finite` (seeds with a finite value), `converged`, `failed`, `status` ("7 converged, 1 stalled"),
        `message`; `equals` (how many contenders of the problem have the same median error, this one included);
        `quantity` (`error`, or `value` where no reference is known), `unit` (mHa for energies in hartree),
        `best`, `median` (|value - reference| in `unit`, over the finite seeds; the values themselves for `value`);
        `within` (seeds within 1.6 mHa; missing for other units), `below` (seeds that ended below the reference),
        `correlation_recovered` (median), `evaluations` (median, see `evaluations`), `evaluations_to_tolerance`
        (median of the seeds that got there), `wall_s` and `compile_s` (of the whole batch).
    """
    import pandas as pd

    keys = ["problem", "contender", "method"]
    groups = ledger.groupby(keys, dropna=False, sort=False) if len(ledger) else []
    entries = [_entry(group) for _, group in groups]
    problems = list(dict.fromkeys(entry["problem"] for entry in entries))
    entries = [
        entry
        for problem in problems
        for entry in _ranked([entry for entry in entries if entry["problem"] == problem], "median")
    ]
    table = pd.DataFrame(entries, columns=[*_entry(ledger.iloc[:0]), "equals"])
    table.insert(0, "rank", range(1, len(table) + 1))
    table.insert(1, "label", labels(table))
    return table


def curve_summary(ledger: Frame) -> pd.DataFrame:
    """One row per contender of a run along a coordinate, the smallest greatest error first, as `summary` does it.

    Args:
        ledger: the ledger of a `qvar.studies.curve.Curve`.

    Returns:
        The columns of `summary`, over all points and seeds, with `seeds` the number of rows, and `worst` (greatest
        |error| along the curve), `npe` (non-parallelity error: greatest minus smallest signed error along the curve;
        missing where a point is), `mean` (mean |error|): medians over the seeds, in `unit`. `evaluations`, `wall_s`
        and `compile_s` are sums over the points.
    """
    import pandas as pd

    groups = ledger.groupby(["contender", "method"], dropna=False, sort=False) if len(ledger) else []
    entries = [_curve_entry(group) for _, group in groups]
    table = pd.DataFrame(_ranked(entries, "worst"), columns=[*_curve_entry(ledger.iloc[:0]), "equals"])
    table.insert(0, "rank", range(1, len(table) + 1))
    table.insert(1, "label", labels(table.drop(columns="problem")))
    return table


def is_curve(ledger: Frame) -> bool:
    """Whether a ledger goes along a coordinate, as that of a `qvar.studies.curve.Curve` does."""
    return {"coordinate", "coordinate_name", "coordinate_unit"} <= set(ledger.columns)


def is_scaling(ledger: Frame) -> bool:
    """Whether a ledger goes over sizes, as that of a `qvar.studies.scaling.Scaling` does."""
    return {"size_name", "start"} <= set(ledger.columns)


def axis_name(ledger: Frame) -> str:
    """The coordinate of a run along one, with its unit, such as "bond (angstrom)"."""
    name, unit = (_first(ledger[column]) for column in ("coordinate_name", "coordinate_unit"))
    return f"{name or 'coordinate'} ({unit})" if unit else str(name or "coordinate")


def resolution(unit: str) -> float:
    """`RESOLUTION` in the unit that errors are shown in."""
    return RESOLUTION * (MILLIHARTREE_PER_HARTREE if unit == MILLIHARTREE else 1)


def evaluations(rows: Frame) -> Column:
    """What each row of a ledger spent of its budget: energies, with or without their gradients."""
    return rows["energy_evaluations"].fillna(rows["gradient_evaluations"])


def known(value: Any) -> bool:
    """Whether a cell of a table holds something."""
    import pandas as pd

    return not bool(pd.isna(value))


def records(table: Frame) -> list[Any]:
    """The rows of a table, each with its columns as attributes."""
    return list(table.itertuples(index=False))


def labels(rows: Frame) -> list[str]:
    """Names that tell contenders apart: problem and method are said where a run has several.

    The problems of a run along a coordinate or over sizes are the points of one contender's curve, and are not said;
    of a run over sizes the start is.

    Args:
        rows: any table with the columns `contender`, `problem` and, if it has one, `method`.

    Returns:
        One name per row.
    """
    tells = ("problem", "method")
    if is_curve(rows) or is_scaling(rows):  # their problems are the points of one contender
        tells = ("start", "method") if is_scaling(rows) else ("method",)
    several = [c for c in tells if c in rows.columns and rows[c].dropna().nunique() > 1]
    return [
        ", ".join([str(contender), *(str(value) for value in others if known(value))])
        for contender, *others in rows[["contender", *several]].itertuples(index=False, name=None)
    ]


def whose(label: str, row: Any) -> str:
    """A row of a ledger by name, such as "uccsd, seed 3, bond 1.5"."""
    words = [label]
    if known(row["seed"]):
        words.append(f"seed {count(row['seed'])}")
    if known(row.get("coordinate")):
        words.append(f"{row['coordinate_name']} {row['coordinate']:g}")
    if known(row.get("size_name")):
        words.append(f"{count(row['size'])} {row['size_name']}")
    return ", ".join(words)


def shown_errors(rows: Frame) -> tuple[Column, str, str]:
    """What is shown of rows that share a unit: the size of the error, or the value where no reference is known.

    Args:
        rows: rows of a ledger or a trace with the columns `value`, `error` and, in a ledger, `unit`.

    Returns:
        The numbers, what they are (`error` or `value`), and their unit: mHa for errors in hartree.
    """
    unit = _first(rows["unit"]) or ""
    if rows["error"].notna().any():
        errors = rows["error"].abs()
        return (
            (errors * MILLIHARTREE_PER_HARTREE, "error", MILLIHARTREE) if unit == HARTREE else (errors, "error", unit)
        )
    return rows["value"], "value", unit


def lowest(table: Frame, column: str) -> Any:
    """The row of the lowest error, equal ones in the table's order.

    Args:
        table: rows of a `summary` that have a number there.
        column: such as "median".
    """
    numbers = table[column].astype(float)
    return table[numbers <= numbers.min() + resolution(str(table.loc[numbers.idxmin(), "unit"]))].iloc[0]


def errors_alone(table: Frame) -> Frame:
    """A summary whose values without an exact one are blank if others have errors: they cannot share a column.

    Args:
        table: a `summary`.
    """
    if not (table["quantity"] == "error").any():
        return table
    blank = table["quantity"] == "value"
    return table.assign(best=table["best"].mask(blank), median=table["median"].mask(blank))


def endings(ledger: Frame) -> dict[str, dict[str, int]]:
    """Every status that occurs, with the contenders that ended so and how many of their rows did."""
    named = ledger.assign(label=labels(ledger), status=ledger["status"].fillna("unknown"))
    groups = named.groupby("status", sort=False)
    return {str(status): group["label"].value_counts(sort=False).to_dict() for status, group in groups}


def status_words(statuses: Column) -> str:
    """How the seeds ended, such as "7 converged, 1 stalled"."""
    counts = statuses.fillna("unknown").value_counts()
    return ", ".join(f"{count} {str(status).replace('_', ' ')}" for status, count in counts.items())


def _entry(group: Frame) -> dict[str, Any]:
    import numpy as np

    shown, quantity, unit = shown_errors(group)
    finite = shown[np.isfinite(shown)]
    errors = group["error"][np.isfinite(group["error"])]
    messages = group["message"].dropna() if "message" in group.columns else []
    in_hartree = _first(group["unit"]) == HARTREE and quantity == "error"
    return {
        "contender": _first(group["contender"]),
        "problem": _first(group["problem"]),
        "method": _first(group["method"]),
        "family": _first(group["family"]),
        "engine": _first(group["engine"]),
        "n_params": _first(group["n_params"]),
        "two_qubit_gates": _first(group["two_qubit_gates"]),
        "depth": _first(group["depth"]),
        "seeds": len(group),
        "finite": len(finite),
        "converged": int((group["status"] == Status.CONVERGED.value).fillna(False).sum()),
        "failed": int((group["status"] == Status.FAILED.value).fillna(False).sum()),
        "status": status_words(group["status"]),
        "message": "; ".join(dict.fromkeys(str(message) for message in messages)) or None,
        "quantity": quantity,
        "unit": unit,
        "best": finite.min() if len(finite) else None,
        "median": finite.median() if len(finite) else None,
        "within": int((errors.abs() <= CHEMICAL_ACCURACY).sum()) if in_hartree else None,
        "below": int((errors < -RESOLUTION).sum()),
        "correlation_recovered": _median(group["correlation_recovered"]),
        "evaluations": _median(evaluations(group)),
        "evaluations_to_tolerance": _median(group["evaluations_to_tolerance"]),
        "wall_s": _median(group["wall_s"]),
        "compile_s": _median(group["compile_s"]),
    }


def _curve_entry(group: Frame) -> dict[str, Any]:
    import numpy as np

    shown, quantity, unit = shown_errors(group)
    errors = group.assign(shown=shown if quantity == "error" else math.nan)
    seeds = [seed for _, seed in errors.groupby("seed", dropna=False)]
    npe = _over(seeds, "npe", np.max)
    return {
        **_entry(group),
        "worst": _over(seeds, "shown", np.max),
        "npe": npe if npe is None or unit != MILLIHARTREE else MILLIHARTREE_PER_HARTREE * npe,
        "mean": _over(seeds, "shown", np.mean),
        "evaluations": _over([seed.assign(evaluations=evaluations(seed)) for seed in seeds], "evaluations", np.sum),
        "wall_s": _over(seeds, "wall_s", np.sum),
        "compile_s": _over(seeds, "compile_s", np.sum),
    }


def _over(seeds: list[Frame], column: str, reduce: Any) -> float | None:
    """The median over the seeds of one number per seed."""
    import numpy as np

    columns = [seed[column].to_numpy(dtype=float, na_value=np.nan) for seed in seeds if column in seed.columns]
    numbers = [reduce(values[np.isfinite(values)]) for values in columns if np.isfinite(values).any()]
    return float(np.median(numbers)) if numbers else None


def _ranked(entries: list[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    """The entries of one problem in the order of a table, each with `equals`."""
    ordered: list[dict[str, Any]] = []
    kinds = {(entry["quantity"] != "error", str(entry["unit"])) for entry in entries if known(entry[column])}
    for kind in sorted(kinds):
        mine = [e for e in entries if known(e[column]) and (e["quantity"] != "error", str(e["unit"])) == kind]
        places = levels([float(entry[column]) for entry in mine], resolution(kind[1]))
        keys = [(place, *_costs(entry)) for place, entry in zip(places, mine, strict=True)]
        for k in sorted(range(len(mine)), key=lambda k: keys[k]):
            ordered.append({**mine[k], "equals": places.count(places[k])})
    rest = [entry for entry in entries if not known(entry[column])]
    return [*ordered, *({**entry, "equals": None} for entry in sorted(rest, key=_costs))]


def _costs(entry: dict[str, Any]) -> tuple[float, float, float]:
    """Order of contenders with one error."""
    n_params, evaluations = (float(e) if known(e) else math.inf for e in (entry["n_params"], entry["evaluations"]))
    return n_params, -entry["converged"] / max(entry["seeds"], 1), evaluations


def _first(values: Column) -> Any:
    present = values.dropna()
    return present.iloc[0] if len(present) else None


def _median(values: Column) -> float | None:
    present = values.dropna()
    return float(present.median()) if len(present) else None


# ---------------------------------------------------------------------------------------------------------------------
# Numbers as text


def error_words(value: Any, unit: Any) -> str:
    """An error for a table; one below what the exact value is known to is "<1e-5" mHa, or "<1e-8" of another unit."""
    if known(value) and abs(float(value)) <= resolution(unit):
        return f"<{resolution(unit):.0e}".replace("e-0", "e-")
    return number(value)


def number(value: Any) -> str:
    """An error or value with four or more digits for a table; a dash where there is none."""
    if not known(value):
        return NOTHING
    size = abs(float(value))
    if size != 0 and (size < 1e-3 or size >= 1e6):
        return f"{float(value):.1e}"
    return f"{float(value):.{3 if size < 10 else 2 if size < 100 else 1}f}"


def count(value: Any) -> str:
    """A count, or the median of counts, for a table; a dash where there is none."""
    return f"{float(value):.0f}" if known(value) else NOTHING


def seconds(value: Any) -> str:
    """A time for a table: 0.3 s, 12 s, 3.4 min, 1.2 h."""
    if not known(value):
        return NOTHING
    time = float(value)
    if time < 10:
        return f"{time:.1f} s"
    if time < 120:
        return f"{time:.0f} s"
    return f"{time / 60:.1f} min" if time < 7200 else f"{time / 3600:.1f} h"


def within_words(row: Any) -> str:
    """Seeds within 1.6 mHa of all, such as "7/8"; a dash where the unit has no chemical accuracy."""
    return f"{int(row.within)}/{row.seeds}" if known(row.within) else NOTHING
