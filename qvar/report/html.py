"""HTML of a report. Everything that comes from a run is escaped here and nowhere else."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from typing import Any

from qvar.report.table import Bullets, Column, Facts, Fold, Heading, Note, Part, Span, Table, Text, Verbatim, plain

_LETTER_REM = 0.54
"""Width of a letter in a table, an upper estimate."""

_PADDING_REM = 0.7

_PROSE_LETTERS = 16
"""Letters that a line of prose in a table should have."""

_TAGS = {"bold": "b", "code": "code", "sup": "sup"}


def escaped(text: Any) -> str:
    """Escape a text for an element or an attribute."""
    return html.escape(str(text), quote=True)


def section(title: str, parts: Sequence[Part], figure: str = "") -> str:
    """Render a section with its heading; "" if there is nothing in it."""
    content = figure + to_html(parts)
    return f"<section>\n<h2>{escaped(title)}</h2>\n{content}\n</section>" if content else ""


def picture(png: str, title: str, caption: str) -> str:
    """Render a picture, in base 64, with its caption."""
    image = f'<img src="data:image/png;base64,{png}" alt="{escaped(title)}">'
    return f"<figure>{image}<figcaption>{escaped(caption)}</figcaption></figure>"


def to_html(parts: Part | Sequence[Part]) -> str:
    """Render parts of a page.

    A table becomes a list of cards, each cell with the head of its column, on a screen that is too narrow for it.
    """
    if isinstance(parts, list):
        return "".join(map(to_html, parts))
    match parts:
        case Table():
            return _table(parts) + "".join(f'<p class="note">{escaped(note)}</p>' for note in parts.notes)
        case Bullets():
            return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in parts.lines)}</ul>" if parts.lines else ""
        case Heading():
            return f"<h3>{escaped(parts.text)}</h3>"
        case Note():
            return f'<p class="note">{escaped(parts.text)}</p>' if parts.text else ""
        case Facts():
            return _facts(parts)
        case Verbatim():
            return f"<pre>{escaped(parts.text)}</pre>"
        case Fold():
            inside = to_html(list(parts.parts))
            return f"<details{' open' * parts.open}><summary>{_text(parts.title)}</summary>{inside}</details>"
        case _:
            return f"<p>{_text(parts)}</p>" if parts else ""  # pyright: ignore[reportArgumentType]


def style(body: str) -> str:
    """Return the style sheet of a page."""
    widths = sorted({int(width) for width in re.findall(r'class="wide w(\d+)"', body)})
    return _STYLE + "".join(_CARDS.replace("WIDTH", str(width)) for width in widths)


def _text(text: Text) -> str:
    spans = text if isinstance(text, tuple) else (text,)
    return "".join(escaped(span) if isinstance(span, str) else _span(span) for span in spans)


def _span(span: Span) -> str:
    if span.style in _TAGS:
        return f"<{_TAGS[span.style]}>{escaped(span.text)}</{_TAGS[span.style]}>"
    kind = span.text if span.style == "family" else "attention" if span.style == "bad" else span.style
    return f'<span class="{escaped(kind)}">{escaped(span.text)}</span>'


def _facts(facts: Facts) -> str:
    names = {name: f"<code>{escaped(name)}</code>" if facts.code else escaped(name) for name in facts.entries}
    lines = [f"<dt>{names[name]}</dt><dd>{_text(value)}</dd>" for name, value in facts.entries.items() if value != ""]
    return f"<dl>{''.join(lines)}</dl>" if lines else ""


def _table(table: Table[Any]) -> str:
    columns = table.on("page")
    cells = [[column.cell(row) for column in columns] for row in table.rows]
    labels = [plain(column.head) for column in columns]
    body = "\n".join(f"<tr>{''.join(map(_td, columns, labels, line))}</tr>" for line in cells)
    head = "".join(
        f"<th{' class=number' * (column.align == 'number' and bool(cells))}>{_text(column.head)}</th>"
        for column in columns
    )
    return (
        f'<div class="wide w{_least_width(columns, labels, cells)}"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        f"{body}\n</tbody>\n</table></div>"
    )


def _td(column: Column[Any], label: str, cell: Text) -> str:
    content, kind = _text(cell), _kind(column)
    if isinstance(cell, Span) and cell.style in ("bad", "bad bold"):
        content = escaped(cell.text) if cell.style == "bad" else f"<b>{escaped(cell.text)}</b>"
        kind = "name attention" if kind == "name" else f"bad {kind}".strip()
    if column.align == "name":
        content = content.replace("_", "_<wbr>")
    kinds = f' class="{kind}"' if kind else ""
    return f'<td{kinds} data-head="{escaped(label)}">{content}</td>'


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


_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #f4f5f7; color: #1c2330;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 90rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0.5rem 0 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 0.75rem; }
h3 { font-size: 1rem; margin: 1rem 0 0.5rem; }
section { background: #fff; border: 1px solid #e1e4ea; border-radius: 8px;
  padding: 1.25rem 1.5rem; margin: 0 0 1.25rem; }
p { margin: 0 0 0.75rem; }
p, li, figcaption, dd { max-width: 66rem; }
.note, figcaption { color: #56607a; font-size: 0.875rem; }
.note { margin: 0.75rem 0 0; }
.warning { background: #fff4d6; border: 1px solid #e6c35c; border-radius: 8px; padding: 0.75rem 1rem; }
.wide { container-type: inline-size; overflow-x: auto; margin-top: 0.75rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.84rem; }
th { text-align: left; vertical-align: bottom; font-weight: 600; color: #56607a; border-bottom: 2px solid #d5d9e2; }
th, td { padding: 0.35rem 0.35rem; }
td { border-bottom: 1px solid #edeff3; vertical-align: top; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.name { font-weight: 600; }
td.bad, .attention { color: #a8330a; }
.constrained, .generic { padding: 0.05rem 0.45rem; border-radius: 999px; font-size: 0.8rem; white-space: nowrap; }
.constrained { background: #dcefe8; color: #00593f; }
.generic { background: #e6e9f2; color: #37415a; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.25rem; margin: 0; }
dt { color: #56607a; }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; }
figure img { display: block; width: 100%; max-width: 58rem; margin: 0 auto 0.75rem; }
pre { background: #f4f5f7; border-radius: 6px; padding: 0.75rem 1rem; overflow-x: auto; font-size: 0.875rem; }
code { font-size: 0.9em; }
summary { cursor: pointer; margin-bottom: 0.5rem; }
ul { margin: 0.75rem 0 0; padding-left: 1.25rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 0.4rem; } }
"""

_CARDS = """@container (max-width: WIDTHrem) {
  .wWIDTH :is(table, tbody) { display: block; }
  .wWIDTH thead, .wWIDTH td:empty { display: none; }
  .wWIDTH tr { display: flex; flex-wrap: wrap; border-bottom: 1px solid #d5d9e2; padding: 0.4rem 0; }
  .wWIDTH td { border: 0; padding: 0 1rem 0 0; text-align: left; }
  .wWIDTH td.name { order: -1; flex-basis: 100%; overflow-wrap: anywhere; }
  .wWIDTH td:not(.name)::before { content: attr(data-head) " "; color: #56607a; font-weight: 400; }
}
"""
