"""Gradients of every method against finite differences of its energy, and energies that have none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from differences import derivative
from pyscf import mcscf

from qvar import basis
from qvar.basis import energy
from qvar.basis.energy import UnsolvedError, from_density_matrices
from qvar.errors import QvarError
from qvar.problems.scf import run_scf

WATER = "O; H 1 0.9584; H 1 0.9584 2 104.45"
LIH = "Li 0 0 0; H 0 0 1.546"
H2 = "H 0 0 0; H 0 0 0.7414"


def both(one: str, other: str, name: str) -> basis.Form:
    return basis.from_set(one, name) + basis.from_set(other, name)


CASES: dict[str, tuple[Any, basis.Target, float]] = {
    "rhf": (lambda: both("O", "H", "cc-pvdz"), basis.Target(WATER, theory="rhf"), 1e-8),
    "rohf, sp shells": (lambda: basis.from_set("N", "6-31g"), basis.Target("N 0 0 0", spin=3), 1e-8),
    "rohf": (lambda: basis.free("O", s=5, p=3), basis.Target("O 0 0 0", theory="rohf", spin=2), 1e-8),
    "uhf": (lambda: basis.from_set("O", "cc-pvdz"), basis.Target("O 0 0 0", theory="uhf", spin=2), 1e-8),
    "uhf, free": (lambda: basis.free("Li", s=5, p=2), basis.Target("Li 0 0 0", theory="uhf", spin=1), 1e-8),
    "fci": (lambda: both("Li", "H", "6-31g"), basis.Target(LIH, theory="fci"), 1e-7),
    "fci, open shell": (
        lambda: basis.free("Be", s=4, p=2),
        basis.Target("Be 0 0 0", theory="fci", spin=1, charge=1),
        1e-7,
    ),
    "casscf": (lambda: both("Li", "H", "6-31g"), basis.Target(LIH, theory="casscf", active_space=(2, 3)), 1e-7),
    "casscf, open shell": (
        lambda: basis.from_set("O", "6-31g"),
        basis.Target("O 0 0 0", theory="casscf", spin=2, active_space=(4, 3)),
        1e-7,
    ),
    "rks, local": (lambda: basis.from_set("H", "cc-pvdz"), basis.Target(H2, theory="rks", xc="lda,vwn"), 1e-6),
    "rks, meta": (lambda: basis.free("Be", s=4), basis.Target("Be 0 0 0", theory="rks", xc="m06l"), 1e-6),
    "uks, gradients": (
        lambda: basis.free("Li", s=4, p=1),
        basis.Target("Li 0 0 0", theory="uks", spin=1, xc="pbe"),
        1e-6,
    ),
    "uks, hybrid": (
        lambda: basis.free("Li", s=4, p=1),
        basis.Target("Li 0 0 0", theory="uks", spin=1, xc="b3lyp"),
        1e-6,
    ),
    "uks, meta": (lambda: basis.free("N", s=4, p=2), basis.Target("N 0 0 0", theory="uks", spin=3, xc="tpss"), 1e-6),
    "sum of both signs": (
        lambda: basis.from_set("H", "6-31g"),
        basis.Target(
            [basis.Target(H2, theory="fci", conditioning=1e-3), basis.Target("H 0 0 0", spin=1)], weights=[1, -2]
        ),
        1e-8,
    ),
    "conditioning": (
        lambda: both("O", "H", "sto-3g"),
        basis.Target(WATER, conditioning=0.1),
        1e-8,
    ),
    "tied shells": (
        lambda: basis.tied(basis.free("C", s=4), "C", "sp"),
        basis.Target("C 0 0 0", spin=2),
        1e-8,
    ),
    "contraction": (
        lambda: basis.free("Be", s=3, contracted=True) + basis.free("Be", s=2, p=2),
        basis.Target("Be 0 0 0"),
        1e-8,
    ),
    "f and h": (lambda: basis.free("H", s=2, f=1, h=1), basis.Target(H2), 1e-8),
}


def away(form: basis.Form, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A point away from the form's start, and for each parameter what a small change of it is."""
    start = np.asarray(form.start)
    size = np.where(["coefficient" in label for label in form.labels], np.abs(start), 1.0)
    return start + 0.05 * size * np.random.default_rng(seed).normal(size=form.n_params), size


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_finite_differences(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "GRID_LEVEL", 0)  # on every grid the gradient is that of the energy on that grid
    make, target, tolerance = CASES[name]
    form = make()
    theta, size = away(form, 3)
    value, gradient = target.value_and_grad(form, theta)
    energy_at = lambda point: target.value(form.basis(point))  # noqa: E731
    assert value == pytest.approx(energy_at(theta), abs=1e-12)
    direction = size * np.random.default_rng(4).normal(size=form.n_params)  # all parameters at once
    direction /= np.linalg.norm(direction)
    expected = derivative(energy_at, theta, direction, 0.02)
    assert abs(expected) > 1e-4
    assert gradient @ direction == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(
    ("make", "target"),
    [
        (lambda: both("Li", "H", "sto-3g"), basis.Target(LIH, theory="rhf")),
        (lambda: basis.from_set("H", "6-31g"), basis.Target("H 0 0 0; H 0 0 0.9; H 0 0 2.2", theory="fci", spin=1)),
    ],
)
def test_every_single_parameter(make: Any, target: basis.Target) -> None:
    form = make()
    theta, size = away(form, 5)
    gradient = target.value_and_grad(form, theta)[1]
    steps = size * np.eye(form.n_params)
    expected = [derivative(lambda point: target.value(form.basis(point)), theta, step, 0.01) for step in steps]
    np.testing.assert_allclose(steps @ gradient, expected, atol=1e-8)


