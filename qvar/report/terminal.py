"""Tables for a terminal of any width: a cell that is printed is whole, and a column that is not is named below."""

from __future__ import annotations

import functools
import io
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from qvar.records.schema import COLUMN_MEANING, LEDGER_COLUMNS, TRACE_TYPES, describe

LEAST_WIDTH = 20
"""Narrower terminals get lines of this many letters."""

_TEXT_WIDTH = 24
"""Letters that a line of prose in a table has at least, if there is as much to say."""

_LONGEST_PIECE = 24
"""Letters of a longer word may stand in two lines."""

_PIECE_END = re.compile(r"\s+(?=\S)|[_\-/=,](?=[^\W\d])")
"""Where a line of a name may end: at a space, and after a sign that a letter follows, for numbers stay whole."""


@dataclass(frozen=True)
class _Column:
    head: str
    justify: Literal["left", "right"]
    no_wrap: bool
    fold: bool
    min_width: int
    essential: bool

    def words(self) -> str:
        """The head in one line."""
        return _content(self.head.replace("-\n", "").replace("\n", " ")).strip()


@dataclass
class Table:
    """Columns and rows of text, in which rich's markup, such as `[green]pass[/green]`, gives color.

    Where the terminal is too narrow for all columns, those that are not essential are left out from the right, and
    named below the table. Where even the essential ones do not fit, every row becomes a paragraph with all its cells.
    """

    columns: list[_Column] = field(default_factory=list)
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add_column(
        self,
        head: str,
        *,
        justify: Literal["left", "right"] = "left",
        no_wrap: bool = False,
        overflow: Literal["fold"] | None = None,
        min_width: int = 0,
        essential: bool | None = None,
    ) -> None:
        """Add a column on the right.

        Args:
            head: its name, in as many lines as it has.
            justify: side at which cells begin.
            no_wrap: whether cells stay in one line, as numbers do.
            overflow: "fold" for names, which may be broken after an underscore or a hyphen as well as at a space.
            min_width: letters that it has at least.
            essential: whether it is never left out; by default only names are not.
        """
        fold = overflow == "fold"
        self.columns.append(_Column(head, justify, no_wrap, fold, min_width, fold if essential is None else essential))

    def add_row(self, *cells: str) -> None:
        """Add a row with one cell for each column."""
        if len(cells) != len(self.columns):
            raise ValueError(f"A row has {len(cells)} cells, but the table has {len(self.columns)} columns.")
        self.rows.append(cells)


def columns_text() -> str:
    """List the columns of the ledger and of the trace with their meaning."""
    table = empty_table()
    table.add_column("column", no_wrap=True, essential=True)
    table.add_column("meaning", essential=True)
    for column in dict.fromkeys([*LEDGER_COLUMNS, *COLUMN_MEANING, *TRACE_TYPES]):
        table.add_row(column, plain(describe(column)))
    return render(table, [])


def empty_table() -> Table:
    """Return a table without cells."""
    return Table()


def terminal_width() -> int:
    """Return how many letters a line has."""
    return max(shutil.get_terminal_size((80, 24)).columns, LEAST_WIDTH)


def render(table: Table, notes: list[str]) -> str:
    """Return the table as text with the notes below it, in color if standard output is a terminal.

    Args:
        table: what to print.
        notes: sentences, broken at spaces.
    """
    from rich.console import Console

    width = terminal_width()
    console = Console(file=io.StringIO(), force_terminal=sys.stdout.isatty(), width=width, highlight=False)
    places, gap = _that_fit(table, width)
    if places:
        console.print(_rich(table, places, gap, width))
        hidden = [column.words() for place, column in enumerate(table.columns) if place not in places]
        if hidden:
            console.print(_hidden_words(table, hidden, width), markup=False)
    else:
        for paragraph in _paragraphs(table, width):
            console.print(paragraph, markup=False)
    for note in notes:
        console.print(note, markup=False)
    text: Any = console.file
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def wrapped(line: str) -> str:
    """Break a line at spaces where the terminal ends."""
    return "\n".join(_lines(line, terminal_width(), ""))


def plain(text: Any) -> str:
    """Escape text in which brackets are no markup."""
    from rich.markup import escape

    return escape(str(text))


# ---------------------------------------------------------------------------------------------------------------------
# Which columns fit


def fits(table: Table) -> bool:
    """Return whether the terminal has room for all columns of a table."""
    return len(_that_fit(table, terminal_width())[0]) == len(table.columns)


