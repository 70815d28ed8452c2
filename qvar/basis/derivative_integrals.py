r"""Cross integrals \(\langle \xi | \dots | \nu \rangle\): bras are derivatives of basis functions by their parameters.

With normalised primitives \(g_k \propto r^l e^{-\alpha_k r^2} Y_{lm}\),

$$ \frac{\partial g_k}{\partial \ln \alpha_k} = \Big( \frac{2l + 3}{4} - \alpha_k r^2 \Big) g_k, \qquad
   \frac{\partial \chi}{\partial c_k} = \frac{g_k}{n}, $$

so that all derivatives by exponents and coefficients come from two bras for each primitive, \(g_k\) and
\(r^2 g_k\). The latter is a sum of Cartesian Gaussians of l + 2. The functions of the molecule itself come first among
the bras; as they are sums of primitives, a contraction of m functions from n primitives leaves n - m further primitives
to be computed, and an uncontracted shell none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse

from qvar._types import FloatArray, IntArray
from qvar.basis.shells import BasisSet, Shell
from qvar.problems.geometry import element_of

_ATOM, _ANGULAR, _PRIMITIVES, _CONTRACTED, _KAPPA, _EXPONENT, _COEFFICIENT, _SLOTS = 0, 1, 2, 3, 4, 5, 6, 8
"""Columns of a row of `Mole._bas`, libcint's table of shells."""

UNMIXED = 1e-7
"""Largest element of an atom's density between angular momenta that count as unmixed; the error is of second order."""


@dataclass(frozen=True)
class Place:
    """Position of a shell of an atom among the functions and the bras."""

    atom: int
    """Number of the atom."""
    shell: Shell
    position: int
    """Number of the shell in the basis set, counted over its elements."""
    functions: int
    """Its first function."""
    bras: int
    """Its first bra; for each primitive the 2l + 1 of \\(g\\), then the 2l + 1 of \\(r^2 g\\)."""
    beside: IntArray
    """Primitives that are computed in addition to the functions."""


class _Group(NamedTuple):
    """Ranges of shells."""

    own: tuple[int, int]
    """Of the molecule."""
    further: tuple[int, int]
    """Of those for the bras of the former."""


