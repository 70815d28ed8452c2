"""The picture of a ranking: how far each circuit in each setting is from the limit."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.rows import MILLIHARTREE, where
from qvar.report.plot_style import (
    Drawing,
    accuracy_line,
    finished,
    line_figure,
    looks,
    plain_log_ticks,
    wrapped_name,
)

_LETTERS_OF_AXIS = 72
"""Letters that fit below the panel."""

_STYLES: tuple[Any, ...] = ("--", "-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)))
"""Lines of baselines; the dotted one is chemical accuracy."""


def energy_by_setting(summary: DataFrame, baseline: str) -> Drawing | None:
    """Draw lowest energies above the limit against the settings, baselines as lines."""
    drawn = where(summary, (summary["setting"] != baseline) & (summary["limit_error"] > 0))
    if drawn.empty:
        return None
    settings = list(dict.fromkeys(drawn["setting"]))
    lines = where(summary, (summary["setting"] == baseline) & (summary["limit_error"] > 0))
    names = drawn.drop_duplicates("contender").assign(label=lambda table: table["contender"])
    look_of = looks(names)
    _, axes = line_figure(len(look_of) + len(lines))
    for place, (name, look) in enumerate(look_of.items()):
        mine = drawn[drawn["contender"] == name]
        aside = 0.06 * (place - (len(look_of) - 1) / 2)
        x = np.array([settings.index(setting) for setting in mine["setting"]], dtype=float) + aside
        axes.plot(
            x, mine["limit_error"].astype(float), color=look.color, marker=look.marker, markersize=7, linestyle="",
            label=name,
        )  # fmt: skip
    row: Any
    for number, (_, row) in enumerate(lines.iterrows()):
        axes.axhline(
            float(row["limit_error"]), color="#6B7280", linestyle=_STYLES[number % len(_STYLES)], linewidth=1.2,
            label=str(row["contender"]), zorder=1,
        )  # fmt: skip
    axes.set_yscale("log")
    letters = max(8, int(_LETTERS_OF_AXIS / len(settings)))
    axes.set_xticks(range(len(settings)), [wrapped_name(setting, letters) for setting in settings], fontsize=9)
    axes.set_xlim(-0.5, len(settings) - 0.5)
    axes.set_ylabel("energy above the limit (mHa)")
    accuracy_line(axes, MILLIHARTREE)
    plain_log_ticks(axes)
    caption = (
        "The lowest energy that each circuit reaches in each setting, counted from the limit that all settings share. "
        "Points far apart in one setting show the effect of the circuit, points far apart from one setting "
        "to the next that of the setting. "
    )
    if len(lines):
        caption += "Lines are energies that no circuit made, to be compared with at the same number of qubits. "
    return finished("energy_by_setting", axes, "Energy above the limit in each setting", caption)
