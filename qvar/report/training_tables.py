"""What the tables of trained contenders share, on a terminal and on a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qvar.optimize.budget import FINE
from qvar.report import pieces, tables
from qvar.report.notes import summary_notes
from qvar.report.tables import Column, Frame
from qvar.report.terminal import Table, empty_table, plain, render

_MANY = 8
"""More contenders than this are counted where how they ended is told, and not named."""

_BUDGET_WORDS = {
    "gradients": "{} evaluations of value and gradient per start",
    "energies": "{} evaluations of the value alone per start, by methods that read no gradient",
    "seconds": "{} s for the whole batch of starts",
    "gradient_tolerance": "converged when the gradient norm falls below {}",
}


# ---------------------------------------------------------------------------------------------------------------------
# A page


def budget_facts(budget: dict[str, Any]) -> str:
    """What each start could spend, in words."""
    spent = [
        _BUDGET_WORDS[name].format(value)
        for name, value in budget.items()
        if name in _BUDGET_WORDS and value not in (None, "inf")
    ]
    return "; ".join(spent)


def contender_table(heads: Sequence[str], rows: Sequence[tuple[Any, Sequence[str]]]) -> str:
    """One row per contender: who it is, what it costs, how many starts converged, and then the given numbers."""
    lines = []
    for row, numbers in rows:
        lines.append(
            [
                (str(row.rank), "number"),
                pieces.name(row.label),
                pieces.family(row.family),
                (tables.count(row.n_params), "number"),
                (tables.count(row.two_qubit_gates), "number"),
                (f"{row.converged}/{row.seeds}", "bad number" if row.failed else "number"),
                *((cell, "number") for cell in numbers),
            ]
        )
    columns = ["#", "contender", "family", "params", "CNOTs", "converged", *heads]
    return pieces.table([pieces.text(name) for name in columns], lines)


def page_notes(summary: Frame, first: str) -> str:
    """A note on the table, and those of `summary_notes`."""
    return "".join(f'<p class="note">{pieces.text(note)}</p>' for note in [first, *summary_notes(summary)])


# ---------------------------------------------------------------------------------------------------------------------
# A terminal


def add_names(table: Table) -> None:
    """Columns that say who a contender is, what it costs and how many of its seeds converged."""
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("contender", overflow="fold", min_width=8)
    table.add_column("params", justify="right", no_wrap=True, essential=True)
    table.add_column("CNOT", justify="right", no_wrap=True)
    table.add_column("con-\nverged", justify="right", no_wrap=True)


def names(row: Any) -> list[str]:
    """The cells of the columns of `add_names`."""
    converged = f"{row.converged}/{row.seeds}"
    return [
        str(row.rank),
        plain(row.label),
        tables.count(row.n_params),
        tables.count(row.two_qubit_gates),
        converged,
    ]


def terminal_notes(ledger: Frame, summary: Frame) -> list[str]:
    """How the seeds ended that did not converge, what went wrong, and who lies below the reference."""
    endings = []
    for status, who in tables.endings(ledger).items():
        told = ", ".join(f"{label} ({n})" for label, n in who.items())
        if len(who) > _MANY:
            told = f"{len(who)} of {len(summary)} contenders ({sum(who.values())} of {len(ledger)} starts)"
        if status not in FINE:
            endings.append(f"{status.replace('_', ' ').capitalize()}: {told}.")
    messages = [f"{row.label}: {row.message}" for row in tables.records(summary) if isinstance(row.message, str)]
    return [*endings, *messages, *summary_notes(summary)]


def rows_text(ledger: Frame) -> str:
    """Every row of a ledger, one per contender and seed.

    Args:
        ledger: a run's ledger.
    """
    table = empty_table()
    table.add_column("contender", overflow="fold", min_width=8)
    table.add_column("seed", justify="right", no_wrap=True, essential=True)
    along = tables.is_curve(ledger)
    if along:
        axis = tables.axis_name(ledger).replace(" (", "\n(")
        table.add_column(plain(axis), justify="right", no_wrap=True, essential=True)
    table.add_column("status", min_width=9)
    for name in ("value", "error", "evals", "evals to\n1.6 mHa", "time"):
        table.add_column(name, justify="right", no_wrap=True, essential=name in ("value", "error"))
    notes: list[str] = []
    for label, (_, row) in zip(tables.labels(ledger), ledger.iterrows(), strict=True):
        shown, quantity, unit = tables.shown_errors(row.to_frame().T.infer_objects())
        table.add_row(
            plain(label),
            tables.count(row["seed"]),
            *([_coordinate(row)] if along else []),
            plain(str(row["status"]).replace("_", " ")),
            value_words(row["value"]),
            f"{tables.error_words(shown.iloc[0], unit)} {unit}" if quantity == "error" else tables.NOTHING,
            tables.count(
                row["energy_evaluations"] if tables.known(row["energy_evaluations"]) else row["gradient_evaluations"]
            ),
            tables.count(row["evaluations_to_tolerance"]),
            tables.seconds(row["wall_s"]),
        )
        if isinstance(row.get("message"), str):
            notes.append(f"{tables.whose(label, row)}: {row['message']}")
    return render(table, notes)


def _coordinate(row: Any) -> str:
    return tables.NOTHING if tables.number(row["coordinate"]) == tables.NOTHING else f"{row['coordinate']:g}"


def value_words(number: Any) -> str:
    """An energy: its digits after the point are what matters."""
    return tables.NOTHING if tables.number(number) == tables.NOTHING else f"{float(number):.6f}"


def common(values: Column) -> str:
    """The one text that all entries share, or "" where they differ."""
    present = {str(value) for value in values.dropna() if value}
    return present.pop() if len(present) == 1 else ""
