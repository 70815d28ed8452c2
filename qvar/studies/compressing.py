"""Compression: trained circuits that are made smaller by several recipes, with the laws that predict the loss."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, ClassVar, cast

import jax
import numpy as np

from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import check_fields
from qvar.checks import different_names
from qvar.compression.path import PathStep
from qvar.compression.steps import RecipeStep, Work
from qvar.engines.energy import Engine
from qvar.errors import QvarError, error_words, shown
from qvar.optimize.bfgs import bfgs
from qvar.optimize.budget import Budget
from qvar.optimize.method import Method
from qvar.optimize.result import Result, Trace
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.columns import START_VALUE, TRAINING_COLUMNS
from qvar.studies.contender import Maker, Trainable, contenders_of
from qvar.studies.training import Training, check_seeds, failed_seeds
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key

COMPRESSION_COLUMNS = (
    LedgerColumn("circuit", "string", "Name of the circuit before it was made smaller."),
    LedgerColumn("recipe", "string", "Steps that made it smaller."),
    START_VALUE,
    LedgerColumn("trained_value", "float64", "Value after the training, before the first step.",
        unit="the row's `unit`"),
    LedgerColumn("training_evaluations", "Int64", "Evaluations of the training."),
    LedgerColumn("compression", "string", "JSON list of the path, the trained circuit first: action, parameters, "
        "value, rise, predicted_rise, cnots, depth, t_gates, evaluations, removed parameters, bits, and the mean rise "
        "over grids of random offset with the ends of its interval."),
)  # fmt: skip
"""Columns of a compression beside those of trainings."""

PRECISE = Budget(gradients=3000, gradient_tolerance=1e-8)
"""Budget of the training before: the laws hold at a minimum."""


@short_repr("problem", "contenders")
@dataclass(frozen=True, eq=False)
class Compression:
    """Circuits that are trained and then made smaller, each by every recipe and from every seed.

    A recipe is a step or a list of steps, such as `[qvar.Pruning("obs", max_rise=1e-6), qvar.Rounding(8)]`; a step of
    your own is a record with `name`, `citations`, `describe()` and a call, see
    `qvar.compression.steps.RecipeStep`. Each circuit, recipe and seed is one task. The trace has one row for each step
    of the path.

    `columns` are those that it adds to the ledger.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = (*TRAINING_COLUMNS, *COMPRESSION_COLUMNS)

    problem: Problem
    """Problem of all."""
    contenders: Sequence[Trainable | Maker]
    """Circuits with different names, with their starts; as in a `Duel`, but no objectives."""
    recipes: Sequence[RecipeStep | Sequence[RecipeStep]]
    """Recipes with different names."""
    _: KW_ONLY
    method: Method = field(default_factory=bfgs)
    """Optimization method of the training."""
    seeds: int = 1
    """Number of starts of each circuit."""
    budget: Budget = PRECISE
    """Limits of the training of each start."""
    engine: Engine = "auto"
    """Simulator; see `qvar.energy`."""

    name: ClassVar[str] = "compression"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        if isinstance(self.problem, Problem):
            object.__setattr__(self, "contenders", contenders_of(self.problem, self.contenders))
        object.__setattr__(self, "recipes", _recipes(self.recipes))
        check_fields(self, "seeds")
        check_seeds(self.seeds, 1)
        for one in self.contenders:
            if not isinstance(one, Ansatz):
                raise QvarError(f"`contenders` must hold ansätze to make smaller, but one is {shown(one)}.")
        different_names("contenders", [cast(Ansatz, one).name for one in self.contenders])
        different_names("recipes", [recipe_name(recipe) for recipe in self._recipes])

    @property
    def _recipes(self) -> Sequence[tuple[RecipeStep, ...]]:
        return cast("Sequence[tuple[RecipeStep, ...]]", self.recipes)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        keys = {key for recipe in self._recipes for step in recipe for key in step.citations}
        trainings = (self._training(cast(Ansatz, one)) for one in self.contenders)
        return tuple(sorted(keys.union(*(training.citations for training in trainings))))

    def _training(self, ansatz: Ansatz) -> Training:
        settings: dict[str, Any] = {"method": self.method, "budget": self.budget, "engine": self.engine}
        return Training(ansatz, seeds=1, problem=self.problem, **settings)

    def tasks(self) -> list[Task]:
        """Return one task for each circuit, recipe and seed."""
        works = [
            _Compressing(self._training(cast(Ansatz, one)), recipe, seed)
            for one in self.contenders
            for recipe in self._recipes
            for seed in range(self.seeds)
        ]
        return [Task(task_key(work.inputs), work.label, work.rows) for work in works]