def _that_fit(table: Table, width: int) -> tuple[list[int], int]:
    """Places of the columns that are printed, none if the essential ones do not fit; letters between two of them."""
    places = list(range(len(table.columns)))
    most, least = ([measure(table, place) for place in places] for measure in (_most, _least))
    for gap in (2, 1):
        if _total(most, gap) <= width:
            return places, gap
    while _total([least[place] for place in places], 1) > width:
        optional = [place for place in places if not table.columns[place].essential]
        if not optional:
            return [], 1
        places.remove(optional[-1])
    return places, 1


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _texts(table: Table, place: int) -> list[str]:
    """Head and cells of a column, line by line, without markup."""
    return [
        line
        for cell in (table.columns[place].head, *(row[place] for row in table.rows))
        for line in _content(cell).split("\n")
    ]


def _most(table: Table, place: int) -> int:
    """Width at which no cell of a column is broken."""
    from rich.cells import cell_len

    return max(table.columns[place].min_width, *map(cell_len, _texts(table, place)))


def _least(table: Table, place: int) -> int:
    """Width that a column must have so that nothing is broken within a word, a number or a part of a name."""
    from rich.cells import cell_len

    column, most = table.columns[place], _most(table, place)
    if column.no_wrap:
        return most
    split = _pieces if column.fold else str.split
    longest = max((cell_len(piece.rstrip()) for line in _texts(table, place) for piece in split(line)), default=0)
    prose = 0 if column.fold or column.min_width else _TEXT_WIDTH
    return min(most, max(min(longest, _LONGEST_PIECE), column.min_width, prose))


def _widths(table: Table, places: Sequence[int], gap: int, width: int) -> list[int]:
    """Widths of the columns: what is left over goes to those that are narrower than their cells."""
    widths = [_least(table, place) for place in places]
    most = [_most(table, place) for place in places]
    spare = width - _total(widths, gap)
    while spare > 0 and any(a < b for a, b in zip(widths, most, strict=True)):
        narrow = min((k for k in range(len(widths)) if widths[k] < most[k]), key=lambda k: widths[k])
        widths[narrow] += 1
        spare -= 1
    return widths


def _hidden_words(table: Table, hidden: Sequence[str], width: int) -> str:
    """A sentence on the columns that are left out, and how to see them."""
    needed = _total([_least(table, place) for place in range(len(table.columns))], 1)
    return (
        f"There is no room in {width} columns for: {', '.join(filter(None, hidden))}. All fit in {needed}: put "
        f"COLUMNS={needed} before the command."
    )


# ---------------------------------------------------------------------------------------------------------------------
# Text


def _rich(table: Table, places: Sequence[int], gap: int, width: int) -> Any:
    from rich import box
    from rich.table import Table as RichTable

    lines = box.SIMPLE_HEAD if "utf" in (sys.stdout.encoding or "").lower() else box.ASCII2
    shown = RichTable(box=lines, padding=(0, gap - 1, 0, 0), show_edge=False, pad_edge=False)
    widths = _widths(table, places, gap, width)
    columns = [table.columns[place] for place in places]
    for column, letters in zip(columns, widths, strict=True):
        head = _broken(column.head, letters, column.fold)
        shown.add_column(head, justify=column.justify, width=letters, overflow="fold")
    for row in table.rows:
        shown.add_row(*(_broken(row[p], w, column.fold) for p, w, column in zip(places, widths, columns, strict=True)))
    return shown


def _broken(cell: str, width: int, fold: bool) -> Any:
    """A cell in lines of at most `width` letters: names are broken between their parts, prose at spaces."""
    from rich.cells import cell_len
    from rich.text import Text

    text = Text.from_markup(cell)
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
    return Text("\n").join(lines)


def _pieces(name: str) -> list[str]:
    """Parts of a name, each with the sign or the spaces that follow it."""
    ends = [0, *(match.end() for match in _PIECE_END.finditer(name)), len(name)]
    return [name[start:end] for start, end in pairwise(ends)]


def _paragraphs(table: Table, width: int) -> list[str]:
    """Every row as a paragraph: the name, and below it the other cells, each with its column's head."""
    name = next((place for place, column in enumerate(table.columns) if column.fold), 0)
    paragraphs, last = [], ""
    for row in table.rows:
        last = _content(row[name]) or last
        entries = [
            f"{table.columns[place].words()} {_content(cell)}".strip()
            for place, cell in enumerate(row)
            if place != name and cell
        ]
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


@functools.lru_cache(4096)
def _content(cell: str) -> str:
    """A cell without its markup."""
    from rich.text import Text

    return Text.from_markup(cell).plain
