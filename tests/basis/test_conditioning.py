"""Condition numbers and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from differences import derivative
from pyscf import gto

from qvar import basis
from qvar.basis.conditioning import condition_number, log_condition
from qvar.basis.derivative_integrals import Bras

LIH = "Li 0 0 0; H 0 0 1.546"


def test_the_logarithm_and_its_derivatives() -> None:
    form = basis.from_set("Li", "6-31g") + basis.from_set("H", "6-31g")
    target = basis.Target(LIH)

    def logarithm(point: np.ndarray) -> float:
        mol = gto.M(atom=LIH, basis=form.basis(point).pyscf())
        values = np.linalg.eigvalsh(mol.intor("int1e_ovlp"))
        return float(np.log(values[-1] / values[0]))

    found = form.basis(form.start)
    bras = Bras(target._mol(found), found)
    value, matrix = log_condition(bras)
    assert value == pytest.approx(logarithm(form.start), abs=1e-11)
    gradient = 2 * bras.contract(matrix) @ np.asarray(form.jacobian(form.start))
    random = np.random.default_rng(0)
    size = np.where(["coefficient" in label for label in form.labels], np.abs(form.start), 1.0)
    for direction in (size * random.normal(size=form.n_params), *(size * np.eye(form.n_params))[[2, 9, 11, 25]]):
        expected = derivative(logarithm, form.start, direction, 0.005)
        assert gradient @ direction == pytest.approx(expected, abs=1e-8)


def test_two_s_functions() -> None:
    """Eigenvalues 1 + s and 1 - s of two functions that overlap by s."""
    ratio = 3.0
    overlap = (2 * np.sqrt(ratio) / (1 + ratio)) ** 1.5
    mol = gto.M(atom="He", basis={"He": [[0, [0.7, 1.0]], [0, [0.7 * ratio, 1.0]]]})
    assert condition_number(mol) == pytest.approx((1 + overlap) / (1 - overlap), rel=1e-12)


def test_equal_functions_have_no_finite_condition() -> None:
    mol = gto.M(atom="He", basis={"He": [[0, [0.7, 1.0]], [0, [0.7, 1.0]]]})
    assert condition_number(mol) > 1e15
