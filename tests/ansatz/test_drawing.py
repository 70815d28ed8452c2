"""The text of circuits: wires if they fit, else a table, folded, in the columns of a terminal."""

import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.catalogue import ANSATZE, obstacle


@pytest.mark.parametrize("entry", ANSATZE, ids=lambda entry: entry.name)
def test_every_ansatz_fits_into_a_terminal(entry, h4: qvar.Problem) -> None:
    ansatz = entry.make(h4 if obstacle(entry, h4) is None else qvar.tfim(4), 2)
    for text in (ansatz.draw(), ansatz.draw(np.full(ansatz.n_params, -0.1234))):
        lines = text.splitlines()
        assert max(map(len, lines)) <= 78
        assert len(lines) <= 36
    table = ansatz.draw(all=True, max_length=3 * ansatz.program.n_ops).splitlines()
    assert len(table) in (ansatz.n_qubits, ansatz.program.n_ops + 2)


def test_a_small_circuit_is_a_diagram() -> None:
    text = qvar.hardware_efficient(2, layers=1).draw()
    assert text.splitlines() == ["0: ──RY──RZ─╭●──RY──RZ─┤  ", "1: ──RY──RZ─╰X──RY──RZ─┤  "]
    assert "RY(0.100)" in qvar.hardware_efficient(2, layers=1).draw(np.full(8, 0.1))


def test_uccsd_is_a_table(h4: qvar.Problem) -> None:
    """Singles and doubles as the modes that they empty and fill; a fold counts what it hides."""
    ansatz = qvar.uccsd(h4)
    lines = ansatz.draw().splitlines()
    assert lines[:2] == [
        "8 qubits, 26 operations, 26 parameters, from |11110000>",
        "18 FermionicDoubleExcitation, 8 FermionicSingleExcitation",
    ]
    assert lines[2] == " 0  FermionicSingleExcitation  0 -> 4      2 theta0"
    assert lines[8:10] == ["    ... 2 more", " 8  FermionicDoubleExcitation  0 2 -> 4 6  2 theta8"]
    assert lines[-1] == "    ... 12 more"
    whole = ansatz.draw(np.arange(26) / 8, all=True).splitlines()
    assert [int(line.split()[0]) for line in whole[2:]] == list(range(26))
    assert [float(line.split()[-1]) for line in whole[2:]] == [k / 4 for k in range(26)]


def test_expressions_of_angles() -> None:
    def circuit(theta):
        for _ in range(9):
            qml.RX(2 * theta[0] - theta[1] + 0.25, wires=0)
            qml.RZ(-theta[1] - 1e-7, wires=1)
            qml.PauliRot(theta[0] / 3, "XYZ", wires=[2, 0, 1])
            qml.CNOT([0, 2])
            qml.IsingXX(0.5, wires=[1, 0])
            qml.GlobalPhase(theta[1])

    rows = qvar.Ansatz.from_circuit(circuit, 3, 2).draw().splitlines()
    assert [row.split(maxsplit=2)[1:] for row in rows[2:8]] == [
        ["RX", "0         2 theta0 - theta1 + 0.25"],
        ["RZ", "1         -theta1 - 1e-07"],
        ["PauliRot", "X2 Y0 Z1  0.333333 theta0"],
        ["CNOT", "0 2"],
        ["IsingXX", "1 0       0.5"],
        ["GlobalPhase", "theta1"],
    ]
    assert rows[-1] == "    ... 30 more"


def test_long_lines_are_cut() -> None:
    def circuit(theta):
        qml.RX(theta.sum(), wires=0)

    lines = qvar.Ansatz.from_circuit(circuit, 1, 9).draw(max_length=30)
    assert lines == "0: ──RX─┤  "
    rows = qvar.Ansatz.from_circuit(lambda theta: [circuit(theta) for _ in range(20)], 1, 9).draw(max_length=30)
    assert rows.splitlines()[2] == "0  RX  0  theta0 + theta1 +..."


@pytest.mark.filterwarnings("ignore:The angles are not affine")
def test_angles_that_are_not_affine_have_no_expression() -> None:
    def circuit(theta):
        for _ in range(30):
            qml.RX(jnp.sin(theta[0]), wires=0)

    ansatz = qvar.Ansatz.from_circuit(circuit, 1, 1)
    assert ansatz.draw().splitlines()[2] == "0  RX  0  f(theta)"
    assert ansatz.draw([np.pi / 6]).splitlines()[2] == "0  RX  0  0.500"
