r"""Stability of self-consistent determinants: a stationary point need not be a minimum.

The electronic Hessian holds the second derivatives of the energy by rotations \(\exp(t \kappa)\) of occupied into empty
orbitals. A negative eigenvalue is a direction in which the energy falls: within the determinant's own kind (internal),
or towards one whose orbitals differ for spin up and down (external). Seeger and Pople 1977,
https://doi.org/10.1063/1.434318. The same eigenvalues as in PySCF's analysis, but from random starts: PySCF's own start
has the symmetry of the orbitals, and misses directions that break it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.errors import QvarError
from qvar.problems.davidson import davidson

UNSTABLE = -1e-5
"""Second derivatives below this, in hartree, are those of a saddle, not of rounding or of free rotations."""

_TOLERANCE = 1e-7
"""Change of an eigenvalue, in hartree, at which its iteration ends."""


class UndecidedError(QvarError):
    """A stability whose iteration did not converge."""


@dataclass(frozen=True)
class Stability:
    """Lowest second derivatives of the energy at a determinant; negative ones are those of a saddle."""

    internal: float | None
    """By normalised rotations that keep the determinant restricted (or unrestricted, if it is), in hartree; None if
    there is no empty or no occupied orbital."""
    external: float | None
    """By rotations that are opposite for spin up and down, in hartree; None but for closed shells."""
    lowered: float = 0.0
    """Energy by which the determinant was lowered when it was followed to a minimum, in hartree."""

    @property
    def is_saddle(self) -> bool:
        """True if a determinant of the same kind lies lower nearby."""
        return self.internal is not None and self.internal < UNSTABLE

    @property
    def breaks_spin(self) -> bool:
        """True if an unrestricted determinant lies lower nearby."""
        return self.external is not None and self.external < UNSTABLE


def analysed(mean_field: Any) -> Stability:
    """Return the stability of a converged mean field of PySCF: RHF, ROHF, UHF, RKS, ROKS or UKS with real orbitals.

    Cost is that of some 15 Fock matrices, and for closed shells as many again.

    Raises `UndecidedError` if the iteration does not converge.
    """
    mean_field = _plain(mean_field)
    internal, _ = _lowest(*_internal(mean_field))
    external, _ = _lowest(*_external(mean_field)) if _is_closed(mean_field) else (None, None)
    return Stability(internal, external)


def descents(mean_field: Any) -> list[Any]:
    """Return orbitals on both sides of a saddle, from which a second-order iteration reaches a lower determinant.

    Two sets, rotated by one radian either way along the lowest direction; none if the mean field is stable.

    Raises:
        UndecidedError: if the iteration does not converge.
    """
    mean_field = _plain(mean_field)
    curvature, direction = _lowest(*_internal(mean_field))
    if curvature is None or direction is None or curvature >= UNSTABLE:
        return []
    return [_rotated(mean_field, sign * direction) for sign in (1.0, -1.0)]


def _internal(mean_field: Any) -> tuple[Callable[[FloatArray], FloatArray], FloatArray]:
    """Return the product of the Hessian with a vector of rotations, and its approximate diagonal."""
    from pyscf.soscf import newton_ah

    if not _is_unrestricted(mean_field) and not _is_closed(mean_field):
        return _open_shell(mean_field)
    if "_scf" not in vars(mean_field):  # PySCF asks for it, and imports every module that it has if it is missing
        mean_field = mean_field.copy()
        mean_field._scf = None
    make = newton_ah.gen_g_hop_uhf if _is_unrestricted(mean_field) else newton_ah.gen_g_hop_rhf
    _, product, diagonal = make(mean_field, mean_field.mo_coeff, mean_field.mo_occ, with_symmetry=False)
    return lambda x: 2 * np.real(product(x)), 2 * np.asarray(diagonal)  # PySCF has half the derivatives


def _open_shell(mean_field: Any) -> tuple[Callable[[FloatArray], FloatArray], FloatArray]:
    r"""Return the same for restricted open shells, whose rotations are the same for both spins.

    PySCF's product rotates the spins apart, and so misses rotations from closed to open and on to empty orbitals: at
    convergence only the sum of both spins' Fock matrices vanishes between closed and empty orbitals. With
    \(D(t) = e^{t\kappa} n e^{-t\kappa}\),

    $$ E'' = \sum_\sigma \mathrm{Tr}\, F_\sigma [\kappa, [\kappa, n_\sigma]]
           + \mathrm{Tr}\, V_\sigma([\kappa, n]) [\kappa, n_\sigma]. $$
    """
    orbitals, occupations = np.asarray(mean_field.mo_coeff), np.asarray(mean_field.mo_occ)
    filled = [occupations > 0, occupations == 2]
    numbers = [np.diag(occupied.astype(float)) for occupied in filled]
    fock = mean_field.get_fock()
    focks = [orbitals.T @ np.asarray(matrix) @ orbitals for matrix in (fock.focka, fock.fockb)]
    response = mean_field.gen_response((orbitals, orbitals), tuple(filled), hermi=1)
    free = _free(*filled)

    def product(x: FloatArray) -> FloatArray:
        rotation = _unpacked(x, *filled)
        changes = [_commutator(rotation, number) for number in numbers]
        fields = np.asarray(response(np.stack([orbitals @ change @ orbitals.T for change in changes])))
        total = np.zeros(free.shape)
        for fock, number, change, field in zip(focks, numbers, changes, fields, strict=True):
            total += _commutator(number, _commutator(rotation, fock)) + _commutator(fock, change)
            total -= 2 * _commutator(number, orbitals.T @ field @ orbitals)
        return total[free]

    diagonal = np.zeros(free.shape)
    for fock, occupied in zip(focks, filled, strict=True):
        diagonal += 2 * np.subtract.outer(np.diag(fock), np.diag(fock)) * _free(occupied, occupied)
    return product, diagonal[free]


def _external(mean_field: Any) -> tuple[Callable[[FloatArray], FloatArray], FloatArray]:
    """Return the same for rotations of a closed shell that are opposite for spin up and down."""
    orbitals, occupied = np.asarray(mean_field.mo_coeff), np.asarray(mean_field.mo_occ) > 0
    full, empty = orbitals[:, occupied], orbitals[:, ~occupied]
    fock = np.asarray(mean_field.get_fock())
    below, above = full.T @ fock @ full, empty.T @ fock @ empty
    response = mean_field.gen_response(singlet=False, hermi=1)

    def product(x: FloatArray) -> FloatArray:
        rotation = x.reshape(empty.shape[1], full.shape[1])
        density = 2 * empty @ rotation @ full.T
        field = empty.T @ np.asarray(response(density + density.T)) @ full
        return 2 * (above @ rotation - rotation @ below + field).ravel()

    return product, 2 * (np.diag(above)[:, None] - np.diag(below)).ravel()


def _lowest(
    product: Callable[[FloatArray], FloatArray], diagonal: FloatArray
) -> tuple[float, FloatArray] | tuple[None, None]:
    """Compute the lowest eigenvalue and its vector, by Davidson's iteration; None if there are no rotations."""
    n = len(diagonal)
    if n == 0:
        return None, None
    # It has every symmetry; with the lowest diagonal element as a second start, the iteration may end a root too high.
    start = np.random.default_rng(0).standard_normal(n) / np.maximum(np.abs(diagonal), 0.1)

    value, vector, converged = davidson(product, diagonal, start, tol=_TOLERANCE, max_cycle=100, max_space=30)
    if not converged and value >= UNSTABLE:  # an upper bound below zero is enough
        raise UndecidedError(f"`stable` must be decided, but the iteration over {n} rotations did not converge.")
    return value, vector


