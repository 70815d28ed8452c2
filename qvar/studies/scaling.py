r"""Scaling: how flat the landscapes of growing circuits are where training starts; barren plateaus, measured."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, asdict, dataclass
from functools import cached_property, partial
from statistics import median
from typing import Any, ClassVar, cast

import jax
import numpy as np

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.identity_blocks import identity_blocks
from qvar.ansatz.resources import cost_citations
from qvar.ansatz.starts import COMMON_STARTS
from qvar.arguments import check_fields
from qvar.checks import different_names, whole_numbers
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.gradients import GradientVariance, ensemble_variance, gradient_variance
from qvar.diagnostics.haar import haar_loss_variance
from qvar.diagnostics.lie_algebra import lie_closure
from qvar.diagnostics.lie_prediction import lie_variance
from qvar.diagnostics.spectral import spectral_width
from qvar.engines.energy import Engine, energy, expectation
from qvar.errors import QvarError, error_words, require
from qvar.memory import require_memory
from qvar.objective import Objective
from qvar.optimize.budget import Status
from qvar.problems.problem import Problem
from qvar.problems.problem_citations import problem_citations
from qvar.quantum_geometry import state_shape
from qvar.short_repr import short_repr
from qvar.studies.contender import Contender, circuit_columns
from qvar.studies.growing import Growing, Setup, description_of, growing_of
from qvar.studies.scaling_columns import SCALING_COLUMNS
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key

LIE_LIMIT = 300
"""Largest Lie algebra that a prediction is made from by default: it takes about a second."""

_SECTOR_STATES = 40
"""Sectors of electrons up to here get a prediction from the Lie algebra: larger ones take minutes, and circuits of
excitations usually generate all of so(D) there, which is no prediction but the Haar one."""

_ROUNDING = 1e-12
"""Standard deviations below this, relative to the loss and its width, are rounding: the start is a single point."""


@dataclass(frozen=True)
class _Place:
    """A contender at one size: what is measured, or why there is nothing."""

    contender: Growing
    size: int
    setup: Setup | None
    title: str = ""
    """Name of the problem or observable."""
    description: Any = None
    """JSON-able description of the problem or observable; the error if there is none."""


@dataclass(frozen=True)
class _Point:
    """A place and a start: one task, and one row of the ledger."""

    place: _Place
    start: str

    @property
    def label(self) -> str:
        """For progress bars."""
        return f"{self.place.contender.name} {self.place.size}"


@short_repr()
@dataclass(frozen=True, eq=False)
class Scaling:
    r"""Variances of the loss and of every component of its gradient over random parameters, size by size.

    A landscape has a barren plateau where these variances fall exponentially with the number of qubits; which of an
    exponential and a power law they follow, `qvar.analysis.decay.decay_table` decides from the ledger.

    Each contender, size and start is one task and one row, with the variances and their 95 % intervals, and with their
    values in theory: that of Haar-random states in the space that the engine holds
    (`qvar.diagnostics.haar_loss_variance`), that of the circuit's Lie algebra if its dimension is within `lie_limit`
    (`qvar.diagnostics.lie_variance`), and an exact law that the contender may bring. `value` is the mean of the loss;
    `columns` are the others.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = SCALING_COLUMNS

    contenders: Sequence[Growing | Contender]
    """Contenders with different names; a `Contender` is made for the `problem` of each size."""
    sizes: Sequence[int]
    """Sizes of each contender, such as numbers of qubits."""
    _: KW_ONLY
    samples: int = 500
    """Parameter vectors drawn for each row, at least 2."""
    starts: Sequence[str | None] = ("uniform",)
    """Distributions of the parameters: schemes that `Ansatz.initial` takes; None is each ansatz's own;
    `"identity_blocks"` makes `qvar.identity_blocks` of a circuit that is none. A contender without such a
    start is left out."""
    noise: float = 0.0
    """Standard deviation in radians of Gaussian noise added to every parameter, so that a start that is one point, such
    as `"mp2"` or `"zero"`, has a variance."""
    seed: int = 0
    """Number that makes the JAX key of all samples."""
    size_name: str = "qubits"
    """Meaning of a size, such as "qubits" or "layers"; decays are fitted if it is "qubits"."""
    engine: Engine = "auto"
    """Simulator of the circuits; see `qvar.energy`. Observables take the dense one."""
    lie_limit: int = LIE_LIMIT
    """Largest dimension of a Lie algebra that a prediction is made from; 0 for none."""
    problem: Callable[[int], Any] | None = None
    """Size -> problem of that size, such as `qvar.tfim`, for contenders that do not bring their own."""

    name: ClassVar[str] = "scaling"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "contenders", growing_of(self.contenders, self.problem))
        if isinstance(self.starts, str) or self.starts is None:
            object.__setattr__(self, "starts", (self.starts,))
        check_fields(self, "samples")
        require(len(self.contenders) >= 1, "contenders", "hold at least one Growing", self.contenders)
        different_names("contenders", [contender.name for contender in self.contenders])
        sizes = whole_numbers("sizes", self.sizes)
        good = len(sizes) >= 1 and len(set(sizes)) == len(sizes) and min(sizes) >= 1
        require(good, "sizes", "hold different positive integers", list(self.sizes))
        require(self.samples >= 2, "samples", "be at least 2", self.samples)
        require_memory("samples", self.samples, 8 * self.samples)
        require(len(self.starts) >= 1, "starts", "hold at least one name", list(self.starts))
        require(self.noise >= 0, "noise", "not be negative", self.noise)
        require(self.lie_limit >= 0, "lie_limit", "not be negative", self.lie_limit)
        object.__setattr__(self, "sizes", tuple(sizes))

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study rests on, in `qvar/citations.bib`."""
        keys = {"jax2018", "jones2020", "bergholm2018", "mcclean2018"}
        for place in self._places:
            law = place.contender.law
            keys |= {law.reference} if law is not None and law.reference is not None else set()
            if place.setup is not None:
                observable, ansatz = place.setup
                keys |= {*ansatz.citations, *cost_citations(ansatz.program)}
                keys |= set(problem_citations(observable)) if isinstance(observable, Problem) else set()
        return tuple(sorted(keys))

    @property
    def circuits(self) -> list[tuple[Row, Ansatz]]:
        """Circuits of all contenders at all sizes, each with its size; one draw of an ensemble."""
        places = ((place.contender.name, place.size, place.setup) for place in self._places)
        return [({"contender": name, "size": size}, setup[1]) for name, size, setup in places if setup is not None]

    def tasks(self) -> list[Task]:
        """Return one task per contender, start and size.

        Raises:
            QvarError: if no contender has a start that is asked for, or none can be made at any size.
        """
        return [Task(self._key(point), point.label, partial(_measure, self, point)) for point in self._points]

    def _key(self, point: _Point) -> str:
        place = point.place
        inputs = {
            "study": "scaling",
            "contender": place.contender.name,
            "family": place.contender.family,
            "ensemble": place.contender.make is None,
            "size": [place.size, self.size_name],
            "measured": place.description,
            "ansatz": None if place.setup is None else _started(place.setup[1], point.start).describe(),
            "law": _law(place),
            "start": point.start,
            "noise": self.noise,
            "samples": self.samples,
            "seed": self.seed,
            "engine": self.engine,
            "lie_limit": self.lie_limit,
            "precision": str(jax.dtypes.canonicalize_dtype(float)),
        }
        return task_key(inputs)

    @property
    def _growing(self) -> Sequence[Growing]:
        """The contenders, each with a problem of every size."""
        return cast("Sequence[Growing]", self.contenders)

    @cached_property
    def _places(self) -> list[_Place]:
        """All contenders at all sizes; where one cannot be made, its place says why."""
        places: list[_Place] = []
        mistakes: list[Exception] = []
        for contender in self._growing:
            for size in self.sizes:
                try:
                    setup = contender.setup(size)
                    places.append(_Place(contender, size, setup, *description_of(*setup)))
                except Exception as error:
                    mistakes.append(error)
                    places.append(_Place(contender, size, None, description=error_words(error)))
        if len(mistakes) == len(places):  # no accident of one size
            raise mistakes[0]
        return places

    @cached_property
    def _points(self) -> list[_Point]:
        points: list[_Point] = []
        for contender in self._growing:
            places = [place for place in self._places if place.contender is contender]
            ansatze = [place.setup[1] for place in places if place.setup is not None]
            starts = dict.fromkeys(start or (ansatze[0].start if ansatze else "own") for start in self.starts)
            for start in starts:
                if all(start in (*COMMON_STARTS, *ansatz.starts, "identity_blocks") for ansatz in ansatze):
                    points += [_Point(place, start) for place in places]
        for start in self.starts:
            if start is not None and all(point.start != start for point in points):
                raise QvarError(f"`starts` must be starts that a contender has, but none has {start!r}.")
        return points


def _started(ansatz: Ansatz, start: str) -> Ansatz:
    """Return the circuit with such a start."""
    if start == "identity_blocks" and start not in ansatz.starts:
        ansatz = identity_blocks(ansatz, name=ansatz.name)
    return ansatz.with_start(start)


def _law(place: _Place) -> Row:
    """Return the columns of the exact law."""
    law = place.contender.law
    if law is None:
        return {}
    columns = {"law_loss_variance": law.loss, "law_gradient_variance_first": law.gradient_first}
    return {"law": law.name, **{name: float(of(place.size)) for name, of in columns.items() if of is not None}}


def _measure(study: Scaling, point: _Point, report: Reporter) -> list[Row]:
    """Return the row of one point; an error becomes a row with its message."""
    place = point.place
    base: Row = {
        "contender": place.contender.name,
        "family": place.contender.family,
        "seed": study.seed,
        "method": "sampling",
        "size": place.size,
        "size_name": study.size_name,
        "start": point.start,
        "start_noise": float(study.noise),
    }
    try:
        if place.setup is None:
            return [{**base, "status": Status.FAILED.value, "message": place.description}]
        return [{**base, **_row(study, point, report)}]
    except Exception as error:
        return [{**base, "status": Status.FAILED.value, "message": error_words(error)}]


def _row(study: Scaling, point: _Point, report: Reporter) -> Row:
    place = point.place
    assert place.setup is not None
    observable, ansatz = place.setup[0], _started(place.setup[1], point.start)
    objective = _objective(observable, ansatz, study.engine)
    marks = [time.perf_counter()]

    def watch(done: int, total: int) -> None:
        marks.append(time.perf_counter())
        report(Progress(done, total, f"{point.start}, {done} of {total} samples"))

    estimates = _sample(study, point, objective, watch)
    stretches = np.diff(marks)
    compiling = max(0.0, float(stretches[0] - median(stretches[1:]))) if len(stretches) > 1 else 0.0
    width, predicted = _theory(study, point, observable, ansatz, objective)
    scale = _ROUNDING * max(width, abs(float(estimates.loss_mean)))
    loss, gradient = _rounded(estimates.loss_variance, scale), _rounded(estimates.mean_variance, scale)
    return {
        "problem": place.title,
        "engine": objective.engine,
        "space": objective.space,
        **circuit_columns(place.setup[1], place.contender.name),
        "n_params": objective.n_params,
        **asdict(objective.costs),
        "status": Status.MEASURED.value,
        "value": float(estimates.loss_mean),
        "unit": objective.unit,
        "energy_evaluations": estimates.samples,
        "gradient_evaluations": estimates.samples,
        "wall_s": time.perf_counter() - marks[0] - compiling,
        "compile_s": compiling,
        "samples": estimates.samples,
        **_with_ends("loss_variance", loss),
        **_with_ends("gradient_variance", gradient),
        **_needed(estimates, scale),
        **_with_ends("gradient_variance_first", _rounded(estimates.first, scale)),
        "gradient_variance_largest": _rounded(estimates.largest, scale)[0],
        "gradient_mean_square": float(np.mean(estimates.mean**2 + estimates.variance)),
        "component_variances": json.dumps([float(f"{v:.6g}") if v > scale**2 else 0.0 for v in estimates.variance]),
        "spectral_width": width,
        "normalised_loss_variance": loss[0] / width**2 if width > 0 else math.nan,
        "space_dimension": math.prod(state_shape(objective).shape),
        **predicted,
    }


def _objective(observable: Any, ansatz: Ansatz, engine: Engine) -> Objective:
    if isinstance(observable, Problem):
        return energy(observable, ansatz, engine=engine)
    return expectation(observable, ansatz)


def _sample(study: Scaling, point: _Point, objective: Objective, watch: Callable[[int, int], None]) -> GradientVariance:
    place, key = point.place, jax.random.fold_in(jax.random.key(study.seed), point.place.size)
    shared = {"key": key, "samples": study.samples, "noise": float(study.noise), "callback": watch}
    if place.contender.make is not None:
        return gradient_variance(objective, start=point.start, **shared)

    def drawn(one: jax.Array) -> Objective:
        observable, ansatz = place.contender.setup(place.size, one)
        return _objective(observable, _started(ansatz, point.start), study.engine)

    return ensemble_variance(drawn, start=point.start, **shared)


def _rounded(estimate: Estimate, scale: float) -> tuple[float, float, float]:
    """Return a variance and its interval; zero if it is rounding."""
    return (0.0, 0.0, 0.0) if estimate.value <= scale**2 else (estimate.value, estimate.low, estimate.high)


def _needed(found: GradientVariance, scale: float) -> Row:
    """Return the samples needed if intervals are too narrow; empty if there is nothing but rounding."""
    estimates = {
        "loss_variance": found.loss_variance,
        "gradient_variance": found.mean_variance,
        "gradient_variance_first": found.first,
    }
    return {
        f"{name}_needed": None if estimate.value <= scale**2 else estimate.needed
        for name, estimate in estimates.items()
    }


def _with_ends(name: str, value: tuple[float, float, float]) -> Row:
    return dict(zip((name, f"{name}_low", f"{name}_high"), value, strict=True))


def _theory(study: Scaling, point: _Point, observable: Any, ansatz: Ansatz, objective: Objective) -> tuple[float, Row]:
    """Return the spectral width, and what theory says about random states and about deep circuits.

    The latter holds for parameters that take all angles alike, and not for other starts.
    """
    width, row = spectral_width(objective), {"haar_loss_variance": float(haar_loss_variance(objective))}
    if point.start != "uniform":
        return width, row
    row |= _law(point.place)
    electrons = isinstance(observable, Problem) and observable.integrals is not None
    sector = _small_sector(ansatz) if electrons else None
    if study.lie_limit == 0 or point.place.contender.make is None or (electrons and sector is None):
        return width, row
    with suppress(QvarError):  # a circuit without generators, or an energy outside of their algebra
        algebra = lie_closure(ansatz, limit=study.lie_limit, sector=sector)
        if algebra.complete:
            row["lie_dimension"] = algebra.dimension
            row["lie_loss_variance"] = lie_variance(ansatz, observable, limit=study.lie_limit, sector=sector)
    return width, row


def _small_sector(ansatz: Ansatz) -> tuple[int, int] | None:
    """Return the numbers of electrons of both spins, if they are conserved and have few states."""
    if not ansatz.program.conserves_spin_numbers:
        return None
    orbitals, bits = ansatz.n_qubits // 2, ansatz.program.bits
    electrons = sum(bits[0::2]), sum(bits[1::2])
    return electrons if math.prod(math.comb(orbitals, number) for number in electrons) <= _SECTOR_STATES else None
