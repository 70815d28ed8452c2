"""What a basis set is optimized for: sums, bad input, hazards, what molecules are found to be."""

from __future__ import annotations

import re
from typing import Any

import basis_set_exchange
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pyscf import fci, gto, scf

from qvar import basis
from qvar.basis.conditioning import condition_number
from qvar.basis.energy import UnsolvedError
from qvar.basis.target import is_spherical
from qvar.errors import QvarError

H2 = "H 0 0 0; H 0 0 0.7414"
HYDROGEN = basis.Target("H 0 0 0", spin=1)


def at_start(form: basis.Form) -> basis.BasisSet:
    return form.basis(form.start)


def published(element: str, name: str) -> Any:
    """A set as PySCF reads it from the Basis Set Exchange."""
    return gto.basis.parse(basis_set_exchange.get_basis(name, elements=element, fmt="nwchem"), element)


def test_values_are_those_of_pyscf() -> None:
    water = "O; H 1 0.9584; H 1 0.9584 2 104.45"
    form = basis.from_set("O", "cc-pvdz") + basis.from_set("H", "6-31g")
    mol = gto.M(atom=water, basis={"O": published("O", "cc-pvdz"), "H": published("H", "6-31g")})
    exact = scf.RHF(mol).run(conv_tol=1e-12).e_tot
    assert basis.Target(water).value(at_start(form)) == pytest.approx(exact, abs=1e-10)
    field = scf.ROHF(gto.M(atom="O", basis=published("O", "6-31g"), spin=2)).run(conv_tol=1e-12)
    oxygen = basis.Target("O 0 0 0", spin=2)
    assert oxygen.value(at_start(basis.from_set("O", "6-31g"))) == pytest.approx(field.e_tot, abs=1e-10)
    field = scf.RHF(gto.M(atom=H2, basis=published("H", "cc-pvdz"))).run()
    full = basis.Target(H2, theory="fci").value(at_start(basis.from_set("H", "cc-pvdz")))
    assert full == pytest.approx(fci.FCI(field).kernel()[0], abs=1e-9)


def test_lengths_in_bohr() -> None:
    found = at_start(basis.from_set("H", "6-31g"))
    angstrom = basis.Target(H2).value(found)
    assert basis.Target(f"H 0 0 0; H 0 0 {0.7414 / 0.529177210903}", unit="bohr").value(found) == pytest.approx(
        angstrom, abs=1e-8
    )


def test_sums_of_sums() -> None:
    found = at_start(basis.from_set("H", "6-31g"))
    molecule = basis.Target(H2, conditioning=0.01)
    inner = basis.Target([molecule, HYDROGEN], weights=[1, -2])
    outer = basis.Target([inner, HYDROGEN], weights=[-3.0, 0.5])
    assert [weight for weight, _ in outer.molecules] == [-3.0, 6.0, 0.5]
    expected = -3 * (molecule.value(found) - 2 * HYDROGEN.value(found)) + 0.5 * HYDROGEN.value(found)
    assert outer.value(found) == pytest.approx(expected, abs=1e-12)
    assert basis.Target([HYDROGEN, HYDROGEN]).value(found) == pytest.approx(2 * HYDROGEN.value(found), abs=1e-12)
    assert inner.elements == ("H",)
    assert [entry["weight"] for entry in outer.describe()] == [-3.0, 6.0, 0.5]


def test_conditioning_is_added_to_the_value() -> None:
    found = at_start(basis.from_set("H", "6-31g"))
    condition = condition_number(gto.M(atom=H2, basis=found.pyscf()))
    plain = basis.Target(H2).value(found)
    assert basis.Target(H2, conditioning=0.2).value(found) == pytest.approx(plain + 0.2 * np.log(condition), abs=1e-12)


