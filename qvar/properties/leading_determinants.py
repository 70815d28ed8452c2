"""Determinants of largest weight in a circuit's state, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import clipped
from qvar.notebook import text_html
from qvar.objective import Objective
from qvar.properties.electron_state import electron_state
from qvar.short_repr import short_repr

_DIGITS = 10
"""Decimals of weights that count for their order; equal ones follow the occupation."""

_MOST_LETTERS = 40
"""Letters of an occupation up to which a row of the table fits into 80 columns."""


class Determinant(NamedTuple):
    """A determinant of a state."""

    occupation: str
    """One letter for each active orbital, the lowest first: `2` (doubly occupied), `u` (spin up), `d` (down) or `0`."""
    coefficient: float | complex
    """Amplitude, if all spin-up creation operators are left of the spin-down ones, each in order of orbitals."""
    weight: float
    """Squared modulus of the amplitude."""


@short_repr("name", "rows")
@dataclass(frozen=True, eq=False)
class LeadingDeterminants:
    """Determinants of largest weight; prints as a table."""

    name: str
    """Name of the circuit."""
    rows: tuple[Determinant, ...]
    """Determinants by falling weight."""

    @property
    def weight(self) -> float:
        """Sum of their weights, at most 1."""
        return float(sum(row.weight for row in self.rows))

    def __str__(self) -> str:
        width = max(10, *(min(len(row.occupation), _MOST_LETTERS) for row in self.rows))
        lines = [f"{'occupation':<{width}}{'coefficient':>24}{'weight':>12}"]
        for row in self.rows:
            word = clipped(row.occupation, width)
            is_complex = isinstance(row.coefficient, complex)
            number = f"{row.coefficient:.6f}".replace("j", "i") if is_complex else f"{row.coefficient:.6f}"
            lines.append(f"{word:<{width}}{number:>24}{row.weight:>12.6f}")
        return "\n".join([*lines, f"{'sum':<{width}}{self.weight:>36.6f}"])

    def _repr_html_(self) -> str:
        """Return the table in letters of one width, for a notebook."""
        return text_html(str(self))


@checked("n")
def leading_determinants(objective: Objective, theta: Any, *, n: int = 10) -> LeadingDeterminants:
    """Return the determinants of largest weight in a circuit's state.

    Args:
        objective: energy of a circuit on a molecule or on electrons on a lattice, in either engine.
        theta: (n_params,) parameters.
        n: largest number of determinants; those without weight are left out.

    Raises:
        QvarError: if the problem has no electrons in orbitals, or theta has another shape or is not finite.
    """
    n = counting_number("n", n)
    problem, blocks = electron_state(objective, theta)
    m, rows = problem.n_orbitals, []
    for block in blocks:
        weights = np.abs(block.matrix) ** 2
        kept = min(n, weights.size)
        largest = np.argpartition(weights.ravel(), -kept)[-kept:]
        alpha, beta = block.strings(m)
        for at in largest.tolist():
            row, column = divmod(at, len(beta))
            weight = float(weights[row, column])
            if round(weight, _DIGITS) > 0:
                word = _occupation(int(alpha[row]), int(beta[column]), m)
                rows.append(Determinant(word, block.matrix[row, column].item(), weight))
    rows.sort(key=lambda one: (-round(one.weight, _DIGITS), one.occupation))
    return LeadingDeterminants(objective.name, tuple(rows[:n]))


def _occupation(alpha: int, beta: int, n_orbitals: int) -> str:
    return "".join("0ud2"[(alpha >> p & 1) + 2 * (beta >> p & 1)] for p in range(n_orbitals))
