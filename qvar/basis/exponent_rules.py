r"""Laws of exponents: ascending logarithms of n exponents as functions of a few parameters, and inverses.

Each law is written in JAX, so that its derivative is exact, and computes the parameters that come nearest to other
exponents, so that one form starts from the end of another.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray

SMALLEST_GAP = 1e-3
"""Gap above the bound, in ln(alpha), for exponents that are closer than a law allows."""


ALREADY_NEAR = 1e-12
"""Largest deviation, in ln(alpha), of exponents that a law reproduces."""


class Law(NamedTuple):
    """A map from parameters to n exponents."""

    name: str
    n: int
    """Number of exponents."""
    labels: tuple[str, ...]
    """Names of the parameters."""
    logarithms: Callable[[Array], Array]
    """(n_params,) -> (n,) ln(alpha), alpha in bohr^-2."""
    nearest: Callable[[FloatArray], FloatArray]
    """(n,) ascending ln(alpha) -> (n_params,): exact if the law contains them."""
    spread: FloatArray
    """(n_params,) standard deviations of random starts."""
    settings: dict[str, float]
    """Its settings other than n, ready for JSON."""


def free_law(n: int, ratio: float) -> Law:
    r"""Leave all exponents free, neighbours at least a ratio apart.

    $$ \theta = (\ln \alpha_1, u_2, \dots, u_n), \qquad \ln \alpha_k = \ln \alpha_{k-1} + \ln \rho + \ln(1 + e^{u_k}) $$
    """
    bound = float(np.log(ratio))

    def logarithms(theta: Array) -> Array:
        return jnp.cumsum(jnp.concatenate([theta[:1], bound + jax.nn.softplus(theta[1:])]))

    def nearest(target: FloatArray) -> FloatArray:
        return np.concatenate([target[:1], _inverse_softplus(np.diff(target) - bound)])

    labels = ("ln alpha 1", *(f"gap {k}" for k in range(2, n + 1)))
    return Law("free", n, labels, logarithms, nearest, np.full(n, 0.5), {"ratio": ratio})


def even_tempered_law(n: int, ratio: float) -> Law:
    r"""Return \(\alpha_k = \alpha \beta^{k-1}\) of \(\theta = (\ln \alpha, u)\) with \(\beta = \rho (1 + e^u)\).

    One exponent has one parameter: it does not depend on beta.

    Schmidt, Ruedenberg, J. Chem. Phys. 71, 3951 (1979), https://doi.org/10.1063/1.438165.
    """
    bound, name, settings = float(np.log(ratio)), "even_tempered", {"ratio": ratio}
    if n == 1:
        return Law(name, n, ("ln alpha",), lambda theta: theta, lambda target: target, np.array([0.5]), settings)

    def logarithms(theta: Array) -> Array:
        return theta[0] + jnp.arange(n) * (bound + jax.nn.softplus(theta[1]))

    def nearest(target: FloatArray) -> FloatArray:
        return _line(target, bound)

    return Law(name, n, ("ln alpha", "gap"), logarithms, nearest, np.array([0.5, 0.3]), settings)


def well_tempered_law(n: int, ratio: float, *, recursive: bool) -> Law:
    r"""Compute Huzinaga's well-tempered exponents: even-tempered ones that stretch towards the nucleus.

    Directly, or recursively from the third on,

    $$ \alpha_k = \alpha \beta^{k-1} \big[1 + \gamma (k/n)^\delta\big], \qquad
       \alpha_k = \alpha_{k-1} \beta \big[1 + \gamma (k/n)^\delta\big] \text{ with } \alpha_2 = \alpha \beta, $$

    and \(\theta = (\ln \alpha, u, \ln(1 + \gamma), \ln \delta)\), \(\ln \beta = \ln \rho + \ln(1 + e^u)\); gamma may be
    negative, and is 0 for even-tempered exponents. One or two exponents are even-tempered ones.

    Huzinaga, Klobukowski, Chem. Phys. Lett. 212, 260 (1993), https://doi.org/10.1016/0009-2614(93)89323-A.
    """
    if n <= 2:
        return even_tempered_law(n, ratio)
    bound, places = float(np.log(ratio)), np.arange(1, n + 1) / n

    def logarithms(theta: Array) -> Array:
        step = bound + jax.nn.softplus(theta[1])
        stretch = jnp.log1p(jnp.expm1(theta[2]) * jnp.exp(jnp.exp(theta[3]) * jnp.log(places)))
        if not recursive:
            return theta[0] + jnp.arange(n) * step + stretch
        steps = step + jnp.where(jnp.arange(n) >= 2, stretch, 0.0)
        return theta[0] + jnp.cumsum(steps) - step

    def nearest(target: FloatArray) -> FloatArray:
        from scipy.optimize import least_squares

        compiled, slopes = jax.jit(logarithms), jax.jit(jax.jacfwd(logarithms))

        def deviations(theta: FloatArray) -> FloatArray:
            return np.asarray(compiled(jnp.asarray(theta))) - target

        def jacobian(theta: FloatArray) -> FloatArray:
            return np.asarray(slopes(jnp.asarray(theta)))

        best = np.concatenate([_line(target, bound), [0.0, np.log(2.0)]])
        # from several sides: at gamma = 0 delta has no effect, and far from 1 it has little
        for start in ((0.05, 0.7), (-0.05, 0.7), (0.05, 0.0), (0.05, 1.4)):
            if np.abs(deviations(best)).max() < ALREADY_NEAR:
                break
            fitted = least_squares(
                deviations,
                np.concatenate([_line(target, bound), start]),
                jac=cast(Any, jacobian),  # SciPy's annotations know names only
                xtol=1e-15,
                ftol=1e-15,
                gtol=1e-15,
                max_nfev=500,
            ).x
            best = min(best, fitted, key=lambda theta: float(np.sum(deviations(theta) ** 2)))
        return best

    labels = ("ln alpha", "gap", "ln(1 + gamma)", "ln delta")
    name = "well_tempered_recursive" if recursive else "well_tempered"
    return Law(name, n, labels, logarithms, nearest, np.array([0.5, 0.3, 0.1, 0.3]), {"ratio": ratio})


def legendre_law(n: int, terms: int) -> Law:
    r"""Expand the logarithms in Legendre polynomials (Petersson): two terms are even-tempered, n terms free.

    $$ \ln \alpha_k = \sum_{j=0}^{t-1} A_j P_j\Big(\frac{2k - 2}{n - 1} - 1\Big), \; \theta = (A_0, \dots, A_{t-1}) $$

    Petersson, Zhong, Montgomery, Frisch, J. Chem. Phys. 118, 1101 (2003), https://doi.org/10.1063/1.1516801.
    """
    places = np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(1)
    matrix = np.polynomial.legendre.legvander(places, terms - 1)

    def logarithms(theta: Array) -> Array:
        return jnp.asarray(matrix) @ theta

    def nearest(target: FloatArray) -> FloatArray:
        return np.linalg.lstsq(matrix, target, rcond=None)[0]

    spread = 0.5 / (1.0 + np.arange(terms))
    return Law(f"legendre_{terms}", n, tuple(f"A {j}" for j in range(terms)), logarithms, nearest, spread, {})


def _line(target: FloatArray, bound: float) -> FloatArray:
    """Return ln(alpha) and u of the nearest even-tempered exponents."""
    slope, offset = np.polyfit(np.arange(len(target)), target, 1)
    return np.concatenate([[offset], _inverse_softplus(np.array([slope - bound]))])


def _inverse_softplus(gap: FloatArray) -> FloatArray:
    return np.log(np.expm1(np.maximum(gap, SMALLEST_GAP)))


well_tempered_laws = {
    "basisopt": partial(well_tempered_law, recursive=False),
    "erkale": partial(well_tempered_law, recursive=True),
}
"""The two definitions in use, under the names of the programs that use them."""
