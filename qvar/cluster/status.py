"""State of a campaign: what its folder proves, and the queue's answer about the rest."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from qvar.cluster.campaign import Campaign, TaskLine
from qvar.cluster.scheduler import QueueAnswer, State
from qvar.cluster.schedulers import adapter
from qvar.runs.leases import Attempt, Ending, file_time, latest

_TIMEOUT_S = 10
"""A queue that is well answers within a second; without its controller, Slurm's commands give up after 18."""

_KNOWS_NOTHING = ("Invalid job id", "do not exist", "no jobs running since startup", "Unknown Job Id", "is not found")
"""Complaints of squeue, scontrol, qstat, qacct and bjobs that know none of the jobs that they are asked for: an answer,
in spite of the exit status."""


class Condition(Enum):
    """State of a task."""

    DONE = "done"
    """Its result is written."""
    FAILED = "failed"
    """Its result is written, and is that it failed by its own fault."""
    RUNNING = "running"
    """It has a heartbeat."""
    WAITING = "waiting"
    """No process is working on it, and the queue has it."""
    STOPPED = "stopped"
    """It was asked to stop, and is no longer in the queue."""
    DIED = "died"
    """It was started, has no heartbeat, and is no longer in the queue."""
    ERROR = "error"
    """It could not start, or its result could not be written."""
    CANCELLED = "cancelled"
    """It was not started, and the queue cancelled it."""
    ENDED = "ended"
    """It was not started, and its job has ended; see the log."""
    MISSING = "missing"
    """It was not started, and is not in the queue."""


SETTLED = (Condition.DONE, Condition.FAILED)
"""Conditions of tasks that have a result."""

UNDER_WAY = (Condition.RUNNING, Condition.WAITING)
"""Conditions of tasks that need nothing but time."""


@dataclass(frozen=True)
class TaskState:
    """State of one task."""

    line: TaskLine
    """The task."""
    condition: Condition
    """State in a word."""
    attempt: Attempt | None
    """The newest attempt."""
    answer: QueueAnswer | None
    """The queue's answer; None if it was not asked or does not know."""
    place: tuple[str, str, int] | None
    """(queue, job id, number in the array) of the array task that the answer is about, else of the one that it was
    sent to last; None if it was not sent."""

    @property
    def n_attempts(self) -> int:
        """Number of attempts so far."""
        return 0 if self.attempt is None else self.attempt.number

    @property
    def release(self) -> str:
        """Command that lets a held array task start; empty if the queue does not hold it."""
        if self.condition is not Condition.WAITING or self.answer is None or self.place is None:
            return ""
        name, job, number = self.place
        queue = adapter(name)
        if queue is None or queue.release is None or not queue.holds(self.answer):
            return ""
        return queue.release(job, number)


@dataclass(frozen=True)
class Survey:
    """States of all tasks."""

    task_states: list[TaskState]
    """One for each task, in their order."""
    unanswered: str
    """Reason why the queue could not be asked; empty if it answered, or was not needed."""

    def having(self, *conditions: Condition) -> list[TaskState]:
        """Return the tasks in one of these conditions."""
        return [state for state in self.task_states if state.condition in conditions]


def survey(campaign: Campaign) -> Survey:
    """Return the state of a campaign.

    Costs one listing of the folder of shards, one listing and one small file for each task that was started, and up to
    three commands of the queue if tasks are neither done nor under way.

    Raises `QvarError` if the campaign cannot be read.
    """
    shards = _names(campaign.run.tasks)
    started = _names(campaign.run.states)
    now = time.time()
    with contextlib.suppress(OSError):  # a folder that may only be read, or a full disk
        now = file_time(campaign.path)
    newest = {line.key: latest(campaign.run.state(line.key), now) for line in campaign.tasks if line.key in started}
    places = _places(campaign)

    def proved(key: str) -> Condition | None:
        last = newest.get(key)
        if f"{key}.parquet" in shards:
            return Condition.FAILED if last is not None and last.ending is Ending.FAILED else Condition.DONE
        return Condition.RUNNING if last is not None and last.alive(campaign.stale_s) else None

    conditions = {line.key: proved(line.key) for line in campaign.tasks}
    open_places = {place for key, known in conditions.items() if known is None for place in places.get(key, ())}
    answers, unanswered = ask(campaign, open_places)
    return Survey(
        [_task_state(line, conditions[line.key], newest.get(line.key), places, answers) for line in campaign.tasks],
        unanswered,
    )


