"""Fidelities of pairs of states against the laws of Haar-random states; published values are in test_sim.py."""

from __future__ import annotations

from math import log

import jax
import numpy as np
import pennylane as qml
import pytest
from scipy.special import betaln, logsumexp
from scipy.stats import kstest

import qvar
from qvar.diagnostics.expressive_power import expressibility, fidelities, haar_divergence, haar_fidelity_cdf

KEY = jax.random.key(3)


def _haar_fidelities(dimension: int, real: bool, pairs: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    shape = (2, pairs, dimension)
    both = generator.normal(size=shape) + (0 if real else 1j * generator.normal(size=shape))
    both = both / np.linalg.norm(both, axis=2, keepdims=True)
    return np.minimum(np.abs(np.sum(both[0].conj() * both[1], axis=1)) ** 2, 1.0)


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("dimension", [1, 2, 3, 16])
def test_haar_random_pairs(dimension: int, real: bool) -> None:
    """Their fidelities follow the law, and their divergence is the floor."""
    sample = _haar_fidelities(dimension, real, 20_000)
    if dimension == 1:
        np.testing.assert_array_equal(haar_fidelity_cdf([0, 0.5, 1], 1, real=real), [0, 0, 1])
        sample = np.ones(20_000)
    else:
        assert kstest(sample, lambda f: haar_fidelity_cdf(f, dimension, real=real)).pvalue > 1e-3
        assert kstest(sample, lambda f: haar_fidelity_cdf(f, dimension, real=not real)).pvalue < 1e-6
    found = np.array([haar_divergence(part, dimension, key=KEY, real=real).value for part in np.split(sample, 40)])
    floor = haar_divergence(sample[:500], dimension, key=KEY, real=real).floor
    assert floor is not None
    assert abs(np.mean(found) - floor) <= 4 * np.std(found) / np.sqrt(40)
    assert (floor == 0) == (dimension == 1)


def test_floor_in_closed_form() -> None:
    """One pair falls into one of two bins: the mean divergence is the entropy of the bins."""
    upper = 0.5**3
    for fidelity, chance in ((0.2, 1 - upper), (0.9, upper)):
        found = haar_divergence([fidelity], 4, key=KEY, bins=2)
        assert found.value == pytest.approx(-log(chance), abs=1e-13)
        assert found.floor == pytest.approx(-upper * log(upper) - (1 - upper) * log(1 - upper), abs=1e-13)
    assert haar_divergence([0.3, 0.8], 4, key=KEY, bins=1).value == 0


def _log_beta_weight(low: float, high: float, a: float, b: float) -> float:
    """ln of the weight of Beta(a, b), b > 1, between low and high, by the midpoint rule where it matters."""
    high = min(high, low + 40 * (1 - low) / (b - 1))
    x = low + (high - low) * (np.arange(2_000_000) + 0.5) / 2_000_000
    return float(logsumexp((a - 1) * np.log(x) + (b - 1) * np.log1p(-x)) + np.log((high - low) / len(x)) - betaln(a, b))


@pytest.mark.parametrize("dimension", [100, 2**12, 2**20])
@pytest.mark.parametrize("bin_", [1, 36, 74])
def test_probabilities_below_the_smallest_float(dimension: int, bin_: int) -> None:
    """-ln q of single bins, by numerical integration."""
    low, high = bin_ / 75, (bin_ + 1) / 75
    for real, (a, b) in ((False, (1, dimension - 1)), (True, (0.5, (dimension - 1) / 2))):
        found = haar_divergence([0.5 * (low + high)], dimension, key=KEY, real=real).value
        assert found == pytest.approx(-_log_beta_weight(low, high, a, b), rel=1e-9)


def test_a_circuit_that_never_moves() -> None:
    idle = qvar.Ansatz.from_circuit(lambda theta: None, 4, 0, name="idle")
    found = expressibility(idle, key=KEY, samples=50)
    assert found.value == pytest.approx(15 * log(75), abs=1e-9)
    assert found.interval == pytest.approx((15 * log(75),) * 2, abs=1e-9)
    assert found.samples == 50
    alone = expressibility(idle, key=KEY, samples=50, space="sector")  # its sector is the reference alone
    assert (alone.value, alone.interval, alone.floor) == (0, (0, 0), 0)


def test_fidelities_are_of_pairs() -> None:
    """RX angles a and b on one qubit, all else at rest: the fidelity is cos((a - b)/2) squared."""
    ansatz = qvar.Ansatz.from_circuit(lambda theta: qml.RX(theta[0], wires=1), 3, 1)
    found = np.sort(fidelities(ansatz, key=KEY, samples=20_000))
    law = kstest(found, lambda f: 2 / np.pi * np.arcsin(np.sqrt(f)))  # the difference is uniform on the circle
    assert law.pvalue > 1e-3
    assert fidelities(ansatz, key=KEY, samples=10, start="zero").tolist() == [1.0] * 10


def test_interval_covers_the_mean_value() -> None:
    """Beta(1, 7) against d = 16: 500 pairs, 200 times."""
    generator = np.random.default_rng(0)
    found = [haar_divergence(f, 16, key=jax.random.key(k)) for k, f in enumerate(generator.beta(1, 7, (200, 500)))]
    values = [one.value for one in found]
    mean = np.mean(values)
    covered = np.mean([one.low <= mean <= one.high for one in found])
    assert 0.90 <= covered <= 0.99
    assert np.mean([one.high - one.low for one in found]) < 5 * np.std(values)


def test_sectors_of_ones() -> None:
    """A deep circuit that is universal on two ones in five wires: Haar there, complex, and far from it elsewhere."""
    n = 5

    def function(theta):
        qml.BasisState(np.array([1, 0, 0, 1, 0]), wires=range(n))
        angle = iter(range(8 * 3 * (n - 1)))
        for _ in range(8):
            for wire in range(n - 1):
                qml.SingleExcitation(theta[next(angle)], wires=[wire, wire + 1])
                qml.PhaseShift(theta[next(angle)], wires=wire)
                qml.ControlledPhaseShift(theta[next(angle)], wires=[wire, wire + 1])

    ansatz = qvar.Ansatz.from_circuit(function, n, 96, name="hopping")
    sector = expressibility(ansatz, key=KEY, space="sector")
    floor = sector.floor
    assert floor is not None
    assert sector.low <= floor
    assert sector.value < 2 * floor
    assert expressibility(ansatz, key=KEY, space="sector", haar="real").low > 5 * floor
    assert expressibility(ansatz, key=KEY).low > 100 * floor


def test_fabric_of_electrons(h4: qvar.Problem) -> None:
    """The deep fabric conserves the total spin: it covers the 20 real singlets of the 36 determinants."""
    deep = qvar.gate_fabric(h4, layers=12)
    full, sector = (expressibility(deep, key=KEY, space=space) for space in ("full", "sector"))
    assert full.value > 5
    assert sector.value < 0.2
    assert sector.value == pytest.approx(expressibility(deep, key=KEY, space="sector", haar="real").value)
    sample = fidelities(deep, key=KEY, samples=5000)
    singlets = haar_divergence(sample, 20, key=KEY, real=True)
    assert singlets.floor is not None
    assert singlets.value < 2 * singlets.floor
    assert haar_divergence(sample, 36, key=KEY, real=True).value > 10 * singlets.floor


def test_mistakes() -> None:
    circuit = qvar.sim_circuit(4, number=1, layers=1)
    for arguments, sentence in (
        ({"samples": 0}, r"`samples` must be at least 1, but is 0\."),
        ({"bins": -1}, r"`bins` must be at least 1, but is -1\."),
        ({"space": "sector"}, r"`space` must be 'full' if the number of ones changes as in .*, but is 'sector'\."),
        ({"start": "mp2"}, r"`start` must be one of .*, but is 'mp2'\."),
    ):
        with pytest.raises(qvar.QvarError, match=f"^{sentence}$"):
            expressibility(circuit, **{"key": KEY, "samples": 10, "bins": 5, **arguments})
    with pytest.raises(qvar.QvarError, match=r"^`fidelity` must be in \[0, 1\], but is 1\.5\.$"):
        haar_fidelity_cdf(1.5, 4)
    with pytest.raises(qvar.QvarError, match=r"^`dimension` must be at least 1, but is 0\.$"):
        haar_fidelity_cdf(0.5, 0)
    with pytest.raises(qvar.QvarError, match=r"^`fidelities` must have shape \(n,\), n at least 1, but is \(0,\)\.$"):
        haar_divergence([], 4, key=KEY)
