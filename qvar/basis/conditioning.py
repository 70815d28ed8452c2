r"""Near linear dependence of a basis set: ln cond(S) and its derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.basis.derivative_integrals import Bras


def log_condition(bras: Bras) -> tuple[float, FloatArray]:
    r"""Compute \(\ln \mathrm{cond}\, S = \ln \lambda_{max} - \ln \lambda_{min}\), and the parts of its gradient.

    With an eigenvector v of the overlap of normalised functions, \(d\lambda = v^T dS\, v\). A derivative \(\xi\) of a
    function \(\mu\) also changes its norm, taken back by \(\xi' = \xi - \mu \langle \mu | \xi \rangle\):

    $$ \frac{d \ln \lambda}{dp} = \frac{2}{\lambda} \sum_\mu v_\mu \Big( \sum_\nu \langle \xi | \nu \rangle v_\nu
       - \langle \xi | \mu \rangle \lambda v_\mu \Big). $$

    Returns:
        The value, and half of the derivatives as a (n_bras, n_functions) matrix.
    """
    values, vectors = np.linalg.eigh(bras.overlap[: bras.n_functions])
    total = np.zeros_like(bras.overlap)
    for value, vector, sign in ((values[-1], vectors[:, -1], 1.0), (values[0], vectors[:, 0], -1.0)):
        total += sign * (np.outer(bras.overlap @ vector, vector) / value - bras.overlap * vector**2)
    return float(np.log(values[-1] / values[0])), total


def condition_number(mol: Any) -> float:
    """Return the largest over the smallest eigenvalue of the overlap matrix; infinite if that is not positive."""
    values = np.linalg.eigvalsh(mol.intor("int1e_ovlp"))
    return float(values[-1] / values[0]) if values[0] > 0 else float("inf")
