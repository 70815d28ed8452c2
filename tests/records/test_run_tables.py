from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qvar.errors import QvarError
from qvar.records.json_files import jsonable
from qvar.records.run_tables import (
    ledger_from,
    look_at_shard,
    look_at_table,
    plain_rows,
    swept_tables,
    trace_from,
    write_ledger,
    write_shard,
    write_table,
)
from qvar.records.schema import LEDGER_COLUMNS, LEDGER_TYPES, TRACE_TYPES

ROW = {
    "contender": "ry x1",
    "n_params": np.int64(8),
    "value": np.float64(0.1) + 0.2,
    "reference": 0.25,
    "seed": 3,
    "note": "own",
    "shots": 100,
    "trace_step": np.arange(3),
    "trace_value": np.array([1.0, 0.5, 0.1 + 0.2]),
    "trace_gradient_norm": [1.0, float("nan"), 0.1],
    "trace_evaluations": [1, 3, 5],
}


def test_columns_have_the_documented_order() -> None:
    assert LEDGER_COLUMNS == (
        "problem", "contender", "family", "engine", "space", "n_qubits", "n_params", "two_qubit_gates", "depth",
        "cnot_depth", "t_gates", "cost_model", "seed", "method", "status", "value", "reference", "error", "unit",
        "correlation_recovered", "particle_number", "sz",
        "s2", "initial_gradient_norm", "lowest_curvature", "iterations", "energy_evaluations", "gradient_evaluations",
        "evaluations_to_tolerance", "wall_s", "compile_s",
    )  # fmt: skip


def test_tables_of_a_sweep_are_those_of_its_points_one_below_the_other() -> None:
    (one,) = plain_rows([ROW])
    other = {**one, "contender": "b", "seed": 7, "trace_step": [0], "trace_value": [-1.0],
             "trace_gradient_norm": [None], "trace_evaluations": [1.0]}  # fmt: skip
    points = [({"n": 1, "on": True, "who": ["a", "b"]}, [one, other]), ({"n": 2, "on": None, "who": ["a"]}, []),
              ({"n": 3, "on": False, "who": ["c"]}, [other])]  # fmt: skip
    ledger, trace = swept_tables(points)
    for made, single in ((ledger, ledger_from), (trace, trace_from)):
        assert [str(kind) for kind in made.dtypes[-3:]] == ["Int64", "boolean", "string"]
        pd.testing.assert_frame_equal(
            made[made.columns[:-3]], pd.concat([single([one, other]), single([other])], ignore_index=True)
        )
    assert ledger["sweep_who"].tolist() == ["a b", "a b", "c"]
    assert trace["sweep_n"].tolist() == [1] * (3 + 1) + [3]
    assert swept_tables([])[1].empty


@pytest.mark.parametrize("rows", [[], [{"contender": "a"}], [ROW]])
def test_types_do_not_depend_on_what_is_missing(rows: list, tmp_path: Path) -> None:
    write_shard(tmp_path / "a.parquet", rows)
    back = look_at_shard(tmp_path / "a.parquet").rows
    assert back is not None
    table, trace = ledger_from(back), trace_from(back)
    assert {column: str(table[column].dtype) for column in LEDGER_COLUMNS} == LEDGER_TYPES
    assert {column: str(trace[column].dtype) for column in trace} == TRACE_TYPES
    write_ledger(table, tmp_path)
    pd.testing.assert_frame_equal(look_at_table(tmp_path / "ledger.parquet")[0], table)
    write_table(trace, tmp_path / "trace.parquet")
    pd.testing.assert_frame_equal(look_at_table(tmp_path / "trace.parquet")[0], trace)


def test_own_columns_follow_in_order_of_appearance() -> None:
    table = ledger_from([{"zeta": 1, "value": 1.0}, {"alpha": True, "message": None, "zeta": None}])
    assert list(table.columns) == [*LEDGER_COLUMNS, "zeta", "alpha", "message"]
    assert [str(table[c].dtype) for c in ("zeta", "alpha", "message")] == ["Int64", "boolean", "string"]


def test_csv_keeps_every_bit_of_an_energy(tmp_path: Path) -> None:
    values = [0.1 + 0.2, -2.1663874486347587, 1e-300, math.pi * 1e17, -0.0]
    write_ledger(ledger_from([{"value": value} for value in values]), tmp_path)
    with (tmp_path / "ledger.csv").open() as file:
        back = [float(row["value"]) for row in csv.DictReader(file)]
    assert [value.hex() for value in back] == [value.hex() for value in values]


def test_trace_has_a_row_per_step(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.parquet", [ROW, {"contender": "no trace"}])
    trace = trace_from(look_at_shard(tmp_path / "a.parquet").rows or [])
    assert trace["step"].tolist() == [0, 1, 2]
    assert trace["error"].tolist() == [0.75, 0.25, 0.1 + 0.2 - 0.25]
    assert trace["evaluations"].tolist() == [1, 3, 5]
    assert trace["seed"].tolist() == [3, 3, 3]
    assert math.isnan(trace["gradient_norm"][1])


@pytest.mark.parametrize("keep", [0, 4, 0.5, -1])
def test_a_shard_that_was_cut_short_counts_as_missing(keep: float, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_shard(path, [ROW])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))] if isinstance(keep, float) else whole[:keep])
    assert look_at_shard(path).rows is None


def test_a_shard_with_a_flipped_bit_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_shard(path, [{"contender": "a name long enough to be found"}])
    whole = path.read_bytes()
    assert b"long enough" in whole
    path.write_bytes(whole.replace(b"long enough", b"lung enough"))
    assert look_at_shard(path).rows is None


def test_a_missing_or_foreign_shard_counts_as_missing(tmp_path: Path) -> None:
    assert look_at_shard(tmp_path / "none.parquet").rows is None
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "foreign.parquet")
    assert look_at_shard(tmp_path / "foreign.parquet").rows is None


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (None, "`Task.run` must return a list of rows (dicts), but returned NoneType."),
        ([1], "`Task.run` must return a list of rows (dicts), but returned list."),
        ([{"trace_value": [1.0], "trace_step": [0, 1]}], "`trace_*` lists must all have one length, but have "),
        ([{"trace_value": 1.0}], "`trace_value` must be a list with one entry per step."),
        ([{"value": "low"}], "`value` must hold values of type float64, but holds 'low'."),
        ([{"n_params": 1.5}], "`n_params` must hold values of type Int64, but holds 1.5."),
    ],
)
def test_rows_that_break_the_promise_are_refused(rows: object, sentence: str) -> None:
    with pytest.raises(QvarError) as caught:
        plain_rows(rows)
    assert str(caught.value).startswith(sentence)


def test_jsonable_turns_what_json_lacks_into_text() -> None:
    given = {"a": (1, 2), "b": Path("x"), "c": math.inf, "d": np.float64(0.5), "e": {3, 1}, "f": None, "g": True}
    assert jsonable(given) == {"a": [1, 2], "b": "x", "c": "inf", "d": 0.5, "e": [1, 3], "f": None, "g": True}
