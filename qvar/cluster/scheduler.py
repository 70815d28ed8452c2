"""What a batch queue is to qvar: four text functions and a way to be started again, over one record of resources.

An adapter (`slurm.py`, `grid_engine.py`, `pbs.py`, `lsf.py`) makes a `Queue`. It neither runs a command nor touches a
file: it writes scripts and reads answers, so that each can be checked against text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


@dataclass(frozen=True)
class Resources:
    """What one array element asks of the site, whatever the queue."""

    partition: str | None = None
    """Partition (Slurm) or queue (the others); the site's default where None."""
    account: str | None = None
    """Account or project that pays."""
    qos: str | None = None
    """Quality of service, where the queue has such a thing."""
    time_s: int | None = None
    """Time limit in seconds; the site's default where None."""
    memory_bytes: int | None = None
    """Memory of the element, on each node; the site's default where None."""
    cpus: int = 1
    """Cores of each process."""
    gpus: int = 0
    """GPUs on each node."""
    nodes: int = 1
    """Nodes of one element; more than one only where a state is spread over processes."""
    distributed: bool = False
    """Whether one element is several processes, one for each GPU (or node, without GPUs), that share each state."""
    at_once: int | None = None
    """How many elements may run at the same time; as many as the site allows where None."""
    signal_s: int = 120
    """Seconds before the time limit at which the element is to be told."""
    extra: tuple[str, ...] = ()
    """Raw lines for the head of the script, such as `#SBATCH --constraint=a100`."""
    setup: tuple[str, ...] = ()
    """Shell lines that come before qvar, such as `module load cuda`."""


@dataclass(frozen=True)
class Job:
    """One submission: an array of elements, or, with `count` 0, a single command."""

    name: str
    """For people: letters, digits, `-` and `_`; at most 15 characters, for PBS takes no more."""
    folder: Path
    """The campaign's folder, absolute; logs go to `logs/` in it."""
    words: tuple[str, ...]
    """What follows `exec`: `("qvar", "worker", DIR)` for array tasks, which get `--index N` appended, and
    `--distributed` before it where they are."""
    count: int
    """Elements of the array, numbered from 1 by the queue; 0 for a single command."""
    offset: int = 0
    """Number of the campaign's element is offset + the queue's number."""
    resources: Resources = field(default_factory=Resources)
    """What each element asks for."""
    path: str = ""
    """Folder of the programs, put before PATH; nothing where empty."""
    after: tuple[str, ...] = ()
    """Ids of jobs whose end, however they end, this one waits for."""
    workdir: Path | None = None
    """Folder to work in, absolute; the one where the submitting command was called where None."""


class State(Enum):
    """What a queue says about an array element."""

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
class Heard:
    """What a queue says about one array element."""

    state: State
    """Its state."""
    reason: str = ""
    """The queue's own word, such as `Priority` or `OUT_OF_MEMORY`."""
    node: str = ""
    """Where it runs or ran."""


@dataclass(frozen=True)
class Poll:
    """One way to ask a queue."""

    command: tuple[str, ...]
    """Words of a command."""
    read: Callable[[str], dict[tuple[str, int], Heard]]
    """Its answer on standard output -> {(job id, number in the array): what it says}; number 0 for a single command.
    Lines that cannot be read are passed over."""
    past: bool = False
    """Whether it is a record of what ended, which answers also where the queue does not."""


@dataclass(frozen=True)
class Queue:
    """A batch queue."""

    name: str
    """As `--queue` has it."""
    words: str
    """For people, with where it was tried."""
    program: str
    """A command that this queue alone has, by which it is found: two queues have a `qsub`."""
    submit: tuple[str, ...]
    """Command that takes the script's path as its last word."""
    render: Callable[[Job], str]
    """The script."""
    submitted: Callable[[str], str | None]
    """What the submitting command printed -> job id; None where it names none."""
    polls: Callable[[Sequence[str]], tuple[Poll, ...]]
    """Job ids -> ways to ask, the best first; the next is asked for what the one before did not know."""
    cancel: Callable[[Sequence[str]], tuple[str, ...]]
    """Job ids -> command that cancels them."""
    again: Callable[[Mapping[str, str]], tuple[str, ...] | int | None]
    """The environment of a running element -> command that puts it back into the queue, or the exit status that does,
    or None where the queue offers neither to a user."""
    becomes: Mapping[str, str]
    """{flag of `qvar submit`: what it becomes here}, for the help text; a flag that is left out is not supported."""
    largest_array: int = 1000
    """Elements of one array where the site does not say otherwise."""
    place: Callable[[Mapping[str, str]], tuple[str, int] | None] = lambda environment: None
    """The environment of a running element -> (job id as `submitted` gave it, number in the array); None outside."""
    log: Callable[[str, int], str] = lambda job, number: f"{job}_{number}.log"
    """(job id, number in the array) -> name of the log in `logs/`."""


FLAGS: tuple[str, ...] = (
    "partition", "account", "qos", "time", "memory", "cpus", "gpus", "nodes", "distributed", "at_once", "signal",
)  # fmt: skip
"""Flags of `qvar submit` that `Queue.becomes` may explain."""
