"""Ground states as vectors, against PySCF and dense diagonalization."""

from typing import Any

import numpy as np
import pytest
from pyscf import ci, fci, gto, scf

import qvar


def expectation(problem: qvar.Problem, vector: np.ndarray) -> float:
    integrals: Any = problem.integrals
    electrons = (problem.n_alpha, problem.n_beta)
    m = problem.n_orbitals
    return fci.direct_spin1.energy(integrals.one_body, integrals.two_body, vector, m, electrons) + integrals.core_energy


def test_full_and_truncated_configuration_interaction(h4: qvar.Problem) -> None:
    """Energies of PySCF's FCI and CISD on the same chain."""
    atoms = "; ".join(f"H 0 0 {z}" for z in range(4))
    mole = gto.M(atom=atoms, basis="sto-3g", verbose=0)
    problem = qvar.molecule(atoms)
    own = scf.RHF(mole).run(conv_tol=1e-12)
    cisd = ci.CISD(own).run(conv_tol=1e-12)
    exact, truncated = qvar.ground_state(problem), qvar.ground_state(problem, theory="cisd")
    assert exact.shape == truncated.shape == (6, 6)
    assert np.linalg.norm(exact) == pytest.approx(1.0)
    assert expectation(problem, exact) == pytest.approx(problem.exact_energy(), abs=1e-9)
    assert expectation(problem, truncated) == pytest.approx(cisd.e_tot, abs=1e-8)


def test_spin_models() -> None:
    problem = qvar.tfim(4)
    values, vectors = np.linalg.eigh(_matrix(problem))
    overlap = np.vdot(vectors[:, 0], qvar.ground_state(problem))
    assert abs(overlap) == pytest.approx(1.0, abs=1e-10)
    assert values[0] == pytest.approx(problem.exact_energy(), abs=1e-10)


def _matrix(problem: qvar.Problem) -> np.ndarray:
    import pennylane as qml

    return np.asarray(qml.matrix(problem.hamiltonian(), wire_order=range(problem.n_qubits)))


def test_diagonal_hamiltonians() -> None:
    problem = qvar.tfim(3, h=0.0)
    weights = np.abs(qvar.ground_state(problem)) ** 2
    assert np.flatnonzero(weights).tolist() in ([0], [7])


def test_mistakes(h2: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match="`theory` must be 'fci' or 'cisd', but is 'mp2'"):
        qvar.ground_state(h2, theory="mp2")  # pyright: ignore[reportArgumentType]
    with pytest.raises(qvar.QvarError, match=r"`theory` must be 'fci' for TFIM.*, which has no electrons"):
        qvar.ground_state(qvar.tfim(2), theory="cisd")
