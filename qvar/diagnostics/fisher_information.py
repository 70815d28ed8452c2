r"""Fisher information of a state in its parameters: matrix, spectrum, rank, effective dimension.

The quantum Fisher information is the rate of change of the state; its rank is the number of directions in which a
circuit can move, and from the depth at which it stops growing the circuit is overparametrized (Larocca et al. 2023).
The classical one is the part that a measurement in the computational basis resolves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray, PyTree
from qvar.arguments import checked
from qvar.checks import counting_number, finite_number, real_array, whole_number
from qvar.diagnostics.dimension_interval import dimension_estimate
from qvar.diagnostics.estimate import Estimate
from qvar.errors import require
from qvar.memory import require_memory
from qvar.objective import Objective, cut, padded_points
from qvar.quantum_geometry import (
    FisherColumns,
    FisherFunction,
    FisherProduct,
    Information,
    checked_vector,
    fisher_function,
    fisher_product_function,
    host_fisher,
    state_shape,
    tangent_bytes,
    tangents_are_held,
)

_POINTS = 4
"""Points between two checks of a rank."""


@checked()
def fisher(objective: Objective, theta: Any) -> Float[Array, "n_params n_params"]:
    r"""Return the quantum Fisher information matrix of the state.

    $$ F_{ij} = 4\, \mathrm{Re}\left[ \langle\partial_i\psi|\partial_j\psi\rangle
       - \langle\partial_i\psi|\psi\rangle\langle\psi|\partial_j\psi\rangle \right] $$

    Exact, from the n_params tangent states in forward mode; if they do not fit into `qvar.memory.memory_limit()`, by
    columns from forward and reverse products, with no array of (n_params, amplitudes). Four times the Fubini-Study
    metric.

    Meyer, Quantum 5, 539 (2021), https://doi.org/10.22331/q-2021-09-09-539.

    Args:
        objective: it has a state.
        theta: (n_params,) point.

    Returns:
        Symmetric, positive semidefinite matrix.

    Raises:
        QvarError: if theta has another shape or is not finite, or the objective has no state.
    """
    return _matrices(objective, checked_vector(objective, "theta", theta)[None])[0]


@checked()
def fisher_batch(objective: Objective, thetas: Any) -> Float[Array, "n n_params n_params"]:
    """Return quantum Fisher information matrices at many points, see `fisher`; the caller holds them all.

    Raises:
        QvarError: if thetas has another shape than (n, n_params), or the objective has no state.
    """
    return _matrices(objective, thetas)


@checked()
def fisher_product(objective: Objective, theta: Any, v: Any) -> Float[Array, " n_params"]:
    r"""Return \(F v\) with the quantum Fisher information, without the matrix: a few states in memory.

    Args:
        objective: it has a state.
        theta: (n_params,) point.
        v: (n_params,) direction.

    Raises:
        QvarError: if theta or v has another shape or is not finite, or the objective has no state.
    """
    product, host = fisher_product_function(objective), host_fisher(objective)
    vectors = checked_vector(objective, "theta", theta), checked_vector(objective, "v", v)
    if host is not None:
        point, direction = map(np.asarray, vectors)
        return jax.device_put(host.products(point, direction[None])[0])
    padded = [padded_points(objective.needed("state_function"), vector, objective.data) for vector in vectors]
    return cut(_product(product, *padded, objective.data), objective.n_params)


@checked()
def classical_fisher(objective: Objective, theta: Any) -> Float[Array, "n_params n_params"]:
    r"""Return the classical Fisher information matrix of a measurement in the computational basis.

    $$ F_{ij} = \sum_{x:\, p_x > 0} \frac{1}{p_x} \frac{\partial p_x}{\partial\theta_i}
       \frac{\partial p_x}{\partial\theta_j}, \qquad p_x = |\langle x|\psi(\theta)\rangle|^2 $$

    Never larger than the quantum one, \(F_\mathrm{classical} \leq F_\mathrm{quantum}\) as matrices, and equal to it
    if all amplitudes are real. Outcomes that cannot occur at theta (modulus of the amplitude below the precision to
    the power 3/4, 2e-12 in 64 bit) are left out; if an outcome becomes impossible the information jumps, as it does
    at a basis state.

    Meyer, Quantum 5, 539 (2021), https://doi.org/10.22331/q-2021-09-09-539.

    Args:
        objective: it has a state; in the sector engine x runs over the determinants of the sector.
        theta: (n_params,) point.

    Raises:
        QvarError: if theta has another shape or is not finite, or the objective has no state.
    """
    return _matrices(objective, checked_vector(objective, "theta", theta)[None], "classical")[0]


@checked()
def fisher_spectrum(objective: Objective, theta: Any) -> Float[Array, " n_params"]:
    r"""Return the eigenvalues of the quantum Fisher information, ascending.

    They are the squared singular values of the matrix of tangents (real and imaginary parts, projected away from the
    state), so that a zero comes out at about \(10^{-30}\) of the largest in 64 bit, and not at \(10^{-16}\). Where that
    matrix does not fit into memory they are the eigenvalues of `fisher`, with the larger floor.

    Raises:
        QvarError: if theta has another shape or is not finite, or the objective has no state.
    """
    return jax.device_put(_all_spectra(objective, checked_vector(objective, "theta", theta)[None])[0])


@checked("samples")
def fisher_rank(
    objective: Objective,
    *,
    key: jax.Array,
    samples: int = 16,
    tolerance: float | None = None,
    start: str | None = "uniform",
) -> int:
    r"""Compute the generic rank of the quantum Fisher information: the number of independent directions of the state.

    The largest rank over random points. It is the same almost everywhere, because minors of F are analytic in theta,
    and lower on a set of measure zero; a point that lies near this set can lose directions to rounding, and none can
    gain one. That is common: with just as many parameters as directions, the smallest eigenvalue at random points
    spreads over many decades (TFIM HVA, 14 qubits, 7 layers: one in four below 1e-24 of the largest, the median
    at 1e-18). No more points are tried once the rank has reached n_params or `fisher_rank_bound`.

    Larocca et al., Nat. Comput. Sci. 3, 542 (2023), https://doi.org/10.1038/s43588-023-00467-6; Haug, Bharti, Kim,
    PRX Quantum 2, 040309 (2021), https://doi.org/10.1103/PRXQuantum.2.040309.

    Args:
        objective: it has a state.
        key: JAX random key.
        samples: largest number of random points.
        tolerance: an eigenvalue counts if it is above tolerance times the largest, or times 1 if all are smaller.
            If None, the square of 1000 times the precision, 5e-26 in 64 bit: true zeros come out near 1e-30, see
            `fisher_spectrum`, which shows the gap; 10 n_params times the precision if the spectrum has to be computed
            from the matrix itself.
        start: distribution of the points, see `Objective.initial`.

    Raises:
        QvarError: if an argument is out of range, `start` is unknown, or the objective has no state.
    """
    samples = counting_number("samples", samples, bytes_each=8 * max(1, objective.n_params))
    tolerance = finite_number("tolerance", _noise(objective) if tolerance is None else tolerance)
    require(0 <= tolerance < 1, "tolerance", "be at least 0 and below 1", tolerance)
    most, rank = min(objective.n_params, fisher_rank_bound(objective)), 0
    thetas = np.asarray(objective.initial_batch(key, samples, start))
    for first in range(0, samples, _POINTS):
        if rank == most:
            break
        spectra = _spectra(objective, thetas[first : first + _POINTS], tolerance)
        rank = max(rank, int(np.count_nonzero(spectra, axis=1).max()))
    return rank


@checked()
def fisher_rank_bound(objective: Objective) -> int:
    """Return the largest rank that any circuit can have in the space of the objective's engine.

    A state of d complex amplitudes has 2 d - 2 directions without norm and global phase; one of d real amplitudes has
    d - 1. In the sector engine d is the number of basis states of the sector.

    Raises:
        QvarError: if the objective has no state.
    """
    state = state_shape(objective)
    return (state.size - 1) * (2 if jnp.issubdtype(state.dtype, jnp.complexfloating) else 1)


@checked("samples", "n_data")
def effective_dimension(
    objective: Objective,
    *,
    key: jax.Array,
    samples: int = 100,
    n_data: int = 1_000_000,
    gamma: float = 1.0,
    start: str | None = "uniform",
    information: Information = "quantum",
) -> Estimate:
    r"""Estimate the effective dimension: the number of parameters that n_data observations resolve, on average.

    $$ d_\mathrm{eff} = \frac{2 \ln \left\langle \sqrt{\det(1 + \kappa \hat F(\theta))} \right\rangle_\theta}
       {\ln \kappa}, \qquad \kappa = \frac{\gamma\, n}{2\pi \ln n}, \qquad
       \hat F(\theta) = \frac{n_\mathrm{params}}{\langle \mathrm{Tr}\, F \rangle_\theta}\, F(\theta) $$

    Abbas et al. define it with the classical Fisher information of a model; here the quantum one takes its place unless
    `information` says otherwise, as capacity without the choice of a measurement. For n to infinity it tends to the
    rank, slowly: the distance falls as \(1/\ln n\), from either side.

    Abbas et al., Nat. Comput. Sci. 1, 403 (2021), https://doi.org/10.1038/s43588-021-00084-1; for circuits without
    data: Haug, Bharti, Kim, PRX Quantum 2, 040309 (2021), https://doi.org/10.1103/PRXQuantum.2.040309.

    Args:
        objective: it has a state.
        key: JAX random key.
        samples: number of random points that stand for the averages, at least 2.
        n_data: n, number of observations, so large that \(\kappa > 1\).
        gamma: the constant of the generalization bound, in (0, 1].
        start: the distribution of theta, see `Objective.initial`.
        information: `"quantum"`, or `"classical"` for that of `classical_fisher`.

    Returns:
        The dimension with its 95 % interval: studentized bootstrap over the points, on the logarithm, by the
        standard error of the linearized dimension, and not narrower than Student's. Few points miss the largest
        determinants, so the upper end is not below that of log-normal determinants (Cox's method; Zhou, Gao, Stat. Med.
        16, 783 (1997)). If few points make up the average, `Estimate.needed` says how many it takes.

    Raises:
        QvarError: if an argument is out of range, `start` is unknown, or the objective has no state.
    """
    samples = counting_number("samples", samples, least=2, bytes_each=2 * 8 * max(1, objective.n_params))
    n_data = counting_number("n_data", n_data, least=2)
    require(n_data.bit_length() <= 1000, "n_data", "be at most 2^1000", n_data)
    require(0 < gamma <= 1, "gamma", "be above 0 and at most 1", gamma)
    kappa = gamma * n_data / (2 * math.pi * math.log(n_data))
    require(kappa > 1, "n_data", "be so large that gamma n / (2 pi ln n) is above 1", n_data)
    point_key, resample_key = jax.random.split(key)
    return dimension_estimate(resample_key, fisher_spectra(objective, point_key, samples, start, information), kappa)


def fisher_spectra(
    objective: Objective,
    key: jax.Array,
    samples: int,
    start: str | None = "uniform",
    information: Information = "quantum",
) -> FloatArray:
    """Return the eigenvalues of the Fisher information at random points, (samples, n_params), ascending.

    The arguments are those of `effective_dimension`.

    Raises `QvarError` if `start` is unknown, or the objective has no state.
    """
    thetas = objective.initial_batch(key, samples, start)
    return _spectra(objective, thetas, _noise(objective), information)


@checked()
def saturation_layer(ranks: Mapping[int, int]) -> int | None:
    """Return the first depth from which on the rank stays the same: where a circuit becomes overparametrized.

    Larocca et al., Nat. Comput. Sci. 3, 542 (2023), https://doi.org/10.1038/s43588-023-00467-6.

    Args:
        ranks: number of layers -> rank, in any order.

    Returns:
        The number of layers; None if the last rank is seen at the largest depth alone, because nothing then says
        that it stays.

    Raises:
        QvarError: if there are no ranks.
    """
    require(len(ranks) > 0, "ranks", "hold at least one depth", ranks)
    ranks = {whole_number("ranks", depth): whole_number(f"ranks[{depth}]", rank) for depth, rank in ranks.items()}
    depths = sorted(ranks, reverse=True)
    same = [depth for depth in depths if ranks[depth] == ranks[depths[0]]]
    lasting = [depth for depth, expected in zip(depths, same, strict=False) if depth == expected]
    return lasting[-1] if len(lasting) > 1 else None


@dataclass(frozen=True)
class SpectrumFunction:
    """theta -> eigenvalues of the Fisher information, ascending; from singular values if possible."""

    fisher: FisherFunction | FisherColumns

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> Float[Array, " n_params"]:
        """Return the eigenvalues of F(theta), none of them negative."""
        if isinstance(self.fisher, FisherColumns):
            return jnp.maximum(jnp.linalg.eigvalsh(self.fisher(theta, data)), 0.0)
        roots = jnp.linalg.svd(self.fisher.factor(theta, data), compute_uv=False)
        return jnp.concatenate([jnp.zeros(len(theta) - len(roots), roots.dtype), roots[::-1] ** 2])


def _matrices(objective: Objective, thetas: Any, information: Information = "quantum") -> Array:
    """Return the information at points (n, n_params), (n, n_params, n_params)."""
    n, host = objective.n_params, host_fisher(objective, information)
    if host is None:
        return _at_points(objective, fisher_function(objective, information), thetas)
    _require_matrices(n)
    points = np.asarray(real_array("thetas", thetas, ("n", n)))
    return jax.device_put(np.array([host(point) for point in points]).reshape(len(points), n, n))


def _all_spectra(objective: Objective, thetas: Any, information: Information = "quantum") -> FloatArray:
    """Return the eigenvalues at points (n, n_params), (n, n_params), ascending."""
    n, host = objective.n_params, host_fisher(objective, information)
    if host is None:
        return np.asarray(_at_points(objective, SpectrumFunction(fisher_function(objective, information)), thetas))
    _require_matrices(n)
    return np.array([host.spectrum(point) for point in np.asarray(thetas)]).reshape(len(thetas), n)


def _require_matrices(n_params: int) -> None:
    require_memory("objective", f"a matrix of {max(1, n_params)} parameters", 2 * 8 * max(1, n_params) ** 2)


def _at_points(objective: Objective, function: Any, thetas: Any) -> Array:
    """Call `Objective.batch` with chunks for a function that follows all parameters at once."""
    _require_matrices(objective.n_params)
    most = None if objective.most_at_once is None else max(1, objective.most_at_once // max(1, objective.n_params))
    return replace(objective, bytes_per_evaluation=tangent_bytes(objective), most_at_once=most).batch(function, thetas)


def _noise(objective: Objective) -> float:
    """Return the rounding error of a zero eigenvalue, with a margin, relative to the largest eigenvalue."""
    precision = float(jnp.finfo(jax.dtypes.canonicalize_dtype(float)).eps)  # that of `float` itself is always of 64 bit
    if not tangents_are_held(objective):
        return 10 * objective.n_params * precision
    return (1000 * precision) ** 2  # singular values are off by 1 to 20 times the precision


def _spectra(objective: Objective, thetas: Any, tolerance: float, information: Information = "quantum") -> FloatArray:
    """Return (n, n_params) eigenvalues at n points; those below the tolerance are zero."""
    spectra = _all_spectra(objective, thetas, information)
    require(bool(np.isfinite(spectra).all()), "objective", "have a finite state at its starts", objective.name)
    floor = np.maximum(spectra[:, -1:], 1.0)  # not the largest alone: if only the phase turns, all of it is noise
    return np.where(spectra > tolerance * floor, spectra, 0.0)


@partial(jax.jit, static_argnums=0)
def _product(product: FisherProduct, theta: Array, v: Array, data: PyTree) -> Array:
    return product(theta, v, data)
