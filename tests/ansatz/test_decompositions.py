"""Published circuits: equal to their operations, and counted as the literature counts them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.decompositions import Operation, decomposition
from qvar.ansatz.elementary import elementary
from qvar.ansatz.gates import KIND_INDEX, KINDS
from qvar.ansatz.pennylane_io import emit, emit_elementary
from qvar.ansatz.pool_elements import program_of as pool_program
from qvar.ansatz.pools import POOL_NAMES
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.ansatz.resources import count
from qvar.ansatz.ucc import uccsd

LARGEST = 8
PAPERS = {
    "SingleExcitation": 2, "DoubleExcitation": 13, "CZ": 1, "CY": 1, "SWAP": 3, "ISWAP": 2, "Toffoli": 6, "CCZ": 6,
    "CSWAP": 8, "CRX": 2, "CRY": 2, "CRZ": 2, "ControlledPhaseShift": 2, "IsingXX": 2, "IsingYY": 2, "IsingZZ": 2,
    "IsingXY": 2, "CNOT": 1,
}  # fmt: skip
"""CNOTs of operations with a fixed number of wires."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def program_of(n_qubits: int, *operations: Operation, angles: list[dict[int, float]] | None = None) -> Program:
    """One parameter for each operation, unless `angles` says otherwise."""
    rows = angles or [{index: 1.0} for index in range(len(operations))]
    builder = ProgramBuilder(n_qubits, 1 + max(parameter for row in rows for parameter in row))
    for operation, row in zip(operations, rows, strict=True):
        parametric = KINDS[operation.kind].parametric
        builder.add(operation.name, operation.wires, row if parametric else None, word=operation.word)
    return builder.build()


def matrix(program: Program, theta: np.ndarray, emitted: object = emit) -> np.ndarray:
    tape = qml.tape.make_qscript(emitted)(program, theta)
    return np.asarray(qml.matrix(tape, wire_order=range(program.n_qubits)))


def random_operation(kind: str, n_qubits: int, rng: np.random.Generator) -> Operation:
    n_wires = KINDS[KIND_INDEX[kind]].n_wires
    if n_wires is None:
        n_wires = 0 if kind == "GlobalPhase" else int(rng.integers(1, n_qubits + 1))
    if kind == "ExcitationSum":
        n_wires = int(rng.integers(2, 5))
    wires = tuple(int(wire) for wire in rng.permutation(n_qubits)[:n_wires])
    if kind == "ExcitationSum":  # of one term, with number operators
        return Operation(KIND_INDEX[kind], wires, {2: "0.8 1<0", 3: "0.8 21<01", 4: "-0.6 320<021"}[n_wires])
    return Operation(KIND_INDEX[kind], wires, "".join(rng.choice(list("IXYZ"), n_wires)) if kind == "PauliRot" else "")


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_every_kind_equals_its_circuit(kind: str, rng: np.random.Generator) -> None:
    for n_qubits in (4, 6, LARGEST) if kind.startswith(("Fermionic", "PauliRot", "Multi", "ExcitationSum")) else (4, 5):
        operation = random_operation(kind, n_qubits, rng)
        program, theta = program_of(n_qubits, operation), rng.uniform(-3, 3, 1)
        flat = elementary(program)
        np.testing.assert_allclose(matrix(flat, theta), matrix(program, theta), atol=1e-13, rtol=0)
        assert all(len(flat.op_wires(i)) <= 1 or KINDS[flat.kind[i]].name == "CNOT" for i in range(flat.n_ops))
        cnots = sum(len(flat.op_wires(index)) == 2 for index in range(flat.n_ops))
        if kind in PAPERS:
            assert cnots == PAPERS[kind]
        ours, theirs = (count(program, model=model).two_qubit_gates for model in ("published", "pennylane"))
        assert ours == cnots
        assert ours is not None
        assert theirs is not None
        assert ours <= theirs


@pytest.mark.parametrize("model", ["published", "pennylane"])
def test_the_circuit_that_is_emitted_is_the_one_that_is_counted(model: str, rng: np.random.Generator) -> None:
    kinds = ("DoubleExcitation", "FermionicDoubleExcitation", "CZ", "CY", "PauliRot", "Toffoli", "T", "RX", "SWAP")
    program = program_of(5, *(random_operation(kind, 5, rng) for kind in kinds))
    theta = rng.uniform(-3, 3, program.n_params)
    ansatz = qvar.Ansatz("all", "generic", program)
    tape = qml.tape.make_qscript(lambda point: ansatz.circuit(point, costs=model))(theta)  # type: ignore[arg-type]
    unitary = np.asarray(qml.matrix(tape, wire_order=range(5)))
    np.testing.assert_allclose(unitary, matrix(program, theta), atol=1e-12, rtol=0)
    resources = ansatz.resources(costs=model)  # type: ignore[arg-type]
    assert {len(operation.wires) for operation in tape.operations} <= {0, 1, 2}
    assert resources.two_qubit_gates == sum(operation.name == "CNOT" for operation in tape.operations)
    assert resources.depth == tape.graph.get_depth()
    cnots = qml.tape.QuantumScript([operation for operation in tape.operations if operation.name == "CNOT"])
    assert resources.cnot_depth == cnots.graph.get_depth()


