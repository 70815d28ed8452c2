"""Curve: contenders along a coordinate, such as a bond that breaks, each point trained from the one before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property, partial
from typing import Any, ClassVar

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.arguments import check_fields
from qvar.checks import different_names
from qvar.engines.energy import Engine
from qvar.errors import QvarError, error_words, require, shown
from qvar.optimize.budget import Budget
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.optimize.minimize import Look
from qvar.optimize.result import summed
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.columns import TRAINING_COLUMNS
from qvar.studies.contender import Maker, label_of, made_by, makers_of
from qvar.studies.training import Training, Watcher, check_seeds, failed_seeds, training_in
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key

_COSTS = ("energy_evaluations", "gradient_evaluations", "wall_s", "compile_s")
"""Costs of both starts of a point, which are counted together."""


@dataclass(frozen=True)
class _Place:
    """A point of the coordinate: its problem, or why there is none."""

    coordinate: float
    problem: Problem | None
    message: str = ""


@dataclass(frozen=True)
class _Stop:
    """One contender at one point: its training, or why there is none."""

    coordinate: float
    title: str
    training: Training | None
    inputs: dict[str, Any] | str
    """Inputs of the training, or the error."""


@short_repr()
@dataclass(frozen=True, eq=False)
class Curve:
    """Trains every contender at every point of a coordinate, such as the length of a bond.

    Each contender is one task, which walks the points in their order. At the first one its seeds start as in a
    `qvar.Duel`. At each further one every seed starts twice, from the parameters that it reached at the last point
    before and from its own start, and the lower of the two ends is kept; both are counted. So a branch that the walk
    has followed is left if a lower one is found, and no point is worse than it would be alone. Where the
    circuit has another number of parameters than before, the own start is all there is, and `message` says so.

    The ledger has one row per contender, seed and point, with the further `columns`. The trace, and with it
    `evaluations_to_tolerance`, is that of the start that was kept.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = (
        *TRAINING_COLUMNS,
        LedgerColumn("coordinate", "float64", "Coordinate of the row's point.", unit="`coordinate_unit`"),
        LedgerColumn("coordinate_name", "string", "Name of the coordinate, such as bond."),
        LedgerColumn("coordinate_unit", "string", "Unit of `coordinate`, such as angstrom."),
        LedgerColumn("started_from", "string", "Start that was kept: `own`, as in a duel, or `before`, the parameters "
            "of the last point before."),
        LedgerColumn("npe", "float64", "Non-parallelity error: greatest minus smallest signed error along this seed's "
            "curve; empty if a point failed.", unit="the row's `unit`"),
    )  # fmt: skip

    problem: Callable[[float], Problem]
    """Makes the problem at a point, such as `lambda bond: qvar.hydrogen_chain(4, bond=bond)`."""
    coordinates: Sequence[float]
    """The points, in the order of the walk."""
    contenders: Sequence[Maker]
    """Functions such as `qvar.uccsd` that make an ansatz for a problem, or a `Contender`; names differ."""
    _: KW_ONLY
    method: Method = field(default_factory=lbfgs)
    """Optimization method of all."""
    seeds: int = 4
    """Number of starts of each contender: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """Limits of the work of each start at each point."""
    engine: Engine = "auto"
    """Simulator of the ansätze; see `qvar.energy`."""
    warm_start: bool = True
    """True if points start from the one before; otherwise from their own starts alone."""
    coordinate: str = "bond"
    """Name of the coordinate."""
    unit: str = "angstrom"
    """Unit of the coordinate."""

    name: ClassVar[str] = "curve"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "contenders", makers_of(self.contenders))
        check_fields(self, "seeds")
        check_seeds(self.seeds, 1)
        places = [float(x) for x in self.coordinates]
        require(len(places) >= 1 and len(set(places)) == len(places), "coordinates", "hold different numbers", places)
        object.__setattr__(self, "coordinates", tuple(places))

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the curve uses, in `qvar/citations.bib`."""
        return tuple(sorted(set().union(*(training.citations for _, training in self.trainings()))))

    def trainings(self) -> list[tuple[Row, Training]]:
        """Return the trainings of all contenders and points, each with its coordinate."""
        stops = [stop for _, stops in self._walks for stop in stops]
        return [({"coordinate": stop.coordinate}, stop.training) for stop in stops if stop.training is not None]

    def tasks(self) -> list[Task]:
        """Return one task for each contender, in their order.

        Raises:
            QvarError: if two contenders have one name, or no point has a problem.
        """
        different_names("contenders", [name for name, _ in self._walks])
        return [Task(self._key(name, stops), name, partial(_walk, self, name, stops)) for name, stops in self._walks]

    def _key(self, name: str, stops: Sequence[_Stop]) -> str:
        inputs = {
            "study": "curve",
            "contender": name,
            "coordinate": [self.coordinate, self.unit],
            "warm_start": self.warm_start,
            "seeds": self.seeds,
            "stops": [[stop.coordinate, stop.title, stop.inputs] for stop in stops],
        }
        return task_key(inputs)

    @cached_property
    def _places(self) -> list[_Place]:
        """All points; one whose problem cannot be made, such as no converged Hartree-Fock, has a message."""
        places, mistakes = [], []
        for coordinate in self.coordinates:
            try:
                problem = self.problem(coordinate)
                if not isinstance(problem, Problem):
                    raise QvarError(f"`problem` must return a problem, but returned {shown(problem)}.")
                places.append(_Place(coordinate, problem))
            except Exception as error:
                mistakes.append(error)
                places.append(_Place(coordinate, None, error_words(error)))
        if len(mistakes) == len(places):  # no accident of one geometry
            raise mistakes[0]
        return places

    @cached_property
    def _walks(self) -> list[tuple[str, list[_Stop]]]:
        """Name and stops of every contender."""
        names = [place.problem.name for place in self._places if place.problem]
        distinct = len(set(names)) == len(names)
        walks = []
        for position, make in enumerate(self.contenders):
            stops, name = [], ""
            for place in self._places:
                at = f"{self.coordinate} {place.coordinate:g} {self.unit}".rstrip()
                title = (
                    at if place.problem is None else place.problem.name if distinct else f"{place.problem.name}, {at}"
                )
                training, inputs = None, place.message
                if place.problem is not None:
                    try:
                        contender = made_by(make, place.problem)
                        name = name or contender.name
                        training = training_in(self, replace(contender, name=name), place.problem)
                        inputs = training.inputs
                    except Exception as error:
                        training, inputs = None, error_words(error)
                stops.append(_Stop(place.coordinate, title, training, inputs))
            walks.append((name or label_of(make, f"contender {position + 1}"), stops))
        return walks


