"""A duel whose states lie on all devices: for trials of several processes that hold one state."""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import qvar
from qvar.task import Progress, Reporter, Row, Task


@dataclass(frozen=True)
class Paused:
    """A duel whose trainings wait at each report until a file is there, or for some seconds."""

    duel: qvar.Duel
    pause: float
    go: str

    @property
    def name(self) -> str:
        return self.duel.name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.duel, name)

    def tasks(self) -> list[Task]:
        return [dataclasses.replace(task, run=partial(self._run, task)) for task in self.duel.tasks()]

    def _run(self, task: Task, report: Reporter) -> list[Row]:
        def paused(progress: Progress) -> None:
            report(progress)
            end = time.monotonic() + self.pause
            while time.monotonic() < end and not os.path.exists(self.go):
                time.sleep(0.05)

        return task.run(paused)


def case(sites: int = 4, gradients: int = 40, layers: int = 1, pause: float = 0.0, go: str = "") -> Paused:
    """Trains a circuit on a transverse-field Ising chain.

    Args:
        sites: Spins of the chain.
        gradients: Budget of each start.
        layers: Depth of the circuit.
        pause: Seconds to sleep at each look at it.
        go: File whose presence ends all pauses.
    """
    problem = qvar.tfim(sites, j=1.0, h=0.7)
    who = [qvar.hardware_efficient(problem, layers=layers)]
    budget = qvar.Budget(gradients=gradients, gradient_tolerance=1e-12)
    return Paused(qvar.Duel(problem, who, method=qvar.adam(learning_rate=0.02), seeds=2, budget=budget), pause, go)
