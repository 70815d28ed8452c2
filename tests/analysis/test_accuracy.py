"""Accuracy per parameter against ledgers whose answers are worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import qvar
from qvar.analysis.accuracy import (
    correlation_per,
    error_against_parameters,
    estimated_shots,
    least_parameters,
    levels,
    pareto_front,
    training_shots,
)
from qvar.records.run_tables import ledger_from


def row(contender: str, seed: int, error: float | None, n_params: int, **more: Any) -> dict[str, Any]:
    """A seed that ended with this error, with a correlation energy of 0.1; None for one that failed."""
    base = {"problem": "H4", "contender": contender, "method": "lbfgs", "family": "generic", "seed": seed}
    series, _, layers = contender.partition(" x")
    base |= {"n_params": n_params, "series": series, "layers": int(layers) if layers else None}
    if error is None:
        return {**base, "status": "failed", **more}
    ended = {"status": "converged", "value": -2.0 + error, "reference": -2.0, "error": error, "unit": "Ha"}
    costs = {"two_qubit_gates": 5, "gradient_evaluations": 40, "energy_evaluations": 50}
    return {**base, **ended, **costs, "correlation_recovered": 1 - error / 0.1, **more}


def depths(*errors: list[float | None], name: str = "ry") -> list[dict[str, Any]]:
    """A family of depths with 10 parameters per layer; one list of final errors for each depth."""
    return [
        row(f"{name} x{layers}", seed, error, 10 * layers)
        for layers, seeds in enumerate(errors, start=1)
        for seed, error in enumerate(seeds)
    ]


def test_least_parameters_by_hand() -> None:
    family = depths([0.1, 0.1, 0.1], [0.1, 1e-3, 0.1], [1e-3, -1e-3, 0.1], [0.1, 0.1, 0.1])
    table = least_parameters(ledger_from([*family[::-1], row("uccsd", 0, 1e-4, 26)]))
    ry, uccsd = table.to_dict("records")
    assert (ry["series"], ry["depths"], ry["by_median"], ry["by_best"]) == ("ry", 4, 30, 20)
    assert (uccsd["series"], uccsd["depths"], uccsd["by_median"], uccsd["by_best"]) == ("uccsd", 1, 26, 26)
    assert least_parameters(ledger_from(family), tolerance=0.5)["by_median"].tolist() == [10]
    assert least_parameters(ledger_from(family), tolerance=1e-6)["by_best"].isna().all()


def test_failed_seeds_hold_the_median_back() -> None:
    family = depths([1e-3, 1e-3, None, None, None], [1e-3, 1e-3, 1e-3, None, None])
    assert least_parameters(ledger_from(family))["by_median"].tolist() == [20]
    assert least_parameters(ledger_from(family))["by_best"].tolist() == [10]


def test_families_of_depths_stay_apart() -> None:
    rows = [*depths([1e-3]), *depths([0.1], [1e-3], name="rz")]
    rows += [{**entry, "problem": "H6"} for entry in depths([0.1])]
    table = least_parameters(ledger_from(rows))
    assert table[["problem", "series"]].to_numpy().tolist() == [["H4", "ry"], ["H4", "rz"], ["H6", "ry"]]
    assert table["by_median"].astype(float).fillna(-1).tolist() == [10, 20, -1]


def test_other_units_need_a_tolerance() -> None:
    ledger = ledger_from([row("a", 0, 0.1, 10, unit="J", pauli_one_norm=4.0)])
    for ask in (least_parameters, training_shots):
        with pytest.raises(qvar.QvarError, match="`tolerance` must be given for values in 'J', but is None"):
            ask(ledger)
    assert least_parameters(ledger, tolerance=0.2)["by_best"].tolist() == [10]


def test_error_against_parameters_by_hand() -> None:
    rows = [row("uccsd", 0, 1e-4, 26), *depths([0.3, -0.1, 0.2], [0.2, 0.1, None])[::-1]]
    table = error_against_parameters(ledger_from(rows))
    assert table["contender"].tolist() == ["uccsd", "ry x1", "ry x2"]
    assert table["series"].tolist() == ["uccsd", "ry", "ry"]
    assert table["layers"].astype(float).fillna(-1).tolist() == [-1, 1, 2]
    assert table["n_params"].tolist() == [26, 10, 20]
    assert table["best"].tolist() == pytest.approx([1e-4, 0.1, 0.1])
    assert table["median"].tolist() == pytest.approx([1e-4, 0.2, 0.2])
    assert table["worst"].tolist()[:2] == pytest.approx([1e-4, 0.3])
    assert math.isnan(table["worst"][2])


@pytest.mark.parametrize(
    ("cost", "per"), [("parameter", 10), ("two_qubit_gate", 5), ("gradient_evaluation", 40), ("shot", 21_250_000)]
)
def test_correlation_per_cost_by_hand(cost: Any, per: float) -> None:
    # 21,250,000 shots: (0.8/1.6e-3)^2 = 250,000 for each of 45 + 2 * (2 * 10) energies
    about = {"pauli_one_norm": 0.8, "parameter_shift_energies": None}
    rows = [row("a", seed, error, 10, **about) for seed, error in enumerate([0.01, 0.02, 0.05])]
    if cost == "shot":
        rows = [entry | {"energy_evaluations": 45, "gradient_evaluations": 2} for entry in rows]
    (result,) = correlation_per(ledger_from(rows), cost).to_dict("records")
    assert [result[end] * per for end in ("low", "median", "high")] == pytest.approx([0.5, 0.8, 0.9])


def test_correlation_of_failed_seeds_and_of_none() -> None:
    failed = [row("a", 0, 0.01, 10), row("a", 1, None, 10), row("a", 2, 0.0, 10)]
    (result,) = correlation_per(ledger_from(failed), "parameter").to_dict("records")
    assert math.isnan(result["low"])
    assert (result["median"], result["high"]) == pytest.approx((0.09, 0.1))
    for nothing in ({"correlation_recovered": None}, {"n_params": 0}, {"n_params": None}):
        table = correlation_per(ledger_from([row("a", 0, 0.01, 10) | nothing]), "parameter")
        assert table[["low", "median", "high"]].isna().all(axis=None)
    assert correlation_per(ledger_from(failed), "shot")["median"].isna().all()  # no one-norm
    with pytest.raises(qvar.QvarError, match="`cost` must be one of 'parameter', 'two_qubit_gate'"):
        correlation_per.__wrapped__(ledger_from(failed), "watt")  # the annotation would catch it before


def test_shots_by_hand() -> None:
    assert estimated_shots(3.0, 0.01) == pytest.approx(90_000)
    assert estimated_shots(0.0, 0.01) == 0.0
    rows = [
        row("a", 0, 0.0, 10, pauli_one_norm=0.16, parameter_shift_energies=64),
        row("a", 1, 0.0, 10, pauli_one_norm=0.16, parameter_shift_energies=None),
        row("a", 2, 0.0, 10, pauli_one_norm=None),
        row("a", 3, None, 10, pauli_one_norm=0.16),
    ]
    # (0.16/1.6e-3)^2 = 10,000 shots for each of 50 + 64 * 40 and 50 + 20 * 40 energies
    shots = training_shots(ledger_from(rows))
    assert shots[:2].tolist() == pytest.approx([26_100_000, 8_500_000])
    assert all(map(math.isnan, shots[2:]))
    assert training_shots(ledger_from(rows), tolerance=3.2e-3)[0] == pytest.approx(26_100_000 / 4)
    for arguments, sentence in (((-1.0, 1.0), "`one_norm` must not be negative"), ((1.0, 0.0), "`tolerance` must be")):
        with pytest.raises(qvar.QvarError, match=sentence):
            estimated_shots(*arguments)


def test_the_shots_are_enough() -> None:
    """Sampling words by their weights: the standard error of the mean is below the tolerance, and near it at worst."""
    coefficients, means = np.array([0.5, -0.3, 0.2]), np.array([0.1, 0.2, -0.6])
    one_norm = np.abs(coefficients).sum()
    shots, draw = int(estimated_shots(one_norm, 0.05)), np.random.default_rng(7)
    energies = []
    for _ in range(2000):
        chosen = draw.choice(3, size=shots, p=np.abs(coefficients) / one_norm)
        outcomes = np.where(draw.random(shots) < (1 + means[chosen]) / 2, 1, -1)
        energies.append(one_norm * np.mean(np.sign(coefficients[chosen]) * outcomes))
    assert np.mean(energies) == pytest.approx(coefficients @ means, abs=4 * 0.05 / 2000**0.5)
    assert 0.9 * 0.05 < np.std(energies) < 1.05 * 0.05


def test_pareto_front_leaves_out_what_is_not_known() -> None:
    assert pareto_front([1, math.nan, 2, 3], [0.5, 0.0, math.inf, 0.1]) == [0, 3]
    assert pareto_front([1, 2, 2], [0.5, 0.5, 0.4]) == [0, 2]
    assert pareto_front([], []) == []


def test_errors_that_differ_by_rounding_are_equal() -> None:
    errors = [3e-8, 1.4e-9, 1.2e-16, 0.9e-8, 1.1e-8, math.nan, 0.1]
    assert levels(errors, 1e-8) == [2, 0, 0, 0, 1, 4, 3]
    assert levels(errors, 0.0) == [4, 1, 0, 2, 3, 6, 5]
    assert levels([], 1e-8) == []
    assert levels([math.nan, math.nan], 1e-8) == [0, 0]
    assert pareto_front([5, 10, 20], [1e-9, 1e-16, 0.0]) == [0, 1, 2]
    assert pareto_front([5, 10, 20], [1e-9, 1e-16, 0.0], resolution=1e-8) == [0]  # more parameters bought nothing


def test_a_small_duel(h2: qvar.Problem) -> None:
    duel = qvar.Duel(h2, [qvar.uccsd(h2)], seeds=3, budget=qvar.Budget(gradients=100))
    rows = duel.tasks()[0].run(lambda progress: None)
    ledger = ledger_from(rows)
    for cost, per in (("parameter", 3), ("two_qubit_gate", rows[0]["two_qubit_gates"])):
        table = correlation_per(ledger, cost)
        assert table["median"].tolist() == pytest.approx([1 / per], abs=1e-6)  # UCCSD is exact for two electrons
    assert least_parameters(ledger)["by_median"].tolist() == [3]
    assert ledger["parameter_shift_energies"].tolist() == [12] * 3  # 3 excitations of 4 energies each
    sentence = h2.hamiltonian().pauli_rep
    one_norm = sum(abs(coefficient) for word, coefficient in sentence.items() if word)
    energies = rows[0]["energy_evaluations"] + 12 * rows[0]["gradient_evaluations"]
    assert training_shots(ledger)[0] == pytest.approx((one_norm / 1.6e-3) ** 2 * energies)
