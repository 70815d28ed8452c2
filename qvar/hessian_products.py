r"""Hessian-vector products of a loss, exact, and the lowest curvature that a few of them show.

A product \(H v\), \(H_{ij} = \partial_i \partial_j f(\theta)\), is the derivative along v, in forward mode, of the
gradient's reversible sweep: exact, and four states in memory whatever the depth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import jax
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray, PyTree
from qvar.host_kernels import LossFunction

FLAT = 1e-6
"""A direction is flat where its curvature is below this, relative to the largest: rounding leaves about 1e-13, and a
point whose gradient is not quite zero bends a flat direction by about as much as the gradient."""

BEND = 10.0
r"""Curvature, per unit of the gradient's norm, that a valley without slope may show beside its floor. Along a curve
\(\theta(s)\) on which the value does not change, \(v^T H v = -\nabla f \cdot \theta''(s)\): circuits with
redundant angles have such curves, and these bend by a few radians per radian squared."""

_SETTLED = 0.03
"""A curvature is known when what Lanczos has left of it is below this part of it."""

_LEAST = 10
"""Products before a curvature may count as known: a lower one may not have shown yet."""


@dataclass(frozen=True)
class ProductFunction:
    """(theta, v) -> H v; pure and hashable, so that compiled programs are shared."""

    function: LossFunction

    def __call__(self, theta: Float[Array, " n_params"], v: Array, data: PyTree) -> Float[Array, " n_params"]:
        """Return H(theta) v."""
        return self.with_gradient(theta, v, data)[1]

    def with_gradient(self, theta: Float[Array, " n_params"], v: Array, data: PyTree) -> tuple[Array, Array]:
        """Return the gradient at theta and H(theta) v."""
        return self.with_value(theta, v, data)[1:]

    def with_value(self, theta: Float[Array, " n_params"], v: Array, data: PyTree) -> tuple[Array, Array, Array]:
        """Return the value and the gradient at theta, and H(theta) v."""
        both = jax.value_and_grad(lambda point: self.function(point, data))
        (value, gradient), (_, product) = jax.jvp(both, (theta,), (v,))
        return value, gradient, product


class Curvature(NamedTuple):
    """Lowest curvature at several points."""

    lowest: FloatArray
    """(n,) lowest eigenvalue of the Hessian, or an upper bound of it; NaN where a product is not finite."""
    falls: np.ndarray
    """(n,) whether it is negative beyond doubt."""
    flat: np.ndarray
    """(n,) whether the sign is not known: zero, or not known well enough after so many products."""
    direction: FloatArray
    """(n, n_params) direction of that curvature, of length 1."""
    gradient_norm: FloatArray
    """(n,) Euclidean norm of the gradient."""
    products: np.ndarray
    """(n,) Hessian products made."""


Products: TypeAlias = Callable[[np.ndarray, FloatArray], tuple[FloatArray, FloatArray]]
"""(which points, a direction at each) -> gradients and products, (k, n_params) each."""


def lowest_curvature(products: Products, vectors: FloatArray, values: FloatArray, most: int) -> Curvature:
    r"""Compute the lowest eigenvalue of the Hessian at several points, by Lanczos iterations, fully reorthogonalized.

    After k products the lowest eigenvalue of the tridiagonal matrix is \(v^T H v\) for a unit vector v that is known,
    so it is never below the lowest of H, and a negative one proves that the value falls along v. It is exact once
    k reaches n_params, or the number of different eigenvalues.

    A curvature counts as negative below \(-\max(10 |\nabla f|, 10^{-6} \rho, 10^3 \epsilon \max(1, |f|))\) with the
    largest modulus \(\rho\) of an eigenvalue and the precision \(\epsilon\); see `BEND` and `FLAT`. In 32 bits
    100 \(\epsilon\) takes the place of \(10^{-6}\).

    Lanczos, J. Res. Natl. Bur. Stand. 45, 255 (1950), https://doi.org/10.6028/jres.045.026; error bounds: Parlett, The
    Symmetric Eigenvalue Problem (1998), https://doi.org/10.1137/1.9781611971163.

    Each of the points gets at most so many products; `vectors` are random first directions, `values` those at the
    points, for what rounding does.
    """
    n, n_params = vectors.shape
    epsilon = float(np.finfo(vectors.dtype).eps)
    floor = 1e3 * epsilon * np.maximum(1.0, np.abs(np.nan_to_num(values)))
    steps = min(most, n_params)
    basis = np.zeros((steps, n, n_params))
    diagonal, beside = np.zeros((n, steps)), np.zeros((n, steps))
    lowest, norms = np.full(n, np.nan), np.full(n, np.nan)
    falls, flat, counts = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, int)
    direction = np.zeros((n, n_params))
    current = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    open_ = np.ones(n, bool)
    for step in range(steps):
        here = np.flatnonzero(open_)
        if len(here) == 0:
            break
        basis[step, here] = current[here]
        gradients, images = (np.asarray(part, float) for part in products(here, current[here]))
        counts[here] += 1
        for point, gradient, image in zip(here, gradients, images, strict=True):
            known = basis[: step + 1, point]
            norms[point] = np.linalg.norm(gradient)
            diagonal[point, step] = known[-1] @ image
            rest = image - known.T @ (known @ image)
            rest -= known.T @ (known @ rest)
            length = beside[point, step] = np.linalg.norm(rest)
            if not np.isfinite(length):
                lowest[point], open_[point] = np.nan, False
                falls[point] = flat[point] = False
                continue
            off = beside[point, :step]
            matrix = np.diag(diagonal[point, : step + 1]) + np.diag(off, 1) + np.diag(off, -1)
            spectrum, parts = np.linalg.eigh(matrix)
            radius = max(abs(spectrum[0]), abs(spectrum[-1]))
            threshold = max(BEND * norms[point], max(FLAT, 100 * epsilon) * radius, floor[point])
            left = length * abs(parts[-1, 0])
            lowest[point], direction[point] = spectrum[0], known.T @ parts[:, 0]
            exact = step + 1 == n_params or length <= 100 * epsilon * radius or radius <= floor[point]
            settled = exact or left <= _SETTLED * abs(spectrum[0])
            falls[point] = spectrum[0] < -threshold
            flat[point] = not falls[point] and not (settled and spectrum[0] > threshold)
            open_[point] = not (exact or (settled and not flat[point] and n_params > most and step + 1 >= _LEAST))
            if open_[point]:
                current[point] = rest / length
    return Curvature(lowest, falls, flat, direction, norms, counts)
