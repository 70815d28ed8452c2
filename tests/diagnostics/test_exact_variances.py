"""Exact laws against printed values, quadrature and Haar-random matrices of SciPy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import ortho_group, unitary_group

import qvar
from qvar.diagnostics.exact_variances import (
    cerezo_global,
    cerezo_local,
    haar_pauli_loss,
    hamming_weight_loss,
    matchgate_loss,
    mcclean_first_angle,
    mcclean_middle_angle,
)

X, Y, Z = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))


def test_printed_values() -> None:
    assert mcclean_first_angle(16) == pytest.approx(0.020915, abs=5e-7)
    assert mcclean_first_angle(64) == pytest.approx(0.0052096, abs=5e-8)
    assert mcclean_first_angle(256) == pytest.approx(0.0013021, abs=5e-8)
    assert mcclean_middle_angle(16) == pytest.approx(256 / (2 * 15 * 289))
    assert haar_pauli_loss(8) == pytest.approx(1 / 9)
    assert haar_pauli_loss(8, real=True) == pytest.approx(1 / 5)
    assert matchgate_loss(4) == pytest.approx(1 / 7)
    assert hamming_weight_loss(4, 2) == pytest.approx(1 / 7)
    assert hamming_weight_loss(5, 0) == hamming_weight_loss(5, 5) == 0.0


def within(samples: np.ndarray, second_moment: float) -> None:
    """The second moment of samples with mean zero, within three standard errors that are below 5 %."""
    squares = samples**2
    error = np.std(squares) / np.sqrt(len(squares))
    assert error < 0.05 * second_moment
    assert abs(np.mean(squares) - second_moment) < 3 * error


def test_mcclean_with_haar_random_circuits() -> None:
    """Two qubits; derivative of <Z Z> by the angle of a rotation on the first."""
    rng = np.random.default_rng(1)
    after = unitary_group.rvs(4, size=8000, random_state=rng)
    before = unitary_group.rvs(4, size=8000, random_state=rng)
    observable = after.conj().swapaxes(1, 2) @ np.kron(Z, Z) @ after
    prepared = np.array([np.cos(np.pi / 8), np.sin(np.pi / 8)])
    words = np.array([np.kron(P, np.eye(2)) for P in (X, Y, Z)])[rng.integers(0, 3, 8000)]

    def derivatives(states: np.ndarray) -> np.ndarray:  # of <O> by the angle, i/2 <[P, O]>
        bra, ket = states[:, None, :].conj(), states[:, :, None]
        return -np.imag(bra @ words @ observable @ ket)[:, 0, 0]

    within(derivatives(np.tile(np.kron(prepared, prepared), (8000, 1)) + 0j), mcclean_first_angle(4))
    within(derivatives(before[:, :, 0]), mcclean_middle_angle(4))


@pytest.mark.parametrize("real", [False, True])
def test_pauli_in_haar_random_states(real: bool) -> None:
    group = ortho_group if real else unitary_group
    states = group.rvs(8, size=8000, random_state=2)[:, :, 0]
    for signs in (np.kron(np.kron([1, -1], [1, 1]), [1, 1]), np.kron(np.kron([1, -1], [1, -1]), [1, -1])):
        within(np.abs(states) ** 2 @ signs, haar_pauli_loss(8, real=real))


@pytest.mark.parametrize(("n", "k"), [(4, 1), (5, 2)])
def test_hamming_weight_in_haar_random_states(n: int, k: int) -> None:
    signs = np.array([-1 if 0 in ones else 1 for ones in combinations(range(n), k)])
    states = unitary_group.rvs(len(signs), size=20000, random_state=3)[:, :, 0]
    within(np.abs(states) ** 2 @ signs - (1 - 2 * k / n), hamming_weight_loss(n, k))


def test_cerezo_by_quadrature() -> None:
    """Periodic and band limited, so that a few points are exact."""
    points = 2 * np.pi * np.arange(8) / 8
    angles = np.stack(np.meshgrid(points, points, points, indexing="ij"), axis=-1).reshape(-1, 3)
    for n in (1, 2, 3):
        slope = np.sin(angles[:, 0]) / 2
        assert np.var(slope * np.prod(np.cos(angles[:, 1:n] / 2) ** 2, axis=1)) == pytest.approx(cerezo_global(n))
        assert np.var(slope / n) == pytest.approx(cerezo_local(n))


def test_matchgates_by_rotations_of_majoranas() -> None:
    """<i g_1 g_2> after a random rotation R of 2n Majoranas of a basis state: (R Gamma R^T)_12."""
    gamma = np.kron(np.eye(3), [[0, 1], [-1, 0]])
    rotations = ortho_group.rvs(6, size=8000, random_state=4)
    within((rotations @ gamma @ rotations.swapaxes(1, 2))[:, 0, 1], matchgate_loss(3))


@pytest.mark.parametrize(
    ("law", "arguments", "sentence"),
    [
        (mcclean_first_angle, (1,), "`d` must be at least 2, but is 1."),
        (mcclean_middle_angle, (True,), "`d` must be an integer, but is True."),
        (haar_pauli_loss, (0,), "`d` must be at least 2, but is 0."),
        (cerezo_global, (0,), "`n` must be at least 1, but is 0."),
        (cerezo_local, (-1,), "`n` must be at least 1, but is -1."),
        (matchgate_loss, (1,), "`n` must be at least 2, but is 1."),
        (hamming_weight_loss, (4, 5), "`k` must lie between 0 and 4, but is 5."),
    ],
)
def test_mistakes(law: Callable[..., float], arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        law(*arguments)
    assert str(caught.value) == sentence
