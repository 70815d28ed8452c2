"""Tables for a terminal of 80 columns."""

from __future__ import annotations

import io
import shutil
import sys
from typing import TYPE_CHECKING, Any

from qvar.optimize.budget import Status
from qvar.report import tables
from qvar.report.tables import Column, Frame
from qvar.runs.record import COLUMN_MEANING, LEDGER_COLUMNS, TRACE_TYPES, describe

if TYPE_CHECKING:
    from rich.table import Table


_MANY = 8
"""More contenders than this are counted where how they ended is told, and not named."""


def summary_text(ledger: Frame) -> str:
    """The summary of a ledger, one row per contender, the best first, with what failed and why below it.

    Args:
        ledger: a run's ledger.
    """
    if tables.is_curve(ledger):
        return _curve_text(ledger)
    summary = tables.summary(ledger)
    table = empty_table()
    unit = _common(summary["unit"])
    quantity = "value" if _common(summary["quantity"]) == "value" else "error"
    in_unit = f"\n\\[{unit}]" if unit else ""
    within = bool(summary["within"].notna().any())
    _add_names(table)
    table.add_column(f"best\n{quantity}{in_unit}", justify="right", no_wrap=True)
    table.add_column(f"median\n{quantity}{in_unit}", justify="right", no_wrap=True)
    if within:
        table.add_column("within\n1.6\nmHa", justify="right", no_wrap=True)
    for name in ("median\nevals", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in tables.records(summary):
        own_unit = "" if unit or not row.unit else f" {row.unit}"
        cells = [*_names(row), _shown(row, row.best) + own_unit, _shown(row, row.median) + own_unit]
        cells += [tables.within_words(row)] if within else []
        table.add_row(*cells, tables.count(row.evaluations), tables.seconds(row.wall_s))
    return render(table, _notes(ledger, summary))


def _curve_text(ledger: Frame) -> str:
    """One row per contender over all points of a coordinate."""
    summary = tables.curve_summary(ledger)
    table = empty_table()
    unit = _common(summary["unit"])
    in_unit = f"\n\\[{unit}]" if unit else ""
    _add_names(table)
    for name in ("max\nerror", "NPE", "mean\nerror"):
        table.add_column(name + in_unit, justify="right", no_wrap=True)
    within = bool(summary["within"].notna().any())
    if within:
        table.add_column("within\n1.6\nmHa", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    for row in tables.records(summary):
        cells = [*_names(row), *(tables.number(value) for value in (row.worst, row.npe, row.mean))]
        cells += [tables.within_words(row)] if within else []
        table.add_row(*cells, tables.seconds(row.wall_s))
    return render(table, _notes(ledger, summary))


def _add_names(table: Table) -> None:
    """Columns that say who a contender is, what it costs and how many of its seeds converged."""
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("contender", overflow="fold", min_width=8)
    for name in ("params", "CNOT"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("con-\nverged", justify="right", no_wrap=True)


def _names(row: Any) -> list[str]:
    converged = f"{row.converged}/{row.seeds}"
    return [str(row.rank), plain(row.label), tables.count(row.n_params), tables.count(row.two_qubit_gates), converged]


def _notes(ledger: Frame, summary: Frame) -> list[str]:
    """How the seeds ended that did not converge, what went wrong, and who lies below the reference."""
    endings = []
    for status, who in tables.endings(ledger).items():
        told = ", ".join(f"{label} ({n})" for label, n in who.items())
        if len(who) > _MANY:
            told = f"{len(who)} of {len(summary)} contenders ({sum(who.values())} of {len(ledger)} starts)"
        if status != Status.CONVERGED.value:
            endings.append(f"{status.replace('_', ' ').capitalize()}: {told}.")
    messages = [f"{row.label}: {row.message}" for row in tables.records(summary) if isinstance(row.message, str)]
    return [*endings, *messages, *filter(None, [tables.below_reference(summary)])]


def rows_text(ledger: Frame) -> str:
    """Every row of a ledger, one per contender and seed.

    Args:
        ledger: a run's ledger.
    """
    table = empty_table()
    table.add_column("contender", overflow="fold", min_width=8)
    table.add_column("seed", justify="right")
    along = tables.is_curve(ledger)
    if along:
        table.add_column(tables.axis_name(ledger).replace(" (", "\n("), justify="right", no_wrap=True)
    table.add_column("status", min_width=9)
    for name in ("value", "error", "evals", "evals to\n1.6 mHa", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    notes: list[str] = []
    for label, (_, row) in zip(tables.labels(ledger), ledger.iterrows(), strict=True):
        shown, quantity, unit = tables.shown_errors(row.to_frame().T.infer_objects())
        table.add_row(
            plain(label),
            tables.count(row["seed"]),
            *([_coordinate(row)] if along else []),
            plain(str(row["status"]).replace("_", " ")),
            _value(row["value"]),
            f"{tables.number(shown.iloc[0])} {unit}" if quantity == "error" else tables.NOTHING,
            tables.count(row["gradient_evaluations"]),
            tables.count(row["evaluations_to_tolerance"]),
            tables.seconds(row["wall_s"]),
        )
        if isinstance(row.get("message"), str):
            notes.append(f"{tables.whose(label, row)}: {row['message']}")
    return render(table, notes)


def columns_text() -> str:
    """What the columns of the ledger and of the trace mean."""
    table = empty_table()
    table.add_column("column", no_wrap=True)
    table.add_column("meaning")
    for column in dict.fromkeys([*LEDGER_COLUMNS, *COLUMN_MEANING, *TRACE_TYPES]):
        table.add_row(column, plain(describe(column)))
    return render(table, [])


def _shown(row: Any, number: Any) -> str:
    return tables.number(number) if row.quantity == "error" else _value(number)


def _coordinate(row: Any) -> str:
    return tables.NOTHING if tables.number(row["coordinate"]) == tables.NOTHING else f"{row['coordinate']:g}"


def _value(number: Any) -> str:
    """An energy: its digits after the point are what matters."""
    return tables.NOTHING if tables.number(number) == tables.NOTHING else f"{float(number):.6f}"


def empty_table() -> Table:
    """A table without cells, in the style of all."""
    from rich import box
    from rich.table import Table

    lines = box.SIMPLE_HEAD if "utf" in (sys.stdout.encoding or "").lower() else box.ASCII2
    return Table(box=lines, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)


def render(table: Table, notes: list[str]) -> str:
    """The table as text, in color where standard output is a terminal."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(
        file=io.StringIO(),
        force_terminal=sys.stdout.isatty(),
        width=shutil.get_terminal_size((80, 24)).columns,
        highlight=False,
    )
    if Measurement.get(console, console.options.update(max_width=10_000), table).maximum > console.width:
        table.padding = 0
    console.print(table)
    for note in notes:
        console.print(note, markup=False)
    text: Any = console.file
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _common(values: Column) -> str:
    """The one text that all entries share, or "" where they differ."""
    present = {str(value) for value in values.dropna() if value}
    return present.pop() if len(present) == 1 else ""


def plain(text: Any) -> str:
    """Text as it stands: brackets in it are no markup."""
    from rich.markup import escape

    return escape(str(text))