def counted_as_emitted(ansatz: qvar.Ansatz, model: str, theta: np.ndarray) -> None:
    tape = qml.tape.make_qscript(lambda point: ansatz.circuit(point, costs=model))(theta)  # type: ignore[arg-type]
    gates = [operation for operation in tape.operations if operation.name not in ("BasisState", "GlobalPhase")]
    flips = [qml.X(wire) for wire, bit in enumerate(ansatz.program.reference) if bit]
    assert all(len(gate.wires) == 1 or gate.name == "CNOT" for gate in gates)
    costs = count(ansatz.program, model=model)  # type: ignore[arg-type]
    cnots = [gate for gate in gates if gate.name == "CNOT"]
    assert costs.two_qubit_gates == len(cnots)
    assert costs.cnot_depth == qml.tape.QuantumScript(cnots).graph.get_depth()
    assert costs.depth == qml.tape.QuantumScript([*flips, *gates]).graph.get_depth()
    wires = range(ansatz.n_qubits)
    whole = qml.tape.QuantumScript([*flips, *gates, *(op for op in tape.operations if op.name == "GlobalPhase")])
    plain = qml.tape.make_qscript(ansatz.circuit)(theta)
    states = [qml.matrix(one, wire_order=wires)[:, 0] for one in (whole, qml.tape.QuantumScript(
        [*flips, *(op for op in plain.operations if op.name != "BasisState")]))]  # fmt: skip
    np.testing.assert_allclose(*states, rtol=0, atol=1e-11)


@pytest.mark.parametrize("model", ["published", "pennylane"])
def test_every_pool_is_counted_as_it_is_emitted(model: str, h2: qvar.Problem) -> None:
    """Four elements of each, products in the place of sums that do not commute."""
    for name in POOL_NAMES:
        elements = qvar.pool(name, h2, product=True).elements[-4:]
        ansatz = qvar.Ansatz(name, "generic", pool_program(elements, 4, h2.reference_bits))
        counted_as_emitted(ansatz, model, np.linspace(-0.9, 1.1, ansatz.n_params))


@pytest.mark.parametrize("model", ["published", "pennylane"])
def test_every_ansatz_is_counted_as_it_is_emitted(model: str, h2: qvar.Problem) -> None:
    for ansatz in qvar.all_ansatze(h2, layers=1)[0].values():
        counted_as_emitted(ansatz, model, np.linspace(-0.9, 1.1, ansatz.n_params))


def test_depth_of_a_double_excitation() -> None:
    """Yordanov, Arvidsson-Shukur and Barnes (2020): 13 CNOTs in 11 layers."""
    costs = count(program_of(4, Operation(KIND_INDEX["DoubleExcitation"], (0, 1, 2, 3))))
    assert (costs.two_qubit_gates, costs.cnot_depth) == (13, 11)


@pytest.mark.parametrize("modes", list(combinations(range(LARGEST), 4))[::9])
def test_a_jordan_wigner_string_costs_two_cnots_for_each_qubit(modes: tuple[int, int, int, int]) -> None:
    between = modes[1] - modes[0] - 1 + modes[3] - modes[2] - 1
    double = program_of(LARGEST, Operation(KIND_INDEX["FermionicDoubleExcitation"], modes))
    assert count(double).two_qubit_gates == 13 + 2 * between
    single = program_of(LARGEST, Operation(KIND_INDEX["FermionicSingleExcitation"], (modes[2], modes[0])))
    assert count(single).two_qubit_gates == 2 + 2 * (modes[2] - modes[0] - 1)


def coupled(name: str, rng: np.random.Generator, number: int) -> list[Operation]:
    """Excitations between the same four qubits, in any order and direction."""
    p, q, r, s = (int(wire) for wire in rng.permutation(6)[:4])
    pairings = [((p, q), (r, s)), ((p, r), (q, s)), ((p, s), (q, r))]
    found = []
    for index in rng.permutation(3)[:number]:
        pairs = [[int(wire) for wire in rng.permutation(pair)] for pair in pairings[index]]
        first = int(rng.integers(2))
        found.append(Operation(KIND_INDEX[name], (*pairs[first], *pairs[1 - first])))
    return found


