r"""Entanglement of a circuit's states: Meyer-Wallach's measure and entropies over cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import comb, inf, log, log2
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from qvar._types import PyTree
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import checked
from qvar.checks import amplitude_array, counting_number, whole_number, whole_numbers
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import mean_estimates
from qvar.engines.states import ansatz_states
from qvar.errors import QvarError, require
from qvar.short_repr import short_repr

_MOST_QUBITS = 1000
"""Dimensions of more qubits are beyond the range of a float."""


def meyer_wallach(state: Any) -> Float[Array, ""]:
    r"""Compute Meyer-Wallach's measure of a pure state: how mixed single qubits are on average.

    $$ Q = 2 \Big( 1 - \frac{1}{n} \sum_{k=0}^{n-1} \mathrm{Tr}\, \rho_k^2 \Big) $$

    with the reduced density matrix \(\rho_k\) of qubit k. 0 for products of single-qubit states, 1 if every qubit
    is maximally mixed, such as in a GHZ state. Time grows as n 2^n; works under `jax.vmap`.

    Meyer, Wallach, J. Math. Phys. 43, 4273 (2002), https://doi.org/10.1063/1.1497700; in this form Brennen, Quantum
    Inf. Comput. 3, 619 (2003), https://arxiv.org/abs/quant-ph/0305094.

    Args:
        state: (2^n,) amplitudes of any norm but zero, wire 0 the most significant bit.

    Raises:
        QvarError: if the state has another shape, is zero or is not finite.
    """
    return _mean_mixedness(_register(state)[0])


@checked("n_qubits")
def haar_meyer_wallach(n_qubits: int, *, ones: int | tuple[int, int] | None = None, real: bool = False) -> float:
    r"""Return the mean of Meyer-Wallach's Q over Haar-random states.

    On the whole register, with \(d = 2^n\), over complex and over real states:

    $$ \bar Q = \frac{d - 2}{d + 1}, \qquad \bar Q_{\text{real}} = \frac{d - 2}{d + 2}. $$

    In a sector of dimension D, where qubit k is one in a share \(f_k\) of the basis states and \(\rho_k\) is diagonal:

    $$ \bar Q = \frac{4}{n} \sum_k f_k (1 - f_k) \frac{D}{D + 1}, \qquad
       \bar Q_{\text{real}} = \frac{4}{n} \sum_k f_k (1 - f_k) \frac{D}{D + 2}. $$

    Args:
        n_qubits: n.
        ones: the sector: a number of ones, or (N_alpha, N_beta) on even and odd wires; all 2^n states if None.
        real: whether amplitudes are real.

    Raises:
        QvarError: if there are fewer wires than ones.
    """
    n = counting_number("n_qubits", n_qubits)
    require(n <= _MOST_QUBITS, "n_qubits", f"be at most {_MOST_QUBITS}", n_qubits)
    spread = 2 if real else 1
    if ones is None:
        d = 1 << n
        return (d - 2) / (d + spread)
    if isinstance(ones, tuple):
        parts = list(zip(whole_numbers("ones", ones), (n - n // 2, n // 2), strict=True))
    else:
        parts = [(whole_number("ones", ones), n)]
    require(all(0 <= count <= wires for count, wires in parts), "ones", f"fit into {n} qubits", ones)
    dimension = 1
    for count, wires in parts:
        dimension *= comb(wires, count)
    shares = sum(wires * (count / wires) * (1 - count / wires) for count, wires in parts if wires)
    return 4 / n * shares * dimension / (dimension + spread)


@checked("samples")
def entangling_capability(
    ansatz: Ansatz, *, key: jax.Array, samples: int = 2000, start: str | None = "uniform"
) -> Estimate:
    r"""Estimate the entangling capability: the mean of Meyer-Wallach's Q over random parameters.

    Compare it with the Haar mean, `haar_meyer_wallach`, of the whole register or of the circuit's sector. A circuit
    that conserves (N_alpha, N_beta), or the number of ones, is simulated in that sector, where \(\rho_k\) is diagonal:
    only the amplitudes of its D determinants are held, so that n may exceed the limit of a register.

    Sim, Johnson, Aspuru-Guzik, Adv. Quantum Technol. 2, 1900070 (2019), https://doi.org/10.1002/qute.201900070.

    Args:
        ansatz: the circuit, which starts in its reference determinant.
        key: JAX random key.
        samples: number of random parameter vectors, at least 2.
        start: how they are drawn, see `Ansatz.initial`; the ansatz's own way if None.

    Returns:
        The mean, with a 95 % bootstrap interval.

    Raises:
        QvarError: if there are fewer than two samples, the start is unknown, or 2^n is out of reach.
    """
    samples = counting_number("samples", samples, least=2, bytes_each=8 * max(1, ansatz.n_params))
    states = ansatz_states(ansatz)
    draws, resampling = jax.random.split(key)
    quantity: StateQuantity | SectorMeasure = StateQuantity(meyer_wallach)
    if states.sector is not None:
        quantity = SectorMeasure(tuple(map(len, states.sector.layout)))
    values = np.asarray(states.measured(quantity, states.draw(draws, samples, start)))
    return _mean(resampling, values[:, None], [1])[0]


@dataclass(frozen=True)
class StateQuantity:
    """One state of a register -> a quantity."""

    quantity: Callable[[Any], Array]

    def __call__(self, states: Array, _: PyTree) -> Array:
        """Return the quantity of (1, 2^n) amplitudes."""
        return self.quantity(states[0])


@dataclass(frozen=True)
class SectorMeasure:
    r"""One state in a sector -> Q, \(\frac{4}{n} \sum_k p_k (1 - p_k)\) with occupations \(p_k\)."""

    n_wires: tuple[int, ...]
    """Bits of an alpha and of a beta string."""

    def __call__(self, states: Array, strings: PyTree) -> Float[Array, ""]:
        """Return Q of (1, alpha strings, beta strings) amplitudes."""
        weight, mixedness = jnp.abs(states[0]) ** 2, jnp.zeros((), float)
        marginals = weight.sum(axis=1), weight.sum(axis=0)
        for marginal, own, n_wires in zip(marginals, strings, self.n_wires, strict=True):
            for bit in range(n_wires):
                filling = jnp.sum(jnp.where(own >> bit & 1 == 1, marginal, 0.0))
                mixedness += filling * (1 - filling)
        return _bounded(4 / sum(self.n_wires) * mixedness, 1.0)


@checked()
def entanglement_entropy(state: Any, wires: int | Sequence[int]) -> Float[Array, ""]:
    r"""Compute the von Neumann entropy of some qubits of a pure state, in bits.

    $$ S = -\sum_i s_i^2 \log_2 s_i^2 $$

    with the Schmidt coefficients \(s_i\), the singular values of the amplitudes as a matrix (qubits inside, qubits
    outside). 0 for a product, at most the smaller number of qubits. Time grows as 2^n times the smaller side's
    dimension; works under `jax.vmap`.

    Args:
        state: (2^n,) amplitudes of any norm but zero, wire 0 the most significant bit.
        wires: the qubits inside, or the number of the first ones.

    Raises:
        QvarError: if the state has another shape, is zero or is not finite, or a wire is out of range or named twice.
    """
    amplitudes, n = _register(state)
    if isinstance(wires, int):
        require(0 <= whole_number("wires", wires) <= n, "wires", f"be at most the {n} qubits", wires)
        return _entropy_of(amplitudes, tuple(range(wires)))
    inside = whole_numbers("wires", wires)
    require(len(set(inside)) == len(inside), "wires", "be different", wires)
    require(all(0 <= wire < n for wire in inside), "wires", f"be from 0 to {n - 1}", wires)
    return _entropy_of(amplitudes, tuple(inside))


def entanglement_profile(state: Any) -> Float[Array, " n_cuts"]:
    """Compute von Neumann entropies of the first 1, 2, ..., n-1 qubits of a pure state, (n-1,), in bits.

    Args:
        state: (2^n,) amplitudes of any norm but zero, wire 0 the most significant bit.

    Raises:
        QvarError: if the state has another shape, is zero or is not finite.
    """
    return _entropies(_register(state)[0])


@checked("d_inside", "d_outside")
def page_entropy(d_inside: int, d_outside: int) -> float:
    r"""Return Page's entropy: the mean entanglement entropy of Haar-random complex states, in bits.

    $$ \bar S = \frac{1}{\ln 2} \Big( \sum_{k = d_B + 1}^{d_A d_B} \frac{1}{k} - \frac{d_A - 1}{2 d_B} \Big),
       \qquad d_A \le d_B $$

    Page, Phys. Rev. Lett. 71, 1291 (1993), https://doi.org/10.1103/PhysRevLett.71.1291.

    Args:
        d_inside: dimension of one side of the cut, such as 2^k.
        d_outside: dimension of the other side.

    Raises:
        QvarError: if a dimension is below 1.
    """
    from scipy.special import digamma

    dimensions = counting_number("d_inside", d_inside), counting_number("d_outside", d_outside)
    small, large = min(dimensions), max(dimensions)
    fits = (small * large).bit_length() <= _MOST_QUBITS
    require(fits, "d_outside", f"leave at most {_MOST_QUBITS} qubits on both sides", d_outside)
    harmonic = float(digamma(float(small * large + 1)) - digamma(float(large + 1)))
    return (harmonic - (small - 1) / (2 * large)) / log(2)


@short_repr()
@dataclass(frozen=True)
class EntropyProfile:
    """Mean entanglement entropies over the cuts of a register, and Page's."""

    cuts: tuple[int, ...]
    """Number of the first qubits on one side: 1 to n-1."""
    entropies: tuple[Estimate, ...]
    """Mean entropy at each cut with its 95 % interval, bits."""
    page: tuple[float, ...]
    """Mean of Haar-random complex states of the whole register, bits."""


