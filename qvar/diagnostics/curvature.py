r"""Curvature of the loss: Hessian, its spectrum and its extremes, exact, from Hessian-vector products.

A product \(H v\) is the derivative along v, in forward mode, of the gradient's reversible sweep: exact, and four states
in memory, whatever the depth. The dense matrix takes n_params products; for many parameters, Lanczos iterations give
the extreme eigenvalues and random vectors the trace.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray, PyTree
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import mean_estimates
from qvar.engines.host_threads import run_all
from qvar.errors import require
from qvar.hessian_products import FLAT, ProductFunction
from qvar.host_kernels import HostKernels, LossFunction
from qvar.memory import require_memory
from qvar.objective import Objective, cut, padded_points
from qvar.quantum_geometry import along_every_parameter, checked_vector, tangents_are_held
from qvar.random_draws import normal, signs
from qvar.short_repr import short_repr


@checked()
def hessian_product(objective: Objective, theta: Any, v: Any) -> Float[Array, " n_params"]:
    r"""Return \(H v\) with \(H_{ij} = \partial_i \partial_j f(\theta)\), exact, without the matrix.

    Pearlmutter, Neural Comput. 6, 147 (1994), https://doi.org/10.1162/neco.1994.6.1.147.

    Args:
        objective: any.
        theta: (n_params,) point.
        v: (n_params,) direction.

    Returns:
        The product, in the objective's unit.

    Raises:
        QvarError: if theta or v has another shape or is not finite.
    """
    vectors = checked_vector(objective, "theta", theta), checked_vector(objective, "v", v)
    host = objective.host_kernels
    if host is not None:
        return jax.device_put(host.hessian_product(*map(np.asarray, vectors))[2])
    padded = [padded_points(objective.function, vector, objective.data) for vector in vectors]
    return cut(_product(ProductFunction(objective.function), *padded, objective.data), objective.n_params)


@checked()
def hessian(objective: Objective, theta: Any) -> Float[Array, "n_params n_params"]:
    r"""Return the matrix \(H_{ij} = \partial_i \partial_j f(\theta)\), exact, from n_params products in chunks.

    Raises:
        QvarError: if theta has another shape or is not finite.
    """
    return _gradient_and_hessian(objective, theta)[1]


@checked()
def hessian_spectrum(objective: Objective, theta: Any) -> Float[Array, " n_params"]:
    """Return all eigenvalues of the Hessian, ascending, in the objective's unit.

    Raises:
        QvarError: if theta has another shape or is not finite.
    """
    return jax.device_put(np.linalg.eigvalsh(np.asarray(hessian(objective, theta))))


@short_repr()
@dataclass(frozen=True, kw_only=True)
class HessianSummary:
    """Curvature at a point."""

    n_params: int
    """Number of directions."""
    gradient_norm: float
    """Length of the gradient: curvature describes a minimum only if it is small."""
    smallest: float
    """Smallest eigenvalue."""
    largest: float
    """Largest eigenvalue."""
    trace: float
    """Sum of all eigenvalues."""
    negative: int
    """Number of directions of negative curvature: eigenvalues below -tolerance times the largest modulus."""
    flat: int
    """Number of directions without curvature: eigenvalues within tolerance times the largest modulus of zero."""
    condition: float
    """Largest over smallest of the eigenvalues that are positive and not flat; NaN if there is none."""
    tolerance: float
    """Modulus below which an eigenvalue is flat, relative to the largest modulus."""


@checked()
def hessian_summary(objective: Objective, theta: Any, *, tolerance: float = FLAT) -> HessianSummary:
    """Compute extremes, trace, signs and condition of the Hessian from all its eigenvalues.

    Args:
        objective: any.
        theta: (n_params,) point, such as a start or the end of a run.
        tolerance: modulus below which an eigenvalue is flat, relative to the largest modulus.

    Raises:
        QvarError: if theta has another shape or is not finite, the objective has no parameters, or the tolerance is not
            in [0, 1).
    """
    require(0 <= tolerance < 1, "tolerance", "be at least 0 and below 1", tolerance)
    _check_parameters(objective)
    gradient, matrix = _gradient_and_hessian(objective, theta)
    spectrum = np.linalg.eigvalsh(np.asarray(matrix))
    threshold = tolerance * float(np.abs(spectrum).max())
    rising = spectrum[spectrum > threshold]
    negative = int(np.sum(spectrum < -threshold))
    return HessianSummary(
        n_params=len(spectrum),
        gradient_norm=float(np.linalg.norm(np.asarray(gradient))),
        smallest=float(spectrum[0]),
        largest=float(spectrum[-1]),
        trace=float(spectrum.sum()),
        negative=negative,
        flat=len(spectrum) - negative - len(rising),
        condition=float(rising[-1] / rising[0]) if len(rising) else float("nan"),
        tolerance=tolerance,
    )


@checked()
def hessian_extremes(objective: Objective, theta: Any, *, count: int = 1) -> tuple[FloatArray, FloatArray]:
    """Compute the lowest and the highest eigenvalues of the Hessian by Lanczos iterations, for many parameters.

    From products alone (ARPACK, by SciPy), so that no matrix is held; from the matrix if n_params is at most
    2 `count`. A Lanczos iteration may return too few copies of a degenerate eigenvalue such as zero.

    Lehoucq, Sorensen, Yang, ARPACK Users' Guide (1998), https://doi.org/10.1137/1.9780898719628.

    Args:
        objective: any.
        theta: (n_params,) point.
        count: number at each end, at most n_params.

    Returns:
        Lowest and highest eigenvalues, (count,) each, ascending; NaN if the iteration did not converge.

    Raises:
        QvarError: if theta has another shape or is not finite, or `count` is out of range.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    k, n = counting_number("count", count), objective.n_params
    _check_parameters(objective)
    require(k <= n, "count", f"be at most the {n} parameters", count)
    if 2 * k >= n:
        spectrum = np.asarray(hessian_spectrum(objective, theta))
        return spectrum[:k], spectrum[n - k :]
    point = checked_vector(objective, "theta", theta)

    def along(v: np.ndarray) -> np.ndarray:
        return np.asarray(hessian_product(objective, point, v.reshape(n)))

    operator: Any = LinearOperator((n, n), matvec=along, dtype=np.asarray(point).dtype)  # pyright: ignore[reportCallIssue]
    start = np.asarray(normal(jax.random.key(0), n))  # any vector does; the same in every call
    if not np.any(along(start)):  # no curvature, and nothing that Lanczos could start with
        return np.zeros(k), np.zeros(k)
    try:
        values = eigsh(operator, k=2 * k, which="BE", v0=start, return_eigenvectors=False)
    except ArpackNoConvergence:
        values = np.full(2 * k, np.nan)
    values = np.sort(values)
    return values[:k], values[k:]


