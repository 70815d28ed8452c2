"""The picture of the result: accuracy against parameters and two-qubit gates, with Pareto fronts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame, FloatArray
from qvar.analysis.accuracy import pareto_front
from qvar.analysis.rows import as_float, labels, resolution, shown_errors, typed
from qvar.analysis.summaries import ContenderRow
from qvar.report.formats import listed
from qvar.report.plot_style import (
    ACCURACY_WORDS,
    FAMILY_COLORS,
    FAMILY_MARKERS,
    Axes,
    Drawing,
    Figure,
    accuracy_line,
    axis_words,
    drawn_errors,
    lay_out,
    panel_row,
    plain_numbers,
    seed_words,
    spread_of,
    value_axis,
    wrapped_name,
)

_COSTS = {"n_params": "parameters", "two_qubit_gates": "two-qubit gates"}
_LOG_RATIO = 8
"""Costs that span more than this factor are drawn on a logarithmic axis."""

_LETTERS_PER_INCH = 11
"""Letters of the key below the panels."""

_DOT = 5.0
_DIRECTIONS = 16
_DISTANCES = (8.0, 12.0, 17.0, 23.0, 30.0)
"""Distances of a number from its point, in points (1/72 inch)."""


@dataclass(frozen=True)
class Point:
    """One contender."""

    rank: int
    """Its number in the table."""
    label: str
    family: str
    costs: dict[str, float]
    """Its costs of each kind; NaN if it has none of that kind."""
    low: float
    middle: float
    """Place of its mark."""
    high: float


def error_vs_cost(
    ledger: DataFrame, drawn: DataFrame, costs: Sequence[str] = ("n_params", "two_qubit_gates")
) -> Drawing | None:
    """Draw the error against the number of parameters and of two-qubit gates, each with its Pareto front.

    The front is that of the median errors, by which the table is sorted too: what a contender reaches from a usual
    start, and not what the luckiest of many starts does.
    """
    plotted, quantity, unit = shown_errors(ledger)
    shown_costs = {cost: _COSTS[cost] for cost in costs}
    picture = fronts(_points(ledger, drawn, plotted, quantity, unit), shown_costs, quantity, unit)
    if picture is None:
        return None
    has_gates = bool(drawn["two_qubit_gates"].notna().any())
    gates = ", and against the CNOTs of the circuit written out gate by gate" if has_gates else ""
    caption = (
        f"The accuracy of each contender against its costs: the {picture.noun} at the end of training against the "
        f"number of free parameters{gates}. Numbers are those "
        f"of the table. A point is the median over the starts (seeds), its bar holds {seed_words()}. The stepped line "
        "is the Pareto front of the medians: no contender has less error at the same cost or less. "
        f"{picture.members} "
    )
    return Drawing("error_vs_cost", picture.figure, picture.title, caption + axis_words(quantity, unit))


class Fronts(NamedTuple):
    """A figure with a Pareto front in each panel."""

    figure: Figure
    title: str
    noun: str
    """Quantity on the vertical axis."""
    members: str
    """Contenders on the fronts, in sentences."""


def fronts(
    points: list[Point], costs: dict[str, str], quantity: str, unit: str, *, logarithmic: bool = False
) -> Fronts | None:
    """Draw panels of error against costs, each with its Pareto front.

    `costs` names the kinds of costs; all axes are logarithmic if `logarithmic`, and not only those that span much.
    """
    panels = [cost for cost in costs if any(np.isfinite(point.costs[cost]) for point in points)]
    if not panels:
        return None
    points = [point for point in points if any(np.isfinite(point.costs[cost]) for cost in panels)]
    width = (7.2, 10.4, 12.6)[min(len(panels), 3) - 1]
    letters = int(width * _LETTERS_PER_INCH)
    points = [replace(point, label=wrapped_name(point.label, letters)) for point in points]
    longest = max(len(line) for point in points for line in point.label.split("\n"))
    columns = max(1, min(4, letters // (longest + 6)))
    height = 4.9 + 0.17 * sum(point.label.count("\n") + 1 for point in points) / columns
    figure, all_axes = panel_row(len(panels), width, height, sharey=True)
    noun, members, lines = "", [], {}
    for axes, cost in zip(all_axes, panels, strict=True):
        inside = [point for point in points if np.isfinite(point.costs[cost])]
        for point in inside:
            _draw_point(axes, point, point.costs[cost])
        axes.set_xlabel(f"number of {costs[cost]}")
        _scale_costs(axes, [point.costs[cost] for point in inside], 1 if logarithmic else _LOG_RATIO)
        if axes is all_axes[0]:
            noun = value_axis(axes, quantity, unit)
        front = _front(inside, cost, unit)
        members.append(f"{costs[cost]}: {listed([point.label.replace(chr(10), ' ') for point in front])}")
        lines["Pareto front"] = _draw_front(axes, front, cost)
        if quantity == "error" and (level := accuracy_line(axes, unit)):
            lines[ACCURACY_WORDS] = level
    *first, last = (costs[cost] for cost in panels)
    names = f"{', '.join(first)} and {last}" if first else last
    title = f"{noun.capitalize()} against number of {names}"
    _legends(figure, title, points, lines, columns)
    lay_out(figure)  # settles where the points are
    for axes, cost in zip(all_axes, panels, strict=True):
        _number(axes, [(point, point.costs[cost]) for point in points if np.isfinite(point.costs[cost])])
    return Fronts(figure, title, noun, f"On it are, by {'. By '.join(members)}.")


def _points(ledger: DataFrame, drawn: DataFrame, plotted: Any, quantity: str, unit: str) -> list[Point]:
    names = np.array(labels(ledger))
    points = []
    for row in typed(drawn, ContenderRow):
        values = plotted[names == row.label].to_numpy(dtype=float)
        values = drawn_errors(values[np.isfinite(values)], quantity, unit)
        if len(values):
            low, middle, high = spread_of(values)
            cells = {cost: as_float(getattr(row, cost)) for cost in _COSTS}
            costs = {cost: math.nan if cell is None else cell for cost, cell in cells.items()}
            points.append(Point(row.rank, str(row.label), str(row.family), costs, low, middle, high))
    return points


def _front(points: list[Point], cost: str, unit: str) -> list[Point]:
    costs, errors = [point.costs[cost] for point in points], [point.middle for point in points]
    return [points[position] for position in pareto_front(costs, errors, resolution=resolution(unit))]


# ---------------------------------------------------------------------------------------------------------------------
# Drawing


def _draw_point(axes: Axes, point: Point, cost: float) -> None:
    name = _entry(point)
    color = FAMILY_COLORS.get(point.family, "#555555")
    if point.high > point.low:
        axes.plot([cost, cost], [point.low, point.high], color=color, alpha=0.35, linewidth=1.4, zorder=2,
                  gid=name)  # fmt: skip
    axes.plot(
        [cost], [point.middle], color=color, marker=FAMILY_MARKERS.get(point.family, "o"), markersize=_DOT,
        linestyle="", markeredgecolor="white", markeredgewidth=0.5, zorder=3, gid=name,
    )  # fmt: skip


def _entry(point: Point) -> str:
    """Return the words of a contender in the key below the panels."""
    return f"{point.rank}  {point.label}"


def _draw_front(axes: Axes, front: list[Point], cost: str) -> Any:
    left, right = axes.get_xlim()  # to the right edge: a larger cost reaches at least as much
    x = np.repeat([*(point.costs[cost] for point in front), right], 2)[1:]
    y = np.repeat([*(point.middle for point in front), front[-1].middle], 2)[:-1]
    (line,) = axes.plot(x, y, color="#222222", linewidth=1.1, alpha=0.8, zorder=1.8)
    axes.set_xlim(left, right)
    return line


def _scale_costs(axes: Axes, costs: list[float], ratio: float) -> None:
    low, high = min(costs), max(costs)
    if low == high:
        axes.set_xticks([low])
    if low <= 0 or high <= ratio * low:
        return
    axes.set_xscale("log")
    # 10, 20, 50, 100 and not powers of ten, as long as they fit
    few = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if high < 4 * low else (1, 2, 5)
    plain_numbers(axes.xaxis, few if high < 300 * low else (1,))


def _legends(figure: Figure, title: str, points: list[Point], lines: dict[str, Any], columns: int) -> None:
    """Explain colors and lines above, and numbers below."""
    from matplotlib.lines import Line2D

    def dot(family: str) -> Line2D:
        color = FAMILY_COLORS.get(family, "#555555")
        return Line2D([], [], color=color, marker=FAMILY_MARKERS.get(family, "o"), markersize=_DOT, linestyle="")

    handles = {**{family: dot(family) for family in sorted({point.family for point in points})}, **lines}
    figure.legend(
        list(handles.values()), list(handles), loc="outside upper center", ncols=len(handles), fontsize=8.5,
        frameon=False, title=title, title_fontsize=12,
    )  # fmt: skip
    key = [dot(point.family) for point in points]
    members = [_entry(point) for point in points]
    figure.legend(
        key, members, loc="outside lower center", ncols=columns, fontsize=8, frameon=False, handlelength=0.8,
        handletextpad=0.3, columnspacing=1.6, labelspacing=0.25,
    )  # fmt: skip


def _number(axes: Axes, points: list[tuple[Point, float]]) -> None:
    """Write each contender's number near its point, where it covers no point, no line and no other number."""
    scale = 72 / axes.figure.dpi
    places = scale * axes.transData.transform([(cost, point.middle) for point, cost in points])
    corners = scale * axes.transAxes.transform([(0, 0), (1, 1)])
    taken = [_box(place, _DOT, _DOT) for place in places]
    for line in axes.lines:  # bars, the front and chemical accuracy: all run along an axis
        corner = scale * line.get_transform().transform(line.get_xydata())
        ends = np.stack([corner[:-1], corner[1:]])
        taken += list(np.stack([ends.min(axis=0) - 0.5, ends.max(axis=0) + 0.5], axis=1))
    around = [
        (distance, (distance * math.cos(angle), distance * math.sin(angle)))
        for distance in _DISTANCES
        for angle in np.linspace(0, 2 * math.pi, _DIRECTIONS, endpoint=False).tolist()
    ]
    for (point, cost), place in zip(points, places, strict=True):
        width = 5.0 * len(str(point.rank)) + 1
        others = np.array(taken)
        penalties = []
        for distance, shift in around:
            box = _box(place + np.array(shift), width, 8.0)
            outside = np.maximum(corners[0] - box[0], 0).sum() + np.maximum(box[1] - corners[1], 0).sum()
            sides = np.minimum(box[1], others[:, 1]) - np.maximum(box[0], others[:, 0])
            penalties.append(np.maximum(sides, 0).prod(axis=1).sum() + 10 * outside + 0.4 * distance)
        distance, shift = around[int(np.argmin(penalties))]
        taken.append(_box(place + np.array(shift), width, 8.0))
        line = {"arrowstyle": "-", "color": "#888888", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            str(point.rank), (cost, point.middle), xytext=shift, textcoords="offset points", ha="center",
            va="center", fontsize=7.5, color="#222222", zorder=4, gid=_entry(point),
            arrowprops=line if distance > _DISTANCES[1] else None,
        )  # fmt: skip


def _box(center: FloatArray, width: float, height: float) -> FloatArray:
    """Return the lower left and upper right corner, (2, 2), in points."""
    half = np.array([width, height]) / 2
    return np.stack([center - half, center + half])