def _walk(curve: Curve, name: str, stops: Sequence[_Stop], report: Reporter) -> list[Row]:
    """Return the ledger rows of one contender, seed by seed along the coordinate."""
    reached: dict[int, FloatArray] = {}
    rows: list[Row] = []
    for position, stop in enumerate(stops):

        def watch(look: Look, words: str, stop: _Stop = stop, position: int = position) -> None:
            granted = curve.method.evaluations(curve.budget)
            done, total = position * granted + look.evaluations, len(stops) * granted
            report(Progress(done, total, f"{curve.coordinate} {stop.coordinate:g}: {words}"))

        try:
            if stop.training is None:
                here = _failed(curve, name, stop, str(stop.inputs))
            else:
                here, thetas = _train(stop.training, reached if curve.warm_start else {}, watch)
                reached |= thetas
        except Exception as error:
            here = _failed(curve, name, stop, error_words(error))
        place = {"coordinate": stop.coordinate, "coordinate_name": curve.coordinate, "coordinate_unit": curve.unit}
        rows += [{**place, **row, "problem": stop.title} for row in here]
    rows.sort(key=lambda row: row["seed"])  # stable: the points of a seed stay in order
    for seed in range(curve.seeds):
        own = [row for row in rows if row["seed"] == seed]
        errors = [row.get("error", math.nan) for row in own]
        for row in own:
            row["npe"] = max(errors) - min(errors) if np.isfinite(errors).all() else math.nan
    return rows


def _failed(curve: Curve, name: str, stop: _Stop, message: str) -> list[Row]:
    if stop.training is not None:
        return stop.training.failed_rows(message)
    return [{"contender": name, **row} for row in failed_seeds(curve.seeds, curve.method, message)]


def _train(
    training: Training, reached: Mapping[int, FloatArray], watch: Watcher
) -> tuple[list[Row], dict[int, FloatArray]]:
    """Return the rows of all seeds at one stop, and the parameters of those whose value is finite."""
    objective = training.objective()
    own_starts = {seed: objective.initial(jax.random.key(seed)) for seed in range(training.seeds)}
    fitting = {seed: theta for seed, theta in reached.items() if len(theta) == objective.n_params}
    own = training.minimize(objective, own_starts, callback=watch)
    before = dict(zip(fitting, training.minimize(objective, fitting, callback=watch), strict=True))
    rows, thetas = [], {}
    for seed, result in enumerate(own):
        ends = {"own": result, **({"before": before[seed]} if seed in before else {})}
        started_from = min(ends, key=lambda start: ends[start].value if np.isfinite(ends[start].value) else math.inf)
        kept = replace(ends[started_from], **summed(list(ends.values()), *_COSTS))
        row = {**training.row(objective, seed, kept), "started_from": started_from}
        if seed in reached and seed not in before:
            was, now = len(reached[seed]), objective.n_params
            row["message"] = f"Only its own start: the circuit has {now} parameters here, and had {was} before."
        rows.append(row)
        if np.isfinite(kept.value):
            thetas[seed] = kept.theta
    return rows, thetas
