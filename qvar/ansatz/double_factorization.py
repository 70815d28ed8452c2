r"""Double factorization of closed-shell doubles amplitudes into rotated number-number operators.

With \(T_2 = \tfrac12 \sum t_{(ai)(bj)} E_{ai} E_{bj}\), where \(E_{ai} = \sum_\sigma a_{a\sigma}^\dagger a_{i\sigma}\),
the eigenvectors of the symmetric matrix \(t_{(ai)(bj)} = \sum_m \lambda_m y^m_{ai} y^m_{bj}\) give
\(T_2 = \tfrac12 \sum_m \lambda_m Y_m^2\) with \(Y_m = \sum y^m_{ai} E_{ai}\). Because

$$ Y^2 - Y^{\dagger 2} = -\tfrac{i}{4} \big( X_+^2 - X_-^2 \big), \qquad
   X_\pm = \sqrt{2} \big( e^{\pm i \pi / 4} Y + e^{\mp i \pi / 4} Y^\dagger \big), $$

and each Hermitian one-body operator \(X_\pm\) is diagonal, \(\sum_k \epsilon_k n_k\), in orbitals V of its own,

$$ T_2 - T_2^\dagger = \sum_{m, \pm} i\, W(V_{m\pm})\, \Big[ \sum_{kl} Z^{m\pm}_{kl}\, n_k n_l \Big]\,
   W(V_{m\pm})^\dagger, \qquad Z^{m\pm}_{kl} = \mp \tfrac18 \lambda_m\, \epsilon_k \epsilon_l, $$

with \(n_k = n_{k\uparrow} + n_{k\downarrow}\): exact with twice as many terms as t has eigenvalues other than zero.

Motta et al., Chem. Sci. 14, 11213 (2023), https://doi.org/10.1039/D3SC02516K; Matsuzawa, Kurashige, J. Chem. Theory
Comput. 16, 944 (2020), https://doi.org/10.1021/acs.jctc.9b00963.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import Excitation, FloatArray

_NEGLIGIBLE = 1e-12
"""Eigenvalues of t2 below this give no term."""


@dataclass(frozen=True, eq=False)
class JastrowTerm:
    r"""One term \(i\, W(V) [\sum_{kl} Z_{kl} n_k n_l] W(V)^\dagger\)."""

    orbitals: np.ndarray[Any, np.dtype[np.complexfloating[Any, Any]]]
    """V, shape (M, M), unitary; columns by falling absolute value of epsilon, so that neighbours couple most."""
    couplings: FloatArray
    """Z, shape (M, M), symmetric."""


def factorized_doubles(t2: FloatArray, occupied: Sequence[int], virtual: Sequence[int]) -> list[JastrowTerm]:
    r"""Write \(T_2 - T_2^\dagger\) as rotated number-number operators, by falling absolute eigenvalue of t2.

    Args:
        t2: amplitudes \(t_{(ai)(bj)}\), shape (n_virtual, n_occupied, n_virtual, n_occupied), symmetric in (ai), (bj).
        occupied: orbitals i.
        virtual: orbitals a.

    Returns:
        The terms, two for every eigenvalue other than zero, + before -. Time grows as (n_virtual n_occupied) cubed.
    """
    m, size = len(occupied) + len(virtual), len(occupied) * len(virtual)
    values, vectors = np.linalg.eigh(t2.reshape(size, size))
    terms: list[JastrowTerm] = []
    for k in np.argsort(-np.abs(values), kind="stable"):
        if abs(values[k]) < _NEGLIGIBLE:
            break
        one_body = np.zeros((m, m))
        one_body[np.ix_(list(virtual), list(occupied))] = vectors[:, k].reshape(len(virtual), len(occupied))
        epsilon, real = np.linalg.eigh(np.sqrt(2.0) * (one_body + one_body.T))
        falling = np.argsort(-np.abs(epsilon), kind="stable")
        epsilon, real = epsilon[falling], real[:, falling]
        for sign in (1.0, -1.0):
            phases = np.ones(m, dtype=np.complex128)
            phases[list(virtual)] = np.exp(0.25j * np.pi * sign)  # takes the real eigenvectors to those of X
            terms.append(JastrowTerm(phases[:, None] * real, -sign * values[k] / 8.0 * np.outer(epsilon, epsilon)))
    return terms


def closed_shell_amplitudes(
    amplitudes: Mapping[Excitation, float], occupied: Sequence[int], virtual: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    r"""Compute spatial amplitudes of a closed shell from those in wires.

    Returns:
        \(t_{ai}\), shape (n_virtual, n_occupied), and the opposite-spin block \(t_{(ai)(bj)}\), shape (n_virtual,
        n_occupied, n_virtual, n_occupied).
    """
    t1 = np.array([[amplitudes.get(((2 * a,), (2 * i,)), 0.0) for i in occupied] for a in virtual])
    pairs = [(a, i) for a in virtual for i in occupied]
    t2 = np.array([[amplitudes.get(((2 * a, 2 * b + 1), (2 * j + 1, 2 * i)), 0.0) for b, j in pairs] for a, i in pairs])
    t2 = 0.5 * (t2 + t2.T)  # iterated amplitudes are symmetric only to their tolerance
    return t1, t2.reshape(*t1.shape, *t1.shape)
