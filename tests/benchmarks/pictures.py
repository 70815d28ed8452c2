"""Pictures of how time grows: with amplitudes, with depth, with the size of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from results import Results
from rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GRAY = "#0072B2", "#D55E00", "#555555"
"""Of Okabe and Ito: any color vision distinguishes them."""

FITTED_FROM = 1000
"""Amplitudes below which the time of a call is no longer that of the arithmetic."""


def draw(results: Results, folder: Path) -> list[Path]:
    """Draws what there are numbers for.

    Args:
        results: tables, as measured or loaded.
        folder: where the pictures go.

    Returns:
        The pictures, `bench_*.png`.
    """
    drawn = []
    for name, function, keys in (
        ("amplitudes", _amplitudes, ("sector",)),
        ("depth", _depth, ("depth",)),
        ("batch", _batch, ("width",)),
    ):
        rows = [row for key in keys for row in results.get(key, ({}, []))[1] if row.ours]
        if len(rows) > 1:
            drawn.append(_save(function, rows, folder / f"bench_{name}.png"))
    return drawn


def _save(function, rows: list[Row], path: Path) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    function(axes, rows)
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_yscale() == "log":
        axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})
    return path


def _line(axes: Axes, x, samples, label: str, color: str, marker: str) -> None:
    """Medians with quartiles."""
    middle = np.array([s.median for s in samples])
    below, above = middle - [s.low for s in samples], [s.high for s in samples] - middle
    axes.errorbar(x, 1e3 * middle, 1e3 * np.array([below, above]), label=label, color=color, marker=marker, capsize=2)


def _amplitudes(axes: Axes, rows: list[Row]) -> None:
    x = np.array([row.more["amplitudes"] for row in rows])
    y = np.array([row.ours.median for row in rows])
    _line(axes, x, [row.ours for row in rows], "qvar", BLUE, "o")
    large = x >= FITTED_FROM
    if large.sum() > 1:
        exponent, offset = np.polyfit(np.log(x[large]), np.log(y[large]), 1)
        line = 1e3 * np.exp(offset) * x[large] ** exponent
        axes.plot(x[large], line, color=GRAY, linestyle="--", label=f"fit: amplitudes$^{{{exponent:.2f}}}$")
    known = [row for row in rows if row.theirs]
    theirs = [1e3 * row.theirs.median for row in known]
    label = "TenCirChem-NG 2024.10 (not measured in this run)"
    axes.plot([row.more["amplitudes"] for row in known], theirs, color=ORANGE, marker="s", label=label)
    for row, at, value in zip(rows, x, y, strict=True):
        name = row.work.split(",")[0]
        axes.annotate(name, (at, 1e3 * value), xytext=(6, -11), textcoords="offset points", color=GRAY)
    axes.set(xscale="log", yscale="log", xlabel="amplitudes in the sector", ylabel="time per factor (ms)")
    axes.set_title("UCCSD energy and gradient, chains of hydrogen atoms")


def _depth(axes: Axes, rows: list[Row]) -> None:
    x = [row.more["layers"] for row in rows]
    _line(axes, x, [row.ours for row in rows], "qvar", BLUE, "o")
    _line(axes, x, [row.theirs for row in rows], "lightning.qubit, adjoint", ORANGE, "s")
    axes.set(xscale="log", yscale="log", xlabel="layers", ylabel="time (ms)")
    axes.set_xticks(x, [str(layers) for layers in x])
    axes.set_title("Energy and gradient, 10 qubits, RY + RZ + CNOT chain")


def _batch(axes: Axes, rows: list[Row]) -> None:
    looks = ((BLUE, "o"), (ORANGE, "s"))
    for (color, marker), case in zip(looks, dict.fromkeys(row.more["case"] for row in rows), strict=False):
        own = [row for row in rows if row.more["case"] == case]
        _line(axes, [row.more["batch"] for row in own], [row.ours for row in own], case, color, marker)
        alone = 1e3 * float(np.median([row.theirs.median for row in own]))
        axes.axhline(alone, color=color, linestyle=":", linewidth=1.2, label=f"{case}, without a batch")
    axes.set(xlabel="vectors in a batch", ylabel="time per vector (ms)")
    axes.set_xscale("log", base=2)
    axes.set_ylim(0, 1.4 * axes.get_ylim()[1])  # room for the legend
    ticks = sorted({row.more["batch"] for row in rows})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_title("Energy and gradient of many parameter vectors at once")
