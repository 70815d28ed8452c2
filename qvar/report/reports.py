"""The reports of all studies, and the choice of the one for a run."""

from __future__ import annotations

from qvar._types import DataFrame
from qvar.analysis.rows import is_campaign, without_sweep
from qvar.report.adaptive import ADAPTIVE
from qvar.report.basis import BASIS
from qvar.report.campaign import campaign
from qvar.report.capacity import CAPACITY
from qvar.report.compression import COMPRESSION
from qvar.report.coverage import COVERAGE
from qvar.report.curve import CURVE
from qvar.report.duel import DUEL
from qvar.report.gallery import GALLERY
from qvar.report.landscape import LANDSCAPE
from qvar.report.learning import LEARNING
from qvar.report.paired import PAIRED
from qvar.report.plots.campaign import PICTURES
from qvar.report.published import PUBLISHED
from qvar.report.ranking import RANKING
from qvar.report.remarks import remarks
from qvar.report.scaling import SCALING
from qvar.report.selection import SELECTION
from qvar.report.study_report import StudyReport
from qvar.report.terminal import wrapped
from qvar.report.trials import TRIALS
from qvar.report.untrained import UNTRAINED

STUDIES: tuple[StudyReport, ...] = (
    GALLERY, PUBLISHED, COVERAGE, SCALING, CAPACITY, LANDSCAPE, BASIS, RANKING, CURVE, ADAPTIVE, COMPRESSION, TRIALS,
    PAIRED, SELECTION, LEARNING, UNTRAINED, DUEL,
)  # fmt: skip
"""The reports of the studies, those that fit every ledger without and with trainings last."""

ALL_PICTURES = {name for report in STUDIES for name in report.pictures} | set(PICTURES)
"""Names of the pictures of all reports."""


def report_of(ledger: DataFrame, study: str | None = None) -> StudyReport:
    """Return the report of a run: that of its study, or that of a campaign of it.

    If no study has the name in `case.json`, or the ledger lacks the columns of that study, its columns decide.
    """
    bare = without_sweep(ledger)
    named = [report for report in STUDIES if report.study == study and report.recognises(bare)]
    inner = next(report for report in (*named, *STUDIES) if report.recognises(bare))
    return campaign(inner) if is_campaign(ledger) else inner


def summary_text(ledger: DataFrame, study: str | None = None) -> str:
    """Return the summary of a run for a terminal, with failures and remarks on its problems below it."""
    return "\n".join([report_of(ledger, study).text(ledger), *map(wrapped, remarks(ledger))])


def rows_text(ledger: DataFrame, study: str | None = None) -> str:
    """Return every row of a run for a terminal."""
    return report_of(ledger, study).rows(ledger)
