"""Tables and numbers of the pages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from qvar.report.formats import digits, error_words

LINE = 118
"""Letters of a line of prose."""

FORMULAS = {"h2": "H2", "h4": "H4", "h6": "H6", "lih": "LiH", "beh2": "BeH2", "h2o": "H2O", "n2": "N2"}


def titled(molecule: str, bond: float) -> str:
    """Return a molecule and the length of its bonds in angstrom, such as "LiH 1.546"."""
    return f"{FORMULAS[molecule]} {round(bond, 6)!r}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> str:
    """Return a table of Markdown, its first columns on the left, the others on the right."""
    rule = ["---"] * names + ["---:"] * (len(heads) - names)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))


def error(value: float, unit: str = "mHa", n: int = 3) -> str:
    """Return an error with so many digits, or that it is below what is known."""
    words = error_words(value, unit)
    return words if words.startswith("<") else digits(value, n)


def percent(low: float, high: float) -> str:
    """Return an interval of a share."""
    return f"{100 * low:.0f}-{100 * high:.0f} %"


def listed(words: Sequence[str]) -> str:
    """Join words with commas and an "and"."""
    words = list(words)
    if not words:
        return "none"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def filled(text: str) -> str:
    """Break paragraphs and lists of a page into lines; tables, pictures, code and headings stay."""
    parts = []
    for part in text.strip().split("\n\n"):
        if part.startswith("- "):
            parts.append("\n".join(_broken(f"- {item}", "  ") for item in part[2:].split("\n- ")))
        else:
            parts.append(part if part.startswith(("|", "#", "!", "```", "$$")) else _broken(part, ""))
    return "\n\n".join(parts) + "\n"


def _broken(words: str, indent: str) -> str:
    return textwrap.fill(
        " ".join(words.split()), LINE, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
