"""Circuits in PySCF's CASCI and CASSCF against PySCF's own FCI solver."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pyscf import fci, gto, mcscf, scf, solvent

import qvar

CHAIN = "H 0 0 0; H 0 0 0.9; H 0 0.1 2.0; H 0 0 2.9"


def mean_field(atoms: str = CHAIN, basis: str = "6-31g", spin: int = 0) -> Any:
    field = (scf.ROHF if spin else scf.RHF)(gto.M(atom=atoms, basis=basis, spin=spin, verbose=0))
    field.conv_tol = 1e-12
    return field.run()


def casscf(field: Any, orbitals: int, electrons: Any, *, circuit: Any = None) -> Any:
    solver = mcscf.CASSCF(field, orbitals, electrons)
    solver.conv_tol, solver.conv_tol_grad = 1e-10, 1e-6
    if circuit is not None:
        solver.fcisolver = qvar.as_fcisolver(circuit)
    return solver.run()


def test_an_exact_circuit_gives_casscf_and_its_gradient() -> None:
    """Two electrons in two orbitals, where UCCSD is exact."""
    field = mean_field()
    own, expected = casscf(field, 2, 2, circuit=qvar.uccsd), casscf(field, 2, 2)
    assert own.converged
    assert own.e_tot == pytest.approx(expected.e_tot, abs=1e-8)
    assert np.allclose(own.make_rdm1(), expected.make_rdm1(), rtol=0, atol=1e-4)
    assert own.fcisolver.spin_square(own.ci, 2, 2) == pytest.approx((0.0, 1.0), abs=1e-8)
    gradient = own.nuc_grad_method().kernel()
    assert np.allclose(gradient, expected.nuc_grad_method().kernel(), rtol=0, atol=1e-5)


def test_open_shells_and_natural_orbitals() -> None:
    """Three electrons of CH; the state follows a rotation to natural orbitals, and the energy does not change."""
    field = mean_field("C 0 0 0; H 0 0 1.12", "sto-3g", spin=1)
    own, expected = mcscf.CASCI(field, 3, (2, 1)), mcscf.CASCI(field, 3, (2, 1))
    own.fcisolver = qvar.as_fcisolver(qvar.uccgsd)
    own.natorb = True
    own.run()
    expected.run()
    assert own.converged
    assert own.e_tot == pytest.approx(expected.e_tot, abs=1e-6)
    assert own.fcisolver.spin_square(own.ci, 3, (2, 1))[0] == pytest.approx(0.75, abs=1e-5)
    density = own.fcisolver.make_rdm1(own.ci, 3, (2, 1))
    assert np.allclose(density, np.diag(np.diag(density)), rtol=0, atol=1e-8)
    up, down = own.make_rdm1s()
    overlap = field.get_ovlp()
    assert [np.trace(up @ overlap), np.trace(down @ overlap)] == pytest.approx([4, 3], abs=1e-8)


def test_the_gradient_of_a_circuit_that_is_not_exact() -> None:
    """With rotations among active orbitals, the energy is stationary in all of them, and its gradient is its slope."""

    def solved(atoms: str, rotation: bool) -> Any:
        solver = mcscf.CASSCF(mean_field(atoms, "sto-3g"), 4, 4)
        solver.conv_tol, solver.conv_tol_grad, solver.internal_rotation = 1e-11, 1e-6, rotation
        solver.fcisolver = qvar.as_fcisolver(qvar.puccd)
        return solver.run()

    step = 2e-3 / 0.529177210903
    ends = [solved(CHAIN.replace("2.9", str(2.9 + shift)), True) for shift in (2e-3, -2e-3)]
    slope = (ends[0].e_tot - ends[1].e_tot) / (2 * step)
    middle = solved(CHAIN, True)
    assert middle.converged
    assert middle.nuc_grad_method().kernel()[3, 2] == pytest.approx(slope, abs=5e-6)
    fixed = solved(CHAIN, False)
    assert fixed.converged
    assert fixed.e_tot > middle.e_tot + 1e-4
    assert abs(fixed.nuc_grad_method().kernel()[3, 2] - slope) > 1e-3


def test_a_solvent_around_a_circuit() -> None:
    """LiH in water: each iteration polarizes the solvent by the circuit's density."""
    field, energies = mean_field("Li 0 0 0; H 0 0 1.6", "sto-3g"), []
    for circuit in (qvar.uccsd, None):
        solver = solvent.PCM(mcscf.CASCI(field, 2, 2))
        solver.with_solvent.lebedev_order, solver.with_solvent.conv_tol = 7, 1e-10
        if circuit is not None:
            solver.fcisolver = qvar.as_fcisolver(circuit)
        energies.append(solver.run().e_tot)
        assert solver.converged
    assert energies[0] == pytest.approx(energies[1], abs=1e-8)
    assert energies[0] < mcscf.CASCI(field, 2, 2).run().e_tot - 1e-4


