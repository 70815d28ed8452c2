"""Tables and page of a case swept over its arguments, from made-up ledgers whose medians are known."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from campaign_ledgers import FAMILIES, LAYERS, MOLECULES, PARAMS, SWEEP, error_of, failed, grid, rows_at

from qvar.analysis.campaigns import arguments, best_at, campaign_standings, campaign_table, points
from qvar.analysis.rows import without_sweep
from qvar.records.parameters import parameters_from
from qvar.records.run_folder import load
from qvar.records.run_tables import ledger_from, trace_from, write_ledger, write_table
from qvar.report.duel import DUEL
from qvar.report.page import write_report
from qvar.report.plots import campaign
from qvar.report.reports import report_of, rows_text, summary_text
from qvar.task import RECORD_FORMAT


def folder_of(path: Path, rows: list[dict[str, Any]], **case: Any) -> Path:
    (path / "tasks").mkdir(parents=True)
    write_ledger(ledger_from(rows), path)
    write_table(trace_from(rows), path / "trace.parquet")
    write_table(parameters_from(rows), path / "parameters.parquet")
    record = {"format": RECORD_FORMAT, "study": "duel", "arguments": {"seeds": 3}, "tasks": [], **case}
    (path / "case.json").write_text(json.dumps(record))
    return path


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


# ---------------------------------------------------------------------------------------------------------------------
# Numbers


def test_a_ledger_is_known_by_its_columns() -> None:
    ledger = ledger_from(SWEEP)
    assert report_of(ledger).noun == "rows"
    assert report_of(without_sweep(ledger)) is DUEL


def test_arguments_and_points_in_their_order() -> None:
    ledger = ledger_from(SWEEP[::-1])  # as if collected in another order
    molecule, layers = arguments(ledger)
    assert (molecule.name, molecule.numeric, molecule.values) == ("molecule", False, ("lih", "h4"))
    assert (layers.name, layers.numeric, layers.values) == ("layers", True, (1, 2, 3))
    assert [at[layers] for at, _ in points(ledger)] == [1, 2, 3, 1, 2, 3]
    odd = ledger_from([row for flag in (True, False) for row in rows_at({"flag": flag, "bond": None, "one": 7})])
    assert [(a.name, a.numeric, a.values) for a in arguments(odd)] == [
        ("flag", False, (True, False)),
        ("bond", False, (None,)),
        ("one", False, (7,)),
    ]


def test_medians_and_best_at() -> None:
    table = campaign_table(ledger_from(SWEEP))
    assert len(table) == 6 * 3
    for row in table.itertuples(index=False):
        assert row.median == pytest.approx(error_of(row.label, row.sweep_molecule, row.sweep_layers))
        assert (row.low, row.high) == pytest.approx((0.5 * row.median, 4 * row.median))
        assert (row.seeds, row.finite, row.converged, row.failed, row.unit) == (3, 3, 2, 0, "mHa")
    won = {name: [row.label for row in best] for name, best, _ in best_at(table)}
    assert won["molecule=h4, layers=3"] == ["cluster"]
    assert won["molecule=lih, layers=3"] == ["ladder"]
    first = campaign_standings(table)
    assert list(first["label"]) == ["cluster", "ladder", "fabric"]
    assert list(first["won"]) == [4, 2, 0]
    # cluster reaches 5, ladder 0.25 and fabric 7.5 mHa
    assert list(first["within"]) == [0, 1, 0]
    assert list(first["worst"]) == [20, 100, 30]
    assert list(first["worst_at"]) == ["molecule=h4, layers=1"] * 3


def test_equal_errors_go_to_the_fewer_parameters() -> None:
    below = [row for layers in (1, 2) for row in rows_at({"layers": layers}, lambda name: 1e-9 * PARAMS[name])]
    ((_, best, _), *_) = best_at(campaign_table(ledger_from(below)))
    assert [row.label for row in best] == ["cluster"]
    same = [row for layers in (1, 2) for row in rows_at({"layers": layers}, lambda _: 3.0, n_params=5)]
    ((_, best, n_numbered), *_) = best_at(campaign_table(ledger_from(same)))
    assert (len(best), n_numbered) == (3, 3)


def test_names_with_a_swept_depth_are_one_contender() -> None:
    deeper = [row for n in (1, 2) for row in rows_at({"layers": n}, name=f"{{}} x{n}")]
    assert set(campaign_table(ledger_from(deeper))["label"]) == set(FAMILIES)
    both = [row for n in (1, 2) for depth in (1, 2) for row in rows_at({"bond": n}, name=f"{{}} x{depth}")]
    assert set(campaign_table(ledger_from(both))["label"]) == {
        f"{name} x{depth}" for name in FAMILIES for depth in (1, 2)
    }


def test_names_say_what_differs_within_a_point_alone() -> None:
    swept = [row for method in ("lbfgs", "adam") for row in rows_at({"method": method}, method=method)]
    assert set(campaign_table(ledger_from(swept))["label"]) == set(FAMILIES)
    within = [row for n in (1, 2) for method in ("lbfgs", "adam") for row in rows_at({"n": n}, method=method)]
    assert {"ladder, lbfgs", "ladder, adam"} <= set(campaign_table(ledger_from(within))["label"])
    settings = [row for n in (1, 2) for basis in ("small", "large") for row in rows_at({"n": n}, setting=basis)]
    assert {"ladder, small", "ladder, large"} <= set(campaign_table(ledger_from(settings))["label"])


def test_along_a_curve_the_greatest_error_of_each_seed_counts() -> None:
    place: dict[str, Any] = {"coordinate_name": "bond", "coordinate_unit": "angstrom"}
    rows = [
        row
        for layers in (1, 2)
        for bond in (1.0, 2.0)
        for row in rows_at({"layers": layers}, lambda _, bond=bond: 10 * bond, coordinate=bond, **place)
    ]
    table = campaign_table(ledger_from(rows))
    assert table["median"].to_list() == pytest.approx([20.0] * 6)
    assert table["finite"].to_list() == [3] * 6
    assert "a problem" not in " ".join(table["label"])


def test_over_sizes_the_greatest_variance_at_the_largest_size_is_best() -> None:
    rows = []
    for layers, size in itertools.product((1, 2), (4, 6)):
        for row in rows_at({"layers": layers}, reference=False, problem=f"chain of {size}")[::3]:
            variance = PARAMS[row["contender"]] * 2.0**-size
            more = {"size": size, "size_name": "qubits", "start": "uniform", "gradient_variance": variance}
            rows.append({**row, **more, "start_noise": 0.0, "samples": 50, "status": "measured"})
    ledger = ledger_from(rows)
    table = campaign_table(ledger)
    assert dict(zip(table["label"], table["median"], strict=True)) == {n: PARAMS[n] / 64 for n in FAMILIES}
    assert [row.label for row in best_at(table)[0][1]] == ["ladder"]
    assert "ladder has the largest variance of the gradient at 2 of 2 points" in flat(summary_text(ledger))
    assert "loss variance" in rows_text(ledger)  # as in a report of that study
    drawings, missing = campaign.campaign_drawings(ledger)
    assert [drawing.title for drawing in drawings] == ["Variance of the gradient against layers"]
    assert missing == []


# ---------------------------------------------------------------------------------------------------------------------
# A terminal


def test_who_won_where_fits_80_columns() -> None:
    text = summary_text(ledger_from(SWEEP))
    rows = rows_text(ledger_from(SWEEP))
    assert max(map(len, f"{text}\n{rows}".splitlines())) <= 80
    assert "cluster has the lowest median error at 4 of 6 points." in flat(text)
    assert "a constrained one at 4, a generic one at 2" in flat(text)
    assert "within chemical accuracy (1.6 mHa) at 1 of 6 points" in flat(text)
    assert re.search(r"cluster +constrained +6 +4/6 +0/6 +20\.00 +12/18\n", text)
    assert re.search(r"molecule=lih\nlayers = +1 +2 +3\n", text)
    assert re.search(r"ladder +100\.0 +\*5\.000 +\*0\.250\n", text)
    assert "Of 54 rows ended: 18 out of budget." in text
    assert rows.count("molecule=lih, layers=2") == 1


def test_a_study_that_cannot_converge_has_no_column_of_it() -> None:
    trained = [row | {"status": "trained"} for row in SWEEP]
    table = campaign_table(ledger_from(trained))
    assert table["converged"].isna().all()
    assert campaign_standings(table)["converged"].isna().all()
    assert "converged" not in summary_text(ledger_from(trained))
    assert "12/18" in summary_text(ledger_from(SWEEP))


def test_many_values_make_several_tables() -> None:
    bonds = [0.5 + 0.25 * k for k in range(12)]
    text = summary_text(ledger_from([row for bond in bonds for row in rows_at({"bond": bond})]))
    assert max(map(len, text.splitlines())) <= 80
    heads = [line.split()[2:] for line in text.splitlines() if line.startswith("bond =")]
    assert [float(word) for head in heads for word in head] == bonds
    assert len(heads[0]) == len(heads[1])


def test_a_line_per_point_where_there_are_many() -> None:
    sweep = grid(molecule=["h2", "h4", "lih", "beh2", "h2o"], bond=[0.5, 1.0, 1.5, 2.0, 2.5], layers=[1, 2, 3, 4, 5])
    text = summary_text(ledger_from([row for at in sweep for row in rows_at(at)]))
    assert max(map(len, text.splitlines())) <= 80
    lines = [line for line in text.splitlines() if line.startswith("molecule=")]
    assert len(lines) == 125
    assert re.fullmatch(r"molecule=beh2, bond=1\.5, layers=4 +cluster +6 +3\.000 +2/3", lines[3 * 25 + 2 * 5 + 3])


def test_failures_are_counted_and_reported_once() -> None:
    lost = failed(rows_at({"molecule": "h2o", "layers": 1}), "MemoryError: a state of 8 GiB")
    text = summary_text(ledger_from([*SWEEP, *lost]))
    assert "18 out of budget, 9 failed" in text
    assert "ladder at molecule=h2o, layers=1 (and 8 more rows): MemoryError: a state of 8 GiB" in flat(text)
    assert re.search(r"molecule=h2o\nlayers = +1\n.+\ncluster +failed", text)
    many = [row for n in range(9) for row in failed(rows_at({"layers": n})[:1], f"E{n}")]
    text = summary_text(ledger_from(many))
    assert "4 other messages are in the ledger." in text
    assert "Numbers are" not in text


def test_values_where_no_reference_is_known() -> None:
    rows = [row for layers in LAYERS for row in rows_at({"layers": layers}, reference=False)]
    text = summary_text(ledger_from(rows))
    assert "cluster has the lowest median value at 3 of 3 points" in flat(text)
    assert "*-1.997000" in text
    assert "1.6 mHa" not in text
    mixed = [*rows_at({"model": "h4"}), *rows_at({"model": "spins"}, unit="J")]
    assert campaign_table(ledger_from(mixed))["unit"].to_list() == ["mHa"] * 3 + ["J"] * 3
    assert "worst" not in summary_text(ledger_from(mixed))


# ---------------------------------------------------------------------------------------------------------------------
# A page


def test_the_page(tmp_path: Path) -> None:
    named = [{"name": "molecule=h4,layers=1", "arguments": {}, "tasks": []}] * 6
    path = folder_of(tmp_path / "run", SWEEP, sweep={"molecule": MOLECULES, "layers": LAYERS}, points=named)
    page = write_report(load(path)).read_text()
    for words in (
        "molecule: h4, lih; layers: 1, 2, 3",
        f"qvar report {path}/points/molecule=h4,layers=1 makes the page",
        "All were trained with the same method",
        "<b>0.250</b>",
        "cluster has the lowest median error at 4 of 6 points.",
        "<h2>Every point</h2>",
        "<h2>Error against layers</h2>",
        "<h2>Error against number of parameters</h2>",
        ">molecule=h4, layers=1</td>",
        "cluster (6, layers 3)",
    ):
        assert words in page, words
    assert {file.stem for file in (path / "plots").iterdir()} == {"campaign_1", "campaign_parameters"}


def test_a_page_does_not_take_one_point_for_all(tmp_path: Path) -> None:
    rows = [row for seeds in (1, 3) for row in rows_at({"seeds": seeds}) if row["seed"] < seeds]
    page = write_report(load(folder_of(tmp_path / "run", rows, sweep={"seeds": [1, 3]}, arguments={}))).read_text()
    assert "<dt>Starts (seeds)</dt><dd>1 to 3 per contender</dd>" in page
    equal = write_report(load(folder_of(tmp_path / "equal", SWEEP, sweep={}, arguments={}))).read_text()
    assert "<dt>Starts (seeds)</dt><dd>3 per contender</dd>" in equal


def test_an_unfinished_campaign(tmp_path: Path) -> None:
    named = [{"name": f"layers={n}", "tasks": [f"a{n}", f"b{n}"]} for n in LAYERS]
    tasks = [{"key": key, "label": key} for point in named for key in point["tasks"]]
    path = folder_of(tmp_path / "run", [], sweep={"layers": LAYERS}, points=named, tasks=tasks)
    run = load(path)
    for key in ("a1", "b1", "a2"):
        (path / "tasks" / f"{key}.parquet").touch()
    rows = [row for n in (1, 2) for row in rows_at({"layers": n})]
    run = type(run)(**{**vars(run), "ledger": ledger_from(rows), "trace": trace_from(rows), "n_done": 3})
    page = write_report(run).read_text()
    assert "3, of which 1 are complete" in page
    assert "layers: 1, 2, 3" in page
    nothing = ledger_from(rows).iloc[:0]
    assert write_report(type(run)(**{**vars(run), "ledger": nothing, "trace": trace_from([])})).exists()
    assert summary_text(nothing) is not None
    assert rows_text(nothing) is not None


def test_one_point_is_reported_as_its_study(tmp_path: Path) -> None:
    rows = rows_at({"molecule": "h4", "layers": 3})
    text = summary_text(ledger_from(rows))
    first, _, rest = text.partition("\n")
    assert first == "molecule=h4, layers=3"
    assert rest == summary_text(without_sweep(ledger_from(rows)))
    folder_of(tmp_path / "run", rows)
    page = write_report(load(tmp_path / "run")).read_text()
    assert "The lowest median error is that of <b>cluster</b>" in page
    assert (tmp_path / "run" / "plots" / "error_vs_cost.png").exists()


def test_what_comes_from_a_run_is_escaped(tmp_path: Path) -> None:
    rows = [row for kind in ("<i>a</i>", "b") for row in rows_at({"kind": kind}, name="<u>{}</u>")]
    rows += failed(rows_at({"kind": "[bold]"})[:1], "<s>E</s>")
    page = write_report(load(folder_of(tmp_path / "run", rows, sweep={"<i>k</i>": ["<i>a</i>"]}))).read_text()
    assert not re.search(r"<[ius]>", page)
    assert "[bold]" in summary_text(ledger_from(rows))
