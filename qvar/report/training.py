"""Parts that the reports of trained contenders share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from qvar._types import DataFrame, Series
from qvar.analysis.rows import (
    axis_name,
    endings,
    is_curve,
    known,
    labelled,
    row_name,
    shown_errors,
    some,
    typed,
    where,
)
from qvar.analysis.summaries import ContenderRow
from qvar.optimize.budget import FINE
from qvar.records.run_folder import LoadedRun
from qvar.report.formats import (
    attention,
    count,
    energy,
    error_words,
    family,
    number,
    seconds,
    share,
    values,
)
from qvar.report.notes import summary_notes
from qvar.report.plot_style import Drawing
from qvar.report.study_report import Drawings, StudyReport, pictures
from qvar.report.table import NOTHING, Column, Note, Part, Table
from qvar.report.terminal import to_terminal
from qvar.units import short_exponent

TRAINED_WORDS = (
    "Generic contenders have free parameters that know nothing of the problem; constrained contenders carry "
    "its physics. All were trained with the same method, budget and number of starts."
)

STARTS = "Starts (seeds)"
"""Name of the fact on the number of starts of each contender."""

_MANY = 8
"""Contenders above which those of one ending are counted and not named."""

_BUDGET_WORDS = {
    "gradients": "{} evaluations of value and gradient per start",
    "energies": "{} evaluations of the value alone per start, by methods that read no gradient",
    "seconds": "{} s for the whole batch of starts",
    "gradient_tolerance": "converged when the gradient norm falls below {}",
}


def training_facts(run: LoadedRun) -> dict[str, str]:
    """Return the method, the number of starts and the budget."""
    seeds = len(values(run.ledger, "seed"))
    return {
        "Method": ", ".join(values(run.ledger, "method")),
        STARTS: f"{seeds} per contender" if seeds else "",
        "Budget": budget_words(run.case.get("budget") or {}),
    }


def budget_words(budget: dict[str, Any]) -> str:
    """Return the budget of each start in words."""
    limits = {name: value for name, value in budget.items() if name in _BUDGET_WORDS and value not in (None, "inf")}
    return "; ".join(_BUDGET_WORDS[name].format(short_exponent(str(value))) for name, value in limits.items())


def contender_columns(summary: DataFrame) -> list[Column[ContenderRow]]:
    """Return the columns of a contender's name, its costs and its number of converged seeds; gates if there are any."""
    gates: list[Column[ContenderRow]] = [Column("CNOTs", lambda row: count(row.two_qubit_gates), short="CNOT")]
    return [
        Column("#", lambda row: str(row.rank)),
        Column("contender", lambda row: str(row.label), "name"),
        Column("family", lambda row: family(row.family), "word", "page"),
        Column("params", lambda row: count(row.n_params), stays=True),
        *(gates if some(summary["two_qubit_gates"].notna()) else []),
        Column("converged", lambda row: attention(f"{row.converged}/{row.seeds}", row.failed), short="con-\nverged"),
    ]


def within_columns(summary: DataFrame) -> list[Column[ContenderRow]]:
    """Return the column of seeds within 1.6 mHa if there are errors of energies in hartree."""
    column: Column[ContenderRow] = Column(
        "within 1.6 mHa", lambda row: share(row.within, row.seeds), short="within\n1.6\nmHa"
    )
    return [column] if some(summary["within"].notna()) else []


def drawn_and_missing(contenders: DataFrame) -> tuple[DataFrame, list[str]]:
    """Return the rows of a summary with a finite value, and the labels of the others."""
    finite = contenders["finite"] > 0
    return where(contenders, finite), [str(label) for label in where(contenders, ~finite)["label"]]


