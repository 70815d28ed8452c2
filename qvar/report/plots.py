"""The pictures of a run, written to its folder: which ones, its columns decide."""

from __future__ import annotations

from pathlib import Path

from qvar.report.drawing import Drawing, Plot
from qvar.report.plot_curve import energy_along, error_along
from qvar.report.plot_front import error_vs_cost
from qvar.report.plot_training import error_vs_step
from qvar.report.tables import Frame, curve_summary, is_curve, summary
from qvar.runs.files import write_whole

_NAMES = ("error_vs_step", "error_vs_cost", "energy_vs_coordinate", "error_vs_coordinate")


def write_plots(ledger: Frame, trace: Frame, folder: Path) -> list[Plot]:
    """Draws what there is to see in a run.

    A run on one or more problems: `error_vs_step.png` and `error_vs_cost.png`. A run along a coordinate:
    `energy_vs_coordinate.png` and `error_vs_coordinate.png`.

    Args:
        ledger: a run's ledger.
        trace: its trace.
        folder: where the pictures go; made if it is missing.

    Returns:
        The pictures that were drawn; none that would have been empty.
    """
    folder.mkdir(exist_ok=True)
    table = curve_summary(ledger) if is_curve(ledger) else summary(ledger)
    drawn = table[table["finite"] > 0]
    missing = [str(label) for label in table.loc[table["finite"] == 0, "label"]]
    absent = f"Not drawn, because no seed gave a finite value: {', '.join(missing)}." if missing else ""
    drawings = _drawings(ledger, trace, drawn)
    for name in {*_NAMES} - {drawing.name for drawing in drawings}:
        (folder / f"{name}.png").unlink(missing_ok=True)  # an older picture would tell of other numbers
    plots = []
    for drawing in drawings:
        path = folder / f"{drawing.name}.png"
        with write_whole(path) as temporary:
            # No software version in the file: the same numbers give the same bytes.
            drawing.figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
        plots.append(Plot(path, drawing.title, f"{drawing.caption.strip()} {absent}".strip()))
    return plots


def _drawings(ledger: Frame, trace: Frame, drawn: Frame) -> list[Drawing]:
    if drawn.empty:
        return []
    if is_curve(ledger):
        found = [energy_along(ledger, drawn), error_along(ledger, drawn)]
    else:
        found = [error_vs_step(trace, ledger, drawn), error_vs_cost(ledger, drawn)]
    return [drawing for drawing in found if drawing is not None]
