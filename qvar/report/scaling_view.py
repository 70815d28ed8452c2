"""How a study over sizes is told: whose variances fall exponentially with the qubits, on a barren plateau."""

from __future__ import annotations

import math
from typing import Any

from qvar.analysis.decay import decay_table, is_relative, measured, narrow_intervals
from qvar.records.run_folder import LoadedRun
from qvar.report import pieces, tables
from qvar.report.plot_style import Drawing
from qvar.report.plots.scaling import component_variance, gradient_variance, loss_variance
from qvar.report.tables import Frame
from qvar.report.terminal import empty_table, plain, render
from qvar.report.view import View

WORDS = (
    "Generic contenders have free parameters that know nothing of the problem; constrained contenders carry its "
    "physics. Nothing was trained here: parameters were drawn at random, as a training would start, and the loss (the "
    "energy, or the expectation value of an observable) and its exact gradient were computed at each of these points. "
    "How much they vary from point to point says whether a training can begin. Where the variance falls exponentially "
    "with the number of qubits, the landscape becomes a barren plateau: it is flat nearly everywhere, and the number "
    "of measurements needed to see any slope grows exponentially."
)

_VERDICTS = {"exponential": "exponential", "power": "power law", "neither": "neither", "undecided": "undecided"}

_SAID = {
    "exponential": "Exponential, as on a barren plateau",
    "power": "A power law, and so no barren plateau",
    "neither": "Neither an exponential nor a power law",
    "undecided": "Undecided",
}


# ---------------------------------------------------------------------------------------------------------------------
# A page


def _facts(run: LoadedRun) -> dict[str, str]:
    ledger, name = run.ledger, _size_name(run.ledger)
    sizes = sorted(int(size) for size in ledger["size"].dropna().unique())
    noise = [float(value) for value in ledger["start_noise"].dropna().unique() if value]
    return {
        "Problem": _problems(ledger),
        **({} if name == "qubits" else {f"Number of {pieces.text(name)}": ", ".join(map(str, sizes))}),
        "Samples": _samples(ledger),
        "Starts": ", ".join(pieces.values(ledger, "start")),
        "Noise on the start": f"{noise[0]:g} radians (standard deviation)" if noise else "",
        "Intervals": "95 %, by studentized bootstrap over the samples",
    }


def _problems(ledger: Frame) -> str:
    """What each contender was measured on, from the smallest to the largest."""
    groups = ledger.dropna(subset=["problem"]).sort_values("size", kind="stable").groupby("contender", sort=False)
    told = {name: list(dict.fromkeys(map(str, group["problem"]))) for name, group in groups}
    return "; ".join(
        f"{name}: {problems[0]}{f' ... {problems[-1]}' * (len(problems) > 1)}" for name, problems in told.items()
    )


def _size_name(ledger: Frame) -> str:
    return next(iter(pieces.values(ledger, "size_name")), "size")


def _samples(ledger: Frame) -> str:
    """How many samples a point has."""
    numbers = sorted(int(number) for number in measured(ledger)["samples"].unique())
    if not numbers:
        return ""
    many = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    return f"{many} random parameter vectors at every point"


def _result(ledger: Frame, trace: Frame) -> str:
    fits = _labelled(decay_table(ledger))
    narrow = "".join(f"<li>{pieces.text(sentence)}</li>" for sentence in _narrow(ledger))
    warning = f"<h3>Intervals that are too narrow</h3><ul>{narrow}</ul>" if narrow else ""
    tables_of_points = _loss_table(ledger) + _gradient_table(ledger)
    return _headline(fits) + _fit_table(fits) + _reasons(fits) + warning + tables_of_points


def _labelled(table: Frame) -> Frame:
    return table.assign(label=tables.labels(table))


def _headline(fits: Frame) -> str:
    """The verdicts on the gradient, in words; where there are none, what was measured."""
    said = []
    for verdict, words in _SAID.items():
        rows = tables.records(fits[(fits["verdict"] == verdict) & (fits["quantity"] == "gradient")])
        if rows:
            who = "; ".join(f"<b>{pieces.text(row.label)}</b> ({_pace(row)})" for row in rows)
            said.append(f"<li>{words}: {who}.</li>")
    if not said:
        return ""
    return (
        "<p>How the variance of the gradient, averaged over all parameters, falls with the number of qubits:</p>"
        f"<ul>{''.join(said)}</ul>"
        '<p class="note">The number of measurements needed to see a slope grows by the factor by which the variance of '
        "the gradient falls. A verdict holds for the sizes that were measured.</p>"
    )


