"""PennyLane's operations as kinds: every one gives PennyLane's state, or a sentence."""

import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pennylane as qml
import pytest
from pennylane_operations import PARAMS, REFUSED, WIRES, circuits
from random_circuits import Circuit, worst_difference
from twin import twin_state

import qvar
from qvar.ansatz.program import ProgramBuilder
from qvar.ansatz.recognize import steps

pytestmark = pytest.mark.filterwarnings("ignore:jax.core:DeprecationWarning")  # PennyLane's

THETAS = [np.random.default_rng(5).uniform(-4.0, 4.0, PARAMS), -1e3 * np.random.default_rng(6).random(PARAMS)]


@pytest.mark.parametrize(("name", "function"), list(circuits()))
def test_every_operation_is_that_of_pennylane_or_refused(
    name: str, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qvar.ansatz.capture._MOST_RECORDINGS", 2)
    if name in REFUSED:
        with pytest.raises(qvar.QvarError, match=r"^`quantum_function` must [^\n]*\.$") as caught:
            qvar.Ansatz.from_circuit(function, WIRES, PARAMS)
        assert re.search(REFUSED[name], str(caught.value))
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The angles are not affine")
        program = qvar.Ansatz.from_circuit(function, WIRES, PARAMS).program
    assert worst_difference(Circuit(function, WIRES, PARAMS, linear=False), program, THETAS) < 1


def _matrix(operation: Any, n: int) -> tuple[np.ndarray, int, bool]:
    """What an operation becomes: its matrix, number of operations, and whether they conserve the ones."""
    _, found = steps([operation], n)
    builder = ProgramBuilder(n, 0)
    for kind, wires, word, angle in found:
        builder.add(kind, wires, offset=angle or 0.0, word=word)
    program = builder.build()
    states = [tuple(int(bit) for bit in f"{k:0{n}b}") for k in range(2**n)]
    columns = [twin_state(replace(program, reference=bits), np.zeros(0)) for bits in states]
    return np.stack(columns, axis=1), program.n_ops, program.lowered.conserves(2**n - 1)


@pytest.mark.parametrize("seed", range(40))
def test_fermionic_excitations_on_wires_in_any_order(seed: int) -> None:
    n, rng = 5, np.random.default_rng(seed)
    wires = rng.permutation(n)[: rng.integers(2 + 2 * (seed % 2), n + 1)].tolist()
    cut = int(rng.integers(2, max(len(wires) - 1, 3)))
    if seed % 2:
        operation = qml.FermionicDoubleExcitation(0.7, wires1=wires[:cut], wires2=wires[cut:])
    else:
        operation = qml.FermionicSingleExcitation(0.7, wires=wires)
    matrix, _, conserves = _matrix(operation, n)
    np.testing.assert_allclose(matrix, qml.matrix(operation, wire_order=range(n)), rtol=0, atol=1e-12)
    assert conserves


@pytest.mark.parametrize(
    "operation",
    [
        qml.FermionicSingleExcitation(0.7, wires=[2, 1, 0]),
        qml.FermionicSingleExcitation(0.7, wires=[3, 1, 2, 0]),
        qml.FermionicSingleExcitation(0.7, wires=[3, 0]),
        qml.FermionicDoubleExcitation(0.7, wires1=[4, 3, 2], wires2=[0, 1]),
        qml.FermionicDoubleExcitation(0.7, wires1=[0, 3], wires2=[2, 1]),
    ],
    ids=str,
)
def test_strings_of_jordan_wigner_and_none_are_one_operation(operation: Any) -> None:
    assert _matrix(operation, 5)[1] == 1


def test_generalized_pairs_run_in_the_sector(h4: qvar.Problem) -> None:
    """`kUpCCGSD` lists wires in descending order, too."""
    shape = qml.kUpCCGSD.shape(k=1, n_wires=8, delta_sz=0)

    def function(theta: Any) -> None:
        bits = np.array(h4.reference_bits)
        qml.kUpCCGSD(theta.reshape(shape), wires=range(8), k=1, delta_sz=0, init_state=bits)

    ansatz = qvar.Ansatz.from_circuit(function, 8, int(np.prod(shape)))
    assert ansatz.program.n_ops == ansatz.n_params == 36
    objective, theta = qvar.energy(h4, ansatz), np.random.default_rng(1).normal(size=36)
    assert objective.engine == "sector"
    state = twin_state(ansatz.program, theta)
    theirs = Circuit(function, 8, 36, linear=True)
    assert worst_difference(theirs, ansatz.program, [theta]) < 1
    assert np.linalg.norm(np.asarray(objective.state(theta))) == pytest.approx(np.linalg.norm(state))


def test_a_class_of_the_same_name_is_another_gate() -> None:
    class RX(qml.RX):
        @staticmethod
        def compute_matrix(theta: Any) -> Any:
            return qml.RZ.compute_matrix(theta)

    operation = RX(0.3, wires=0)
    np.testing.assert_allclose(_matrix(operation, 1)[0], qml.matrix(operation), atol=1e-12)
