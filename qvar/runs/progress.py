"""What a run shows while it works: bars on a terminal, a line per finished task elsewhere, or nothing."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from qvar.task import Progress, Row, Task

_BAR, _COUNT, _NOTE, _TIME = 10, 11, 24, 7
"""Letters of the parts of a line: a bar, evaluations, a few words, the time."""


@dataclass(frozen=True)
class Display:
    """Three functions that a run calls; each gets the task's position, counted from 0."""

    start: Callable[[int], None]
    """A task begins."""
    report: Callable[[int, Progress], None]
    """A task tells how far it is."""
    finish: Callable[[int, Sequence[Row], float], None]
    """A task is done: its rows, and the seconds it took."""


def outcome(rows: Sequence[Row]) -> str:
    """A task's rows in a few words, such as "7 converged, 1 stalled"; a failure with its message."""
    counts = Counter(str(row.get("status")) for row in rows)
    words = ", ".join(f"{count} {status}" for status, count in counts.items()) or "no rows"
    messages = dict.fromkeys(str(row["message"]) for row in rows if row.get("message"))
    return words + "".join(f"; {message}" for message in messages)


@contextlib.contextmanager
def display(tasks: Sequence[Task], n_there: int, enabled: bool) -> Iterator[Display]:
    """Shows a run's progress on standard error.

    Args:
        tasks: all tasks of the run.
        n_there: how many of them have a shard from an earlier sitting.
        enabled: whether to show anything.

    Yields:
        The functions to call.
    """
    if not enabled:
        yield Display(lambda _: None, lambda _, __: None, lambda _, __, ___: None)
        return
    if n_there:
        print(f"{n_there} of {len(tasks)} tasks are there already.", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        with _bars(tasks) as shown:
            yield shown
    else:
        yield _lines(tasks)


def _lines(tasks: Sequence[Task]) -> Display:
    def finish(position: int, rows: Sequence[Row], seconds: float) -> None:
        text = f"{position + 1}/{len(tasks)} {tasks[position].label}: {outcome(rows)} ({seconds:.1f} s)"
        print(text, file=sys.stderr, flush=True)

    return Display(lambda _: None, lambda _, __: None, finish)


def room(width: int) -> tuple[int, bool, bool]:
    """Return how many letters of a line a task's name has, and whether there is room for a bar and for a few words.

    Args:
        width: letters of the line.
    """
    bar, note = width >= 50, width >= 78  # a name is worth more than either
    rest = _COUNT + 1 + _TIME + 1 + bar * (_BAR + 1) + note * (_NOTE + 1)
    return max(8, width - rest), bar, note


@contextlib.contextmanager
def _bars(tasks: Sequence[Task]) -> Iterator[Display]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars
    from rich.table import Column

    def text(template: str, ratio: int | None = None, width: int | None = None) -> TextColumn:
        return TextColumn(
            template, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=ratio, max_width=width)
        )

    console = Console(stderr=True)
    name, bar, note = room(console.width)
    bars = Bars(
        text("{task.description}", width=name),
        *([BarColumn(bar_width=_BAR)] if bar else []),
        text("{task.fields[count]}", width=_COUNT),
        *([text("{task.fields[note]}", width=_NOTE)] if note else []),
        TimeElapsedColumn(),
        console=console,
    )
    shown: dict[int, TaskID] = {}

    def start(position: int) -> None:
        shown[position] = bars.add_task(escape(tasks[position].label), total=None, count="", note="starting")
        # A display that is taller than the terminal would hide its newest bars, so the oldest give way.
        for hidden in list(shown.values())[: -max(bars.console.height - 2, 1)]:
            bars.update(hidden, visible=False)

    def report(position: int, progress: Progress) -> None:
        count = f"{progress.done}/{progress.total}"
        note = escape(progress.message)
        bars.update(shown[position], completed=progress.done, total=progress.total, count=count, note=note)

    def finish(position: int, rows: Sequence[Row], seconds: float) -> None:
        # A start that converged early has not spent its budget: its bar is full all the same.
        bar = bars.tasks[bars.task_ids.index(shown[position])]
        bars.update(shown[position], completed=bar.total or 1, total=bar.total or 1, note=escape(outcome(rows)))
        bars.stop_task(shown[position])

    with bars:
        yield Display(start, report, finish)
