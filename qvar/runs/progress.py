"""Display of a run's progress: live lines in a terminal, a bar in a notebook, plain lines elsewhere, or nothing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qvar.errors import one_line
from qvar.runs.overview import Overview, finished_line
from qvar.task import Progress, Row

_PLAIN_S = 30.0
"""Seconds between two plain lines about tasks that are still at work."""


def _fail(key: str, error: OSError) -> None:
    raise error


@dataclass(frozen=True)
class Display:
    """Functions that a loop over tasks calls with a task's key; by default they show nothing."""

    labels: Mapping[str, str]
    """{key of a task: its short name}."""
    start: Callable[[str, int], None] = lambda key, attempt: None
    """A task begins, for the n-th time."""
    report: Callable[[str, Progress], None] = lambda key, progress: None
    """A task reports its progress."""
    finish: Callable[[str, Sequence[Row], float], None] = lambda key, rows, seconds: None
    """A task is done: its rows, and the seconds it took."""
    note: Callable[[str, str], None] = lambda key, words: None
    """Something else happened to a task."""
    unwritten: Callable[[str, OSError], None] = _fail
    """A result could not be written; ends the loop by default."""


@contextlib.contextmanager
def display(labels: Mapping[str, str], n_there: int, enabled: bool, workers: int = 1) -> Iterator[Display]:
    """Show a run's progress on standard error, or in the output of a notebook's cell."""
    if not enabled:
        yield Display(labels)
        return
    overview = Overview(labels, n_there, workers)
    if is_notebook():
        from qvar.runs.progress_notebook import bar

        with bar(overview) as lines:
            yield lines
        return
    if n_there:
        print(f"{n_there} of {len(labels)} tasks are there already.", file=sys.stderr, flush=True)
    if _is_live():
        from qvar.runs.progress_terminal import live_lines

        with live_lines(overview) as lines:
            yield lines
    else:
        yield plain_lines(overview)


@contextlib.contextmanager
def transient_line(words: str, enabled: bool) -> Iterator[None]:
    """Show a line on a terminal while something takes a second or more; none elsewhere."""
    if not enabled or is_notebook() or not _is_live():
        yield
        return
    print(words, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # the line is empty again


def _is_live() -> bool:
    """Return if standard error is a terminal on which a line can be drawn again."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def is_notebook() -> bool:
    """Return if IPython is there to show HTML: in a notebook, not in its terminal."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and type(shell).__name__ != "TerminalInteractiveShell"


def plain_lines(overview: Overview) -> Display:
    """Return a display that prints a line for each finished task, and one now and then while a task is at work."""
    printed = overview.clock()

    def write(key: str, words: str) -> None:
        nonlocal printed
        printed = overview.clock()
        number = f"{overview.numbers[key]}/{overview.n_tasks}"
        left = overview.time_left()
        line = f"{number} {one_line(overview.labels[key])}: {words}{'; ' if left else ''}{left}"
        print(line, file=sys.stderr, flush=True)

    def start(key: str, attempt: int) -> None:
        overview.start(key)

    def report(key: str, progress: Progress) -> None:
        overview.report(key, progress)
        if overview.clock() - printed >= _PLAIN_S:
            task = overview.at_work[key]
            write(key, f"{100 * task.share:.0f} %, {task.words}")

    def finish(key: str, rows: Sequence[Row], seconds: float) -> None:
        overview.finish(key, rows, seconds)
        write(key, finished_line(rows, seconds))

    return Display(overview.labels, start, report, finish)
