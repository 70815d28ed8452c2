from __future__ import annotations

import inspect
from functools import partial

import basis_set_exchange
import jax
import numpy as np
import pytest
from pyscf import gto, scf
from pyscf.gto.basis import bse

from qvar import basis
from qvar.basis.published_forms import published_shells
from qvar.errors import QvarError
from qvar.problems.scf import one_thread_without_files

FIRST_EIGHTEEN = ["H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar"]


def energy(element, shells):
    mol = gto.M(atom=element, basis=shells, spin=None, verbose=0)
    mol.spin = {"N": 3, "C": 2, "O": 2}.get(element, mol.nelectron % 2)
    mol.build()
    with one_thread_without_files():
        return scf.ROHF(mol).run(conv_tol=1e-12).e_tot


@pytest.mark.parametrize("element", FIRST_EIGHTEEN)
def test_the_start_of_scaled_sto_3g_is_the_published_set(element):
    """PySCF ships the sets with 8 digits after the point."""
    form = basis.sto_ng(element)
    levels = 1 + (element not in ("H", "He")) + (FIRST_EIGHTEEN.index(element) > 9)
    assert (form.n_params, form.family, form.name) == (levels, "constrained", "STO-3G scaled")
    expected = sorted(gto.basis.load("sto-3g", element), key=lambda shell: (shell[0], -shell[1][0]))
    own = sorted(form.basis(form.start).pyscf()[element], key=lambda shell: (shell[0], -shell[1][0]))
    assert [shell[0] for shell in own] == [shell[0] for shell in expected]
    for mine, theirs in zip(own, expected, strict=True):
        np.testing.assert_allclose(mine[1:], theirs[1:], rtol=2e-6)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_the_scale_is_slaters_exponent(n):
    """Hehre, Stewart, Pople (1969): 1.24 for H, 1.69 for He; 2.69 and 0.80 for Li, 5.67 and 1.72 for C."""
    for element, zetas in {"H": [1.24], "He": [1.69], "Li": [2.69, 0.80], "C": [5.67, 1.72]}.items():
        np.testing.assert_allclose(np.exp(basis.sto_ng(element, n=n).start), zetas, rtol=3e-6)


def test_scaling_sto_ng_scales_the_functions():
    r"""\\(\\alpha \\to \\zeta^2 \\alpha\\): kinetic energies grow by zeta^2, nuclear attraction by zeta."""
    form = basis.sto_ng("Li")
    one, two = (
        gto.M(atom="Li", spin=1, basis=form.basis(np.log(zeta) + np.zeros(2)).pyscf(), verbose=0) for zeta in (1.0, 1.7)
    )
    np.testing.assert_allclose(two.intor("int1e_ovlp"), one.intor("int1e_ovlp"), atol=1e-13)
    np.testing.assert_allclose(two.intor("int1e_kin"), 1.7**2 * one.intor("int1e_kin"), atol=1e-12)
    np.testing.assert_allclose(two.intor("int1e_nuc"), 1.7 * one.intor("int1e_nuc"), atol=1e-12)


def test_labels_name_the_shells():
    assert basis.sto_ng("Na").labels == ("Na s ln zeta 1s", "Na sp ln zeta 2sp", "Na sp ln zeta 3sp")


@pytest.mark.parametrize(
    ("element", "name"),
    [("H", "cc-pvdz"), ("He", "aug-cc-pvtz"), ("Li", "6-31g"), ("Be", "def2-svp"), ("N", "3-21g"), ("C", "ano-rcc-mb")],
)
def test_published_sets_have_the_energies_that_pyscf_finds(element, name):
    form = basis.from_set(element, name)
    own = energy(element, form.basis(form.start).pyscf())
    data = basis_set_exchange.get_basis(name, elements=element)
    assert own == pytest.approx(energy(element, bse._orbital_basis(data)[0]), abs=1e-10)
    if name != "ano-rcc-mb":  # PySCF's own copy has other digits
        assert own == pytest.approx(energy(element, name), abs=1e-6)


