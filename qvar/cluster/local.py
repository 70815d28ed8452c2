"""A campaign without a cluster: processes of this machine that take tasks as array elements do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from qvar.cluster.array_task import DISK, MOST_DEATHS, STOPPED
from qvar.cluster.campaign import Campaign
from qvar.cluster.status import SETTLED, Condition, Survey, survey
from qvar.cluster.stop import STDIN

_LOOK_S = 0.5


def work_here(campaign: Campaign, workers: int, progress: bool) -> int:
    """Does a campaign's tasks in processes of this machine, until none is left that somebody could do.

    A process that dies takes its task with it, no other: another one is started in its place, which goes on with what
    is left. Ctrl-C and SIGTERM are passed on: each process writes its checkpoints and ends. So it does if this process
    is killed: it sees the end of its standard input, whose other end is here.

    Args:
        campaign: which one.
        workers: processes at the same time.
        progress: whether to say on standard error how far it is.

    Returns:
        The exit status: 0, `qvar.cluster.array_task.DISK` or `STOPPED`.
    """
    command = [sys.executable, "-m", "qvar", "run", "--campaign", str(campaign.path)]
    share = str(max(1, (os.cpu_count() or 1) // workers))
    environment = {"OMP_NUM_THREADS": share, **os.environ, "QVAR_QUEUE": "local", STDIN: "1"}
    allowed = workers + MOST_DEATHS * len(campaign.tasks)
    with _passing_on() as (processes, asked):

        def start() -> None:
            log = campaign.logs / f"local_{os.getpid()}_{len(processes) + 1}.log"
            with log.open("ab") as out:
                process = subprocess.Popen(
                    command, stdout=out, stderr=out, stdin=subprocess.PIPE, env=environment, start_new_session=True
                )
            processes.append(process)

        for _ in range(min(workers, len(campaign.tasks))):
            start()
        told, watched = "", list(processes)
        while watched:
            time.sleep(_LOOK_S)
            if progress:
                told = _say(survey(campaign), told)
            for process in [one for one in watched if one.poll() is not None]:
                watched.remove(process)
                if process.returncode not in _ORDERLY and not asked and len(processes) < allowed:
                    start()
                    watched.append(processes[-1])
    if asked or any(process.returncode == STOPPED for process in processes):
        return STOPPED
    return DISK if any(process.returncode == DISK for process in processes) else 0


_ORDERLY = (0, DISK, STOPPED, 2)
"""Exit statuses after which no other process is started: there is nothing left, or it would end likewise."""


def _say(found: Survey, told: str) -> str:
    """One line each time that something has changed."""
    settled = len(found.having(*SETTLED))
    failed = len(found.having(Condition.FAILED))
    words = f"{settled} of {len(found.standings)} tasks are done" + (f", {failed} of them failed" if failed else "")
    at_work = [f"{one.line.label} ({one.line.points[0]})" for one in found.having(Condition.RUNNING)]
    line = f"{words}; at work: {', '.join(at_work)}" if at_work else words
    if line != told:
        print(line, file=sys.stderr, flush=True)
    return line


@contextmanager
def _passing_on() -> Iterator[tuple[list[subprocess.Popen[bytes]], list[int]]]:
    """Passes Ctrl-C and SIGTERM on to the processes; no process outlives the block."""
    processes: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def pass_on(number: int, _: object) -> None:
        asked.append(number)
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield processes, asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
