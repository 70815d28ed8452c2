"""Tables of determinants against amplitudes of the register, and PySCF's own list."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from pyscf import fci

import qvar


def test_weights_of_the_exact_state_of_hydrogen(h2: qvar.Problem) -> None:
    """Two determinants, with coefficients of FCI."""
    objective = qvar.energy(h2, qvar.uccsd(h2))
    theta = qvar.minimize(objective, key=jax.random.key(0), budget=qvar.Budget(gradient_tolerance=1e-9)).theta
    table = qvar.leading_determinants(objective, theta)
    assert h2.integrals is not None
    solver = fci.direct_spin1.FCI()
    _, vector = solver.kernel(np.array(h2.integrals.one_body), np.array(h2.integrals.two_body), 2, 2)
    assert [row.occupation for row in table.rows] == ["20", "02"]
    coefficients = np.array([row.coefficient for row in table.rows])
    coefficients *= np.sign(coefficients[0] * vector[0, 0])
    assert coefficients == pytest.approx([vector[0, 0], vector[1, 1]], abs=1e-7)
    assert table.weight == pytest.approx(1, abs=1e-12)
    lines = str(table).splitlines()
    assert lines[0].split() == ["occupation", "coefficient", "weight"]
    assert lines[1].split()[0] == "20"
    assert all(len(line) <= 80 for line in lines)


def test_letters_of_the_register(h2: qvar.Problem) -> None:
    """A complex state of all numbers of electrons: weights are those of the register's basis states."""
    ansatz = qvar.hardware_efficient(h2, layers=2)
    objective = qvar.energy(h2, ansatz)
    theta = np.asarray(objective.initial(jax.random.key(4), "uniform"))
    table = qvar.leading_determinants(objective, theta, n=16)
    weights = np.abs(np.asarray(objective.state(theta))) ** 2
    bits = {"0": "00", "u": "10", "d": "01", "2": "11"}
    assert objective.space == "register"
    assert len(table.rows) == 16
    for row in table.rows:
        wires = "".join(bits[letter] for letter in row.occupation)
        assert row.weight == pytest.approx(weights[int(wires, 2)], abs=1e-12)
        assert abs(row.coefficient) ** 2 == pytest.approx(row.weight, abs=1e-12)
    assert [row.weight for row in table.rows] == sorted((row.weight for row in table.rows), reverse=True)
    few = qvar.leading_determinants(objective, theta, n=3)
    assert few.rows == table.rows[:3]
    assert all(len(line) <= 80 for line in str(few).splitlines())


def test_coefficients_are_those_of_pyscf(h4: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h4)
    objective = qvar.energy(h4, ansatz, engine="dense")
    theta = 0.2 * np.random.default_rng(3).standard_normal(ansatz.n_params)
    state = np.asarray(qvar.energy(h4, ansatz, engine="sector").state(theta))
    listed = fci.addons.large_ci(state, 4, (2, 2), tol=0.0, return_strs=False)
    expected = {(tuple(alpha), tuple(beta)): value for value, alpha, beta in listed}
    table = qvar.leading_determinants(objective, theta, n=12)
    for row in table.rows:
        alpha = tuple(p for p, letter in enumerate(row.occupation) if letter in "2u")
        beta = tuple(p for p, letter in enumerate(row.occupation) if letter in "2d")
        assert row.coefficient == pytest.approx(expected[alpha, beta], abs=1e-12)


def test_the_number_of_rows(h2: qvar.Problem) -> None:
    objective = qvar.energy(h2, qvar.uccsd(h2))
    assert len(qvar.leading_determinants(objective, np.zeros(3)).rows) == 1
    with pytest.raises(qvar.QvarError, match="`n` must be at least 1, but is 0"):
        qvar.leading_determinants(objective, np.zeros(3), n=0)
