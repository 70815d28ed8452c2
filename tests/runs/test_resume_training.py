"""A run that is killed in the middle of a training continues at its last checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from qvar.array_files import read_arrays
from qvar.cli.main import main
from qvar.optimize.checkpoint import length
from qvar.records.schema import TIME_COLUMNS

STEPS, STARTS = 400, 2

CASE = '''
"""One training of a closed-form valley that counts its evaluations."""
import os
import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp

import qvar
from qvar.task import Progress, Task, task_key

COUNT = []


def valley(theta, ends):
    jax.debug.callback(lambda _: COUNT.append(1), theta[0])
    return jnp.sum(30.0 * (theta[1:] - theta[:-1] ** 2) ** 2 + (ends[:-1] - theta[:-1]) ** 2)


@dataclass(frozen=True)
class Valley:
    steps: int
    starts: int
    name: str = "valley"

    def tasks(self):
        return [Task(task_key({"steps": self.steps}), "adam", self.train)]

    def train(self, report):
        objective = qvar.Objective(
            "valley", "generic", 6, valley, lambda key: jax.random.normal(key, 6), data=jnp.linspace(-1.0, 1.0, 6)
        )
        thetas = jnp.stack([objective.initial(jax.random.key(seed)) for seed in range(self.starts)])

        def look(now):
            time.sleep(float(os.environ.get("PAUSE", "0")))
            report(Progress(now.evaluations, self.steps, ""))

        results = qvar.minimize_batch(
            objective,
            thetas,
            method=qvar.adam(learning_rate=0.02),
            budget=qvar.Budget(gradients=self.steps),
            callback=look,
        )
        jax.effects_barrier()
        if "COUNT" in os.environ:
            with open(os.environ["COUNT"], "w") as file:
                file.write(str(len(COUNT)))
        return [
            {
                "contender": "adam", "seed": seed, "status": result.status.value, "value": result.value,
                "gradient_evaluations": result.gradient_evaluations, "trace_step": result.trace.step,
                "trace_value": result.trace.value, "trace_gradient_norm": result.trace.gradient_norm,
                "trace_evaluations": result.trace.evaluations,
            }
            for seed, result in enumerate(results)
        ]


def case(steps: int = STEPS, starts: int = STARTS) -> Valley:
    """Trains Adam along a valley."""
    return Valley(steps, starts)
'''.replace("STEPS", str(STEPS)).replace("STARTS", str(STARTS))


def ledger(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "ledger.parquet").drop(columns=list(TIME_COLUMNS), errors="ignore")


@pytest.mark.usefixtures("without_pages")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_killed_in_a_training_continues_at_its_checkpoint(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, whole, killed, count = (tmp_path / name for name in ("case.py", "whole", "killed", "count"))
    case.write_text(CASE)

    def run_here(out: Path, *more: str) -> int:
        """The number of evaluations of a run in this process."""
        monkeypatch.setenv("COUNT", str(count))
        assert main(["run", str(case), "--out", str(out), "--no-progress", *more]) == 0
        return int(count.read_text())

    n_whole = run_here(whole)
    patch = "import sys, qvar.runs.runner as r; r.CHECKPOINT_S = 0.0; from qvar.cli.main import main; sys.exit(main())"
    words = [sys.executable, "-c", patch, "run", str(case), "--out", str(killed), "--workers", str(workers)]
    with subprocess.Popen(words, env={**os.environ, "PAUSE": "0.2"}) as process:
        end = time.monotonic() + 180
        while True:
            assert time.monotonic() < end
            assert process.poll() is None
            for file in killed.glob("state/*/checkpoint-*.npz"):
                if length(read_arrays(file)) >= 100:
                    process.send_signal(signal.SIGKILL)
                    break
            else:
                time.sleep(0.01)
                continue
            break
    (file,) = killed.glob("state/*/checkpoint-*.npz")
    kept = length(read_arrays(file))
    assert 100 <= kept < STEPS
    n_resumed = run_here(killed, "--resume")
    assert n_resumed <= n_whole - STARTS * (kept - 1)
    pd.testing.assert_frame_equal(ledger(killed), ledger(whole), check_exact=True)
    traces = [pd.read_parquet(out / "trace.parquet") for out in (killed, whole)]
    pd.testing.assert_frame_equal(*traces, check_exact=True)
    assert not (killed / "state").exists()
