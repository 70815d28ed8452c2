"""Trained circuits as targets: against full configuration interaction and finite differences."""

from typing import Any

import numpy as np
import pytest

import qvar
from qvar import basis
from qvar.basis.energy import UnsolvedError
from qvar.basis.post_vqe import density_matrices, vqe

H2 = "H 0 0 0; H 0 0 0.7414"
H3 = "H 0 0 0; H 0 0 0.9; H 0 0 2.2"
H4 = "H 0 0 0; H 0 0 0.9; H 0 0 2.2; H 0 0 3.3"


def _orbitals_too(problem: qvar.Problem) -> qvar.Ansatz:
    return qvar.orbital_optimized(qvar.uccsd(problem))


def test_two_electrons_have_the_gradient_of_full_configuration_interaction() -> None:
    form = basis.from_set("H", "6-31g")
    value, gradient = basis.Target(H2, theory=vqe(qvar.uccsd)).value_and_grad(form, form.start)
    exact, expected = basis.Target(H2, theory="fci").value_and_grad(form, form.start)
    assert value == pytest.approx(exact, abs=1e-10)
    np.testing.assert_allclose(gradient, expected, atol=1e-7)


def test_fitting_the_scale_for_uccsd() -> None:
    fitted = basis.fit(basis.sto_ng("H"), basis.Target(H2, theory=vqe(qvar.uccsd)))
    assert np.exp(fitted.theta[0]) == pytest.approx(1.20118, abs=1e-4)
    assert fitted.value == pytest.approx(-1.13876968, abs=1e-7)


def test_more_electrons_need_their_orbitals_trained() -> None:
    form = basis.sto_ng("H")
    target = basis.Target(H3, theory=vqe(_orbitals_too), spin=1)
    assert target.name == "H3 _orbitals_too"
    value, (slope,) = target.value_and_grad(form, form.start)
    step = 2e-3
    near = {k: target.value(form.basis(form.start + k * step)) for k in (-2, -1, 1, 2)}
    assert slope == pytest.approx((8 * (near[1] - near[-1]) - near[2] + near[-2]) / (12 * step), abs=1e-7)
    exact = basis.Target(H3, theory="fci", spin=1).value(form.basis(form.start))
    assert exact - 1e-9 < value < exact + 1e-4
    with pytest.raises(UnsolvedError, match=r"^`theory` must be stationary in its orbitals"):
        basis.Target(H4, theory=vqe(qvar.uccsd)).value_and_grad(form, form.start)


def test_density_matrices_give_the_energy() -> None:
    problem = qvar.molecule(H4)
    objective = qvar.energy(problem, qvar.uccsd(problem), engine="sector")
    theta = np.random.default_rng(0).normal(size=objective.n_params)
    gamma, pairs = density_matrices(np.asarray(objective.state(theta)), problem)
    integrals: Any = problem.integrals
    energy = integrals.core_energy + np.sum(integrals.one_body * gamma) + 0.5 * np.sum(integrals.two_body * pairs)
    assert energy == pytest.approx(float(objective.loss(theta)), abs=1e-10)
    with pytest.raises(qvar.QvarError, match=r"^`make` must give a circuit with real amplitudes"):
        density_matrices(np.asarray(objective.state(theta)) * 1j, problem)


def test_a_training_that_does_not_end_is_an_error() -> None:
    form = basis.sto_ng("H")
    target = basis.Target(H2, theory=vqe(lambda problem: qvar.uccsd(problem), budget=qvar.Budget(gradients=1)))
    assert target.name == "H2 vqe"
    with pytest.raises(UnsolvedError, match=r"^`budget` must let uccsd converge, but its training ended out_of_budget"):
        target.value_and_grad(form, form.start)
    fitted = basis.fit(form, target)
    assert fitted.status.value == "not_finite"
    assert fitted.message.startswith("`budget` must let uccsd converge")
    assert np.isnan(fitted.value)
