"""How a landscape study is told: who came how far, how rough and how curved it was on the way, and what leaked."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar.report import pieces, tables
from qvar.report.drawing import Drawing
from qvar.report.duel_view import DUEL, training_facts
from qvar.report.plot_landscape import curvatures, leakage, lines, planes, price_words
from qvar.report.plot_training import error_vs_step
from qvar.report.tables import MILLIHARTREE, Frame
from qvar.report.training_tables import rows_text
from qvar.report.view import View
from qvar.runs.folder import LoadedRun
from qvar.units import HARTREE

_WORDS = (
    "Circuits were trained from several random starts, all with the same method and budget, and the landscape around "
    "them was measured: its curvature at every start and every end (exact Hessians), how many different minima the "
    "starts ended in, how much of the state left the right numbers of electrons on the way, and, for the seed that "
    "ended lowest, the value on the line from start to end and on planes around both. Generic contenders have free "
    "parameters that know nothing of the problem; constrained contenders carry its physics."
)


def is_landscape(ledger: Frame) -> bool:
    """Whether a ledger is that of a `qvar.studies.landscape.Landscape`."""
    return "line_scan" in ledger.columns


def _facts(run: LoadedRun) -> dict[str, str]:
    references = [f"{value:.8f}" for value in run.ledger["reference"].dropna().unique()]
    return {"Exact reference": " ".join([*references[:1], *pieces.values(run.ledger, "unit")[:1]])} | training_facts(
        run
    )


def _result(ledger: Frame, trace: Frame) -> str:
    return DUEL.result(ledger, trace) + _curvature_table(ledger)


def _curvature_table(ledger: Frame) -> str:
    """Medians over the seeds of what was measured at the starts and the ends."""
    heads = [
        "contender", "distinct minima", "negative directions: start", "end", "flat: end", "largest curvature: end",
        "condition number: end", "hills on the line", *(_leak_heads(ledger)),
    ]  # fmt: skip
    rows = []
    for label, group in _by_label(ledger):
        params = next(iter(group["n_params"].dropna()), None)
        cells = [
            _minima(group),
            _of(group, "start_negative_directions", params),
            _of(group, "end_negative_directions", params),
            _of(group, "end_flat_directions", params),
            tables.number(_median(group, "end_largest_curvature")),
            tables.number(_median(group, "end_condition_number")),
            tables.count(_median(group, "line_minima")),
        ]
        if "sector_weight" in ledger.columns:
            unit = next(iter(group["unit"].dropna()), "")
            lost = 1 - _array(group, "sector_weight")
            cells += [f"{np.nanmedian(np.abs(lost)):.2g}" if len(lost) else "-"]
            cells += [price_words(_median(group, "symmetry_price"), unit)]
        rows.append(
            f'<td class="name">{pieces.text(label)}</td>' + "".join(f'<td class="number">{cell}</td>' for cell in cells)
        )
    head = "".join(f"<th>{pieces.text(name)}</th>" for name in heads)
    note = (
        "Medians over the seeds. Distinct minima: ends that differ in energy by more than 1e-6 or in fidelity by more "
        "than 1e-4, of all seeds. Negative directions: eigenvalues of the Hessian below zero, of all parameters. Flat: "
        "eigenvalues that are zero to rounding. Condition number: largest over smallest of the positive ones that are "
        "not flat. Hills on the line: dips between the start and the end of the lowest seed."
    )
    if "sector_weight" in ledger.columns:
        note += (
            " Leaked: weight of the final state outside of the right numbers of electrons. Symmetry price: the energy "
            "less that of the state's part with the right numbers; negative where a wrong sector lies lower."
        )
    wide = f'<div class="wide">{pieces.table(head, rows)}</div>'
    return f'<h3>The landscape</h3>{wide}<p class="note">{pieces.text(note)}</p>'


def _leak_heads(ledger: Frame) -> list[str]:
    if "sector_weight" not in ledger.columns:
        return []
    unit = next(iter(pieces.values(ledger, "unit")), "")
    return ["leaked: end", f"symmetry price ({MILLIHARTREE if unit == HARTREE else unit})"]


def _by_label(ledger: Frame) -> list[tuple[str, Frame]]:
    named = ledger.assign(label=tables.labels(ledger))
    return [(str(label), group) for label, group in named.groupby("label", sort=False)]


def _minima(group: Frame) -> str:
    if "minimum" not in group.columns or not group["minimum"].notna().any():
        return tables.NOTHING
    return f"{group['minimum'].nunique()} of {int(group['minimum'].notna().sum())}"


def _array(group: Frame, column: str) -> np.ndarray:
    if column not in group.columns:
        return np.zeros(0)
    return group[column].dropna().to_numpy(dtype=float)


def _median(group: Frame, column: str) -> float | None:
    values = _array(group, column)
    return float(np.median(values)) if len(values) else None


def _of(group: Frame, column: str, total: Any) -> str:
    middle = _median(group, column)
    return tables.NOTHING if middle is None else f"{middle:.0f}/{tables.count(total)}"


def _text(ledger: Frame) -> str:
    """The summary of the duel, and a line on each contender's landscape."""
    notes = []
    for label, group in _by_label(ledger):
        params = next(iter(group["n_params"].dropna()), None)
        if _median(group, "end_largest_curvature") is None:
            continue
        said = (
            f"{label}: {_minima(group)} ends are distinct minima; negative directions "
            f"{_of(group, 'start_negative_directions', params)} at the start, "
            f"{_of(group, 'end_negative_directions', params)} at the end, flat "
            f"{_of(group, 'end_flat_directions', params)}"
        )
        if "sector_weight" in group.columns and len(_array(group, "sector_weight")):
            unit = next(iter(group["unit"].dropna()), "")
            said += (
                f"; leaked {np.median(np.abs(1 - _array(group, 'sector_weight'))):.2g}, symmetry price "
                f"{price_words(_median(group, 'symmetry_price'), unit)} {MILLIHARTREE if unit == HARTREE else unit}"
            )
        notes.append(f"{said}.")
    return "\n".join([DUEL.text(ledger), "", "Medians over the seeds:", *notes]) if notes else DUEL.text(ledger)


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    table = tables.summary(ledger)
    drawn, missing = table[table["finite"] > 0], [str(label) for label in table.loc[table["finite"] == 0, "label"]]
    if drawn.empty:
        return [], missing
    named = ledger.assign(label=tables.labels(ledger))
    best = named[named["line_scan"].notna()]
    found = [lines(best), planes(best), curvatures(best), leakage(named, drawn), error_vs_step(trace, ledger, drawn)]
    return [drawing for drawing in found if drawing is not None], missing


LANDSCAPE = View(
    recognises=is_landscape,
    words=_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("landscape_lines", "landscape_planes", "landscape_curvature", "symmetry_leakage", "error_vs_step"),
    text=_text,
    rows=rows_text,
)
"""The view of a `qvar.studies.landscape.Landscape`."""
