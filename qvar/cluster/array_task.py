"""What an array element does: the tasks of its line, each claimed, done, and written once."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qvar.cluster.campaign import Campaign, TaskLine, digest
from qvar.cluster.checkpoints import follower, forget, keeper
from qvar.cluster.choose_scheduler import adapter
from qvar.cluster.leases import Attempt, Claim, Ending, attempts, claim, owner
from qvar.cluster.script import warning_s
from qvar.cluster.stop import Stop, listening
from qvar.cluster.submit import recorded_wish
from qvar.errors import QvarError
from qvar.optimize.checkpoint import Stopped, keeping
from qvar.records.run_tables import plain_rows, write_shard
from qvar.runs.case_flags import CaseFunction, case_values, load_case, make_study
from qvar.runs.multiprocess import finished_alike, from_leader, is_distributed, is_leader
from qvar.runs.progress import outcome
from qvar.task import Progress, Row, Task, error_words, failed_row, tasks_of

DISK = 74
"""Exit status where a result could not be written (EX_IOERR of sysexits.h)."""

STOPPED = 75
"""Exit status where work is left because someone asked to stop (EX_TEMPFAIL)."""

MOST_DEATHS = 5
"""A task whose attempts died so many times in a row, nothing kept, has failed."""

MOST_IDLE = 2
"""A task that was stopped so many times in a row, nothing kept, does not go back into the queue by itself."""

_SPARE_S = 15.0
"""Seconds before the queue kills, in which a task that did not stop by itself is put back."""


@dataclass
class _Count:
    """What came of the tasks that an element went through."""

    unwritten: int = 0
    idle: int = 0
    """Stopped ones that should not go back by themselves."""


def run_element(campaign: Campaign, number: int | None) -> int:
    """Does the tasks of one array element, or, without a number, every task that nobody is at work on.

    Args:
        campaign: whose tasks.
        number: the element's number, from 1.

    Returns:
        The exit status: 0, `DISK`, `STOPPED`, or the one that puts the element back into its queue.

    Raises:
        QvarError: if there is no such element.
    """
    keys = _keys(campaign, number)
    lines = {line.key: line for line in campaign.tasks}
    if missing := [key for key in keys if key not in lines]:
        raise QvarError(f"`elements.jsonl` must name tasks of the campaign, but {missing[0]} is none.")
    name = queue_name(campaign)
    lead = warning_s(recorded_wish(campaign).resources)

    answers: list[int | None] = []
    lock = threading.Lock()

    def put_back() -> int | None:  # once: the thread that finds the work overdue may have done it
        with lock:
            if not answers:
                answers.append(_put_back(name))
            return answers[0]

    def overdue(stop: Stop) -> None:  # compiling, or in a single long step: what is kept is kept
        if stop.again and number is not None and is_leader():
            print(f"qvar: {stop.reason}, and no step ended since; putting the element back.", flush=True)
            status = put_back()
            if status is not None:
                os._exit(status)  # the queue goes by it, and the main thread cannot be made to end

    if gpus := os.environ.get("CUDA_VISIBLE_DEVICES"):
        print(f"{platform.node()}, GPUs {gpus}", flush=True)
    with listening(campaign.cancelled.exists, max(lead - _SPARE_S, 5.0), overdue) as stop:
        worker = _Worker(campaign, stop, {**owner(), **_place(name)})
        if not is_leader():
            worker.follow(lines)
            return 0
        left = [lines[key] for key in keys]
        # A task that another process is at work on is waited for until it is clear that the process lives: a lost one's
        # heart may have stood still for moments only. Without a number, what others are at work on is theirs at once.
        until = time.monotonic() + (0.0 if number is None else 1.5 * campaign.stale_s)
        while left and not stop.asked:
            begun = time.monotonic()
            left = worker.go_through(left)
            if begun >= until:  # after what may have been hours of other tasks it looks once more
                break
            if left:
                time.sleep(campaign.beat_s / 2)
        for line in [] if stop.asked or number is None else left:
            print(f"{line.label} ({line.points[0]}): another process is at work on it", flush=True)
        from_leader(None)  # there is no more
        count = worker.count
        stopped = stop.asked and not all(campaign.run.shard(key).exists() for key in keys)
        if stopped:
            print(f"qvar: stopped, because of {stop.reason}.", flush=True)
        if stopped and stop.again and number is not None and count.idle == 0:
            status = put_back()
            return STOPPED if status is None else status
    if count.unwritten:
        return DISK
    return STOPPED if stopped else 0


def queue_name(campaign: Campaign) -> str:
    """The queue that runs this process, or the one that the campaign was sent to."""
    return os.environ.get("QVAR_QUEUE") or str(campaign.record.get("queue", "local"))


def _keys(campaign: Campaign, number: int | None) -> Sequence[str]:
    if number is None:
        return [line.key for line in campaign.tasks]
    elements = campaign.elements()
    if number not in elements:
        raise QvarError(f"`index` must be an element from 1 to {max(elements, default=0)}, but is {number}.")
    return elements[number]


def _place(queue: str) -> dict[str, Any]:
    """What the queue calls this element, for the record of who works; nothing without a queue."""
    found = adapter(queue)
    place = None if found is None else found.place(os.environ)
    return {} if place is None else {"queue": queue, "job": place[0], "number": place[1]}


def _put_back(queue: str) -> int | None:
    """Puts this element back into its queue: by a command here, or by the exit status that is returned."""
    found = adapter(queue)
    again = None if found is None else found.again(os.environ)
    if again is None or isinstance(again, int):
        return again
    try:
        answer = subprocess.run(again, capture_output=True, text=True, timeout=60, check=False)
        if answer.returncode:  # the queue did it by itself, or the job is being cancelled
            print(f"qvar: not put back: {answer.stderr.strip()}", flush=True)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"qvar: not put back, `qvar submit --resume` does it: {error}", flush=True)
    return None


class _Worker:
    """Goes through tasks; keeps what a case returned while the next task is of the same point."""

    def __init__(self, campaign: Campaign, stop: Stop, who: dict[str, Any]) -> None:
        self._campaign, self._stop, self._who = campaign, stop, who
        self._point = ""
        self._tasks: dict[str, Task] = {}
        self._case: CaseFunction | None = None
        self.count = _Count()

    def go_through(self, lines: Sequence[TaskLine]) -> list[TaskLine]:
        """Does what is left of the tasks; returns those that someone else is at work on."""
        busy = []
        for line in lines:
            if self._stop.asked:
                break
            shard = self._campaign.run.look_at_shard(line.key)
            if shard.rows is not None:
                continue
            if shard.damage and not self._removed(line, shard.damage):
                continue
            folder = self._campaign.state(line.key)
            try:
                claimed = claim(folder, self._who, self._campaign.stale_s, self._campaign.beat_s)
            except OSError as error:
                self._unwritten(line, error)
                continue
            if isinstance(claimed, Attempt):
                busy.append(line)
                continue
            self._do(line, folder, claimed)
        return busy

    def _removed(self, line: TaskLine, damage: str) -> bool:
        """Removes a result that cannot be taken, and says so."""
        path = self._campaign.run.shard(line.key)
        print(f"{line.label} ({line.points[0]}): is done again, for {path.name} is damaged: {damage}", flush=True)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # such as a folder in its place
            self._unwritten(line, error)
            return False
        return True

    def _do(self, line: TaskLine, folder: Path, claimed: Claim) -> None:
        name = f"{line.label} ({line.points[0]})"
        print(f"{name}: begins, attempt {claimed.number}", flush=True)
        begin = time.perf_counter()
        before = attempts(folder, 0.0)[:-1]
        every_s = recorded_wish(self._campaign).checkpoint_s
        try:
            deaths = _in_a_row(before, Ending.RUNNING)
            if deaths >= MOST_DEATHS:
                rows = [failed_row(line.label, f"It died {deaths} times without a word; see {self._campaign.logs}.")]
            else:
                from_leader(line.key)
                with keeping(keeper(folder, claimed, self._stop, every_s)):
                    rows = self._rows(line, claimed)
                finished_alike(rows)
            if claimed.outrun():
                raise FileExistsError
            write_shard(self._campaign.run.shard(line.key), rows, once=True)
        except Stopped:
            if claimed.outrun():
                claimed.end(Ending.OUTRUN)
                return
            if not self._stop.asked:
                self._stop.ask("another process was asked to stop", True)
            claimed.end(Ending.STOPPED, self._stop.reason)
            if claimed.kept == 0 and _in_a_row(before, Ending.STOPPED) >= MOST_IDLE - 1:
                print(f"{name}: reached no step that could be kept; it needs a longer time limit.", flush=True)
                self.count.idle += 1
            print(f"{name}: stopped after {claimed.kept} new steps", flush=True)
        except FileExistsError:  # another copy of this task took over, and may have ended already
            claimed.end(Ending.OUTRUN)
            print(f"{name}: another attempt took over", flush=True)
        except OSError as error:
            claimed.end(Ending.ERROR, _words(error))
            self._unwritten(line, error)
        except QvarError as error:  # the case cannot be made here
            claimed.end(Ending.ERROR, str(error))
            raise
        else:
            failed = all(row.get("status") == "failed" for row in rows)
            claimed.end(Ending.FAILED if failed else Ending.DONE, str(rows[0].get("message") or "") if failed else "")
            forget(folder)
            print(f"{name}: {outcome(rows)} ({time.perf_counter() - begin:.1f} s)", flush=True)

    def follow(self, lines: Mapping[str, TaskLine]) -> None:
        """Does the tasks that the leader does with it, of several processes that hold one state; writes nothing."""
        while (key := from_leader(None)) is not None:
            try:
                with keeping(follower(self._campaign.state(key), self._stop)):
                    rows = self._rows(lines[key], None)
                finished_alike(rows)
            except Stopped:
                continue

    def _rows(self, line: TaskLine, claimed: Claim | None) -> list[Row]:
        """The rows of a task. Whatever it raises becomes a row."""
        task = self._task(line)

        def report(progress: Progress) -> None:
            if claimed is not None:
                claimed.tell(done=progress.done, total=progress.total, words=progress.message[:80])
            # a training has stopped by itself long before; other work has nothing to keep
            if self._stop.seconds > _PATIENCE_S and not is_distributed():  # where all stop at one step, or none
                raise Stopped

        try:
            return plain_rows(task.run(report))
        except (KeyboardInterrupt, Stopped):
            raise
        except BaseException as error:  # `sys.exit` among them
            return [failed_row(line.label, error_words(error))]

    def _task(self, line: TaskLine) -> Task:
        name = line.points[0]
        if name != self._point:
            self._tasks, self._point = {}, ""
            self._case = self._case or load_submitted_case(self._campaign)
            point = next(entry for entry in self._campaign.record["points"] if entry["name"] == name)
            values = case_values(self._case, point["words"], "qvar run")
            self._tasks = {task.key: task for task in tasks_of(make_study(self._case, values))}
            self._point = name
        if line.key not in self._tasks:
            raise QvarError(
                f"`CASE` must make the tasks that it made when it was submitted, but {line.label} of {name} is not "
                "among them: another version of qvar or of what the case imports?"
            )
        return self._tasks[line.key]

    def _unwritten(self, line: TaskLine, error: OSError) -> None:
        self.count.unwritten += 1
        print(
            f"qvar: {line.label} ({line.points[0]}) could not be written: {_words(error)}", file=sys.stderr, flush=True
        )


_PATIENCE_S = 5.0


def load_submitted_case(campaign: Campaign) -> CaseFunction:
    """The case as it was submitted: the file itself where it has not changed, else the copy.

    Raises:
        QvarError: if neither can be loaded.
    """
    path, kept = Path(campaign.record["case_file"]), campaign.path / "case" / Path(campaign.record["case_file"]).name
    if os.path.isfile(path) and digest(path) == digest(kept):
        return load_case(path)
    sys.path.insert(0, str(path.parent))  # files beside it
    return load_case(kept)


def _in_a_row(before: Sequence[Attempt], ending: Ending) -> int:
    """The latest attempts that ended so and kept nothing."""
    number = 0
    for attempt in reversed(before):
        if attempt.ending is not ending or attempt.told.get("kept"):
            break
        number += 1
    return number


def _words(error: OSError) -> str:
    return error.strerror or str(error)
