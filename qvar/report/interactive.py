"""Pictures of a page whose points have names under the pointer, and whose contenders can be hidden.

A figure becomes its own SVG, so that page and PNG file look the same; `page.js` reads the names beside it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qvar.report.dark_colors import with_names

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 200
"""Points of a line that have names; of a longer one, every second, third, ... and the last."""

_SALT = "qvar"
"""Makes the names inside an SVG file the same each time."""


class Interactive(NamedTuple):
    """A figure for a page."""

    svg: str
    """The `<svg>` element."""
    points: str
    """JSON for `page.js`: names of the series, the elements that belong to each, and their points."""


def interactive(figure: Figure, prefix: str, title: str, png: Path) -> Interactive:
    """Draw a figure: write it as PNG, and return it as SVG with the names of its series and the places of their points.

    A series is what has one `gid`, or one label of a legend, on all axes. The figure keeps the layout that it has.

    The figure should not be drawn again. All names of elements start with `prefix`, different for each figure of a
    page; the title is for readers who cannot see the picture. No software version is in the PNG file, so that the same
    numbers give the same bytes.
    """
    import matplotlib as mpl
    from matplotlib.image import imsave

    from qvar.report.png_and_svg import PngAndSvg

    layout: Any = figure
    layout.set_layout_engine("none")
    names = _names(figure)
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": _SALT}):
        renderer = PngAndSvg(figure, stream)
        figure.draw(renderer)
        renderer.finish()
    pixels = np.asarray(renderer.buffer_rgba())
    no_version: Any = {"Software": None}
    imsave(png, pixels, format="png", origin="upper", dpi=figure.dpi, metadata=no_version)
    text = stream.getvalue()
    text = with_names(text[text.index("<svg") :])
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", text)
    label = title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    text = text.replace("<svg ", f'<svg role="group" aria-label="{label}" ', 1)
    figure.set_dpi(72)  # the unit of an SVG file
    height = 72 * figure.get_figheight()
    elements: dict[str, list[str]] = {}
    for artist, name in names:
        elements.setdefault(name, []).append(f"{prefix}-{artist.get_gid()}")
    legend = {f"{prefix}-{artist.get_gid()}": name for artist, name in _legend_parts(figure, set(elements))}
    points = [part for axes in figure.axes for part in _points(axes, dict(names), height)]
    return Interactive(text, json.dumps({"elements": elements, "legend": legend, "points": points}))


def _names(figure: Figure) -> list[tuple[Artist, str]]:
    """Return the artists that belong to a series, with its name; each gets a `gid` of its own."""
    artists: list[tuple[Artist, str]] = []
    for axes in figure.axes:
        for artist in (*axes.lines, *axes.collections, *axes.texts):
            name = str(artist.get_gid() or artist.get_label() or "")
            if name and not name.startswith("_"):
                artists.append((artist, name))
    for number, (artist, _) in enumerate(artists):
        artist.set_gid(f"part{number}")
    for number, (artist, _) in enumerate(_legend_parts(figure, {name for _, name in artists})):
        artist.set_gid(f"entry{number}")
    return artists


def _legend_parts(figure: Figure, series: set[str]) -> Iterator[tuple[Artist, str]]:
    """Yield marks and words of all legends that name a series, with its name."""
    names = {"".join(name.split()): name for name in series}  # long names have other line breaks in a legend
    for legend in [*figure.legends, *filter(None, (axes.get_legend() for axes in figure.axes))]:
        for mark, words in zip(legend.legend_handles, legend.get_texts(), strict=True):
            name = names.get("".join(words.get_text().split()))
            if name is not None:
                yield from ((part, name) for part in (mark, words) if part is not None)


def _points(axes: Axes, names: dict[Artist, str], height: float) -> Iterator[dict[str, Any]]:
    """Yield the points of each line: its name, words of both axes, numbers, and places from the upper left corner."""
    box = axes.bbox.padded(1.0)
    for line in axes.lines:
        if line not in names or line.get_transform() != axes.transData:  # a line across the axes has no points
            continue
        numbers = np.asarray(line.get_xydata(), float)
        places = np.asarray(line.get_transform().transform(numbers))
        good = np.isfinite(places).all(axis=1) & np.isfinite(numbers).all(axis=1)
        good &= (places >= box.min).all(axis=1) & (places <= box.max).all(axis=1)
        if not good.any():
            continue
        numbers, places = numbers[good], places[good]
        kept = np.unique(np.linspace(0, len(numbers) - 1, min(len(numbers), MOST_POINTS)).round().astype(int))
        yield {
            "name": names[line],
            "words": [_axis_words(axes, "x"), _axis_words(axes, "y")],
            "numbers": [[float(f"{x:.6g}"), float(f"{y:.6g}")] for x, y in numbers[kept]],
            "places": [[round(x, 1), round(height - y, 1)] for x, y in places[kept]],
        }


def _axis_words(axes: Axes, which: str) -> str:
    """Return the words of an axis, which may be those of another panel that shares it."""
    shared: Any = getattr(axes, f"get_shared_{which}_axes")()
    words = [getattr(other, f"get_{which}label")() for other in (axes, *shared.get_siblings(axes))]
    return next((word for word in words if word), which)
