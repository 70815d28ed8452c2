"""The report of circuits that are made smaller: what goes at which loss, rounding against its law, and starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qvar._types import DataFrame
from qvar.analysis.paths import CompressionPath, CompressionRow, SmallerStep, compressions
from qvar.analysis.rows import known, typed
from qvar.analysis.summaries import summary
from qvar.report.duel import DUEL
from qvar.report.formats import count, number, recovered_words
from qvar.report.plots.compression import error_vs_compression, error_vs_what_is_left, rise_vs_bits
from qvar.report.study_report import Drawings, StudyReport, pictures
from qvar.report.table import NOTHING, Column, Note, Part, Table
from qvar.report.training import drawn_and_missing
from qvar.units import HARTREE, MILLIHARTREE_PER_HARTREE, shown_energy

RISES = (1e-6, 1e-4, 1.6e-3)
"""Losses that a pruning is followed to, in the unit of the values."""

_SMALL = (1e-7, 1e-3)
"""Rises of one removal, in the unit of the values, that the law is compared with."""

_WORDS = (
    "Trained circuits were made smaller step by step: angles were removed (pruning) or put on a grid of few bits "
    "(rounding). Theory predicts the loss of each step from the exact second derivatives before it. Machine learning "
    "does the same with networks: magnitude pruning (Han et al. 2015), optimal brain damage (LeCun et al. 1990) and "
    "surgeon (Hassibi and Stork 1993), quantization (Jacob et al. 2018)."
)

_PRUNING = (
    "Parameters, CNOTs and T gates of the smallest circuit whose value is not above the trained one by more than the "
    "loss; a dash means that it was not reached. Law: largest relative difference of predicted and actual rise over "
    "the removals that raised the value by 1e-7 to 1e-3."
)

_ROUNDING = (
    "Mean rise: over grids moved by random offsets, with its 95 % interval; over law: divided by the predicted one. "
    "One grid: the rise on the grid through zero, by plain rounding and after training on it. T gates: of the rounded "
    "circuit, each rotation as exact as the grid."
)

_STARTS = (
    "Share of the correlation energy at the start: 0 for the reference state and 1 for the exact one. Evaluations: of "
    "the training until it ended."
)


def _costs(step: SmallerStep) -> str:
    return f"{step.parameters} / {count(step.cnots)} / {count(step.t_gates)}"


def _within(path: CompressionPath, loss: float) -> str:
    """Return the costs of the smallest circuit within a loss."""
    near = [step for step in path.steps if step.value - path.steps[0].value <= loss]
    return _costs(min(near, key=lambda step: step.parameters)) if len(near) > 1 else NOTHING


def _law(path: CompressionPath) -> str:
    """Return the largest relative difference of law and rise, for small rises."""
    low, high = _SMALL
    steps = [(step.predicted_rise, step.rise) for step in path.steps if low < (step.rise or 0.0) < high]
    off = [abs(law / rise - 1.0) for law, rise in steps if law is not None]
    return f"{100 * max(off):.2g} %" if off else NOTHING


@dataclass(frozen=True)
class _Bits:
    """Rounding of one circuit to one number of bits."""

    circuit: str
    step: SmallerStep
    trained: dict[str, float]
    """{recipe: rise after training on the grid}."""
    factor: float


def _pruning(ledger: DataFrame) -> list[Part]:
    rows = [path for path in compressions(ledger).values() if any(step.action == "prune" for step in path.steps)]
    if not rows:
        return []

    def within(loss: float) -> Column[CompressionPath]:
        return Column(f"loss {shown_energy(loss, rows[0].row.unit)}", lambda path: _within(path, loss))

    columns: list[Column[CompressionPath]] = [
        Column("circuit", lambda path: path.row.circuit, "name"),
        Column("recipe", lambda path: path.row.recipe, "name"),
        Column("trained", lambda path: _costs(path.steps[0])),
        *map(within, RISES),
        Column("law", _law),
    ]
    return [Table(columns, rows), Note(_PRUNING)]


def _rounding(ledger: DataFrame) -> list[Part]:
    plain: dict[tuple[str, int], SmallerStep] = {}
    trained: dict[tuple[str, int], dict[str, float]] = {}
    factor, unit = 1.0, ""
    for row, steps in compressions(ledger).values():
        unit = row.unit
        for step in steps:
            if step.bits is None:
                continue
            place = (row.circuit, step.bits)
            if step.action == "train":
                trained.setdefault(place, {})[row.recipe] = step.rise
            elif place not in plain or step.sampled_rise is not None:
                plain[place] = step
    if not plain:
        return []
    if unit == HARTREE:
        factor, unit = MILLIHARTREE_PER_HARTREE, "mHa"
    recipes = list(dict.fromkeys(recipe for rises in trained.values() for recipe in rises))
    rows = [_Bits(place[0], step, trained.get(place, {}), factor) for place, step in plain.items()]
    words = f" ({unit})" if unit else ""

    def trained_by(recipe: str) -> Column[_Bits]:
        return Column(recipe, lambda row: number(_scaled(row, row.trained.get(recipe))))

    columns: list[Column[_Bits]] = [
        Column("circuit", lambda row: row.circuit, "name"),
        Column("bits", lambda row: count(row.step.bits)),
        Column(f"mean rise{words}", _mean),
        Column("over law", _ratio),
        Column(f"law{words}", lambda row: number(_scaled(row, row.step.predicted_rise))),
        Column(f"one grid{words}", lambda row: number(_scaled(row, row.step.rise))),
        *map(trained_by, recipes),
        Column("T gates", lambda row: count(row.step.t_gates)),
    ]
    return [Table(columns, rows), Note(_ROUNDING)]


def _scaled(row: _Bits, value: float | None) -> float | None:
    return None if value is None else row.factor * value


def _mean(row: _Bits) -> str:
    if row.step.sampled_rise is None:
        return NOTHING
    mean, low, high = (number(row.factor * one) for one in row.step.sampled_rise)
    return f"{mean} [{low}, {high}]"


def _ratio(row: _Bits) -> str:
    rise, law = row.step.sampled_rise, row.step.predicted_rise
    return NOTHING if rise is None or not law else f"{rise[0] / law:.3f}"


def _starts(ledger: DataFrame) -> list[Part]:
    first: dict[tuple[str, int], CompressionRow] = {}
    for row in typed(ledger, CompressionRow):
        if known(row.start_value) and known(row.reference) and known(row.correlation_recovered):
            first.setdefault((row.circuit, row.seed), row)
    if not first:
        return []

    def share(row: CompressionRow, value: float | None) -> str:
        left = 1.0 - (row.correlation_recovered or 0.0)
        correlation = row.error / left if left else 0.0
        return (
            recovered_words(1.0 - (value - row.reference) / correlation)
            if correlation and value is not None
            else NOTHING
        )

    columns: list[Column[CompressionRow]] = [
        Column("circuit", lambda row: row.circuit, "name"),
        Column("seed", lambda row: count(row.seed)),
        Column("correlation at the start", lambda row: share(row, row.start_value)),
        Column("correlation after training", lambda row: share(row, row.trained_value)),
        Column("evaluations", lambda row: count(row.training_evaluations)),
    ]
    return [Table(columns, list(first.values())), Note(_STARTS)]


def _drawings(ledger: DataFrame, trace: DataFrame) -> Drawings:
    drawn, missing = drawn_and_missing(summary(ledger))
    drawings = [error_vs_what_is_left(ledger, drawn), error_vs_compression(ledger, drawn), rise_vs_bits(ledger)]
    return pictures(drawings, missing)


def _sections(ledger: DataFrame, trace: DataFrame) -> dict[str, Sequence[Part]]:
    sections: dict[str, Sequence[Part]] = {
        "Parameters, CNOTs and T gates within a loss": _pruning(ledger),
        "Rise by rounding": _rounding(ledger),
        "Training before": _starts(ledger),
    }
    return {title: parts for title, parts in sections.items() if parts}


COMPRESSION: StudyReport = replace(
    DUEL,
    study="compression",
    marks=frozenset({"compression"}),
    filled="compression",
    words=_WORDS,
    drawings=_drawings,
    pictures=("error_vs_what_is_left", "error_vs_compression", "rise_vs_bits"),
    sections=_sections,
)
"""The report of a `qvar.Compression`."""
