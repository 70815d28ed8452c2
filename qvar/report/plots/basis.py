"""The picture of a comparison of basis sets: accuracy against parameters, primitives and qubits."""

from __future__ import annotations

import math

from qvar._types import DataFrame
from qvar.analysis.basis_sets import PUBLISHED, BasisRow, floor, limit
from qvar.analysis.rows import MILLIHARTREE, RESOLUTION, known, typed
from qvar.report.plot_style import Drawing
from qvar.report.plots.front import Point, fronts
from qvar.units import MILLIHARTREE_PER_HARTREE

_COSTS = {"n_params": "parameters", "n_primitives": "primitives", "n_qubits": "qubits"}


def basis_front(ledger: DataFrame, table: DataFrame) -> Drawing | None:
    """Draw the error against parameters, primitives and qubits, each with its Pareto front."""
    resolution = MILLIHARTREE_PER_HARTREE * RESOLUTION
    inside = [row for row in typed(table, BasisRow) if known(row.value) and row.above > resolution]
    picture = fronts([_point(row) for row in inside], _COSTS, "error", MILLIHARTREE, logarithmic=True)
    if picture is None:
        return None
    level, zero = floor(ledger), limit(ledger)
    if zero == level:
        words = f"Errors are counted from the limit, {level:.12g} Ha."
    else:
        lowest = ", ".join(str(row.label) for row in typed(table, BasisRow) if row.above <= resolution)
        why = "the limit is not known" if zero is None else "energies lie below the limit"
        words = f"Because {why}, errors are counted from the lowest energy, that of {lowest}, which is not drawn."
    caption = (
        "The accuracy of each basis set against its costs, both axes logarithmic. Numbers are those of the table. "
        "A point is the lowest start, its bar reaches to the highest. Squares are generic forms, round marks "
        "constrained ones; gray diamonds are baselines, in which nothing was fitted here: as parameters they have the "
        "numbers that they consist of, exponents and contraction coefficients up to scale. Primitives are different "
        "exponents; qubits are two for each function, however many primitives it is contracted from. The stepped line "
        f"is the Pareto front: no set has less error at the same cost or less. {picture.members} {words}"
    )
    return Drawing("basis_front", picture.figure, picture.title, caption)


def _point(row: BasisRow) -> Point:
    cells = {cost: getattr(row, cost) for cost in _COSTS}
    if row.family == PUBLISHED:
        cells["n_params"] = row.n_numbers
    costs = {cost: float(cell) if known(cell) and cell > 0 else math.nan for cost, cell in cells.items()}
    height = row.above + MILLIHARTREE_PER_HARTREE * (row.worst - row.value)
    return Point(row.rank, str(row.label), str(row.family), costs, row.above, row.above, height)
