"""Ranking: the same circuits in several settings of one molecule, such as basis sets; does their order survive?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from qvar.arguments import check_fields
from qvar.engines.energy import Engine
from qvar.errors import require
from qvar.optimize.budget import Budget, Status
from qvar.optimize.methods import Method, lbfgs
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.contender import Maker, made_by, makers_of
from qvar.studies.duel import Duel, check_seeds, run_contender
from qvar.task import Reporter, Row, Task, error_words, task_key


@short_repr()
@dataclass(frozen=True, eq=False)
class Ranking:
    r"""Trains every contender in every setting, and counts its energy from one limit that all settings share.

    In one setting the error is counted from the exact energy there, as in a `qvar.Duel`; between settings, such as
    basis sets with equally many functions, what counts is the energy itself: `limit_error`, the value minus `limit`.

    Each contender in each setting is one task. Beside the columns of a duel the ledger has `setting`, `limit` and
    `limit_error`. Baselines, energies that circuits on as many qubits have to be compared with, have rows of their own
    without parameters.
    """

    problems: Mapping[str, Problem]
    """Name of a setting -> the molecule in it."""
    contenders: Sequence[Maker]
    """Functions that make an ansatz for a problem; names of the ansätze differ."""
    limit: float | None = None
    """Energy that all settings aim at, such as that of a large basis set, in hartree."""
    baselines: Mapping[str, float] = field(default_factory=dict)
    """Name -> energy in hartree."""
    method: Method = field(default_factory=lbfgs)
    """Optimization method of all."""
    seeds: int = 4
    """Number of starts of each: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """What each start may spend."""
    engine: Engine = "auto"
    """Which simulator runs the circuits; see `qvar.energy`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "contenders", makers_of(self.contenders))
        check_fields(self, "seeds")
        require(len(self.problems) >= 1, "problems", "hold at least one setting", dict(self.problems))
        check_seeds(self.seeds, 1)

    @property
    def name(self) -> str:
        """`"ranking"`."""
        return "ranking"

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study rests on, in `qvar/citations.bib`."""
        duels = [duel for _, duel in self._duels if isinstance(duel, Duel)]
        return tuple(sorted({key for duel in duels for key in duel.references}))

    def tasks(self) -> list[Task]:
        """One task for each contender in each setting, and one for each baseline."""
        found = [
            Task(
                task_key({"study": "ranking", "setting": setting, "limit": self.limit, "asked": _inputs(duel)}),
                f"{duel.contenders[0].name if isinstance(duel, Duel) else duel[0]} in {setting}",
                partial(self._train, setting, duel),
            )
            for setting, duel in self._duels
        ]
        for name, energy in self.baselines.items():
            key = task_key({"study": "ranking", "baseline": [name, float(energy)], "limit": self.limit})
            found.append(Task(key, name, partial(self._baseline, name, float(energy))))
        return found

    @cached_property
    def _duels(self) -> list[tuple[str, Duel | tuple[str, str]]]:
        """(setting, a duel of one), or a name and what went wrong, setting by setting."""
        found: list[tuple[str, Duel | tuple[str, str]]] = []
        mistakes: list[Exception] = []
        for setting, problem in self.problems.items():
            for make in self.contenders:
                try:
                    ansatz = made_by(make, problem)
                    duel = Duel(problem, [ansatz], self.method, self.seeds, self.budget, self.engine)
                    found.append((setting, duel))
                except Exception as error:
                    mistakes.append(error)
                    found.append((setting, (getattr(make, "__name__", "contender"), error_words(error))))
        if len(mistakes) == len(found):
            raise mistakes[0]
        return found

    def _train(self, setting: str, duel: Duel | tuple[str, str], report: Reporter) -> list[Row]:
        if isinstance(duel, Duel):
            rows = run_contender(duel, duel.contenders[0], report)
        else:
            name, message = duel
            base = {"problem": self.problems[setting].name, "contender": name, "message": message}
            rows = [{**base, "status": Status.FAILED.value, "seed": seed} for seed in range(self.seeds)]
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


def _inputs(duel: Duel | tuple[str, str]) -> object:
    """What a duel's numbers depend on, or what went wrong."""
    return duel.inputs(duel.contenders[0]) if isinstance(duel, Duel) else list(duel)
