"""Objectives of some of their parameters, the others held."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from compilations import compilations

import qvar
from qvar import diagnostics
from qvar.compression.restricted import restricted
from qvar.objective import Objective

FREE = np.array([3, 7, 6, 1])


@pytest.fixture(scope="module")
def whole() -> tuple[Objective, np.ndarray]:
    ansatz = qvar.hardware_efficient(2, layers=1)
    return qvar.energy(qvar.tfim(2), ansatz), np.asarray(ansatz.initial(jax.random.key(0)))


@pytest.mark.parametrize("on_host", [True, False])
def test_values_and_derivatives_are_those_of_the_whole(whole: tuple[Objective, np.ndarray], on_host: bool) -> None:
    objective, theta = whole
    part = restricted(objective, theta, FREE)
    part = part if on_host else replace(part, host=None)
    assert (part.host_kernels is not None) == on_host
    (value, gradient), (own, own_gradient) = objective.value_and_grad(theta), part.value_and_grad(theta[FREE])
    assert float(own) == pytest.approx(float(value), abs=1e-14)
    assert np.allclose(np.asarray(gradient)[FREE], own_gradient, atol=1e-14)
    matrix = np.asarray(diagnostics.hessian(objective, theta))[np.ix_(FREE, FREE)]
    assert np.allclose(diagnostics.hessian(part, theta[FREE]), matrix, atol=1e-13)
    assert np.allclose(part.state(theta[FREE]), objective.state(theta), atol=1e-14)
    fisher = np.asarray(diagnostics.fisher(objective, theta))[np.ix_(FREE, FREE)]
    assert np.allclose(diagnostics.fisher(part, theta[FREE]), fisher, atol=1e-13)


def test_another_choice_compiles_nothing(whole: tuple[Objective, np.ndarray]) -> None:
    """JAX's programs read the choice as data."""
    objective, theta = whole
    for free in (FREE, np.arange(5)):
        with compilations() as count:
            restricted(replace(objective, host=None), theta, free).value_and_grad(theta[free])
    assert sum(count.values()) == 0, count
