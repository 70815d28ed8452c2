"""The report of a study over sizes: the contenders whose variances fall exponentially, on a barren plateau."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qvar.analysis.decay import DecayRow, PointRow, decay_table, is_relative, measured, narrow_intervals
from qvar.analysis.rows import SCALING_MARKS, Cell, as_float, known, labelled, labels, some, typed, where
from qvar.records.run_folder import LoadedRun
from qvar.report.formats import NOTHING, bold, count, seconds, short, values
from qvar.report.plots.scaling import component_variance, variance_against_size
from qvar.report.study_report import Drawings, StudyReport, pictures
from qvar.report.table import Bullets, Column, Heading, Note, Part, Span, Table, Text
from qvar.report.terminal import to_terminal

if TYPE_CHECKING:
    import pandas as pd

_WORDS = (
    "Generic contenders have free parameters that know nothing of the problem; constrained contenders carry its "
    "physics. Nothing was trained here: parameters were drawn at random, as a training would start, and the loss (the "
    "energy, or the expectation value of an observable) and its exact gradient were computed at each of these points. "
    "How much they vary from point to point says whether a training can begin. Where the variance falls exponentially "
    "with the number of qubits, the landscape becomes a barren plateau: it is flat nearly everywhere, and the number "
    "of measurements needed to see any slope grows exponentially."
)

_VERDICTS = {
    "exponential": ("exponential", "Exponential, as on a barren plateau"),
    "power": ("power law", "A power law, and so no barren plateau"),
    "neither": ("neither", "Neither an exponential nor a power law"),
    "undecided": ("undecided", "Undecided"),
}
"""Verdicts, in a table and in a sentence."""

_PREDICTIONS = {
    "law_loss_variance": ("exact law", "loss / law", "/law"),
    "haar_loss_variance": ("Haar", "loss / Haar", "/Haar"),
    "lie_loss_variance": ("Lie algebra", "loss / Lie", "/Lie"),
}
"""Columns of the variance of the loss in theory, with their names on a page and a terminal."""

_UNIT_WORDS = (
    "Variances are divided by the square of the spectral width (the largest minus the smallest value that the loss "
    "can take), so that Hamiltonians of different size and unit can be compared. ",
    "Variances are in the loss's own unit squared. ",
)

_FIT_WORDS = (
    "b is the decay for n qubits, as an exponential and as a power law; dAICc says how much better the exponential "
    "describes the points than the power law (negative: worse). A law is the verdict if it fits, the other one "
    "does not, and dAICc is at least 4 either way, from four sizes; if none of the two fits, it is neither."
)


def _facts(run: LoadedRun) -> dict[str, str]:
    ledger, name = run.ledger, _size_name(run.ledger)
    sizes = sorted(int(size) for size in ledger["size"].dropna().unique())
    noise = [float(value) for value in ledger["start_noise"].dropna().unique() if value]
    return {
        "Problem": _problems(ledger),
        **({} if name == "qubits" else {f"Number of {name}": ", ".join(map(str, sizes))}),
        "Samples": _samples(ledger),
        "Starts": ", ".join(values(ledger, "start")),
        "Noise on the start": f"{noise[0]:g} radians (standard deviation)" if noise else "",
        "Intervals": "95 %, by studentized bootstrap over the samples",
    }


def _problems(ledger: pd.DataFrame) -> str:
    """Return the smallest and the largest problem of each contender."""
    rows: Any = ledger.dropna(subset=["problem"]).sort_values("size", kind="stable")
    problems = {name: values(group, "problem") for name, group in rows.groupby("contender", sort=False)}
    return "; ".join(f"{name}: {p[0]}{f' ... {p[-1]}' * (len(p) > 1)}" for name, p in problems.items())


def _size_name(ledger: pd.DataFrame) -> str:
    return next(iter(values(ledger, "size_name")), "size")


def _samples(ledger: pd.DataFrame) -> str:
    numbers = sorted(int(number) for number in measured(ledger)["samples"].unique())
    if not numbers:
        return ""
    many = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    return f"{many} random parameter vectors at every point"


def _headline(fits: pd.DataFrame) -> list[Part]:
    """Return the verdicts on the gradient; nothing if there are none."""
    lines: list[Text] = []
    for verdict, (_, words) in _VERDICTS.items():
        rows = typed(
            where(fits, ((fits["verdict"] == verdict) & (fits["quantity"] == "gradient")).fillna(False)), DecayRow
        )
        names = [part for row in rows for part in (bold(row.label), f" ({_pace(row)}); ")]
        if names:
            lines.append((f"{words}: ", *names[:-1], f" ({_pace(rows[-1])})."))
    if not lines:
        return []
    return [
        "How the variance of the gradient, averaged over all parameters, falls with the number of qubits:",
        Bullets(lines),
        Note(
            "The number of measurements needed to see a slope grows by the factor by which the variance of the "
            "gradient falls. A verdict holds for the sizes that were measured."
        ),
    ]


def _pace(row: DecayRow) -> str:
    """Return the decay of a variance in words."""
    if row.verdict == "power":
        return f"as n to the power {-row.exponent:.3g}{_between(-row.exponent_high, -row.exponent_low)}"
    if row.verdict == "neither":
        first, last = short(row.variance_first), short(row.variance_last)
        return f"from {first} at {row.size_first:g} to {last} at {row.size_last:g}"
    ends = _between(_factor(row.rate_low), _factor(row.rate_high))
    likelier = ""
    if row.verdict == "undecided":
        likelier = f"; the {'exponential' if row.delta_aic >= 0 else 'power law'} is the likelier one"
    return f"divided by {_factor(row.rate):.3g}{ends} for each further qubit{likelier}"


def _factor(rate: float) -> float:
    return math.exp(min(float(rate), 700.0)) if known(rate) else math.nan


def _between(low: float, high: float, form: str = ".3g") -> str:
    """Return an interval in brackets, if there is one."""
    return f" [{low:{form}}, {high:{form}}]" if known(low) and known(high) else ""


def _size_range(row: DecayRow) -> str:
    """Return the smallest and the largest size, such as "4-12"."""
    if not known(row.size_first):
        return NOTHING
    first, last = f"{row.size_first:g}", f"{row.size_last:g}"
    return first if first == last else f"{first}-{last}"


def _verdict(row: DecayRow) -> str:
    return _VERDICTS[row.verdict][0] if known(row.verdict) else NOTHING


def ratio(value: Cell, predicted: Cell) -> str:
    """Format measured over predicted; a dash if one is missing or the prediction is zero."""
    measured, law = as_float(value), as_float(predicted)
    if measured is None or not law:
        return NOTHING
    quotient = measured / law
    return f"{quotient:.2f}" if 0.01 <= quotient < 10 or quotient == 0 else f"{quotient:.3g}"


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def _fit_table(fits: pd.DataFrame) -> Table[DecayRow]:
    by_qubits = some(fits["verdict"].notna())
    relative = some(fits["relative"])
    size = next(iter(values(fits, "size_name")), "size")
    rate: Column[DecayRow] = Column("rate per\nqubit", lambda row: _rate(row, ".2f"), show="terminal")
    laws: list[Column[DecayRow]] = [
        Column(("b of e", Span("-b n", "sup")), lambda row: _rate(row, ".3g"), show="page"),
        Column(
            ("b of n", Span("-b", "sup")),
            lambda row: short(row.exponent) + _between(row.exponent_low, row.exponent_high),
            show="page",
        ),
        Column("dAICc", lambda row: f"{row.delta_aic:+.1f}" if known(row.delta_aic) else NOTHING, show="page"),
        rate,
        Column("decay", _verdict, "word", "terminal", stays=True),
    ]
    verdict: Column[DecayRow] = Column(
        "verdict", lambda row: bold(_verdict(row)) if known(row.verdict) else NOTHING, "word", "page"
    )
    columns: list[Column[DecayRow]] = [
        Column("contender", lambda row: str(row.label), "name", "page"),
        Column("contender", lambda row: str(row.label) if row.quantity == "loss" else "", "name", "terminal"),
        Column("variance of", lambda row: row.quantity, "word", "page"),
        Column("of", lambda row: row.quantity.replace("gradient", "grad"), "word", "terminal", stays=True),
        *([verdict] if by_qubits else []),
        Column(size, _size_range),
        Column("points x samples", lambda row: f"{count(row.n_points)} x {count(row.samples)}", show="page"),
        Column("at the smallest", lambda row: short(row.variance_first), show="page"),
        Column("at the largest", lambda row: short(row.variance_last), show="page"),
        Column("at\nfirst", lambda row: short(row.variance_first, 2), show="terminal"),
        Column("at\nlast", lambda row: short(row.variance_last, 2), show="terminal"),
        *(laws if by_qubits else []),
    ]
    note = f"{_UNIT_WORDS[not relative]}The gradient's variance is the mean over all parameters. In brackets: 95 % "
    note += f"intervals. {_FIT_WORDS if by_qubits else 'Decays are fitted if sizes count qubits.'}"
    return Table(columns, typed(fits, DecayRow), [note])


def _rate(row: DecayRow, form: str) -> str:
    return f"{row.rate:{form}}{_between(row.rate_low, row.rate_high, form)}" if known(row.rate) else NOTHING


def _point_columns(ledger: pd.DataFrame) -> list[Column[PointRow]]:
    return [
        Column("contender", lambda row: str(row.label), "name"),
        Column(_size_name(ledger), lambda row: count(row.size), stays=True),
        Column("params", lambda row: count(row.n_params), show="page"),
    ]


def _loss_table(points: pd.DataFrame) -> Table[PointRow]:
    """Return the variance of the loss at every point, with its value in theory."""
    predictions = [column for column in _PREDICTIONS if column in points.columns and some(points[column].notna())]
    theory = [column for name in predictions for column in _prediction_columns(name)]
    words = {
        "law_loss_variance": f"Exact law: what is known for deep circuits of this kind ({_laws(points)}). ",
        "haar_loss_variance": (
            "Haar: what random states of the space that was simulated would give, be it all 2^n states or "
            "the sector of the right numbers of electrons; a circuit that reaches it is as flat as can be. "
        ),
        "lie_loss_variance": (
            "Lie algebra: what a deep circuit of these generators gives, from the algebra that they generate and its "
            "dimension. "
        ),
    }
    note = f"In the loss's own unit squared, with 95 % intervals. {''.join(words[column] for column in predictions)}"
    return Table(
        [
            *_point_columns(points),
            Column("states", lambda row: count(row.space_dimension)),
            Column("variance of the loss", _loss_cell),
            *theory,
        ],
        typed(points, PointRow),
        [note + ("Ratios are measured / predicted." if predictions else "")],
    )


def _loss_cell(row: PointRow) -> Text:
    ends = _between(row.loss_variance_low, row.loss_variance_high)
    if not known(row.unit) or not row.unit:
        return short(row.loss_variance) + ends
    return (f"{short(row.loss_variance)} {row.unit}", Span("2", "sup"), ends)


def _prediction_columns(name: str) -> list[Column[PointRow]]:
    def value(row: PointRow) -> str:
        prediction = getattr(row, name)
        lie = known(prediction) and name == "lie_loss_variance"
        return short(prediction) + (f" (dim {count(row.lie_dimension)})" if lie else "")

    head, quotient, _ = _PREDICTIONS[name]
    return [Column(head, value), Column(quotient, lambda row: ratio(row.loss_variance, getattr(row, name)))]


def _laws(points: pd.DataFrame) -> str:
    laws = {row.contender: row.law for row in reversed(typed(points, PointRow)) if known(row.law)}
    return "; ".join(f"{contender}: {law}" for contender, law in reversed(laws.items()))


def _gradient_table(points: pd.DataFrame) -> Table[PointRow]:
    """Return the variances of the gradient at every point."""
    law: list[Column[PointRow]] = [
        Column("exact law", lambda row: short(row.law_gradient_variance_first)),
        Column("first / law", lambda row: ratio(row.gradient_variance_first, row.law_gradient_variance_first)),
    ] * ("law_gradient_variance_first" in points.columns)
    note = (
        "Variances of components of the gradient, in the loss's own unit squared, with 95 % intervals: their mean over "
        "all parameters, that of the first parameter, and the largest of all. Mean square: of the components "
        "themselves, over samples and parameters. "
    )
    if set(points["start"].dropna()) != {"uniform"}:
        note += (
            "Starts that lie close together all have nearly the same loss and gradient, so that their variances are "
            "small even where the landscape is steep: the mean square says how steep it is there."
        )
    return Table(
        [
            *_point_columns(points),
            Column("mean over parameters", _with_interval("gradient_variance")),
            Column("first parameter", _with_interval("gradient_variance_first")),
            *law,
            Column("largest", lambda row: short(row.gradient_variance_largest)),
            Column("mean square", lambda row: short(row.gradient_mean_square)),
        ],
        typed(points, PointRow),
        [note],
    )


def _with_interval(name: str) -> Callable[[PointRow], str]:
    def cell(row: PointRow) -> str:
        return short(getattr(row, name)) + _between(getattr(row, f"{name}_low"), getattr(row, f"{name}_high"))

    return cell


# ---------------------------------------------------------------------------------------------------------------------
# Page and terminal


def _result(ledger: pd.DataFrame, trace: pd.DataFrame) -> list[Part]:
    fits, points = labelled(decay_table(ledger)), measured(ledger)
    parts: list[Part] = [*_headline(fits), _fit_table(fits)]
    reasons: list[Text] = [
        (bold(row.label), f", {row.quantity}: {row.sentence}") for row in typed(fits, DecayRow) if known(row.sentence)
    ]
    for title, lines in (("Why these verdicts", reasons), ("Intervals that are too narrow", _narrow(ledger))):
        parts += [Heading(title), Bullets(lines)] if lines else []
    if len(points):
        points = labelled(points)
        parts += [Heading("The loss at every point"), _loss_table(points)]
        parts += [Heading("The gradient at every point"), _gradient_table(points)]
    return parts


def _text(ledger: pd.DataFrame) -> str:
    fits = labelled(decay_table(ledger))
    table = _fit_table(fits)
    unit = "squared spectral width" if is_relative(ledger) else "unit of the loss squared"
    notes = [
        "",
        f"Variances over {_samples(ledger) or 'no samples'}, in the {unit}; of the gradient the mean over all "
        "parameters. In brackets: 95 % intervals.",
        *(f"{row.label}, {row.quantity}: {row.sentence}" for row in typed(fits, DecayRow) if known(row.sentence)),
        *_narrow(ledger),
        *_messages(ledger),
    ]
    return to_terminal(Table(table.columns, table.rows, notes))


def _narrow(ledger: pd.DataFrame) -> list[str]:
    """Return the intervals that hold less than they claim, with the samples that they need."""
    return narrow_intervals(labelled(ledger)) if len(ledger) else []


def _messages(ledger: pd.DataFrame) -> list[str]:
    if "message" not in ledger.columns:
        return []
    rows = where(labelled(ledger), ledger["message"].notna())
    return [f"{row.label}, {count(row.size)} {row.size_name}: {row.message}" for row in typed(rows, PointRow)]


def _rows_text(ledger: pd.DataFrame) -> str:
    """Return every row: variances, and their ratio to theory."""
    if "loss_variance" not in ledger.columns:  # nothing was measured
        ledger = ledger.assign(loss_variance=None, gradient_variance=None)
    ratios: list[Column[PointRow]] = [
        Column(f"loss\n{name}", lambda row, column=column: ratio(row.loss_variance, getattr(row, column)))
        for column, (_, _, name) in _PREDICTIONS.items()
        if column in ledger.columns
    ]
    columns: list[Column[PointRow]] = [
        *_point_columns(ledger),
        Column("loss variance", _loss_words, stays=True),
        Column("gradient\nvariance", lambda row: short(row.gradient_variance)),
        *ratios,
        Column("time", lambda row: seconds(row.wall_s)),
    ]
    return to_terminal(Table(columns, typed(labelled(ledger), PointRow), [*_narrow(ledger), *_messages(ledger)]))


def _loss_words(row: PointRow) -> str:
    value = row.loss_variance
    if not known(value):
        return str(row.status).replace("_", " ")
    half = (row.loss_variance_high - row.loss_variance_low) / 2
    return short(value) + (f" +- {100 * half / value:.0f} %" if value > 0 else "")


def _drawings(ledger: pd.DataFrame, trace: pd.DataFrame) -> Drawings:
    points = measured(ledger)
    drawn = set(labels(points)) if len(points) else set()
    missing = [label for label in dict.fromkeys(labels(ledger)) if label not in drawn]
    if not drawn:
        return [], missing
    variances = [variance_against_size(ledger, "loss"), variance_against_size(ledger, "gradient")]
    return pictures([*variances, component_variance(ledger)], missing)


SCALING = StudyReport(
    study="scaling",
    marks=SCALING_MARKS,
    words=_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("loss_variance", "gradient_variance", "component_variance"),
    text=_text,
    rows=_rows_text,
    noun="points",
)
"""The report of a `qvar.Scaling`."""
