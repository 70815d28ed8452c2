r"""Expressibility: distance of a circuit's states from Haar-random ones, by the fidelities of pairs.

Of two independent Haar-random states in d dimensions the fidelity \(F = |\langle\psi|\varphi\rangle|^2\) has a beta
distribution, over complex and over real states

$$ F \sim \mathrm{Beta}(1, d - 1), \quad P(F > f) = (1 - f)^{d - 1}, \qquad
   F_{\text{real}} \sim \mathrm{Beta}\big(\tfrac{1}{2}, \tfrac{d - 1}{2}\big). $$
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray, PyTree
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import checked
from qvar.checks import counting_number, real_array
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import LEVEL, RESAMPLES
from qvar.engines.conserved import conserved_sector
from qvar.engines.states import AnsatzStates, ansatz_states
from qvar.errors import QvarError, require

Space: TypeAlias = Literal["full", "sector"]
Haar: TypeAlias = Literal["complex", "real"]

_LEAST = 1e-280
"""Probability below which its logarithm is computed."""

_NODES = 40
"""Nodes of the quadrature for such logarithms; 20 agree with 40 to rounding."""

_WIDE = 12.0
"""Standard deviations from the mean beyond which counts are negligible."""


@checked("samples", "bins")
def expressibility(
    ansatz: Ansatz,
    *,
    key: jax.Array,
    samples: int = 5000,
    bins: int = 75,
    space: Space = "full",
    haar: Haar | None = None,
    start: str | None = "uniform",
) -> Estimate:
    r"""Estimate the expressibility: the divergence of the fidelities of pairs of states from those of Haar states.

    $$ D_{\text{KL}} = \sum_b \hat p_b \ln \frac{\hat p_b}{q_b}, \qquad
       F = |\langle\psi(\theta)|\psi(\varphi)\rangle|^2 $$

    with the share \(\hat p_b\) of independent pairs \((\theta, \varphi)\) in a bin, and its exact probability \(q_b\)
    among Haar-random states; in nats. 0 is as good as Haar; a circuit without parameters has
    \((d - 1) \ln(\text{bins})\), the largest value.

    The circuit acts on its reference. With `space="sector"` the Haar states are those of the D basis states with the
    reference's \((N_\alpha, N_\beta)\) on even and odd wires if the circuit conserves both, else of those with its
    number of ones. A circuit that conserves more, such as the total spin or a spatial symmetry, stays above the floor
    at any depth.

    Fidelities of random states are near 1/d: if d is far above the number of bins, nearly all fall into the first bin,
    and the divergence is small for most circuits (12 qubits and 75 bins: 1e-22, the floor). Take about as many bins as
    dimensions then.

    Sampling alone makes the divergence positive: `.floor` is its exact expectation for as many pairs of Haar-random
    states, \(\sum_b \mathrm{E}[\frac{X}{N} \ln \frac{X}{N q_b}]\) over binomial counts X of N pairs. The interval is
    the bootstrap's spread about the value at this number of pairs; its bias is that of the floor.

    Sim, Johnson, Aspuru-Guzik, Adv. Quantum Technol. 2, 1900070 (2019), https://doi.org/10.1002/qute.201900070.

    Args:
        ansatz: the circuit.
        key: JAX random key.
        samples: number of pairs N, of 2N states, a few at a time.
        bins: number of equal bins of [0, 1].
        space: `"full"`, all 2^n dimensions, or `"sector"`.
        haar: `"complex"` or `"real"` amplitudes of the Haar states; if None, complex in the full space, as the
            paper defines it, and as the circuit's own amplitudes are in the sector.
        start: distribution of the parameters, see `Ansatz.initial`; the ansatz's own if None.

    Returns:
        The divergence with its 95 % interval and `.floor`.

    Raises:
        QvarError: if a number is below 1, `space` or `haar` is unknown, `space` is "sector" but the circuit conserves
            no number, or 2^n is out of reach.
    """
    samples = counting_number("samples", samples, bytes_each=16 * ansatz.n_params)
    bins = counting_number("bins", bins, bytes_each=8 * RESAMPLES)
    dimension = space_dimension(ansatz, space)
    real = haar == "real" or (haar is None and space == "sector" and ansatz.program.real)
    draws, resampling = jax.random.split(key)
    return haar_divergence(
        fidelities(ansatz, key=draws, samples=samples, start=start), dimension, key=resampling, real=real, bins=bins
    )


@checked()
def space_dimension(ansatz: Ansatz, space: Space) -> int:
    """Return the dimension of the space that `expressibility` compares with: 2^n, or D of the sector.

    Raises:
        QvarError: if `space` is unknown, or the circuit conserves no number.
    """
    if space == "full":
        return 1 << ansatz.n_qubits
    sector = conserved_sector(ansatz.program)
    if sector is None:
        moves = f"if the number of ones changes as in {ansatz.name}"
        raise QvarError(f"`space` must be 'full' {moves}, but is 'sector'.")
    return sector.dimension


@checked("samples")
def fidelities(
    ansatz: Ansatz, *, key: jax.Array, samples: int = 5000, start: str | None = "uniform"
) -> Float[Array, " samples"]:
    r"""Return fidelities \(|\langle\psi(\theta)|\psi(\varphi)\rangle|^2\) of independent random pairs, (samples,).

    Args:
        ansatz: the circuit.
        key: JAX random key.
        samples: number of pairs; only their fidelities are kept.
        start: distribution of the parameters, see `Ansatz.initial`; the ansatz's own if None.

    Raises:
        QvarError: if `samples` is below 1, the start is unknown, or 2^n is out of reach.
    """
    samples = counting_number("samples", samples, bytes_each=16 * ansatz.n_params)
    states: AnsatzStates = ansatz_states(ansatz)
    return states.measured(_fidelity, states.draw(key, 2 * samples, start), together=2)


def _fidelity(pair: Array, _: PyTree) -> Float[Array, ""]:
    """Return the fidelity of two states, at most 1."""
    first, second = pair
    return jnp.minimum(jnp.abs(jnp.sum(first.conj() * second)) ** 2, 1.0)


@checked("dimension")
def haar_fidelity_cdf(fidelity: Any, dimension: int, *, real: bool = False) -> FloatArray:
    """Return the probability that two Haar-random states have at most this fidelity.

    Args:
        fidelity: one or an array, in [0, 1].
        dimension: d; in one dimension the fidelity is 1.
        real: whether amplitudes are real.

    Raises:
        QvarError: if the dimension is below 1, or a fidelity is out of its range.
    """
    from scipy.special import betainc

    values = np.asarray(real_array("fidelity", fidelity, None))
    require(bool(np.all((values >= 0) & (values <= 1))), "fidelity", "be in [0, 1]", fidelity)
    a, b = _beta(dimension, real)
    return np.asarray(betainc(a, b, values) if b > 0 else (values == 1).astype(float))


@checked("dimension", "bins")
def haar_divergence(fidelities: Any, dimension: int, *, key: jax.Array, real: bool = False, bins: int = 75) -> Estimate:
    """Compute the Kullback-Leibler divergence of fidelities from those of Haar-random states; see `expressibility`.

    Args:
        fidelities: (n,) of independent pairs of states, in [0, 1].
        dimension: d.
        key: JAX random key of the bootstrap.
        real: whether the Haar states' amplitudes are real.
        bins: number of equal bins of [0, 1].

    Raises:
        QvarError: if there are no fidelities, or a number is out of its range.
    """
    values = np.asarray(real_array("fidelities", fidelities, ("n",)))
    bins = counting_number("bins", bins, bytes_each=8 * RESAMPLES)
    require(values.ndim == 1 and values.size > 0, "fidelities", "have shape (n,), n at least 1", values.shape)
    require(bool(np.all((values >= 0) & (values <= 1))), "fidelities", "be in [0, 1]", fidelities)
    haar = _log_bin_probabilities(bins, dimension, real)
    share = np.histogram(values, bins, (0.0, 1.0))[0] / len(values)
    # multinomial counts take JAX a second to compile for every number of bins
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    drawn = generator.multinomial(len(values), share, RESAMPLES) / len(values)
    divergence, resampled = _divergence(share, haar), _divergence(drawn, haar)
    ends = divergence - resampled.mean() + np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(divergence, max(0.0, ends[0]), ends[1], len(values), floor=_floor(len(values), haar))


def _divergence(share: FloatArray, log_haar: FloatArray) -> Any:
    from scipy.special import xlogy

    return (xlogy(share, share) - share * np.where(share > 0, log_haar, 0.0)).sum(axis=-1)


def _beta(dimension: int, real: bool) -> tuple[float, float]:
    """Return the two parameters of the fidelity's beta distribution."""
    d = counting_number("dimension", dimension)
    require(d.bit_length() <= 1000, "dimension", "be at most 2^1000", dimension)
    return (0.5, (d - 1) / 2) if real else (1.0, float(d - 1))