def _rotated(mean_field: Any, x: FloatArray) -> Any:
    r"""Return the orbitals after the rotation \(\exp(\kappa)\) of packed x."""
    from scipy.linalg import expm

    occupations, orbitals = np.asarray(mean_field.mo_occ), np.asarray(mean_field.mo_coeff)
    if not _is_unrestricted(mean_field):
        return orbitals @ expm(_unpacked(x, occupations > 0, occupations == 2))
    n_first = int(np.sum(occupations[0] > 0) * np.sum(occupations[0] == 0))
    parts = (x[:n_first], x[n_first:])
    return np.stack(
        [c @ expm(_unpacked(part, occ > 0, occ > 0)) for c, occ, part in zip(orbitals, occupations, parts, strict=True)]
    )


def _unpacked(x: FloatArray, alpha: Any, beta: Any) -> FloatArray:
    """Return the antisymmetric matrix of rotations between orbitals that differ in occupation."""
    free = _free(alpha, beta)
    matrix = np.zeros(free.shape)
    matrix[free] = x
    return matrix - matrix.T


def _free(alpha: Any, beta: Any) -> Any:
    """Mask of rotations of one orbital (column) into another, emptier one (row) that change the determinant."""
    return (~alpha[:, None] & alpha) | (~beta[:, None] & beta)


def _commutator(a: FloatArray, b: FloatArray) -> FloatArray:
    return a @ b - b @ a


def _is_unrestricted(mean_field: Any) -> bool:
    return np.ndim(mean_field.mo_occ) == 2


def _plain(mean_field: Any) -> Any:
    """Return a closed shell as PySCF's class for closed shells; that for open ones rotates the spins apart."""
    from pyscf import dft, scf

    if not isinstance(mean_field, scf.rohf.ROHF) or not _is_closed(mean_field):
        return mean_field
    return mean_field.view(dft.rks.RKS if hasattr(mean_field, "xc") else scf.hf.RHF)


def _is_closed(mean_field: Any) -> bool:
    return not _is_unrestricted(mean_field) and not np.any(np.asarray(mean_field.mo_occ) == 1)
