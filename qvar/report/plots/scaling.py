"""The pictures of a study over sizes: variances against size, with their values in theory, and along the circuit.

A function returns None if its picture would be empty.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import numpy as np

from qvar._types import DataFrame, FloatArray
from qvar.analysis.decay import QUANTITIES, DecayRow, decay_table, is_relative, measured, variances
from qvar.analysis.rows import known, labelled, some, typed, where
from qvar.report.plot_style import Axes, Drawing, Look, finished, legend_entry, line_figure, looks

_MARKS = {
    "law_loss_variance": ("exact law", "+", 13.0),
    "haar_loss_variance": ("Haar-random states", "D", 8.5),
    "lie_loss_variance": ("Lie algebra", "x", 8.0),
}
"""Marks of theory: name, marker and its size."""

_DODGE = 0.012
"""Neighbouring contenders stand apart by this share of the axis, so that their intervals are seen."""

_INK = "#333333"

_DECAYS = {"-": "fitted decay", ":": "fitted decay, undecided"}
"""Names of fitted lines, by their dashes."""


_MEASURED = {
    "loss": "Filled marks are measured",
    "gradient": "The variance of a component of the gradient, averaged over all parameters",
}


def variance_against_size(ledger: DataFrame, quantity: Literal["loss", "gradient"]) -> Drawing | None:
    """Draw the variance of the loss or of the gradient against size, with intervals, fits and values in theory."""
    relative, column = is_relative(ledger), QUANTITIES[quantity]
    points = labelled(measured(ledger))
    if not (variances(points, column, relative) > 0).any():
        return None
    look_of = looks(points.drop_duplicates("label"))
    fits = labelled(decay_table(ledger))
    fits = where(fits, fits["quantity"] == quantity)
    marks = [m for m in _MARKS if quantity == "loss" and m in points.columns and some(points[m].notna())]
    first = quantity == "gradient" and "law_gradient_variance_first" in points.columns
    _, axes = line_figure(len(look_of) + len(marks) + 2 * first + 2)
    sizes = points["size"].to_numpy(dtype=float)
    reach = max(float(np.ptp(sizes)), 1.0)
    zeros, marked, decays = 0, set[str](), set[str]()
    for label, look in look_of.items():  # the legend names them before the marks
        legend_entry(axes, label, color=look.color, marker=look.marker or "o", markersize=5.5, linestyle="")
    for place, (label, look) in enumerate(look_of.items()):
        mine = where(points, points["label"] == label).sort_values("size")
        values, low, high = (variances(mine, column + end, relative) for end in ("", "_low", "_high"))
        positive = values > 0
        zeros += int((~positive).sum())
        aside = _DODGE * reach * (place - (len(look_of) - 1) / 2)
        x = mine["size"].to_numpy(dtype=float) + aside
        _draw_points(axes, x[positive], values[positive], low[positive], high[positive], look)
        contender = str(mine["contender"].iloc[0])
        for mark in [] if contender in marked else marks:  # once for all its starts
            _draw_mark(axes, x, variances(mine, mark, relative), _MARKS[mark][1], _MARKS[mark][2], look.color)
        marked.add(contender)
        if first and some(mine["law_gradient_variance_first"].notna()):
            _draw_mark(axes, x, variances(mine, "gradient_variance_first", relative), look.marker, 6.0, look.color)
            _draw_mark(axes, x, variances(mine, "law_gradient_variance_first", relative), "+", 13.0, look.color)
        decays |= _draw_fits(axes, where(fits, fits["label"] == label), look, aside)
    for dashes in sorted(decays):
        legend_entry(axes, _DECAYS[dashes], color=_INK, linewidth=1.2, linestyle=dashes)
    entries = [_MARKS[mark] for mark in marks] + [("first parameter", "o", 6.0), ("its exact law", "+", 13.0)] * first
    for name, marker, size in entries:
        legend_entry(axes, name, color=_INK, linestyle="", marker=marker, markersize=size, fillstyle="none")
    axes.set_yscale("log")
    axes.set_ylabel(_axis(points, f"variance of the {quantity}", relative))
    name = str(points["size_name"].iloc[0])
    axes.set_xlabel(f"number of {name}")
    axes.set_xticks(sorted(set(sizes)))
    fitted = (
        "Lines are the fitted decay, dotted if the verdict is undecided and it is only the likelier one; there is none "
        "if neither an exponential nor a power law fits. "
        if some(fits["verdict"].notna())
        else ""
    )
    caption = (
        f"{_MEASURED[quantity]}; {_samples_words(points)}, and bars are 95 % intervals (bootstrap-t over the samples), "
        f"often smaller than the mark. {fitted}{_mark_words(marks, first)}{_relative_words(relative, quantity)}"
    )
    if zeros:
        caption += f"Not drawn: {zeros} variance{'s' * (zeros > 1)} of zero, which a logarithmic axis does not have. "
    title = f"Variance of the {quantity} against the number of {name}"
    return finished(f"{quantity}_variance", axes, title, caption)


def component_variance(ledger: DataFrame) -> Drawing | None:
    """Draw the variance of each component of the gradient against its place in the circuit, at the largest size."""
    points, relative = labelled(measured(ledger)), is_relative(ledger)
    look_of = looks(points.drop_duplicates("label"))
    _, axes = line_figure(len(look_of))
    drawn = 0
    for label, look in look_of.items():
        row = where(points, points["label"] == label).sort_values("size").iloc[-1]
        values = np.array(json.loads(row["component_variances"]), dtype=float)
        values = values / float(row["spectral_width"]) ** 2 if relative else values
        place = (np.arange(len(values)) + 0.5) / max(len(values), 1)
        plotted = values > 0
        drawn += int(plotted.sum())
        size = 4.5 if len(values) < 60 else 2.6
        axes.plot(
            place[plotted], values[plotted], linestyle="", marker=look.marker, markersize=size, color=look.color,
            alpha=0.75, markeredgewidth=0, label=f"{label}, {row['size']} {row['size_name']}",
        )  # fmt: skip
    if drawn == 0:
        return None
    axes.set_yscale("log")
    axes.set_xlim(0, 1)
    axes.set_xlabel("place of the parameter in the circuit, from the first (0) to the last (1)")
    axes.set_ylabel(_axis(points, "variance of the component", relative))
    caption = (
        "One mark for each parameter, at the largest size of each contender, in the order in which the circuit counts "
        f"them; {_samples_words(points)}. A plateau is barren only where all components are small: parameters near the "
        "end of a circuit, or those of a few gates, may keep a slope. " + _relative_words(relative, "gradient")
    )
    title = "Variance of each component of the gradient, largest size"
    return finished("component_variance", axes, title, caption)


def _draw_points(axes: Axes, x: FloatArray, values: FloatArray, low: FloatArray, high: FloatArray, look: Look) -> None:
    bars: Any = np.stack([values - np.minimum(low, values), np.maximum(high, values) - values])
    axes.errorbar(
        x, values, yerr=bars, color=look.color, marker=look.marker or "o", markersize=5.5, linestyle="",
        elinewidth=1.2, capsize=2.5, zorder=3,
    )  # fmt: skip


def _draw_mark(axes: Axes, x: FloatArray, values: FloatArray, marker: str, size: float, color: Any) -> None:
    there = np.isfinite(values) & (values > 0)
    axes.plot(
        x[there], values[there], linestyle="", marker=marker, markersize=size, color=color, fillstyle="none",
        markeredgewidth=1.2, zorder=2.5,
    )  # fmt: skip


def _draw_fits(axes: Axes, fits: DataFrame, look: Look, aside: float) -> set[str]:
    """Draw the preferred decays as lines, as far aside as their points; return their dashes."""
    drawn = set[str]()
    for row in typed(fits, DecayRow):
        if not known(row.verdict) or row.verdict == "neither" or not known(row.rate) or not known(row.delta_aic):
            continue
        x = np.linspace(float(row.size_first), float(row.size_last), 100)
        power = row.verdict == "power" or (row.verdict == "undecided" and row.delta_aic < 0)
        values = row.power_prefactor * x ** -float(row.exponent) if power else row.prefactor * np.exp(-row.rate * x)
        dashes = ":" if row.verdict == "undecided" else "-"
        axes.plot(x + aside, values, color=look.color, linestyle=dashes, linewidth=1.3, zorder=1.5)
        drawn.add(dashes)
    return drawn


def _axis(points: DataFrame, noun: str, relative: bool) -> str:
    if relative:
        return f"{noun} / (spectral width)\u00b2"
    units = {str(unit) for unit in points["unit"].dropna() if unit}
    return f"{noun} ({units.pop()}\u00b2)" if len(units) == 1 else noun


def _samples_words(points: DataFrame) -> str:
    numbers = sorted(int(number) for number in points["samples"].unique())
    many = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    return f"each point rests on {many} random parameter vectors"


def _mark_words(marks: list[str], first: bool) -> str:
    meanings = {
        "law_loss_variance": "plus signs are the exact law of a deep circuit",
        "haar_loss_variance": "open diamonds are what random states of the same space would give",
        "lie_loss_variance": "crosses are what the Lie algebra of the circuit's generators gives",
    }
    words = [meanings[mark] for mark in marks]
    if first:
        words += ["open marks are the first parameter alone, and plus signs its exact law"]
    return f"Theory: {'; '.join(words)}. " if words else ""


def _relative_words(relative: bool, quantity: str) -> str:
    if not relative:
        return ""
    return (
        f"To compare Hamiltonians of different size and unit, the {quantity} is divided by the spectral width, the "
        "largest minus the smallest value that the loss can take. "
    )
