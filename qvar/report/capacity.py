"""The report of a study over depths: the depth from which a circuit is overparametrized, and success in training."""

from __future__ import annotations

from qvar._types import DataFrame
from qvar.analysis.depths import RELIABLE, DepthRow, SeriesRow, depth_table, series_table
from qvar.analysis.rows import known, records, some, typed, where
from qvar.analysis.summaries import summary
from qvar.diagnostics.estimate import heavy_tail
from qvar.records.run_folder import LoadedRun
from qvar.report.formats import common, count, error_words, family, once, share, values
from qvar.report.plots.capacity import capacity, final_errors
from qvar.report.study_report import Drawings, StudyReport, pictures
from qvar.report.table import NOTHING, Column, Fold, Part, Table
from qvar.report.terminal import to_terminal
from qvar.report.training import STARTS, drawn_and_missing, rows_text, training_facts

_WORDS = (
    "Circuits of growing depth were measured and trained; every circuit of one depth is a contender. Measured: in how "
    "many independent directions a circuit can move its state, the rank of the quantum Fisher information. The rank "
    "grows with the layers and then stops; from there on a circuit is overparametrized. Trained: many random starts at "
    "every depth, all with the same method and budget. Theory (Larocca et al. 2023) says that the local minima in "
    "which training is caught disappear about where the rank stops growing. Generic contenders have free parameters "
    "that know nothing of the problem; constrained contenders carry its physics."
)

_SHARE = f"{100 * RELIABLE:.0f} %"

_SERIES_NOTE = (
    "Largest rank: at the largest depth. Possible: the largest rank that any circuit can have on states of this "
    "kind. Lie algebra: dimension of what the circuit's generators generate, which the rank cannot exceed either. "
    "Saturates: the fewest layers from which the rank stays the same at all larger depths that were measured. "
    f"Reliable: the fewest from which all larger depths succeed in at least {_SHARE} of the starts."
)


def _facts(run: LoadedRun) -> dict[str, str]:
    depths = depth_table(run.ledger)
    seeds, samples = len(values(run.ledger, "seed")), values(run.ledger, "fisher_samples")
    layers = [
        f"{series}: {', '.join(str(layers) for layers in group['layers'])}"
        for series, group in depths.groupby("series", sort=False)
    ]
    return {
        "Layers": "; ".join(layers),
        "Rank": f"the largest over {', '.join(samples)} random points" if samples else "",
        "Success": f"a start succeeds that ends within {_tolerance(depths)} of the exact value; intervals are 95 %",
        **training_facts(run),
        STARTS: f"{seeds} at every depth" if seeds else "",
    }


def _tolerance(depths: DataFrame) -> str:
    return f"{depths['tolerance'].iloc[0]:g} {common(depths, 'unit')}".rstrip()


# ---------------------------------------------------------------------------------------------------------------------
# Sentences


def series_sentences(series: DataFrame) -> list[str]:
    """Return a sentence or two on each series, and one on the series that needs least."""
    lines = [f"{row.series}: {_capacity_words(row)} {_training_words(row)}" for row in typed(series, SeriesRow)]
    reached = where(series, series["reliable_params"].notna())
    if len(reached) and len(series) > 1:
        least = min(typed(reached, SeriesRow), key=lambda row: float(row.reliable_params or 0))
        lines.append(
            f"The fewest parameters with which training is reliable are those of {least.series}, "
            f"{count(least.reliable_params)}."
        )
    return lines


def _capacity_words(row: SeriesRow) -> str:
    if not known(row.rank):
        return "the rank is not known."
    if not known(row.saturation):
        return f"not seen to be overparametrized; the rank is {count(row.rank)} at {_layers(row.layers_last)}."
    return (
        f"overparametrized from {_layers(row.saturation)} ({count(row.saturation_params)} parameters) on, where the "
        f"rank stays at {count(row.rank)}."
    )


def _training_words(row: SeriesRow) -> str:
    if not known(row.success_last):
        return "The exact value is not known, so nothing is said of success."
    if not known(row.reliable):
        return (
            f"Training is not reliable (at least {_SHARE} of the starts succeed) up to {_layers(row.layers_last)}: "
            f"{row.success_last} there."
        )
    if known(row.saturation) and row.reliable == row.saturation:
        depth = "at the same depth"
    else:
        only = "only " if known(row.saturation) and row.reliable > row.saturation else ""
        depth = f"{only}from {_layers(row.reliable)} ({count(row.reliable_params)} parameters)"
    return f"Training is reliable (at least {_SHARE} of the starts succeed) {depth} and beyond."


