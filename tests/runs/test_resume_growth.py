"""A growing circuit that is killed at an operator continues there: same operators, and no optimization twice."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from forks import Forks

from qvar.cli.main import main
from qvar.optimize.turns import Turns
from qvar.records.schema import TIME_COLUMNS

CASE = '''
"""A growth on a chain of four hydrogen atoms."""
import qvar


def case(pool: str = "qubit_gsd") -> qvar.Adaptive:
    """Grows a circuit."""
    return qvar.Adaptive(qvar.hydrogen_chain(4, 1.5), [pool], max_operators=6)
'''

KILLED = """
import os
import signal
import sys

import qvar.studies.adapt as adapt
from qvar.cli.main import main

minimize, calls = adapt.minimize, []


def killed_in_the_fourth(*arguments, **settings):
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return minimize(*arguments, **settings)


adapt.minimize = killed_in_the_fourth
sys.exit(main())
"""


def ledger(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "ledger.parquet").drop(columns=list(TIME_COLUMNS), errors="ignore")


@pytest.mark.usefixtures("without_pages")
def test_a_growth_killed_at_an_operator_continues_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: Forks
) -> None:
    case, whole, killed = (tmp_path / name for name in ("case.py", "whole", "killed"))
    case.write_text(CASE)
    turns: list[int] = []
    advance = Turns.advance

    def counted(self: Turns, most: int) -> Any:
        record = advance(self, most)
        turns.append(len(record.value))
        return record

    monkeypatch.setattr(Turns, "advance", counted)

    def run_here(out: Path, *more: str) -> int:
        """The number of evaluations of a run in this process."""
        turns.clear()
        assert main(["run", str(case), "--out", str(out), "--no-progress", *more]) == 0
        return sum(turns)

    n_whole = run_here(whole)
    done = forks.run(KILLED, "run", str(case), "--out", str(killed))
    assert done.returncode == -signal.SIGKILL, done.stderr
    kept = len(list(killed.glob("state/*/checkpoint-*.npz")))
    assert kept == 3
    n_resumed = run_here(killed, "--resume")
    pd.testing.assert_frame_equal(ledger(killed), ledger(whole), check_exact=True)
    steps = json.loads(str(ledger(killed)["growth"].iloc[0]))
    evaluations = [step["evaluations"] - 1 - number for number, step in enumerate(steps)]  # without those of the pool
    assert n_whole == evaluations[-1]
    assert n_resumed == evaluations[-1] - evaluations[kept]
