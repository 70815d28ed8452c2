"""Tables of a study over sizes: fitted decays, and the variances at every point with their values in theory."""

from __future__ import annotations

from collections.abc import Callable

from qvar._types import DataFrame
from qvar.analysis.decay import DecayRow, PointRow
from qvar.analysis.rows import Cell, as_float, known, some, typed
from qvar.report.formats import bold, count, digits, interval, values
from qvar.report.table import NOTHING, Column, Span, Table, Text

VERDICTS = {
    "exponential": ("exponential", "Exponential, as on a barren plateau"),
    "power": ("power law", "A power law, and so no barren plateau"),
    "neither": ("neither", "Neither an exponential nor a power law"),
    "undecided": ("undecided", "Undecided"),
}
"""Verdicts, in a table and in a sentence."""

PREDICTIONS = {
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


def size_name(ledger: DataFrame) -> str:
    """Return the meaning of a size, such as "qubits"."""
    return next(iter(values(ledger, "size_name")), "size")


def _size_range(row: DecayRow) -> str:
    """Return the smallest and the largest size, such as "4-12"."""
    if not known(row.size_first):
        return NOTHING
    first, last = f"{row.size_first:g}", f"{row.size_last:g}"
    return first if first == last else f"{first}-{last}"


def _verdict(row: DecayRow) -> str:
    return VERDICTS[row.verdict][0] if known(row.verdict) else NOTHING


def ratio(value: Cell, predicted: Cell) -> str:
    """Format measured over predicted; a dash if one is missing or the prediction is zero."""
    measured, law = as_float(value), as_float(predicted)
    if measured is None or not law:
        return NOTHING
    quotient = measured / law
    return f"{quotient:.2f}" if 0.01 <= quotient < 10 or quotient == 0 else digits(quotient)


def fit_table(fits: DataFrame) -> Table[DecayRow]:
    """Return the fitted decays of a labelled `decay_table`."""
    by_qubits = some(fits["verdict"].notna())
    relative = some(fits["relative"])
    size = size_name(fits)
    rate: Column[DecayRow] = Column("rate per\nqubit", lambda row: _rate(row, 2), show="terminal")
    laws: list[Column[DecayRow]] = [
        Column(("b of e", Span("-b n", "sup")), lambda row: _rate(row, 3), show="page"),
        Column(
            ("b of n", Span("-b", "sup")),
            lambda row: digits(row.exponent) + interval(row.exponent_low, row.exponent_high),
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
        Column("at the smallest", lambda row: digits(row.variance_first), show="page"),
        Column("at the largest", lambda row: digits(row.variance_last), show="page"),
        Column("at\nfirst", lambda row: digits(row.variance_first, 2), show="terminal"),
        Column("at\nlast", lambda row: digits(row.variance_last, 2), show="terminal"),
        *(laws if by_qubits else []),
    ]
    note = f"{_UNIT_WORDS[not relative]}The gradient's variance is the mean over all parameters. In brackets: 95 % "
    note += f"intervals. {_FIT_WORDS if by_qubits else 'Decays are fitted if sizes count qubits.'}"
    return Table(columns, typed(fits, DecayRow), [note])


def _rate(row: DecayRow, n: int) -> str:
    return digits(row.rate, n) + interval(row.rate_low, row.rate_high, n)


def point_columns(ledger: DataFrame) -> list[Column[PointRow]]:
    """Return the columns that name a point."""
    return [
        Column("contender", lambda row: str(row.label), "name"),
        Column(size_name(ledger), lambda row: count(row.size), stays=True),
        Column("params", lambda row: count(row.n_params), show="page"),
    ]


def loss_table(points: DataFrame) -> Table[PointRow]:
    """Return the variance of the loss at every point, with its value in theory."""
    predictions = [column for column in PREDICTIONS if column in points.columns and some(points[column].notna())]
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
            *point_columns(points),
            Column("states", lambda row: count(row.space_dimension)),
            Column("variance of the loss", _loss_cell),
            *theory,
        ],
        typed(points, PointRow),
        [note + ("Ratios are measured / predicted." if predictions else "")],
    )


def _loss_cell(row: PointRow) -> Text:
    ends = interval(row.loss_variance_low, row.loss_variance_high)
    if not known(row.unit) or not row.unit:
        return digits(row.loss_variance) + ends
    return (f"{digits(row.loss_variance)} {row.unit}", Span("2", "sup"), ends)


def _prediction_columns(name: str) -> list[Column[PointRow]]:
    def value(row: PointRow) -> str:
        prediction = getattr(row, name)
        lie = known(prediction) and name == "lie_loss_variance"
        return digits(prediction) + (f" (dim {count(row.lie_dimension)})" if lie else "")

    head, quotient, _ = PREDICTIONS[name]
    return [Column(head, value), Column(quotient, lambda row: ratio(row.loss_variance, getattr(row, name)))]


def _laws(points: DataFrame) -> str:
    laws = {row.contender: row.law for row in reversed(typed(points, PointRow)) if known(row.law)}
    return "; ".join(f"{contender}: {law}" for contender, law in reversed(laws.items()))


def gradient_table(points: DataFrame) -> Table[PointRow]:
    """Return the variances of the gradient at every point."""
    law: list[Column[PointRow]] = [
        Column("exact law", lambda row: digits(row.law_gradient_variance_first)),
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
            *point_columns(points),
            Column("mean over parameters", _with_interval("gradient_variance")),
            Column("first parameter", _with_interval("gradient_variance_first")),
            *law,
            Column("largest", lambda row: digits(row.gradient_variance_largest)),
            Column("mean square", lambda row: digits(row.gradient_mean_square)),
        ],
        typed(points, PointRow),
        [note],
    )


def _with_interval(name: str) -> Callable[[PointRow], str]:
    def cell(row: PointRow) -> str:
        return digits(getattr(row, name)) + interval(getattr(row, f"{name}_low"), getattr(row, f"{name}_high"))

    return cell
