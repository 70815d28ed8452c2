"""Interface of a batch queue: text functions and a way to be started again, over one record of resources.

An adapter (`slurm.py`, `grid_engine.py`, `pbs.py`, `lsf.py`) makes a `Queue`. It neither runs a command nor touches a
file: it writes scripts and reads answers, so that each can be checked against text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


@dataclass(frozen=True)
class Resources:
    """Resources of one array task, for any queue."""

    partition: str | None = None
    """Partition (Slurm) or queue (the others); the site's default if None."""
    account: str | None = None
    """Account or project that pays."""
    qos: str | None = None
    """Quality of service, if the queue has such a thing."""
    time_s: int | None = None
    """Time limit in seconds; the site's default if None."""
    memory_bytes: int | None = None
    """Memory on each node; the site's default if None."""
    cpus: int = 1
    """Cores of each process."""
    gpus: int = 0
    """GPUs on each node."""
    nodes: int = 1
    """Nodes of one array task; more than one only if a state is spread over processes."""
    distributed: bool = False
    """True if one array task is several processes, one for each GPU (or node, without GPUs), that share each state."""
    at_once: int | None = None
    """Number of array tasks that may run at the same time; the site's limit if None."""
    signal_s: int = 120
    """Seconds before the time limit at which the array task is asked to stop."""
    extra: tuple[str, ...] = ()
    """Raw lines for the head of the script, such as `#SBATCH --constraint=a100`."""
    setup: tuple[str, ...] = ()
    """Shell lines that come before qvar, such as `module load cuda`."""


@dataclass(frozen=True)
class Job:
    """One submission: an array, or, with `count` 0, a single command."""

    name: str
    """For people: letters, digits, `-` and `_`; at most 15 characters, for PBS takes no more."""
    folder: Path
    """The campaign's folder, absolute; logs go to `logs/` in it."""
    words: tuple[str, ...]
    """Words after `exec`: `("qvar", "worker", DIR)` for array tasks, which get `--index N` appended, and
    `--distributed` before it if they are."""
    count: int
    """Array tasks, numbered from 1 by the queue; 0 for a single command."""
    offset: int = 0
    """The campaign's number of an array task is offset + the queue's number."""
    resources: Resources = field(default_factory=Resources)
    """Resources of each array task."""
    path: str = ""
    """Folder of the programs, put before PATH; nothing if empty."""
    after: tuple[str, ...] = ()
    """Ids of jobs whose end, however they end, this one waits for."""
    workdir: Path | None = None
    """Folder to work in, absolute; that of the submitting command if None."""


class State(Enum):
    """State of an array task in its queue."""

    PENDING = "pending"
    """It waits, after a requeue perhaps."""
    RUNNING = "running"
    """It runs, or is being started or ended."""
    COMPLETED = "completed"
    """It ended with status 0."""
    FAILED = "failed"
    """It ended with another status, of a signal, or of too little memory."""
    CANCELLED = "cancelled"
    """Someone cancelled it."""
    TIMEOUT = "timeout"
    """It reached its time limit."""
    LOST = "lost"
    """Its node failed, or it was preempted and not started again."""


@dataclass(frozen=True)
class QueueAnswer:
    """A queue's answer about one array task."""

    state: State
    """Its state."""
    reason: str = ""
    """The queue's own word, such as `Priority` or `OUT_OF_MEMORY`."""
    node: str = ""
    """Node where it runs or ran."""


@dataclass(frozen=True)
class Poll:
    """One way to ask a queue."""

    command: tuple[str, ...]
    """Words of a command."""
    read: Callable[[str], dict[tuple[str, int], QueueAnswer]]
    """Its output -> {(job id, number in the array): answer}; number 0 for a single command.
    Lines that cannot be read are passed over."""
    past: bool = False
    """True if it is a record of what ended, which answers even if the queue does not."""


@dataclass(frozen=True)
class Queue:
    """A batch queue."""

    name: str
    """Name for `--queue`."""
    words: str
    """Name for people, with the version that was tried."""
    program: str
    """A command that this queue alone has, by which it is found: two queues have a `qsub`."""
    submit: tuple[str, ...]
    """Command that takes the script's path as its last argument."""
    canceller: str
    """Command that takes the ids of jobs and cancels them."""
    becomes: Mapping[str, str]
    """{flag of `qvar submit`: its form here}, for the help text; a flag that is left out is not supported."""
    largest_array: int
    """Largest array, unless the site says otherwise."""
    render: Callable[[Job], str]
    """The script."""
    polls: Callable[[Sequence[str]], tuple[Poll, ...]]
    """Job ids -> ways to ask, the best first; each is asked only about jobs that those before did not know."""
    job_ids: tuple[str, ...]
    """Patterns of a line in the output of the submitting command, whose group is the job id; the surest first."""
    variables: tuple[str, str]
    """Environment variables of the job id and of the number in the array."""
    log: Callable[[str, int], str] = lambda job, number: f"{job}_{number}.log"
    """(job id, number in the array) -> name of the log in `logs/`."""
    back: int | Callable[[Mapping[str, str]], tuple[str, ...] | None] | None = None
    """Way of a running array task back into the queue: its exit status, or its environment -> a command; None if the
    queue offers neither to a user."""
    held: str = "(?!)"
    """Pattern of the reasons for which a waiting array task will not start until someone releases it."""
    release: Callable[[str, int], str] | None = None
    """(job id, number in the array) -> command for people that releases a held array task."""
    split: Callable[[str], tuple[str, int] | None] | None = None
    """Job id of an array task -> (id as `submitted` returns it, number in the array), if one variable holds both."""

    def submitted(self, text: str) -> str | None:
        """Return the job id in the output of the submitting command, on the last such line; None if there is none."""
        for pattern in self.job_ids:
            if ids := re.findall(pattern, text, re.MULTILINE):
                return ids[-1]
        return None

    def holds(self, answer: QueueAnswer) -> bool:
        """Return whether an array task waits to be released."""
        return answer.state is State.PENDING and re.search(self.held, answer.reason) is not None

    def cancel(self, jobs: Sequence[str]) -> tuple[str, ...]:
        """Return the command that cancels jobs."""
        return (self.canceller, *jobs)

    def place(self, environment: Mapping[str, str]) -> tuple[str, int] | None:
        """Return job id and number in the array of a running array task; None outside of one."""
        job, number = (environment.get(name, "") for name in self.variables)
        if self.split is not None:
            return self.split(job)
        return (job, int(number)) if job and number.isdigit() and int(number) else None

    def again(self, environment: Mapping[str, str]) -> tuple[str, ...] | int | None:
        """Return the command, or the exit status, that puts a running array task back into the queue, if any does."""
        if callable(self.back):
            return self.back(environment)
        return None if self.place(environment) is None else self.back


FLAGS: tuple[str, ...] = (
    "partition", "account", "qos", "time", "memory", "cpus", "gpus", "nodes", "distributed", "at_once", "signal",
)  # fmt: skip
"""Flags of `qvar submit` that `Queue.becomes` may explain."""
