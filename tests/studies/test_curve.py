"""The curve: rows point by point, warm starts, non-parallelity error, failures, keys, resuming."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from pyscf import fci, gto, scf

import qvar
from qvar.records.schema import LEDGER_COLUMNS
from qvar.studies.curve import Curve

BONDS = (0.6, 0.9, 1.4)


def h2_at(bond: float) -> qvar.Problem:
    return qvar.hydrogen_chain(2, bond=bond)


def one_layer(problem: qvar.Problem) -> qvar.Ansatz:
    return qvar.hardware_efficient(problem, layers=1, rotations=("RY",))


def curve(**changes: Any) -> Curve:
    arguments: dict[str, Any] = {
        "problem": h2_at, "coordinates": BONDS, "contenders": [qvar.uccsd], "seeds": 2,
        "budget": qvar.Budget(gradients=60), **changes,
    }  # fmt: skip
    return Curve(**arguments)


def rows_of(study: Curve) -> list[list[dict[str, Any]]]:
    return [task.run(lambda progress: None) for task in study.tasks()]


def exact(bond: float) -> float:
    """Full configuration interaction, by PySCF from the geometry."""
    mean_field = scf.RHF(gto.M(atom=f"H 0 0 0; H 0 0 {bond}", basis="sto-3g", verbose=0)).run()
    return float(fci.FCI(mean_field).kernel()[0])


def held(theta: Any, until: float) -> Any:
    """UCCSD that starts from `theta` at short bonds, and from zero, which is Hartree-Fock, at longer ones."""

    def make(problem: qvar.Problem) -> qvar.Ansatz:
        ansatz = qvar.uccsd(problem)
        good = bond_of(problem) < until
        return replace(ansatz, starts={"own": lambda key: jnp.asarray(theta if good else np.zeros(3))}, start="own")

    return make


def bond_of(problem: qvar.Problem) -> float:
    return next(bond for bond in BONDS if h2_at(bond).name == problem.name)


def test_rows_follow_the_exact_curve() -> None:
    hea, ucc = rows_of(curve(contenders=[one_layer, qvar.uccsd]))
    for rows in (hea, ucc):
        assert [(row["seed"], row["coordinate"]) for row in rows] == [(seed, bond) for seed in (0, 1) for bond in BONDS]
        assert {(row["coordinate_name"], row["coordinate_unit"]) for row in rows} == {("bond", "angstrom")}
        assert len({row["problem"] for row in rows}) == len(BONDS)
        for row in rows:
            assert row["reference"] == pytest.approx(exact(row["coordinate"]), abs=1e-8)
            assert row["error"] > -1e-9
    for row in ucc:  # two electrons: UCCSD is exact
        assert row["value"] == pytest.approx(exact(row["coordinate"]), abs=1e-8)
        assert row["npe"] == pytest.approx(0, abs=1e-8)
    for seed in (0, 1):
        errors = [row["error"] for row in hea if row["seed"] == seed]
        assert {row["npe"] for row in hea if row["seed"] == seed} == {max(errors) - min(errors)}


def test_each_point_starts_from_the_one_before_and_from_its_own_start() -> None:
    theta = [0.0, 0.0, -0.15]
    one = qvar.Budget(gradients=1)  # nothing moves: the value is that of the better start
    ((short, middle, long),) = rows_of(curve(contenders=[held(theta, 0.7)], seeds=1, budget=one))
    assert [row["started_from"] for row in (short, middle, long)] == ["own", "before", "before"]
    assert [row["gradient_evaluations"] for row in (short, middle, long)] == [1, 2, 2]
    for row in (short, middle, long):
        problem = h2_at(row["coordinate"])
        energies = [float(qvar.energy(problem, qvar.uccsd(problem)).loss(jnp.asarray(x))) for x in (theta, np.zeros(3))]
        assert energies[0] < energies[1] == pytest.approx(problem.reference_energy, abs=1e-10)
        assert row["value"] == pytest.approx(energies[0], abs=1e-12)
    ((_, alone, _),) = rows_of(curve(contenders=[held(theta, 0.7)], seeds=1, budget=one, warm_start=False))
    assert (alone["started_from"], alone["gradient_evaluations"]) == ("own", 1)
    assert alone["value"] == pytest.approx(h2_at(0.9).reference_energy, abs=1e-10)


def test_its_own_start_is_kept_where_it_is_lower() -> None:
    one = qvar.Budget(gradients=1)
    ((_, middle, _),) = rows_of(curve(contenders=[held([0.0, 0.0, 0.9], 0.7)], seeds=1, budget=one))
    assert middle["started_from"] == "own"
    assert middle["value"] == pytest.approx(h2_at(0.9).reference_energy, abs=1e-10)


def test_another_number_of_parameters_starts_afresh() -> None:
    def grows(problem: qvar.Problem) -> qvar.Ansatz:
        return qvar.hardware_efficient(problem, layers=1 if bond_of(problem) < 0.8 else 2, rotations=("RY",), name="g")

    ((short, middle, long),) = rows_of(curve(contenders=[grows], seeds=1))
    assert [row["n_params"] for row in (short, middle, long)] == [8, 12, 12]
    assert middle["started_from"] == "own"
    assert middle["message"] == "Only its own start: the circuit has 12 parameters here, and had 8 before."
    assert "message" not in short
    assert "message" not in long


def test_a_failed_point_is_a_row_and_the_walk_goes_on() -> None:
    def gap(bond: float) -> qvar.Problem:
        if bond == 0.9:
            raise RuntimeError("no orbitals\nand more")
        return h2_at(bond)

    def moody(problem: qvar.Problem) -> qvar.Ansatz:
        if bond_of(problem) == 1.4:
            raise ValueError("not today")
        return one_layer(problem)

    ucc, other = rows_of(curve(problem=gap, contenders=[qvar.uccsd, moody], seeds=1))
    assert [row["status"] for row in ucc] == ["converged", "failed", "converged"]
    assert (ucc[1]["message"], ucc[1]["problem"]) == ("RuntimeError: no orbitals", "bond 0.9 angstrom")
    assert ucc[2]["gradient_evaluations"] > ucc[0]["gradient_evaluations"]  # two starts: the last good point is used
    assert [row["status"] == "failed" for row in other] == [False, True, True]
    assert other[2]["message"] == "ValueError: not today"
    assert all(np.isnan(row["npe"]) for row in [*ucc, *other])
    with pytest.raises(RuntimeError, match="no orbitals"):
        curve(problem=gap, coordinates=[0.9]).tasks()


def test_problems_of_one_name_are_distinguished() -> None:
    def nameless(bond: float) -> qvar.Problem:
        return qvar.molecule(f"H 0 0 0; H 0 0 {bond}")

    ((first, *_),) = rows_of(curve(problem=nameless, coordinates=BONDS[:2], seeds=1))
    assert first["problem"] == "H2 sto-3g, bond 0.6 angstrom"


def test_keys_depend_on_inputs_alone() -> None:
    def keys(**changes: Any) -> list[str]:
        return [task.key for task in curve(**changes).tasks()]

    assert keys() == keys()
    others = [
        keys(coordinates=BONDS[:2]),
        keys(coordinates=BONDS[::-1]),
        keys(problem=lambda bond: qvar.hydrogen_chain(2, bond=bond, charge=0, basis="6-31g")),
        keys(contenders=[lambda problem: qvar.uccsd(problem, order="doubles_first")]),
        keys(method=qvar.adam()),
        keys(seeds=3),
        keys(budget=qvar.Budget(gradients=61)),
        keys(engine="dense"),
        keys(warm_start=False),
        keys(coordinate="distance"),
        keys(unit="bohr"),
    ]
    assert len({key for other in [keys(), *others] for key in other}) == 12


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seeds": 0}, "`seeds` must be at least 1, but is 0."),
        ({"contenders": []}, "`contenders` must hold at least one function, but is []."),
        ({"coordinates": []}, "`coordinates` must hold different numbers, but is []."),
        ({"coordinates": [1.0, 1.0]}, "`coordinates` must hold different numbers, but is [1.0, 1.0]."),
        ({"coordinates": [float("nan")]}, "`coordinates[0]` must be finite, but is nan."),
    ],
)
def test_mistakes(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        curve(**changes)
    assert str(caught.value) == sentence


def test_contenders_have_different_names() -> None:
    with pytest.raises(qvar.QvarError, match=r"^`contenders` must have different names, but 'uccsd' occurs more than"):
        curve(contenders=[qvar.uccsd, qvar.uccsd]).tasks()


def test_it_says_what_it_rests_on() -> None:
    assert {"sun2020", *qvar.uccsd(h2_at(0.6)).citations} <= set(curve().citations)


@pytest.mark.usefixtures("without_pages")
def test_resumed_it_gives_the_same_ledger(tmp_path: Path) -> None:
    study = curve(contenders=[one_layer, qvar.uccsd], coordinates=BONDS[:2])
    whole = qvar.run(study, tmp_path / "run", progress=False)
    done, lost = (tmp_path / "run" / "tasks" / f"{task.key}.parquet" for task in study.tasks())
    written = done.stat().st_mtime_ns
    lost.unlink()
    again = qvar.run(study, tmp_path / "run", progress=False, resume=True)
    assert done.stat().st_mtime_ns == written
    times = ["wall_s", "compile_s"]
    pd.testing.assert_frame_equal(again.drop(columns=times), whole.drop(columns=times), check_exact=True)
    own = ["coordinate", "coordinate_name", "coordinate_unit", "series", "layers", "hessian_products"]
    own += ["started_from", "npe"]
    assert list(whole.columns) == [*LEDGER_COLUMNS, *own]
