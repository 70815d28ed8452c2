"""Powers of ten beside an axis as text: matplotlib's own are formulas, whose parser takes longer than the picture."""

from __future__ import annotations

import re
from typing import Any

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import LogFormatterSciNotation

_RAISED = dict(zip("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))
"""Signs of an exponent as text."""


class PowersAsText(LogFormatterSciNotation):
    """Labels such as 10⁻³ and 2×10⁻³ of a logarithmic axis."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of a number."""
        formula = super().__call__(x, pos)
        words = re.fullmatch(r"\$\\mathdefault\{([-\d.]+(?:\\times\d+)?)(?:\^\{(-?\d+)\})?\}\$", formula)
        if words is None:
            return formula
        raised = "".join(_RAISED[sign] for sign in words[2] or "")
        return words[1].replace(r"\times", "\N{MULTIPLICATION SIGN}") + raised


def powers_as_text(axis: Any) -> None:
    """Label the powers of an axis with text, unless TeX sets all texts or the font lacks the signs."""
    if mpl.rcParams["text.usetex"]:
        return
    for ticker in (axis.major, axis.minor):
        usual = ticker.formatter
        if type(usual) is LogFormatterSciNotation and _font_has_signs():
            ticker.formatter = PowersAsText()
            vars(ticker.formatter).update(vars(usual))


def _font_has_signs() -> bool:
    font = get_font(findfont(FontProperties()))
    return all(font.get_char_index(ord(sign)) for sign in _RAISED.values())
