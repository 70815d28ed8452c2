r"""Rotations of orbitals as Givens rotations of neighbouring orbitals and phases.

A unitary matrix U over M orbitals lifts to the many-body operator W(U) with

$$ W(U)\, a_q^\dagger\, W(U)^\dagger = \sum_p U_{pq}\, a_p^\dagger, \qquad W(U_1 U_2) = W(U_1) W(U_2), $$

for each spin by itself. Every U is a network of M(M-1)/2 rotations of neighbours and of phases,

$$ U = \Big[ \prod_{k} P_{p_k+1}(\varphi_k)\, G_{p_k}(\theta_k) \Big] D, \qquad
   W(G_p(\theta)) = e^{\theta (a_{p+1}^\dagger a_p - a_p^\dagger a_{p+1})}, \quad
   W(P_p(\varphi)) = e^{i \varphi n_p}, $$

with a diagonal D, and the factor k = 0 rightmost, that is, acting first after D. The pairs \((p_k, p_k + 1)\) form
a brick pattern, M layers deep, as in Clements et al., Optica 3, 1460 (2016), https://doi.org/10.1364/OPTICA.3.001460;
for fermions Kivlichan et al., Phys. Rev. Lett. 120, 110501 (2018), https://doi.org/10.1103/PhysRevLett.120.110501, and
Arrazola et al., Quantum 6, 742 (2022), https://doi.org/10.22331/q-2022-06-20-742.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.program import ProgramBuilder
from qvar.errors import require

Step: TypeAlias = tuple[str, tuple[int, ...], float]
"""(kind of operation, orbitals in the order of its wires, angle of the operation in radians)."""

_UNITARY = 1e-8
"""Largest deviation of U^dagger U from the identity that counts as rounding."""

_NO_ROTATION = 1e-13
"""Angles below this, in radians, are left out."""


@dataclass(frozen=True, eq=False)
class GivensAngles:
    """A unitary matrix as the angles of the network of `givens_pairs`, all in radians."""

    rotations: FloatArray
    """theta, shape (M(M-1)/2,), one per pair."""
    phases: FloatArray
    """phi, shape (M(M-1)/2,), phase of the upper orbital of each pair; zero for real matrices."""
    diagonal: FloatArray
    """Angles of D, shape (M,); for real matrices (0, ..., 0) or (0, ..., 0, pi) by the sign of the determinant."""


def givens_pairs(n_orbitals: int) -> list[tuple[int, int]]:
    """Return the neighbouring orbitals (p, p+1) of the network as they act; M(M-1)/2 pairs in M layers."""
    pattern = _pattern(n_orbitals)
    order = [p for right, p, _ in pattern if right] + [p for right, p, _ in reversed(pattern) if not right]
    return [(p, p + 1) for p in order]


def givens_angles(unitary: Any) -> GivensAngles:
    r"""Compute the angles at which the network of `givens_pairs` is a matrix.

    For real matrices \(\theta\) is in \((-\pi, \pi]\) and every phase zero, so that rotations alone cover SO(M);
    for complex ones \(\theta\) is in \([0, \pi/2]\). Time grows as M cubed.

    Args:
        unitary: U, shape (M, M), real orthogonal or complex unitary.

    Raises `QvarError` if the matrix is not unitary.
    """
    matrix = np.array(unitary)
    require(matrix.ndim == 2 and len(set(matrix.shape)) == 1, "unitary", "have shape (M, M)", matrix.shape)
    error = float(np.abs(matrix.conj().T @ matrix - np.eye(len(matrix))).max())
    require(error < _UNITARY, "unitary", "be unitary", f"one with |U^dagger U - 1| = {error:.1e}")
    real = not np.any(np.imag(matrix))
    work = matrix.astype(np.complex128)

    # nulling from both sides in turn keeps the depth at M; from one side it would be 2M-3
    first: list[tuple[int, float, float]] = []
    last: list[tuple[int, float, float]] = []
    for from_right, p, (row, column) in _pattern(len(work)):
        q = p + 1
        if from_right:
            theta, phi = _nulling(work[row, p], work[row, q], real)
            work[:, [p, q]] = work[:, [p, q]] @ (_rotation(theta) * [1.0, np.exp(1j * phi)]).conj().T
            first.append((p, theta, phi))
        else:
            theta, phi = _nulling(work[q, column], work[p, column], real)
            phi = -phi
            work[[p, q]] = (_rotation(theta) * [[1.0], [np.exp(1j * phi)]]).conj().T @ work[[p, q]]
            last.append((p, theta, phi))
    diagonal = np.angle(np.diag(work))

    # U = last D first; D moves to the right end, and leaves its phases in the rotations that it passes
    for k in reversed(range(len(first))):
        p, theta, phi = first[k]
        here = diagonal[p + 1] - diagonal[p]
        if real:
            first[k] = (p, theta * np.cos(here), 0.0)
        else:
            first[k] = (p, theta, here)
            diagonal[p + 1] = diagonal[p] + phi
    steps = first + last[::-1]
    rotations = np.array([theta for _, theta, _ in steps])
    if real:
        _absorb_signs(rotations, diagonal, [p for p, *_ in steps])
    return GivensAngles(_wrapped(rotations), _wrapped(np.array([phi for *_, phi in steps])), _wrapped(diagonal))


def orbital_rotation(unitary: Any) -> list[Step]:
    """Return W(U) as operations on orbitals, the first acts first; angles of zero are left out.

    Returns:
        `("PhaseShift", (p,), phi)` and `("FermionicSingleExcitation", (p + 1, p), 2 theta)`: at most M(M-1)/2
        rotations, and M(M+1)/2 phases (one for real matrices, where the determinant is -1).

    Raises:
        QvarError: if the matrix is not unitary.
    """
    angles = givens_angles(unitary)
    steps: list[Step] = [("PhaseShift", (p,), float(phi)) for p, phi in enumerate(angles.diagonal)]
    pairs = givens_pairs(len(angles.diagonal))
    for (p, q), theta, phi in zip(pairs, angles.rotations, angles.phases, strict=True):
        steps += [("FermionicSingleExcitation", (q, p), 2.0 * float(theta)), ("PhaseShift", (q,), float(phi))]
    return [step for step in steps if abs(step[2]) > _NO_ROTATION]


def add_orbital_rotation(builder: ProgramBuilder, unitary: Any, spins: Sequence[int] = (0, 1)) -> None:
    """Append W(U) with constant angles.

    Orbital p is wire 2p for spin up (0 in `spins`), 2p+1 for spin down (1).
    """
    for kind, orbitals, angle in orbital_rotation(unitary):
        for spin in spins:
            builder.add(kind, [2 * p + spin for p in orbitals], offset=angle)


def add_givens_network(
    builder: ProgramBuilder,
    n_orbitals: int,
    first_param: int,
    phases: bool = False,
    spins: Sequence[int] = (0, 1),
    inverse: bool = False,
) -> None:
    r"""Append the network of `givens_pairs` with free angles and D = 1; all spins share the parameters.

    Parameter layout from `first_param`: the M(M-1)/2 angles \(\theta_k\) in the order in which the rotations act, then,
    with phases, the M(M-1)/2 angles \(\varphi_k\), as in `GivensAngles`. Without phases it covers SO(M), with phases
    U(M) up to D, which acts first.

    Orbital p is wire 2p for spin up (0 in `spins`), 2p+1 for spin down (1). `inverse` appends the inverse of the
    network.
    """
    pairs = givens_pairs(n_orbitals)
    sign = -1.0 if inverse else 1.0
    steps: list[tuple[str, tuple[int, ...], dict[int, float]]] = []
    for k, (p, q) in enumerate(pairs):
        steps.append(("FermionicSingleExcitation", (q, p), {first_param + k: 2.0 * sign}))
        if phases:
            steps.append(("PhaseShift", (q,), {first_param + len(pairs) + k: sign}))
    for kind, orbitals, angle in reversed(steps) if inverse else steps:
        for spin in spins:
            builder.add(kind, [2 * p + spin for p in orbitals], angle)


def _pattern(n_orbitals: int) -> list[tuple[bool, int, tuple[int, int]]]:
    """List (from the right?, lower orbital p, element (row, column) that the rotation of p and p+1 nulls), in order."""
    m = n_orbitals
    order: list[tuple[bool, int, tuple[int, int]]] = []
    for i in range(1, m):
        if i % 2:
            order += [(True, i - j - 1, (m - j - 1, i - j - 1)) for j in range(i)]
        else:
            order += [(False, m + j - i - 1, (m + j - i, j)) for j in range(i)]
    return order


def _nulling(null: complex, keep: complex, real: bool) -> tuple[float, float]:
    """Return (theta, phase of `keep` relative to `null`) with which a rotation moves `null` into `keep`."""
    if abs(null) < _NO_ROTATION and (not real or keep.real > 0.0):
        return 0.0, 0.0
    if real:
        return float(np.arctan2(null.real, keep.real)), 0.0
    return float(np.arctan2(abs(null), abs(keep))), float(np.angle(keep) - np.angle(null))


def _rotation(theta: float) -> FloatArray:
    cosine, sine = np.cos(theta), np.sin(theta)
    return np.array([[cosine, -sine], [sine, cosine]])


def _absorb_signs(rotations: FloatArray, diagonal: FloatArray, lower: list[int]) -> None:
    """Remove pairs of signs from D, in place: a rotation by pi changes the signs of both its orbitals."""
    for p in range(len(diagonal) - 1):
        if np.cos(diagonal[p]) < 0.0:
            diagonal[[p, p + 1]] += np.pi
            for k, at in enumerate(lower):
                if at == p:
                    rotations[k] += np.pi
                    break
                if abs(at - p) == 1:  # one sign passes a rotation and turns it around
                    rotations[k] = -rotations[k]


def _wrapped(angles: FloatArray) -> FloatArray:
    """Move angles into (-pi, pi], and rounding to zero."""
    turned = np.pi - np.mod(np.pi - angles, 2.0 * np.pi)
    return np.where(np.abs(turned) < _NO_ROTATION, 0.0, turned)
