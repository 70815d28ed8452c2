"""Leases: one file for each task that says which process is working on it, on a file system that many nodes share.

The lease of a task is `lease.json` in its state folder. The time of change of that file is the heartbeat of its owner.
If the attempt has ended, or has had no heartbeat for long, another process writes itself into the file; the one before
looks into the file before it writes anything, and gives up. A lease only saves duplicate work: of two processes that
take a task over at the same moment the one that the file names goes on, and a shard is published once in any case.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from qvar.atomic_files import read_regular
from qvar.records.json_files import jsonable, parsed, sealed
from qvar.records.json_shapes import MisshapenError, count, plain, record, text

HEARTBEAT_S = 10.0
"""Seconds between two heartbeats."""

STALE_HEARTBEATS = 9
"""Number of missed heartbeats after which an attempt is dead: 90 seconds, more than file systems cache."""

LEASE = "lease.json"
"""Name of the file in a task's state folder."""

_SIZE = 4096  # bytes from the start, so that the end can be written if the disk is full
_LONGEST = 200  # letters of a text


class Ending(Enum):
    """End of an attempt."""

    RUNNING = "running"
    """Not ended: at work, or killed."""
    DONE = "done"
    """The result is written; its rows say if the task failed."""
    FAILED = "failed"
    """The result is written, and all its rows say that the task failed."""
    STOPPED = "stopped"
    """Asked to stop; a checkpoint is written if the task has trainings."""
    ERROR = "error"
    """It could not begin, or its result could not be written; `message` says why."""


@dataclass(frozen=True)
class Attempt:
    """The latest attempt at a task, read from its lease."""

    ending: Ending
    """Its end."""
    age_s: float
    """Seconds since the last heartbeat, by the clock of the file system."""
    content: Mapping[str, Any]
    """`attempt`, its number; `deaths` and `idle`, the number of attempts in a row before it that were killed, or
    stopped, and kept nothing; `host`, `process`, `started`; `queue`, `job` and `number` of an array task; its progress
    `done`, `total`, `words`; `kept`, the steps that its checkpoints hold beyond those of the attempts before;
    `message`. Empty if the file is damaged."""

    @property
    def number(self) -> int:
        """Number of the attempt, from 1."""
        return self.content.get("attempt", 1)

    def alive(self, stale_s: float) -> bool:
        """Return if a process is working on it, as far as can be known."""
        return self.ending is Ending.RUNNING and self.age_s < stale_s and not _dead_here(self.content)


class Lease:
    """The right to work on a task, with a heartbeat in a thread of its own.

    Attributes:
        number: number of the attempt, from 1.
        deaths: number of attempts in a row just before it that were killed and kept nothing.
        idle: number of attempts in a row just before it that were stopped and kept nothing.
        kept: steps that the attempt's checkpoints hold beyond those of the attempts before.
    """

    def __init__(self, path: Path, content: dict[str, Any], beat_s: float) -> None:
        self.number, self.deaths, self.idle = content["attempt"], content["deaths"], content["idle"]
        self.kept = 0
        self._path, self._content, self._beat_s = path, content, beat_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="qvar heartbeat", daemon=True)
        self._thread.start()

    def report(self, **entries: Any) -> None:
        """Note the progress of the work; the next heartbeat writes it."""
        self._content = {**self._content, **entries}

    def superseded(self) -> bool:
        """Return if another process has taken over."""
        return not _names(self._path, self._content["token"])

    def end(self, ending: Ending, message: str = "") -> None:
        """End the heartbeat, and write how the attempt ended unless another process has taken over."""
        self._over.set()
        self._thread.join()
        self._content = {**self._content, "ending": ending.value, "message": message}
        self._write()

    def _beat(self) -> None:
        while not self._over.wait(self._beat_s):
            self._write()

    def _write(self) -> None:
        if self.superseded():
            return
        try:
            _write(self._path, {**self._content, "kept": self.kept})
        except OSError:  # a disk that is full at the moment: the time of change is what counts
            with contextlib.suppress(OSError):
                os.utime(self._path)


def latest(folder: Path, now: float) -> Attempt | None:
    """Return the latest attempt at a task; None if there was none."""
    path = folder / LEASE
    try:
        age_s = max(now - path.stat().st_mtime, 0.0)
    except OSError:
        return None
    content: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):  # damaged, or being written at this moment
        read = parsed(read_regular(path))
        _SHAPE(read, "")
        content = read
    return Attempt(Ending(content.get("ending", "running")), age_s, content)


