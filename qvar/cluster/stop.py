"""Being asked to stop: by a signal of the queue, by qvar's own deadline, or by `qvar cancel`.

A thread listens, because Python runs signal handlers in the main thread alone, which may be inside a compiled program
for minutes: the interpreter writes each signal's number to a pipe at once (`signal.set_wakeup_fd`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

DEADLINE = "QVAR_STOP_AT"
"""Environment variable with qvar's own deadline, in seconds since 1970; the script of a job sets it."""

STDIN = "QVAR_ENDS_WITH_STDIN"
"""Environment variable: if it is set, the end of standard input says that the starting process is gone."""

AGAIN = (signal.SIGUSR1, signal.SIGUSR2)
"""Signals that queues send before the time limit: who gets one goes back into the queue."""

FOR_GOOD = (signal.SIGTERM, signal.SIGINT)
"""Signals of a cancelled job, or of one that the queue itself starts again: who gets one just ends."""

_LOOK_S = 1.0

_ALONE_S = 5.0
"""Seconds in which a process whose starter is gone may write its checkpoint."""


@dataclass
class Stop:
    """Whether this process has been asked to stop."""

    reason: str = ""
    """Who asked; empty where nobody has."""
    again: bool = False
    """Whether the work should go back into the queue."""
    since: float = float("inf")
    """When it was asked, on the clock `time.monotonic`."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def asked(self) -> bool:
        """Whether someone has asked."""
        return bool(self.reason)

    @property
    def seconds(self) -> float:
        """For how long it has been asked; negative infinity where it has not."""
        return time.monotonic() - self.since

    def ask(self, reason: str, again: bool) -> None:
        """Asks to stop. The first to ask names the reason; who wants an end for good overrules a wish to go on."""
        with self._lock:
            if not self.reason:
                self.reason, self.again, self.since = reason, again, time.monotonic()
            elif not again:
                self.again = False


@contextlib.contextmanager
def listening(cancelled: Callable[[], bool], patience_s: float, overdue: Callable[[Stop], None]) -> Iterator[Stop]:
    """Listens for requests to stop until the block ends. To be called in the main thread.

    Args:
        cancelled: whether the campaign was cancelled; asked once a second.
        patience_s: seconds after a request at which the work should have ended.
        overdue: called once, in a thread, where it has not.

    Yields:
        What to look at between two steps of the work.
    """
    stop = Stop()
    at = _deadline()
    over = threading.Event()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    handled = {number: signal.signal(number, _noted) for number in (*AGAIN, *FOR_GOOD)}
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def listen() -> None:
        told = False
        watched = [reading, 0] if os.environ.get(STDIN) else [reading]
        alone = False
        while not over.is_set():
            ready, _, _ = select.select(watched, [], [], _LOOK_S)
            if 0 in ready and not os.read(0, 64):
                watched, alone = [reading], True
                stop.ask("the process that started it is gone", False)
            if alone and stop.seconds > _ALONE_S:
                os._exit(1)
            for number in os.read(reading, 64) if reading in ready else b"":
                with contextlib.suppress(ValueError):
                    name = signal.Signals(number)
                    if name in (*AGAIN, *FOR_GOOD):
                        stop.ask(f"signal {name.name}", name in AGAIN)
            if at is not None and time.time() >= at:
                stop.ask("the time limit is near", True)
            if cancelled():
                stop.ask("the campaign was cancelled", False)
            if stop.asked and not told and stop.seconds > patience_s:
                told = True
                overdue(stop)

    thread = threading.Thread(target=listen, name="qvar stop", daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        for number, handler in handled.items():
            signal.signal(number, handler)
        os.write(writing, b"\0")
        thread.join()
        os.close(reading)
        os.close(writing)


def _noted(number: int, frame: FrameType | None) -> None:
    """Nothing: the thread has read the number from the pipe."""


def _deadline() -> float | None:
    try:
        return float(os.environ[DEADLINE])
    except (KeyError, ValueError):
        return None
