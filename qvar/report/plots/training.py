"""The picture of the training: the error, step by step.

`drawn` are the rows of the ledger's `summary` with a finite value.
"""

from __future__ import annotations

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.rows import shown_errors, where
from qvar.report.plot_style import (
    Drawing,
    accuracy_line,
    axis_words,
    drawn_errors,
    finished,
    line_figure,
    line_words,
    looks,
    median_line,
    seed_words,
    spread,
    value_axis,
)

LOG_RATIO = 50
"""Evaluations that span more than this factor are drawn on a logarithmic axis."""


def error_vs_step(trace: DataFrame, ledger: DataFrame, drawn: DataFrame) -> Drawing | None:
    """Draw the error of each contender against the evaluations, over its seeds."""
    units = dict(zip(ledger["contender"], ledger["unit"], strict=True))
    of_rows = [units.get(contender) for contender in trace["contender"]]
    trace = trace.assign(unit=of_rows, label=_labels(trace, drawn))
    trace = where(trace, trace["label"].isin(list(drawn["label"])))
    if trace.empty:
        return None
    plotted, quantity, unit = shown_errors(trace)
    trace = trace.assign(plotted=plotted)
    look_of = looks(drawn)
    _, axes = line_figure(sum(look.named for look in look_of.values()))
    for rank, label in enumerate(drawn["label"]):
        seeds = [_curve(seed) for _, seed in where(trace, trace["label"] == label).groupby("seed", dropna=False)]
        seeds = [seed for seed in seeds if len(seed[0])]
        if not seeds:
            continue
        grid = np.unique(np.concatenate([x for x, _ in seeds]))
        ends = spread(drawn_errors(np.array([_held(grid, x, y) for x, y in seeds]), quantity, unit))
        look = look_of[str(label)]
        above = 2 + 1 / (1 + rank) if look.named else 1.5  # the best are drawn over the others
        median_line(axes, grid, ends, look, str(label), zorder=above)
    if not axes.lines:
        return None
    axes.set_xlabel("evaluations per start (line searches included)")
    noun = value_axis(axes, quantity, unit)
    accuracy_line(axes, unit)
    first, last = axes.dataLim.x0, axes.dataLim.x1
    if first > 0 and last > LOG_RATIO * first:  # a contender that is done in a few steps stays visible
        axes.set_xscale("log")
        axes.set_xlim(left=first)
    else:
        axes.set_xlim(left=0)
    caption = (
        f"How the {noun} changes while each contender is trained: the line is the median over its starts (seeds), "
        f"the band holds {seed_words()}. The horizontal axis counts evaluations of value and gradient, so that "
        "methods that take more of them per step are not favored. A start that ended early keeps its last value. "
    )
    words = line_words(len(drawn)) + axis_words(quantity, unit)
    return finished("error_vs_step", axes, f"{noun.capitalize()} against evaluations", caption + words)


def _labels(trace: DataFrame, drawn: DataFrame) -> list[str]:
    """Return the summary's label of each row of the trace."""
    keys = ["problem", "contender", "method"]
    known_keys = drawn[keys].fillna("").itertuples(index=False, name=None)
    names = dict(zip(known_keys, drawn["label"].astype(str), strict=True))
    columns = (trace[key].fillna("").tolist() for key in keys)
    return [names.get(key, key[1]) for key in zip(*columns, strict=True)]


def _curve(seed: DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return evaluations and plotted numbers of one seed, in order, without what is not finite."""
    x = seed["evaluations"].fillna(seed["step"]).to_numpy(dtype=float, na_value=np.nan)
    y = seed["plotted"].to_numpy(dtype=float)
    good = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[good], kind="stable")
    return x[good][order], y[good][order]


def _held(grid: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the curve on a common grid: each number holds until the next; before the first there is none."""
    position = np.searchsorted(x, grid, side="right") - 1
    return np.where(position >= 0, y[np.maximum(position, 0)], np.nan)