def _pace(row: Any) -> str:
    """How fast it falls, in words."""
    if row.verdict == "power":
        return f"as n to the power {-row.exponent:.3g}{_between(-row.exponent_high, -row.exponent_low)}"
    if row.verdict == "neither":
        return (
            f"from {short(row.variance_first)} at {row.size_first:g} to {short(row.variance_last)} at {row.size_last:g}"
        )
    ends = _between(_factor(row.rate_low), _factor(row.rate_high))
    likelier = ""
    if row.verdict == "undecided":
        likelier = f"; the {'exponential' if row.delta_aic >= 0 else 'power law'} is the likelier one"
    return f"divided by {_factor(row.rate):.3g}{ends} for each further qubit{likelier}"


def _factor(rate: Any) -> float:
    return math.exp(min(float(rate), 700.0)) if tables.known(rate) else math.nan


def _between(low: Any, high: Any) -> str:
    """An interval in brackets, if there is one."""
    return f" [{low:.3g}, {high:.3g}]" if tables.known(low) and tables.known(high) else ""


def _fit_table(fits: Frame) -> str:
    by_qubits = bool(fits["verdict"].notna().any())
    relative = bool(fits["relative"].fillna(False).any())
    heads = ["contender", "variance of"]
    heads += ["verdict"] if by_qubits else []
    heads += [pieces.text(name) for name in pieces.values(fits, "size_name")[:1]]
    heads += ["points x samples", "at the smallest", "at the largest"]
    heads += ["b of e<sup>-b n</sup>", "b of n<sup>-b</sup>", "dAICc"] if by_qubits else []
    rows = []
    for row in tables.records(fits):
        verdict = f"<b>{_VERDICTS[row.verdict]}</b>" if tables.known(row.verdict) else tables.NOTHING
        cells = [pieces.name(row.label), (pieces.text(row.quantity), "")]
        cells += [(verdict, "")] if by_qubits else []
        cells += [
            (_range(row), "number"),
            (f"{tables.count(row.n_points)} x {tables.count(row.samples)}", "number"),
            (short(row.variance_first), "number"),
            (short(row.variance_last), "number"),
        ]
        if by_qubits:
            cells += [
                (short(row.rate) + _between(row.rate_low, row.rate_high), "number"),
                (short(row.exponent) + _between(row.exponent_low, row.exponent_high), "number"),
                (f"{row.delta_aic:+.1f}" if tables.known(row.delta_aic) else tables.NOTHING, "number"),
            ]
        rows.append(cells)
    note = (
        "Variances are divided by the square of the spectral width (the largest minus the smallest value that the loss "
        "can take), so that Hamiltonians of different size and unit can be compared. "
        if relative
        else "Variances are in the loss's own unit squared. "
    )
    note += "The gradient's variance is the mean over all parameters. In brackets: 95 % intervals. "
    note += (
        "b is the decay for n qubits, as an exponential and as a power law; dAICc says how much better the exponential "
        "describes the points than the power law (negative: worse). A law is the verdict if it fits, the other one "
        "does not, and dAICc is at least 4 either way, from four sizes; if none of the two fits, it is neither."
        if by_qubits
        else "Decays are fitted where sizes count qubits."
    )
    return f'{pieces.table(heads, rows)}<p class="note">{note}</p>'


def _range(row: Any) -> str:
    """Smallest and largest size, such as "4-12"."""
    if not tables.known(row.size_first):
        return tables.NOTHING
    first, last = f"{row.size_first:g}", f"{row.size_last:g}"
    return first if first == last else f"{first}-{last}"


def _reasons(fits: Frame) -> str:
    rows = tables.records(fits[fits["sentence"].notna()])
    if not rows:
        return ""
    lines = "".join(
        f"<li><b>{pieces.text(row.label)}</b>, {row.quantity}: {pieces.text(row.sentence)}</li>" for row in rows
    )
    return f"<h3>Why these verdicts</h3><ul>{lines}</ul>"


_PREDICTIONS = {
    "law_loss_variance": ("exact law", "loss / law"),
    "haar_loss_variance": ("Haar", "loss / Haar"),
    "lie_loss_variance": ("Lie algebra", "loss / Lie"),
}
"""Columns of what theory says the variance of the loss is, and how they are headed."""


