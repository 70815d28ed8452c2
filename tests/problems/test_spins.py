from __future__ import annotations

import inspect

import numpy as np
import pytest

from qvar.errors import QvarError
from qvar.problems.spins import tfim


@pytest.mark.parametrize("n", [3, 4, 5, 6, 8, 10])
def test_critical_ring(n):
    assert tfim(n, periodic=True).exact_energy() == pytest.approx(-2 / np.sin(np.pi / (2 * n)), abs=1e-10)


@pytest.mark.parametrize("n", [2, 3, 5, 6, 9])
def test_critical_open_chain(n):
    assert tfim(n).exact_energy() == pytest.approx(1 - 1 / np.sin(np.pi / (4 * n + 2)), abs=1e-10)


@pytest.mark.parametrize("h", [0.3, 1.0, 2.5])
def test_open_chain_is_free_fermions(h):
    """E0 = -sum of the singular values of the bidiagonal matrix with h on and J beside the diagonal (Pfeuty 1970)."""
    n, j = 7, 0.8
    values = np.linalg.svd(np.diag([h] * n) + np.diag([j] * (n - 1), 1), compute_uv=False)
    assert tfim(n, j, h).exact_energy() == pytest.approx(-values.sum(), abs=1e-10)


def test_two_spins_have_one_bond():
    assert tfim(2, periodic=True).pauli.words == tfim(2).pauli.words == ("ZZ", "XI", "IX")
    assert tfim(2, periodic=True).exact_energy() == pytest.approx(-np.sqrt(5), abs=1e-12)


def test_words_and_signs():
    problem = tfim(3, j=2.0, h=-0.5, periodic=True)
    assert problem.pauli.words == ("ZZI", "IZZ", "ZIZ", "XII", "IXI", "IIX")
    np.testing.assert_array_equal(problem.pauli.coefficients, [-2, -2, -2, 0.5, 0.5, 0.5])
    assert problem.reference_energy == -6.0
    assert problem.description == {"model": "tfim", "n": 3, "j": 2.0, "h": -0.5, "periodic": True}


def test_field_alone_and_coupling_alone():
    assert tfim(7, j=0.0).exact_energy() == pytest.approx(-7.0, abs=1e-11)
    assert tfim(7, h=0.0, periodic=True).exact_energy() == pytest.approx(-7.0, abs=1e-11)


@pytest.mark.parametrize(
    ("arguments", "argument", "mention"),
    [
        ({"n": 1}, "n", "1"),
        ({"n": -3}, "n", "-3"),
        ({"n": 2.5}, "n", "2.5"),
        ({"n": True}, "n", "True"),
        ({"n": "4"}, "n", "'4'"),
        ({"n": 4, "j": float("nan")}, "j", "nan"),
        ({"n": 4, "h": float("inf")}, "h", "inf"),
        ({"n": 4, "h": "one"}, "h", "'one'"),
    ],
)
def test_mistakes(arguments, argument, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        inspect.unwrap(tfim)(**arguments)  # as users have it, without type checks
    one_sentence(info, argument, mention)
