"""Capacity: what a circuit can reach layer by layer, and from which depth on training finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property, partial
from typing import ClassVar

import jax

from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import check_fields
from qvar.checks import counting_number, different_names
from qvar.diagnostics.fisher_information import effective_dimension, fisher_rank, fisher_rank_bound
from qvar.diagnostics.lie_algebra import LIMIT, lie_closure
from qvar.engines.energy import Engine, energy
from qvar.errors import QvarError, error_words, require, shown
from qvar.memory import require_memory
from qvar.optimize.budget import Budget
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.columns import LIE_DIMENSION, TRAINING_COLUMNS, estimated
from qvar.studies.contender import Contender, made_by
from qvar.studies.training import Training, check_seeds, training_in
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key


@short_repr()
@dataclass(frozen=True, eq=False)
class Capacity:
    """Rank of the quantum Fisher information and success of training against the number of layers.

    A circuit is overparametrized from the depth on where the rank no longer grows: then the state can move in every
    direction that any deeper circuit of its kind could move it in, and local minima that are none of the problem's own
    disappear (Larocca et al., Nat. Comput. Sci. 3, 542 (2023), https://doi.org/10.1038/s43588-023-00467-6).

    Each contender and depth is one task, whose seeds are trained as in a `qvar.Duel`; `columns` are those of the
    ledger beside the common ones.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = (
        *TRAINING_COLUMNS,
        LedgerColumn("fisher_rank", "Int64", "Rank of the quantum Fisher information, the largest over "
            "`fisher_samples` random points: number of independent directions in which the state can move."),
        LedgerColumn("fisher_rank_bound", "Int64", "Largest rank that any circuit can have on states of this kind, "
            "real or complex."),
        LedgerColumn("fisher_samples", "Int64", "Random points at which the rank is taken."),
        *estimated(
            "effective_dimension",
            "Effective dimension (Abbas et al. 2021) with the quantum Fisher information and 10^6 observations: number "
            "of parameters that these can distinguish.",
        ),
        LIE_DIMENSION,
        LedgerColumn("lie_limit", "Int64", "Dimension up to which a Lie algebra is counted."),
    )  # fmt: skip

    problem: Problem
    """Problem of all."""
    contenders: Sequence[Contender]
    """Circuits with their numbers of `layers`; names differ."""
    tolerance: float
    """Largest error of a seed that succeeds, in the problem's unit."""
    _: KW_ONLY
    method: Method = field(default_factory=lbfgs)
    """Optimization method of all."""
    seeds: int = 20
    """Number of random starts of each depth: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """Limits of the work of each start."""
    fisher_samples: int = 4
    """Random points over which the largest rank is taken."""
    dimension_samples: int = 0
    """Random points of the effective dimension, at least 2; 0 for none."""
    seed: int = 0
    """Number that makes the JAX key of these points."""
    engine: Engine = "auto"
    """Simulator of the circuits; see `qvar.energy`."""
    lie_limit: int = LIMIT
    """A Lie algebra is counted up to this dimension; 0 for no count."""

    name: ClassVar[str] = "capacity"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        if isinstance(self.contenders, Contender):
            object.__setattr__(self, "contenders", (self.contenders,))
        check_fields(self, "seeds", "fisher_samples", "dimension_samples")
        require(len(self.contenders) >= 1, "contenders", "hold at least one Contender", self.contenders)
        different_names("contenders", [contender.name for contender in self.contenders])
        for contender in self.contenders:
            require(len(contender.layers) >= 1, "layers", "hold different positive integers", contender.layers)
        require(self.tolerance > 0, "tolerance", "be positive", self.tolerance)
        check_seeds(self.seeds, 1)
        counting_number("fisher_samples", self.fisher_samples)
        samples = self.dimension_samples
        require(samples >= 0 and samples != 1, "dimension_samples", "be 0 or at least 2", samples)
        for argument in ("fisher_samples", "dimension_samples"):
            require_memory(argument, getattr(self, argument), 8 * getattr(self, argument))
        require(self.lie_limit >= 0, "lie_limit", "not be negative", self.lie_limit)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        keys = {"jax2018", "jones2020", "bergholm2018", "larocca2023", "haug2021"}
        keys |= {"abbas2021"} if self.dimension_samples else set()
        return tuple(sorted(keys.union(*(training.citations for _, training in self.trainings()))))

    def trainings(self) -> list[tuple[Row, Training]]:
        """Return the trainings of all contenders and depths, each with its series and number of layers."""
        return [({"series": depth.series, "layers": depth.layers}, depth.training) for depth in self._depths]

    def tasks(self) -> list[Task]:
        """Return one task for each contender and depth, the depths of a contender together."""
        return [Task(self._key(depth), depth.ansatz.name, partial(_measure, self, depth)) for depth in self._depths]

    def _key(self, depth: _Depth) -> str:
        inputs = {
            "study": "capacity",
            "series": depth.series,
            "layers": depth.layers,
            "training": depth.training.inputs,
            "fisher_samples": self.fisher_samples,
            "dimension_samples": self.dimension_samples,
            "seed": self.seed,
            "tolerance": float(self.tolerance),
            "lie_limit": self.lie_limit,
        }
        return task_key(inputs)

    @cached_property
    def _depths(self) -> list[_Depth]:
        depths = []
        for contender in self.contenders:
            for layers, depth in zip(contender.layers, contender.depths, strict=True):
                ansatz = made_by(depth, self.problem)
                if not isinstance(ansatz, Ansatz):
                    raise QvarError(f"`make` must return an ansatz, but returned {shown(ansatz)}.")
                depths.append(_Depth(contender.name, layers, ansatz, training_in(self, ansatz, self.problem)))
        return depths


@dataclass(frozen=True, eq=False)
class _Depth:
    """A contender at one depth."""

    series: str
    layers: int
    ansatz: Ansatz
    training: Training


def _measure(study: Capacity, depth: _Depth, report: Reporter) -> list[Row]:
    """Return the rows of all seeds at one depth."""
    own: Row = {"series": depth.series, "layers": depth.layers, "tolerance": float(study.tolerance)}
    base: Row = {**own, "fisher_samples": study.fisher_samples}
    try:
        report(Progress(0, study.budget.gradients, "Fisher information"))
        base |= _capacity(study, depth)
    except Exception as error:  # the training is worth having all the same
        base |= {"message": error_words(error)}
    return [{**base, **row, **own} for row in depth.training.rows(report)]


def _capacity(study: Capacity, depth: _Depth) -> Row:
    """Return what the circuit can do, found by training or not."""
    objective = energy(study.problem, depth.ansatz, engine=study.engine)
    rank_key, dimension_key = jax.random.split(jax.random.key(study.seed))
    row: Row = {
        "fisher_rank": fisher_rank(objective, key=rank_key, samples=study.fisher_samples),
        "fisher_rank_bound": fisher_rank_bound(objective),
    }
    if study.dimension_samples:
        dimension = effective_dimension(objective, key=dimension_key, samples=study.dimension_samples)
        row |= {
            "effective_dimension": dimension.value,
            "effective_dimension_low": dimension.low,
            "effective_dimension_high": dimension.high,
        }
        row |= {"effective_dimension_needed": dimension.needed} if dimension.needed is not None else {}
    return row | _lie_dimension(study, depth)


def _lie_dimension(study: Capacity, depth: _Depth) -> Row:
    if study.lie_limit == 0 or depth.ansatz.program.angle_function is not None:
        return {}
    algebra = lie_closure(depth.ansatz, limit=study.lie_limit)
    if not algebra.complete and algebra.dimension <= study.lie_limit:  # memory ended the search
        return {}
    return {"lie_dimension": algebra.dimension if algebra.complete else None, "lie_limit": study.lie_limit}
