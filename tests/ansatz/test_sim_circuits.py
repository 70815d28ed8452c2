"""The circuits of Sim et al. 2019: figure 2 written out, the paper's counts, and what is known of their states."""

from math import gcd

import jax
import numpy as np
import pytest
from twin import slopes, twin_state

import qvar
from qvar.ansatz.gates import KINDS
from qvar.ansatz.sim_circuits import sim_circuit
from qvar.diagnostics.entanglement import entangling_capability
from qvar.diagnostics.expressive_power import expressibility
from qvar.engines.pennylane_reference import oracle

KEY = jax.random.key(19)

LINE, ROWS = "32 21 10", "10 32"
ALL = "32 31 30 23 21 20 13 12 10 03 02 01"
RING, BACK = "30 23 12 01", "32 03 10 21"
FIGURE = {  # one layer of four qubits; gates with pairs of control and target, others act on every qubit
    1: "RX; RZ",
    2: f"RX; RZ; CNOT {LINE}",
    3: f"RX; RZ; CRZ {LINE}",
    4: f"RX; RZ; CRX {LINE}",
    5: f"RX; RZ; CRZ {ALL}; RX; RZ",
    6: f"RX; RZ; CRX {ALL}; RX; RZ",
    7: f"RX; RZ; CRZ {ROWS}; RX; RZ; CRZ 21",
    8: f"RX; RZ; CRX {ROWS}; RX; RZ; CRX 21",
    9: f"Hadamard; CZ {LINE}; RX",
    10: f"RY; CZ {LINE} 03; RY",
    11: f"RY; RZ; CNOT {ROWS}; RY 1 2; RZ 1 2; CNOT 21",
    12: f"RY; RZ; CZ {ROWS}; RY 1 2; RZ 1 2; CZ 21",
    13: f"RY; CRZ {RING}; RY; CRZ {BACK}",
    14: f"RY; CRX {RING}; RY; CRX {BACK}",
    15: f"RY; CNOT {RING}; RY; CNOT {BACK}",
    16: f"RX; RZ; CRZ {ROWS}; CRZ 21",
    17: f"RX; RZ; CRX {ROWS}; CRX 21",
    18: f"RX; RZ; CRZ {RING}",
    19: f"RX; RZ; CRX {RING}",
}
COUNTS = {  # parameters and two-qubit gates of L layers, as the paper's table of costs has them
    1: lambda n, L: (2 * n * L, 0),
    2: lambda n, L: (2 * n * L, (n - 1) * L),
    3: lambda n, L: ((3 * n - 1) * L, (n - 1) * L),
    5: lambda n, L: ((n**2 + 3 * n) * L, (n**2 - n) * L),
    7: lambda n, L: ((5 * n - 1) * L, (n - 1) * L),
    9: lambda n, L: (n * L, (n - 1) * L),
    10: lambda n, L: (n + n * L, n * L),
    11: lambda n, L: ((4 * n - 4) * L, (n - 1) * L),
    13: lambda n, L: ((3 * n + n // gcd(n, 3)) * L, (n + n // gcd(n, 3)) * L),
    15: lambda n, L: (2 * n * L, (n + n // gcd(n, 3)) * L),
    16: lambda n, L: ((3 * n - 1) * L, (n - 1) * L),
    18: lambda n, L: (3 * n * L, n * L),
}
COUNTS |= {a: COUNTS[b] for a, b in {4: 3, 6: 5, 8: 7, 12: 11, 14: 13, 17: 16, 19: 18}.items()}
EVERY = range(1, 20)


def _gates(ansatz: qvar.Ansatz) -> list[tuple[str, tuple[int, ...]]]:
    program = ansatz.program
    return [(KINDS[kind].name, program.op_wires(k)) for k, kind in enumerate(program.kind)]


@pytest.mark.parametrize("number", EVERY)
def test_four_qubits_are_figure_two(number: int) -> None:
    drawn = []
    for part in FIGURE[number].split("; "):
        gate, *on = part.split()
        drawn += [(gate, tuple(map(int, wires))) for wires in on or "0123"]
    ansatz = sim_circuit(4, number=number, layers=1)
    assert _gates(ansatz) == drawn
    parametric = [k for k, (gate, _) in enumerate(drawn) if gate.startswith(("R", "CR"))]
    assert ansatz.program.angle_op.tolist() == parametric  # one parameter each, in the order of the gates
    assert ansatz.program.angle_param.tolist() == list(range(len(parametric)))


@pytest.mark.parametrize("number", EVERY)
@pytest.mark.parametrize("layers", [1, 3])
def test_counts_are_the_papers(number: int, layers: int) -> None:
    for n in range(2, 9):
        if (n == 3 and number in (13, 14, 15)) or (n == 2 and number == 10):
            continue  # where the figure has no sequel, see below
        ansatz = sim_circuit(n, number=number, layers=layers)
        assert (ansatz.n_params, sum(len(wires) == 2 for _, wires in _gates(ansatz))) == COUNTS[number](n, layers)


def test_where_the_pattern_ends() -> None:
    for number in (13, 14, 15):
        with pytest.raises(qvar.QvarError, match=rf"^`n_qubits` must allow a ring .* circuit {number}, but is 3\.$"):
            sim_circuit(3, number=number, layers=1)
    assert sim_circuit(2, number=10, layers=1).resources().two_qubit_gates == 1
    assert _gates(sim_circuit(6, number=15, layers=1))[18:] == [("CNOT", (5, 2)), ("CNOT", (2, 5))]


@pytest.mark.parametrize("number", EVERY)
def test_agrees_with_pennylane(h2: qvar.Problem, number: int) -> None:
    ansatz = sim_circuit(h2, number=number, layers=2)
    assert ansatz.program.reference == (1, 1, 0, 0)
    theta = np.random.default_rng(number).uniform(-3, 3, ansatz.n_params)
    value, gradient = oracle(h2, ansatz)(theta)
    assert np.linalg.norm(gradient) > 1e-2
    if number in (2, 6, 9, 13):  # among them they have every gate
        ours, slope = qvar.energy(h2, ansatz).value_and_grad(theta)
    else:
        matrix = h2.hamiltonian().sparse_matrix(wire_order=range(4))

        def energy(theta: np.ndarray) -> float:
            state = twin_state(ansatz.program, theta)
            return np.vdot(state, matrix @ state).real

        ours, slope = energy(theta), slopes(energy, theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


def test_entangling_capability() -> None:
    """Circuit 2, independent angles: Bloch vectors of a qubit after RX, RZ have mean squares (1/4, 1/4, 1/2).

    Pulled back through the CNOTs, the qubits' nine Pauli words become products of these; the mean squared
    lengths are 5/8, 11/32, 13/64 and 11/32 for qubits 3, 2, 1, 0, so Q = 1 - 97/256.
    """
    for number, always in [(1, 0), (9, 1)]:
        found = entangling_capability(sim_circuit(4, number=number, layers=1), key=KEY, samples=100)
        assert (found.value, *found.interval) == pytest.approx((always,) * 3, abs=1e-12)
    for number, published in [(2, 0.618), (14, 0.541)]:  # estimates themselves, from some thousand states
        found = entangling_capability(sim_circuit(4, number=number, layers=1), key=KEY, samples=5000)
        four_errors = found.high - found.low
        assert abs(found.value - published) < np.sqrt(2) * four_errors
        if number == 2:
            assert abs(found.value - (1 - 97 / 256)) < four_errors


@pytest.mark.parametrize(("number", "published"), [(1, 0.30), (2, 0.28), (9, 0.675), (14, 0.013)])
def test_expressibility(number: int, published: float) -> None:
    """The mean of eight divergences, 5000 pairs and 75 bins each, as published."""
    found = [expressibility(sim_circuit(4, number=number, layers=1), key=key).value for key in jax.random.split(KEY, 8)]
    assert np.mean(found) == pytest.approx(published, rel=0.25)


def test_names_and_starts() -> None:
    ansatz = sim_circuit(4, number=6, layers=2)
    assert ansatz.name == "sim circuit 6 x2"
    assert ansatz.family == "generic"
    assert ansatz.settings == {"number": 6, "n_qubits": 4, "layers": 2}
    theta = np.concatenate([ansatz.initial(jax.random.key(k), "zhang") for k in range(40)])
    assert np.mean(theta**2) * 4 * 4 * 4 == pytest.approx(1, abs=4 * np.sqrt(2 / theta.size))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"problem": 4, "number": 0}, "`number` must be from 1 to 19, but is 0."),
        ({"problem": 4, "number": 20}, "`number` must be from 1 to 19, but is 20."),
        ({"problem": 1, "number": 2}, "`n_qubits` must be at least 2, but is 1."),
        ({"problem": 4, "number": 2, "layers": 0}, "`layers` must be at least 1, but is 0."),
    ],
)
def test_mistakes(arguments: dict, sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        sim_circuit(**arguments)
    assert str(caught.value) == sentence
