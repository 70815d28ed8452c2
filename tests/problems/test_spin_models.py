from __future__ import annotations

import inspect
import json
from functools import reduce

import numpy as np
import pytest

from qvar.errors import QvarError
from qvar.problems.problem import Problem
from qvar.problems.spin_models import heisenberg, tfim, xxz


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
    assert tfim(n, j=j, h=h).exact_energy() == pytest.approx(-values.sum(), abs=1e-10)


def test_two_spins_have_one_bond():
    assert tfim(2, periodic=True).pauli.words == tfim(2).pauli.words == ("ZZ", "XI", "IX")
    assert tfim(2, periodic=True).exact_energy() == pytest.approx(-np.sqrt(5), abs=1e-12)


def test_words_and_signs():
    problem = tfim(3, j=2.0, h=-0.5, periodic=True)
    assert problem.pauli.words == ("ZZI", "IZZ", "ZIZ", "XII", "IXI", "IIX")
    np.testing.assert_array_equal(problem.pauli.coefficients, [-2, -2, -2, 0.5, 0.5, 0.5])
    assert problem.reference_energy == -6.0
    assert problem.description == {
        "model": "tfim",
        "n": 3,
        "j": 2.0,
        "h": -0.5,
        "periodic": True,
        "bonds": [[[0, 1]], [[1, 2]], [[2, 0]]],
    }


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


def _dense(n, bonds, weights):
    """Sum over bonds of weighted XX, YY, ZZ, by Kronecker products."""
    letters = [np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    total = np.zeros((2**n, 2**n), complex)
    for bond in bonds:
        for weight, letter in zip(weights, letters, strict=True):
            total += weight * reduce(np.kron, [letter if site in bond else np.eye(2) for site in range(n)])
    return total


@pytest.mark.parametrize(
    ("n", "periodic", "energy"),
    [(4, False, -6.464101615), (6, False, -9.974308536), (4, True, -8.0), (6, True, -11.211102551)],
)
def test_heisenberg_chains_and_rings(n, periodic, energy):
    assert heisenberg(n, periodic=periodic).exact_energy() == pytest.approx(energy, abs=1e-9)
    assert xxz(n, delta=1.0, periodic=periodic).exact_energy() == pytest.approx(energy, abs=1e-9)


def test_two_spins_form_a_singlet():
    assert heisenberg(2, j=0.7, periodic=True).exact_energy() == pytest.approx(-3 * 0.7, abs=1e-12)
    assert xxz(2, j=0.7, delta=0.3).exact_energy() == pytest.approx(-0.7 * 2.3, abs=1e-12)


@pytest.mark.parametrize("n", [3, 5, 8])
def test_xx_chain_is_free_fermions(n):
    """Two spins exchange with 2J, so E0 is the sum of the negative 4 J cos(pi k / (n+1)) (Lieb, Schultz, Mattis)."""
    levels = 4 * 0.6 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))
    assert xxz(n, j=0.6, delta=0.0).exact_energy() == pytest.approx(levels[levels < 0].sum(), abs=1e-10)


@pytest.mark.parametrize(
    ("shape", "periodic", "bonds"),
    [
        ((2, 3), False, [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)]),
        ((2, 3), True, [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)]),
        ((3, 1), False, [(0, 1), (1, 2)]),
    ],
)
def test_rectangles_against_kronecker_products(shape, periodic, bonds):
    from qvar.problems.exact_energy import pauli_matrix

    n = shape[0] * shape[1]
    found = pauli_matrix(xxz(shape, j=-0.8, delta=0.4, periodic=periodic).pauli).toarray()
    np.testing.assert_allclose(found, _dense(n, bonds, [-0.8, -0.8, -0.32]), atol=1e-14)
    found = pauli_matrix(heisenberg(shape, j=1.3, periodic=periodic).pauli).toarray()
    np.testing.assert_allclose(found, _dense(n, bonds, [1.3] * 3), atol=1e-14)


def test_a_row_is_a_chain_and_a_plaquette_a_ring():
    assert heisenberg((1, 4)).pauli.words == heisenberg(4).pauli.words
    assert heisenberg((2, 2)).exact_energy() == pytest.approx(heisenberg(4, periodic=True).exact_energy(), abs=1e-12)


def test_reference_is_the_neel_state():
    assert heisenberg(5).reference_bits == (0, 1, 0, 1, 0)
    assert heisenberg(5).reference_energy == -4.0
    assert xxz((2, 3), delta=0.5).reference_bits == (0, 1, 0, 1, 0, 1)
    assert xxz((3, 2), delta=0.5).reference_bits == (0, 1, 1, 0, 0, 1)
    assert xxz((3, 2), delta=0.5).reference_energy == -3.5


@pytest.mark.parametrize(
    "problem", [heisenberg(6), xxz(5, delta=-0.5), xxz((2, 3), j=-1.0, delta=0.5), heisenberg((3, 3))]
)
def test_ground_state_has_the_magnetization_of_the_reference(problem):
    """Lowest energy among states with as many ones as the reference, from the dense matrix."""
    from qvar.problems.exact_energy import pauli_matrix

    states = np.flatnonzero(np.bitwise_count(np.arange(2**problem.n_qubits)) == sum(problem.reference_bits))
    block = pauli_matrix(problem.pauli)[states][:, states].toarray()
    assert np.linalg.eigvalsh(block)[0] == pytest.approx(problem.exact_energy(), abs=1e-9)


def test_descriptions_identify_the_model():
    assert xxz((2, 2), delta=0.5, periodic=True).description == {
        "model": "xxz",
        "shape": [2, 2],
        "j": 1.0,
        "delta": 0.5,
        "periodic": True,
        "bonds": [[[0, 1], [2, 3]], [[0, 2], [1, 3]]],
    }
    ring = heisenberg(4, j=2.0, periodic=True)
    assert ring.name == "Heisenberg 4 J=2 periodic"
    assert xxz((2, 3), delta=0.5).name == "XXZ 2x3 J=1 Delta=0.5 open"
    assert ring.description["model"] == "heisenberg"
    assert "delta" not in ring.description
    assert ring.description["bonds"] == [[[0, 1], [2, 3]], [[1, 2], [3, 0]]]
    assert json.loads(json.dumps(ring.description)) == ring.description


def test_round_trip_keeps_the_reference(tmp_path):
    problem = xxz((2, 3), delta=0.1)
    problem.save(tmp_path / "xxz.npz")
    again = Problem.load(tmp_path / "xxz.npz")
    assert again.reference_bits == problem.reference_bits
    assert again.description == problem.description


@pytest.mark.parametrize("model", [xxz, heisenberg])
@pytest.mark.parametrize(
    ("arguments", "argument", "mention"),
    [
        ({"n": 1}, "n", "1"),
        ({"n": (1, 1)}, "n", "(1, 1)"),
        ({"n": (2, 0)}, "n", "(2, 0)"),
        ({"n": (2, 2, 2)}, "n", "(2, 2, 2)"),
        ({"n": (2, 1.5)}, "n[1]", "1.5"),
        ({"n": "23"}, "n", "'23'"),
        ({"n": 4, "j": float("nan")}, "j", "nan"),
    ],
)
def test_mistakes_on_lattices(model, arguments, argument, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        inspect.unwrap(model)(**arguments)
    one_sentence(info, argument, mention)
