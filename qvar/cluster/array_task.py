"""An array task of a campaign: the loop over its tasks, and its way back into the queue."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qvar.cluster.campaign import Campaign, digest
from qvar.cluster.options import recorded_options
from qvar.cluster.schedulers import adapter
from qvar.cluster.script import warning_s
from qvar.errors import QvarError
from qvar.records.run_folder import reason
from qvar.runs.case_flags import CaseFunction, case_values, load_case, make_study
from qvar.runs.multiprocess import from_leader, is_leader
from qvar.runs.overview import finished_line
from qvar.runs.progress import Display
from qvar.runs.stop import Stop, listening
from qvar.runs.task_loop import DISK, STOPPED, TaskLoop
from qvar.task import Row, Task, tasks_of

_SPARE_S = 15.0
"""Seconds before the queue kills, in which a task that did not stop by itself is put back."""


def run_array_task(campaign: Campaign, number: int | None) -> int:
    """Do the tasks of one array task, or, without a number, every task that no other process is working on.

    Returns:
        The exit status: 0, `DISK`, `STOPPED`, or the one that puts the array task back into its queue.

    Raises `QvarError` if there is no such array task.
    """
    keys = _keys(campaign, number)
    names = {line.key: f"{line.label} ({line.points[0]})" for line in campaign.tasks}
    if missing := [key for key in keys if key not in names]:
        raise QvarError(f"`array_tasks.jsonl` must name tasks of the campaign, but {missing[0]} is none.")
    queue = os.environ.get("QVAR_QUEUE") or str(campaign.record.get("queue", "local"))
    options = recorded_options(campaign)
    answers: list[int | None] = []
    lock = threading.Lock()

    def put_back() -> int | None:  # once: the thread that finds the work overdue may have done it
        with lock:
            if not answers:
                answers.append(_put_back(queue))
            return answers[0]

    def overdue(stop: Stop) -> None:  # compiling, or in a single long step: what is kept is kept
        if stop.again and number is not None and is_leader():
            print(f"qvar: {stop.reason}, and no step ended since; putting the array task back.", flush=True)
            status = put_back()
            if status is not None:
                os._exit(status)  # the queue reads it, and the main thread cannot be made to end

    if gpus := os.environ.get("CUDA_VISIBLE_DEVICES"):
        print(f"{platform.node()}, GPUs {gpus}", flush=True)
    patience_s = max(warning_s(options.resources) - _SPARE_S, 5.0)
    with listening(campaign.cancelled.exists, patience_s, overdue) as stop:
        unwritten: list[str] = []
        loop = TaskLoop(
            campaign.run, _Tasks(campaign).find, _log(campaign, names, unwritten), stop,
            checkpoint_s=options.checkpoint_s, beat_s=campaign.beat_s, place=_place(queue),
        )  # fmt: skip
        if not is_leader():
            loop.follow()
            return 0
        left = keys
        # A task of another process is waited for until it is clear that the process lives: the heartbeat of a lost one
        # may be seconds old. Without a number, tasks of other processes are left to them at once.
        until = time.monotonic() + (0.0 if number is None else 1.5 * campaign.stale_s)
        while left and not stop.asked:
            begin = time.monotonic()
            left = loop.work(left)
            if begin >= until:  # after what may have been hours of other tasks it looks once more
                break
            if left:
                time.sleep(campaign.beat_s / 2)
        for key in [] if stop.asked or number is None else left:
            print(f"{names[key]}: another process is working on it", flush=True)
        from_leader(None)  # there are no more tasks
        stopped = stop.asked and not all(campaign.run.shard(key).exists() for key in keys)
        if stopped:
            print(f"qvar: stopped, because of {stop.reason}.", flush=True)
        if stopped and stop.again and number is not None and loop.n_idle == 0:
            status = put_back()
            return STOPPED if status is None else status
    if unwritten:
        return DISK
    return STOPPED if stopped else 0


def _keys(campaign: Campaign, number: int | None) -> Sequence[str]:
    if number is None:
        return [line.key for line in campaign.tasks]
    array_tasks = campaign.array_tasks()
    if number not in array_tasks:
        raise QvarError(f"`index` must be an array task from 1 to {max(array_tasks, default=0)}, but is {number}.")
    return array_tasks[number]


def _log(campaign: Campaign, names: dict[str, str], unwritten: list[str]) -> Display:
    """Return the display of an array task: lines of its log."""

    def note(key: str, words: str) -> None:
        print(f"{names[key]}: {words}", flush=True)

    def finish(key: str, rows: Sequence[Row], seconds: float) -> None:
        note(key, finished_line(rows, seconds))

    def failed(key: str, error: OSError) -> None:
        unwritten.append(key)
        print(f"qvar: {names[key]} could not be written: {reason(error)}", file=sys.stderr, flush=True)

    labels = {line.key: line.label for line in campaign.tasks}
    begin = lambda key, attempt: note(key, f"begins, attempt {attempt}")  # noqa: E731
    return Display(labels, begin, finish=finish, note=note, unwritten=failed)


def _place(queue: str) -> dict[str, Any]:
    """Return the queue's names of this array task, for its leases; nothing outside of a queue."""
    scheduler = adapter(queue)
    place = None if scheduler is None else scheduler.place(os.environ)
    return {} if place is None else {"queue": queue, "job": place[0], "number": place[1]}


def _put_back(queue: str) -> int | None:
    """Put this array task back into its queue: by a command here, or by the exit status that is returned."""
    scheduler = adapter(queue)
    again = None if scheduler is None else scheduler.again(os.environ)
    if again is None or isinstance(again, int):
        return again
    try:
        answer = subprocess.run(again, capture_output=True, text=True, timeout=60, check=False)
        if answer.returncode:  # the queue did it by itself, or the job is being cancelled
            print(f"qvar: not put back: {answer.stderr.strip()}", flush=True)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"qvar: not put back, `qvar submit --resume` does it: {error}", flush=True)
    return None


class _Tasks:
    """Tasks of a campaign; those of one point are kept until one of another point is needed."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._lines = {line.key: line for line in campaign.tasks}
        self._point = ""
        self._tasks: dict[str, Task] = {}
        self._case: CaseFunction | None = None

    def find(self, key: str) -> Task:
        """Return the task of a key; makes the case at its first point if that is not the latest one.

        Raises `QvarError` if the case fails, or makes other tasks than it did.
        """
        line = self._lines[key]
        name = line.points[0]
        if name != self._point:
            self._tasks, self._point = {}, ""
            self._case = self._case or load_submitted_case(self._campaign)
            point = next(entry for entry in self._campaign.record["points"] if entry["name"] == name)
            values = case_values(self._case, point["words"], "qvar run")
            self._tasks = {task.key: task for task in tasks_of(make_study(self._case, values))}
            self._point = name
        if key not in self._tasks:
            raise QvarError(
                f"`CASE` must make the tasks that it made when it was submitted, but {line.label} of {name} is not "
                "among them: another version of qvar or of what the case imports?"
            )
        return self._tasks[key]


def load_submitted_case(campaign: Campaign) -> CaseFunction:
    """Return the case as it was submitted: of the file itself if it has not changed, else of the copy.

    Raises `QvarError` if neither can be loaded.
    """
    path, copy = Path(campaign.record["case_file"]), campaign.path / "case" / Path(campaign.record["case_file"]).name
    if os.path.isfile(path) and digest(path) == digest(copy):
        return load_case(path)
    sys.path.insert(0, str(path.parent))  # files beside it
    return load_case(copy)
