"""Tables and the other parts of a report; `qvar.report.terminal` and `qvar.report.html` render them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

NOTHING = "-"
"""Text of a cell without a number."""

Row = TypeVar("Row")
"""Type of a table's rows."""

Style: TypeAlias = Literal["bold", "code", "sup", "family", "good", "wrong", "bad", "bad bold", "link"]


@dataclass(frozen=True)
class Span:
    """Some words in a style. A table cell that is one bad span is marked as a whole."""

    text: str
    style: Style


@dataclass(frozen=True)
class Link(Span):
    """Some words that lead to a page."""

    style: Style = "link"
    href: str = ""
    """Address of the page, relative to the one with the link."""


Text: TypeAlias = str | Span | tuple[str | Span, ...]
"""Words, plain or with styles. Renderers escape them, so that they may come from a run."""


def plain(text: Text) -> str:
    """Return words without their styles; an exponent follows a "^"."""
    spans = text if isinstance(text, tuple) else (text,)
    return "".join(s if isinstance(s, str) else ("^" if s.style == "sup" else "") + s.text for s in spans)


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column of a table."""

    head: Text
    """Its name on a page, and on a terminal if that has no other."""
    cell: Callable[[Row], Text]
    """Function row -> cell."""
    align: Literal["number", "name", "word", "prose"] = "number"
    """Numbers are on the right and never broken; names may be broken after "_" and "-"; words and prose are on the
    left, words never broken and prose broken at spaces."""
    show: Literal["both", "page", "terminal"] = "both"
    """Place of the column: on both, on a page alone, or on a terminal alone."""
    short: str = ""
    """Name on a terminal, in several lines."""
    stays: bool = False
    """True if a narrow terminal must not leave the column out; names always stay."""
    least: int = 0
    """Letters that the column has at least on a terminal."""
    optional: bool = False
    """True if the column is left out when no row has more than a dash in it."""


@dataclass(frozen=True)
class Table(Generic[Row]):
    """Columns and rows, with sentences below them."""

    columns: Sequence[Column[Row]]
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    searched: bool = False
    """True if a page has a field above it that searches its rows."""

    def on(self, medium: Literal["page", "terminal"]) -> list[Column[Row]]:
        """Return the columns that a page or a terminal shows."""
        other = {"page": "terminal", "terminal": "page"}[medium]
        return [column for column in self.columns if column.show != other and not self._empty(column)]

    def _empty(self, column: Column[Row]) -> bool:
        return column.optional and all(plain(column.cell(row)) in ("", NOTHING) for row in self.rows)


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    lines: Sequence[Text]


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Note:
    """A sentence in small print."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Names and values side by side; entries without a value are left out."""

    entries: Mapping[str, Text]
    code: bool = False
    """True if the names are arguments."""


@dataclass(frozen=True)
class Verbatim:
    """Text with its line breaks, such as a file."""

    text: str


@dataclass(frozen=True)
class Fold:
    """Parts that a reader opens."""

    title: Text
    parts: Sequence[Part]
    open: bool = False


Part: TypeAlias = Text | Table[Any] | Bullets | Heading | Note | Facts | Verbatim | Fold
"""A part of a page; words alone are a paragraph."""
