"""Pictures of circuits that are made smaller: the error against their costs, and the rise by rounding against bits."""

from __future__ import annotations

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.paths import compressions
from qvar.analysis.rows import shown_errors
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
from qvar.report.plots.front import Point, fronts
from qvar.units import HARTREE, MILLIHARTREE_PER_HARTREE

_PANELS = {"parameters": "number of parameters", "cnots": "number of CNOTs", "t_gates": "number of T gates"}
"""{key of a step: words of the axis}"""

_SMALLEST_RISE = 1e-9
"""Rise, in the ledger's unit, below which nothing is drawn."""


def error_vs_compression(ledger: DataFrame, drawn: DataFrame) -> Drawing | None:
    """Draw the error against parameters, CNOTs and T gates along the path of each pruned circuit."""
    _, quantity, unit = shown_errors(ledger)
    paths = {name: path for name, path in compressions(ledger).items() if any(s.action == "prune" for s in path.steps)}
    if not paths or quantity != "error":
        return None
    factor = 1e3 if unit == "mHa" else 1.0
    look_of = looks(drawn)
    figure, panels = panel_row(3, 11.5, 4.9 + 0.22 * ((len(paths) + 2) // 3), sharey=True)
    for axes, (key, words) in zip(panels, _PANELS.items(), strict=True):
        for label in map(str, drawn["label"]):
            if label not in paths:
                continue
            row, steps = paths[label]
            known_steps = [(cost, step) for step in steps if (cost := getattr(step, key)) is not None]
            costs = [cost for cost, _ in known_steps]
            errors = factor * np.abs([step.value - row.reference for _, step in known_steps])
            color = look_of[label].color
            axes.plot(costs, drawn_errors(errors, quantity, unit), color=color, label=label, marker=".", markersize=4)
            laws = [(cost, step.value - step.rise + step.predicted_rise - row.reference)
                    for cost, step in known_steps if step.predicted_rise is not None]  # fmt: skip
            if laws:
                at, values = np.array(laws).T
                axes.plot(at, drawn_errors(factor * np.abs(values), quantity, unit), ":", color="black", linewidth=1)
        axes.set_xlabel(words)
        axes.set_xlim(left=0)
        if axes is panels[0]:
            value_axis(axes, quantity, unit)
        accuracy_line(axes, unit)
    caption = (
        "From right to left along a line, angles are removed one after the other, and all others are optimized again. "
        "Dotted beside a line: the error that the second-order law predicts for the next removal, from the Hessian "
        "before it. "
        "CNOTs are those of the published circuits of the operations, T gates those of rotations to an error of 1e-10. "
    )
    title = "Error while circuits lose parameters"
    return finished_row("error_vs_compression", figure, panels[:1], title, caption + axis_words(quantity, unit))


def error_vs_what_is_left(ledger: DataFrame, drawn: DataFrame) -> Drawing | None:
    """Draw the error against parameters, CNOTs and T gates after each recipe, with the Pareto front of each.

    None unless several recipes end in circuits of different costs.
    """
    _, quantity, unit = shown_errors(ledger)
    factor = MILLIHARTREE_PER_HARTREE if unit == "mHa" else 1.0
    points: list[Point] = []
    paths = compressions(ledger)
    for label in map(str, drawn["label"]):
        if label not in paths:
            continue
        row, steps = paths[label]
        ends = {f"{row.circuit}, trained": steps[0], label: steps[-1]}
        for name, step in ends.items():
            if name not in {point.label for point in points}:
                error = factor * abs(step.value - row.reference)
                costs = {key: float("nan") if (cost := getattr(step, key)) is None else float(cost) for key in _PANELS}
                shown_at = float(drawn_errors(np.array([error]), quantity, unit)[0])
                points.append(Point(len(points), name, row.family, costs, shown_at, shown_at, shown_at))
    if quantity != "error" or len({tuple(point.costs.values()) for point in points}) < 3:
        return None
    costs = {key: words.removeprefix("number of ") for key, words in _PANELS.items()}
    picture = fronts(points, costs, quantity, unit)
    if picture is None:
        return None
    caption = (
        "What is left after each recipe, of the first start, beside the trained circuit: the error against the number "
        "of parameters, of CNOTs, and of T gates, which are those of rotations to an error of 1e-10, or as exact as "
        "the grid if angles were rounded. The stepped line is the Pareto front: no circuit has less error at the same "
        f"cost or less. {picture.members} "
    )
    return Drawing("error_vs_what_is_left", picture.figure, picture.title, caption + axis_words(quantity, unit))


def rise_vs_bits(ledger: DataFrame) -> Drawing | None:
    """Draw the rise of the value by rounding against the number of bits, with the law."""
    paths = [path for path in compressions(ledger).values() if any(step.sampled_rise for step in path.steps)]
    if not paths:
        return None
    unit = paths[0].row.unit
    factor, word = (MILLIHARTREE_PER_HARTREE, "mHa") if unit == HARTREE else (1.0, unit)
    figure, (axes,) = panel_row(1, 7.2, 4.9 + 0.22 * len(paths))
    for number, (row, path) in enumerate(paths):
        rounded = [step for step in path if step.action == "round" and step.bits is not None and step.sampled_rise]
        steps = sorted(rounded, key=lambda step: step.bits or 0)
        bits = np.array([step.bits for step in steps], float)
        mean, low, high = factor * np.array([step.sampled_rise for step in steps]).T
        floor = factor * _SMALLEST_RISE
        reach = [np.maximum(mean - low, 0.0), np.maximum(high - mean, 0.0)]
        style = {"color": f"C{number}", "marker": "o", "markersize": 4, "linestyle": "", "capsize": 2}
        axes.errorbar(bits, np.maximum(mean, floor), yerr=reach, label=row.circuit, **style)
        laws = factor * np.array([step.predicted_rise for step in steps], float)
        axes.plot(bits, np.maximum(laws, floor), color=f"C{number}", linewidth=1)
    axes.set_yscale("log")
    axes.set_xlabel("bits of an angle")
    axes.set_ylabel(f"mean rise ({word})" if word else "mean rise")
    title = "Rise of the energy by rounding angles" if unit == HARTREE else "Rise of the value by rounding angles"
    caption = (
        "Points: mean over grids moved by random offsets, with 95 % bootstrap intervals. Lines: the law "
        "sum of curvature times step squared over 24, a factor of four for each bit of a common grid."
    )
    return finished_row("rise_vs_bits", figure, [axes], title, caption)
