r"""Second-order laws of a removal: the rise of the value without some parameters, and the move of the others.

Around a minimum with the Hessian K, parameters S go to zero and all others R follow:

$$ \Delta E = \tfrac12 \theta_S^T \big([K^{-1}]_{SS}\big)^{-1} \theta_S, \qquad
   \delta\theta = -K^{-1}_{:S} \big([K^{-1}]_{SS}\big)^{-1} \theta_S ; $$

for one parameter \(\theta_q^2 / (2 [K^{-1}]_{qq})\), optimal brain surgeon (Hassibi, Stork 1993). Without the others it
is \(\tfrac12 \theta_S^T K_{SS} \theta_S\), optimal brain damage (LeCun et al. 1990). A singular K has directions along
which the value does not change. Their curvature, and any below `FLAT` of the largest, is taken as `FLAT` of the
largest: a parameter that such a direction moves goes at next to no rise, and all other curvatures are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.diagnostics.curvature import hessian, hessian_product
from qvar.hessian_products import FLAT
from qvar.objective import Objective

MOST_DENSE = 2000
"""Parameters up to which the Hessian is held as a matrix; products and conjugate gradients beyond."""

_NO_CURVATURE = 1e-12
"""Smallest curvature, in the value's unit per radian squared, if all of them vanish."""

_CG_TOLERANCE = 1e-8
"""Relative residual at which conjugate gradients end."""


@dataclass(frozen=True, eq=False)
class SecondOrder:
    """The laws for one symmetric matrix, held and inverted."""

    matrix: FloatArray
    """(n_params, n_params) Hessian, or a metric."""
    theta: FloatArray
    """(n_params,) angles."""

    @property
    def products(self) -> int:
        """Products that make the matrix."""
        return len(self.theta)

    @cached_property
    def _spectrum(self) -> tuple[FloatArray, FloatArray]:
        levels, vectors = np.linalg.eigh(self.matrix)
        floor = max(FLAT * float(np.abs(levels).max(initial=0.0)), _NO_CURVATURE)
        return np.maximum(levels, floor), vectors

    @cached_property
    def inverse(self) -> FloatArray:
        """Inverse of the matrix, flat directions as the module says."""
        levels, vectors = self._spectrum
        return (vectors / levels) @ vectors.T

    def damage(self, group: IntArray) -> float:
        """Return the rise if a group of parameters goes to zero, and no other one moves."""
        own = self.theta[group]
        return 0.5 * float(own @ self.matrix[np.ix_(group, group)] @ own)

    def surgery(self, group: IntArray) -> tuple[float, FloatArray]:
        """Return the rise if a group goes to zero and all others follow, and the move (n_params,) of all."""
        columns = self.inverse[:, group]
        move = -columns @ np.linalg.solve(columns[group], self.theta[group])
        move[group] = -self.theta[group]
        return max(0.5 * float(move @ self.matrix @ move), 0.0), move

    def surgeries(self, groups: Sequence[IntArray]) -> FloatArray:
        """Return the rise of `surgery` for each group alone, flat directions counted with their small curvature."""
        if all(len(group) == 1 for group in groups):
            own = np.concatenate(groups)
            return 0.5 * self.theta[own] ** 2 / np.diag(self.inverse)[own]
        inverse, theta = self.inverse, self.theta
        return np.array(
            [0.5 * float(theta[one] @ np.linalg.solve(inverse[np.ix_(one, one)], theta[one])) for one in groups]
        )

    def stiff_inverse(self, group: IntArray, least: float) -> FloatArray:
        """Return the inverse of the matrix without a group, curvatures below `least` of the largest raised to that."""
        rest = np.setdiff1d(np.arange(len(self.theta)), group)
        levels, vectors = np.linalg.eigh(self.matrix[np.ix_(rest, rest)])
        floor = max(least * float(np.abs(levels).max(initial=0.0)), least)
        inverse = (vectors / np.maximum(levels, floor)) @ vectors.T
        return 0.5 * (inverse + inverse.T)


@dataclass(eq=False)
class ByProducts:
    """The same laws from Hessian-vector products alone, for many parameters."""

    objective: Objective
    point: FloatArray
    """(n,) angles of the whole circuit."""
    free: IntArray
    """(n_params,) parameters that the laws are of; all others are held."""
    products: int = 0
    """Products so far."""

    @property
    def theta(self) -> FloatArray:
        """(n_params,) angles."""
        return self.point[self.free]

    def product(self, v: FloatArray) -> FloatArray:
        """Return H v."""
        self.products += 1
        wide = np.zeros(len(self.point))
        wide[self.free] = v
        return np.asarray(hessian_product(self.objective, self.point, wide))[self.free]

    def damage(self, group: IntArray) -> float:
        """Return what `SecondOrder.damage` does, from one product."""
        own = np.zeros(len(self.free))
        own[group] = self.theta[group]
        return 0.5 * float(own @ self.product(own))

    def surgery(self, group: IntArray) -> tuple[float, FloatArray]:
        r"""Return what `SecondOrder.surgery` does: conjugate gradients for \(K_{RR}\,\delta_R = K_{RS}\,\theta_S\).

        The right side lies in the range of \(K_{RR}\), so that flat directions are not moved along.
        """
        from scipy.sparse.linalg import LinearOperator, cg

        n = len(self.free)
        rest = np.setdiff1d(np.arange(n), group)
        own = np.zeros(n)
        own[group] = -self.theta[group]
        image = self.product(own)

        def along(v: np.ndarray) -> np.ndarray:
            wide = np.zeros(n)
            wide[rest] = v.ravel()
            return self.product(wide)[rest]

        operator: Any = LinearOperator((len(rest), len(rest)), matvec=along, dtype=float)  # pyright: ignore[reportCallIssue]
        answer, _ = cg(operator, -image[rest], rtol=_CG_TOLERANCE, maxiter=len(rest))
        move = own.copy()
        move[rest] = answer
        return max(0.5 * float(own @ image + answer @ image[rest]), 0.0), move


def laws(objective: Objective, point: FloatArray, free: IntArray) -> SecondOrder | ByProducts:
    """Return the laws of some parameters at a point, the others held: from the matrix if it is small enough to hold.

    The matrix is that of all parameters, so that nothing is compiled for a choice of them.
    """
    if objective.n_params > MOST_DENSE:
        return ByProducts(objective, point, free)
    return SecondOrder(np.asarray(hessian(objective, point))[np.ix_(free, free)], point[free])
