"""The picture of ways to train that are compared seed by seed: shares of better seeds with their verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qvar.report.plot_style import Drawing, finished_row, legend_entry, panel_row, wrapped_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qvar.analysis.paired import PairedRow

_COLORS = {"helped": "#0072B2", "hurt": "#D55E00", "undecided": "#6B7280"}
_NAME_LETTERS = 48


def verdicts(rows: Sequence[PairedRow]) -> Drawing | None:
    """Draw the share of seeds that each way ended lower in than the one it is compared with; None without one."""
    compared = [row for row in rows if row.verdict]
    if not compared:
        return None
    names = [wrapped_name(_name(row), _NAME_LETTERS) for row in compared]
    lines = sum(name.count("\n") + 1 for name in names)
    figure, (axes,) = panel_row(1, 7.2, 1.6 + 0.2 * lines + 0.08 * len(names))
    place, places = 0.0, []
    for row, name in zip(compared, names, strict=True):
        height = name.count("\n") + 1.4
        place -= height / 2
        places.append(place)
        place -= height / 2
        color, differ = _COLORS[row.verdict], row.better + row.worse
        if differ:
            low, share, high = np.array([row.share_low, row.share, row.share_high], float)
            axes.plot([low, high], [places[-1]] * 2, color=color, linewidth=2, solid_capstyle="butt")
            axes.plot(share, places[-1], marker="o", markersize=5, color=color)
        axes.annotate(
            f"{row.better} of {differ}" if differ else "all equal", (1, places[-1]),
            xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8.5,
            color=color,
        )  # fmt: skip
    axes.axvline(0.5, color="#555555", linewidth=1, linestyle=":", zorder=1)
    axes.set_yticks(places, names, fontsize=8.5)
    axes.set_ylim(place, 0)
    axes.set_xlim(-0.02, 1.02)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of the seeds that ended lower, of those that differ")
    for verdict, color in _COLORS.items():
        if any(row.verdict == verdict for row in compared):
            legend_entry(axes, verdict, color=color, linewidth=2)
    caption = (
        "Each line compares two ways from the same seeds. A dot is the share of the seeds in which the first one ended "
        "lower, of those in which the two differ, the bar its 95 % exact interval (Clopper and Pearson); numbers at "
        "the right are those seeds. A way helped if its bar lies to the right of one half, hurt if to the left; if the "
        "bar holds one half, or all seeds end alike, they do not decide it."
    )
    return finished_row("verdicts", figure, [axes], "Verdicts, seed by seed", caption)


def _name(row: PairedRow) -> str:
    """Return both names, or one that begins with the other."""
    return row.contender if row.contender.startswith(f"{row.against},") else f"{row.contender} against {row.against}"
