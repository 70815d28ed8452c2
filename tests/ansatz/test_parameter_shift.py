"""Energies of one gradient against PennyLane's frequencies of each gate."""

from __future__ import annotations

import jax.numpy as jnp
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.parameter_shift import parameter_shift_energies

GATES = {
    "RX": lambda t: qml.RX(t, 0),
    "PhaseShift": lambda t: qml.PhaseShift(t, 0),
    "GlobalPhase": lambda t: qml.GlobalPhase(t),
    "CRX": lambda t: qml.CRX(t, [0, 1]),
    "CRZ": lambda t: qml.CRZ(t, [0, 1]),
    "ControlledPhaseShift": lambda t: qml.ControlledPhaseShift(t, [0, 1]),
    "IsingZZ": lambda t: qml.IsingZZ(t, [0, 1]),
    "IsingXY": lambda t: qml.IsingXY(t, [0, 1]),
    "PauliRot": lambda t: qml.PauliRot(t, "XYZ", [0, 1, 2]),
    "MultiRZ": lambda t: qml.MultiRZ(t, [0, 1, 2]),
    "SingleExcitation": lambda t: qml.SingleExcitation(t, [0, 2]),
    "DoubleExcitation": lambda t: qml.DoubleExcitation(t, [0, 1, 2, 3]),
    "FermionicSingleExcitation": lambda t: qml.FermionicSingleExcitation(t, [0, 1, 2]),
    "FermionicDoubleExcitation": lambda t: qml.FermionicDoubleExcitation(t, [0, 1], [2, 3]),
}


@pytest.mark.parametrize("name", GATES)
def test_gates(name: str) -> None:
    (frequencies,) = GATES[name](0.3).parameter_frequencies
    ansatz = qvar.Ansatz.from_circuit(lambda theta: GATES[name](theta[0]), n_qubits=4, n_params=1, name=name)
    assert parameter_shift_energies(ansatz) == 2 * len(frequencies)


def test_every_gate_that_a_parameter_drives_counts() -> None:
    def circuit(theta):
        qml.RX(0.3, 0)  # no parameter drives it
        qml.CNOT([0, 1])
        for wire in range(3):
            qml.RY(2 * theta[0], wire)  # 3 gates of 2 energies
        qml.SingleExcitation(theta[1] - theta[0], [0, 1])  # one gate of 4, whatever drives it

    assert parameter_shift_energies(qvar.Ansatz.from_circuit(circuit, n_qubits=3, n_params=2)) == 10


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_angles_of_any_form() -> None:
    def circuit(theta):
        qml.RX(jnp.sin(theta[0]), 0)
        qml.CRX(theta[0] * theta[1], [0, 1])

    assert parameter_shift_energies(qvar.Ansatz.from_circuit(circuit, n_qubits=2, n_params=2)) == 6


def test_of_a_problem(h4: qvar.Problem) -> None:
    assert parameter_shift_energies(qvar.uccsd(h4)) == 4 * 26
    ansatz = qvar.hardware_efficient(h4, layers=2, rotations=("RY",))
    assert parameter_shift_energies(ansatz) == 2 * ansatz.n_params
