"""Tables of accuracy per cost, and of how often and how soon the seeds converge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qvar._types import DataFrame
from qvar.analysis.accuracy import Cost
from qvar.analysis.contenders import accuracy_table, convergence_table
from qvar.analysis.convergence import LEVELS, column_of
from qvar.analysis.rows import known, records
from qvar.report.formats import count, digits, number, recovered_words, share
from qvar.report.table import NOTHING, Column, Part, Table

_COST_WORDS: dict[Cost, str] = {
    "parameter": "per parameter",
    "two_qubit_gate": "per CNOT",
    "gradient_evaluation": "per gradient",
    "shot": "per shot",
}

_ACCURACY_NOTE = (
    "Correlation recovered is 0 for the reference state and 1 for the exact one. It is divided by the number of free "
    "parameters, of CNOTs, of gradients that the training took, and of shots that this training would have taken on a "
    "quantum computer with every energy measured to a standard error of 1.6 mHa (an upper bound, from the one-norm of "
    "the Hamiltonian): the median over the seeds, with the smallest and the largest in brackets. The fewest parameters "
    "are those over all depths of a contender that were run, for the median seed, and for the best seed where that "
    "takes fewer. Failed seeds count; a dash means that a number falls on one or is not known."
)

_WITHIN_NOTE = "Within 1.6 mHa: seeds that ended there, with the 95 % Wilson interval of the success rate. "

_CONVERGENCE_NOTE = (
    "Steps, "
    f"evaluations and final errors are quantiles: {', '.join(f'{100 * level:g}' for level in LEVELS)} % of the seeds "
    "had got there by then, or ended with no more error; one number if all of them are the same. A dash means that "
    "the quantile falls on a seed that failed or never got there within its budget. Distinct minima are ends that "
    "differ in energy or in state, in brackets the number of their different energies; seeds that have not converged "
    "count as ends of their own."
)


def accuracy_parts(ledger: DataFrame, trace: DataFrame) -> list[Part]:
    """Return both tables, each with a note on how to read it; columns without numbers are left out."""
    if ledger.empty:
        return []
    costs = records(accuracy_table(ledger))
    convergence = records(convergence_table(ledger, trace))
    units = {str(row.unit) for row in convergence if row.unit}
    error = f"final error ({units.pop()})" if len(units) == 1 else "final error"
    cost_columns: dict[str, Callable[[Any], str]] = {
        "correlation recovered": lambda row: recovered_words(row.correlation_recovered),
        **{words: _per(cost) for cost, words in _COST_WORDS.items()},
        "fewest parameters to 1.6 mHa": _least,
    }
    convergence_columns: dict[str, Callable[[Any], str]] = {
        "within 1.6 mHa": success_words,
        "steps to 1.6 mHa": _quantiles("steps", count),
        "evaluations to 1.6 mHa": _quantiles("evaluations", count),
        error: _quantiles("error", number),
        "distinct minima (energies)": lambda row: f"{row.minima} ({row.levels})" if row.minima else NOTHING,
        "seeds in the lowest": lambda row: share(row.in_lowest, row.seeds) if row.minima else NOTHING,
    }
    note = (_WITHIN_NOTE if any(known(row.successes) for row in convergence) else "") + _CONVERGENCE_NOTE
    return [*_table(costs, cost_columns, _ACCURACY_NOTE), *_table(convergence, convergence_columns, note)]


def success_words(row: Any) -> str:
    """Format successes with the Wilson interval of their share, such as "7/8 [53, 98] %"; a dash if not known."""
    if not known(row.successes):
        return NOTHING
    return f"{row.successes}/{row.seeds} [{100 * row.low:.0f}, {100 * row.high:.0f}] %"


def _table(rows: Sequence[Any], columns: dict[str, Callable[[Any], str]], note: str) -> list[Part]:
    """Return a table of contenders without the columns that hold dashes alone; nothing if no column is left."""
    kept = [Column(head, cell) for head, cell in columns.items() if {cell(row) for row in rows} != {NOTHING}]
    names: list[Column[Any]] = [
        Column("#", lambda row: str(row.rank)),
        Column("contender", lambda row: str(row.label), "name"),
    ]
    return [Table([*names, *kept], rows, [note])] if kept else []


def _per(cost: Cost) -> Callable[[Any], str]:
    def cell(row: Any) -> str:
        low, median, high = (digits(getattr(row, f"per_{cost}_{end}")) for end in ("low", "median", "high"))
        return median if low == median == high else f"{median} [{low}, {high}]"

    return cell


def _least(row: Any) -> str:
    median, best = count(row.least_by_median), count(row.least_by_best)
    return median if median == best else f"{median} (best seed {best})"


def _quantiles(column: str, format: Callable[[Any], str]) -> Callable[[Any], str]:
    def cell(row: Any) -> str:
        words = [format(getattr(row, column_of(column, level))) for level in LEVELS]
        return words[0] if len(set(words)) == 1 else ", ".join(words)

    return cell
