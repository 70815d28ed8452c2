r"""Exact variances over Haar-random states and circuits, those of a barren plateau.

The space is the one that the engine holds: the whole register of \(2^n\) states in the dense engine, the sector of the
reference in the sector engine. A circuit that conserves particles stays in its sector also in the dense engine; predict
its variances with the sector engine.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple, overload

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.checks import counting_number, real_array
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import LEVEL, scaled
from qvar.diagnostics.spectral import DENSE_DIMENSION, apply_operator
from qvar.errors import require
from qvar.objective import Objective
from qvar.quantum_geometry import state_shape

EXACT_UP_TO = 4096
"""Default of the largest dimension whose traces are summed over all basis states."""

RANDOM_VECTORS = 128
"""Random vectors of an estimated trace; its relative error is about sqrt(6 / (dimension x vectors)), 0.3 % at 4096."""

_BLOCK_BYTES = 1 << 26
"""Bytes of vectors that are held at once."""


class Moments(NamedTuple):
    """Traces of an operator over the space that the engine holds; `Estimate` if they are estimated."""

    dimension: int
    """D, the number of basis states."""
    trace: float | Estimate
    """Tr O, in the objective's unit."""
    square: float | Estimate
    r"""\(\mathrm{Tr}\, O^2\), in unit^2."""
    spread: float | Estimate
    r"""\(\mathrm{Tr}\, O^2 - (\mathrm{Tr}\, O)^2 / D\): D times the variance of the eigenvalues, in unit^2."""


@checked("samples")
def sector_moments(
    objective: Objective,
    *,
    real: bool = False,
    exact_up_to: int = EXACT_UP_TO,
    samples: int = RANDOM_VECTORS,
    key: jax.Array | None = None,
) -> Moments:
    r"""Return dimension, trace and trace of the square of an objective's operator O.

    Up to `exact_up_to` states, exact: O is applied to every basis vector, D applications. Above, Hutchinson's estimate
    with random signs z,

    $$ \mathrm{Tr}\, O = \mathbb{E}\big[z^T O z\big], \qquad \mathrm{Tr}\, O^2 = \mathbb{E}\big[|O z|^2\big], $$

    one application each, with 95 % intervals from their scatter; operators that are diagonal or a single Pauli word
    come out exactly. Memory is a few states at a time.

    Hutchinson, Commun. Stat. Simul. Comput. 19, 433 (1990), https://doi.org/10.1080/03610919008812866.

    Args:
        objective: has a state and an operator.
        real: whether only the real symmetric part of O counts, as for real states.
        exact_up_to: largest dimension that is summed exactly.
        samples: number of random vectors above, at least 2.
        key: JAX random key of the random vectors; a fixed one if None.

    Raises:
        QvarError: if the objective has no state or no operator, or a number is out of its range.
    """
    exact_up_to, samples = (
        counting_number("exact_up_to", exact_up_to),
        counting_number("samples", samples, least=2, bytes_each=32),
    )
    like = state_shape(objective)
    dimension = math.prod(like.shape)
    exact = dimension <= exact_up_to
    key = jax.random.key(0) if key is None else key
    overlaps, norms = _products(objective, real, None if exact else jax.random.split(key, samples))
    if exact:
        trace, square = float(overlaps.sum()), float(norms.sum())
        return Moments(dimension, trace, square, max(0.0, square - trace**2 / dimension))
    # centred before they are averaged, so that a large trace cancels
    mean = float(overlaps.mean()) / dimension
    centred = norms - 2 * mean * overlaps + mean**2 * dimension
    return Moments(dimension, _estimate(overlaps), _estimate(norms), _estimate(centred))


def _estimate(samples: FloatArray) -> Estimate:
    from scipy.special import stdtrit

    n = len(samples)
    value, error = float(samples.mean()), float(samples.std(ddof=1)) / math.sqrt(n)
    reach = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    return Estimate(value, value - reach, value + reach, n)


