"""The dense engine in layers against the same circuit operation by operation, in NumPy, and against PennyLane."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from twin import slopes, twin_state

import qvar
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.engines import dense
from qvar.engines.dense import dense_circuit
from qvar.engines.mask_operations import mask_circuit
from qvar.engines.pennylane_reference import oracle


def _random_program(n: int, n_ops: int, seed: int, names: tuple[str, ...] | None = None) -> Program:
    """Any kinds on any wires; three parameters that many gates share."""
    rng = np.random.default_rng(seed)
    one_by_one = [kind for kind in KINDS if kind.name != "ExcitationSum"]  # that has a test of its own
    kinds = [kind for kind in one_by_one if (kind.n_wires or 1) <= n and (names is None or kind.name in names)]
    builder = ProgramBuilder(n, 3, rng.integers(0, 2, n).tolist())
    for index in range(n_ops):
        kind = kinds[rng.integers(len(kinds))]
        wires = rng.permutation(n)[: kind.n_wires or rng.integers(1, n + 1)].tolist()
        word = "".join(rng.choice(list("XYZI"), len(wires))) if kind.name == "PauliRot" else ""
        angle = {index % 3: float(rng.choice([1.0, -0.5, 2.0]))} if kind.parametric else {}
        wires = [] if kind.name == "GlobalPhase" else wires
        builder.add(kind.name, wires, angle, offset=0.25 * kind.parametric, word=word)
    return builder.build()


def _probes(n: int) -> tuple[jax.Array, jax.Array]:
    """A linear function of the state sees every amplitude and its phase."""
    rng = np.random.default_rng(17)
    return jnp.asarray(rng.normal(size=1 << n)), jnp.asarray(rng.normal(size=1 << n))


def _phi(program: Program, theta: jax.Array) -> jax.Array:
    lowered = program.lowered
    return jnp.asarray(lowered.factor) * program.angles(theta)[lowered.slot] + jnp.asarray(lowered.constant)


def _seen(state: jax.Array) -> jax.Array:
    p, q = _probes(len(state).bit_length() - 1)
    return jnp.sum(p * jnp.real(state)) + jnp.sum(q * jnp.imag(state))


def _fused(program: Program) -> Callable[[jax.Array], jax.Array]:
    circuit, reference, tables = dense_circuit(program, complex_state=True)
    return lambda theta: _seen(circuit(reference, _phi(program, theta), tables))


def _unfused(program: Program) -> Callable[[jax.Array], jax.Array]:
    circuit, reference, tables = mask_circuit(program, real=False)
    return lambda theta: _seen(circuit(reference, _phi(program, theta), tables))


def _agree(program: Program, seed: int = 0) -> None:
    theta = np.random.default_rng(seed).uniform(-2.0, 2.0, program.n_params)
    value, gradient = jax.jit(jax.value_and_grad(_fused(program)))(jnp.asarray(theta))
    p, q = map(np.asarray, _probes(program.n_qubits))

    def twin(theta: np.ndarray) -> float:
        state = twin_state(program, theta)
        return p @ state.real + q @ state.imag

    assert float(value) == pytest.approx(twin(theta), abs=1e-10)
    np.testing.assert_allclose(gradient, slopes(twin, theta), rtol=0, atol=1e-8)


LAYERED = (
    *("RX", "RY", "RZ", "PhaseShift", "GlobalPhase", "PauliX", "PauliY", "PauliZ", "Hadamard", "S", "T", "SX"),
    *("CNOT", "CY", "CZ", "SWAP", "ISWAP", "CCZ", "CRZ", "ControlledPhaseShift", "IsingZZ", "MultiRZ"),
)
"""Kinds of which nothing is left to single operations."""


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers wherever they are possible, worth it or not."""
    monkeypatch.setattr(dense, "FEWEST_ROTATIONS", 1)
    monkeypatch.setattr(dense, "LEAST_GAIN", 0.0)


@pytest.mark.usefixtures("layers")
@pytest.mark.parametrize(("n", "seed"), [(1, 0), (2, 1), (3, 0), (6, 1)])
def test_random_programs_of_every_kind(n: int, seed: int) -> None:
    _agree(_random_program(n, 50, seed))


@pytest.mark.parametrize("n", [1, 4])
def test_random_programs_as_they_are_run(n: int) -> None:
    _agree(_random_program(n, 50, 2))


@pytest.mark.usefixtures("layers")
@pytest.mark.parametrize(("n", "seed"), [(4, 0), (11, 2)])
def test_random_programs_in_layers(n: int, seed: int) -> None:
    program = _random_program(n, 90, seed, LAYERED)
    circuit, _, _ = dense_circuit(program, complex_state=False)
    assert not any(kind.single for classes in circuit.plan.runs for kind in classes)
    _agree(program)


@pytest.mark.usefixtures("layers")
@pytest.mark.parametrize("n", [1, 6])
def test_real_programs_take_one_plane(n: int) -> None:
    names = ("RY", "PauliX", "PauliZ", "CNOT", "CZ", "SWAP", "Hadamard", "CCZ", "CRY", "Toffoli", "SingleExcitation")
    program = _random_program(n, 40, 3, names)
    circuit, reference, tables = dense_circuit(program, complex_state=False)
    assert circuit.plan.n_planes == 1
    assert (
        jax.eval_shape(lambda t: circuit(reference, _phi(program, t), tables), np.ones(3)).dtype
        == jnp.real(jnp.zeros(0)).dtype
    )
    _agree(program)


