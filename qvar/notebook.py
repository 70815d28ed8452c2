"""Records as a notebook shows them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape


def text_html(text: str) -> str:
    """Return a table of text in letters of one width."""
    return f"<pre>{escape(text)}</pre>"


def facts_html(title: str, facts: Mapping[str, object], more: str = "") -> str:
    """Return names and values as a table under a title; entries that are None or empty are left out.

    `more` is text with line breaks that a reader opens.
    """
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in facts.items()
        if value is not None and value != ""
    )
    fold = f"<details><summary>operations</summary><pre>{escape(more)}</pre></details>" if more else ""
    return f"<p><b>{escape(title)}</b></p><table>{rows}</table>{fold}"
