r"""Accuracy per parameter: the effect of a contender's parameters, gates, gradients and shots. One function each.

The formulas stand together in `docs/explanations/accuracy-per-parameter.md`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from qvar._types import DataFrame, FloatArray
from qvar.analysis.convergence import (
    checked_tolerance,
    contender_groups,
    final_distances,
    frame,
    quantile,
)
from qvar.analysis.rows import shared
from qvar.checks import finite_number
from qvar.errors import require

Cost: TypeAlias = Literal["parameter", "two_qubit_gate", "gradient_evaluation", "shot"]
"""Costs that correlation energy is divided by."""

_COLUMNS: dict[str, str] = {
    "parameter": "n_params",
    "two_qubit_gate": "two_qubit_gates",
    "gradient_evaluation": "gradient_evaluations",
}


def error_against_parameters(ledger: DataFrame) -> DataFrame:
    r"""Return the error against the number of parameters over each family of depths, \(\varepsilon_L\) against \(p_L\).

    \(\varepsilon_L = \operatorname{median}_s |E_s - E_{exact}|\) over the seeds s of the contender with L layers, a
    failed seed counted as \(+\infty\).

    Args:
        ledger: a run's ledger.

    Returns:
        One row per group, sorted by parameters within a family of depths: `problem`, `contender`, `method`, `family`,
        `unit`, `seeds`, `series` (the family of depths), `layers`, `n_params`, `best`, `median`, `worst` (|error| in
        `unit`; missing if it falls on a failed seed).
    """
    rows = []
    for about, group in contender_groups(ledger, "series", "layers", "n_params", "error"):
        series, layers = shared(group, "series") or about["contender"], shared(group, "layers")
        sizes, errors = group["n_params"].dropna(), final_distances(group)
        quantiles = {name: quantile(errors, q) for name, q in (("best", 0.0), ("median", 0.5), ("worst", 1.0))}
        n_params = int(sizes.iloc[0]) if len(sizes) else None
        rows.append(
            {**about, "seeds": len(group), "layers": layers, "n_params": n_params, **quantiles, "series": series}
        )
    table = frame(rows, "layers", "n_params", "best", "median", "worst", counts=("seeds", "layers", "n_params"))
    table.insert(6, "series", [row["series"] for row in rows])
    keys = _series_keys(table)
    sizes = table["n_params"].to_numpy(dtype=float, na_value=np.inf)
    order = sorted(range(len(keys)), key=lambda k: (keys.index(keys[k]), sizes[k]))
    return table.iloc[order].reset_index(drop=True)


def _series_keys(table: DataFrame) -> list[tuple[str, ...]]:
    return [tuple(map(str, key)) for key in table[["problem", "method", "series"]].itertuples(index=False, name=None)]


def least_parameters(ledger: DataFrame, *, tolerance: float | None = None) -> DataFrame:
    r"""Return the least number of parameters that reaches the tolerance, over each family of depths.

    $$ p_{min} = \min \{ p_L : \operatorname{median}_s |E_s - E_{exact}| \le \varepsilon \}, $$

    for the median seed, and with \(\min_s\) in place of the median for the best seed. Failed seeds count as
    \(+\infty\). A contender without layers is a family of one.

    Args:
        ledger: a run's ledger.
        tolerance: \(\varepsilon\) in the ledger's unit; 1.6e-3 hartree if None.

    Returns:
        One row per problem, method and family of depths: `problem`, `method`, `series`, `family`, `depths` (how many
        were run), `by_median`, `by_best`; missing if none of the depths that were run reaches it.

    Raises:
        QvarError: if the tolerance is not positive, or None for values that are not in hartree.
    """
    import pandas as pd

    within = checked_tolerance(ledger, tolerance)
    table = error_against_parameters(ledger)
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    contenders: list[Any] = list(table.itertuples(index=False))
    for key, one in zip(_series_keys(table), contenders, strict=True):
        first = {"problem": one.problem, "method": one.method, "series": one.series, "family": one.family}
        row = rows.setdefault(key, {**first, "depths": 0, "by_median": None, "by_best": None})
        row["depths"] += 1
        for column, error in (("by_median", one.median), ("by_best", one.best)):
            if row[column] is None and error <= within and not pd.isna(one.n_params):
                row[column] = one.n_params  # rows of a series come by rising number of parameters
    counts = ["depths", "by_median", "by_best"]
    columns = ["problem", "method", "series", "family", *counts]
    return pd.DataFrame(list(rows.values()), columns=columns).astype(dict.fromkeys(counts, "Int64"))


def correlation_per(ledger: DataFrame, cost: Cost, *, tolerance: float | None = None) -> DataFrame:
    r"""Compute the correlation energy recovered per unit of cost, with its spread over the seeds.

    For each seed \(c / k\) with

    $$ c = \frac{E_{ref} - E}{E_{ref} - E_{exact}} $$

    (1 is all of the correlation energy, 0 the reference state, below 0 worse than it) and k the number of free
    parameters, of CNOTs after decomposition, of gradients that its training took, or of shots that its training would
    have taken (`training_shots`). A failed seed recovered nothing that is known and counts as \(-\infty\).

    Args:
        ledger: a run's ledger.
        cost: what to count per.
        tolerance: standard error of an energy that the shots are counted for, in the ledger's unit; 1.6e-3 hartree
            if None. Only for `cost="shot"`.

    Returns:
        One row per group: `problem`, `contender`, `method`, `family`, `unit`, `seeds`, `low` (the smallest over the
        seeds), `median`, `high` (the largest), per one unit of cost. Missing if they fall on a failed seed, if
        there is no correlation energy, and if the cost is zero or not known.

    Raises:
        QvarError: if the cost is unknown, or as `training_shots` does.
    """
    require(cost in get_args(Cost), "cost", f"be one of {', '.join(map(repr, get_args(Cost)))}", cost)
    if cost == "shot":
        costs = training_shots(ledger, tolerance=tolerance)
    else:
        costs = ledger[_COLUMNS[cost]].to_numpy(dtype=float, na_value=np.nan)
    recovered = ledger["correlation_recovered"].to_numpy(dtype=float, na_value=np.nan)
    share = recovered / np.where(costs > 0, costs, np.nan)
    failed = ~np.isfinite(ledger["value"].to_numpy(dtype=float, na_value=np.nan))
    rows = []
    for about, group in contender_groups(ledger.assign(_share=share, _failed=failed), "_share", "_failed"):
        numbers = group["_share"].to_numpy(dtype=float)
        ended = numbers[~group["_failed"].to_numpy(dtype=bool)]
        numbers = np.where(group["_failed"], -np.inf, numbers) if np.all(np.isfinite(ended)) else numbers[:0]
        quantiles = {name: quantile(numbers, q) for name, q in (("low", 0.0), ("median", 0.5), ("high", 1.0))}
        rows.append({**about, "seeds": len(group), **quantiles})
    return frame(rows, "low", "median", "high", counts=("seeds",))


def levels(values: Sequence[float], resolution: float) -> list[int]:
    """Return the place of each value among those that differ: 0 the lowest, and equal values one place.

    A value belongs to a place if it exceeds the lowest value there by no more than the resolution, so that rounding
    never decides. What is not a number has the last place.

    Args:
        values: numbers.
        resolution: difference that means nothing, in their unit.
    """
    places, lowest, place = [0] * len(values), -math.inf, -1
    for position in sorted(range(len(values)), key=lambda k: math.inf if math.isnan(values[k]) else values[k]):
        value = values[position]
        if place < 0 or not value - lowest <= resolution:
            place, lowest = (place if place >= 0 and math.isnan(lowest) else place + 1), value
        places[position] = place
    return places


def pareto_front(costs: Sequence[float], errors: Sequence[float], *, resolution: float = 0.0) -> list[int]:
    """Return the Pareto front: no other contender has as little error at as little cost, and less of one of them.

    Args:
        costs: what each contender costs.
        errors: its error.
        resolution: errors that differ by no more than this are equal, see `levels`.

    Returns:
        Positions of the contenders on the front, by rising cost and, so, falling error; equals are all on it, and
        none whose cost or error is not finite.
    """
    known = [k for k in range(len(costs)) if math.isfinite(costs[k]) and math.isfinite(errors[k])]
    errors = levels(errors, resolution)
    front: list[int] = []
    for position in sorted(known, key=lambda k: (costs[k], errors[k])):
        last = front[-1] if front else None
        if (
            last is None
            or errors[position] < errors[last]
            or ((costs[position], errors[position]) == (costs[last], errors[last]))
        ):
            front.append(position)
    return front


# ---------------------------------------------------------------------------------------------------------------------
# Shots


def estimated_shots(one_norm: float, tolerance: float) -> float:
    r"""Return an upper bound on the shots that bring the standard error of an energy down to the tolerance.

    $$ S = \left( \frac{\lambda}{\varepsilon} \right)^2, \qquad \lambda = \sum_{P_j \ne 1} |c_j|. $$

    Pauli word \(P_j\) is measured with probability \(|c_j| / \lambda\); the outcome times
    \(\lambda \operatorname{sign} c_j\) is an unbiased estimate of the energy without its constant, and its variance
    \(\lambda^2 - \langle H - c_0 \rangle^2\) is at most \(\lambda^2\). Words measured together, or the state's own
    variances, need fewer.

    Wecker, Hastings, Troyer, Phys. Rev. A 92, 042303 (2015), https://doi.org/10.1103/PhysRevA.92.042303; Rubin,
    Babbush, McClean, New J. Phys. 20, 053020 (2018), https://doi.org/10.1088/1367-2630/aab919.

    Args:
        one_norm: \(\lambda\), see `qvar.problems.one_norm.pauli_one_norm`.
        tolerance: \(\varepsilon\), the standard error wanted, in the same unit.

    Raises:
        QvarError: if the one-norm is negative or the tolerance not positive.
    """
    norm, error = finite_number("one_norm", one_norm), finite_number("tolerance", tolerance)
    require(norm >= 0, "one_norm", "not be negative", one_norm)
    require(error > 0, "tolerance", "be positive", tolerance)
    return (norm / error) ** 2


def training_shots(ledger: DataFrame, *, tolerance: float | None = None) -> FloatArray:
    r"""Return the shots of each row's training on a quantum computer, if every energy had the standard error.

    $$ S_{train} = S \, (N_E + G N_\nabla) $$

    with \(S = (\lambda / \varepsilon)^2\) of `estimated_shots`, \(N_E\) and \(N_\nabla\) the energies and gradients
    that the training evaluated, and G the energies that one gradient takes by the parameter-shift rule
    (column `parameter_shift_energies`; 2 for each parameter if the circuit is not known). It says what this training
    would have cost with every energy, shifted ones too, measured that well; an optimizer made for noise may do with
    less.

    Args:
        ledger: a run's ledger with the column `pauli_one_norm`, as that of a `qvar.Duel`.
        tolerance: \(\varepsilon\) in the ledger's unit; 1.6e-3 hartree if None.

    Returns:
        (rows,) shots; NaN if the one-norm is not known.

    Raises:
        QvarError: if the tolerance is not positive, or None for values that are not in hartree.
    """
    error = checked_tolerance(ledger, tolerance)

    def column(name: str) -> FloatArray:
        if name not in ledger.columns:
            return np.full(len(ledger), np.nan)
        return ledger[name].to_numpy(dtype=float, na_value=np.nan)

    shifted = column("parameter_shift_energies")
    per_gradient = np.where(np.isfinite(shifted), shifted, 2 * column("n_params"))
    evaluations = column("energy_evaluations") + per_gradient * column("gradient_evaluations")
    norms = column("pauli_one_norm")
    return np.array([estimated_shots(norm, error) if math.isfinite(norm) else math.nan for norm in norms]) * evaluations
