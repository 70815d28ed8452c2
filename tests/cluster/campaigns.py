"""Campaigns for trials without a queue: made, disturbed at a chosen moment, collected, and held against a plain run."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qvar.cluster.campaign import Campaign, append_lines
from qvar.cluster.collect import collect
from qvar.cluster.options import SubmissionOptions
from qvar.cluster.plan import create, plan
from qvar.cluster.scheduler import Resources
from qvar.cluster.send import deal
from qvar.cluster.sweep import points
from qvar.optimize.checkpoint import Keeper
from qvar.runs import checkpoints, task_loop
from qvar.runs.case_flags import case_values, load_case, make_study
from qvar.runs.leases import LEASE, Lease
from qvar.runs.runner import run
from qvar.runs.stop import Stop

SLOW = Path(__file__).parent / "slow_case.py"
FAKE = Path(__file__).parents[1] / "runs" / "fake_case.py"
TIMES = ["wall_s", "compile_s"]
TABLES = ("ledger", "trace")

_plain_tables: dict[tuple[bytes, str], dict[str, pd.DataFrame]] = {}


def made(
    folder: Path, *words: str, case: Path = SLOW, sweeps: tuple[str, ...] = (), queue: str = "local",
    pack: int = 1000, every_s: float = 300.0,
) -> Campaign:  # fmt: skip
    """Make a campaign whose tasks are dealt out to array tasks; nothing is sent."""
    function = load_case(case)
    options = SubmissionOptions(queue, Resources(), pack, checkpoint_s=every_s)
    planned = plan(function, case, points(function, words, sweeps, "qvar submit"), sweeps, options)
    campaign = create(planned, folder)
    array_tasks = deal([task["key"] for task in planned.record["tasks"]], set(), pack)
    lines = [{"array_task": number, "tasks": keys} for number, keys in enumerate(array_tasks, start=1)]
    append_lines(campaign.array_tasks_file, lines)
    return campaign


def plain_tables(case: Path, words: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return ledger and trace of a plain run without pauses, made once in a process for the same case and arguments."""
    function = load_case(case)
    values = case_values(function, words, "qvar run")
    values |= {"pause": 0.0} if "pause" in values else {}
    made_from = (case.read_bytes(), repr(sorted({**values, "go": ""}.items())))
    if made_from not in _plain_tables:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "alone"
            run(make_study(function, values), out, progress=False)
            _plain_tables[made_from] = {name: pd.read_parquet(out / f"{name}.parquet") for name in TABLES}
    return _plain_tables[made_from]


def assert_undisturbed(campaign: Campaign) -> None:
    """The collected tables are those of plain runs of the points, one below the other."""
    assert collect(campaign).n_done == len(campaign.tasks)
    for name in TABLES:
        alone = []
        for point in campaign.record["points"]:
            table = plain_tables(Path(campaign.record["case_file"]), point["words"])[name]
            alone.append(table.assign(**{f"sweep_{swept}": value for swept, value in point["swept"].items()}))
        mine = pd.read_parquet(campaign.path / f"{name}.parquet")
        both = [table.drop(columns=TIMES, errors="ignore") for table in (mine, pd.concat(alone, ignore_index=True))]
        pd.testing.assert_frame_equal(*both, check_exact=True, check_dtype=not campaign.record["sweep"])


def at_look(monkeypatch: pytest.MonkeyPatch, act: Callable[[Stop, Lease], object], *numbers: int) -> None:
    """Does something when trainings ask for the n-th time, all of them counted together, whether to stop.

    The first time of each training is before its first step.
    """
    count = itertools.count(1)

    def watched(folder: Path, lease: Lease, stop: Stop, every_s: float) -> Keeper:
        kept = checkpoints.keeper(folder, lease, stop, every_s)

        def asked() -> bool:
            if next(count) in numbers:
                act(stop, lease)
            return kept.stop()

        return dataclasses.replace(kept, stop=asked)

    monkeypatch.setattr(task_loop, "keeper", watched)


def until(true: Callable[[], object], seconds: float = 180.0) -> None:
    """Waits for something."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def lease(campaign: Campaign, label: str) -> dict[str, Any]:
    """Content of a task's lease; empty if there is none, or if it was made a moment ago and is not written yet."""
    path = campaign.run.state(key_of(campaign, label)) / LEASE
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return json.loads(text) if text else {}


def ending(campaign: Campaign, label: str) -> str:
    """End of a task's latest attempt, with its number from the second on, such as "done 2"; empty before the first."""
    content = lease(campaign, label)
    if not content:
        return ""
    return content["ending"] + (f" {content['attempt']}" if content["attempt"] > 1 else "")


def key_of(campaign: Campaign, label: str) -> str:
    """The key of the first task of that label."""
    return next(line.key for line in campaign.tasks if line.label == label)


def write_attempt(campaign: Campaign, label: str, number: int, /, age_s: float, **words: Any) -> None:
    """Write the lease of an attempt of another machine, whose last heartbeat is so many seconds old."""
    folder = campaign.run.state(key_of(campaign, label))
    folder.mkdir(exist_ok=True)
    path = folder / LEASE
    owner = {"host": "n9", "process": 1, "space": "", "birth": ""}
    content = {**owner, "attempt": number, "ending": "running", **words}
    path.write_text(json.dumps(content), encoding="utf-8")
    age(path, age_s)


def age(path: Path, seconds: float) -> None:
    """Makes a file look as if it had been written so long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))
