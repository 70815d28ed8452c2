"""A run that is killed in the middle of a training continues at its last checkpoint."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cluster.campaigns import until
from forks import COMMAND, Forks

from qvar.array_files import read_arrays
from qvar.cli.main import main
from qvar.optimize.checkpoint import length
from qvar.optimize.turns import Turns
from qvar.records.schema import TIME_COLUMNS

STEPS = 400

CASE = '''
"""Trainings on a closed-form valley. The processes of a run with several kill their parent after 60 steps."""
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp

import qvar
from qvar.runs import stop
from qvar.task import Progress, Task, task_key


def valley(theta, ends):
    return jnp.sum(30.0 * (theta[1:] - theta[:-1] ** 2) ** 2 + (ends[:-1] - theta[:-1]) ** 2)


def kill_parent():
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if os.getppid() == parent.pid:
        os.kill(parent.pid, signal.SIGKILL)
    while not all(request.asked for request in stop._current):
        time.sleep(0.01)


@dataclass(frozen=True)
class Valleys:
    name: str = "valleys"

    def tasks(self):
        return [Task(task_key({"rate": rate}), f"rate {rate}", self.training(rate)) for rate in (0.02, 0.03)]

    def training(self, rate):
        objective = qvar.Objective(
            "valley", "generic", 6, valley, lambda key: jax.random.normal(key, 6), data=jnp.linspace(-1.0, 1.0, 6)
        )

        def train(report):
            def look(now):
                report(Progress(now.evaluations, STEPS, ""))
                if now.evaluations > 60:
                    kill_parent()

            results = qvar.minimize_batch(
                objective,
                jnp.stack([objective.initial(jax.random.key(seed)) for seed in range(2)]),
                method=qvar.adam(learning_rate=rate),
                budget=qvar.Budget(gradients=STEPS),
                callback=look,
            )
            return [
                {
                    "contender": f"rate {rate}", "seed": seed, "status": result.status.value, "value": result.value,
                    "gradient_evaluations": result.gradient_evaluations, "trace_step": result.trace.step,
                    "trace_value": result.trace.value, "trace_gradient_norm": result.trace.gradient_norm,
                    "trace_evaluations": result.trace.evaluations,
                }
                for seed, result in enumerate(results)
            ]

        return train


def case() -> Valleys:
    """Trains Adam along a valley."""
    return Valleys()
'''.replace("STEPS", str(STEPS))

KILLED = """
import os, signal, sys
import numpy as np
from qvar.cli.main import main
from qvar.runs import runner

runner.CHECKPOINT_S = 0.0
savez, written = np.savez, []


def killed_in_the_third(path, **arrays):
    savez(path, **arrays)
    written.append(path)
    if len(written) == 3:
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)


np.savez = killed_in_the_third
sys.exit(main())
"""


def run_here(case: Path, out: Path, *more: str) -> int:
    """The number of evaluations of each start in a run in this process."""
    turns: list[int] = []
    advance = Turns.advance

    def counted(self: Turns, most: int) -> Any:
        record = advance(self, most)
        turns.append(len(record.value))
        return record

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("qvar.report.page.write_report", lambda loaded: loaded.folder.report.touch())
        patched.setattr(Turns, "advance", counted)
        assert main(["run", str(case), "--out", str(out), "--no-progress", *more]) == 0
    return sum(turns)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the case and of a run that was not disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "case.py").write_text(CASE)
    assert run_here(folder / "case.py", folder / "run") == 2 * STEPS
    return folder


def killed_with_all(forks: Forks, *words: str) -> None:
    """Run until the process is killed, and wait for the end of those that it has started."""
    process, children = forks.start(COMMAND, *words, "--workers", "2"), set[str]()
    while forks.is_running(process):
        children |= set(Path(f"/proc/{process}/task/{process}/children").read_text().split())
        time.sleep(0.01)
    assert forks.end(process).returncode == -signal.SIGKILL
    until(lambda: not any(Path(f"/proc/{child}/cwd").exists() for child in children))


def killed_alone(forks: Forks, *words: str) -> None:
    """Run until the process is killed in the middle of writing a checkpoint."""
    done = forks.run(KILLED, *words)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("kill", [killed_alone, killed_with_all])
def test_a_run_killed_in_a_training_continues_at_its_checkpoint(
    kill: Callable[..., None], whole: Path, forks: Forks, tmp_path: Path
) -> None:
    case, killed = whole / "case.py", tmp_path / "killed"
    kill(forks, "run", str(case), "--out", str(killed), "--no-progress")
    kept = [length(read_arrays(file)) for file in killed.glob("state/*/checkpoint-*.npz")]
    assert 0 < max(kept) < STEPS  # the other training may have been stopped before its first step
    assert not list(killed.glob("tasks/*.parquet"))
    assert run_here(case, killed, "--resume") == 2 * STEPS - sum(kept)
    for name in ("ledger", "trace"):
        tables = [pd.read_parquet(out / f"{name}.parquet") for out in (killed, whole / "run")]
        tables = [table.drop(columns=list(TIME_COLUMNS), errors="ignore") for table in tables]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert not (killed / "state").exists()
