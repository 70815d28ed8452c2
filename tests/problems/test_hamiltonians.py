"""Arrays that are no Hamiltonian are refused, from Python and from files."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvar.errors import QvarError
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.molecule import hydrogen_chain
from qvar.problems.problem import Problem

EIGHT = [
    axes
    for axes in itertools.permutations(range(4))
    if {frozenset(axes[:2]), frozenset(axes[2:])} == {frozenset((0, 1)), frozenset((2, 3))}
]


def symmetric_integrals(m, seed):
    """Random numbers with the symmetries, from the definition: the mean over the eight transpositions."""
    rng = np.random.default_rng(seed)
    one, two = rng.standard_normal((m, m)), rng.standard_normal((m,) * 4)
    return one + one.T, np.mean([two.transpose(axes) for axes in EIGHT], axis=0)


@pytest.fixture(scope="module")
def h3():
    return hydrogen_chain(3)


def test_the_group_has_eight_elements():
    assert len(EIGHT) == 8


@settings(max_examples=60, deadline=None)
@given(m=st.integers(1, 4), seed=st.integers(0, 10_000), size=st.sampled_from([1e-3, 1.0, 1e3]))
def test_symmetric_arrays_are_taken_and_their_symmetry_is_exact(m, seed, size):
    one, two = symmetric_integrals(m, seed)
    kept = Integrals(0.5, size * one, size * two)
    np.testing.assert_allclose(kept.two_body, size * two, rtol=0, atol=1e-15 * size * 10)
    again = Integrals(0.5, kept.one_body, kept.two_body)
    assert again.two_body.tobytes() == kept.two_body.tobytes()
    for axes in EIGHT:
        np.testing.assert_array_equal(kept.two_body, kept.two_body.transpose(axes))
    np.testing.assert_array_equal(kept.one_body, kept.one_body.T)


@settings(max_examples=100, deadline=None)
@given(
    m=st.integers(2, 4),
    seed=st.integers(0, 10_000),
    place=st.tuples(*[st.integers(0, 3)] * 4),
    change=st.sampled_from([1e-6, -1e-3, 1.0, np.nan, np.inf, 1e-6j, 1j]),
)
def test_one_wrong_element_is_refused(m, seed, place, change):
    one, two = symmetric_integrals(m, seed)
    p, q, r, s = (index % m for index in place)
    broken = two.astype(type(change))
    broken[p, q, r, s] += change
    alone = p == q == r == s  # such an element has no images, and any real number may stand there
    if not (alone and np.isreal(change) and np.isfinite(change)):
        with pytest.raises(QvarError, match=r"^`two_body(\[.*\])?` must (?!.*\. ).*\.$"):
            Integrals(0.0, one, broken)
    wrong = one.astype(type(change))
    wrong[p, q] += change
    if not (p == q and np.isreal(change) and np.isfinite(change)):
        with pytest.raises(QvarError, match=r"^`one_body(\[.*\])?` must (?!.*\. ).*\.$"):
            Integrals(0.0, wrong, two)


@pytest.mark.parametrize("digits", [9, 12])
def test_integrals_from_a_file_with_few_digits_are_taken(h3, digits):
    """Rounding is no lack of symmetry: such integrals give the energy to what their digits allow."""
    rng = np.random.default_rng(0)
    noise = 10.0**-digits * rng.uniform(-1, 1, h3.integrals.two_body.shape)
    rough = Integrals(h3.integrals.core_energy, h3.integrals.one_body, h3.integrals.two_body + noise)
    assert replace(h3, integrals=rough).exact_energy() == pytest.approx(h3.exact_energy(), abs=10 * 10.0**-digits)


@pytest.mark.parametrize(("turn", "back"), [((0, 2, 1, 3), (0, 2, 1, 3)), ((0, 2, 3, 1), (0, 3, 1, 2))])
def test_the_two_other_usual_orders_are_named_with_the_way_back(h3, turn, back, one_sentence):
    two = h3.integrals.two_body
    with pytest.raises(QvarError) as info:
        Integrals(0.0, h3.integrals.one_body, two.transpose(turn))
    one_sentence(info, "two_body", f"two_body.transpose{back}", "chemists' order")
    np.testing.assert_array_equal(two.transpose(turn).transpose(back), two)


def test_antisymmetrized_integrals_are_refused(h3, one_sentence):
    two = h3.integrals.two_body
    with pytest.raises(QvarError) as info:
        Integrals(0.0, h3.integrals.one_body, two - two.transpose(0, 3, 2, 1))
    one_sentence(info, "two_body", "eight symmetries")


ONE, TWO = np.eye(2), np.zeros((2,) * 4)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Integrals(0.0, [[0, 1], [2, 0]], TWO),
            "`one_body` must be symmetric, but its elements (0, 1) and (1, 0) are 1 and 2.",
        ),
        (lambda: Integrals(0.0, ONE * (1 + 0.5j), TWO), "`one_body` must be real, but has imaginary parts up to 0.5."),
        (
            lambda: Integrals(0.0, np.diag([1, np.nan]), TWO),
            "`one_body[1, 1]` must be finite, but is nan.",
        ),
        (lambda: Integrals(0.0, "ones", TWO), "`one_body` must be an array of real numbers, but is 'ones'."),
        (
            lambda: Integrals(0.0, [[1, 2], [3]], TWO),
            "`one_body` must be an array of real numbers, but is [[1, 2], [3]].",
        ),
        (lambda: Integrals(0.0, ONE, None), "`two_body` must be an array of real numbers, but is None."),
        (lambda: Integrals(1j, ONE, TWO), "`core_energy` must be a number, but is 1j."),
        (lambda: Integrals(np.inf, ONE, TWO), "`core_energy` must be finite, but is inf."),
        (lambda: PauliTerms(["X"], [1j]), "`coefficients` must be real, but has imaginary parts up to 1."),
        (lambda: PauliTerms(["X"], [np.nan]), "`coefficients[0]` must be finite, but is nan."),
        (lambda: PauliTerms("XZ", [1.0, 2.0]), "`words` must be a list of Pauli words, but is 'XZ'."),
        (lambda: PauliTerms(3, [1.0]), "`words` must be a list of Pauli words, but is 3."),
        (lambda: PauliTerms(["XX", 1], [1.0, 2.0]), "`words` must hold words of one length over 'IXYZ', but is 1."),
    ],
)
def test_mistakes(make, sentence):
    with pytest.raises(QvarError) as info:
        make()
    assert str(info.value) == sentence


def test_complex_numbers_without_imaginary_parts_are_real(h3):
    kept = Integrals(0.0, h3.integrals.one_body + 0j, h3.integrals.two_body.tolist())
    assert kept.one_body.dtype == kept.two_body.dtype == np.float64
    np.testing.assert_array_equal(kept.one_body, h3.integrals.one_body)
    np.testing.assert_array_equal(kept.two_body, h3.integrals.two_body)


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"n_qubits": 6.0}, "n_qubits"),
        ({"integrals": (np.eye(3), np.zeros((3,) * 4))}, "integrals"),
        ({"pauli": {"ZZ": 1.0}}, "pauli"),
        ({"occupied_alpha": (0.5, 1)}, "occupied_alpha[0]"),
        ({"occupied_beta": (1, 1)}, "occupied_beta"),
        ({"known_exact_energy": float("nan")}, "known_exact_energy"),
        ({"bits": (0.9, 0, 0, 0, 0, 0)}, "bits[0]"),
    ],
)
def test_a_problem_rounds_nothing(h3, changes, argument, one_sentence):
    given_fields = {field.name: getattr(h3, field.name) for field in fields(Problem)} | changes
    with pytest.raises(QvarError) as info:
        inspect.unwrap(Problem.__init__)(object.__new__(Problem), **given_fields)  # as users have it, without hook
    one_sentence(info, argument)


@pytest.mark.parametrize(
    ("array", "change", "reason"),
    [
        ("two_body", lambda a: a.transpose(0, 2, 1, 3), "`two_body` must be in chemists' order"),
        ("one_body", lambda a: a * (1 + 1j), "`one_body` must be real"),
        ("one_body", lambda a: a + np.triu(a, 1), "`one_body` must be symmetric"),
        ("core_energy", lambda a: a * np.nan, "`core_energy` must be finite"),
        ("exact_energy", lambda a: a * np.nan, "`known_exact_energy` must be finite"),
    ],
)
def test_a_file_of_other_numbers_is_refused_with_the_reason(h3, array, change, reason, tmp_path, one_sentence):
    path = tmp_path / "problem.npz"
    h3.exact_energy()
    h3.save(path)
    data = dict(np.load(path))
    np.savez(path, **(data | {array: change(data[array])}))
    with pytest.raises(QvarError) as info:
        Problem.load(path)
    one_sentence(info, "path", "problem.npz", reason)
