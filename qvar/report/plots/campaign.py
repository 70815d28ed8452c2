"""The pictures of a campaign: errors against each swept number, against parameters, and point by point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from qvar._types import DataFrame, FloatArray
from qvar.analysis.accuracy import pareto_front
from qvar.analysis.campaigns import (
    VARIANCE,
    Argument,
    Block,
    blocks,
    campaign_standings,
    campaign_table,
    point_words,
    value_words,
    varied,
)
from qvar.analysis.rows import records, resolution, where
from qvar.errors import clipped
from qvar.report.formats import ends
from qvar.report.plot_style import (
    FAMILY_COLORS,
    FAMILY_MARKERS,
    Axes,
    Drawing,
    Figure,
    Look,
    accuracy_line,
    axis_words,
    drawn_errors,
    finished_row,
    gray_words,
    line_words,
    looks,
    median_line,
    panel_row,
    plain_numbers,
    plain_panels,
    value_axis,
)
from qvar.report.study_report import Drawings
from qvar.units import HARTREE

MOST_PANELS = 12
"""More panels than this are not drawn."""

MOST_AXES = 4
"""Swept numbers that have a picture."""

MOST_POINTS = 40
"""Points that stand side by side in one picture."""

_FRONT = "campaign_parameters"
_POINTS = "campaign_points"
PICTURES: tuple[str, ...] = (*(f"campaign_{number}" for number in range(1, MOST_AXES + 1)), _FRONT, _POINTS)
"""Names of all pictures that a campaign may have."""

_APART = 0.008
"""Lines of neighbouring contenders stand apart by this share of the axis at most, so that equal ones are seen."""

_WORD_WIDTH = 34
"""Letters of a point's name below an axis."""

_WIDE_RATIO = 30.0
"""Numbers that span more than this factor are drawn on a logarithmic axis."""


def campaign_drawings(ledger: DataFrame) -> Drawings:
    """Draw all pictures of a campaign."""
    table = campaign_table(ledger)
    if table.empty:
        return [], []
    first = campaign_standings(table)
    missing = [str(label) for label in first.loc[first["finite"] == 0, "label"]]
    drawn = where(table, table["median"].notna())
    if drawn.empty:
        return [], missing
    swept = varied(ledger)
    look_of = looks(where(first, first["finite"] > 0))
    numeric = [argument for argument in swept if argument.numeric]
    drawings = [
        _against(drawn, argument, swept, look_of, name)
        for argument, name in zip(numeric[:MOST_AXES], PICTURES, strict=False)
    ]
    if not numeric:
        drawings.append(_by_point(drawn, swept, look_of))
    if len(numeric) > MOST_AXES:
        words = f"Numbers were swept that have no picture: {_names(numeric[MOST_AXES:])}. "
        drawings[0] = replace(drawings[0], caption=drawings[0].caption + words)
    front = _against_parameters(drawn, swept)
    return [*drawings, *([front] if front else [])], missing


def _names(swept: Sequence[Argument]) -> str:
    return ", ".join(argument.name for argument in swept)


def _against(
    table: DataFrame, along: Argument, swept: Sequence[Argument], look_of: dict[str, Look], name: str
) -> Drawing:
    """Draw lines of all contenders against one swept number, a panel for each combination of the other arguments."""
    panels = blocks(table, along, swept)
    first_panels = panels[:MOST_PANELS]
    figure, all_axes = _panel_figure(first_panels, sum(look.named for look in look_of.values()) + 1)
    for axes, block in zip(all_axes, first_panels, strict=True):
        quantity, unit = _kind(block.rows)
        mine = _of_kind(block.rows, quantity, unit)
        apart = min(_APART, 0.3 / max(len(along.values) - 1, 1) / len(look_of))
        for number, (label, look) in enumerate(look_of.items()):
            rows = where(mine, mine["label"] == label).sort_values(along.column)
            x = _aside(
                rows[along.column].to_numpy(dtype=float), apart * (number - (len(look_of) - 1) / 2), along.values
            )
            median_line(axes, x, _drawn(rows, quantity, unit), look, label, marker=look.marker, markersize=4)
        _number_axis(axes, along.values)
        axes.set_xlabel(along.name)
        _finish(axes, block, quantity, unit, len(first_panels))
    noun = _noun(table)
    title = f"{noun} against {along.name}"
    others = [argument for argument in swept if argument is not along]
    caption = (
        f"The {noun.lower()} of each contender against {along.name}: the median over its starts (seeds), with a band "
        f"from the least to the greatest of them; lines are shifted sideways a little, so that equal ones are seen. "
        f"{_panel_words(panels, others)}{line_words(len(look_of))}"
    )
    return finished_row(name, figure, all_axes, title, caption + _axis_words(first_panels), 12)