def acquire(folder: Path, owner: Mapping[str, Any], stale_s: float, beat_s: float) -> Lease | Attempt:
    """Take the lease of a task, unless a process is working on it.

    An attempt counts as dead after `stale_s` seconds without a heartbeat; `folder` is made if it is missing.

    Raises `OSError` if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, token = folder / LEASE, secrets.token_hex(8)
    while True:
        before = latest(folder, file_time(folder))
        if before is not None and before.alive(stale_s):
            return before
        content = {
            "token": token,  # first, so that each heartbeat writes the same bytes in this place
            **owner,
            "attempt": 1 if before is None else before.number + 1,
            "deaths": _in_a_row(before, "deaths", Ending.RUNNING),
            "idle": _in_a_row(before, "idle", Ending.STOPPED),
            "ending": Ending.RUNNING.value,
            "message": "",
        }
        try:
            _write(path, content, new=before is None)
        except FileExistsError:  # another process was faster
            time.sleep(min(beat_s, 1.0))
            continue
        if _names(path, token):
            return Lease(path, content, beat_s)


def _in_a_row(before: Attempt | None, name: str, ending: Ending) -> int:
    if before is None or before.ending is not ending or before.content.get("kept"):
        return 0
    return before.content.get(name, 0) + 1


def clear_leases(state: Path) -> None:
    """Remove the leases of all tasks, if no other process is working on them; checkpoints stay."""
    with contextlib.suppress(OSError):
        for folder in list(state.iterdir()):
            with contextlib.suppress(OSError):
                for entry in list(folder.iterdir()):
                    if not entry.name.startswith("checkpoint-"):
                        entry.unlink()
                folder.rmdir()
        state.rmdir()


def owner() -> dict[str, Any]:
    """Return what identifies this process: host, process number, space of process numbers, and time of its start."""
    return {
        "host": platform.node(),
        "process": os.getpid(),
        "space": _process_space(),
        "birth": _birth(os.getpid()),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
    }


def file_time(folder: Path) -> float:
    """Return the time by the clock that stamps files in a folder, which on a shared file system is the server's.

    Raises `OSError` if the folder cannot be written.
    """
    probe = folder / f".clock-{platform.node()}-{os.getpid()}-{threading.get_ident()}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _write(path: Path, content: Mapping[str, Any], *, new: bool = False) -> None:
    """Write in place, in one call, at the same length: this needs no more room, and a reader sees old or new."""
    short = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in content.items()}
    data = json.dumps(sealed(jsonable(short)), ensure_ascii=False).encode().ljust(_SIZE - 1) + b"\n"
    flags = os.O_WRONLY | os.O_NONBLOCK  # a pipe in its place is an error at once
    descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL if new else flags, 0o644)
    try:
        os.write(descriptor, data)
        if new:
            os.fsync(descriptor)
    except OSError:
        if new:  # no room for a heartbeat: no lease
            path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _names(path: Path, token: str) -> bool:
    """Return if a lease names a process; a file that is gone names the one that had it."""
    try:
        return token.encode() in read_regular(path)
    except OSError:
        return True


def _ending(value: Any, place: str) -> None:
    if value not in [ending.value for ending in Ending]:
        raise MisshapenError(place, "be the end of an attempt", value)


_SHAPE = record(
    {},
    {
        "token": text, "host": text, "process": count(0), "space": text, "birth": text, "started": text, "queue": text,
        "job": text, "number": count(0), "attempt": count(1), "done": plain, "total": plain, "words": text,
        "message": text, "kept": count(0), "ending": _ending, "deaths": count(0), "idle": count(0),
    },
    others=True,
)  # fmt: skip


def _dead_here(content: Mapping[str, Any]) -> bool:
    """Return if the owner was a process of this very machine that has ended: then there is nothing to wait for."""
    if content.get("host") != platform.node() or not content.get("space") or content["space"] != _process_space():
        return False
    return _birth(content.get("process", 0)) != content.get("birth")


def _process_space() -> str:
    """Return the kernel's boot and the space of process numbers; empty if there is no /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _birth(process: int) -> str:
    """Return the time when a process began, in the kernel's ticks; empty for none, or a zombie."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
