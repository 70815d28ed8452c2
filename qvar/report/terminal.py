"""Tables for a terminal of any width: no cell is cut, and a column that is left out is named below."""

from __future__ import annotations

import functools
import io
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from qvar.records.schema import COMMON_COLUMNS, MESSAGE, TRACE_COLUMNS, study_columns
from qvar.report.table import Column, Table, Text, plain

LEAST_WIDTH = 20
"""Narrower terminals get lines of this many letters."""

_TEXT_WIDTH = 24
"""Letters that a line of prose in a table has at least, if there is as much to say."""

_LONGEST_PIECE = 24
"""Letters of a word above which it may take two lines."""

_PIECE_END = re.compile(r"\s+(?=\S)|[_\-/=,](?=[^\W\d])")
"""Ends of lines of a name: at a space, and after a sign that a letter follows, because numbers stay whole."""

_STYLES = {"good": "green", "wrong": "bold red"}
"""Styles that have a color on a terminal."""


@dataclass(frozen=True)
class _Filled:
    """A column with its head and its cells."""

    column: Column[Any]
    head: str
    cells: list[Text]

    @property
    def words(self) -> str:
        """The head in one line."""
        return self.head.replace("-\n", "").replace("\n", " ").strip()

    @property
    def fold(self) -> bool:
        """True if cells may be broken within a word."""
        return self.column.align == "name"

    @property
    def least(self) -> int:
        """Letters that the column has at least."""
        return self.column.least or (8 if self.fold else 0)

    @functools.cached_property
    def lines(self) -> list[str]:
        """Head and cells, line by line."""
        return [line for text in (self.head, *map(plain, self.cells)) for line in text.split("\n")]


def _grid(table: Table[Any]) -> list[_Filled]:
    columns = table.on("terminal")
    return [_Filled(c, c.short or plain(c.head), [c.cell(row) for row in table.rows]) for c in columns]


def terminal_width() -> int:
    """Return the number of letters of a line."""
    return max(shutil.get_terminal_size((80, 24)).columns, LEAST_WIDTH)


def to_terminal(table: Table[Any], width: int | None = None, *, notes: Sequence[str] | None = None) -> str:
    """Render a table with its notes below it, in color if standard output is a terminal.

    If the terminal is too narrow for all columns, optional ones are left out from the right and named below the table.
    If even the others do not fit, every row becomes a paragraph with all its cells.

    Args:
        table: columns, rows and notes.
        width: letters of a line; None is the terminal's.
        notes: sentences in place of the table's own, which are for a page.
    """
    from rich.console import Console

    width = width or terminal_width()
    console = Console(file=io.StringIO(), force_terminal=sys.stdout.isatty(), width=width, highlight=False)
    grid = _grid(table)
    places, gap = _that_fit(grid, width)
    if places:
        console.print(_rich(grid, places, gap, width))
        hidden = [column.words for place, column in enumerate(grid) if place not in places]
        if hidden:
            console.print(_hidden_words(grid, hidden, width), markup=False)
    else:
        for paragraph in _paragraphs(grid, width):
            console.print(paragraph, markup=False)
    for note in table.notes if notes is None else notes:
        console.print(note, markup=False)
    text: Any = console.file
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def wrapped(*lines: str) -> str:
    """Break lines at spaces at the width of the terminal."""
    return "\n".join(line for text in lines for line in _lines(text, terminal_width(), ""))


def fits(table: Table[Any]) -> bool:
    """Return if the terminal has room for all columns of a table."""
    grid = _grid(table)
    return len(_that_fit(grid, terminal_width())[0]) == len(grid)


def columns_text() -> str:
    """List the columns of the ledger and of the trace with their meaning."""
    own = [column for columns in study_columns().values() for column in columns]
    columns = dict.fromkeys([*COMMON_COLUMNS, *own, MESSAGE, *TRACE_COLUMNS])
    return to_terminal(
        Table(
            [
                Column("column", lambda column: column.name, "word", stays=True),
                Column("meaning", lambda column: column.sentence, "prose", stays=True),
            ],
            list(columns),
        )
    )


# ---------------------------------------------------------------------------------------------------------------------
# Which columns fit


def _that_fit(grid: list[_Filled], width: int) -> tuple[list[int], int]:
    """Return the places of the columns that are printed, none if not even those that stay fit, and the gap."""
    places = list(range(len(grid)))
    most, least = [_most(column) for column in grid], [_least(column) for column in grid]
    broken = [least[place] if column.column.align == "prose" else most[place] for place, column in enumerate(grid)]
    for gap in (2, 1):  # prose is broken before columns come closer
        if _total(broken, gap) <= width:
            return places, gap
    while _total([least[place] for place in places], 1) > width:
        optional = [place for place in places if not (grid[place].column.stays or grid[place].fold)]
        if not optional:
            return [], 1
        places.remove(optional[-1])
    return places, 1


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _most(column: _Filled) -> int:
    """Return the width at which no cell of a column is broken."""
    from rich.cells import cell_len

    return max(column.least, *map(cell_len, column.lines))


