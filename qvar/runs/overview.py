"""Progress of all tasks of a run together: which are done, which are at work, and an estimate of the time left."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from qvar.analysis.rows import best_words
from qvar.errors import one_line
from qvar.task import Progress, Row

_ENOUGH = 2
"""Finished tasks whose mean time is taken for that of the waiting ones."""

_SECONDS, _SHARE = 2.0, 0.03
"""Time and share of its budget that a task has been watched before its speed is known."""

_POINT = ("problem", "n_qubits", "coordinate", "setting", "method")
"""Columns in which rows must agree for their errors to be compared."""


@dataclass
class AtWork:
    """Task at work."""

    began: float
    """Time at which it began."""
    words: str
    """Words of its last report."""
    share: float = 0.0
    """Share of its budget that is used."""
    first: tuple[float, float] | None = None
    """Time and share of its first report: compilation and a checkpoint come before."""

    def left(self, now: float, mean: float | None, shares: Sequence[float]) -> float | None:
        """Return the seconds that it still takes; None if unknown.

        Args:
            now: present time.
            mean: mean seconds of finished tasks; None if unknown.
            shares: shares of their budgets that finished tasks used: of those above the present share, and a whole
                budget, the mean is where this task is expected to end.
        """
        if self.first is not None and now - self.first[0] >= _SECONDS and self.share - self.first[1] >= _SHARE:
            speed = (self.share - self.first[1]) / (now - self.first[0])
            ends = [1.0, *(share for share in shares if share > self.share)]
            return (sum(ends) / len(ends) - self.share) / speed
        return None if mean is None else max(mean - (now - self.began), 0.0)


@dataclass
class Overview:
    """Progress of a run."""

    labels: Mapping[str, str]
    """{key of a task: its short name}."""
    n_there: int = 0
    """Tasks that were done before."""
    workers: int = 1
    """Tasks that are done at the same time."""
    clock: Callable[[], float] = time.monotonic
    """Clock, in seconds."""
    at_work: dict[str, AtWork] = field(default_factory=dict)
    """{key: task at work}."""
    best: tuple[float, str, str] | None = None
    """Lowest error of all finished tasks, its unit, and the name of the task."""
    n_failed: int = 0
    """Finished tasks of which no row is a result."""
    _n_finished: int = 0
    _seconds: list[float] = field(default_factory=list)
    _shares: list[float] = field(default_factory=list)
    _shown: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        self.began = self.clock()
        self.numbers = {key: number for number, key in enumerate(self.labels, start=1)}

    @property
    def n_tasks(self) -> int:
        """Tasks of the run."""
        return len(self.labels)

    @property
    def n_done(self) -> int:
        """Tasks that are done."""
        return self.n_there + self._n_finished

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.began

    @property
    def share(self) -> float:
        """Share of the run that is done, each task with the same weight."""
        return (self.n_done + sum(task.share for task in self.at_work.values())) / max(self.n_tasks, 1)

    def start(self, key: str) -> None:
        """Note that a task begins."""
        self.at_work[key] = self._new()

    def report(self, key: str, progress: Progress) -> None:
        """Note the progress of a task."""
        task = self.at_work.setdefault(key, self._new())
        task.share = min(max(progress.done / max(progress.total, 1), task.share), 1.0)
        task.words = one_line(progress.message)
        task.first = task.first or (self.clock(), task.share)

    def finish(self, key: str, rows: Sequence[Row], seconds: float) -> None:
        """Note that a task is done."""
        task = self.at_work.pop(key, self._new())
        self._n_finished += 1
        if rows and all(row.get("status") == "failed" for row in rows):
            self.n_failed += 1
        else:  # a failure is often immediate
            self._seconds.append(seconds)
            self._shares.append(task.share)
        best = best_error(rows)
        if best and (self.best is None or (best[1] == self.best[1] and best[0] < self.best[0])):
            self.best = (*best, one_line(self.labels[key]))

    def _new(self) -> AtWork:
        # other processes report every ten seconds alone
        return AtWork(self.clock(), words="starting" if self.workers == 1 else "")

    def estimate(self) -> float | None:
        """Return the seconds that the run still takes; None if that cannot be known yet."""
        now = self.clock()
        mean = sum(self._seconds) / len(self._seconds) if len(self._seconds) >= _ENOUGH else None
        n_waiting = max(self.n_tasks - self.n_done - len(self.at_work), 0)
        left = [task.left(now, mean, self._shares) for task in self.at_work.values()]
        known = [seconds for seconds in left if seconds is not None]
        if len(known) < len(left) or (n_waiting and mean is None):
            return None
        return max([*known, (sum(known) + n_waiting * (mean or 0.0)) / self.workers])

    def time_left(self) -> str:
        """Return the time left in words, such as "about 3 min left"; empty if it is not known.

        What is shown counts down, and follows another estimate within a few seconds, or a twentieth of the time left.
        """
        estimate, now = self.estimate(), self.clock()
        if estimate is None or self.n_done == self.n_tasks:
            self._shown = None
            return ""
        if self._shown is not None:
            last, at = self._shown
            weight = -math.expm1(-(now - at) / (2.0 + estimate / 20))
            counted = max(last - (now - at), 0.0)
            estimate = counted + weight * (estimate - counted)
        self._shown = (estimate, now)
        return f"{rounded(estimate)} left"

    def parts(self) -> list[str]:
        """Return words about the whole run, the most important first."""
        tasks = f"{self.n_done} of {self.n_tasks} task{'' if self.n_tasks == 1 else 's'}"
        left = self.time_left()
        return [tasks, *([left] if left else []), f"{100 * self.share:.0f} %", f"{clock_time(self.seconds)} elapsed"]

    def summary(self) -> str:
        """Return the run in one sentence without a period."""
        words = f"{self.n_done} of {self.n_tasks} task{'' if self.n_tasks == 1 else 's'} done"
        words += f", {self.n_failed} of them failed" if self.n_failed else ""
        if self.best is not None:
            error, unit, label = self.best
            words += f"; {best_words(error, unit)} ({label})"
        return f"{words}; {clock_time(self.seconds)}"


def best_error(rows: Sequence[Row]) -> tuple[float, str] | None:
    """Return the lowest error of rows and its unit; None if there is none, or the rows are of different problems."""
    if len({tuple(row.get(name) for name in _POINT) for row in rows}) != 1:
        return None
    errors = [(row.get("error"), row.get("unit") or "") for row in rows if row.get("status") != "failed"]
    return min(
        ((value, unit) for value, unit in errors if isinstance(value, float) and math.isfinite(value)), default=None
    )


def outcome(rows: Sequence[Row]) -> str:
    """Return a task's rows in a few words, such as "7 converged, 1 stalled"; a failure with its message."""
    counts = Counter(str(row.get("status")) for row in rows)
    words = ", ".join(f"{count} {status}" for status, count in counts.items()) or "no rows"
    messages = dict.fromkeys(str(row["message"]) for row in rows if row.get("message"))
    return words + "".join(f"; {message}" for message in messages)


def finished_line(rows: Sequence[Row], seconds: float) -> str:
    """Return the end of a task in words: its best error, the ends of its starts, its time."""
    best = best_error(rows)
    words = f"{best_words(*best)}, " if best else ""
    return one_line(f"{words}{outcome(rows)} ({seconds:.1f} s)")


def rounded(seconds: float) -> str:
    """Return a time that is not exact: "a few seconds", "about 40 s", "about 5 min", "about 2.5 h"."""
    if seconds < 8:
        return "a few seconds"
    if seconds < 55:
        return f"about {5 * math.ceil(seconds / 5)} s"
    if seconds < 3300:
        return f"about {math.ceil(seconds / 60 - 0.1)} min"
    return f"about {seconds / 3600:.1f} h" if seconds < 172800 else f"about {seconds / 86400:.0f} days"


def clock_time(seconds: float) -> str:
    """Return a time as 0:07, 12:34 or 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
