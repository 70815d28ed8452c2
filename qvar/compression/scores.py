"""Rules that choose the parameters to remove: a score for each group, the lowest goes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.compression.second_order import ByProducts, SecondOrder
from qvar.diagnostics.fisher_information import fisher
from qvar.objective import Objective

Rule: TypeAlias = Literal["angle", "energy", "obd", "obs", "fisher", "gradient"]
"""`"angle"`: the size of the angle. `"energy"`: the exact rise of the value if it is removed and nothing else changes.
`"obd"`: that rise to second order (optimal brain damage). `"obs"`: the rise to second order after all other angles have
followed (optimal brain surgeon). `"fisher"`: the change of the state, its infidelity to second order, after all other
angles have followed. `"gradient"`: the root mean square of the derivative along a path of angles."""

RULES = get_args(Rule)

POINTS = 9
"""Points of the path from zero to theta on which `"gradient"` averages if no history is given."""

MOST_SURGERIES = 16
"""Groups of the least damage for which surgery is computed if the Hessian is not held."""


@dataclass(frozen=True, eq=False)
class Situation:
    """A circuit before a removal."""

    objective: Objective
    """Function of all parameters of the first circuit."""
    point: FloatArray
    """(n,) angles of all of them; zero for those removed."""
    free: IntArray
    """(n_params,) numbers of those that are left."""
    law: SecondOrder | ByProducts
    """Second-order laws of those that are left."""
    history: FloatArray | None
    """(n_points, n) points of a training; None if there are none."""

    @property
    def theta(self) -> FloatArray:
        """(n_params,) angles that are left."""
        return self.point[self.free]


def scores(by: Rule, at: Situation, groups: Sequence[IntArray]) -> tuple[FloatArray, int]:
    """Return the score of each group, and the evaluations that it took; products with the Hessian are the law's.

    Groups hold places among the parameters that are left.
    """
    match by:
        case "angle":
            return np.array([np.linalg.norm(at.theta[group]) for group in groups]), 0
        case "energy":
            return _without(at, groups), len(groups)
        case "obd":
            return np.array([at.law.damage(group) for group in groups]), 0
        case "obs":
            return _surgeries(at.law, groups), 0
        case "fisher":
            metric = 0.5 * np.asarray(fisher(at.objective, at.point))[np.ix_(at.free, at.free)]
            return SecondOrder(metric, at.theta).surgeries(groups), 2 * len(at.theta)
        case "gradient":
            history = at.history
            if history is None:
                history = np.linspace(0.0, 1.0, POINTS)[:, None] * at.point
            _, gradients = at.objective.value_and_grad_batch(history)
            squares = np.mean(np.asarray(gradients)[:, at.free] ** 2, axis=0)
            return np.array([np.sqrt(squares[group].sum()) for group in groups]), len(history)


def _without(at: Situation, groups: Sequence[IntArray]) -> FloatArray:
    """Return the value without each group, all in one batch.

    JAX compiles for a number of points, so that points are repeated up to the number of parameters.
    """
    on_host = at.objective.value_kernels is not None
    points = np.repeat(at.point[None], len(groups) if on_host else max(len(groups), len(at.point)), axis=0)
    for row, group in enumerate(groups):
        points[row, at.free[group]] = 0.0
    return np.asarray(at.objective.loss_batch(points))[: len(groups)]


def _surgeries(law: SecondOrder | ByProducts, groups: Sequence[IntArray]) -> FloatArray:
    """Return the rises of surgery; without a matrix for the groups of the least damage alone, infinite for others."""
    if isinstance(law, SecondOrder):
        return law.surgeries(groups)
    damages = np.array([law.damage(group) for group in groups])
    rises = np.full(len(groups), np.inf)
    for number in np.argsort(damages)[:MOST_SURGERIES]:
        rises[number] = law.surgery(groups[number])[0]
    return rises
