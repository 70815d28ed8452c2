"""Adaptive: circuits that grow from pools of operators, beside fixed circuits on the same problem."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar, cast

import numpy as np

from qvar.ansatz.pool_elements import Pool
from qvar.ansatz.pools import pool as pool_named
from qvar.arguments import check_fields
from qvar.checks import different_names
from qvar.engines.energy import Engine
from qvar.errors import error_words, require
from qvar.optimize.bfgs import bfgs
from qvar.optimize.budget import Budget, Status
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.optimize.result import Result, Trace
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.adapt import TIGHT, adapt, chosen_rules
from qvar.studies.columns import TRAINING_COLUMNS
from qvar.studies.contender import Maker, Trainable
from qvar.studies.duel import Duel
from qvar.studies.growth_record import Adapted, GrowthEnd, GrowthStep
from qvar.studies.growth_rules import Grow, GrowthRules, Select
from qvar.studies.training import Training, failed_seeds
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key

_STATUS = {
    GrowthEnd.GRADIENT: Status.CONVERGED,
    GrowthEnd.ERROR: Status.CONVERGED,
    GrowthEnd.OPERATORS: Status.OUT_OF_BUDGET,
    GrowthEnd.CNOTS: Status.OUT_OF_BUDGET,
    GrowthEnd.SECONDS: Status.OUT_OF_TIME,
    GrowthEnd.STALLED: Status.STALLED,
}

GROWTH_COLUMNS = (
    LedgerColumn("pool", "string", "Name of the pool from which the circuit grew; empty for a fixed circuit."),
    LedgerColumn("growth_end", "string", "Reason of the growth's end: gradient, error, operators, cnots, seconds or "
        "stalled."),
    LedgerColumn("growth", "string", "JSON list of the growth's steps: operators, parameters, cnots, evaluations, "
        "value, error, pool_norm, and the names of the operators chosen and removed in the step."),
)  # fmt: skip
"""Columns of an adaptive study beside those of trainings."""


@short_repr("problem", "pools")
@dataclass(frozen=True, eq=False)
class Adaptive:
    """Circuits that grow from several pools, and fixed contenders that are trained beside them.

    The trace of a growth has one row for each step: `step` is the number of operators added, `gradient_norm` the norm
    of the pool's gradients. A growth that is interrupted goes on at its operator: the angles of every step are kept.

    `columns` are those that it adds to the ledger.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = (*TRAINING_COLUMNS, *GROWTH_COLUMNS)
    name: ClassVar[str] = "adaptive"
    """Name of the study in records."""

    problem: Problem
    """Problem of all."""
    pools: Sequence[str | Pool]
    """Pools, see `qvar.pool`; with different names."""
    contenders: Sequence[Trainable | Maker] = ()
    """Fixed ansätze, as in a `Duel`."""
    _: KW_ONLY
    select: Select | None = None
    """Score by which operators are chosen, see `GrowthRules.select`; that of `rules` if None."""
    grow: Grow | None = None
    """Operators added in a step, see `GrowthRules.grow`; that of `rules` if None."""
    rules: GrowthRules = field(default_factory=GrowthRules)
    """All rules of the growths."""
    max_operators: int = 100
    """Largest number of operators."""
    gradient_norm: float = 1e-3
    """A growth ends if the norm of the pool's gradients is below this."""
    error: float | None = None
    """A growth ends if the error is below this, in the problem's unit; not used if None."""
    max_cnots: int | None = None
    """Largest number of CNOTs of a grown circuit; no limit if None."""
    method: Method | None = None
    """Optimization method of all; if None, `qvar.bfgs()` of the growths and `qvar.lbfgs()` of the contenders."""
    step_budget: Budget = TIGHT
    """Limits of the optimization in each step of a growth."""
    seeds: int = 4
    """Number of random starts of each fixed contender."""
    budget: Budget = field(default_factory=Budget)
    """Limits of the work of each of these starts."""
    engine: Engine = "auto"
    """Simulator; see `qvar.energy`."""

    def __post_init__(self) -> None:
        check_fields(self, "seeds")
        object.__setattr__(self, "rules", chosen_rules(self.rules, self.select, self.grow))
        require(len(self.pools) > 0, "pools", "hold at least one pool", self.pools)
        pools = [one if isinstance(one, Pool) else pool_named(one, self.problem) for one in self.pools]
        object.__setattr__(self, "pools", tuple(pools))
        different_names("pools", [one.name for one in pools])
        if self._duel is not None:
            object.__setattr__(self, "contenders", self._duel.contenders)

    @cached_property
    def _duel(self) -> Duel | None:
        """The fixed contenders; None if there are none."""
        if not self.contenders:
            return None
        settings: dict[str, Any] = {"seeds": self.seeds, "budget": self.budget, "engine": self.engine}
        return Duel(self.problem, self.contenders, method=self.method or lbfgs(), **settings)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        keys = {"jax2018", "bergholm2018", "grimsley2019", "yordanov2020", *(self.method or lbfgs()).citations}
        keys |= {*self.rules.citations, *(self.method or bfgs()).citations}
        for one in cast("Sequence[Pool]", self.pools):
            keys |= set(one.citations)
        return tuple(sorted(keys.union(() if self._duel is None else self._duel.citations)))

    def tasks(self) -> list[Task]:
        """Return one task for each pool, then those of the fixed contenders."""
        growths = [_Growth(self, one) for one in cast("Sequence[Pool]", self.pools)]
        tasks = [Task(task_key({"study": "adaptive", **one.inputs}), one.label, one.rows) for one in growths]
        return tasks + ([] if self._duel is None else self._duel.tasks())


