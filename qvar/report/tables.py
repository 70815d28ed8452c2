"""The summary of a ledger: one row per contender, over its seeds. What `qvar show` and the report both print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

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

_BELOW = 1e-8
"""How far below the reference, in the row's unit, a value must lie to be more than rounding."""


def summary(ledger: Frame) -> pd.DataFrame:
    """One row per contender (and problem and method, where there are several), in the ledger's order.

    Args:
        ledger: a run's ledger.

    Returns:
        Columns: `label`, `contender`, `problem`, `method`, `family`, `engine`, `n_params`, `two_qubit_gates`, `depth`;
        `seeds`, `finite` (seeds with a finite value), `status` ("7 converged, 1 stalled"), `failed`, `message`;
        `quantity` (`error`, or `value` where no reference is known), `unit` (mHa for energies in hartree),
        `best`, `median` (|value - reference| in `unit`, over the finite seeds; the values themselves for `value`);
        `within` (seeds within 1.6 mHa; missing for other units), `below` (seeds that ended below the reference),
        `correlation_recovered` (median), `evaluations` (median gradient evaluations), `evaluations_to_tolerance`
        (median of the seeds that got there), `wall_s` and `compile_s` (of the whole batch).
    """
    import pandas as pd

    keys = ["problem", "contender", "method"]
    groups = ledger.groupby(keys, dropna=False, sort=False) if len(ledger) else []
    entries = [_entry(group) for _, group in groups]
    table = pd.DataFrame(entries, columns=list(_entry(ledger.iloc[:0])))
    table.insert(0, "label", labels(table))
    return table


def records(table: Frame) -> list[Any]:
    """The rows of a table, each with its columns as attributes."""
    return list(table.itertuples(index=False))


def labels(rows: Frame) -> list[str]:
    """Names that tell contenders apart: problem and method are said where a run has several.

    Args:
        rows: any table with the columns `contender`, `problem` and, if it has one, `method`.

    Returns:
        One name per row.
    """
    several = [c for c in ("problem", "method") if c in rows.columns and rows[c].dropna().nunique() > 1]
    return [
        ", ".join([str(contender), *(str(value) for value in others if _known(value))])
        for contender, *others in rows[["contender", *several]].itertuples(index=False, name=None)
    ]


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


def below_reference(table: Frame) -> str | None:
    """A sentence on contenders that ended below the exact reference, or None where there are none.

    Args:
        table: a `summary`.
    """
    rows = table[table["below"] > 0]
    if rows.empty:
        return None
    which = ", ".join(f"{row.label} ({row.below} of {row.seeds} seeds)" for row in records(rows))
    return (
        f"Below the reference ended: {which}. Errors are shown by size; a state of another particle number or spin "
        "than the reference's can lie below it."
    )


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
        "status": status_words(group["status"]),
        "failed": int((group["status"] == "failed").fillna(False).sum()),
        "message": "; ".join(dict.fromkeys(str(message) for message in messages)) or None,
        "quantity": quantity,
        "unit": unit,
        "best": finite.min() if len(finite) else None,
        "median": finite.median() if len(finite) else None,
        "within": int((errors.abs() <= CHEMICAL_ACCURACY).sum()) if in_hartree else None,
        "below": int((errors < -_BELOW).sum()),
        "correlation_recovered": _median(group["correlation_recovered"]),
        "evaluations": _median(group["gradient_evaluations"]),
        "evaluations_to_tolerance": _median(group["evaluations_to_tolerance"]),
        "wall_s": _median(group["wall_s"]),
        "compile_s": _median(group["compile_s"]),
    }


def _first(values: Column) -> Any:
    present = values.dropna()
    return present.iloc[0] if len(present) else None


def _median(values: Column) -> float | None:
    present = values.dropna()
    return float(present.median()) if len(present) else None


def _known(value: Any) -> bool:
    return value is not None and value == value  # NaN is not equal to itself


# ---------------------------------------------------------------------------------------------------------------------
# Numbers as text


def number(value: Any) -> str:
    """An error or value with four or more digits for a table; a dash where there is none."""
    if not _is_number(value):
        return NOTHING
    size = abs(float(value))
    if size != 0 and (size < 1e-3 or size >= 1e6):
        return f"{float(value):.1e}"
    return f"{float(value):.{3 if size < 10 else 2 if size < 100 else 1}f}"


def count(value: Any) -> str:
    """A count, or the median of counts, for a table; a dash where there is none."""
    return f"{float(value):.0f}" if _is_number(value) else NOTHING


def seconds(value: Any) -> str:
    """A time for a table: 0.3 s, 12 s, 3.4 min, 1.2 h."""
    if not _is_number(value):
        return NOTHING
    time = float(value)
    if time < 10:
        return f"{time:.1f} s"
    if time < 120:
        return f"{time:.0f} s"
    return f"{time / 60:.1f} min" if time < 7200 else f"{time / 3600:.1f} h"


def within_words(row: Any) -> str:
    """Seeds within 1.6 mHa of all, such as "7/8"; a dash where the unit has no chemical accuracy."""
    return f"{int(row.within)}/{row.seeds}" if _is_number(row.within) else NOTHING


def _is_number(value: Any) -> bool:
    import pandas as pd

    return not pd.isna(value)
