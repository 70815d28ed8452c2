"""The report of a landscape study: errors, curvatures, distinct minima, and leakage out of the right sector."""

from __future__ import annotations

from typing import Any

from qvar._types import DataFrame
from qvar.analysis.landscapes import LandscapeRow, landscape_table
from qvar.analysis.rows import MILLIHARTREE, known, labelled, resolution, some, typed, where
from qvar.analysis.summaries import summary
from qvar.report.duel import DUEL
from qvar.report.formats import count, digits, error_words, number, share
from qvar.report.plots.landscape import curvatures, leakage, lines, planes
from qvar.report.plots.training import error_vs_step
from qvar.report.study_report import Drawings, StudyReport, pictures
from qvar.report.table import NOTHING, Column, Heading, Part, Table
from qvar.report.terminal import to_terminal
from qvar.report.training import drawn_and_missing, rows_text
from qvar.units import HARTREE, MILLIHARTREE_PER_HARTREE, short_exponent

_CONSERVED = 1e-10
"""Weight outside of the right sector below which it is rounding."""

_WORDS = (
    "Circuits were trained from several random starts, all with the same method and budget, and the landscape around "
    "them was measured: how it bends at every start and every end (exact Hessians), in how many different minima the "
    "starts ended, how much of the state left the right symmetry sector on the way (for molecules the right numbers of "
    "spin-up and spin-down electrons), and, for the seed that ended lowest, the value on the line from start to end "
    "and on planes around both. Generic contenders have free parameters that know nothing of the problem; constrained "
    "contenders carry its physics."
)

_NOTE = (
    "Distinct minima: ends that differ in energy by more than 1e-6 or in fidelity by more than 1e-4; ends that had "
    "not converged count as well, and differ by what was left of their way. All that follows is a median over the "
    "seeds. Bends down: eigenvalues of the Hessian below zero, of all its eigenvalues, one for each parameter. "
    "Flat: eigenvalues that are zero to rounding. Condition number: largest over smallest of the positive "
    "eigenvalues that are not flat. Dips on the line: minima on the straight line from start to end of the lowest "
    "seed, its end among them."
)

_LEAK_NOTE = (
    " Leaked: weight of the final state outside of the right sector. Symmetry price: the energy less that of "
    "the state's part in the right sector; negative if a wrong sector lies lower."
)


def _sentence(row: LandscapeRow) -> str:
    """Return the numbers of one contender in a sentence."""
    starts = "its start" if row.ends == 1 else f"the {row.ends} starts"
    minima = "1 minimum" if row.minima == 1 else f"{row.minima} distinct minima"
    words = f"{row.label}: {starts} ended in {minima}"
    if known(row.end_negative_directions):
        down, still = round(row.start_negative_directions), round(row.end_negative_directions)
        words += (
            f"; of {count(row.n_params)} directions {down} {'bends' if down == 1 else 'bend'} down at a typical "
            f"start, {still or 'none'} at a typical end"
        )
    if known(row.leaked) and row.most_leaked < _CONSERVED:
        words += "; nothing left the right sector"
    elif known(row.leaked):
        words += f"; at a typical end {_leak(row.leaked, 100)} % of the state had left the right sector"
        words += f", at {row.outside} of the {row.ends} ends more than half of it" if row.outside else ""
    return f"{words}."


def _table(contenders: DataFrame) -> Table[LandscapeRow]:
    leaks = some(contenders["leaked"].notna())
    unit = next(iter(contenders["unit"]), "")
    unit = MILLIHARTREE if unit == HARTREE else unit
    leak_columns: list[Column[LandscapeRow]] = [
        Column("leaked: end", lambda row: _leak(row.leaked), short="leaked"),
        Column(f"symmetry price ({unit})", _price, short=f"symmetry\nprice\n[{unit}]"),
    ]
    return Table(
        [
            Column("contender", lambda row: str(row.label), "name"),
            Column("ends", lambda row: str(row.ends), show="page"),
            Column("distinct minima", lambda row: str(row.minima) if row.ends else NOTHING, show="page"),
            Column("distinct\nminima", lambda row: f"{row.minima}/{row.ends}", show="terminal", stays=True),
            _directions("bends down: start", "start_negative_directions", "bends\ndown:\nstart"),
            _directions("end", "end_negative_directions", "bends\ndown:\nend"),
            _directions("flat: end", "end_flat_directions", "flat:\nend"),
            Column("largest curvature: end", lambda row: number(row.end_largest_curvature), show="page"),
            Column("condition number: end", lambda row: digits(row.end_condition_number, 2), short="condition\nnumber"),
            Column("dips on the line", lambda row: count(row.dips), show="page"),
            *(leak_columns if leaks else []),
        ],
        typed(contenders, LandscapeRow),
        [_NOTE + (_LEAK_NOTE if leaks else "")],
    )


def _directions(head: str, name: str, short_head: str) -> Column[LandscapeRow]:
    return Column(head, lambda row: share(getattr(row, name), row.n_params), short=short_head)


def _leak(weight: float, scale: int = 1) -> str:
    """Return a weight outside of the right sector, times a scale; a dash if there is none."""
    if known(weight) and 0 < weight < _CONSERVED:
        return f"<{short_exponent(f'{_CONSERVED * scale:.0e}')}"
    return digits(weight * scale, 2) if known(weight) else NOTHING


def _price(row: LandscapeRow) -> str:
    if not known(row.symmetry_price):
        return NOTHING
    price, unit = row.symmetry_price, row.unit
    if unit == HARTREE:
        price, unit = price * MILLIHARTREE_PER_HARTREE, MILLIHARTREE
    return error_words(price, unit) if 0 < abs(price) <= resolution(unit) else digits(price)


def _result(ledger: DataFrame, trace: DataFrame) -> list[Part]:
    contenders = landscape_table(ledger)
    sentences = [_sentence(row) for row in typed(contenders, LandscapeRow) if row.ends]
    return [*DUEL.result(ledger, trace), Heading("The landscape"), *sentences, _table(contenders)]


def _text(ledger: DataFrame) -> str:
    """Return the summary of the duel, and below it a row on each contender's landscape."""
    contenders = landscape_table(ledger)
    if not some(contenders["ends"] > 0):
        return DUEL.text(ledger)
    leaks = ", as is what leaked out of the right sector" if some(contenders["leaked"].notna()) else ""
    note = (
        "Distinct minima: of all ends. Bends down, flat: eigenvalues of the Hessian, of one for each parameter; "
        f"medians over the seeds{leaks}."
    )
    return "\n".join([DUEL.text(ledger), "", to_terminal(_table(contenders), notes=["", note])])


def _drawings(ledger: DataFrame, trace: DataFrame) -> Drawings:
    drawn, missing = drawn_and_missing(summary(ledger))
    if drawn.empty:
        return [], missing
    named = labelled(ledger)
    order = {label: place for place, label in enumerate(drawn["label"])}
    best: Any = where(named, named["line_scan"].notna()).sort_values("label", key=lambda column: column.map(order))
    drawings = [lines(best, drawn), planes(best), curvatures(best), leakage(named, drawn)]
    return pictures([*drawings, error_vs_step(trace, ledger, drawn)], missing)


LANDSCAPE = StudyReport(
    study="landscape",
    marks=frozenset({"line_scan"}),
    words=_WORDS,
    facts=DUEL.facts,
    result=_result,
    drawings=_drawings,
    pictures=("landscape_lines", "landscape_planes", "landscape_curvature", "symmetry_leakage", "error_vs_step"),
    text=_text,
    rows=rows_text,
)
"""The report of a `qvar.Landscape`."""
