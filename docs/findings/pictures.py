"""The pictures of the pages, drawn from the kept ledgers alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from findings import page_basis, page_families, page_growing, page_more_parameters, page_trainability
from findings.markdown import FORMULAS
from qvar.analysis.advice import Candidate
from qvar.report.plot_style import FAMILY_COLORS, FAMILY_MARKERS
from qvar.report.plots.scaling import variance_against_size
from qvar.units import short_exponent

_DPI = 110
_GRAY = "#444444"


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file that holds no date and no version."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(_DPI)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        FigureCanvasAgg(figure).print_png(stream, metadata={"Software": None})


def errors() -> Figure:
    """Draw the median errors of all circuits on all molecules as colors, with their numbers."""
    names, places, values, families = page_families.matrix()
    figure = Figure(figsize=(0.52 * len(places) + 3.0, 0.27 * len(names) + 1.7), layout="constrained")
    axes = figure.add_subplot()
    accuracy = math.log10(page_families.ACCURACY)
    image = axes.imshow(values, cmap="RdYlBu_r", vmin=accuracy - 3.2, vmax=accuracy + 3.2, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if math.isfinite(value):
            dark = abs(value - accuracy) > 2.2
            axes.text(column, row, _short(10**value), ha="center", va="center", fontsize=6.3,
                      color="white" if dark else "#222222")  # fmt: skip
    axes.set_xticks(range(len(places)), places, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    for label, family in zip(axes.get_yticklabels(), families, strict=True):
        label.set_color(FAMILY_COLORS[family])
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, fraction=0.025, pad=0.01)
    ticks = [-2, -1, 0, 1, 2, 3]
    bar.set_ticks(ticks, labels=[f"{10.0**tick:g}" for tick in ticks])
    bar.ax.axhline(accuracy, color="black", linewidth=1.2)
    bar.set_label("median error (mHa); the line is 1.6", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    _title(
        figure, "Median errors in mHa, by molecule and bond (angstrom)\nNames: blue constrained, red generic circuits"
    )
    return figure


def _short(value: float) -> str:
    if value <= 1e-4:
        return "0"
    return f"{value:.0f}" if value >= 9.5 else f"{value:.1f}" if value >= 0.095 else short_exponent(f"{value:.0e}")


def fronts() -> Figure:
    """Draw error against CNOTs at the usual bonds, one panel for each molecule, with the front."""
    usual = [place for place in page_families.settings() if len(place.circuits) > 20] or page_families.settings()
    return _panels(usual, "CNOTs", lambda one: one.two_qubit_gates)


def at_a_glance() -> Figure:
    """Draw the picture of the README: the best of each family on every molecule, and what all circuits cost."""
    places = page_families.settings()
    figure = Figure(figsize=(9.4, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.9, 1.0), sharey=True)
    ends = {family: [_median(place.best(family)) for place in places] for family in ("constrained", "generic")}
    left.vlines(range(len(places)), ends["constrained"], ends["generic"], color="#CCCCCC", linewidth=1.2, zorder=0)
    for family, medians in ends.items():
        look: Any = {"color": FAMILY_COLORS[family], "marker": FAMILY_MARKERS[family], "linestyle": ""}
        left.plot(range(len(places)), medians, markersize=6.5, label=f"best {family} circuit", **look)
        own = [one for place in places for one in place.circuits if one.family == family]
        x, y = [one.two_qubit_gates for one in own], [_median(one) for one in own]
        right.plot(x, y, markersize=3.2, alpha=0.5, markeredgewidth=0, **look)
    for axes in (left, right):
        _accuracy(axes)
    left.text(-0.3, page_families.ACCURACY * 0.8, "chemical accuracy, 1.6 mHa", fontsize=8, va="top", zorder=0)
    left.set_ylabel(f"median error (mHa); below {_LEAST:g}: {_LEAST:g}", fontsize=8.5)
    left.set_xticks(range(len(places)), [place.name for place in places], rotation=60, ha="right",
                    rotation_mode="anchor", fontsize=8)  # fmt: skip
    left.set_title("Circuits that carry the physics end closer ...", fontsize=10, loc="left")
    right.set_xscale("log")
    right.set_xlabel("two-qubit gates of all circuits", fontsize=8.5)
    right.set_title("... and take more gates", fontsize=10, loc="left")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8.5, frameon=False)
    return figure


_LEAST = 1e-4
"""Errors below this, in mHa, are drawn as this."""


def _median(one: Candidate | None) -> float:
    return math.nan if one is None else max(one.median, _LEAST)


def _panels(places: list[page_families.Setting], cost: str, of: Callable[[Candidate], float]) -> Figure:
    columns = 3
    n_rows = -(-len(places) // columns)
    figure = Figure(figsize=(10.2, 2.9 * n_rows + 0.5), layout="constrained")
    panels: Any = np.atleast_1d(figure.subplots(n_rows, columns, sharey=True)).ravel()
    for axes, place in zip(panels, places, strict=False):
        for one in place.circuits:
            axes.plot([of(one)], [max(one.median, 1e-5)], linestyle="", color=FAMILY_COLORS[one.family],
                      marker=FAMILY_MARKERS[one.family], markersize=4.5, markeredgecolor="white",
                      markeredgewidth=0.4)  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        front = place.front(cost)
        x = np.repeat([*(of(one) for one in front), axes.get_xlim()[1]], 2)[1:-1]
        y = np.repeat([max(one.median, 1e-5) for one in front], 2)
        axes.plot(x, y, color="#222222", linewidth=1.0, zorder=1)
        axes.axhline(page_families.ACCURACY, color="black", linewidth=0.8, linestyle="--")
        for number, one in enumerate(front, start=1):
            at = (of(one), max(one.median, 1e-5))
            axes.annotate(str(number), at, fontsize=7.5, color=_GRAY, xytext=(3, 3), textcoords="offset points")
        axes.set_title(f"{FORMULAS[place.molecule]}, {place.bond:g} angstrom", fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7.5)
    for axes in panels[len(places) :]:
        axes.set_visible(False)
    for axes in panels[::columns]:
        axes.set_ylabel("median error (mHa)", fontsize=8)
    for axes in panels[max(0, len(places) - columns) : len(places)]:
        axes.set_xlabel(f"two-qubit gates ({cost})" if cost == "CNOTs" else cost, fontsize=8)
    _title(figure, "Error against CNOTs: generic circuits red, constrained ones blue; numbered: the Pareto front")
    return figure


def plateaus(which: str) -> Figure | None:
    """Draw the variance of the gradient against the number of qubits, from uniform or from informed starts."""
    drawing = variance_against_size(page_trainability.ledger(which), "gradient")
    return None if drawing is None else drawing.figure


def grown() -> Figure:
    """Draw error against CNOTs of circuits that grow, as lines, and of fixed ones, as marks."""
    places = page_growing.points()
    columns = min(2, len(places))
    n_rows = -(-len(places) // columns)
    figure = Figure(figsize=(9.6, 3.2 * n_rows + 0.6), layout="constrained")
    panels: Any = np.atleast_1d(figure.subplots(n_rows, columns)).ravel()
    names: dict[str, Any] = {}
    for axes, ((molecule, bond), everyone) in zip(panels, places.items(), strict=True):
        lines: dict[str, list[Candidate]] = {}
        for one in everyone:
            if page_growing.KINDS["grown"](one):
                lines.setdefault(one.label.partition(",")[0], []).append(one)
            else:
                name = f"fixed, {one.family}"
                (names[name],) = axes.plot(
                    [one.two_qubit_gates], [max(one.median, 1e-5)], linestyle="", color=FAMILY_COLORS[one.family],
                    marker=FAMILY_MARKERS[one.family], markersize=4.5, alpha=0.75,
                )  # fmt: skip
        for (label, steps), color in zip(lines.items(), _GROWN_COLORS, strict=False):
            x, y = [one.two_qubit_gates for one in steps], [max(one.median, 1e-5) for one in steps]
            (names[label],) = axes.plot(x, y, color=color, linewidth=1.4, marker=".", markersize=3)
        _accuracy(axes)
        axes.set_xscale("log")
        axes.set_title(f"{FORMULAS[molecule]}, {bond:g} angstrom", fontsize=9, loc="left")
        axes.set_xlabel("two-qubit gates (CNOTs)", fontsize=8)
        axes.set_ylabel("median error (mHa)", fontsize=8)
    figure.legend(
        list(names.values()), list(names), loc="outside lower center", ncols=len(names), fontsize=8, frameon=False
    )
    _title(figure, "Circuits that grow (lines), and fixed ones (marks)")
    return figure


_GROWN_COLORS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def bases() -> Figure | None:
    """Draw the median error of each circuit in 6-31G against that in STO-3G."""
    changes = page_basis.changes()
    if not changes:
        return None
    columns = min(3, len(changes))
    n_rows = -(-len(changes) // columns)
    figure = Figure(figsize=(3.2 * columns + 0.4, 3.1 * n_rows + 0.4), layout="constrained")
    panels: Any = np.atleast_1d(figure.subplots(n_rows, columns)).ravel()
    for axes, change in zip(panels, changes, strict=False):
        for name, family, x, y in zip(change.names, change.families, *change.medians, strict=True):
            axes.plot([x], [y], linestyle="", color=FAMILY_COLORS[family], marker=FAMILY_MARKERS[family], markersize=5,
                      markeredgecolor="white", markeredgewidth=0.4, label=name)  # fmt: skip
        axes.set_xscale("log")
        _accuracy(axes)
        axes.axvline(page_families.ACCURACY, color="black", linewidth=0.8, linestyle="--")
        low = min(axes.get_xlim()[0], axes.get_ylim()[0])
        high = max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color="#CCCCCC", linewidth=1.0, zorder=0)
        axes.set_title(f"{FORMULAS[change.molecule]}: tau {change.agreement()[0]:.2f}", fontsize=9, loc="left")
        axes.set_xlabel("STO-3G (mHa)", fontsize=8)
        axes.set_ylabel("6-31G (mHa)", fontsize=8)
    for axes in panels[len(changes) :]:
        axes.set_visible(False)
    _title(figure, "Each circuit's median error in two basis sets (blue constrained, red generic)")
    return figure


def depths() -> Figure | None:
    """Draw the median error against the number of parameters, one line for each circuit, one panel a molecule."""
    entries = page_more_parameters.depths()
    if not entries:
        return None
    molecules = list(dict.fromkeys(one.molecule for one in entries))
    columns = min(3, len(molecules))
    n_rows = -(-len(molecules) // columns)
    figure = Figure(figsize=(3.3 * columns + 0.4, 2.9 * n_rows + 0.7), layout="constrained")
    panels: Any = np.atleast_1d(figure.subplots(n_rows, columns)).ravel()
    names: dict[str, Any] = {}
    colors = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9")
    for axes, molecule in zip(panels, molecules, strict=False):
        for circuit, color in zip(page_more_parameters.LAYERED, colors, strict=True):
            own = [one for one in entries if (one.molecule, one.circuit) == (molecule, circuit)]
            x, y = [one.n_params for one in own], [max(one.median, 1e-5) for one in own]
            (names[circuit],) = axes.plot(x, y, color=color, linewidth=1.2, marker="o", markersize=3.5)
        axes.set_xscale("log")
        _accuracy(axes)
        axes.set_title(FORMULAS[molecule], fontsize=9, loc="left")
        axes.set_xlabel("parameters", fontsize=8)
        axes.set_ylabel("median error (mHa)", fontsize=8)
    for axes in panels[len(molecules) :]:
        axes.set_visible(False)
    figure.legend(
        list(names.values()), list(names), loc="outside lower center", ncols=len(names), fontsize=8, frameon=False
    )
    _title(figure, "More layers of the same circuit (real_amplitudes is generic, the others are constrained)")
    return figure


def _title(figure: Figure, words: str) -> None:
    figure.suptitle(words, fontsize=10, x=0.01, ha="left")


def _legend(figure: Figure, names: dict[str, Any]) -> None:
    place = {"loc": "outside lower center", "ncols": len(names)}
    figure.legend(list(names.values()), list(names), fontsize=8, frameon=False, **place)


def _accuracy(axes: Any) -> None:
    axes.set_yscale("log")
    axes.axhline(page_families.ACCURACY, color="black", linewidth=0.8, linestyle="--")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7.5)
