"""The pictures of a run, written to its folder: which ones, its view decides."""

from __future__ import annotations

from pathlib import Path

from qvar.atomic_files import write_whole
from qvar.report.plot_style import Plot
from qvar.report.tables import Frame
from qvar.report.views import VIEWS, view_of


def write_plots(ledger: Frame, trace: Frame, folder: Path) -> list[Plot]:
    """Draws what there is to see in a run.

    Args:
        ledger: a run's ledger.
        trace: its trace.
        folder: where the pictures go; made if it is missing.

    Returns:
        The pictures that were drawn; none that would have been empty.
    """
    folder.mkdir(exist_ok=True)
    drawings, missing = view_of(ledger).drawings(ledger, trace)
    absent = f"Not drawn, because there is no finite value: {', '.join(missing)}." if missing else ""
    for name in {name for view in VIEWS for name in view.pictures} - {drawing.name for drawing in drawings}:
        (folder / f"{name}.png").unlink(missing_ok=True)  # an older picture would tell of other numbers
    plots = []
    for drawing in drawings:
        path = folder / f"{drawing.name}.png"
        with write_whole(path) as temporary:
            # No software version in the file: the same numbers give the same bytes.
            drawing.figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
        plots.append(Plot(path, drawing.title, f"{drawing.caption.strip()} {absent}".strip()))
    return plots
