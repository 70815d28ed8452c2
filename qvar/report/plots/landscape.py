"""The pictures of a landscape study: lines from start to end, planes around both, curvature, leakage.

`best` are the labelled rows that have scans, one for each contender; `drawn` is the `summary`, which decides on colors.
A function returns None if its picture would be empty.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from qvar._types import DataFrame, FloatArray
from qvar.analysis.rows import MILLIHARTREE, known, records, where
from qvar.report.plot_style import Axes, Drawing, finished, line_figure, looks, panel_figure, panel_row, wrapped_name
from qvar.report.plots.training import LOG_RATIO
from qvar.units import HARTREE, MILLIHARTREE_PER_HARTREE

_LEAKS = 1e-10
"""A contender of which no start ever has more than this outside of the right sector conserves it."""

_LEAST = 1e-12
"""Weights below this are rounding."""

_PRICE_BAND = 0.1
"""Symmetry prices smaller than this, in mHa or the unit, are drawn linearly."""

_SPIN_WORDS = "Bottom: the mean of the total spin S\u00b2, 0 in a singlet and 2 in a triplet. "


def lines(best: DataFrame, drawn: DataFrame) -> Drawing | None:
    """Draw the loss on the straight line from the start to the end of each contender's lowest seed, and beyond."""
    rows = _with(best, "line_scan")
    if not rows:
        return None
    look_of = looks(drawn)
    _, axes = line_figure(len(rows))
    exact = [float(row.reference) for row in rows if known(row.reference)]
    for row in rows:
        scan = json.loads(row.line_scan)
        look = look_of[str(row.label)]
        axes.plot(scan["t"], scan["value"], color=look.color, linestyle=look.dashes, linewidth=1.6, label=row.label)
    if exact:
        axes.axhline(exact[0], color="black", linewidth=1, linestyle=":", label="exact")
    for place, name in ((0.0, "start"), (1.0, "end")):
        axes.axvline(place, color="#B8BCC4", linewidth=1, zorder=1)
        axes.annotate(
            name, (place, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
            ha="center", va="bottom", fontsize=8.5, color="#333333",
        )  # fmt: skip
    axes.set_xlabel("position between start (0) and end (1)")
    axes.set_ylabel(_named(rows[0].unit))
    caption = (
        "The value on the straight line in parameter space from where the lowest seed of each contender started to "
        "where it ended, and a quarter of the way beyond both. Training does not follow this line; the number of its "
        "maxima and minima shows how rough the landscape is. Dashed lines are generic contenders, solid ones carry the "
        "physics of the problem."
    )
    return finished("landscape_lines", axes, "The straight line from start to end", caption, pad=18)


def planes(best: DataFrame) -> Drawing | None:
    """Draw the loss on planes around the start and around the end of each contender's lowest seed."""
    from matplotlib.figure import Figure

    rows = [row for row in _with(best, "start_plane") if known(row.end_plane)]
    if not rows:
        return None
    figure = Figure(figsize=(7.2, 0.7 + 3.0 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), 2, squeeze=False)
    for row, pair in zip(rows, grid, strict=True):
        scans = [json.loads(text) for text in (row.start_plane, row.end_plane)]
        values = [np.array(scan["value"]) for scan in scans]
        low, high = min(v.min() for v in values), max(v.max() for v in values)
        images = []
        for axes, scan, value, end in zip(pair, scans, values, ("start", "end"), strict=True):
            images.append(_plane(axes, scan, value, low, high))
            axes.set_title(wrapped_name(f"{row.label}: around the {end}", 38), fontsize=9.5)
            axes.set_xlabel(_direction(1, end), fontsize=8.5)
            axes.set_ylabel(_direction(2, end), fontsize=8.5)
        bar = figure.colorbar(images[-1], ax=list(pair), shrink=0.9, pad=0.02)
        bar.set_label(_named(row.unit), fontsize=8.5)
        bar.ax.tick_params(labelsize=8)
    title = "Planes around start and end"
    caption = (
        "The value around the start (left) and around the end (right) of each contender's lowest seed; darker is "
        "lower, and both panels of a row share their colors. Around the start the plane is spanned by two random "
        "orthogonal directions, as a training meets it; around the end by the two directions in which the value bends "
        "most (eigenvectors of the Hessian). Crosses mark the start and the end themselves. Where the left panel has "
        "one color and the right one many, a random start sees little of the value's range: a barren plateau looks so. "
        "Two directions out of many: what is flat here may be steep elsewhere."
    )
    return Drawing("landscape_planes", figure, title, caption)


def _plane(axes: Axes, scan: dict[str, Any], value: FloatArray, low: float, high: float) -> Any:
    x, y = np.array(scan["first"]), np.array(scan["second"])
    image = axes.pcolormesh(x, y, value.T, cmap="viridis", vmin=low, vmax=high, shading="nearest", rasterized=True)
    if np.ptp(value) > 0:
        axes.contour(x, y, value.T, levels=8, colors="white", linewidths=0.5, alpha=0.7, linestyles="solid")
    axes.plot(0, 0, marker="x", color="white", markersize=7, markeredgewidth=1.8)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=8)
    return image


def _direction(number: int, where: str) -> str:
    kind = "random direction" if where == "start" else "most curved direction"
    return f"{kind} {number} (rad)"


