r"""Exact variances of losses and gradients, for comparison with sampled ones.

Gates are \(e^{-i \theta P / 2}\), angles uniform on a whole period, \(d = 2^n\).
"""

from __future__ import annotations

from math import comb

from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import require

_MOST_QUBITS = 10_000
"""Binomials of more qubits have too many digits."""


@checked("d")
def mcclean_first_angle(d: int) -> float:
    r"""Return the variance of the derivative of a Pauli observable by the first angle of a deep random circuit.

    $$ \mathrm{Var} = \frac{d}{3 (d^2 - 1)} $$

    The circuit of `qvar.random_circuit`: every qubit in \(e^{-i \pi Y / 8} |0\rangle\), then a rotation about X, Y or Z
    with probability 1/3 each, then so many layers that what follows is a 2-design. The first rotation, by P, changes
    the state by \(K = \partial_\theta (|\psi\rangle\langle\psi|)\) with
    \(\mathrm{Tr}\, K^2 = (1 - \langle P \rangle^2) / 2\), on average 1/3, because
    \(\langle X \rangle^2 + \langle Y \rangle^2 + \langle Z \rangle^2 = 1\). The 2-design spreads K over the
    \(d^2 - 1\) traceless Paulis: \(\mathrm{Var} = \mathrm{Tr}\, O^2\, \mathrm{Tr}\, K^2 / (d^2 - 1)\) with
    \(\mathrm{Tr}\, O^2 = d\).

    McClean, Boixo, Smelyanskiy, Babbush, Neven, Nat. Commun. 9, 4812 (2018),
    https://doi.org/10.1038/s41467-018-07090-4.

    Args:
        d: dimension of the register, \(2^n\), at least 2.

    Raises:
        QvarError: if `d` is no integer of at least 2.
    """
    d = _dimension(d)
    return d / (3 * (d**2 - 1))


@checked("d")
def mcclean_middle_angle(d: int) -> float:
    r"""Return the variance of the derivative of a Pauli observable by an angle with 2-designs before and after it.

    $$ \mathrm{Var} = \frac{d^2}{2 (d - 1)(d + 1)^2} $$

    As `mcclean_first_angle`, where a 2-design before the gate makes
    \(\langle P \rangle^2 = 1 / (d + 1)\) on average, so that \(\mathrm{Tr}\, K^2 = d / (2 (d + 1))\).

    Args:
        d: dimension of the register, \(2^n\), at least 2.

    Raises:
        QvarError: if `d` is no integer of at least 2.
    """
    d = _dimension(d)
    return d**2 / (2 * (d - 1) * (d + 1) ** 2)


@checked("d")
def haar_pauli_loss(d: int, *, real: bool = False) -> float:
    r"""Return the variance of the expectation value of a Pauli word over Haar-random states.

    $$ \mathrm{Var} = \frac{1}{d + 1} \text{ over complex states}, \qquad \frac{2}{d + 2} \text{ over real ones} $$

    `qvar.diagnostics.haar_loss_variance` for \(\mathrm{Tr}\, O = 0\) and \(\mathrm{Tr}\, O^2 = d\). With real states
    the word must have an even number of Y; one with an odd number is 0 in every real state.

    Args:
        d: dimension of the register, \(2^n\), at least 2.
        real: whether the states are real.

    Raises:
        QvarError: if `d` is no integer of at least 2.
    """
    d = _dimension(d)
    return 2 / (d + 2) if real else 1 / (d + 1)


