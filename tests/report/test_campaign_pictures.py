"""Pictures of a case swept over its arguments, from ledgers whose medians are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from campaign_ledgers import FAMILIES, LAYERS, SWEEP, failed, grid, rows_at

from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.plots import campaign
from qvar.report.plots.write import write_plots


def test_lines_against_a_number_in_a_panel_for_each_other_argument() -> None:
    drawings, missing = campaign.campaign_drawings(ledger_from(SWEEP))
    assert [drawing.name for drawing in drawings] == ["campaign_1", "campaign_parameters"]
    assert missing == []
    h4, lih = drawings[0].figure.axes
    assert (h4.get_title(), lih.get_title()) == ("molecule=h4", "molecule=lih")
    named: dict[str, Any] = {str(line.get_label()): line for line in lih.get_lines()}
    assert set(named) == {*FAMILIES, "chemical accuracy (1.6 mHa)"}
    assert list(named["ladder"].get_ydata()) == pytest.approx([100, 5, 0.25])
    assert list(named["ladder"].get_xdata()) == pytest.approx(LAYERS, abs=0.1)
    assert named["ladder"].get_linestyle() == "--"
    assert lih.get_yscale() == "log"
    assert "A panel for each value of molecule" in drawings[0].caption


def test_the_front_of_parameters_over_all_points() -> None:
    _, drawing = campaign.campaign_drawings(ledger_from(SWEEP))[0]
    _, lih = drawing.figure.axes
    named: dict[str, Any] = {str(line.get_label()): line for line in lih.get_lines()}
    assert list(named["constrained"].get_xdata()) == [6, 8] * 3
    # six parameters reach 5 mHa and ten 0.25 mHa; fabric with eight has 7.5 mHa at best
    assert sorted(set(named["Pareto front"].get_ydata())) == pytest.approx([0.25, 5])
    assert "molecule=lih: cluster (6, layers 3); ladder (10, layers 3)" in drawing.caption


def test_points_side_by_side_where_no_number_was_swept() -> None:
    sweep = grid(periodic=[True, False], start=["zero", "a start whose name is longer than any axis has room for"])
    drawings, _ = campaign.campaign_drawings(ledger_from([row for at in sweep for row in rows_at(at)]))
    assert [drawing.name for drawing in drawings] == ["campaign_points", "campaign_parameters"]
    words = [tick.get_text() for tick in drawings[0].figure.axes[0].get_xticklabels()]
    assert words[0] == "True, zero"
    assert len(set(words)) == 4
    assert max(map(len, words)) <= 36


def test_no_more_than_twelve_panels_and_forty_points() -> None:
    wide = [row for at in grid(a=list("abcde"), b=list("xyz"), layers=[1, 2]) for row in rows_at(at)]
    drawings, _ = campaign.campaign_drawings(ledger_from(wide))
    assert len(drawings[0].figure.axes) == 12
    assert "Only the first 12 of 15 panels are drawn." in drawings[0].caption
    long = [row for k in range(45) for row in rows_at({"name": f"n{k}"})]
    drawings, _ = campaign.campaign_drawings(ledger_from(long))
    assert len(drawings[0].figure.axes[0].get_xticks()) == 40
    assert "Only the first 40 of 45 points are drawn." in drawings[0].caption


def test_odd_ledgers_are_drawn_as_far_as_they_go(tmp_path: Path) -> None:
    gone = [row for n in (1, 2) for row in failed(rows_at({"layers": n}), "E")]
    assert write_plots(ledger_from(gone), trace_from(gone), tmp_path) == []
    half = [*rows_at({"layers": 1}), *rows_at({"layers": 2})[:3], *failed(rows_at({"layers": 3})[6:], "E")]
    stale = tmp_path / "campaign_points.png"
    stale.touch()
    assert [plot.path.stem for plot in write_plots(ledger_from(half), trace_from(half), tmp_path)] == [
        "campaign_1",
        "campaign_parameters",
    ]
    assert not stale.exists()
    only = [*rows_at({"layers": 1}), *rows_at({"layers": 2})]
    lost = failed(rows_at({"layers": 1}, name="lost {}")[:1], "E")
    plots = write_plots(ledger_from([*only, *lost]), trace_from(only), tmp_path)
    assert "Not drawn, because there is no finite value: lost ladder." in plots[0].caption
    noise = [row for x in (1e-4, 1e-2, 1.0) for row in rows_at({"noise": x}, reference=False)]
    drawings, _ = campaign.campaign_drawings(ledger_from(noise))
    assert drawings[0].figure.axes[0].get_xscale() == "log"
    assert drawings[0].title == "Energy against noise"
