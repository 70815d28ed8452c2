r"""Convergence of the seeds of a contender: success, steps to a tolerance, final errors, distinct minima.

A group is one row of a table: the seeds of one contender on one problem under one method. A seed that failed, or
ended with a value that is not finite, counts: as no success, and as an error of \(+\infty\).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from qvar._types import DataFrame, FloatArray
from qvar.analysis.rows import first
from qvar.checks import finite_number
from qvar.diagnostics.minima import ENERGY_TOLERANCE, distinct_minima
from qvar.errors import QvarError, require
from qvar.units import CHEMICAL_ACCURACY, HARTREE

KEYS = ("problem", "contender", "method")
"""Columns that distinguish groups."""

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Shares of the seeds of the quantiles."""


def success(ledger: DataFrame, *, tolerance: float | None = None) -> DataFrame:
    r"""Share of seeds that ended within the tolerance, with its Wilson interval.

    \(\hat p = k / n\) with k the seeds with \(|E - E_{exact}| \le \varepsilon\) and n all seeds, the failed ones among
    them; the interval is that of `qvar.diagnostics.wilson_interval` at 95 %.

    Args:
        ledger: a run's ledger.
        tolerance: \(\varepsilon\) in the ledger's unit; 1.6e-3 hartree if None.

    Returns:
        One row per group: `problem`, `contender`, `method`, `family`, `unit`, `seeds` (n), `successes` (k), `share`,
        `low`, `high`. The last four are missing if no exact value is known.

    Raises:
        QvarError: if the tolerance is not positive, or None for values that are not in hartree.
    """
    from qvar.diagnostics.intervals import wilson_interval  # imports JAX, which a table need not wait for

    within = checked_tolerance(ledger, tolerance)
    rows = []
    for about, group in contender_groups(ledger, "value", "error"):
        row = {**about, "seeds": len(group), "successes": None, "share": math.nan, "low": math.nan, "high": math.nan}
        if has_errors(group):
            successes = int(np.sum(final_distances(group) <= within))
            low, high = wilson_interval(successes, len(group))
            row |= {"successes": successes, "share": successes / len(group), "low": low, "high": high}
        rows.append(row)
    return frame(rows, "successes", "share", "low", "high", counts=("seeds", "successes"))


def steps_to_tolerance(trace: DataFrame, *, tolerance: float = CHEMICAL_ACCURACY) -> DataFrame:
    r"""Return when each seed that ended within the tolerance came within it, see `arrival`.

    Args:
        trace: a run's trace.
        tolerance: \(\varepsilon\) in the unit of the trace's `error`, hartree for molecules.

    Returns:
        One row per problem, contender, method and seed: `problem`, `contender`, `method`, `seed`, `steps`,
        `evaluations` (those that the trace counts up to that step: of value and gradient, or of the value for methods
        without a gradient); both are missing if the seed did not arrive.

    Raises:
        QvarError: if the tolerance is not positive, or the trace holds several trainings of one contender, method and
            seed, which it cannot distinguish.
    """
    import pandas as pd

    within = _positive(tolerance)
    who = [*KEYS, "seed"]
    if trace.duplicated([*who, "step"]).any():
        raise QvarError("`trace` must hold one training of each contender, method and seed, but holds several.")
    rows = []
    groups: Any = trace.groupby(who, dropna=False, sort=False)
    for whose, steps in groups:
        steps = steps.sort_values("step")
        at = arrival(steps["error"].to_numpy(dtype=float, na_value=np.nan), within)
        there = {"step": pd.NA, "evaluations": pd.NA} if at is None else steps.iloc[at]
        when = {"steps": there["step"], "evaluations": there["evaluations"]}
        rows.append(dict(zip(who, whose, strict=True)) | when)
    table = pd.DataFrame(rows, columns=[*who, "steps", "evaluations"])
    return table.astype(dict.fromkeys(["seed", "steps", "evaluations"], "Int64"))


def arrival(errors: FloatArray, tolerance: float) -> int | None:
    r"""Return the step at which a training arrived within the tolerance; None if it did not.

    $$ \min \{ t : |e_t| \le \varepsilon,\ e_s \ge -\varepsilon \text{ for all } s \ge t \},
       \qquad \text{if } |e_{end}| \le \varepsilon, \qquad e = E - E_{exact}. $$

    The energy of a circuit that does not conserve the particle number or the spin may fall through the exact one of its
    sector on the way to another sector. Such a crossing is no arrival.

    Args:
        errors: (n_steps,) signed errors, step by step; NaN if not known.
        tolerance: \(\varepsilon\), in their unit.
    """
    if len(errors) == 0 or not abs(errors[-1]) <= tolerance:
        return None
    below = np.flatnonzero(~(errors >= -tolerance))
    since = int(below[-1]) + 1 if len(below) else 0
    return since + int(np.flatnonzero(np.abs(errors[since:]) <= tolerance)[0])