def _point_cells(label: str, row: Any) -> list[tuple[str, str]]:
    return [
        pieces.name(label),
        (tables.count(row.size), "number"),
        (tables.count(row.n_params), "number"),
    ]


def _loss_table(ledger: Frame) -> str:
    """The variance of the loss at every point beside what theory says."""
    points = measured(ledger)
    if points.empty:
        return ""
    shown = [column for column in _PREDICTIONS if column in points.columns and points[column].notna().any()]
    heads = ["contender", pieces.text(_size_name(ledger)), "params", "states", "variance of the loss"]
    heads += [head for column in shown for head in _PREDICTIONS[column]]
    rows = []
    for label, row in zip(tables.labels(points), tables.records(points), strict=True):
        unit = f" {pieces.text(row.unit)}<sup>2</sup>" if tables.known(row.unit) and row.unit else ""
        ends = _between(row.loss_variance_low, row.loss_variance_high)
        cells = [
            *_point_cells(label, row),
            (tables.count(row.space_dimension), "number"),
            (f"{short(row.loss_variance)}{unit}{ends}", "number"),
        ]
        for column in shown:
            value, told = getattr(row, column), ""
            if tables.known(value) and column == "lie_loss_variance":
                told = f" (dim {tables.count(row.lie_dimension)})"
            cells += [(short(value) + told, "number"), (ratio(row.loss_variance, value), "number")]
        rows.append(cells)
    words = {
        "law_loss_variance": f"Exact law: what is known for deep circuits of this kind ({_laws(points)}). ",
        "haar_loss_variance": (
            "Haar: what random states of the space that was simulated would give, be it all 2<sup>n</sup> states or "
            "the sector of the right numbers of electrons; a circuit that reaches it is as flat as can be. "
        ),
        "lie_loss_variance": (
            "Lie algebra: what a deep circuit of these generators gives, from the algebra that they generate and its "
            "dimension. "
        ),
    }
    note = f"In the loss's own unit squared, with 95 % intervals. {''.join(words[column] for column in shown)}"
    note += "Ratios are measured / predicted." if shown else ""
    return f'<h3>The loss at every point</h3>{pieces.table(heads, rows)}<p class="note">{note}</p>'


def _laws(points: Frame) -> str:
    """Formulas of the exact laws, and whose they are."""
    if "law" not in points.columns:
        return ""
    told = points.dropna(subset=["law"]).drop_duplicates("contender")
    return pieces.text("; ".join(f"{row.contender}: {row.law}" for row in tables.records(told)))


def _gradient_table(ledger: Frame) -> str:
    """The variances of the gradient at every point."""
    points = measured(ledger)
    if points.empty:
        return ""
    law = "law_gradient_variance_first" in points.columns
    heads = ["contender", pieces.text(_size_name(ledger)), "params", "mean over parameters", "first parameter"]
    heads += ["exact law", "first / law"] if law else []
    heads += ["largest", "mean square"]
    rows = []
    for label, row in zip(tables.labels(points), tables.records(points), strict=True):
        cells = [*_point_cells(label, row)]
        for column in ("gradient_variance", "gradient_variance_first"):
            value, low, high = (getattr(row, column + end) for end in ("", "_low", "_high"))
            cells.append((short(value) + _between(low, high), "number"))
        if law:
            value = row.law_gradient_variance_first
            cells += [(short(value), "number"), (ratio(row.gradient_variance_first, value), "number")]
        cells += [(short(value), "number") for value in (row.gradient_variance_largest, row.gradient_mean_square)]
        rows.append(cells)
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
    return f'<h3>The gradient at every point</h3>{pieces.table(heads, rows)}<p class="note">{note}</p>'


def short(value: Any) -> str:
    """A variance or a slope with three digits; a dash where there is none."""
    return f"{float(value):.3g}" if tables.known(value) else tables.NOTHING


def ratio(value: Any, predicted: Any) -> str:
    """Measured over predicted; a dash where one is missing or nothing is predicted."""
    if not tables.known(value) or not tables.known(predicted) or float(predicted) == 0:
        return tables.NOTHING
    quotient = float(value) / float(predicted)
    return f"{quotient:.2f}" if 0.01 <= quotient < 10 or quotient == 0 else f"{quotient:.3g}"


# ---------------------------------------------------------------------------------------------------------------------
# A terminal


