"""Pictures of trained networks: the error on other examples against parameters, multiply-adds and training examples.

A function returns None if its picture would be empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qvar.analysis.learning import LearningRow
from qvar.report.plot_style import (
    FAMILY_COLORS,
    FAMILY_MARKERS,
    Axes,
    Drawing,
    Figure,
    legend_below,
    legend_entry,
    looks,
    panel_row,
    plain_numbers,
)
from qvar.units import plain_number

_MOST_NAMES = 14
"""Points of a panel that have their names beside them; of more, the last of each series has the name of the series."""

_LOG_RATIO = 3.0
"""Numbers that span more than this factor are drawn on a logarithmic axis."""

_LETTER_PIXELS = 6.0
"""Width of a letter of a name."""

_BARS = "Bars are 95 % intervals of the mean over the seeds, which draw the examples and the starts. "


_MEANINGS = {"generic": "generic network", "constrained": "network whose structure mirrors the problem"}


def error_name(rows: Sequence[LearningRow]) -> str:
    """Return the words for the error of a run."""
    if any(np.isfinite(row.accuracy) for row in rows):
        return "share of test examples in a wrong class"
    unit = next((row.unit for row in rows if row.unit), "")
    return "root mean square error on test examples" + (f" ({unit})" if unit else "")


def error_vs_parameters(rows: Sequence[LearningRow]) -> Drawing | None:
    """Draw the error against the number of parameters at the largest training size."""
    return _against(rows, "n_params", "number of trained parameters", "error_vs_parameters") if rows else None


def error_vs_multiply_adds(rows: Sequence[LearningRow]) -> Drawing | None:
    """Draw the error against multiply-adds; None if they are in proportion to the parameters."""
    ratios = [row.multiply_adds / row.n_params for row in rows]
    if not rows or max(ratios) < 2 * min(ratios) or min(ratios) == 0:
        return None
    return _against(rows, "multiply_adds", "multiply-adds for one input", "error_vs_multiply_adds")


def error_vs_training_size(rows: Sequence[LearningRow]) -> Drawing | None:
    """Draw the error of each network against the number of training examples; None if there is one number only."""
    import pandas as pd

    sizes = sorted({row.training_size for row in rows})
    if len(sizes) < 2:
        return None
    models = {row.model: row.family for row in rows}
    look_of = looks(pd.DataFrame([{"label": name, "family": family} for name, family in models.items()]))
    figure, panels = _panels(rows, len(models))
    for axes, members in zip(panels, _by_problem(rows), strict=True):
        for place, model in enumerate(models):
            mine = sorted((row for row in members if row.model == model), key=lambda row: row.training_size)
            aside = 1.0 + 0.025 * (place - (len(models) - 1) / 2)
            look = look_of[model]
            axes.errorbar(
                [aside * row.training_size for row in mine], [row.mean_error for row in mine], yerr=_bars(mine),
                color=look.color, linestyle=look.dashes, marker=look.marker or None, markersize=5, capsize=2,
                label=model,
            )  # fmt: skip
        _scales(axes, members, "number of training examples")
        _whole_ticks(axes, sizes)
    panels[0].set_ylabel(error_name(rows))
    legend_below(figure, panels)
    caption = (
        f"The {error_name(rows)}, after equal numbers of training steps on more and more examples. {_BARS}"
        "Points are drawn a little apart where they would hide each other. Dashed lines are generic networks, solid "
        "ones have a structure that mirrors the problem."
    )
    return Drawing("error_vs_training_size", figure, "Error against the number of training examples", caption)


def _against(rows: Sequence[LearningRow], column: str, words: str, name: str) -> Drawing:
    figure, panels = _panels(rows, 2)
    for axes, members in zip(panels, _by_problem(rows), strict=True):
        size = max(row.training_size for row in members)
        series: dict[str, list[LearningRow]] = {}
        for row in sorted(members, key=lambda row: getattr(row, column)):
            if row.training_size == size:
                series.setdefault(row.series or row.model, []).append(row)
        for part in series.values():
            axes.errorbar(
                [getattr(row, column) for row in part], [row.mean_error for row in part], yerr=_bars(part),
                color=FAMILY_COLORS[part[0].family], marker=FAMILY_MARKERS[part[0].family],
                linestyle="-" if part[0].series else "none", linewidth=1.2, markersize=6, capsize=3,
            )  # fmt: skip
        _scales(axes, members, words)
        axes.margins(x=0.2, y=0.12)
        _names(axes, series, column)
    for family in dict.fromkeys(row.family for row in rows):
        style = {"color": FAMILY_COLORS[family], "marker": FAMILY_MARKERS[family], "markersize": 6, "linestyle": "none"}
        legend_entry(panels[0], _MEANINGS[family], **style)
    panels[0].set_ylabel(error_name(rows))
    legend_below(figure, panels)
    size = max(row.training_size for row in rows)
    caption = (
        f"The {error_name(rows)}, against the {words}, after training on {size} examples; below and left is better. "
        f"{_BARS}" + ("Lines join networks that differ in size alone." if any(row.series for row in rows) else "")
    )
    title = f"Error against {'parameters' if column == 'n_params' else 'multiply-adds'}"
    return Drawing(name, figure, title, caption.strip())


def _names(axes: Axes, series: dict[str, list[LearningRow]], column: str) -> None:
    """Write a name beside each point, or beside the last of each series if there are many."""
    points = [(row.model, row) for part in series.values() for row in part]
    if len(points) > _MOST_NAMES:
        points = [(name, part[-1]) for name, part in series.items()]
    at = {row.model: axes.transData.transform((getattr(row, column), row.mean_error)) for _, row in points}
    boxes = [(x - 6, y - 6, x + 6, y + 6) for x, y in at.values()]
    for text, row in sorted(points, key=lambda point: point[1].mean_error):
        (x, y), width = at[row.model], _LETTER_PIXELS * len(text)
        choices = []
        for side, height in ((1, -14), (1, 8), (-1, -14), (-1, 8), (1, -26), (1, 20)):
            left = x + 8 if side > 0 else x - 8 - width
            box = (left, y + height - 3, left + width, y + height + 11)
            choices.append((sum(_overlap(box, other) for other in boxes), side, height, box))
        _, side, height, box = min(choices, key=lambda choice: choice[0])
        boxes.append(box)
        axes.annotate(
            text, (getattr(row, column), row.mean_error), xytext=(5.8 * side, 0.72 * height), fontsize=7.5,
            textcoords="offset points", color=FAMILY_COLORS[row.family], ha="left" if side > 0 else "right",
        )  # fmt: skip


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the area that two boxes (left, low, right, high) share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def _by_problem(rows: Sequence[LearningRow]) -> list[list[LearningRow]]:
    return [[row for row in rows if row.problem == name] for name in dict.fromkeys(row.problem for row in rows)]


def _panels(rows: Sequence[LearningRow], n_named: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel beside the other for each problem."""
    problems = _by_problem(rows)
    n = len(problems)
    figure, panels = panel_row(n, 2.4 + 4.8 * n, 4.6 + 0.22 * ((n_named + 2) // 3))
    for axes, members in zip(panels, problems if n > 1 else [], strict=False):
        axes.set_title(members[0].problem)
    return figure, panels


def _scales(axes: Axes, rows: Sequence[LearningRow], words: str) -> None:
    axes.set_xlabel(words)
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    scaled = {"x": axes.xaxis} if axes.dataLim.x1 > _LOG_RATIO * axes.dataLim.x0 else {}
    scaled |= {"y": axes.yaxis} if all(row.low > 0 for row in rows) else {}
    for name, axis in scaled.items():
        axes.set(**{f"{name}scale": "log"})
        plain_numbers(axis)


def _whole_ticks(axes: Axes, numbers: list[int]) -> None:
    from matplotlib.ticker import NullLocator

    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(numbers, [plain_number(number) for number in numbers])


def _bars(rows: Sequence[LearningRow]) -> Any:
    return np.array([[row.mean_error - row.low, row.high - row.mean_error] for row in rows]).T
