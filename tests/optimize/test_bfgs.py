"""BFGS: its inverse Hessian is that of the function, and a larger problem begins with it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.optimize.method import Method


def quadratic(matrix: np.ndarray) -> qvar.Objective:
    """Half of a quadratic form around one."""
    curvature = jnp.asarray(matrix)

    def function(theta, data):
        return 0.5 * (theta - 1.0) @ curvature @ (theta - 1.0)

    return qvar.Objective("quadratic", "generic", len(matrix), function, lambda key: jnp.zeros(len(matrix)))


def spd(size: int) -> np.ndarray:
    """A matrix with eigenvalues 1 to `size`."""
    basis = np.linalg.qr(np.random.default_rng(5).standard_normal((size, size)))[0]
    return basis @ np.diag(np.arange(1.0, size + 1.0)) @ basis.T


TIGHT = qvar.Budget(gradient_tolerance=1e-10, hessian_products=0)


def test_the_inverse_hessian_of_a_quadratic_form() -> None:
    matrix = spd(5)
    result = qvar.minimize(quadratic(matrix), np.zeros(5), method=qvar.bfgs(), budget=TIGHT)
    np.testing.assert_allclose(result.theta, 1.0, atol=1e-9)
    assert result.inverse_hessian is not None
    np.testing.assert_allclose(result.inverse_hessian @ matrix, np.eye(5), atol=0.05)


def test_the_exact_inverse_hessian_needs_one_step() -> None:
    """Newton's method; evaluations at the start and at the minimum."""
    matrix = spd(5)
    start = {"method": qvar.bfgs(), "budget": TIGHT}
    newton = qvar.minimize(quadratic(matrix), np.zeros(5), inverse_hessian=np.linalg.inv(matrix), **start)
    assert newton.energy_evaluations == 2
    usual = qvar.minimize(quadratic(matrix), np.zeros(5), **start)
    smaller = qvar.minimize(quadratic(matrix), np.zeros(5), inverse_hessian=np.linalg.inv(matrix)[:3, :3], **start)
    np.testing.assert_allclose(smaller.theta, usual.theta, atol=1e-9)


def test_other_methods_keep_none() -> None:
    assert qvar.minimize(quadratic(spd(2)), np.zeros(2)).inverse_hessian is None


@pytest.mark.parametrize(
    ("matrix", "method", "message"),
    [
        (np.eye(2), qvar.lbfgs(), "`inverse_hessian` must be None for lbfgs, which keeps none"),
        (np.eye(3), qvar.bfgs(), "`inverse_hessian` must have at most 2 rows for quadratic, but has 3"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), qvar.bfgs(), "`inverse_hessian` must be symmetric"),
        (np.zeros(2), qvar.bfgs(), "`inverse_hessian` must"),
        (np.zeros((1, 2)), qvar.bfgs(), "`inverse_hessian` must"),
    ],
)
def test_what_it_refuses(matrix: np.ndarray, method: Method, message: str) -> None:
    with pytest.raises(qvar.QvarError, match=message):
        qvar.minimize(quadratic(spd(2)), np.zeros(2), method=method, inverse_hessian=matrix)
