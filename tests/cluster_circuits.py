"""What tests of coupled-cluster circuits share: the error at the minimum, and the wires of factors."""

from __future__ import annotations

import jax
from twin import descend

import qvar

MILLIHARTREE = 1e-3


def error(problem: qvar.Problem, ansatz: qvar.Ansatz, seeds: int = 0) -> float:
    """Millihartree above the exact energy, converged from zero, or the best of some random starts."""
    objective = qvar.energy(problem, ansatz.with_start("uniform" if seeds else "zero"))
    values = [descend(objective, objective.initial(jax.random.key(seed))) for seed in range(max(seeds, 1))]
    return (float(min(values)) - problem.exact_energy()) / MILLIHARTREE


def factors(ansatz: qvar.Ansatz) -> list[tuple[int, ...]]:
    """Wires of every factor."""
    return [ansatz.program.op_wires(k) for k in range(ansatz.program.n_ops)]
