import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.program import ProgramBuilder
from qvar.diagnostics.conjugation import Frame
from qvar.diagnostics.lie_generators import circuit_generators
from qvar.diagnostics.lie_states import prepared, read_amplitudes
from qvar.pauli import PauliSum, commute, product, word_sum
from qvar.problems.fermion_mapping import pauli_terms

PAULI = {"I": np.eye(2), "X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1])}


def dense(operator: PauliSum) -> np.ndarray:
    total = np.zeros((2**operator.n_qubits,) * 2, dtype=complex)
    for word, coefficient in zip(operator.words, operator.coefficients, strict=True):
        matrix = np.eye(1)
        for letter in word:
            matrix = np.kron(matrix, PAULI[letter])
        total += coefficient * matrix
    return total


def exponential(generator: PauliSum, angle: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(dense(generator))
    return (vectors * np.exp(-1j * angle * values)) @ vectors.conj().T


def random_sum(rng: np.random.Generator, n: int, terms: int) -> PauliSum:
    words = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(terms)]
    return word_sum(words, rng.normal(size=terms))


@pytest.mark.parametrize("seed", range(5))
def test_products_are_those_of_matrices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = random_sum(rng, 3, 4), random_sum(rng, 3, 3)
    np.testing.assert_allclose(dense(product(a, b)), dense(a) @ dense(b), atol=1e-13)
    assert commute(a, b) == np.allclose(dense(a) @ dense(b), dense(b) @ dense(a))


def test_sums_may_commute_though_their_strings_do_not() -> None:
    assert commute(word_sum(["XX", "YY"], [1.0, 1.0]), word_sum(["ZI", "IZ"], [0.5, 0.5]))
    assert not commute(word_sum(["XX", "YY"], [1.0, 1.0]), word_sum(["ZI", "IZ"], [0.5, 0.4]))


def everything() -> ProgramBuilder:
    """Every way in which gates can be fixed or free, in between each other."""
    builder = ProgramBuilder(4, 6, (1, 0, 1, 0))
    builder.add("Hadamard", (1,))
    builder.add("FermionicSingleExcitation", (3, 0), offset=0.4)
    builder.add("RX", (0,), {0: 1.0}, offset=0.3)
    builder.add("T", (0,))
    builder.add("CNOT", (0, 2))
    builder.add("CRY", (2, 1), {1: -0.5})
    builder.add("ISWAP", (1, 3))
    builder.add("SX", (3,))
    builder.add("FermionicDoubleExcitation", (0, 3, 1, 2), {2: 2.0}, offset=-0.7)
    builder.add("Toffoli", (0, 1, 3))
    builder.add("IsingXY", (0, 3), {3: 1.0, 0: 0.25})
    builder.add("CSWAP", (2, 0, 1))
    builder.add("PauliRot", (0, 1, 3), {4: 1.0}, word="XYZ")
    builder.add("CY", (3, 0))
    builder.add("ControlledPhaseShift", (1, 2), {5: 1.0}, offset=0.2)
    builder.add("S", (2,))
    builder.add("SingleExcitation", (2, 0), {4: 0.5})
    builder.add("CZ", (0, 1))
    builder.add("GlobalPhase", (), {5: 1.0})
    return builder


def test_generators_and_frame_make_the_circuit() -> None:
    ansatz = qvar.Ansatz("everything", "generic", everything().build())
    parts = circuit_generators(ansatz)
    assert len(parts.generators) == 8  # RX, CRY, double, two of IsingXY, PauliRot, phase, single
    observable = qml.dot([0.3, 1.1, -0.4], [qml.X(0) @ qml.Y(2), qml.Z(1), qml.Z(0) @ qml.Z(3) @ qml.X(1)])
    theta = np.random.default_rng(3).uniform(-3, 3, 6)

    @qml.qnode(qml.device("default.qubit", wires=4))
    def loss(theta: np.ndarray) -> object:
        ansatz.circuit(theta)
        return qml.expval(observable)

    start = prepared(read_amplitudes(ansatz.program.reference, 4, None), parts.preparation)
    state = np.zeros(16, dtype=complex)
    state[start.index] = start.values
    for generator, param in zip(parts.generators, parts.params, strict=True):
        state = exponential(generator, theta[param]) @ state
    terms = pauli_terms(observable, 4)
    turned = dense(parts.frame(word_sum(terms.words, terms.coefficients)))
    assert np.real(state.conj() @ turned @ state) == pytest.approx(float(loss(theta)), abs=1e-10)


def test_clifford_frames_keep_strings_single() -> None:
    program = qvar.hardware_efficient(6, layers=8, rotations=("RY", "RZ"), entangler="cnot_ring")
    parts = circuit_generators(program)
    assert len(parts.generators) == 6 * 2 * 9
    assert all(len(one.x) == 1 for one in parts.generators)
    assert {float(np.abs(one.coefficients[0])) for one in parts.generators} == {0.5}
    assert parts.preparation == ()


def test_gates_of_one_parameter_that_are_adjacent_are_one_generator() -> None:
    parts = circuit_generators(qvar.hva(qvar.tfim(4, periodic=True), layers=2))
    assert parts.params == (0, 1, 2, 3)
    assert sorted(parts.generators[0].words) == ["IIZZ", "IZZI", "ZIIZ", "ZZII"]
    assert sorted(parts.generators[1].words) == ["IIIX", "IIXI", "IXII", "XIII"]
    assert len(parts.preparation) == 8  # two operations for every Hadamard


def test_gates_hop_over_what_they_commute_with_only() -> None:
    builder = ProgramBuilder(3, 2)
    builder.add("RZ", (0,), {0: 1.0})
    builder.add("RX", (1,), {1: 1.0})
    builder.add("IsingZZ", (0, 2), {0: 3.0})  # hops over RX(1) to RZ(0)
    builder.add("RX", (0,), {1: 1.0})  # and so leaves RX(1) and RX(0) together
    builder.add("RZ", (0,), {0: 1.0})  # cannot hop over RX(0)
    parts = circuit_generators(qvar.Ansatz("tied", "generic", builder.build()))
    assert parts.params == (0, 1, 0)
    first = dict(zip(parts.generators[0].words, parts.generators[0].coefficients.real, strict=True))
    assert first == {"ZII": 0.5, "ZIZ": 1.5}
    assert sorted(parts.generators[1].words) == ["IXI", "XII"]


def test_frames_of_rotations_are_right_and_bounded() -> None:
    frame = Frame(2)
    builder = ProgramBuilder(2, 1)
    builder.add("RX", (0,), {0: 1.0})
    for _ in range(8):  # RY(pi/4) eight times is minus one
        builder.add("RY", (0,), offset=np.pi / 4)
    builder.add("RX", (0,), {0: 1.0})
    parts = circuit_generators(qvar.Ansatz("turned", "generic", builder.build()))
    assert len(parts.generators) == 1
    assert frame(parts.generators[0]) is parts.generators[0]
    np.testing.assert_allclose(dense(parts.generators[0]), dense(word_sum(["XI"], [1.0])), atol=1e-12)


def test_refusals() -> None:
    with pytest.raises(qvar.QvarError, match="free angle"):
        circuit_generators(qvar.Ansatz("fixed", "generic", ProgramBuilder(2, 0).build()))
    with pytest.warns(UserWarning, match="not affine"):
        curved = qvar.Ansatz.from_circuit(lambda theta: qml.RX(theta[0] ** 2, 0), 1, 1)
    with pytest.raises(qvar.QvarError, match="affine"):
        circuit_generators(curved)
