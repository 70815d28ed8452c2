"""Information criteria: does a parameter pay for itself?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import require


class InformationCriteria(NamedTuple):
    """Criteria of one fitted model; of several models of the same data the lowest is preferred."""

    aic: float
    """Akaike's criterion."""
    aicc: float
    """Akaike's criterion for few data; infinite if there are no more data than parameters and one."""
    bic: float
    """Schwarz's criterion."""


@checked("n_params", "n_data")
def information_criteria(log_likelihood: float, n_params: int, n_data: int) -> InformationCriteria:
    r"""Return the information criteria of a fitted model.

    $$ \mathrm{AIC} = 2k - 2\ln L, \qquad \mathrm{AICc} = \mathrm{AIC} + \frac{2k(k+1)}{n-k-1}, \qquad
       \mathrm{BIC} = k \ln n - 2\ln L $$

    Akaike, IEEE Trans. Autom. Control 19, 716 (1974), https://doi.org/10.1109/TAC.1974.1100705; Schwarz, Ann. Statist.
    6, 461 (1978), https://doi.org/10.1214/aos/1176344136; AICc: Hurvich and Tsai, Biometrika 76, 297 (1989),
    https://doi.org/10.1093/biomet/76.2.297.

    Args:
        log_likelihood: largest ln L, minus the value of a `qvar.fit` in its minimum.
        n_params: number k of fitted parameters.
        n_data: number n of data.

    Raises:
        QvarError: if a number is out of range.
    """
    k, n = n_params, counting_number("n_data", n_data)
    require(k >= 0, "n_params", "not be negative", n_params)
    aic = 2.0 * k - 2.0 * log_likelihood
    more = 2.0 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf
    return InformationCriteria(aic, aic + more, k * float(np.log(n)) - 2.0 * log_likelihood)