def test_elements_that_a_target_lacks_have_no_slope() -> None:
    form = basis.free("He", s=2) + basis.free("H", s=3) + basis.free("Li", s=2)
    value, gradient = basis.Target("H 0 0 0", spin=1).value_and_grad(form, form.start)
    alone, slopes = basis.Target("H 0 0 0", spin=1).value_and_grad(basis.free("H", s=3), basis.free("H", s=3).start)
    assert value == pytest.approx(alone, abs=1e-12)
    np.testing.assert_allclose(gradient, [0, 0, *slopes, 0, 0], atol=1e-12)


def test_hartree_fock_is_also_a_functional() -> None:
    form = basis.free("Li", s=4, p=1)
    exact = basis.Target("Li 0 0 0", theory="uhf", spin=1).value_and_grad(form, form.start)
    value, gradient = basis.Target("Li 0 0 0", theory="uks", xc="hf", spin=1).value_and_grad(form, form.start)
    assert value == pytest.approx(exact[0], abs=1e-10)
    np.testing.assert_allclose(gradient, exact[1], atol=1e-8)


def solver_of(n_active: int, electrons: int) -> basis.Solver:
    """Configuration interaction in Hartree-Fock orbitals."""

    def solve(mol: Any) -> basis.Solution:
        field = run_scf(mol)
        casci = mcscf.CASCI(field, n_active, electrons)
        casci.verbose, casci.fcisolver.conv_tol, casci.fcisolver.lindep = 0, 1e-13, 1e-20
        value = casci.kernel()[0]
        gamma, pairs = casci.fcisolver.make_rdm12(casci.ci, n_active, casci.nelecas)
        return from_density_matrices(float(value), np.asarray(casci.mo_coeff), int(casci.ncore), gamma, pairs)

    return basis.Solver("casci", solve, {"solver": "casci"})


def test_an_energy_that_is_not_stationary_has_no_gradient() -> None:
    form = both("Li", "H", "sto-3g")
    target = basis.Target(LIH, theory=solver_of(3, 2))
    assert np.isfinite(target.value(form.basis(form.start)))
    sentence = (
        r"`theory` must be stationary in its orbitals to have a gradient, as rhf, rohf, uhf, rks, full-space fci and "
        r"casscf are when they have converged, but its Fock matrix is asymmetric by \d\.\de-\d\d Ha\."
    )
    with pytest.raises(UnsolvedError, match=f"^{sentence}$"):
        target.value_and_grad(form, form.start)


def test_a_solver_that_is_stationary_has_the_gradient_of_its_method() -> None:
    form = both("Li", "H", "sto-3g")
    value, gradient = basis.Target(LIH, theory=solver_of(6, 4)).value_and_grad(form, form.start)
    exact, expected = basis.Target(LIH, theory="fci").value_and_grad(form, form.start)
    assert value == pytest.approx(exact, abs=1e-10)
    np.testing.assert_allclose(gradient, expected, atol=1e-7)


def test_nearly_equal_exponents_are_errors() -> None:
    form = basis.free("Be", s=4, ratio=1.0)
    theta = np.array([-1.5, 2.0, -9.0, 2.0])
    target = basis.Target("Be 0 0 0")
    sentence = (
        r"`theta` must leave all 4 functions linearly independent, but only 3 are \(eigenvalues of the overlap .*\)\."
    )
    with pytest.raises(UnsolvedError, match=f"^{sentence}$"):
        target.value_and_grad(form, theta)
    with pytest.raises(UnsolvedError, match=sentence):
        basis.Target("Be 0 0 0", theory="fci").value(form.basis(theta))


def test_functions_that_pyscf_drops_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    form = basis.free("Be", s=4, ratio=1.0)
    monkeypatch.setattr(energy, "DEPENDENT", 0.0)  # the check before the iteration sees nothing
    with pytest.raises(UnsolvedError, match="only 3 are"):
        basis.Target("Be 0 0 0").value(form.basis(np.array([-1.5, 2.0, -9.0, 2.0])))


def test_a_field_that_does_not_converge_speaks_of_theta(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(field: Any) -> Any:
        raise QvarError("`geometry` must be another")

    form = basis.free("H", s=2)
    monkeypatch.setattr(energy, "converge", fail)
    sentence = "`theta` must allow a converged rohf, but neither DIIS nor the second-order iteration converged."
    with pytest.raises(UnsolvedError, match=sentence):
        basis.Target("H 0 0 0", spin=1).value(form.basis(form.start))

    def break_down(field: Any) -> Any:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(energy, "converge", break_down)
    with pytest.raises(UnsolvedError, match=r"^`theta` must allow .* rohf, but PySCF says: Singular matrix\.$"):
        basis.Target("H 0 0 0", spin=1).value(form.basis(form.start))


def test_an_active_space_that_does_not_converge_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcscf.mc1step.CASSCF, "kernel", lambda self: (0.0,))
    form = basis.free("Be", s=3, p=1)
    with pytest.raises(UnsolvedError, match=r"`theta` must allow a converged CASSCF\(2,2\), but its iteration failed."):
        basis.Target("Be 0 0 0", theory="casscf", active_space=(2, 2)).value(form.basis(form.start))
