"""The pictures of a study over depths: ranks, success and final errors against the number of layers.

`depths` is a `depth_table`. A function returns None if its picture would be empty.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.depths import SeriesRow, series_table
from qvar.analysis.rows import known, shown_errors, some, typed, where
from qvar.optimize.budget import Status
from qvar.report.plot_style import (
    Axes,
    Drawing,
    Look,
    accuracy_line,
    axis_words,
    drawn_errors,
    finished,
    line_figure,
    looks,
    panel_figure,
    value_axis,
)

_LOG_RATIO = 10
"""Ranks or layers that span more than this factor are drawn on a logarithmic axis."""

_DODGE = 0.012
"""Distance between the points of two series, as a share of all layers."""


def capacity(depths: DataFrame) -> Drawing | None:
    """Draw the rank of the quantum Fisher information and the share of successful starts against layers."""
    if not some(depths["fisher_rank"].notna() | depths["median"].notna()):
        return None
    table = series_table(depths)
    look_of = looks(table.assign(label=table["series"]))
    _, (upper, lower) = panel_figure(2, 6.8, len(table))
    _scale_ranks(upper, depths)
    for position, row in enumerate(typed(table, SeriesRow)):
        mine = where(depths, depths["series"] == row.series).sort_values("layers")
        look = look_of[str(row.series)]
        shift = position - (len(table) - 1) / 2
        _ranks(upper, mine, look, str(row.series), row.saturation)
        _success(lower, mine, look, _aside(depths, mine["layers"], shift))
        if known(row.saturation):
            at = _aside(depths, [row.saturation], shift)[0]
            lower.axvline(float(at), color=look.color, linewidth=1.2, linestyle=":", zorder=1)
    _bounds(upper, depths)
    upper.set_ylabel("rank of the quantum\nFisher information")
    lower.set_ylabel("share of starts that succeed")
    lower.set_ylim(-0.04, 1.04)
    _scale_layers(lower, depths)
    caption = (
        "Above: in how many independent directions the state can move, the largest rank over random points. Where it "
        "stops growing, which a ring and, below, a dotted line of the same color mark, more layers add parameters but "
        "no directions: the circuit is overparametrized. Gray lines are the largest rank that any circuit can have on "
        "states of this kind, real or complex. Below: the share of random starts that end within the tolerance of the "
        "exact value; bars are 95 % Wilson intervals, drawn a little apart where they would hide each other. Dashed "
        "lines are generic contenders, solid ones carry the physics of the problem."
    )
    return finished("capacity", upper, "Capacity and success against depth", caption)


def final_errors(ledger: DataFrame, depths: DataFrame) -> Drawing | None:
    """Draw the end of every start against layers."""
    table = series_table(depths)
    placed = where(ledger, ledger["layers"].notna()) if len(ledger) else ledger
    if placed.empty:
        return None
    plotted, quantity, unit = shown_errors(placed)
    placed = where(placed.assign(plotted=plotted), np.isfinite(plotted))
    if placed.empty:
        return None
    look_of = looks(table.assign(label=table["series"]))
    _, axes = line_figure(len(table) + 2)
    for position, row in enumerate(typed(table, SeriesRow)):
        mine = where(placed, placed["series"] == row.series)
        places = _aside(depths, mine["layers"], position - (len(table) - 1) / 2)
        _ends(axes, mine, look_of[str(row.series)], str(row.series), places, (quantity, unit))
    noun = value_axis(axes, quantity, unit)
    if quantity == "error":
        axes.axhline(depths["tolerance"].iloc[0], color="#555555", linewidth=1, linestyle="-.", label="tolerance")
    accuracy_line(axes, unit)
    _scale_layers(axes, depths)
    caption = (
        f"The {noun} in which each start ended, one mark for each; the lines join the medians. Starts that were caught "
        "in a local minimum form levels above the tolerance. Hollow marks spent their whole budget and had not "
        "converged: some of them are caught, and some were only slow. "
    )
    return finished("error_vs_layers", axes, "Where the starts ended", caption + axis_words(quantity, unit))


def _spans_much(depths: DataFrame) -> bool:
    return bool(depths["layers"].max() > _LOG_RATIO * depths["layers"].min())


def _aside(depths: DataFrame, layers: Any, shift: float) -> np.ndarray:
    """Return places of layers, moved aside by so many small steps."""
    places = np.asarray(layers, dtype=float)
    span = depths["layers"].to_numpy(dtype=float)
    if _spans_much(depths):
        return places * (span.max() / span.min()) ** (_DODGE * shift)
    return places + shift * _DODGE * max(1.0, float(np.ptp(span)))


def _scale_layers(axes: Axes, depths: DataFrame) -> None:
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    axes.set_xlabel("layers")
    if not _spans_much(depths):
        axes.locator_params(axis="x", integer=True)
        return
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _scale_ranks(axes: Axes, depths: DataFrame) -> None:
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    ranks: Any = depths["fisher_rank"].dropna().astype(float)
    if len(ranks) and ranks.max() > _LOG_RATIO * max(ranks.min(), 1):
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())


def _ranks(axes: Axes, mine: DataFrame, look: Look, name: str, saturation: Any) -> None:
    ranked = mine[mine["fisher_rank"].notna()]
    axes.plot(
        ranked["layers"], ranked["fisher_rank"].astype(float), color=look.color, linestyle=look.dashes,
        marker=look.marker, markersize=5, label=name,
    )  # fmt: skip
    at = ranked[ranked["layers"] == saturation] if known(saturation) else ranked[:0]
    axes.plot(
        at["layers"], at["fisher_rank"].astype(float), linestyle="", marker="o", markersize=13, markerfacecolor="none",
        markeredgecolor=look.color, markeredgewidth=1.6,
    )  # fmt: skip


def _bounds(axes: Axes, depths: DataFrame) -> None:
    """Draw the largest ranks that are possible, each once."""
    for bound in depths["fisher_rank_bound"].dropna().unique():
        axes.axhline(float(bound), color="#B8BCC4", linewidth=1, zorder=1)
        axes.annotate(
            f"{bound:.0f}", (1, float(bound)), xycoords=("axes fraction", "data"), xytext=(3, 0),
            textcoords="offset points", va="center", fontsize=8.5, color="#6B7280",
        )  # fmt: skip


def _success(axes: Axes, mine: DataFrame, look: Look, places: np.ndarray) -> None:
    judged = mine["success"].notna().to_numpy(dtype=bool)
    mine, places = where(mine, judged), places[judged]
    middle = mine["success"].to_numpy(dtype=float)
    # at the ends of the scale the interval's end and the share may differ by rounding
    below = (middle - mine["success_low"].to_numpy(dtype=float)).clip(min=0)
    above = (mine["success_high"].to_numpy(dtype=float) - middle).clip(min=0)
    axes.errorbar(
        places, middle, yerr=[below, above], color=look.color,
        linestyle=look.dashes, marker=look.marker, markersize=5, elinewidth=1, capsize=2.5,
    )  # fmt: skip


def _ends(axes: Axes, mine: DataFrame, look: Look, name: str, places: np.ndarray, shown_as: tuple[str, str]) -> None:
    """Draw the marks and the medians of one series."""
    spent = (mine["status"] == Status.OUT_OF_BUDGET.value).to_numpy(dtype=bool, na_value=False)
    heights = drawn_errors(mine["plotted"].to_numpy(dtype=float), *shown_as)
    for chosen, face in ((~spent, look.color), (spent, "none")):
        axes.plot(
            places[chosen], heights[chosen], linestyle="", marker=look.marker, markersize=4.5, color=look.color,
            markerfacecolor=face, alpha=0.45,
        )  # fmt: skip
    layers = np.unique(places)
    medians = [float(np.median(heights[places == place])) for place in layers]
    axes.plot(layers, medians, color=look.color, linestyle=look.dashes, linewidth=1.6, label=name)
