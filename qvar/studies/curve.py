"""Curve: contenders along a coordinate, such as a bond that breaks, each point trained from the one before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import check_fields
from qvar.engines.energy import Engine, energy
from qvar.errors import QvarError, require, shown
from qvar.optimize.budget import Budget, Status
from qvar.optimize.methods import Method, lbfgs
from qvar.optimize.minimize import Look, minimize_batch
from qvar.optimize.result import Result
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.contender import Maker, made_by, makers_of
from qvar.studies.duel import Duel, check_seeds, ledger_row, progress_words
from qvar.task import Progress, Reporter, Row, Task, error_words, task_key


@dataclass(frozen=True)
class _Place:
    """A point of the coordinate: its problem, or why there is none."""

    coordinate: float
    problem: Problem | None
    message: str = ""


@dataclass(frozen=True)
class _Stop:
    """One contender at one point: a duel of one, or why there is none."""

    coordinate: float
    title: str
    duel: Duel | None
    inputs: dict[str, Any] | str
    """What its numbers depend on: the duel's inputs, or what went wrong."""

    @property
    def ansatz(self) -> Ansatz:
        """The contender; only where there is a duel."""
        assert self.duel is not None
        (contender,) = self.duel.contenders
        assert isinstance(contender, Ansatz)
        return contender