def quantiles_to_tolerance(
    ledger: DataFrame, trace: DataFrame, *, tolerance: float | None = None, levels: Sequence[float] = LEVELS
) -> DataFrame:
    r"""Return the steps and evaluations by which given shares of the seeds had come within the tolerance.

    $$ t_q = \min \{ t : \tfrac1n \#\{ s : t_s \le t \} \ge q \} $$

    over all n seeds, with \(t_s = \infty\) for a seed that failed or never got there within its budget. Such a seed
    is censored: later it might have arrived. So a quantile that falls on one is missing, and never a smaller number
    made of those that arrived.

    Args:
        ledger: a run's ledger; it says which seeds there are.
        trace: its trace.
        tolerance: in the ledger's unit; 1.6e-3 hartree if None.
        levels: the shares q, above 0 and up to 1.

    Returns:
        One row per group: `problem`, `contender`, `method`, `family`, `unit`, `seeds`, `reached` (seeds that arrived;
        missing if no exact value is known), and for q = 0.1 `steps_10` and `evaluations_10`, and so on.

    Raises:
        QvarError: if a tolerance or level is out of range, or as `steps_to_tolerance` does.
    """
    within = checked_tolerance(ledger, tolerance)
    shares = _checked_levels(levels)
    seeds: list[Any] = list(steps_to_tolerance(trace, tolerance=within).itertuples(index=False))
    arrivals = {(one.problem, one.contender, one.method, one.seed): one for one in seeds}
    rows = []
    for about, group in contender_groups(ledger, "value", "error", "seed"):
        row: dict[str, Any] = {**about, "seeds": len(group), "reached": None}
        if has_errors(group):
            firsts = [arrivals.get((*(about[key] for key in KEYS), seed)) for seed in group["seed"]]
            times = {what: np.array([_or_never(one, what) for one in firsts]) for what in ("steps", "evaluations")}
            row["reached"] = int(np.sum(np.isfinite(times["steps"])))
            row |= {column_of(what, q): arrival_quantile(numbers, q) for what, numbers in times.items() for q in shares}
        rows.append(row)
    own = [column_of(what, q) for what in ("steps", "evaluations") for q in shares]
    return frame(rows, "reached", *own, counts=("seeds", "reached", *own))


def final_errors(ledger: DataFrame, *, levels: Sequence[float] = LEVELS) -> DataFrame:
    r"""Compute the distribution of the size of the final error \(|E - E_{exact}|\) over the seeds.

    Quantiles are interpolated between neighbouring seeds, so that the one of 50 % is the usual median. Failed seeds
    have an error of \(+\infty\); a quantile that falls on one is missing.

    Args:
        ledger: a run's ledger.
        levels: shares of the seeds, above 0 and up to 1.

    Returns:
        One row per group: `problem`, `contender`, `method`, `family`, `unit`, `seeds`, `finite` (seeds with a finite
        error), `best` (the smallest), and for q = 0.1 `error_10`, and so on; in `unit`.

    Raises:
        QvarError: if a level is out of range.
    """
    shares = _checked_levels(levels)
    rows = []
    for about, group in contender_groups(ledger, "error"):
        errors = final_distances(group)
        quantiles = {column_of("error", q): quantile(errors, q) for q in shares}
        finite = int(np.sum(np.isfinite(errors)))
        rows.append({**about, "seeds": len(group), "finite": finite, "best": quantile(errors, 0.0), **quantiles})
    return frame(rows, "finite", "best", *(column_of("error", q) for q in shares), counts=("seeds", "finite"))


def minima_found(ledger: DataFrame, *, energy_tolerance: float = ENERGY_TOLERANCE) -> DataFrame:
    """Count the distinct minima in which the seeds of a contender ended.

    Taken from the column `minimum` if the ledger has it (by energy and fidelity, see
    `qvar.diagnostics.distinct_minima`), else from the energies alone.

    Args:
        ledger: a run's ledger.
        energy_tolerance: in the ledger's unit; for the levels, and for the minima if there is no column `minimum`.

    Returns:
        One row per group: `problem`, `contender`, `method`, `family`, `unit`, `seeds`, `minima`, `in_lowest` (seeds
        that ended in the lowest one), `levels` (distinct energies among the ends: fewer than `minima` if different
        states have one energy).

    Raises:
        QvarError: if the tolerance is negative.
    """
    rows = []
    for about, group in contender_groups(ledger, "value", "minimum"):
        values = group["value"].to_numpy(dtype=float, na_value=np.nan)
        levels = distinct_minima(values, energy_tolerance=energy_tolerance)
        labels = levels.labels
        if "minimum" in group.columns and group["minimum"].notna().sum() == np.isfinite(values).sum():
            labels = group["minimum"].to_numpy(dtype=float, na_value=-1)
        minima, in_lowest = len(set(labels[labels >= 0].tolist())), int(np.sum(labels == 0))
        rows.append({**about, "seeds": len(group), "minima": minima, "in_lowest": in_lowest, "levels": levels.number})
    return frame(rows, "minima", "in_lowest", "levels", counts=("seeds", "minima", "in_lowest", "levels"))


