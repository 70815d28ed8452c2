"""Fisher information of a fit to data: parameters that the data can distinguish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.checks import real_array
from qvar.engines.likelihoods import predictions_and_information, scaled_slopes
from qvar.errors import QvarError, require
from qvar.objective import Objective

_UNKNOWN = 1e-6
"""Share of a derivative along directions that no data distinguish, above which its quantity is not determined."""

_NEGLIGIBLE_FALL = 1e-3
"""Difference of the logarithm of a likelihood that decides between no models."""


@checked()
def data_fisher(objective: Objective, theta: Any) -> FloatArray:
    r"""Compute the Fisher information of a fit of `qvar.fit` at theta.

    $$ F_{jk} = \sum_i \frac{w_i}{v_i} \frac{\partial m_i}{\partial\theta_j} \frac{\partial m_i}{\partial\theta_k} $$

    with the variance v of each value: \(\sigma_i^2\), or \(m_i\) of counts. Its inverse bounds the covariance of every
    unbiased estimate of theta (Cramér-Rao); a direction in its kernel changes no prediction.

    Args:
        objective: the fit.
        theta: (n_params,) parameters.

    Returns:
        (n_params, n_params) matrix.

    Raises:
        QvarError: if the objective is no fit to data, or theta has another length.
    """
    return predictions_and_information(objective, theta)[1]


@checked()
def identifiable(objective: Objective, theta: Any, *, error: float | None = None) -> int:
    r"""Count the directions of theta that the data distinguish.

    Args:
        objective: the fit.
        theta: (n_params,) parameters.
        error: largest standard error \(1/\sqrt\lambda\) of a direction that counts, with the eigenvalue \(\lambda\) of
            the Fisher information; if None, every direction with an eigenvalue above rounding counts.

    Raises:
        QvarError: as `data_fisher`, or if `error` is not positive.
    """
    if error is None:
        return _rank(_of_length_one(scaled_slopes(objective, theta))[0])
    require(error > 0, "error", "be positive", error)
    return int(np.sum(np.linalg.eigvalsh(data_fisher(objective, theta)) >= 1.0 / error**2))


@checked()
def standard_error(objective: Objective, theta: Any, quantity: Callable[..., Any]) -> float:
    r"""Compute the standard error of a quantity that follows from the parameters of a fit.

    $$ s^2 = g^T F^{-1} g, \qquad g = \partial q / \partial\theta $$

    with the Fisher information F of `data_fisher`. In the maximum of the likelihood, the interval of 1.96 s on both
    sides of q holds the exact value in 95 % of many experiments, if the model is right and the data are many.

    Args:
        objective: the fit.
        theta: (n_params,) parameters.
        quantity: JAX function theta -> q, a number.

    Returns:
        The standard error; infinite if q changes along a direction that the data do not distinguish.

    Raises:
        QvarError: if the objective is no fit to data, theta has another length, or the quantity is no function of JAX
            with one number.
    """
    point = jnp.asarray(real_array("theta", theta, (objective.n_params,)))
    try:
        gradient = np.asarray(jax.grad(quantity)(point), float)
    except Exception as error:
        mistake = f"`quantity` must be a JAX function of theta with one number, but raised {error!r:.200}."
        raise QvarError(mistake) from error
    rows, lengths = _of_length_one(scaled_slopes(objective, theta))
    _, values, directions = np.linalg.svd(rows, full_matrices=len(rows) < len(lengths))
    scaled, known = gradient / lengths, np.zeros(len(lengths), bool)
    known[: len(values)] = values > _negligible(rows)
    parts = directions @ scaled
    if np.linalg.norm(parts[~known]) > _UNKNOWN * np.linalg.norm(scaled):
        return float("inf")
    return float(np.linalg.norm(parts[known] / values[known[: len(values)]]))


def is_determined(objective: Objective, theta: Any, weights: Sequence[FloatArray]) -> bool:
    r"""Return True if the data with a positive weight determine the predictions of all data of a fit, for all weights.

    That is, if the rows \(\partial m_i / \partial \theta\) of all data lie in the span of those with such a weight.
    """
    rows, _ = _of_length_one(scaled_slopes(objective, theta))
    if not np.all(np.isfinite(rows)):
        return False
    rank = _rank(rows)
    return all(_rank(rows[np.asarray(kept) > 0]) == rank for kept in weights)


def falls_further(objective: Objective, theta: Any) -> bool:
    """Return True if a Newton step in one parameter alone lowers a fit by more than 0.001, a negligible likelihood.

    In units in which a parameter is very large or small, a gradient may be below any tolerance far from the minimum.
    """
    point = np.asarray(theta, float)
    value, gradient = (np.asarray(part, float) for part in objective.value_and_grad(point))
    curvature = np.sum(scaled_slopes(objective, point) ** 2, axis=0)
    steps = np.divide(gradient, curvature, out=np.zeros_like(gradient), where=curvature > 0)
    return any(
        float(value - objective.loss(point - steps[j] * np.eye(len(point))[j])) > _NEGLIGIBLE_FALL
        for j in np.flatnonzero(0.5 * gradient * steps > _NEGLIGIBLE_FALL)
    )


def _of_length_one(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return rows with columns of length one, and their lengths: parameters may have units of any size."""
    largest = np.abs(rows).max(axis=0)  # squares of very small or large numbers leave the range
    largest = np.where(largest > 0, largest, 1.0)
    lengths = largest * np.linalg.norm(rows / largest, axis=0)
    lengths = np.where(lengths > 0, lengths, 1.0)
    return rows / lengths, lengths


def _negligible(rows: FloatArray) -> float:
    """Return the singular value of rows with columns of length one up to which it may come from rounding."""
    return 100 * max(rows.shape) * float(np.finfo(rows.dtype).eps)


def _rank(rows: FloatArray) -> int:
    values = np.linalg.svd(rows, compute_uv=False) if rows.size else np.zeros(0)
    return int(np.sum(values > _negligible(rows)))
