"""Processes of this machine that work on the tasks of one folder, and end with the process that started them.

Little is imported here, because each process imports this module before it watches its parent.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from qvar.errors import QvarError
from qvar.late_import import rare_collections
from qvar.runs.stop import end_with_parent

_LOOK_S = 0.5
_USER_ERROR = 2


@dataclass
class Ended:
    """End of the processes of a pool."""

    statuses: list[int] = field(default_factory=list)
    """Exit status of each; negative for the signal that killed it."""
    sentences: list[str] = field(default_factory=list)
    """Mistakes of the user that ended them, each once."""
    interrupted: bool = False
    """True after Ctrl-C or SIGTERM."""


def work_in_processes(
    work: bytes, workers: int, look: Callable[[], None], *, replacements: int = 0, logs: Path | None = None
) -> Ended:
    """Call a function in several processes and wait until all have ended.

    Each process is a fresh interpreter, because a fork would share locks of threads that it does not have. It has its
    share of the cores for PySCF and NumPy. Ctrl-C and SIGTERM are passed on as SIGTERM; the second time the processes
    are killed. They end with this process, also if it is killed.

    `work` is a pickled function without arguments that returns an exit status. `look` is called about twice a second,
    and once after all processes have ended. At most `replacements` killed processes are replaced. `logs`
    is a folder for the output of the processes; this process's own output if None.
    """
    ended = Ended()
    context = get_context("spawn")
    number = 0
    share = str(max(1, (os.cpu_count() or 1) // workers))
    with _environment("OMP_NUM_THREADS", share), _passing_on(ended) as running:

        def start() -> None:
            nonlocal number
            number += 1
            log = None if logs is None else str(logs / f"local_{os.getpid()}_{number}.log")
            reading, writing = context.Pipe(duplex=False)
            process = context.Process(target=_begin, args=(work, writing, log), name=f"qvar worker {number}")
            process.start()
            writing.close()
            running[process] = reading  # pyright: ignore[reportArgumentType]  # a PipeConnection on Windows alone

        for _ in range(workers):
            start()
        while running:
            wait([process.sentinel for process in running], _LOOK_S)
            over = [one for one in running if not one.is_alive()]
            look()  # after that, so that the last time is after the end of the last process
            for process in over:
                status = _collect(process, running.pop(process), ended)
                if status not in _ORDERLY and not ended.interrupted and replacements > 0:
                    replacements -= 1
                    start()
    return ended


_ORDERLY = (0, 74, 75, _USER_ERROR)
"""Exit statuses after which no other process is started: nothing is left, or it would end in the same way."""


def _collect(process: BaseProcess, reading: Connection, ended: Ended) -> int:
    status = process.exitcode or 0
    ended.statuses.append(status)
    with contextlib.suppress(EOFError, OSError):
        if reading.poll() and (sentence := reading.recv()) not in ended.sentences:
            ended.sentences.append(sentence)
    reading.close()
    process.close()
    return status


def _begin(work: bytes, writing: Connection, log: str | None) -> None:
    """Do the work of one process and end it."""
    end_with_parent()
    os.setsid()  # Ctrl-C in a terminal reaches the parent alone, which passes it on
    if log is not None:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)
    try:
        with rare_collections():
            status = pickle.loads(work)()
    except QvarError as error:
        if log is not None:
            print(f"qvar: {error}", file=sys.stderr)
        writing.send(str(error))
        status = _USER_ERROR
    sys.exit(status)


@contextmanager
def _passing_on(ended: Ended) -> Iterator[dict[BaseProcess, Connection]]:
    """Pass Ctrl-C and SIGTERM on to the processes; no process outlives the block."""
    running: dict[BaseProcess, Connection] = {}

    def pass_on(number: int, _: object) -> None:
        for process in list(running):
            process.kill() if ended.interrupted else process.terminate()
        ended.interrupted = True

    is_main = threading.current_thread() is threading.main_thread()  # others cannot have handlers
    numbers = (signal.SIGINT, signal.SIGTERM) if is_main else ()
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield running
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for process, reading in running.items():
            process.kill()
            process.join()
            _collect(process, reading, ended)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set a variable that processes inherit, unless the user has set it."""
    if name in os.environ:
        yield
        return
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
