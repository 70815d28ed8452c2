"""States of circuits without a problem: where they live, and that they are PennyLane's."""

from __future__ import annotations

from math import comb

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.engines.conserved import conserved_sector
from qvar.engines.occupation_strings import occupation_strings, register_layout
from qvar.engines.states import ansatz_states


def _hopping(n_qubits: int) -> qvar.Ansatz:
    """Conserves the number of ones, which is 2, and not that on even wires."""

    def function(theta):
        qml.BasisState(np.array([1, 1] + [0] * (n_qubits - 2)), wires=range(n_qubits))
        for wire in range(n_qubits - 1):
            qml.SingleExcitation(theta[2 * wire], wires=[wire, wire + 1])
            qml.PhaseShift(theta[2 * wire + 1], wires=wire + 1)

    return qvar.Ansatz.from_circuit(function, n_qubits, 2 * n_qubits - 2)


def _pennylane(ansatz: qvar.Ansatz, theta: jax.Array) -> np.ndarray:
    @qml.qnode(qml.device("default.qubit", wires=ansatz.n_qubits))
    def state(theta):
        ansatz.circuit(theta)
        return qml.state()

    return np.asarray(state(np.asarray(theta)))


def test_the_smallest_sector_that_is_known(h4: qvar.Problem) -> None:
    electrons = conserved_sector(qvar.gate_fabric(h4, layers=1).program)
    assert electrons is not None
    assert (electrons.ones, electrons.dimension) == ((2, 2), 36)
    for n in (4, 5):
        ones = conserved_sector(_hopping(n).program)
        assert ones is not None
        assert (ones.ones, ones.dimension) == ((2, 0), comb(n, 2))
    assert conserved_sector(qvar.sim_circuit(4, number=1, layers=1).program) is None


def test_states_are_pennylanes(h4: qvar.Problem) -> None:
    for ansatz in (
        qvar.gate_fabric(h4, layers=2),
        _hopping(5),
        qvar.sim_circuit(4, number=6, layers=1),
        qvar.random_circuit(3, layers=4, key=jax.random.key(0)),
    ):
        for engine in ("dense", "auto"):
            states = ansatz_states(ansatz, engine)
            thetas = states.draw(jax.random.key(1), 2, "uniform")
            for theta, state in zip(thetas, np.asarray(states.states(thetas)), strict=True):
                register = np.zeros(1 << ansatz.n_qubits, dtype=complex)
                if states.sector is None:
                    register[:] = state
                elif ansatz.n_qubits == 8:  # electrons
                    strings = occupation_strings(4, 2)
                    index, sign = register_layout(strings, strings, 4)
                    register[index] = sign * state
                else:
                    register[occupation_strings(5, 2)] = state[:, 0]
                np.testing.assert_allclose(register, _pennylane(ansatz, theta), rtol=0, atol=1e-12)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    states = ansatz_states(_hopping(4))
    thetas = states.draw(jax.random.key(0), 5)
    expected = states.states(thetas)
    for limit in ("1", "5MB"):  # chunks of 1, and of 2, the last padded
        monkeypatch.setenv("QVAR_MEMORY", limit)
        found = states.states(thetas)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_starts(h4: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h4)
    states, key = ansatz_states(ansatz), jax.random.key(0)
    assert states.draw(key, 3, "uniform").std() > 1
    assert not states.draw(key, 3, "zero").any()
    mp2 = states.draw(key, 3, "mp2")  # leaves JAX
    np.testing.assert_array_equal(mp2, np.stack([ansatz.initial(key, "mp2")] * 3))


def test_mistakes() -> None:
    with pytest.raises(qvar.QvarError, match=r"^`n_qubits` must be at most 30 in the dense engine, but is 40\.$"):
        ansatz_states(qvar.sim_circuit(40, number=1, layers=1))
    with pytest.raises(qvar.QvarError, match=r"^`n` must be at least 1, but is 0\.$"):
        ansatz_states(qvar.sim_circuit(4, number=1, layers=1)).draw(jax.random.key(0), 0)
