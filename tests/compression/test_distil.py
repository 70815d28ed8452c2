"""Distillation against overlaps of states, PySCF's vectors and trainings by hand."""

from typing import Any

import jax
import numpy as np
import pytest

import qvar
from qvar.engines.infidelity import towards_state

KEY = jax.random.key(3)


def pyscf_vector(problem: qvar.Problem) -> np.ndarray:
    from pyscf import fci

    integrals: Any = problem.integrals
    electrons = (problem.n_alpha, problem.n_beta)
    return fci.direct_spin1.kernel(integrals.one_body, integrals.two_body, problem.n_orbitals, electrons)[1]


@pytest.mark.parametrize("engine", ["auto", "dense"])
def test_loss_and_gradient_are_the_weighted_sum(engine: Any, h4: qvar.Problem) -> None:
    """On the host and by JAX; the energy of the target is PySCF's."""
    from dataclasses import replace

    from qvar.engines.state_layouts import in_layout

    energy = qvar.energy(h4, qvar.kupccgsd(h4, layers=1), engine=engine)
    state = in_layout(pyscf_vector(h4), energy, h4)
    theta = np.random.default_rng(3).standard_normal(energy.n_params)
    own = towards_state(energy, state, weight=0.3, scale=0.2)
    overlap, value = np.vdot(state, np.asarray(energy.state(theta))), float(energy.loss(theta))
    expected = 0.3 * (1.0 - abs(overlap) ** 2) + 0.7 * (value - h4.exact_energy()) / 0.2
    for each in (own, replace(own, host=None)):
        assert float(each.loss(theta)) == pytest.approx(expected, abs=1e-10)
    gradients = [np.asarray(each.value_and_grad(theta)[1]) for each in (own, replace(own, host=None))]
    np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-12)
    step = 1e-5 * np.eye(energy.n_params)[0]
    slope = (float(own.loss(theta + step)) - float(own.loss(theta - step))) / 2e-5
    assert gradients[0][0] == pytest.approx(slope, abs=1e-8)


def test_a_student_that_holds_the_teacher_finds_it(h4: qvar.Problem) -> None:
    """UCCSD from the exact vector: its infidelity is that of its own state, its energy near the exact one."""
    student = qvar.uccsd(h4).with_start("zero")
    distilled = qvar.distil(student, pyscf_vector(h4), h4)
    state = np.asarray(qvar.energy(h4, student).state(distilled.theta))
    overlap = np.vdot(pyscf_vector(h4), state)
    assert distilled.infidelity == pytest.approx(1.0 - overlap**2, abs=1e-10)
    assert distilled.matched_infidelity <= distilled.infidelity + 1e-9
    assert distilled.value <= distilled.matched_value + 1e-9
    assert distilled.teacher_value == pytest.approx(h4.exact_energy(), abs=1e-8)
    assert distilled.matched_evaluations < distilled.evaluations
    assert np.array_equal(distilled.ansatz.initial(KEY), distilled.theta)
    assert distilled.value == pytest.approx(float(qvar.energy(h4, distilled.ansatz).loss(distilled.theta)), abs=1e-10)


def test_the_lowest_of_several_starts(h2: qvar.Problem) -> None:
    """A generic student in the register, on a teacher of the sector; every start ends no lower."""
    student = qvar.hardware_efficient(h2, layers=1).with_start("uniform")
    teacher = qvar.ground_state(h2)
    best = qvar.distil(student, teacher, h2, key=KEY, n_starts=3, weight=0.5)
    energy = qvar.energy(h2, student)
    starts = energy.initial_batch(KEY, 3)
    from qvar.engines.state_layouts import in_layout

    state = in_layout(teacher, energy, h2)
    scale = h2.reference_energy - h2.exact_energy()
    first = qvar.minimize_batch(towards_state(energy, state, weight=0.5, scale=scale), starts)
    second = qvar.minimize_batch(energy, np.stack([np.asarray(one.theta) for one in first]))
    assert best.value == pytest.approx(min(one.value for one in second), abs=1e-9)


def test_mistakes(h2: qvar.Problem, h4: qvar.Problem) -> None:
    teacher, student = qvar.ground_state(h4), qvar.kupccgsd(h4, layers=1)
    with pytest.raises(
        qvar.QvarError, match=r"`teacher_state` must have one of the shapes \(6, 6\), \(256,\) .*\(2, 2"
    ):
        qvar.distil(student, qvar.ground_state(h2), h4, key=KEY)
    with pytest.raises(qvar.QvarError, match="`student` must have free parameters, but 1-upccgsd has none"):
        qvar.distil(student.freeze(np.zeros(student.n_params)), teacher, h4, key=KEY)
    with pytest.raises(qvar.QvarError, match=r"`weight` must lie between 0 and 1, but is 2\.0"):
        qvar.distil(student, teacher, h4, key=KEY, weight=2.0)
    with pytest.raises(qvar.QvarError, match=r"`scale` must be positive, but is 0\.0"):
        qvar.distil(student, teacher, h4, key=KEY, scale=0.0)
    with pytest.raises(qvar.QvarError, match="`key` must be a JAX random key to draw the starts of 1-upccgsd"):
        qvar.distil(student.with_start("uniform"), teacher, h4)
    with pytest.raises(qvar.QvarError, match="`n_starts` must be"):
        qvar.distil(student, teacher, h4, key=KEY, n_starts=0)
    outside = np.zeros(256)
    outside[0] = 1.0  # no electrons
    with pytest.raises(
        qvar.QvarError, match=r"`teacher_state` must lie in the sector .* but 1 of its weight is outside"
    ):
        qvar.distil(student, outside, h4, key=KEY)
