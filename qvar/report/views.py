"""Which view tells which ledger."""

from __future__ import annotations

from qvar.report.basis_view import BASIS
from qvar.report.campaign_view import campaign
from qvar.report.capacity_view import CAPACITY
from qvar.report.coverage_view import COVERAGE
from qvar.report.curve_view import CURVE
from qvar.report.duel_view import DUEL
from qvar.report.landscape_view import LANDSCAPE
from qvar.report.ranking_view import RANKING
from qvar.report.remarks import remarks
from qvar.report.scaling_view import SCALING
from qvar.report.tables import Frame
from qvar.report.terminal import wrapped
from qvar.report.view import View

STUDIES: tuple[View, ...] = (COVERAGE, SCALING, CAPACITY, LANDSCAPE, BASIS, RANKING, CURVE, DUEL)
"""The views of the studies themselves, the commonest last."""

VIEWS: tuple[View, ...] = (campaign(STUDIES), *STUDIES)
"""All views; the first one that recognises a ledger tells it."""


def view_of(ledger: Frame) -> View:
    """The view that tells a ledger."""
    return next(view for view in VIEWS if view.recognises(ledger))


def summary_text(ledger: Frame) -> str:
    """Return the summary of a ledger for a terminal; below it what failed and why, and remarks on its problems."""
    return "\n".join([view_of(ledger).text(ledger), *map(wrapped, remarks(ledger))])


def rows_text(ledger: Frame) -> str:
    """Every row of a ledger for a terminal."""
    return view_of(ledger).rows(ledger)
