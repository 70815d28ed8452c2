"""StudyReport: the texts, tables and pictures of one kind of study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from qvar._types import DataFrame
from qvar.analysis.rows import some
from qvar.records.run_folder import LoadedRun
from qvar.report.plot_style import Drawing
from qvar.report.table import Part

Drawings: TypeAlias = tuple[list[Drawing], list[str]]
"""The pictures, and the contenders without a finite value, which are not in them."""


@dataclass(frozen=True)
class StudyReport:
    """Functions that make the report of one kind of study, on a terminal and on a page."""

    study: str
    """Name of the study in `case.json`."""
    marks: frozenset[str]
    """Columns that the study's ledgers have, and no other ones."""
    words: str
    """Sentences on what was compared, for someone who does not know the code."""
    facts: Callable[[LoadedRun], dict[str, str]]
    """Names and values beside those of every run."""
    result: Callable[[DataFrame, DataFrame], Sequence[Part]]
    """Function (ledger, trace) -> the result, for a page."""
    text: Callable[[DataFrame], str]
    """Function ledger -> the summary for a terminal."""
    rows: Callable[[DataFrame], str]
    """Function ledger -> every row, for a terminal."""
    drawings: Callable[[DataFrame, DataFrame], Drawings] = lambda ledger, trace: ([], [])
    """Function (ledger, trace) -> the pictures."""
    pictures: tuple[str, ...] = ()
    """Names of all pictures that there may be."""
    noun: str = "seeds"
    """Name of a row of the ledger."""
    sections: Callable[[DataFrame, DataFrame], dict[str, Sequence[Part]]] = lambda ledger, trace: {}
    """Function (ledger, trace) -> titles and content of further sections, below the pictures."""
    filled: str = ""
    """One of these columns that has an entry, if it may be empty in ledgers of other studies."""

    def recognises(self, ledger: DataFrame) -> bool:
        """Return if a ledger has the columns of this study."""
        return self.marks <= set(ledger.columns) and (not self.filled or some(ledger[self.filled].notna()))


def pictures(drawings: Sequence[Drawing | None], missing: Sequence[str] = ()) -> Drawings:
    """Return the drawings that are not empty, and the contenders that are not in them."""
    return [drawing for drawing in drawings if drawing is not None], list(missing)
