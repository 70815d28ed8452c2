"""Two tables of a report: what accuracy each contender's costs bought, and how surely and how soon it arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, get_args

from qvar.analysis.accuracy import Cost, correlation_per, least_parameters, series_of
from qvar.analysis.convergence import (
    KEYS,
    LEVELS,
    column_of,
    final_errors,
    minima_found,
    quantiles_to_tolerance,
    success,
)
from qvar.report import pieces, tables
from qvar.report.tables import Frame
from qvar.units import HARTREE, MILLIHARTREE_PER_HARTREE

if TYPE_CHECKING:
    import pandas as pd

_NAMES = ("rank", "label", *KEYS, "family", "n_params", "two_qubit_gates", "seeds", "unit")
"""Columns that both tables take from `tables.summary`, in its order of contenders."""

_COST_WORDS: dict[Cost, str] = {
    "parameter": "per parameter",
    "two_qubit_gate": "per CNOT",
    "gradient_evaluation": "per gradient",
    "shot": "per shot",
}


def accuracy_table(ledger: Frame) -> pd.DataFrame:
    """Accuracy per parameter: one row per contender, in the order of `tables.summary`.

    Args:
        ledger: a run's ledger.

    Returns:
        `rank`, `label`, `problem`, `contender`, `method`, `family`, `n_params`, `two_qubit_gates`, `seeds`, `unit`;
        `correlation_recovered` (median); `per_parameter_low`, `_median`, `_high` and so on for each cost of
        `qvar.analysis.accuracy.correlation_per`; `series` (the family of depths), `least_by_median`, `least_by_best`
        (see `qvar.analysis.accuracy.least_parameters`). What needs a tolerance is told for energies in hartree alone.
    """
    table: Frame = tables.summary(ledger)[[*_NAMES, "correlation_recovered"]]
    in_hartree = _in_hartree(ledger)
    for cost in get_args(Cost):
        found = _by_key(correlation_per(in_hartree if cost == "shot" else ledger, cost))
        for end in ("low", "median", "high"):
            table[f"per_{cost}_{end}"] = _looked_up(table, found, end, "float64")
    table["series"] = [series_of(str(contender))[0] for contender in table["contender"]]
    least = _by_key(least_parameters(in_hartree), "problem", "series", "method")
    for column in ("by_median", "by_best"):
        keys = ("problem", "series", "method")
        table[f"least_{column}"] = _looked_up(table, least, column, "Int64", keys)
    return table


def convergence_table(ledger: Frame, trace: Frame) -> pd.DataFrame:
    """How surely and how soon the seeds arrive: one row per contender, in the order of `tables.summary`.

    Args:
        ledger: a run's ledger.
        trace: its trace.

    Returns:
        `rank`, `label`, `problem`, `contender`, `method`, `family`, `n_params`, `two_qubit_gates`, `seeds`, `unit`
        (mHa for errors in hartree); the columns of `qvar.analysis.convergence`: `successes`, `share`, `low`, `high`;
        `reached`, `steps_10` ... `evaluations_90`; `best`, `error_10` ... `error_90` (in `unit`); `minima`,
        `in_lowest`, `levels`. What needs a tolerance is told for energies in hartree alone.
    """
    in_hartree = _in_hartree(ledger)
    within = success(in_hartree)
    arrivals = quantiles_to_tolerance(in_hartree, trace)
    errors = final_errors(ledger)
    table: Frame = tables.summary(ledger)[list(_NAMES)]
    for found in (within, arrivals, errors, minima_found(ledger)):
        values = _by_key(found)
        for name in [column for column in found.columns if column not in table.columns]:
            table[name] = _looked_up(table, values, name, str(found[name].dtype))
    milli = (table["unit"] == tables.MILLIHARTREE).to_numpy(dtype=bool)
    for name in ("best", *(column_of("error", level) for level in LEVELS)):
        table.loc[milli, name] *= MILLIHARTREE_PER_HARTREE
    return table


def accuracy_html(ledger: Frame, trace: Frame) -> str:
    """Both tables as a fragment of a page, each with a note on how to read it; columns without numbers are left out.

    Args:
        ledger: a run's ledger.
        trace: its trace.

    Returns:
        HTML, escaped; empty where there is nothing to tell.
    """
    if ledger.empty:
        return ""
    accuracy, convergence = (
        tables.records(accuracy_table(ledger)),
        tables.records(convergence_table(ledger, trace)),
    )
    bought = _html(
        accuracy,
        {
            "correlation recovered": lambda row: _digits(row.correlation_recovered),
            **{words: _per(cost) for cost, words in _COST_WORDS.items()},
            "fewest parameters to 1.6 mHa": _least,
        },
    )
    arrived = _html(
        convergence,
        {
            "within 1.6 mHa": success_words,
            "steps to 1.6 mHa": _quantiles("steps", tables.count),
            "evaluations to 1.6 mHa": _quantiles("evaluations", tables.count),
            _error_head(convergence): _quantiles("error", tables.number),
            "distinct minima (energies)": lambda row: f"{row.minima} ({row.levels})" if row.minima else tables.NOTHING,
            "seeds in the lowest": lambda row: f"{row.in_lowest}/{row.seeds}" if row.minima else tables.NOTHING,
        },
    )
    return (bought + _note(_ACCURACY_NOTE) if bought else "") + (arrived + _note(_CONVERGENCE_NOTE) if arrived else "")


_ACCURACY_NOTE = (
    "Correlation recovered is 0 for the reference state and 1 for the exact one. It is divided by the number of free "
    "parameters, of CNOTs, of gradients that the training took, and of shots that this training would have taken on a "
    "quantum computer with every energy measured to a standard error of 1.6 mHa (an upper bound, from the one-norm of "
    "the Hamiltonian): the median over the seeds, with the smallest and the largest in brackets. The fewest parameters "
    "are those over all depths of a contender that were run, for the median seed, and for the best seed where that "
    "takes fewer. Failed seeds count; a dash means that a number falls on one or is not known."
)

_CONVERGENCE_NOTE = (
    "Within 1.6 mHa: seeds that ended there, with the 95 % Wilson interval of the success rate. Steps, "
    f"evaluations and final errors are given for {', '.join(f'{100 * level:g}' for level in LEVELS)} % of the seeds: "
    "so many had got there by then, or ended with no more error. A dash means that the quantile falls on a seed that "
    "failed or never got there within its budget. Distinct minima are ends that differ in energy or in state, in "
    "brackets how many different energies they have; seeds that have not converged count as ends of their own."
)


def success_words(row: Any) -> str:
    """Successes with the Wilson interval of their share, such as "7/8 [53, 98] %"; a dash where not known.

    Args:
        row: a row of `qvar.analysis.convergence.success` or `convergence_table`.
    """
    if not tables.known(row.successes):
        return tables.NOTHING
    return f"{row.successes}/{row.seeds} [{100 * row.low:.0f}, {100 * row.high:.0f}] %"


# ---------------------------------------------------------------------------------------------------------------------
# Pieces


def _in_hartree(ledger: Frame) -> Frame:
    """The rows whose tolerance is known: in hartree, or failed before they had a unit."""
    return ledger[ledger["unit"].fillna(HARTREE) == HARTREE]


def _by_key(found: Frame, *keys: str) -> dict[tuple[str, ...], Any]:
    names = keys or KEYS
    return {tuple(str(getattr(row, name)) for name in names): row for row in tables.records(found)}


def _looked_up(
    table: Frame, found: dict[tuple[str, ...], Any], column: str, kind: str, keys: Sequence[str] = KEYS
) -> pd.Series:
    """A column of another table of contenders, row by row of this one; missing where that has no such row."""
    import pandas as pd

    rows = [found.get(tuple(str(getattr(row, name)) for name in keys)) for row in tables.records(table)]
    cells = [None if row is None or pd.isna(getattr(row, column)) else getattr(row, column) for row in rows]
    return pd.Series(cells, index=table.index, dtype=kind)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _html(rows: Sequence[Any], columns: dict[str, Callable[[Any], str]]) -> str:
    """A table of contenders; a column of dashes alone is left out, and so is a table without columns."""
    cells = {head: [tell(row) for row in rows] for head, tell in columns.items()}
    shown = {head: told for head, told in cells.items() if set(told) != {tables.NOTHING}}
    if not shown:
        return ""
    lines = [
        [
            (str(row.rank), "number"),
            pieces.name(row.label),
            *pieces.numbers(told[k] for told in shown.values()),
        ]
        for k, row in enumerate(rows)
    ]
    return pieces.table([pieces.text(head) for head in ("#", "contender", *shown)], lines)


def _note(words: str) -> str:
    return f'<p class="note">{pieces.text(words)}</p>'


def _digits(value: Any) -> str:
    return f"{float(value):.3g}" if tables.known(value) else tables.NOTHING


def _per(cost: Cost) -> Callable[[Any], str]:
    def tell(row: Any) -> str:
        low, median, high = (_digits(getattr(row, f"per_{cost}_{end}")) for end in ("low", "median", "high"))
        return median if low == median == high else f"{median} [{low}, {high}]"

    return tell


def _least(row: Any) -> str:
    median, best = tables.count(row.least_by_median), tables.count(row.least_by_best)
    return median if median == best else f"{median} (best seed {best})"


def _quantiles(what: str, tell: Callable[[Any], str]) -> Callable[[Any], str]:
    def words(row: Any) -> str:
        told = [tell(getattr(row, column_of(what, level))) for level in LEVELS]
        return tables.NOTHING if set(told) == {tables.NOTHING} else ", ".join(told)

    return words


def _error_head(rows: Sequence[Any]) -> str:
    units = {str(row.unit) for row in rows if row.unit}
    return f"final error ({units.pop()})" if len(units) == 1 else "final error"
