"""Run read back from its folder: tables, trained parameters, and the problem and ansatz that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from qvar._types import DataFrame, FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import checked
from qvar.arguments import reader as reader_of
from qvar.errors import QvarError
from qvar.objective import Objective
from qvar.problems.problem import Problem
from qvar.records import run_folder
from qvar.records.case_file import is_campaign
from qvar.runs.case_flags import argument_kinds, load_case, make_study
from qvar.short_repr import short_repr
from qvar.studies.training import Training
from qvar.task import Runnable, tasks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from qvar.report.plot_style import Drawing


@checked()
def load(run: str | Path) -> Run:
    """Read a run back from its folder, finished or not.

    Args:
        run: folder of a run or a campaign.

    Raises:
        QvarError: if there is no run.
    """
    loaded = run_folder.load(run)
    return Run(
        folder=Path(run),
        case=loaded.case,
        ledger=loaded.ledger,
        trace=loaded.trace,
        thetas=loaded.parameters["theta"].tolist(),
    )


@short_repr("folder")
@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """Record of a run.

    Tables and parameters need the run's folder alone. `study`, `problem`, `ansatz` and `objective` also need the case
    file at its recorded place, relative to the current folder if the run was started so; they call `case` with the
    recorded arguments, which takes as long as at the start of the run, and check that its tasks are the recorded ones.
    They are not available for a study that was given to `qvar.run` without a case file, nor for a campaign.
    """

    folder: Path
    """Folder of the run."""
    case: dict[str, Any]
    """Content of `case.json`."""
    ledger: DataFrame
    """One row per contender and seed."""
    trace: DataFrame
    """One row per contender, seed and step."""
    thetas: list[FloatArray | None]
    """Trained parameters of each row of the ledger; None if nothing was trained."""

    def parameters(self, contender: str, *, seed: int = 0, **columns: Any) -> FloatArray:
        """Return the trained parameters of one start, shape (n_params,).

        Args:
            contender: name in the ledger.
            seed: number of the start.
            columns: values of other columns of the ledger, such as `method="adam"` or `coordinate=1.5`, if several rows
                have this contender and seed.

        Raises:
            QvarError: if no row or several rows fit, or that start has no parameters.
        """
        wanted = {"contender": contender, "seed": seed, **columns}
        fits = np.ones(len(self.ledger), bool)
        for column, value in wanted.items():
            if column not in self.ledger:
                raise QvarError(f"`{column}` must be a column of the ledger, but {self.folder} has none of that name.")
            fits &= (self.ledger[column] == value).fillna(False).to_numpy(bool)
        rows = np.flatnonzero(fits)
        if len(rows) != 1:
            raise QvarError(f"`contender` must fit one row of the ledger with {_words(wanted)}, but fits {len(rows)}.")
        theta = self.thetas[int(rows[0])]
        if theta is None:
            raise QvarError(f"`contender` must have been trained, but {_words(wanted)} has no parameters.")
        return np.asarray(theta, dtype=float)

    def study(self) -> Runnable:
        """Return the study, made again by its case file.

        Raises:
            QvarError: if the run has no case file, is a campaign, or the case file makes other tasks now.
        """
        case, path = self.case, self.case.get("case")
        if is_campaign(case) or path is None:
            kind = "a campaign" if is_campaign(case) else "a study without a case file"
            raise QvarError(f"`run` must be the run of a case file to make its study again, but is {kind}.")
        function = load_case(path)
        kinds, arguments = argument_kinds(function), case.get("arguments", {})
        values = {name: _value(name, kinds[name], value) for name, value in arguments.items() if name in kinds}
        study = make_study(function, values)
        if [task.key for task in tasks_of(study)] != [task["key"] for task in case["tasks"]]:
            raise QvarError(f"`{path}` must make the tasks of {self.folder}, but was changed, or so was qvar.")
        return study

    def training(self, contender: str, **columns: Any) -> Training:
        """Return the training of one contender; its `objective()` is what was minimized.

        Args:
            contender: name in the ledger.
            columns: `method`, or columns that distinguish trainings, such as `coordinate`, `setting`.

        Raises:
            QvarError: as `study`, if the study trains nothing, or none or several of its trainings fit.
        """
        fitting = []
        for identity, training in self._trainings():
            known = {"contender": training.contender.name, "method": training.method.name, **identity}
            if all(known.get(name) == value for name, value in {"contender": contender, **columns}.items()):
                fitting.append(training)
        if len(fitting) != 1:
            words = _words({"contender": contender, **columns})
            raise QvarError(f"`contender` must fit one training of the study, but {words} fits {len(fitting)}.")
        return fitting[0]

    def objective(self, contender: str, **columns: Any) -> Objective:
        """Return the function that was minimized; arguments and errors as of `training`."""
        return self.training(contender, **columns).objective()

    def ansatz(self, contender: str, **columns: Any) -> Ansatz:
        """Return the ansatz of one contender; arguments as of `training`.

        Raises:
            QvarError: as `training`, or if the contender is an objective.
        """
        ansatz = self.training(contender, **columns).contender
        if not isinstance(ansatz, Ansatz):
            raise QvarError(f"`contender` must be an ansatz, but {contender} is an objective.")
        return ansatz

    def problem(self, **columns: Any) -> Problem:
        """Return the problem of all trainings, or of those with values of `coordinate` or `setting`.

        Raises:
            QvarError: as `study`, or if there are none or several problems.
        """
        trainings = [
            training
            for identity, training in self._trainings()
            if all(identity.get(name) == value for name, value in columns.items())
        ]
        problems = {id(training.problem): training.problem for training in trainings if training.problem is not None}
        if len(problems) != 1:
            raise QvarError(
                f"`columns` must fit one problem, but {_words(columns) or 'the study'} has {len(problems)}."
            )
        return next(iter(problems.values()))

    def plot_convergence(self) -> Axes:
        """Draw the error of each contender against the evaluations, with the spread over its starts.

        Raises:
            QvarError: if no training left a finite value.
        """
        from qvar.report.plots.training import error_vs_step

        return self._axes(error_vs_step(self.trace, self.ledger, self._drawn()))

    @checked()
    def plot_front(self, *, cost: Literal["n_params", "two_qubit_gates"] = "n_params") -> Axes:
        """Draw the error of each contender against a cost, with the Pareto front of the medians.

        Args:
            cost: `"n_params"` for parameters, `"two_qubit_gates"` for CNOTs.

        Raises:
            QvarError: if `cost` is another word, or no contender has it together with a finite value.
        """
        from qvar.report.plots.front import error_vs_cost

        return self._axes(error_vs_cost(self.ledger, self._drawn(), (cost,)))

    def _drawn(self) -> DataFrame:
        from qvar.analysis.summaries import summary
        from qvar.report.training import drawn_and_missing

        return drawn_and_missing(summary(self.ledger))[0]

    def _axes(self, picture: Drawing | None) -> Axes:
        if picture is None:
            raise QvarError(f"`run` must have values to draw, but {self.folder} has none.")
        from matplotlib import pyplot

        figure = picture.figure
        # pyplot shows it: in a notebook below the cell, elsewhere by `show`
        pyplot.figure(FigureClass=lambda **_: figure)  # pyright: ignore[reportArgumentType]
        return figure.axes[0]

    def _repr_html_(self) -> str:
        """Return the result of the report, for a notebook."""
        from qvar.report.html import to_html
        from qvar.report.reports import report_of

        report = report_of(self.ledger, self.case.get("study"))
        return f"<p><b>{escape(str(self.folder))}</b></p>{to_html(list(report.result(self.ledger, self.trace)))}"

    def _trainings(self) -> list[tuple[dict[str, Any], Training]]:
        study = self.study()
        trainings = getattr(study, "trainings", None)
        if trainings is None:
            raise QvarError(f"`run` must be of a study that trains contenders, but is of {study.name}.")
        return trainings()


def _words(columns: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in columns.items())


def _value(name: str, kind: Any, value: Any) -> Any:
    """Return an argument of a case from its value in JSON."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind[value]
    if isinstance(kind, type) and issubclass(kind, Path):
        return kind(value)
    return reader_of(kind)(name, value)
