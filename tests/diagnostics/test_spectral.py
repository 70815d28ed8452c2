"""Spectral width against dense eigenvalues of PennyLane's matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.diagnostics.spectral import spectral_width
from qvar.objective import Objective


def dense_width(matrix: Any) -> float:
    values = np.linalg.eigvalsh(matrix)
    return float(values[-1] - values[0])


@pytest.mark.parametrize("rotations", [("RY",), ("RY", "RZ")])
def test_register(rotations: tuple[str, ...]) -> None:
    """Four qubits are diagonalized, nine go through Lanczos; states are real, then complex."""
    for n in (4, 9):
        problem = qvar.tfim(n, h=0.7)
        objective = qvar.energy(problem, qvar.hardware_efficient(problem, layers=1, rotations=rotations))
        matrix = qml.matrix(problem.hamiltonian(), wire_order=range(n))
        assert spectral_width(objective) == pytest.approx(dense_width(matrix), rel=1e-9)


@pytest.mark.parametrize(
    "observable",
    [
        qml.Z(0) @ qml.Z(1),  # two eigenvalues, each 256 times
        qml.Y(0) @ qml.X(3) + 0.3 * qml.Z(2) - 2.0 * qml.I(0),  # complex, shifted
        2.5 * qml.I(0),
        0.0 * qml.X(0),
    ],
)
def test_operators_that_lanczos_finds_hard(observable: Any) -> None:
    objective = qvar.expectation(observable, qvar.hardware_efficient(9, layers=1))
    expected = dense_width(qml.matrix(observable, wire_order=range(9)))
    assert spectral_width(objective) == pytest.approx(expected, abs=1e-9)


def test_sector_and_register_of_a_molecule(h4: qvar.Problem) -> None:
    matrix = qml.matrix(h4.hamiltonian(), wire_order=range(8))
    states = np.arange(256)
    alpha, beta = (np.bitwise_count(states & mask) for mask in (0b10101010, 0b01010101))
    inside = np.flatnonzero((alpha == 2) & (beta == 2))
    sector = spectral_width(qvar.energy(h4, qvar.uccsd(h4)))
    assert sector == pytest.approx(dense_width(matrix[np.ix_(inside, inside)]), abs=1e-9)
    register = spectral_width(qvar.energy(h4, qvar.uccsd(h4), engine="dense"))
    assert register == pytest.approx(dense_width(matrix), abs=1e-9)
    assert sector < register


def test_spin_sectors() -> None:
    """The sector of one spin up in six, and that of none, which is a single state."""
    chain = qvar.xxz(6, delta=0.5)
    matrix = qml.matrix(chain.hamiltonian(), wire_order=range(6))
    one = np.array([1 << k for k in range(6)])

    def circuit(theta: Any) -> None:
        for q in range(5):
            qml.IsingXY(theta[q], wires=[q, q + 1])

    def objective(bits: tuple[int, ...]) -> Objective:
        def started(theta: Any) -> None:
            for q, bit in enumerate(bits):
                if bit:
                    qml.PauliX(q)
            circuit(theta)

        return qvar.energy(chain, qvar.Ansatz.from_circuit(started, 6, 5, name="xy"))

    single = objective((1, 0, 0, 0, 0, 0))
    assert single.engine == "sector"
    assert spectral_width(single) == pytest.approx(dense_width(matrix[np.ix_(one, one)]), abs=1e-9)
    assert spectral_width(objective((0,) * 6)) == 0.0


def test_what_has_no_operator() -> None:
    bare = Objective("bare", "generic", 1, lambda theta, data: theta[0], lambda key: np.zeros(1))
    with pytest.raises(qvar.QvarError, match="must have a state, but bare has none"):
        spectral_width(bare)
