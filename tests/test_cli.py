from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import qvar
from qvar.cli import main

CASE = Path(__file__).parent / "runs" / "fake_case.py"
QUICK = ("--seeds", "2", "--contenders", "ry x1", "broken", "uccsd")


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def command(*words: str) -> list[str]:
    """What the console script runs, wherever that is installed."""
    return [sys.executable, "-c", "import sys; from qvar.cli import main; sys.exit(main())", *words]


def test_help_and_version_answer_at_once() -> None:
    for words, expected in (
        (["--help"], "doctor"),
        (["--version"], f"qvar {qvar.__version__}"),
        (["run", "-h"], "--out"),
    ):
        begin = time.perf_counter()
        answer = subprocess.run(command(*words), capture_output=True, text=True, check=True)
        assert time.perf_counter() - begin < 2
        assert expected in answer.stdout


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    code = (
        "import sys, qvar.cli\n"
        "heavy = {'jax', 'numpy', 'pandas', 'matplotlib', 'rich', 'tyro', 'pennylane', 'pyscf'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_run_prints_its_table_and_where_it_lies(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_show_and_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(CASE), *QUICK, "--no-progress", "--out", "r"]) == 0
    table = capsys.readouterr().out.partition("\n\nreport:")[0]
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


def test_an_unfinished_run_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(CASE), *QUICK, "--no-progress", "--out", "r"]) == 0
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


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run"], "`CASE` must be given, such as `qvar run cases/h4_duel.py`; `qvar run --help` tells more."),
        (["run", "--bond", "1"], "`CASE` must come before its flags, but the first word is --bond."),
        (["run", "none.py"], "`CASE` must be a Python file, but none.py is missing."),
        (["run", str(CASE), "--bond", "abc"], "`bond` must be a float, but is 'abc'."),
        (["run", str(CASE), "--bnd", "1"], "`--bnd` is not a flag of this case; did you mean `--bond`?"),
        (
            ["run", str(CASE), "--out", "there"],
            "`out` must be a new folder, but there exists already; say --resume to finish what it lacks.",
        ),
        (["run", str(CASE), "--out", "file"], "`out` must be a new folder, but file is a file."),
        (["shw"], "`shw` is not a command of qvar; did you mean `qvar show`?"),
        (["xyzzy"], "`xyzzy` is not a command of qvar; `qvar --help` lists them."),
        (["--bad"], "Unrecognized arguments: --bad; `qvar --help` tells more."),
        (["show"], "`RUN` must be given: the folder of a run, such as `qvar show runs/h4_duel`."),
        (["show", "none"], "`RUN` must be the folder of a run, but none does not exist."),
        (["show", "there"], "`RUN` must be the folder of a run, but there has no case.json."),
        (["show", "file"], "`RUN` must be the folder of a run, but file has no case.json."),
        (["report", "there"], "`RUN` must be the folder of a run, but there has no case.json."),
        (["report"], "The following arguments are required: RUN; `qvar report --help` tells more."),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_a_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there").mkdir()
    Path("file").write_text("mine")
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"qvar: {sentence}\n")
    assert not Path("runs").exists()


def test_doctor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for words in ("python", "pennylane", "devices", "precision         64 bit", "All is well."):
        assert words in out
    monkeypatch.setitem(sys.modules, "pyscf", None)
    assert main(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert "BROKEN" in out
    assert err.startswith("qvar: pyscf cannot be imported: ModuleNotFoundError: ")


def test_a_case_script_is_the_command() -> None:
    folder = Path("cases")
    folder.mkdir()
    shutil.copy(CASE, folder / "mine.py")
    for words in ([sys.executable, "cases/mine.py"], command("run", "cases/mine.py")):
        done = subprocess.run([*words, *QUICK, "--bond", "2"], capture_output=True, text=True, check=True)
        assert "report: runs/mine" in done.stdout
    one, two = (json.loads(Path(f"runs/{name}/case.json").read_text()) for name in ("mine", "mine-2"))
    for name in ("case", "arguments", "tasks", "study"):
        assert one[name] == two[name]
    times = ["wall_s", "compile_s"]
    tables = [pd.read_csv(f"runs/{name}/ledger.csv").drop(columns=times) for name in ("mine", "mine-2")]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    wrong = subprocess.run(
        [sys.executable, "cases/mine.py", "--seeds", "x"], capture_output=True, text=True, check=False
    )
    assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, "", "qvar: `seeds` must be an int, but is 'x'.\n")
    helped = subprocess.run([sys.executable, "cases/mine.py", "--help"], capture_output=True, text=True, check=False)
    assert helped.returncode == 0
    assert "in angstrom" in helped.stdout


def test_ctrl_c_says_how_to_go_on() -> None:
    words = command("run", str(CASE), "--slow", "0.3", "--seeds", "2", "--contenders", "ry x1", "uccsd", "--out", "r")
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("1/2 ry x1")
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert rest.startswith("qvar: interrupted; 1 of 2 tasks is done; finish with: qvar run ")
    assert rest.endswith(" --out r --resume\n")
    assert main([*words[3:], "--resume", "--no-progress"]) == 0
    assert len(pd.read_csv("r/ledger.csv")) == 4


def test_a_closed_pipe_is_no_error() -> None:
    words = command("show", "--columns")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
