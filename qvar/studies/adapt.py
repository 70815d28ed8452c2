r"""ADAPT-VQE: a circuit that grows by the elements of a pool which the energy's gradient chooses."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.pool_elements import Pool, PoolElement
from qvar.ansatz.pools import pool as pool_named
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.engines.energy import Engine
from qvar.errors import QvarError, require
from qvar.optimize.bfgs import bfgs
from qvar.optimize.budget import Budget
from qvar.optimize.method import Method
from qvar.optimize.minimize import minimize
from qvar.problems.problem import Problem
from qvar.studies.growing_circuit import GrowingCircuit, Point
from qvar.studies.growth_record import Adapted, GrowthEnd, GrowthStep, StepHook
from qvar.studies.growth_rules import Grow, GrowthRules, Select, best, faded, per_cnot

_NO_GAIN = 1e-12
"""Gain of a step, relative to the size of the value, that is rounding."""

TIGHT = Budget(gradient_tolerance=1e-8, hessian_products=0)
"""Budget of the optimization in each step."""


@checked(own=("problem",))
def adapt(
    problem: Problem,
    pool: str | Pool = "qubit_gsd",
    *,
    select: Select | None = None,
    grow: Grow | None = None,
    rules: GrowthRules | None = None,
    target_state: Any = None,
    base: Ansatz | None = None,
    max_operators: int = 100,
    gradient_norm: float = 1e-3,
    error: float | None = None,
    max_cnots: int | None = None,
    seconds: float = float("inf"),
    method: Method | None = None,
    budget: Budget | None = None,
    engine: Engine = "auto",
    name: str | None = None,
    callback: StepHook | None = None,
) -> Adapted:
    r"""Grow a circuit for the ground state of a problem: ADAPT-VQE.

    In each step the gradients \(g_k = \langle\psi| [H, A_k] |\psi\rangle\) of all elements of the pool choose one; it
    is appended, to act last, at angle zero; then all angles are optimized from where they are,

    $$ |\psi(\theta)\rangle = e^{\theta_n A_{k_n}} \cdots e^{\theta_1 A_{k_1}} |\psi_0\rangle. $$

    All gradients of the pool come from one evaluation: they are the derivatives of the energy by the angles of the
    whole pool, appended at zero to the state. It costs one H|psi> and a sweep over the pool. Of elements whose
    gradients agree to 1e-8 the one of the fewest CNOTs is taken, and of these the first in the pool. On a CPU nothing
    is compiled for a new circuit. The inverse Hessian of one step is the first one of the next, with a further row.

    With `target_state` the circuit grows towards a given state: the value of a step is the infidelity
    \(1 - |\langle\varphi|\psi\rangle|^2\). The grown circuit is then a `base` from which to grow to the energy.

    Grimsley et al., Nat. Commun. 10, 3007 (2019), https://doi.org/10.1038/s41467-019-10988-2; `tetris` after Anastasiou
    et al., Phys. Rev. Research 6, 013254 (2024), https://doi.org/10.1103/PhysRevResearch.6.013254; towards a state
    Feniou et al., Commun. Phys. 6, 192 (2023), https://doi.org/10.1038/s42005-023-01312-y; the inverse Hessian Ramoa
    et al. (2024), https://arxiv.org/abs/2401.05172.

    Args:
        problem: gives the Hamiltonian and the reference determinant.
        pool: name of a pool, see `qvar.pool`, or a pool.
        select: score by which elements are chosen, as `GrowthRules.select`; that of `rules` if None.
        grow: elements added in a step, as `GrowthRules.grow`; that of `rules` if None.
        rules: all rules of the growth; `GrowthRules()` if None, the largest gradient and one element in each step.
        target_state: state to grow towards, in the layout of the states of `qvar.energy`, such as PySCF's FCI vector or
            the state of a trained circuit; the lowest energy if None.
        base: circuit that acts first; its angles begin at its own start if that is given by angles, as that of a grown
            circuit, else at zero. The reference determinant alone if None.
        max_operators: largest number of elements.
        gradient_norm: growth ends if the Euclidean norm of the pool's gradients is below this.
        error: growth ends if the value is within this of the exact one, in the problem's unit; not used if None.
        max_cnots: largest number of CNOTs of the whole circuit; no limit if None.
        seconds: growth ends after the step in which this time is over.
        method: method for the angles; `qvar.bfgs()` if None.
        budget: limits of the optimization in each step; to a gradient norm of 1e-8 if None.
        engine: simulator, as in `qvar.energy`.
        name: name of the circuit in the ledger; from the pool if None.
        callback: called with each step.

    Raises:
        QvarError: if the pool is unknown or has another number of qubits than the problem, a limit is not positive,
            the target has another shape than the states, or what `error` or the rules need is not known: the exact
            energy, CNOTs, frequencies.
    """
    operators = pool if isinstance(pool, Pool) else pool_named(pool, problem)
    if operators.n_qubits != problem.n_qubits:
        raise QvarError(f"`pool` must have {problem.n_qubits} qubits as the problem, but has {operators.n_qubits}.")
    chosen = chosen_rules(rules, select, grow)
    if (chosen.needs_cnots or max_cnots is not None) and any(one.cnots is None for one in operators.elements):
        raise QvarError(
            "`pool` must have elements with a published circuit if CNOTs matter, as qvar.pool(..., product=True) has, "
            f"but {operators.name} has others."
        )
    counting_number("max_operators", max_operators)
    require(gradient_norm >= 0, "gradient_norm", "not be negative", gradient_norm)
    if error is not None:
        require(error > 0, "error", "be positive", error)
    if max_cnots is not None:
        counting_number("max_cnots", max_cnots)
    require(seconds > 0, "seconds", "be positive", seconds)
    circuit = GrowingCircuit(problem, operators, base, engine, name or f"adapt {operators.name}", target_state, chosen)
    if error is not None and np.isnan(circuit.exact):
        raise QvarError(f"`error` must be None if the exact energy of the problem is not known, but is {error!r}.")
    limits = _Limits(max_operators, gradient_norm, error, max_cnots, seconds)
    return _Growth(circuit, limits, chosen, method or bfgs(), budget or TIGHT).run(callback)


def chosen_rules(rules: GrowthRules | None, select: Select | None, grow: Grow | None) -> GrowthRules:
    """Return rules with those that are named in their place."""
    named = {name: word for name, word in (("select", select), ("grow", grow)) if word is not None}
    return replace(rules or GrowthRules(), **named)


@dataclass(frozen=True)
class _Limits:
    max_operators: int
    gradient_norm: float
    error: float | None
    max_cnots: int | None
    seconds: float

    def reached(self, step: GrowthStep, last: GrowthStep | None, seconds: float, layer: int) -> GrowthEnd | None:
        """Return the reason to end after a step, if there is one; the next one has `layer` elements at least."""
        if self.error is not None and abs(step.error) < self.error:
            return GrowthEnd.ERROR
        if step.pool_norm < self.gradient_norm:
            return GrowthEnd.GRADIENT
        if last is not None and last.value - step.value <= _NO_GAIN * max(1.0, abs(step.value)):
            return GrowthEnd.STALLED
        if step.n_operators + layer > self.max_operators:
            return GrowthEnd.OPERATORS
        return GrowthEnd.SECONDS if seconds > self.seconds else None


@dataclass(frozen=True)
class _Trained:
    """A circuit, before or after the optimization of its angles."""

    point: Point
    value: float
    """NaN before the optimization."""
    inverse_hessian: FloatArray | None


class _Growth:
    """A growth from step to step."""

    def __init__(
        self, circuit: GrowingCircuit, limits: _Limits, rules: GrowthRules, method: Method, budget: Budget
    ) -> None:
        self.circuit, self.limits, self.rules, self.method, self.budget = circuit, limits, rules, method, budget
        self.evaluations = 0
        self.began = time.monotonic()

    def run(self, callback: StepHook | None) -> Adapted:
        """Return the grown circuit."""
        circuit, steps = self.circuit, list[GrowthStep]()
        now = _Trained(self._point([], circuit.base_angles), float("nan"), None)
        added: list[PoolElement] = []
        removed: list[PoolElement] = []
        while True:
            value, gradients = circuit.gradients(now.point)
            self.evaluations += 1
            step = GrowthStep(
                chosen=tuple(element.name for element in added),
                removed=tuple(element.name for element in removed),
                n_operators=len(now.point.elements),
                value=value,
                error=value - circuit.exact,
                n_params=now.point.ansatz.n_params,
                pool_norm=float(np.linalg.norm(gradients)),
                largest_gradient=float(circuit.pool.sizes(gradients).max()),
                cnots=now.point.ansatz.resources().two_qubit_gates,
                evaluations=self.evaluations,
            )
            if callback is not None:
                callback(step)
            layer = self._layer(now)
            last, seconds = steps[-1] if steps else None, time.monotonic() - self.began
            end = self.limits.reached(step, last, seconds, max(1, len(layer)))
            steps.append(step)
            following = None if end is not None else self._following(now, value, gradients)
            if following is not None and self.limits.max_cnots is not None:
                cnots = following.point.ansatz.resources().two_qubit_gates
                end = GrowthEnd.CNOTS if (cnots or 0) > self.limits.max_cnots else None
            if following is None or end is not None:
                end = end or GrowthEnd.STALLED
                theta = now.point.theta
                grown = now.point.ansatz.start_at(theta, start="grown")
                return Adapted(ansatz=grown, theta=theta, status=end, steps=tuple(steps))
            added = following.point.elements[len(now.point.elements) :]
            now = self._trained(following) if np.isnan(following.value) else following
            now, removed = self._pruned(now, len(added), value)

    def _following(self, now: _Trained, value: float, gradients: FloatArray) -> _Trained | None:
        """Return the next circuit, which may be optimized already; None if no element has a score."""
        pool, rules, at = self.circuit.pool, self.rules, now.point
        if layer := self._layer(now):
            return self._longer(now, layer, [np.zeros(element.n_params) for element in layer])
        scores, angles = pool.sizes(gradients), np.zeros(pool.n_params)
        tried: dict[int, _Trained] = {}
        if rules.select == "gradient_per_cnot":
            scores = per_cnot(pool, scores)
        elif rules.select == "energy":
            scores, angles, evaluations = self.circuit.drops(at, value)
            scores = np.maximum(scores, 0.0)
            self.evaluations += evaluations
        elif rules.select == "optimized":
            candidates = best(scores, rules.candidates).tolist()
            tried = {one: self._trained(self._with(now, [one], gradients, angles)) for one in candidates}
            scores = np.zeros(pool.size)
            for one, trained in tried.items():
                scores[one] = max(value - trained.value, 0.0)
        most = self.limits.max_operators if rules.repeat is None else min(self.limits.max_operators, rules.repeat)
        chosen = rules.chosen(pool, scores, most - len(at.elements))
        if len(chosen) == 1 and chosen[0] in tried:
            return tried[chosen[0]]
        return self._with(now, chosen, gradients, angles) if chosen else None

    def _layer(self, now: _Trained) -> list[PoolElement]:
        """Return the elements that are repeated next; none if some are chosen."""
        number = self.rules.repeat
        return [] if number is None or len(now.point.elements) < number else now.point.elements[:number]

    def _with(self, now: _Trained, chosen: list[int], gradients: FloatArray, angles: FloatArray) -> _Trained:
        """Return the circuit with further elements of the pool at some angles, before its optimization."""
        pool = self.circuit.pool
        added = [pool.elements[one].without_idle(gradients[pool.angles[one]]) for one in chosen]
        begin = [angles[pool.angles[one]][: element.n_params] for one, element in zip(chosen, added, strict=True)]
        return self._longer(now, added, begin)

    def _longer(self, now: _Trained, added: list[PoolElement], begin: list[FloatArray]) -> _Trained:
        """Return the circuit with further elements, each at its angles, before its optimization."""
        point = self._point([*now.point.elements, *added], np.concatenate([now.point.theta, *begin]))
        return _Trained(point, float("nan"), now.inverse_hessian)

    def _point(self, elements: list[PoolElement], theta: FloatArray) -> Point:
        ansatz = self.circuit.ansatz(elements)
        return Point(elements, ansatz, self.circuit.objective(ansatz), theta)

    def _trained(self, start: _Trained) -> _Trained:
        """Optimize all angles, or the last ones."""
        at, objective, inverse, last = start.point, start.point.objective, start.inverse_hessian, self.rules.last
        begin, held = at.theta, at.theta[:0]
        if last is not None and last < len(at.theta):
            objective = self.circuit.objective(at.ansatz.freeze(at.theta, parameters=range(len(at.theta) - last)))
            held, begin, inverse = at.theta[:-last], at.theta[-last:], None
        inverse = None if self.method.inverse_hessian is None else inverse
        result = minimize(objective, begin, method=self.method, budget=self.budget, inverse_hessian=inverse)
        self.evaluations += result.energy_evaluations
        theta = np.concatenate([held, np.asarray(result.theta)])
        return _Trained(replace(at, theta=theta), result.value, None if len(held) else result.inverse_hessian)

    def _pruned(self, now: _Trained, n_added: int, before: float) -> tuple[_Trained, list[PoolElement]]:
        """Remove a faded element if the value, optimized again, stays below that before the step."""
        elements, theta = now.point.elements, now.point.theta
        ends = len(theta) - np.cumsum([0, *(element.n_params for element in elements[::-1])])[::-1]
        sizes = np.array([np.linalg.norm(theta[begin:end]) for begin, end in pairwise(ends)])
        weakest = faded(sizes, n_added) if self.rules.prune else None
        if weakest is None:
            return now, []
        gone = np.arange(ends[weakest], ends[weakest + 1])
        inverse = now.inverse_hessian
        if inverse is not None:
            inverse = np.delete(np.delete(inverse, gone, axis=0), gone, axis=1)
        point = self._point([*elements[:weakest], *elements[weakest + 1 :]], np.delete(theta, gone))
        without = self._trained(_Trained(point, float("nan"), inverse))
        if not before - without.value > _NO_GAIN * max(1.0, abs(before)):
            return now, []
        return without, [elements[weakest]]
