"""Rotations of orbitals against matrix exponentials in PennyLane's Jordan-Wigner Fock space."""

from functools import cache
from typing import Any, cast

import numpy as np
import pennylane as qml
import pytest
import scipy.linalg
from scipy.sparse.linalg import expm_multiply

import qvar
from qvar.ansatz.givens import (
    add_givens_network,
    add_orbital_rotation,
    givens_angles,
    givens_pairs,
    orbital_rotation,
)
from qvar.ansatz.program import ProgramBuilder


def _unitary(m: int, *, real: bool, seed: int = 0):
    """(U, X) with U = exp(X)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, m))
    if not real:
        x = x + 1j * rng.normal(size=(m, m))
    x = x - x.conj().T
    return scipy.linalg.expm(x), x


def _matrix(m: int, steps) -> np.ndarray:
    """Product of the steps as matrices over orbitals."""
    u = np.eye(m, dtype=complex)
    for kind, orbitals, angle in steps:
        x = np.zeros((m, m), dtype=complex)
        if kind == "PhaseShift":
            x[orbitals[0], orbitals[0]] = 1j * angle
        else:
            creates, annihilates = orbitals
            x[creates, annihilates], x[annihilates, creates] = angle / 2, -angle / 2
        u = scipy.linalg.expm(x) @ u
    return u


def _state(builder: ProgramBuilder, theta=()) -> np.ndarray:
    ansatz = qvar.Ansatz("rotation", "constrained", builder.build())

    @qml.qnode(qml.device("default.qubit", wires=ansatz.n_qubits))
    def node():
        ansatz.circuit(np.array(theta, dtype=float))
        return qml.state()

    return np.asarray(node())


@cache
def _annihilators(n_wires: int) -> list[Any]:
    words = [cast("Any", qml.jordan_wigner(qml.FermiA(w))) for w in range(n_wires)]
    return [word.sparse_matrix(wire_order=range(n_wires)).tocsr() for word in words]


def _scrambled(m: int, n_params: int = 0) -> ProgramBuilder:
    """A state without symmetries, so that every sign and phase shows."""
    rng = np.random.default_rng(1)
    builder = ProgramBuilder(2 * m, n_params)
    for wire in range(2 * m):
        builder.add("RY", (wire,), offset=rng.uniform(-2, 2))
        builder.add("RZ", (wire,), offset=rng.uniform(-2, 2))
    for wire in range(2 * m - 1):
        builder.add("CNOT", (wire, wire + 1))
    return builder


def _many_body(x: np.ndarray, spins):
    """sum_pq X_pq a_p^+ a_q over the spins."""
    a = _annihilators(2 * len(x))
    terms = [
        x[p, q] * (a[2 * p + spin].getH() @ a[2 * q + spin])
        for spin in spins
        for p in range(len(x))
        for q in range(len(x))
    ]
    return sum(terms[1:], terms[0])


@pytest.mark.parametrize("spins", [(0, 1), (1,)])
@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_is_the_exponential_of_the_one_body_operator(m: int, real: bool, spins: tuple[int, ...]) -> None:
    u, x = _unitary(m, real=real, seed=m)
    before = _state(_scrambled(m))
    builder = _scrambled(m)
    add_orbital_rotation(builder, u, spins)
    expected = expm_multiply(_many_body(x, spins), before)
    np.testing.assert_allclose(_state(builder), expected, atol=1e-12)


@pytest.mark.parametrize("real", [True, False])
def test_columns_are_the_occupied_orbitals(real: bool) -> None:
    u, _ = _unitary(4, real=real)
    occupied = [0, 2]
    reference = [0] * 8
    for p in occupied:
        reference[2 * p] = 1
    builder = ProgramBuilder(8, 0, reference)
    add_orbital_rotation(builder, u)
    state = _state(builder)
    holes = [a @ state for a in _annihilators(8)[::2]]
    density = np.array([[np.vdot(p, q) for q in holes] for p in holes])  # <a_p^+ a_q>
    np.testing.assert_allclose(density, u[:, occupied].conj() @ u[:, occupied].T, atol=1e-12)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 7])
def test_steps_multiply_to_the_matrix(m: int) -> None:
    rng = np.random.default_rng(m)
    permutation = np.eye(m)[rng.permutation(m)]
    matrices = [
        _unitary(m, real=True)[0],
        _unitary(m, real=False)[0],
        np.eye(m),
        permutation,
        permutation * np.exp(1j * rng.normal(size=m)),
        np.diag(rng.choice([-1.0, 1.0], m)),
        np.linalg.qr(rng.normal(size=(m, m)))[0] @ np.diag([-1.0] + [1.0] * (m - 1)),
        scipy.linalg.block_diag(_unitary(m - m // 2, real=False)[0], _unitary(m // 2, real=True)[0])[:m, :m],
    ]
    for u in matrices:
        steps = orbital_rotation(u)
        np.testing.assert_allclose(_matrix(m, steps), u, atol=1e-12)
        rotations = [s for s in steps if s[0] == "FermionicSingleExcitation"]
        assert len(rotations) <= m * (m - 1) // 2
        assert all(creates == annihilates + 1 for _, (creates, annihilates), _ in rotations)
        if np.isrealobj(u):
            assert len(steps) - len(rotations) == (np.linalg.det(u) < 0)
    assert orbital_rotation(np.eye(m)) == []


@pytest.mark.parametrize("m", [2, 3, 4, 5, 6, 9])
def test_network_has_all_rotations_in_m_layers(m: int) -> None:
    pairs = givens_pairs(m)
    assert len(pairs) == m * (m - 1) // 2
    depth = [0] * m
    for p, q in pairs:
        assert q == p + 1
        depth[p] = depth[q] = max(depth[p], depth[q]) + 1
    assert max(depth) == (m if m > 2 else 1)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("m", [2, 3, 4])
def test_free_network_at_the_angles_of_a_matrix(m: int, real: bool) -> None:
    u, x = _unitary(m, real=real, seed=10 + m)
    angles = givens_angles(u)
    theta = np.concatenate([[9.0], angles.rotations] if real else [[9.0], angles.rotations, angles.phases])
    before = _state(_scrambled(m, len(theta)), theta)

    there = _scrambled(m, len(theta))
    for p, phi in enumerate(angles.diagonal):
        for spin in (0, 1):
            there.add("PhaseShift", (2 * p + spin,), offset=phi)
    add_givens_network(there, m, 1, phases=not real)
    np.testing.assert_allclose(_state(there, theta), expm_multiply(_many_body(x, (0, 1)), before), atol=1e-12)

    add_givens_network(there, m, 1, phases=not real, inverse=True)
    for p, phi in enumerate(angles.diagonal):
        for spin in (0, 1):
            there.add("PhaseShift", (2 * p + spin,), offset=-phi)
    np.testing.assert_allclose(_state(there, theta), before, atol=1e-12)
    if real:  # rotations alone cover SO(M)
        np.testing.assert_allclose(angles.diagonal, 0.0, atol=0)
        np.testing.assert_allclose(angles.phases, 0.0, atol=0)


def test_what_is_not_unitary() -> None:
    with pytest.raises(qvar.QvarError, match=r"^`unitary` must have shape \(M, M\), but is \(2, 3\)\.$"):
        givens_angles(np.ones((2, 3)))
    with pytest.raises(qvar.QvarError, match=r"^`unitary` must be unitary, but is 'one with .* = 2\.0e\+00'\.$"):
        orbital_rotation(np.ones((2, 2)))
