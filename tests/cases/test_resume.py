"""A real duel, killed with SIGKILL at several moments and resumed, ends with the ledger of an undisturbed run."""

import os
import signal
import time
from pathlib import Path

import pandas as pd
from forks import Forks

from qvar.cli.main import main

CASE = Path(__file__).parents[2] / "cases" / "h4_duel.py"
FLAGS = ["--layers", "1", "--seeds", "3", "--gradients", "60", "--bond", "1.2"]
SCRIPT = f"import runpy; runpy.run_path({str(CASE)!r}, run_name='__main__')"
TIMES = ["wall_s", "compile_s"]


def _run_here(out: Path, *more: str) -> None:
    assert main(["run", str(CASE), *FLAGS, "--out", str(out), "--no-progress", *more]) == 0


def _shards(out: Path) -> list[Path]:
    return sorted((out / "tasks").glob("[!.]*.parquet"))  # without the half-written ones


def test_killed_and_resumed(tmp_path: Path, without_pages: None, forks: Forks) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    _run_here(whole)

    for wanted in (0, 2):  # killed before the first shard, and after some
        words = [*FLAGS, "--out", str(broken), *(["--resume"] if broken.exists() else [])]
        process = forks.start(SCRIPT, *words)
        while forks.is_running(process) and not (broken.exists() and len(_shards(broken)) >= wanted):
            time.sleep(0.02)
        os.kill(process, signal.SIGKILL)
        done = forks.end(process)
        assert done.returncode == -signal.SIGKILL, done.stderr
    kept = {path: path.stat().st_mtime_ns for path in _shards(broken)}
    assert len(kept) >= 2  # one more may have ended before the signal came
    assert not (broken / "ledger.parquet").exists()

    _run_here(broken, "--resume")
    assert all(path.stat().st_mtime_ns == written for path, written in kept.items())  # nothing was done twice
    expected, found = (pd.read_parquet(run / "ledger.parquet").drop(columns=TIMES) for run in (whole, broken))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    traces = (pd.read_parquet(run / "trace.parquet") for run in (whole, broken))
    pd.testing.assert_frame_equal(*traces, check_exact=True)
