"""The one loop over tasks without a shard: of `qvar run`, of its processes, and of the array tasks of a campaign.

A task's shard appears whole or not at all, and once, so that the loop can be repeated after any interruption. Each task
is done under a lease, with checkpoints inside its trainings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qvar.errors import QvarError, error_words
from qvar.optimize.checkpoint import Stopped, keeping
from qvar.records.run_folder import RunFolder, reason
from qvar.records.run_tables import plain_rows, write_shard
from qvar.runs.checkpoints import follower, forget, keeper
from qvar.runs.leases import HEARTBEAT_S, STALE_HEARTBEATS, Attempt, Ending, Lease, acquire, owner
from qvar.runs.multiprocess import finished_alike, from_leader, is_distributed
from qvar.runs.progress import Display
from qvar.runs.stop import Stop
from qvar.task import Progress, Row, Task, failed_row

DISK = 74
"""Exit status if a result could not be written (EX_IOERR of sysexits.h)."""

STOPPED = 75
"""Exit status if work is left after a request to stop (EX_TEMPFAIL)."""

MOST_DEATHS = 5
"""Number of killed attempts in a row, without progress, after which a task has failed."""

MOST_IDLE = 2
"""Number of stopped attempts in a row, without progress, after which a task does not go back into the queue."""

_PATIENCE_S = 5.0
"""Seconds after a request to stop in which a training stops by itself."""


class TaskLoop:
    """Loop over tasks of one folder.

    Attributes:
        n_idle: number of stopped tasks that should not go back into the queue.
    """

    def __init__(
        self,
        folder: RunFolder,
        find: Callable[[str], Task],
        display: Display,
        stop: Stop,
        *,
        checkpoint_s: float,
        beat_s: float = HEARTBEAT_S,
        place: Mapping[str, Any] | None = None,
    ) -> None:
        """Make a loop.

        A `QvarError` of `find`, which returns the task of a key, ends the loop; `place` are more entries of the leases,
        such as the array task.
        """
        self._folder, self._find, self._display, self._stop = folder, find, display, stop
        self._checkpoint_s, self._beat_s = checkpoint_s, beat_s
        self._owner = {**owner(), **(place or {})}
        self.n_idle = 0

    def work(self, keys: Sequence[str]) -> list[str]:
        """Do the tasks that have no shard; return the keys of those that another process is working on."""
        busy = []
        for key in keys:
            if self._stop.asked:
                break
            try:
                if not self._is_missing(key):
                    continue
                lease = acquire(self._folder.state(key), self._owner, STALE_HEARTBEATS * self._beat_s, self._beat_s)
            except OSError as error:
                self._display.unwritten(key, error)
                continue
            if isinstance(lease, Attempt):
                busy.append(key)
            else:
                self._do(key, lease)
        return busy

    def follow(self) -> list[Row]:
        """Do the tasks that process 0 does, if several processes hold one state; return their rows, write nothing."""
        rows: list[Row] = []
        while (key := from_leader(None)) is not None:
            try:
                with keeping(follower(self._folder.state(key), self._stop)):
                    own = self._rows(self._find(key), None)
                finished_alike(own)
                rows += own
            except Stopped:
                continue
        return rows

    def _is_missing(self, key: str) -> bool:
        """Return if a task has no result; one that cannot be read is removed.

        Raises `OSError` if it cannot be removed, such as a folder.
        """
        shard, path = self._folder.look_at_shard(key), self._folder.shard(key)
        if shard.damage or (path.is_symlink() and not path.exists()):
            self._display.note(key, f"is done again, because {path.name} is damaged: {shard.damage or 'a dead link'}")
            path.unlink(missing_ok=True)
        return shard.rows is None

    def _do(self, key: str, lease: Lease) -> None:
        state, note = self._folder.state(key), self._display.note
        self._display.start(key, lease.number)
        begin = time.perf_counter()
        try:
            if lease.deaths >= MOST_DEATHS:
                message = f"Its process was killed {lease.deaths} times; see {self._folder.path / 'logs'}."
                rows = [failed_row(self._display.labels[key], message)]
            else:
                from_leader(key)
                with keeping(keeper(state, lease, self._stop, self._checkpoint_s)):
                    rows = self._rows(self._find(key), lease)
                finished_alike(rows)
            if lease.superseded():
                raise FileExistsError
            write_shard(self._folder.shard(key), rows, once=True)
        except Stopped:
            if lease.superseded():
                lease.end(Ending.STOPPED)
                return
            if not self._stop.asked:
                self._stop.ask("another process was asked to stop", True)
            lease.end(Ending.STOPPED, self._stop.reason)
            if lease.kept == 0 and lease.idle >= MOST_IDLE - 1:
                note(key, "reached no step that could be kept; it needs a longer time limit.")
                self.n_idle += 1
            note(key, f"stopped after {lease.kept} new steps")
        except FileExistsError:  # another attempt took over, and may have ended already
            lease.end(Ending.STOPPED)
            note(key, "another attempt took over")
        except OSError as error:
            lease.end(Ending.ERROR, reason(error))
            self._display.unwritten(key, error)
        except KeyboardInterrupt:
            lease.end(Ending.STOPPED, "interrupted")
            raise
        except QvarError as error:  # the task cannot be made here, or another process has ended
            lease.end(Ending.ERROR, str(error))
            raise
        else:
            failed = bool(rows) and all(row.get("status") == "failed" for row in rows)
            message = str(rows[0].get("message") or "") if failed else ""
            lease.end(Ending.FAILED if failed else Ending.DONE, message)
            forget(state)
            self._display.finish(key, rows, time.perf_counter() - begin)

    def _rows(self, task: Task, lease: Lease | None) -> list[Row]:
        """Return the rows of a task. Whatever it raises becomes a row."""

        def report(progress: Progress) -> None:
            if lease is not None:
                lease.report(done=progress.done, total=progress.total, words=progress.message[:80])
                self._display.report(task.key, progress)
            # a training has stopped by itself long before; other work has nothing to keep
            if self._stop.seconds > _PATIENCE_S and not is_distributed():  # several processes stop at one step, or none
                raise Stopped

        try:
            return plain_rows(task.run(report), task.columns)
        except (KeyboardInterrupt, Stopped):
            raise
        except BaseException as error:  # `sys.exit` among them, and panics of libraries in Rust
            return [failed_row(task.label, error_words(error))]
