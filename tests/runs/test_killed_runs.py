"""A run that is killed at any moment is resumed to the same ledger."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pandas as pd

from qvar.records.schema import TIME_COLUMNS
from qvar.runs.runner import run

CASE = Path(__file__).parent / "fake_case.py"


def timeless(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=list(TIME_COLUMNS), errors="ignore")


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _finished(out: Path) -> int:
    return len(list((out / "tasks").glob("[!.]*.parquet")))


def _kill(out: Path, shards: int, delay: float) -> None:
    """Start or resume a run in another process, and kill it a moment after it has finished so many shards."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import fake_case, qvar\n"
        "study = fake_case.Fake(('ry x1', 'ry x2', 'broken', 'uccsd'), seeds=2, slow=0.05)\n"
        "qvar.run(study, sys.argv[2], resume=True, progress=False)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(CASE.parent), str(out)]) as process:
        limit = time.monotonic() + 180
        while not ((out / "tasks").exists() and _finished(out) >= shards):
            assert time.monotonic() < limit
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)


def test_a_run_killed_at_any_moment_resumes_to_the_same_ledger(fake: ModuleType, tmp_path: Path) -> None:
    study = fake.Fake(("ry x1", "ry x2", "broken", "uccsd"), seeds=2)
    whole = run(study, tmp_path / "whole", progress=False)
    whole_trace = pd.read_parquet(tmp_path / "whole" / "trace.parquet")
    moments = {"again and again": ((0, 0.05), (1, 0.01), (3, 0.08)), "in the tables": ((4, 0.01),), "late": ((4, 0.1),)}
    for name, kills in moments.items():
        out = tmp_path / name
        for shards, delay in kills:
            _kill(out, shards, delay)
        for csv in out.glob("ledger.csv"):
            assert len(pd.read_csv(csv)) == len(whole)
        table = run(study, out, resume=True, progress=False)
        assert timeless(table).to_csv() == timeless(whole).to_csv()
        pd.testing.assert_frame_equal(timeless(table), timeless(whole), check_exact=True)
        pd.testing.assert_frame_equal(pd.read_parquet(out / "trace.parquet"), whole_trace, check_exact=True)
        assert names(out) == names(tmp_path / "whole")
