"""Results that are kept although the code that computes them has changed: a sentence says so."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from qvar.cli.main import main
from qvar.records import code_versions
from qvar.records.code_versions import other_code
from qvar.runs.case_flags import load_case
from qvar.runs.runner import run

CASE = """
import helper
from qvar.task import Task, task_key


class Study:
    name = "numbers"

    def tasks(self):
        return [
            Task(task_key({"label": label}), label, lambda report, label=label: [self.row(label)]) for label in "abc"
        ]

    def row(self, label):
        import late_helper

        return {"contender": label, "seed": 0, "status": "measured", "value": helper.VALUE}


def case():
    exec(getattr(helper, "BEGIN", ""))
    return Study()
"""


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_pages: None) -> Path:
    """A case whose number is in a file beside it, which is not part of a task's key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    Path("late_helper.py").write_text("", encoding="utf-8")
    write("helper.py", "VALUE = 1.0")
    write("my_case.py", CASE)
    return Path("my_case.py")


def write(file: str, text: str) -> None:
    """Write a module, which the next run imports as a new process would."""
    Path(file).write_text(text, encoding="utf-8")
    for name in ("helper", "late_helper"):
        sys.modules.pop(name, None)


def resume(capsys: pytest.CaptureFixture[str]) -> str:
    """What a resumed run says on standard error."""
    assert main(["run", "my_case.py", "--out", "r", "--no-progress", "--resume"]) == 0
    return capsys.readouterr().err


def values() -> list[float]:
    return pd.read_parquet("r/ledger.parquet")["value"].tolist()


def remark(count: str, words: str) -> str:
    remedy = f"if that changes their numbers, remove the files in {Path('r/tasks')} and resume again"
    return f"qvar: {count} kept that other code computed ({words}); {remedy}.\n"


def test_a_changed_file_is_named_when_older_results_are_kept(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resume(capsys) == ""
    assert resume(capsys) == ""  # nothing has changed
    write("helper.py", "VALUE = 2.00")
    (keys := sorted(Path("r/tasks").iterdir()))[0].unlink()
    assert resume(capsys) == remark("2 finished tasks are", "helper.py")
    assert sorted(values()) == [1.0, 1.0, 2.0]
    write("my_case.py", CASE + "\n# a remark\n")
    assert resume(capsys) == remark("3 finished tasks are", "helper.py, my_case.py")
    sittings = json.loads(Path("r/case.json").read_text(encoding="utf-8"))["resumed"]
    assert [sitting.get("other_code") for sitting in sittings] == [None, "helper.py", "helper.py, my_case.py"]
    for key in keys:  # as the sentence says
        key.unlink()
    assert resume(capsys) == ""
    assert values() == [2.0, 2.0, 2.0]
    assert resume(capsys) == ""


def test_a_file_that_is_edited_while_the_case_is_made_counts_as_it_was_loaded(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = "import pathlib; pathlib.Path('helper.py').write_text('VALUE = 2.00')"
    write("helper.py", f'VALUE = 1.0\nBEGIN = "{begin}"')
    resume(capsys)
    assert values() == [1.0, 1.0, 1.0]
    sys.modules.pop("helper")
    assert resume(capsys) == remark("3 finished tasks are", "helper.py")


def test_a_run_that_kept_nothing_says_nothing(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resume(capsys)
    write("helper.py", "VALUE = 2.00")
    for key in Path("r/tasks").iterdir():
        key.unlink()
    assert resume(capsys) == ""
    assert values() == [2.0, 2.0, 2.0]


def test_other_versions_are_named(
    case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resume(capsys)
    now = code_versions.code_versions()
    with monkeypatch.context() as patched:
        patched.setattr(code_versions, "_packages", lambda: {**now, "jax": "9.1", "qvar": "0.1.0 sha256:00"})
        assert resume(capsys) == remark("3 finished tasks are", f"qvar, jax {now['jax']} and 9.1")
        min(Path("r/tasks").iterdir()).unlink()
        resume(capsys)
    assert resume(capsys) == remark("1 finished task is", f"qvar, jax 9.1 and {now['jax']}")


@pytest.mark.parametrize("from_python", [False, True])
def test_a_file_that_is_edited_during_the_run_counts_as_it_was_loaded(
    case: Path, capsys: pytest.CaptureFixture[str], from_python: bool
) -> None:
    write("late_helper.py", "import pathlib; pathlib.Path('helper.py').write_text('VALUE = 2.00')")
    if from_python:
        run(load_case(case)(), "r", progress=False)
    else:
        resume(capsys)
    assert values() == [1.0, 1.0, 1.0]
    write("late_helper.py", "")
    assert resume(capsys) == remark("3 finished tasks are", "helper.py")


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ([], ""),
        ([{}, {}], ""),
        ([{}, {"qvar": "1"}], "qvar"),
        ([{"qvar": "1 sha256:a"}, {"qvar": "1 sha256:b"}], "qvar"),
        ([{"qvar": "1 sha256:a"}, {"qvar": "2 sha256:b"}, {"qvar": "1 sha256:a"}], "qvar 1 and 2"),
        ([{"qvar": "1", "a.py": "sha256:a"}, {"qvar": "1"}, {"qvar": "1", "a.py": "sha256:b"}], "a.py"),
        ([{"qvar": "1", "jax": "2"}, {"qvar": "1"}], ""),
    ],
)
def test_what_differs_is_named(codes: list[dict[str, str]], words: str) -> None:
    assert other_code(codes) == words