@pytest.mark.parametrize("name", ["DoubleExcitation", "FermionicDoubleExcitation"])
def test_coupled_excitations_share_a_circuit(name: str, rng: np.random.Generator) -> None:
    """Ramoa et al. (2024): 13 CNOTs for up to three parameters, 9 for one."""
    for number, angles, cnots in (
        (2, None, 13),
        (3, None, 13),
        (2, [{0: 0.7}, {0: 0.7}], 9),
        (2, [{0: 0.7}, {0: -0.7}], 9),
        (2, [{0: 0.7}, {0: 0.6}], 13),
    ):
        for _ in range(3):
            operations = coupled(name, rng, number)
            program = program_of(6, *operations, angles=angles)
            theta = rng.uniform(-3, 3, program.n_params)
            unitary = matrix(program, theta, lambda *at: emit_elementary(*at, "published"))
            np.testing.assert_allclose(unitary, matrix(program, theta), atol=1e-13, rtol=0)
            string = (count(program_of(6, operations[0])).two_qubit_gates or 0) - 13
            if string == 0:  # 7 and 11 layers
                assert count(program).cnot_depth == cnots - 2
            assert count(program).two_qubit_gates == cnots + string


def test_repeated_excitations_are_not_coupled() -> None:
    double = Operation(KIND_INDEX["DoubleExcitation"], (0, 1, 2, 3))
    assert count(program_of(4, double, double)).two_qubit_gates == 26


@pytest.mark.parametrize(
    ("problem", "fermionic", "qubit", "pennylane"), [("h4", 338, 250, 1312), ("lih", 1548, 1020, 6976)]
)
def test_uccsd_as_papers_count_it(
    problem: str, fermionic: int, qubit: int, pennylane: int, request: pytest.FixtureRequest
) -> None:
    ansatz = uccsd(request.getfixturevalue(problem))
    program = ansatz.program
    assert ansatz.resources().two_qubit_gates == fermionic
    assert ansatz.resources(costs="pennylane").two_qubit_gates == pennylane
    builder = ProgramBuilder(program.n_qubits, 0)
    for index in range(program.n_ops):
        builder.add(KINDS[program.kind[index]].name.removeprefix("Fermionic"), program.op_wires(index))
    assert count(builder.build()).two_qubit_gates == qubit


def test_angles_that_are_not_affine(rng: np.random.Generator) -> None:
    def circuit(theta: np.ndarray) -> None:
        qml.DoubleExcitation(theta[0] ** 2, wires=range(4))
        qml.DoubleExcitation(theta[0] * theta[1], wires=(0, 2, 1, 3))
        qml.CRX(theta[1] ** 3, wires=(1, 3))

    with pytest.warns(UserWarning, match="not affine"):
        ansatz = qvar.Ansatz.from_circuit(circuit, 4, 2)
    theta = rng.uniform(-2, 2, 2)
    flat = elementary(ansatz.program)
    assert flat.angle_function is not None
    np.testing.assert_allclose(matrix(flat, theta), matrix(ansatz.program, theta), atol=1e-13, rtol=0)
    assert ansatz.resources().two_qubit_gates == 13 + 2


def test_t_gates() -> None:
    """Ross and Selinger (2016): 3 log2(1/eps) for a rotation; none for Clifford gates, one for a turn by pi/4."""
    builder = ProgramBuilder(2, 1)
    builder.add("RZ", (0,), {0: 1.0})
    assert qvar.Ansatz("a", "generic", builder.build()).resources().t_gates == 100
    assert qvar.Ansatz("a", "generic", builder.build()).resources(precision=2**-8).t_gates == 24
    builder.add("CZ", (0, 1))
    builder.add("RX", (1,), offset=np.pi / 2)
    builder.add("T", (1,))
    builder.add("PhaseShift", (1,), offset=-np.pi / 4)
    for model in ("published", "pennylane"):
        assert count(builder.build(), model=model).t_gates == 102  # type: ignore[arg-type]
    toffoli = program_of(3, Operation(KIND_INDEX["Toffoli"], (0, 1, 2)))
    for model in ("published", "pennylane"):
        assert count(toffoli, model=model).t_gates == 7  # type: ignore[arg-type]


def test_a_classical_tail_is_not_counted_with_what_it_could_share() -> None:
    doubles = [Operation(KIND_INDEX["DoubleExcitation"], wires) for wires in ((0, 1, 2, 3), (0, 2, 1, 3))]
    program = program_of(4, *doubles, angles=[{0: 1.0}, {0: 1.0}])
    assert qvar.Ansatz("a", "generic", program).resources().two_qubit_gates == 9
    assert qvar.Ansatz("a", "generic", program, classical_tail=1).resources().two_qubit_gates == 13


def test_what_resources_refuses(h2: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h2)
    with pytest.raises(qvar.QvarError, match=r"`precision` must be between 0 and 1, but is 1\.0"):
        ansatz.resources(precision=1.0)
    with pytest.raises(qvar.QvarError, match=r"`costs` must be .*'published'.*'pennylane'.*, but is 'best'"):
        ansatz.resources(costs="best")  # type: ignore[arg-type]
    with pytest.raises(qvar.QvarError, match="`costs` must be"):
        ansatz.circuit(np.zeros(3), costs="best")  # type: ignore[arg-type]


def test_a_decomposition_is_data() -> None:
    group = (Operation(KIND_INDEX["DoubleExcitation"], (0, 1, 2, 3)),)
    assert decomposition(group) is decomposition(group)
