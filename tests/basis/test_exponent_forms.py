from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pyscf import gto, scf

from qvar import basis
from qvar.basis.exponent_rules import even_tempered_law, free_law, legendre_law, well_tempered_laws
from qvar.errors import QvarError
from qvar.problems.scf import one_thread_without_files


def softplus(x):
    return np.log1p(np.exp(x))


def logarithms(law, theta):
    return np.asarray(law.logarithms(jnp.asarray(theta, dtype=float)))


def all_forms():
    return {
        "free": basis.free("Ne", s=5, p=3),
        "contracted": basis.free("H", s=3, contracted=True),
        "even-tempered": basis.even_tempered("Ne", s=5, p=1),
        "basisopt": basis.well_tempered("Ne", s=5, p=4),
        "erkale": basis.well_tempered("Ne", s=5, p=4, definition="erkale"),
        "legendre": basis.legendre("Ne", terms=3, s=5, p=2),
        "sto-3g": basis.sto_ng("Ne"),
        "set": basis.from_set("Li", "6-31g"),
        "set's exponents": basis.from_set("Li", "6-31g", vary="exponents"),
        "set's coefficients": basis.from_set("He", "cc-pvdz", vary="coefficients"),
        "set's scale": basis.from_set("Li", "6-31g", vary="scale"),
        "frozen": basis.free("Ne", s=5, p=3).frozen("s"),
        "tied": basis.tied(basis.free("Ne", s=3), "Ne", "sp"),
        "mixture": basis.legendre("O", terms=3, d=3, s=5) + basis.free("H", s=3) + basis.even_tempered("O", p=4),
    }


FORMS = all_forms()


@pytest.mark.parametrize(("n", "ratio"), [(2, 1.0), (6, 1.0), (6, 1.5)])
def test_even_tempered_exponents(n, ratio):
    alpha, u = 0.07, 0.3
    beta = ratio * (1 + np.exp(u))  # ln beta = ln ratio + ln(1 + e^u)
    expected = [alpha * beta**k for k in range(n)]
    np.testing.assert_allclose(
        np.exp(logarithms(even_tempered_law(n, ratio), [np.log(alpha), u])), expected, rtol=1e-13
    )


@pytest.mark.parametrize("gamma", [-0.3, 0.0, 1.7])
def test_well_tempered_exponents_of_both_definitions(gamma):
    n, alpha, u, delta, ratio = 7, 0.05, 0.4, 2.3, 1.2
    beta = ratio * (1 + np.exp(u))
    direct = [alpha * beta ** (k - 1) * (1 + gamma * (k / n) ** delta) for k in range(1, n + 1)]
    recursive = [alpha, alpha * beta]
    for k in range(3, n + 1):
        recursive.append(recursive[-1] * beta * (1 + gamma * (k / n) ** delta))
    theta = [np.log(alpha), u, np.log(1 + gamma), np.log(delta)]
    for name, expected in (("basisopt", direct), ("erkale", recursive)):
        law = well_tempered_laws[name](n, ratio)
        np.testing.assert_allclose(np.exp(logarithms(law, theta)), expected, rtol=1e-13)
        form = basis.well_tempered("Ne", definition=name, ratio=ratio, p=n)
        np.testing.assert_allclose(form.exponents(theta)["Ne", "p"], np.sort(expected), rtol=1e-13)


def test_free_exponents_keep_their_ratio():
    u = np.array([-40.0, 0.0, 1.0, -3.0])
    gaps = np.diff(logarithms(free_law(5, 1.4), [0.3, *u]))
    np.testing.assert_allclose(gaps, np.log(1.4) + softplus(u), rtol=1e-13)
    form = basis.free("Ne", s=6, p=4)
    for seed in range(20):
        theta = form.initial(jax.random.key(seed), spread=20.0)
        assert form.basis(theta).smallest_ratio >= 1.4 * (1 - 1e-9)
    assert basis.free("Ne", s=2, ratio=3.0).basis([0.0, -50.0]).smallest_ratio == pytest.approx(3.0)


def test_legendre_exponents_are_sums_of_polynomials():
    x = np.linspace(-1, 1, 6)
    polynomials = [np.ones(6), x, (3 * x**2 - 1) / 2, (5 * x**3 - 3 * x) / 2]
    numbers = [0.4, 2.0, -0.3, 0.1]
    expected = sum(a * p for a, p in zip(numbers, polynomials, strict=True))
    np.testing.assert_allclose(logarithms(legendre_law(6, 4), numbers), expected, rtol=1e-13, atol=1e-14)


