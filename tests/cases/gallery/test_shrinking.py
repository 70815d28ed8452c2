"""Overparametrized models, compression and adapters of the gallery: laws, counts, and a small run of each case."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
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


def test_what_is_left_of_a_network_is_counted() -> None:
    """10 % of 64 x 4 + 4 x 4 + 4 x 10 weights, with a bit for each place; two of four units; a grid of 3 bits."""
    case = load("compress.py")
    case["STEPS"].update(first=2, again=2)
    network = eqx.nn.MLP(64, 10, 4, 2, key=jax.random.key(0)).layers
    pruned, units = case["weight_masks"](network, 0.1), case["unit_masks"](network, 0.5)
    assert [int(mask.sum()) for mask in pruned] == [26, 2, 4]
    assert [int(mask.sum()) for mask in units] == [2 * 64, 2 * 2, 2 * 10]
    row = case["measured"](network, units, 0, 600, 32, True)
    assert (row["n_params"], row["bits"]) == (152 + 2 + 2 + 10, 32 * 166)
    row = case["measured"](network, pruned, 0, 600, 3, False)
    biases = int(sum(np.any(mask > 0, axis=1).sum() for mask in pruned))
    assert (row["n_params"], row["bits"]) == (32 + biases, 3 * 32 + 32 * (biases + 3) + 256 + 16 + 40)
    rounded = np.asarray(case["on_grid"](network[0].weight, 3))
    assert len(np.unique(rounded)) == 7
    assert np.abs(rounded - network[0].weight).max() <= np.abs(network[0].weight).max() / 6 * (1 + 1e-12)
    slope = jax.grad(lambda weight: case["on_grid"](weight, 3).sum())(network[0].weight)
    np.testing.assert_array_equal(slope, np.ones((4, 64)))


def test_networks_are_compressed() -> None:
    case = load("compress.py")
    case["STEPS"].update(first=100, again=20)
    trials = {one.name: one for one in case["case"](examples=200, seeds=1).trials}
    assert all(one.against in trials or one.name == "large network" for one in trials.values())
    large = trials["large network"].run(0)
    assert large["n_params"] == 64 * 96 + 96 + 96 * 96 + 96 + 96 * 10 + 10
    assert large["test_error"] < 0.4
    small = trials["prune, round, distil, 20 % left, 4 bits"].run(0)
    assert small["bits"] < 0.1 * large["bits"]
    assert small["test_error"] < 0.8
    assert trials["round, 8 bits"].run(0)["test_error"] == pytest.approx(large["test_error"], abs=0.02)
    assert trials["distil, 8 units"].run(0)["n_params"] == 64 * 8 + 8 + 8 * 10 + 10


def test_adapters_are_counted_and_start_at_the_frozen_network() -> None:
    case = load("adapter.py")
    one, *others = (case["adapted"](0, kind=kind, pretrained=kind != "all", rank=rank, size=2, steps=20)
                    for kind, rank in (("all", 0), ("head", 0), ("adapter", 4), ("low_rank", 2)))  # fmt: skip
    head = 96 * 4 + 4
    assert one["n_params"] == 64 * 96 + 96 + 96 * 96 + 96 + head
    assert [other["n_params"] for other in others] == [head, head + 4 * 4 * 96, head + 2 * (64 + 3 * 96)]
    body, (_, _, x, _) = case["pretrained_body"](0), case["digits"](0)
    last = eqx.nn.Linear(96, 4, key=jax.random.key(1))
    frozen = case["outputs"]({"head": last}, body, x[:5])
    for kind, inputs in (("adapter", (96, 96)), ("low_rank", (64, 96))):
        thin = [(np.ones((2, n)), np.zeros((96, 2))) for n in inputs]
        np.testing.assert_allclose(case["outputs"]({"head": last, kind: thin}, body, x[:5]), frozen, atol=1e-6)
    with pytest.raises(qvar.QvarError, match="`examples` must be from 1 to 80"):
        case["case"](examples=(81,))