def _text(ledger: Frame) -> str:
    """One row per contender, start and quantity, with the reasons of the verdicts below."""
    fits = _labelled(decay_table(ledger))
    table = empty_table()
    table.add_column("contender", overflow="fold", min_width=8)
    table.add_column("of", no_wrap=True, essential=True)
    for name in (_size_name(ledger), "at\nfirst", "at\nlast"):
        table.add_column(name, justify="right", no_wrap=True)
    by_qubits = bool(fits["verdict"].notna().any())
    if by_qubits:
        table.add_column("rate per\nqubit", justify="right", no_wrap=True)
        table.add_column("decay", no_wrap=True, essential=True)
    for row in tables.records(fits):
        cells = [
            plain(row.label) if row.quantity == "loss" else "",
            "grad" if row.quantity == "gradient" else row.quantity,
            _range(row),
            _tiny(row.variance_first),
            _tiny(row.variance_last),
        ]
        if by_qubits:
            ends = f" \\[{row.rate_low:.2f}, {row.rate_high:.2f}]" if tables.known(row.rate_low) else ""
            cells += [f"{row.rate:.2f}{ends}" if tables.known(row.rate) else tables.NOTHING]
            cells += [_VERDICTS.get(row.verdict, tables.NOTHING) if tables.known(row.verdict) else tables.NOTHING]
        table.add_row(*cells)
    unit = "squared spectral width" if is_relative(ledger) else "unit of the loss squared"
    notes = [
        "",
        f"Variances over {_samples(ledger) or 'no samples'}, in the {unit}; of the gradient the mean over all "
        "parameters. In brackets: 95 % intervals.",
        *(f"{row.label}, {row.quantity}: {row.sentence}" for row in tables.records(fits) if tables.known(row.sentence)),
        *_narrow(ledger),
        *_messages(ledger),
    ]
    return render(table, notes)


def _tiny(value: Any) -> str:
    return f"{float(value):.2g}" if tables.known(value) else tables.NOTHING


def _narrow(ledger: Frame) -> list[str]:
    """Which intervals hold less than they claim, and how many samples it takes."""
    return narrow_intervals(ledger.assign(label=tables.labels(ledger))) if len(ledger) else []


def _messages(ledger: Frame) -> list[str]:
    if "message" not in ledger.columns:
        return []
    rows = tables.records(ledger.assign(label=tables.labels(ledger)).dropna(subset=["message"]))
    return [f"{row.label}, {tables.count(row.size)} {row.size_name}: {row.message}" for row in rows]


def _rows_text(ledger: Frame) -> str:
    """Every row: variances, and how they compare with what theory says."""
    table = empty_table()
    table.add_column("contender", overflow="fold", min_width=8)
    table.add_column(_size_name(ledger), justify="right", no_wrap=True, essential=True)
    table.add_column("loss variance", justify="right", no_wrap=True, essential=True)
    table.add_column("gradient\nvariance", justify="right", no_wrap=True)
    ratios = {"law_loss_variance": "/law", "haar_loss_variance": "/Haar", "lie_loss_variance": "/Lie"}
    shown = {column: name for column, name in ratios.items() if column in ledger.columns}
    for name in [*(f"loss\n{name}" for name in shown.values()), "time"]:
        table.add_column(name, justify="right", no_wrap=True)
    for label, row in zip(tables.labels(ledger), tables.records(ledger), strict=True):
        value: Any = getattr(row, "loss_variance", None)
        told = plain(str(row.status).replace("_", " "))
        if tables.known(value):
            half = (row.loss_variance_high - row.loss_variance_low) / 2
            told = short(value) + (f" +- {100 * half / value:.0f} %" if value > 0 else "")
        table.add_row(
            plain(label),
            tables.count(row.size),
            told,
            short(getattr(row, "gradient_variance", None)),
            *(ratio(value, getattr(row, column)) for column in shown),
            tables.seconds(row.wall_s),
        )
    return render(table, [*_narrow(ledger), *_messages(ledger)])


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    points = measured(ledger)
    labels, drawn = (
        dict.fromkeys(tables.labels(ledger)),
        set(tables.labels(points)) if len(points) else set(),
    )
    found = [loss_variance(ledger), gradient_variance(ledger), component_variance(ledger)] if drawn else []
    return [drawing for drawing in found if drawing is not None], [label for label in labels if label not in drawn]


SCALING = View(
    recognises=tables.is_scaling,
    words=WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("loss_variance", "gradient_variance", "component_variance"),
    text=_text,
    rows=_rows_text,
    noun="points",
)
"""The view of a `qvar.studies.scaling.Scaling`."""