def test_two_legendre_terms_are_even_tempered():
    law = legendre_law(8, 2)
    steps = np.diff(logarithms(law, [0.2, 3.1]))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-12)
    even = even_tempered_law(8, 1.0)
    given = logarithms(even, [-2.0, 0.7])
    np.testing.assert_allclose(logarithms(law, law.nearest(given)), given, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_n_legendre_terms_are_free(n):
    law = legendre_law(n, n)
    given = np.sort(np.random.default_rng(n).normal(0.0, 3.0, n))
    np.testing.assert_allclose(logarithms(law, law.nearest(given)), given, atol=1e-10)


@pytest.mark.parametrize("name", FORMS)
def test_jacobian_against_central_differences(name):
    form, step = FORMS[name], 1e-5
    values = jax.jit(form.values)
    theta = np.asarray(form.initial(jax.random.key(3), spread=0.5))
    columns = []
    for direction in np.eye(form.n_params):
        ahead, behind = (np.asarray(values(theta + sign * step * direction)) for sign in (1, -1))
        columns.append((ahead - behind) / (2 * step))
    np.testing.assert_allclose(form.jacobian(theta), np.array(columns).T, atol=2e-9)


@pytest.mark.parametrize("name", FORMS)
def test_values_are_the_numbers_of_the_basis_set(name):
    form = FORMS[name]
    theta = np.asarray(form.initial(jax.random.key(4), spread=0.5))
    numbers = [
        np.concatenate([np.log(shell.exponents), shell.coefficients.ravel()])
        for shells in form.basis(theta).shells.values()
        for shell in shells
    ]
    np.testing.assert_allclose(form.values(theta), np.concatenate(numbers), rtol=1e-12, atol=1e-14)
    assert len(form.labels) == len(set(form.labels)) == form.n_params == len(form.start)
    json.dumps(form.describe())


@pytest.mark.parametrize("name", FORMS)
def test_nearest_gives_a_form_its_own_basis_set_back(name):
    form = FORMS[name]
    theta = form.initial(jax.random.key(5), spread=0.3)
    np.testing.assert_allclose(form.values(form.nearest(form.basis(theta))), form.values(theta), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("even_tempered", "legendre"),
        ("even_tempered", "basisopt"),
        ("even_tempered", "erkale"),
        ("even_tempered", "free"),
        ("legendre", "free"),
        ("basisopt", "free"),
        ("erkale", "free"),
    ],
)
def test_nearest_gives_nested_forms_back(inner, outer):
    def make(kind, n):
        if kind == "legendre":
            return basis.legendre("C", terms=3, s=n)
        if kind in ("basisopt", "erkale"):
            return basis.well_tempered("C", definition=kind, s=n)
        return getattr(basis, kind)("C", s=n, ratio=1.0)

    for n in (1, 2, 3, 6):
        form = make(inner, n)
        given = form.basis(np.asarray(form.start) + np.array([0.3, 0.2, 0.05, 0.1])[: form.n_params])
        other = make(outer, n)
        found = other.exponents(other.nearest(given))["C", "s"]
        np.testing.assert_allclose(found, np.sort(given.of("C")[0].exponents), rtol=1e-10)


def test_nearest_of_another_law_is_the_least_squares_line():
    form = basis.even_tempered("C", s=5)
    given = basis.free("C", s=5).basis([-2.0, 0.1, 0.5, 1.0, 0.3])
    slope, offset = np.polyfit(np.arange(5), np.log(given.of("C")[0].exponents), 1)
    expected = np.exp(offset + slope * np.arange(5))
    np.testing.assert_allclose(form.exponents(form.nearest(given))["C", "s"], expected, rtol=1e-12)


def test_nearest_takes_shells_apart_and_together():
    """A published set has shells of one primitive where a free form has one shell without contraction."""
    published = basis.from_set("H", "aug-cc-pvtz", vary="nothing")
    given = published.basis(published.start)
    form = basis.from_set("H", "aug-cc-pvtz")
    np.testing.assert_allclose(form.nearest(given), form.start, rtol=1e-14)
    free = basis.free("H", p=3, d=2, ratio=1.0)
    kept = basis.basis_set([("H", shell) for shell in given.of("H") if shell.l in (1, 2)])
    found = free.exponents(free.nearest(kept))
    expected = {"p": [0.102, 0.388, 1.407], "d": [0.247, 1.057]}  # Kendall, Dunning, Harrison (1992)
    for letter, numbers in expected.items():
        np.testing.assert_allclose(found["H", letter], numbers, rtol=1e-12)


