r"""Target of a basis set's optimization: a weighted sum of energies of atoms and molecules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, fields
from functools import cached_property
from math import comb
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray
from qvar.arguments import check_fields, is_row
from qvar.basis.conditioning import condition_number, log_condition
from qvar.basis.derivative_integrals import Bras
from qvar.basis.energy import THEORIES, Solution, UnsolvedError, bra_gradient, remarks, solve
from qvar.basis.exponent_starts import nuclear_charge
from qvar.basis.form import Form
from qvar.basis.shells import BasisSet, Shell, basis_set, segments
from qvar.basis.spherical import is_spherical
from qvar.basis.xc_derivatives import check_functional
from qvar.checks import finite_number, whole_numbers
from qvar.errors import QvarError, require, shown
from qvar.objective import Costs, Objective
from qvar.problems.geometry import Geometry, parse_geometry
from qvar.problems.scf import one_thread_without_files
from qvar.short_repr import short_repr
from qvar.units import HARTREE

_TIGHTEST, _WIDEST = 1e12, 1e-8
"""Exponents beyond these, in bohr^-2, make integrals overflow or vanish."""

_MOST_DETERMINANTS = 10_000_000
"""Of a full or complete active space: some gigabytes."""


@short_repr()
class Solver(NamedTuple):
    """A theory of energies that is not built in, such as `qvar.basis.vqe`."""

    name: str
    """Name for tables."""
    solve: Callable[[Any], Solution]
    """A built `pyscf.gto.Mole` -> its energy and the parts of its gradient; raises `UnsolvedError`."""
    description: Any
    """Inputs, ready for JSON."""
    citations: tuple[str, ...] = ()
    """Keys of its papers in `qvar/citations.bib`."""


@short_repr()
class Measured(NamedTuple):
    """Properties of one molecule of a target."""

    energy: float
    """In hartree."""
    condition_number: float
    """Ratio of the largest and the smallest eigenvalue of the overlap matrix."""
    virial_ratio: float
    """-V/T; 2 for an atom in its best basis set of a given form that can be scaled."""
    n_functions: int
    """Contracted spherical functions of the molecule."""
    spherical: bool | None
    """True if an atom's density is spherical; None for molecules."""
    remarks: tuple[str, ...] = ()
    """Sentences on a mean field that is a saddle."""


