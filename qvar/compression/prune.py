r"""Pruning: a trained circuit loses the parameters that matter least, and the operations that they drive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.removal import without_parameters
from qvar.arguments import checked
from qvar.checks import counting_number, real_numbers
from qvar.compression.grouping import groups_of
from qvar.compression.path import Hook, PathStep
from qvar.compression.restricted import restricted
from qvar.compression.scores import Rule, Situation, scores
from qvar.compression.second_order import SecondOrder, laws
from qvar.errors import QvarError, require, shown
from qvar.objective import Objective
from qvar.optimize.bfgs import bfgs
from qvar.optimize.budget import Budget
from qvar.optimize.method import Method
from qvar.optimize.minimize import minimize
from qvar.short_repr import short_repr

TIGHT = Budget(gradient_tolerance=1e-8, hessian_products=0)
"""Budget of the optimization after each removal."""

_STIFF = 1e-3
"""Curvature, relative to the largest, below which the first inverse Hessian of an optimization does not go."""


@short_repr("ansatz", "value")
@dataclass(frozen=True, eq=False, kw_only=True)
class Pruned:
    """A circuit after the removal of parameters."""

    ansatz: Ansatz
    """The smaller circuit. Its start `"pruned"`, the default, is `theta`."""
    theta: FloatArray
    """(n_params,) its angles."""
    path: tuple[PathStep, ...]
    """One entry for each removal, the start first."""

    @property
    def value(self) -> float:
        """Value of the objective."""
        return self.path[-1].value

    @property
    def removed(self) -> tuple[int, ...]:
        """Numbers of the parameters removed, in the order of their removal."""
        return tuple(number for step in self.path for number in step.removed)


@checked(own=("theta", "keep", "groups", "history"))
def prune(
    ansatz: Ansatz,
    theta: Any,
    objective: Objective,
    *,
    by: Rule = "energy",
    keep: Any = None,
    max_rise: float | None = None,
    groups: Any = "parameter",
    per_step: int | None = 1,
    retrain: bool = True,
    history: Any = None,
    method: Method | None = None,
    budget: Budget | None = None,
    name: str | None = None,
    callback: Hook | None = None,
) -> Pruned:
    r"""Remove the parameters of a trained circuit that matter least, and the operations that they alone drive.

    In each step the rule scores all parameters that are left; those of the lowest score are set to zero, and all others
    are optimized again. Every step records the rise of the value and its prediction from the exact Hessian K at the
    point before: \(\theta_q^2 / (2 [K^{-1}]_{qq})\) if the others are optimized again, else \(\theta_q^2 K_{qq} / 2\).
    The laws hold at a minimum, for small angles. Nothing is compiled for a removal: the objective is the first one with
    angles of zero, of any kind, and equals that of the smaller circuit.

    Angles are taken modulo the period of the value in them first, so that a full turn counts as zero.

    The rule `"obs"` moves all other angles by the exact second-order update before they are optimized. Directions
    without curvature are taken as directions of a curvature of 1e-6 of the largest, see
    `qvar.compression.second_order`. The rule `"fisher"` does the same with the quantum Fisher information, so that
    parameters whose derivatives of the state are linear combinations of others go first.

    LeCun, Denker, Solla, NIPS 2, 598 (1990); Hassibi, Stork, NIPS 5, 164 (1993); iterative pruning: Han et al., NIPS
    28, 1135 (2015), https://arxiv.org/abs/1506.02626.

    Args:
        ansatz: the circuit.
        theta: (n_params,) its angles, radians; the laws assume a minimum.
        objective: any function of the circuit's parameters, such as its energy, that with a penalty, an expectation
            value or an infidelity.
        by: rule, see `qvar.compression.scores.Rule`.
        keep: parameters that are left, as an integer, or as a share between 0 and 1, which 1.0 is not; down to one
            parameter if None. A group that is larger than what is still to be removed goes as a whole.
        max_rise: removal ends before the value is more than this above that at the start, in the objective's unit; no
            limit if None.
        groups: parameters that go together: `"parameter"` for each alone, `"layer"`, `"class"` (operations of one kind
            and spin), `"qubits"` (operations on the same qubits), or lists of parameters.
        per_step: groups removed before the others are optimized again; all at once if None.
        retrain: whether all other parameters are optimized again.
        history: (n, n_params) points of the training, such as `Trace.theta`, along which `"gradient"` averages; nine
            points from zero to theta if None.
        method: method of these optimizations; `qvar.bfgs()` if None, which begins with the exact inverse Hessian.
        budget: limits of each of them; to a gradient norm of 1e-8 if None.
        name: name of the smaller circuit in the ledger; made from both numbers of parameters if None.
        callback: called with each step.

    Raises:
        QvarError: if the circuit has fewer than two parameters, the objective or theta another number, `keep` is not
            below the number of parameters, both `keep` and `max_rise` are None, or the rule needs a state that the
            objective does not have.
    """
    n = ansatz.n_params
    if n < 2:
        raise QvarError(f"`ansatz` must have parameters to prune, but {ansatz.name} has {n}.")
    require_parameters(objective, ansatz)
    point = real_numbers("theta", theta, (n,), finite=True)
    if keep is None and max_rise is None:
        raise QvarError("`keep` must be a number or a share of parameters if `max_rise` is None, but is None.")
    require(max_rise is None or max_rise >= 0.0, "max_rise", "not be negative", max_rise)
    if per_step is not None:
        counting_number("per_step", per_step)
    work = _Pruning(
        ansatz=ansatz,
        objective=objective,
        by=by,
        keep=1 if keep is None else kept_number(keep, n, ansatz.name),
        max_rise=float("inf") if max_rise is None else max_rise,
        per_step=per_step or n,
        retrain=retrain,
        history=None if history is None else real_numbers("history", history, ("points", n)),
        method=method or bfgs(),
        budget=budget or TIGHT,
        name=name,
    )
    return work.run(within_a_period(objective, point), groups_of(ansatz, groups), callback)


def require_parameters(objective: Objective, ansatz: Ansatz) -> None:
    """Raise `QvarError` if an objective has another number of parameters than a circuit."""
    n = ansatz.n_params
    if objective.n_params != n:
        raise QvarError(f"`objective` must have the {n} parameters of {ansatz.name}, but has {objective.n_params}.")


def kept_number(keep: Any, n: int, name: str) -> int:
    """Return the number of parameters that are left; `QvarError` if it is none below n."""
    is_number = not isinstance(keep, bool) and isinstance(keep, int | float | np.integer | np.floating)
    if not is_number or not keep > 0 or (keep >= 1 and not isinstance(keep, int | np.integer)):
        raise QvarError(f"`keep` must be a positive integer of parameters or a share below 1, but is {shown(keep)}.")
    if keep < 1:
        return min(max(1, round(float(keep) * n)), n - 1)
    require(bool(keep < n), "keep", f"be below the {n} parameters of {name}", keep)
    return int(keep)


def within_a_period(objective: Objective, theta: FloatArray) -> FloatArray:
    """Return angles modulo the period of the value in each, of the smallest size; unchanged if it is not known."""
    harmonics = objective.harmonics
    if harmonics is None:
        return theta
    period = 2.0 * np.pi / harmonics[:, 0]
    known = np.isfinite(period) & np.isfinite(harmonics[:, 1])
    shift = np.where(known, np.round(theta / np.where(known, period, 1.0)) * np.where(known, period, 0.0), 0.0)
    return theta - shift


@dataclass(frozen=True)
class _State:
    """Parameters that are left."""

    free: IntArray
    """(k,) their numbers in the first circuit."""
    theta: FloatArray
    """(k,) their angles."""
    value: float
    groups: list[IntArray]
    """Groups of those that are left, in their numbers among the free ones."""
    evaluations: int

    def without(self, gone: IntArray, groups: list[IntArray], theta: FloatArray) -> _State:
        """Return the state after a removal, before the value is known."""
        rest = np.setdiff1d(np.arange(len(self.free)), gone)
        place = np.full(len(self.free), -1)
        place[rest] = np.arange(len(rest))
        left = [place[group] for group in groups]
        return _State(self.free[rest], theta[rest], float("nan"), left, self.evaluations)


@dataclass(frozen=True, kw_only=True)
class _Pruning:
    """Arguments of `prune`, checked."""

    ansatz: Ansatz
    objective: Objective
    by: Rule
    keep: int
    max_rise: float
    per_step: int
    retrain: bool
    history: FloatArray | None
    method: Method
    budget: Budget
    name: str | None

    def run(self, theta: FloatArray, groups: list[IntArray], callback: Hook | None) -> Pruned:
        """Return the pruned circuit."""
        n = len(theta)
        now = _State(np.arange(n), theta, float(self.objective.loss(theta)), groups, 1)
        start = now.value
        circuit = self._circuit(now)
        path = [self._step("start", now, circuit)]
        while True:
            if callback is not None:
                callback(path[-1])
            if len(now.free) <= self.keep or not now.groups:
                break
            following, predicted = self._removed(now)
            if not following.value - start <= self.max_rise or len(following.free) == 0:
                break
            removed = tuple(int(one) for one in np.setdiff1d(now.free, following.free))
            circuit, before, now = self._circuit(following), now.value, following
            step = self._step("prune", now, circuit)
            path.append(replace(step, rise=now.value - before, predicted_rise=predicted, removed=removed))
        return Pruned(ansatz=self._started(circuit, now.theta), theta=now.theta, path=tuple(path))

    def _step(self, action: str, now: _State, circuit: Ansatz) -> PathStep:
        return PathStep(
            action=action,
            n_params=len(now.free),
            value=now.value,
            resources=circuit.resources(),
            evaluations=now.evaluations,
        )

    def _removed(self, now: _State) -> tuple[_State, float]:
        """Return the state after the next removal, and the rise that the law predicts."""
        point = np.zeros(self.objective.n_params)
        point[now.free] = now.theta
        law = laws(self.objective, point, now.free)
        values, evaluations = scores(self.by, Situation(self.objective, point, now.free, law, self.history), now.groups)
        chosen = self._chosen(values, now)
        gone = np.sort(np.concatenate([now.groups[one] for one in chosen]))
        left = [group for number, group in enumerate(now.groups) if number not in set(chosen)]
        theta, predicted, inverse = now.theta.copy(), law.damage(gone), None
        if self.retrain:
            predicted, move = law.surgery(gone)
            if self.by in ("obs", "fisher"):
                theta = theta + move
            if isinstance(law, SecondOrder) and self.method.inverse_hessian is not None:
                inverse = law.stiff_inverse(gone, _STIFF)
        theta[gone] = 0.0
        spent = now.evaluations + evaluations + 2 * law.products
        after = now.without(gone, left, theta)
        part = restricted(self.objective, np.zeros(self.objective.n_params), after.free)
        if not self.retrain or len(after.free) == 0:
            return replace(after, value=float(part.loss(after.theta)), evaluations=spent + 1), predicted
        result = minimize(part, after.theta, method=self.method, budget=self.budget, inverse_hessian=inverse)
        best = np.asarray(result.theta, float)
        return replace(after, theta=best, value=result.value, evaluations=spent + result.energy_evaluations), predicted

    def _chosen(self, values: FloatArray, now: _State) -> list[int]:
        """Return the numbers of the groups of the lowest scores, so many as may go."""
        chosen: list[int] = []
        left = len(now.free)
        for number in np.argsort(values, kind="stable")[: self.per_step]:
            if left <= self.keep:
                break
            chosen.append(int(number))
            left -= len(now.groups[number])
        return chosen

    def _circuit(self, now: _State) -> Ansatz:
        n = self.ansatz.n_params
        removed = np.setdiff1d(np.arange(n), now.free)
        if len(removed) == 0:
            return self.ansatz
        smaller = without_parameters(self.ansatz, removed.tolist())
        settings = {**self.ansatz.settings, "removed": removed.tolist()}
        return replace(smaller, name=self.name or f"{self.ansatz.name} {len(now.free)} of {n}", settings=settings)

    def _started(self, circuit: Ansatz, theta: FloatArray) -> Ansatz:
        papers = ("lecun1990", "hassibi1993", "han2015")
        cited = tuple(dict.fromkeys((*circuit.citations, *papers)))
        return replace(circuit, start="pruned", starts={"pruned": lambda key: theta}, citations=cited)
