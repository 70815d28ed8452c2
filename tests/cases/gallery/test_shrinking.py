"""Overparametrized models, compression and adapters of the gallery: laws, counts, and a small run of each case."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qvar

GALLERY = Path(__file__).parents[3] / "cases" / "gallery"


def load(name: str) -> dict[str, Any]:
    return runpy.run_path(str(GALLERY / name))


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and the half of its 95 % interval; the normal quantile, of many values."""
    return float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) / np.sqrt(len(values))


def test_the_risk_of_least_squares_follows_its_law() -> None:
    """The law is exact for Gaussian features, and that of Hastie et al. in the limit of many data."""
    case = load("overparametrized.py")
    risk, noise, signal = case["minimum_norm_risk"], case["NOISE"] ** 2, case["SIGNAL"] ** 2
    for ratio in (0.2, 0.5, 0.9):
        assert risk(round(ratio * 10**6), 10**6) == pytest.approx(noise * ratio / (1 - ratio), rel=1e-4)
    for ratio in (1.1, 2.0, 5.0):
        limit = signal * (1 - 1 / ratio) + noise / (ratio - 1)
        assert risk(round(ratio * 10**6), 10**6) == pytest.approx(limit, rel=1e-4)
        assert risk(round(ratio * 10**6), 10**6) < risk(1_000_002, 10**6)
    for p in (25, 75, 200, 400):
        errors = [case["least_squares"](seed, p=p, ridge=False)["test_error"] for seed in range(100, 140)]
        mean, half = interval(errors)
        assert abs(mean - risk(p, case["ROWS"])) < half
        assert half < 0.06 * mean


def test_intervals_hold_the_law_as_often_as_they_say() -> None:
    """95 % intervals of 10 draws each, in 200 experiments: 190 +- 3 of them."""
    case = load("overparametrized.py")
    case["least_squares"].__globals__.update(ROWS=20, DRAWS=1)
    held = 0
    for experiment in range(200):
        errors = [
            case["least_squares"](1000 * experiment + seed, p=60, ridge=False)["test_error"] for seed in range(10)
        ]
        half = 2.262 * np.std(errors, ddof=1) / np.sqrt(10)  # Student's t of 9 degrees of freedom
        held += abs(np.mean(errors) - case["minimum_norm_risk"](60, 20)) < half
    assert 179 <= held <= 199


def test_the_best_penalty_has_no_peak() -> None:
    case = load("overparametrized.py")
    ratios = np.linspace(0.2, 5.0, 40)
    risks = [case["ridge_risk"](ratio, ratio * case["NOISE"] ** 2) for ratio in ratios]
    assert np.all(np.diff(risks) > 0)
    for p in (50, 100, 300):
        mean, half = interval([case["least_squares"](seed, p=p, ridge=True)["test_error"] for seed in range(10)])
        assert mean == pytest.approx(
            case["ridge_risk"](p / 100, p / 100 * case["NOISE"] ** 2), abs=1.5 * half + 0.02 * mean
        )
        assert mean < case["minimum_norm_risk"](p, 100)


def test_networks_pass_the_threshold(tmp_path: Path) -> None:
    case = load("overparametrized.py")
    study = case["case"](examples=20, steps=60, seeds=1, quick=True)
    chosen = [one for one in study.trials if one.name.startswith("plain")]
    assert [one.distance for one in chosen[:3]] == [310 / 200, 1210 / 200, 7210 / 200]
    ledger = qvar.run(qvar.Trials(chosen[:2] + chosen[3:5], seeds=1), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) == {"trained"}, ledger["message"].iloc[0]
    assert ledger["n_params"].tolist() == [310, 1210] * 2
    assert (ledger["train_error"] < ledger["test_error"]).all()
    with pytest.raises(qvar.QvarError, match="`wrong` must be from 0 to below 1"):
        case["case"](wrong=1.0)