@checked()
def cerezo_global(n: int) -> float:
    r"""Return the variance of a derivative of the global cost of one rotation RX on every qubit.

    $$ C = 1 - |\langle 0^n | \psi \rangle|^2 = 1 - \prod_j \cos^2(\theta_j / 2), \qquad
       \mathrm{Var}\Big[\frac{\partial C}{\partial \theta_j}\Big] = \frac18 \Big(\frac38\Big)^{n-1} $$

    \(\partial_j C = \tfrac12 \sin\theta_j \prod_{k \ne j} \cos^2(\theta_k / 2)\) has mean zero;
    \(\mathbb{E}[\sin^2] = 1/2\) and \(\mathbb{E}[\cos^4(\theta / 2)] = 3/8\).

    Cerezo, Sone, Volkoff, Cincio, Coles, Nat. Commun. 12, 1791 (2021), https://doi.org/10.1038/s41467-021-21728-w.

    Args:
        n: number of qubits, at least 1.

    Raises:
        QvarError: if `n` is no integer of at least 1.
    """
    return 0.125 * 0.375 ** (counting_number("n", n) - 1)


@checked()
def cerezo_local(n: int) -> float:
    r"""Return the variance of a derivative of the local cost of one rotation RX on every qubit.

    $$ C = 1 - \frac1n \sum_j \langle \psi | 0_j \rangle \langle 0_j | \psi \rangle
       = 1 - \frac1n \sum_j \cos^2(\theta_j / 2), \qquad
       \mathrm{Var}\Big[\frac{\partial C}{\partial \theta_j}\Big] = \frac{1}{8 n^2} $$

    \(\partial_j C = \sin\theta_j / (2 n)\); see `cerezo_global`.

    Args:
        n: number of qubits, at least 1.

    Raises:
        QvarError: if `n` is no integer of at least 1.
    """
    return 1 / (8 * counting_number("n", n) ** 2)


@checked()
def matchgate_loss(n: int) -> float:
    r"""Return the variance of \(\langle Z_j \rangle\) over deep matchgate circuits on an open chain from a basis state.

    $$ \mathrm{Var} = \frac{1}{2 n - 1} $$

    The generators \(\{X_i X_{i+1}, Z_i\}\) close to so(2n), whose \(n (2n - 1)\) elements are the products
    \(i \gamma_a \gamma_b\) of two Majorana operators; \(Z_j\) is one of them, and a basis state has
    \(\langle i \gamma_a \gamma_b \rangle = \pm 1\) in n of them, the \(Z_i\), and 0 in the others. A Haar-random
    rotation of 2n Majoranas spreads this over all: \(n / (n (2n - 1))\).

    Diaz, Garcia-Martin, Kazi, Larocca, Cerezo (2023), https://arxiv.org/abs/2310.11505; Ragone et al., Nat. Commun. 15,
    7172 (2024), https://doi.org/10.1038/s41467-024-49909-3.

    Args:
        n: number of qubits, at least 2, because no generator mixes the two Majoranas of one qubit.

    Raises:
        QvarError: if `n` is no integer of at least 2.
    """
    require(n >= 2, "n", "be at least 2", n)
    return 1 / (2 * n - 1)


@checked()
def hamming_weight_loss(n: int, k: int) -> float:
    r"""Return the variance of \(\langle Z_j \rangle\) over Haar-random states with k ones among n qubits.

    $$ \mathrm{Var} = \frac{4 k (n - k)}{n^2 (D + 1)}, \qquad D = \binom nk $$

    `qvar.diagnostics.haar_loss_variance` for \(\mathrm{Tr}\, O^2 = D\) and \(\mathrm{Tr}\, O = D (1 - 2 k / n)\).

    Monbroussou, Mamon, Landman, Grilo, Kukla, Kashefi, Quantum 9, 1745 (2025),
    https://doi.org/10.22331/q-2025-05-15-1745.

    Args:
        n: number of qubits, at least 1.
        k: number of ones, 0 to n.

    Raises:
        QvarError: if `n` or `k` is no integer in its range.
    """
    n = counting_number("n", n)
    require(n <= _MOST_QUBITS, "n", f"be at most {_MOST_QUBITS}", n)
    require(0 <= k <= n, "k", f"lie between 0 and {n}", k)
    return 4 * k * (n - k) / (n**2 * (comb(n, k) + 1))


def _dimension(d: int) -> int:
    return counting_number("d", d, least=2)
