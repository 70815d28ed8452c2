"""Circuits on a line of qubits: equal to their programs, with CNOTs of neighbors alone."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from twin import twin_state

import qvar
from qvar.ansatz.pool_elements import program_of
from qvar.ansatz.program import ProgramBuilder
from qvar.ansatz.routing import on_line


def cnots(program: qvar.ansatz.program.Program) -> list[tuple[int, ...]]:  # type: ignore[name-defined]
    return [wires for wires in map(program.op_wires, range(program.n_ops)) if len(wires) == 2]


@pytest.mark.parametrize("name", ["uccsd", "kupccgsd", "ceo"])
def test_a_line_of_eight_qubits(name: str, h4: qvar.Problem) -> None:
    if name == "ceo":
        elements = qvar.pool("ceo", h4).elements[::11]
        ansatz = qvar.Ansatz("ceo", "constrained", program_of(elements, 8, h4.reference_bits))
    else:
        ansatz = qvar.named_ansatz(h4, name)
    routed = on_line(ansatz.program)
    theta = np.random.default_rng(4).uniform(-2, 2, ansatz.n_params)
    np.testing.assert_allclose(twin_state(routed, theta), twin_state(ansatz.program, theta), rtol=0, atol=1e-12)
    assert all(abs(a - b) == 1 for a, b in cnots(routed))
    everywhere, line = ansatz.resources(), ansatz.resources(connectivity="line")
    assert line.two_qubit_gates == len(cnots(routed))
    assert (line.two_qubit_gates - everywhere.two_qubit_gates) % 3 == 0  # SWAPs
    assert line.t_gates == everywhere.t_gates
    assert line.cnot_depth > everywhere.cnot_depth


def test_a_distant_pair_meets_where_the_next_one_is() -> None:
    """Three SWAPs bring qubit 0 beside 4, where the next gates are; three bring it back."""
    builder = ProgramBuilder(6, 1)
    for pair in ((0, 4), (4, 5), (4, 5)):
        builder.add("CNOT", pair)
    program = builder.build()
    assert len(cnots(on_line(program))) == 3 + 3 * 6
    neighbors = ProgramBuilder(3, 1)
    neighbors.add("CNOT", (2, 1))
    assert cnots(on_line(neighbors.build())) == [(2, 1)]


def test_the_circuit_on_a_line_is_the_one_that_is_counted(h2: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h2)
    theta = np.array([0.3, -0.4, 0.5])
    tape = qml.tape.make_qscript(lambda point: ansatz.circuit(point, costs="published", connectivity="line"))(theta)
    pairs = [operation for operation in tape.operations if operation.name == "CNOT"]
    costs = ansatz.resources(connectivity="line")
    assert costs.two_qubit_gates == len(pairs)
    assert costs.cnot_depth == qml.tape.QuantumScript(pairs).graph.get_depth()
    plain = qml.tape.make_qscript(ansatz.circuit)(theta)
    unitaries = [
        qml.matrix(qml.tape.QuantumScript([op for op in one.operations if op.name != "BasisState"]), range(4))
        for one in (tape, plain)
    ]
    np.testing.assert_allclose(*unitaries, rtol=0, atol=1e-12)


def test_angles_that_are_not_affine_on_a_line() -> None:
    def circuit(theta: np.ndarray) -> None:
        qml.DoubleExcitation(theta[0] ** 2, wires=(0, 4, 1, 3))
        qml.CRX(theta[0] * theta[1], wires=(1, 4))

    with pytest.warns(UserWarning, match="not affine"):
        ansatz = qvar.Ansatz.from_circuit(circuit, 5, 2)
    theta = np.array([0.7, -1.2])
    states = [twin_state(program, theta) for program in (on_line(ansatz.program), ansatz.program)]
    np.testing.assert_allclose(*states, rtol=0, atol=1e-12)


def test_exports_on_a_line(h2: qvar.Problem) -> None:
    """Qiskit reads back the same state, with the gates that are counted, and CNOTs of neighbors alone."""
    import qiskit.qasm2
    from qiskit.quantum_info import Statevector

    ansatz = qvar.uccsd(h2)
    theta = np.array([0.3, -0.5, 0.7])
    circuits = [
        ansatz.to_qiskit(theta, connectivity="line"),
        ansatz.to_qiskit(connectivity="line").assign_parameters(theta),
        qiskit.qasm2.loads(ansatz.to_openqasm(theta, version=2, connectivity="line")),
    ]
    for circuit in circuits:
        at = [[circuit.find_bit(qubit).index for qubit in each.qubits] for each in circuit.data]
        assert all(abs(pair[0] - pair[1]) == 1 for pair in at if len(pair) == 2)
        assert circuit.count_ops()["cx"] == ansatz.resources(connectivity="line").two_qubit_gates
        overlap = np.vdot(twin_state(ansatz.program, theta), Statevector(circuit.reverse_bits()).data)
        assert abs(overlap) == pytest.approx(1, abs=1e-12)


def test_lines_that_are_refused(h4: qvar.Problem) -> None:
    sentence = "`connectivity` must be 'all' unless `costs` is 'published', but `costs` is 'pennylane'"
    with pytest.raises(qvar.QvarError, match=sentence):
        qvar.uccsd(h4).resources(costs="pennylane", connectivity="line")
    with pytest.raises(qvar.QvarError, match="but `costs` is None"):
        qvar.uccsd(h4).circuit(np.zeros(26), connectivity="line")
    with pytest.raises(qvar.QvarError, match=r"`connectivity` must be .*'all'.*'line'.*, but is 'ring'"):
        qvar.uccsd(h4).resources(connectivity="ring")  # type: ignore[arg-type]
    sums = qvar.adapt(h4, "singlet_gsd", max_operators=1).ansatz
    assert sums.resources(connectivity="line").n_qubits == 8
