"""How a study over depths is told: from which depth on a circuit is overparametrized, and whether training knows."""

from __future__ import annotations

from typing import Any

from qvar.report import pieces, tables
from qvar.report.capacity_tables import RELIABLE, depth_table, is_capacity, series_table
from qvar.report.drawing import Drawing
from qvar.report.duel_view import training_facts
from qvar.report.plot_capacity import capacity
from qvar.report.plot_training import error_vs_step
from qvar.report.tables import Frame
from qvar.report.terminal import empty_table, plain, render
from qvar.report.training_tables import rows_text
from qvar.report.view import View
from qvar.runs.folder import LoadedRun

_WORDS = (
    "Circuits of growing depth were measured and trained. Measured: in how many independent directions a circuit can "
    "move its state, the rank of the quantum Fisher information. The rank grows with the layers and then stops; from "
    "there on a circuit is overparametrized. Trained: many random starts at every depth, all with the same method and "
    "budget. Theory (Larocca et al. 2023) says that local minima in which training is caught disappear about where the "
    "rank stops growing. Generic contenders have free parameters that know nothing of the problem; constrained "
    "contenders carry its physics."
)


def _facts(run: LoadedRun) -> dict[str, str]:
    depths = depth_table(run.ledger)
    samples = pieces.values(run.ledger, "fisher_samples") if "fisher_samples" in run.ledger.columns else []
    return {
        "Layers": ", ".join(str(layers) for layers in sorted(depths["layers"].unique())),
        "Success": f"within {_tolerance(depths)} of the exact value; intervals are 95 % (Wilson)",
        "Rank": f"the largest over {', '.join(samples)} random points" if samples else "",
        **training_facts(run),
    }


def _tolerance(depths: Frame) -> str:
    unit = next(iter(depths["unit"].dropna()), "")
    return f"{depths['tolerance'].iloc[0]:g} {unit}".rstrip()


def _result(ledger: Frame, trace: Frame) -> str:
    depths = depth_table(ledger)
    series = series_table(depths)
    return _headline(series) + _series_html(series) + _depths_html(depths)


def _headline(series: Frame) -> str:
    return "".join(f"<p>{sentence}</p>" for sentence in map(_sentence, tables.records(series)))


def _sentence(row: Any, mark: bool = True) -> str:
    """What was found of one series."""
    name = f"<b>{pieces.text(row.series)}</b>" if mark else str(row.series)
    said = f"{name}: "
    if tables.known(row.saturation):
        said += (
            f"the rank stays at {tables.count(row.rank)} from {_layers(row.saturation)} on "
            f"({tables.count(row.saturation_params)} parameters)"
        )
    else:
        said += f"the rank has reached {tables.count(row.rank)} and was not seen to stop growing"
    if tables.known(row.reliable):
        said += f"; at least {RELIABLE:.0%} of the starts succeed from {_layers(row.reliable)} on"
        said += f" ({tables.count(row.reliable_params)} parameters)."
    else:
        said += f"; at no depth do {RELIABLE:.0%} of the starts succeed up to the largest ({row.success_last} there)."
    return said


def _layers(number: Any) -> str:
    return f"{int(number)} layer" if int(number) == 1 else f"{int(number)} layers"


