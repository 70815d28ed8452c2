"""A recipe that is killed while it prunes, distils or rounds continues there: same path, and no optimization twice."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from forks import Forks

from qvar.cli.main import main
from qvar.compression import grid_training
from qvar.compression.grid_training import _Search  # pyright: ignore[reportPrivateUsage]
from qvar.optimize.turns import Turns
from qvar.records.schema import TIME_COLUMNS

CASE = '''
"""Pruning, distillation and rounding of a circuit of two spins."""
import qvar


def case() -> qvar.Compression:
    """Compresses a circuit."""
    problem = qvar.tfim(2)
    circuit, student = (qvar.hardware_efficient(problem, layers=layers, rotations=("RY",)) for layers in (2, 1))
    steps = [qvar.Pruning("obs", keep=3), qvar.Distilling(student, n_starts=2)]
    steps += [qvar.Rounding(4, retrain=training) for training in ("straight_through", "coordinate")]
    return qvar.Compression(problem, [circuit], [steps])
'''

KILLED = """
import os
import signal
import sys

from qvar.cli.main import main
from qvar.compression import {module}

function, calls = {module}.{name}, []


def killed(*arguments, **settings):
    calls.append(1)
    if len(calls) == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*arguments, **settings)


{module}.{name} = killed
sys.exit(main())
"""


def ledger(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "ledger.parquet").drop(columns=list(TIME_COLUMNS), errors="ignore")


@pytest.mark.usefixtures("without_pages")
def test_a_recipe_killed_in_any_step_continues_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: Forks
) -> None:
    case, whole, out = (tmp_path / name for name in ("case.py", "whole", "killed"))
    case.write_text(CASE)
    turns: dict[Turns, int] = {}
    moves: list[int] = []
    advance, moved = Turns.advance, grid_training._moved  # pyright: ignore[reportPrivateUsage]

    def counted(self: Turns, most: int) -> Any:
        record = advance(self, most)
        turns[self] = turns.get(self, 0) + len(record.value)
        return record

    def one_move(*arguments: Any) -> _Search:
        moves.append(1)
        return moved(*arguments)

    monkeypatch.setattr(Turns, "advance", counted)
    monkeypatch.setattr(grid_training, "_moved", one_move)

    def killed(module: str, name: str, call: int) -> int:
        """The number of checkpoints after a run that ends at a call."""
        script = KILLED.format(module=module, name=name, call=call)
        words = ["run", str(case), "--out", str(out), "--no-progress", "--resume"]
        done = forks.run(script, *words)
        assert done.returncode == -signal.SIGKILL, done.stderr
        return len(list(out.glob("state/*/checkpoint-*.npz")))

    def run_here(folder: Path, *more: str) -> tuple[list[int], int]:
        """The turns of each training in this process, and the moves of the search on the grid."""
        turns.clear()
        moves.clear()
        assert main(["run", str(case), "--out", str(folder), "--no-progress", *more]) == 0
        return list(turns.values()), len(moves)

    everything, n_moves = run_here(whole)
    assert set(ledger(whole)["status"]) == {"converged"}
    assert killed("prune", "minimize", 3) == 3  # of the training and of two removals
    assert killed("distil", "minimize_batch", 2) == 5
    resumed, n_resumed_moves = run_here(out, "--resume")
    pd.testing.assert_frame_equal(ledger(out), ledger(whole), check_exact=True)
    assert resumed == everything[5:]  # of the student's energy, and of rounding
    assert len(resumed) == 2
    assert n_resumed_moves == n_moves > 0
