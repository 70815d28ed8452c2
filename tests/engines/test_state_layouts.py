"""States from layout to layout, against circuits that one engine and another simulate."""

import numpy as np
import pytest

import qvar
from qvar.engines.state_layouts import in_layout


def test_sector_and_register_there_and_back(h4: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h4)
    sector, register = qvar.energy(h4, ansatz), qvar.energy(h4, ansatz, engine="dense")
    theta = np.random.default_rng(0).standard_normal(ansatz.n_params)
    matrix, vector = np.asarray(sector.state(theta)), np.asarray(register.state(theta))
    np.testing.assert_allclose(in_layout(matrix, register, h4), vector, atol=1e-12)
    np.testing.assert_allclose(in_layout(3.0 * vector, sector, h4), matrix, atol=1e-12)
    assert in_layout(matrix, sector, h4).shape == matrix.shape


def test_to_a_sector_of_one_column() -> None:
    """Spins with a conserved number of ones, against PennyLane's order of the register."""
    problem = qvar.xxz(4)
    ansatz = qvar.hva(problem, layers=1)
    column, register = qvar.energy(problem, ansatz), qvar.energy(problem, ansatz, engine="dense")
    theta = np.random.default_rng(0).standard_normal(ansatz.n_params)
    assert column.basis_states is not None
    own = in_layout(np.asarray(register.state(theta)), column, problem)
    np.testing.assert_allclose(own, np.asarray(column.state(theta)), atol=1e-12)


def test_mistakes(h4: qvar.Problem) -> None:
    sector = qvar.energy(h4, qvar.uccsd(h4))
    mixed = np.zeros(256)
    mixed[[0b11110000, 0]] = [0.6, 0.8]
    with pytest.raises(qvar.QvarError, match=r"`state` must lie in the sector .* but 0\.64 of its weight is outside"):
        in_layout(mixed, sector, h4)
    inside = in_layout(mixed, sector, h4, project=True)
    assert np.abs(inside).max() == pytest.approx(1.0, abs=1e-14)
    with pytest.raises(qvar.QvarError, match=r"but 1 of its weight is outside"):
        in_layout(np.eye(256)[0], sector, h4, project=True)
    with pytest.raises(qvar.QvarError, match="`state` must have a finite norm above zero"):
        in_layout(np.zeros(256), sector, h4)
