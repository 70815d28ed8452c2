"""A run that is killed at any moment is resumed to the same ledger."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from cluster.campaigns import until
from forks import Forks

from qvar.records.schema import TIME_COLUMNS
from qvar.runs.runner import run

CASE = Path(__file__).parent / "fake_case.py"


def timeless(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=list(TIME_COLUMNS), errors="ignore")


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _finished(out: Path) -> int:
    """Number of results; -1 before there is a folder for them."""
    if not (out / "tasks").exists():
        return -1
    return len(list((out / "tasks").glob("[!.]*.parquet")))


RUN = f"""
import sys
sys.path.insert(0, {str(CASE.parent)!r})
import fake_case, qvar, qvar.report.page
if sys.argv[2] != "page":
    qvar.report.page.write_report = lambda loaded: loaded.folder.report.touch()
study = fake_case.Fake(("ry x1", "ry x2", "broken", "uccsd"), seeds=2, slow=0.05)
qvar.run(study, sys.argv[1], resume=True, progress=False)
"""


def _kill(forks: Forks, out: Path, ready: Callable[[], bool], delay: float, page: str = "") -> None:
    """Start or resume a run in another process, and kill it a moment after something is there."""
    process = forks.start(RUN, str(out), page)
    until(ready)
    time.sleep(delay)
    os.kill(process, signal.SIGKILL)
    done = forks.end(process)
    assert done.returncode in (-signal.SIGKILL, 0), done.stderr  # at the latest moment it may have ended


def _resume(study: Any, out: Path, whole: Path) -> None:
    """Resume a run; it does nothing twice, and comes out like one that was not disturbed."""
    undisturbed = run(study, whole, resume=True, progress=False)
    for csv in out.glob("ledger.csv"):
        assert len(pd.read_csv(csv)) == len(undisturbed)
    kept = {path: path.stat() for path in (out / "tasks").glob("[!.]*.parquet")}
    table = run(study, out, resume=True, progress=False)
    for path, before in kept.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert timeless(table).to_csv() == timeless(undisturbed).to_csv()
    pd.testing.assert_frame_equal(timeless(table), timeless(undisturbed), check_exact=True)
    traces = [pd.read_parquet(folder / "trace.parquet") for folder in (out, whole)]
    pd.testing.assert_frame_equal(*traces, check_exact=True)
    assert names(out) == names(whole)


def test_a_run_killed_at_any_moment_resumes_to_the_same_ledger(
    fake: ModuleType, forks: Forks, tmp_path: Path, without_pages: None
) -> None:
    study = fake.Fake(("ry x1", "ry x2", "broken", "uccsd"), seeds=2)
    moments = {"again and again": ((0, 0.05), (1, 0.01), (3, 0.08)), "in the tables": ((4, 0.01),), "late": ((4, 0.1),)}
    for name, kills in moments.items():
        out = tmp_path / name
        for shards, delay in kills:
            _kill(forks, out, lambda out=out, shards=shards: _finished(out) >= shards, delay)
        _resume(study, out, tmp_path / "whole")


def test_a_run_killed_while_it_draws_its_page_resumes_to_the_same_page(
    fake: ModuleType, forks: Forks, tmp_path: Path
) -> None:
    study, out = fake.Fake(("ry x1", "ry x2", "broken", "uccsd"), seeds=2), tmp_path / "drawing"
    _kill(forks, out, lambda: any(out.glob("plots/*.png")), 0.0, page="page")
    _resume(study, out, tmp_path / "whole")
