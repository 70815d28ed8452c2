"""The pictures of a run, written to its folder."""

from __future__ import annotations

import warnings
from pathlib import Path

from qvar._types import DataFrame
from qvar.atomic_files import write_whole
from qvar.report.interactive import interactive
from qvar.report.plot_style import Plot, lay_out
from qvar.report.reports import ALL_PICTURES, report_of

_DOTS_PER_INCH = 150


def write_plots(ledger: DataFrame, trace: DataFrame, folder: Path, study: str | None = None) -> list[Plot]:
    """Draw the pictures of a run."""
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings():  # the page has the names as text, in the reader's fonts
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        return _plots(ledger, trace, folder, study)


def _plots(ledger: DataFrame, trace: DataFrame, folder: Path, study: str | None) -> list[Plot]:
    drawings, missing = report_of(ledger, study).drawings(ledger, trace)
    absent = f"Not drawn, because there is no finite value: {', '.join(missing)}." if missing else ""
    for name in ALL_PICTURES - {drawing.name for drawing in drawings}:
        (folder / f"{name}.png").unlink(missing_ok=True)  # an older picture would be of other numbers
    plots = []
    for drawing in drawings:
        path = folder / f"{drawing.name}.png"
        drawing.figure.set_dpi(_DOTS_PER_INCH)
        lay_out(drawing.figure)
        with write_whole(path) as temporary:
            page = interactive(drawing.figure, f"p{len(plots)}", drawing.title, temporary)
        plots.append(Plot(path, drawing.title, f"{drawing.caption.strip()} {absent}".strip(), page))
    return plots
