"""Tables for a terminal of 80 columns."""

from __future__ import annotations

import io
import shutil
import sys
from typing import TYPE_CHECKING, Any

from qvar.runs.columns import COLUMN_MEANING, LEDGER_COLUMNS, TRACE_TYPES, describe

if TYPE_CHECKING:
    from rich.table import Table


def columns_text() -> str:
    """What the columns of the ledger and of the trace mean."""
    table = empty_table()
    table.add_column("column", no_wrap=True)
    table.add_column("meaning")
    for column in dict.fromkeys([*LEDGER_COLUMNS, *COLUMN_MEANING, *TRACE_TYPES]):
        table.add_row(column, plain(describe(column)))
    return render(table, [])


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


def plain(text: Any) -> str:
    """Text as it stands: brackets in it are no markup."""
    from rich.markup import escape

    return escape(str(text))
