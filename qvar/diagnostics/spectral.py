r"""Spectral width: the range of values that a loss can take, \(E_{max} - E_{min}\).

The operator acts in the space that the engine holds: the whole register in the dense engine, the sector in the sector
engine. No matrix of a large space is made.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.errors import QvarError
from qvar.objective import Objective
from qvar.quantum_geometry import state_shape

DENSE_DIMENSION = 256
"""Dimension up to which a dense eigensolver is used; it is fast, and needs no starting vector."""


def apply_operator(objective: Objective, vectors: Shaped[Array, "m dimension"]) -> Shaped[Array, "m dimension"]:
    """Apply H to flat vectors of an objective's space, in chunks that fit into memory.

    The constant is included.

    Raises:
        QvarError: if the objective has no state or no operator.
    """
    host = objective.value_kernels
    if host is not None and host.states is not None:
        own = np.array(vectors).reshape(len(vectors), *state_shape(objective).shape)
        return jax.device_put(host.images(own).reshape(vectors.shape))
    return _images(
        objective.needed("operator"),
        state_shape(objective).shape,
        max(1, objective.chunk(len(vectors))),
        vectors,
        objective.data,
    )


@partial(jax.jit, static_argnums=(0, 1, 2))
def _images(operator: Any, shape: tuple[int, ...], chunk: int, vectors: Array, data: Any) -> Array:
    return jax.lax.map(lambda vector: operator(vector.reshape(shape), data).ravel(), vectors, batch_size=chunk)


@checked()
def spectral_width(objective: Objective) -> float:
    r"""Return the largest minus the smallest eigenvalue of the operator, in the space that the engine holds.

    Losses and gradients of different problems are comparable in units of it; see
    `qvar.diagnostics.GradientVariance.normalised`.

    Lanczos from both ends at once (ARPACK through `scipy.sparse.linalg.eigsh`) from a fixed random vector; a complex
    Hermitian operator acts on real and imaginary parts, as a symmetric one of twice the dimension. Spaces of up to
    256 states are diagonalized.

    Lehoucq, Sorensen, Yang, ARPACK Users' Guide, SIAM (1998), https://doi.org/10.1137/1.9780898719628.

    Args:
        objective: has a state and an operator: the energy of a circuit, or an expectation value.

    Returns:
        The width, at least 0, in the objective's unit; right to about 1e-9 of the operator's norm. Time is about a
        hundred applications of the operator, more if eigenvalues at the ends are close; memory some twenty states.

    Raises:
        QvarError: if the objective has no state or no operator, or the iteration does not converge.
    """
    like = state_shape(objective)
    dimension = int(np.prod(like.shape))
    if dimension <= DENSE_DIMENSION:
        rows = np.asarray(apply_operator(objective, jnp.eye(dimension, dtype=like.dtype)))
        values = np.linalg.eigvalsh(rows.T)  # row j is the image of basis vector j: a column
        return float(values[-1] - values[0])

    def image(vector: FloatArray) -> FloatArray:
        states = np.ascontiguousarray(vector).view(like.dtype)  # real and imaginary parts alternate
        return np.asarray(apply_operator(objective, jnp.asarray(states.reshape(1, dimension)))).view(real.type).ravel()

    real = np.finfo(like.dtype).dtype
    size = dimension * (like.dtype.itemsize // real.itemsize)
    start = np.random.default_rng(0).standard_normal(size).astype(real)
    return _width(image, start / np.linalg.norm(start))


def _width(image: Any, start: FloatArray) -> float:
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    first = image(start)
    mean, precision = float(start @ first), float(np.finfo(start.dtype).eps)
    if np.linalg.norm(first - mean * start) <= 100 * precision * np.linalg.norm(first):
        return 0.0  # a multiple of the identity, on which Lanczos cannot start
    operator = LinearOperator((len(start), len(start)), matvec=image, dtype=start.dtype)  # pyright: ignore[reportCallIssue]
    try:
        values: Any = eigsh(operator, k=2, which="BE", v0=start, tol=precision**0.6, return_eigenvectors=False)
    except ArpackError as error:
        raise QvarError(f"`objective` must have a spectrum that Lanczos finds, but it found none: {error}.") from error
    return float(np.max(values) - np.min(values))
