"""Tangent states and the Fisher information made of them: against finite differences, and route against route."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.objective import Objective
from qvar.quantum_geometry import (
    FisherColumns,
    FisherFunction,
    Information,
    TangentFunction,
    along_every_parameter,
    fisher_function,
    host_fisher,
    tangent_function,
)


@pytest.fixture(scope="module", params=["real", "complex"])
def objective(request: pytest.FixtureRequest, h2: qvar.Problem) -> Objective:
    """UCCSD in its sector, whose state is a real matrix; complex amplitudes on three qubits."""
    if request.param == "real":
        return qvar.energy(h2, qvar.uccsd(h2))
    return qvar.energy(qvar.tfim(3), qvar.random_circuit(3, layers=4, key=jax.random.key(1)))


@pytest.fixture(scope="module")
def theta(objective: Objective) -> np.ndarray:
    return np.random.default_rng(4).uniform(-1.0, 1.0, objective.n_params)


@pytest.fixture(scope="module")
def differences(objective: Objective, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The state and its derivatives by central differences of fourth order."""
    h, n = 1e-3, objective.n_params
    steps = np.concatenate([k * h * np.eye(n) for k in (-2, -1, 1, 2)] + [np.zeros((1, n))])
    states = np.asarray(objective.state_batch(theta + steps)).reshape(4 * n + 1, -1)
    shifted = states[:-1].reshape(4, n, -1)
    return states[-1], (shifted[0] - 8 * shifted[1] + 8 * shifted[2] - shifted[3]) / (12 * h)


def quantum(state: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    along = slopes.conj() @ state
    return 4 * np.real(slopes.conj() @ slopes.T - np.outer(along, along.conj()))


def classical(state: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    p = np.abs(state) ** 2
    dp = 2 * np.real(state.conj() * slopes)
    seen = p > 1e-20
    return (dp[:, seen] / p[seen]) @ dp[:, seen].T


def test_tangents(objective: Objective, theta: np.ndarray, differences: tuple[np.ndarray, np.ndarray]) -> None:
    function = replace(tangent_function(objective), chunk=2)  # neither 3 nor 15 parameters come out even
    state, tangents = jax.jit(function)(jnp.asarray(theta), objective.data)
    np.testing.assert_allclose(state, differences[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(tangents, differences[1], rtol=0, atol=1e-9)


def test_both_routes_to_the_information(
    objective: Objective,
    theta: np.ndarray,
    differences: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds: dict[Information, np.ndarray] = {"quantum": quantum(*differences)}
    if np.iscomplexobj(differences[0]):  # the same where amplitudes are real
        kinds["classical"] = classical(*differences)
        assert np.abs(kinds["classical"] - kinds["quantum"]).max() > 0.1
    for information, expected in kinds.items():
        assert np.abs(expected).max() > 0.5
        monkeypatch.delenv("QVAR_MEMORY", raising=False)
        whole = fisher_function(objective, information)
        monkeypatch.setenv("QVAR_MEMORY", "1")
        columns = fisher_function(objective, information)
        assert isinstance(whole, FisherFunction)
        assert isinstance(columns, FisherColumns)
        for function in (whole, columns):
            found = jax.jit(function)(jnp.asarray(theta), objective.data)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
        for limit in ("1", "1GB"):
            monkeypatch.setenv("QVAR_MEMORY", limit)
            host = host_fisher(objective, information)
            assert host is not None
            assert (host.columns < objective.n_params) == (limit == "1")
            np.testing.assert_allclose(host(theta), expected, rtol=0, atol=1e-8)
            np.testing.assert_allclose(host.spectrum(theta), np.linalg.eigvalsh(expected), rtol=0, atol=1e-8)


def test_columns_hold_no_matrix_of_tangents(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = qvar.random_circuit(10, layers=3, key=jax.random.key(0))  # 40 tangents of 16 KiB
    objective = qvar.energy(qvar.tfim(10), circuit)
    theta = jnp.zeros(objective.n_params)

    def scratch() -> int:
        lowered = jax.jit(fisher_function(objective)).lower(theta, objective.data)
        memory = lowered.compile().memory_analysis()
        assert memory is not None
        return memory.temp_size_in_bytes

    whole = scratch()
    assert whole > objective.n_params * 2**14
    monkeypatch.setenv("QVAR_MEMORY", "200kB")
    assert scratch() < whole / 3


def test_unit_vectors_in_chunks() -> None:
    matrix = jnp.asarray(np.random.default_rng(0).normal(size=(3, 7)))
    for chunk in (1, 3, 7):
        shared, columns = along_every_parameter(lambda v: (matrix[0], matrix @ v), jnp.ones(7), chunk)
        np.testing.assert_allclose(columns, matrix.T, rtol=0, atol=1e-15)
        np.testing.assert_array_equal(shared, matrix[0])


def test_objectives_of_one_make_share_programs(h2: qvar.Problem) -> None:
    first, second = (qvar.energy(h2, qvar.uccsd(h2)) for _ in range(2))
    assert hash(fisher_function(first)) == hash(fisher_function(second))
    assert fisher_function(first) == fisher_function(second)
    assert fisher_function(first) != fisher_function(first, "classical")


def test_mistakes(h2: qvar.Problem) -> None:
    objective = qvar.energy(h2, qvar.uccsd(h2))
    with pytest.raises(qvar.QvarError, match=r"^`objective` must have a state, but uccsd has none\.$"):
        fisher_function(replace(objective, state_function=None))


def test_a_state_without_a_forward_twin_serves_itself(h2: qvar.Problem) -> None:
    objective = replace(qvar.energy(h2, qvar.uccsd(h2)), forward_state_function=None)
    assert tangent_function(objective) == TangentFunction(objective.needed("state_function"), objective.chunk(3))
