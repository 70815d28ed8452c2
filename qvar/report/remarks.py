"""Remarks on the problems of a run, such as a Hartree-Fock reference that is a saddle: once each, below the result."""

from __future__ import annotations

import json
import re

from qvar._types import DataFrame

_MOST = 8
"""Remarks that are written out; a run along a coordinate may have some at every point."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def remarks(ledger: DataFrame) -> list[str]:
    """Return the remarks on the problems of a ledger, those of one kind as one with the number of problems.

    The column `remarks` holds JSON lists of sentences.
    """
    if "remarks" not in ledger.columns:
        return []
    kinds: dict[str, list[tuple[str, str]]] = {}
    for problem, text in ledger[["problem", "remarks"]].dropna().drop_duplicates().itertuples(index=False, name=None):
        for sentence in _sentences(str(text)):
            kinds.setdefault(_NUMBER.sub("#", sentence), []).append((str(problem), sentence))
    several = len(ledger["problem"].dropna().unique()) > 1
    lines = []
    for entries in kinds.values():
        problem, sentence = entries[0]
        others = f" So it is, with other numbers, for {len(entries) - 1} more." if len(entries) > 1 else ""
        lines.append(f"{problem}: {sentence}{others}" if several else sentence)
    return lines if len(lines) <= _MOST else [*lines[:_MOST], f"And {len(lines) - _MOST} more, in the ledger."]


def _sentences(text: str) -> list[str]:
    try:
        sentences = json.loads(text)
    except json.JSONDecodeError:
        return [text]
    return [str(sentence) for sentence in sentences] if isinstance(sentences, list) else [text]
