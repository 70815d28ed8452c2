"""Leases: files that say which process is working on a task, on a file system that many nodes share.

An attempt at a task is a file `attempt-<number>.json` in the task's state folder, made by a call that fails if the file
exists, so that one of several processes succeeds. Its time of change is the heartbeat of its process. If the newest
attempt has ended, or has had no heartbeat for long, the next one may begin; the process of an older one checks for a
newer file before it writes. A lease only saves duplicate work: a shard is published once in any case.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
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

_NAME = re.compile(r"attempt-(\d{4,})\.json")
_ROOM = 4096
"""Bytes of an attempt's file from the start, so that its end can be written if the disk is full."""

_LONGEST = 200
"""Letters of a text in it."""


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
    OUTRUN = "outrun"
    """A newer attempt took over, because this one seemed dead."""


@dataclass(frozen=True)
class Attempt:
    """One attempt at a task, read from its file."""

    number: int
    """1, 2, ..."""
    ending: Ending
    """Its end."""
    age_s: float
    """Seconds since the last heartbeat, by the clock of the file system."""
    content: Mapping[str, Any]
    """`host`, `process`, `queue`, `job` and `number` (of an array task), `started`, and its progress: `done`, `total`,
    `words`; `kept`, the steps that its checkpoints hold beyond those of the attempts before; `message`."""

    def alive(self, stale_s: float) -> bool:
        """Return if a process is working on it, as far as can be known."""
        return self.ending is Ending.RUNNING and self.age_s < stale_s and not _dead_here(self.content)


class Lease:
    """The right to work on a task, with a heartbeat in a thread of its own.

    Attributes:
        number: number of the attempt.
        kept: steps that the attempt's checkpoints hold beyond those of the attempts before.
    """

    def __init__(self, folder: Path, number: int, content: dict[str, Any], beat_s: float) -> None:
        self._folder, self.number, self._content, self._beat_s = folder, number, content, beat_s
        self._path = _path(folder, number)
        self.kept = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="qvar heartbeat", daemon=True)
        self._thread.start()

    def report(self, **entries: Any) -> None:
        """Note the progress of the work; the next heartbeat writes it."""
        with self._lock:
            self._content = {**self._content, **entries}

    def superseded(self) -> bool:
        """Return if a newer attempt has taken over."""
        return os.path.lexists(_path(self._folder, self.number + 1))

    def end(self, ending: Ending, message: str = "") -> None:
        """End the attempt and its heartbeat, and write how it ended."""
        self._over.set()
        self._thread.join()
        with self._lock:
            self._content = {**self._content, "ending": ending.value, "message": message}
            self._write()

    def _beat(self) -> None:
        while not self._over.wait(self._beat_s):
            with self._lock:
                self._write()

    def _write(self) -> None:
        """Write in place, in one call, at the same length: needs no new room, and a reader sees old or new."""
        with contextlib.suppress(OSError):  # a disk that is full for now: the time of change is what counts
            descriptor = os.open(self._path, os.O_WRONLY)
            try:
                os.write(descriptor, _text({**self._content, "kept": self.kept}))
            finally:
                os.close(descriptor)
            return
        with contextlib.suppress(OSError):
            os.utime(self._path)


def attempts(folder: Path, now: float) -> list[Attempt]:
    """Return all attempts at a task, the first one first.

    Args:
        folder: the task's state folder.
        now: the time, see `file_time`.
    """
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    numbers = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
    return [_read(folder, number, now) for number in numbers]


def acquire(folder: Path, owner: Mapping[str, Any], stale_s: float, beat_s: float) -> Lease | Attempt:
    """Take the lease of a task, unless a process is working on it.

    Args:
        folder: the task's state folder; made if it is missing.
        owner: the process that asks, see `owner`.
        stale_s: seconds without a heartbeat after which an attempt counts as dead.
        beat_s: seconds between two heartbeats.

    Returns:
        The lease, or the living attempt that is in the way.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        before = attempts(folder, file_time(folder))
        if before and before[-1].alive(stale_s):
            return before[-1]
        number = before[-1].number + 1 if before else 1
        content = {**owner, "attempt": number, "ending": Ending.RUNNING.value, "message": ""}
        try:
            _create(_path(folder, number), content)
        except FileExistsError:  # another process was faster; its file may appear here a little later
            time.sleep(min(beat_s, 1.0))
            continue
        return Lease(folder, number, content, beat_s)


def clear_leases(state: Path) -> None:
    """Remove the attempts of a run that no other process is working on; checkpoints stay.

    Args:
        state: folder of the state folders of all tasks.
    """
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

    Raises:
        OSError: if the folder cannot be written.
    """
    probe = folder / f".clock-{platform.node()}-{os.getpid()}-{threading.get_ident()}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _path(folder: Path, number: int) -> Path:
    return folder / f"attempt-{number:04d}.json"


def _create(path: Path, content: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    try:
        os.write(descriptor, _text(content))
        os.fsync(descriptor)
    except OSError:  # no room for a heartbeat: no lease
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _text(content: dict[str, Any]) -> bytes:
    short = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in content.items()}
    return json.dumps(sealed(jsonable(short)), ensure_ascii=False).encode().ljust(_ROOM - 1) + b"\n"


def _read(folder: Path, number: int, now: float) -> Attempt:
    path = _path(folder, number)
    content: dict[str, Any] = {}
    age = float("inf")
    with contextlib.suppress(OSError):
        age = max(now - path.stat().st_mtime, 0.0)
        with contextlib.suppress(ValueError):  # damaged, or being written at this moment
            read = parsed(read_regular(path))
            _ATTEMPT(read, "")
            content = read
    return Attempt(number, Ending(content.get("ending", "running")), age, content)


def _ending(value: Any, place: str) -> None:
    if value not in [ending.value for ending in Ending]:
        raise MisshapenError(place, "be the end of an attempt", value)


_ATTEMPT = record(
    {},
    {
        "host": text, "process": count(0), "space": text, "birth": text, "started": text, "queue": text, "job": text,
        "number": count(0), "attempt": count(1), "done": plain, "total": plain, "words": text, "message": text,
        "kept": count(0), "ending": _ending,
    },
    others=True,
)  # fmt: skip
"""Shape of an attempt's file."""


def _dead_here(content: Mapping[str, Any]) -> bool:
    """Return if the owner was a process of this very machine that has ended: then there is nothing to wait for."""
    process, space = content.get("process"), content.get("space")
    if content.get("host") != platform.node() or not space or space != _process_space():
        return False
    return isinstance(process, int) and _birth(process) != content.get("birth")


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
