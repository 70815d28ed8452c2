"""Fisher information of a fit to data: parameters that the data can distinguish."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.engines.likelihoods import predictions_and_information
from qvar.errors import require
from qvar.objective import Objective


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
    values = np.linalg.eigvalsh(data_fisher(objective, theta))
    if error is None:
        return int(np.sum(values > len(values) * np.finfo(float).eps * max(values.max(), 0.0)))
    require(error > 0, "error", "be positive", error)
    return int(np.sum(values >= 1.0 / error**2))
