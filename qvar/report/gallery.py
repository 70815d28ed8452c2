"""The report of a gallery: the best generic against the best constrained model of several studies on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qvar._types import DataFrame
from qvar.analysis.families import FamilyRow
from qvar.analysis.rows import ended, known, shared
from qvar.report.duel import DUEL
from qvar.report.families import FAMILY_NOTE, family_columns, family_rows, family_sentences
from qvar.report.formats import values
from qvar.report.plots.gallery import error_ratios
from qvar.report.study_report import StudyReport, pictures
from qvar.report.table import Column, Fold, Heading, Note, Part, Table
from qvar.report.terminal import to_terminal, wrapped

_WORDS = (
    "Each entry is a question from another field. A generic model has many free parameters that know nothing of the "
    "problem; a constrained one carries its structure and has fewer. Both were fitted or trained on the same data in "
    "repetitions, and are compared by their error on data that they were not fitted to."
)


def entries(ledger: DataFrame) -> list[tuple[str, DataFrame]]:
    """Return title and rows of each entry; rows of tasks that failed as a whole belong to none."""
    if "entry" not in ledger.columns:
        return []
    return [(str(title), group) for title, group in ledger.groupby("entry", sort=False)]


def _compared(group: DataFrame) -> list[FamilyRow]:
    return family_rows(group, str(shared(group, "compared") or "test_error"))


def gallery_rows(ledger: DataFrame) -> list[FamilyRow]:
    """Return the comparisons of all entries, each with the entry's title before its setting."""
    rows = []
    for title, group in entries(ledger):
        rows += [row._replace(setting=": ".join(filter(None, (title, row.setting)))) for row in _compared(group)]
    return rows


def _wins(rows: list[FamilyRow]) -> str:
    """Return the number of verdicts of each kind in a sentence."""
    times = {word: sum(row.verdict == word for row in rows) for word in ("constrained", "generic", "undecided")}
    return (
        f"In {len(rows)} comparisons the constrained model is better in {times['constrained']}, the generic one in "
        f"{times['generic']}, and {times['undecided']} are undecided."
    )


def _table(ledger: DataFrame) -> Table[FamilyRow]:
    columns: list[Column[Any]] = family_columns("entry and setting")
    return Table(columns, gallery_rows(ledger))


def _result(ledger: DataFrame, trace: DataFrame) -> list[Part]:
    table = _table(ledger)
    return [_wins(list(table.rows)), table, Note(FAMILY_NOTE)]


def _sections(ledger: DataFrame, trace: DataFrame) -> dict[str, Sequence[Part]]:
    sections: dict[str, Sequence[Part]] = {}
    for title, group in entries(ledger):
        rows = _compared(group)
        parts: list[Part] = [*family_sentences(rows)]
        if len(parts) > 6:
            parts = [*parts[:3], Fold(f"{len(parts) - 3} more settings", parts[3:])]
        failed = int(ended(group, "failed").sum())
        limit = shared(group, "limit")
        sections[title] = [
            str(shared(group, "question") or ""),
            *(parts or ["There are no repetitions with models of both families."]),
            *([Heading("Where the claim fails"), str(limit)] if known(limit) and limit else []),
            *([f"{failed} of {len(group)} fits or trainings failed."] if failed else []),
        ]
    return sections


def _text(ledger: DataFrame) -> str:
    table = _table(ledger)
    lines = ["", _wins(list(table.rows))]
    limits = [f"{title}: {shared(group, 'limit')}" for title, group in entries(ledger) if shared(group, "limit")]
    return "\n".join([to_terminal(table, notes=lines), "", *map(wrapped, limits)])


GALLERY = StudyReport(
    study="gallery",
    marks=frozenset({"entry", "compared"}),
    words=_WORDS,
    facts=lambda run: {"Entries": ", ".join(values(run.ledger, "entry"))},
    result=_result,
    drawings=lambda ledger, trace: pictures([error_ratios(gallery_rows(ledger))]),
    pictures=("error_ratios",),
    text=_text,
    rows=DUEL.rows,
    noun="fits and trainings",
    sections=_sections,
)
"""The report of a `qvar.Gallery`."""
