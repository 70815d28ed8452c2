"""How a study over depths is told: from which depth on a circuit is overparametrized, and whether training knows."""

from __future__ import annotations

from typing import Any

from qvar.diagnostics.estimate import heavy_tail
from qvar.records.run_folder import LoadedRun
from qvar.report import pieces, tables
from qvar.report.capacity_tables import RELIABLE, depth_table, is_capacity, series_table
from qvar.report.duel_view import STARTS, training_facts
from qvar.report.plot_style import Drawing
from qvar.report.plots.capacity import capacity, final_errors
from qvar.report.tables import Frame
from qvar.report.terminal import empty_table, plain, render
from qvar.report.training_tables import common, rows_text
from qvar.report.view import View

_WORDS = (
    "Circuits of growing depth were measured and trained; every circuit of one depth is a contender. Measured: in how "
    "many independent directions a circuit can move its state, the rank of the quantum Fisher information. The rank "
    "grows with the layers and then stops; from there on a circuit is overparametrized. Trained: many random starts at "
    "every depth, all with the same method and budget. Theory (Larocca et al. 2023) says that the local minima in "
    "which training is caught disappear about where the rank stops growing. Generic contenders have free parameters "
    "that know nothing of the problem; constrained contenders carry its physics."
)

_SHARE = f"{100 * RELIABLE:.0f} %"


def _facts(run: LoadedRun) -> dict[str, str]:
    depths = depth_table(run.ledger)
    seeds = len(pieces.values(run.ledger, "seed"))
    points = pieces.values(run.ledger, "fisher_samples") if "fisher_samples" in run.ledger.columns else []
    return {
        "Layers": "; ".join(
            f"{series}: {', '.join(str(layers) for layers in group['layers'])}"
            for series, group in depths.groupby("series", sort=False)
        ),
        "Rank": f"the largest over {', '.join(points)} random points" if points else "",
        "Success": f"a start succeeds that ends within {_tolerance(depths)} of the exact value; intervals are 95 %",
        **training_facts(run),
        STARTS: f"{seeds} at every depth" if seeds else "",
    }


def _tolerance(depths: Frame) -> str:
    return f"{depths['tolerance'].iloc[0]:g} {common(depths['unit'])}".rstrip()


def _result(ledger: Frame, trace: Frame) -> str:
    depths = depth_table(ledger)
    series = series_table(depths)
    said = "".join(f"<p>{pieces.text(sentence)}</p>" for sentence in _sentences(series))
    return said + _series_html(series) + _depths_html(depths)


def _sentences(series: Frame) -> list[str]:
    """What was found: one sentence or two on each series, and who needs least."""
    found = [f"{row.series}: {_capacity_words(row)} {_training_words(row)}" for row in tables.records(series)]
    reached = series[series["reliable_params"].notna()]
    if len(reached) and len(series) > 1:
        least = reached.loc[reached["reliable_params"].astype(float).idxmin()]
        found.append(
            f"The fewest parameters with which training is reliable are those of {least['series']}, "
            f"{tables.count(least['reliable_params'])}."
        )
    return found


def _capacity_words(row: Any) -> str:
    if not tables.known(row.rank):
        return "the rank is not known."
    if not tables.known(row.saturation):
        return f"not seen to be overparametrized; the rank is {tables.count(row.rank)} at {_layers(row.layers_last)}."
    parameters = tables.count(row.saturation_params)
    return (
        f"overparametrized from {_layers(row.saturation)} ({parameters} parameters) on, where the rank stays at "
        f"{tables.count(row.rank)}."
    )


def _training_words(row: Any) -> str:
    if not tables.known(row.success_last):
        return "The exact value is not known, so nothing is said of success."
    if not tables.known(row.reliable):
        return (
            f"Training is not reliable (at least {_SHARE} of the starts succeed) up to {_layers(row.layers_last)}: "
            f"{row.success_last} there."
        )
    if tables.known(row.saturation) and row.reliable == row.saturation:
        where = "at the same depth"
    else:
        only = "only " if tables.known(row.saturation) and row.reliable > row.saturation else ""
        where = f"{only}from {_layers(row.reliable)} ({tables.count(row.reliable_params)} parameters)"
    return f"Training is reliable (at least {_SHARE} of the starts succeed) {where} and beyond."


def _layers(number: Any) -> str:
    return f"{int(number)} layer" if int(number) == 1 else f"{int(number)} layers"


def _lie(row: Any) -> str:
    if tables.known(row.lie_limit) and not tables.known(row.lie_dimension):
        return f"over {tables.count(row.lie_limit)}"
    return tables.count(row.lie_dimension)


