"""Davidson's iteration: the lowest eigenvalue of a symmetric matrix from products and its diagonal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qvar._types import FloatArray


def davidson(
    product: Callable[[FloatArray], FloatArray], diagonal: FloatArray, start: FloatArray, **limits: Any
) -> tuple[float, FloatArray, bool]:
    """Compute the lowest eigenvalue, its vector, and whether the iteration converged.

    Davidson, J. Comput. Phys. 17, 87 (1975), https://doi.org/10.1016/0021-9991(75)90065-0, as PySCF iterates.

    The diagonal may be approximate and preconditions; eigenvectors orthogonal to the start may stay out of reach;
    `limits` are those of `pyscf.lib.davidson1`.
    """
    from pyscf import lib

    def improved(residual: FloatArray, value: float, *_: Any) -> FloatArray:
        gap = diagonal - value
        return residual / np.where(np.abs(gap) < 1e-2, 1e-2, gap)

    converged, values, vectors = lib.davidson1(
        lambda vectors: [product(vector) for vector in vectors], [start], improved, verbose=0, **limits
    )
    return float(values[0]), np.asarray(vectors[0]), bool(np.all(converged))
