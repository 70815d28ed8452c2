"""Display of a run's progress: bars on a terminal, a line per finished task elsewhere, or nothing."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qvar.task import Progress, Row

_BAR, _COUNT, _NOTE, _TIME = 10, 11, 24, 7
"""Letters of the parts of a line: a bar, evaluations, a few words, the time."""


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


def outcome(rows: Sequence[Row]) -> str:
    """Return a task's rows in a few words, such as "7 converged, 1 stalled"; a failure with its message."""
    counts = Counter(str(row.get("status")) for row in rows)
    words = ", ".join(f"{count} {status}" for status, count in counts.items()) or "no rows"
    messages = dict.fromkeys(str(row["message"]) for row in rows if row.get("message"))
    return words + "".join(f"; {message}" for message in messages)


@contextlib.contextmanager
def display(labels: Mapping[str, str], n_there: int, enabled: bool) -> Iterator[Display]:
    """Show a run's progress on standard error."""
    if not enabled:
        yield Display(labels)
        return
    if n_there:
        print(f"{n_there} of {len(labels)} tasks are there already.", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        with _bars(labels) as bars:
            yield bars
    else:
        yield _lines(labels)


def _lines(labels: Mapping[str, str]) -> Display:
    numbers = {key: number for number, key in enumerate(labels, start=1)}

    def finish(key: str, rows: Sequence[Row], seconds: float) -> None:
        text = f"{numbers[key]}/{len(labels)} {labels[key]}: {outcome(rows)} ({seconds:.1f} s)"
        print(text, file=sys.stderr, flush=True)

    return Display(labels, finish=finish)


def room(width: int) -> tuple[int, bool, bool]:
    """Return the letters of a line for a task's name, and if there is room for a bar and for a few words."""
    bar, note = width >= 50, width >= 78  # a name is worth more than either
    rest = _COUNT + 1 + _TIME + 1 + bar * (_BAR + 1) + note * (_NOTE + 1)
    return max(8, width - rest), bar, note


@contextlib.contextmanager
def _bars(labels: Mapping[str, str]) -> Iterator[Display]:
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
    ids: dict[str, TaskID] = {}

    def start(key: str, attempt: int) -> None:
        ids[key] = bars.add_task(escape(labels[key]), total=None, count="", note="starting")
        # A display that is taller than the terminal would hide its newest bars, so the oldest give way.
        for hidden in list(ids.values())[: -max(bars.console.height - 2, 1)]:
            bars.update(hidden, visible=False)

    def report(key: str, progress: Progress) -> None:
        count = f"{progress.done}/{progress.total}"
        note = escape(progress.message)
        bars.update(ids[key], completed=progress.done, total=progress.total, count=count, note=note)

    def finish(key: str, rows: Sequence[Row], seconds: float) -> None:
        # A start that converged early has not spent its budget: its bar is full all the same.
        bar = bars.tasks[bars.task_ids.index(ids[key])]
        bars.update(ids[key], completed=bar.total or 1, total=bar.total or 1, note=escape(outcome(rows)))
        bars.stop_task(ids[key])

    with bars:
        yield Display(labels, start, report, finish)