def _series_html(series: Frame) -> str:
    heads = [
        "circuit", "family", "layers", "largest rank", "possible", "Lie algebra", "saturates: layers", "params",
        "reliable: layers", "params",
    ]  # fmt: skip
    rows = []
    for row in tables.records(series):
        numbers = [
            f"{row.layers_first}-{row.layers_last}",
            *(tables.count(value) for value in (row.rank, row.bound)),
            _lie(row),
            *(tables.count(value) for value in (row.saturation, row.saturation_params)),
            *(tables.count(value) for value in (row.reliable, row.reliable_params)),
        ]
        rows.append([pieces.name(row.series), pieces.family(row.family), *pieces.numbers(numbers)])
    note = (
        "Largest rank: at the largest depth. Possible: the largest rank that any circuit can have on states of this "
        "kind. Lie algebra: dimension of what the circuit's generators generate, which the rank cannot exceed either. "
        "Saturates: the fewest layers from which the rank stays the same at all larger depths that were measured. "
        f"Reliable: the fewest from which all larger depths succeed in at least {_SHARE} of the starts."
    )
    return pieces.table(heads, rows) + f'<p class="note">{note}</p>'


def _depths_html(depths: Frame) -> str:
    dimension = depths["effective_dimension"].notna().any()
    heads = ["circuit", "layers", "params", "rank", *(["effective dimension"] if dimension else [])]
    heads += ["success", "95 % interval", "median |error|", "gradient evals"]
    rows = []
    for row in tables.records(depths):
        cells = [tables.count(value) for value in (row.layers, row.n_params, row.fisher_rank)]
        if dimension:
            cells.append(_dimension(row))
        cells += [
            _successes(row),
            _interval(row),
            f"{tables.number(row.median)} {row.unit}" if tables.known(row.median) else tables.NOTHING,
            tables.count(row.evaluations),
        ]
        rows.append([pieces.name(row.series), *pieces.numbers(cells)])
    return f"<details><summary>All depths</summary>{pieces.table(heads, rows)}</details>"


def _successes(row: Any) -> str:
    return f"{int(row.successes)}/{row.seeds}" if tables.known(row.successes) else tables.NOTHING


def _interval(row: Any) -> str:
    if not tables.known(row.success):
        return tables.NOTHING
    return f"{100 * row.success_low:.0f}-{100 * row.success_high:.0f} %"


def _dimension(row: Any) -> str:
    if not tables.known(row.effective_dimension):
        return tables.NOTHING
    ends = f"{row.effective_dimension_low:.1f} to {row.effective_dimension_high:.1f}"
    needed = row.effective_dimension_needed
    tail = f"; {heavy_tail(int(needed))}" if tables.known(needed) else ""
    return f"{row.effective_dimension:.1f} ({ends}{tail})"


def _text(ledger: Frame) -> str:
    """One row per circuit and depth, and what it means below."""
    depths = depth_table(ledger)
    unit = common(depths["unit"])
    table = empty_table()
    table.add_column("circuit", overflow="fold", min_width=8)
    median = "median\n|error|" + (f"\n\\[{unit}]" if unit else "")
    for name in ("layers", "params", "rank", "success", "95 %\ninterval", median, "median\nevals"):
        essential = name in ("layers", "params", "success")
        table.add_column(name, justify="right", no_wrap=True, essential=essential)
    before = None
    for row in tables.records(depths):
        table.add_row(
            plain(row.series) if row.series != before else "",
            str(row.layers),
            tables.count(row.n_params),
            tables.count(row.fisher_rank),
            _successes(row),
            _interval(row),
            tables.number(row.median),
            tables.count(row.evaluations),
        )
        before = row.series
    notes = ["", f"A start succeeds that ends within {_tolerance(depths)} of the exact value."]
    notes += _sentences(series_table(depths))
    return render(table, notes + _messages(ledger, depths))


def _messages(ledger: Frame, depths: Frame) -> list[str]:
    """What went wrong, where something did."""
    said = [f"{row.series} x{row.layers}: {row.message}" for row in tables.records(depths) if tables.known(row.message)]
    lost = ledger[ledger["series"].isna()]  # tasks that ended before their study could say anything
    return said + [f"{row.contender}: {getattr(row, 'message', 'failed')}" for row in tables.records(lost)]


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    table, depths = tables.summary(ledger), depth_table(ledger)
    missing = [str(label) for label in table.loc[table["finite"] == 0, "label"]]
    found = [capacity(depths), final_errors(ledger, depths)]
    return [drawing for drawing in found if drawing is not None], missing


CAPACITY = View(
    recognises=is_capacity,
    words=_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("capacity", "error_vs_layers"),
    text=_text,
    rows=rows_text,
)
"""The view of a `qvar.studies.capacity.Capacity`."""
