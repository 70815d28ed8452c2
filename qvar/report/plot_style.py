"""Parts that the pictures share: line styles of contenders, the axis of errors, the spread over seeds, the legend."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.rows import MILLIHARTREE, known, resolution, resolution_words, series_label, typed
from qvar.report.interactive import Interactive
from qvar.units import CHEMICAL_ACCURACY, HARTREE, MILLIHARTREE_PER_HARTREE, plain_number

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

Axes: TypeAlias = "matplotlib.axes.Axes"
Figure: TypeAlias = "matplotlib.figure.Figure"
"""Types of matplotlib, which is imported where a picture is drawn, for it takes long."""

FEW_SEEDS = 5
"""With fewer seeds than this a band spans all of them instead of the middle 80 %."""

MANY_LINES = 14
"""With more contenders than this only the first `BEST_LINES` of the table have colors, the others are gray."""

BEST_LINES = 10

FAMILY_COLORS = {"generic": "#D55E00", "constrained": "#0072B2", "published": "#555555"}
"""Vermilion and blue of Okabe and Ito, which people with any color vision distinguish, and gray."""

FAMILY_MARKERS = {"generic": "s", "constrained": "o", "published": "D"}

_COLORS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933", "#332288", "#661100",
)  # fmt: skip
"""The palette of Okabe and Ito (https://jfly.uni-koeln.de/color/) without its yellow, which white paper swallows,
and its black, which is the exact curve's; then wine, olive, indigo and brown of Paul Tol
(https://personal.sron.nl/~pault/)."""

ACCURACY_WORDS = "chemical accuracy (1.6 mHa)"

_LEGEND_LETTERS = 60
"""Longer names take several lines of a legend."""

_LETTER_POINTS = 5.2
_HANDLE_POINTS = 52.0
"""Widths of a letter, and of a line with the space around it, in a legend; 1/72 inch."""

_GRAY = "#B8BCC4"
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@dataclass(frozen=True)
class Plot:
    """A picture on the disk and the words below it."""

    path: Path
    """The PNG file."""
    title: str
    """Its content in a few words."""
    caption: str
    """Explanation for someone who does not know the code."""
    page: Interactive | None = None
    """The same picture for a page; None if the page shows the file."""


@dataclass(frozen=True)
class Drawing:
    """A picture that is not yet on the disk."""

    name: str
    """Name of its file, without the ending."""
    figure: Figure
    """The picture."""
    title: str
    """Its content in a few words."""
    caption: str
    """Explanation of it."""


@dataclass(frozen=True)
class Look:
    """Line style of one contender."""

    color: Any
    dashes: str
    marker: str
    named: bool
    """True if the legend names it."""


class _Line(NamedTuple):
    """A contender with a line; None if a table has no such column."""

    label: str
    family: str | None
    contender: str | None
    series: str | None
    layers: int | None


def looks(table: DataFrame) -> dict[str, Look]:
    """Choose colors by series, from light to dark with depth; dashes for the generic family."""
    series: dict[str, list[tuple[int, str]]] = {}
    rows = typed(table, _Line)
    colored = rows if len(rows) <= MANY_LINES else rows[:BEST_LINES]
    for row in colored:
        label = str(row.label)
        name = series_label(label, str(row.contender or label), row.series)
        series.setdefault(name, []).append((int(row.layers) if known(row.layers) else 0, label))
    dashes = {str(row.label): "--" if row.family == "generic" else "-" for row in rows}
    drawn = {}
    for position, members in enumerate(series.values()):
        color = _COLORS[position % len(_COLORS)]
        marker = _MARKERS[(position + position // len(_COLORS)) % len(_MARKERS)]
        for rank, (_, label) in enumerate(sorted(members)):
            share = 1.0 if len(members) == 1 else 0.45 + 0.55 * rank / (len(members) - 1)
            drawn[label] = Look(_tint(color, share), dashes[label], marker, True)
    return {label: drawn.get(label, Look(_GRAY, dashes[label], "", False)) for label in dashes}


def _tint(color: str, share: float) -> tuple[float, float, float]:
    """Return the color mixed with white; share 1 is the color itself."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - share * (1 - part) for part in to_rgb(color))
    return red, green, blue


def plain_panels(
    size: tuple[float, float], n_rows: int, n_columns: int, number: int | None = None, **shared: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels, row by row; places after the first `number` stay empty.

    `shared` are `sharex` and `sharey` of matplotlib.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    every: list[Axes] = list(figure.subplots(n_rows, n_columns, squeeze=False, **shared).flat)
    for axes in every[len(every) if number is None else number :]:
        axes.remove()
    for axes in every[:number]:
        plain_axes(axes)
    return figure, every[:number]


def panel_figure(n_panels: int, height: float, n_named: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels below each other, with more height for a legend of so many names below them."""
    return plain_panels((7.2, height + 0.22 * ((n_named + 2) // 3)), n_panels, 1, sharex=True)


def panel_row(n_panels: int, width: float, height: float, *, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels beside each other."""
    return plain_panels((width, height), 1, n_panels, sharey=sharey)


def lay_out(figure: Figure) -> None:
    """Place panels, titles and legends once and for all; drawing would do it again each time.

    Marks of minor ticks without labels, which take no room but most of the time, are left out meanwhile, and are one
    line of each axis from then on.
    """
    from matplotlib.axis import Ticker
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import NullFormatter, NullLocator

    from qvar.report.power_labels import powers_as_text

    layout = figure.get_layout_engine()
    if not isinstance(layout, ConstrainedLayoutEngine):  # placed already
        return
    nothing = Ticker()
    nothing.locator, nothing.formatter = NullLocator(), NullFormatter()
    axes_of_all: list[Any] = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    minor = {}
    for axis in axes_of_all:
        powers_as_text(axis)
        if not any(axis.minor.formatter.format_ticks(axis.get_minorticklocs())):
            minor[axis], axis.minor = axis.minor, nothing
    layout.execute(figure)
    places = {}
    for axis, ticker in minor.items():
        axis.minor = ticker
        places[axis] = axis.get_minorticklocs()
    for axis, numbers in places.items():
        _draw_minor_ticks(axis, numbers)
    figure.set_layout_engine("none")


def _draw_minor_ticks(axis: Any, places: np.ndarray) -> None:
    """Draw the marks of minor ticks as one line; each would be five objects."""
    from matplotlib.lines import Line2D
    from matplotlib.ticker import NullLocator

    low, high = sorted(axis.get_view_interval())
    inside = [place for place in places if low <= place <= high]
    if not inside:
        return
    model = axis.get_minor_ticks(1)[0]
    axis.set_minor_locator(NullLocator())
    if not model.get_visible() or not model.tick1line.get_visible():
        return
    nowhere = np.zeros(len(inside))
    marks = Line2D(*((inside, nowhere) if axis.axis_name == "x" else (nowhere, inside)))
    marks.update_from(model.tick1line)
    # as those of an axis, which is drawn after other things of its height, and that of y after that of x
    marks.set_zorder(axis.get_zorder() if axis.axis_name == "x" else np.nextafter(axis.get_zorder(), np.inf))
    axis.axes.add_artist(marks)
    marks.set_clip_on(False)


def line_figure(n_named: int) -> tuple[Figure, Axes]:
    """Return a figure of one panel, with height for a legend of so many names below it."""
    figure, (axes,) = panel_figure(1, 4.6, n_named)
    return figure, axes


def finished(name: str, axes: Axes, title: str, caption: str, pad: float | None = None) -> Drawing:
    """Write the title above a panel and the legend below the figure; return the picture."""
    axes.set_title(title, pad=pad)
    figure: Any = axes.figure
    legend_below(figure, [axes])
    return Drawing(name, figure, title, caption)


def finished_row(
    name: str, figure: Figure, panels: Sequence[Axes], title: str, caption: str, size: float | str = "large"
) -> Drawing:
    """Write the title above all panels, and below them the legend of some of them; return the picture."""
    figure.suptitle(title, fontsize=size)
    legend_below(figure, panels)
    return Drawing(name, figure, title, caption)


def median_line(axes: Axes, x: np.ndarray, ends: Sequence[np.ndarray], look: Look, label: str, **style: Any) -> None:
    """Draw the line of a contender's medians, with a band if the contender has a color.

    `ends` are lower ends, medians and upper ends, see `spread`; `style` are other settings of the line.
    """
    low, middle, high = ends
    named = {"linewidth": 1.7, "label": label, "zorder": 2.5} if look.named else {"linewidth": 1, "zorder": 1.5}
    axes.plot(x, middle, color=look.color, linestyle=look.dashes, gid=label, **{**named, **style})
    if look.named:
        axes.fill_between(x, low, high, color=look.color, alpha=0.11, linewidth=0, gid=label)


def legend_entry(axes: Axes, label: str, **style: Any) -> None:
    """Add a line or mark to the legend alone."""
    axes.plot([], [], label=label, **style)


def plain_axes(axes: Axes) -> None:
    """Draw a pale grid and no frame above and to the right."""
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def drawn_errors(numbers: np.ndarray, quantity: str, unit: str) -> np.ndarray:
    """Return errors as they are drawn: none below the resolution, for a logarithmic axis has no zero."""
    return np.maximum(numbers, resolution(unit)) if quantity == "error" else numbers


def spread(stacked: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lower end, median and upper end over the first axis, the seeds; a column of NaN stays NaN."""
    outer = (0, 100) if len(stacked) < FEW_SEEDS else (10, 90)
    percents = [outer[0], 50, outer[1]]
    ends = np.percentile(stacked, percents, axis=0)
    part = np.isnan(stacked).any(axis=0)  # few columns, for which NumPy takes a thousand times as long
    if part.any():
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
            ends[:, part] = np.nanpercentile(stacked[:, part], percents, axis=0)
    low, middle, high = ends
    return low, middle, high


def spread_of(numbers: np.ndarray) -> tuple[float, float, float]:
    """Return lower end, median and upper end of the numbers of some seeds, (n,)."""
    low, middle, high = spread(numbers[:, None])
    return float(low[0]), float(middle[0]), float(high[0])


def value_axis(axes: Axes, quantity: str, unit: str) -> str:
    """Scale and name the vertical axis; return the noun for what it shows."""
    in_unit = f" ({unit})" if unit else ""
    if quantity == "value":
        noun = "energy" if unit == HARTREE else "value"
        axes.set_ylabel(f"{noun}{in_unit}")
        axes.ticklabel_format(axis="y", useOffset=False)
        return noun
    axes.set_yscale("log")
    axes.set_ylabel(f"|error|{in_unit}")
    return "error"


def accuracy_line(axes: Axes, unit: str) -> Any:
    """Return the line of chemical accuracy, if the unit has one; the legend names it."""
    if unit != MILLIHARTREE:
        return None
    level = CHEMICAL_ACCURACY * MILLIHARTREE_PER_HARTREE
    return axes.axhline(level, color="#555555", linewidth=1.0, linestyle=":", zorder=1, label=ACCURACY_WORDS)


def legend_below(figure: Figure, panels: Sequence[Axes]) -> None:
    """Draw the names of the lines of all panels, each once, below them; the figure grows for names of several lines."""
    named: dict[str, Any] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(wrapped_name(name, _LEGEND_LETTERS), handle)
    names = list(named)
    columns = _legend_columns(names, 72 * figure.get_figwidth())
    figure.legend(
        list(named.values()), names, loc="outside lower center", ncols=columns, fontsize=8.5, frameon=False,
        handlelength=3,
    )  # fmt: skip
    lines = sum(name.count("\n") + 1 for name in names) / columns - len(names) / 3
    figure.set_figheight(figure.get_figheight() + 0.2 * max(0.0, lines))


def _legend_columns(names: list[str], width: float) -> int:
    """Return as many columns, up to three, as fit into a width in points: each is as wide as its longest line."""
    widths = [max(map(len, name.split("\n"))) * _LETTER_POINTS + _HANDLE_POINTS for name in names]
    for columns in (3, 2):
        parts = np.array_split(widths, columns)
        if sum(part.max() for part in parts if len(part)) <= width:
            return columns
    return 1


def wrapped_name(name: str, letters: int) -> str:
    """Return a name in lines of at most so many letters, broken at spaces, or after underscores and hyphens."""
    lines = []
    for part in textwrap.wrap(name, letters, break_long_words=False, break_on_hyphens=False) or [name]:
        while len(part) > letters:
            at = max(part.rfind(sign, 0, letters) for sign in "_-") + 1 or letters
            lines.append(part[:at])
            part = part[at:]
        lines.append(part)
    return "\n".join(lines)


def plain_log_ticks(axes: Axes, which: Literal["x", "y"] = "y") -> None:
    """Write numbers such as 20 and 0.5 instead of powers on a logarithmic axis that spans little."""
    low, high = axes.get_ylim() if which == "y" else axes.get_xlim()
    axis: Any = getattr(axes, f"{which}axis")
    if low > 0 and high < 1000 * low:
        plain_numbers(axis)


def plain_numbers(axis: Any, subs: Sequence[float] = (1, 2, 5)) -> None:
    """Write numbers instead of powers on a logarithmic axis, at these multiples of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    axis.set_minor_formatter(NullFormatter())


def line_words(n_drawn: int) -> str:
    """Return the meaning of dashes and gray."""
    words = "Dashed lines are generic contenders, solid ones carry the physics of the problem. "
    return words + gray_words(n_drawn)


def gray_words(n_drawn: int) -> str:
    """Return the meaning of gray; "" if nothing is gray."""
    return f"The {BEST_LINES} first of the table have colors, the others are gray. " if n_drawn > MANY_LINES else ""


def axis_words(quantity: str, unit: str) -> str:
    """Return the limits of the vertical axis in words."""
    if quantity == "value":
        return "The exact reference is not known, so the value itself is drawn. "
    floor = f"{resolution_words(unit)} {unit}".rstrip()
    return f"The size of the error is drawn; errors below {floor}, which are rounding, are drawn there. "


def seed_words() -> str:
    """Return the share of the seeds that a bar or band holds, in words."""
    return f"the middle 80 % of them, or all of them if there are fewer than {FEW_SEEDS}"
