"""Mean fields that are saddles: noticed where a set is measured, and followed on request, with their gradients."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pyscf import gto, scf

from qvar import basis
from qvar.basis.energy import UnsolvedError
from qvar.errors import QvarError

STRETCHED = "H 0 0 0; H 0 0 2.5"
HYDROGEN = basis.Target("H 0 0 0", spin=1)
FORM = basis.from_set("H", "6-31g")


def broken_start(geometry: str) -> float:
    """PySCF's UHF energy from a spin-up electron on one atom and a spin-down one on the other."""
    field = scf.UHF(gto.M(atom=geometry, basis="6-31g", verbose=0))
    up = np.diag([1.0, 0.0, 0.0, 0.0])
    return float(field.kernel(dm0=np.stack([up, up[::-1, ::-1][[1, 0, 3, 2]][:, [1, 0, 3, 2]]])))


def test_unrestricted_hydrogen_is_followed_on_request() -> None:
    found = basis.Target(STRETCHED, theory="uhf").measure(FORM.basis(FORM.start))[0]
    stable = basis.Target(STRETCHED, theory="uhf", stable=True).measure(FORM.basis(FORM.start))[0]
    restricted = basis.Target(STRETCHED).value(FORM.basis(FORM.start))
    assert found.energy == pytest.approx(restricted, abs=1e-9)
    assert stable.energy == pytest.approx(broken_start(STRETCHED), abs=1e-8)
    assert stable.energy < found.energy - 0.1
    (sentence,) = found.remarks
    assert sentence.startswith("The H2 uhf solution is a saddle")
    assert stable.remarks == ()


def test_gradient_is_that_of_the_stable_energy() -> None:
    target = basis.Target(STRETCHED, theory="uhf", stable=True)
    theta = np.asarray(FORM.start)
    _, gradient = target.value_and_grad(FORM, theta)
    step = 1e-4 * np.eye(len(theta))[0]
    slope = (target.value(FORM.basis(theta + step)) - target.value(FORM.basis(theta - step))) / 2e-4
    assert gradient[0] == pytest.approx(slope, abs=2e-6)


def test_a_study_says_so() -> None:
    duel = basis.BasisDuel(basis.Target(STRETCHED, theory="uhf"), [FORM], seeds=1, baselines=["6-31g"])
    published = [task for task in duel.tasks() if "6-31g" in task.label][-1]
    (row,) = published.run(lambda progress: None)
    assert any("saddle" in sentence for sentence in json.loads(str(row["remarks"])))


def test_one_electron_has_no_saddle() -> None:
    assert HYDROGEN.measure(FORM.basis(FORM.start))[0].remarks == ()


def test_stable_is_part_of_what_a_value_depends_on() -> None:
    plain, stable = basis.Target(STRETCHED, theory="uhf"), basis.Target(STRETCHED, theory="uhf", stable=True)
    assert stable.describe()[0] == plain.describe()[0] | {"stable": True}


@pytest.mark.parametrize(
    ("arguments", "name", "must"),
    [
        ({"atoms": STRETCHED, "theory": "fci", "stable": True}, "stable", "given for mean fields and casscf only"),
        ({"atoms": [HYDROGEN], "stable": True}, "stable", "given to the targets of a sum"),
        ({"atoms": [HYDROGEN], "theory": "uhf"}, "theory", "given to the targets of a sum"),
        ({"atoms": [HYDROGEN], "spin": 2}, "spin", "given to the targets of a sum"),
    ],
)
def test_mistakes(arguments: dict[str, Any], name: str, must: str) -> None:
    with pytest.raises(QvarError, match=f"^`{name}` must be {must}"):
        basis.Target(**arguments)


def test_a_search_that_fails_is_no_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(field: Any) -> float:
        raise QvarError("`stable` must lead to a minimum.")

    monkeypatch.setattr("qvar.basis.energy.follow", fails)
    with pytest.raises(UnsolvedError, match="no minimum was found"):
        basis.Target(STRETCHED, theory="uhf", stable=True).value(FORM.basis(FORM.start))
