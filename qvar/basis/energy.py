r"""Energies of molecules, and their exact gradients by every exponent and contraction coefficient.

If an energy is stationary in its orbitals and in its correlation, only the functions themselves move. With the
generalized Fock matrix \(X_{\xi q}\), one of whose indices is a derivative \(\xi\) of a basis function,

$$ \frac{dE}{dp} = 2 \sum_\mu \Big( \sum_q X_{\xi q} C_{\mu q} - \sum_\nu S_{\xi\nu} W_{\nu\mu} \Big),
   \qquad W = C X C^T, $$

where \(\mu\) is the function that \(\xi\) is the derivative of. It holds if X is symmetric, that is, if the energy is
stationary; this is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from qvar._types import FloatArray
from qvar.basis.derivative_integrals import Bras
from qvar.basis.xc_derivatives import exchange_correlation
from qvar.errors import QvarError
from qvar.problems.scf import DEPENDENT, converge, follow, one_thread_without_files
from qvar.problems.stability import UNSTABLE, analysed
from qvar.short_repr import short_repr

TheoryName: TypeAlias = Literal["rhf", "rohf", "uhf", "rks", "uks", "fci", "casscf"]
THEORIES: tuple[str, ...] = get_args(TheoryName)
"""Built-in theories of energies."""

STATIONARY = 1e-6
"""Largest asymmetry of X, in hartree, of a stationary energy."""


GRID_LEVEL = 4
"""Fineness of the grid of functionals, PySCF's `grids.level`."""


class UnsolvedError(QvarError):
    """An energy or a gradient that could not be computed, with the reason in one sentence."""


@short_repr()
class Solution(NamedTuple):
    """An energy, and the parts of its gradient."""

    energy: float
    """In hartree."""
    density: FloatArray
    """(n_functions, n_functions) density of all electrons."""
    lagrangian: Callable[[Bras], FloatArray]
    r"""Bras -> (n_bras, n_functions) \(\sum_q X_{\xi q} C_{\mu q}\), in hartree."""
    orbitals: FloatArray
    """(n_functions, n_functions) orthonormal orbitals."""
    repulsion: FloatArray | None = None
    """Two-electron integrals of the functions, as `Bras` takes them, if available."""
    mean_field: Any = None
    """PySCF's converged mean field, if the energy is its own."""


def solve(
    mol: Any, theory: str, xc: str = "", active_space: tuple[int, int] | None = None, stable: bool = False
) -> Solution:
    """Compute the energy of a molecule, converged tightly enough for its gradient.

    Args:
        mol: a built `pyscf.gto.Mole`.
        theory: one of `THEORIES`.
        xc: functional of `rks` and `uks`, as PySCF names it.
        active_space: (electrons, orbitals) of `casscf`.
        stable: whether a mean field that is a saddle is followed down, see `qvar.problems.scf.follow`.

    Raises `UnsolvedError` if the computation does not converge, or functions were dropped as linearly dependent.
    """
    if theory in ("rhf", "rohf", "uhf"):
        return _from_mean_field(_run(mol, theory, stable=stable), None)
    if theory in ("rks", "uks"):
        return _from_mean_field(_run(mol, theory, xc, stable), xc)
    field = _run(mol, "rohf" if mol.spin else "rhf", stable=stable)
    if theory == "fci":
        return full_interaction(field)
    assert active_space is not None
    return _complete_active_space(field, *active_space)


def bra_gradient(solution: Solution, bras: Bras) -> FloatArray:
    r"""Compute \(X C^T - S W\) of all bras, (n_bras, n_functions); twice its entries, contracted, are the gradient.

    Raises `UnsolvedError` if the energy is not stationary: X is asymmetric by more than `STATIONARY`.
    """
    raw, n = solution.lagrangian(bras), bras.n_functions
    overlap, orbitals = bras.overlap, solution.orbitals
    mixed = orbitals.T @ raw[:n] @ overlap[:n] @ orbitals
    asymmetry = float(np.abs(mixed - mixed.T).max())
    if not asymmetry <= STATIONARY:
        raise UnsolvedError(
            "`theory` must be stationary in its orbitals to have a gradient, as rhf, rohf, uhf, rks, full-space fci "
            f"and casscf are when they have converged, but its Fock matrix is asymmetric by {asymmetry:.1e} Ha."
        )
    weighted = orbitals @ (0.5 * (mixed + mixed.T)) @ orbitals.T
    return raw - overlap @ weighted