# ---------------------------------------------------------------------------------------------------------------------
# Groups of seeds, and their numbers


def contender_groups(ledger: DataFrame, *columns: str) -> list[tuple[dict[str, Any], DataFrame]]:
    """Return the seeds of each contender, problem and method, in the ledger's order, with what they share.

    The seeds have the named columns of the ledger, those that it has, beside those that they share.
    """
    wanted = {*KEYS, "family", "unit", *columns}  # each column of each group takes time
    narrow = ledger.loc[:, [column for column in ledger.columns if column in wanted]]
    groups: Any = narrow.groupby(list(KEYS), dropna=False, sort=False) if len(ledger) else []
    return [({column: first(group[column]) for column in (*KEYS, "family", "unit")}, group) for _, group in groups]


def has_errors(group: DataFrame) -> bool:
    """Return if the errors of its seeds are known: every finite value has one, or all seeds failed."""
    values = group["value"].to_numpy(dtype=float, na_value=np.nan)
    errors = group["error"].to_numpy(dtype=float, na_value=np.nan)
    return bool(np.all(np.isfinite(errors[np.isfinite(values)])))


def final_distances(group: DataFrame) -> FloatArray:
    """Return |error| of each seed; infinite if it failed or is not known."""
    errors = np.abs(group["error"].to_numpy(dtype=float, na_value=np.nan))
    return np.where(np.isfinite(errors), errors, np.inf)


def quantile(values: FloatArray, level: float) -> float:
    """Interpolate a quantile linearly between ranks; NaN if it falls on an infinite value or there is none."""
    ranked = np.sort(values)
    if len(ranked) == 0:
        return math.nan
    place = level * (len(ranked) - 1)
    below, above = ranked[math.floor(place)], ranked[math.ceil(place)]
    if not math.isfinite(below) or not math.isfinite(above):
        return math.nan
    return float(below + (place - math.floor(place)) * (above - below))


def arrival_quantile(times: FloatArray, level: float) -> float | None:
    """Return the time by which a share of the seeds had arrived; None if fewer ever did."""
    ranked = np.sort(times)
    if len(ranked) == 0:
        return None
    place = max(math.ceil(level * len(ranked) - 1e-9) - 1, 0)  # 0.1 x 10 seeds is one of them, whatever the rounding
    return float(ranked[place]) if math.isfinite(ranked[place]) else None


def column_of(what: str, level: float) -> str:
    """Return the column of a quantile, such as `steps_50`."""
    return f"{what}_{100 * level:g}"


def checked_tolerance(ledger: DataFrame, tolerance: float | None) -> float:
    """Return the tolerance in the ledger's unit: 1.6e-3 hartree if None.

    Raises `QvarError` if it is not positive, or None for values that are not in hartree.
    """
    if tolerance is not None:
        return _positive(tolerance)
    others = [str(unit) for unit in ledger["unit"].dropna().unique() if unit != HARTREE]
    if others:
        raise QvarError(f"`tolerance` must be given for values in {others[0]!r}, but is None.")
    return CHEMICAL_ACCURACY


def _positive(tolerance: float) -> float:
    number = finite_number("tolerance", tolerance)
    require(number > 0, "tolerance", "be positive", tolerance)
    return number


def _checked_levels(levels: Sequence[float]) -> list[float]:
    shares = [finite_number(f"levels[{place}]", level) for place, level in enumerate(levels)]
    require(all(0 < share <= 1 for share in shares), "levels", "be above 0 and at most 1", list(levels))
    return shares


def _or_never(arrival: Any, what: str) -> float:
    """Return when a seed arrived; infinite if it did not, or has no trace."""
    import pandas as pd

    return math.inf if arrival is None or pd.isna(getattr(arrival, what)) else float(getattr(arrival, what))


def frame(rows: Sequence[dict[str, Any]], *columns: str, counts: Sequence[str] = ()) -> DataFrame:
    """Return a table of groups: their names, `seeds`, and the given columns; counts are whole numbers or missing."""
    import pandas as pd

    table = pd.DataFrame(list(rows), columns=[*KEYS, "family", "unit", "seeds", *columns])
    return table.astype({column: "Int64" if column in counts else "float64" for column in ("seeds", *columns)})
