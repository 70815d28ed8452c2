"""Pieces of HTML that every page is made of; what comes from a run is escaped here."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

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


def table(head: str, rows: Sequence[str]) -> str:
    """A table from the cells of its head and the cells of each row."""
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


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
