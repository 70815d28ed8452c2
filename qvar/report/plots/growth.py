"""The picture of an adaptive study: the error while circuits grow, beside fixed circuits."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.paths import growths
from qvar.analysis.rows import as_float, shown_errors, typed
from qvar.analysis.summaries import ContenderRow
from qvar.report.plot_style import (
    Drawing,
    accuracy_line,
    axis_words,
    drawn_errors,
    finished_row,
    looks,
    panel_row,
    value_axis,
)

LOG_RATIO = 50
"""Costs that span more than this factor are drawn on a logarithmic axis."""

_PANELS = {
    "operators": (None, "number of operators"),
    "parameters": ("n_params", "number of parameters"),
    "cnots": ("two_qubit_gates", "number of CNOTs"),
}
"""{key of a step: (cost of a fixed circuit, or None if it has none; words of the axis)}"""


def error_vs_growth(ledger: DataFrame, drawn: DataFrame) -> Drawing | None:
    """Draw the error of growing circuits against operators, parameters and CNOTs, and fixed circuits as points.

    A fixed circuit has no number of operators from a pool: it is a horizontal line there.
    """
    grown = {row.contender: steps for row, steps in growths(ledger)}
    _, quantity, unit = shown_errors(ledger)
    if not grown or quantity != "error":
        return None
    factor = 1e3 if unit == "mHa" else 1.0
    look_of = looks(drawn)
    figure, panels = panel_row(3, 14.0, 4.9 + 0.22 * ((len(look_of) + 3) // 4), sharey=True)
    for axes, (key, (cost, words)) in zip(panels, _PANELS.items(), strict=True):
        width = 0.8 + 0.6 * len(grown)  # lines that lie on each other are all seen
        levels: list[tuple[float, Any]] = []
        for row, contender in zip(typed(drawn, ContenderRow), drawn["contender"], strict=True):
            look, label = look_of[row.label], row.label
            if contender in grown:
                width -= 0.6
                steps = [(getattr(step, key), step.error) for step in grown[contender] if step.error is not None]
                errors = drawn_errors(factor * np.abs([error for _, error in steps]), quantity, unit)
                style = {"marker": ".", "markersize": 4, "linewidth": max(width, 0.8)}
                axes.plot([place for place, _ in steps], errors, color=look.color, label=label, **style)
                continue
            error = drawn_errors(np.array([row.median], float), quantity, unit)
            style = {"marker": look.marker or "s", "linestyle": "", "markersize": 7}
            if cost is None:
                levels.append((float(error[0]), look.color))
            elif (place := as_float(getattr(row, cost))) is not None:
                axes.plot([place], error, color=look.color, label=label, **style)
        axes.set_xlabel(words)
        places = [x for line in axes.lines for x in np.asarray(line.get_xdata(), dtype=float) if x > 0]
        if places and max(places) > LOG_RATIO * min(places):
            axes.set_xscale("log")
            for line in axes.lines:  # a circuit without operators has no place there
                x, y = (np.asarray(data, dtype=float) for data in line.get_data())
                line.set_data(x[x > 0], y[x > 0])
        else:
            axes.set_xlim(left=0)
        for level, color in levels:
            axes.axhline(level, color=color, linestyle=":", linewidth=1.2, zorder=1)
        if axes is panels[0]:
            value_axis(axes, quantity, unit)
        accuracy_line(axes, unit)
    caption = (
        "Lines are circuits that grow operator by operator, all angles optimized after each; points are fixed "
        "circuits, the median over their starts, and dotted lines where they have no number of operators. CNOTs are "
        "those of the published circuits of the operations. "
    )
    caption += axis_words(quantity, unit)
    return finished_row("error_vs_growth", figure, panels[1:2], "Error while circuits grow", caption)
