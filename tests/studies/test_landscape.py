"""The landscape study: what it measures of a hydrogen molecule, keys, failures."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.records.run_tables import ledger_from
from qvar.records.schema import column_types
from qvar.studies import landscape as landscape_module
from qvar.studies import training as training_module
from qvar.studies.landscape import Landscape

STEP = 0.01
JSON_COLUMNS = ("line_scan", "start_plane", "end_plane", "start_spectrum", "end_spectrum", "leakage_along")


def rows_of(study: Landscape) -> list[list[dict[str, Any]]]:
    return [task.run(lambda progress: None) for task in study.tasks()]


def strict(text: str) -> Any:
    """JSON without NaN and Infinity, which it does not have."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def contenders(h2: qvar.Problem) -> list[qvar.Ansatz]:
    return [
        qvar.uccsd(h2).with_start("uniform"),
        qvar.hardware_efficient(h2, layers=1, rotations=("RY",), name="generic"),
    ]


def small(h2: qvar.Problem, **changes: Any) -> Landscape:
    """Planes of three by three points, so narrow that their second differences are curvatures."""
    usual = {
        "problem": h2,
        "contenders": contenders(h2),
        "seeds": 2,
        "budget": qvar.Budget(gradients=60),
        "span": STEP,
        "points": 3,
        "line_points": 7,
    }
    return Landscape(**{**usual, **changes})


@pytest.fixture(scope="module")
def trained(h2: qvar.Problem) -> list[list[dict[str, Any]]]:
    return rows_of(small(h2))


