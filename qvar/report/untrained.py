"""The report of a study without a report of its own that trains nothing: how many rows ended in which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.rows import first, some, status_words, where
from qvar.report.formats import counted, error_words
from qvar.report.study_report import StudyReport
from qvar.report.table import NOTHING, Column, Table
from qvar.report.terminal import to_terminal, wrapped
from qvar.report.training import rows_text

_WORDS = (
    "Several things were measured or compared, and nothing was trained. Each row of the ledger has a status and an "
    "error of the study's own; the section on the columns says what they mean."
)

_TRAINED = ("n_params", "energy_evaluations", "gradient_evaluations")
"""Columns of which a ledger of trainings has one."""


class _Row(NamedTuple):
    """Rows of one contender."""

    contender: str
    n_rows: int
    ended: str
    largest: float | None
    unit: str


def _rows(ledger: DataFrame) -> list[_Row]:
    rows = []
    for name in ledger["contender"].dropna().unique():
        own = where(ledger, ledger["contender"] == name)
        errors = np.abs(own["error"].dropna().to_numpy(float))
        largest = float(errors.max()) if len(errors) else None
        unit = str(first(own["unit"]) or "")
        rows.append(_Row(str(name), len(own), status_words(own["status"]), largest, unit))
    return rows


def _table(ledger: DataFrame) -> Table[_Row]:
    def largest(row: _Row) -> str:
        return NOTHING if row.largest is None else f"{error_words(row.largest, row.unit)} {row.unit}".strip()

    columns: list[Column[_Row]] = [
        Column("contender", lambda row: row.contender, "name"),
        Column("rows", lambda row: str(row.n_rows)),
        Column("ended", lambda row: row.ended, "prose"),
        Column("largest error", largest, short="largest\nerror", stays=True),
    ]
    return Table(columns, _rows(ledger))


def _sentence(ledger: DataFrame) -> str:
    return f"{counted(len(ledger), 'row')}: {status_words(ledger['status'])}. This study has no verdict of its own."


@dataclass(frozen=True)
class _Untrained(StudyReport):
    """Report of ledgers without trainings."""

    def recognises(self, ledger: DataFrame) -> bool:
        """Return if no row has parameters or evaluations."""
        return not any(some(ledger[name].notna()) for name in _TRAINED if name in ledger.columns)


UNTRAINED = _Untrained(
    study="",
    marks=frozenset(),
    words=_WORDS,
    facts=lambda run: {},
    result=lambda ledger, trace: [_sentence(ledger), _table(ledger)],
    text=lambda ledger: f"{to_terminal(_table(ledger))}\n{wrapped(_sentence(ledger))}",
    rows=rows_text,
    noun="rows",
)
"""The report of every ledger without trainings that no study's report fits."""
