"""The two pictures of a run: how the error fell while training, and what accuracy the parameters bought."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qvar.report.tables import MILLIHARTREE, Frame, labels, records, shown_errors, summary
from qvar.runs.files import write_whole
from qvar.units import CHEMICAL_ACCURACY, HARTREE, MILLIHARTREE_PER_HARTREE

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FLOOR = 1e-10
"""Errors smaller than this, in the unit of the axis, are drawn here: a logarithmic axis has no zero."""

LOG_RATIO = 50
"""Evaluations that span more than this factor are drawn on a logarithmic axis."""

FEW_SEEDS = 5
"""With fewer seeds than this a band spans all of them instead of the middle 80 %."""

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The palette of Okabe and Ito (https://jfly.uni-koeln.de/color/) without its yellow, which white paper swallows."""

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DEPTH = re.compile(r"^(?P<base>.+?) x(?P<depth>\d+)(?P<rest>, .*)?$")


@dataclass(frozen=True)
class Plot:
    """A picture on the disk and the words below it."""

    path: Path
    """The PNG file."""
    title: str
    """What the picture shows, in a few words."""
    caption: str
    """How to read it, for someone who does not know the code."""


@dataclass(frozen=True)
class _Look:
    """How one contender is drawn, the same in both pictures."""

    color: Any
    dashes: str
    marker: str
    series: str


def write_plots(ledger: Frame, trace: Frame, folder: Path) -> list[Plot]:
    """Draws `error_vs_step.png` and `error_vs_parameters.png`.

    Args:
        ledger: a run's ledger.
        trace: its trace.
        folder: where the pictures go; made if it is missing.

    Returns:
        The pictures that were drawn; none that would have been empty.
    """
    folder.mkdir(exist_ok=True)
    table = summary(ledger)
    drawn = table[table["finite"] > 0]
    missing = [str(label) for label in table.loc[table["finite"] == 0, "label"]]
    looks = _looks(table)
    plots = []
    for name, figure, title, caption in (
        ("error_vs_step", *_error_vs_step(trace, ledger, drawn, looks)),
        ("error_vs_parameters", *_error_vs_parameters(ledger, drawn, looks)),
    ):
        path = folder / f"{name}.png"
        if figure is None:
            path.unlink(missing_ok=True)  # an older picture would tell of other numbers
            continue
        with write_whole(path) as temporary:
            # No software version in the file: the same numbers give the same bytes.
            figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
        absent = f" Not drawn, because no seed gave a finite value: {', '.join(missing)}." if missing else ""
        plots.append(Plot(path, title, caption + absent))
    return plots


# ---------------------------------------------------------------------------------------------------------------------
# Error against step


def _error_vs_step(
    trace: Frame, ledger: Frame, drawn: Frame, looks: dict[str, _Look]
) -> tuple[Figure | None, str, str]:
    import numpy as np

    units = dict(zip(ledger["contender"], ledger["unit"], strict=True))
    trace = trace.assign(unit=trace["contender"].map(units), label=_trace_labels(trace, drawn))
    trace = trace[trace["label"].isin(set(drawn["label"]))]
    shown, quantity, unit = shown_errors(trace) if len(trace) else (trace["error"], "error", "")
    trace = trace.assign(shown=shown)
    figure, axes = _figure(rows=len(drawn))
    for label in drawn["label"]:
        seeds = [_curve(seed) for _, seed in trace[trace["label"] == label].groupby("seed", dropna=False, sort=True)]
        seeds = [seed for seed in seeds if len(seed[0])]
        if not seeds:
            continue
        grid = np.unique(np.concatenate([x for x, _ in seeds]))
        stacked = np.array([_held(grid, x, y) for x, y in seeds])
        if quantity == "error":
            stacked = np.maximum(stacked, FLOOR)
        low, middle, high = _spread(stacked)
        look = looks[str(label)]
        (line,) = axes.plot(grid, middle, color=look.color, linestyle=look.dashes, linewidth=1.8, label=label)
        axes.fill_between(grid, low, high, color=line.get_color(), alpha=0.11, linewidth=0)
    if not axes.lines:
        return None, "", ""
    axes.set_xlabel("gradient evaluations per start (line searches included)")
    noun = _error_axis(axes, quantity, unit)
    axes.set_title(f"{noun.capitalize()} against step")
    first, last = axes.dataLim.x0, axes.dataLim.x1
    if first > 0 and last > LOG_RATIO * first:  # a contender that is done in a few steps stays visible
        axes.set_xscale("log")
        axes.set_xlim(left=first)
    else:
        axes.set_xlim(left=0)
    _legend(figure, axes)
    caption = (
        f"How the {noun} changes while each contender is trained: the line is the median over its starts (seeds), "
        f"the band holds the middle 80 % of them, or all of them where there are fewer than {FEW_SEEDS}. The "
        "horizontal axis counts evaluations of value and gradient, so that methods that take more of them per step "
        "are not favored. A start that ended early keeps its last value. "
    )
    return figure, f"{noun.capitalize()} against step", caption + _line_words() + _axis_words(quantity)


