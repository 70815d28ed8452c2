"""Colors of pictures on a page that is shown dark.

An SVG picture names its colors with those of a white page as they are, and a rule of the page exchanges them on a dark
screen: white, black and gray between the page's own, and colors that are too dark to be seen become lighter.
"""

from __future__ import annotations

import re
from functools import cache

PAPER, INK = "#1c2029", "#e4e8f0"
"""Ground and words of a dark page, `--card` and `--ink` of page.css."""

_GRAY_SPREAD = 16
"""Largest difference between red, green and blue of a gray."""

_LEAST_CONTRAST = 3.5
"""Ratio of luminances of a line and the ground; WCAG 2.2 asks for 3."""

_STEPS = 20


def with_names(svg: str) -> str:
    """Return an SVG picture whose colors can be exchanged."""
    return re.sub(r"\b(fill|stroke): #([0-9a-f]{6})\b", r"\1: var(--c\2, #\2)", svg)


def dark_rules(body: str) -> str:
    """Return the rule that exchanges all colors with names on a page; "" if there is none."""
    colors = sorted({"000000", *re.findall(r"var\(--c([0-9a-f]{6})", body)})
    if len(colors) == 1:
        return ""
    rules = "; ".join(f"--c{color}: {on_dark(f'#{color}')}" for color in colors)
    return f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {rules}; }} }}\n"


@cache
def on_dark(color: str) -> str:
    """Return the color that takes the place of a color on a white page."""
    parts = _parts(color)
    if max(parts) - min(parts) <= _GRAY_SPREAD:
        return _mixed(PAPER, INK, 1 - sum(parts) / (3 * 255))
    lighter = (_mixed(color, "#ffffff", step / _STEPS) for step in range(_STEPS + 1))
    return next(one for one in lighter if contrast(one, PAPER) >= _LEAST_CONTRAST)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors, from 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    shares = [part / 255 for part in _parts(color)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def _mixed(color: str, other: str, share: float) -> str:
    """Return a color with a share of another one."""
    parts = zip(_parts(color), _parts(other), strict=True)
    return "#" + "".join(f"{round(one + share * (two - one)):02x}" for one, two in parts)
