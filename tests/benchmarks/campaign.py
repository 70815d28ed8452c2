"""Campaigns of many tasks that cost nothing: what submitting, looking and collecting take."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from measure import Sample
from rows import Row

TESTS = Path(__file__).parents[1]
CASE = TESTS / "runs" / "fake_case.py"
TABLE = "campaign"

SUBMIT, STATUS, COLLECT = (5.0, 2.0), (2.0, 1.0), (20.0, 10.0)
"""Seconds: the most that is asked, and what is aimed at."""

_WAITING = """for number in $(seq 1000); do echo "4242|$number|PENDING|Priority|"; done"""
_PROGRAMS = {"sbatch": "echo 4242", "squeue": _WAITING, "sacct": "exit 0", "scontrol": "exit 0"}


def rows(n_points: int, rounds: int = 3) -> list[Row]:
    """Submitting, status and collection of a campaign with four tasks at each point, each a process of its own.

    Args:
        n_points: how many points.
        rounds: how many times each is done.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = _with_programs(folder / "bin")
        found = [_submission(folder, "no queue behind it", environment, n_points, rounds)]
        found += _real_submission(folder, n_points, rounds)
        made = folder / "no-queue-behind-it-1"

        def row(work: str, command: str, limit: tuple[float, float], status: int = 0) -> Row:
            times = [_seconds([command, str(made)], environment, status) for _ in range(rounds)]
            return Row(TABLE, work, Sample.of(times), limit=limit)

        found.append(row("status, all waiting", "status", STATUS))
        _finish(made, 2 * n_points)
        found.append(row("status, half done", "status", STATUS))
        found.append(row("collect, half done", "collect", COLLECT, status=1))
        _finish(made, 4 * n_points)
        found.append(row("status, all done", "status", STATUS))
        found.append(row("collect, all done", "collect", COLLECT))
        return found


def _submission(folder: Path, queue: str, environment: dict[str, str], n_points: int, rounds: int) -> Row:
    sweep = f"bond=0.01:{n_points / 100}:0.01"
    words = ["submit", str(CASE), "--sweep", sweep, "--queue", "slurm", "--time", "1h", "--extra", "#SBATCH --hold"]
    outs = [folder / f"{queue.replace(' ', '-')}-{number}" for number in range(1, rounds + 1)]
    times = [_seconds([*words, "--out", str(out)], environment) for out in outs]
    return Row(TABLE, f"submit, {queue}", Sample.of(times), limit=SUBMIT)


def _real_submission(folder: Path, n_points: int, rounds: int) -> list[Row]:
    """The same to a Slurm of pretend nodes, which holds what it takes."""
    module = _module("local_slurm", TESTS / "cluster" / "local_slurm.py")
    try:
        with module.LocalSlurm(folder / "slurm") as slurm:
            return [_submission(folder, "a real Slurm", {**slurm.environment, **_QUIET}, n_points, rounds)]
    except module.Unavailable as reason:
        return [Row(TABLE, "submit, a real Slurm", note=str(reason))]


_QUIET = {"COLUMNS": "80"}


def _with_programs(folder: Path) -> dict[str, str]:
    """The environment of a machine on which a queue takes everything at once and knows of nothing."""
    folder.mkdir()
    for name, words in _PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/sh\n{words}\n")
        (folder / name).chmod(0o755)
    return {**os.environ, **_QUIET, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def _seconds(words: list[str], environment: dict[str, str], status: int = 0) -> float:
    begin = time.perf_counter()
    call = [sys.executable, "-m", "qvar", *words]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    spent = time.perf_counter() - begin
    if done.returncode != status:
        raise RuntimeError(f"qvar {words[0]} ended with status {done.returncode}: {done.stderr.strip()[-300:]}")
    return spent


def _finish(path: Path, n_tasks: int) -> None:
    """Writes what elements leave of the first tasks that lack it: an attempt that has ended, and a result."""
    from qvar.cluster.campaign import open_campaign
    from qvar.records.run_tables import write_shard
    from qvar.runs.leases import Ending, Lease, acquire, owner

    case, campaign = _module("fake_case", CASE), open_campaign(path)
    values = {point["name"]: point["swept"] for point in campaign.record["points"]}
    for line in campaign.tasks[:n_tasks]:
        if not campaign.run.shard(line.key).exists():
            tasks: list[Any] = case.case(**values[line.points[0]]).tasks()
            taken = acquire(campaign.run.state(line.key), owner(), campaign.stale_s, campaign.beat_s)
            assert isinstance(taken, Lease)
            result = next(task for task in tasks if task.key == line.key).run(lambda progress: None)
            write_shard(campaign.run.shard(line.key), result, once=True)
            taken.end(Ending.DONE)


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
