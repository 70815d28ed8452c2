"""Coverage: how often the intervals of qvar hold the exact value, and how often verdicts on decays are wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.checks import counting_number, whole_number
from qvar.diagnostics.decay_fit import fit_decay
from qvar.diagnostics.dimension_interval import dimension_estimate
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.expressive_power import haar_divergence
from qvar.diagnostics.intervals import average_variance, moment_intervals, wilson_interval
from qvar.optimize.budget import Status
from qvar.task import LedgerColumn, Reporter, Row, Task, task_key

Generator = np.random.Generator

_SIZES = np.array([4.0, 6.0, 8.0, 10.0, 12.0])
_KAPPA = 11_520.0
_VECTOR = 200
"""Experiments whose samples are held at once."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Coverage:
    """Repeats experiments whose exact result is known, and counts how often 95 % intervals hold it.

    Each kind of interval and distribution is one task and one row, and so is each kind of verdict on a decay. Circuits
    are not simulated: the toy of Cerezo et al. 2021 is a product of cosines.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = (
        LedgerColumn("samples", "Int64", "Number of samples of each experiment."),
        LedgerColumn("experiments", "Int64", "Number of repeated experiments."),
        LedgerColumn("covered", "float64", "Share of the experiments whose 95 % interval holds the exact value."),
        LedgerColumn("below", "float64", "Share of the experiments whose interval lies below the exact value."),
        LedgerColumn("above", "float64", "Share of the experiments whose interval lies above the exact value."),
        LedgerColumn("flagged", "float64", "Share of the experiments that report their own interval to be too narrow."),
        LedgerColumn("right", "float64", "Share of the experiments with the right verdict on a decay."),
        LedgerColumn("wrong", "float64", "Share of the experiments with a wrong verdict on a decay."),
        LedgerColumn("undecided", "float64", "Share of the experiments without a verdict on a decay."),
    )  # fmt: skip

    experiments: int = 1000
    """Number of experiments of each row."""
    samples: int = 1000
    """Number of samples of each experiment on moments; other experiments have numbers of their own."""
    seed: int = 0
    """Number that all samples are drawn with."""

    name: ClassVar[str] = "coverage"
    """Name of the study in records."""
    citations: ClassVar[tuple[str, ...]] = ("jax2018",)
    """Keys of the papers and software that the study rests on, in `qvar/citations.bib`."""

    def __post_init__(self) -> None:
        counting_number("experiments", self.experiments)
        counting_number("samples", self.samples)
        whole_number("seed", self.seed)

    def tasks(self) -> list[Task]:
        """Return one task per kind of interval and distribution."""
        kinds = {**_interval_kinds(self.samples), **_verdict_kinds()}
        return [
            Task(
                task_key({"study": "coverage", "kind": label, "numbers": [self.experiments, self.samples, self.seed]}),
                label,
                partial(_measure, self, label, *kinds[label]),
            )
            for label in kinds
        ]


def _measure(study: Coverage, label: str, samples: int, experiment: Callable[..., Row], report: Reporter) -> list[Row]:
    digest = sum(ord(letter) * (place + 1) for place, letter in enumerate(label))
    row = experiment(np.random.default_rng([study.seed, digest]), samples, study.experiments)
    base = {"contender": label, "family": "generic", "seed": study.seed, "method": "experiments"}
    return [{**base, "status": Status.MEASURED.value, "samples": samples, "experiments": study.experiments, **row}]


def _shares(low: FloatArray, high: FloatArray, truth: float, flagged: FloatArray) -> Row:
    below, above = float(np.mean(high < truth)), float(np.mean(low > truth))
    return {"covered": 1 - below - above, "below": below, "above": above, "flagged": float(np.mean(flagged))}


def _interval_kinds(samples: int) -> dict[str, tuple[int, Callable[..., Row]]]:
    kinds: dict[str, tuple[int, Callable[..., Row]]] = {}
    moments: dict[str, tuple[Callable[..., FloatArray], float, float]] = {
        "normal": (lambda rng, shape: rng.normal(size=shape), 0.0, 1.0),
        "log-normal, sigma 1": (lambda rng, shape: np.exp(rng.normal(size=shape)), math.exp(0.5), math.e**2 - math.e),
    }
    for n in (4, 8, 12):
        moments[f"global cost, {n} qubits"] = (partial(_cosines, n), 2.0**-n, (3 / 8) ** n - (1 / 4) ** n)
        moments[f"its derivative, {n} qubits"] = (partial(_slopes, n), 0.0, (3 / 8) ** (n - 1) / 8)
    for name, (draw, mean, variance) in moments.items():
        kinds[f"mean, {name}"] = (samples, partial(_moments, draw, mean, False))
        kinds[f"variance, {name}"] = (samples, partial(_moments, draw, variance, True))
    variance = (3 / 8) ** 6 - (1 / 4) ** 6
    kinds["average of 5 variances, 6 qubits"] = (samples, partial(_one_by_one, _average, variance))
    for points in (20, 100):
        kinds[f"effective dimension, {points} points"] = (points, partial(_one_by_one, _dimension, _exact_dimension()))
    for chance in (0.5, 0.9, 0.98):
        kinds[f"share of successes, {chance}"] = (20, partial(_one_by_one, partial(_share, chance), chance))
    kinds["divergence, Haar states"] = (1000, partial(_one_by_one, _divergence, None))
    kinds["rate of a decay"] = (len(_SIZES), partial(_one_by_one, _rate, math.log(2)))
    return kinds


def _cosines(n: int, rng: Generator, shape: tuple[int, ...]) -> FloatArray:
    product = np.ones(shape)
    for _ in range(n):
        product *= np.cos(rng.uniform(0, math.pi, shape)) ** 2
    return product


def _slopes(n: int, rng: Generator, shape: tuple[int, ...]) -> FloatArray:
    return 0.5 * np.sin(rng.uniform(0, 2 * math.pi, shape)) * _cosines(n - 1, rng, shape)


def _moments(
    draw: Callable[..., FloatArray], truth: float, variance: bool, rng: Generator, samples: int, experiments: int
) -> Row:
    parts = []
    for start in range(0, experiments, _VECTOR):
        columns = draw(rng, (samples, min(_VECTOR, experiments - start)))
        intervals = moment_intervals(jax.random.key(int(rng.integers(1 << 31))), columns)
        ends = intervals.variances if variance else intervals.means
        flags = intervals.needed > 0 if variance else np.zeros(len(ends), dtype=bool)
        parts.append(np.column_stack([ends, flags]))
    low, high, flagged = np.concatenate(parts).T
    return _shares(low, high, truth, flagged)


def _one_by_one(
    estimate: Callable[[Generator, int], Estimate], truth: float | None, rng: Generator, samples: int, experiments: int
) -> Row:
    estimates = [estimate(rng, samples) for _ in range(experiments)]
    low, high = np.array([one.interval for one in estimates]).T
    exact = estimates[0].floor if truth is None else truth
    assert exact is not None
    return _shares(low, high, exact, np.array([one.needed is not None for one in estimates], dtype=float))


def _key(rng: Generator) -> jax.Array:
    return jax.random.key(int(rng.integers(1 << 31)))


def _average(rng: Generator, samples: int) -> Estimate:
    return average_variance(_key(rng), _cosines(6, rng, (samples, 5)))


def _spectra(rng: Generator, points: int) -> FloatArray:
    return rng.chisquare(2, (points, 8))


def _exact_dimension() -> float:
    return float(dimension_estimate(jax.random.key(0), _spectra(np.random.default_rng(0), 20_000), _KAPPA, 1))


def _dimension(rng: Generator, points: int) -> Estimate:
    return dimension_estimate(_key(rng), _spectra(rng, points), _KAPPA)


def _share(chance: float, rng: Generator, trials: int) -> Estimate:
    successes = int(rng.binomial(trials, chance))
    return Estimate(successes / trials, *wilson_interval(successes, trials), trials)


def _divergence(rng: Generator, pairs: int) -> Estimate:
    return haar_divergence(rng.beta(1, 15, pairs), 16, key=_key(rng))


def _rate(rng: Generator, points: int) -> Estimate:
    errors = np.linspace(0.05, 0.2, points)
    variances = 2.0**-_SIZES * np.exp(errors * rng.normal(size=points))
    return fit_decay(_SIZES, variances, errors=errors * variances).rate


def _verdict_kinds() -> dict[str, tuple[int, Callable[..., Row]]]:
    laws: dict[str, tuple[str, FloatArray]] = {
        "2^-n": ("exponential", 2.0**-_SIZES),
        "n^-2": ("power", _SIZES**-2.0),
        "n^2 2^-n": ("neither", _SIZES**2 * 2.0**-_SIZES),
    }
    return {
        f"verdict on {name}, {100 * error:g} %, errors {'known' if known else 'not known'}": (
            len(_SIZES),
            partial(_verdicts, right, exact, error, known),
        )
        for name, (right, exact) in laws.items()
        for error in (0.05, 0.2)
        for known in (True, False)
    }


def _verdicts(
    right: str, exact: FloatArray, error: float, known: bool, rng: Generator, samples: int, experiments: int
) -> Row:
    verdicts = []
    for _ in range(experiments):
        variances = exact * np.exp(error * rng.normal(size=samples))
        verdicts.append(fit_decay(_SIZES, variances, errors=error * variances if known else None).verdict)
    shares = verdicts.count(right) / experiments, verdicts.count("undecided") / experiments
    return {"right": shares[0], "undecided": shares[1], "wrong": max(0.0, 1 - sum(shares))}
