"""Duel: contenders on one problem, under one method, one set of seeds and one budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, cast

from qvar.arguments import check_fields
from qvar.checks import different_names
from qvar.engines.energy import Engine
from qvar.errors import QvarError
from qvar.notebook import facts_html
from qvar.optimize.budget import Budget
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.columns import TRAINING_COLUMNS
from qvar.studies.contender import Maker, Trainable, contenders_of
from qvar.studies.training import Training, training_in
from qvar.task import LedgerColumn, Row, Task, task_key


@short_repr()
@dataclass(frozen=True, eq=False)
class Duel:
    """Trains every contender from the same number of random starts under the same budget.

    Each contender and method is one task: all its seeds run as one batch on the device. A seed is the integer that
    makes the JAX key `jax.random.key(seed)` which draws the start, so that all methods start at the same points.

    `columns` are those that it adds to the ledger.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = TRAINING_COLUMNS

    problem: Problem | None = None
    """Problem of all; None if all contenders are objectives, such as fits to data."""
    contenders: Sequence[Trainable | Maker] = ()
    """Ansätze and objectives with different names; a `Contender`, or a function such as `qvar.uccsd`, is called with
    the problem."""
    _: KW_ONLY
    method: Method | Sequence[Method] = field(default_factory=lbfgs)
    """Optimization method; every contender is trained by each of several."""
    seeds: int = 8
    """Number of random starts of each: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """Limits of the work of each start."""
    engine: Engine = "auto"
    """Simulator of the ansätze; see `qvar.energy`."""
    start_noise: float = 0.0
    """Standard deviation in radians of Gaussian noise added to every parameter of a start, so that seeds differ even if
    all of them start at one point, such as `"mp2"` or `"ccsd"`."""
    tolerance: float | None = None
    """Error at which a start has arrived, in the unit of the values; chemical accuracy for energies in hartree if
    None."""

    name: ClassVar[str] = "duel"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        if self.problem is None or isinstance(self.problem, Problem):
            object.__setattr__(self, "contenders", contenders_of(self.problem, self.contenders))
        check_fields(self, "seeds")
        different_names("contenders", [contender.name for contender in self._trainables])
        methods = [method.name for method in self.methods]
        if len(methods) == 0 or len(set(methods)) < len(methods):
            raise QvarError(f"`method` must be one method or several with different names, but is {methods}.")
        self.trainings()

    @property
    def _trainables(self) -> Sequence[Trainable]:
        """The contenders, made for the problem."""
        return cast("Sequence[Trainable]", self.contenders)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the duel uses, in `qvar/citations.bib`; `qvar cite` prints them."""
        return tuple(sorted(set().union(*(training.citations for _, training in self.trainings()))))

    @property
    def methods(self) -> tuple[Method, ...]:
        """The optimization methods; usually one."""
        return (self.method,) if isinstance(self.method, Method) else tuple(self.method)

    def _repr_html_(self) -> str:
        """Return who is compared on what, for a notebook."""
        facts = {
            "problem": None if self.problem is None else self.problem.name,
            "contenders": ", ".join(f"{one.name} ({one.n_params} parameters)" for one in self._trainables),
            "methods": ", ".join(method.name for method in self.methods),
            "starts of each": self.seeds,
            "budget of a start": str(self.budget),
        }
        return facts_html("Duel", facts)

    def trainings(self) -> list[tuple[Row, Training]]:
        """Return one training for each contender and method, in their order."""
        own = {"start_noise": self.start_noise, "tolerance": self.tolerance}
        return [
            ({}, training_in(self, contender, self.problem, method=method, **own))
            for contender in self._trainables
            for method in self.methods
        ]

    def tasks(self) -> list[Task]:
        """Return one task for each contender and method, in their order."""
        several = len(self.methods) > 1
        return [
            Task(
                task_key({"study": "duel", "training": training.inputs}),
                f"{training.contender.name}, {training.method.name}" if several else training.contender.name,
                training.rows,
            )
            for _, training in self.trainings()
        ]
