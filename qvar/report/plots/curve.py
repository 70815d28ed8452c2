"""The pictures of a run along a coordinate: the energies beside the exact curve, and how far they are from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qvar._types import FloatArray
from qvar.analysis.rows import axis_name, labels, shown_errors
from qvar.report.plot_style import (
    Drawing,
    Look,
    accuracy_line,
    axis_words,
    drawn_errors,
    legend_below,
    line_figure,
    line_words,
    looks,
    seed_words,
    spread,
    value_axis,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def energy_along(ledger: pd.DataFrame, drawn: pd.DataFrame) -> Drawing | None:
    """Draw the energies of all contenders and the exact curve against the coordinate.

    Args:
        ledger: the ledger of a run along a coordinate.
        drawn: the rows of its `curve_summary` that are to be drawn.

    Returns:
        The picture, or None where it would be empty.
    """
    units = ledger["unit"].dropna()
    unit = str(units.iloc[0]) if len(units) else ""
    look_of = looks(drawn)
    figure, axes = line_figure(1 + sum(look.named for look in look_of.values()))
    exact = ledger.dropna(subset=["reference"]).drop_duplicates("coordinate").sort_values("coordinate")
    if len(exact):
        # thin and above the others, so that it is seen where they lie on it
        axes.plot(exact["coordinate"], exact["reference"], color="black", linewidth=1.0, label="exact", zorder=4)
    _draw_lines(axes, ledger.assign(plotted=ledger["value"]), look_of, "value", unit)
    noun = value_axis(axes, "value", unit)
    axes.set_xlabel(axis_name(ledger))
    title = f"{noun.capitalize()} along the {_word(ledger)}"
    axes.set_title(title)
    legend_below(figure, axes)
    black = "The black line is the exact one. " if len(exact) else ""
    caption = (
        f"The {noun} that each contender reaches at every point: the median over its starts (seeds), with a band that "
        f"holds {seed_words()}. {black}"
    )
    return Drawing("energy_vs_coordinate", figure, title, caption + line_words(len(drawn)))


def error_along(ledger: pd.DataFrame, drawn: pd.DataFrame) -> Drawing | None:
    """Draw the distance from the exact curve against the coordinate.

    Args:
        ledger: the ledger of a run along a coordinate.
        drawn: the rows of its `curve_summary` that are to be drawn.

    Returns:
        The picture, or None where no exact curve is known.
    """
    plotted, quantity, unit = shown_errors(ledger)
    if quantity != "error":
        return None
    look_of = looks(drawn)
    figure, axes = line_figure(sum(look.named for look in look_of.values()))
    _draw_lines(axes, ledger.assign(plotted=plotted), look_of, quantity, unit)
    value_axis(axes, quantity, unit)
    accuracy_line(axes, unit)
    axes.set_xlabel(axis_name(ledger))
    title = f"Error along the {_word(ledger)}"
    axes.set_title(title)
    legend_below(figure, axes)
    caption = (
        "How far each contender is from the exact energy at every point: the median over its starts (seeds), with a "
        f"band that holds {seed_words()}. A contender whose error is the same everywhere gives the shape of the curve "
        "right; the non-parallelity error (NPE) of the table, the greatest minus the smallest error, measures that. "
    )
    words = line_words(len(drawn)) + axis_words(quantity, unit)
    return Drawing("error_vs_coordinate", figure, title, caption + words)


def _draw_lines(axes: Axes, ledger: pd.DataFrame, look_of: dict[str, Look], quantity: str, unit: str) -> None:
    rows: Any = ledger.assign(label=labels(ledger)).dropna(subset=["coordinate"])
    grid = np.sort(rows["coordinate"].unique().astype(float))
    for label, look in look_of.items():
        seeds = [seed for _, seed in rows[rows["label"] == label].groupby("seed", dropna=False)]
        low, middle, high = spread(drawn_errors(np.array([_on(grid, seed) for seed in seeds]), quantity, unit))
        axes.plot(
            grid, middle, color=look.color, linestyle=look.dashes, marker=look.marker, markersize=4,
            linewidth=1.8 if look.named else 1, label=label if look.named else None, zorder=2.5 if look.named else 1.5,
        )  # fmt: skip
        if look.named:
            axes.fill_between(grid, low, high, color=look.color, alpha=0.11, linewidth=0)


def _on(grid: FloatArray, seed: pd.DataFrame) -> FloatArray:
    """One seed's numbers on the common grid; NaN where a point is missing."""
    numbers = np.full(len(grid), np.nan)
    numbers[np.searchsorted(grid, seed["coordinate"].to_numpy(dtype=float))] = seed["plotted"].to_numpy(dtype=float)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _word(ledger: pd.DataFrame) -> str:
    return axis_name(ledger).partition(" (")[0]
