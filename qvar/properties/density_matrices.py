"""Density matrices of a circuit's state, and natural orbitals, dipole moment, charges and cube files from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.engines.spin_blocks import SpinBlock
from qvar.errors import QvarError, require
from qvar.objective import Objective
from qvar.problems.orbitals import Orbitals
from qvar.problems.problem import Problem
from qvar.properties.atomic_charges import Charges, Population, atomic_charges
from qvar.properties.block_densities import block_densities
from qvar.properties.cube_file import write_cube
from qvar.properties.dipole import Dipole, dipole_moment
from qvar.properties.electron_state import electron_state
from qvar.short_repr import short_repr

Field: TypeAlias = Literal["density", "spin", "natural"]
"""Fields of a cube file: electron density, spin density, or a natural orbital."""


class SpinDensity(NamedTuple):
    """One-particle density of either spin over some orbitals."""

    alpha: np.ndarray
    beta: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Density of all electrons."""
        return self.alpha + self.beta

    @property
    def spin(self) -> np.ndarray:
        """Density of the excess of spin up."""
        return self.alpha - self.beta


@short_repr()
@dataclass(frozen=True, eq=False)
class NaturalOrbitals:
    """Eigenvectors of the spin-summed one-particle density, by falling occupation."""

    occupations: FloatArray
    """(M,) numbers of electrons, from 0 to 2."""
    coefficients: np.ndarray
    """(M, M): columns over the active orbitals; the largest element of each is positive."""
    ao_coefficients: np.ndarray | None
    """(n_ao, M): columns over PySCF's atomic orbitals; None if the problem has none."""


