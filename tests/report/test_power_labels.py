"""Powers of ten beside an axis: the same as matplotlib's formulas, as text."""

from __future__ import annotations

import unicodedata
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from qvar.report.plot_style import lay_out

RANGES = [(1e-12, 1e3), (0.3, 7.0), (2.0, 30.0), (1e-7, 1.7e-7), (0.9, 1.1e10)]


def labels(low: float, high: float, base: float, text: bool) -> list[str]:
    """All labels of an axis, those of minor ticks last."""
    figure = Figure(layout="constrained")
    axes: Any = figure.subplots()
    axes.set_yscale("log", base=base)
    axes.set_ylim(low, high)
    if text:
        lay_out(figure)
    axis = axes.yaxis
    found = [axis.major.formatter.format_ticks(axis.get_majorticklocs())]
    if not text or axis.get_minorticklocs().size:
        found.append(axis.minor.formatter.format_ticks(axis.get_minorticklocs()))
    return [label for some in found for label in some if label]


def formula(label: str) -> str:
    """The formula of a label, from what Unicode says about its signs."""
    plain, raised = "", ""
    for sign in label.replace("\N{MULTIPLICATION SIGN}", r"\times"):
        kind, _, code = unicodedata.decomposition(sign).partition(" ")
        if kind == "<super>":
            raised += chr(int(code, 16)).replace("\N{MINUS SIGN}", "-")
        else:
            plain += sign
    return rf"$\mathdefault{{{plain}{f'^{{{raised}}}' if raised else ''}}}$"


@pytest.mark.parametrize("ends", RANGES)
@pytest.mark.parametrize("base", [2, np.e, 10])
def test_labels_say_what_formulas_say(ends: tuple[float, float], base: float) -> None:
    words, formulas = labels(*ends, base, True), labels(*ends, base, False)
    assert words
    assert not any("$" in label for label in words)
    assert [formula(label) for label in words] == formulas


@pytest.mark.parametrize("settings", [{"font.family": "cmss10"}, {"text.usetex": True}])
def test_formulas_stay_if_the_font_lacks_the_signs(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matplotlib.layout_engine.ConstrainedLayoutEngine.execute", lambda *_: None)  # there is no TeX
    with mpl.rc_context(settings):
        assert labels(0.1, 100.0, 10, True) == labels(0.1, 100.0, 10, False)
