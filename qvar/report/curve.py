"""The report of a run along a coordinate: the contenders that follow the exact curve."""

from __future__ import annotations

from qvar._types import DataFrame
from qvar.analysis.rows import CURVE_MARKS, axis_name, typed, where
from qvar.analysis.summaries import ContenderRow, curve_summary, lowest
from qvar.records.run_folder import LoadedRun
from qvar.report.formats import bold, common, count, error_words, seconds
from qvar.report.plots.curve import energy_along, error_along
from qvar.report.table import Column, Part, Span, Table
from qvar.report.training import contender_columns, contenders_report, training_facts, within_columns

_NOTE = (
    "The smallest greatest error comes first. Max and mean are of |value - reference| along the curve; the "
    "non-parallelity error (NPE) is the greatest minus the smallest signed error along it, and is missing if a "
    "point is: all three are medians over the seeds. Evaluations are those of all points of a seed; times are those "
    "of the whole batch of seeds, compilation apart."
)


def _facts(run: LoadedRun) -> dict[str, str]:
    places = run.ledger["coordinate"].dropna().drop_duplicates()
    points = ""
    if len(places):
        points = f"{len(places)}, {axis_name(run.ledger)} from {places.iloc[0]:g} to {places.iloc[-1]:g}"
    return {"Points": points, **training_facts(run)}


def _headline(contenders: DataFrame) -> list[Part]:
    """Return the contenders with the smallest greatest error and with the smallest non-parallelity error."""
    spans: list[str | Span] = []
    for column, words in (("worst", "The smallest greatest error along the curve"), ("npe", "The smallest NPE")):
        ranked = where(contenders, contenders[column].notna())
        if len(ranked):
            best = lowest(ranked, column)
            spans += [" "] if spans else []
            spans += [f"{words} is that of ", bold(best["label"])]
            spans += [f", {error_words(best[column], best['unit'])} {best['unit']}."]
    return [tuple(spans)] if spans else []


def _table(contenders: DataFrame) -> Table[ContenderRow]:
    unit = common(contenders, "unit")
    page, terminal = (f" ({unit})", f"\n[{unit}]") if unit else ("", "")
    return Table(
        [
            *contender_columns(contenders),
            Column(
                f"max error{page}", lambda row: error_words(row.worst, unit), stays=True, short=f"max\nerror{terminal}"
            ),
            Column(f"NPE{page}", lambda row: error_words(row.npe, unit), short=f"NPE{terminal}"),
            Column(f"mean error{page}", lambda row: error_words(row.mean, unit), short=f"mean\nerror{terminal}"),
            *within_columns(contenders),
            Column("evaluations", lambda row: count(row.evaluations), show="page"),
            Column("time", lambda row: seconds(row.wall_s)),
        ],
        typed(contenders, ContenderRow),
    )


CURVE = contenders_report(
    study="curve",
    marks=CURVE_MARKS,
    facts=_facts,
    summarize=curve_summary,
    headline=_headline,
    table=_table,
    note=_NOTE,
    draw=lambda ledger, trace, drawn: [energy_along(ledger, drawn), error_along(ledger, drawn)],
    names=("energy_vs_coordinate", "error_vs_coordinate"),
)
"""The report of a `qvar.Curve`."""