def _by_point(table: DataFrame, swept: Sequence[Argument], look_of: dict[str, Look]) -> Drawing:
    """Draw dots of all contenders at each point, for arguments that are no numbers."""
    quantity, unit = _kind(table)
    mine = _of_kind(table, quantity, unit)
    names = mine.drop_duplicates("point").sort_values("point")
    n_points = len(names)
    names = names.head(MOST_POINTS)
    words = [_point_label(row, swept) for row in records(names)]
    place_of = {number: place for place, number in enumerate(names["point"])}
    mine = where(mine, mine["point"].isin(list(place_of)))
    longest = max(map(len, words))
    legend_lines = -(-(len(look_of) + 1) // 3)
    height = 4.2 + (0.07 * longest if longest > 8 or len(words) > 8 else 0) + 0.22 * legend_lines
    figure, (axes,) = panel_row(1, max(7.2, min(1.5 + 0.28 * len(words), 13.0)), height)
    for number, (label, look) in enumerate(look_of.items()):
        rows = where(mine, mine["label"] == label)
        aside = 0.6 * ((number + 0.5) / len(look_of) - 0.5)
        x = np.array([place_of[point] for point in rows["point"]], dtype=float) + aside
        low, middle, high = _drawn(rows, quantity, unit)
        axes.vlines(x, low, high, color=look.color, alpha=0.4, linewidth=1.2, zorder=2)
        axes.plot(
            x, middle, color=look.color, marker=look.marker or "o", markersize=5, linestyle="",
            label=label if look.named else None, zorder=3 if look.named else 1.5,
        )  # fmt: skip
    steep = longest > 8 or len(words) > 8
    axes.set_xticks(range(len(words)), words, rotation=60 if steep else 0, ha="right" if steep else "center")
    axes.set_xlim(-0.5, len(words) - 0.5)
    axes.set_xlabel(_names(swept))
    _finish(axes, Block({}, mine), quantity, unit, 1)
    noun = _noun(mine)
    title = f"{noun} at each point"
    left = f"Only the first {MOST_POINTS} of {n_points} points are drawn. " if n_points > MOST_POINTS else ""
    caption = (
        f"The {noun.lower()} of each contender at each point: a mark at the median over its starts (seeds), with a bar "
        f"from the least to the greatest of them. {left}"
    )
    caption += gray_words(len(look_of)) + _axis_words([Block({}, mine)])
    return finished_row(_POINTS, figure, [axes], title, caption, 12)


def _against_parameters(table: DataFrame, swept: Sequence[Argument]) -> Drawing | None:
    """Draw the error against the number of parameters at all points, with the Pareto front of each panel."""
    table = where(table, table["n_params"].notna() & (table["quantity"] != VARIANCE))
    if table.empty:
        return None
    within = [argument for argument in swept if argument.numeric]
    others = [argument for argument in swept if not argument.numeric]
    panels = blocks(table, None, others)
    first_panels = panels[:MOST_PANELS]
    figure, all_axes = _panel_figure(first_panels, 3)
    sentences = []
    for axes, block in zip(all_axes, first_panels, strict=True):
        quantity, unit = _kind(block.rows)
        mine = _of_kind(block.rows, quantity, unit)
        _, middle, _ = _drawn(mine, quantity, unit)
        costs = mine["n_params"].to_numpy(dtype=float)
        for family, color in FAMILY_COLORS.items():
            these = (mine["family"] == family).fillna(False).to_numpy(dtype=bool)
            if these.any():
                axes.plot(
                    costs[these], middle[these], color=color, marker=FAMILY_MARKERS[family], markersize=5, linestyle="",
                    markeredgecolor="white", markeredgewidth=0.5, alpha=0.85, label=family, zorder=3,
                )  # fmt: skip
        front = pareto_front(list(costs), [float(round(error / resolution(unit))) for error in middle])
        x, y = costs[front], middle[front]
        _number_axis(axes, sorted(set(costs)))
        _finish(axes, block, quantity, unit, len(first_panels))
        right = axes.get_xlim()[1]
        axes.step(
            [*x, right], [*y, y[-1]], where="post", color="#222222", linewidth=1.1, label="Pareto front", zorder=2
        )
        axes.set_xlim(right=right)
        axes.set_xlabel("number of parameters")
        rows = mine.iloc[front].drop_duplicates(["label", "n_params"])
        names = [_with_point(row, within) for row in records(rows)]
        sentences.append(f"{f'{block.name}: ' if block.name else ''}{ends(names)}")
    noun = _noun(table)
    title = f"{noun} against number of parameters"
    which = f" over all values of {_names(within)}" if within else ""
    caption = (
        f"Accuracy against parameters: a mark for every contender at every point{which}, at the median over its "
        "starts (seeds), in the color of its family. The stepped line is the Pareto front of the medians: nothing has "
        "less error with as many parameters or fewer. On it are, by rising number of parameters: "
        f"{'. '.join(sentences)}. "
    )
    caption += _panel_words(panels, others) + _axis_words(first_panels)
    return finished_row(_FRONT, figure, all_axes, title, caption, 12)


def _kind(rows: DataFrame) -> tuple[str, str]:
    """Return the quantity of most of the rows, and its unit: one axis shows one thing."""
    sizes: Any = rows.groupby(["quantity", "unit"]).size()
    (quantity, unit), *_ = sizes.sort_values(ascending=False, kind="stable").index
    return str(quantity), str(unit)


def _of_kind(rows: DataFrame, quantity: str, unit: str) -> DataFrame:
    return where(rows, (rows["quantity"] == quantity) & (rows["unit"] == unit))


def _noun(table: DataFrame) -> str:
    """Return the name of the vertical axes of all panels."""
    kinds = set(zip(table["quantity"], table["unit"], strict=True))
    quantities = {quantity for quantity, _ in kinds}
    if len(quantities) > 1:
        return "Error or value"
    if quantities == {"value"}:
        return "Energy" if {unit for _, unit in kinds} == {HARTREE} else "Value"
    return "Error" if quantities == {"error"} else "Variance of the gradient"


def _drawn(rows: DataFrame, quantity: str, unit: str) -> list[Any]:
    return [drawn_errors(rows[end].to_numpy(dtype=float), quantity, unit) for end in ("low", "median", "high")]


def _aside(x: FloatArray, share: float, values: Sequence[Any]) -> FloatArray:
    """Move numbers sideways by a share of the axis that all values span."""
    low, high = float(min(values)), float(max(values))
    return x * (high / low) ** share if _wide(values) else x + share * (high - low)


def _panel_figure(blocks: Sequence[Block], n_named: int) -> tuple[Figure, list[Axes]]:
    """Return a panel for each block, up to three beside each other, with height for a legend of so many names below."""
    columns = min(len(blocks), 3)
    lines = -(-len(blocks) // columns)
    width, height = {1: (7.2, 4.4), 2: (9.6, 3.9), 3: (11.4, 3.2)}[columns]
    return plain_panels((width, height * lines + 0.22 * -(-n_named // 3) + 0.3), lines, columns, len(blocks))


def _finish(axes: Axes, block: Block, quantity: str, unit: str, n_panels: int) -> None:
    """Draw the vertical axis, and the panel's name."""
    if quantity == VARIANCE:
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylabel(f"variance of the gradient ({unit})" if unit else "variance of the gradient")
    else:
        value_axis(axes, quantity, unit)
    if quantity == "error":
        accuracy_line(axes, unit)
    if n_panels > 1:
        axes.set_title(", ".join(_parts(block.fixed, 48)), fontsize=10)


def _number_axis(axes: Axes, values: Sequence[Any]) -> None:
    """Draw the horizontal axis: its own values as ticks if there are few, logarithmic if they span much."""
    from matplotlib.ticker import MaxNLocator

    low, high = float(min(values)), float(max(values))
    if _wide(values):
        axes.set_xscale("log")
        plain_numbers(axes.xaxis, (1, 2, 5) if high < 300 * low else (1,))
    elif len(values) <= 8 and _spaced(values):
        axes.set_xticks(list(values), [value_words(float(value)) for value in values])
    elif all(float(value).is_integer() for value in values):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _wide(values: Sequence[Any]) -> bool:
    low, high = float(min(values)), float(max(values))
    return low > 0 and high > _WIDE_RATIO * low


def _spaced(values: Sequence[Any]) -> bool:
    """Return if ticks at the values would not touch."""
    gaps = np.diff(np.asarray(values, dtype=float))
    return len(gaps) == 0 or bool(gaps.min() > 0.08 * gaps.sum())


def _parts(at: dict[Argument, Any], width: int, named: bool = True) -> list[str]:
    """Return the arguments of a point, cut each for itself if together they are longer than a width."""
    parts = [point_words({argument: value}) if named else value_words(value) for argument, value in at.items()]
    if sum(map(len, parts)) + 2 * len(parts) <= width:
        return parts
    return [clipped(part, max(width // len(parts) - 2, 8)) for part in parts]


def _point_label(row: Any, swept: Sequence[Argument]) -> str:
    at = {argument: getattr(row, argument.column) for argument in swept}
    return ", ".join(_parts(at, _WORD_WIDTH, named=False))


def _with_point(row: Any, within: Sequence[Argument]) -> str:
    """Return a contender with the swept numbers of its point."""
    at = ", ".join(f"{argument.name} {value_words(getattr(row, argument.column))}" for argument in within)
    return f"{row.label} ({int(row.n_params)}{f', {at}' if at else ''})"


def _panel_words(panels: Sequence[Block], others: Sequence[Argument]) -> str:
    if len(panels) < 2:
        return ""
    words = f"A panel for each value of {_names(others)}. "
    if len(panels) > MOST_PANELS:
        words += f"Only the first {MOST_PANELS} of {len(panels)} panels are drawn. "
    return words


def _axis_words(panels: Sequence[Block]) -> str:
    kinds = dict.fromkeys(_kind(block.rows) for block in panels)
    if any(quantity == VARIANCE for quantity, _ in kinds):
        return ""
    several = "Each panel has the unit of its points. " if len(kinds) > 1 else ""
    return several + "".join(dict.fromkeys(axis_words(*kind) for kind in kinds))