@checked("samples")
def hessian_trace(objective: Objective, theta: Any, *, key: jax.Array, samples: int = 100) -> Estimate:
    r"""Estimate the trace of the Hessian, for many parameters: the mean of \(z^T H z\) over random \(z_i = \pm 1\).

    The variance of one sample is \(2 \sum_{i \neq j} H_{ij}^2\), so that the error is
    \(\sqrt{2 \sum_{i \neq j} H_{ij}^2 / \mathrm{samples}}\), and zero for a diagonal Hessian.

    Hutchinson, Commun. Stat. Simul. Comput. 18, 1059 (1989), https://doi.org/10.1080/03610918908812806.

    Args:
        objective: any.
        theta: (n_params,) point.
        key: JAX random key.
        samples: number of products, at least 2.

    Returns:
        The trace with a bootstrap interval, in the objective's unit.

    Raises:
        QvarError: if theta has another shape or is not finite, or there are fewer than 2 samples.
    """
    samples = counting_number("samples", samples, least=2, bytes_each=8 * max(1, objective.n_params))
    point = checked_vector(objective, "theta", theta)
    sign_key, resample_key = jax.random.split(key)
    drawn = signs(sign_key, samples * objective.n_params).reshape(samples, objective.n_params)
    host, wider = objective.host_kernels, _wider(objective)
    if host is not None:
        rows = np.asarray(drawn)
        along = np.array([row @ product for row, product in zip(rows, _products(host, point, rows)[1], strict=True)])
        return mean_estimates(resample_key, along[:, None])[0]
    values = replace(wider, data=(point, objective.data)).batch(AlongFunction(objective.function), drawn)
    return mean_estimates(resample_key, values[:, None])[0]


@dataclass(frozen=True)
class HessianFunction:
    """theta -> (gradient, Hessian), `chunk` columns at a time; pure and hashable."""

    product: ProductFunction
    chunk: int

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> tuple[Array, Array]:
        """Return the gradient (n_params,) and the symmetric Hessian (n_params, n_params)."""
        product = self.product
        gradient, matrix = along_every_parameter(lambda v: product.with_gradient(theta, v, data), theta, self.chunk)
        return gradient, 0.5 * (matrix + matrix.T)


@dataclass(frozen=True)
class AlongFunction:
    """v -> v H v, with (theta, data of the objective) as its data."""

    function: LossFunction

    def __call__(self, v: Float[Array, " n_params"], point: PyTree) -> Float[Array, ""]:
        """Return the curvature along v, times the squared length of v."""
        theta, data = point
        return jnp.vdot(v, ProductFunction(self.function)(theta, v, data))


def _gradient_and_hessian(objective: Objective, theta: Any) -> tuple[Array, Array]:
    n = objective.n_params
    point = checked_vector(objective, "theta", theta)
    require_memory("objective", f"a Hessian of {n} parameters", 2 * 8 * n**2)
    host = objective.host_kernels
    if host is not None:
        if host.gradient_and_hessian is not None and tangents_are_held(objective):
            return jax.device_put(host.gradient_and_hessian(np.asarray(point)))
        gradient, rows = _products(host, point, np.eye(n))
        return jax.device_put((gradient, 0.5 * (rows + rows.T)))
    function = HessianFunction(ProductFunction(objective.function), _wider(objective).chunk(n))
    return _matrix(function, point, objective.data)


def _products(host: HostKernels, theta: Array, directions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the gradient, and H v for each of the directions v, by several threads."""
    point, products = np.asarray(theta), np.zeros(directions.shape)
    gradient = np.zeros(len(point))

    def work(at: int) -> None:
        _, gradient[:], products[at] = host.hessian_product(point, directions[at])

    run_all([partial(work, at) for at in range(len(directions))])
    return gradient, products


def _wider(objective: Objective) -> Objective:
    """Return the objective with the memory of a product, which holds the states of a gradient and their derivatives."""
    return replace(objective, bytes_per_evaluation=2 * objective.bytes_per_evaluation)


def _check_parameters(objective: Objective) -> None:
    require(objective.n_params > 0, "objective", "have parameters", objective.name)


@partial(jax.jit, static_argnums=0)
def _product(product: ProductFunction, theta: Array, v: Array, data: PyTree) -> Array:
    return product(theta, v, data)


@partial(jax.jit, static_argnums=0)
def _matrix(function: HessianFunction, theta: Array, data: PyTree) -> tuple[Array, Array]:
    return function(theta, data)
