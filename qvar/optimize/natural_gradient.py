r"""Quantum natural gradient: steepest descent where length is measured by how far the state moves."""

from __future__ import annotations

from functools import cache

import jax.numpy as jnp
import jax.scipy
import optax
from jaxtyping import Array

from qvar.arguments import checked
from qvar.errors import require
from qvar.optimize.evaluation import Reading
from qvar.optimize.first_order import descent, learning_rate_of
from qvar.optimize.method import Method, gradient_of


@checked()
@cache
def natural_gradient(*, learning_rate: float = 0.1, regularisation: float = 1e-3) -> Method:
    r"""Make the quantum natural gradient with the full metric, regularised.

    $$ \theta_{t+1} = \theta_t - \eta \left(g(\theta_t) + \lambda 1\right)^{-1} \nabla E(\theta_t), \qquad
       g_{ij} = \mathrm{Re}\left[ \langle\partial_i\psi|\partial_j\psi\rangle
       - \langle\partial_i\psi|\psi\rangle\langle\psi|\partial_j\psi\rangle \right] = F_{ij} / 4 $$

    with learning rate \(\eta\), regularisation \(\lambda\), the Fubini-Study metric g and the quantum Fisher
    information F; PennyLane's `QNGOptimizer(stepsize, lam=...)` has the same convention. The step is plain, without
    line search: for small \(\eta\) and \(\lambda\) it is imaginary time evolution by \(\eta / 2\), projected on the
    directions that the circuit has, so \(\eta\) times the width of the spectrum should stay below about 4.
    Directions that do not move the state, of which an overparametrized circuit has many, have no slope and get no
    step; against rounding, \(\lambda\) is never taken below \(\sqrt{\epsilon}\) times the greatest
    \(g_{ii}\) or 1, with the precision \(\epsilon\) (1.5e-8 in 64 bit).

    An evaluation is one energy, one gradient and one metric. The metric holds one state for each parameter, takes
    as long as about one circuit and an overlap with all others for each, and is not counted on its own: there are as
    many as `gradient_evaluations`. On hardware it would cost far more than the gradient.

    Stokes, Izaac, Killoran, Carleo, Quantum 4, 269 (2020), https://doi.org/10.22331/q-2020-05-25-269,
    https://arxiv.org/abs/1909.02108.

    Args:
        learning_rate: \(\eta\), in one over the unit of the value; positive.
        regularisation: \(\lambda\), in squares of the state's length per square of the parameters' unit; not
            negative.

    Raises:
        QvarError: if an argument is out of its range.
    """
    learning_rate_of(learning_rate)
    require(regularisation >= 0, "regularisation", "not be negative", regularisation)

    def natural(read: Reading) -> Array:
        assert read.metric is not None  # what it reads
        metric = read.metric / 4.0
        n = len(metric)
        least = jnp.finfo(metric.dtype).eps ** 0.5 * jnp.max(jnp.diagonal(metric), initial=1.0)
        damped = metric + jnp.maximum(regularisation, least) * jnp.eye(n, dtype=metric.dtype)
        return jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(damped), gradient_of(read))

    init, update = descent(optax.sgd(learning_rate), natural)
    settings = (("learning_rate", learning_rate), ("regularisation", regularisation))
    return Method(
        "natural_gradient", settings, init, update, ("stokes2020", "deepmind2020"), "metric", allows_padding=True
    )
