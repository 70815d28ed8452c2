"""`qvar run`, `show` and `report`."""

from __future__ import annotations

import json
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli.words import CASE, QUICK, command

from qvar.cli.main import main
from qvar.records.run_folder import load


@pytest.mark.usefixtures("without_pages")
def test_a_run_prints_its_table_and_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(CASE), *QUICK, "--bond", "1.5"]) == 0
    out, err = capsys.readouterr()
    assert "uccsd" in out
    assert "broken: RuntimeError: the matrix is singular" in out
    assert out.endswith("report: runs/fake_case/report.html\nledger: runs/fake_case/ledger.csv\n")
    assert len(err.splitlines()) == 3
    assert json.loads(Path("runs/fake_case/case.json").read_text())["arguments"]["bond"] == 1.5
    assert main(["run", str(CASE), *QUICK, "--no-progress"]) == 0
    out, err = capsys.readouterr()
    assert "report: runs/fake_case-2/report.html" in out
    assert err == ""


def test_show_and_report(printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = printed.partition("\n\nreport:")[0]
    assert main(["show", "r"]) == 0
    assert capsys.readouterr().out.strip() == table.strip()
    assert main(["show", "r", "--all"]) == 0
    assert capsys.readouterr().out.count("uccsd") == 2
    assert main(["show", "--columns"]) == 0
    assert "evaluations_to_tolerance" in capsys.readouterr().out
    Path("r/report.html").unlink()
    shutil.rmtree("r/plots")
    assert main(["report", "r"]) == 0
    assert capsys.readouterr().out == "r/report.html\n"
    assert Path("r/report.html").exists()
    assert len(list(Path("r/plots").iterdir())) == 2


@pytest.mark.usefixtures("without_pages", "printed")
def test_an_unfinished_run_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(Path("r/case.json").read_text())["tasks"][0]["key"]
    Path(f"r/tasks/{first}.parquet").unlink()
    Path("r/ledger.parquet").unlink()
    capsys.readouterr()
    finish = (
        f"2 of 3 tasks are done; finish with: qvar run {CASE} --contenders 'ry x1' broken uccsd --seeds 2 --slow 0.0 "
        "--bond 1.0 --no-noisy --out r --resume\n"
    )
    for words in (["show", "r"], ["report", "r"]):
        assert main(words) == 0
        assert capsys.readouterr().out.endswith(finish)
    assert main(["run", str(CASE), *QUICK, "--no-progress", "--out", "r", "--resume"]) == 0


@pytest.mark.usefixtures("without_pages")
def test_a_case_script_is_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("cases")
    folder.mkdir()
    shutil.copy(CASE, folder / "mine.py")
    words = ("cases/mine.py", *QUICK, "--bond", "2")
    monkeypatch.setattr(sys, "argv", [*words])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(words[0], run_name="__main__")
    assert ended.value.code == 0
    assert "report: runs/mine" in capsys.readouterr().out
    assert main(["run", *words]) == 0
    assert "report: runs/mine-2" in capsys.readouterr().out
    one, two = (json.loads(Path(f"runs/{name}/case.json").read_text()) for name in ("mine", "mine-2"))
    for name in ("case", "arguments", "tasks", "study"):
        assert one[name] == two[name]
    times = ["wall_s", "compile_s"]
    tables = [pd.read_csv(f"runs/{name}/ledger.csv").drop(columns=times) for name in ("mine", "mine-2")]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    for flags, code in ((("--seeds", "x"), 2), (("--help",), 0)):
        monkeypatch.setattr(sys, "argv", ["cases/mine.py", *flags])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path("cases/mine.py", run_name="__main__")
        assert ended.value.code == code
        out, err = capsys.readouterr()
        assert (out == "") == (code == 2)
        assert err == ("qvar: `seeds` must be an int, but is 'x'.\n" if code else "")
        assert ("in angstrom" in out) == (code == 0)


@pytest.mark.usefixtures("without_pages")
def test_ctrl_c_prints_the_command_that_continues() -> None:
    words = command("run", str(CASE), "--slow", "1.5", "--seeds", "1", "--contenders", "ry x1", "uccsd", "--out", "r")
    # a suite in the background of a shell ignores Ctrl-C, and so would its children
    listens = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {words[2]}"
    with subprocess.Popen([*words[:2], listens, *words[3:]], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("1/2 ry x1")
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert rest.startswith("qvar: interrupted; 1 of 2 tasks is done; finish with: qvar run ")
    assert rest.endswith(" --out r --resume\n")
    assert main([*words[3:], "--resume", "--no-progress"]) == 0
    assert len(pd.read_csv("r/ledger.csv")) == 2


@pytest.mark.usefixtures("printed")
def test_a_run_without_a_report_ends_with_status_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path("r/report.html")
    assert page.exists()

    def fail(_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("qvar.report.page.write_report", fail)
    with pytest.warns(RuntimeWarning, match="the report could not be made: OSError: no room"):
        assert main(["run", str(CASE), *QUICK, "--out", "r", "--resume"]) == 1
    out, err = capsys.readouterr()
    assert out.endswith("ledger: r/ledger.csv\n")
    assert err.endswith("there is no report; try again: qvar report r\n")
    assert not page.exists()  # the older one showed another state


def test_a_case_that_returns_a_text_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "speaks.py"
    case.write_text('def case(name: str = "a") -> str:\n    """Speaks."""\n    return f"known: {name}"\n')
    assert main(["run", str(case), "--name", "b"]) == 0
    assert capsys.readouterr() == ("known: b\n", "")
    assert not Path("runs").exists()


def test_json_is_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(CASE), *QUICK, "--json", "--no-progress", "--out", "r"]) == 0
    answer = json.loads(capsys.readouterr().out)
    ledger = load("r").ledger
    assert (answer["folder"], answer["report"]) == ("r", "r/report.html")
    assert answer["tasks"] == {"done": 3, "all": 3}
    assert [row["contender"] for row in answer["ledger"]] == list(ledger["contender"])
    for row, value, status in zip(answer["ledger"], ledger["value"], ledger["status"], strict=True):
        assert row["status"] == status
        assert row["value"] == (None if np.isnan(value) else value)  # to the last bit


def test_quiet_prints_mistakes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["run", str(CASE), *QUICK, "--out", "r", "--quiet"]
    assert main(words) == 0
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "r" / "ledger.csv").exists()
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("qvar: `out` must be")
    assert main([*words[:-2], "s", "--quiet", "--json"]) == 2
    assert capsys.readouterr().err.startswith("qvar: `--quiet` must be given without `--json`")
