"""Orbital optimization against PySCF's CASSCF and PennyLane's simulator."""

from dataclasses import replace
from itertools import combinations
from typing import Any, cast

import jax
import numpy as np
import pytest
import scipy.linalg
from pyscf import ao2mo, gto, mcscf, scf

import qvar
from qvar.ansatz.lucj import ucj
from qvar.ansatz.orbital_optimized import orbital_optimized
from qvar.engines.pennylane_reference import oracle
from qvar.problems.hamiltonians import Integrals

KEY = jax.random.key(0)
LIH = "Li 0 0 0; H 0 0 1.546"
H4 = "H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3"


def _casscf(problem: qvar.Problem, orbitals: np.ndarray) -> tuple[float, np.ndarray]:
    """Energy and orbitals of PySCF's CASSCF(2, 2) over the problem's integrals, from the given orbitals."""
    integrals = problem.integrals
    assert integrals is not None
    mol = gto.M(verbose=0)
    mol.nelectron, mol.incore_anyway = problem.n_electrons, True
    mean_field: Any = scf.RHF(mol)
    mean_field.get_hcore = lambda *_: np.array(integrals.one_body)
    mean_field.get_ovlp = lambda *_: np.eye(problem.n_orbitals)
    mean_field.energy_nuc = lambda *_: integrals.core_energy
    mean_field._eri = ao2mo.restore(8, np.array(integrals.two_body), problem.n_orbitals)
    mean_field.mo_coeff = orbitals
    mean_field.mo_occ = 2.0 * (np.arange(problem.n_orbitals) < problem.n_alpha)
    solver: Any = mcscf.CASSCF(mean_field, 2, 2)
    solver.conv_tol, solver.conv_tol_grad, solver.max_cycle_macro = 1e-10, 1e-5, 200
    energy = solver.kernel(orbitals)[0]
    assert solver.converged
    return float(energy), solver.mo_coeff


def _angles(u: np.ndarray) -> np.ndarray:
    """Angles of the rotations of pairs (0,1), (0,2), ..., the first acting first, whose product is u."""
    u, angles = u.copy(), []
    for p, q in combinations(range(len(u)), 2):
        angles.append(np.arctan2(-u[p, q], u[p, p]))
        c, s = np.cos(angles[-1]), np.sin(angles[-1])
        u[:, [p, q]] = np.stack([c * u[:, p] - s * u[:, q], s * u[:, p] + c * u[:, q]], axis=1)
    np.testing.assert_allclose(u, np.eye(len(u)), atol=1e-10)
    return np.array(angles)


def test_at_the_orbitals_of_casscf(lih: qvar.Problem) -> None:
    energy, orbitals = _casscf(lih, np.eye(6))
    small = qvar.molecule(LIH, active_orbitals=[1, 2])
    ansatz = orbital_optimized(qvar.uccsd(small), problem=lih, active=[1, 2])
    assert ansatz.n_params == 3 + 15
    orbitals[:, -1] *= np.linalg.det(orbitals)  # rotations alone cover SO(M)
    kappa = _angles(orbitals)
    objective = qvar.energy(lih, ansatz)
    start = np.concatenate([np.zeros(3), kappa])
    result = qvar.minimize(objective, theta0=start, budget=qvar.Budget(gradients=200))
    assert result.value == pytest.approx(energy, abs=1e-7)
    moved = np.asarray(result.theta)[3:] - kappa
    assert abs(np.delete(moved, 5)).max() < 1e-3  # they were optimal before; the active pair (1, 2) turns at no cost


def test_reaches_casscf_from_the_reference(h4: qvar.Problem) -> None:
    ansatz = orbital_optimized(qvar.uccsd(qvar.molecule(H4, active_orbitals=[1, 2])), problem=h4, active=[1, 2])
    budget = qvar.Budget(gradients=500, gradient_tolerance=1e-7)
    objective = qvar.energy(h4, ansatz)
    result = qvar.minimize(objective, theta0=ansatz.initial(KEY, "gaussian"), budget=budget)
    generator = 0.3 * np.random.default_rng(0).normal(size=(4, 4))
    energy, _ = _casscf(h4, scipy.linalg.expm(generator - generator.T))  # its symmetric minimum lies 5 mHa higher
    assert result.value == pytest.approx(energy, abs=1e-7)


def test_embedded_circuit_has_the_energy_of_the_active_space(lih: qvar.Problem) -> None:
    small = qvar.molecule(LIH, active_orbitals=[1, 2, 5])
    for inner in (qvar.uccsd(small), qvar.hardware_efficient(small, layers=1)):
        ansatz = orbital_optimized(inner, problem=lih, active=[1, 2, 5])
        theta = np.random.default_rng(2).uniform(-1, 1, inner.n_params)
        here = qvar.energy(lih, ansatz).loss(np.concatenate([theta, np.zeros(15)]))
        assert float(here) == pytest.approx(float(qvar.energy(small, inner).loss(theta)), abs=1e-10)


