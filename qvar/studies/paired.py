"""Paired: ways to train circuits, compared seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property, partial
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import check_fields
from qvar.checks import different_names
from qvar.diagnostics.fisher_information import fisher_rank, fisher_rank_bound
from qvar.engines.energy import Engine
from qvar.errors import QvarError, error_words, require
from qvar.objective import Objective
from qvar.optimize.budget import Budget
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.optimize.minimize import Look
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.columns import START_VALUE, TRAINING_COLUMNS
from qvar.studies.recipes import Distillation, Recipe
from qvar.studies.training import (
    Training,
    check_seeds,
    exact_value,
    minima_of,
    noisy_start,
    progress_words,
    recovered,
    training_in,
)
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key

AGAINST = LedgerColumn(
    "against", "string", "Name of the contender that this one is compared with, seed by seed; empty if with none."
)

DISTANCE = LedgerColumn(
    "distance",
    "float64",
    "Place of the contender on an axis of the study, such as the change of a bond length; empty if there is none.",
)

PAIRED_COLUMNS = (
    START_VALUE,
    LedgerColumn("start_recovered", "float64", "Share of the correlation energy at the start of the training: 0 for "
        "the reference, 1 for the exact energy."),
    AGAINST,
    DISTANCE,
    LedgerColumn("infidelity", "float64", "Infidelity to the teacher's state after all trainings."),
    LedgerColumn("matched_infidelity", "float64", "Infidelity after the training on the teacher's state."),
    LedgerColumn("matched_evaluations", "Int64", "Evaluations in the training on the teacher's state, which are part "
        "of all."),
    LedgerColumn("fisher_rank", "Int64", "Rank of the quantum Fisher information, the largest over some random points: "
        "number of independent directions in which the state can move."),
    LedgerColumn("fisher_rank_bound", "Int64", "Largest rank that any circuit can have on states of this kind, real or "
        "complex."),
    LedgerColumn("recipe", "string", "Training in place of plain minimization; empty if there is none."),
)  # fmt: skip
"""Columns of a paired study beside those of trainings."""


@short_repr("name", "against")
@dataclass(frozen=True, eq=False)
class Way:
    """A circuit, how it is trained, and the way that it is compared with."""

    name: str
    """Name in the ledger."""
    ansatz: Ansatz
    """The circuit, with its start."""
    _: KW_ONLY
    recipe: Recipe | None = None
    """Training in place of plain minimization, such as `qvar.Distillation(state)`; none if None."""
    against: str = ""
    """Name of the way that it is compared with, from the same seeds; none if empty."""
    problem: Problem | None = None
    """Problem of its own; that of the study if None."""
    distance: float | None = None
    """Place on an axis, such as the change of a bond length."""

    def __post_init__(self) -> None:
        check_fields(self)


@short_repr("ways", "seeds")
@dataclass(frozen=True, eq=False)
class Paired:
    """Ways to train circuits, each from the same seeds, compared with each other seed by seed.

    A draw of more angles begins with the draw of fewer angles from the same seed. So if layers are added to a circuit,
    and its parameters lie layer by layer, its start is that of the smaller circuit with the added angles drawn.

    A way helped if it ended lower than the one that it is compared with in significantly more than half of the seeds in
    which they differ, hurt if in less, and is undecided else; `qvar.analysis.paired_table` has the intervals.

    `columns` are those that it adds to the ledger.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = (*TRAINING_COLUMNS, *PAIRED_COLUMNS)

    problem: Problem
    """Problem of all ways without one of their own."""
    ways: Sequence[Way]
    """Ways with different names."""
    _: KW_ONLY
    method: Method = field(default_factory=lbfgs)
    """Optimization method of all."""
    seeds: int = 20
    """Number of starts of each: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """Limits of the work of each training of each start."""
    engine: Engine = "auto"
    """Simulator; see `qvar.energy`."""
    start_noise: float = 0.0
    """Standard deviation in radians of Gaussian noise added to every parameter of a start."""
    tolerance: float | None = None
    """Largest error of a start that succeeds, in the problem's unit; chemical accuracy for energies in hartree if
    None."""
    fisher_samples: int = 0
    """Random points over which the largest rank of the Fisher information is taken; 0 for no rank."""

    name: ClassVar[str] = "paired"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        check_fields(self, "seeds", "fisher_samples")
        require(len(self.ways) > 0, "ways", "hold at least one qvar.Way", self.ways)
        names = [way.name for way in self.ways]
        different_names("ways", names)
        for way in self.ways:
            if way.against and (way.against not in names or way.against == way.name):
                raise QvarError(f"`against` must be the name of another way, but is {way.against!r} for {way.name}.")
        check_seeds(self.seeds, 1)
        require(self.fisher_samples >= 0, "fisher_samples", "not be negative", self.fisher_samples)
        for way, (_, training) in zip(self.ways, self.trainings(), strict=True):
            if isinstance(way.recipe, Distillation):
                way.recipe.lesson(training)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        keys = {"haug2021"} if self.fisher_samples else set[str]()
        recipes = (way.recipe.citations for way in self.ways if way.recipe is not None)
        return tuple(sorted(keys.union(*recipes, *(training.citations for _, training in self.trainings()))))

    def trainings(self) -> list[tuple[Row, Training]]:
        """Return the training of each way, with the columns that distinguish it."""
        return self._trainings

    @cached_property
    def _trainings(self) -> list[tuple[Row, Training]]:
        own = {"start_noise": self.start_noise, "tolerance": self.tolerance}
        return [
            (
                {"contender": way.name, "against": way.against, "distance": way.distance},
                training_in(self, way.ansatz, way.problem or self.problem, **own),
            )
            for way in self.ways
        ]

    def tasks(self) -> list[Task]:
        """Return one task for each way."""
        tasks = []
        for way, (own, training) in zip(self.ways, self.trainings(), strict=True):
            recipe = None if way.recipe is None else way.recipe.describe()
            inputs = {**own, "study": "paired", "training": training.inputs, "recipe": recipe}
            inputs["fisher_samples"] = self.fisher_samples
            tasks.append(Task(task_key(inputs), way.name, partial(_rows, self, way, own, training)))
        return tasks


def _rows(study: Paired, way: Way, own: Row, training: Training, report: Reporter) -> list[Row]:
    """Return the rows of all seeds of a way; an error becomes rows with its message."""
    try:
        objective = training.objective()
        if study.fisher_samples:
            rank = fisher_rank(objective, key=jax.random.key(0), samples=study.fisher_samples)
            own = {**own, "fisher_rank": rank, "fisher_rank_bound": fisher_rank_bound(objective)}
        if way.recipe is None:
            rows = training.run(report).rows
            return [{**row, **_start(objective, row["trace_value"][0]), **own} for row in rows]
        keys = [jax.random.key(seed) for seed in range(training.seeds)]
        starts = np.stack([np.asarray(noisy_start(objective, key, training.start_noise)) for key in keys])
        values = np.asarray(objective.loss_batch(starts)).tolist()
        exact = exact_value(objective)

        def watch(look: Look) -> None:
            words = progress_words(look, exact, objective.unit)
            report(Progress(look.evaluations, training.method.evaluations(training.budget), words))

        own = {**own, "recipe": way.recipe.describe()["recipe"]}
        ends = way.recipe.train(training, starts, keys=jnp.stack(keys), callback=watch)
        minima = minima_of(objective, [result for result, _ in ends])
        return [
            {**training.row(objective, seed, result), "minimum": minimum, **_start(objective, value), **more, **own}
            for seed, ((result, more), minimum, value) in enumerate(zip(ends, minima, values, strict=True))
        ]
    except Exception as error:
        return [{**row, **own} for row in training.failed_rows(error_words(error))]


def _start(objective: Objective, value: float) -> Row:
    """Return the columns of the start's value."""
    return {"start_value": value, "start_recovered": recovered(objective, value)}
