"""A renderer that draws a figure as PNG and as SVG at once, because most of the time goes into what both share.

Ticks, places of texts and paths are computed once, in pixels of the PNG file; the SVG file gets them in points. Line
widths and sizes of letters are in points already.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D, TransformedPath

_TRANSFORMS = {
    "draw_path": (2,),
    "draw_markers": (2, 4),
    "draw_path_collection": (1, 5),
    "draw_quad_mesh": (1, 6),
    "draw_gouraud_triangles": (3,),
}
"""{method of a renderer: places of the transforms to pixels among its arguments}."""

_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


class PngAndSvg(RendererAgg):
    """Renderer of a figure for both formats."""

    def __init__(self, figure: Figure, stream: io.StringIO) -> None:
        """Begin the SVG file in `stream`; the pixels are those of `buffer_rgba` after the figure was drawn."""
        columns, rows = map(int, figure.bbox.max)
        super().__init__(columns, rows, figure.dpi)
        width, height = (72 * float(inches) for inches in figure.get_size_inches())
        dpi: Any = figure.dpi  # matplotlib's stubs want a whole number, and its own files give this one
        self._svg = RendererSVG(width, height, stream, image_dpi=dpi, metadata=dict(_NO_METADATA))
        self._shrink = 72 / figure.dpi
        self._to_points = Affine2D().scale(self._shrink)
        self._raster: RendererAgg | None = None
        own: Any = self
        for name, places in _TRANSFORMS.items():  # most of them are not methods of the class
            setattr(self, name, self._drawn_twice(name, getattr(own, name), places))

    def _drawn_twice(self, name: str, draw: Callable[..., None], places: tuple[int, ...]) -> Callable[..., None]:
        draw_svg: Callable[..., None] = getattr(self._svg, name)

        def draw_both(gc: Any, *arguments: Any, **more: Any) -> None:
            draw(gc, *arguments, **more)
            if self._raster is not None:
                getattr(self._raster, name)(gc, *arguments, **more)
                return
            rest = list(arguments)
            for place in places:
                rest[place - 1] = arguments[place - 1] + self._to_points
            draw_svg(self._in_points(gc), *rest, **more)

        return draw_both

    def _in_points(self, gc: Any) -> GraphicsContextBase:
        """Return a graphics context that clips in points."""
        own = GraphicsContextBase()
        own.copy_properties(gc)
        rectangle, (path, transform) = gc.get_clip_rectangle(), gc.get_clip_path()
        if rectangle is not None:
            own.set_clip_rectangle(rectangle.transformed(self._to_points))
        if path is not None:
            own.set_clip_path(TransformedPath(path, transform + self._to_points))
        return own

    def draw_text(self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, *rest: Any, **more: Any) -> None:
        """Draw a text; y is counted from above."""
        super().draw_text(gc, x, y, s, prop, angle, *rest, **more)
        up = self._svg.height - self._shrink * (self.height - y)
        self._svg.draw_text(self._in_points(gc), self._shrink * x, up, s, prop, angle, *rest, **more)

    def draw_tex(self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, **more: Any) -> None:
        """Draw a text that TeX has set; y is counted from above."""
        super().draw_tex(gc, x, y, s, prop, angle, **more)
        up = self._svg.height - self._shrink * (self.height - y)
        self._svg.draw_tex(self._in_points(gc), self._shrink * x, up, s, prop, angle, **more)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Begin a group of the SVG file."""
        self._svg.open_group(s, gid)

    def close_group(self, s: str) -> None:
        """End a group of the SVG file."""
        self._svg.close_group(s)

    def start_rasterizing(self) -> None:
        """Draw what follows as pixels in the SVG file too."""
        self._raster = RendererAgg(self.width, self.height, self.dpi)

    def stop_rasterizing(self) -> None:
        """Put the pixels into the SVG file, without the empty ones around them."""
        assert self._raster is not None
        pixels, self._raster = np.asarray(self._raster.buffer_rgba()), None
        rows, columns = (np.flatnonzero(pixels[..., 3].any(axis=axis)) for axis in (1, 0))
        if len(rows):
            part = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            left, bottom = self._shrink * columns[0], self._shrink * (self.height - rows[-1] - 1)
            self._svg.draw_image(GraphicsContextBase(), left, bottom, part[::-1])

    def finish(self) -> None:
        """Write the end of the SVG file."""
        self._svg.finalize()
