"""The pictures of a study over depths: ranks and success against the number of layers, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qvar.report.capacity_tables import series_table
from qvar.report.drawing import Drawing, Look, looks, plain_axes
from qvar.report.tables import Frame, known, records

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def capacity(depths: Frame) -> Drawing | None:
    """Rank of the quantum Fisher information and share of successful starts against layers.

    Args:
        depths: a `depth_table`.

    Returns:
        The picture, or None where it would be empty.
    """
    from matplotlib.figure import Figure

    if depths.empty:
        return None
    table = series_table(depths)
    look_of = looks(table.assign(label=table["series"]))
    figure = Figure(figsize=(7.2, 6.6 + 0.22 * ((len(table) + 2) // 3)), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes in (upper, lower):
        plain_axes(axes)
    shown = False
    for row in records(table):
        mine = depths[depths["series"] == row.series].sort_values("layers")
        look = look_of[str(row.series)]
        shown |= _ranks(upper, mine, look, str(row.series), row.saturation)
        _success(lower, mine, look, row.saturation)
    upper.set_ylabel("rank of the quantum\nFisher information")
    upper.set_yscale("log" if depths["fisher_rank"].max() > 50 * max(depths["fisher_rank"].min(), 1) else "linear")
    lower.set_ylabel("share of starts that succeed")
    lower.set_ylim(-0.04, 1.04)
    lower.set_xlabel("layers")
    lower.xaxis.get_major_locator().set_params(integer=True)
    title = "Capacity and success against depth"
    upper.set_title(title)
    handles, names = upper.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=8.5, frameon=False, handlelength=3)
    if not shown and not lower.lines:
        return None
    bounds = "Gray lines are the largest rank that any circuit on this space can have. " if shown else ""
    caption = (
        "Above: in how many independent directions the state can move (the largest rank over random points). Where the "
        "rank stops growing, marked by a ring and, below, by a vertical line of the same color, more layers add "
        f"parameters but no directions: the circuit is overparametrized. {bounds}Below: the share of random starts "
        "that end within the tolerance of the exact value; bars are 95 % Wilson intervals. Dashed lines are generic "
        "contenders, solid ones carry the physics of the problem."
    )
    return Drawing("capacity", figure, title, caption)


def _ranks(axes: Axes, mine: Frame, look: Look, name: str, saturation: object) -> bool:
    ranked = mine[mine["fisher_rank"].notna()]
    axes.plot(
        ranked["layers"], ranked["fisher_rank"].astype(float), color=look.color, linestyle=look.dashes,
        marker=look.marker, markersize=5, label=name,
    )  # fmt: skip
    for bound in ranked["fisher_rank_bound"].dropna().unique():
        axes.axhline(float(bound), color="#B8BCC4", linewidth=1, zorder=1)
    at = ranked[ranked["layers"] == saturation] if known(saturation) else ranked[:0]
    axes.plot(
        at["layers"], at["fisher_rank"].astype(float), linestyle="", marker="o", markersize=13, markerfacecolor="none",
        markeredgecolor=look.color, markeredgewidth=1.6,
    )  # fmt: skip
    return len(ranked) > 0


def _success(axes: Axes, mine: Frame, look: Look, saturation: object) -> None:
    middle = mine["success"].to_numpy(dtype=float)
    # at the ends of the scale the interval's end and the share may differ by rounding
    below = (middle - mine["success_low"].to_numpy(dtype=float)).clip(min=0)
    above = (mine["success_high"].to_numpy(dtype=float) - middle).clip(min=0)
    axes.errorbar(
        mine["layers"].to_numpy(dtype=float), middle, yerr=[below, above], color=look.color, linestyle=look.dashes,
        marker=look.marker, markersize=5, elinewidth=1, capsize=2.5,
    )  # fmt: skip
    if known(saturation):
        axes.axvline(float(str(saturation)), color=look.color, linewidth=1, alpha=0.6, zorder=1)