def remarks(field: Any, name: str) -> list[str]:
    """Return sentences on a converged mean field of PySCF that is a saddle."""
    with one_thread_without_files():
        try:
            internal = analysed(field).internal
        except (QvarError, NotImplementedError):  # functionals without second derivatives
            return [f"Whether the {name} solution is a minimum could not be found out."]
    if internal is None or internal >= UNSTABLE:
        return []
    return [
        f"The {name} solution is a saddle, not a minimum: a rotation of its orbitals has the second derivative "
        f"{internal:.4f} Ha. `stable=True` follows it down."
    ]


def _run(mol: Any, theory: str, xc: str = "", stable: bool = False) -> Any:
    """Run a mean field of PySCF to convergence."""
    from pyscf import dft, scf

    makers = {"rhf": scf.RHF, "rohf": scf.ROHF, "uhf": scf.UHF, "rks": dft.RKS, "uks": dft.UKS}
    field = makers[theory](mol)
    if xc:
        field.xc = xc
        # the same points at every theta
        field.grids.level, field.grids.prune, field.small_rho_cutoff = GRID_LEVEL, None, 0.0
    _check_independent(mol.nao, int(np.sum(np.linalg.eigvalsh(mol.intor("int1e_ovlp")) > DEPENDENT)))
    try:
        field = converge(field)
    except QvarError:
        message = f"`theta` must allow a converged {theory}, but neither DIIS nor the second-order iteration converged."
        raise UnsolvedError(message) from None
    except (np.linalg.LinAlgError, ValueError, NotImplementedError) as error:
        raise UnsolvedError(f"`theta` must allow a converged {theory}, but PySCF says: {error}.") from error
    if stable:
        try:
            follow(field)
        except (QvarError, np.linalg.LinAlgError, NotImplementedError) as error:
            raise UnsolvedError(f"`theta` must allow a stable {theory}, but no minimum was found: {error}") from error
    _check_independent(mol.nao, np.shape(field.mo_coeff)[-1])  # PySCF drops functions silently
    return field


def _check_independent(n_functions: int, n_independent: int) -> None:
    if n_independent != n_functions:
        raise UnsolvedError(
            f"`theta` must leave all {n_functions} functions linearly independent, but only {n_independent} are "
            f"(eigenvalues of the overlap below {DEPENDENT:g} count as none)."
        )


def _from_mean_field(field: Any, xc: str | None) -> Solution:
    density = np.asarray(field.make_rdm1())
    spins = list(density) if density.ndim == 3 else [density / 2]
    total = np.sum(spins, axis=0) * (2 if len(spins) == 1 else 1)
    share = 1.0 if xc is None else float(field._numint.hybrid_coeff(xc, spin=field.mol.spin))

    def lagrangian(bras: Bras) -> FloatArray:
        (coulomb,), exchange = bras.fields([total], spins if share else [])
        common = bras.core + coulomb
        focks = [common.copy() for _ in spins]
        for fock, exchanged in zip(focks, exchange, strict=False):
            fock -= share * exchanged
        if xc is not None:
            for fock, potential in zip(focks, exchange_correlation(bras, field, spins), strict=True):
                fock += potential
        products = [fock @ spin for fock, spin in zip(focks, spins, strict=True)]
        return np.sum(products, axis=0) * (2 if len(spins) == 1 else 1)

    orbitals = np.asarray(field.mo_coeff)
    orbitals = orbitals[0] if orbitals.ndim == 3 else orbitals
    return Solution(float(field.e_tot), np.asarray(total), lagrangian, orbitals, field._eri, field)


def full_interaction(field: Any) -> Solution:
    """Solve full configuration interaction in all functions."""
    from pyscf import ao2mo, fci

    mol, orbitals = field.mol, np.asarray(field.mo_coeff)
    n = orbitals.shape[1]
    one = orbitals.T @ field.get_hcore() @ orbitals
    two = ao2mo.full(field._eri if field._eri is not None else mol, orbitals)
    solver: Any = fci.direct_spin1.FCI(mol)
    _tighten(solver)
    energy, vector = solver.kernel(one, two, n, mol.nelec, ecore=mol.energy_nuc())
    image = solver.contract_2e(solver.absorb_h1e(one, two, n, mol.nelec, 0.5), vector, n, mol.nelec)
    residual = float(np.linalg.norm(image - (energy - mol.energy_nuc()) * vector))
    if not residual <= STATIONARY:  # the solver's own test is stricter than rounding allows
        raise UnsolvedError(f"`theta` must allow a converged full-space fci, but {residual:.1e} Ha are left.")
    gamma, pairs = solver.make_rdm12(vector, n, mol.nelec)
    return from_density_matrices(float(energy), orbitals, 0, np.asarray(gamma), np.asarray(pairs), field._eri)


