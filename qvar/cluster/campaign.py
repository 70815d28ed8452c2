"""The folder of a campaign: a case swept over its arguments, one line per task, and what became of each.

    case.json            what was submitted: the case, its flags, the sweep, the points, the resources, the versions
    case/<name>.py       the case file as it was then
    tasks.jsonl          one line per task: its key, its label, the points that need it
    elements.jsonl       the tasks of each array element; grows with each submission
    submissions.jsonl    what was sent to the queue, with the ids that it gave
    tasks/<key>.parquet  results; each appears whole, once
    state/<key>/         who works on a task (see `claims.py`), and its checkpoints
    points/<name>/       an ordinary run for each point, whose `tasks` leads to those above
    jobs/, logs/         scripts, and what they printed

Tasks of different points with equal inputs have one key and are done once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qvar.errors import QvarError
from qvar.runs.folder import RunFolder, read_case

HEARTBEAT_S = 10.0
"""Seconds between two heartbeats of a task at work."""

STALE_HEARTBEATS = 9
"""So many heartbeats missed in a row mean that a task is dead: 90 seconds, more than file systems cache."""


@dataclass(frozen=True)
class TaskLine:
    """A line of `tasks.jsonl`."""

    key: str
    """The task's key."""
    label: str
    """Its short name."""
    points: tuple[str, ...]
    """Names of the points whose tables it is part of."""


@dataclass(frozen=True, eq=False)
class Campaign:
    """A campaign's folder and what its files say; files are read when they are asked for."""

    path: Path
    """The folder, absolute."""

    @property
    def run(self) -> RunFolder:
        """The folder as that of a run: `case.json`, shards, tables and report have the same names."""
        return RunFolder(self.path)

    @property
    def tasks_file(self) -> Path:
        """`tasks.jsonl`."""
        return self.path / "tasks.jsonl"

    @property
    def elements_file(self) -> Path:
        """`elements.jsonl`."""
        return self.path / "elements.jsonl"

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
        """Folder of what the scripts printed."""
        return self.path / "logs"

    @property
    def cancelled(self) -> Path:
        """A file whose presence tells everyone to stop."""
        return self.path / "cancelled"

    def state(self, key: str) -> Path:
        """Folder of a task's attempts and checkpoints."""
        return self.path / "state" / key

    def point(self, name: str) -> RunFolder:
        """The run of a point."""
        return RunFolder(self.path / "points" / name)

    @cached_property
    def record(self) -> dict[str, Any]:
        """The content of `case.json`.

        Raises:
            QvarError: if there is none, or it is not that of a campaign.
        """
        record = read_case(self.run)
        if record is None or "points" not in record:
            raise QvarError(f"`CAMPAIGN` must be a folder that `qvar submit` made, but {self.path} is not.")
        return record

    @cached_property
    def tasks(self) -> list[TaskLine]:
        """All tasks, in their order."""
        lines = _json_lines(self.tasks_file)
        return [TaskLine(line["key"], line["label"], tuple(line["points"])) for line in lines]

    def elements(self) -> dict[int, list[str]]:
        """The keys of each element's tasks, by the element's number, from 1."""
        lines = _json_lines(self.elements_file) if self.elements_file.exists() else []
        return {line["element"]: line["tasks"] for line in lines}

    def submissions(self) -> list[dict[str, Any]]:
        """What was sent to the queue, the oldest first."""
        return _json_lines(self.submissions_file) if self.submissions_file.exists() else []

    @property
    def beat_s(self) -> float:
        """Seconds between two heartbeats."""
        return float(self.record.get("heartbeat_s", HEARTBEAT_S))

    @property
    def stale_s(self) -> float:
        """Seconds after which a task without a heartbeat counts as dead."""
        return STALE_HEARTBEATS * self.beat_s


def open_campaign(path: str | Path) -> Campaign:
    """A campaign that is there.

    Raises:
        QvarError: if there is none.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise QvarError(f"`CAMPAIGN` must be a folder that `qvar submit` made, but {path} does not exist.")
    campaign = Campaign(folder.resolve())
    _ = campaign.record
    return campaign


def append_lines(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Appends JSON lines in one call, on the disk when it returns.

    A line that a crash left unfinished is ended first, so that it spoils no other.

    Raises:
        OSError: if the file cannot be written.
    """
    text = "".join(json.dumps(line) + "\n" for line in lines)
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                text = "\n" + text
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _json_lines(path: Path) -> list[dict[str, Any]]:
    """Lines of a file.

    Raises:
        QvarError: if the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise QvarError(f"`{path}` must be a file that qvar wrote, but cannot be read: {error.strerror}.") from error
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # the writer died in the middle of it
            continue
    return found


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
