"""Trained parameters in shards and in their own table, and runs of an older record format."""

from pathlib import Path

import numpy as np
import pytest

from qvar.errors import QvarError
from qvar.records.parameters import parameters_from
from qvar.records.run_folder import load
from qvar.records.run_tables import look_at_shard, look_at_table, plain_rows, write_shard, write_table
from qvar.runs.runner import run
from qvar.task import Task, task_key

MODULES = ("qvar.task", "qvar.records.case_file", "qvar.records.sealed_tables", "qvar.runs.runner")


def test_parameters_survive_shard_and_table(tmp_path: Path) -> None:
    rows = [
        {"contender": "a", "seed": 0, "theta": np.array([0.1, 1 / 3]), "trace_value": [1.0]},
        {"contender": "a", "seed": 1, "theta": np.zeros(0)},
        {"contender": "b", "status": "failed"},
    ]
    write_shard(tmp_path / "aa.parquet", rows)
    back = look_at_shard(tmp_path / "aa.parquet").rows or []
    assert [row["theta"] for row in back] == [[0.1, 1 / 3], [], None]
    write_table(parameters_from(back), tmp_path / "parameters.parquet", "r")
    table, damage = look_at_table(tmp_path / "parameters.parquet", "r")
    assert table is not None, damage
    assert table["contender"].tolist() == ["a", "a", "b"]
    assert [None if theta is None else list(theta) for theta in table["theta"]] == [[0.1, 1 / 3], [], None]


@pytest.mark.parametrize("theta", [0.1, "a", ["a"]])
def test_parameters_are_lists_of_numbers(theta: object) -> None:
    with pytest.raises(QvarError, match="`theta` must "):
        plain_rows([{"contender": "a", "theta": theta}])


class Counted:
    """A study that counts how often its task runs."""

    name = "counted"

    def __init__(self) -> None:
        self.runs = 0

    def tasks(self) -> list[Task]:
        return [Task(task_key({"task": "a"}), "a", self.work)]

    def work(self, report: object) -> list[dict[str, object]]:
        self.runs += 1
        return [{"contender": "a", "value": 1.0, "theta": [0.5]}]


@pytest.mark.usefixtures("without_pages")
def test_a_task_of_an_older_record_format_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Counted()
    with monkeypatch.context() as older:
        for module in MODULES:
            older.setattr(f"{module}.RECORD_FORMAT", 2)
        run(study, tmp_path / "r", progress=False)
        old = study.tasks()[0].key
    assert study.tasks()[0].key != old
    run(study, tmp_path / "r", resume=True, progress=False)
    assert study.runs == 2
    run(study, tmp_path / "r", resume=True, progress=False)
    assert study.runs == 2
    assert load(tmp_path / "r").parameters["theta"].tolist()[0].tolist() == [0.5]
