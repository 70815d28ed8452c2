"""Steps of a recipe that makes a trained circuit smaller: pruning, fusion, rounding of angles, distillation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.resources import Synthesis
from qvar.arguments import check_fields, is_row
from qvar.checks import whole_numbers
from qvar.compression.angle_grid import GridKind, checked_bits
from qvar.compression.distil import distil
from qvar.compression.fuse import fuse
from qvar.compression.path import PathStep
from qvar.compression.prune import prune
from qvar.compression.quantize import OnGrid, quantize, rounding_rise
from qvar.compression.scores import Rule
from qvar.engines.energy import Engine, energy
from qvar.errors import require
from qvar.objective import Objective
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr


@short_repr("ansatz", "path")
@dataclass(frozen=True, eq=False, kw_only=True)
class Work:
    """A trained circuit on its way to a smaller one."""

    problem: Problem
    """Problem whose energy the circuit minimizes."""
    ansatz: Ansatz
    """The circuit."""
    theta: FloatArray
    """(n_params,) its angles, radians."""
    path: tuple[PathStep, ...]
    """Steps so far, the trained circuit first."""
    key: jax.Array
    """JAX random key for what a step draws."""
    engine: Engine = "auto"
    """Simulator; see `qvar.energy`."""

    @property
    def objective(self) -> Objective:
        """Energy of the circuit."""
        return energy(self.problem, self.ansatz, engine=self.engine)

    def after(self, ansatz: Ansatz, theta: FloatArray, path: Sequence[PathStep]) -> Work:
        """Return the state after a step, whose path begins with the circuit before it."""
        spent = self.path[-1].evaluations
        more = tuple(replace(step, evaluations=step.evaluations + spent) for step in path[1:])
        return replace(self, ansatz=ansatz, theta=theta, path=self.path + more)


@runtime_checkable
class RecipeStep(Protocol):
    """One step of a recipe.

    A step is a frozen record that is called with a `Work` and returns the next one. It has a short `name` for the
    ledger, `citations` (keys of papers in `qvar/citations.bib`), and `describe()`, its settings ready for JSON, for the
    key of a task. `Work.after` joins the path of `qvar.prune` and the like to that so far.
    """

    @property
    def name(self) -> str:
        """A few words."""
        ...

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of papers."""
        ...

    def describe(self) -> dict[str, Any]:
        """Describe the step, ready for JSON."""
        ...

    def __call__(self, work: Work) -> Work:
        """Return the circuit after the step."""
        ...


