r"""Cross integrals \(\langle \xi | \dots | \nu \rangle\): bras are derivatives of basis functions by their parameters.

With normalised primitives \(g_k \propto r^l e^{-\alpha_k r^2} Y_{lm}\),

$$ \frac{\partial g_k}{\partial \ln \alpha_k} = \Big( \frac{2l + 3}{4} - \alpha_k r^2 \Big) g_k, \qquad
   \frac{\partial \chi}{\partial c_k} = \frac{g_k}{n}, $$

so that all derivatives by exponents and coefficients come from two bras for each primitive, \(g_k\) and
\(r^2 g_k\). The latter is a sum of Cartesian Gaussians of l + 2, hence all integrals here are Cartesian and are turned
to spherical functions afterwards. The functions of the molecule itself stand first among the bras.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from qvar._types import FloatArray
from qvar.basis.shells import BasisSet, Shell

_ATOM, _ANGULAR, _PRIMITIVES, _CONTRACTED, _KAPPA, _EXPONENT, _COEFFICIENT, _SLOTS = 0, 1, 2, 3, 4, 5, 6, 8
"""Columns of a row of `Mole._bas`, libcint's table of shells."""


@dataclass(frozen=True)
class Place:
    """Where a shell of an atom stands among the functions and the bras."""

    element: str
    shell: Shell
    position: int
    """Number of the shell in the basis set, counted over elements as they stand there."""
    functions: int
    """Its first function."""
    bras: int
    """Its first bra; for each primitive the 2l + 1 of \\(g\\), then the 2l + 1 of \\(r^2 g\\)."""


class Bras:
    """Cross integrals of a molecule's basis set.

    Args:
        mol: a built `pyscf.gto.Mole` in spherical functions whose basis is `basis.pyscf()`, without core potentials.
        basis: its basis set.
    """

    def __init__(self, mol: Any, basis: BasisSet) -> None:
        self.mol, self.basis = mol, basis
        self.n_functions = int(mol.nao)
        self.places = list(self._walk())
        self._big = self._with_bras()
        self._functions = mol.cart2sph_coeff(normalized="sp")
        turns = [turn for place in self.places for _ in place.shell.exponents for turn in _turns(place.shell.l)]
        self._turn = block_diag(self._functions, *turns)

    def _walk(self) -> Iterator[Place]:
        functions = bras = 0
        positions = {}
        for element, shells in self.basis.shells.items():
            for number in range(len(shells)):
                positions[element, number] = len(positions)
        for atom in range(self.mol.natm):
            element = self.mol.atom_pure_symbol(atom)
            for number, shell in enumerate(self.basis.of(element)):
                yield Place(element, shell, positions[element, number], functions, self.n_functions + bras)
                functions += shell.n_functions
                bras += 2 * (2 * shell.l + 1) * len(shell.exponents)
        assert functions == self.n_functions, "the molecule must have the shells of its basis set"

    def _with_bras(self) -> Any:
        """The molecule with the bras as further shells, Cartesian."""
        from pyscf import gto

        mol = self.mol
        rows, numbers, end = [], [], len(mol._env)
        atoms = [atom for atom in range(mol.natm) for _ in self.basis.of(mol.atom_pure_symbol(atom))]
        for atom, place in zip(atoms, self.places, strict=True):
            low = place.shell.l
            for exponent, norm in zip(place.shell.exponents, gto.gto_norm(low, place.shell.exponents), strict=True):
                numbers += [exponent, norm]
                for angular in (low, low + 2):
                    row = np.zeros(_SLOTS, dtype=np.int32)
                    row[[_ATOM, _ANGULAR, _PRIMITIVES, _CONTRACTED]] = atom, angular, 1, 1
                    row[[_EXPONENT, _COEFFICIENT]] = end, end + 1
                    rows.append(row)
                end += 2
        big = mol.copy()
        big.cart = True
        big._bas = np.vstack([mol._bas, *rows]).astype(np.int32)
        big._env = np.concatenate([mol._env, numbers])
        return big

    @property
    def _all(self) -> tuple[int, int]:
        return 0, len(self._big._bas)

    @property
    def _own(self) -> tuple[int, int]:
        return 0, len(self.mol._bas)

    def _one(self, name: str) -> FloatArray:
        integrals = self._big.intor(f"{name}_cart", shls_slice=(*self._all, *self._own))
        return self._turn.T @ integrals @ self._functions

    @cached_property
    def overlap(self) -> FloatArray:
        """(n_bras, n_functions) overlaps."""
        return self._one("int1e_ovlp")

    @cached_property
    def core(self) -> FloatArray:
        """(n_bras, n_functions) kinetic energy and attraction of the nuclei."""
        return self._one("int1e_kin") + self._one("int1e_nuc")

    def fields(
        self, coulomb: Sequence[FloatArray], exchange: Sequence[FloatArray] = ()
    ) -> tuple[list[FloatArray], list[FloatArray]]:
        r"""Coulomb and exchange fields of symmetric densities, (n_bras, n_functions) each.

        $$ J_{\xi\nu} = \sum_{\lambda\sigma} (\xi\nu|\lambda\sigma) D_{\sigma\lambda}, \qquad
           K_{\xi\nu} = \sum_{\lambda\sigma} (\xi\lambda|\sigma\nu) D_{\lambda\sigma} $$

        All of them in one pass over n_bras x n_functions^3 integrals, half of which are computed.
        """
        from pyscf.scf import jk

        densities = [self._functions @ density @ self._functions.T for density in (*coulomb, *exchange)]
        if not densities:
            return [], []
        scripts = ["ijkl,lk->ij"] * len(coulomb) + ["ijkl,jk->il"] * len(exchange)
        slices = (*self._all, *self._own, *self._own, *self._own)
        found = jk.get_jk(self._big, densities, scripts, intor="int2e_cart", aosym="s2kl", shls_slice=slices)
        turned = [self._turn.T @ field @ self._functions for field in found]
        return turned[: len(coulomb)], turned[len(coulomb) :]

    def on_grid(self, points: FloatArray, derivatives: bool) -> tuple[FloatArray, FloatArray]:
        """Bras and functions on points: (n_components, n_points, n) each, with first derivatives or without."""
        values = self._big.eval_gto(f"GTOval_cart_deriv{int(derivatives)}", points)
        values = values.reshape(4 if derivatives else 1, len(points), -1)
        own = self._functions.shape[0]
        return values @ self._turn, values[:, :, :own] @ self._functions


def _turns(l: int) -> tuple[FloatArray, FloatArray]:
    """Cartesian to spherical functions of l for g, and Cartesian ones of l + 2 to r^2 g."""
    from pyscf import gto

    plain = np.asarray(gto.cart2sph(l))  # of monomials, where libcint normalises those of s and p
    low, high = _monomials(l), _monomials(l + 2)
    squared = np.zeros((len(high), plain.shape[1]))
    for row, powers in enumerate(low):
        for axis in range(3):
            raised = tuple(power + 2 * (axis == i) for i, power in enumerate(powers))
            squared[high.index(raised)] += plain[row]
    return np.asarray(gto.cart2sph(l, normalized="sp")), squared


def _monomials(l: int) -> list[tuple[int, ...]]:
    """Powers of x, y, z in libcint's order."""
    return [(x, y, l - x - y) for x in range(l, -1, -1) for y in range(l - x, -1, -1)]
