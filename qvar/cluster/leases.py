"""Claims: who works on a task, proved by files alone, on a file system that many nodes share.

An attempt at a task is a file `attempt-<number>.json` in the task's folder, made by a call that fails where the file is
there already, so that of two processes one wins. Its time of change is the owner's heartbeat. Whoever finds the
newest attempt ended, or its heart still for long, makes the next one; the owner of an older one has lost its right to
write, and sees so before it does.
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

_NAME = re.compile(r"attempt-(\d{4,})\.json")
_ROOM = 4096
"""Bytes of an attempt's file from the start, so that its end can be told where the disk is full."""

_LONGEST = 200
"""Letters of a text in it."""


class Ending(Enum):
    """What became of an attempt."""

    RUNNING = "running"
    """Not ended: at work, or dead without a word."""
    DONE = "done"
    """The result is written; the task may have failed, which its rows tell."""
    FAILED = "failed"
    """Likewise, and all rows of the result say that the task failed."""
    STOPPED = "stopped"
    """Asked to stop; a checkpoint is written where the task has such a thing."""
    ERROR = "error"
    """It could not be begun, or its result not be written; `message` tells why."""
    OUTRUN = "outrun"
    """A newer attempt took over, because this one seemed dead."""


@dataclass(frozen=True)
class Attempt:
    """One attempt at a task, as its file tells."""

    number: int
    """1, 2, ..."""
    ending: Ending
    """What became of it."""
    age_s: float
    """Seconds since the last heartbeat, by the clock of the file system."""
    told: Mapping[str, Any]
    """`host`, `process`, `queue`, `job` and `number` (where a queue runs it), `started`, and how far it is: `done`,
    `total`, `message`; `kept`, the steps that a checkpoint holds beyond those of the attempts before."""

    def alive(self, stale_s: float) -> bool:
        """Whether someone is at work, as far as can be known."""
        return self.ending is Ending.RUNNING and self.age_s < stale_s and not _dead_here(self.told)


class Claim:
    """The right to work on a task, with a heartbeat in a thread of its own.

    Attributes:
        number: number of the attempt.
        kept: steps that the attempt's checkpoint holds beyond those of the attempts before.
    """

    def __init__(self, folder: Path, number: int, told: dict[str, Any], beat_s: float) -> None:
        self._folder, self.number, self._told, self._beat_s = folder, number, told, beat_s
        self._path = _path(folder, number)
        self.kept = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="qvar heartbeat", daemon=True)
        self._thread.start()

    def tell(self, **words: Any) -> None:
        """Notes how far the work is; the next heartbeat writes it."""
        with self._lock:
            self._told = {**self._told, **words}

    def outrun(self) -> bool:
        """Whether a newer attempt has taken over."""
        return os.path.lexists(_path(self._folder, self.number + 1))

    def end(self, ending: Ending, message: str = "") -> None:
        """Ends the attempt and tells how; the heartbeat ends."""
        self._over.set()
        self._thread.join()
        with self._lock:
            self._told = {**self._told, "ending": ending.value, "message": message, "kept": self.kept}
            self._write()

    def _beat(self) -> None:
        while not self._over.wait(self._beat_s):
            with self._lock:
                self._write()

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # a disk that is full for now: the time of change is what counts
            _overwrite(self._path, {**self._told, "kept": self.kept})
            return
        with contextlib.suppress(OSError):
            os.utime(self._path)


def attempts(folder: Path, now: float) -> list[Attempt]:
    """All attempts at a task, the first one first; none where nobody has begun.

    Args:
        folder: the task's folder.
        now: the time, see `file_time`.
    """
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    numbers = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
    return [_read(folder, number, now) for number in numbers]


def claim(folder: Path, owner: Mapping[str, Any], stale_s: float, beat_s: float) -> Claim | Attempt:
    """Takes a task, if nobody is at work on it.

    Args:
        folder: the task's folder; made where it is missing.
        owner: who asks, see `owner`.
        stale_s: seconds without a heartbeat after which an attempt counts as dead.
        beat_s: seconds between two heartbeats.

    Returns:
        The claim, or the living attempt that is in the way.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        before = attempts(folder, file_time(folder))
        if before and before[-1].alive(stale_s):
            return before[-1]
        number = before[-1].number + 1 if before else 1
        told = {**owner, "attempt": number, "ending": Ending.RUNNING.value, "message": ""}
        try:
            _create(_path(folder, number), told)
        except FileExistsError:  # another process was faster; what it made may show here a little later
            time.sleep(min(beat_s, 1.0))
            continue
        return Claim(folder, number, told, beat_s)


def owner() -> dict[str, Any]:
    """Who this process is: host, process number and space of process numbers, and when it began."""
    return {
        "host": platform.node(),
        "process": os.getpid(),
        "space": _process_space(),
        "birth": _birth(os.getpid()),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
    }


def file_time(folder: Path) -> float:
    """The time by the clock that stamps files in a folder, which on a shared file system is the server's.

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


def _create(path: Path, told: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    try:
        os.write(descriptor, _text(told))
        os.fsync(descriptor)
    except OSError:  # no room for a heartbeat: no claim
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _overwrite(path: Path, told: dict[str, Any]) -> None:
    """In place, in one call, at the same length: needs no new room, and a reader sees old or new."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, _text(told))
    finally:
        os.close(descriptor)


def _text(told: dict[str, Any]) -> bytes:
    short = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in told.items()}
    return json.dumps(sealed(jsonable(short)), ensure_ascii=False).encode().ljust(_ROOM - 1) + b"\n"


def _read(folder: Path, number: int, now: float) -> Attempt:
    path = _path(folder, number)
    told: dict[str, Any] = {}
    age = float("inf")
    with contextlib.suppress(OSError):
        age = max(now - path.stat().st_mtime, 0.0)
        with contextlib.suppress(ValueError):  # damaged, or being written at this moment
            content = parsed(read_regular(path))
            _ATTEMPT(content, "")
            told = content
    return Attempt(number, Ending(told.get("ending", "running")), age, told)


def _ending(value: Any, place: str) -> None:
    if value not in [ending.value for ending in Ending]:
        raise MisshapenError(place, "be how an attempt ends", value)


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


def _dead_here(told: Mapping[str, Any]) -> bool:
    """Whether the owner was a process of this very machine and is gone: then there is nothing to wait for."""
    process, space = told.get("process"), told.get("space")
    if told.get("host") != platform.node() or not space or space != _process_space() or not isinstance(process, int):
        return False
    return _birth(process) != told.get("birth")


def _process_space() -> str:
    """The kernel's boot and the space of process numbers; empty where there is no /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _birth(process: int) -> str:
    """When a process began, in the kernel's ticks; empty for one that is not there, or is a zombie."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