def test_names() -> None:
    assert basis.Target(H2).name == "H2 rhf"
    assert HYDROGEN.name == "H rohf"
    assert basis.Target("Be 0 0 0", theory="casscf", active_space=(2, 4)).name == "Be casscf(2,4)"
    assert basis.Target("Be 0 0 0", theory="rks", xc="pbe").name == "Be pbe"
    assert basis.Target([basis.Target(H2), HYDROGEN], weights=[1, -2]).name == "H2 rhf - 2 H rohf"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"atoms": []}, "`atoms` must name atoms or hold at least one Target, but is []."),
        ({"atoms": [HYDROGEN, "H"]}, "`atoms` must be a geometry or a list of Targets, but has 'H'."),
        ({"atoms": [HYDROGEN], "weights": [1, 2]}, "`weights` must be 1 numbers, one for each target, but is [1, 2]."),
        ({"atoms": [HYDROGEN], "weights": [np.nan]}, "`weights[0]` must be finite, but is nan."),
        ({"atoms": [HYDROGEN], "weights": [0]}, "`weights` must not all be zero, but is [0.0]."),
        ({"atoms": H2, "weights": [1]}, "`weights` must be given for a list of targets only, but is [1]."),
        (
            {"atoms": H2, "theory": "mp2"},
            "`theory` must be one of rhf, rohf, uhf, rks, uks, fci, casscf, but is 'mp2'.",
        ),
        ({"atoms": H2, "theory": "rhf", "spin": 2}, "`spin` must be 0 for rhf, but is 2."),
        ({"atoms": H2, "spin": 1}, "`spin` must be even with 2 electrons, but is 1."),
        ({"atoms": H2, "spin": 4}, "`spin` must be from 0 to the 2 electrons, but is 4."),
        ({"atoms": H2, "charge": 2}, "`charge` must leave at least one electron, but is 2."),
        ({"atoms": H2, "theory": "rks"}, "`xc` must be given for rks and uks, and for them only, but is ''."),
        ({"atoms": H2, "xc": "pbe"}, "`xc` must be given for rks and uks, and for them only, but is 'pbe'."),
        ({"atoms": H2, "conditioning": -1.0}, "`conditioning` must not be negative, but is -1.0."),
        ({"atoms": H2, "theory": "casscf"}, "`active_space` must be given for casscf only, but is None."),
        ({"atoms": H2, "active_space": (2, 2)}, "`active_space` must be given for casscf only, but is (2, 2)."),
        (
            {"atoms": H2, "theory": "casscf", "active_space": (4, 4)},
            "`active_space` must be (electrons, orbitals) that fit 2 electrons, but is (4, 4).",
        ),
        (
            {"atoms": "N 0 0 0", "theory": "casscf", "spin": 3, "active_space": (1, 1)},
            "`active_space` must be (electrons, orbitals) that fit 7 electrons, but is (1, 1).",
        ),
        (
            {"atoms": "N 0 0 0", "theory": "casscf", "spin": 3, "active_space": (5, 3)},
            "`active_space` must be (electrons, orbitals) that fit 7 electrons, but is (5, 3).",
        ),
    ],
)
def test_bad_input_is_an_error(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(QvarError, match=f"^{re.escape(sentence)}$"):
        basis.Target(**arguments)


@pytest.mark.parametrize(
    ("form", "target", "sentence"),
    [
        (basis.free("He", s=2), HYDROGEN, "`basis` must have shells for H, but 'free 2s' has He."),
        (
            basis.free("C", s=2),
            basis.Target("C 0 0 0", spin=2),
            "`form` must have a function for each of the 4 electrons of one spin in C, but has 2.",
        ),
        (
            basis.even_tempered("Ne", s=18, p=13),
            basis.Target("Ne 0 0 0", theory="fci"),
            "`theory` must make at most 1e+07 determinants of 57 orbitals, and not 1.8e+13, but is 'fci'.",
        ),
        (
            basis.free("Be", s=3),
            basis.Target("Be 0 0 0", theory="casscf", active_space=(2, 4)),
            "`active_space` must fit 3 functions, but is (2, 4).",
        ),
    ],
)
def test_forms_that_do_not_fit_a_target_are_errors(form: basis.Form, target: basis.Target, sentence: str) -> None:
    for call in (lambda: target.objective(form), lambda: target.value_and_grad(form, form.start)):
        with pytest.raises(QvarError, match=f"^{re.escape(sentence)}$"):
            call()


def test_theta_of_another_shape_is_an_error() -> None:
    form = basis.free("H", s=2)
    for theta in (np.zeros(3), np.zeros((1, 2)), 0.0):
        with pytest.raises(QvarError, match=r"^`theta` must have shape \(2,\), but has shape \(.*\)\.$"):
            HYDROGEN.value_and_grad(form, theta)


@pytest.mark.parametrize(
    ("theta", "sentence"),
    [
        ([np.nan, 0.0], "`theta` must give exponents from 1e-08 to 1e+12 bohr^-2, but gives nan."),
        ([1000.0, 0.0], "`theta` must give exponents from 1e-08 to 1e+12 bohr^-2, but gives inf."),
        ([-50.0, 0.0], "`theta` must give exponents from 1e-08 to 1e+12 bohr^-2, but gives 1.92875e-22."),
        ([0.0, 40.0], "`theta` must give exponents from 1e-08 to 1e+12 bohr^-2, but gives 2.35385e+17."),
    ],
)
def test_exponents_out_of_range_are_errors_and_not_a_number(theta: list[float], sentence: str) -> None:
    form = basis.free("H", s=2, ratio=1.0)
    with np.errstate(over="ignore"), pytest.raises(UnsolvedError, match=f"^{re.escape(sentence)}$"):
        HYDROGEN.value_and_grad(form, theta)
    objective = HYDROGEN.objective(form)
    value, gradient = objective.value_and_grad(jnp.asarray(theta))
    assert np.isnan(value)
    assert np.all(np.isnan(gradient))
    assert np.isnan(objective.loss(jnp.asarray(theta)))


def test_coefficients_that_are_no_numbers_are_errors() -> None:
    form = basis.free("H", s=2, contracted=True)
    with pytest.raises(
        UnsolvedError, match=r"^`theta` must give finite coefficients, but gives \[\[1.0\], \[nan\]\]\.$"
    ):
        HYDROGEN.value_and_grad(form, [0.0, 0.0, np.nan])


def test_dependent_functions_are_not_a_number() -> None:
    form = basis.free("Be", s=4, ratio=1.0)
    objective = basis.Target("Be 0 0 0").objective(form)
    value, gradient = objective.value_and_grad(jnp.asarray([-1.5, 2.0, -9.0, 2.0]))
    assert np.isnan(value)
    assert np.all(np.isnan(gradient))


def test_objectives_have_the_value_and_gradient_of_their_target() -> None:
    form = basis.free("H", s=3)
    objective = HYDROGEN.objective(form, reference=-0.5)
    assert objective.n_params == 3
    assert objective.family == "generic"
    assert objective.costs.n_qubits == 6
    assert objective.target is not None
    assert objective.target() == -0.5
    theta = jnp.asarray(form.start) + 0.1
    value, gradient = HYDROGEN.value_and_grad(form, theta)
    assert float(objective.loss(theta)) == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(objective.value_and_grad(theta)[1], gradient, atol=1e-12)
    values, gradients = objective.value_and_grad_batch(jnp.stack([theta, jnp.asarray(form.start)]))
    np.testing.assert_allclose(values[0], value, atol=1e-12)
    np.testing.assert_allclose(gradients[0], gradient, atol=1e-12)
    np.testing.assert_allclose(objective.initial(jax.random.key(3)), form.initial(jax.random.key(3)), atol=1e-14)


def test_qubits_are_those_of_the_largest_molecule() -> None:
    pair = basis.Target([basis.Target(H2), HYDROGEN])
    assert pair.objective(basis.from_set("H", "6-31g")).costs.n_qubits == 8


@pytest.mark.parametrize(
    ("element", "spin", "spherical"),
    [("H", 1, True), ("N", 3, True), ("O", 2, False), ("F", 1, False), ("Ne", 0, True), ("Be", 0, True)],
)
def test_which_atoms_are_spherical(element: str, spin: int, spherical: bool) -> None:
    form = basis.from_set(element, "6-31g")
    (found,) = basis.Target(f"{element} 0 0 0", spin=spin).measure(at_start(form))
    assert found.spherical is spherical


def test_mixed_momenta_are_not_spherical() -> None:
    mol = gto.M(atom="He", basis={"He": [[0, [1.0, 1.0]], [1, [1.0, 1.0]]]})
    density = np.diag([2.0, 0.3, 0.3, 0.3])
    assert is_spherical(mol, density)
    density[0, 3] = density[3, 0] = 1e-3
    assert not is_spherical(mol, density)


def test_what_is_measured() -> None:
    form = basis.from_set("H", "6-31g")
    found = at_start(form)
    pair, alone = basis.Target([basis.Target(H2, conditioning=0.5), HYDROGEN], weights=[1, -2]).measure(found)
    assert pair.energy == pytest.approx(basis.Target(H2).value(found), abs=1e-12)  # without the price of conditioning
    assert (pair.n_functions, alone.n_functions) == (4, 2)
    assert pair.spherical is None
    field = scf.RHF(gto.M(atom=H2, basis="6-31g")).run(conv_tol=1e-12)
    kinetic = np.sum(field.mol.intor("int1e_kin") * field.make_rdm1())
    assert pair.virial_ratio == pytest.approx(1 - field.e_tot / kinetic, abs=1e-6)
    assert pair.condition_number == pytest.approx(np.linalg.cond(field.get_ovlp()), rel=1e-9)


def test_the_virial_ratio_of_an_optimal_scale_is_two() -> None:
    form = basis.free("H", s=1)
    theta = np.log([8 / (9 * np.pi)])
    (found,) = HYDROGEN.measure(form.basis(theta))
    assert found.virial_ratio == pytest.approx(2.0, abs=1e-10)
    value, gradient = HYDROGEN.value_and_grad(form, theta)
    assert value == pytest.approx(-4 / (3 * np.pi), abs=1e-12)
    assert abs(gradient[0]) < 1e-10


def test_the_order_of_functions_does_not_matter() -> None:
    """Sets whose shells PySCF gets apart, together and out of order."""
    exponents = np.array([0.2, 5.0, 1.0])
    swapped = np.array([[0.0, 1.0, 0.0], [-2.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    values = [
        HYDROGEN.value_and_slopes(basis.basis_set([("H", basis.Shell(0, exponents, columns))]))
        for columns in (np.eye(3), swapped)
    ]
    assert values[0][0] == pytest.approx(values[1][0], abs=1e-12)
    np.testing.assert_allclose(values[0][1][:3], values[1][1][:3], atol=1e-10)


def test_functions_of_a_ghost_have_a_gradient() -> None:
    """A counterpoise energy, with a ghost as Psi4 writes it, against PySCF and finite differences."""
    target = basis.Target("He 0 0 0; @H 0 0 1")
    form = basis.from_set("He", "3-21g", vary="exponents") + basis.from_set("H", "3-21g", vary="exponents")
    value, gradient = target.value_and_grad(form, form.start)
    mol = gto.M(atom="He 0 0 0; ghost-H 0 0 1", basis=at_start(form).pyscf(), verbose=0)
    assert value == pytest.approx(scf.RHF(mol).run(conv_tol=1e-12).e_tot, abs=1e-9)
    for k, step in enumerate(1e-4 * np.eye(form.n_params)):
        above, below = (target.value(form.basis(np.asarray(form.start) + sign * step)) for sign in (1, -1))
        assert gradient[k] == pytest.approx((above - below) / 2e-4, abs=1e-7)