def test_four_electrons_by_singles_and_doubles() -> None:
    """UCCSD lies above the exact solver, by less than a tenth of a millihartree."""
    field = mean_field()
    own, expected = casscf(field, 4, 4, circuit=qvar.uccsd), casscf(field, 4, 4)
    assert own.converged
    assert -1e-9 < own.e_tot - expected.e_tot < 1e-4


def test_densities_and_determinants_are_those_of_pyscf() -> None:
    solver, own = fci.direct_spin1.FCI(), qvar.as_fcisolver(qvar.uccsd)
    vector = np.random.default_rng(0).standard_normal((6, 4))
    vector /= np.linalg.norm(vector)
    (up, down), two = own.make_rdm12s(vector, 4, (2, 1))
    expected, expected_two = solver.make_rdm12s(vector, 4, (2, 1))
    assert all(np.allclose(a, b) for a, b in zip((up, down, *two), (*expected, *expected_two), strict=True))
    assert np.allclose(own.make_rdm1(vector, 4, (2, 1)), solver.make_rdm1(vector, 4, (2, 1)))
    assert np.allclose(own.make_rdm2(vector, 4, (2, 1)), solver.make_rdm12(vector, 4, (2, 1))[1])
    assert own.spin_square(vector, 4, (2, 1)) == pytest.approx(solver.spin_square(vector, 4, (2, 1)), abs=1e-10)
    own.spin = 1
    assert np.array_equal(own.make_rdm1(vector, 4, 3), own.make_rdm1(vector, 4, (2, 1)))
    assert own.large_ci(vector, 4, (2, 1), tol=0.3) == fci.addons.large_ci(vector, 4, (2, 1), tol=0.3)


def test_each_call_starts_from_the_parameters_of_the_last_one(h4: qvar.Problem) -> None:
    assert h4.integrals is not None
    solver = qvar.as_fcisolver(qvar.uccsd)
    assert solver.theta is None
    one, two = h4.integrals.one_body, h4.integrals.two_body
    first, _ = solver.kernel(one, two, 4, (2, 2), ecore=h4.integrals.core_energy)
    evaluations = solver.result.gradient_evaluations
    second, state = solver.kernel(one, two, 4, 4, ecore=h4.integrals.core_energy)
    assert second == pytest.approx(first, abs=1e-10)
    assert solver.result.gradient_evaluations < evaluations / 3
    assert solver.objective is not None
    assert np.array_equal(state, np.asarray(solver.objective.state(solver.theta)))


def test_what_is_no_solution_is_refused(h4: qvar.Problem) -> None:
    assert h4.integrals is not None
    arguments = (h4.integrals.one_body, h4.integrals.two_body, 4, (2, 2))
    hurried = qvar.as_fcisolver(qvar.uccsd, budget=qvar.Budget(gradients=3))
    with pytest.raises(qvar.QvarError, match="training converges, but that of uccsd ended with 'out_of_budget'"):
        hurried.kernel(*arguments)
    assert hurried.converged is False
    with pytest.raises(qvar.QvarError, match="conserves the electrons of either spin"):
        qvar.as_fcisolver(qvar.hardware_efficient).kernel(*arguments)
    averaged: Any = mcscf.CASSCF(mean_field(), 2, 2)
    averaged.fcisolver = qvar.as_fcisolver(qvar.uccsd)
    with pytest.raises(qvar.QvarError, match="`nroots` must be 1 for a circuit, which has one state, but is 2"):
        averaged.state_average_([0.5, 0.5]).run()
