"""Decay of variances: known laws are found, few and scattered points decide nothing, intervals cover."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import linregress, norm, t

import qvar
from qvar.diagnostics.decay_fit import DecayFit, fit_decay
from qvar.diagnostics.exact_variances import cerezo_global, cerezo_local

SIZES = np.array([4.0, 6.0, 8.0, 10.0, 12.0])


def test_exact_laws() -> None:
    fit = fit_decay(SIZES, [cerezo_global(int(n)) for n in SIZES])
    assert (fit.verdict, fit.decays, fit.n_points, fit.n_sizes, fit.n_dropped) == ("exponential", True, 5, 5, 0)
    assert fit.rate.value == pytest.approx(np.log(8 / 3), abs=1e-9)
    assert fit.prefactor == pytest.approx(1 / 3, abs=1e-9)
    assert fit.scatter < 1e-5 < 0.1 < fit.power_scatter
    np.testing.assert_allclose(fit.variance_at([3, 5]), [cerezo_global(3), cerezo_global(5)], rtol=1e-8)
    fit = fit_decay(SIZES, [cerezo_local(int(n)) for n in SIZES])
    assert (fit.verdict, fit.decays) == ("power", True)
    assert fit.exponent.value == pytest.approx(2, abs=1e-9)
    assert fit.power_prefactor == pytest.approx(1 / 8, abs=1e-9)
    np.testing.assert_allclose(fit.variance_at([3, 5], law="power"), [cerezo_local(3), cerezo_local(5)], rtol=1e-8)


def test_without_errors_it_is_least_squares() -> None:
    logarithms = np.array([-1.0, -2.7, -3.1, -4.9, -6.2])
    fit = fit_decay(SIZES, np.exp(logarithms), level=0.9)
    residual_sums = []
    for x, slope, scatter in [(SIZES, fit.rate, fit.scatter), (np.log(SIZES), fit.exponent, fit.power_scatter)]:
        line = linregress(x, logarithms)
        assert slope.value == pytest.approx(-line.slope, rel=1e-9)
        reach = t.ppf(0.95, 3) * line.stderr
        assert slope.interval == pytest.approx((slope.value - reach, slope.value + reach), rel=1e-3)
        residual_sums.append(np.sum((logarithms - line.intercept - line.slope * x) ** 2))
        assert scatter == pytest.approx(np.sqrt(residual_sums[-1] / 3), rel=1e-3)
    # Gaussian likelihoods, each with the scatter that maximizes it
    assert fit.delta_aic == pytest.approx(5 * np.log(residual_sums[1] / residual_sums[0]), rel=1e-3)


def test_with_errors_points_are_weighted() -> None:
    """Sampling errors that explain the scatter: the weighted mean of two groups of points."""
    errors = np.array([0.02, 0.3, 0.04, 0.3, 0.05])
    logarithms = -0.5 * SIZES + np.array([0.01, -0.2, -0.02, 0.2, 0.02])
    fit = fit_decay(SIZES, np.exp(logarithms), errors=errors * np.exp(logarithms))
    design = np.stack([np.ones(5), SIZES], axis=1)
    weights = np.diag(errors**-2.0)
    covariance = np.linalg.inv(design.T @ weights @ design)
    expected = covariance @ design.T @ weights @ logarithms
    assert (fit.rate.value, np.log(fit.prefactor)) == pytest.approx((-expected[1], expected[0]), rel=1e-6)
    assert fit.scatter == 0.0
    reach = t.ppf(0.975, 3) * np.sqrt(covariance[1, 1])
    assert fit.rate.interval == pytest.approx((fit.rate.value - reach, fit.rate.value + reach), rel=1e-6)
    # the same as intervals, which say how sure the points are on the logarithmic axis
    z = norm.ppf(0.975)
    intervals = np.exp(logarithms[:, None] + errors[:, None] * np.array([-z, z]))
    other = fit_decay(SIZES, np.exp(logarithms), intervals=intervals)
    assert (other.rate.value, *other.rate.interval) == pytest.approx((fit.rate.value, *fit.rate.interval), rel=1e-9)


def test_scatter_beyond_the_errors_makes_points_equal() -> None:
    """Two points that pretend to be exact do not draw the line where all points scatter far more."""
    logarithms = -0.5 * SIZES + np.array([0.2, -0.3, 0.4, -0.3, 0.1])
    variances = np.exp(logarithms)
    fit = fit_decay(SIZES, variances, errors=np.array([1e-4, 1e-4, 0.05, 0.05, 0.05]) * variances)
    assert fit.rate.value == pytest.approx(-linregress(SIZES, logarithms).slope, rel=0.02)


@pytest.mark.parametrize("scatter", [0.0, 0.25])
def test_interval_of_the_rate_covers(scatter: float) -> None:
    """Points with known sampling errors, and a scatter that is not known, in 200 experiments."""
    rng, rate, errors = np.random.default_rng(5), 0.69, np.array([0.05, 0.05, 0.1, 0.1, 0.2])
    covered, wrong = 0, 0
    for _ in range(200):
        variances = np.exp(-rate * SIZES + rng.normal(size=5) * np.hypot(errors, scatter))
        fit = fit_decay(SIZES, variances, errors=errors * variances)
        covered += fit.rate.low <= rate <= fit.rate.high
        wrong += fit.verdict == "power"
    assert covered >= 0.95 * 200 - 3 * np.sqrt(200 * 0.95 * 0.05)
    assert wrong <= 0.05 * 200


@pytest.mark.parametrize(
    "variance",
    [
        lambda n: n / (n + 6) ** 4,
        lambda n: 2.0**-n + 1e-3,
        lambda n: 2.0**-n + 1e-2,
        lambda n: n**2 * 2.0**-n,
        lambda n: np.exp(-3 * np.sqrt(n)),
        lambda n: np.exp(-(n**2) / 20),
    ],
)
def test_neither(variance: Callable[[np.ndarray], np.ndarray]) -> None:
    """Variances of other laws, exact and with errors of one percent, are taken for none of the two."""
    for sizes in (SIZES, np.arange(4.0, 13), np.arange(2.0, 11)):
        exact = variance(sizes)
        fit = fit_decay(sizes, exact)
        assert fit.verdict == "neither"
        assert max(fit.p_value, fit.power_p_value) < 0.05
        assert fit.sentence.startswith("Neither an exponential nor a power law over")
        assert "the variances miss the exponential by up to" in fit.sentence
        line = np.log(fit.variance_at(sizes))
        assert fit.misfit == pytest.approx(np.max(np.abs(np.log(exact) - line)), rel=1e-6)
        if len(sizes) > 5:
            noisy = exact * np.exp(0.01 * np.random.default_rng(1).normal(size=len(sizes)))
            assert fit_decay(sizes, noisy, errors=0.01 * noisy).verdict == "neither"


def test_corrections_are_no_other_law() -> None:
    assert fit_decay(SIZES, 1 / (2.0**SIZES + 1)).verdict == "exponential"
    assert fit_decay(SIZES, 1 / (2 * SIZES - 1)).verdict == "power"
    assert fit_decay(SIZES[:4], (lambda n: n / (n + 6) ** 4)(SIZES[:4])).verdict == "undecided"


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("scatter", [0.05, 0.2])
def test_wrong_verdicts_are_as_rare_as_they_say(known: bool, scatter: float) -> None:
    """Five sizes, of an exponential and of a power law in turn; AICc alone is wrong in up to 12 % without errors."""
    rng, experiments, wrong, right = np.random.default_rng(7), 100, 0, 0
    for number in range(experiments):
        law, exact = ("power", SIZES**-2.0) if number % 2 else ("exponential", 2.0**-SIZES)
        variances = exact * np.exp(scatter * rng.normal(size=5))
        verdict = fit_decay(SIZES, variances, errors=scatter * variances if known else None).verdict
        wrong += verdict not in (law, "undecided")
        right += verdict == law
    assert wrong <= 0.05 * experiments + 3 * np.sqrt(0.05 * 0.95 * experiments)
    assert right > (0.4 if scatter == 0.05 else 0.05) * experiments


def test_even_and_odd_sizes_do_not_fake_certainty() -> None:
    sizes = np.arange(4, 12.0)
    errors = np.full(8, 0.01)
    smooth = np.exp(-0.5 * sizes)
    zigzag = smooth * np.where(sizes % 2, 1.6, 1.0)
    certain, fit = (fit_decay(sizes, v, errors=errors * v) for v in (smooth, zigzag))
    assert certain.verdict == "exponential"
    assert fit.verdict == "undecided"
    assert fit.decays
    assert fit.scatter == pytest.approx(np.log(1.6) / 2, rel=0.2)
    assert np.diff(fit.rate.interval) > 10 * np.diff(certain.rate.interval)
    assert "AICc prefers the" in fit.sentence


def test_undecided() -> None:
    three = fit_decay([4, 6, 8], np.exp([-4, -6, -8]))
    assert (three.verdict, three.decays) == ("undecided", True)
    assert three.rate.value == pytest.approx(1.0)
    assert "3 different sizes are too few, a verdict needs 4" in three.sentence
    repeated = fit_decay([4, 4, 6, 6, 8, 8], np.exp([-4, -4.1, -6, -6.1, -8, -8.1]))
    assert (repeated.verdict, repeated.n_points, repeated.n_sizes) == ("undecided", 6, 3)
    flat = fit_decay(SIZES, [0.1, 0.11, 0.09, 0.1, 0.105])
    assert (flat.verdict, flat.decays) == ("undecided", False)
    assert flat.rate.low < 0 < flat.rate.high
    assert "the variance is not seen to fall" in flat.sentence
    rising = fit_decay(SIZES, np.exp(0.3 * SIZES))
    assert (rising.verdict, rising.decays) == ("undecided", False)
    assert rising.rate.value == pytest.approx(-0.3)


def test_what_cannot_be_fitted_is_left_out_and_counted() -> None:
    fit = fit_decay([2, *SIZES, 14, 16], [np.nan, *np.exp(-SIZES), 0.0, -1.0], intervals=[[0, 1]] * 8)
    assert (fit.n_points, fit.n_dropped) == (5, 3)
    assert fit.rate.value == pytest.approx(1.0)
    assert fit.sentence.endswith("Left out: 3 variances that are not a positive number.")
    two = fit_decay([4, 6], np.exp([-4, -6]))
    assert (two.verdict, two.decays, two.rate.value) == ("undecided", False, pytest.approx(1.0))
    assert two.rate.interval == (-np.inf, np.inf)
    for sizes in ([], [4], [4, 4]):
        fit = fit_decay(sizes, [0.1] * len(sizes))
        assert (fit.verdict, fit.decays, fit.n_points) == ("undecided", False, len(sizes))
        assert np.isnan(fit.rate.value)
        assert np.isnan(fit.delta_aic)
    assert fit_decay([4], [0.0]).n_dropped == 1


def test_sentences() -> None:
    halves = fit_decay(SIZES, 2.0**-SIZES).sentence
    assert halves.startswith(
        "Exponential decay over 5 points from 4 to 12 qubits: the variance falls by a factor of 2.00 for each qubit, "
        "A exp(-b n) with b = 0.693 [0.693, 0.693] (95 % interval); AICc prefers it to a power law by "
    )
    squares = fit_decay(SIZES, SIZES**-2.0, size_name="site").sentence
    assert squares.startswith(
        "Power law over 5 points from 4 to 12 sites: the variance falls as A n^-b with b = 2.00 [2.00, 2.00]"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sizes": [0, 1]}, "`sizes` must be positive, but is [0, 1]."),
        ({"variances": [1.0]}, "`variances` must be a list of 2 numbers, one for each size, but is [1.0]."),
        ({"errors": [0.1]}, "`errors` must be a list of 2 numbers, but is [0.1]."),
        ({"errors": [0.1, -0.1]}, "`errors` must be finite and not negative, but is [0.1, -0.1]."),
        ({"intervals": [0.1, 0.2]}, "`intervals` must have shape (2, 2), but is (2,)."),
        ({"intervals": [[1, 2], [3, 2]]}, "`intervals` must be finite, lower end first, but is [[1, 2], [3, 2]]."),
        ({"level": 0}, "`level` must lie between 0 and 1, but is 0."),
    ],
)
def test_mistakes(arguments: dict, sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        fit_decay(**({"sizes": [1, 2], "variances": [1.0, 0.5]} | arguments))
    assert str(caught.value) == sentence


def test_more_mistakes() -> None:
    with pytest.raises(qvar.QvarError, match="`errors` must be left out if `intervals` is given"):
        fit_decay([1, 2], [1.0, 0.5], intervals=[[1, 2], [1, 2]], errors=[0.1, 0.1])
    with pytest.raises(qvar.QvarError, match="`law` must be 'exponential' or 'power'"):
        inspect.unwrap(DecayFit.variance_at)(fit_decay([1, 2], [1.0, 0.5]), [1], law="linear")