def test_is_the_inner_circuit_with_turned_integrals(h4: qvar.Problem) -> None:
    inner = qvar.uccsd(h4)
    ansatz = orbital_optimized(inner)
    theta = np.random.default_rng(4).uniform(-1, 1, ansatz.n_params)
    u = np.eye(4)
    for (p, q), angle in zip(combinations(range(4), 2), theta[inner.n_params :], strict=True):
        turn = np.eye(4)
        turn[[p, p, q, q], [p, q, p, q]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        u = turn @ u
    integrals = h4.integrals
    assert integrals is not None
    one = np.einsum("pq,pi,qj->ij", integrals.one_body, u, u)
    two = np.einsum("pqrs,pi,qj,rk,sl->ijkl", integrals.two_body, u, u, u, u, optimize=True)
    turned = replace(h4, integrals=Integrals(integrals.core_energy, one, two))
    expected = qvar.energy(turned, inner).loss(theta[: inner.n_params])
    assert float(qvar.energy(h4, ansatz).loss(theta)) == pytest.approx(float(expected), abs=1e-10)


def test_agrees_with_pennylane(h2: qvar.Problem) -> None:
    for inner, engines in (
        (qvar.uccsd(h2), ("dense", "sector")),
        (qvar.hardware_efficient(h2, layers=1), ("dense",)),
    ):
        ansatz = orbital_optimized(inner)
        theta = np.random.default_rng(7).uniform(-1.0, 1.0, ansatz.n_params)
        value, gradient = oracle(h2, ansatz)(theta)
        assert np.abs(gradient[-1]) > 1e-2
        for engine in engines:
            ours, slope = qvar.energy(h2, ansatz, engine=cast("Any", engine)).value_and_grad(theta)
            assert float(ours) == pytest.approx(value, abs=1e-10)
            np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)
    assert qvar.energy(h2, ansatz).engine == "dense"


def test_the_tail_costs_no_gates(h2: qvar.Problem, h4: qvar.Problem) -> None:
    for problem in (h2, h4):
        inner = qvar.uccsd(problem)
        ansatz = orbital_optimized(inner)
        m = problem.n_orbitals
        assert ansatz.n_params == inner.n_params + m * (m - 1) // 2
        assert ansatz.classical_tail == m * (m - 1) == ansatz.program.n_ops - inner.program.n_ops
        assert ansatz.resources() == inner.resources()
    twice = orbital_optimized(ansatz)
    assert twice.classical_tail == 2 * ansatz.classical_tail


def test_starts_symmetries_and_names(h2: qvar.Problem) -> None:
    inner = replace(ucj(h2, layers=1), symmetries=("particle_number", "spin_flip"))
    ansatz = orbital_optimized(inner)
    assert (ansatz.name, ansatz.start, ansatz.symmetries) == ("oo-ucj x1", "ccsd", ("particle_number",))
    assert ansatz.citations == (*inner.citations, "mizukami2020", "sokolov2020")
    for scheme in ("ccsd", "mp2", "uniform", "zero"):
        np.testing.assert_array_equal(ansatz.initial(KEY, scheme), [*np.asarray(inner.initial(KEY, scheme)), 0.0])
    assert float(ansatz.initial(KEY, "gaussian")[-1]) != 0.0
    assert orbital_optimized(inner, name="mine").name == "mine"


def test_what_does_not_fit(h2: qvar.Problem, lih: qvar.Problem) -> None:
    inner = qvar.uccsd(h2)
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must start from the problem's reference \(1, 1, 1, 1\) on"):
        orbital_optimized(inner, problem=lih)
    for active in ([2, 1], [1, 1], [1], [1, 6]):
        with pytest.raises(qvar.QvarError, match=r"^`active` must hold 2 ascending orbitals below 6, but is \["):
            orbital_optimized(inner, problem=lih, active=active)
    with pytest.raises(qvar.QvarError, match=r"^`active` must be given with the `problem`"):
        orbital_optimized(inner, active=[0, 1])
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must have two wires per orbital, but is 'one on 3 wires'\.$"):
        orbital_optimized(qvar.hardware_efficient(3))
    with pytest.raises(qvar.QvarError, match=r"^`active` must hold every singly occupied orbital, but leaves out 1\.$"):
        orbital_optimized(qvar.hardware_efficient(2), problem=qvar.hydrogen_chain(3), active=[2])
