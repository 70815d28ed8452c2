"""Pictures of models that are fitted to data: error against the number of parameters, and the fits."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.families import settings_of
from qvar.analysis.rows import first, labelled, records, some, where
from qvar.report.plot_style import (
    FAMILY_COLORS,
    FAMILY_MARKERS,
    Axes,
    Drawing,
    Figure,
    finished_row,
    plain_log_ticks,
    plain_panels,
    seed_words,
    spread_of,
)

MOST_PANELS = 9
"""Settings that are drawn, the first ones."""

_GROUP_MARKERS = ("o", "s", "^", "D", "v", "P")


def panel_grid(number: int) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels, up to three in a row."""
    columns = min(number, 3)
    n_rows = math.ceil(number / columns)
    return plain_panels((max(6.4, 4.0 * columns), 3.6 * n_rows + 0.9), n_rows, columns, number)


def error_vs_parameters(ledger: DataFrame, column: str = "test_error") -> Drawing | None:
    """Draw the error on other data against the number of parameters, families by color, with bars over seeds."""
    if column not in ledger.columns:
        return None
    positive = np.nan_to_num(ledger[column].to_numpy(float, na_value=np.nan), posinf=0.0) > 0
    rest = where(ledger, positive & ledger["n_params"].notna().to_numpy())
    if len(rest["n_params"].unique()) < 2:
        return None
    parts = settings_of(rest)[:MOST_PANELS]
    figure, panels = panel_grid(len(parts))
    unit = str(first(rest["unit"]) or "")
    for axes, (title, part) in zip(panels, parts, strict=True):
        _errors(axes, part, column)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("number of parameters")
        axes.set_ylabel(f"error on other data{f' ({unit})' if unit else ''}")
    caption = (
        "Each point is a model: the median over the repetitions of its error on data that it was not fitted to; lower "
        f"is better. Bars hold {seed_words()}. Generic models can describe many things, constrained ones carry the "
        "structure of the problem. The lowest point of a color is the best model of that family."
    )
    title = "Error on data that the models were not fitted to, against the number of parameters"
    return finished_row("error_vs_parameters", figure, panels, title, caption, 11)


def _errors(axes: Axes, part: DataFrame, column: str) -> None:
    """Draw one panel, a line through the generic and one through the constrained models."""
    names: Any = part["model"] if "model" in part.columns else labelled(part)["label"]
    for family, color in FAMILY_COLORS.items():
        own = where(part.assign(name=names), part["family"] == family)
        points = []
        for _, group in own.groupby("name", sort=False):
            points.append((int(group["n_params"].iloc[0]), *spread_of(group[column].to_numpy(float))))
        if not points:
            continue
        x, low, middle, high = np.array(sorted(points)).T
        style = {"color": color, "marker": FAMILY_MARKERS[family], "markersize": 5, "capsize": 3}
        line = "-" if family == "constrained" else "--"
        axes.errorbar(x, middle, yerr=[middle - low, high - middle], linestyle=line, linewidth=1, label=family, **style)
    axes.set_yscale("log")
    plain_log_ticks(axes)
    axes.locator_params(axis="x", integer=True)


def fits(ledger: DataFrame) -> Drawing | None:
    """Draw the data of the first repetition with the best model of each family, if the inputs are one number each."""
    if "fit" not in ledger.columns or not some(ledger["fit"].notna()):
        return None
    medians = ledger.assign(error=ledger["test_error"].fillna(ledger["cv_error"]).astype(float))
    parts = []
    for title, part in settings_of(where(medians, ledger["aic"].notna()))[:MOST_PANELS]:
        chosen = []
        for family in ("generic", "constrained"):
            own = where(part, part["family"] == family)
            errors: Any = own.groupby("model", sort=False)["error"].median().dropna()
            drawn: Any = where(own, own["fit"].notna() & (own["model"] == (errors.idxmin() if len(errors) else "")))
            chosen += records(drawn)[:1]
        if chosen:
            parts.append((title, chosen))
    if not parts:
        return None
    figure, panels = panel_grid(len(parts))
    for axes, (title, rows) in zip(panels, parts, strict=True):
        axes.set_title(title, fontsize=9)
        for row in rows:
            drawn = json.loads(row.fit)
            _fit(axes, drawn, row, row is rows[0])
            axes.set_xlabel(drawn["axis"])
        unit = str(rows[0].unit or "")
        axes.set_ylabel(f"value{f' ({unit})' if unit else ''}")
    caption = (
        "Marks without a line: the data, one kind for each group. Lines: predictions of the generic and of "
        "the constrained model that have the lowest median error on other data, fitted to the data that are drawn."
    )
    title = "Data of one repetition, and the best model of each family"
    return finished_row("fits", figure, panels, title, caption, 11)


def _fit(axes: Axes, drawn: dict[str, Any], row: Any, with_data: bool) -> None:
    x, y, predictions = (np.array(drawn[name]) for name in ("x", "y", "predictions"))
    groups = np.array(drawn["groups"] or [0] * len(x))
    for number, group in enumerate(dict.fromkeys(groups.tolist())):
        own = np.flatnonzero(groups == group)[np.argsort(x[groups == group])]
        if with_data:
            marker = _GROUP_MARKERS[number % len(_GROUP_MARKERS)]
            axes.plot(x[own], y[own], marker, color="black", markersize=3.5, linestyle="", label="data")
        dashes = "--" if row.family == "generic" else "-"
        color, label = FAMILY_COLORS[row.family], f"best {row.family} model"
        axes.plot(x[own], predictions[own], dashes, color=color, linewidth=1.3, label=label)
