"""The report of a study over sizes: the contenders whose variances fall exponentially, on a barren plateau."""

from __future__ import annotations

import math
from typing import Any

from qvar._types import DataFrame
from qvar.analysis.decay import DecayRow, PointRow, decay_table, is_relative, measured, narrow_intervals
from qvar.analysis.rows import SCALING_MARKS, known, labelled, labels, typed, where
from qvar.records.run_folder import LoadedRun
from qvar.report.formats import bold, count, digits, interval, seconds, values
from qvar.report.plots.scaling import component_variance, variance_against_size
from qvar.report.scaling_tables import (
    PREDICTIONS,
    VERDICTS,
    fit_table,
    gradient_table,
    loss_table,
    point_columns,
    ratio,
    size_name,
)
from qvar.report.study_report import Drawings, StudyReport, pictures
from qvar.report.table import Bullets, Column, Heading, Note, Part, Table, Text
from qvar.report.terminal import to_terminal

_WORDS = (
    "Generic contenders have free parameters that know nothing of the problem; constrained contenders carry its "
    "physics. Nothing was trained here: parameters were drawn at random, as a training would start, and the loss (the "
    "energy, or the expectation value of an observable) and its exact gradient were computed at each of these points. "
    "How much they vary from point to point says whether a training can begin. Where the variance falls exponentially "
    "with the number of qubits, the landscape becomes a barren plateau: it is flat nearly everywhere, and the number "
    "of measurements needed to see any slope grows exponentially."
)


def _facts(run: LoadedRun) -> dict[str, str]:
    ledger, name = run.ledger, size_name(run.ledger)
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


def _problems(ledger: DataFrame) -> str:
    """Return the smallest and the largest problem of each contender."""
    rows: Any = ledger.dropna(subset=["problem"]).sort_values("size", kind="stable")
    problems = {name: values(group, "problem") for name, group in rows.groupby("contender", sort=False)}
    return "; ".join(f"{name}: {p[0]}{f' ... {p[-1]}' * (len(p) > 1)}" for name, p in problems.items())


def _samples(ledger: DataFrame) -> str:
    numbers = sorted(int(number) for number in measured(ledger)["samples"].unique())
    if not numbers:
        return ""
    many = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    return f"{many} random parameter vectors at every point"


def _headline(fits: DataFrame) -> list[Part]:
    """Return the verdicts on the gradient; nothing if there are none."""
    lines: list[Text] = []
    of_gradient = where(fits, (fits["quantity"] == "gradient").fillna(False))
    if len(of_gradient) and set(of_gradient["size_first"]) == set(of_gradient["size_last"]):
        return ["One size was measured: there is no verdict on how variances fall with the number of qubits."]
    for verdict, (_, words) in VERDICTS.items():
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
        return f"as n to the power {digits(-row.exponent)}{interval(-row.exponent_high, -row.exponent_low)}"
    if row.verdict == "neither":
        first, last = digits(row.variance_first), digits(row.variance_last)
        return f"from {first} at {row.size_first:g} to {last} at {row.size_last:g}"
    ends = interval(_factor(row.rate_low), _factor(row.rate_high))
    likelier = ""
    if row.verdict == "undecided":
        likelier = f"; the {'exponential' if row.delta_aic >= 0 else 'power law'} is the likelier one"
    return f"divided by {digits(_factor(row.rate))}{ends} for each further qubit{likelier}"


def _factor(rate: float) -> float:
    return math.exp(min(float(rate), 700.0)) if known(rate) else math.nan


# ---------------------------------------------------------------------------------------------------------------------
# Page and terminal


def _result(ledger: DataFrame, trace: DataFrame) -> list[Part]:
    fits, points = labelled(decay_table(ledger)), measured(ledger)
    parts: list[Part] = [*_headline(fits), fit_table(fits)]
    reasons: list[Text] = [
        (bold(row.label), f", {row.quantity}: {row.sentence}") for row in typed(fits, DecayRow) if known(row.sentence)
    ]
    for title, lines in (("Why these verdicts", reasons), ("Intervals that are too narrow", _narrow(ledger))):
        parts += [Heading(title), Bullets(lines)] if lines else []
    if len(points):
        points = labelled(points)
        parts += [Heading("The loss at every point"), loss_table(points)]
        parts += [Heading("The gradient at every point"), gradient_table(points)]
    return parts


def _text(ledger: DataFrame) -> str:
    fits = labelled(decay_table(ledger))
    unit = "squared spectral width" if is_relative(ledger) else "unit of the loss squared"
    notes = [
        "",
        f"Variances over {_samples(ledger) or 'no samples'}, in the {unit}; of the gradient the mean over all "
        "parameters. In brackets: 95 % intervals.",
        *(f"{row.label}, {row.quantity}: {row.sentence}" for row in typed(fits, DecayRow) if known(row.sentence)),
        *_narrow(ledger),
        *_messages(ledger),
    ]
    return to_terminal(fit_table(fits), notes=notes)


def _narrow(ledger: DataFrame) -> list[str]:
    """Return the intervals that hold less than they claim, with the samples that they need."""
    return narrow_intervals(labelled(ledger)) if len(ledger) else []


def _messages(ledger: DataFrame) -> list[str]:
    if "message" not in ledger.columns:
        return []
    rows = where(labelled(ledger), ledger["message"].notna())
    return [f"{row.label}, {count(row.size)} {row.size_name}: {row.message}" for row in typed(rows, PointRow)]


def _rows_text(ledger: DataFrame) -> str:
    """Return every row: variances, and their ratio to theory."""
    if "loss_variance" not in ledger.columns:  # nothing was measured
        ledger = ledger.assign(loss_variance=None, gradient_variance=None)
    ratios: list[Column[PointRow]] = [
        Column(f"loss\n{name}", lambda row, column=column: ratio(row.loss_variance, getattr(row, column)))
        for column, (_, _, name) in PREDICTIONS.items()
        if column in ledger.columns
    ]
    columns: list[Column[PointRow]] = [
        *point_columns(ledger),
        Column("loss variance", _loss_words, stays=True),
        Column("gradient\nvariance", lambda row: digits(row.gradient_variance)),
        *ratios,
        Column("time", lambda row: seconds(row.wall_s)),
    ]
    return to_terminal(Table(columns, typed(labelled(ledger), PointRow), [*_narrow(ledger), *_messages(ledger)]))


def _loss_words(row: PointRow) -> str:
    value = row.loss_variance
    if not known(value):
        return str(row.status).replace("_", " ")
    half = (row.loss_variance_high - row.loss_variance_low) / 2
    return digits(value) + (f" +- {100 * half / value:.0f} %" if value > 0 else "")


def _drawings(ledger: DataFrame, trace: DataFrame) -> Drawings:
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
