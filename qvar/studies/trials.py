"""Trials: experiments of one's own, each a function of a seed, compared with each other seed by seed."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from qvar._types import Family
from qvar.arguments import check_fields
from qvar.checks import counting_number, different_names
from qvar.citations import entries
from qvar.errors import QvarError, error_words, require, shown
from qvar.optimize.budget import Status
from qvar.short_repr import short_repr
from qvar.studies.columns import TEST_ERROR
from qvar.studies.paired import AGAINST, DISTANCE
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key

OUTCOMES = (
    TEST_ERROR,
    LedgerColumn("train_error", "float64", "Error on the data that the model was fitted to.", unit="the row's `unit`"),
    LedgerColumn("bits", "Int64", "Bits of all parameters together, as they would be stored."),
    LedgerColumn("expected", "float64", "Mean of `test_error` over repetitions by an exact law; empty if there is "
        "none.", unit="the row's `unit`"),
)  # fmt: skip
"""Columns that a trial may return beside `n_params`."""

TRIAL_COLUMNS = (
    LedgerColumn("model", "string", "Name of the model that was trained."),
    LedgerColumn("data", "string", "Name of the data."),
    LedgerColumn("line", "string", "Name of the line in the pictures that joins this trial with others."),
    AGAINST,
    DISTANCE,
    LedgerColumn("axis", "string", "Meaning of `distance`."),
    LedgerColumn("mark", "float64", "Place on that axis that the pictures mark, such as a threshold."),
    LedgerColumn("training_size", "Int64", "Number of examples that it was trained on."),
    *OUTCOMES,
)
"""Columns of trials beside the common ones."""


@short_repr("name", "family", "against")
@dataclass(frozen=True, eq=False)
class Trial:
    """An experiment that may be repeated with another seed."""

    name: str
    """Name in the ledger."""
    family: Family
    """`"generic"` or `"constrained"`."""
    run: Callable[[int], Mapping[str, Any]]
    """Function seed -> numbers by name: `test_error` (lower is better), `n_params`, and any of `train_error`, `bits`
    and `expected`. If it is a `functools.partial`, its arguments must be what JSON can hold."""
    _: KW_ONLY
    data: str = ""
    """Name of the data; only models of the same data are compared."""
    line: str = ""
    """Name of the line in the pictures that joins it with other trials; its name if empty."""
    against: str = ""
    """Name of the trial that it is compared with, from the same seeds; none if empty."""
    distance: float | None = None
    """Place on the axis of the study."""
    training_size: int | None = None
    """Number of training examples, if it varies; only models of one number are compared."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def columns(self) -> Row:
        """Columns that all its rows have."""
        return {
            "problem": "data",
            "contender": self.name,
            "model": self.name,
            "family": self.family,
            "data": self.data,
            "line": self.line or self.name,
            "against": self.against,
            "distance": self.distance,
            "training_size": self.training_size,
        }


@short_repr("trials", "seeds")
@dataclass(frozen=True, eq=False)
class Trials:
    """Experiments that are repeated with the same seeds and compared with each other seed by seed.

    It serves what is not one training of one model from one start: trainings in several stages, closed formulas,
    choices of a model. A trial that raises an error is a row with status `failed`. A changed file of the function
    `run` is another experiment, which `--resume` does not mix with the old one.

    `columns` are those that it adds to the ledger.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = TRIAL_COLUMNS

    trials: Sequence[Trial]
    """Trials with different names."""
    _: KW_ONLY
    seeds: int = 8
    """Repetitions of each: seeds 0 to seeds - 1."""
    axis: str = ""
    """Meaning of `distance`, for the horizontal axis of the pictures."""
    mark: float | None = None
    """Place on that axis that a vertical line marks, such as a threshold."""
    unit: str = ""
    """Unit of the errors."""
    papers: tuple[str, ...] = ()
    """Keys of papers in `qvar/citations.bib` that the experiments follow."""

    name: ClassVar[str] = "trials"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        check_fields(self, "seeds")
        require(len(self.trials) > 0, "trials", "hold at least one qvar.Trial", self.trials)
        names = [one.name for one in self.trials]
        different_names("trials", names)
        for one in self.trials:
            if one.against and (one.against not in names or one.against == one.name):
                raise QvarError(f"`against` must be the name of another trial, but is {one.against!r} for {one.name}.")
        counting_number("seeds", self.seeds)
        unknown = [key for key in self.papers if key not in entries()]
        require(not unknown, "papers", "be keys of qvar/citations.bib", unknown)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        return tuple(sorted({"jax2018", *self.papers}))

    def tasks(self) -> list[Task]:
        """Return one task for each trial, which repeats it with all seeds."""
        shared = {"axis": self.axis, "mark": self.mark, "unit": self.unit}
        tasks = []
        for one in self.trials:
            own = {**one.columns, **shared}
            inputs = {"study": "trials", "own": own, "seeds": self.seeds, "run": _described(one.run)}
            tasks.append(Task(task_key(inputs), one.name, partial(_rows, one, own, self.seeds)))
        return tasks


def _described(run: Any) -> list[Any]:
    """Return what a function does, for the key of its task: its file, its name and the arguments that it has."""
    arguments: list[Any] = []
    while isinstance(run, partial):
        arguments.append([list(run.args), dict(run.keywords)])
        run = run.func
    try:
        source = Path(inspect.getsourcefile(run) or "").read_bytes()
    except (OSError, TypeError):  # a function of an interactive session
        source = b""
    return [getattr(run, "__qualname__", type(run).__name__), sha256(source).hexdigest(), arguments]


def _rows(trial: Trial, own: Row, seeds: int, report: Reporter) -> list[Row]:
    rows: list[Row] = []
    for seed in range(seeds):
        report(Progress(seed, seeds, f"seed {seed}"))
        began = time.perf_counter()
        try:
            outcome = {"status": Status.TRAINED.value, **_outcome(trial.run(seed))}
        except Exception as error:
            outcome = dict.fromkeys(column.name for column in OUTCOMES)
            outcome |= {"status": Status.FAILED.value, "message": error_words(error)}
        rows.append({**own, "seed": seed, "wall_s": time.perf_counter() - began, **outcome})
    return rows


def _outcome(outcome: Any) -> Row:
    """Return the numbers of a trial as columns."""
    known = {"n_params": "Int64", **{column.name: column.kind for column in OUTCOMES}}
    if not isinstance(outcome, Mapping) or outcome.get("test_error") is None or not set(outcome) <= set(known):
        names = ", ".join(sorted(set(known) - {"test_error"}))
        raise QvarError(f"`run` must return test_error and any of {names}, but returned {shown(outcome)}.")
    row: Row = {}
    for name, kind in known.items():
        value = outcome.get(name)
        row[name] = None if value is None else int(value) if kind == "Int64" else float(value)
    if not math.isfinite(row["test_error"]):
        row["status"] = Status.NOT_FINITE.value
    return row
