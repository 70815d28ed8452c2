"""Recommendations from ledgers: what they count, and what is within the limits."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from qvar.analysis import advice
from qvar.analysis.advice import Limits, advise, circuits, coverage


def _row(contender: str, seed: int, error: float, params: int, cnots: int, **other: Any) -> dict[str, Any]:
    return {
        "campaign": "one", "problem": "H2 0.7 sto-3g", "molecule": "h2", "bond": 0.7, "basis": "sto-3g", "budget": 300,
        "contender": contender, "family": "constrained", "layers": None, "n_params": params, "two_qubit_gates": cnots,
        "seed": seed, "value": -1.0 + error, "reference": -1.0, "error": error, "energy_evaluations": 10 + seed,
        "command": f"qvar run family_duel --contenders {contender}", "qvar": "0.1.0",
        "date": "2026-01-01", "growth": None, "compression": None, "recipe": None, "circuit": None, **other,
    }  # fmt: skip


STEPS = [
    {"operators": n, "parameters": n, "cnots": 9 * n, "evaluations": 5 * n, "error": 0.1**n, "value": -1.0 + 0.1**n}
    for n in range(4)
]
CUTS = [
    {"action": "start", "parameters": 4, "cnots": 40, "evaluations": 9, "value": -1.0},
    {"action": "prune", "parameters": 3, "cnots": 27, "evaluations": 12, "value": -0.998},
]


@pytest.fixture
def ledgers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ledgers of a deep and a shallow circuit, a growth and a pruning on one molecule."""
    fixed = [_row("deep", seed, 1e-4 * seed, 20, 100) for seed in range(3)]
    fixed += [_row("shallow", seed, 2e-3 * seed, 4, 10, layers=2) for seed in range(3)]
    parts = {
        "families": fixed,
        "growing": [_row("adapt sd", 0, 1e-3, 3, 27, growth=json.dumps(STEPS))],
        "pruning": [
            _row("u: prune obs", 0, 2e-3, 3, 27, compression=json.dumps(CUTS), recipe="prune obs", circuit="u")
        ],
    }
    monkeypatch.setattr(advice, "kept_ledger", lambda name: pd.DataFrame(parts[name]))


def _labels(**limits: Any) -> list[str]:
    return [one.label for one in advise("h2", 0.7, "sto-3g", Limits(**limits)).fitting]


@pytest.mark.usefixtures("ledgers")
def test_numbers_of_a_circuit_are_those_of_its_starts_and_steps() -> None:
    everyone = {one.label: one for one in advise("h2", 0.7, "sto-3g", Limits()).fitting}
    assert len(everyone) == 6
    shallow = everyone["shallow x2"]
    assert (shallow.best, shallow.median, shallow.within, shallow.seeds) == (0.0, pytest.approx(2.0), 1, 3)
    assert (shallow.n_params, shallow.two_qubit_gates, shallow.evaluations, shallow.budget) == (4, 10, 11.0, 300.0)
    grown = everyone["adapt sd, 2 operators"]
    assert (grown.median, grown.two_qubit_gates, grown.evaluations) == (pytest.approx(10.0), 18, 10)
    assert grown.command.endswith(" --max-operators 2")
    pruned = everyone["u pruned to 3 (obs)"]
    assert (pruned.median, pruned.n_params) == (pytest.approx(2.0), 3)
    assert pruned.command.endswith(" --keep 0.75")
    assert coverage() == {"h2": {"sto-3g": (0.7,)}}


@pytest.mark.usefixtures("ledgers")
def test_limits_hold_and_choose() -> None:
    assert _labels()[0] == "deep"
    assert _labels(two_qubit_gates=99)[0] == "adapt sd, 3 operators"
    assert _labels(two_qubit_gates=17)[:2] == ["shallow x2", "adapt sd, 1 operators"]
    assert _labels(parameters=2) == ["adapt sd, 2 operators", "adapt sd, 1 operators"]
    assert _labels(evaluations=11) == ["deep", "shallow x2", "adapt sd, 2 operators", "adapt sd, 1 operators"]
    assert _labels(error=1.6) == ["adapt sd, 3 operators", "deep"]  # the fewest CNOTs first
    assert _labels(error=2.5)[0] == "shallow x2"
    assert _labels(two_qubit_gates=5) == []
    answer = advise("h2", 0.7, "sto-3g", Limits(parameters=3, error=20))
    assert answer.best is not None
    assert answer.runner_up is not None
    assert (answer.best.label, answer.runner_up.label) == ("adapt sd, 2 operators", "u pruned to 3 (obs)")
    empty = advise("h2", 0.7, "sto-3g", Limits(parameters=1, error=1e-3))
    assert (empty.tried, empty.best, empty.runner_up) == (6, None, None)


def test_a_start_that_failed_counts() -> None:
    rows = [_row("one", seed, 1e-3, 2, 2) for seed in range(3)]
    failed = {**_row("one", 3, 0.0, 2, 2), "value": None, "error": None}
    (one,) = circuits(pd.DataFrame([*rows, failed]))
    assert (one.seeds, one.within, one.best) == (4, 3, pytest.approx(1.0))
    (half,) = circuits(pd.DataFrame([rows[0], failed]))
    assert half.median == float("inf")