def _tighten(solver: Any) -> None:
    """Set a small residual in PySCF's configuration interaction, which by default stops at about 1e-6."""
    solver.verbose, solver.conv_tol, solver.max_cycle = 0, 1e-13, 300
    solver.conv_tol_residual, solver.lindep = 1e-9, 1e-20


def _complete_active_space(field: Any, electrons: int, n_active: int) -> Solution:
    from pyscf import mcscf

    solver: Any = mcscf.CASSCF(field, n_active, electrons)
    solver.verbose, solver.conv_tol, solver.conv_tol_grad, solver.max_cycle_macro = 0, 1e-11, 1e-7, 100
    solver.ah_conv_tol, solver.ah_lindep = 1e-14, 1e-18  # with PySCF's own it often stalls at gradients of 1e-6
    _tighten(solver.fcisolver)
    solver.chkfile = None
    energy = solver.kernel()[0]
    if not solver.converged:
        raise UnsolvedError(f"`theta` must allow a converged CASSCF({electrons},{n_active}), but its iteration failed.")
    gamma, pairs = solver.fcisolver.make_rdm12(solver.ci, n_active, solver.nelecas)
    orbitals, core = np.asarray(solver.mo_coeff), int(solver.ncore)
    return from_density_matrices(float(energy), orbitals, core, np.asarray(gamma), np.asarray(pairs), field._eri)


def from_density_matrices(
    energy: float,
    orbitals: FloatArray,
    n_core: int,
    gamma: FloatArray,
    pairs: FloatArray,
    repulsion: FloatArray | None = None,
) -> Solution:
    r"""Make a solution from density matrices.

    With \(E = \sum h_{tu} \gamma_{tu} + \frac12 \sum \Gamma_{tuvw} (tu|vw)\) over active orbitals,

    $$ X_{\xi i} = 2 (F^I + F^A)_{\xi i}, \qquad
       X_{\xi t} = \sum_u F^I_{\xi u} \gamma_{ut} + \sum_{uvw} \Gamma_{tuvw} (\xi u|vw), $$

    with the fields \(F^I\) of the doubly occupied and \(F^A\) of the active orbitals. One Coulomb field for each pair
    of active orbitals.

    Args:
        energy: in hartree.
        orbitals: (n_functions, n_functions) orthonormal: the doubly occupied, then the active, then the empty ones.
        n_core: number of doubly occupied orbitals.
        gamma: (n_active, n_active) one-particle density matrix, summed over spins.
        pairs: (n_active,) * 4 two-particle density matrix, summed over spins, in PySCF's order of indices.
        repulsion: two-electron integrals of the functions, as `Bras` takes them, if available.
    """
    n_active = len(gamma)
    core, active = orbitals[:, :n_core], orbitals[:, n_core : n_core + n_active]
    inactive, live = 2 * core @ core.T, active @ gamma @ active.T

    def lagrangian(bras: Bras) -> FloatArray:
        corner = [(v, w) for v in range(n_active) for w in range(v + 1)]
        outer = [0.5 * (np.outer(active[:, v], active[:, w]) + np.outer(active[:, w], active[:, v])) for v, w in corner]
        own = [inactive, live] if n_core else []
        coulomb, exchange = bras.fields(own + outer, own)
        field, total = bras.core, 0.0
        if n_core:
            field = bras.core + coulomb[0] - 0.5 * exchange[0]
            both = field + coulomb[1] - 0.5 * exchange[1]
            total = total + 2 * both @ core @ core.T
        columns = field @ active @ gamma
        for (v, w), repulsion in zip(corner, coulomb[len(own) :], strict=True):
            double = pairs[:, :, v, w] + (pairs[:, :, w, v] if v != w else 0.0)
            columns = columns + repulsion @ active @ double.T
        return total + columns @ active.T

    return Solution(energy, inactive + live, lagrangian, orbitals, repulsion)
