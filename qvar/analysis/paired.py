"""Ways to train, compared seed by seed, with intervals and a verdict."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.rows import RESOLUTION, first, known, median, where
from qvar.units import CHEMICAL_ACCURACY, HARTREE

SAME = 1e-6
"""Errors that differ by less, in the ledger's unit, are equal: the same minimum, reached to the budget's tolerance."""

_RESAMPLES = 2000


class PairedRow(NamedTuple):
    """A row of `paired_table`."""

    contender: str
    against: str
    distance: float | None
    n_params: float | None
    fisher_rank: float | None
    seeds: int
    pairs: int
    better: int
    worse: int
    equal: int
    share: float | None
    share_low: float | None
    share_high: float | None
    change: float | None
    change_low: float | None
    change_high: float | None
    median: float | None
    best: float | None
    successes: int
    infidelity: float | None
    minima: int
    evaluations: float | None
    evaluations_ratio: float | None
    evaluations_per_success: float | None
    start_recovered: float | None
    arrival: float | None
    verdict: str
    unit: str


def paired_table(ledger: DataFrame, *, column: str = "error") -> DataFrame:
    """Compare each contender of a `qvar.Paired` or `qvar.Trials` with the one that its row names, seed by seed.

    Args:
        ledger: the run's ledger.
        column: column of the error: `test_error` of trials.

    Returns:
        One row per contender, in the ledger's order. Of itself: `distance`, `n_params`, `fisher_rank`, `seeds`,
        `median` and `best` of |error|, `successes` (seeds within the tolerance), `infidelity` (median), `minima`
        (distinct minima of its seeds), `evaluations` (median), `evaluations_per_success` (of all seeds together,
        over the seeds that succeed: what restarts cost), `start_recovered` (median share of the correlation energy at
        the start), `arrival` (median of the evaluations to the tolerance; missing if fewer than half of the seeds
        arrive). Against `against`: `pairs` (seeds in which both have an error), `better`, `worse`, `equal` (errors
        within 1e-6), `share` (better among those that differ) with its 95 % exact interval, `share_low`, `share_high`
        (Clopper and Pearson 1934); `change`
        (mean of the difference of |error|, negative if it is
        smaller) with its 95 % bootstrap interval over seeds; `evaluations_ratio` (median of the ratio over the seeds);
        `verdict`: "helped" if the interval of the share is above one half, "hurt" if below, "undecided" else; empty
        without a comparison.
    """
    import pandas as pd

    groups = {str(name): group for name, group in ledger.groupby("contender", sort=False)} if len(ledger) else {}
    rows = [_row(name, group, groups, column) for name, group in groups.items()]
    return pd.DataFrame(rows, columns=list(PairedRow._fields))


def _row(name: str, group: DataFrame, groups: dict[str, DataFrame], column: str) -> dict[str, Any]:
    against = first(group["against"]) if "against" in group else None
    unit = str(first(group["unit"]) or "")
    errors, spent = _by_seed(group, column, absolute=True), _by_seed(group, "energy_evaluations")
    finite = [error for error in errors.values() if np.isfinite(error)]
    entry: dict[str, Any] = {
        "contender": name,
        "against": against or "",
        "unit": unit,
        "seeds": len(group),
        "successes": sum(error <= _tolerance(group, unit) for error in finite),
        "median": float(np.median([*finite, *[np.inf] * (len(group) - len(finite))])) if finite else None,
        "best": min(finite, default=None),
        "evaluations": float(np.median(list(spent.values()))) if spent else None,
        "evaluations_per_success": None,
        "arrival": _arrival(group),
        "minima": group["minimum"].dropna().nunique() if "minimum" in group else 0,
        "verdict": "",
        **dict.fromkeys(("pairs", "better", "worse", "equal"), 0),
        **{name: first(group[name]) if name in group else None for name in ("distance", "fisher_rank")},
        "n_params": first(group["n_params"]),
    }
    if entry["successes"] and spent:
        entry["evaluations_per_success"] = sum(spent.values()) / entry["successes"]
    entry |= {column: median(group[column]) for column in ("infidelity", "start_recovered") if column in group}
    if not against or str(against) not in groups:
        return entry
    other = groups[str(against)]
    others = _by_seed(other, column, absolute=True)
    return entry | _compared(errors, spent, others, _by_seed(other, "energy_evaluations"))


def _compared(
    errors: dict[int, float], spent: dict[int, float], others: dict[int, float], other_spent: dict[int, float]
) -> dict[str, Any]:
    seeds = [seed for seed in errors if np.isfinite(errors[seed]) and np.isfinite(others.get(seed, np.nan))]
    changes = np.array([errors[seed] - others[seed] for seed in seeds])
    better, worse = int(np.sum(changes < -SAME)), int(np.sum(changes > SAME))
    low, high = exact_interval(better, better + worse)
    verdict = "helped" if low > 0.5 else "hurt" if high < 0.5 else "undecided"
    change_low, change_high = mean_interval(changes)
    ratios = [spent[seed] / other_spent[seed] for seed in seeds if spent.get(seed) and other_spent.get(seed)]
    return {
        "pairs": len(seeds),
        "better": better,
        "worse": worse,
        "equal": len(seeds) - better - worse,
        "share": better / (better + worse) if better + worse else None,
        "share_low": low,
        "share_high": high,
        "change": float(changes.mean()) if len(seeds) else None,
        "change_low": change_low,
        "change_high": change_high,
        "evaluations_ratio": float(np.median(ratios)) if ratios else None,
        "verdict": verdict,
    }


def exact_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a probability of success (Clopper and Pearson 1934); [0, 1] without trials."""
    from scipy.special import betaincinv

    low = float(betaincinv(successes, trials - successes + 1, 0.025)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, trials - successes, 0.975)) if successes < trials else 1.0
    return low, high


def mean_interval(values: np.ndarray) -> tuple[float | None, float | None]:
    """Return the 95 % percentile bootstrap interval of a mean; None of fewer than two values."""
    if len(values) < 2:
        return None, None
    draws = np.random.default_rng(0).integers(len(values), size=(_RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _arrival(group: DataFrame) -> float | None:
    """Return the median evaluations to the tolerance, infinite for seeds that do not arrive; None if it is."""
    arrived = list(_by_seed(group, "evaluations_to_tolerance").values())
    middle = float(np.median([*arrived, *[np.inf] * (len(group) - len(arrived))]))
    return middle if np.isfinite(middle) else None


def _by_seed(group: DataFrame, column: str, *, absolute: bool = False) -> dict[int, float]:
    if column not in group:
        return {}
    rows = where(group, group[column].notna() & group["seed"].notna())
    values = {int(seed): float(value) for seed, value in zip(rows["seed"], rows[column], strict=True)}
    return {seed: abs(value) for seed, value in values.items()} if absolute else values


def _tolerance(group: DataFrame, unit: str) -> float:
    own = first(group["tolerance"]) if "tolerance" in group else None
    if own is not None and known(own):
        return float(own)
    return CHEMICAL_ACCURACY if unit == HARTREE else RESOLUTION
