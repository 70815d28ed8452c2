"""Choice of a queue: by its name, or the one whose commands are here."""

from __future__ import annotations

import shutil

from qvar.cluster.scheduler import Queue, Resources
from qvar.cluster.schedulers import QUEUES, queue_named
from qvar.errors import QvarError

LOCAL = "local"
"""Name for the processes of this machine instead of a queue."""


def adapter(name: str) -> Queue | None:
    """Return the queue of a name; None for `local`.

    Raises:
        QvarError: if there is no such queue.
    """
    return None if name == LOCAL else queue_named(name)


def default_queue() -> str:
    """Return the first queue of which a command that no other queue has is on the path.

    Raises:
        QvarError: if there is none.
    """
    for queue in QUEUES:
        if shutil.which(queue.program):
            return queue.name
    names = ", ".join(queue.name for queue in QUEUES)
    raise QvarError(f"`queue` must be given if no batch queue is installed: {names} or {LOCAL}.")


def supported(name: str, resources: Resources) -> None:
    """Refuse resources that a queue does not support.

    Raises:
        QvarError: if it is asked for.
    """
    queue = adapter(name)
    known = set() if queue is None else set(queue.becomes)
    values = {
        "partition": resources.partition,
        "account": resources.account,
        "qos": resources.qos,
        "time": resources.time_s,
        "memory": resources.memory_bytes,
        "gpus": resources.gpus or None,
        "nodes": None if resources.nodes == 1 else resources.nodes,
        "distributed": resources.distributed or None,
        "at_once": resources.at_once,
    }
    for flag, value in values.items():
        if value is not None and flag not in known and name != LOCAL:
            raise QvarError(f"`{flag}` must be left out with --queue {name}, but is {value!r}.")
    if resources.nodes > 1 and not resources.distributed:
        raise QvarError(f"`nodes` must be 1 without --distributed, but is {resources.nodes}.")
