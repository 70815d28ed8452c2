"""Pictures that are drawn once for two formats: the PNG file is that of matplotlib, and the SVG file shows the same."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread

from qvar.report.dark_colors import INK, PAPER, contrast, on_dark, with_names
from qvar.report.interactive import interactive
from qvar.report.plot_style import FAMILY_COLORS, lay_out, looks
from qvar.report.power_labels import powers_as_text

NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"


def everything() -> Figure:
    """Every kind of thing that the pictures of qvar have, and words at an angle."""
    figure = Figure(figsize=(6, 5), dpi=150)
    left, right = figure.subplots(1, 2)
    left.plot([1, 10, 1000], [1, 3, 2], "--s", label="line", clip_on=True)
    left.fill_between([1, 100], [1.2, 1.5], [2.0, 2.5], alpha=0.2)
    left.bar([5, 50], [1.5, 2.5], hatch="//", width=[2, 20])
    left.errorbar([20], [2.0], yerr=[0.5])
    left.annotate("7", (10, 3), xytext=(12, 9), textcoords="offset points", arrowprops={"arrowstyle": "-"})
    left.set_xscale("log")
    left.set_ylabel("|error| (mHa)")
    left.set_xlabel("words, $10^{-3}$", rotation=20)
    right.scatter([0, 1, 2], [2, 1, 0], s=[10, 40, 90])
    right.pcolormesh([2.0, 3.0, 4.0], [0.0, 1.0], [[0.0, 1.0]], shading="flat")
    right.set(xlim=(-1, 5), ylim=(-1, 3))
    figure.legend(loc="lower center")
    return figure


def test_the_png_file_is_that_of_matplotlib(tmp_path: Path) -> None:
    usual = io.BytesIO()
    FigureCanvasAgg(everything()).print_png(usual, metadata={"Software": None})
    interactive(everything(), "p", "title", tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes() == usual.getvalue()


def _shapes(svg: str) -> list[tuple[str, list[float]]]:
    """Elements in their order, each with the numbers of its paths and places, in points."""
    found = []
    for element in ET.fromstring(svg).iter():
        words = [element.get(name, "") for name in ("d", "x", "y", "width", "height", "transform")]
        found.append((element.tag.rpartition("}")[2], [float(n) for w in words for n in re.findall(NUMBER, w)]))
    return found


def test_the_svg_file_is_that_of_matplotlib_within_a_pixel(tmp_path: Path) -> None:
    usual = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "qvar"}):
        FigureCanvasSVG(everything()).print_svg(
            usual, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    own, other = _shapes(interactive(everything(), "p", "title", tmp_path / "p.png").svg), _shapes(usual.getvalue())
    assert [tag for tag, _ in own] == [tag for tag, _ in other]
    for (tag, mine), (_, theirs) in zip(own, other, strict=True):
        assert len(mine) == len(theirs), tag
        assert np.abs(np.array(mine) - np.array(theirs)).max(initial=0.0) < 1.0, tag


def test_pixels_of_a_rasterized_part_lie_where_it_is(tmp_path: Path) -> None:
    figure = Figure(figsize=(4, 3), dpi=150)
    axes = figure.subplots()
    axes.pcolormesh([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [[0.0, 1.0], [2.0, 3.0]], rasterized=True)
    svg = interactive(figure, "p", "title", tmp_path / "p.png").svg
    (image,) = [element for element in ET.fromstring(svg).iter() if element.tag.endswith("image")]
    (width, height), (left, below) = axes.bbox.size, axes.bbox.min  # in points, as the figure is left
    assert float(image.get("width", 0)) == pytest.approx(width, abs=1)
    assert float(image.get("height", 0)) == pytest.approx(height, abs=1)
    assert float(image.get("x", 0)) == pytest.approx(left, abs=1)
    assert -float(image.get("y", 0)) == pytest.approx(72 * 3 - below - height, abs=1)


def panels() -> Figure:
    figure = Figure(figsize=(6, 4), layout="constrained", dpi=150)
    for axes in figure.subplots(1, 2, sharey=True):
        axes.plot([1.0, 3.0, 2000.0], [1e-3, 2.0, 50.0])
        axes.set(xscale="log", yscale="log", xlabel="cost")
        axes.grid(visible=True)
    return figure


def test_marks_of_minor_ticks_are_one_line_of_each_axis_and_look_the_same(tmp_path: Path) -> None:
    usual, ours = panels(), panels()
    for axes in usual.axes:
        powers_as_text(axes.xaxis)
        powers_as_text(axes.yaxis)
    FigureCanvasAgg(usual).print_png(tmp_path / "usual.png")
    lay_out(ours)
    FigureCanvasAgg(ours).print_png(tmp_path / "ours.png")
    assert np.array_equal(imread(tmp_path / "usual.png"), imread(tmp_path / "ours.png"))
    every: list[Any] = [axis for axes in ours.axes for axis in (axes.xaxis, axes.yaxis)]
    assert [len(axis.get_minorticklocs()) for axis in every] == [0, 0, 0, 0]
    assert [len(axes.lines) for axes in ours.axes] == [3, 3]


def test_colors_of_a_picture_can_be_exchanged_and_are_the_same_on_a_white_page(tmp_path: Path) -> None:
    svg = interactive(everything(), "p", "title", tmp_path / "p.png").svg
    plain = re.sub(r"var\(--c([0-9a-f]{6}), #\1\)", r"#\1", svg)
    assert with_names(plain) == svg
    assert "#ffffff" in plain
    assert not re.search(r"(fill|stroke): #", svg), "every color has a name"


def test_lines_and_words_can_be_seen_on_a_dark_page() -> None:
    import pandas as pd

    assert on_dark("#ffffff") == PAPER
    assert on_dark("#000000") == INK
    names = [f"circuit {k}" for k in range(10)]
    table = pd.DataFrame({"label": names, "family": "generic", "contender": names, "series": names, "layers": None})
    drawn = [to_hex(look.color) for look in looks(table).values()]
    for color in [*drawn, *FAMILY_COLORS.values(), "#888888"]:
        assert contrast(on_dark(color), PAPER) >= 3, color
    grays = [contrast(on_dark(f"#{part:02x}{part:02x}{part:02x}"), PAPER) for part in range(0, 256, 5)]
    assert grays == sorted(grays, reverse=True), "what is darker on white is lighter on black"
    style = (Path(__file__).parents[2] / "qvar" / "report" / "page.css").read_text()
    dark = style[style.index("prefers-color-scheme: dark") :]
    assert f"--card: {PAPER};" in dark
    assert f"--ink: {INK};" in dark