@checked("samples")
def mean_entanglement_entropy(
    ansatz: Ansatz, *, key: jax.Array, samples: int = 200, start: str | None = "uniform"
) -> EntropyProfile:
    r"""Estimate the mean entanglement entropies of the first 1, ..., n-1 qubits over random parameters.

    All cuts use the same states, on the register even if the circuit conserves numbers: a state takes n singular value
    decompositions of up to 2^(n/2) x 2^(n/2), so that 16 qubits are the practical limit.

    Args:
        ansatz: the circuit, which starts in its reference determinant; at least two qubits.
        key: JAX random key.
        samples: number of random parameter vectors, at least 2.
        start: how they are drawn, see `Ansatz.initial`; the ansatz's own way if None.

    Raises:
        QvarError: if there are fewer than two samples or qubits, the start is unknown, or 2^n is out of reach.
    """
    samples = counting_number("samples", samples, least=2, bytes_each=8 * max(1, ansatz.n_params))
    n = ansatz.n_qubits
    require(n >= 2, "ansatz", "have at least 2 qubits", n)
    states = ansatz_states(ansatz, engine="dense")
    draws, resampling = jax.random.split(key)
    entropies = np.asarray(states.measured(StateQuantity(entanglement_profile), states.draw(draws, samples, start)))
    cuts = tuple(range(1, n))
    return EntropyProfile(
        cuts=cuts,
        entropies=_mean(resampling, entropies, [min(cut, n - cut) for cut in cuts]),
        page=tuple(page_entropy(1 << cut, 1 << (n - cut)) for cut in cuts),
    )