@pytest.mark.parametrize(
    ("vary", "count"),
    # 6-31G of Li: s shells of 6, 3 and 1 primitives, p shells of 3 and 1; a coefficient of each is the scale
    [("all", 14 + 5 + 2 + 2), ("exponents", 14), ("coefficients", 9), ("scale", 5), ("nothing", 0)],
)
def test_what_may_vary(vary, count):
    form = basis.from_set("Li", "6-31g", vary=vary)
    assert form.n_params == count
    start, moved = (form.basis(np.asarray(form.start) + shift).of("Li") for shift in (0.0, 0.1))
    published = published_shells("6-31g", "Li")
    for before, after, given in zip(start, moved, published, strict=True):
        np.testing.assert_allclose(before.exponents, given.exponents, rtol=1e-14)
        np.testing.assert_array_equal(before.coefficients, given.coefficients)
        factors = {"all": np.exp(0.1), "exponents": np.exp(0.1), "scale": np.exp(0.2)}.get(vary, 1.0)
        np.testing.assert_allclose(after.exponents, factors * before.exponents, rtol=1e-13)
        changed = np.count_nonzero(after.coefficients != before.coefficients)
        assert changed == (len(before.exponents) - 1 if vary in ("all", "coefficients") else 0)


def test_zeros_of_general_contractions_stay():
    form = basis.from_set("He", "cc-pvdz")
    theta = form.initial(jax.random.key(0))
    (before, _), (after, _) = form.basis(form.start).of("He"), form.basis(theta).of("He")
    np.testing.assert_array_equal(before.coefficients == 0, [[False, True]] * 3 + [[False, False]])
    np.testing.assert_array_equal(after.coefficients == 0, before.coefficients == 0)
    assert form.n_params == 4 + 3 + 1


@pytest.mark.parametrize("vary", ["all", "coefficients"])
def test_nearest_does_not_see_the_scale_of_a_contraction(vary):
    form = basis.from_set("He", "cc-pvdz", vary=vary)
    given = form.basis(form.start)
    scaled = [basis.Shell(s.l, s.exponents[::-1], -3.0 * s.coefficients[::-1]) for s in given.of("He")]
    found = form.nearest(basis.basis_set([("He", shell) for shell in scaled]))
    np.testing.assert_allclose(found, form.start, rtol=1e-13)


def test_nearest_does_not_mind_the_order_of_contractions():
    form = basis.from_set("H", "cc-pvtz")  # s: five primitives, three functions
    theta = np.asarray(form.start) * 1.05
    given = [
        basis.Shell(s.l, s.exponents, s.coefficients[:, ::-1]) if s.l == 0 else s for s in form.basis(theta).of("H")
    ]
    np.testing.assert_allclose(form.nearest(basis.basis_set([("H", s) for s in given])), theta, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "arguments", "sentence"),
    [
        (basis.sto_ng, ("Qq",), "`element` must be the symbol of an element, such as 'Ne', but is 'Qq'."),
        (basis.sto_ng, ("K",), "`element` must be one from hydrogen to argon for STO-nG, but is 'K'."),
        (partial(basis.sto_ng, n=7), ("H",), "`n` must be from 2 to 6, but is 7."),
        (partial(basis.sto_ng, n=2.5), ("H",), "`n` must be an integer, but is 2.5."),
        (basis.from_set, ("H", "none"), "`basis` must be a set of the Basis Set Exchange that has H, but is 'none'."),
        (
            basis.from_set,
            ("U", "sto-3g"),
            "`basis` must be a set of the Basis Set Exchange that has U, but is 'sto-3g'.",
        ),
        (basis.from_set, ("H", 3), "`basis` must be a text, but is 3."),
        (
            basis.from_set,
            ("Na", "lanl2dz"),
            "`basis` must have all electrons and no core potentials, but is 'lanl2dz'.",
        ),
        (basis.from_set, ("Ne", "cc-pv8z"), "`basis` must have functions up to i only, but is 'cc-pv8z'."),
    ],
)
def test_mistakes(make, arguments, sentence, monkeypatch):
    monkeypatch.setattr("qvar.basis.published_forms.published_shells", inspect.unwrap(published_shells))
    with pytest.raises(QvarError) as caught:
        make(*arguments)  # as users have it, without hook
    assert str(caught.value) == sentence


def test_what_may_not_vary():
    must = "be 'all', 'exponents', 'coefficients', 'scale' or 'nothing'"
    with pytest.raises(QvarError) as caught:
        basis.from_set.__wrapped__("H", "cc-pvdz", vary="sign")
    assert str(caught.value) == f"`vary` must {must}, but is 'sign'."
