"""Grids of few bits on which angles are rounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.checks import counting_number
from qvar.compression.grouping import groups_of
from qvar.errors import require

GridKind: TypeAlias = Literal["common", "class"]
r"""`"common"`: \(2^b\) points of a full turn \(2\pi\), for all angles. `"class"`: \(2^b\) points over the range of the
angles of each class of operations, from minus to plus the largest modulus."""

MOST_BITS = 40
"""Bits beyond which rounding is lost in the precision of a number."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Points that angles are rounded to: whole multiples of a step, and an offset."""

    steps: FloatArray
    """(n_params,) distances of neighbouring points, radians."""
    least: FloatArray
    """(n_params,) lowest multiple; minus infinity on a full turn, whose multiples come around."""
    most: FloatArray
    """(n_params,) highest multiple."""

    @classmethod
    def of(cls, ansatz: Ansatz, theta: FloatArray, bits: int, kind: GridKind) -> Grid:
        """Return the grid of a circuit at theta."""
        n, infinite = ansatz.n_params, np.full(ansatz.n_params, np.inf)
        if kind == "common":
            return cls(np.full(n, 2.0 * np.pi / 2**bits), -infinite, infinite)
        steps, half = np.zeros(n), 2 ** (bits - 1)
        for group in groups_of(ansatz, "class"):
            steps[group] = max(float(np.abs(theta[group]).max()), 1e-12) / max(half - 1, 1)
        return cls(steps, np.full(n, -float(half)), np.full(n, half - 1.0))

    def rounded(self, theta: Any, offset: Any = 0.0) -> Any:
        """Return the nearest points of the grid, moved by an offset in units of the steps."""
        multiples = np.clip(np.round(theta / self.steps - offset), self.least, self.most)
        return self.steps * (multiples + offset)

    def law(self, curvatures: FloatArray) -> float:
        r"""Return the mean rise \(\sum_q K_{qq} \Delta_q^2 / 24\) of uniform rounding errors, to second order."""
        return float(curvatures @ self.steps**2) / 24.0

    @property
    def precision(self) -> float:
        r"""Error \(\Delta/4\) in the operator norm that the largest rounding error of the finest angle makes.

        A rotation that is off by \(\delta\) is off by \(2\sin(\delta/4) \approx \delta/2\), and \(\delta \leq
        \Delta/2\). A synthesis as good as this does not spoil the grid.
        """
        return min(float(self.steps.min()) / 4.0, 0.5)


def checked_bits(bits: Any) -> int:
    """Return a number of bits; `QvarError` if it is none from 1 to 40."""
    number = counting_number("bits", bits)
    require(number <= MOST_BITS, "bits", f"be at most {MOST_BITS}", bits)
    return number