def test_close_exponents_are_moved_to_the_bound():
    form = basis.free("H", s=2)
    given = basis.free("H", s=2, ratio=1.0).basis([0.0, -3.0])
    assert form.basis(form.nearest(given)).smallest_ratio == pytest.approx(1.4, rel=2e-3)


@pytest.mark.parametrize("n", [1, 2])
def test_no_parameter_is_counted_that_changes_nothing(n):
    """Else forms with few exponents have more parameters than numbers that they can reach."""
    forms = (
        basis.free("C", d=n),
        basis.even_tempered("C", d=n),
        basis.well_tempered("C", d=n),
        basis.well_tempered("C", d=n, definition="erkale"),
        basis.legendre("C", terms=3, d=n),
    )
    for form in forms:
        assert form.n_params == n
        theta = np.asarray(form.start) + 0.1
        assert np.linalg.matrix_rank(form.jacobian(theta)) == n
        np.testing.assert_allclose(form.nearest(form.basis(theta)), theta, atol=1e-10)


def test_labels():
    assert basis.free("Ne", s=2, p=1).labels == ("Ne s ln alpha 1", "Ne s gap 2", "Ne p ln alpha 1")
    assert basis.even_tempered("ne", p=4).labels == ("Ne p ln alpha", "Ne p gap")
    assert basis.well_tempered("H", s=4).labels[2:] == ("H s ln(1 + gamma)", "H s ln delta")
    assert basis.free("H", s=2, contracted=True).labels[-1] == "H s coefficient 2"
    scales = basis.from_set("Li", "6-31g", vary="scale").labels
    assert scales == (*(f"Li s shell {k}, ln scale" for k in (1, 2, 3)), *(f"Li p shell {k}, ln scale" for k in (1, 2)))
    assert basis.tied(basis.free("Ne", s=1), "Ne", "sp").labels == ("Ne sp ln alpha 1",)


def test_names_families_and_counts():
    assert basis.free("Ne", p=4, s=8).name == "free 8s4p"
    assert (basis.free("Ne", s=8, p=4).n_params, basis.even_tempered("Ne", s=18, p=13).n_params) == (12, 4)
    assert basis.legendre("Ne", terms=4, s=18, p=3).n_params == 4 + 3
    assert basis.well_tempered("Ne", s=18, p=13).n_params == 8
    assert basis.free("H", s=3, contracted=True).n_params == 5
    assert basis.free("H", s=3, name="mine").name == basis.even_tempered("H", s=3).named("mine").name == "mine"
    assert basis.free("Ne", s=8).family == "generic"
    for form in (basis.even_tempered("H", s=3), basis.legendre("H", terms=3, s=3), basis.well_tempered("H", s=3)):
        assert form.family == "constrained"
    assert basis.free("Ne", s=8).frozen().family == "constrained"
    assert (basis.free("Ne", s=8) + basis.even_tempered("Ne", p=4)).family == "generic"


def test_a_contracted_form_makes_one_function():
    form = basis.free("H", s=3, contracted=True)
    (shell,) = form.basis([-1.0, 0.5, 0.2, 0.7, -0.4]).of("H")
    assert shell.coefficients.shape == (3, 1)
    np.testing.assert_array_equal(shell.coefficients[:, 0], [1.0, 0.7, -0.4])


def test_frozen_shells_stay_while_the_others_move():
    form = basis.free("Ne", s=3, p=2)
    held = form.frozen("s")
    assert (held.n_params, held.name, held.labels) == (2, "free 3s2p, s frozen", form.labels[3:])
    moved = held.exponents(np.asarray(held.start) + 0.5)
    before = form.exponents(form.start)
    np.testing.assert_allclose(moved["Ne", "s"], before["Ne", "s"], rtol=1e-14)
    assert np.abs(moved["Ne", "p"] / before["Ne", "p"] - 1).min() > 0.1
    other = (form + basis.free("H", s=2)).frozen(element="h")
    assert other.n_params == form.n_params
    assert basis.free("H", s=2).frozen().n_params == 0


def test_tied_shells_share_exponents_and_coefficients():
    form = basis.tied(basis.free("Ne", s=3, contracted=True), "ne", "sp")
    assert form.n_params == 5
    s, p = form.basis(form.start + 0.1).of("Ne")
    assert (s.l, p.l) == (0, 1)
    np.testing.assert_array_equal(s.exponents, p.exponents)
    np.testing.assert_array_equal(s.coefficients, p.coefficients)