@short_repr("problem", "n_electrons", "one_body", "two_body")
@dataclass(frozen=True, eq=False)
class DensityMatrices:
    r"""One- and two-particle density matrices over the M active orbitals, as PySCF's `make_rdm12s` defines them.

    \(\gamma^\sigma_{pq} = \langle a^\dagger_{q\sigma} a_{p\sigma} \rangle\) and
    \(\Gamma^{\sigma\tau}_{pqrs} = \langle a^\dagger_{p\sigma} a^\dagger_{r\tau} a_{s\tau} a_{q\sigma} \rangle\).
    Complex if the state is.
    """

    problem: Problem
    """Problem whose orbitals these are."""
    _: KW_ONLY
    one_body_alpha: np.ndarray
    r"""(M, M) \(\gamma^\alpha\)."""
    one_body_beta: np.ndarray
    r"""(M, M) \(\gamma^\beta\)."""
    two_body_aa: np.ndarray
    r"""(M, M, M, M) \(\Gamma^{\alpha\alpha}\)."""
    two_body_ab: np.ndarray
    r"""(M, M, M, M) \(\Gamma^{\alpha\beta}\)."""
    two_body_bb: np.ndarray
    r"""(M, M, M, M) \(\Gamma^{\beta\beta}\)."""

    @property
    def one_body(self) -> np.ndarray:
        r"""(M, M) sum over spins \(\gamma = \gamma^\alpha + \gamma^\beta\); its trace is the number of electrons N."""
        return self.one_body_alpha + self.one_body_beta

    @property
    def two_body(self) -> np.ndarray:
        r"""(M, M, M, M) sum over both spins; \(\sum_{pr} \Gamma_{pprr} = \langle N(N-1) \rangle\)."""
        return self.two_body_aa + self.two_body_bb + self.two_body_ab + self.two_body_ab.transpose(2, 3, 0, 1)

    @property
    def n_electrons(self) -> float:
        """Mean number of active electrons."""
        return float(np.trace(self.one_body).real)

    def energy(self) -> float:
        r"""Compute the energy of the state, in hartree.

        \(E_{core} + \sum_{pq} h_{pq}\gamma_{qp} + \tfrac12 \sum_{pqrs} (pq|rs)\,\Gamma_{pqrs}\).
        """
        integrals = self.problem._electrons()
        one = np.einsum("pq,qp", integrals.one_body, self.one_body)
        two = np.einsum("pqrs,pqrs", integrals.two_body, self.two_body)
        return float((integrals.core_energy + one + 0.5 * two).real)

    def natural_orbitals(self) -> NaturalOrbitals:
        """Diagonalize the spin-summed one-particle density of the active orbitals."""
        values, vectors = np.linalg.eigh(self.one_body)
        vectors = vectors[:, ::-1]
        largest = vectors[np.argmax(np.abs(np.round(vectors, 8)), axis=0), np.arange(len(vectors))]
        vectors = vectors * (np.abs(largest) / largest)
        orbitals = self.problem.orbitals
        over_atoms = None if orbitals is None else orbitals.coefficients[:, list(orbitals.active)] @ vectors
        return NaturalOrbitals(values[::-1].copy(), vectors, over_atoms)

    def in_molecular_orbitals(self) -> SpinDensity:
        """Compute the one-particle density over all molecular orbitals, (n_mo, n_mo), frozen electrons included.

        Raises:
            QvarError: if the problem does not know its orbitals.
        """
        orbitals = self._orbitals()
        size, active = orbitals.coefficients.shape[1], np.ix_(orbitals.active, orbitals.active)
        densities = []
        for own in (self.one_body_alpha, self.one_body_beta):
            density = np.zeros((size, size), own.dtype)
            density[orbitals.frozen, orbitals.frozen] = 1.0
            density[active] = own
            densities.append(density)
        return SpinDensity(*densities)

    def in_atomic_orbitals(self) -> SpinDensity:
        r"""Compute the one-particle density over PySCF's atomic orbitals, (n_ao, n_ao), frozen electrons included.

        \(P = C \gamma C^\dagger\), so that the number of electrons is the trace of P times the overlap.

        Raises:
            QvarError: if the problem does not know its orbitals.
        """
        c = self._orbitals().coefficients
        return SpinDensity(*(c @ own @ c.T for own in self.in_molecular_orbitals()))

    def dipole(self) -> Dipole:
        """Compute the dipole moment of electrons and nuclei, through PySCF.

        Raises:
            QvarError: if the problem does not know its orbitals.
        """
        return dipole_moment(self._orbitals().mole(), np.real(self.in_atomic_orbitals().total))

    @checked()
    def charges(self, *, population: Population = "meta-lowdin") -> Charges:
        """Compute charges and spin populations of atoms, through PySCF.

        Args:
            population: `"mulliken"`; `"lowdin"`, in atomic orbitals that are orthogonalized symmetrically; or
                `"meta-lowdin"`, where core, valence and other orbitals are orthogonalized one after the other, which
                depends less on the basis set. Sun, Chan, J. Chem. Theory Comput. 10, 3784 (2014),
                https://doi.org/10.1021/ct500512f.

        Raises:
            QvarError: if the problem does not know its orbitals.
        """
        density = self.in_atomic_orbitals()
        return atomic_charges(self._orbitals().mole(), np.real(density.alpha), np.real(density.beta), population)

    @checked()
    def cube(self, path: str | Path, *, field: Field = "density", orbital: int = 0, resolution: float = 0.2) -> None:
        """Write a field on a regular grid around the molecule as a cube file, whole or not at all, through PySCF.

        Args:
            path: name of the file; an existing one is replaced.
            field: `"density"` of all electrons or `"spin"` density, in electrons per bohr^3, or `"natural"` for a
                natural orbital, in bohr^(-3/2).
            orbital: number of the natural orbital, from 0 by falling occupation.
            resolution: largest distance of points of the grid, in bohr.

        Raises:
            QvarError: if the problem does not know its orbitals, there is no such orbital, it is complex, the
                resolution is not positive, or the file cannot be written.
        """
        require(resolution > 0, "resolution", "be positive", resolution)
        mol, density = self._orbitals().mole(), self.in_atomic_orbitals()
        if field != "natural":
            write_cube(path, mol, np.real(density.total if field == "density" else density.spin), resolution)
            return
        size = self.problem.n_orbitals
        require(0 <= orbital < size, "orbital", f"be from 0 to {size - 1}", orbital)
        own: Any = self.natural_orbitals().ao_coefficients
        if np.abs(own[:, orbital].imag).max() > 1e-8:
            raise QvarError(f"`orbital` must be real in a cube file, but natural orbital {orbital} is complex.")
        write_cube(path, mol, np.ascontiguousarray(own[:, orbital].real), resolution)

    def _orbitals(self) -> Orbitals:
        orbitals = self.problem.orbitals
        if orbitals is None:
            raise QvarError(f"`problem` must know its atomic orbitals, but {self.problem.name} has none.")
        return orbitals


def of_blocks(problem: Problem, blocks: Sequence[SpinBlock]) -> DensityMatrices:
    """Return the density matrices of a normalised state in blocks."""
    own = block_densities(blocks, problem.n_orbitals)
    return DensityMatrices(
        problem,
        one_body_alpha=own.alpha,
        one_body_beta=own.beta,
        two_body_aa=own.aa,
        two_body_ab=own.ab,
        two_body_bb=own.bb,
    )


@checked()
def density_matrices(objective: Objective, theta: Any) -> DensityMatrices:
    r"""Compute the one- and two-particle density matrices of a circuit's state.

    Time grows at most as \(M^4\) times the number of determinants, memory as \(M^4\).

    Args:
        objective: energy of a circuit on a molecule or on electrons on a lattice, in either engine.
        theta: (n_params,) parameters.

    Returns:
        Densities over the active orbitals, by spin and summed, with the natural orbitals, dipole moment, charges and
        cube files that follow.

    Raises:
        QvarError: if the problem has no electrons in orbitals, or theta has another shape or is not finite.
    """
    problem, blocks = electron_state(objective, theta)
    return of_blocks(problem, blocks)
