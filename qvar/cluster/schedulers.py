"""The batch queues that qvar knows, and the meaning of each flag of `qvar submit` on them."""

from __future__ import annotations

import difflib
import textwrap

from qvar.cluster.grid_engine import GRID_ENGINE
from qvar.cluster.lsf import LSF
from qvar.cluster.pbs import PBS
from qvar.cluster.scheduler import FLAGS, Queue
from qvar.cluster.slurm import SLURM
from qvar.errors import QvarError

QUEUES: tuple[Queue, ...] = (SLURM, GRID_ENGINE, PBS, LSF)
"""All of them, the one that is tried most first."""

_OTHER_NAMES = {"sge": "grid_engine", "uge": "grid_engine", "openpbs": "pbs", "bsub": "lsf", "sbatch": "slurm"}

_WIDTH = 80
_FLAG, _QUEUE = 16, 13


def queue_named(word: str) -> Queue:
    """Return the queue of a name, as `--queue` has it.

    Raises:
        QvarError: if there is none of that name.
    """
    names = [queue.name for queue in QUEUES]
    if word in names:
        return QUEUES[names.index(word)]
    near = [_OTHER_NAMES[word]] if word in _OTHER_NAMES else difflib.get_close_matches(word, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    raise QvarError(f"`queue` must be one of {', '.join(names)} or local, but is {word!r}{hint}")


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