@short_repr()
@dataclass(frozen=True, eq=False)
class Curve:
    """Trains every contender at every point of a coordinate, such as the length of a bond.

    Each contender is one task, which walks the points in their order. At the first one its seeds start as in a
    `qvar.Duel`. At each further one every seed starts twice, from the parameters that it reached at the last point
    before and from its own start, and the lower of the two ends is kept; both are counted. So a branch that the walk
    has followed is left where a lower one is found, and no point is worse than it would be alone. Where the
    circuit has another number of parameters than before, the own start is all there is, and `message` says so.

    The ledger has one row per contender, seed and point, and beside the usual columns `coordinate`,
    `coordinate_name`, `coordinate_unit`, `started_from` ("own" or "before": which start was kept) and `npe`, the
    non-parallelity error of that seed's curve, its greatest minus its smallest signed error, in the row's unit;
    missing where a point has no finite value. The trace, and with it `evaluations_to_tolerance`, is that of the start
    that was kept.
    """

    problem: Callable[[float], Problem]
    """Makes the problem at a point, such as `lambda bond: qvar.hydrogen_chain(4, bond=bond)`."""
    coordinates: Sequence[float]
    """The points, in the order of the walk."""
    contenders: Sequence[Maker]
    """Who answers: functions that make an ansatz for a problem; names differ."""
    method: Method = field(default_factory=lbfgs)
    """Optimization method of all."""
    seeds: int = 4
    """Number of starts of each contender: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """What each start at each point may spend."""
    engine: Engine = "auto"
    """Which simulator runs the ansätze; see `qvar.energy`."""
    warm_start: bool = True
    """Whether points start from the one before; otherwise each stands alone, with its own starts."""
    coordinate: str = "bond"
    """What the coordinate is called."""
    unit: str = "angstrom"
    """Unit of the coordinate."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "contenders", makers_of(self.contenders))
        check_fields(self, "seeds")
        check_seeds(self.seeds, 1)
        places = [float(x) for x in self.coordinates]
        require(len(places) >= 1 and len(set(places)) == len(places), "coordinates", "hold different numbers", places)
        object.__setattr__(self, "coordinates", tuple(places))

    @property
    def name(self) -> str:
        """`"curve"`."""
        return "curve"

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the papers and software that the curve rests on, in `qvar/citations.bib`."""
        duels = [stop.duel for _, stops in self._walks for stop in stops if stop.duel is not None]
        return tuple(sorted({key for duel in duels for key in duel.references}))

    def tasks(self) -> list[Task]:
        """One task per contender, in their order.

        Raises:
            QvarError: if two contenders have one name, or no point has a problem.
        """
        names = [name for name, _ in self._walks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise QvarError(f"`contenders` must have different names, but {twice[0]!r} stands more than once.")
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
        """All points; where a problem cannot be made, such as no converged Hartree-Fock, the point says why."""
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
        told = len(set(names)) == len(names)  # do the problems' names tell the points apart?
        walks = []
        for position, make in enumerate(self.contenders):
            stops, name = [], ""
            for place in self._places:
                at = f"{self.coordinate} {place.coordinate:g} {self.unit}".rstrip()
                title = at if place.problem is None else place.problem.name if told else f"{place.problem.name}, {at}"
                duel, inputs = None, place.message
                if place.problem is not None:
                    try:
                        ansatz = made_by(make, place.problem)
                        name = name or ansatz.name
                        duel = self._duel(place.problem, replace(ansatz, name=name))
                        inputs = duel.inputs(duel.contenders[0])
                    except Exception as error:
                        duel, inputs = None, error_words(error)
                stops.append(_Stop(place.coordinate, title, duel, inputs))
            walks.append((name or getattr(make, "__name__", f"contender {position + 1}"), stops))
        return walks

    def _duel(self, problem: Problem, ansatz: Ansatz) -> Duel:
        return Duel(problem, [ansatz], self.method, self.seeds, self.budget, self.engine)


# ---------------------------------------------------------------------------------------------------------------------
# Walking

Told: TypeAlias = Callable[[Look, float, str], None]
"""What is told while a stop is trained: a look at it, the exact value and the unit."""


def _walk(curve: Curve, name: str, stops: Sequence[_Stop], report: Reporter) -> list[Row]:
    """The ledger rows of one contender, seed by seed along the coordinate."""
    reached: dict[int, FloatArray] = {}
    rows: list[Row] = []
    for position, stop in enumerate(stops):

        def tell(look: Look, exact: float, unit: str, stop: _Stop = stop, position: int = position) -> None:
            granted = curve.method.evaluations(curve.budget)
            words = f"{curve.coordinate} {stop.coordinate:g}: {progress_words(look, exact, unit)}"
            report(Progress(position * granted + look.evaluations, len(stops) * granted, words))

        try:
            if stop.duel is None:
                found = _failed(curve, name, stop, str(stop.inputs))
            else:
                found, thetas = _train(stop, stop.duel, reached if curve.warm_start else {}, tell)
                reached |= thetas
        except Exception as error:
            found = _failed(curve, name, stop, error_words(error))
        place = {"coordinate": stop.coordinate, "coordinate_name": curve.coordinate, "coordinate_unit": curve.unit}
        rows += [{**place, **row, "problem": stop.title} for row in found]
    rows.sort(key=lambda row: row["seed"])  # stable: the points of a seed stay in order
    for seed in range(curve.seeds):
        mine = [row for row in rows if row["seed"] == seed]
        errors = [row.get("error", math.nan) for row in mine]
        for row in mine:
            row["npe"] = max(errors) - min(errors) if np.isfinite(errors).all() else math.nan
    return rows


def _failed(curve: Curve, name: str, stop: _Stop, message: str) -> list[Row]:
    base = {"contender": name, "method": curve.method.name, "status": Status.FAILED.value, "message": message}
    if stop.duel is not None:
        base |= {"family": stop.ansatz.family, "n_params": stop.ansatz.n_params}
    return [{**base, "seed": seed} for seed in range(curve.seeds)]


def _train(
    stop: _Stop, duel: Duel, reached: Mapping[int, FloatArray], tell: Told
) -> tuple[list[Row], dict[int, FloatArray]]:
    """The rows of all seeds at one stop, and the parameters of those that ended well.

    Args:
        stop: where.
        duel: its duel.
        reached: parameters of the seeds at the last point before.
        tell: called now and then.
    """
    objective = energy(duel.problem, stop.ansatz, duel.engine)
    exact = objective.target() if objective.target else math.nan

    def train(starts: Mapping[int, Any]) -> list[Result]:
        def hook(look: Look) -> None:
            tell(look, exact, objective.unit)

        if not starts:
            return []
        thetas, keys = jnp.stack(list(starts.values())), jnp.stack([jax.random.key(seed) for seed in starts])
        return minimize_batch(objective, thetas, duel.methods[0], duel.budget, hook, keys=keys)

    fitting = {seed: theta for seed, theta in reached.items() if len(theta) == objective.n_params}
    own = train({seed: objective.initial(jax.random.key(seed)) for seed in range(duel.seeds)})
    before = dict(zip(fitting, train(fitting), strict=True))
    rows, thetas = [], {}
    for seed, result in enumerate(own):
        ends = {"own": result, **({"before": before[seed]} if seed in before else {})}
        started_from = min(ends, key=lambda start: _height(ends[start]))
        kept = _with_costs(ends[started_from], list(ends.values()))
        row = {**ledger_row(duel, objective, exact, seed, kept), "started_from": started_from}
        if seed in reached and seed not in before:
            was, now = len(reached[seed]), objective.n_params
            row["message"] = f"Only its own start: the circuit has {now} parameters here, and had {was} before."
        rows.append(row)
        if np.isfinite(kept.value):
            thetas[seed] = kept.theta
    return rows, thetas


def _height(result: Result) -> float:
    return result.value if np.isfinite(result.value) else math.inf


def _with_costs(kept: Result, ends: Sequence[Result]) -> Result:
    """The end that is kept, with what all of them cost."""
    return replace(
        kept,
        energy_evaluations=sum(end.energy_evaluations for end in ends),
        gradient_evaluations=sum(end.gradient_evaluations for end in ends),
        wall_s=sum(end.wall_s for end in ends),
        compile_s=sum(end.compile_s for end in ends),
    )
