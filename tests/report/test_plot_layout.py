"""Words of the pictures: inside of the picture, apart from each other and from what is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from report.test_campaign_view import rows_at
from report.test_terminal import LEDGERS, SWEEP

from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.plot_style import ACCURACY_WORDS, wrapped_name
from qvar.report.reports import report_of

LONG = "a_circuit_that_someone_named_with_great_care_and_then_some_more layered twice over x8"


def flat(name: str) -> list[dict[str, Any]]:
    """Errors that are near chemical accuracy to the end, at the line that has that name."""
    rows = LEDGERS[name]()
    for row in rows:
        if row.get("error") is not None:
            row["error"] = 2e-3 + 1e-5 * row["seed"]
            row["trace_value"] = [row["reference"] + 2e-3] * len(row.get("trace_step", []))
    return rows


def renamed(name: str) -> list[dict[str, Any]]:
    """Contenders with long names."""
    rows = [dict(row) for row in LEDGERS[name]()]
    for column in ("contender", "series"):
        numbers = {old: k for k, old in enumerate(dict.fromkeys(row.get(column) for row in rows))}
        for row in rows:
            if row.get(column):
                row[column] = f"{LONG} {numbers[row[column]]}"
    return rows


ROWS = {
    "campaign": LEDGERS["campaign"],
    **{f"{name}, flat": lambda name=name: flat(name) for name in ("duel", "curve")},
    **{f"{name}, long names": lambda name=name: renamed(name) for name in LEDGERS if name != "campaign"},
    "campaign of words": lambda: [row for word in ("h2", LONG) for row in rows_at({"molecule": word})],
}


def drawn(name: str) -> Iterator[Figure]:
    rows = ROWS[name]()
    ledger, trace = ledger_from(rows), trace_from(rows)
    drawings, _ = report_of(ledger).drawings(ledger, trace)
    assert drawings
    for drawing in drawings:
        FigureCanvasAgg(drawing.figure).draw()
        yield drawing.figure


def boxes(texts: Any) -> list[tuple[str, Any]]:
    return [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text().strip()]


def ticks(axes: Any) -> list[tuple[str, Any]]:
    """Labels of the ticks that are seen."""
    found = []
    for axis, (low, high) in ((axes.xaxis, sorted(axes.get_xlim())), (axes.yaxis, sorted(axes.get_ylim()))):
        seen = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        found += boxes(tick.label1 for tick in seen if tick.label1.get_visible())
    return found


def overlap(one: Any, other: Any) -> bool:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return width > 1 and height > 1


def crosses(box: Any, line: Any) -> bool:
    """Whether a line or one of its marks lies in a box."""
    points = line.get_transform().transform(np.column_stack(line.get_data(orig=False)).astype(float))
    points = points[np.isfinite(points).all(axis=1)]
    steps = [np.linspace(a, b, 50) for a, b in pairwise(points)] if line.get_linestyle() != "None" else []
    return any(bool((box.x0 < x < box.x1) and (box.y0 < y < box.y1)) for x, y in np.vstack([points, *steps]))


@pytest.mark.parametrize("name", ROWS)
def test_words_cover_nothing(name: str) -> None:
    for figure in drawn(name):
        page = figure.bbox
        for axes in figure.axes:
            labels = ticks(axes)
            words = boxes([axes.title, axes.xaxis.label, axes.yaxis.label])
            for text, box in [*words, *boxes(axes.texts)]:
                assert box.x0 >= -1, text
                assert box.x1 <= page.x1 + 1, text
                assert box.y0 >= -1, text
                assert box.y1 <= page.y1 + 1, text
            for (one, place), (other, elsewhere) in combinations(labels, 2):
                assert not overlap(place, elsewhere), (one, other, axes.get_title())
            for text, box in boxes(axes.texts):
                assert len(text) < 4 or not any(crosses(box, line) for line in axes.lines), text
            for one, other in combinations(boxes(axes.texts) + words, 2):
                assert not overlap(one[1], other[1]), (one[0], other[0])
        for one, other in combinations([axes.title for axes in figure.axes if axes.get_title()], 2):
            assert not overlap(one.get_window_extent(), other.get_window_extent())
        for legend in figure.legends:
            box = legend.get_window_extent()
            assert box.x0 >= -1
            assert box.x1 <= page.x1 + 1
            assert box.y0 >= -1
            assert not any(overlap(box, axes.bbox) for axes in figure.axes)


def test_chemical_accuracy_is_named_below_the_panel() -> None:
    figures = list(drawn("duel, flat"))
    named = [[text.get_text() for legend in figure.legends for text in legend.get_texts()] for figure in figures]
    assert all(ACCURACY_WORDS in names for names in named)


def test_long_names_are_broken_where_they_have_parts() -> None:
    assert wrapped_name("uccsd", 10) == "uccsd"
    assert wrapped_name("one two three", 8) == "one two\nthree"
    assert wrapped_name("hardware_efficient x4", 10) == "hardware_\nefficient\nx4"
    assert wrapped_name("a" * 12, 10) == "a" * 10 + "\n" + "a" * 2
    assert SWEEP
