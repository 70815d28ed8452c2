"""Bonds and rubber of the gallery: closed forms, parameter counts, and a small run of each case."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar

GALLERY = Path(__file__).parents[3] / "cases" / "gallery"


def load(name: str) -> dict[str, Any]:
    return runpy.run_path(str(GALLERY / name))


def rows_of(study: qvar.Selection) -> dict[str, dict[str, Any]]:
    """The rows of the first repetition of a study of one data set, by model."""
    rows = [row for task in study.tasks() for row in task.run(lambda progress: None)]
    return {row["model"]: row for row in rows if row["seed"] == 0}


def test_a_spring_is_the_limit_of_a_morse_curve() -> None:
    """Both have their minimum at 0, and curvature k, or 2 D a^2; far out Morse's is the depth D."""
    case = load("bond.py")
    assert [(one.name, one.n_params) for one in case["models"]() if one.family == "constrained"] == [
        ("harmonic", 2), ("Morse", 3),
    ]  # fmt: skip
    assert {one.n_params - int(one.name.split()[1]) for one in case["models"]() if one.family == "generic"} == {1}
    theta, length = jnp.array([0.1, -0.2, 0.3]), np.exp(0.09)
    curve = jax.grad(jax.grad(lambda bond: case["morse"](theta, bond)))
    assert float(curve(length)) == pytest.approx(2 * 200 * np.exp(0.1) * (2 * np.exp(-0.1)) ** 2)
    assert float(case["morse"](theta, length)) == pytest.approx(0.0, abs=1e-12)
    assert float(case["morse"](theta, 50.0)) == pytest.approx(200 * np.exp(0.1))
    spring = jax.grad(jax.grad(lambda bond: case["harmonic"](jnp.array([0.5, 0.3]), bond)))
    assert float(spring(2.0)) == pytest.approx(2000 * np.exp(0.5))


def test_two_parameters_are_enough_near_the_minimum() -> None:
    """Beyond it the third pays: the spring misses the curve of H2 by more than the noise, Morse's does not."""
    study = load("bond.py")["case"](molecules=("H2",), seeds=1)
    near, far = (
        rows_of(replace(study, candidates=study.candidates[:2], data={name: study.data[f"H2, {name}"]}))
        for name in ("near the minimum", "vibrations")
    )
    assert near["harmonic"]["test_error"] < 0.3
    assert near["harmonic"]["bic"] < near["Morse"]["bic"]
    assert far["harmonic"]["test_error"] > 1.0
    assert far["Morse"]["test_error"] < 0.3


def test_the_textbook_constants_of_rubber() -> None:
    """Ogden 1972: shear modulus 4.225 kg/cm^2, 0.4143 MPa; slopes at rest are 3, 6 and 4 moduli in the three modes."""
    case = load("rubber.py")
    alpha, mu = [1.3, 5.0, -2.0], 0.0980665 * np.array([6.3, 0.012, -0.1])
    modulus = case["modulus"](mu, alpha)
    assert modulus == pytest.approx(0.4143, abs=5e-5)
    assert modulus / 0.0980665 == pytest.approx(4.225)
    for (mode, free), times in zip(case["MODES"].items(), (3.0, 6.0, 4.0), strict=True):
        slope = jax.grad(lambda stretch, free=free: case["ogden_stress"](mu, alpha, {"stretch": stretch, "free": free}))
        assert float(slope(1.0)) == pytest.approx(times * modulus), mode
    x, stress = case["treloar"]()
    assert [int(np.sum(x["free"] == free)) for free in case["MODES"].values()] == [24, 16, 9]
    differences = case["ogden_stress"](mu, alpha, x) / stress - 1.0
    assert np.sqrt(np.mean(differences**2)) < 0.12  # he fitted by hand


def test_models_of_rubber() -> None:
    """Mooney-Rivlin without its second constant is neo-Hookean, and so is Gent's with endless chains."""
    case = load("rubber.py")
    x, _ = case["treloar"]()
    assert {one.name: one.n_params for one in case["models"]((1, 2, 3, 4))} == {
        "neo-Hookean": 1, "Mooney-Rivlin": 2, "Gent": 2, "Ogden 1": 2, "Ogden 2": 4, "Ogden 3": 6, "Ogden 4": 8,
    }  # fmt: skip
    plain = np.asarray(case["neo_hookean"](jnp.array([1.1]), x))
    assert np.asarray(case["mooney_rivlin"](jnp.array([1.1, 0.0]), x)) == pytest.approx(plain)
    assert np.asarray(case["gent"](jnp.array([1.1, 25.0]), x)) == pytest.approx(plain, rel=1e-8)
    terms = np.array([np.log(1.1), 2.0 / 2.5])
    assert np.asarray(case["ogden"](1, jnp.asarray(terms), x)) == pytest.approx(plain)
    at = {name: column[x["free"] == -0.5] for name, column in x.items()}
    stretch = at["stretch"]
    assert np.asarray(case["neo_hookean"](jnp.array([1.0]), at)) == pytest.approx(0.4 * (stretch - stretch**-2.0))


def test_rubber_is_fitted() -> None:
    """Uniaxial data alone do not determine Mooney and Rivlin's second constant well: it misses the other modes."""
    study = load("rubber.py")["case"](seeds=1, n_starts=2)
    name = "fitted to uniaxial data alone"
    rows = rows_of(replace(study, candidates=study.candidates[1:3], data={name: study.data[name]}))
    assert {row["status"] for row in rows.values()} == {"converged"}
    assert rows["Gent"]["test_error"] < 0.3 < rows["Mooney-Rivlin"]["test_error"]
    assert rows["Gent"]["n_data"] == 24
    assert study.data["18 noisy points"].values.shape == (18,)


def test_the_page_has_every_case() -> None:
    case = load("all.py")
    assert set(case["ENTRIES"]) == {path.stem for path in GALLERY.glob("*.py")} - {"all"}
    study = case["case"](entries=("rubber",), quick=True)
    assert [entry.title for entry in study.entries] == ["rubber"]
    assert {task.label.split(":")[0] for task in study.tasks()} == {"rubber"}
    with pytest.raises(qvar.QvarError, match="`entries` must be names of bond, rubber"):
        case["case"](entries=("wood",))
