"""Progress in a notebook: a bar in the output of the cell, drawn again in its place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from html import escape

from qvar.runs.overview import Overview
from qvar.runs.progress import Display
from qvar.task import Progress, Row

_BETWEEN_S = 0.5
"""Seconds between two drawings."""


class Shown:
    """Present state of a run, as HTML and as text."""

    def __init__(self, overview: Overview, *, ended: bool = False) -> None:
        """Describe a run at work, or one that has ended."""
        self._text = overview.summary() if ended else ", ".join(overview.parts())
        tasks = [] if ended else [(overview.labels[key], task) for key, task in overview.at_work.items()]
        self._lines = [f"{label}: {100 * task.share:.0f} %, {task.words}" for label, task in tasks]
        self._share = overview.share

    def __repr__(self) -> str:
        """Return the lines of text, for notebooks without HTML."""
        return "\n".join([self._text, *self._lines])

    def _repr_html_(self) -> str:
        bar = f"<progress value='{self._share:.3f}' max='1' aria-label='share of the run that is done'></progress>"
        return f"<div>{bar} {'<br>'.join(map(escape, [self._text, *self._lines]))}</div>"


@contextlib.contextmanager
def bar(overview: Overview) -> Iterator[Display]:
    """Show a run in the output of the cell; a summary stays."""
    from IPython.display import display

    handle = display(Shown(overview), display_id=True)
    assert handle is not None
    drawn = overview.clock()

    def draw() -> None:
        nonlocal drawn
        if overview.clock() - drawn >= _BETWEEN_S:
            handle.update(Shown(overview))
            drawn = overview.clock()

    def start(key: str, attempt: int) -> None:
        overview.start(key)
        draw()

    def report(key: str, progress: Progress) -> None:
        overview.report(key, progress)
        draw()

    def finish(key: str, rows: Sequence[Row], seconds: float) -> None:
        overview.finish(key, rows, seconds)
        draw()

    try:
        yield Display(overview.labels, start, report, finish)
    finally:
        handle.update(Shown(overview, ended=True))
