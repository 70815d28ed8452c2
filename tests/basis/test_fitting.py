"""Fits: known minima, random starts, bounds that hold, and fits that fail."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import qvar
from qvar import basis
from qvar.basis.fitting import StagedFit
from qvar.errors import QvarError
from qvar.optimize.budget import Budget, Status

H2 = "H 0 0 0; H 0 0 0.7414"
HYDROGEN = basis.Target("H 0 0 0", theory="rohf", spin=1)
BERYLLIUM = basis.Target("Be 0 0 0")
TIGHT = Budget(gradient_tolerance=1e-7)


@pytest.mark.parametrize(("n", "energy"), [(1, -4 / (3 * np.pi)), (4, -0.4992784057)])
def test_the_hydrogen_atom_in_few_gaussians(n: int, energy: float) -> None:
    """Two and three of them are below."""
    found = basis.fit(basis.free("H", s=n), HYDROGEN, budget=TIGHT, staged=False)
    assert found.status is Status.CONVERGED
    assert found.value == pytest.approx(energy, abs=1e-8)
    if n == 1:
        assert found.exponents["H", "s"] == pytest.approx([8 / (9 * np.pi)], abs=1e-6)


def test_lithium_from_random_starts() -> None:
    target = basis.Target("Li 0 0 0", theory="rohf", spin=1)
    found = basis.fit(basis.free("Li", s=4), target, n_starts=4, key=jax.random.key(5), staged=False)
    assert [one.start for one in found.starts] == list(range(4))
    assert [one.status for one in found.starts] == [Status.CONVERGED] * 4
    for one in found.starts:
        assert one.value == pytest.approx(-7.376905979, abs=1e-8)
    assert found.value == min(one.value for one in found.starts)


def test_the_scale_of_sto_3g_for_the_hydrogen_molecule() -> None:
    found = basis.fit(basis.sto_ng("H"), basis.Target(H2, theory="fci"), budget=TIGHT)
    assert np.exp(found.theta) == pytest.approx([1.20118], abs=1e-4)
    assert found.value == pytest.approx(-1.13876968, abs=1e-7)


def test_neon() -> None:
    found = basis.fit(basis.free("Ne", s=8, p=4), basis.Target("Ne 0 0 0", theory="rohf"), staged=False)
    assert found.status is Status.CONVERGED
    assert found.value == pytest.approx(-128.48170729, abs=1e-7)
    assert found.condition_number < 1e6
    assert found.measured[0].spherical
    assert found.measured[0].virial_ratio == pytest.approx(2.0, abs=1e-6)


def test_stages_take_a_fit_down_without_a_step_up() -> None:
    """Even-tempered, Legendre polynomials, free: each begins with the set that the one before ended with."""
    staged = StagedFit(basis.free("Be", s=4), BERYLLIUM, budget=Budget(), method=qvar.lbfgs())
    assert [form.n_params for form in staged.forms] == [2, 3, 4]
    found = staged.run(0, key=jax.random.key(0))
    steps = np.diff(found.trace.value)
    assert np.all(steps <= 1e-9)
    assert np.sum(np.abs(steps) < 1e-9) >= 2  # where a stage begins
    assert np.all(np.diff(found.trace.evaluations) > 0)
    assert found.trace.value[-1] == found.value
    assert found.trace.evaluations[-1] <= found.evaluations
    np.testing.assert_array_equal(found.trace.step, np.arange(len(found.trace.value)))


def test_the_best_of_several_minima_is_kept() -> None:
    """Six functions for beryllium have a minimum with one for the valence shell, and a higher one with two."""
    looks: list[Any] = []
    form = basis.free("Be", s=6)
    found = basis.fit(form, BERYLLIUM, n_starts=4, key=jax.random.key(5), staged=False, callback=looks.append)
    values = np.array([one.value for one in found.starts])
    assert found.value == values.min() < values[0] - 1e-3
    assert looks
    assert np.all(np.diff(found.exponents["Be", "s"]) > 0)
    problem = qvar.molecule("Be 0 0 0", basis=found)
    assert problem.reference_energy == pytest.approx(found.value, abs=1e-9)


def test_a_start_is_the_same_whenever_it_is_run() -> None:
    staged = StagedFit(basis.free("H", s=2), HYDROGEN, budget=Budget(), method=qvar.lbfgs(), staged=False)
    first = [staged.run(start, key=jax.random.key(5)) for start in (0, 1)]
    again = [staged.run(start, key=jax.random.key(5)) for start in (1, 0)][::-1]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.theta, other.theta)
        assert one.value == other.value == pytest.approx(-0.4858127166, abs=1e-8)


def test_open_shells_stay_in_one_state() -> None:
    target = basis.Target("N 0 0 0", theory="uhf", spin=3)
    found = basis.fit(basis.free("N", s=5, p=2), target, n_starts=3, key=jax.random.key(1), staged=False)
    assert [one.status for one in found.starts] == [Status.CONVERGED] * 3
    for one in found.starts:
        assert one.value == pytest.approx(found.value, abs=1e-8)
        assert np.all(np.diff(one.trace.value) <= 1e-12)


def test_neighbours_keep_their_ratio_and_conditioning_costs_energy() -> None:
    target = basis.Target("Be 0 0 0", conditioning=1e-3)
    form = basis.free("Be", s=4, ratio=6.0)
    found = basis.fit(form, target, staged=False, budget=Budget(gradients=80))
    assert 6.0 <= found.basis.smallest_ratio < 6.1  # the best ones are closer
    (measured,) = found.measured
    assert found.value == pytest.approx(measured.energy + 1e-3 * np.log(measured.condition_number), abs=1e-10)


def test_collapsing_exponents_crash_nothing() -> None:
    """Without a bound, from a start whose functions are nearly equal, and from one where they are."""
    form = basis.free("Be", s=4, ratio=1.0)
    staged = StagedFit(
        form.starting([-1.5, 2.0, -5.0, 2.0]), BERYLLIUM, budget=Budget(gradients=40), method=qvar.lbfgs(), staged=False
    )
    found = staged.run(0, key=jax.random.key(0))
    assert np.isfinite(found.value)
    assert found.basis.smallest_ratio > 1.0
    staged.forms = (form.starting([-1.5, 2.0, -9.0, 2.0]),)
    failed = staged.run(0, key=jax.random.key(0))
    assert failed.status is Status.NOT_FINITE
    assert np.isnan(failed.value)
    assert len(failed.trace.value) == 0
    assert failed.message.startswith("`theta` must leave all 4 functions linearly independent, but only 3 are")
    assert failed.measured == []
    assert np.isnan(failed.condition_number)
    for use in (lambda: failed.write("nowhere.nw"), failed.nwchem):
        with pytest.raises(QvarError, match=r"^`fitted` must have a finite value to be used, but ended not_finite\.$"):
            use()


def test_a_start_that_fails_does_not_stop_the_others() -> None:
    form = basis.free("H", s=2, ratio=1.0).starting([-18.2, 0.5])  # many draws are below all exponents
    found = basis.fit(form, HYDROGEN, n_starts=6, key=jax.random.key(0), staged=False, budget=Budget(gradients=30))
    failed = [one for one in found.starts if one.status is Status.NOT_FINITE]
    assert 0 < len(failed) < 6
    assert all("must give exponents from" in one.message for one in failed)
    assert np.isfinite(found.value)


def test_a_stage_that_fails_is_left_behind() -> None:
    staged = StagedFit(basis.free("H", s=3), HYDROGEN, budget=Budget(), method=qvar.lbfgs())
    simple, form = staged.forms  # pyright: ignore[reportAssignmentType]
    staged.forms = (simple.starting([60.0, 1.0]), form)
    found = staged.run(0, key=jax.random.key(0))
    assert found.status is Status.CONVERGED
    assert found.value == pytest.approx(-0.4969792527, abs=1e-8)
    assert np.all(np.isfinite(found.trace.value))


def test_starts_must_be_counted() -> None:
    with pytest.raises(QvarError, match="`n_starts` must be"):
        basis.fit(basis.free("H", s=1), HYDROGEN, n_starts=0)