def _products(objective: Objective, real: bool, keys: jax.Array | None) -> tuple[FloatArray, FloatArray]:
    """Return z^T O z and |O z|^2 for every basis vector, or for random signs, one vector for each key."""
    like = state_shape(objective)
    dimension = math.prod(like.shape)
    many = dimension if keys is None else len(keys)
    block = min(many, max(1, min(DENSE_DIMENSION, _BLOCK_BYTES // (dimension * like.dtype.itemsize))))
    overlaps, norms = np.zeros((2, many + block))
    for start in range(0, many, block):
        here = slice(start, start + block)
        if keys is None:
            z = np.eye(block, dimension, start, dtype=like.dtype)  # rows past the last basis vector are zero
        else:
            last = jnp.minimum(jnp.arange(start, start + block), many - 1)
            z = np.asarray(_signs(keys[last], dimension)).astype(like.dtype)
        images = np.asarray(apply_operator(objective, jnp.asarray(z)))
        images = np.real(images) if real else images
        overlaps[here], norms[here] = np.sum(np.real(z) * np.real(images), axis=1), np.sum(np.abs(images) ** 2, axis=1)
    return overlaps[:many], norms[:many]


@partial(jax.jit, static_argnums=1)
def _signs(keys: jax.Array, dimension: int) -> Array:
    return jax.vmap(lambda key: jax.random.rademacher(key, (dimension,), "int8"))(keys)


def has_real_states(objective: Objective) -> bool:
    """Return whether an objective's states have real amplitudes: by their type, or else at one random theta.

    Raises `QvarError` if the objective has no state.
    """
    if not jnp.issubdtype(state_shape(objective).dtype, jnp.complexfloating):
        return True
    theta = np.random.default_rng(0).uniform(-math.pi, math.pi, objective.n_params)  # no program for each length
    state = objective.state(theta)
    return bool(jnp.abs(jnp.imag(state)).max() <= 100 * jnp.finfo(state.dtype).eps)


@checked()
def haar_loss_variance(
    objective: Objective, *, real: bool | None = None, moments: Moments | None = None
) -> float | Estimate:
    r"""Return the variance of the loss over Haar-random states of the space that the engine holds.

    With \(S = \mathrm{Tr}\, O^2 - (\mathrm{Tr}\, O)^2 / D\),

    $$ \mathrm{Var} = \frac{S}{D (D + 1)} \text{ over complex states}, \qquad
       \frac{2 S}{D (D + 2)} \text{ over real ones.} $$

    From the moments of a uniform unit vector: \(\mathbb{E}[x_i x_j x_k x_l] = (\delta_{ij} \delta_{kl} +
    \delta_{ik} \delta_{jl} + \delta_{il} \delta_{jk}) / (D (D + 2))\) if it is real, so that
    \(\mathbb{E}[f^2] = ((\mathrm{Tr}\, O)^2 + 2\, \mathrm{Tr}\, O^2) / (D (D + 2))\), from which
    \(\mathbb{E}[f]^2 = (\mathrm{Tr}\, O / D)^2\) is taken; and
    \(\mathbb{E}[f^2] = ((\mathrm{Tr}\, O)^2 + \mathrm{Tr}\, O^2) / (D (D + 1))\) if it is complex.

    Deep circuits reach this value if they are universal in that space; circuits with more symmetries reach another.

    Args:
        objective: has a state and an operator; see the module about the space.
        real: whether states are real; what `has_real_states` finds if None.
        moments: of `sector_moments`, with the same `real`, if they are known already.

    Returns:
        The variance in unit^2; an `Estimate` if the traces are estimated, see `sector_moments`.

    Raises:
        QvarError: if the objective has no state or no operator.
    """
    real = has_real_states(objective) if real is None else real
    moments = sector_moments(objective, real=real) if moments is None else moments
    d = moments.dimension
    return _times(moments.spread, 2 / (d * (d + 2)) if real else 1 / (d * (d + 1)))


@overload
def haar_gradient_variance(
    objective: Objective,
    *,
    fisher: float | None = None,
    real: bool | None = None,
    moments: Moments | None = None,
) -> float | Estimate: ...


@overload
def haar_gradient_variance(
    objective: Objective, *, fisher: FloatArray, real: bool | None = None, moments: Moments | None = None
) -> FloatArray: ...


@checked()
def haar_gradient_variance(
    objective: Objective,
    *,
    fisher: float | FloatArray | None = None,
    real: bool | None = None,
    moments: Moments | None = None,
) -> float | Estimate | FloatArray:
    r"""Return the variance of a derivative \(\partial_i f\) if the circuit after gate i is a 2-design of its space.

    The derivative is \(\mathrm{Tr}(V^\dagger O V\, K)\) with the Haar-random V that follows and
    \(K = \partial_i (|\psi\rangle\langle\psi|)\), which is traceless and has \(\mathrm{Tr}\, K^2 = F_{ii} / 2\), where
    F is the quantum Fisher information. Because conjugation with V is irreducible on traceless operators, which have
    \(D^2 - 1\) dimensions if they are Hermitian and \((D - 1)(D + 2) / 2\) if they are real symmetric,

    $$ \mathrm{Var}\Big[\frac{\partial f}{\partial \theta_i}\Big] = \frac{S\, \mathbb{E}[F_{ii}]}{2 (D^2 - 1)}
       \text{ for complex states}, \qquad \frac{S\, \mathbb{E}[F_{ii}]}{(D - 1)(D + 2)} \text{ for real ones,} $$

    \(S = \mathrm{Tr}\, O^2 - (\mathrm{Tr}\, O)^2 / D\). Gates before gate i enter through F alone: a gate
    \(e^{-i \theta G}\) has \(F_{ii} = 4 (\langle G^2 \rangle - \langle G \rangle^2)\), on average
    \(4\, (\mathrm{Tr}\, G^2 - (\mathrm{Tr}\, G)^2 / D) / (D + 1)\) after another 2-design, or
    \(4\, \mathrm{Tr}\, G^2 / D\) if G is imaginary, the states and the 2-design real. For Pauli rotations and a Pauli
    observable these are the laws of McClean et al. 2018, https://doi.org/10.1038/s41467-018-07090-4. A parameter of
    several gates is right if V follows the last of them.

    Args:
        objective: has a state and an operator; see the module about the space.
        fisher: \(\mathbb{E}[F_{ii}]\), or one for each parameter, such as the mean of the diagonals of
            `qvar.diagnostics.fisher` over starts. Where None, that of a rotation \(e^{-i \theta P / 2}\) by a traceless
            Pauli word (with real states, an imaginary one such as Y) after a 2-design: D / (D + 1), or 1.
        real: whether states are real; what `has_real_states` finds if None.
        moments: of `sector_moments`, with the same `real`, if they are known already.

    Returns:
        The variance in unit^2 / radian^2, of the shape of `fisher`; an `Estimate` if it is one number and the traces
        are estimated, see `sector_moments`. 0 in a space of one state.

    Raises:
        QvarError: if the objective has no state or no operator, or the Fisher information is negative.
    """
    real = has_real_states(objective) if real is None else real
    moments = sector_moments(objective, real=real) if moments is None else moments
    d = moments.dimension
    default = 1.0 if real else d / (d + 1)
    values = np.asarray(default if fisher is None else real_array("fisher", fisher, None), dtype=float)
    require(bool(np.all(values >= 0)), "fisher", "not be negative", fisher)
    if d == 1:
        return 0.0 if values.ndim == 0 else np.zeros_like(values)
    factors = values / ((d - 1) * (d + 2)) if real else values / (2 * (d**2 - 1))
    return _times(moments.spread, float(factors)) if values.ndim == 0 else float(moments.spread) * factors


def _times(value: float | Estimate, factor: float) -> float | Estimate:
    return scaled(value, factor) if isinstance(value, Estimate) else value * factor
