"""The report of an adaptive study: growing circuits beside fixed ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qvar._types import DataFrame
from qvar.analysis.paths import GrownStep, growths
from qvar.analysis.summaries import summary
from qvar.report.accuracy import accuracy_parts
from qvar.report.duel import DUEL
from qvar.report.formats import count
from qvar.report.plots.front import error_vs_cost
from qvar.report.plots.growth import error_vs_growth
from qvar.report.plots.training import error_vs_step
from qvar.report.study_report import Drawings, StudyReport, pictures
from qvar.report.table import NOTHING, Column, Note, Part, Table
from qvar.report.training import drawn_and_missing
from qvar.units import HARTREE

LEVELS_MHA = (10.0, 1.6, 1.0, 0.1)
"""Errors, in millihartree, that a growth is followed to."""

_NOTE = (
    "Operators, CNOTs and evaluations at which a growth first came within an error; a dash means that it never did. "
    "An evaluation is one of energy and gradient; the gradients of the whole pool in a step count as one."
)


@dataclass(frozen=True)
class _Reached:
    """Costs of one growth to some errors."""

    contender: str
    end: str
    operators: int
    steps: list[GrownStep]

    def words(self, level: float) -> str:
        """Return operators, CNOTs and evaluations to an error in mHa."""
        for step in self.steps:
            if step.error is not None and abs(step.error) <= 1e-3 * level:
                return f"{count(step.operators)} / {count(step.cnots)} / {count(step.evaluations)}"
        return NOTHING


def _parts(ledger: DataFrame) -> list[Part]:
    """Return the table of what each growth took to each error; none if no growth has errors in hartree."""
    rows = [
        _Reached(row.contender, str(row.growth_end), steps[-1].operators, steps)
        for row, steps in growths(ledger)
        if row.unit == HARTREE and steps
    ]
    if not rows:
        return []

    def to_level(level: float) -> Column[_Reached]:
        return Column(f"to {level:g} mHa", lambda row: row.words(level))

    columns: list[Column[_Reached]] = [
        Column("contender", lambda row: row.contender, "name"),
        *(to_level(level) for level in LEVELS_MHA),
        Column("operators", lambda row: count(row.operators)),
        Column("end", lambda row: row.end, "word"),
    ]
    return [Table(columns, rows), Note(_NOTE)]


def _drawings(ledger: DataFrame, trace: DataFrame) -> Drawings:
    drawn, missing = drawn_and_missing(summary(ledger))
    drawings = [error_vs_growth(ledger, drawn), error_vs_step(trace, ledger, drawn), error_vs_cost(ledger, drawn)]
    return pictures(drawings, missing)


ADAPTIVE: StudyReport = replace(
    DUEL,
    study="adaptive",
    marks=frozenset({"growth"}),
    filled="growth",
    drawings=_drawings,
    pictures=("error_vs_growth", "error_vs_step", "error_vs_cost"),
    sections=lambda ledger, trace: {
        "Operators, CNOTs and evaluations to an error": _parts(ledger),
        "Reliability, speed and cost": accuracy_parts(ledger, trace),
    },
)
"""The report of a `qvar.Adaptive`."""
