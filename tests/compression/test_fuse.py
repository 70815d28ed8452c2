"""Fusion of equal neighbours: the same unitary with fewer operations and parameters."""

from typing import Any

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar


def matrix(ansatz: qvar.Ansatz, theta: Any) -> np.ndarray:
    return np.asarray(qml.matrix(ansatz.circuit, wire_order=range(ansatz.n_qubits))(theta))


def test_the_unitary_stays() -> None:
    def circuit(theta: Any) -> None:
        qml.RX(theta[0], wires=0)
        qml.FermionicSingleExcitation(2.0 * theta[1], wires=[1, 2])
        qml.RX(2.0 * theta[2] + 0.3, wires=0)  # one with the first
        qml.CNOT([0, 1])
        qml.RZ(theta[3], wires=2)
        qml.RX(theta[4], wires=0)  # CNOT lies between
        qml.PauliRot(theta[5], "XY", wires=[0, 1])
        qml.RZ(-theta[3] + theta[6], wires=2)  # theta[3] cancels
        qml.PauliRot(theta[5], "XY", wires=[0, 1])
        qml.Hadamard(2)
        qml.Hadamard(2)

    ansatz = qvar.Ansatz.from_circuit(circuit, 3, 7)
    theta = np.linspace(-1.1, 0.9, 7)
    fused = qvar.fuse(ansatz, theta)
    assert fused.ansatz.n_params == 5
    assert fused.ansatz.program.n_ops == ansatz.program.n_ops - 3
    assert np.allclose(matrix(fused.ansatz, fused.theta), matrix(ansatz, theta), atol=1e-13)
    assert fused.ansatz.start == "fused"


def test_fermionic_neighbours_ignore_strings() -> None:
    """The string of the outer excitation passes the inner one, with which it commutes."""

    from qvar.ansatz.program import ProgramBuilder

    builder = ProgramBuilder(4, 3, (1, 1, 0, 0))
    for number, wires in enumerate(((0, 3), (1, 2), (0, 3))):
        builder.add("FermionicSingleExcitation", wires, {number: 1.0})
    ansatz = qvar.Ansatz("a", "generic", builder.build())
    theta = np.array([0.3, -0.8, 0.5])
    fused = qvar.fuse(ansatz, theta)
    assert fused.ansatz.n_params == 2
    assert np.allclose(matrix(fused.ansatz, fused.theta), matrix(ansatz, theta), atol=1e-13)


def test_nothing_to_fuse_and_mistakes() -> None:
    ansatz = qvar.hardware_efficient(3, layers=1)
    fused = qvar.fuse(ansatz, np.ones(12))
    assert fused.ansatz.program.digest == ansatz.program.digest
    with pytest.raises(qvar.QvarError, match="`theta` must have"):
        qvar.fuse(ansatz, np.ones(3))


def test_angles_that_are_no_numbers() -> None:
    """A circuit takes none, and no property of its state is computed."""
    ansatz, electrons = qvar.hardware_efficient(2, layers=1, rotations=("RY",)), qvar.hubbard(2)
    register, cluster = qvar.energy(qvar.tfim(2), ansatz), qvar.energy(electrons, qvar.uccd(electrons))
    theta, key = np.array([0.1, np.nan, np.inf, 0.2]), jax.random.key(0)
    for call in (
        lambda: qvar.fuse(ansatz, theta),
        lambda: qvar.transfer(ansatz, theta, ansatz),
        lambda: qvar.quantize(ansatz, theta, register),
        lambda: qvar.rounding_rise(ansatz, theta, register, key=key),
        lambda: qvar.prune(ansatz, theta, register, keep=2),
        lambda: ansatz.start_at(theta),
        lambda: ansatz.freeze(theta, parameters=[0, 1]),
        lambda: qvar.leading_determinants(cluster, [np.nan]),
        lambda: qvar.density_matrices(cluster, [np.nan]),
    ):
        with pytest.raises(qvar.QvarError, match=r"^`theta\[\d+\]` must be finite, but is "):
            call()
    assert ansatz.freeze(theta, parameters=[0, 3]).n_params == 2  # the others are not used
