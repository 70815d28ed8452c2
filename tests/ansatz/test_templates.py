"""Circuits of other packages: PennyLane's against its templates, Qiskit's against its drawings and documented laws."""

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.templates import basic_entangler, efficient_su2, real_amplitudes, strongly_entangling
from qvar.engines.pennylane_reference import oracle

FOUR = {  # pairs of four qubits, as Qiskit's documentation of n_local draws them
    "full": [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)],
    "linear": [(0, 1), (1, 2), (2, 3)],
    "reverse_linear": [(2, 3), (1, 2), (0, 1)],
    "circular": [(3, 0), (0, 1), (1, 2), (2, 3)],
    "pairwise": [(0, 1), (2, 3), (1, 2)],
}


def _theta(ansatz: qvar.Ansatz) -> np.ndarray:
    return np.random.default_rng(3).uniform(-3, 3, ansatz.n_params)


def _pennylane_state(function, n: int) -> np.ndarray:
    @qml.qnode(qml.device("default.qubit", wires=n))
    def node() -> object:
        function()
        return qml.state()

    return np.asarray(node())


def _assert_same_state(ansatz: qvar.Ansatz, theta: np.ndarray, function) -> None:
    state = qvar.expectation(qml.Z(0), ansatz).state(theta)
    np.testing.assert_allclose(state, _pennylane_state(function, ansatz.n_qubits), atol=1e-12)


@pytest.mark.parametrize(("n", "layers"), [(1, 2), (2, 3), (3, 2), (4, 5)])
def test_strongly_entangling_is_pennylanes(n: int, layers: int) -> None:
    ansatz = strongly_entangling(n, layers=layers)
    theta = _theta(ansatz)
    weights = theta.reshape(qml.StronglyEntanglingLayers.shape(layers, n))
    _assert_same_state(ansatz, theta, lambda: qml.StronglyEntanglingLayers(weights, wires=range(n)))


@pytest.mark.parametrize(("n", "layers", "rotation"), [(1, 2, "RX"), (2, 3, "RY"), (3, 2, "RX"), (4, 2, "RZ")])
def test_basic_entangler_is_pennylanes(n: int, layers: int, rotation: str) -> None:
    ansatz = basic_entangler(n, layers=layers, rotation=rotation)
    theta = _theta(ansatz)
    weights = theta.reshape(qml.BasicEntanglerLayers.shape(layers, n))
    gate = getattr(qml, rotation)
    _assert_same_state(ansatz, theta, lambda: qml.BasicEntanglerLayers(weights, wires=range(n), rotation=gate))


@pytest.mark.parametrize("entanglement", FOUR)
def test_real_amplitudes_is_the_circuit_written_out(entanglement: str) -> None:
    ansatz = real_amplitudes(4, reps=2, entanglement=entanglement)
    theta = _theta(ansatz)

    def written() -> None:
        for layer, angles in enumerate(theta.reshape(3, 4)):
            for wire in range(4):
                qml.RY(angles[wire], wires=wire)
            for pair in FOUR[entanglement] if layer < 2 else []:
                qml.CNOT(pair)

    _assert_same_state(ansatz, theta, written)


def test_efficient_su2_of_three_qubits_as_qiskit_draws_it() -> None:
    ansatz = efficient_su2(3, reps=2)
    theta = _theta(ansatz)

    def drawn() -> None:
        for first in (0, 6, 12):  # the drawing ends with RY(θ[12]) RZ(θ[15]) on qubit 0
            for wire in range(3):
                qml.RY(theta[first + wire], wires=wire)
                qml.RZ(theta[first + 3 + wire], wires=wire)
            if first < 12:
                qml.CNOT([1, 2])
                qml.CNOT([0, 1])

    _assert_same_state(ansatz, theta, drawn)


def test_reverse_linear_is_full_with_fewer_gates() -> None:
    """Qiskit's documentation: CX with `full` is the same unitary as CX with `reverse_linear`."""
    full, short = (efficient_su2(5, reps=2, entanglement=e) for e in ("full", "reverse_linear"))
    theta = _theta(full)
    matrices = [np.asarray(qml.matrix(a.circuit, wire_order=range(5))(theta)) for a in (full, short)]
    np.testing.assert_allclose(*matrices, atol=1e-12)
    assert (full.resources().two_qubit_gates, short.resources().two_qubit_gates) == (2 * 10, 2 * 4)


def test_qiskits_defaults_and_counts() -> None:
    for n in (2, 3, 6):
        assert real_amplitudes(n).n_params == 4 * n
        assert efficient_su2(n).n_params == 8 * n
        assert real_amplitudes(n, reps=2, final_rotations=False).n_params == 2 * n
        assert efficient_su2(n, reps=1, su2_gates=("RX",)).n_params == 2 * n
        assert strongly_entangling(n, layers=4).n_params == 12 * n
        assert basic_entangler(n, layers=4).n_params == 4 * n
    assert real_amplitudes(6).resources().two_qubit_gates == 3 * 5
    assert real_amplitudes(2, reps=1, entanglement="circular").resources().two_qubit_gates == 1
    assert real_amplitudes(3).name == "real amplitudes reverse linear x3"


MAKERS = {
    "real_amplitudes": lambda p: real_amplitudes(p, reps=2, entanglement="circular"),
    "efficient_su2": lambda p: efficient_su2(p, reps=1),
    "strongly_entangling": lambda p: strongly_entangling(p, layers=2),
    "basic_entangler": lambda p: basic_entangler(p, layers=3),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_agrees_with_pennylane(h2: qvar.Problem, maker: str) -> None:
    ansatz = MAKERS[maker](h2)
    assert ansatz.program.reference == h2.reference_bits
    theta = _theta(ansatz)
    value, gradient = oracle(h2, ansatz)(theta)
    assert np.linalg.norm(gradient) > 1e-2
    ours, slope = qvar.energy(h2, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("maker", "layers"), [("real_amplitudes", 2), ("efficient_su2", 1), ("basic_entangler", 3)])
def test_zhang_start(maker: str, layers: int) -> None:
    ansatz = MAKERS[maker](qvar.tfim(6, j=1.0, h=1.0))
    theta = np.concatenate([ansatz.initial(jax.random.key(k), "zhang") for k in range(50)])
    assert np.mean(theta**2) * 4 * 2 * (layers + 2) == pytest.approx(1, abs=4 * np.sqrt(2 / theta.size))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: real_amplitudes.__wrapped__(4, entanglement="sca"),
            "`entanglement` must be 'full', 'linear', 'reverse_linear', 'circular' or 'pairwise', but is 'sca'.",
        ),
        (
            lambda: real_amplitudes.__wrapped__(4, entanglement=[(0, 1)]),
            "`entanglement` must be 'full', 'linear', 'reverse_linear', 'circular' or 'pairwise', but is [(0, 1)].",
        ),
        (lambda: real_amplitudes(4, reps=0), "`reps` must be at least 1, but is 0."),
        (lambda: real_amplitudes(1), "`n_qubits` must be at least 2, but is 1."),
        (
            lambda: efficient_su2(4, su2_gates=("RY", "X")),
            "`su2_gates` must be names out of RX, RY and RZ, but is ('RY', 'X').",
        ),
        (lambda: strongly_entangling(4, layers=0), "`layers` must be at least 1, but is 0."),
        (
            lambda: basic_entangler.__wrapped__(4, rotation="H"),
            "`rotation` must be 'RX', 'RY' or 'RZ', but is 'H'.",
        ),
        (lambda: basic_entangler(0), "`problem` must be at least 1, but is 0."),
    ],
)
def test_mistakes(make, sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        make()
    assert str(caught.value) == sentence
