"""The folder of a campaign: a case swept over its arguments, its tasks, and the state of each.

    case.json            the submission: case, flags, sweep, tasks, the points that need them, resources, versions
    case/<name>.py       the case file as it was then
    array_tasks.jsonl    the tasks of each array task; grows with each submission
    submissions.jsonl    the jobs that were sent to the queue, with their ids
    tasks/<key>.parquet  results; each appears whole, once
    state/<key>/         leases of a task (see `qvar.runs.leases`), and its checkpoints
    points/<name>/       an ordinary run for each point, whose `tasks` leads to those above
    jobs/, logs/         scripts, and their output

Tasks of different points with equal inputs have one key and are done once.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from qvar.atomic_files import read_regular
from qvar.errors import QvarError
from qvar.records.case_file import is_campaign
from qvar.records.json_files import parsed, sealed
from qvar.records.json_shapes import Shape, count, key, record, several, text
from qvar.records.run_folder import RunFolder, read_case, reason
from qvar.runs.leases import HEARTBEAT_S, STALE_HEARTBEATS

_ARRAY_TASK = record({"array_task": count(1), "tasks": several(key)}, {})
_SUBMISSION = record({"queue": text, "job": text, "offset": count(0), "count": count(0), "time": text}, {})
"""Shapes of the lines of `array_tasks.jsonl` and `submissions.jsonl`."""


@dataclass(frozen=True)
class TaskLine:
    """A task of a campaign."""

    key: str
    """The task's key."""
    label: str
    """Its short name."""
    points: tuple[str, ...]
    """Names of the points whose tables it is part of."""


@dataclass(frozen=True, eq=False)
class Campaign:
    """A campaign's folder and the content of its files, which are read on demand."""

    path: Path
    """The folder, absolute."""

    @property
    def run(self) -> RunFolder:
        """The folder as that of a run: `case.json`, shards, tables and report have the same names."""
        return RunFolder(self.path)

    @property
    def array_tasks_file(self) -> Path:
        """`array_tasks.jsonl`."""
        return self.path / "array_tasks.jsonl"

    @property
    def submissions_file(self) -> Path:
        """`submissions.jsonl`."""
        return self.path / "submissions.jsonl"

    @property
    def jobs(self) -> Path:
        """Folder of the scripts."""
        return self.path / "jobs"

    @property
    def logs(self) -> Path:
        """Folder of the scripts' output."""
        return self.path / "logs"

    @property
    def cancelled(self) -> Path:
        """File whose presence asks all workers to stop."""
        return self.path / "cancelled"

    def point(self, name: str) -> RunFolder:
        """Return the run of a point."""
        return RunFolder(self.path / "points" / name)

    @cached_property
    def record(self) -> dict[str, Any]:
        """The content of `case.json`; `QvarError` if there is none, or it is not that of a campaign."""
        record = read_case(self.run)
        if record is None or not is_campaign(record):
            raise QvarError(f"`CAMPAIGN` must be a folder that `qvar submit` made, but {self.path} is not.")
        return record

    @cached_property
    def tasks(self) -> list[TaskLine]:
        """All tasks, in their order."""
        points: dict[str, list[str]] = {}
        for point in self.record["points"]:
            for task in point["tasks"]:
                points.setdefault(task, []).append(point["name"])
        return [
            TaskLine(task["key"], task["label"].removesuffix(f" ({names[0]})"), tuple(names))
            for task in self.record["tasks"]
            if (names := points[task["key"]])
        ]

    def array_tasks(self) -> dict[int, list[str]]:
        """Return the keys of each array task's tasks, by its number, from 1."""
        lines = _json_lines(self.array_tasks_file, _ARRAY_TASK) if os.path.lexists(self.array_tasks_file) else []
        return {line["array_task"]: line["tasks"] for line in lines}

    def submissions(self) -> list[dict[str, Any]]:
        """Return the jobs that were sent to the queue, the oldest first."""
        return _json_lines(self.submissions_file, _SUBMISSION) if os.path.lexists(self.submissions_file) else []

    @property
    def beat_s(self) -> float:
        """Seconds between two heartbeats."""
        return float(self.record.get("heartbeat_s", HEARTBEAT_S))

    @property
    def stale_s(self) -> float:
        """Seconds after which a task without a heartbeat counts as dead."""
        return STALE_HEARTBEATS * self.beat_s


def open_campaign(path: str | Path) -> Campaign:
    """Return a campaign that is there; `QvarError` if there is none."""
    folder = Path(path)
    if not os.path.isdir(folder):
        raise QvarError(f"`CAMPAIGN` must be a folder that `qvar submit` made, but {path} does not exist.")
    campaign = Campaign(folder.resolve())
    _ = campaign.record
    return campaign


def append_lines(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Append JSON lines in one call, on the disk when it returns.

    A line that a crash left unfinished is ended first, so that it spoils no other.

    Raises:
        OSError: if the file cannot be written.
    """
    text = "".join(json.dumps(sealed(line)) + "\n" for line in lines)
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                text = "\n" + text
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _json_lines(path: Path, shape: Shape) -> list[dict[str, Any]]:
    """Return the lines of a file, without those that a killed process left unfinished.

    Raises `QvarError` if the file cannot be read, or a line is not what qvar writes or was damaged.
    """
    try:
        data = read_regular(path)
    except OSError as error:
        raise QvarError(f"`{path}` must be a file that qvar wrote, but cannot be read: {reason(error)}.") from error
    lines = []
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.endswith(b"}"):
            _leave_out(f"line {number} of {path} is left out: its writer ended in the middle of it, or it was damaged")
            continue
        try:
            content = parsed(line)
            shape(content, "")
        except ValueError as error:
            words = f"`{path}` must be a file that qvar wrote, but line {number} cannot be read: {error}."
            raise QvarError(words) from error
        lines.append(content)
    return lines


@cache
def _leave_out(words: str) -> None:
    """Print a sentence on standard error, once in a process."""
    print(f"qvar: {words}.", file=sys.stderr, flush=True)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(read_regular(path)).hexdigest()