def _recipes(recipes: Any) -> tuple[tuple[RecipeStep, ...], ...]:
    """Return recipes as tuples of steps."""
    rows = [recipes] if isinstance(recipes, RecipeStep) else recipes
    if not isinstance(rows, Sequence) or isinstance(rows, str) or len(rows) == 0:
        raise QvarError(f"`recipes` must hold at least one recipe, such as qvar.Pruning('obs'), but is {shown(rows)}.")
    rows = [(row,) if isinstance(row, RecipeStep) else row for row in rows]
    for place, row in enumerate(rows):
        right = isinstance(row, Sequence) and len(row) > 0
        if not right or not all(isinstance(step, RecipeStep) for step in row):
            words = "a step such as qvar.Pruning('obs'), or a list of steps"
            raise QvarError(f"`recipes[{place}]` must be {words}, but is {shown(row)}.")
    return tuple(tuple(row) for row in rows)


def recipe_name(recipe: Sequence[RecipeStep]) -> str:
    """Return the names of all steps."""
    return ", ".join(step.name for step in recipe)


@dataclass(frozen=True)
class _Compressing:
    """One circuit from one seed by one recipe."""

    training: Training
    recipe: tuple[RecipeStep, ...]
    seed: int

    @property
    def circuit(self) -> Ansatz:
        return cast(Ansatz, self.training.contender)

    @property
    def label(self) -> str:
        return f"{self.circuit.name}: {recipe_name(self.recipe)}, seed {self.seed}"

    @property
    def inputs(self) -> dict[str, Any]:
        """JSON-able description of everything that the numbers depend on."""
        steps = [step.describe() for step in self.recipe]
        return {"study": "compression", "training": self.training.inputs, "recipe": steps, "seed": self.seed}

    def rows(self, report: Reporter) -> list[Row]:
        """Return the ledger's row; an error becomes a row with its message."""
        try:
            return [self._row(report)]
        except Exception as error:
            base = {"problem": self.training.problem_name, "contender": self.label, "family": self.circuit.family}
            base |= {"circuit": self.circuit.name, "recipe": recipe_name(self.recipe)}
            failed = failed_seeds(1, self.training.method, error_words(error))
            return [{**base, **row, "seed": self.seed} for row in failed]

    def _row(self, report: Reporter) -> Row:
        training, began, key = self.training, time.perf_counter(), jax.random.key(self.seed)
        objective = training.objective()
        start = objective.initial(key)

        def watch(look: Any, words: str) -> None:
            report(Progress(look.evaluations, training.method.evaluations(training.budget), words))

        [trained] = training.minimize(objective, {self.seed: start}, callback=watch)
        assert training.problem is not None  # an ansatz has one
        first = PathStep(
            action="start",
            n_params=objective.n_params,
            value=trained.value,
            resources=self.circuit.resources(),
            evaluations=trained.energy_evaluations,
        )
        work = Work(
            problem=training.problem,
            ansatz=self.circuit,
            theta=np.asarray(trained.theta),
            path=(first,),
            key=key,
            engine=training.engine,
        )
        for number, step in enumerate(self.recipe):
            report(Progress(number, len(self.recipe), step.name))
            work = step(work)
        name = f"{self.circuit.name}: {recipe_name(self.recipe)}"
        final = replace(work.ansatz, name=name)
        result = _result(work, trained, time.perf_counter() - began)
        ended = replace(training, contender=final)
        row = ended.row(ended.objective(), self.seed, result)
        return {
            **row,
            "circuit": self.circuit.name,
            "recipe": recipe_name(self.recipe),
            "start_value": float(trained.trace.value[0]),
            "trained_value": trained.value,
            "training_evaluations": trained.energy_evaluations,
            "compression": json.dumps([step.describe() for step in work.path]),
        }


def _result(work: Work, trained: Result, seconds: float) -> Result:
    """Return a compression as the result of one start, whose steps are those of the path."""
    values = np.array([step.value for step in work.path])
    evaluations = np.array([step.evaluations for step in work.path])
    trace = Trace(np.arange(len(values)), values, np.full(len(values), np.nan), evaluations)
    trace.gradient_norm[0] = trained.gradient_norm
    return replace(
        trained,
        value=float(values[-1]),
        theta=work.theta,
        gradient_norm=float("nan"),
        energy_evaluations=int(evaluations[-1]),
        gradient_evaluations=int(evaluations[-1]),
        iterations=len(values) - 1,
        lowest_curvature=float("nan"),
        trace=trace,
        wall_s=seconds,
        inverse_hessian=None,
    )