def _layers(n: float) -> str:
    return f"{int(n)} layer{'s' * (int(n) != 1)}"


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def thresholds(series: DataFrame) -> Table[SeriesRow]:
    """Return the table of the depths at which rank and success no longer grow."""
    return Table(
        [
            Column("circuit", lambda row: str(row.series), "name"),
            Column("family", lambda row: family(row.family), "word"),
            Column("layers", lambda row: f"{row.layers_first}-{row.layers_last}"),
            Column("largest rank", lambda row: count(row.rank)),
            Column("possible", lambda row: count(row.bound)),
            Column("Lie algebra", _lie),
            Column("saturates: layers", lambda row: count(row.saturation)),
            Column("params", lambda row: count(row.saturation_params)),
            Column("reliable: layers", lambda row: count(row.reliable)),
            Column("params", lambda row: count(row.reliable_params)),
        ],
        typed(series, SeriesRow),
        [_SERIES_NOTE],
    )


def _lie(row: SeriesRow) -> str:
    if known(row.lie_limit) and not known(row.lie_dimension):
        return f"over {count(row.lie_limit)}"
    return count(row.lie_dimension)


def _depths_table(depths: DataFrame) -> Table[DepthRow]:
    unit = common(depths, "unit")
    rows = typed(depths, DepthRow)
    dimension: list[Column[DepthRow]] = [Column("effective dimension", _dimension, show="page")]
    error = "median\n|error|" + (f"\n[{unit}]" if unit else "")
    return Table(
        [
            Column("circuit", lambda row: str(row.series), "name", "page"),
            Column("circuit", once(rows, "series"), "name", "terminal"),
            Column("layers", lambda row: str(row.layers), stays=True),
            Column("params", lambda row: count(row.n_params), stays=True),
            Column("rank", lambda row: count(row.fisher_rank)),
            *(dimension if some(depths["effective_dimension"].notna()) else []),
            Column("success", lambda row: share(row.successes, row.seeds), stays=True),
            Column("95 % interval", _interval, short="95 %\ninterval"),
            Column("median |error|", _error, show="page"),
            Column(error, lambda row: error_words(row.median, row.unit), show="terminal"),
            Column("gradient evals", lambda row: count(row.evaluations), short="median\nevals"),
        ],
        rows,
    )


def _error(row: DepthRow) -> str:
    return f"{error_words(row.median, row.unit)} {row.unit}".rstrip() if known(row.median) else NOTHING


def _interval(row: DepthRow) -> str:
    return f"{100 * row.success_low:.0f}-{100 * row.success_high:.0f} %" if known(row.success) else NOTHING


def _dimension(row: DepthRow) -> str:
    if not known(row.effective_dimension):
        return NOTHING
    needed = row.effective_dimension_needed
    tail = f"; {heavy_tail(int(needed))}" if known(needed) else ""
    ends = f"{row.effective_dimension_low:.1f} to {row.effective_dimension_high:.1f}"
    return f"{row.effective_dimension:.1f} ({ends}{tail})"


def _result(ledger: DataFrame, trace: DataFrame) -> list[Part]:
    depths = depth_table(ledger)
    series = series_table(depths)
    return [*series_sentences(series), thresholds(series), Fold("All depths", [_depths_table(depths)])]


def _text(ledger: DataFrame) -> str:
    depths = depth_table(ledger)
    notes = ["", f"A start succeeds that ends within {_tolerance(depths)} of the exact value."]
    notes += [*series_sentences(series_table(depths)), *_messages(ledger, depths)]
    return to_terminal(_depths_table(depths), notes=notes)


def _messages(ledger: DataFrame, depths: DataFrame) -> list[str]:
    lines = [f"{row.series} x{row.layers}: {row.message}" for row in typed(depths, DepthRow) if known(row.message)]
    lost = where(ledger, ledger["series"].isna())  # tasks that ended before the study wrote its columns
    return lines + [f"{row.contender}: {getattr(row, 'message', 'failed')}" for row in records(lost)]


def _drawings(ledger: DataFrame, trace: DataFrame) -> Drawings:
    depths = depth_table(ledger)
    return pictures([capacity(depths), final_errors(ledger, depths)], drawn_and_missing(summary(ledger))[1])


CAPACITY = StudyReport(
    study="capacity",
    marks=frozenset({"series", "layers", "tolerance", "fisher_samples"}),
    words=_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("capacity", "error_vs_layers"),
    text=_text,
    rows=rows_text,
)
"""The report of a `qvar.Capacity`."""
