"""Success, arrival and final errors against ledgers whose answers are counted by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import qvar
from qvar.analysis.convergence import (
    arrival,
    final_errors,
    minima_found,
    quantiles_to_tolerance,
    steps_to_tolerance,
    success,
)
from qvar.records.run_tables import ledger_from, trace_from

EXACT = -2.0


def row(contender: str, seed: int, errors: list[float] | None, **more: Any) -> dict[str, Any]:
    """A seed whose error went this way, each step two evaluations; None for one that failed."""
    base = {"problem": "H4", "contender": contender, "method": "lbfgs", "family": "generic", "seed": seed}
    if errors is None:
        return {**base, "status": "failed", **more}
    return {
        **base,
        "status": "converged",
        "value": EXACT + errors[-1],
        "reference": EXACT,
        "error": errors[-1],
        "unit": "Ha",
        "trace_step": list(range(len(errors))),
        "trace_value": [EXACT + error for error in errors],
        "trace_gradient_norm": [1.0] * len(errors),
        "trace_evaluations": [2 * step + 1 for step in range(len(errors))],
        **more,
    }


def test_success_counts_failed_seeds_and_both_signs() -> None:
    rows = [row("a", seed, [1e-3]) for seed in range(5)]
    rows += [row("a", 5, [-1.6e-3]), row("a", 6, [0.0]), row("a", 7, None)]
    rows += [row("b", 0, [-1.7e-3]), row("b", 1, [math.nan], status="not_finite")]
    a, b = success(ledger_from(rows)).to_dict("records")
    assert (a["contender"], a["seeds"], a["successes"], a["share"]) == ("a", 8, 7, 0.875)
    # Wilson: (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with p = 7/8, n = 8, z = 1.959964
    assert (a["low"], a["high"]) == pytest.approx((0.52911, 0.97758), abs=1e-5)
    assert (b["seeds"], b["successes"], b["share"], b["low"]) == (2, 0, 0.0, 0.0)
    assert b["high"] == pytest.approx(1.959964**2 / (2 + 1.959964**2), abs=1e-6)  # of 0 successes: z^2 / (n + z^2)


def test_tolerances_of_other_units_must_be_given() -> None:
    ledger = ledger_from([row("a", 0, [0.1], unit="J"), row("a", 1, [0.3], unit="J")])
    with pytest.raises(qvar.QvarError) as caught:
        success(ledger)
    assert str(caught.value) == "`tolerance` must be given for values in 'J', but is None."
    assert success(ledger, tolerance=0.2)["successes"].tolist() == [1]
    with pytest.raises(qvar.QvarError, match=r"^`tolerance` must be positive, but is 0\.$"):
        success(ledger, tolerance=0)


def test_without_an_exact_value_nothing_is_known() -> None:
    ledger = ledger_from([row("a", 0, [0.1], reference=None, error=None)])
    (known,) = success(ledger).to_dict("records")
    assert math.isnan(known["share"])
    assert success(ledger)["successes"].isna().all()
    assert quantiles_to_tolerance(ledger, trace_from([]))["reached"].isna().all()
    assert success(ledger_from([row("a", 0, None)]))["successes"].tolist() == [0]  # a failure is one anyway


def test_problems_and_methods_are_groups_of_their_own() -> None:
    rows = [row("a", 0, [0.0]), row("a", 0, [1.0], method="adam"), row("a", 0, [0.0], problem="H6")]
    table = success(ledger_from(rows))
    assert list(zip(table["problem"], table["method"], table["successes"], strict=True)) == [
        ("H4", "lbfgs", 1), ("H4", "adam", 0), ("H6", "lbfgs", 1),
    ]  # fmt: skip
    assert len(success(ledger_from([]))) == 0


def test_steps_to_tolerance_are_those_of_the_first_arrival() -> None:
    rows = [row("a", 0, [1.0, 1e-3, 1.0, 1e-4]), row("a", 1, [1.0, 0.5]), row("a", 2, [-1e-3])]
    table = steps_to_tolerance(trace_from(rows))
    assert table["seed"].tolist() == [0, 1, 2]
    assert table["steps"].astype("float").fillna(-1).tolist() == [1, -1, 0]
    assert table["evaluations"].astype("float").fillna(-1).tolist() == [3, -1, 1]
    assert steps_to_tolerance(trace_from(rows), tolerance=0.5)["steps"].tolist() == [1, 1, 0]
    with pytest.raises(qvar.QvarError, match="`trace` must hold one training of each contender, method and seed"):
        steps_to_tolerance(trace_from([*rows, rows[0]]))


def test_a_crossing_on_the_way_down_is_no_arrival() -> None:
    """A circuit that leaves the sector falls through its exact energy, such as that of H3+ after 15 evaluations."""
    falls = [0.5, 1e-3, -1e-3, -0.044]
    assert arrival(np.array(falls), 1.6e-3) is None
    assert arrival(np.array([*falls, 1e-3, 1e-5]), 1.6e-3) == 4  # back, and there to stay
    assert arrival(np.array([0.5, -1e-3, 0.3, 1e-3]), 1.6e-3) == 1  # as far as the exact energy, not below it
    assert arrival(np.array([0.5, 1e-3, 0.3]), 1.6e-3) is None  # does not end there
    assert arrival(np.array([]), 1.6e-3) is None
    assert arrival(np.array([np.nan, 0.0]), 1.6e-3) == 1
    assert arrival(np.array([0.0, np.nan]), 1.6e-3) is None
    rows = [row("a", 0, falls), row("a", 1, [0.5, 1e-3])]
    assert steps_to_tolerance(trace_from(rows))["steps"].astype("float").fillna(-1).tolist() == [-1, 1]
    (result,) = quantiles_to_tolerance(ledger_from(rows), trace_from(rows)).to_dict("records")
    assert result["reached"] == success(ledger_from(rows))["successes"].tolist()[0] == 1


def arriving(step: int) -> list[float]:
    return [1.0] * step + [0.0]


def test_quantiles_of_arrival_by_hand() -> None:
    rows = [row("a", seed, arriving(step)) for seed, step in enumerate([4, 1, 9, 7, 3, 2, 10, 6, 5, 8])]
    (result,) = quantiles_to_tolerance(ledger_from(rows), trace_from(rows)).to_dict("records")
    assert result["reached"] == 10
    # the k-th of 1, 2, ..., 10 is where a share of k/10 has arrived; 25 % and 75 % need the third and the eighth
    assert [result[f"steps_{q}"] for q in (10, 25, 50, 75, 90)] == [1, 3, 5, 8, 9]
    assert [result[f"evaluations_{q}"] for q in (10, 25, 50, 75, 90)] == [3, 7, 11, 17, 19]


def test_a_quantile_that_falls_on_a_censored_seed_is_missing() -> None:
    rows = [row("a", 0, arriving(3)), row("a", 1, arriving(5)), row("a", 2, [1.0] * 50), row("a", 3, None)]
    ledger, trace = ledger_from(rows), trace_from(rows)
    result = quantiles_to_tolerance(ledger, trace)
    assert result["reached"].tolist() == [2]
    assert result["steps_25"].tolist() == [3]
    assert result["steps_50"].tolist() == [5]  # half of the four had arrived, not half of those that ever did
    assert result["steps_75"].isna().all()
    assert result["evaluations_90"].isna().all()
    own = quantiles_to_tolerance(ledger, trace, tolerance=1.0, levels=(0.75, 1.0))
    assert own["steps_75"].tolist() == [0]
    assert own["steps_100"].isna().all()
    with pytest.raises(qvar.QvarError, match="`levels` must be above 0 and at most 1"):
        quantiles_to_tolerance(ledger, trace, levels=(0.0,))


def test_final_errors_by_hand() -> None:
    rows = [row("a", seed, [error]) for seed, error in enumerate([0.4, -0.1, 0.2, 0.3, 0.5])]
    (result,) = final_errors(ledger_from(rows)).to_dict("records")
    assert (result["finite"], result["best"]) == (5, pytest.approx(0.1))
    assert [result[f"error_{q}"] for q in (25, 50, 75)] == pytest.approx([0.2, 0.3, 0.4])
    assert result["error_10"] == pytest.approx(np.quantile([0.1, 0.2, 0.3, 0.4, 0.5], 0.1))
    (result,) = final_errors(ledger_from([*rows, row("a", 5, None)])).to_dict("records")
    assert result["error_50"] == pytest.approx(0.35)  # between the third and fourth of six
    assert (result["seeds"], result["finite"], result["error_75"]) == (6, 5, pytest.approx(0.475))
    assert math.isnan(result["error_90"])  # between the fifth and the failed one


def test_minima_of_the_column_or_of_the_energies() -> None:
    rows = [row("a", seed, [error]) for seed, error in enumerate([0.0, 0.0, 0.1, 3e-7])] + [row("a", 4, None)]
    (result,) = minima_found(ledger_from(rows)).to_dict("records")
    assert (result["seeds"], result["minima"], result["in_lowest"], result["levels"]) == (5, 2, 3, 2)
    for entry, minimum in zip(rows, [0, 1, 2, 0, None], strict=True):
        entry["minimum"] = minimum
    (result,) = minima_found(ledger_from(rows)).to_dict("records")
    assert (result["minima"], result["in_lowest"], result["levels"]) == (3, 2, 2)
    assert minima_found(ledger_from([row("a", 0, None)]))["minima"].tolist() == [0]


def test_a_small_duel(h2: qvar.Problem) -> None:
    """UCCSD of two electrons is exact and has one minimum: the numbers are those of its trace."""
    (task,) = qvar.Duel(h2, [qvar.uccsd(h2)], seeds=3, budget=qvar.Budget(gradients=100)).tasks()
    rows = task.run(lambda progress: None)
    ledger, trace = ledger_from(rows), trace_from(rows)
    assert success(ledger)["successes"].tolist() == [3]
    result = quantiles_to_tolerance(ledger, trace)
    arrived = sorted(int(entry["evaluations_to_tolerance"]) for entry in rows)
    assert [result[f"evaluations_{q}"][0] for q in (25, 50, 75)] == arrived
    assert minima_found(ledger)["minima"].tolist() == [1]
