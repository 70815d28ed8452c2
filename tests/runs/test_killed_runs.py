"""A run that is killed at any moment is resumed to the same ledger."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from qvar.records.schema import TIME_COLUMNS
from qvar.runs.runner import run

CASE = Path(__file__).parent / "fake_case.py"


def timeless(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=list(TIME_COLUMNS), errors="ignore")


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _finished(out: Path) -> int:
    return len(list((out / "tasks").glob("[!.]*.parquet")))


RUNS = """
import os, sys
sys.path.insert(0, sys.argv[1])
import fake_case, qvar, qvar.report.page, qvar.runs.runner
study = fake_case.Fake(("ry x1", "ry x2", "broken", "uccsd"), seeds=2, slow=0.05)
for out in sys.stdin:
    process = os.fork()
    if process == 0:
        qvar.run(study, out.strip(), resume=True, progress=False)
        os._exit(0)
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""
"""A process that starts or resumes each run in a process of its own, without importing everything again."""


@pytest.fixture
def starter() -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", RUNS, str(CASE.parent)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def _kill(starter: subprocess.Popen[str], out: Path, shards: int, delay: float) -> None:
    """Start or resume a run in another process, and kill it a moment after it has finished so many shards."""
    assert starter.stdin is not None
    assert starter.stdout is not None
    print(out, file=starter.stdin, flush=True)
    process = int(starter.stdout.readline())
    limit = time.monotonic() + 180
    while not ((out / "tasks").exists() and _finished(out) >= shards):
        assert time.monotonic() < limit
        time.sleep(0.001)
    time.sleep(delay)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    assert int(starter.stdout.readline()) in (-signal.SIGKILL, 0)  # at the latest moment it may have ended


def test_a_run_killed_at_any_moment_resumes_to_the_same_ledger(
    fake: ModuleType, starter: subprocess.Popen[str], tmp_path: Path
) -> None:
    study = fake.Fake(("ry x1", "ry x2", "broken", "uccsd"), seeds=2)
    whole = run(study, tmp_path / "whole", progress=False)
    whole_trace = pd.read_parquet(tmp_path / "whole" / "trace.parquet")
    moments = {"again and again": ((0, 0.05), (1, 0.01), (3, 0.08)), "in the tables": ((4, 0.01),), "late": ((4, 0.1),)}
    for name, kills in moments.items():
        out = tmp_path / name
        for shards, delay in kills:
            _kill(starter, out, shards, delay)
        for csv in out.glob("ledger.csv"):
            assert len(pd.read_csv(csv)) == len(whole)
        table = run(study, out, resume=True, progress=False)
        assert timeless(table).to_csv() == timeless(whole).to_csv()
        pd.testing.assert_frame_equal(timeless(table), timeless(whole), check_exact=True)
        pd.testing.assert_frame_equal(pd.read_parquet(out / "trace.parquet"), whole_trace, check_exact=True)
        assert names(out) == names(tmp_path / "whole")
