"""Profile likelihood: the interval of one parameter, all others optimized again at each of its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.checks import real_numbers
from qvar.compression.restricted import restricted
from qvar.errors import QvarError, require
from qvar.objective import Objective
from qvar.optimize.bfgs import bfgs
from qvar.optimize.budget import Budget
from qvar.optimize.method import Method
from qvar.optimize.minimize import minimize
from qvar.short_repr import short_repr

_CLOSE = 0.01
"""Distance from the minimum, in standard errors, that theta may have."""


@short_repr("parameter", "low", "high")
@dataclass(frozen=True, eq=False, kw_only=True)
class LikelihoodProfile:
    """Least value of an objective at each value of one parameter, and the interval of the parameter."""

    parameter: int
    """Number of the parameter."""
    values: FloatArray
    """(n,) its values, ascending."""
    costs: FloatArray
    """(n,) least value of the objective at each."""
    thetas: FloatArray
    """(n, n_params) parameters there."""
    low: float
    """Lower end of the interval; minus infinity if the profile stays below the threshold down to the first value."""
    high: float
    """Upper end of the interval; infinity if the profile stays below the threshold up to the last value."""

    @property
    def is_bounded(self) -> bool:
        """True if both ends are finite: the data determine the parameter within the values (Raue et al. 2009)."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


@checked()
def profile_likelihood(
    objective: Objective,
    theta: Any,
    parameter: int,
    *,
    values: Any,
    level: float = 0.95,
    method: Method | None = None,
    budget: Budget | None = None,
) -> LikelihoodProfile:
    r"""Compute the profile likelihood of one parameter of a fit, and its confidence interval.

    $$ p(v) = \min_{\theta:\, \theta_k = v} [-\ln L(\theta)], \qquad
       \{v : p(v) - p_{\min} \le \tfrac12 \chi^2_1(\text{level})\} $$

    From theta outwards, each minimization starts from the end of the one before. Ends of the interval are interpolated
    in the signed root of \(2 (p - p_{\min})\), which is a straight line if the model is linear and the noise Gaussian.
    A profile that is flat shows a parameter that no data of this kind determine; one that stays below the threshold on
    one side, that these data do not. Costs a minimization for each value.

    Raue et al., Bioinformatics 25, 1923 (2009), https://doi.org/10.1093/bioinformatics/btp358.

    Args:
        objective: the fit, of `qvar.fit`.
        theta: (n_params,) its parameters in the minimum.
        parameter: number of the parameter, from 0.
        values: its values, on both sides of that in theta.
        level: confidence, between 0 and 1.
        method: optimization method; `bfgs` if None.
        budget: limits of each minimization; 500 gradients if None.

    Raises:
        QvarError: if the parameter does not exist, the values are not on both sides, or a minimization or the profile
            finds a lower value than that at theta, by more than a hundredth of a standard error makes.
    """
    from scipy.special import ndtri

    point = np.asarray(real_numbers("theta", theta, (objective.n_params,)))
    k = parameter
    require(0 <= k < objective.n_params, "parameter", f"be from 0 to {objective.n_params - 1}", parameter)
    require(0 < level < 1, "level", "lie between 0 and 1", level)
    grid = np.unique(real_numbers("values", values, ("n",)))
    both = len(grid) > 1 and grid[0] < point[k] < grid[-1]
    require(bool(both), "values", f"lie on both sides of {point[k]:.6g}, the parameter's own", values)
    method, budget = method or bfgs(), budget or Budget(gradients=500, hessian_products=0)
    best, polished = float(objective.loss(point)), minimize(objective, point, method=method, budget=budget)
    _require_minimum(best, float(polished.value), f"after a minimization, {k} at {float(polished.theta[k]):.6g}")
    profile: dict[float, tuple[float, FloatArray]] = {}
    for side in (grid[grid >= point[k]], grid[grid < point[k]][::-1]):
        here = point
        for value in side:
            cost, here = _held(objective, here, k, float(value), method, budget)
            profile[float(value)] = (cost, here)
    costs = np.array([profile[float(value)][0] for value in grid])
    lowest = min(best, float(np.nanmin(costs)))
    _require_minimum(best, lowest, f"with parameter {k} at {grid[np.nanargmin(costs)]:.6g}")
    roots = np.sign(grid - point[k]) * np.sqrt(2.0 * np.maximum(costs - lowest, 0.0))
    threshold = float(ndtri((1.0 + level) / 2.0))
    x, y = np.append(grid, point[k]), np.append(roots, 0.0)
    order = np.argsort(x)
    return LikelihoodProfile(
        parameter=k,
        values=grid,
        costs=costs,
        thetas=np.array([profile[float(value)][1] for value in grid]),
        low=-_crossing(-x[order][::-1], -y[order][::-1], -point[k], threshold),
        high=_crossing(x[order], y[order], point[k], threshold),
    )


def _require_minimum(best: float, lower: float, place: str) -> None:
    """Raise `QvarError` if theta is not in the minimum: all distances of a profile count from there."""
    if not 2.0 * (best - lower) <= _CLOSE**2:
        values = f"but the value is {best:.8g} there, and {lower:.8g} {place}"
        raise QvarError(f"`theta` must be in the minimum of the objective, {values}.")


def _held(
    objective: Objective, theta: FloatArray, k: int, value: float, method: Method, budget: Budget
) -> tuple[float, FloatArray]:
    """Return the least value with one parameter held, and the parameters there."""
    at = theta.copy()
    at[k] = value
    free = np.delete(np.arange(len(at)), k)
    if len(free) == 0:
        return float(objective.loss(at)), at
    result = minimize(restricted(objective, at, free), at[free], method=method, budget=budget)
    at[free] = result.theta
    return float(result.value), at


def _crossing(x: FloatArray, y: FloatArray, start: float, threshold: float) -> float:
    """Return the first x above the start at which y reaches the threshold, interpolated; infinity if nowhere."""
    above = np.flatnonzero((x > start) & ~(y < threshold))
    if len(above) == 0:
        return float("inf")
    j = above[0]
    return float(x[j - 1] + (threshold - y[j - 1]) * (x[j] - x[j - 1]) / (y[j] - y[j - 1]))
