"""Trainings of known length on closed-form valleys, and tasks that end in other ways: a case for trials of queues."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

import qvar
from qvar.optimize.first_order import adam
from qvar.task import Progress, Reporter, Row, Task, task_key

N_PARAMS = 6


def valley(theta: jax.Array, ends: jax.Array) -> jax.Array:
    """A curved valley, in which many steps are needed."""
    return jnp.sum(30.0 * (theta[1:] - theta[:-1] ** 2) ** 2 + (ends[:-1] - theta[:-1]) ** 2)


@dataclass(frozen=True)
class Trainings:
    """A Runnable of one task for each label."""

    labels: tuple[str, ...]
    steps: int
    pause: float
    go: str
    shift: float
    name: str = "trainings"

    def tasks(self) -> list[Task]:
        inputs = {"steps": self.steps, "shift": self.shift}
        return [Task(task_key({"label": label, **inputs}), label, self._work(label)) for label in self.labels]

    def _work(self, label: str) -> Callable[[Reporter], list[Row]]:
        def run(report: Reporter) -> list[Row]:
            if label == "broken":
                raise RuntimeError("the matrix is singular")
            if label == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            return self._train(label, report)

        return run

    def _wait(self) -> None:
        """Sleep for the pause, or until the file is there."""
        end = time.monotonic() + self.pause
        while time.monotonic() < end and not (self.go and os.path.exists(self.go)):
            time.sleep(min(0.05, self.pause))

    def _train(self, label: str, report: Reporter) -> list[Row]:
        ends = jnp.linspace(-1.0, 1.0, N_PARAMS) + self.shift + 0.01 * int(label.lstrip("t") or 0)
        objective = qvar.Objective(
            "valley", "generic", N_PARAMS, valley, lambda key: jax.random.normal(key, N_PARAMS), data=ends
        )
        starts = jnp.stack([objective.initial(jax.random.key(seed)) for seed in range(2)])

        def hook(look: qvar.optimize.minimize.Look) -> None:
            self._wait()
            report(Progress(look.evaluations, self.steps, f"best {look.best:.3g}"))

        results = qvar.minimize_batch(
            objective, starts, method=adam(learning_rate=0.02), budget=qvar.Budget(gradients=self.steps), callback=hook
        )
        return [
            {
                "problem": "valley",
                "contender": label,
                "family": "generic",
                "seed": seed,
                "status": result.status.value,
                "value": result.value,
                "iterations": result.iterations,
                "gradient_evaluations": result.gradient_evaluations,
                "wall_s": result.wall_s,
                "compile_s": result.compile_s,
                "trace_step": result.trace.step,
                "trace_value": result.trace.value,
                "trace_gradient_norm": result.trace.gradient_norm,
                "trace_evaluations": result.trace.evaluations,
            }
            for seed, result in enumerate(results)
        ]


def case(
    number: int = 4,
    steps: int = 200,
    pause: float = 0.0,
    go: str = "",
    shift: float = 0.0,
    others: tuple[str, ...] = (),
) -> Trainings:
    """Trains Adam along valleys.

    Args:
        number: trainings, t0, t1 ...
        steps: steps of each.
        pause: seconds to sleep at each look at it.
        go: file whose presence ends all pauses.
        shift: moves the valleys.
        others: tasks of other kinds: `broken` raises, `killed` kills its process.
    """
    return Trainings((*(f"t{at}" for at in range(number)), *others), steps, pause, go, shift)
