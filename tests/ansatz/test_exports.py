"""Circuits in Qiskit and OpenQASM, against PennyLane's states and matrices of the same operations."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.catalogue import ANSATZE, obstacle
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import ProgramBuilder

if TYPE_CHECKING:  # it takes a second to import, in each of the processes that collect the tests
    from qiskit import QuantumCircuit

ENTRIES = {entry.name: entry for entry in ANSATZE}


@cache
def _make(name: str, n_qubits: int) -> qvar.Ansatz:
    problem = qvar.hydrogen_chain(n_qubits // 2, bond=1.0, charge=1 if n_qubits == 6 else 0)
    entry = ENTRIES[name]
    return entry.make(problem if obstacle(entry, problem) is None else qvar.tfim(n_qubits), 1)


def _theta(ansatz: qvar.Ansatz) -> np.ndarray:
    return np.random.default_rng(5).uniform(-np.pi, np.pi, ansatz.n_params)


def _state(apply: Callable[[Any], None], theta: Any, n_qubits: int) -> np.ndarray:
    node = qml.QNode(lambda point: (apply(point), qml.state())[1], qml.device("default.qubit", wires=n_qubits))
    return np.asarray(node(theta))


def _amplitudes(circuit: QuantumCircuit) -> np.ndarray:
    """Amplitudes in the order of qvar: wire 0 is the most significant bit."""
    from qiskit.quantum_info import Statevector

    return Statevector(circuit.reverse_bits()).data


def _instructions(circuit: QuantumCircuit) -> list[tuple[str, list[float], list[int]]]:
    return [
        (each.operation.name, list(each.operation.params), [circuit.find_bit(qubit).index for qubit in each.qubits])
        for each in circuit.data
    ]


@pytest.mark.parametrize(("name", "n_qubits"), [*((name, 6) for name in ENTRIES), ("uccsd", 8), ("tups", 8)])
def test_every_ansatz_has_the_same_state_in_qiskit(name: str, n_qubits: int) -> None:
    """Numbers, and a parametrized circuit; as many CNOTs and as deep as `resources` counts."""
    ansatz = _make(name, n_qubits)
    theta = _theta(ansatz)
    circuit = ansatz.to_qiskit(theta)
    expected = _state(ansatz, theta, ansatz.n_qubits)
    np.testing.assert_allclose(_amplitudes(circuit), expected, rtol=0, atol=1e-12)
    parametrized = ansatz.to_qiskit()
    assert len(parametrized.parameters) == ansatz.n_params  # none is lost
    filled = parametrized.assign_parameters(theta)
    np.testing.assert_allclose(_amplitudes(filled), expected, rtol=0, atol=1e-12)
    costs = ansatz.resources()
    if not ansatz.classical_tail:
        assert (costs.two_qubit_gates, costs.depth) == (circuit.count_ops()["cx"], circuit.depth())


@pytest.mark.parametrize("name", ENTRIES)
def test_openqasm_is_read_back(name: str) -> None:
    """The same instructions with the same angles to the last bit; parameters by their names."""

    import qiskit.qasm3

    ansatz = _make(name, 4)
    theta = _theta(ansatz)
    circuit, read = ansatz.to_qiskit(theta), qiskit.qasm3.loads(ansatz.to_openqasm(theta))
    assert _instructions(read) == _instructions(circuit)
    assert read.global_phase == circuit.global_phase
    expected = _state(ansatz, theta, ansatz.n_qubits)
    parametrized = qiskit.qasm3.loads(ansatz.to_openqasm())
    filled = parametrized.assign_parameters({f"theta{k}": value for k, value in enumerate(theta)})
    np.testing.assert_allclose(_amplitudes(filled), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name != "ExcitationSum"], ids=lambda kind: kind.name)
def test_every_kind_has_the_same_matrix(kind: Any) -> None:
    """On wires in disorder, affine angles, and the global phase."""

    import qiskit.qasm3
    from qiskit.quantum_info import Operator

    builder = ProgramBuilder(5, 2)
    wires = (4, 0, 3, 1)[: 3 if kind.n_wires is None else kind.n_wires] if kind.name != "GlobalPhase" else ()
    angle = {0: 0.5, 1: -1.5} if kind.parametric else None
    builder.add(kind.name, wires, angle, offset=0.25, word="XYZ" if kind.name == "PauliRot" else "")
    builder.add("GlobalPhase", (), {1: 1.0}, offset=-0.4)
    ansatz, theta = qvar.Ansatz("mine", "generic", builder.build()), np.array([0.7, 1e-5])
    expected = qml.matrix(ansatz, wire_order=range(5))(theta)
    texts = (ansatz.to_openqasm(theta), ansatz.to_openqasm())
    filled = qiskit.qasm3.loads(texts[1])
    filled = filled.assign_parameters({f"theta{k}": value for k, value in enumerate(theta)})
    for circuit in (ansatz.to_qiskit(theta), qiskit.qasm3.loads(texts[0]), filled):
        np.testing.assert_allclose(Operator(circuit.reverse_bits()).data, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["uccsd", "sim_circuit 6", "lucj", "hva"])
def test_openqasm_2_is_equal_up_to_the_global_phase(name: str) -> None:
    """Read with the library of its paper alone."""

    import qiskit.qasm2

    ansatz = _make(name, 4)
    theta = _theta(ansatz)
    text = ansatz.to_openqasm(theta, version=2)
    state = _state(ansatz, theta, ansatz.n_qubits)
    assert abs(np.vdot(state, _amplitudes(qiskit.qasm2.loads(text)))) == pytest.approx(1.0, abs=1e-12)


def test_every_gate_of_openqasm_2_is_in_the_library_of_its_paper() -> None:
    import qiskit.qasm2
    from qiskit.quantum_info import Operator

    builder = ProgramBuilder(1, 0)
    for name in ("SX", "S", "T", "PhaseShift", "Hadamard"):
        builder.add(name, (0,), offset=0.3 if name == "PhaseShift" else 0.0)
    ansatz = qvar.Ansatz("mine", "generic", builder.build())
    read = Operator(qiskit.qasm2.loads(ansatz.to_openqasm(version=2)))
    assert read.equiv(Operator(ansatz.to_qiskit()))


@pytest.mark.filterwarnings("ignore:The angles are not affine")
def test_angles_that_are_not_affine_are_numbers() -> None:
    def function(theta: Any) -> None:
        qml.RX(jnp.sin(theta[0]), wires=1)
        qml.CRY(theta[0] * theta[1], wires=[1, 0])

    ansatz, theta = qvar.Ansatz.from_circuit(function, 2, 2), np.array([0.8, -1.7])
    expected = _state(function, jnp.array(theta), 2)
    np.testing.assert_allclose(_amplitudes(ansatz.to_qiskit(theta)), expected, rtol=0, atol=1e-14)
    for call in (ansatz.to_qiskit, ansatz.to_openqasm):
        with pytest.raises(qvar.QvarError, match=r"^`theta` must be 2 numbers .* not affine in theta, but is None\.$"):
            call()


def test_the_text_is_plain() -> None:
    ansatz = qvar.hardware_efficient(2, layers=1, rotations=("RY",), final_rotations=False, name="two\nlines")
    assert ansatz.to_openqasm().splitlines() == [
        "OPENQASM 3.0;",
        'include "stdgates.inc";',
        "// two lines; q[0] is the most significant bit of a basis state's number in qvar",
        "input float[64] theta0;",
        "input float[64] theta1;",
        "qubit[2] q;",
        "ry(theta0) q[0];",
        "ry(theta1) q[1];",
        "cx q[0], q[1];",
    ]
    numbers = re.findall(r"ry\((.*)\)", ansatz.to_openqasm([1 / 3, -1e-17]))
    assert [float(text) for text in numbers] == [1 / 3, -1e-17]


def test_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    ansatz = qvar.hardware_efficient(2, layers=1)
    for call in (ansatz.to_qiskit, ansatz.to_openqasm, ansatz.draw):
        with pytest.raises(qvar.QvarError, match=r"^`theta` must have shape \(8,\), but has shape \(3,\)\.$"):
            call(np.zeros(3))
        with pytest.raises(qvar.QvarError, match=r"^`theta\[0\]` must be finite"):
            call(np.full(8, np.nan))
    with pytest.raises(qvar.QvarError, match=r"^`theta` must be 8 numbers for OpenQASM 2, .* but is None\.$"):
        ansatz.to_openqasm(version=2)
    builder = ProgramBuilder(3, 1)
    builder.add("ExcitationSum", (0, 1, 2), {0: 2.0}, word="1.0 1<0;0.5 2<0")
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must consist of operations with a circuit of CNOTs, .*\.$"):
        qvar.Ansatz("sum", "generic", builder.build()).to_openqasm()
    monkeypatch.setitem(sys.modules, "qiskit.circuit", None)
    with pytest.raises(qvar.QvarError, match=r"^Qiskit must be installed .* pip install 'qvar-sim\[qiskit\]'\.$"):
        ansatz.to_qiskit()
