"""The pictures of a study over sizes: variances against size beside what theory says, and along the circuit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from qvar._types import FloatArray
from qvar.analysis.decay import QUANTITIES, decay_table, is_relative, measured, variances
from qvar.analysis.rows import known, labelled, records, some, where
from qvar.report.plot_style import Drawing, Look, legend_below, line_figure, looks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MARKS = {
    "law_loss_variance": ("exact law", "+", 13.0),
    "haar_loss_variance": ("Haar-random states", "D", 8.5),
    "lie_loss_variance": ("Lie algebra", "x", 8.0),
}
"""Marks of theory: name, marker and its size."""

_DODGE = 0.012
"""Neighbouring contenders stand apart by this share of the axis, so that their intervals are seen."""

_INK = "#333333"


def loss_variance(ledger: pd.DataFrame) -> Drawing | None:
    """Draw the variance of the loss against size, with intervals, fits and what theory says.

    Args:
        ledger: the ledger of a study over sizes.

    Returns:
        The picture, or None where it would be empty.
    """
    words = (
        "Filled marks are measured; {samples}, and bars are 95 % intervals (bootstrap-t over the samples), often "
        "smaller than the mark. {fits}{marks}"
    )
    return _against_size(ledger, "loss", "Variance of the loss", words)


def gradient_variance(ledger: pd.DataFrame) -> Drawing | None:
    """Draw the variance of the gradient against size, with intervals and fits.

    Args:
        ledger: the ledger of a study over sizes.

    Returns:
        The picture, or None where it would be empty.
    """
    words = (
        "The variance of a component of the gradient, averaged over all parameters; {samples}, and bars are 95 % "
        "intervals (bootstrap-t over the samples), often smaller than the mark. {fits}{marks}"
    )
    return _against_size(ledger, "gradient", "Variance of the gradient", words)


def _against_size(ledger: pd.DataFrame, quantity: str, title: str, words: str) -> Drawing | None:
    points, relative, column = measured(ledger), is_relative(ledger), QUANTITIES[quantity]
    points = labelled(points)
    if not (variances(points, column, relative) > 0).any():
        return None
    look_of = _looks(points)
    fits = labelled(decay_table(ledger))
    fits = where(fits, fits["quantity"] == quantity)
    marks = [m for m in _MARKS if quantity == "loss" and m in points.columns and some(points[m].notna())]
    first = quantity == "gradient" and "law_gradient_variance_first" in points.columns
    figure, axes = line_figure(len(look_of) + len(marks) + 2 * first + 1)
    sizes = points["size"].to_numpy(dtype=float)
    reach = max(float(np.ptp(sizes)), 1.0)
    zeros, marked = 0, set[str]()
    for label, look in look_of.items():  # the legend names them before the marks
        axes.plot([], [], color=look.color, marker=look.marker or "o", markersize=5.5, linestyle="", label=label)
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
        _draw_fit(axes, where(fits, fits["label"] == label), look, aside)
    if some(fits["verdict"].notna()):
        axes.plot([], [], color=_INK, linewidth=1.2, label="fitted decay")
    for mark in marks:
        name, marker, size = _MARKS[mark]
        axes.plot([], [], color=_INK, linestyle="", marker=marker, markersize=size, fillstyle="none", label=name)
    if first:
        axes.plot([], [], color=_INK, linestyle="", marker="o", markersize=6, fillstyle="none", label="first parameter")
        axes.plot([], [], color=_INK, linestyle="", marker="+", markersize=13, label="its exact law")
    axes.set_yscale("log")
    axes.set_ylabel(_axis(points, title.lower(), relative))
    name = str(points["size_name"].iloc[0])
    axes.set_xlabel(f"number of {name}")
    axes.set_xticks(sorted(set(sizes)))
    axes.set_title(f"{title} against the number of {name}")
    legend_below(figure, axes)
    fitted = (
        "Lines are the decay that the points speak for; if it is undecided, the likelier one, dotted; none if neither "
        "an exponential nor a power law fits. "
        if some(fits["verdict"].notna())
        else ""
    )
    caption = words.format(samples=_samples_words(points), fits=fitted, marks=_mark_words(marks, first))
    caption += _relative_words(relative, quantity)
    if zeros:
        caption += f"Not drawn: {zeros} variance{'s' * (zeros > 1)} of zero, which a logarithmic axis does not have. "
    return Drawing(f"{quantity}_variance", figure, f"{title} against the number of {name}", caption)


def component_variance(ledger: pd.DataFrame) -> Drawing | None:
    """Draw the variance of each component of the gradient against its place in the circuit, at the largest size.

    Args:
        ledger: the ledger of a study over sizes.

    Returns:
        The picture, or None where it would be empty.
    """
    points, relative = measured(ledger), is_relative(ledger)
    points = labelled(points)
    look_of = _looks(points)
    figure, axes = line_figure(len(look_of))
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
    axes.set_title("Variance of each component of the gradient, largest size")
    legend_below(figure, axes)
    caption = (
        "One mark for each parameter, at the largest size of each contender, in the order in which the circuit counts "
        f"them; {_samples_words(points)}. A plateau is barren only where all components are small: parameters near the "
        "end of a circuit, or those of a few gates, may keep a slope. " + _relative_words(relative, "gradient")
    )
    return Drawing("component_variance", figure, "Variance of each component of the gradient", caption)


def _looks(points: pd.DataFrame) -> dict[str, Look]:
    return looks(points.drop_duplicates("label"))


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


def _draw_fit(axes: Axes, fits: pd.DataFrame, look: Look, aside: float) -> None:
    """Draw the preferred decay as a line, as far aside as its points; dotted where it is not decided."""
    for row in records(fits):
        if not known(row.verdict) or row.verdict == "neither" or not known(row.rate) or not known(row.delta_aic):
            continue
        grid = np.linspace(float(row.size_first), float(row.size_last), 100)
        power = row.verdict == "power" or (row.verdict == "undecided" and row.delta_aic < 0)
        values = (
            row.power_prefactor * grid ** -float(row.exponent) if power else row.prefactor * np.exp(-row.rate * grid)
        )
        dashes = ":" if row.verdict == "undecided" else "-"
        axes.plot(grid + aside, values, color=look.color, linestyle=dashes, linewidth=1.3, zorder=1.5)


def _axis(points: pd.DataFrame, noun: str, relative: bool) -> str:
    if relative:
        return f"{noun} / (spectral width)\u00b2"
    units = {str(unit) for unit in points["unit"].dropna() if unit}
    return f"{noun} ({units.pop()}\u00b2)" if len(units) == 1 else noun


def _samples_words(points: pd.DataFrame) -> str:
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
