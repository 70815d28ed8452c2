"""The pictures of a run, written to its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qvar.atomic_files import write_whole
from qvar.report.plot_style import Plot
from qvar.report.reports import ALL_PICTURES, report_of

if TYPE_CHECKING:
    import pandas as pd


def write_plots(ledger: pd.DataFrame, trace: pd.DataFrame, folder: Path, study: str | None = None) -> list[Plot]:
    """Draw the pictures of a run.

    Args:
        ledger: a run's ledger.
        trace: its trace.
        folder: where the pictures go; made if it is missing.
        study: name of the run's study in `case.json`.

    Returns:
        The pictures that were drawn; none that would have been empty.
    """
    folder.mkdir(exist_ok=True)
    drawings, missing = report_of(ledger, study).drawings(ledger, trace)
    absent = f"Not drawn, because there is no finite value: {', '.join(missing)}." if missing else ""
    for name in ALL_PICTURES - {drawing.name for drawing in drawings}:
        (folder / f"{name}.png").unlink(missing_ok=True)  # an older picture would be of other numbers
    plots = []
    for drawing in drawings:
        path = folder / f"{drawing.name}.png"
        with write_whole(path) as temporary:
            # No software version in the file: the same numbers give the same bytes.
            drawing.figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
        plots.append(Plot(path, drawing.title, f"{drawing.caption.strip()} {absent}".strip()))
    return plots
