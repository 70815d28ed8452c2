"""Ranking: the same circuits in several settings of one molecule, such as basis sets; does their order survive?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property, partial
from typing import ClassVar

import numpy as np

from qvar.arguments import check_fields
from qvar.engines.energy import Engine
from qvar.errors import error_words, require
from qvar.optimize.budget import Budget, Status
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.columns import TRAINING_COLUMNS
from qvar.studies.contender import Maker, label_of, made_by, makers_of
from qvar.studies.training import Training, check_seeds, failed_seeds, training_in
from qvar.task import LedgerColumn, Reporter, Row, Task, task_key


@short_repr()
@dataclass(frozen=True, eq=False)
class Ranking:
    r"""Trains every contender in every setting, and counts its energy from one limit that all settings share.

    In one setting the error is counted from the exact energy there, as in a `qvar.Duel`; between settings, such as
    basis sets with equally many functions, what counts is the energy itself: `limit_error`, the value minus `limit`.

    Each contender in each setting is one task. Baselines, energies that circuits on as many qubits have to be compared
    with, have rows of their own without parameters.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = (
        *TRAINING_COLUMNS,
        LedgerColumn("setting", "string", "Setting in which the circuit was trained, such as a basis set."),
        LedgerColumn("limit", "float64", "Energy that all settings aim at.", unit="hartree"),
        LedgerColumn("limit_error", "float64", "`value` minus `limit`.", unit="hartree"),
    )  # fmt: skip

    problems: Mapping[str, Problem]
    """Name of a setting -> the molecule in it."""
    contenders: Sequence[Maker]
    """Functions such as `qvar.uccsd` that make an ansatz for a problem, or a `Contender`; names differ."""
    _: KW_ONLY
    limit: float | None = None
    """Energy that all settings aim at, such as that of a large basis set, in hartree."""
    baselines: Mapping[str, float] = field(default_factory=dict)
    """Name -> energy in hartree."""
    method: Method = field(default_factory=lbfgs)
    """Optimization method of all."""
    seeds: int = 4
    """Number of starts of each: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """Limits of the work of each start."""
    engine: Engine = "auto"
    """Simulator of the circuits; see `qvar.energy`."""

    name: ClassVar[str] = "ranking"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "contenders", makers_of(self.contenders))
        check_fields(self, "seeds")
        require(len(self.problems) >= 1, "problems", "hold at least one setting", dict(self.problems))
        check_seeds(self.seeds, 1)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        return tuple(sorted(set().union(*(training.citations for _, training in self.trainings()))))

    def trainings(self) -> list[tuple[Row, Training]]:
        """Return the trainings of all settings, each with the name of its setting."""
        return [({"setting": setting}, entry) for setting, entry in self._entries if isinstance(entry, Training)]

    def tasks(self) -> list[Task]:
        """Return one task for each contender in each setting, and one for each baseline."""
        tasks = [
            Task(
                task_key({"study": "ranking", "setting": setting, "limit": self.limit, "training": _inputs(entry)}),
                f"{entry.contender.name if isinstance(entry, Training) else entry[0]} in {setting}",
                partial(self._train, setting, entry),
            )
            for setting, entry in self._entries
        ]
        for name, energy in self.baselines.items():
            key = task_key({"study": "ranking", "baseline": [name, float(energy)], "limit": self.limit})
            tasks.append(Task(key, name, partial(self._baseline, name, float(energy))))
        return tasks

    @cached_property
    def _entries(self) -> list[tuple[str, Training | tuple[str, str]]]:
        """(setting, training), or (setting, name and error), setting by setting."""
        entries: list[tuple[str, Training | tuple[str, str]]] = []
        mistakes: list[Exception] = []
        for setting, problem in self.problems.items():
            for make in self.contenders:
                try:
                    entries.append((setting, training_in(self, made_by(make, problem), problem)))
                except Exception as error:
                    mistakes.append(error)
                    entries.append((setting, (label_of(make), error_words(error))))
        if len(mistakes) == len(entries):
            raise mistakes[0]
        return entries

    def _train(self, setting: str, entry: Training | tuple[str, str], report: Reporter) -> list[Row]:
        if isinstance(entry, Training):
            rows = entry.rows(report)
        else:
            name, message = entry
            base = {"problem": self.problems[setting].name, "contender": name}
            rows = [{**base, **row} for row in failed_seeds(self.seeds, self.method, message)]
        return [{**row, **self._columns(setting, row.get("value"))} for row in rows]

    def _baseline(self, name: str, energy: float, report: Reporter) -> list[Row]:
        problem = next(iter(self.problems.values()))
        row: Row = {
            "problem": problem.name,
            "contender": name,
            "family": "constrained",
            "n_params": 0,
            "status": Status.MEASURED.value,
            "value": energy,
            "unit": problem.unit,
        }
        return [{**row, **self._columns("baseline", energy)}]

    def _columns(self, setting: str, value: float | None) -> Row:
        known = value is not None and self.limit is not None and np.isfinite(value)
        return {
            "setting": setting,
            "limit": self.limit,
            "limit_error": float(value) - float(self.limit) if known else math.nan,  # pyright: ignore[reportArgumentType]
        }


def _inputs(entry: Training | tuple[str, str]) -> object:
    """Return what a training's numbers depend on, or the error."""
    return entry.inputs if isinstance(entry, Training) else list(entry)
