"""HTML of a report. Everything that comes from a run is escaped here and nowhere else."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from qvar.report.dark_colors import dark_rules
from qvar.report.table import (
    Bullets,
    Column,
    Facts,
    Fold,
    Heading,
    Link,
    Note,
    Part,
    Span,
    Table,
    Text,
    Verbatim,
    plain,
)

_LETTER_REM = 0.54
"""Width of a letter in a table, an upper estimate."""

_PADDING_REM = 0.7

_PROSE_LETTERS = 16
"""Letters that a line of prose in a table should have."""

_WHOLE = re.compile(r"\S*\de?-\d\S*")
"""Words in which a browser would break a range or an exponent at its hyphen."""

_TAGS = {"bold": "b", "code": "code", "sup": "sup"}


def escaped(text: Any) -> str:
    """Escape a text for an element or an attribute."""
    return html.escape(str(text), quote=True)


def document(title: str, body: str) -> str:
    """Return a whole page, which needs no other file."""
    name = escaped(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{style(body)}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n{body}\n</main>\n"
        f"<script>{_asset('page.js')}</script>\n</body>\n</html>\n"
    )


def section(title: str, parts: Sequence[Part], figure: str = "") -> str:
    """Render a section with its heading; "" if there is nothing in it."""
    content = figure + to_html(parts)
    return f"<section>\n<h2>{escaped(title)}</h2>\n{content}\n</section>" if content else ""


def picture(png: str, title: str, caption: str) -> str:
    """Render a picture, in base64, with its caption."""
    image = f'<img src="data:image/png;base64,{png}" alt="{escaped(title)}">'
    return f'<figure><div class="paper">{image}</div><figcaption>{_text(caption)}</figcaption></figure>'


def live_picture(svg: str, points: str, caption: str) -> str:
    """Render an SVG picture with the names of its points, JSON that `page.js` reads."""
    data = points.replace("<", "\\u003c")  # a name must not end the element
    return (
        f'<figure class="live"><div class="paper">{svg}</div><script type="application/json">{data}</script>'
        f"<figcaption>{_text(caption)}</figcaption></figure>"
    )


def to_html(parts: Part | Sequence[Part]) -> str:
    """Render parts of a page.

    A table becomes a list of cards, each cell with the head of its column, on a screen that is too narrow for it.
    """
    if isinstance(parts, list):
        return "".join(map(to_html, parts))
    match parts:
        case Table():
            return _table(parts) + "".join(f'<p class="note">{_text(note)}</p>' for note in parts.notes)
        case Bullets():
            return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in parts.lines)}</ul>" if parts.lines else ""
        case Heading():
            return f"<h3>{escaped(parts.text)}</h3>"
        case Note():
            return f'<p class="note">{_text(parts.text)}</p>' if parts.text else ""
        case Facts():
            return _facts(parts)
        case Verbatim():
            return f'<pre tabindex="0">{escaped(parts.text)}</pre>'  # a keyboard scrolls it
        case Fold():
            inside = to_html(list(parts.parts))
            return f"<details{' open' * parts.open}><summary>{_text(parts.title)}</summary>{inside}</details>"
        case _:
            return f"<p>{_text(parts)}</p>" if parts else ""  # pyright: ignore[reportArgumentType]


def style(body: str) -> str:
    """Return the style sheet of a page."""
    widths = sorted({int(width) for width in re.findall(r'class="wide w(\d+)"', body)})
    return _asset("page.css") + dark_rules(body) + "".join(_CARDS.replace("WIDTH", str(width)) for width in widths)


def _asset(name: str) -> str:
    return files("qvar.report").joinpath(name).read_text(encoding="utf-8")


def _text(text: Text, *, name: bool = False) -> str:
    """Render words; those of a name may be broken after "_"."""
    spans = text if isinstance(text, tuple) else (text,)
    return "".join(_words(span, name) if isinstance(span, str) else _span(span, name) for span in spans)


def _words(text: str, name: bool) -> str:
    words = _WHOLE.sub(r'<span class="whole">\g<0></span>', escaped(text))
    return words.replace("_", "_<wbr>") if name else words


def _span(span: Span, name: bool) -> str:
    words = _words(span.text, name)
    if isinstance(span, Link):
        return f'<a href="{escaped(span.href)}">{words}</a>'
    if span.style in _TAGS:
        return f"<{_TAGS[span.style]}>{words}</{_TAGS[span.style]}>"
    kind = span.text if span.style == "family" else "attention" if span.style == "bad" else span.style
    return f'<span class="{escaped(kind)}">{words}</span>'


def _facts(facts: Facts) -> str:
    names = {name: f"<code>{escaped(name)}</code>" if facts.code else escaped(name) for name in facts.entries}
    lines = [f"<dt>{names[name]}</dt><dd>{_text(value)}</dd>" for name, value in facts.entries.items() if value != ""]
    return f"<dl>{''.join(lines)}</dl>" if lines else ""


def _table(table: Table[Any]) -> str:
    columns = table.on("page")
    cells = [[column.cell(row) for column in columns] for row in table.rows]
    labels = [plain(column.head) for column in columns]
    cards: list[str | None] = [None] * len(labels) if table.searched else [*labels]
    body = "\n".join(f"<tr>{''.join(map(_td, columns, cards, line))}</tr>" for line in cells)
    head = "".join(
        f"<th{' class=number' * (column.align == 'number' and bool(cells))}>{_text(column.head)}</th>"
        for column in columns
    )
    kind, searched = f"w{_least_width(columns, labels, cells)}", ""
    if table.searched:  # many rows scroll on their own, and never become cards
        kind, searched = "rows", ' class="rows"'
    keyboard = ' tabindex="0"' * table.searched
    return (
        f'<div class="wide {kind}"{keyboard}><table{searched}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        f"{body}\n</tbody>\n</table></div>"
    )


def _td(column: Column[Any], label: str | None, cell: Text) -> str:
    kind = _kind(column)
    if isinstance(cell, Span) and cell.style in ("bad", "bad bold"):
        cell = cell.text if cell.style == "bad" else Span(cell.text, "bold")
        kind = "name attention" if kind == "name" else f"bad {kind}".strip()
    content = _text(cell, name=column.align == "name")
    kinds = f' class="{kind}"' if kind else ""
    head = "" if label is None else f' data-head="{escaped(label)}"'
    return f"<td{kinds}{head}>{content}</td>"


def _kind(column: Column[Any]) -> str:
    return column.align if column.align in ("number", "name") else ""


def _least_width(columns: Sequence[Column[Any]], labels: Sequence[str], rows: Sequence[Sequence[Text]]) -> int:
    """Return the width in rem, a multiple of 4, below which a word or a number of a table would be cut."""
    letters = 0
    for place, (column, label) in enumerate(zip(columns, labels, strict=True)):
        longest = max(map(len, label.split()), default=0)
        for row in rows:
            words = plain(row[place]).replace("_", "_ " if column.align == "name" else "_").split()
            longest = max([longest, *map(len, words)])
            if not _kind(column):
                longest = max(longest, min(_PROSE_LETTERS, sum(map(len, words)) + len(words) - 1))
        letters += longest
    return 4 * math.ceil((_LETTER_REM * letters + _PADDING_REM * len(labels)) / 4)


_CARDS = """@container (max-width: WIDTHrem) {
  .wWIDTH :is(table, tbody) { display: block; }
  .wWIDTH thead, .wWIDTH td:empty { display: none; }
  .wWIDTH tr { display: flex; flex-wrap: wrap; border-bottom: 1px solid var(--line); padding: 0.4rem 0; }
  .wWIDTH td { border: 0; padding: 0 1rem 0 0; text-align: left; }
  .wWIDTH td.name { order: -1; flex-basis: 100%; overflow-wrap: anywhere; }
  .wWIDTH td.name:not(:empty) ~ td.name { order: 0; flex-basis: auto; font-weight: 400; }
  .wWIDTH :is(td:not(.name), td.name:not(:empty) ~ td.name)::before { content: attr(data-head) " "; color: var(--quiet);
    font-weight: 400; }
}
"""