def contenders_report(
    study: str,
    marks: frozenset[str],
    facts: Callable[[LoadedRun], dict[str, str]],
    summarize: Callable[[DataFrame], DataFrame],
    headline: Callable[[DataFrame], list[Part]],
    table: Callable[[DataFrame], Table[ContenderRow]],
    note: str,
    draw: Callable[[DataFrame, DataFrame, DataFrame], list[Drawing | None]],
    names: Sequence[str],
    sections: Callable[[DataFrame, DataFrame], dict[str, Sequence[Part]]] = lambda ledger, trace: {},
) -> StudyReport:
    """Return a report whose result is one table of trained contenders.

    `summarize` gives one row per contender, the best first; of these rows `headline` makes sentences above the table,
    and `table` the table with the `note` below it; `draw` gets ledger, trace and the rows that have a finite value. The
    rest is that of `StudyReport`.
    """

    def result(ledger: DataFrame, trace: DataFrame) -> list[Part]:
        contenders = summarize(ledger)
        notes = [Note(words) for words in (note, *summary_notes(contenders))]
        return [*headline(contenders), table(contenders), *notes]

    def text(ledger: DataFrame) -> str:
        contenders = summarize(ledger)
        return to_terminal(table(contenders), notes=_terminal_notes(ledger, contenders))

    def drawings(ledger: DataFrame, trace: DataFrame) -> Drawings:
        drawn, missing = drawn_and_missing(summarize(ledger))
        return ([], missing) if drawn.empty else pictures(draw(ledger, trace, drawn), missing)

    return StudyReport(
        study=study,
        marks=marks,
        words=TRAINED_WORDS,
        facts=facts,
        result=result,
        drawings=drawings,
        pictures=tuple(names),
        text=text,
        rows=rows_text,
        sections=sections,
    )


def _terminal_notes(ledger: DataFrame, summary: DataFrame) -> list[str]:
    """Return sentences on seeds that did not converge, on failures, and those of `summary_notes`."""
    lines = []
    for status, counts in endings(ledger).items():
        names = ", ".join(f"{label} ({n})" for label, n in counts.items())
        if len(counts) > _MANY:
            names = f"{len(counts)} of {len(summary)} contenders ({sum(counts.values())} of {len(ledger)} starts)"
        if status not in FINE:
            lines.append(f"{status.replace('_', ' ').capitalize()}: {names}.")
    return [*lines, *messages(typed(summary, ContenderRow)), *summary_notes(summary)]


def messages(rows: Iterable[Any]) -> list[str]:
    """Return the messages of labelled rows that have one."""
    return [f"{row.label}: {row.message}" for row in rows if isinstance(row.message, str)]


def rows_text(ledger: DataFrame) -> str:
    """Return every row of a ledger for a terminal, one per contender and seed."""
    rows = [row for _, row in labelled(ledger).iterrows()]
    axis = axis_name(ledger).replace(" (", "\n(") if is_curve(ledger) else ""
    place: Column[Series] = Column(axis, lambda row: _coordinate(row["coordinate"]), stays=True)
    columns: list[Column[Series]] = [
        Column("contender", lambda row: str(row["label"]), "name"),
        Column("seed", lambda row: count(row["seed"]), stays=True),
        *([place] if axis else []),
        Column("status", lambda row: str(row["status"]).replace("_", " "), "prose", least=9),
        Column("value", lambda row: energy(row["value"]), stays=True),
        Column("error", _error, stays=True),
        Column("evals", lambda row: count(_evaluations(row))),
        Column("evals to\n1.6 mHa", lambda row: count(row["evaluations_to_tolerance"])),
        Column("time", lambda row: seconds(row["wall_s"])),
    ]
    notes = [f"{row_name(row)}: {row['message']}" for row in rows if isinstance(row.get("message"), str)]
    return to_terminal(Table(columns, rows, notes))


def _error(row: Series) -> str:
    errors, quantity, unit = shown_errors(row.to_frame().T.infer_objects())
    return f"{error_words(errors.iloc[0], unit)} {unit}" if quantity == "error" else NOTHING


def _evaluations(row: Series) -> Any:
    return row["energy_evaluations"] if known(row["energy_evaluations"]) else row["gradient_evaluations"]


def _coordinate(value: Any) -> str:
    return NOTHING if number(value) == NOTHING else f"{value:g}"
