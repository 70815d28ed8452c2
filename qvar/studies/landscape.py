"""Landscape: what lies around a start and an end of training, how curved it is, and what leaks on the way."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal, cast

import jax
import numpy as np

from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import check_fields
from qvar.checks import different_names
from qvar.diagnostics.curvature import hessian_extremes, hessian_spectrum, hessian_summary, hessian_trace
from qvar.diagnostics.landscape import (
    hessian_directions,
    random_directions,
    scan_between,
    scan_plane,
)
from qvar.diagnostics.symmetry import leakage_along
from qvar.engines.energy import Engine
from qvar.engines.pauli_hamiltonian import conserves_ones
from qvar.errors import error_words, require
from qvar.memory import require_memory
from qvar.objective import Objective
from qvar.optimize.budget import Budget, Status
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.optimize.result import Result
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.columns import TRAINING_COLUMNS
from qvar.studies.contender import Maker, Trainable, contenders_of
from qvar.studies.training import Training, training_in
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key

MAX_PATH = 50
"""Points of a path at which leakage is measured, at most."""

MAX_DENSE = 1000
"""With more parameters than this the Hessian is known by its ends and its trace, from products."""

TRACE_SAMPLES = 100
"""Random vectors that then give the trace."""


_PLANES = {
    "start": "two random orthogonal directions",
    "end": "the two directions of largest curvature",
}


def _curvature_columns(where: Literal["start", "end"]) -> tuple[LedgerColumn, ...]:
    """Return the columns of the Hessian, and of the plane, at the start or at the end of a training."""
    at, unit = f"of the Hessian at the {where}", "the row's `unit` per radian squared"
    return (
        LedgerColumn(f"{where}_smallest_curvature", "float64", f"Smallest eigenvalue {at}.", unit=unit),
        LedgerColumn(f"{where}_largest_curvature", "float64", f"Largest eigenvalue {at}.", unit=unit),
        LedgerColumn(f"{where}_hessian_trace", "float64", f"Sum of the eigenvalues {at}.", unit=unit),
        LedgerColumn(f"{where}_negative_directions", "Int64", f"Number of negative eigenvalues {at}, of n_params."),
        LedgerColumn(f"{where}_flat_directions", "Int64", f"Number of eigenvalues {at} below 1e-6 of the largest."),
        LedgerColumn(
            f"{where}_condition_number",
            "float64",
            f"Largest over smallest of the positive eigenvalues {at} that are not flat.",
        ),
        LedgerColumn(
            f"{where}_spectrum",
            "string",
            f"JSON list: all eigenvalues {at} of the seed that ended lowest.",
            unit=unit,
        ),
        LedgerColumn(
            f"{where}_plane",
            "string",
            f"JSON: `value` (rows along the first direction) around the {where} of the seed that ended lowest, on the "
            f"plane of {_PLANES[where]}, at the positions `first` and `second`, in radians.",
            unit="the row's `unit`",
        ),
    )


@short_repr()
@dataclass(frozen=True, eq=False)
class Landscape:
    """Trains contenders as a `qvar.Duel` does, and looks at the landscape that they were trained in.

    Every seed's row has the Hessian's signs and ends at its start and its end, the distinct minimum that it ended in,
    and, where the problem conserves numbers of electrons or a magnetization, how much of the state lies outside of the
    right sector. The row of the seed that ended lowest has the scans: the straight line from its start to its end and
    beyond, a plane around its start along two random directions, and a plane around its end along the two directions
    of largest curvature. `columns` are those of the ledger beside the common ones; those of several numbers are JSON
    texts.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = (
        *TRAINING_COLUMNS,
        LedgerColumn("line_scan", "string", "JSON: `value` on the straight line from start to end of the seed that "
            "ended lowest, at the positions `t`, 0 at the start and 1 at the end; empty for the other seeds.",
            unit="the row's `unit`"),
        LedgerColumn("line_minima", "Int64", "Minima on that line, the end among them if it is one."),
        LedgerColumn("line_variation", "float64", "Sum of all climbs and descents along that line.",
            unit="the row's `unit`"),
        *_curvature_columns("start"),
        *_curvature_columns("end"),
        LedgerColumn("sector_weight", "float64", "Weight of the trained state in the right sector: the reference's "
            "numbers of spin-up and spin-down electrons, or, for a spin model, its number of ones. 1 if nothing has "
            "leaked."),
        LedgerColumn("symmetry_price", "float64", "`value` minus the energy of the state's part in that sector; "
            "negative if a wrong sector lies lower. Empty if nothing is in it.", unit="the row's `unit`"),
        LedgerColumn("leakage_along", "string", "JSON: `step` and `evaluations` of up to 50 points along the "
            "training, and at each `sector_weight`, `symmetry_price`, and the means of `particle_number` (or ones), "
            "`sz` and `s2`."),
    )  # fmt: skip

    problem: Problem
    """Problem of all."""
    contenders: Sequence[Trainable | Maker]
    """Contenders as `qvar.Duel` takes them; names differ."""
    _: KW_ONLY
    method: Method = field(default_factory=lbfgs)
    """Optimization method of all."""
    seeds: int = 8
    """Number of random starts of each: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """Limits of the work of each start."""
    span: float = float(np.pi)
    """The planes reach from -span to span along both directions, radians."""
    line_points: int = 201
    """Points of the line."""
    points: int = 41
    """Points of the planes along each direction."""
    seed: int = 0
    """Number that makes the JAX key of the random directions."""
    engine: Engine = "auto"
    """Simulator of the circuits; see `qvar.energy`."""

    name: ClassVar[str] = "landscape"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        if isinstance(self.problem, Problem):
            object.__setattr__(self, "contenders", contenders_of(self.problem, self.contenders))
        check_fields(self, "seeds", "line_points", "points")
        require(self.span > 0, "span", "be positive", self.span)
        for name, power in (("line_points", 1), ("points", 2)):
            number = getattr(self, name)
            require(number >= 3, name, "be at least 3", number)
            require_memory(name, number, 8 * number**power * max(c.n_params for c in self._trainables))
        different_names("contenders", [contender.name for contender in self._trainables])
        self.trainings()

    @property
    def _trainables(self) -> Sequence[Trainable]:
        """The contenders, made for the problem."""
        return cast("Sequence[Trainable]", self.contenders)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        return tuple(sorted({"rudolph2021"}.union(*(training.citations for _, training in self.trainings()))))

    def trainings(self) -> list[tuple[Row, Training]]:
        """Return one training for each contender, in their order."""
        return [({}, training_in(self, contender, self.problem)) for contender in self._trainables]

    def tasks(self) -> list[Task]:
        """Return one task for each contender, in their order."""
        own = {
            "study": "landscape",
            "span": float(self.span),
            "points": [self.line_points, self.points],
            "seed": self.seed,
        }
        return [
            Task(
                task_key({**own, "training": training.inputs}), training.contender.name, partial(_look, self, training)
            )
            for _, training in self.trainings()
        ]


def _look(study: Landscape, training: Training, report: Reporter) -> list[Row]:
    """Return the rows of one contender; an error of a measurement is recorded in `message`."""
    try:
        trained = training.run(report, keep_path=True)
    except Exception as error:
        return training.failed_rows(error_words(error))
    objective, results = trained.objective, trained.results
    finite = [seed for seed, result in enumerate(results) if result.status is not Status.NOT_FINITE]
    best = min(finite, key=lambda seed: results[seed].value) if finite else None
    rows = []
    for seed, (row, result) in enumerate(zip(trained.rows, results, strict=True)):
        measures: list[Callable[[], Row]] = []
        if seed in finite:
            report(Progress(seed + 1, len(results), f"curvature at seed {seed}"))
            measures = [partial(_curvature, study, objective, result)]
            if isinstance(training.contender, Ansatz):
                measures.append(partial(_leakage, objective, study.problem, result))
        if seed == best:
            measures.append(partial(_scans, study, objective, result))
        rows.append({**row, "line_scan": None, **_all(measures)})
    return rows


def _all(measures: Sequence[Callable[[], Row]]) -> Row:
    """Return the columns of all measures; those that raise an error leave a message."""
    row: Row = {}
    messages = []
    for measure in measures:
        try:
            row |= measure()
        except Exception as error:  # what else was measured is worth having
            messages.append(error_words(error))
    return row | ({"message": "; ".join(dict.fromkeys(messages))} if messages else {})


def _start(result: Result) -> np.ndarray:
    assert result.trace.theta is not None  # the path was asked for
    return np.asarray(result.trace.theta[0])


def _curvature(study: Landscape, objective: Objective, result: Result) -> Row:
    """Return the signs and the size of the curvature at both ends of a path."""
    row: Row = {}
    if objective.n_params == 0:
        return row
    for where, theta in (("start", _start(result)), ("end", result.theta)):
        if objective.n_params > MAX_DENSE:
            lowest, highest = hessian_extremes(objective, theta)
            trace = hessian_trace(objective, theta, key=jax.random.key(study.seed), samples=TRACE_SAMPLES)
            row |= _ends_of(where, float(lowest[0]), float(highest[-1]), trace.value)
            continue
        summary = hessian_summary(objective, theta)
        row |= _ends_of(where, summary.smallest, summary.largest, summary.trace) | {
            f"{where}_negative_directions": summary.negative,
            f"{where}_flat_directions": summary.flat,
            f"{where}_condition_number": summary.condition,
        }
    return row


def _ends_of(where: str, smallest: float, largest: float, trace: float) -> Row:
    return {
        f"{where}_smallest_curvature": smallest,
        f"{where}_largest_curvature": largest,
        f"{where}_hessian_trace": trace,
    }


def _leakage(objective: Objective, problem: Problem, result: Result) -> Row:
    """Return how much of the state leaves the right sector along the path; nothing where the problem has none."""
    if problem.pauli is not None and not conserves_ones(problem.pauli.words, problem.pauli.coefficients):
        return {}
    path = result.trace.theta
    assert path is not None  # it was asked for
    chosen = _spread(len(path))
    leakage = leakage_along(objective, np.asarray(path)[chosen], problem=problem)
    weight, price = np.asarray(leakage.weight), np.asarray(leakage.price)
    columns = {
        "step": np.asarray(result.trace.step)[chosen],
        "evaluations": np.asarray(result.trace.evaluations)[chosen],
        "sector_weight": weight,
        "symmetry_price": price,
        "particle_number": np.asarray(leakage.particle_number),
        "sz": np.asarray(leakage.sz),
        "s2": np.asarray(leakage.s2),
    }
    return {"sector_weight": float(weight[-1]), "symmetry_price": float(price[-1]), "leakage_along": _json(columns)}


def _spread(n: int) -> np.ndarray:
    """Return up to `MAX_PATH` of n places, the first and the last among them: half evenly, half early ones."""
    if n <= MAX_PATH:
        return np.arange(n)
    half = MAX_PATH // 2
    evenly, early = np.linspace(0, n - 1, half), np.geomspace(1, n, half) - 1
    return np.unique(np.concatenate([evenly, early]).round().astype(int))


def _scans(study: Landscape, objective: Objective, result: Result) -> Row:
    """Return line and planes of one seed, as JSON texts."""
    if objective.n_params == 0:
        return {}
    start = _start(result)
    line = scan_between(objective, start, result.theta, points=study.line_points)
    row: Row = {
        "line_scan": _json({"t": line.positions, "value": line.values}),
        "line_minima": line.local_minima,
        "line_variation": line.total_variation,
    }
    if objective.n_params > MAX_DENSE:
        return row
    row |= {
        "start_spectrum": _json(hessian_spectrum(objective, start)),
        "end_spectrum": _json(hessian_spectrum(objective, result.theta)),
    }
    if objective.n_params < 2:  # no plane in one dimension
        return row
    around_start = random_directions(objective.n_params, key=jax.random.key(study.seed))
    around_end, _ = hessian_directions(objective, result.theta)
    for where, theta, directions in (("start", start, around_start), ("end", result.theta, around_end)):
        plane = scan_plane(
            objective, theta, first=directions[0], second=directions[1], span=study.span, points=study.points
        )
        positions = {"first": plane.first_positions, "second": plane.second_positions}
        row[f"{where}_plane"] = _json({**positions, "value": plane.values})
    return row


def _json(value: Any) -> str:
    """Write arrays as JSON: ten significant digits, which a picture needs, and null for what is no number."""

    def plain(entry: Any) -> Any:
        if isinstance(entry, dict):
            return {key: plain(one) for key, one in entry.items()}
        if isinstance(entry, list):
            return [plain(one) for one in entry]
        if isinstance(entry, float):
            return float(f"{entry:.10g}") if math.isfinite(entry) else None
        return entry if isinstance(entry, int) else plain(np.asarray(entry).tolist())

    return json.dumps(plain(value), allow_nan=False)
