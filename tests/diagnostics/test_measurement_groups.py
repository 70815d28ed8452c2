"""Groups of words against PennyLane's rotations and products, variances against outcome probabilities."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.diagnostics.measurement_groups import groups_of, measured_variance_batch, measurement_groups
from qvar.pauli import PauliSum
from qvar.problems.problem import Problem


@pytest.fixture(scope="module", params=["chain", "h2"])
def problem(request: pytest.FixtureRequest) -> Problem:
    return qvar.heisenberg(3) if request.param == "chain" else request.getfixturevalue("h2")


def outcomes(group: PauliSum, state: np.ndarray) -> tuple[float, float]:
    """Return mean and variance of what is measured after PennyLane's rotations, from probabilities of bit strings."""
    n = group.n_qubits
    words = [qml.pauli.string_to_pauli_word(word) for word in group.words]
    rotations, diagonal = qml.pauli.diagonalize_qwc_pauli_words(words)
    for rotation in rotations:
        state = np.asarray(qml.matrix(rotation, wire_order=range(n))) @ state
    values = sum(
        coefficient.real * np.diag(np.asarray(qml.matrix(word, wire_order=range(n)))).real
        for coefficient, word in zip(group.coefficients, diagonal, strict=True)
    )
    probabilities = np.abs(state) ** 2
    mean = float(probabilities @ values)
    return mean, float(probabilities @ (values - mean) ** 2)


def test_variance_is_that_of_the_outcomes(problem: Problem) -> None:
    groups = measurement_groups(problem)
    assert groups.shares.sum() == pytest.approx(1.0)
    rng = np.random.default_rng(0)
    states = rng.standard_normal((2, 1 << problem.n_qubits)) + 1j * rng.standard_normal((2, 1 << problem.n_qubits))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    matrix = np.asarray(qml.matrix(problem.hamiltonian(), wire_order=range(problem.n_qubits)))
    offset = np.trace(matrix).real / len(matrix)
    for state, variance in zip(states, groups.variances(states), strict=True):
        each = [outcomes(group, state) for group in groups.groups]
        assert sum(mean for mean, _ in each) + offset == pytest.approx((state.conj() @ matrix @ state).real)
        expected = sum(one / share for (_, one), share in zip(each, groups.shares, strict=True))
        assert variance == pytest.approx(expected)


def test_shares_follow_the_coefficients() -> None:
    """The Ising chain has two groups: ZZ of n - 1 bonds with coefficient J, X of n spins with h."""
    groups = measurement_groups(qvar.tfim(4, h=0.5))
    assert [set(group.words) for group in groups.groups] == [
        {"ZZII", "IZZI", "IIZZ"}, {"XIII", "IXII", "IIXI", "IIIX"},
    ]  # fmt: skip
    assert groups.shares == pytest.approx([0.6, 0.4])
    plus = np.full((1, 16), 0.25)
    assert groups.variances(plus) == pytest.approx(3.0 / 0.6)  # each bond is +1 or -1; X has no variance


@pytest.mark.parametrize("engine", ["dense", "sector"])
def test_states_of_both_engines(h2: Problem, engine: Literal["dense", "sector"]) -> None:
    ansatz = qvar.uccsd(h2)
    objective = qvar.energy(h2, ansatz, engine=engine)
    groups = groups_of(objective)
    thetas = np.random.default_rng(1).standard_normal((2, ansatz.n_params))
    dense = np.asarray(qvar.energy(h2, ansatz, engine="dense").state_batch(thetas))
    expected = groups.variances(dense)
    np.testing.assert_allclose(measured_variance_batch(objective, groups, thetas), expected, rtol=1e-9)