def ask(campaign: Campaign, places: Iterable[tuple[str, str, int]]) -> tuple[dict[tuple[str, int], QueueAnswer], str]:
    """Ask the queues about array tasks.

    Places are (queue, job id, number in the array); a reason is returned besides the answers if a queue could not be
    asked.
    """
    answers: dict[tuple[str, int], QueueAnswer] = {}
    unanswered = ""
    wanted: dict[str, set[tuple[str, int]]] = {}
    for name, job, number in places:
        wanted.setdefault(name, set()).add((job, number))
    for name, array_tasks in wanted.items():
        queue = adapter(name)
        if queue is None:
            continue
        n_answers, begin = 0, time.monotonic()
        for poll in queue.polls(sorted({job for job, _ in array_tasks})):
            if array_tasks <= answers.keys() or time.monotonic() - begin > _TIMEOUT_S / 2:
                break
            answer = _run(poll.command)
            if isinstance(answer, str):
                n_answers += not poll.past
                answers = {**poll.read(answer), **answers}  # the first answer counts
            else:
                unanswered = unanswered or answer[0]
        if n_answers:
            unanswered = ""
    return answers, unanswered


def _task_state(
    line: TaskLine,
    known: Condition | None,
    last: Attempt | None,
    places: dict[str, list[tuple[str, str, int]]],
    answers: dict[tuple[str, int], QueueAnswer],
) -> TaskState:
    sent = places.get(line.key, [])
    own = [place for place in sent if place[1:] in answers]
    queued = [place for place in own if answers[place[1:]].state in (State.PENDING, State.RUNNING)]
    place = (queued or own or sent or [None])[-1]
    answer = answers.get(place[1:]) if place is not None else None
    return TaskState(line, known or _unproved(last, answer), last, answer, place)


def _unproved(last: Attempt | None, word: QueueAnswer | None) -> Condition:
    """Return the condition of a task that has neither a result nor a heartbeat."""
    if word is not None and word.state in (State.PENDING, State.RUNNING):
        return Condition.WAITING
    if last is not None:
        if last.ending is Ending.STOPPED:
            return Condition.STOPPED
        return Condition.ERROR if last.ending is Ending.ERROR else Condition.DIED
    if word is None:
        return Condition.MISSING
    return Condition.CANCELLED if word.state is State.CANCELLED else Condition.ENDED


def _places(campaign: Campaign) -> dict[str, list[tuple[str, str, int]]]:
    """Return the places that each task was sent to: (queue, job id, number in the array), the latest last."""
    array_tasks = campaign.array_tasks()
    last = max(array_tasks, default=0)
    places: dict[str, list[tuple[str, str, int]]] = {}
    for entry in campaign.submissions():
        for number in range(1, min(entry["count"], last - entry["offset"]) + 1):
            for key in array_tasks.get(entry["offset"] + number, ()):
                places.setdefault(key, []).append((entry["queue"], entry["job"], number))
    return places


def _names(folder: os.PathLike[str]) -> set[str]:
    try:
        return set(os.listdir(folder))
    except FileNotFoundError:
        return set()


def _run(command: Sequence[str]) -> str | tuple[str]:
    """Return the output of a command, or, as a tuple, the reason why there is none."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except FileNotFoundError:
        return (f"{command[0]} is not installed here",)
    except subprocess.TimeoutExpired:
        return (f"{command[0]} gave no answer for {_TIMEOUT_S} seconds",)
    except OSError as error:
        return (f"{command[0]}: {error.strerror}",)
    if answer.returncode:
        output = (answer.stderr or answer.stdout).strip()
        if any(words in output for words in _KNOWS_NOTHING):
            return ""
        words = output.splitlines()
        return (f"{command[0]}: {words[-1] if words else f'status {answer.returncode}'}",)
    return answer.stdout
