"""Several tasks at a time, in processes of their own."""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import qvar
from qvar import cli
from qvar.runs.runner import run
from qvar.task import Reporter, Row, Task

CASE = '''
"""Numbers and their squares."""
import os
from dataclasses import dataclass
from functools import partial

from qvar.task import Task


def square(number, report):
    if number == 3:
        raise ValueError("three is not squared")
    return [{"contender": f"{number}", "status": "measured", "value": float(number**2), "message": str(os.getpid())}]


@dataclass(frozen=True)
class Squares:
    most: int
    name: str = "squares"

    def tasks(self):
        return [Task(f"square-{n}", f"{n}", partial(square, n)) for n in range(self.most)]


def case(most: int = 5):
    """Squares numbers.

    Args:
        most: how many.
    """
    return Squares(most)
'''


def test_the_ledger_is_that_of_one_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "squares.py"
    case.write_text(CASE)
    assert cli.main(["run", str(case), "--out", str(tmp_path / "two"), "--workers", "2"]) == 0
    said = capsys.readouterr().err
    assert all(f"{n + 1}/5 {n}: " in said for n in range(5))
    assert cli.main(["run", str(case), "--out", str(tmp_path / "one")]) == 0
    two: Any = pd.read_csv(tmp_path / "two" / "ledger.csv")
    one: Any = pd.read_csv(tmp_path / "one" / "ledger.csv")
    assert list(two["value"].dropna()) == [0.0, 1.0, 4.0, 16.0]
    pd.testing.assert_frame_equal(two.drop(columns="message"), one.drop(columns="message"))
    assert two["message"][3] == one["message"][3] == "ValueError: three is not squared"
    assert str(os.getpid()) not in set(two["message"])
    assert str(os.getpid()) in set(one["message"])


def test_what_is_done_is_not_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, out = tmp_path / "squares.py", tmp_path / "run"
    case.write_text(CASE)
    assert cli.main(["run", str(case), "--out", str(out), "--no-progress"]) == 0
    for name in ("square-1", "square-4"):
        (out / "tasks" / f"{name}.parquet").unlink()
    assert cli.main(["run", str(case), "--out", str(out), "--resume", "--workers", "2"]) == 0
    assert "3 of 5 tasks are there already." in capsys.readouterr().err
    table: Any = pd.read_csv(out / "ledger.csv")
    messages = table["message"]
    here = str(os.getpid())
    assert [message == here for message in messages] == [True, False, True, False, False]
    assert json.loads((out / "case.json").read_text())["arguments"] == {"most": 5}


class _Deadly:
    name = "deadly"

    def tasks(self) -> list[Task]:
        return [Task(f"end-{n}", f"{n}", partial(_end, n)) for n in range(2)]


def _end(number: int, report: Reporter) -> list[Row]:
    os._exit(9)


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    with pytest.raises(qvar.QvarError, match=r"^`workers` must be few enough .* --resume finishes what is left"):
        run(_Deadly(), tmp_path / "run", progress=False, workers=2, remake=_Deadly)


def test_mistakes_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "squares.py"
    case.write_text(CASE)
    for wrong, words in (("0", "be at least 1, but is 0"), ("many", "be an int, but is 'many'")):
        assert cli.main(["run", str(case), "--out", str(tmp_path / "run"), "--workers", wrong]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    with pytest.raises(qvar.QvarError, match=r"^`remake` must be a function"):
        run(_Deadly(), tmp_path / "run", workers=2)