def _trace_labels(trace: Frame, drawn: Frame) -> list[str]:
    """The summary's label of each row of the trace, which does not know the method."""
    names = {
        (str(row.problem), str(row.contender)): str(row.label) for row in records(drawn[::-1])
    }  # reversed, so that the first of several methods wins
    pairs = zip(trace["problem"], trace["contender"], strict=True)
    return [names.get((str(problem), str(contender)), str(contender)) for problem, contender in pairs]


def _curve(seed: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Evaluations and shown numbers of one seed, in order, without what is not finite."""
    import numpy as np

    x = seed["evaluations"].fillna(seed["step"]).to_numpy(dtype=float, na_value=np.nan)
    y = seed["shown"].to_numpy(dtype=float)
    good = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[good], kind="stable")
    return x[good][order], y[good][order]


def _held(grid: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The curve on a common grid: each number holds until the next; before the first there is none."""
    import numpy as np

    position = np.searchsorted(x, grid, side="right") - 1
    return np.where(position >= 0, y[np.maximum(position, 0)], np.nan)


def _spread(stacked: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower end, median and upper end over the first axis."""
    import numpy as np

    outer = (0, 100) if len(stacked) < FEW_SEEDS else (10, 90)
    low, middle, high = np.nanpercentile(stacked, [outer[0], 50, outer[1]], axis=0)
    return low, middle, high


# ---------------------------------------------------------------------------------------------------------------------
# Error against parameters


def _error_vs_parameters(ledger: Frame, drawn: Frame, looks: dict[str, _Look]) -> tuple[Figure | None, str, str]:
    import numpy as np

    drawn = drawn[drawn["n_params"].notna()]
    if drawn.empty:
        return None, "", ""
    shown, quantity, unit = shown_errors(ledger)
    names = np.array(labels(ledger))
    points: dict[str, list[tuple[float, float]]] = {}
    figure, axes = _figure(rows=drawn["label"].map(lambda label: looks[str(label)].series).nunique())
    for row in records(drawn):
        look = looks[str(row.label)]
        values = shown[names == row.label].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        values = np.maximum(values, FLOOR) if quantity == "error" else values
        low, middle, high = (float(part[0]) for part in _spread(values[:, None]))
        n_params = float(row.n_params)
        axes.errorbar(
            [n_params],
            [middle],
            yerr=[[middle - low], [high - middle]],
            color=look.color,
            marker=look.marker,
            markersize=6,
            capsize=3,
            linewidth=1.2,
            markerfacecolor="white" if look.dashes == "--" else look.color,
            zorder=3,
        )
        if found := _DEPTH.match(str(row.label)):
            axes.annotate(
                f"x{found['depth']}",
                (n_params, middle),
                xytext=(6, 5),
                textcoords="offset points",
                fontsize=8,
                color="#333333",
                zorder=4,
            )
        points.setdefault(look.series, []).append((n_params, middle))
    for series, pairs in points.items():
        look = next(look for look in looks.values() if look.series == series)
        color, x, y = _series_color(looks, series), *zip(*sorted(pairs), strict=True)
        face = "white" if look.dashes == "--" else color
        axes.plot(
            x,
            y,
            color=color,
            linestyle=look.dashes,
            linewidth=1.5,
            marker=look.marker,
            markersize=6,
            markerfacecolor=face,
            label=series,
            zorder=2,
        )
    counts = drawn["n_params"].astype(float)
    if counts.min() > 0 and counts.max() > 8 * counts.min():
        axes.set_xscale("log")
        _plain_ticks(axes)
    axes.set_xlabel("number of parameters")
    noun = _error_axis(axes, quantity, unit)
    axes.set_title(f"{noun.capitalize()} against number of parameters")
    _legend(figure, axes)
    caption = (
        f"What accuracy each parameter bought: the {noun} at the end of training against the number of free "
        "parameters. A point is the median over the starts (seeds), its bar holds the middle 80 % of them, or all of "
        f"them where there are fewer than {FEW_SEEDS}. Points of one circuit with growing depth are joined; x4 "
        "means four layers. "
    )
    words = _line_words(filled=True) + _axis_words(quantity)
    return figure, f"{noun.capitalize()} against number of parameters", caption + words


def _plain_ticks(axes: Axes) -> None:
    """Numbers of parameters as 10, 20, 50, 100 and not as powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


# ---------------------------------------------------------------------------------------------------------------------
# What both share


def _figure(rows: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    # The legend stands below, so each of its rows asks for height.
    figure = Figure(figsize=(7.2, 4.6 + 0.22 * ((rows + 2) // 3)), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _error_axis(axes: Axes, quantity: str, unit: str) -> str:
    """Scales and names the vertical axis; gives the noun for what it shows."""
    in_unit = f" ({unit})" if unit else ""
    if quantity == "value":
        noun = "energy" if unit == HARTREE else "value"
        axes.set_ylabel(f"{noun}{in_unit}")
        axes.ticklabel_format(axis="y", useOffset=False)
        return noun
    axes.set_yscale("log")
    axes.set_ylabel(f"|error|{in_unit}")
    if unit == MILLIHARTREE:
        level = CHEMICAL_ACCURACY * MILLIHARTREE_PER_HARTREE
        axes.axhline(level, color="#555555", linewidth=1.0, linestyle=":", zorder=1)
        axes.annotate(
            "chemical accuracy (1.6 mHa)",
            (0.995, level),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            color="#333333",
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
            zorder=4,
        )
    return "error"


def _legend(figure: Figure, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    columns = 3 if max(map(len, names), default=0) <= 24 else 1 if len(names) <= 6 else 2
    figure.legend(
        handles, names, loc="outside lower center", ncols=columns, fontsize=8.5, frameon=False, handlelength=3
    )


def _looks(table: Frame) -> dict[str, _Look]:
    """Colors by series, from light to dark with depth; dashes for the generic family."""
    series: dict[str, list[tuple[int, str]]] = {}
    family = {str(row.label): row.family for row in records(table)}
    for label in family:
        found = _DEPTH.match(label)
        name = found["base"] + (found["rest"] or "") if found else label
        series.setdefault(name, []).append((int(found["depth"]) if found else 0, label))
    looks = {}
    for position, (name, members) in enumerate(series.items()):
        color = _COLORS[position % len(_COLORS)]
        for rank, (_, label) in enumerate(sorted(members)):
            share = 1.0 if len(members) == 1 else 0.45 + 0.55 * rank / (len(members) - 1)
            looks[label] = _Look(
                _tint(color, share),
                "--" if family[label] == "generic" else "-",
                _MARKERS[(position + position // len(_COLORS)) % len(_MARKERS)],
                name,
            )
    return looks


def _series_color(looks: dict[str, _Look], series: str) -> Any:
    """The full color of a series: that of its deepest member."""
    return min((look.color for look in looks.values() if look.series == series), key=sum)


def _tint(color: str, share: float) -> tuple[float, float, float]:
    """The color mixed with white; share 1 is the color itself."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - share * (1 - part) for part in to_rgb(color))
    return red, green, blue


def _line_words(filled: bool = False) -> str:
    marks = " (open marks)" if filled else ""
    return f"Dashed lines{marks} are generic contenders, solid ones carry the physics of the problem. "


def _axis_words(quantity: str) -> str:
    if quantity == "value":
        return "The exact reference is not known, so the value itself is drawn. "
    return f"The size of the error is drawn; errors below {FLOOR:g} are drawn at {FLOOR:g}. "
