"""Remarks on the problems of a run, such as a Hartree-Fock reference that is a saddle: once each, below the result."""

from __future__ import annotations

import json
import re

from qvar.report import pieces
from qvar.report.tables import Frame

_MOST = 8
"""Remarks that are written out; a run along a coordinate may have some at every point."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def remarks(ledger: Frame) -> list[str]:
    """Return the remarks on the problems of a ledger, those of one kind as one with the number of problems.

    Args:
        ledger: a run's ledger; its column `remarks` holds JSON lists of sentences.
    """
    if "remarks" not in ledger.columns:
        return []
    kinds: dict[str, list[tuple[str, str]]] = {}
    for problem, text in ledger[["problem", "remarks"]].dropna().drop_duplicates().itertuples(index=False, name=None):
        for sentence in _sentences(str(text)):
            kinds.setdefault(_NUMBER.sub("#", sentence), []).append((str(problem), sentence))
    several = ledger["problem"].nunique() > 1
    lines = []
    for found in kinds.values():
        problem, sentence = found[0]
        others = f" So it is, with other numbers, for {len(found) - 1} more." if len(found) > 1 else ""
        lines.append(f"{problem}: {sentence}{others}" if several else sentence)
    return lines if len(lines) <= _MOST else [*lines[:_MOST], f"And {len(lines) - _MOST} more, in the ledger."]


def remarks_html(ledger: Frame) -> str:
    """Return `remarks` as a list of a page, or "" if there are none."""
    items = "".join(f"<li>{pieces.text(line)}</li>" for line in remarks(ledger))
    return f"<ul>{items}</ul>" if items else ""


def _sentences(text: str) -> list[str]:
    try:
        sentences = json.loads(text)
    except json.JSONDecodeError:
        return [text]
    return [str(sentence) for sentence in sentences] if isinstance(sentences, list) else [text]
