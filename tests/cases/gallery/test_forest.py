"""The gallery's forest: leaves and canopy against closed forms, identifiability, and the exact canopy is recovered."""

import json
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom

import qvar

FOREST: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "cases" / "gallery" / "forest.py"))
LIGHT = np.array([20.0, 50.0, 100.0, 200.0, 400.0])


def uptake(theta: Any, x: Any) -> Any:
    """Return the uptake of leaves at fixed CO2 inside, of Vcmax, Jmax, yield and curvature in logarithms."""
    vcmax, jmax, slope, bend = jnp.exp(theta)
    parameters = {"Vcmax": vcmax, "Jmax": jmax, "yield": slope, "curvature": bend, "decline": 0.0}
    return FOREST["leaf"](parameters, x, 280.0, 0.0)


def test_constants() -> None:
    assert FOREST["MICHAELIS"] == pytest.approx(710.3, abs=0.05)
    assert FOREST["EFFICIENCY"] == pytest.approx(0.0276, abs=5e-5)


def test_uptake_limited_by_light_does_not_depend_on_rubisco() -> None:
    """Its Fisher information has no entry of Vcmax; if Rubisco limits, it has no other."""
    theta = np.log([500.0, 100.0, 0.24, 0.85])
    fisher = qvar.diagnostics.data_fisher(qvar.fit(uptake, (LIGHT, LIGHT), n_params=4, noise=0.5), theta)
    assert np.all(fisher[0] == 0.0)
    assert np.linalg.matrix_rank(fisher) == 3
    low = theta - np.log([1000.0, 1.0, 1.0, 1.0])
    objective = qvar.fit(uptake, (LIGHT[2:], LIGHT[2:]), n_params=4, noise=0.5)
    assert qvar.diagnostics.identifiable(objective, low) == 1
    expected = 0.5 * (280.0 - 42.75) / (280.0 + FOREST["MICHAELIS"])
    np.testing.assert_allclose(uptake(jnp.asarray(low), LIGHT[2:]), expected)
    vcmax_alone = qvar.diagnostics.standard_error(objective, low, lambda theta: theta[0])
    assert vcmax_alone == pytest.approx(0.5 / expected / np.sqrt(3))
    assert qvar.diagnostics.standard_error(objective, low, lambda theta: theta[1]) == np.inf


def test_canopy_without_limits_is_an_efficiency() -> None:
    """Without limits by Rubisco and electron transport, all absorbed photons count alike (Beer's law)."""
    theta = np.array([12.0, 12.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    x = {"light": LIGHT, "area": np.linspace(1.0, 5.0, 5), "deficit": np.full(5, 1.0), "co2": np.full(5, 400.0)}
    p = FOREST["parameters"](theta)
    inside = 400.0 * p["g1"] / (p["g1"] + 1.0)
    slope = p["yield"] / 4.0 * (inside - 42.75) / (inside + 2 * 42.75)
    absorbed = LIGHT * (1.0 - np.exp(-p["extinction"] * x["area"]))
    np.testing.assert_allclose(FOREST["canopy"](theta, x), slope * absorbed, rtol=1e-4)


def test_different_leaves_have_one_uptake() -> None:
    """At one humidity and CO2, other stomata with other capacities give the same uptake of every canopy, exactly.

    The factor (Ci - G) / (Ci + Km) of Rubisco goes into Vcmax, (Ci - G) / (Ci + 2 G) of light into Jmax and yield.
    """
    x = FOREST["weather"](12, 1, 1.0, 400.0)
    blind = x | {"deficit": np.ones(12)}
    theta = np.array([-0.6, 0.5, -0.1, 0.3, 0.0, 0.1, 0.2])
    p = FOREST["parameters"](theta)
    inside, other = (400.0 * g1 / (g1 + 1.0) for g1 in (p["g1"], 2.0 * p["g1"]))
    shift = [np.log((inside - 42.75) / (inside + km) / (other - 42.75) * (other + km)) / 0.6 for km in (710.311, 85.5)]
    again = theta + np.array([shift[0], shift[1], shift[1], np.log(2.0) / 0.6, 0.0, 0.0, 0.0])
    canopy = FOREST["canopy"]
    np.testing.assert_allclose(canopy(again, blind), canopy(theta, blind), rtol=1e-6)
    assert np.abs(canopy(again, x) / canopy(theta, x) - 1.0).max() > 0.02
    of_deficits = [qvar.fit(canopy, (inputs, np.ones(12)), n_params=7, noise=1.0) for inputs in (blind, x)]
    least = [np.linalg.eigvalsh(qvar.diagnostics.data_fisher(one, theta))[0] for one in of_deficits]
    assert abs(least[0]) < 1e-9 < 1e-7 < least[1]


def test_the_exact_canopy_is_recovered_if_leaves_are_measured() -> None:
    """At a coverage of 95 %, fewer than 15 of 20 intervals hold the exact Vcmax in one of a thousand tests, at most."""
    study = replace(FOREST["case"](repeats=(10,), seeds=20), n_starts=2)
    labels = {task.label: task for task in study.tasks()}
    rows = labels["also humidity and leaves, canopy, 10 repeats"].run(lambda progress: None)
    assert all(row["identifiable"] >= 6 for row in rows)
    triples = [json.loads(row["estimates"])["Vcmax"] for row in rows]
    held = sum(abs(value - truth) < 1.96 * error for value, error, truth in triples)
    assert binom.cdf(14, 20, 0.95) < 1e-3
    assert held > 14


def test_small_run(tmp_path: Path) -> None:
    """Light and leaf area alone do not determine Vcmax."""
    ledger = qvar.run(FOREST["case"](repeats=(10,), seeds=1, quick=True), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) <= {"converged", "stalled", "out_of_budget"}
    canopy = ledger[ledger["model"] == "canopy"].set_index("problem")
    assert canopy.loc["light and leaf area", "identifiable"] <= 4
    assert json.loads(canopy.loc["light and leaf area", "estimates"])["Vcmax"][1] is None
    assert canopy.loc["also humidity and leaves", "identifiable"] >= 6
    assert "uptake at noon" in (tmp_path / "run" / "report.html").read_text()
    with pytest.raises(qvar.QvarError, match="`conditions` must be at least 8, but is 5"):
        FOREST["case"](conditions=5)
