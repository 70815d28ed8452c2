"""View: how one kind of study is told, on a terminal, on its page and in pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qvar.records.run_folder import LoadedRun
from qvar.report.plot_style import Drawing
from qvar.report.tables import Frame


@dataclass(frozen=True)
class View:
    """How one kind of study is told; a ledger's columns say which kind it is."""

    recognises: Callable[[Frame], bool]
    """Whether a ledger is of this kind."""
    words: str
    """What was compared, for someone who does not know the code."""
    facts: Callable[[LoadedRun], dict[str, str]]
    """Names and values beside those of every run; plain text."""
    result: Callable[[Frame, Frame], str]
    """(ledger, trace) -> the result as HTML."""
    drawings: Callable[[Frame, Frame], tuple[list[Drawing], list[str]]]
    """(ledger, trace) -> the pictures, and the contenders that are not in them because they have no finite value."""
    pictures: tuple[str, ...]
    """Names of all pictures that there may be."""
    text: Callable[[Frame], str]
    """The summary for a terminal."""
    rows: Callable[[Frame], str]
    """Every row of the ledger, likewise."""
    noun: str = "seeds"
    """What a row of the ledger is."""
    sections: Callable[[Frame, Frame], dict[str, str]] = lambda ledger, trace: {}
    """(ledger, trace) -> titles and HTML of further sections, below the pictures."""