@pytest.mark.parametrize("entangler", ["cnot_brick", "iswap_all", "cz_all"])
def test_hardware_efficient_against_pennylane(entangler: qvar.ansatz.hardware_efficient.Entangler) -> None:
    ansatz = qvar.hardware_efficient(7, layers=2, rotations=("RX", "RY", "RZ"), entangler=entangler)
    observable = 0.7 * qml.X(0) @ qml.Y(3) - 0.4 * qml.Z(1) @ qml.Z(6) + 0.2 * qml.Y(2)
    theta = np.random.default_rng(2).uniform(-2.0, 2.0, ansatz.n_params)
    value, gradient = oracle(observable, ansatz)(theta)
    ours, slope = qvar.expectation(observable, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)
    word = qml.pauli.PauliWord({3: "Y", 0: "X"})
    for given in (word, qml.pauli.PauliSentence({word: 0.7, qml.pauli.PauliWord({2: "Y"}): 0.2})):
        value, gradient = oracle(given, ansatz)(theta)
        ours, slope = qvar.expectation(given, ansatz).value_and_grad(theta)
        assert float(ours) == pytest.approx(value, abs=1e-10)
        np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


def test_more_signs_across_the_cut_than_one_integer_packs() -> None:
    n = 12
    builder = ProgramBuilder(n, 1)
    for wire in range(n):
        builder.add("RY", (wire,), {0: 1.0 + 0.1 * wire})
    for first in range(6):
        for second in range(6, n):
            for third in range(second + 1, n):
                builder.add("CCZ", (first, second, third))
    for wire in range(n):
        builder.add("RY", (wire,), {0: 0.3})
    program = builder.build()
    _, _, tables = dense_circuit(program, complex_state=False)
    assert tables["phases"]["low_code"].shape[1] == 1  # 15 pairs of low wires
    _agree(program)


def test_codes_of_several_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    from qvar.engines import dense_tables

    monkeypatch.setattr(dense_tables, "CODE_BITS", 2)
    program = qvar.hardware_efficient(7, layers=2, entangler="cz_all").program
    _, _, tables = dense_circuit(program, complex_state=False)
    assert tables["phases"]["low_code"].shape[1] == 2  # three low wires
    _agree(program)


@pytest.mark.usefixtures("layers")
@pytest.mark.parametrize("n", [1, 2])
def test_no_operations_and_no_parameters(n: int) -> None:
    empty = ProgramBuilder(n, 0, [1] + [0] * (n - 1)).build()
    circuit, reference, tables = dense_circuit(empty, complex_state=True)
    state = np.asarray(jax.jit(circuit)(reference, _phi(empty, jnp.zeros(0)), tables))
    assert state[1 << (n - 1)] == 1.0
    assert np.linalg.norm(state) == 1.0
    _agree(empty)
    fixed = ProgramBuilder(n, 0)
    fixed.add("Hadamard", (0,))
    fixed.add("S", (n - 1,))
    _agree(fixed.build())


@pytest.mark.usefixtures("layers")
def test_batches_of_derivatives() -> None:
    program = _random_program(6, 40, 5)
    thetas = jnp.asarray(np.random.default_rng(3).uniform(-2.0, 2.0, (4, 3)))
    batch = jax.jit(jax.vmap(jax.value_and_grad(_fused(program))))(thetas)
    one = jax.jit(jax.value_and_grad(_unfused(program)))
    for index, theta in enumerate(thetas):
        value, gradient = one(theta)
        assert float(batch[0][index]) == pytest.approx(float(value), abs=1e-10)
        np.testing.assert_allclose(batch[1][index], gradient, rtol=0, atol=1e-8)


@pytest.mark.usefixtures("layers")
def test_reversed_circuit_returns_to_the_reference() -> None:
    program = _random_program(6, 40, 8)
    there_and_back = ProgramBuilder(6, 3, program.reference)
    there_and_back.extend(program)
    there_and_back.extend(program, inverse=True)
    whole = there_and_back.build()
    circuit, reference, tables = dense_circuit(whole, complex_state=True)
    state = np.asarray(
        jax.jit(lambda theta: circuit(reference, _phi(whole, theta), tables))(np.array([0.3, -1.0, 2.0]))
    )
    np.testing.assert_allclose(abs(state), np.arange(64) == int(reference), atol=1e-12)


def test_layers_are_found() -> None:
    """Twenty layers of rotations and chains are twenty-two steps, however they are ordered."""
    circuit, _, tables = dense_circuit(qvar.hardware_efficient(8, layers=20).program, complex_state=False)
    assert tables["starts"][-1] == 22
    assert max(tables["slots"]["permutation"]) == 0  # all chains are one map
    assert sum(map(len, circuit.plan.runs)) == 3
    zz = qvar.hva(qvar.tfim(12, j=1.0, h=0.5, periodic=True), layers=5).program
    circuit, _, tables = dense_circuit(zz, complex_state=False)
    assert tables["starts"][-1] <= 7


def test_memory_does_not_grow_with_depth() -> None:
    """Scratch memory of a gradient, in states of 2^16 complex amplitudes."""
    state = 16 << 16
    used = []
    for layers in (2, 12):
        objective = qvar.expectation(qml.Z(0), qvar.hardware_efficient(16, layers=layers))
        theta = jnp.zeros(objective.n_params)
        compiled = jax.jit(jax.value_and_grad(objective.function)).lower(theta, objective.data).compile()
        used.append(compiled.memory_analysis().temp_size_in_bytes / state)
    assert max(used) < 8.0
    assert used[1] - used[0] < 0.5
