"""Progress in a terminal: a line for each finished task, and below them live lines about those at work."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from qvar.errors import one_line
from qvar.runs.overview import AtWork, Overview, clock_time, finished_line
from qvar.runs.progress import Display
from qvar.task import Row

_BAR = 10
_PER_SECOND = 2
"""Times that the lines are drawn in a second: little work for the machine, and enough for the eye."""


@contextlib.contextmanager
def live_lines(overview: Overview) -> Iterator[Display]:
    """Show the tasks at work, and what is left, on lines that are drawn again and again."""
    console = Console(stderr=True, highlight=False)
    block = Live(
        console=console,
        get_renderable=lambda: _block(overview, console),
        refresh_per_second=_PER_SECOND,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )

    def start(key: str, attempt: int) -> None:
        overview.start(key)

    def finish(key: str, rows: Sequence[Row], seconds: float) -> None:
        failed = overview.n_failed
        overview.finish(key, rows, seconds)
        words = f"{overview.numbers[key]}/{overview.n_tasks} {one_line(overview.labels[key])}: "
        line = shortened(words + finished_line(rows, seconds), console.width - 1)
        console.print(Text(line, style="red" if overview.n_failed > failed else ""), no_wrap=True)
        block.refresh()

    with block:
        yield Display(overview.labels, start, overview.report, finish)


def _block(overview: Overview, console: Console) -> Group:
    # the last column stays empty: some terminals break a line that is full
    width, now = console.width - 1, overview.clock()
    marks = "━─" if console.encoding.startswith("utf") else "#-"
    most = max(console.height - 3, 1)  # a block as tall as the terminal could not be drawn again
    tasks = list(overview.at_work.items())[-most:]
    lines = [task_line(one_line(overview.labels[key]), task, now, width, marks) for key, task in tasks]
    return Group(*lines, Text(joined(overview.parts(), width), no_wrap=True))


def task_line(name: str, task: AtWork, now: float, width: int, marks: str = "━─") -> Text:
    """Return the line of a task at work: its name, a bar, the share of its budget, its words, its time.

    A narrow line has no bar and no time, and gives what there is to the words before the name.
    """
    share = f"{100 * task.share:3.0f} %"
    bar, time = width >= 55, f" {clock_time(now - task.began)}" if width >= 45 else ""
    room = width - cell_len(share) - 2 - (_BAR + 1) * bar - cell_len(time)
    words = shortened(task.words, max(room - min(cell_len(name), max(room // 3, 6)) - 1, 0))
    name = shortened(name, max(room - cell_len(words), 0))
    filled = round(_BAR * task.share)
    line = Text(no_wrap=True)
    line.append(f"{name} ")
    if bar:
        line.append(marks[0] * filled, style="green").append(marks[1] * (_BAR - filled), style="dim")
        line.append(" ")
    line.append(f"{share} ")
    line.append(set_cell_size(words, max(room - cell_len(name), 0)) if time else words)
    return line.append(time, style="dim")


def joined(parts: Sequence[str], width: int) -> str:
    """Join as many parts as a line has room for."""
    line = shortened(parts[0], width)
    for part in parts[1:]:
        if cell_len(f"{line}, {part}") <= width:
            line = f"{line}, {part}"
    return line


def shortened(text: str, width: int) -> str:
    """Cut a text to a width in columns of the terminal; three dots stand for what is cut off."""
    return text if cell_len(text) <= width else f"{set_cell_size(text, max(width - 3, 0))}..."[: max(width, 0)]
