"""How a run along a coordinate is told: who follows the exact curve."""

from __future__ import annotations

from qvar.records.run_folder import LoadedRun
from qvar.report import pieces, tables
from qvar.report.duel_view import TRAINED_WORDS, training_facts
from qvar.report.plot_style import Drawing
from qvar.report.plots.curve import energy_along, error_along
from qvar.report.tables import Frame
from qvar.report.terminal import empty_table, render
from qvar.report.training_tables import (
    add_names,
    common,
    contender_table,
    names,
    page_notes,
    rows_text,
    terminal_notes,
)
from qvar.report.view import View


def _facts(run: LoadedRun) -> dict[str, str]:
    return {"Points": _points(run.ledger), **training_facts(run)}


def _points(ledger: Frame) -> str:
    """How many points a run along a coordinate has, and from where to where."""
    places = ledger["coordinate"].dropna().drop_duplicates()
    if places.empty:
        return ""
    return f"{len(places)}, {tables.axis_name(ledger)} from {places.iloc[0]:g} to {places.iloc[-1]:g}"


def _result(ledger: Frame, trace: Frame) -> str:
    summary = tables.curve_summary(ledger)
    return _headline(summary) + _table(summary) + page_notes(summary, _NOTE)


_NOTE = (
    "The smallest greatest error comes first. Max and mean are of |value - reference| along the curve; the "
    "non-parallelity error (NPE) is the greatest minus the smallest signed error along it, and is missing where a "
    "point is: all three are medians over the seeds. Evaluations are those of all points of a seed; times are those "
    "of the whole batch of seeds, compilation apart."
)


def _headline(summary: Frame) -> str:
    """Who stayed closest to the exact curve, and who drew its shape best."""
    said = []
    for column, words in (("worst", "The smallest greatest error along the curve"), ("npe", "The smallest NPE")):
        ranked: Frame = summary[summary[column].notna()]
        if len(ranked):
            best = tables.lowest(ranked, column)
            error = f"{pieces.text(tables.error_words(best[column], best['unit']))} {pieces.text(best['unit'])}"
            said.append(f"{words} is that of <b>{pieces.text(best['label'])}</b>, {error}.")
    return f"<p>{' '.join(said)}</p>" if said else ""


def _table(summary: Frame) -> str:
    units = [str(unit) for unit in summary["unit"].dropna().unique() if unit]
    in_unit = f" ({units[0]})" if len(units) == 1 else ""
    heads = [f"max error{in_unit}", f"NPE{in_unit}", f"mean error{in_unit}", "within 1.6 mHa", "evaluations", "time"]
    rows = []
    for row in tables.records(summary):
        cells = [tables.number(value) for value in (row.worst, row.npe, row.mean)]
        cells += [
            tables.within_words(row),
            tables.count(row.evaluations),
            tables.seconds(row.wall_s),
        ]
        rows.append((row, cells))
    return contender_table(heads, rows)


def _curve_text(ledger: Frame) -> str:
    """One row per contender over all points of a coordinate."""
    summary = tables.curve_summary(ledger)
    table = empty_table()
    unit = common(summary["unit"])
    in_unit = f"\n\\[{unit}]" if unit else ""
    add_names(table)
    for name in ("max\nerror", "NPE", "mean\nerror"):
        table.add_column(name + in_unit, justify="right", no_wrap=True, essential=name == "max\nerror")
    within = bool(summary["within"].notna().any())
    if within:
        table.add_column("within\n1.6\nmHa", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    for row in tables.records(summary):
        cells = [*names(row), *(tables.number(value) for value in (row.worst, row.npe, row.mean))]
        cells += [tables.within_words(row)] if within else []
        table.add_row(*cells, tables.seconds(row.wall_s))
    return render(table, terminal_notes(ledger, summary))


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    table = tables.curve_summary(ledger)
    drawn, missing = table[table["finite"] > 0], [str(label) for label in table.loc[table["finite"] == 0, "label"]]
    if drawn.empty:
        return [], missing
    found = [energy_along(ledger, drawn), error_along(ledger, drawn)]
    return [drawing for drawing in found if drawing is not None], missing


CURVE = View(
    recognises=tables.is_curve,
    words=TRAINED_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("energy_vs_coordinate", "error_vs_coordinate"),
    text=_curve_text,
    rows=rows_text,
)
"""The view of a `qvar.Curve`."""
