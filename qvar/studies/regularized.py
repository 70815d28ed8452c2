r"""Regularized training: Adam with decay of the angles, dropout of gates, shot noise and early stopping."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.arguments import check_fields
from qvar.checks import counting_number
from qvar.diagnostics.measurement_groups import groups_of, measured_variance_batch
from qvar.errors import require
from qvar.objective import Objective
from qvar.optimize.budget import Status
from qvar.optimize.minimize import Look
from qvar.optimize.result import Result, Trace
from qvar.short_repr import short_repr
from qvar.studies.training import Training
from qvar.task import Row

_MOMENTS = (0.9, 0.999)
"""Decay rates of Adam's averages of the gradient and of its square."""

_TINY = 1e-8

_TRACED = 10
"""Steps between two entries of a trace."""


@short_repr()
@dataclass(frozen=True, kw_only=True)
class Regularized:
    r"""Training by Adam in which the angles are held back, gates are dropped, or gradients are noisy.

    In each step gates are dropped by setting their parameters to zero, each with probability `dropout`; the gradient at
    that point gets Gaussian noise of variance \(\mathrm{Var}(E) / 2\), that of the two-point shift rule, with
    \(\mathrm{Var}(E)\) the exact variance of an energy from N shots; and the angles are multiplied by
    1 - rate x decay before Adam's step. Shots measure the Hamiltonian in groups of qubit-wise commuting words, as a
    device does, and are shared among the groups in proportion to the sum of their coefficients' moduli. With `patience`
    a start ends if its measured energy has not fallen below its lowest for so many steps, at the angles of the lowest.
    The energy in the ledger is exact and without dropout. The number of steps is `Budget.gradients`.

    In neural networks: dropout, Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html; decoupled
    weight decay, Loshchilov and Hutter (2019), https://arxiv.org/abs/1711.05101.
    """

    rate: float = 0.05
    """Step size of Adam, radians."""
    decay: float = 0.0
    """Share of an angle that decays in a step, over `rate`."""
    dropout: float = 0.0
    """Probability that a parameter is set to zero in a step."""
    shots: int | None = None
    """Shots N of each energy, those of all groups of words together; exact gradients if None."""
    patience: int | None = None
    """Steps without a lower energy after which a start ends; never if None."""
    citations: tuple[str, ...] = field(default=("kingma2015", "loshchilov2019", "srivastava2014"), init=False)
    """Keys of papers in `qvar/citations.bib`."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(0.0 < self.rate < np.inf, "rate", "be positive", self.rate)
        require(0.0 <= self.decay < np.inf, "decay", "not be negative", self.decay)
        require(0.0 <= self.dropout < 1.0, "dropout", "be at least 0 and below 1", self.dropout)
        for name in ("shots", "patience"):
            if getattr(self, name) is not None:
                counting_number(name, getattr(self, name))

    def describe(self) -> dict[str, Any]:
        """Return everything that the numbers depend on, ready for JSON."""
        measured = {"measured": "groups"} if self.shots else {}
        return {"recipe": "regularized", **asdict(self), **measured}

    def train(
        self,
        training: Training,
        starts: FloatArray,
        *,
        keys: jax.Array,
        callback: Callable[[Look], None],
    ) -> list[tuple[Result, Row]]:
        """Train from starts (n, n_params) for as many steps as the budget has gradients."""
        objective, steps = training.objective(), training.budget.gradients
        seeds = [int(number) for number in np.asarray(jax.random.key_data(keys))[:, -1]]
        return [(result, {}) for result in descend(objective, starts, self, steps, seeds, callback)]


def descend(
    objective: Objective,
    starts: FloatArray,
    rules: Regularized,
    steps: int,
    seeds: list[int],
    callback: Callable[[Look], None],
) -> list[Result]:
    """Minimize from all starts at once; each has its own random numbers."""
    began = time.perf_counter()
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
    theta = np.array(starts, float)
    n, size = theta.shape
    mean, square = np.zeros_like(theta), np.zeros_like(theta)
    best, lowest = theta.copy(), np.full(n, np.inf)
    since, ended = np.zeros(n, int), np.full(n, steps)
    running = np.ones(n, bool)
    groups = None if rules.shots is None else groups_of(objective)
    steps_kept: list[int] = []
    values_kept: list[FloatArray] = []
    for step in range(1, steps + 1):
        rows = np.flatnonzero(running)
        if len(rows) == 0:
            break
        kept = np.stack([rngs[row].random(size) >= rules.dropout for row in rows])
        at = theta[rows] * kept
        values, gradients = (np.asarray(part) for part in objective.value_and_grad_batch(at))
        gradients = gradients * kept
        if (step - 1) % _TRACED == 0:
            steps_kept.append(step - 1)
            values_kept.append(np.full(n, np.nan))
            values_kept[-1][rows] = values
        if rules.shots is not None and groups is not None:
            spread = np.sqrt(measured_variance_batch(objective, groups, at) / rules.shots)
            noise = np.stack([rngs[row].standard_normal(size + 1) for row in rows])
            gradients = gradients + kept * noise[:, 1:] * spread[:, None] / np.sqrt(2.0)
            values = values + spread * noise[:, 0]
        lower = values < lowest[rows]
        best[rows[lower]], lowest[rows[lower]] = theta[rows[lower]], values[lower]
        since[rows] = np.where(lower, 0, since[rows] + 1)
        mean[rows] = _MOMENTS[0] * mean[rows] + (1 - _MOMENTS[0]) * gradients
        square[rows] = _MOMENTS[1] * square[rows] + (1 - _MOMENTS[1]) * gradients**2
        scaled = mean[rows] / (1 - _MOMENTS[0] ** step)
        scaled /= np.sqrt(square[rows] / (1 - _MOMENTS[1] ** step)) + _TINY
        theta[rows] -= rules.rate * (scaled + rules.decay * theta[rows])
        if rules.patience is not None:
            late = rows[since[rows] >= rules.patience]
            running[late], ended[late] = False, step
        if step % 20 == 0:
            callback(Look(step, int(running.sum()), float(lowest.min())))
    ends = theta if rules.patience is None else best
    values, gradients = (np.asarray(part) for part in objective.value_and_grad_batch(ends))
    values_kept[0] = np.asarray(objective.loss_batch(starts))  # with all gates
    path = np.stack(values_kept)
    seconds = time.perf_counter() - began
    return [
        Result(
            value=float(values[one]),
            theta=ends[one],
            status=Status.OUT_OF_BUDGET if ended[one] == steps else Status.STALLED,
            gradient_norm=float(np.linalg.norm(gradients[one])),
            iterations=int(ended[one]),
            energy_evaluations=int(ended[one]),
            gradient_evaluations=int(ended[one]),
            trace=_trace(steps_kept, path[:, one], int(ended[one]), float(values[one])),
            wall_s=seconds,
            compile_s=0.0,
        )
        for one in range(n)
    ]


def _trace(steps: list[int], path: FloatArray, ended: int, value: float) -> Trace:
    """Return the exact energies at some steps, without the dropped gates, and at the end."""
    ran = np.isfinite(path)
    at = np.append(np.array(steps)[ran], ended)
    return Trace(at, np.append(path[ran], value), np.full(len(at), np.nan), at)
