r"""Energies of trained circuits as targets: the basis set that is best for an ansatz, by its own density matrices.

The gradient takes the one- and two-particle density matrices of the trained state. It is exact if the energy is
stationary in the orbitals too: for two electrons with UCCSD, which is exact there, and otherwise with orbitals that are
trained along, `qvar.orbital_optimized`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import checked
from qvar.basis.energy import Solution, UnsolvedError, from_density_matrices
from qvar.basis.target import Solver
from qvar.engines.energy import energy
from qvar.errors import QvarError, require
from qvar.optimize.budget import Budget, Status
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.minimize import minimize
from qvar.problems.problem import Problem
from qvar.problems.scf import active_integrals, require_independent, run_scf
from qvar.random_draws import key_integers
from qvar.units import HARTREE

MakeAnsatz = Callable[[Problem], Ansatz]
"""Problem -> circuit, such as `qvar.uccsd`."""

MEMORY = 50
"""Memory of L-BFGS, in steps: orbital rotations and excitations are nearly redundant."""


@checked()
def vqe(make: MakeAnsatz, *, name: str = "", budget: Budget | None = None, key: jax.Array | None = None) -> Solver:
    r"""Make a theory of a `Target` from the energy of a trained circuit.

    Each value of the target is a training by L-BFGS: from the circuit's own start (Hartree-Fock for UCC), so that the
    same basis set always has the same energy. The gradient is refused if the energy is not stationary in the
    orbitals: take `lambda problem: qvar.orbital_optimized(qvar.uccsd(problem))` for more than two electrons.

    Args:
        make: problem -> circuit that conserves the numbers of electrons, as the sector engine asks for, with real
            amplitudes.
        name: name for tables; that of the function, or "vqe", if empty.
        budget: budget of each training; 5000 evaluations down to a gradient norm of 1e-7 Ha if None.
        key: JAX random key of the circuit's start; `jax.random.key(0)` if None.

    Returns:
        A `Solver` for `Target(..., theory=...)`.
    """
    spent = budget or Budget(gradients=5000, gradient_tolerance=1e-7)
    key = jax.random.key(0) if key is None else key

    def solve(mol: Any) -> Solution:
        try:
            require_independent(mol)
            field = run_scf(mol)
        except QvarError as error:
            raise UnsolvedError(str(error)) from error
        problem = _problem(mol, field)
        ansatz = make(problem)
        if not ansatz.program.conserves_spin_numbers:
            wish = "give a circuit that conserves the numbers of electrons of either spin"
            raise QvarError(f"`make` must {wish}, but {ansatz.name} does not.")
        objective = energy(problem, ansatz, engine="sector")
        result = minimize(objective, method=lbfgs(memory=MEMORY), key=key, budget=spent)
        if result.status not in (Status.CONVERGED, Status.STALLED):
            ended = result.status.value
            raise UnsolvedError(f"`budget` must let {ansatz.name} converge, but its training ended {ended}.")
        gamma, pairs = density_matrices(np.asarray(objective.state(result.theta)), problem)
        return from_density_matrices(result.value, np.asarray(field.mo_coeff), 0, gamma, pairs)

    own = getattr(make, "__name__", "")
    label = name or ("vqe" if own in ("", "<lambda>") else own)
    description = {"solver": "vqe", "name": label, "gradients": spent.gradients, "key": key_integers(key)}
    return Solver(label, solve, description, ("peruzzo2014",))


def density_matrices(state: np.ndarray, problem: Problem) -> tuple[FloatArray, FloatArray]:
    r"""Compute one- and two-particle density matrices, summed over spins, of a state of the sector engine.

    \(\gamma_{pq} = \langle a_p^\dagger a_q \rangle\) and
    \(\Gamma_{pqrs} = \langle a_p^\dagger a_r^\dagger a_s a_q \rangle\).

    Args:
        state: (n_alpha_strings, n_beta_strings) real amplitudes.
        problem: problem of the state.

    Raises:
        QvarError: if the state is complex.
    """
    from pyscf.fci import direct_spin1

    largest = float(np.abs(np.imag(state)).max())
    require(largest <= 1e-10, "make", "give a circuit with real amplitudes", f"one with imaginary parts {largest:.1e}")
    electrons = (len(problem.occupied_alpha), len(problem.occupied_beta))
    vector = np.ascontiguousarray(np.real(state))
    gamma, pairs = direct_spin1.FCI().make_rdm12(vector, problem.n_qubits // 2, electrons)
    return np.asarray(gamma), np.asarray(pairs)


def _problem(mol: Any, field: Any) -> Problem:
    """Make the problem of all electrons of a molecule in all its canonical orbitals."""
    n_alpha, n_beta = map(int, mol.nelec)
    everything = np.arange(int(mol.nao))
    return Problem(
        name="molecule",
        n_qubits=2 * len(everything),
        unit=HARTREE,
        description={"model": "molecule in a basis set that is being optimized"},
        integrals=active_integrals(field, everything[:0], everything),
        occupied_alpha=tuple(range(n_alpha)),
        occupied_beta=tuple(range(n_beta)),
    )
