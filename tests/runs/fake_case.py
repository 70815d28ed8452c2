"""A case without physics: tasks that are quick, deterministic and shaped like those of a duel."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass

from qvar.task import Progress, Reporter, Row, Task, task_key

EXACT = -2.1663874


def fake_rows(label: str, family: str, n_params: int, seeds: int, slow: float, report: Reporter) -> list[Row]:
    """Curves that fall exponentially to a floor that more parameters lower."""
    rows = []
    for seed in range(seeds):
        draw = random.Random(f"{label}{seed}")
        floor = 0.08 * math.exp(-n_params / 12) * draw.uniform(0.5, 2.0) if family == "generic" else 2e-6
        rate = draw.uniform(0.02, 0.06) if family == "generic" else 0.3
        n_steps = draw.randint(60, 120) if family == "generic" else draw.randint(20, 30)
        errors = [floor + 0.4 * math.exp(-rate * step) for step in range(n_steps)]
        reached = next((2 * step + 1 for step, error in enumerate(errors) if error < 1.6e-3), None)
        time.sleep(slow)
        report(Progress(seed + 1, seeds, f"best {min(errors):.1e} Ha"))
        rows.append(
            {
                "problem": "H4 chain, 1.0 A",
                "contender": label,
                "family": family,
                "engine": "sector" if family == "constrained" else "dense",
                "n_qubits": 8,
                "n_params": n_params,
                "two_qubit_gates": 7 * n_params // 8 if family == "generic" else 208,
                "cnot_depth": 7,
                "t_gates": 100 * n_params,
                "cost_model": "published",
                "depth": 3 * n_params,
                "seed": seed,
                "method": "lbfgs",
                "status": "converged" if seed % 4 else "out_of_budget",
                "value": EXACT + errors[-1],
                "reference": EXACT,
                "error": errors[-1],
                "unit": "Ha",
                "correlation_recovered": 1 - errors[-1] / 0.07,
                "particle_number": 4.0,
                "sz": 0.0,
                "s2": 0.0,
                "initial_gradient_norm": draw.random(),
                "lowest_curvature": draw.random(),
                "iterations": n_steps,
                "energy_evaluations": 0,
                "gradient_evaluations": 2 * n_steps,
                "evaluations_to_tolerance": reached,
                "wall_s": 3.0 + time.perf_counter() % 1,
                "compile_s": 2.0 + time.perf_counter() % 1,
                "trace_step": list(range(n_steps)),
                "trace_value": [EXACT + error for error in errors],
                "trace_gradient_norm": [rate * error for error in errors],
                "trace_evaluations": [2 * step + 1 for step in range(n_steps)],
            }
        )
    return rows


@dataclass(frozen=True)
class Fake:
    """A Runnable of one task per contender."""

    contenders: tuple[str, ...]
    seeds: int = 4
    slow: float = 0.0
    bond: float = 1.0
    name: str = "fake duel"

    def tasks(self) -> list[Task]:
        return [self._task(label) for label in self.contenders]

    def _task(self, label: str) -> Task:
        def run(report: Reporter) -> list[Row]:
            if label == "broken":
                raise RuntimeError("the matrix is singular\nand a second line")
            family = "constrained" if label == "uccsd" else "generic"
            layers = int(label.rpartition(" x")[2]) if " x" in label else 1
            n_params = 26 if label == "uccsd" else 8 * (layers + 1) * (2 if "+" in label else 1)
            return fake_rows(label, family, n_params, self.seeds, self.slow, report)

        return Task(task_key({"label": label, "seeds": self.seeds, "bond": self.bond}), label, run)


def case(
    contenders: tuple[str, ...] = ("ry x1", "ry x2", "ry+rz x1", "uccsd"),
    seeds: int = 4,
    slow: float = 0.0,
    bond: float = 1.0,
    noisy: bool = False,
) -> Fake:
    """Trains nothing and looks as if it did.

    Args:
        contenders: names of the contenders; `broken` fails.
        seeds: number of starts.
        slow: seconds that each start sleeps.
        bond: distance between neighbouring atoms in angstrom.
        noisy: a switch that changes nothing.
    """
    return Fake(contenders, seeds, slow, bond)


if __name__ == "__main__":
    import qvar

    qvar.launch(case)
