"""Pieces of HTML that every page is made of; what comes from a run is escaped here."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from qvar.report.tables import Frame


def ends(names: list[str]) -> str:
    """A list of names, of a long one the first and the last."""
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} ... {names[-1]}"


def text(value: Any) -> str:
    """Any value as text, escaped."""
    return html.escape(str(value), quote=True)


def section(title: str, content: str) -> str:
    """A section with its heading."""
    return f"<section>\n<h2>{text(title)}</h2>\n{content}\n</section>"


Cell: TypeAlias = tuple[str, str]
"""A cell of a table in HTML, and its class: "number", "name", or "" for prose."""


def name(label: Any) -> Cell:
    """A contender's name, which may be broken after an underscore."""
    return text(label).replace("_", "_<wbr>"), "name"


def family(word: Any) -> Cell:
    """A contender's family; a dash if it has none."""
    known = isinstance(word, str) and word
    return (f'<span class="{text(word)}">{text(word)}</span>' if known else "-"), ""


def numbers(cells: Iterable[Any]) -> list[Cell]:
    """Cells of numbers from text, which is escaped here."""
    return [(text(cell), "number") for cell in cells]


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table that becomes a list of cards, each cell with its column's head, where it has no room.

    Args:
        heads: heads of the columns, HTML.
        rows: one cell for each column.
    """
    lines = [list(row) for row in rows]
    labels = [text(html.unescape(re.sub(r"</?\w+>", "", head.replace("<sup>", "^")))) for head in heads]
    body = "\n".join(f"<tr>{''.join(map(_td, labels, line))}</tr>" for line in lines)
    right = [bool(lines) and all("number" in line[place][1] for line in lines) for place in range(len(heads))]
    head = "".join(f"<th{' class=number' * side}>{head}</th>" for head, side in zip(heads, right, strict=True))
    return (
        f'<div class="wide w{_least_width(labels, lines)}"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n'
        "</tbody>\n</table></div>"
    )


def _td(label: str, cell: Cell) -> str:
    content, kind = cell
    kinds = f' class="{kind}"' if kind else ""
    return f'<td{kinds} data-head="{label}">{content}</td>'


_LETTER_REM = 0.54
"""Width of a letter in a table, generously."""

_PADDING_REM = 0.7

_PROSE_LETTERS = 16
"""Letters that a line of prose in a table should have."""


def _least_width(labels: Sequence[str], rows: Sequence[Sequence[Cell]]) -> int:
    """Width in rem, a multiple of 4, below which a word or a number of a table would be cut."""
    letters = 0
    for place, label in enumerate(labels):
        longest = max(map(len, label.split()), default=0)
        for row in rows:
            cell, kind = row[place]
            words = html.unescape(re.sub(r"<[^>]*>", " ", cell)).split()
            longest = max([longest, *map(len, words)])
            if kind == "":
                longest = max(longest, min(_PROSE_LETTERS, sum(map(len, words)) + len(words) - 1))
        letters += longest
    return 4 * math.ceil((_LETTER_REM * letters + _PADDING_REM * len(labels)) / 4)


def facts(entries: dict[str, Any], escape: bool = True) -> str:
    """Names and values side by side; names are HTML already, empty values are left out."""
    lines = [
        f"<dt>{name}</dt><dd>{text(value) if escape else value}</dd>" for name, value in entries.items() if value != ""
    ]
    return f"<dl>{''.join(lines)}</dl>"


def value(entry: Any) -> str:
    """An argument as text; empty where it was not given."""
    if entry is None:  # an argument that was not given
        return ""
    return ", ".join(map(str, entry)) if isinstance(entry, list) else str(entry)


def values(ledger: Frame, column: str) -> list[str]:
    """The different entries of a column, in order of first appearance."""
    return [str(value) for value in ledger[column].dropna().unique()]
