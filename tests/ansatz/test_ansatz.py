"""The record: starts, drawing, resources, hardware-efficient circuits."""

import inspect

import jax
import numpy as np
import pytest

import qvar


@pytest.mark.parametrize(
    ("layers", "rotations", "last", "n_params", "cnots"),
    [(1, ("RY",), True, 8, 3), (4, ("RY", "RZ"), True, 40, 12), (3, ("RX", "RY", "RZ"), False, 36, 9)],
)
def test_hardware_efficient_counts(layers: int, rotations: tuple[str, ...], last: bool, n_params: int, cnots: int):
    ansatz = qvar.hardware_efficient(4, layers=layers, rotations=rotations, final_rotations=last)
    resources = ansatz.resources()
    assert (ansatz.n_params, resources.n_qubits, resources.two_qubit_gates) == (n_params, 4, cnots)
    assert ansatz.family == "generic"


def test_depth_of_a_chain() -> None:
    """RY then CNOTs (0,1), (1,2), (2,3), then RY on the last wire: 1 + 3 + 1."""
    assert qvar.hardware_efficient(4, layers=1, rotations=("RY",)).resources().depth == 5


def test_reference_gates_count_in_depth(h2: qvar.Problem) -> None:
    assert qvar.hardware_efficient(h2, layers=1, rotations=("RY",)).resources().depth == 6
    assert qvar.hardware_efficient(h2, layers=1).program.reference == (1, 1, 0, 0)


def test_resources_are_those_of_pennylane(h2: qvar.Problem) -> None:
    import pennylane as qml

    ansatz = qvar.uccsd(h2)
    tape = qml.tape.make_qscript(ansatz.circuit)(np.array([0.1, 0.2, 0.3]))
    basic = lambda op: len(op.wires) == 1 or op.name == "CNOT"  # noqa: E731
    (flat,), _ = qml.transforms.decompose(tape, stopping_condition=basic)
    resources = ansatz.resources(costs="pennylane")
    assert resources.two_qubit_gates == sum(op.name == "CNOT" for op in flat.operations)
    assert resources.depth == flat.graph.get_depth()


@pytest.mark.parametrize(("entangler", "pairs"), [("cnot_chain", 3), ("cnot_ring", 4), ("cz_chain", 3), ("cz_ring", 4)])
def test_entanglers(entangler: str, pairs: int) -> None:
    assert qvar.hardware_efficient(4, layers=2, entangler=entangler).resources().two_qubit_gates == 2 * pairs


@pytest.mark.parametrize(
    ("kind", "n_wires", "cnots"),
    [
        ("CZ", 2, 1),
        ("CY", 2, 1),
        ("SWAP", 2, 3),
        ("CRX", 2, 2),
        ("IsingYY", 2, 2),
        ("IsingXY", 2, 2),
        ("Toffoli", 3, 6),
        ("SingleExcitation", 2, 2),
        ("DoubleExcitation", 4, 13),
        ("MultiRZ", 4, 6),
    ],
)
def test_cnots_of_known_circuits(kind: str, n_wires: int, cnots: int) -> None:
    from qvar.ansatz.program import ProgramBuilder

    builder = ProgramBuilder(n_wires, 0)
    builder.add(kind, range(n_wires))
    resources = qvar.Ansatz(kind, "generic", builder.build()).resources()
    assert resources.two_qubit_gates == cnots
    if kind in ("CZ", "CY"):  # a CNOT between two single-qubit gates on its target
        assert resources.depth == 3


def test_starts() -> None:
    ansatz, key = qvar.hardware_efficient(4, layers=8), jax.random.key(3)
    uniform = np.asarray(ansatz.initial(key))
    assert np.all(np.abs(uniform) <= np.pi)
    assert np.std(uniform) == pytest.approx(np.pi / np.sqrt(3), rel=0.2)
    small = np.asarray(ansatz.initial(key, "gaussian"))
    assert np.std(small) == pytest.approx(0.01, rel=0.3)
    assert not np.any(np.asarray(ansatz.initial(key, "zero")))
    np.testing.assert_array_equal(uniform, ansatz.initial(jax.random.key(3)))
    assert not np.array_equal(uniform, ansatz.initial(jax.random.key(4)))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"layers": 0}, "`layers` must be at least 1, but is 0."),
        ({"layers": 2.0}, "`layers` must be an integer, but is 2.0."),
        ({"rotations": ("RW",)}, "`rotations` must be names out of RX, RY and RZ, but is ('RW',)."),
        ({"rotations": ()}, "`rotations` must be names out of RX, RY and RZ, but is ()."),
    ],
)
def test_mistakes(arguments: dict, sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        inspect.unwrap(qvar.hardware_efficient)(4, **arguments)  # as users have it, without type checks
    assert str(caught.value) == sentence


def test_one_qubit_has_nothing_to_entangle() -> None:
    with pytest.raises(qvar.QvarError, match=r"^`n_qubits` must be at least 2, but is 1\.$"):
        qvar.hardware_efficient(1)


def test_digest_distinguishes_circuits(h4: qvar.Problem) -> None:
    digests = {
        qvar.uccsd(h4).program.digest,
        qvar.uccsd(h4, order="doubles_first").program.digest,
        qvar.hardware_efficient(h4, layers=1).program.digest,
        qvar.hardware_efficient(8, layers=1).program.digest,
    }
    assert len(digests) == 4
    assert qvar.uccsd(h4).program.digest == qvar.uccsd(qvar.hydrogen_chain(4, bond=1.5)).program.digest