def _series_html(series: Frame) -> str:
    heads = [
        "contender", "family", "layers", "rank at the end", "largest possible", "Lie algebra", "rank saturates at",
        "with params", "reliable from", "with params", "success first", "success last",
    ]  # fmt: skip
    rows = []
    for row in tables.records(series):
        family = pieces.text(row.family)
        numbers = [
            f"{row.layers_first}-{row.layers_last}",
            *(tables.count(value) for value in (row.rank, row.bound, row.lie_dimension, row.saturation)),
            *(tables.count(value) for value in (row.saturation_params, row.reliable, row.reliable_params)),
            row.success_first,
            row.success_last,
        ]
        cells = [(pieces.text(row.series), "name"), (f'<span class="{family}">{family}</span>', "")]
        cells += [(number, "number") for number in numbers]
        rows.append("".join(f'<td class="{kind}">{cell}</td>' for cell, kind in cells))
    note = (
        "Rank saturates at: the first number of layers from which the rank stays the same at all larger depths that "
        f"were measured. Reliable from: the first from which all larger depths succeed in at least {RELIABLE:.0%} of "
        "the starts. Lie algebra: dimension of what the circuit's generators generate at the largest depth, where it "
        "was counted; the rank cannot exceed it."
    )
    return _wide(heads, rows) + f'<p class="note">{note}</p>'


def _depths_html(depths: Frame) -> str:
    dimension = depths["effective_dimension"].notna().any()
    heads = ["contender", "layers", "params", "rank", *(["effective dimension"] if dimension else [])]
    heads += ["success", "95 % interval", "median |error|", "gradient evals"]
    rows = []
    for row in tables.records(depths):
        cells = [tables.count(value) for value in (row.layers, row.n_params, row.fisher_rank)]
        if dimension:
            cells.append(_with_interval(row))
        cells += [
            f"{row.successes}/{row.seeds}",
            f"{row.success_low:.0%} to {row.success_high:.0%}",
            f"{tables.number(row.median)} {pieces.text(row.unit or '')}".strip(),
            tables.count(row.evaluations),
        ]
        name = f'<td class="name">{pieces.text(row.series)}</td>'
        rows.append(name + "".join(f'<td class="number">{cell}</td>' for cell in cells))
    return f"<details><summary>All depths</summary>{_wide(heads, rows)}</details>"


def _with_interval(row: Any) -> str:
    if not tables.known(row.effective_dimension):
        return tables.NOTHING
    return f"{row.effective_dimension:.1f} [{row.effective_dimension_low:.1f}, {row.effective_dimension_high:.1f}]"


def _wide(heads: list[str], rows: list[str]) -> str:
    head = "".join(f"<th>{pieces.text(name)}</th>" for name in heads)
    return f'<div class="wide">{pieces.table(head, rows)}</div>'


def _text(ledger: Frame) -> str:
    """One row per contender and depth, and what it means below."""
    depths = depth_table(ledger)
    table = empty_table()
    table.add_column("contender", overflow="fold", min_width=8)
    for name in ("layers", "params", "rank", "success", "95 %", "median\n|error|", "median\nevals"):
        table.add_column(name, justify="right", no_wrap=True)
    before = None
    for row in tables.records(depths):
        table.add_row(
            plain(row.series) if row.series != before else "",
            str(row.layers),
            tables.count(row.n_params),
            tables.count(row.fisher_rank),
            f"{row.successes}/{row.seeds}",
            f"{100 * row.success_low:.0f}-{100 * row.success_high:.0f} %",
            tables.number(row.median),
            tables.count(row.evaluations),
        )
        before = row.series
    notes = ["", f"Success: within {_tolerance(depths)} of the exact value; 95 % intervals by Wilson."]
    notes += [_sentence(row, mark=False) for row in tables.records(series_table(depths))]
    messages = depths[depths["message"].notna()]
    notes += [f"{row.series} x{row.layers}: {row.message}" for row in tables.records(messages)]
    return render(table, notes)


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    table = tables.summary(ledger)
    drawn, missing = table[table["finite"] > 0], [str(label) for label in table.loc[table["finite"] == 0, "label"]]
    found = [capacity(depth_table(ledger))]
    if not drawn.empty:
        found.append(error_vs_step(trace, ledger, drawn))
    return [drawing for drawing in found if drawing is not None], missing


CAPACITY = View(
    recognises=is_capacity,
    words=_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("capacity", "error_vs_step"),
    text=_text,
    rows=rows_text,
)
"""The view of a `qvar.studies.capacity.Capacity`."""
