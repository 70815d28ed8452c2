"""The batch queues that qvar knows, the choice of one, and the meaning of each flag of `qvar submit` on them."""

from __future__ import annotations

import difflib
import shutil
import textwrap

from qvar.cluster.grid_engine import GRID_ENGINE
from qvar.cluster.lsf import LSF
from qvar.cluster.pbs import PBS
from qvar.cluster.scheduler import FLAGS, Queue, Resources
from qvar.cluster.slurm import SLURM
from qvar.errors import QvarError

QUEUES: tuple[Queue, ...] = (SLURM, GRID_ENGINE, PBS, LSF)
"""All of them, the one that is tried most first."""

LOCAL = "local"
"""Name for the processes of this machine instead of a queue."""

_OTHER_NAMES = {"sge": "grid_engine", "uge": "grid_engine", "openpbs": "pbs", "bsub": "lsf", "sbatch": "slurm"}

_WIDTH = 80
_FLAG, _QUEUE = 16, 13


def queue_named(word: str) -> Queue:
    """Return the queue of a name, as `--queue` has it; `QvarError` if there is none of that name."""
    names = [queue.name for queue in QUEUES]
    if word in names:
        return QUEUES[names.index(word)]
    near = [_OTHER_NAMES[word]] if word in _OTHER_NAMES else difflib.get_close_matches(word, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    raise QvarError(f"`queue` must be one of {', '.join(names)} or local, but is {word!r}{hint}")


def adapter(name: str) -> Queue | None:
    """Return the queue of a name; None for `local`.

    Raises `QvarError` if there is no such queue.
    """
    return None if name == LOCAL else queue_named(name)


def default_queue() -> str:
    """Return the first queue of which a command that no other queue has is on the path.

    Raises `QvarError` if there is none.
    """
    for queue in QUEUES:
        if shutil.which(queue.program):
            return queue.name
    names = ", ".join(queue.name for queue in QUEUES)
    raise QvarError(f"`queue` must be given if no batch queue is installed: {names} or {LOCAL}.")


def check_supported(name: str, resources: Resources) -> None:
    """Refuse resources that a queue does not support; `QvarError` if one is requested."""
    queue, default = adapter(name), Resources()
    for flag in FLAGS:
        entry = {"time": "time_s", "memory": "memory_bytes", "signal": "signal_s"}.get(flag, flag)
        value = getattr(resources, entry)
        if queue is not None and flag not in queue.becomes and value != getattr(default, entry):
            raise QvarError(f"`{flag}` must be left out with --queue {name}, but is {value!r}.")
    if resources.nodes > 1 and not resources.distributed:
        raise QvarError(f"`nodes` must be 1 without --distributed, but is {resources.nodes}.")


def becomes_text() -> str:
    """Return the meaning of each flag on each queue, for the help text: lines of at most 80 columns."""
    lines = ["Meaning of each flag on a queue:"]
    for flag in FLAGS:
        label = f"  --{flag.replace('_', '-')}"
        texts = [(queue.name, queue.becomes[flag]) for queue in QUEUES if flag in queue.becomes]
        if len(texts) < len(QUEUES):
            texts.append(("others", "not supported"))
        for name, text in texts:
            lines += textwrap.wrap(
                text, _WIDTH, initial_indent=f"{label:<{_FLAG}}{name:<{_QUEUE}}",
                subsequent_indent=" " * (_FLAG + _QUEUE), break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
            label = ""
    lines += ["", "Queues:"]
    lines += (f"  {queue.name:<{_QUEUE}}{queue.words}" for queue in QUEUES)
    return "\n".join(lines) + "\n"
