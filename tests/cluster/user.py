"""A campaign on a queue, as its user sees it: commands, and what they print."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
from cluster.campaigns import SLOW, TIMES, plain_tables

from qvar.cli.main import main
from qvar.cluster.campaign import open_campaign
from qvar.cluster.collect import collect
from qvar.cluster.status import survey
from qvar.cluster.status_text import status_record
from qvar.runs.leases import LEASE

LOOK_S = 0.5
"""Seconds between two looks at a queue: each takes time from the processes that it waits for."""


@dataclass
class Campaign:
    """One campaign."""

    folder: Path
    queue: str
    environment: dict[str, str]
    waiting: Callable[[], str]
    """What the queue itself prints of its jobs, for a test that fails."""
    _seen: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)

    def qvar(self, *words: str, status: int = 0) -> str:
        """Run a command in this process, with the queue's commands on the path; return both of its streams."""
        out = io.StringIO()
        with self._at_the_queue(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            answer = main(words)
        assert answer == status, out.getvalue()
        return out.getvalue()

    @contextlib.contextmanager
    def _at_the_queue(self) -> Iterator[None]:
        environment = self.environment | {"QVAR_HEARTBEAT": "0.5"}
        with mock.patch.dict(os.environ, environment, clear=True), contextlib.chdir(self.folder.parent):
            yield

    def submit(self, *words: str) -> str:
        """Submit the case; its pauses end when `release` is called."""
        options = ("--queue", self.queue, "--no-collect", "--checkpoint", "1s", "--out", str(self.folder))
        return self.qvar("submit", str(SLOW), "--go", str(self.go), *words, *options)

    @property
    def go(self) -> Path:
        """File whose presence ends the pauses of all trainings."""
        return self.folder.parent / "go"

    def status(self) -> dict[str, Any]:
        """What `qvar status --json` prints."""
        with self._at_the_queue():
            mine = open_campaign(self.folder)
            return status_record(mine, survey(mine))

    def counts(self) -> dict[str, int]:
        self.attempts()
        return {name: count for name, count in self.status()["counts"].items() if count}

    def release(self) -> None:
        """Release what the queue holds, by the commands that `qvar status` prints.

        Slurm holds an array task if its launch took longer than its credential is valid, which is 5 s in these tests.
        """
        for command in {task["release"] for task in self.status()["tasks"]} - {None}:
            subprocess.run(shlex.split(command), env=self.environment, check=True, capture_output=True)

    def tasks(self) -> dict[str, dict[str, Any]]:
        return {task["label"]: task for task in self.status()["tasks"]}

    def await_counts(self, true: Callable[[dict[str, int]], bool], seconds: float = 180) -> dict[str, int]:
        end = time.monotonic() + seconds
        while not true(counts := self.counts()):
            self.release()
            assert time.monotonic() < end, f"{counts}\n{self.logs()}\n{self.waiting()}"
            time.sleep(LOOK_S)
        return counts

    def await_done(self, number: int, seconds: float = 300) -> None:
        """End all pauses; wait until so many tasks, which are all, have results, and their attempts have ended."""
        self.go.touch()
        self.await_counts(lambda counts: counts == {"done": number}, seconds)
        end = time.monotonic() + 60  # a result is there a moment before its attempt says that it is done
        while any(found[-1].get("ending") in (None, "running") for found in self.attempts().values() if found):
            assert time.monotonic() < end, self.attempts()
            time.sleep(0.1)

    def await_steps(self, number: int = 1, seconds: float = 180) -> None:
        """Wait until so many tasks have kept some steps in a checkpoint."""
        end = time.monotonic() + seconds
        while sum(any(attempt.get("kept") for attempt in found) for found in self.attempts().values()) < number:
            assert time.monotonic() < end, self.logs()
            time.sleep(0.1)

    def await_ending(self, ending: str, seconds: float = 180) -> None:
        """Wait until the attempt at some task has ended like this."""
        end = time.monotonic() + seconds
        while not any(attempt["ending"] == ending for found in self.attempts().values() for attempt in found):
            assert time.monotonic() < end, self.logs()
            time.sleep(0.1)

    def logs(self) -> str:
        return "\n".join(log.read_text() for log in sorted((self.folder / "logs").iterdir()))

    def assert_undisturbed(self, *words: str) -> None:
        """The collected ledger and trace are those of a plain run without disturbance."""
        assert collect(open_campaign(self.folder)).n_done == len(open_campaign(self.folder).tasks)
        for name, alone in plain_tables(SLOW, words).items():
            both = [pd.read_parquet(self.folder / f"{name}.parquet"), alone]
            pd.testing.assert_frame_equal(
                *(table.drop(columns=TIMES, errors="ignore") for table in both), check_exact=True
            )

    def attempts(self) -> dict[str, list[dict[str, Any]]]:
        """Leases of each task's attempts as they were last seen, the first attempt first: a lease holds the latest."""
        seen: dict[str, list[dict[str, Any]]] = {}
        for line in open_campaign(self.folder).tasks:
            attempts = self._seen.setdefault(line.label, {})
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):  # none, or being written
                lease = json.loads((self.folder / "state" / line.key / LEASE).read_text())
                attempts[lease["attempt"]] = lease
            seen[line.label] = [attempts[number] for number in sorted(attempts)]
        return seen
