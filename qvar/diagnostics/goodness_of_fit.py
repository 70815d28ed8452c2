"""Goodness of fit of an exponential or a power law to variances against size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from qvar._types import FloatArray

LEAST_ERROR = 1e-6
"""Relative error that every variance has at least, so that exact laws have a finite likelihood."""

_EXPLAINED, _WELL_EXPLAINED = 0.05, 0.3
"""Sampling errors explain a scatter if they give a larger one with at least this probability."""


@dataclass(frozen=True)
class LawTest:
    """p-values of one law."""

    sampling: float
    """p-value if sampling errors that explain the scatter around a smooth curve are the only errors."""
    careful: float
    """p-value if they must leave two degrees of freedom, and else are a part of the scatter."""


def law_test(n: FloatArray, y: FloatArray, sampling: FloatArray | None, law: str) -> LawTest:
    """Test a law within three larger ones, with a third of the probability of an error for each.

    Takes sizes, at least four different ones, logarithms of the variances, and their standard errors if they are known;
    p-values are nan if there are fewer than four points.
    """
    results = [_nested(design, y, sampling) for design in _designs(tuple(n.tolist()), law)]
    if not results:
        return LawTest(math.nan, math.nan)
    sampled, careful = (min(1.0, len(results) * min(values)) for values in zip(*results, strict=True))
    return LawTest(sampled, careful)


@lru_cache(maxsize=16)  # a test over many samples has the same sizes in all
def _designs(sizes: tuple[float, ...], law: str) -> list[FloatArray]:
    """Return orthonormal columns for each larger law that leaves a degree of freedom: a constant, the law, the rest."""
    n = np.array(sizes)
    own, other = (n, np.log(n)) if law == "exponential" else (np.log(n), n)
    designs = []
    for terms in ([own, other], [own, other, np.sqrt(n)], [own, other, n**3]):
        if len(n) > 1 + len(terms):
            # terms on axes of equal length, so that the normal equations are well-conditioned
            columns = [(x - x.mean()) / x.std() for x in terms]
            designs.append(np.linalg.qr(np.stack([np.ones_like(n), *columns], axis=1))[0])
    return designs


def _nested(design: FloatArray, y: FloatArray, sampling: FloatArray | None) -> tuple[float, float]:
    """Return two p-values, see `LawTest`, of a + b x within a curve of so many columns."""
    from scipy.special import chdtrc, fdtrc  # tails of chi^2 and F; scipy.stats takes a hundred times as long

    squares = (np.zeros_like(y) if sampling is None else sampling**2) + LEAST_ERROR**2
    freedom, terms = len(y) - design.shape[1], design.shape[1] - 2
    chance = 0.0 if sampling is None else float(chdtrc(freedom, _curve(design, y, 1 / squares)[1]))
    explained = chance > _EXPLAINED
    tau = 0.0 if explained else _curve_variance(design, y, squares)
    estimate, misfit, _, covariance = _curve(design, y, 1 / (squares + tau))
    added = max(0.0, estimate[2:] @ np.linalg.solve(covariance[2:, 2:], estimate[2:]))
    scattered = float(fdtrc(terms, freedom, added / (terms * max(1.0, misfit / freedom))))
    if not explained:
        return scattered, scattered
    sampled = float(chdtrc(terms, added))
    return sampled, sampled if freedom >= 2 and chance > _WELL_EXPLAINED else scattered


def _curve_variance(design: FloatArray, y: FloatArray, squares: FloatArray) -> float:
    """Return the tau^2 of the largest restricted likelihood around a curve."""
    largest = 4 * float(np.var(y)) + float(np.max(squares))
    grid = np.concatenate([[0.0], np.geomspace(LEAST_ERROR**2 / 100, largest, 40)])
    tau = 0.0
    for _ in range(3):
        best = int(np.argmin(_curve(design, y, 1 / (squares + grid[:, None]))[2]))
        tau = float(grid[best])
        grid = np.linspace(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], 11)
    return tau


def _curve(design: FloatArray, y: FloatArray, weights: FloatArray) -> tuple[FloatArray, Any, Any, FloatArray]:
    """Fit a curve for each row of weights: estimates, chi^2, -2 ln restricted likelihood, covariance."""
    normal = np.einsum("pi,...p,pj->...ij", design, weights, design)
    covariance = np.linalg.inv(normal)
    estimate = np.einsum("...ij,...p,p,pj->...i", covariance, weights, y, design)
    misfit = np.sum(weights * (y - estimate @ design.T) ** 2, axis=-1)
    deviance = misfit - np.sum(np.log(weights), axis=-1) + np.linalg.slogdet(normal)[1]
    return estimate, misfit, deviance, covariance
