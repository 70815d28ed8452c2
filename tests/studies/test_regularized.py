"""Adam with decay, dropout, noise and early stopping, against optax and against what each must do alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import optax
import pytest

import qvar
from qvar.diagnostics.measurement_groups import groups_of, measured_variance_batch
from qvar.studies.regularized import descend


def nothing(look: Any) -> None:
    pass


@pytest.fixture(scope="module")
def objective() -> qvar.Objective:
    problem = qvar.tfim(3)
    return qvar.energy(problem, qvar.hardware_efficient(problem, layers=1, rotations=("RY",)))


START = np.random.default_rng(0).standard_normal((2, 6))


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_decay_is_that_of_optax(objective: qvar.Objective, decay: float) -> None:
    rules = qvar.Regularized(rate=0.1, decay=decay)
    results = descend(objective, START, rules, 25, [0, 1], nothing)
    method = optax.adamw(0.1, weight_decay=decay)
    for start, result in zip(START, results, strict=True):
        theta: Any = start
        state = method.init(theta)
        for _ in range(25):
            gradient = objective.value_and_grad(theta)[1]
            updates, state = method.update(gradient, state, theta)
            theta = optax.apply_updates(theta, updates)
        np.testing.assert_allclose(result.theta, np.asarray(theta), atol=1e-6)
        assert result.value == pytest.approx(float(objective.loss(result.theta)), abs=1e-12)
        assert result.energy_evaluations == 25
        assert result.trace.evaluations.tolist() == [0, 10, 20, 25]
        assert result.trace.value[0] == pytest.approx(float(objective.loss(start)), abs=1e-12)


def test_seeds_do_not_depend_on_each_other(objective: qvar.Objective) -> None:
    rules = qvar.Regularized(dropout=0.3, shots=100)
    both = descend(objective, START, rules, 5, [3, 4], nothing)
    alone = descend(objective, START[1:], rules, 5, [4], nothing)
    np.testing.assert_allclose(both[1].theta, alone[0].theta, atol=1e-12)


def test_noise_has_the_variance_of_the_shift_rule(objective: qvar.Objective) -> None:
    """After one step Adam's direction is the sign of the gradient: as often wrong as a normal law says."""
    from scipy.stats import norm

    n, shots = 1500, 40
    starts = np.repeat(START[:1], n, axis=0)
    results = descend(objective, starts, qvar.Regularized(rate=0.1, shots=shots), 1, list(range(n)), nothing)
    moved = np.array([one.theta for one in results]) - starts
    gradient = np.asarray(objective.value_and_grad(START[0])[1])
    variance = measured_variance_batch(objective, groups_of(objective), START[:1])[0]
    assert variance > 1.1 * qvar.diagnostics.energy_variance(objective, START[0])  # measured word by word
    spread = np.sqrt(variance / (2 * shots))
    expected = norm.cdf(gradient / spread)
    np.testing.assert_allclose((moved < 0).mean(axis=0), expected, atol=4 * 0.5 / np.sqrt(n))


def test_early_stopping_keeps_the_lowest(objective: qvar.Objective) -> None:
    result = descend(objective, START[:1], qvar.Regularized(rate=0.8, patience=3), 200, [0], nothing)[0]
    assert result.energy_evaluations < 200
    assert result.status is qvar.Status.STALLED
    assert result.value <= float(objective.loss(START[0]))


def test_an_objective_without_a_hamiltonian_cannot_be_measured() -> None:
    line = qvar.fit(lambda theta, x: theta[0] * x, ([1.0, 2.0], [1.0, 2.0]), n_params=1, noise=1.0, name="line")
    with pytest.raises(qvar.QvarError, match="`objective` must be the energy of a problem to be measured, but line"):
        descend(line, START[:1, :1], qvar.Regularized(shots=10), 1, [0], nothing)


def test_mistakes() -> None:
    with pytest.raises(qvar.QvarError, match="`shots` must be at least 1, but is 0"):
        qvar.Regularized(shots=0)
    with pytest.raises(qvar.QvarError, match="`dropout` must be at least 0 and below 1, but is 1"):
        qvar.Regularized(dropout=1.0)
    with pytest.raises(qvar.QvarError, match="`decay` must not be negative, but is -1"):
        qvar.Regularized(decay=-1.0)