def best(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return min(rows, key=lambda row: row["value"])


def test_only_the_lowest_seed_is_scanned_and_all_texts_parse(trained: list[list[dict[str, Any]]]) -> None:
    for rows in trained:
        assert [row["line_scan"] is not None for row in rows] == [row is best(rows) for row in rows]
        for column in JSON_COLUMNS:
            assert strict(best(rows)[column])
        assert [("start_plane" in row, "leakage_along" in row) for row in rows if row is not best(rows)] == [
            (False, True)
        ]
    ledger = ledger_from([row for rows in trained for row in rows], Landscape.columns)
    assert set(ledger.columns) <= set(column_types(Landscape.columns))


def test_scans_pass_through_the_start_and_the_end(trained: list[list[dict[str, Any]]]) -> None:
    for rows in trained:
        row = best(rows)
        line = strict(row["line_scan"])
        assert line["t"] == pytest.approx([-0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25])
        start, end = row["trace_value"][0], row["value"]
        assert (line["value"][1], line["value"][5]) == pytest.approx((start, end), abs=1e-9)
        assert row["line_variation"] == pytest.approx(np.abs(np.diff(line["value"])).sum(), abs=1e-8)
        for where, value in (("start", start), ("end", end)):
            plane = strict(row[f"{where}_plane"])
            assert plane["first"] == plane["second"] == pytest.approx([-STEP, 0.0, STEP])
            assert plane["value"][1][1] == pytest.approx(value, abs=1e-9)


def test_curvatures_are_second_differences_of_the_planes(trained: list[list[dict[str, Any]]]) -> None:
    """Along eigenvectors of the Hessian second differences are eigenvalues, up to step^2."""
    for rows in trained:
        row = best(rows)
        end = np.array(strict(row["end_plane"])["value"])
        first = (end[0, 1] - 2 * end[1, 1] + end[2, 1]) / STEP**2
        second = (end[1, 0] - 2 * end[1, 1] + end[1, 2]) / STEP**2
        spectrum = np.array(strict(row["end_spectrum"]))
        steepest = spectrum[np.argsort(-np.abs(spectrum))][:2]
        assert (first, second) == pytest.approx(tuple(steepest), rel=1e-2, abs=1e-4)
        for where in ("start", "end"):
            spectrum = np.array(strict(row[f"{where}_spectrum"]))
            assert len(spectrum) == row["n_params"]
            floor = 1e-6 * np.abs(spectrum).max()
            assert row[f"{where}_negative_directions"] == np.sum(spectrum < -floor)
            assert row[f"{where}_flat_directions"] == np.sum(np.abs(spectrum) <= floor)
            assert row[f"{where}_smallest_curvature"] == pytest.approx(spectrum[0], abs=1e-8)
            assert row[f"{where}_largest_curvature"] == pytest.approx(spectrum[-1], abs=1e-8)
            assert row[f"{where}_hessian_trace"] == pytest.approx(spectrum.sum(), abs=1e-7)
            rising = spectrum[spectrum > floor]
            assert row[f"{where}_condition_number"] == pytest.approx(rising[-1] / rising[0], rel=1e-4)
    assert best(trained[0])["end_negative_directions"] == 0  # a minimum


def test_generic_circuits_leak_and_unitary_coupled_cluster_does_not(trained: list[list[dict[str, Any]]]) -> None:
    cluster, generic = trained
    for row in cluster:
        path = strict(row["leakage_along"])
        assert path["sector_weight"] == [1.0] * len(path["step"])
        assert (path["symmetry_price"], row["symmetry_price"]) == ([0.0] * len(path["step"]), 0.0)
        assert path["particle_number"] == pytest.approx([2.0] * len(path["step"]))
    for row in generic:
        path = strict(row["leakage_along"])
        assert path["sector_weight"][0] < 0.9
        assert len({len(values) for values in path.values()}) == 1
        assert (path["step"][0], path["step"][-1]) == (0, row["trace_step"][-1])
        assert path["evaluations"][-1] == row["trace_evaluations"][-1]
        ends = ("sector_weight", "symmetry_price", "particle_number", "sz", "s2")
        assert [path[name][-1] for name in ends] == pytest.approx([row[name] for name in ends], abs=1e-9)


def test_keys_are_stable_and_depend_on_every_argument(h2: qvar.Problem) -> None:
    keys = [task.key for task in small(h2).tasks()]
    assert keys == [task.key for task in small(h2).tasks()]
    assert len(set(keys)) == 2
    for changes in (
        {"seeds": 3},
        {"span": 1.0},
        {"points": 4},
        {"line_points": 8},
        {"seed": 1},
        {"engine": "dense"},
        {"budget": qvar.Budget(gradients=7)},
        {"method": qvar.adam()},
        {"contenders": [ansatz.with_start("zero") for ansatz in contenders(h2)]},
    ):
        assert not set(keys) & {task.key for task in small(h2, **changes).tasks()}, changes


def test_a_failure_is_recorded_and_stops_nothing_else(h2: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, words: str, **__: Any) -> Any:
        raise RuntimeError(words)

    one = small(h2, contenders=contenders(h2)[:1])
    monkeypatch.setattr(landscape_module, "hessian_summary", partial(broken, words="no curvature"))
    (rows,) = rows_of(one)
    assert [row["message"] for row in rows] == ["RuntimeError: no curvature"] * 2
    assert all(row["status"] == "converged" and row["sector_weight"] == 1.0 for row in rows)
    assert best(rows)["end_plane"]
    monkeypatch.setattr(landscape_module, "scan_between", partial(broken, words="no line"))
    (rows,) = rows_of(one)
    assert {row["message"] for row in rows} == {
        "RuntimeError: no curvature",
        "RuntimeError: no curvature; RuntimeError: no line",
    }

    monkeypatch.setattr(training_module, "energy", partial(broken, words="no energy"))
    (rows,) = rows_of(one)
    assert [(row["seed"], row["status"], row["message"]) for row in rows] == [
        (0, "failed", "RuntimeError: no energy"),
        (1, "failed", "RuntimeError: no energy"),
    ]


def test_starts_that_are_no_numbers_have_nothing_measured(h2: qvar.Problem) -> None:
    nowhere = replace(
        qvar.uccsd(h2), starts={"nowhere": lambda key: jnp.full(3, jnp.nan)}, start="nowhere", name="nowhere"
    )
    (rows,) = rows_of(small(h2, contenders=[nowhere]))
    assert [(row["status"], row["line_scan"]) for row in rows] == [("not_finite", None)] * 2
    assert all("sector_weight" not in row and "message" not in row for row in rows)
    assert "line_scan" in ledger_from(rows).columns


def rotation(theta: Any) -> None:
    qml.RY(theta[0], 0)


def test_one_parameter_has_a_line_and_no_planes() -> None:
    """-ZZ - h X has no sector to leave; XX + YY + ZZ conserves the ones, which RY does not."""
    for problem, leaks in ((qvar.tfim(2, h=0.5), False), (qvar.xxz(2), True)):
        ansatz = qvar.Ansatz.from_circuit(rotation, n_qubits=2, n_params=1, name="rotation")
        ((row,),) = rows_of(Landscape(problem, [ansatz], seeds=1, line_points=5, points=3))
        assert strict(row["line_scan"])
        assert len(strict(row["end_spectrum"])) == 1
        assert "start_plane" not in row
        assert "end_plane" not in row
        assert ("leakage_along" in row) is leaks
        if leaks:
            assert set(strict(row["leakage_along"])["s2"]) == {None}  # which spin models do not have


def test_a_circuit_without_parameters_has_no_landscape() -> None:
    constant = qvar.Ansatz.from_circuit(lambda theta: qml.Hadamard(0), n_qubits=2, n_params=0, name="constant")
    ((row,),) = rows_of(Landscape(qvar.tfim(2), [constant], seeds=1, line_points=3, points=3))
    assert row["value"] == pytest.approx(-1.0)  # <Z0 Z1> = 0, <X0> = 1, <X1> = 0
    assert not {"message", "end_spectrum", "end_smallest_curvature"} & set(row)


def test_an_objective_without_a_circuit_has_no_sector_to_leave(h2: qvar.Problem) -> None:
    valley = qvar.Objective(
        name="valley",
        family="generic",
        n_params=2,
        function=lambda theta, data: jnp.sum(jnp.array([1.0, 3.0]) * theta**2),
        draw=lambda key: jnp.array([0.5, -0.25]),
    )
    ((row,),) = rows_of(small(h2, contenders=[valley], seeds=1))
    assert strict(row["start_spectrum"]) == strict(row["end_spectrum"]) == pytest.approx([2.0, 6.0])
    assert row["end_condition_number"] == pytest.approx(3.0)
    line = strict(row["line_scan"])
    # the parabola whose vertex is the end
    height = 0.5**2 + 3 * 0.25**2
    assert line["value"] == pytest.approx([height * (1 - t) ** 2 for t in line["t"]], abs=1e-6)
    assert (row["line_minima"], "message" in row, "sector_weight" in row) == (1, False, False)


def test_large_circuits_are_measured_by_products(
    h2: qvar.Problem, trained: list[list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landscape_module, "MAX_DENSE", 2)
    (rows,) = rows_of(small(h2, contenders=contenders(h2)[:1]))
    for row, dense in zip(rows, trained[0], strict=True):
        for where in ("start", "end"):
            for name in ("smallest_curvature", "largest_curvature"):
                assert row[f"{where}_{name}"] == pytest.approx(dense[f"{where}_{name}"], abs=1e-8)
            assert row[f"{where}_hessian_trace"] == pytest.approx(dense[f"{where}_hessian_trace"], abs=0.5)
            assert f"{where}_negative_directions" not in row
    assert best(rows)["line_scan"] == best(trained[0])["line_scan"]
    assert "end_plane" not in best(rows)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"span": 0.0}, "`span` must be positive, but is 0.0."),
        ({"span": float("inf")}, "`span` must be"),
        ({"points": 2}, "`points` must be at least 3, but is 2."),
        ({"line_points": 0}, "`line_points` must be"),
        ({"seeds": 0}, "`seeds` must be"),
        ({"contenders": []}, "`contenders` must hold at least one"),
    ],
)
def test_mistakes_are_errors_before_anything_runs(h2: qvar.Problem, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        small(h2, **changes)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("n", [1, 2, 49, 50, 51, 200, 10_000])
def test_points_of_a_path_are_few_and_hold_both_ends(n: int) -> None:
    places = landscape_module._spread(n)
    assert (places[0], places[-1]) == (0, n - 1)
    assert min(n, 25) <= len(places) <= min(n, 50)
    assert (np.diff(places) > 0).all()