def _register(state: Any) -> tuple[Array, int]:
    """Return the amplitudes of a register, of any finite norm above zero, and its number of qubits."""
    amplitudes = amplitude_array("state", state)
    size = amplitudes.shape[0] if amplitudes.ndim == 1 else 0
    require(size >= 2 and size & (size - 1) == 0, "state", "have shape (2^n,)", amplitudes.shape)
    if not isinstance(amplitudes, Tracer):
        norm = float(np.linalg.norm(np.asarray(amplitudes)))
        if not 0.0 < norm < inf:
            raise QvarError(f"`state` must have a finite norm above zero, but its norm is {norm}.")
    return amplitudes, _n_qubits(amplitudes)


def _n_qubits(amplitudes: Array) -> int:
    return amplitudes.size.bit_length() - 1


@jax.jit
def _mean_mixedness(amplitudes: Array) -> Array:
    amplitudes, n, purity = amplitudes / jnp.linalg.norm(amplitudes), _n_qubits(amplitudes), 0.0
    for wire in range(n):
        halves = amplitudes.reshape(1 << wire, 2, -1)
        zero, one = halves[:, 0], halves[:, 1]
        purity += _weight(zero) ** 2 + _weight(one) ** 2 + 2 * jnp.abs(jnp.sum(zero * one.conj())) ** 2
    return _bounded(2 * (1 - purity / n), 1.0)


def _weight(part: Array) -> Array:
    return jnp.sum(jnp.abs(part) ** 2)


@partial(jax.jit, static_argnames="inside")
def _entropy_of(amplitudes: Array, inside: tuple[int, ...]) -> Array:
    n = _n_qubits(amplitudes)
    outside = [wire for wire in range(n) if wire not in inside]
    tensor = (amplitudes / jnp.linalg.norm(amplitudes)).reshape((2,) * n)
    return _entropy(tensor.transpose(*inside, *outside).reshape(1 << len(inside), -1))


@jax.jit
def _entropies(amplitudes: Array) -> Array:
    amplitudes, n = amplitudes / jnp.linalg.norm(amplitudes), _n_qubits(amplitudes)
    return jnp.array([_entropy(amplitudes.reshape(1 << cut, -1)) for cut in range(1, n)], dtype=float)


def _entropy(matrix: Array) -> Array:
    share = jnp.linalg.svd(matrix, compute_uv=False) ** 2
    positive = jnp.where(share > 0, share, 1.0)  # 0 log 0 is 0, as 1 log 1 is
    return _bounded(jnp.sum(positive * -jnp.log2(positive)), log2(min(matrix.shape)))


def _bounded(value: Any, largest: float) -> Array:
    """Return a value that rounding may have taken below 0 or above the largest, within these bounds."""
    return jnp.clip(jnp.asarray(value), 0.0, largest)


def _mean(key: jax.Array, values: Float[np.ndarray, "n k"], largest: Sequence[int]) -> tuple[Estimate, ...]:
    """Estimate the means of columns of values from 0 to the largest, with intervals within these bounds."""

    def within(one: Estimate, most: int) -> Estimate:
        value, low, high = np.clip([one.value, one.low, one.high], 0.0, float(most)).tolist()
        return replace(one, value=value, low=low, high=high)

    return tuple(map(within, mean_estimates(key, values), largest))
