"""Requests to stop: by a signal of the queue, by qvar's own deadline, by `qvar cancel`, or by the end of the parent.

A thread listens, because Python runs signal handlers in the main thread alone, which may be inside a compiled program
for minutes: the interpreter writes each signal's number to a pipe at once (`signal.set_wakeup_fd`). Only the standard
library is imported here: a process watches its parent before it spends seconds on its other imports.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from types import FrameType

DEADLINE = "QVAR_STOP_AT"
"""Environment variable with qvar's own deadline, in seconds since 1970; the script of a job sets it."""

AGAIN = (signal.SIGUSR1, signal.SIGUSR2)
"""Signals that queues send before the time limit: the work goes back into the queue."""

FOR_GOOD = (signal.SIGTERM, signal.SIGINT)
"""Signals of a cancelled job, or of one that the queue itself starts again: the work just ends."""

_LOOK_S = 1.0

_ALONE_S = 5.0
"""Seconds in which a process whose parent has ended may write its checkpoint."""


@dataclass
class Stop:
    """Request to this process to stop."""

    reason: str = ""
    """Source of the first request; empty if there is none."""
    again: bool = False
    """True if the work should go back into the queue."""
    since: float = float("inf")
    """Time of the first request, on the clock `time.monotonic`."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def asked(self) -> bool:
        """True if there is a request."""
        return bool(self.reason)

    @property
    def seconds(self) -> float:
        """Seconds since the first request; negative infinity without one."""
        return time.monotonic() - self.since

    def ask(self, reason: str, again: bool) -> None:
        """Ask to stop. The first request gives the reason; one to end for good overrules one to go back."""
        with self._lock:
            if not self.reason:
                self.reason, self.again, self.since = reason, again, time.monotonic()
            elif not again:
                self.again = False


_current: list[Stop] = []
"""The requests of the block `listening` that is open, if any."""


@contextlib.contextmanager
def listening(cancelled: Callable[[], bool], patience_s: float, overdue: Callable[[Stop], None]) -> Iterator[Stop]:
    """Listen for requests to stop until the block ends. To be called in the main thread.

    Args:
        cancelled: returns if the campaign was cancelled; called once a second.
        patience_s: seconds after a request at which the work should have ended.
        overdue: called once, in a thread, if it has not.

    Yields:
        The requests, to be looked at between two steps of the work.
    """
    stop = Stop()
    at = _deadline()
    over = threading.Event()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    handled = {number: signal.signal(number, _noted) for number in (*AGAIN, *FOR_GOOD)}
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def listen() -> None:
        is_overdue = False
        while not over.is_set():
            ready, _, _ = select.select([reading], [], [], _LOOK_S)
            for number in os.read(reading, 64) if ready else b"":
                with contextlib.suppress(ValueError):
                    name = signal.Signals(number)
                    if name in (*AGAIN, *FOR_GOOD):
                        stop.ask(f"signal {name.name}", name in AGAIN)
            if at is not None and time.time() >= at:
                stop.ask("the time limit is near", True)
            if cancelled():
                stop.ask("the campaign was cancelled", False)
            if not is_overdue and stop.seconds > patience_s:
                is_overdue = True
                overdue(stop)

    thread = threading.Thread(target=listen, name="qvar stop", daemon=True)
    thread.start()
    _current.append(stop)
    try:
        yield stop
    finally:
        _current.remove(stop)
        over.set()
        signal.set_wakeup_fd(before)
        for number, handler in handled.items():
            signal.signal(number, handler)
        os.write(writing, b"\0")
        thread.join()
        os.close(reading)
        os.close(writing)


def end_with_parent() -> None:
    """End this process soon after the one that started it, however that ended: after SIGKILL nothing else would.

    A process that is listening for requests to stop has a few seconds to write its checkpoint. The parent holds one
    end of a pipe, which the system closes with it.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        for stop in list(_current):
            stop.ask("the process that started it is gone", False)
            time.sleep(_ALONE_S)
        os._exit(1)  # shards are written whole or not at all

    threading.Thread(target=watch, name="qvar parent", daemon=True).start()


def _noted(number: int, frame: FrameType | None) -> None:
    """Do nothing: the thread has read the number from the pipe."""


def _deadline() -> float | None:
    try:
        return float(os.environ[DEADLINE])
    except (KeyError, ValueError):
        return None