@dataclass(frozen=True)
class _Growth:
    """The growth from one pool."""

    study: Adaptive
    pool: Pool

    @property
    def label(self) -> str:
        rules = self.study.rules
        words = [rules.select.replace("_", " ") * (rules.select != "gradient"), rules.grow * (rules.grow != "one")]
        words += ["" if rules.repeat is None else f"repeat {rules.repeat}"]
        words += ["pruned" * rules.prune, "" if rules.last is None else f"last {rules.last}"]
        return " ".join(["adapt", self.pool.name, *filter(None, words)])

    @property
    def method(self) -> Method:
        return self.study.method or bfgs()

    @property
    def inputs(self) -> dict[str, Any]:
        """JSON-able description of everything that the numbers depend on."""
        study = self.study
        return {
            "problem": study.problem.description,
            "pool": self.pool.describe(),
            "rules": asdict(study.rules),
            "limits": [study.max_operators, study.gradient_norm, study.error, study.max_cnots],
            "method": self.method.describe(),
            "budget": asdict(study.step_budget),
            "engine": study.engine,
        }

    def rows(self, report: Reporter) -> list[Row]:
        """Return the ledger's row after the growth; an error becomes a row with its message."""
        study, began = self.study, time.perf_counter()

        def watch(step: GrowthStep) -> None:
            cnots = "" if step.cnots is None else f", {step.cnots} CNOTs"
            words = f"error {step.error:.2e} {study.problem.unit}{cnots}"
            report(Progress(step.n_operators, study.max_operators, words))

        try:
            grown = adapt(
                study.problem,
                self.pool,
                rules=study.rules,
                max_operators=study.max_operators,
                gradient_norm=study.gradient_norm,
                error=study.error,
                max_cnots=study.max_cnots,
                method=self.method,
                budget=study.step_budget,
                engine=study.engine,
                name=self.label,
                callback=watch,
            )
            return [self._row(grown, time.perf_counter() - began)]
        except Exception as error:
            base = {"problem": study.problem.name, "contender": self.label, "family": "constrained"}
            return [{**base, **row} for row in failed_seeds(1, self.method, error_words(error))]

    def _row(self, grown: Adapted, seconds: float) -> Row:
        study = self.study
        settings: dict[str, Any] = {"method": self.method, "budget": study.step_budget, "engine": study.engine}
        training = Training(grown.ansatz, seeds=1, problem=study.problem, **settings)
        return {
            **training.row(training.objective(), 0, _result(grown, seconds)),
            "pool": self.pool.name,
            "growth_end": grown.status.value,
            "growth": json.dumps([_step(step) for step in grown.steps]),
        }


def _step(step: GrowthStep) -> dict[str, Any]:
    return {
        "operators": step.n_operators,
        "parameters": step.n_params,
        "cnots": step.cnots,
        "evaluations": step.evaluations,
        "value": step.value,
        "error": None if np.isnan(step.error) else step.error,
        "pool_norm": step.pool_norm,
        "chosen": list(step.chosen),
        "removed": list(step.removed),
    }


def _result(grown: Adapted, seconds: float) -> Result:
    """Return a growth as the result of one start, whose steps are those of the growth."""
    evaluations = int(grown.evaluations[-1])
    added = np.cumsum([len(step.chosen) for step in grown.steps])
    trace = Trace(added, grown.values, grown.pool_norms, grown.evaluations)
    return Result(
        value=grown.value,
        theta=grown.theta,
        status=_STATUS[grown.status],
        gradient_norm=float(grown.pool_norms[-1]),
        iterations=len(grown.steps) - 1,
        energy_evaluations=evaluations,
        gradient_evaluations=evaluations,
        trace=trace,
        wall_s=seconds,
        compile_s=0.0,
    )