@short_repr()
@dataclass(frozen=True, eq=False)
class Target:
    r"""An energy to be made low by the choice of a basis set, with its exact gradient.

    $$ f(\theta) = \sum_i w_i \big( E_i(\theta) + \gamma_i \ln \mathrm{cond}\, S_i(\theta) \big) $$

    A single molecule, `Target("Ne 0 0 0", theory="rohf")`, or several, `Target([a, b, c], weights=[1, -1, -1])`:
    weights of both signs make relative energies.
    """

    atoms: str | Sequence[Target]
    """Geometry as `qvar.molecule` takes it, or the targets to be summed."""
    _: KW_ONLY
    theory: str | Solver = ""
    """A name in `THEORIES`, or a `Solver`; if empty "rhf", or "rohf" with unpaired electrons."""
    spin: int = 0
    """Unpaired electrons 2S."""
    charge: int = 0
    """Charge in elementary charges."""
    unit: str = "angstrom"
    """Unit of lengths, "angstrom" or "bohr"."""
    xc: str = ""
    """Functional of rks and uks, as PySCF names it."""
    active_space: tuple[int, int] | None = None
    """(electrons, orbitals) of casscf."""
    conditioning: float = 0.0
    r"""\(\gamma\), in hartree: cost of a factor e in the condition number of the overlap."""
    weights: Sequence[float] | None = None
    """One for each of several targets; 1 each if None."""
    stable: bool = False
    """True if a mean field that is a saddle is followed down to a minimum at every energy, as that of uhf for a
    stretched bond, which stays restricted otherwise; `measure` reports saddles."""

    def __post_init__(self) -> None:
        for part in self.atoms if is_row(self.atoms) else ():
            if not isinstance(part, Target):
                raise QvarError(f"`atoms` must be a geometry or a list of Targets, but has {shown(part)}.")
        check_fields(self)
        if not isinstance(self.atoms, str):
            self._check_sum()
            return
        require(self.weights is None, "weights", "be given for a list of targets only", self.weights)
        object.__setattr__(self, "theory", self.theory or ("rohf" if self.spin else "rhf"))
        if not isinstance(self.theory, Solver):
            require(self.theory in THEORIES, "theory", f"be one of {', '.join(THEORIES)}", self.theory)
        followed = self.theory in ("rhf", "rohf", "uhf", "rks", "uks", "casscf")
        require(followed or not self.stable, "stable", "be given for mean fields and casscf only", self.stable)
        require(self.theory not in ("rhf", "rks") or self.spin == 0, "spin", f"be 0 for {self.theory}", self.spin)
        functional = self.theory in ("rks", "uks")
        require(bool(self.xc) == functional, "xc", "be given for rks and uks, and for them only", self.xc)
        if functional:
            check_functional(self.xc)
        require(self.conditioning >= 0, "conditioning", "not be negative", self.conditioning)
        has_space = self.active_space is not None
        require(has_space == (self.theory == "casscf"), "active_space", "be given for casscf only", self.active_space)
        self._check_electrons()

    def _check_sum(self) -> None:
        parts = list(self.atoms)
        for other in fields(self):
            default = other.name in ("atoms", "weights") or getattr(self, other.name) == other.default
            must = "be given to the targets of a sum, and not to the sum"
            require(default, other.name, must, getattr(self, other.name))
        require(len(parts) > 0, "atoms", "name atoms or hold at least one Target", parts)
        weights = [1.0] * len(parts) if self.weights is None else list(self.weights)
        require(len(weights) == len(parts), "weights", f"be {len(parts)} numbers, one for each target", weights)
        weights = [finite_number(f"weights[{place}]", weight) for place, weight in enumerate(weights)]
        require(any(weights), "weights", "not all be zero", weights)
        object.__setattr__(self, "weights", tuple(weights))

    def _check_electrons(self) -> None:
        electrons = sum(nuclear_charge(element) for element, _ in self.geometry.atoms) - self.charge
        require(electrons >= 1, "charge", "leave at least one electron", self.charge)
        require(0 <= self.spin <= electrons, "spin", f"be from 0 to the {electrons} electrons", self.spin)
        parity = "even" if electrons % 2 == 0 else "odd"
        require((electrons - self.spin) % 2 == 0, "spin", f"be {parity} with {electrons} electrons", self.spin)
        if self.active_space is not None:
            numbers = whole_numbers("active_space", self.active_space)
            require(len(numbers) == 2, "active_space", "be (electrons, orbitals)", self.active_space)
            active, orbitals = numbers
            good = max(1, self.spin) <= active <= min(electrons, 2 * orbitals - self.spin)
            good = good and (electrons - active) % 2 == 0
            require(good, "active_space", f"be (electrons, orbitals) that fit {electrons} electrons", self.active_space)

    @cached_property
    def geometry(self) -> Geometry:
        """The atoms of a single molecule."""
        assert isinstance(self.atoms, str)
        return parse_geometry(self.atoms, self.unit)

    @cached_property
    def molecules(self) -> tuple[tuple[float, Target], ...]:
        """Weights and single molecules."""
        if isinstance(self.atoms, str):
            return ((1.0, self),)
        assert self.weights is not None
        parts = zip(self.weights, self.atoms, strict=True)
        return tuple((weight * inner, molecule) for weight, part in parts for inner, molecule in part.molecules)

    @property
    def elements(self) -> tuple[str, ...]:
        """All elements."""
        return tuple(dict.fromkeys(e for _, molecule in self.molecules for e in molecule.geometry.elements))

    @property
    def name(self) -> str:
        """Name for tables, such as "Ne rohf"."""
        if not isinstance(self.atoms, str):
            return " + ".join(f"{w:g} {m.name}" if w != 1 else m.name for w, m in self.molecules).replace("+ -", "- ")
        theory = self.theory.name if isinstance(self.theory, Solver) else self.xc or self.theory
        space = f"({self.active_space[0]},{self.active_space[1]})" if self.active_space else ""
        return f"{self.geometry.formula} {theory}{space}"

    def describe(self) -> list[dict[str, Any]]:
        """Describe the inputs of the value, ready for JSON."""
        return [
            {
                "weight": weight,
                "geometry": m.geometry.text,
                "unit": m.unit,
                "method": m.theory.description if isinstance(m.theory, Solver) else m.theory,
                "spin": m.spin,
                "charge": m.charge,
                "xc": m.xc,
                "active_space": list(m.active_space or ()),
                "conditioning": m.conditioning,
                **({"stable": True} if m.stable else {}),
            }
            for weight, m in self.molecules
        ]

    def value(self, basis: BasisSet) -> float:
        """Compute f of a basis set, in hartree.

        Raises:
            UnsolvedError: if an energy cannot be computed.
            QvarError: if the set lacks an element.
        """
        return sum(weight * molecule._solve(basis)[0] for weight, molecule in self.molecules)

    def value_and_grad(self, form: Form, theta: Any) -> tuple[float, FloatArray]:
        """Compute f at theta, in hartree, and its exact gradient, shape (n_params,).

        Time is one self-consistent field (and what the theory adds) and one pass over the integrals of all derivatives,
        however many parameters there are.

        Raises:
            UnsolvedError: if an energy or its gradient cannot be computed.
            QvarError: if theta has another shape, or the form lacks an element.
        """
        value, slopes = self.value_and_slopes(form.basis(theta))
        return value, slopes @ np.asarray(form.jacobian(theta))

    def value_and_slopes(self, basis: BasisSet) -> tuple[float, FloatArray]:
        """Compute f of a basis set and its derivatives by `Form.values`: every ln(alpha) and every coefficient.

        Raises:
            UnsolvedError: if an energy or its gradient cannot be computed.
            QvarError: if the set lacks an element.
        """
        total, slopes = 0.0, np.zeros(0)
        for weight, molecule in self.molecules:
            value, mol, solution = molecule._solve(basis)
            with one_thread_without_files():
                bras = Bras(mol, basis, solution.repulsion)
                matrix = 2 * bra_gradient(solution, bras)
                if molecule.conditioning:
                    matrix = matrix + 2 * molecule.conditioning * log_condition(bras)[1]
            total += weight * value
            slopes = weight * bras.contract(matrix) + (slopes if len(slopes) else 0.0)
        return total, slopes

    def measure(self, basis: BasisSet) -> list[Measured]:
        """Compute energy, conditioning and virial ratio of each molecule.

        Raises:
            UnsolvedError: if an energy cannot be computed.
        """
        return [molecule._measure(basis) for _, molecule in self.molecules]

    def _mol(self, basis: BasisSet) -> Any:
        from pyscf import gto

        for shell in (shell for element in self.elements for shell in basis.of(element)):
            if not np.all(np.isfinite(shell.coefficients)):
                raise UnsolvedError(f"`theta` must give finite coefficients, but gives {shell.coefficients.tolist()}.")
            outside = [a for a in shell.exponents if not _WIDEST <= a <= _TIGHTEST]
            if outside:
                raise UnsolvedError(
                    f"`theta` must give exponents from {_WIDEST:g} to {_TIGHTEST:g} bohr^-2, but gives {outside[0]:g}."
                )
        mol = gto.Mole()
        mol.atom, mol.basis, mol.unit = list(self.geometry.atoms), _apart(basis).pyscf(), self.geometry.unit
        mol.charge, mol.spin, mol.verbose, mol.cart = self.charge, self.spin, 0, False
        mol.build(dump_input=False, parse_arg=False)
        if max(mol.nelec) > mol.nao:
            raise QvarError(
                f"`form` must have a function for each of the {max(mol.nelec)} electrons of one spin in "
                f"{self.geometry.formula}, but has {mol.nao}."
            )
        self._check_determinants(int(mol.nao), mol.nelec)
        return mol

    def _check_determinants(self, n_functions: int, electrons: tuple[int, int]) -> None:
        """Raise `QvarError` unless a full or complete active space exists and fits into memory."""
        if self.theory not in ("fci", "casscf"):
            return
        orbitals, active = n_functions, electrons
        if self.active_space is not None:
            core = (sum(electrons) - self.active_space[0]) // 2
            orbitals, active = self.active_space[1], (electrons[0] - core, electrons[1] - core)
            require(core + orbitals <= n_functions, "active_space", f"fit {n_functions} functions", self.active_space)
        determinants = comb(orbitals, active[0]) * comb(orbitals, active[1])
        must = f"make at most {_MOST_DETERMINANTS:g} determinants of {orbitals} orbitals, and not {determinants:.1e}"
        require(determinants <= _MOST_DETERMINANTS, "theory", must, self.theory)

    def _solve(self, basis: BasisSet) -> tuple[float, Any, Solution]:
        mol = self._mol(basis)
        with one_thread_without_files():
            if isinstance(self.theory, Solver):
                solution = self.theory.solve(mol)
            else:
                solution = solve(mol, self.theory, self.xc, self.active_space, self.stable)
            value = solution.energy
            if self.conditioning:
                value += self.conditioning * np.log(condition_number(mol))
        return float(value), mol, solution

    def _measure(self, basis: BasisSet) -> Measured:
        _, mol, solution = self._solve(basis)
        kinetic = float(np.sum(mol.intor("int1e_kin") * solution.density))
        return Measured(
            solution.energy,
            condition_number(mol),
            (kinetic - solution.energy) / kinetic,
            int(mol.nao),
            is_spherical(mol, solution.density) if mol.natm == 1 else None,
            () if solution.mean_field is None else tuple(remarks(solution.mean_field, self.name)),
        )

    def objective(self, form: Form, *, reference: float | None = None) -> Objective:
        """Return the target as an objective of a form's parameters.

        If an energy cannot be computed the value is NaN, which minimizations treat as too long a step.

        Args:
            form: has all elements of the target.
            reference: reference of errors, in hartree, such as the basis-set limit.

        Raises:
            QvarError: if the form lacks an element, or has too few functions.
        """
        start = form.basis(form.start)
        for _, molecule in self.molecules:
            with suppress(UnsolvedError):  # a start without a value is a status
                molecule._mol(start)
        energy = _through_callback(self, start)

        def function(theta: Array, data: Any) -> Array:
            return energy(form.values(theta))

        most = max(sum(start.n_functions(e) for e, _ in m.geometry.atoms) for _, m in self.molecules)
        return Objective(
            name=form.name,
            family=form.family,
            n_params=form.n_params,
            function=function,
            draw=form.initial,
            count_costs=lambda: Costs(n_qubits=2 * most),
            unit=HARTREE,
            target=None if reference is None else lambda: reference,
            most_at_once=1,
        )


