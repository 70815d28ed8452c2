"""Picture of estimates of quantities whose exact value is known."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.estimates import estimate_table
from qvar.analysis.rows import some, where
from qvar.report.plot_style import FAMILY_COLORS, FAMILY_MARKERS, Axes, Drawing, finished_row, spread_of
from qvar.report.plots.selection import MOST_PANELS, panel_grid
from qvar.units import plain_number


def estimates(ledger: DataFrame) -> Drawing | None:
    """Draw the estimates of each quantity against the level, the best model of each family."""
    table = estimate_table(ledger)
    if table.empty:
        return None
    problems = list(dict.fromkeys(table["problem"]))
    pairs = [(problem, quantity) for problem in problems for quantity in dict.fromkeys(table["quantity"])]
    pairs = [pair for pair in pairs if some((table["problem"] == pair[0]) & (table["quantity"] == pair[1]))]
    pairs = pairs[:MOST_PANELS]
    figure, panels = panel_grid(len(pairs))
    for axes, (problem, quantity) in zip(panels, pairs, strict=True):
        rows: Any = where(table, (table["quantity"] == quantity) & (table["problem"] == problem))
        _panel(axes, where(ledger, ledger["problem"] == problem), str(quantity), rows)
        axes.set_title(f"{quantity}\n{problem}", fontsize=9)
    caption = (
        "Each point is the median estimate of a model over the repetitions; bars hold the middle 80 % of them. The "
        "line across is the exact value. Of each family the model with the lowest error on other data is drawn. Points "
        "beyond the picture are far from the exact value: the data do not determine the quantity."
    )
    title = "Estimates of quantities whose exact value is known"
    return finished_row("estimates", figure, panels, title, caption, 11)


def _panel(axes: Axes, ledger: DataFrame, quantity: str, rows: DataFrame) -> None:
    """Draw one quantity of one set of data."""
    truth = float(rows["truth"].iloc[0])
    errors: Any = ledger.groupby(["family", "model"], sort=False)["test_error"].median().astype(float)
    levels = sorted(int(level) for level in rows["level"].unique())
    reach = 0.0
    for number, (family, color) in enumerate(FAMILY_COLORS.items()):
        own: Any = where(rows, rows["family"] == family)
        if own.empty:
            continue
        rounded = {name: float(f"{errors[family, name]:.4g}") for name in own["model"].unique()}
        model = min(rounded, key=lambda name: rounded[name])
        points = []
        for level in levels:
            fits = where(ledger, (ledger["model"] == model) & (ledger["level"] == level) & ledger["estimates"].notna())
            values = [json.loads(entry)[quantity][0] for entry in fits["estimates"]]
            points.append(spread_of(np.array(values)) if values else (np.nan,) * 3)
        low, middle, high = np.array(points).T
        style = {"color": color, "marker": FAMILY_MARKERS[family], "capsize": 3, "markersize": 5}
        x = np.array(levels) * 1.06 ** (2 * number - 1)
        axes.errorbar(x, middle, yerr=[middle - low, high - middle], linewidth=1, label=f"best {family} model", **style)
        reach = max(reach, float(np.nanmax(np.abs(middle - truth))), float(np.nanmin(high - low)))
    reach = min(max(2.0 * reach, 0.05 * abs(truth)), 2.0 * abs(truth) or np.inf)
    axes.axhline(truth, color="black", linewidth=1, label="exact value")
    axes.set_ylim(truth - min(reach, truth) if truth > 0 else truth - reach, truth + reach)
    axes.set_xscale("log")
    axes.set_xticks(levels, [plain_number(level) for level in levels])
    axes.minorticks_off()
    axes.set_xlabel(str(rows["level_name"].iloc[0]) or "level")