@short_repr()
@dataclass(frozen=True)
class Pruning:
    """Pruning as a step of a recipe; see `qvar.prune`."""

    by: Rule = "energy"
    """Rule that chooses the parameters."""
    _: KW_ONLY
    keep: float | None = None
    """Parameters that are left, or their share."""
    max_rise: float | None = None
    """Largest rise of the value."""
    groups: str = "parameter"
    """Parameters that go together."""
    per_step: int | None = 1
    """Groups removed before the others are optimized again; all at once if None."""
    retrain: bool = True
    """True if all other parameters are optimized again."""

    citations = ("lecun1990", "hassibi1993", "han2015")
    """Keys of papers."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def name(self) -> str:
        """Rule and settings that differ from the usual ones."""
        words = ["prune", self.by, self.groups * (self.groups != "parameter")]
        words += ["at once"] * (self.per_step is None) + ["not retrained"] * (not self.retrain)
        return " ".join(filter(None, words))

    def describe(self) -> dict[str, Any]:
        """Describe the step, ready for JSON."""
        return {"step": "prune", **asdict(self)}

    def __call__(self, work: Work) -> Work:
        """Return the pruned circuit."""
        pruned = prune(work.ansatz, work.theta, work.objective, **asdict(self))
        return work.after(pruned.ansatz, pruned.theta, pruned.path)


@short_repr()
@dataclass(frozen=True)
class Rounding:
    """Rounding of angles as a step of a recipe; see `qvar.quantize`.

    Of several numbers of bits each rounds the same angles, and the circuit after the step is the last one.
    """

    bits: int | Sequence[int] = 8
    """Bits of an angle."""
    _: KW_ONLY
    grid: GridKind = "common"
    """Grid of the angles."""
    retrain: OnGrid | None = None
    """Training on the grid."""
    synthesis: Synthesis = "deterministic"
    """Approximation of rotations by T gates."""
    samples: int = 0
    """Grids of random offset over which the mean rise is estimated for each number of bits; none if 0."""

    citations = ("bengio2013", "jacob2018", "kliuchnikov2023")
    """Keys of papers."""

    def __post_init__(self) -> None:
        check_fields(self)
        bits = whole_numbers("bits", self.bits) if is_row(self.bits) else [self.bits]
        require(len(bits) > 0, "bits", "hold at least one number", self.bits)
        object.__setattr__(self, "bits", tuple(checked_bits(one) for one in bits))
        require(self.samples == 0 or self.samples >= 2, "samples", "be 0 or at least 2", self.samples)

    @property
    def name(self) -> str:
        """Grid and training; a single number of bits."""
        bits: Any = self.bits
        words = ["round", f"to {bits[0]} bits" if len(bits) == 1 else ""]
        words += [self.grid * (self.grid != "common"), (self.retrain or "").replace("_", " ")]
        return " ".join(filter(None, words))

    def describe(self) -> dict[str, Any]:
        """Describe the step, ready for JSON."""
        return {"step": "round", **asdict(self)}

    def __call__(self, work: Work) -> Work:
        """Return the rounded circuit."""
        objective, path, start = work.objective, list[PathStep](), work.path[-1].value
        bits: Any = self.bits
        rounded = None
        for number in bits:
            rounded = quantize(
                work.ansatz,
                work.theta,
                objective,
                bits=number,
                grid=self.grid,
                retrain=self.retrain,
                synthesis=self.synthesis,
            )
            steps = rounded.path[1:]
            if self.samples:
                rise = rounding_rise(
                    work.ansatz,
                    work.theta,
                    objective,
                    key=jax.random.fold_in(work.key, number),
                    bits=number,
                    grid=self.grid,
                    samples=self.samples,
                )
                steps = (replace(steps[0], sampled_rise=rise), *steps[1:])
            before = path[-1].evaluations if path else 0
            path += [replace(step, evaluations=step.evaluations + before, rise=step.value - start) for step in steps]
        assert rounded is not None  # there is a number of bits
        return work.after(rounded.ansatz, np.asarray(rounded.theta), [work.path[-1], *path])


@short_repr()
@dataclass(frozen=True)
class Fusing:
    """Exact fusion of equal neighbours as a step of a recipe, at no loss; see `qvar.fuse`.

    Pruning may leave equal operations side by side. Fusion comes before rounding: its T gates are those of rotations
    at the usual precision.
    """

    name: ClassVar[str] = "fuse"
    """Name of the step."""
    citations = ()
    """Keys of papers: none."""

    def describe(self) -> dict[str, Any]:
        """Describe the step, ready for JSON."""
        return {"step": "fuse"}

    def __call__(self, work: Work) -> Work:
        """Return the fused circuit."""
        before = work.path[-1]
        fused = fuse(work.ansatz, work.theta)
        value = float(energy(work.problem, fused.ansatz, engine=work.engine).loss(fused.theta))
        step = PathStep(
            action="fuse",
            n_params=fused.ansatz.n_params,
            value=value,
            rise=value - before.value,
            resources=fused.ansatz.resources(),
            evaluations=1,
        )
        return work.after(fused.ansatz, fused.theta, [before, step])


@short_repr("student", "weight", "n_starts")
@dataclass(frozen=True, eq=False)
class Distilling:
    """Distillation as a step of a recipe: another circuit is trained on the state so far; see `qvar.distil`."""

    student: Ansatz
    """The circuit after the step."""
    _: KW_ONLY
    weight: float = 1.0
    """Weight of the infidelity in the training on the state."""
    n_starts: int = 4
    """Starts of the student, of which the one of the lowest energy is taken; all are counted."""

    def __post_init__(self) -> None:
        check_fields(self, "n_starts")
        require(self.n_starts >= 1, "n_starts", "be at least 1", self.n_starts)
        require(0.0 <= self.weight <= 1.0, "weight", "lie between 0 and 1", self.weight)
        require(self.student.n_params > 0, "student", "have free parameters", self.student)

    @property
    def name(self) -> str:
        """Name of the student."""
        return f"distil to {self.student.name}"

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of papers."""
        return ("hinton2015", *self.student.citations)

    def describe(self) -> dict[str, Any]:
        """Describe the step, ready for JSON."""
        return {"step": "distil", "student": self.student.describe(), "weight": self.weight, "n_starts": self.n_starts}

    def __call__(self, work: Work) -> Work:
        """Return the student after its training."""
        teacher, before = work.objective.state(work.theta), work.path[-1]
        settings: dict[str, Any] = {"weight": self.weight, "n_starts": self.n_starts, "engine": work.engine}
        distilled = distil(self.student, teacher, work.problem, key=work.key, **settings)
        step = PathStep(
            action="distil",
            n_params=self.student.n_params,
            value=distilled.value,
            rise=distilled.value - before.value,
            resources=self.student.resources(),
            evaluations=distilled.all_evaluations,
        )
        return work.after(distilled.ansatz, distilled.theta, [before, step])
