"""How a landscape study is told: who came how far, how rough and how curved it was on the way, and what leaked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qvar.report import pieces, tables
from qvar.report.duel_view import DUEL
from qvar.report.plot_style import Drawing
from qvar.report.plots.landscape import curvatures, leakage, lines, planes, price_words
from qvar.report.plots.training import error_vs_step
from qvar.report.tables import MILLIHARTREE, Frame
from qvar.report.terminal import empty_table, plain, render
from qvar.report.training_tables import rows_text
from qvar.report.view import View
from qvar.units import HARTREE

if TYPE_CHECKING:
    import pandas as pd

_CONSERVED = 1e-10
"""Less than this outside of the right sector is rounding."""

_WORDS = (
    "Circuits were trained from several random starts, all with the same method and budget, and the landscape around "
    "them was measured: how it bends at every start and every end (exact Hessians), in how many different minima the "
    "starts ended, how much of the state left the right symmetry sector on the way (for molecules the right numbers of "
    "spin-up and spin-down electrons), and, for the seed that ended lowest, the value on the line from start to end "
    "and on planes around both. Generic contenders have free parameters that know nothing of the problem; constrained "
    "contenders carry its physics."
)

_MEASURED = (
    "start_negative_directions", "end_negative_directions", "end_flat_directions", "end_largest_curvature",
    "end_condition_number", "symmetry_price",
)  # fmt: skip
"""Columns whose medians are told."""


def is_landscape(ledger: Frame) -> bool:
    """Whether a ledger is that of a `qvar.studies.landscape.Landscape`."""
    return "line_scan" in ledger.columns


def _result(ledger: Frame, trace: Frame) -> str:
    found = landscape_table(ledger)
    said = "".join(f"<p>{pieces.text(_sentence(row))}</p>" for row in tables.records(found) if row.ends)
    return f"{DUEL.result(ledger, trace)}<h3>The landscape</h3>{said}{_landscape_html(found)}"


def landscape_table(ledger: Frame) -> pd.DataFrame:
    """One row per contender, the lowest median error first, as in `qvar.report.tables.summary`.

    Args:
        ledger: the ledger of a landscape study.

    Returns:
        Columns: `label`, `n_params`, `ends` (seeds that ended in a minimum), `minima` (distinct ones among them), the
        medians over the seeds of `start_negative_directions`, `end_negative_directions`, `end_flat_directions`,
        `end_largest_curvature`, `end_condition_number`, `leaked` (1 - sector_weight) and `symmetry_price` (in `unit`),
        missing where nothing was measured; `most_leaked` (of any seed), `outside` (seeds of which more than half has
        leaked), `dips` (local minima on the line of the lowest seed), `unit`.
    """
    import pandas as pd

    named = ledger.assign(label=tables.labels(ledger))
    groups = dict(list(named.groupby("label", sort=False)))
    rows = []
    for label in tables.summary(ledger)["label"]:
        group = groups[label]
        ends = _numbers(group, "minimum")
        medians = {name: _median(group, name) for name in _MEASURED}
        lost = (1.0 - _numbers(group, "sector_weight")).clip(min=0.0)
        rows.append(
            {
                "label": str(label),
                "n_params": _median(group, "n_params"),
                "ends": len(ends),
                "minima": len(np.unique(ends)),
                **medians,
                "leaked": float(np.median(lost)) if len(lost) else None,
                "most_leaked": float(lost.max()) if len(lost) else None,
                "outside": int((lost > 0.5).sum()),
                "dips": _median(group, "line_minima"),
                "unit": next(iter(group["unit"].dropna()), ""),
            }
        )
    return pd.DataFrame(rows)


def _numbers(group: Frame, column: str) -> np.ndarray:
    if column not in group.columns:
        return np.zeros(0)
    return group[column].dropna().to_numpy(dtype=float)


def _median(group: Frame, column: str) -> float | None:
    values = _numbers(group, column)
    return float(np.median(values)) if len(values) else None


def _sentence(row: Any) -> str:
    """What the numbers of one contender mean."""
    starts = "its start" if row.ends == 1 else f"the {row.ends} starts"
    said = f"{row.label}: {starts} ended in {_counted(row.minima, 'minimum', 'distinct minima')}"
    if tables.known(row.end_negative_directions):
        down, still = round(row.start_negative_directions), round(row.end_negative_directions)
        said += (
            f"; of {tables.count(row.n_params)} directions {down} {'bends' if down == 1 else 'bend'} down at a typical "
            f"start, {still or 'none'} at a typical end"
        )
    if tables.known(row.leaked):
        said += "; nothing left the right sector" if row.most_leaked < _CONSERVED else f"; {_leaked_words(row)}"
    return f"{said}."


def _leaked_words(row: Any) -> str:
    said = f"at a typical end {_digits(100 * row.leaked)} % of the state had left the right sector"
    return said + (f", at {row.outside} of the {row.ends} ends more than half of it" if row.outside else "")


def _counted(number: int, one: str, many: str) -> str:
    return f"1 {one}" if number == 1 else f"{number} {many}"


def _landscape_html(found: Frame) -> str:
    leaks = bool(found["leaked"].notna().any())
    heads = [
        "contender", "ends", "distinct minima", "bends down: start", "end", "flat: end", "largest curvature: end",
        "condition number: end", "dips on the line",
    ]  # fmt: skip
    heads += ["leaked: end", f"symmetry price ({_price_unit(found)})"] if leaks else []
    rows = []
    for row in tables.records(found):
        cells = [
            str(row.ends),
            str(row.minima) if row.ends else tables.NOTHING,
            *(
                _of(value, row.n_params)
                for value in (row.start_negative_directions, row.end_negative_directions, row.end_flat_directions)
            ),
            tables.number(row.end_largest_curvature),
            _digits(row.end_condition_number),
            tables.count(row.dips),
            *([_digits(row.leaked), price_words(row.symmetry_price, row.unit)] if leaks else []),
        ]
        rows.append([pieces.name(row.label), *pieces.numbers(cells)])
    note = (
        "Distinct minima: ends that differ in energy by more than 1e-6 or in fidelity by more than 1e-4; ends that had "
        "not converged count as well, and differ by what was left of their way. All that follows is a median over the "
        "seeds. Bends down: eigenvalues of the Hessian below zero, of all its eigenvalues, one for each parameter. "
        "Flat: eigenvalues that are zero to rounding. Condition number: largest over smallest of the positive "
        "eigenvalues that are not flat. Dips on the line: minima on the straight line from start to end of the lowest "
        "seed, its end among them."
    )
    if leaks:
        note += (
            " Leaked: weight of the final state outside of the right sector. Symmetry price: the energy less that of "
            "the state's part in the right sector; negative where a wrong sector lies lower."
        )
    table = pieces.table([pieces.text(head) for head in heads], rows)
    return f'{table}<p class="note">{pieces.text(note)}</p>'


def _price_unit(found: Frame) -> str:
    unit = next(iter(found["unit"]), "")
    return MILLIHARTREE if unit == HARTREE else unit


def _of(number: Any, total: Any) -> str:
    return f"{tables.count(number)}/{tables.count(total)}" if tables.known(number) else tables.NOTHING


def _digits(number: Any) -> str:
    return f"{float(f'{number:.2g}'):g}" if tables.known(number) else tables.NOTHING


def _text(ledger: Frame) -> str:
    """The summary of the duel, and below it a row on each contender's landscape."""
    found = landscape_table(ledger)
    if not any(row.ends for row in tables.records(found)):
        return DUEL.text(ledger)
    leaks = bool(found["leaked"].notna().any())
    table = empty_table()
    table.add_column("contender", overflow="fold", min_width=8)
    heads = ["distinct\nminima", "bends\ndown:\nstart", "bends\ndown:\nend", "flat:\nend", "condition\nnumber"]
    heads += ["leaked", f"symmetry\nprice\n\\[{_price_unit(found)}]"] if leaks else []
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True, essential=head == heads[0])
    for row in tables.records(found):
        signs = (row.start_negative_directions, row.end_negative_directions, row.end_flat_directions)
        table.add_row(
            plain(row.label),
            f"{row.minima}/{row.ends}",
            *(_of(value, row.n_params) for value in signs),
            _digits(row.end_condition_number),
            *([_digits(row.leaked), price_words(row.symmetry_price, row.unit)] if leaks else []),
        )
    notes = [
        "",
        "Distinct minima: of all ends. Bends down, flat: eigenvalues of the Hessian, of one for each parameter; "
        f"medians over the seeds{', as is what leaked out of the right sector' if leaks else ''}.",
    ]
    return "\n".join([DUEL.text(ledger), "", render(table, notes)])


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    table = tables.summary(ledger)
    drawn, missing = table[table["finite"] > 0], [str(label) for label in table.loc[table["finite"] == 0, "label"]]
    if drawn.empty:
        return [], missing
    named = ledger.assign(label=tables.labels(ledger))
    order = {label: place for place, label in enumerate(drawn["label"])}
    best = named[named["line_scan"].notna()].sort_values("label", key=lambda labels: labels.map(order))
    found = [
        lines(best, drawn),
        planes(best),
        curvatures(best),
        leakage(named, drawn),
        error_vs_step(trace, ledger, drawn),
    ]
    return [drawing for drawing in found if drawing is not None], missing


LANDSCAPE = View(
    recognises=is_landscape,
    words=_WORDS,
    facts=DUEL.facts,
    result=_result,
    drawings=_drawings,
    pictures=("landscape_lines", "landscape_planes", "landscape_curvature", "symmetry_leakage", "error_vs_step"),
    text=_text,
    rows=rows_text,
)
"""The view of a `qvar.studies.landscape.Landscape`."""