def test_sums_of_forms():
    a, b, c = basis.free("O", s=3), basis.even_tempered("H", s=4), basis.even_tempered("O", p=2)
    form = a + b + c
    assert form.elements == ("O", "H")
    assert form.n_params == 3 + 2 + 2
    theta = np.concatenate([a.start, b.start, c.start])
    np.testing.assert_array_equal(form.start, theta)
    assert [shell.l for shell in form.basis(theta).of("O")] == [0, 1]
    np.testing.assert_array_equal(form.exponents(theta)["H", "s"], b.exponents(b.start)["H", "s"])


def test_starts():
    form = basis.free("C", s=3)
    np.testing.assert_array_equal(form.initial(jax.random.key(1), spread=0.0), form.start)
    np.testing.assert_array_equal(form.initial(jax.random.key(1)), form.initial(jax.random.key(1)))
    assert np.abs(form.initial(jax.random.key(1)) - form.initial(jax.random.key(2))).min() > 1e-3
    draws = np.array([form.initial(jax.random.key(seed)) for seed in range(300)]) - form.start
    np.testing.assert_allclose(draws.std(axis=0), 0.5, atol=0.08)
    np.testing.assert_array_equal(form.starting([1.0, 2.0, 3.0]).start, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(("element", "spin"), [("H", 1), ("Li", 1), ("Ne", 0), ("Cl", 1)])
def test_usual_exponents_are_of_use(element, spin):
    """Sixteen primitives that no fit has touched come within a hundredth of the Hartree-Fock limit (numerical)."""
    limits = {"H": -0.5, "Li": -7.432726931, "Ne": -128.547098, "Cl": -459.482072}
    momenta = {"s": 16} if element in ("H", "Li") else {"s": 16, "p": 10}
    form = basis.free(element, **momenta)
    mol = gto.M(atom=element, basis=form.basis(form.start).pyscf(), spin=spin, verbose=0)
    with one_thread_without_files():
        energy = scf.ROHF(mol).run().e_tot
    assert limits[element] - 1e-6 < energy < limits[element] * 0.99


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: basis.free("Qq", s=1), "`element` must be the symbol of an element, such as 'Ne', but is 'Qq'."),
        (lambda: basis.free("X", s=1), "`element` must be the symbol of an element, such as 'Ne', but is 'X'."),
        (lambda: basis.free("H"), "`counts` must name at least one angular momentum, such as s=8, but is {}."),
        (lambda: basis.free("H", s=0), "`s` must be at least 1 function, but is 0."),
        (lambda: basis.free("H", s=1, S=2), "`counts` must name each angular momentum once, but is ['s', 'S']."),
        (
            lambda: basis.even_tempered("H", q=1),
            "`counts` must be an angular momentum, a letter from s to i or 0 to 6, but is 'q'.",
        ),
        (
            lambda: basis.even_tempered("H", k=1),
            "`counts` must be an angular momentum, a letter from s to i or 0 to 6, but is 'k'.",
        ),
        (lambda: basis.free("H", s=2, ratio=0.9), "`ratio` must be at least 1, but is 0.9."),
        (lambda: basis.legendre("H", terms=0, s=4), "`terms` must be at least 1, but is 0."),
        (lambda: basis.free("H", s=2).frozen("p"), "`letters` must name shells of the form, but is 'p'."),
        (
            lambda: basis.tied(basis.free("H", s=2), "H", "s"),
            "`letters` must name at least two angular momenta, such as 'sp', but is 's'.",
        ),
        (
            lambda: basis.tied(basis.free("H", s=2), "H", "ps"),
            "`letters` must begin with an angular momentum that free 2s has for H, but is 'ps'.",
        ),
        (lambda: basis.free("H", s=2).basis([1.0]), "`theta` must have shape (2,), but has shape (1,)."),
        (
            lambda: basis.free("H", s=2).nearest(basis.free("H", s=3).basis([0.0, 1.0, 1.0])),
            "`basis` must have shells of H like those of free 2s, (2s) -> [2s], but 'free 3s' has (3s) -> [3s].",
        ),
        (
            lambda: basis.free("He", s=2).nearest(basis.free("H", s=2).basis([0.0, 1.0])),
            "`basis` must have shells for He, but 'free 2s' has H.",
        ),
    ],
)
def test_mistakes(make, sentence):
    with pytest.raises(QvarError) as caught:
        make()
    assert str(caught.value) == sentence


def test_an_unknown_definition_is_an_error():
    with pytest.raises(QvarError, match=r"^`definition` must be 'basisopt' or 'erkale', but is 'mine'\.$"):
        basis.well_tempered.__wrapped__("H", definition="mine", s=4)  # as users have it, without hook