def _through_callback(target: Target, template: BasisSet) -> Callable[[Array], Array]:
    """Make a differentiable JAX function of `Form.values` that calls PySCF."""
    shapes = [(e, s.l, s.coefficients.shape) for e, shells in template.shells.items() for s in shells]
    n = sum(rows * (1 + columns) for _, _, (rows, columns) in shapes)

    def unpack(values: Any) -> BasisSet:
        flat, at, shells = np.asarray(values, dtype=float), 0, []
        for element, l, (rows, columns) in shapes:
            logarithms, numbers = flat[at : at + rows], flat[at + rows : at + rows * (1 + columns)]
            with np.errstate(over="ignore"):  # `Target._mol` refuses too large an exponent
                shells.append((element, Shell(l, np.exp(logarithms), numbers.reshape(rows, columns))))
            at += rows * (1 + columns)
        return basis_set(shells, name=template.name)

    def value(values: Any) -> FloatArray:
        try:
            return np.asarray(target.value(unpack(values)))
        except (UnsolvedError, np.linalg.LinAlgError):
            return np.asarray(np.nan)

    def both(values: Any) -> tuple[FloatArray, FloatArray]:
        try:
            total, slopes = target.value_and_slopes(unpack(values))
        except (UnsolvedError, np.linalg.LinAlgError):
            return np.asarray(np.nan), np.full(n, np.nan)
        return np.asarray(total), slopes

    scalar, vector = jax.ShapeDtypeStruct((), float), jax.ShapeDtypeStruct((n,), float)

    @jax.custom_vjp
    def energy(values: Array) -> Array:
        return jax.pure_callback(value, scalar, values, vmap_method="sequential")

    def forward(values: Array) -> tuple[Array, Array]:
        return jax.pure_callback(both, (scalar, vector), values, vmap_method="sequential")

    energy.defvjp(forward, lambda slopes, cotangent: (cotangent * slopes,))
    return energy


def _apart(basis: BasisSet) -> BasisSet:
    """Split uncontracted shells into single primitives, whose integrals are the fastest."""
    return BasisSet({e: tuple(piece for s in shells for piece in _pieces(s)) for e, shells in basis.shells.items()})


def _pieces(shell: Shell) -> list[Shell]:
    uncontracted = np.all((shell.coefficients != 0) == np.eye(*shell.coefficients.shape))
    return segments(shell) if uncontracted else [shell]