def _least(column: _Filled) -> int:
    """Return the width below which a word, a number or a part of a name would be broken."""
    from rich.cells import cell_len

    most = _most(column)
    if column.column.align in ("number", "word"):
        return most
    split = _pieces if column.fold else str.split
    longest = max((cell_len(piece.rstrip()) for line in column.lines for piece in split(line)), default=0)
    return min(most, max(min(longest, _LONGEST_PIECE), column.least or _TEXT_WIDTH))


def _widths(columns: Sequence[_Filled], gap: int, width: int) -> list[int]:
    """Return the widths of the columns; spare room goes to those that are narrower than their cells."""
    widths, most = [_least(column) for column in columns], [_most(column) for column in columns]
    spare = width - _total(widths, gap)
    while spare > 0 and any(a < b for a, b in zip(widths, most, strict=True)):
        narrow = min((k for k in range(len(widths)) if widths[k] < most[k]), key=lambda k: widths[k])
        widths[narrow] += 1
        spare -= 1
    return widths


def _hidden_words(grid: Sequence[_Filled], hidden: Sequence[str], width: int) -> str:
    """Return a sentence on the columns that are left out, and the command that shows them."""
    needed = _total([_least(column) for column in grid], 1)
    return (
        f"There is no room in {width} columns for: {', '.join(filter(None, hidden))}. All fit in {needed}: put "
        f"COLUMNS={needed} before the command."
    )


# ---------------------------------------------------------------------------------------------------------------------
# Text


def _rich(grid: list[_Filled], places: Sequence[int], gap: int, width: int) -> Any:
    from rich import box
    from rich.table import Table as RichTable

    lines = box.SIMPLE_HEAD if "utf" in (sys.stdout.encoding or "").lower() else box.ASCII2
    rendered = RichTable(box=lines, padding=(0, gap - 1, 0, 0), show_edge=False, pad_edge=False)
    columns = [grid[place] for place in places]
    cells = []
    for column, letters in zip(columns, _widths(columns, gap, width), strict=True):
        side: Any = "right" if column.column.align == "number" else "left"
        rendered.add_column(_broken(column.head, letters, column.fold), justify=side, width=letters, overflow="fold")
        cells.append([_broken(cell, letters, column.fold) for cell in column.cells])
    for row in zip(*cells, strict=True):
        rendered.add_row(*row)
    return rendered


def _broken(cell: Text, width: int, fold: bool) -> Any:
    """Return a cell in lines of at most `width` letters: names are broken between their parts, prose at spaces."""
    from rich.cells import cell_len
    from rich.text import Text as RichText

    spans = cell if isinstance(cell, tuple) else (cell,)
    text = RichText.assemble(*(s if isinstance(s, str) else (s.text, _STYLES.get(s.style, "")) for s in spans))
    if not fold:
        return text
    ends, position = [], 0
    for line in text.plain.split("\n"):
        letters = 0
        for piece in _pieces(line):
            if letters and letters + cell_len(piece.rstrip()) > width:
                ends.append(position)
                letters = 0
            letters += cell_len(piece)
            position += len(piece)
        position += 1
    lines = list(text.divide(ends))
    for part in lines:
        part.rstrip()
    return RichText("\n").join(lines)


def _pieces(name: str) -> list[str]:
    """Return the parts of a name, each with the sign or the spaces that follow it."""
    ends = [0, *(match.end() for match in _PIECE_END.finditer(name)), len(name)]
    return [name[start:end] for start, end in pairwise(ends)]


def _paragraphs(grid: list[_Filled], width: int) -> list[str]:
    """Return every row as a paragraph: the name, and below it the other cells, each with its column's head."""
    name = next((place for place, column in enumerate(grid) if column.fold), 0)
    paragraphs, last = [], ""
    for row in zip(*(map(plain, column.cells) for column in grid), strict=True):
        last = row[name] or last
        entries = [f"{grid[place].words} {cell}".strip() for place, cell in enumerate(row) if place != name and cell]
        lines = _lines(last, width, "")
        for number, entry in enumerate(entries):
            comma = "," * (number < len(entries) - 1)
            if number and len(lines[-1]) + 1 + len(entry) + len(comma) <= width:
                lines[-1] += f" {entry}{comma}"
            else:
                lines += _lines(entry + comma, width, "  ")
        paragraphs.append("\n".join(lines))
    return paragraphs


def _lines(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
