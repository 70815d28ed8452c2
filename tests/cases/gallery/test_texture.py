"""The gallery's texture: densities, planes and harmonics against closed forms, and the exact parameter is recovered."""

import json
import math
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

import qvar

TEXTURE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "cases" / "gallery" / "texture.py"))


@pytest.mark.parametrize("r", [0.2, 0.6, 1.0, 2.5])
def test_march_density(r: float) -> None:
    """The mean over the sphere is 1, the density along the axis r^-3, across it r^(3/2)."""
    points, weights = np.polynomial.legendre.leggauss(200)
    assert weights @ TEXTURE["march"](r, points) / 2 == pytest.approx(1.0, abs=1e-9)
    assert TEXTURE["march"](r, 1.0) == pytest.approx(r**-3)
    assert TEXTURE["march"](r, 0.0) == pytest.approx(r**1.5)


def test_cone_density() -> None:
    points, weights = np.polynomial.legendre.leggauss(200)
    assert weights @ TEXTURE["cone"](points) / 2 == pytest.approx(1.0, abs=1e-4)


def test_planes_of_calcite() -> None:
    """Spacings: Anthony et al., Handbook of Mineralogy, calcite."""
    planes = [(0, 1, 2), (1, 0, 4), (1, 1, 0), (1, 1, 3), (2, 0, 2), (0, 1, 8), (1, 1, 6)]
    known = [3.86, 3.035, 2.495, 2.285, 2.095, 1.913, 1.875]
    np.testing.assert_allclose(TEXTURE["normals"](planes)[1], known, atol=0.006)
    factor = TEXTURE["structure_factor"]
    assert factor(0, 0, 0) == pytest.approx(2 * 4.70 + 2 * 6.6460 + 6 * 5.803)
    for extinct in ((1, 0, 0), (1, 0, 1), (0, 0, 3), (2, 0, 5)):  # by the centring, by the glide plane
        assert abs(factor(*extinct)) < 1e-9
    (hkl,) = {tuple(plane) for plane in TEXTURE["equivalents"](0, 0, 6)} - {(0, 0, -6)}
    assert hkl == (0, 0, 6)
    assert len({tuple(plane) for plane in TEXTURE["equivalents"](1, 0, 4)}) == 6


def test_powder() -> None:
    """The angle between (001) and (104) has the cosine 4 d(104) / c."""
    x = TEXTURE["powder"](0, 21)
    assert x["harmonics"].shape == (21, 1 + 2 + 3 + 3 + 4 + 5)
    assert x["height"].max() == x["height"][1] == 1.0
    assert np.abs(x["flat"][1]).max() == pytest.approx(1.0)
    cosine = 4 * TEXTURE["normals"]((1, 0, 4))[1] / 17.062
    np.testing.assert_allclose(np.abs(x["flat"][2]), cosine)  # (006)
    np.testing.assert_allclose(x["harmonics"][2, 0], math.sqrt(5.0))  # (001): P_2 = 1 at the pole
    np.testing.assert_allclose(x["harmonics"][16, 0], -math.sqrt(5.0) / 2)  # (300): P_2 = -1/2 at the equator
    np.testing.assert_allclose(x["upright"][16], 0.0, atol=1e-12)


def test_the_exact_parameter_is_recovered() -> None:
    """At a coverage of 95 %, fewer than 33 of 40 intervals hold the exact r in one of a thousand such tests."""
    study = TEXTURE["case"](textures=("march",), counts=(300,), orders=(2,), seeds=40)
    (task,) = [one for one in study.tasks() if one.label == "March's texture, 21 peaks, March-Dollase, 300 counts"]
    estimates = [json.loads(row["estimates"]) for row in task.run(lambda progress: None)]
    held = 0
    for value, error, truth in (one["r"] for one in estimates):
        assert truth == 0.6
        held += abs(value - truth) < 1.96 * error
    assert binom.cdf(32, 40, 0.95) < 1e-3
    assert held > 32


def test_small_run(tmp_path: Path) -> None:
    study = TEXTURE["case"](textures=("cone",), counts=(3000,), orders=(6,), seeds=1)
    ledger = qvar.run(study, out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) <= {"converged", "stalled"}
    sizes = dict(zip(ledger["model"], ledger["n_params"], strict=True))
    assert sizes == {"March-Dollase": 2, "March-Dollase, two axes": 4, "harmonics to 6": 7}
    errors = ledger.groupby("model")["test_error"]
    assert errors.max()["harmonics to 6"] < errors.min()["March-Dollase"]
    assert "density of (104)" in (tmp_path / "run" / "report.html").read_text()
    with pytest.raises(qvar.QvarError, match="`orders` must hold even numbers from 2 to 12"):
        TEXTURE["case"](orders=(3,))
