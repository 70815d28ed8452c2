from __future__ import annotations

import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import qvar
from qvar.errors import QvarError
from qvar.records.run_folder import load
from qvar.records.schema import TIME_COLUMNS
from qvar.runs.runner import run
from qvar.task import Task

CONTENDERS = ("ry x1", "broken", "uccsd")


class Tasks:
    """A Runnable made of the tasks it is given."""

    name = "tasks"

    def __init__(self, *tasks: Task) -> None:
        self._tasks = list(tasks)

    def tasks(self) -> list[Task]:
        return self._tasks


def timeless(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=list(TIME_COLUMNS), errors="ignore")


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_run_leaves_the_promised_folder(fake: ModuleType, tmp_path: Path) -> None:
    study = fake.Fake(CONTENDERS)
    out = tmp_path / "deep" / "run"
    table = qvar.run(study, out, progress=False, arguments={"bond": 1.0, "layers": (1, 2)}, case="cases/fake.py")
    shards = {f"tasks/{task.key}.parquet" for task in study.tasks()}
    fixed = {"case.json", "ledger.parquet", "ledger.csv", "trace.parquet", "parameters.parquet", "report.html"}
    assert names(out) == shards | fixed | {"plots/error_vs_step.png", "plots/error_vs_cost.png"}
    assert table["contender"].tolist() == ["ry x1"] * 4 + ["broken"] + ["uccsd"] * 4
    assert table["seed"].tolist() == [0, 1, 2, 3, pd.NA, 0, 1, 2, 3]
    pd.testing.assert_frame_equal(pd.read_parquet(out / "ledger.parquet"), table)
    case = json.loads((out / "case.json").read_text())
    assert case["arguments"] == {"bond": 1.0, "layers": [1, 2]}
    assert (case["case"], case["study"]) == ("cases/fake.py", "fake duel")
    assert case["tasks"] == [{"key": task.key, "label": task.label} for task in study.tasks()]
    assert set(case["versions"]) == {"python", "qvar", "jax", "jaxlib", "pennylane", "pyscf", "numpy", "optax"}
    assert case["devices"]
    assert case["precision"] == 64


@pytest.mark.usefixtures("without_pages")
def test_a_task_that_raises_is_a_row_and_not_a_crash(fake: ModuleType, tmp_path: Path) -> None:
    def refuse(report: object) -> list:
        raise QvarError("`layers` must be positive, but is 0.")

    def wrong(report: object) -> list:
        return [{"value": "low"}]

    def silent(report: object) -> list:
        raise FileNotFoundError

    tasks = [Task(f"a{i}", f"t{i}", f) for i, f in enumerate((refuse, wrong, silent))]
    table = run(Tasks(*tasks, *fake.Fake(CONTENDERS).tasks()), tmp_path / "run", progress=False)
    failed = table[table["status"] == "failed"]
    assert failed["contender"].tolist() == ["t0", "t1", "t2", "broken"]
    assert failed["message"].tolist() == [
        "QvarError: `layers` must be positive, but is 0.",
        "QvarError: `value` must hold values of type float64, but holds 'low'.",
        "FileNotFoundError",
        "RuntimeError: the matrix is singular",
    ]
    assert len(table) == 4 + 8


def test_tasks_that_give_no_rows_are_done(tmp_path: Path) -> None:
    table = run(Tasks(Task("aa", "nothing", lambda _: [])), tmp_path / "run", progress=False)
    assert table.empty
    assert (tmp_path / "run" / "report.html").exists()


