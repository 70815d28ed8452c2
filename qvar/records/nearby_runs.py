"""The runs near a place that holds none, for the sentence about a mistake."""

from __future__ import annotations

import difflib
from pathlib import Path

_MOST = 200
"""Folders that are looked at."""

_NAMED = 3
"""Runs that are named."""


def nearby_runs(path: Path) -> str:
    """Return the end of a sentence about a folder without a run: the runs in it, or the nearest name; else empty."""
    if _is_run(path.parent):
        return f"; did you mean {path.parent}?"
    inside = _runs_in(path)
    if inside:
        more = " ..." if len(inside) > _NAMED else ""
        return f"; it holds the runs {', '.join(sorted(inside)[:_NAMED])}{more or '.'}"
    near = {str(path.parent / name): name for name in _runs_in(path.parent)}
    near |= {str(Path("runs") / name): name for name in _runs_in(Path("runs"))}
    names = difflib.get_close_matches(path.name, near.values(), n=1)
    place = next((place for place, name in near.items() if name in names), None)
    return f"; did you mean {place}?" if place else ""


def _runs_in(folder: Path) -> list[str]:
    try:
        entries = [entry for entry, _ in zip(folder.iterdir(), range(_MOST), strict=False)]
    except OSError:
        return []
    return [entry.name for entry in entries if _is_run(entry)]


def _is_run(folder: Path) -> bool:
    try:
        return (folder / "case.json").is_file()
    except OSError:
        return False
