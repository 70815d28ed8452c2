"""Random circuits of every kind, with controls, angles that share parameters, any reference: against PennyLane."""

from functools import cache

import hypothesis.strategies as st
import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from twin import twin_state

import qvar
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import ProgramBuilder
from qvar.engines.pennylane_reference import oracle

N, PARAMS, OPS = 4, 3, 10
SINGLE = [
    kind for kind in KINDS if kind.name not in ("Hadamard", "SX", "ExcitationSum")
]  # one mask operation each: one compilation


def _program(kinds, n_ops: int, rng: np.random.Generator, conserving: bool = False) -> qvar.Ansatz:
    """Any operations; or only such that all conserve both spin numbers, as they may on some wires only."""
    builder = ProgramBuilder(N, PARAMS, rng.integers(0, 2, N).tolist())
    index = 0
    while index < n_ops:
        kind = kinds[rng.integers(len(kinds))]
        wires = rng.permutation(N)[: kind.n_wires or rng.integers(1, N + 1)].tolist()
        word = "".join(rng.choice(list("XYZI"), len(wires))) if kind.name == "PauliRot" else ""
        angle = {index % PARAMS: float(rng.choice([1.0, -0.5, 2.0]))} if kind.parametric else {}
        wires = [] if kind.name == "GlobalPhase" else wires
        alone = ProgramBuilder(N, PARAMS)
        alone.add(kind.name, wires, angle, word=word)
        if conserving and not alone.build().conserves_spin_numbers:
            continue
        builder.add(kind.name, wires, angle, offset=0.25 * kind.parametric, word=word)
        index += 1
    return qvar.Ansatz("random", "generic", builder.build())


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_dense_engine(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ansatz = _program(SINGLE, OPS, rng)
    theta = rng.uniform(-2.0, 2.0, PARAMS)
    observable = qml.Hamiltonian(
        rng.normal(size=4), [qml.Z(0), qml.X(1) @ qml.Y(2), qml.Y(3) @ qml.X(0), qml.Z(1) @ qml.Z(2) @ qml.X(3)]
    )
    value, gradient = oracle(observable, ansatz)(theta)
    ours, slope = qvar.expectation(observable, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


MAY_CONSERVE = {
    "RZ",
    "PhaseShift",
    "PauliZ",
    "S",
    "T",
    "CZ",
    "CCZ",
    "CRZ",
    "ControlledPhaseShift",
    "IsingZZ",
    "MultiRZ",
    "SWAP",
    "ISWAP",
    "CSWAP",
    "IsingXY",
    "SingleExcitation",
    "DoubleExcitation",
    "FermionicSingleExcitation",
    "FermionicDoubleExcitation",
}
"""Kinds that conserve both spin numbers, some of them on some wires only."""

CONSERVING = [kind for kind in SINGLE if kind.name in MAY_CONSERVE]


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_said_to_conserve_does_not_leak(seed: int) -> None:
    """Nothing is compiled here."""
    rng = np.random.default_rng(seed)
    ansatz = _program(CONSERVING, rng.integers(1, 6), rng)
    state = twin_state(ansatz.program, rng.uniform(-2.0, 2.0, PARAMS))
    if ansatz.program.conserves_spin_numbers:
        assert _leakage(state, ansatz.program.reference) < 1e-12
        return
    objective = qvar.energy(_h2(), ansatz)
    if objective.engine == "dense":
        with pytest.raises(qvar.QvarError, match="`engine` must be"):
            qvar.energy(_h2(), ansatz, engine="sector")
        return
    assert objective.space in ("N", "N, 1 parity", "N, 2 parities", "1 parity", "2 parities", "3 parities")
    outside = np.delete(state, np.asarray(objective.basis_states))
    assert np.linalg.norm(outside) < 1e-12


@pytest.mark.parametrize("seed", [16, 17, 28, 35])
def test_sector_engine_agrees(seed: int) -> None:
    """Few circuits of many operations, for each is two programs; these seeds draw every kind, and no flat energy."""
    rng = np.random.default_rng(seed)
    ansatz = _program(CONSERVING, 12, rng, conserving=True)
    theta = rng.uniform(-2.0, 2.0, PARAMS)
    sector = qvar.energy(_h2(), ansatz, engine="sector").value_and_grad(theta)
    value, gradient = qvar.energy(_h2(), ansatz, engine="dense").value_and_grad(theta)
    assert float(sector[0]) == pytest.approx(float(value), abs=1e-10)
    np.testing.assert_allclose(sector[1], gradient, rtol=0, atol=1e-8)
    assert np.linalg.norm(gradient) > 1e-2


@cache
def _h2() -> qvar.Problem:
    return qvar.molecule("H 0 0 0; H 0 0 0.9")


def _leakage(state: np.ndarray, reference: tuple[int, ...]) -> float:
    """Weight outside the reference's numbers of spin-up and spin-down electrons."""
    inside = [
        sum(bits[0::2]) == sum(reference[0::2]) and sum(bits[1::2]) == sum(reference[1::2])
        for bits in ([k >> (N - 1 - wire) & 1 for wire in range(N)] for k in range(1 << N))
    ]
    return float(np.sum(np.abs(state[~np.array(inside)]) ** 2))