def test_out_must_be_new(fake: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").touch()
    with pytest.raises(QvarError) as caught:
        run(fake.Fake(CONTENDERS), tmp_path / "run", progress=False)
    assert str(caught.value) == (
        f"`out` must be a new folder, but {tmp_path / 'run'} exists already; say resume=True to finish what it lacks."
    )
    assert names(tmp_path) == {"run/file"}


def test_an_empty_folder_is_taken(fake: ModuleType, tmp_path: Path, without_pages: None) -> None:
    (tmp_path / "run").mkdir()
    assert len(run(fake.Fake(CONTENDERS[:1]), tmp_path / "run", progress=False)) > 0


@pytest.mark.parametrize("resume", [False, True])
def test_places_that_cannot_be_written_are_refused_and_left_alone(
    resume: bool, fake: ModuleType, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to("nothing")
    for out, words in (
        (file, "is a file."),
        (file / "run", "is a file."),
        (link, "link is a link to nothing, which is missing."),
        (link / "run", "link is a link to nothing, which is missing."),
        (Path("/proc/qvar/run"), "cannot"),
        (tmp_path / "new" / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(QvarError, match="`out` must be a") as caught:
            run(fake.Fake(CONTENDERS), out, resume=resume, progress=False)
        assert words in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}
    assert file.read_text() == "mine"


def test_a_study_that_cannot_make_its_tasks_leaves_no_folder(tmp_path: Path) -> None:
    class Wrong:
        name = "wrong"

        def tasks(self) -> list[Task]:
            raise QvarError("`seeds` must be at least 1, but is 0.")

    with pytest.raises(QvarError, match="`seeds`"):
        run(Wrong(), tmp_path / "deep" / "run", progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("study", "sentence"),
    [
        (3, "`study` must be a Runnable, such as qvar.Duel(...), but is int."),
        (Tasks(), "`study` must have at least one task, but has none."),
        (Tasks(Task("../x", "a", lambda _: [])), "`Task.key` must be made of letters, digits and ._-, but is '../x'."),
        (
            Tasks(Task("aa", "a", lambda _: []), Task("aa", "b", lambda _: [])),
            "`study` must not hold the same task twice, but b equals a.",
        ),
    ],
)
def test_studies_that_cannot_be_run(study: object, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(QvarError) as caught:
        inspect.unwrap(run)(study, tmp_path / "run", progress=False)  # as users have it, without type checks
    assert str(caught.value) == sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_pages")
def test_resume_into_nothing_starts_afresh(fake: ModuleType, tmp_path: Path) -> None:
    assert len(run(fake.Fake(CONTENDERS), tmp_path / "run", resume=True, progress=False)) == 9


@pytest.mark.usefixtures("without_pages")
def test_resume_does_only_what_is_missing_or_damaged(fake: ModuleType, tmp_path: Path) -> None:
    study, out = fake.Fake(("ry x1", "ry x2", "uccsd", "broken")), tmp_path / "run"
    first = run(study, out, progress=False)
    keys = [task.key for task in study.tasks()]
    shards = [out / "tasks" / f"{key}.parquet" for key in keys]
    kept = {path: path.stat().st_mtime_ns for path in (shards[0], shards[3])}
    shards[1].write_bytes(shards[1].read_bytes()[:-20])
    shards[2].unlink()
    stale = [out / ".ledger.99.tmp.csv", out / "tasks" / f".{keys[2]}.99.tmp.parquet", out / "plots" / ".a.1.tmp.png"]
    (out / "plots").mkdir()
    for path in stale:
        path.write_text("half")
    second = run(study, out, resume=True, progress=False)
    pd.testing.assert_frame_equal(timeless(first), timeless(second))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not any(path.exists() for path in stale)
    assert len(json.loads((out / "case.json").read_text())["resumed"]) == 1


@pytest.mark.usefixtures("without_pages")
def test_resume_takes_up_a_folder_that_was_killed_before_its_first_file(fake: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "run" / "tasks").mkdir(parents=True)
    (tmp_path / "run" / ".case.7.tmp.json").write_text("{")
    assert len(run(fake.Fake(CONTENDERS), tmp_path / "run", resume=True, progress=False)) == 9
    assert not (tmp_path / "run" / ".case.7.tmp.json").exists()


@pytest.mark.usefixtures("without_pages")
def test_resume_refuses_another_run(fake: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "run"
    study = fake.Fake(CONTENDERS)
    run(study, out, progress=False, arguments={"bond": 1.0})
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for other, arguments, sentence in (
        (study, {"bond": 1.5}, f"`bond` must stay as it was to resume {out}: it was 1.0, but is 1.5 now."),
        (study, {}, f"`bond` must stay as it was to resume {out}: it was 1.0, but is absent now."),
        (
            fake.Fake(CONTENDERS, seeds=3),
            {"bond": 1.0},
            f"`study` must have the tasks it had to resume {out}, but ry x1 was not among them; "
            "run what has changed into a new folder.",
        ),
        (
            fake.Fake(CONTENDERS[:2]),
            {"bond": 1.0},
            f"`study` must have the tasks it had to resume {out}, but uccsd is missing; run what has changed "
            "into a new folder.",
        ),
    ):
        with pytest.raises(QvarError) as caught:
            run(other, out, resume=True, progress=False, arguments=arguments)
        assert str(caught.value) == sentence
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_resume_refuses_a_folder_that_is_no_run(fake: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(QvarError, match=r"holds other files and no case\.json"):
        run(fake.Fake(CONTENDERS), tmp_path, resume=True, progress=False)
    (tmp_path / "case.json").write_text("{")
    with pytest.raises(QvarError, match="must be a file that qvar wrote"):
        run(fake.Fake(CONTENDERS), tmp_path, resume=True, progress=False)


@pytest.mark.usefixtures("without_pages")
def test_two_processes_cannot_write_one_folder(fake: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(fake.Fake(CONTENDERS), out, progress=False)
    code = (
        "import sys, time; from pathlib import Path; from qvar.records.run_folder import RunFolder, locked\n"
        "with locked(RunFolder(Path(sys.argv[1]))): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(QvarError, match="another process is writing"):
            run(fake.Fake(CONTENDERS), out, resume=True, progress=False)
        holder.kill()
    assert len(run(fake.Fake(CONTENDERS), out, resume=True, progress=False)) == 9


@pytest.mark.usefixtures("without_pages")
def test_the_second_of_two_that_begin_at_once_is_refused(
    fake: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, begun, go_on = tmp_path / "run", threading.Event(), threading.Event()

    def waits(report: object) -> list:
        begun.set()
        assert go_on.wait(30)
        return []

    first = threading.Thread(target=run, args=(Tasks(Task("aa", "a", waits)), out), kwargs={"progress": False})
    first.start()
    assert begun.wait(30)
    before = (out / "case.json").read_bytes()
    monkeypatch.setattr("qvar.runs.runner.check_out", lambda *_: None)  # it looked before the first began
    for resume in (False, True):
        with pytest.raises(QvarError, match="`out` must be free, but another process is writing"):
            run(Tasks(Task("aa", "a", lambda _: [])), out, resume=resume, progress=False)
    assert (out / "case.json").read_bytes() == before
    go_on.set()
    first.join()
    with pytest.raises(QvarError, match=r"`out` must be a new folder, but .* holds a run of another process already"):
        run(fake.Fake(CONTENDERS), out, progress=False)
    assert names(out) == {
        "case.json",
        "ledger.parquet",
        "ledger.csv",
        "report.html",
        "trace.parquet",
        "parameters.parquet",
        "tasks/aa.parquet",
    }


def test_names_that_no_file_system_takes_are_refused(fake: ModuleType, tmp_path: Path) -> None:
    for out in ("a\0b", "a\ud800b"):
        for resume in (False, True):
            with pytest.raises(QvarError, match="`out` must be the name of a folder, but is 'a"):
                run(fake.Fake(CONTENDERS), out, resume=resume, progress=False)
        with pytest.raises(QvarError, match="`RUN` must be the name of a folder, but is 'a"):
            load(out)
    with pytest.raises(QvarError, match=r"`Task\.key` must be made of at most 120 letters, digits and \._-, but is "):
        run(Tasks(Task("k" * 300, "a", lambda _: [])), tmp_path / "run", progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_pages")
def test_labels_and_cases_may_have_any_name(fake: ModuleType, tmp_path: Path) -> None:
    label = "a/b\n\0\u00e9-" * 60
    table = run(Tasks(Task("k" * 120, label, lambda _: [{"contender": label, "value": 1.0}])), tmp_path / "run",
                progress=False, arguments={label: label, "bytes": "\udcff"}, case="c" * 300)  # fmt: skip
    assert table["contender"].tolist() == [label]
    loaded = load(tmp_path / "run")
    assert loaded.ledger["contender"].tolist() == [label]
    assert loaded.case["arguments"] == {label: label, "bytes": "\\udcff"}


@pytest.mark.usefixtures("without_pages")
def test_a_task_that_ends_the_program_has_failed(tmp_path: Path) -> None:
    class Panic(BaseException):
        """As libraries in Rust raise it."""

    def ends(error: BaseException) -> Callable[[Any], list]:
        def work(report: object) -> list:
            raise error

        return work

    tasks = [Task(f"a{i}", "t", ends(error)) for i, error in enumerate((SystemExit(0), SystemExit("no"), Panic("x")))]
    table = run(Tasks(*tasks), tmp_path / "run", progress=False)
    assert table["status"].tolist() == ["failed"] * 3
    assert table["message"].tolist() == ["SystemExit: 0", "SystemExit: no", "Panic: x"]


@pytest.mark.usefixtures("without_pages")
def test_an_interrupt_keeps_finished_shards(fake: ModuleType, tmp_path: Path) -> None:
    def interrupt(report: object) -> list:
        raise KeyboardInterrupt

    done, rest = fake.Fake(("ry x1",)).tasks()[0], Task("bb", "rest", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(Tasks(done, rest), tmp_path / "run", progress=False)
    assert names(tmp_path / "run") == {"case.json", f"tasks/{done.key}.parquet"}
    assert len(run(Tasks(done, Task("bb", "rest", lambda _: [])), tmp_path / "run", resume=True, progress=False)) == 4


def test_a_report_that_fails_does_not_take_the_numbers_away(
    fake: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("qvar.report.page.write_report", fail)
    with pytest.warns(RuntimeWarning, match="the report could not be made: RuntimeError: no ink"):
        table = run(fake.Fake(CONTENDERS), tmp_path / "run", progress=False)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "run" / "ledger.parquet"), table)


@pytest.mark.usefixtures("without_pages")
def test_plain_progress_is_a_line_per_task(
    fake: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(fake.Fake(CONTENDERS), tmp_path / "run")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" (")[0] for line in lines] == [
        "1/3 ry x1: best 17.1 mHa, 1 out_of_budget, 3 converged",
        "2/3 broken: 1 failed; RuntimeError: the matrix is singular",
        "3/3 uccsd: best 0.123 mHa, 1 out_of_budget, 3 converged",
    ]
    run(fake.Fake(CONTENDERS), tmp_path / "run", resume=True)
    assert capsys.readouterr().err == "3 of 3 tasks are there already.\n"
