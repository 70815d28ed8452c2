"""Hardware-efficient circuits: every gate and pattern against circuits written out, and the start of Zhang et al."""

import typing

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.hardware_efficient import Entangler, hardware_efficient
from qvar.engines.pennylane_reference import oracle

GATES = {"cnot": qml.CNOT, "cz": qml.CZ, "iswap": qml.ISWAP}
PAIRS = {  # of five qubits, in the first and in the second layer
    "chain": [[(0, 1), (1, 2), (2, 3), (3, 4)]] * 2,
    "ring": [[(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]] * 2,
    "all": [[(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]] * 2,
    "brick": [[(0, 1), (2, 3)], [(1, 2), (3, 4)]],
}
ENTANGLERS = typing.get_args(Entangler)


def test_every_gate_has_every_pattern() -> None:
    assert sorted(ENTANGLERS) == sorted(f"{gate}_{pattern}" for gate in GATES for pattern in PAIRS)


@pytest.mark.parametrize("entangler", ENTANGLERS)
def test_state_is_that_of_the_circuit_written_out(entangler: str) -> None:
    gate, pattern = entangler.split("_")
    theta = np.random.default_rng(5).uniform(-3, 3, (2, 2, 5))

    @qml.qnode(qml.device("default.qubit", wires=5))
    def written() -> object:
        for layer in range(2):
            for wire in range(5):
                qml.RX(theta[layer, 0, wire], wires=wire)
                qml.RY(theta[layer, 1, wire], wires=wire)
            for pair in PAIRS[pattern][layer]:
                GATES[gate](wires=pair)
        return qml.state()

    ansatz = hardware_efficient(5, layers=2, rotations=("RX", "RY"), entangler=entangler, final_rotations=False)
    state = qvar.expectation(qml.Z(0), ansatz).state(theta.ravel())
    np.testing.assert_allclose(state, written(), atol=1e-12)


@pytest.mark.parametrize("entangler", ["cnot_all", "cz_brick", "iswap_chain", "iswap_brick"])
def test_agrees_with_pennylane(h2: qvar.Problem, entangler: str) -> None:
    ansatz = hardware_efficient(h2, layers=3, entangler=entangler)
    theta = np.random.default_rng(7).uniform(-1, 1, ansatz.n_params)
    value, gradient = oracle(h2, ansatz)(theta)
    assert np.linalg.norm(gradient) > 1e-2
    ours, slope = qvar.energy(h2, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize("rotations", [("RY",), ("RX", "RZ"), ("RZ", "RY", "RZ")])
def test_number_of_parameters(rotations: tuple[str, ...], final: bool) -> None:
    for n, layers in [(2, 1), (3, 4), (6, 2)]:
        ansatz = hardware_efficient(n, layers=layers, rotations=rotations, final_rotations=final)
        assert ansatz.n_params == n * len(rotations) * (layers + final)


@pytest.mark.parametrize(
    ("entangler", "gates"),
    [("cz_chain", 3), ("cz_ring", 3), ("cz_all", 3), ("cz_brick", 2)],  # three layers of two qubits: one pair
)
def test_two_qubits_have_one_pair(entangler: str, gates: int) -> None:
    assert hardware_efficient(2, layers=3, entangler=entangler).resources().two_qubit_gates == gates


def test_defaults() -> None:
    ansatz = hardware_efficient(3)
    assert ansatz.name == "ry+rz cnot chain x2"
    assert ansatz.start == "uniform"
    assert ansatz.settings == {
        "layers": 2,
        "rotations": ["RY", "RZ"],
        "entangler": "cnot_chain",
        "final_rotations": True,
    }
    assert ansatz.program.reference == (0, 0, 0)
    assert [ansatz.program.op_wires(k) for k in range(8)] == [(0,), (1,), (2,), (0,), (1,), (2,), (0, 1), (1, 2)]


@pytest.mark.parametrize("entangler", ["xx_chain", "cnot", "cnot_star", "chain", "cz_ring_", "", None])
def test_unknown_entanglers(entangler: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        hardware_efficient.__wrapped__(4, entangler=entangler)  # as users have it, without type checks
    assert str(caught.value).startswith("`entangler` must be 'cnot_chain', ")
    assert f", but is {entangler!r}" in str(caught.value)


def test_a_string_is_no_list_of_rotations() -> None:
    with pytest.raises(qvar.QvarError, match=r"^`rotations` must be names out of RX, RY and RZ, but is 'RX'\.$"):
        hardware_efficient(4, rotations="RX")


@pytest.mark.parametrize(
    ("problem", "weight"),
    [
        (6, 6),
        (qvar.tfim(6, j=1.0, h=1.0, periodic=False), 2),  # XX terms act on two qubits
        (qvar.tfim(6, j=0.0, h=1.0, periodic=False), None),
        (qvar.molecule("H 0 0 0; H 0 0 0.7414"), 4),
    ],
)
def test_zhang_start(problem: qvar.Problem | int, weight: int | None) -> None:
    """Variance 1 / (4 S (L + 2)); sample variance of a normal within four standard errors, sqrt(2 / n) each."""
    if weight is None:  # vanishing couplings may be left out of the Hamiltonian, or not
        assert isinstance(problem, qvar.Problem)
        assert problem.pauli is not None
        weight = max(sum(letter != "I" for letter in word) for word in problem.pauli.words)
    ansatz = hardware_efficient(problem, layers=1)
    draw = jax.vmap(lambda key: ansatz.initial(key, "zhang"))
    theta = np.asarray(draw(jax.random.split(jax.random.key(0), 400)))
    expected = 1 / (4 * weight * 3)
    assert np.mean(theta**2) / expected == pytest.approx(1, abs=4 * np.sqrt(2 / theta.size))
    assert np.mean(theta**4) / expected**2 == pytest.approx(3, abs=4 * np.sqrt(96 / theta.size))
    assert ansatz.with_start("zhang").initial(jax.random.key(0)).tolist() == draw(jax.random.key(0)[None])[0].tolist()