class Bras:
    """Cross integrals of a molecule's basis set.

    Args:
        mol: a built `pyscf.gto.Mole` in spherical functions, those of `basis` in its order, without core potentials.
        basis: its basis set.
        repulsion: two-electron integrals of the functions with all their symmetry, as `mol.intor("int2e", aosym="s8")`
            gives them, if available.
    """

    def __init__(self, mol: Any, basis: BasisSet, repulsion: FloatArray | None = None) -> None:
        self.mol, self.basis, self.repulsion = mol, basis, repulsion
        self.n_functions = int(mol.nao)
        self.places = list(self._walk())
        self._functions = mol.cart2sph_coeff(normalized="sp")
        self._big = self._with_further()
        self._starts = self._big.ao_loc_nr(cart=True)
        self._turn = self._turned()

    def _walk(self) -> Iterator[Place]:
        functions, bras = 0, self.n_functions
        positions = {}
        for element, shells in self.basis.shells.items():
            for number in range(len(shells)):
                positions[element, number] = len(positions)
        for atom in range(self.mol.natm):
            element = element_of(self.mol.atom_symbol(atom))
            for number, shell in enumerate(self.basis.of(element)):
                yield Place(atom, shell, positions[element, number], functions, bras, _beside(shell))
                functions += shell.n_functions
                bras += 2 * (2 * shell.l + 1) * len(shell.exponents)
        assert functions == self.n_functions, "the molecule must have the shells of its basis set"

    def _with_further(self) -> Any:
        """Return the molecule with further shells, all Cartesian: of each shell some primitives, then all of l + 2."""
        from pyscf import gto

        rows, numbers, end = [], [], len(self.mol._env)
        for place in self.places:
            low, exponents = place.shell.l, place.shell.exponents
            norms = gto.gto_norm(low, exponents)
            numbers += [exponents, norms]
            for angular, primitives in ((low, place.beside), (low + 2, range(len(exponents)))):
                for k in primitives:
                    row = np.zeros(_SLOTS, dtype=np.int32)
                    row[[_ATOM, _ANGULAR, _PRIMITIVES, _CONTRACTED]] = place.atom, angular, 1, 1
                    row[[_EXPONENT, _COEFFICIENT]] = end + k, end + len(exponents) + k
                    rows.append(row)
            end += 2 * len(exponents)
        big = self.mol.copy()
        big.cart = True
        big._bas = np.vstack([self.mol._bas, *rows]).astype(np.int32)
        big._env = np.concatenate([self.mol._env, *numbers])
        return big

    def _turned(self) -> Any:
        """Return the sparse matrix that makes bras from the functions and the further Cartesian ones."""
        functions = np.arange(self.n_functions)
        entries: list[tuple[IntArray, IntArray, FloatArray]] = [(functions, functions, np.eye(len(functions)))]
        row = self.n_functions
        for place in self.places:
            l, (n, m) = place.shell.l, place.shell.coefficients.shape
            d = 2 * l + 1
            plain, squared = _turns(l)
            primitives = place.bras + np.add.outer(2 * d * np.arange(n), np.arange(d)).ravel()
            mixing = np.zeros((n, m + len(place.beside)))
            mixing[:, :m] = place.shell.coefficients / place.shell.norms
            mixing[place.beside, m + np.arange(len(place.beside))] = 1.0
            back = np.linalg.pinv(mixing)  # functions and further primitives -> all primitives
            own = place.functions + np.arange(m * d)
            entries.append((own, primitives, np.kron(back[:m], np.eye(d))))
            for block, columns in (
                (np.kron(back[m:], plain), primitives),
                (np.kron(np.eye(n), squared), primitives + d),
            ):
                entries.append((row + np.arange(len(block)), columns, block))
                row += len(block)
        rows = np.concatenate([np.repeat(above, len(columns)) for above, columns, _ in entries])
        columns = np.concatenate([np.tile(columns, len(above)) for above, columns, _ in entries])
        values = np.concatenate([block.ravel() for *_, block in entries])
        last = self.places[-1]
        n_bras = last.bras + 2 * (2 * last.shell.l + 1) * len(last.shell.exponents)
        matrix = scipy.sparse.csr_array((values, (rows, columns)), shape=(row, n_bras))
        matrix.eliminate_zeros()
        return matrix

    @property
    def _further(self) -> int:
        """Number of the first further Cartesian function."""
        return len(self._functions)

    def _bras(self, own: FloatArray, further: FloatArray) -> FloatArray:
        """Join (n_functions, n_functions) and (n_further, n_cartesian) to (n_bras, n_functions)."""
        return self._turn.T @ np.vstack([own, further @ self._functions])

    def _one(self, name: str) -> FloatArray:
        n = self.mol.nbas
        return self._bras(self.mol.intor(name), self._big.intor(f"{name}_cart", shls_slice=(n, self._big.nbas, 0, n)))

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
        r"""Compute Coulomb and exchange fields of symmetric densities, (n_bras, n_functions) each.

        $$ J_{\xi\nu} = \sum_{\lambda\sigma} (\xi\nu|\lambda\sigma) D_{\sigma\lambda}, \qquad
           K_{\xi\nu} = \sum_{\lambda\sigma} (\xi\lambda|\sigma\nu) D_{\lambda\sigma} $$

        All of them in one pass over n_bras x n_functions^3 integrals, half of which are computed. In an atom none of
        whose densities mixes angular momenta, elements between functions and derivatives of functions of different l
        are left out: they multiply zeros of the density.
        """
        densities = [*coulomb, *exchange]
        own, n = self._own_fields(coulomb, exchange), len(coulomb)
        fields = [np.zeros((self._starts[-1], self._further)) for _ in densities]
        cartesian = [self._functions @ density @ self._functions.T for density in densities]
        groups = self._groups(densities)
        for one in groups:
            for other in groups:
                self._add(one, other, n, cartesian, fields)
        results = [self._bras(mine, field[self._further :]) for mine, field in zip(own, fields, strict=True)]
        return results[:n], results[n:]

    def _own_fields(self, coulomb: Sequence[FloatArray], exchange: Sequence[FloatArray]) -> list[FloatArray]:
        from pyscf.scf import hf

        results = []
        for number, density in enumerate([*coulomb, *exchange]):
            wanted = {"hermi": 1, "with_j": number < len(coulomb), "with_k": number >= len(coulomb)}
            if self.repulsion is not None:
                pair = hf.dot_eri_dm(self.repulsion, density, **wanted)
            else:
                pair = hf.get_jk(self.mol, density, **wanted)
            results.append(np.asarray(pair[0 if number < len(coulomb) else 1]))
        return results

    def _groups(self, densities: Sequence[FloatArray]) -> list[_Group]:
        """Group shells that no density mixes with others: those of one angular momentum in an atom, else all."""
        n = self.mol.nbas
        momenta = self.mol._bas[:, _ANGULAR]
        of_functions = np.repeat(momenta, np.diff(self.mol.ao_loc_nr()))
        mixed = of_functions[:, None] != of_functions
        if self.mol.natm > 1 or any(np.abs(density[mixed]).max(initial=0.0) > UNMIXED for density in densities):
            return [_Group((0, n), (n, self._big.nbas))]
        # shells of an atom are sorted by l, and the further ones by that of their place
        beyond = np.concatenate([np.full(len(p.beside) + len(p.shell.exponents), p.shell.l) for p in self.places])
        return [_Group(_range(momenta == l, 0), _range(beyond == l, n)) for l in np.unique(momenta)]

    def _add(
        self, one: _Group, other: _Group, n_coulomb: int, densities: Sequence[FloatArray], sums: Sequence[FloatArray]
    ) -> None:
        """Add the fields of the densities of one group of shells between functions and further ones of another."""
        from pyscf.scf import _vhf, jk

        coulomb = [("ijkl,lk->ij", number) for number in range(n_coulomb)]
        exchange = [("ijkl,jk->il", number) for number in range(n_coulomb, len(densities))]
        if one == other:
            calls = [(coulomb + exchange, (*one.own, *one.own, *one.own), "s2kl")]
        else:
            calls = [(coulomb, (*one.own, *other.own, *other.own), "s2kl")]
            calls += [(exchange, (*other.own, *other.own, *one.own), "s1")]
        rows, columns, inner = (slice(*self._starts[[*shells]]) for shells in (one.further, one.own, other.own))
        for wanted, kets, symmetry in calls:
            if not wanted:
                continue
            fields = jk.get_jk(
                self._big,
                [np.ascontiguousarray(densities[number][inner, inner]) for _, number in wanted],
                [script for script, _ in wanted],
                intor="int2e_cart",
                aosym=symmetry,
                shls_slice=(*one.further, *kets),
                # none of libcint's tables, which for l of 5 and more take longer, and more memory, than they save
                vhfopt=_vhf.VHFOpt(self._big),
            )
            for (_, number), field in zip(wanted, fields, strict=True):
                sums[number][rows, columns] += field

    def on_grid(self, points: FloatArray, derivatives: bool) -> tuple[FloatArray, FloatArray]:
        """Evaluate bras and functions, (n_components, n_points, n) each, with or without first derivatives."""
        values = self._big.eval_gto(f"GTOval_cart_deriv{int(derivatives)}", points)
        values = values.reshape(4 if derivatives else 1, len(points), -1)
        functions = values[:, :, : self._further] @ self._functions
        raw = np.concatenate([functions, values[:, :, self._further :]], axis=2)
        bras = (raw.reshape(-1, raw.shape[2]) @ self._turn).reshape(*raw.shape[:2], -1)
        return bras, functions

    def contract(self, matrix: FloatArray) -> FloatArray:
        """Sum the elements between each bra and the function it is a derivative of: derivatives by `Form.values`."""
        slopes: dict[int, FloatArray] = {}
        for place in self.places:
            shell = place.shell
            (n, m), d = shell.coefficients.shape, 2 * shell.l + 1
            block = matrix[place.bras : place.bras + 2 * d * n, place.functions : place.functions + shell.n_functions]
            own = np.einsum("kxaca->xkc", block.reshape(n, 2, d, m, d)) / shell.norms
            turned = (2 * shell.l + 3) / 4 * own[0] - shell.exponents[:, None] * own[1]
            flat = np.concatenate([np.sum(shell.coefficients * turned, axis=1), own[0].ravel()])
            slopes[place.position] = slopes.get(place.position, 0.0) + flat
        sizes = [s.coefficients.size + len(s.exponents) for shells in self.basis.shells.values() for s in shells]
        return np.concatenate([slopes.get(position, np.zeros(size)) for position, size in enumerate(sizes)])


def _range(chosen: Any, start: int) -> tuple[int, int]:
    """Return the first, and the last plus one, of consecutive places."""
    places = np.flatnonzero(chosen)
    return start + int(places[0]), start + int(places[-1]) + 1


def _beside(shell: Shell) -> IntArray:
    """Return the smallest set of primitives that, with a shell's functions, spans all its primitives."""
    n, m = shell.coefficients.shape
    if m >= n:
        return np.zeros(0, dtype=int)
    factors: Any = scipy.linalg.qr(shell.coefficients.T, mode="r", pivoting=True)
    return np.sort(factors[1][m:]).astype(int)


def _turns(l: int) -> tuple[FloatArray, FloatArray]:
    """Return the maps from Cartesian to spherical functions of l for g, and from Cartesian ones of l + 2 to r^2 g."""
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
    """Return powers of x, y, z in libcint's order."""
    return [(x, y, l - x - y) for x in range(l, -1, -1) for y in range(l - x, -1, -1)]
