"""Programs from programs: copies, inverses, other wires and parameters; and starts of an ansatz's own."""

import dataclasses

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import ProgramBuilder

N = 4


def _one_gate(name: str) -> ProgramBuilder:
    kind = next(kind for kind in KINDS if kind.name == name)
    wires = [] if name == "GlobalPhase" else [2, 0, 3, 1][: kind.n_wires or 3]
    builder = ProgramBuilder(N, 2)
    word = "1.0 1<0;0.5 2<0" if name == "ExcitationSum" else "XYZ"[: len(wires)]
    builder.add(name, wires, {1: 0.7} if kind.parametric else {}, offset=0.2 * kind.parametric, word=word)
    return builder


def _state(ansatz: qvar.Ansatz, theta: np.ndarray) -> np.ndarray:
    @qml.qnode(qml.device("default.qubit", wires=ansatz.n_qubits))
    def node():
        for wire in range(N):
            qml.RX(0.4 + wire, wires=wire)  # no eigenstate of anything
        ansatz.circuit(theta)
        return qml.state()

    return np.asarray(node())


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_inverse_undoes_every_kind(name: str) -> None:
    gate = _one_gate(name).build()
    nothing = qvar.Ansatz("nothing", "generic", ProgramBuilder(N, 2).build())
    twice = ProgramBuilder(N, 2)
    twice.extend(gate)
    alone = qvar.Ansatz("gate", "generic", twice.build())
    twice.extend(gate, inverse=True)
    both = qvar.Ansatz("gate and inverse", "generic", twice.build())
    theta = np.array([0.3, 1.1])
    unchanged = _state(nothing, theta)
    np.testing.assert_allclose(_state(both, theta), unchanged, atol=1e-12)
    assert np.abs(_state(alone, theta) - unchanged).max() > 1e-2  # the gate does something


def test_extend_shifts_parameters_and_moves_wires() -> None:
    inner = ProgramBuilder(2, 1)
    inner.add("CRY", (0, 1), {0: 2.0}, offset=0.1)
    outer = ProgramBuilder(N, 3)
    outer.extend(inner.build(), shift=2, wires=(3, 1))
    program = outer.build()
    assert program.op_wires(0) == (3, 1)
    np.testing.assert_allclose(program.angles(jax.numpy.array([5.0, 6.0, 0.4])), [0.9])


def test_extend_refuses_angles_that_are_not_affine() -> None:
    def square(theta):
        qml.RX(theta[0] ** 2, wires=0)

    with pytest.warns(UserWarning, match="not affine"):
        ansatz = qvar.Ansatz.from_circuit(square, 1, 1)
    with pytest.raises(qvar.QvarError, match="`ansatz` must have angles that are affine"):
        ProgramBuilder(1, 1).extend(ansatz.program)


def test_starts_of_its_own(h2: qvar.Problem) -> None:
    key = jax.random.key(3)
    ansatz = dataclasses.replace(qvar.uccsd(h2), starts={"mine": lambda key: np.array([0.1, 0.2, 0.3])})
    np.testing.assert_array_equal(ansatz.initial(key, "mine"), [0.1, 0.2, 0.3])
    mine = ansatz.with_start("mine", name="uccsd mine")
    np.testing.assert_array_equal(mine.initial(key), [0.1, 0.2, 0.3])
    assert mine.name == "uccsd mine"
    assert mine.describe() != dataclasses.replace(mine, starts={"mine": lambda key: np.zeros(3)}).describe()
    assert np.abs(ansatz.initial(key, "gaussian")).max() < 0.1
    assert not ansatz.initial(key, "zero").any()
    with pytest.raises(qvar.QvarError, match=r"`start` must be one of 'uniform', 'gaussian', 'zero', .*'mine'"):
        ansatz.with_start("theirs")
    with pytest.raises(qvar.QvarError, match="`start` must be one of"):
        qvar.Ansatz.from_circuit(lambda theta: qml.RX(theta[0], wires=0), 1, 1, start="mp3")


def test_a_classical_tail_costs_nothing() -> None:
    builder = ProgramBuilder(N, 1)
    builder.add("CNOT", (0, 1))
    builder.add("FermionicSingleExcitation", (2, 0), {0: 2.0})
    program = builder.build()
    all_gates = qvar.Ansatz("a", "generic", program).resources()
    without = qvar.Ansatz("a", "generic", program, classical_tail=1).resources()
    assert without.two_qubit_gates == 1
    assert all_gates.two_qubit_gates > 1
