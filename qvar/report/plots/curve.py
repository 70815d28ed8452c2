"""The pictures of a run along a coordinate: energies with the exact curve, and errors.

`drawn` are the rows of its `curve_summary` with a finite value. A function returns None if its picture would be empty.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar._types import DataFrame, FloatArray
from qvar.analysis.rows import axis_name, labels, shown_errors
from qvar.report.plot_style import (
    Axes,
    Drawing,
    Look,
    accuracy_line,
    axis_words,
    drawn_errors,
    finished,
    line_figure,
    line_words,
    looks,
    median_line,
    seed_words,
    spread,
    value_axis,
)


def energy_along(ledger: DataFrame, drawn: DataFrame) -> Drawing | None:
    """Draw the energies of all contenders and the exact curve against the coordinate."""
    units = ledger["unit"].dropna()
    unit = str(units.iloc[0]) if len(units) else ""
    look_of = looks(drawn)
    _, axes = line_figure(1 + sum(look.named for look in look_of.values()))
    exact = ledger.dropna(subset=["reference"]).drop_duplicates("coordinate").sort_values("coordinate")
    if len(exact):
        # thin and above the others, so that it is visible if they lie on it
        axes.plot(exact["coordinate"], exact["reference"], color="black", linewidth=1.0, label="exact", zorder=4)
    _draw_lines(axes, ledger.assign(plotted=ledger["value"]), look_of, "value", unit)
    noun = value_axis(axes, "value", unit)
    axes.set_xlabel(axis_name(ledger))
    title = f"{noun.capitalize()} along the {_word(ledger)}"
    thin = "The thin line is the exact one. " if len(exact) else ""
    caption = (
        f"The {noun} that each contender reaches at every point: the median over its starts (seeds), with a band that "
        f"holds {seed_words()}. {thin}"
    )
    return finished("energy_vs_coordinate", axes, title, caption + line_words(len(drawn)))


def error_along(ledger: DataFrame, drawn: DataFrame) -> Drawing | None:
    """Draw the distance from the exact curve against the coordinate."""
    plotted, quantity, unit = shown_errors(ledger)
    if quantity != "error":
        return None
    look_of = looks(drawn)
    _, axes = line_figure(sum(look.named for look in look_of.values()))
    _draw_lines(axes, ledger.assign(plotted=plotted), look_of, quantity, unit)
    value_axis(axes, quantity, unit)
    accuracy_line(axes, unit)
    axes.set_xlabel(axis_name(ledger))
    caption = (
        "How far each contender is from the exact energy at every point: the median over its starts (seeds), with a "
        f"band that holds {seed_words()}. A contender whose error is the same everywhere gives the shape of the curve "
        "right; the non-parallelity error (NPE) of the table, the greatest minus the smallest error, measures that. "
    )
    words = line_words(len(drawn)) + axis_words(quantity, unit)
    return finished("error_vs_coordinate", axes, f"Error along the {_word(ledger)}", caption + words)


def _draw_lines(axes: Axes, ledger: DataFrame, look_of: dict[str, Look], quantity: str, unit: str) -> None:
    rows: Any = ledger.assign(label=labels(ledger)).dropna(subset=["coordinate"])
    grid = np.sort(rows["coordinate"].unique().astype(float))
    for label, look in look_of.items():
        seeds = [seed for _, seed in rows[rows["label"] == label].groupby("seed", dropna=False)]
        ends = spread(drawn_errors(np.array([_on(grid, seed) for seed in seeds]), quantity, unit))
        median_line(axes, grid, ends, look, label, marker=look.marker, markersize=4)


def _on(grid: FloatArray, seed: DataFrame) -> FloatArray:
    """Return one seed's numbers on the common grid; NaN if a point is missing."""
    numbers = np.full(len(grid), np.nan)
    numbers[np.searchsorted(grid, seed["coordinate"].to_numpy(dtype=float))] = seed["plotted"].to_numpy(dtype=float)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _word(ledger: DataFrame) -> str:
    return axis_name(ledger).partition(" (")[0]
