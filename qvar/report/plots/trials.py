"""Pictures of trials: the error on other data along the axes of a study."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.rows import first, where
from qvar.report.plot_style import (
    Axes,
    Drawing,
    Look,
    finished_row,
    looks,
    panel_row,
    plain_log_ticks,
    seed_words,
    spread_of,
)

SIZES = {"n_params": "number of parameters", "bits": "bits of all parameters"}
"""Columns that are axes if there are bits, and their words."""

_WIDE = 8.0
"""Ratio of the largest and the smallest number from which an axis is logarithmic."""


def error_along(ledger: DataFrame) -> Drawing | None:
    """Draw the error on other data along the axis of a study, or against parameters and bits."""
    rest: Any = where(ledger, ledger["test_error"].notna())
    if rest.empty:
        return None
    panels: list[tuple[str, str, str, Any]] = []
    for data, part in rest.groupby("data", sort=False):
        axes = dict(SIZES) if part["bits"].notna().any() else {}
        if part["distance"].notna().any():
            axes = {"distance": str(first(part["axis"]) or "distance"), **axes}
        if len(set(part["training_size"].dropna())) > 1:
            axes["training_size"] = SIZES["n_params"]
        axes = axes or {"n_params": SIZES["n_params"]}
        panels += [(str(data), column, words, part) for column, words in axes.items()]
    names: Any = rest.drop_duplicates("line")
    style = looks(names.assign(label=names["line"], contender=names["line"]))
    figure, drawn = panel_row(len(panels), max(7.2, 5.4 * len(panels)), 4.9 + 0.22 * ((len(style) + 2) // 3))
    for axes, (data, column, words, part) in zip(drawn, panels, strict=True):
        if column == "training_size":
            _sizes(axes, part)
        else:
            _lines(axes, part, column, style)
        _scales(axes, part, "n_params" if column == "training_size" else column)
        axes.set_title(data, fontsize=9.5)
        axes.set_xlabel(words)
        axes.set_ylabel(
            " ".join(["error on other data", *(f"({unit})" for unit in part["unit"].dropna().unique()[:1] if unit)])
        )
    caption = (
        f"Points: medians over the repetitions; bars hold {seed_words()}. Lower is better. Solid lines are constrained "
        "models, dashed ones generic ones. "
    )
    if rest["expected"].notna().any():
        caption += "Thin lines without marks: the mean over repetitions by an exact law. "
    if len(set(rest["training_size"].dropna())) > 1:
        caption += "Gray lines join all trials with the same number of training examples. "
    if rest["mark"].notna().any():
        caption += "The dotted vertical line is the place that the axis names. "
    return finished_row("error_along", figure, drawn, "Error on data that the models were not fitted to", caption, 11)


def _lines(axes: Axes, part: Any, column: str, style: dict[str, Look]) -> None:
    """Draw a line for each `line`; one on which a cost stays the same is not drawn against it."""
    for name, own in part.groupby("line", sort=False):
        trials = [group for _, group in own.groupby("contender", sort=False) if group[column].notna().any()]
        trials.sort(key=lambda group: float(group[column].astype(float).mean()))
        places = [float(group[column].astype(float).mean()) for group in trials]
        if not trials or (len(trials) > 1 and len(set(places)) == 1):
            continue
        look = style[str(name)]
        _points(axes, places, trials, color=look.color, linestyle=look.dashes, marker=look.marker or "o", label=name)
        expected = np.array([first(group["expected"]) for group in trials], float)
        expected[~np.isfinite(expected)] = np.nan
        axes.plot(places, expected, color="black", linewidth=1.0, zorder=3)
    if part["mark"].notna().any() and column == "distance":
        axes.axvline(float(first(part["mark"])), color="#555555", linestyle=":", linewidth=1.2, zorder=1)


def _sizes(axes: Axes, part: Any) -> None:
    """Draw the error against parameters, a gray line for each number of training examples."""
    sizes = sorted(set(part["training_size"].dropna()))
    for number, size in enumerate(sizes):
        own = where(part, part["training_size"] == size)
        trials = [group for _, group in own.groupby("contender", sort=False)]
        trials.sort(key=lambda group: float(first(group["n_params"])))
        shade = str(0.7 * (1.0 - number / max(len(sizes) - 1, 1)))
        places = [float(first(group["n_params"])) for group in trials]
        _points(axes, places, trials, color=shade, linestyle="-", marker="o", label=f"{size:g} training examples")


def _points(axes: Axes, places: list[float], trials: list[Any], **style: Any) -> None:
    """Draw medians over the repetitions, with bars."""
    ends = [spread_of(group["test_error"].to_numpy(float)) for group in trials]
    low, middle, high = np.array(ends).T
    bars = [middle - low, high - middle]
    axes.errorbar(places, middle, yerr=bars, linewidth=1.3, markersize=4.5, capsize=2.5, zorder=2.5, **style)


def _scales(axes: Axes, part: Any, column: str) -> None:
    """Choose linear or logarithmic axes."""
    for values, scale in ((part[column], axes.set_xscale), (part["test_error"], axes.set_yscale)):
        numbers = values.dropna().to_numpy(float)
        if len(numbers) and numbers.min() > 0 and numbers.max() > _WIDE * numbers.min():
            scale("log")
    if axes.get_xscale() == "log":
        plain_log_ticks(axes, "x")
    if axes.get_yscale() == "log":
        plain_log_ticks(axes)
    else:
        axes.set_ylim(bottom=0.0)