def curvatures(best: DataFrame) -> Drawing | None:
    """Draw all eigenvalues of the Hessian at the start and at the end of each contender's lowest seed."""
    rows = [row for row in _with(best, "start_spectrum") if known(row.end_spectrum)]
    if not rows:
        return None
    _, (axes,) = panel_row(1, max(5.0, 1.6 + 1.5 * len(rows)), 5.0)
    ticks, largest = [], 0.0
    for position, row in enumerate(rows):
        for offset, text, name, color in (
            (-0.18, row.start_spectrum, "at the start", "#E69F00"),
            (0.18, row.end_spectrum, "at the end", "#0072B2"),
        ):
            values = np.array(json.loads(text), dtype=float)  # null is no number
            largest = np.nanmax(np.abs(values), initial=largest)
            axes.plot(
                np.full(len(values), position + offset), values, linestyle="", marker="_", markersize=16, color=color,
                alpha=0.75, label=name if position == 0 else None,
            )  # fmt: skip
        ticks.append(wrapped_name(str(row.label), 20))
    axes.axhline(0, color="#333333", linewidth=0.8)
    axes.set_xticks(range(len(rows)), ticks, fontsize=9)
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.set_yscale("symlog", linthresh=max(1e-3 * largest, 1e-12))
    axes.set_ylabel(f"curvature ({rows[0].unit or '1'} per rad\u00b2)")
    caption = (
        "Every stroke is an eigenvalue of the Hessian, the curvature of the value along one direction, at the start "
        "and at the end of each contender's lowest seed. Strokes below zero are directions in which it bends down: at "
        "a minimum there are none. Strokes at zero are flat directions, along which the value does not change to "
        "second order. The axis is logarithmic outside of a narrow band around zero."
    )
    return finished("landscape_curvature", axes, "Curvature at start and end", caption)


def leakage(ledger: DataFrame, drawn: DataFrame) -> Drawing | None:
    """Draw the weight outside the right sector, its price, and S^2 along the training of contenders that leave it."""
    rows = _with(ledger, "leakage_along")
    paths = [(row, {name: np.array(v, float) for name, v in json.loads(row.leakage_along).items()}) for row in rows]
    leaking = {str(row.label) for row, path in paths if np.nanmax(1 - path["sector_weight"]) > _LEAKS}
    paths = [(row, path) for row, path in paths if str(row.label) in leaking]
    if not paths:
        return None
    look_of, unit = looks(drawn), paths[0][0].unit
    spins = any(np.isfinite(path["s2"]).any() for _, path in paths)
    panels = 3 if spins else 2
    _, rows_of_axes = panel_figure(panels, 2.6 * panels + 0.6, len(leaking))
    named: set[str] = set()
    scale = MILLIHARTREE_PER_HARTREE if unit == HARTREE else 1.0
    for row, path in paths:
        label = str(row.label)
        look = look_of[label]
        plotted = [np.maximum(1 - path["sector_weight"], _LEAST), scale * path["symmetry_price"], path["s2"]]
        for axes, values in zip(rows_of_axes, plotted, strict=False):
            axes.plot(
                path["evaluations"], values, color=look.color, linestyle=look.dashes, linewidth=1.1, alpha=0.8,
                label=None if label in named else label,
            )  # fmt: skip
            named.add(label)
    rows_of_axes[0].set_yscale("log")
    rows_of_axes[0].set_ylabel("weight outside of\nthe right sector")
    rows_of_axes[1].axhline(0, color="#333333", linewidth=0.8)
    rows_of_axes[1].set_yscale("symlog", linthresh=_PRICE_BAND)
    rows_of_axes[1].set_ylabel(f"symmetry price\n({MILLIHARTREE if unit == HARTREE else unit})")
    if spins:
        rows_of_axes[2].set_ylabel("total spin S\u00b2")
    rows_of_axes[-1].set_xlabel("evaluations (line searches included)")
    if max(path["evaluations"].max() for _, path in paths) > LOG_RATIO:
        rows_of_axes[-1].set_xscale("log")
    caption = (
        "One line for each start. Top: the part of the state that is not in the right sector, which is that of the "
        "right numbers of spin-up and spin-down electrons (for a spin model, of the right magnetization); 1 means that "
        "nothing of it is. Middle: the symmetry price, the energy less that of the part in the right sector. Below "
        f"zero a wrong sector lies lower, and the energy is lower than that of the right one; if almost nothing is in "
        f"the right sector, the price has little meaning. {_SPIN_WORDS if spins else ''}"
        "Contenders that conserve the sector cannot leak and are not drawn. Weights below "
        f"{_LEAST:g}, which are rounding, are drawn there; the price is drawn linearly between -{_PRICE_BAND:g} and "
        f"{_PRICE_BAND:g}, logarithmically beyond."
    )
    return finished("symmetry_leakage", rows_of_axes[0], "Leakage along the training", caption)


def _with(table: DataFrame, column: str) -> list[Any]:
    return records(where(table, table[column].notna())) if column in table.columns else []


def _named(unit: Any) -> str:
    return f"energy ({unit})" if unit == HARTREE else f"value ({unit})" if known(unit) and unit else "value"
