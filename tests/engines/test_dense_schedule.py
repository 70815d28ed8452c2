"""Affine maps of basis states, and the order that a schedule keeps."""

import numpy as np
import pytest

from qvar.ansatz.program import ProgramBuilder
from qvar.engines.dense_schedule import AffineMap, Layer, Single, schedule

N = 5


def _steps(gates, fewest_rotations: int = 1):
    builder = ProgramBuilder(N, 1)
    for name, wires, *angle in gates:
        builder.add(name, wires, {0: angle[0]} if angle else {})
    return schedule(builder.build().lowered, fewest_rotations, 0.0)


def test_a_run_of_permutations_is_one_map() -> None:
    rng = np.random.default_rng(4)
    gates = []
    for _ in range(40):
        name = rng.choice(["CNOT", "SWAP", "PauliX"])
        gates.append((name, tuple(rng.permutation(N)[: 1 if name == "PauliX" else 2].tolist())))
    (layer,) = _steps(gates)
    assert isinstance(layer, Layer)
    assert isinstance(layer.permutation, AffineMap)
    bits = 1 << np.arange(N)[::-1]
    for k in range(1 << N):
        word = (k & bits) != 0
        for name, wires in gates:  # what becomes of basis state k
            if name == "PauliX":
                word[wires[0]] ^= True
            elif name == "CNOT":
                word[wires[1]] ^= word[wires[0]]
            else:
                word[list(wires)] = word[list(wires[::-1])]
        target = int(bits[word].sum())
        assert layer.permutation(target) == k
        assert layer.permutation.inverse()(k) == target


def test_operations_on_other_wires_pass() -> None:
    """RY on wire 4 goes beside RY on wire 0, before the CNOT between them."""
    steps = _steps([("RY", (0,), 1.0), ("CNOT", (0, 1)), ("RY", (4,), 1.0)])
    assert [len(step.rotations) for step in steps if isinstance(step, Layer)] == [2, 0]


def test_operations_on_the_same_wire_do_not_pass() -> None:
    steps = _steps([("RY", (0,), 1.0), ("CRY", (0, 1), 1.0), ("RY", (1,), 0.5), ("RZ", (0,), 1.0), ("RY", (0,), 2.0)])
    assert [type(step) for step in steps] == [Layer, Single, Layer]
    assert len(steps[2].rotations) == 2
    assert len(steps[2].after) == 1


@pytest.mark.parametrize(("fewest_rotations", "expected"), [(1, [Layer]), (3, [Single, Single])])
def test_few_rotations_stay_single(fewest_rotations: int, expected: list[type]) -> None:
    assert [type(step) for step in _steps([("RY", (0,), 1.0), ("RY", (1,), 1.0)], fewest_rotations)] == expected


def test_layers_that_gain_little_are_left_alone() -> None:
    builder = ProgramBuilder(N, 1)
    for wire in range(N - 1):
        builder.add("RY", (wire,), {0: 1.0})
        builder.add("CRY", (wire, wire + 1), {0: 1.0})
    lowered = builder.build().lowered
    assert all(isinstance(step, Single) for step in schedule(lowered, 1, 1.5))
    assert any(isinstance(step, Layer) for step in schedule(lowered, 1, 1.0))
