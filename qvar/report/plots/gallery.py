"""The picture of a gallery: by how much the constrained or the generic model is better in each setting."""

from __future__ import annotations

from collections.abc import Sequence

from qvar.analysis.families import FamilyRow
from qvar.analysis.rows import known
from qvar.report.plot_style import FAMILY_COLORS, Drawing, finished, legend_entry, panel_row, wrapped_name

_LARGEST = 1e3
"""Ratio at which the axis ends; what is beyond is drawn as an arrow."""

_LETTERS = 62


def error_ratios(rows: Sequence[FamilyRow]) -> Drawing | None:
    """Draw the ratio of the generic to the constrained error with its interval, one line for each setting."""
    drawn = [row for row in rows if known(row.ratio)]
    if not drawn:
        return None
    _, (axes,) = panel_row(1, 9.5, 1.6 + 0.34 * len(drawn))
    axes.axvline(1.0, color="#555555", linewidth=1.0)
    for place, row in enumerate(drawn):
        color = FAMILY_COLORS.get(row.verdict, "#999999")
        low, middle, high = (min(max(float(end or 1.0), 1 / _LARGEST), _LARGEST) for end in _ends(row))
        axes.plot([low, high], [place, place], color=color, linewidth=1.6)
        marker = ">" if middle == _LARGEST else "<" if middle == 1 / _LARGEST else "o"
        axes.plot([middle], [place], marker, color=color, markersize=6)
    axes.set_yticks(range(len(drawn)), [wrapped_name(row.setting, _LETTERS) for row in drawn], fontsize=7.5)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("error of the best generic model / error of the best constrained model")
    meanings = {"constrained": "constrained model is better", "generic": "generic model is better"}
    for family, words in meanings.items():
        legend_entry(axes, words, color=FAMILY_COLORS[family], marker="o")
    legend_entry(axes, "undecided", color="#999999", marker="o")
    caption = (
        "Each line is a comparison on data that the models were not fitted to. Right of 1 the constrained model has "
        "the smaller error, left of it the generic one. Point: geometric mean of the ratio of the errors over the "
        "repetitions; bar: its 95 % interval. Color: verdict on the share of repetitions in which the constrained "
        f"model has the lower error. Arrows are beyond {_LARGEST:g}. Comparisons "
        "with an error of 0 are in the table alone."
    )
    return finished("error_ratios", axes, "Generic against constrained models", caption)


def _ends(row: FamilyRow) -> tuple[float | None, float | None, float | None]:
    middle = row.ratio
    return (
        (row.ratio_low if known(row.ratio_low) else middle),
        middle,
        (row.ratio_high if known(row.ratio_high) else middle),
    )
