"""Several studies on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qvar
from qvar.analysis.rows import where
from qvar.report.gallery import gallery_rows

X = np.linspace(-1.0, 1.0, 10)


def constant(theta: Any, x: Any) -> Any:
    return theta[0] + 0.0 * x


def line(theta: Any, x: Any) -> Any:
    return theta[0] + theta[1] * x


def selection(slope: float) -> qvar.Selection:
    models = [qvar.Candidate("constant", constant, 1), qvar.Candidate("line", line, 2, family="generic")]
    data = qvar.SimulatedData(X, 1.0 + slope * X, noise=0.1, levels=(1,))
    return qvar.Selection(models, data, seeds=8, folds=0, n_starts=1)


class Broken:
    """A study whose task raises."""

    name = "broken"

    def tasks(self) -> list[qvar.Task]:
        def run(report: Any) -> list[dict[str, Any]]:
            raise ValueError("no data")

        return [qvar.Task("0", "task", run)]


def test_each_entry_has_its_verdict(tmp_path: Path) -> None:
    """Without a slope the constant is better, with one the line; what fails is one row of its own."""
    gallery = qvar.Gallery(
        [
            qvar.GalleryEntry("level", "Is it level?", selection(0.0), limit="It has to be level."),
            qvar.GalleryEntry("steep", "Is it steep?", selection(2.0)),
            qvar.GalleryEntry("broken", "Does it run?", Broken()),
        ]
    )
    tasks = gallery.tasks()
    assert [task.label for task in tasks][:2] == ["level: constant, 1 shots", "level: line, 1 shots"]
    assert len({task.key for task in tasks}) == 5
    ledger = qvar.run(gallery, tmp_path / "run", progress=False)
    rows = {row.setting: row for row in gallery_rows(ledger)}
    assert set(rows) == {"level", "steep"}
    assert rows["level"].verdict == "constrained"
    assert (rows["steep"].verdict, rows["steep"].better, rows["steep"].worse) == ("generic", 0, 8)
    assert ledger["message"].dropna().str.contains("no data").sum() == 1
    page = (tmp_path / "run" / "report.html").read_text()
    assert "In 2 comparisons the constrained model is better in 1, the generic one in 1, and 0 are undecided." in page
    assert "It has to be level." in page
    assert "Is it steep?" in page
    assert (tmp_path / "run" / "plots" / "error_ratios.png").exists()
    assert where(ledger, ledger["entry"] == "steep")["compared"].tolist() == ["test_error"] * 16


def test_mistakes() -> None:
    entry = qvar.GalleryEntry("a", "b", Broken())
    with pytest.raises(qvar.QvarError, match="`entries` must have different names, but 'a' occurs more than once"):
        qvar.Gallery([entry, entry])
    with pytest.raises(qvar.QvarError, match="`entries` must hold at least one"):
        qvar.Gallery([])