def _log_bin_probabilities(bins: int, dimension: int, real: bool) -> FloatArray:
    """Return ln q of every bin, finite also if q is too small for a float."""
    above = _log_survival(np.linspace(0, 1, bins + 1), *_beta(dimension, real))
    with np.errstate(divide="ignore"):  # in one dimension all but the last bin are empty
        return above[:-1] + np.log1p(-np.exp(above[1:] - above[:-1]))


def _log_survival(x: FloatArray, a: float, b: float) -> FloatArray:
    r"""Return ln P(X > x) of Beta(a, b), a at most 1; x from 0 to 1.

    The tail, where b x is large, is an integral over an exponential,

    $$ P = \frac{(1-x)^b}{b\, B(a, b)} \int_0^\infty e^{-s} \big(1 - (1-x) e^{-s/b}\big)^{a-1} ds. $$
    """
    from scipy.special import betainc, betaln, roots_laguerre

    if b == 0:  # all weight is at 1
        return np.where(x < 1, 0.0, -np.inf)
    above = betainc(b, a, 1 - x)
    with np.errstate(divide="ignore"):
        log_below = np.log1p(-x)
        near = np.log(above)
    s, weight = roots_laguerre(_NODES)
    integral = (-np.expm1(log_below[:, None] - s / b)) ** (a - 1) @ weight
    return np.where(above > _LEAST, near, b * log_below - np.log(b) - betaln(a, b) + np.log(integral))


def _floor(n: int, log_haar: FloatArray) -> float:
    """Return the exact mean of the divergence of n Haar-random pairs: every count is binomial."""
    from scipy.special import gammaln, xlog1py

    total = 0.0
    for log_q in log_haar[log_haar > np.log(_LEAST)]:
        q = min(1.0, float(np.exp(log_q)))
        mean, reach = n * q, _WIDE * np.sqrt(n * q * (1 - q)) + 4 * _WIDE
        count = np.arange(max(1, int(mean - reach)), min(n, int(mean + reach)) + 1, dtype=float)
        log_ways = gammaln(n + 1) - gammaln(count + 1) - gammaln(n - count + 1)
        chance = np.exp(log_ways + count * log_q + xlog1py(n - count, -q))
        total += float(np.sum(chance * (count / n) * (np.log(count / n) - log_q)))
    return total
