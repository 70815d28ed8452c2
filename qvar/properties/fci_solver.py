r"""A circuit in the place of PySCF's FCI solver, for CASCI, CASSCF and what builds on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import checked
from qvar.checks import whole_number
from qvar.engines.energy import energy
from qvar.engines.spin_blocks import SpinBlock
from qvar.engines.symmetry_expectations import spin_symmetries
from qvar.errors import QvarError, require
from qvar.objective import Objective
from qvar.optimize.budget import Budget, Status
from qvar.optimize.method import Method
from qvar.optimize.minimize import minimize
from qvar.optimize.result import Result
from qvar.problems.hamiltonians import Integrals
from qvar.problems.problem import Problem
from qvar.properties.block_densities import Densities, block_densities
from qvar.units import HARTREE

MakeAnsatz: TypeAlias = Callable[[Problem], Ansatz]
"""Makes a circuit for a problem, such as `qvar.uccsd`."""

_TOLERANCE = 1e-7
"""Norm of the gradient below which a training ends."""

_STATIONARY = 1e-5
"""Norm of the gradient below which a training that stalled is converged: the energy is, to about its square."""


class CircuitSolver:
    """Solver of an active space by a circuit, as `mcscf.CASCI` and `mcscf.CASSCF` call it.

    A state is a matrix (alpha strings, beta strings) in PySCF's order, as that of PySCF's own solver.
    """

    nroots = 1
    wfnsym = None
    spin: int | None = None
    """Number of unpaired electrons that a user sets; that of `nelec` if None."""

    def __init__(
        self, ansatz_function: MakeAnsatz, method: Method | None, budget: Budget, key: jax.Array | None
    ) -> None:
        self.ansatz_function, self.method, self.budget, self.key = ansatz_function, method, budget, key
        self.converged = False
        """True once a training ended at a minimum."""
        self.objective: Objective | None = None
        """Energy of the last call, without `ecore`; see `theta`."""
        self.result: Result | None = None
        """End of the last training."""

    def dump_flags(self, verbose: Any = None) -> None:
        """Print nothing; PySCF expects it."""

    @property
    def theta(self) -> FloatArray | None:
        """Parameters in the end, from which the next call starts; None before the first."""
        return None if self.result is None else self.result.theta

    def kernel(
        self,
        h1e: Any,
        eri: Any,
        norb: int,
        nelec: Any,
        ci0: Any = None,
        ecore: float = 0.0,
        **options: Any,
    ) -> tuple[np.float64, np.ndarray]:
        """Train the circuit on an active space, from the parameters of the last call if their number fits.

        Integrals are those of PySCF in any packing; `ci0` and the options of PySCF's own solver are not used: the
        parameters of the last call hold more.

        Returns:
            Energy, in hartree, and state.

        Raises:
            QvarError: if the training does not converge, several states are wanted, or the circuit does not conserve
                the electrons of either spin.
        """
        require(self.nroots == 1, "nroots", "be 1 for a circuit, which has one state", self.nroots)
        numbers = self._numbers(nelec)
        problem = _problem(h1e, eri, norb, numbers)
        ansatz = self.ansatz_function(problem)
        if not ansatz.program.conserves_spin_numbers:
            raise QvarError(
                "`ansatz_function` must make a circuit that conserves the electrons of either spin, but "
                f"{ansatz.name} does not."
            )
        objective = energy(problem, ansatz, engine="sector")
        self.objective, self.converged = objective, False
        last, key = self.theta, jax.random.key(0) if self.key is None else self.key
        theta0, budget = objective.initial(key), self.budget
        if last is not None and len(last) == objective.n_params:
            theta0, budget = last, _from_a_minimum(budget)
        self.result = minimize(objective, theta0, method=self.method, key=key, budget=budget)
        _require_converged(objective.name, self.result)
        self.converged = True
        # a number of NumPy, whose methods PySCF's solvent models call
        return np.float64(self.result.value + ecore), np.asarray(objective.state(self.result.theta))

    def _numbers(self, nelec: Any) -> tuple[int, int]:
        if np.ndim(nelec):
            n_alpha, n_beta = (whole_number("nelec", int(n)) for n in nelec)
            return n_alpha, n_beta
        total = whole_number("nelec", int(nelec))
        spin = total % 2 if self.spin is None else self.spin
        return (total + spin) // 2, (total - spin) // 2

    def make_rdm1s(self, ci: Any, norb: int, nelec: Any, **options: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the one-particle densities of spin up and down, as PySCF defines them."""
        densities = self._densities(ci, norb, nelec)
        return densities.alpha, densities.beta

    def make_rdm1(self, ci: Any, norb: int, nelec: Any, **options: Any) -> np.ndarray:
        """Return the one-particle density, summed over spins."""
        alpha, beta = self.make_rdm1s(ci, norb, nelec)
        return alpha + beta

    def make_rdm12s(self, ci: Any, norb: int, nelec: Any, **options: Any) -> tuple[Any, Any]:
        """Return ((alpha, beta), (alpha alpha, alpha beta, beta beta)) densities, as PySCF defines them."""
        alpha, beta, *two = self._densities(ci, norb, nelec)
        return (alpha, beta), tuple(two)

    def make_rdm12(self, ci: Any, norb: int, nelec: Any, **options: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the one- and the two-particle density, summed over spins."""
        alpha, beta, aa, ab, bb = self._densities(ci, norb, nelec)
        return alpha + beta, aa + bb + ab + ab.transpose(2, 3, 0, 1)

    def make_rdm2(self, ci: Any, norb: int, nelec: Any, **options: Any) -> np.ndarray:
        """Return the two-particle density, summed over spins."""
        return self.make_rdm12(ci, norb, nelec)[1]

    def spin_square(self, ci: Any, norb: int, nelec: Any, **options: Any) -> tuple[float, float]:
        """Return the mean of S^2 and the multiplicity 2S + 1 that would have it."""
        block = self._block(ci, norb, nelec)
        s2 = spin_symmetries(block.matrix, *block.strings(norb), norb)["s2"]
        return s2, 2 * float(np.sqrt(s2 + 0.25))

    def large_ci(self, ci: Any, norb: int, nelec: Any, *args: Any, **options: Any) -> Any:
        """Return the determinants of large coefficients, as `pyscf.fci.addons.large_ci` does."""
        from pyscf.fci import addons

        return addons.large_ci(self._block(ci, norb, nelec).matrix, norb, self._numbers(nelec), *args, **options)

    def transform_ci_for_orbital_rotation(self, ci: Any, norb: int, nelec: Any, u: Any) -> np.ndarray:
        """Return the same state over rotated orbitals; the circuit need not be able to prepare it there."""
        from pyscf.fci import addons

        return addons.transform_ci(self._block(ci, norb, nelec).matrix, self._numbers(nelec), u)

    def _block(self, ci: Any, norb: int, nelec: Any) -> SpinBlock:
        block = SpinBlock(*self._numbers(nelec), np.asarray(ci))
        rows, columns = block.strings(norb)
        return block._replace(matrix=block.matrix.reshape(len(rows), len(columns)))

    def _densities(self, ci: Any, norb: int, nelec: Any) -> Densities:
        return Densities(*(np.real(own) for own in block_densities([self._block(ci, norb, nelec)], norb)))


def _from_a_minimum(budget: Budget) -> Budget:
    """Return the budget of a training from the last parameters, near a minimum that was examined before."""
    return replace(budget, escape="never" if budget.escape == "start" else budget.escape, hessian_products=0)


def _require_converged(name: str, result: Result) -> None:
    stationary = result.status is not Status.SADDLE and result.gradient_norm < _STATIONARY
    if result.status is not Status.CONVERGED and not stationary:
        raise QvarError(
            f"`ansatz_function` must make a circuit whose training converges, but that of {name} ended with "
            f"'{result.status.value}' at a gradient of {result.gradient_norm:.1e}: {result.status.sentence}"
        )


def _problem(h1e: Any, eri: Any, norb: int, numbers: tuple[int, int]) -> Problem:
    from pyscf import ao2mo

    two_body = ao2mo.restore(1, np.asarray(eri), norb)
    return Problem(
        name=f"active space ({sum(numbers)}e,{norb}o)",
        n_qubits=2 * norb,
        unit=HARTREE,
        description={"model": "active space"},
        integrals=Integrals(0.0, h1e, two_body),
        occupied_alpha=tuple(range(numbers[0])),
        occupied_beta=tuple(range(numbers[1])),
    )


@checked()
def as_fcisolver(
    ansatz_function: MakeAnsatz,
    *,
    method: Method | None = None,
    budget: Budget | None = None,
    key: jax.Array | None = None,
) -> CircuitSolver:
    """Make a solver for the attribute `fcisolver` of PySCF's `mcscf.CASCI` and `mcscf.CASSCF` objects.

    Each call trains the circuit, from the parameters of the call before, and raises a `QvarError` if the training does
    not converge. The attributes `theta`, `objective` and `result` of the solver are those of the last one.

    If a circuit is not exact, its energy depends on rotations among the active orbitals. Nuclear gradients take for
    granted that it is stationary in them: set `mc.internal_rotation = True`, and take a circuit without single
    excitations (`qvar.puccd`, `qvar.uccd`), for these are the same rotations once more, and PySCF then converges slowly
    or not at all (`mc.converged`).

    A circuit that starts at the determinant keeps its symmetries, and so may PySCF's orbitals: if the first active
    orbitals are a part of a degenerate set, CASSCF can end at a saddle, which PySCF's own solver leaves by rounding
    errors. Choose whole sets, such as `mcscf.sort_mo` or AVAS give them.

    Args:
        ansatz_function: makes a circuit for a problem, such as `qvar.uccsd`; it must conserve the electrons of
            either spin.
        method: optimizer; `qvar.lbfgs()` if None.
        budget: limits of each training; gradients below 1e-7 if None.
        key: JAX random key that draws the first start; `jax.random.key(0)` if None.
    """
    return CircuitSolver(ansatz_function, method, budget or Budget(gradients=2000, gradient_tolerance=_TOLERANCE), key)
