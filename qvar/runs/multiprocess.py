"""Several processes that hold one state on the devices of all: their start, and what they share.

Every process runs the same program (`jax.distributed`, one process for each GPU). Process 0 is the leader: it alone
writes and prints. What the others must know of it, such as the tasks that are left, and the failure of a process, goes
through the key-value store of JAX's coordination service and touches no device: a device waits for ever for a failed
process, the store does not.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from qvar.errors import QvarError, first_line
from qvar.jax_internals import coordination_client
from qvar.task import Row

STARTED_BY_HAND = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
"""Environment variables of the address of process 0 (host:port), the number of processes, and the number of this one;
not needed under a launcher such as srun."""

PATIENCE = 120.0
"""Seconds that a process whose task failed waits for the others to fail too before it ends the run."""

_POLL_MILLISECONDS = 500
_SECONDS_TO_REPORT = 3.0
_ENDED = "qvar/ended/"
_joined = False
_ended_by_other = False
"""True if the end of another process ends this one."""
_shared = 0
"""Values shared so far; all processes count alike."""


def begin() -> None:
    """Join the other processes; before anything touches a device.

    Under `srun` Slurm's variables number them, each process takes the GPU of its number on its node
    (`SLURM_LOCALID`), and the node of process 0 listens on a port made of the job's number, or on
    `JAX_COORDINATOR_PORT`. Elsewhere the variables `STARTED_BY_HAND` are needed.

    Raises `QvarError` if these variables are missing, a device is in use already, or the processes do not meet.
    """
    global _joined
    import jax

    variables = [name for name in STARTED_BY_HAND if os.environ.get(name)]
    try:
        if len(variables) == len(STARTED_BY_HAND):
            address, number, place = (os.environ[name] for name in STARTED_BY_HAND)
            jax.distributed.initialize(
                address, _count("JAX_NUM_PROCESSES", number), _count("JAX_PROCESS_ID", place),
                cluster_detection_method="deactivate",
            )  # fmt: skip
        elif "SLURM_STEP_NODELIST" in os.environ and "SLURM_PROCID" in os.environ:
            jax.distributed.initialize(cluster_detection_method="slurm", local_device_ids=_only_device())
        elif variables:
            missing = [name for name in STARTED_BY_HAND if name not in variables]
            raise QvarError(f"`{missing[0]}` must be set where `{variables[0]}` is, but is not.")
        else:
            raise QvarError(
                "`--distributed` must be started by srun, one process for each GPU, such as `srun --ntasks-per-node=4 "
                "--gpus-per-node=4 qvar run CASE --distributed`, or with " + ", ".join(STARTED_BY_HAND) + " set."
            )
        jax.devices()  # all processes meet here: a device that is not there is reported at once
    except (RuntimeError, ValueError) as error:  # JAX's own errors are RuntimeErrors
        if isinstance(error, QvarError):
            raise
        reason = first_line(error) or type(error).__name__
        raise QvarError(f"`--distributed` must find all processes and their devices, but: {reason}") from error
    _joined = True


def is_distributed() -> bool:
    """Return if this is one of several processes that work together."""
    import jax

    return jax.distributed.is_initialized() and jax.process_count() > 1


def is_leader() -> bool:
    """Return if this process writes and prints: process 0, or the only one there is."""
    import jax

    return not jax.distributed.is_initialized() or jax.process_index() == 0


def from_leader(value: Any) -> Any:
    """Return the leader's value in every process; all of them call this, in the same order.

    Raises `QvarError` if another process has ended.
    """
    global _shared
    if not is_distributed():
        return value
    _shared += 1
    key = f"qvar/shared/{_shared}"
    if is_leader():
        coordination_client().key_value_set(key, json.dumps(value))
        return value
    return json.loads(_awaited(key, None) or "null")


def meet(n_tasks: int) -> None:
    """Wait until all processes have made their study, and make sure that they have as many tasks.

    A process that failed to make it is reported here, where no device waits for it.

    Raises `QvarError` if they have not, or another process has ended.
    """
    if (other := _other_than(n_tasks, None)) is not None:
        raise QvarError(f"`study` must have as many tasks in all processes, but has {n_tasks} and {other[1]}.")


def finished_alike(rows: Sequence[Row]) -> None:
    """Wait until all processes have done a task, and make sure that it failed in all of them or in none.

    A task that fails everywhere is a failed row as usual. One that fails in a single process leaves the others waiting
    for its device, so that process ends the run once its patience does.

    Raises `QvarError` if it did not, or another process has ended.
    """
    failures = sum(row.get("status") == "failed" for row in rows)
    other = _other_than(failures, PATIENCE if failures else None)
    if other is None:
        return
    import jax

    messages = dict.fromkeys(str(row["message"]) for row in rows if row.get("message"))
    why = "".join(f"; {message}" for message in messages)
    here, (process, number) = jax.process_index(), other
    if number is None:
        did = f"process {process} did not follow within {PATIENCE:.0f} s"
    else:
        did = f"{number} in process {process}"
    raise QvarError(
        f"`study` must go alike in all processes, but a task has {failures} failed rows in process {here}, and "
        f"{did}{why}."
    )


def _other_than(number: int, patience: float | None) -> tuple[int, int | None] | None:
    """Return a process with another number, and that number, or None if it gave none in so many seconds."""
    global _shared
    if not is_distributed():
        return None
    import jax

    _shared += 1
    coordination_client().key_value_set(f"qvar/number/{_shared}/{jax.process_index()}", str(number))
    for process in range(jax.process_count()):
        answer = _awaited(f"qvar/number/{_shared}/{process}", patience)
        if answer is None or int(answer) != number:
            return process, None if answer is None else int(answer)
    return None


def sentence_to_print(message: str) -> str | None:
    """Return the sentence that this process should print of an error; None if another process prints it."""
    if not _joined or not is_distributed():
        return message
    import jax

    process = jax.process_index()
    _report_end(message)
    if _ended_by_other:
        return None
    if process == 0:
        return message
    until = time.monotonic() + _SECONDS_TO_REPORT
    while time.monotonic() < until:
        if (words := _ended().get(0)) is not None:
            return None if words == message else f"process {process}: {message}"
        time.sleep(0.05)
    return f"process {process}: {message}"


def leave(status: int) -> NoReturn:
    """End this process after an error, at once: at an orderly end JAX waits for the others, which wait for this one."""
    _report_end("an error that is reported there")
    if is_leader():  # it keeps the store: the others get a moment to read it
        time.sleep(_SECONDS_TO_REPORT)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def has_joined() -> bool:
    """Return if `begin` was called and several processes have met."""
    return _joined and is_distributed()


# ---------------------------------------------------------------------------------------------------------------------
# The store


def _awaited(key: str, patience: float | None) -> str | None:
    """Return the value of a key, once some process has set it; None if none did for so many seconds."""
    global _ended_by_other
    import jax

    began = time.monotonic()
    while True:
        try:
            return coordination_client().blocking_key_value_get(key, _POLL_MILLISECONDS)
        except jax.errors.JaxRuntimeError as error:
            if "DEADLINE_EXCEEDED" not in str(error):
                raise
        for process, words in _ended().items():
            _ended_by_other = True
            raise QvarError(f"process {process} has ended: {words}")
        if patience is not None and time.monotonic() - began > patience:
            return None


def _report_end(words: str) -> None:
    import jax

    with contextlib.suppress(jax.errors.JaxRuntimeError):  # said already, or the store is gone
        coordination_client().key_value_set(f"{_ENDED}{jax.process_index()}", words)


def _ended() -> dict[int, str]:
    """Return the processes that have ended early, and their sentences."""
    return {int(key.rpartition("/")[2]): words for key, words in coordination_client().key_value_dir_get(_ENDED)}


def _count(name: str, text: str) -> int:
    if not text.isdecimal():
        raise QvarError(f"`{name}` must be a number, but is {text!r}.")
    return int(text)


def _only_device() -> int | None:
    """Return 0 if Slurm shows this process one GPU alone; None if it shows all of the node: JAX then takes its own."""
    devices = os.environ.get("CUDA_VISIBLE_DEVICES") or os.environ.get("ROCR_VISIBLE_DEVICES") or ""
    return 0 if devices and "," not in devices else None
