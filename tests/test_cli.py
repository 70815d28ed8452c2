from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import qvar
from qvar.cli.main import main

CASE = Path(__file__).parent / "runs" / "fake_case.py"
QUICK = ("--seeds", "2", "--contenders", "ry x1", "broken", "uccsd")


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def command(*words: str) -> list[str]:
    """What the console script runs, wherever that is installed."""
    return [sys.executable, "-c", "import sys; from qvar.cli.main import main; sys.exit(main())", *words]


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
        "import sys, qvar.cli.main\n"
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
        (["run"], "`CASE` must be given, such as `qvar run cases/h4_duel.py`; see `qvar run --help`."),
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
        (["--bad"], "Unrecognized arguments: --bad; see `qvar --help`."),
        (["show"], "`RUN` must be given: the folder of a run, such as `qvar show runs/h4_duel`."),
        (["show", "none"], "`RUN` must be the folder of a run, but none does not exist."),
        (["show", "there"], "`RUN` must be the folder of a run, but there has no case.json."),
        (["show", "file"], "`RUN` must be the folder of a run, but file has no case.json."),
        (["report", "there"], "`RUN` must be the folder of a run, but there has no case.json."),
        (["report"], "The following arguments are required: RUN; see `qvar report --help`."),
        (
            ["cite"],
            "`RUN` must be given: the folder of a run, such as `qvar cite runs/h4_duel`; `qvar cite --all` prints "
            "every entry.",
        ),
        (["cite", "none"], "`RUN` must be the folder of a run, but none does not exist."),
        (["list", "ansatze", "--layers", "0"], "`layers` must be at least 1, but is 0."),
        (["list", "ansatze", "--problem", "lhi"], "`lhi` is not a problem that qvar knows; did you mean `lih`?"),
        (["list", "ansatze", "--problem", "x.npz"], "`path` must be an existing file, but 'x.npz' is not."),
        (["check", "none.py:mine"], "`FILE` must be a Python file, but none.py is missing."),
        (["check", "there:mine"], "`FILE` must be a Python file, but there is a folder."),
        (["check", "file:mine"], "`FILE` must be a Python file that ends in .py, but is file."),
        (
            ["check", "mine.py"],
            "`FILE:NAME` must be a file and a name in it, such as my_ansatz.py:mine, but is 'mine.py'.",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_a_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there").mkdir()
    Path("there/something").touch()
    Path("file").write_text("mine")
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"qvar: {sentence}\n")
    assert not Path("runs").exists()


STUDY = """
from dataclasses import dataclass


@dataclass
class Study:
    name: str = "study"

    def tasks(self):
        {tasks}


def case() -> Study:
    {case}
    return Study()
"""


@pytest.mark.parametrize("ending", ["sys.exit()", "sys.exit(0)", "sys.exit(3)", "raise SystemExit('text')", "exit(0)"])
def test_a_case_that_ends_the_program_is_a_mistake(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    places = {
        "top": f"import sys\n{ending}\n",
        "case": "import sys\n" + STUDY.format(tasks="return []", case=ending),
        "tasks": "import sys\n" + STUDY.format(tasks=ending, case=""),
    }
    for place, text in places.items():
        Path(f"{place}.py").write_text(text)
        assert main(["run", f"{place}.py", "--no-progress"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        assert "SystemExit" in err
    assert not Path("runs").exists()
    for words in (["--help"], ["run", str(CASE), "--help"], ["show", "--help"], ["--version"]):
        assert main(words) == 0


def test_names_of_any_length_and_any_letters_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = qvar.tfim(2)
    for name in ("n" * 300, "a\0b", "a\nb\x1b[31m", "a\ud800", "../" * 200 + "n"):
        for words in (
            ["run", f"{name}.py"], ["show", name], ["report", name], ["cite", name], ["export", name],
            ["status", name], ["collect", name], ["cancel", name], ["submit", "--resume", name],
            ["submit", f"{name}.py"], ["submit", str(CASE), "--site", name], ["check", f"{name}.py:x"],
            ["list", "ansatze", "--problem", f"{name}.npz"],
        ):  # fmt: skip
            assert main(words) == 2, words
            out, err = capsys.readouterr()
            assert out == ""
            assert len(err.splitlines()) == 1
            assert err.startswith("qvar: ")
            assert err[:-1].replace("\ud800", "").isprintable()
        if not name.startswith("a\n"):
            for read_or_write in (problem.save, qvar.Problem.load):
                with pytest.raises(qvar.QvarError, match="`path` must be "):
                    read_or_write(f"{name}/x.npz")
    shutil.copy(CASE, f"{'c' * 250}.py")
    assert main(["submit", f"{'c' * 250}.py", *QUICK, "--queue", "local", "--dry-run"]) == 0
    assert list(tmp_path.iterdir()) == [tmp_path / f"{'c' * 250}.py"]


OWN = """
import pennylane as qml
import qvar


def circuit(theta):
    qml.BasisState([1, 1, 0, 0], wires=range(4))
    qml.DoubleExcitation(theta[0], wires=[0, 1, 2, 3])


mine = qvar.Ansatz.from_circuit(circuit, n_qubits=4, n_params=1, name="mine", symmetries=("particle_number", "sz"))
wrong = qvar.Ansatz.from_circuit(circuit, n_qubits=4, n_params=1, name="wrong", symmetries=("spin_flip",))
number = 3


def of_problem(problem, layers=1):
    return qvar.hardware_efficient(problem, layers=layers)


def alone(layers=1):
    return qvar.hardware_efficient(3, layers=layers)


def broken(problem):
    raise RuntimeError("no idea")


def refusing(problem):
    return qvar.hardware_efficient(problem, layers=0)


def nothing():
    pass
"""


@pytest.fixture
def own() -> str:
    Path("own.py").write_text(OWN)
    return "own.py"


def test_check_says_pass_or_what_is_wrong(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{own}:mine"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("mine (generic) on H2 0.7414 sto-3g, 4 qubits\n\ncheck ")
    assert out.endswith("\nAll 12 checks pass.\n")
    assert "WRONG" not in out
    assert main(["check", f"{own}:wrong"]) == 1
    out = capsys.readouterr().out
    assert "spin flip       WRONG It is claimed, but spreads" in out
    assert out.endswith("1 of 11 checks fail.\n")
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["own.py:of_problem"], "ry+rz cnot chain x1 (generic) on H4 1.0 sto-3g, 8 qubits"),
        (["own.py:of_problem", "--problem", "h2"], "ry+rz cnot chain x1 (generic) on H2 0.7414 sto-3g, 4 qubits"),
        (["own.py:of_problem", "--problem", "ising.npz"], "ry+rz cnot chain x1 (generic) on TFIM 2 J=1 h=1 open"),
        (["own.py:alone"], "ry+rz cnot chain x1 (generic) on TFIM 3 J=1 h=1 open, 3 qubits"),
    ],
)
def test_check_chooses_a_problem(
    words: list[str], title: str, own: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qvar.studies.check_ansatz.conform", lambda *_: [])
    qvar.tfim(2).save("ising.npz")
    assert main(["check", *words]) == 0
    assert capsys.readouterr().out.startswith(title)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["own.py:mnie"], "`mnie` is not in own.py; did you mean `mine`?"),
        (["own.py:zzzzzz"], "`zzzzzz` is not in own.py; look at its spelling."),
        (["own.py:number"], "`number` must be an ansatz or a function that returns one, but is int."),
        (
            ["own.py:circuit"],
            "`circuit` in own.py raised TypeError: 'Problem' object is not subscriptable (line 8); a quantum function "
            "becomes an ansatz by qvar.Ansatz.from_circuit.",
        ),
        (
            ["own.py:broken"],
            "`broken` in own.py raised RuntimeError: no idea (line 25); a quantum function becomes an ansatz by "
            "qvar.Ansatz.from_circuit.",
        ),
        (
            ["own.py:nothing"],
            "`nothing` must return an ansatz, but returned NoneType; a quantum function becomes an ansatz by "
            "qvar.Ansatz.from_circuit.",
        ),
        (["own.py:refusing"], "`layers` must be at least 1, but is 0."),
        (
            ["own.py:mine", "--problem", "h4"],
            "`--problem` must have the 4 qubits of mine, but H4 1.0 sto-3g has 8; `qvar list problems` shows others, "
            "and a file of `Problem.save` will do.",
        ),
        (["bad.py:mine"], "`FILE` bad.py could not be loaded: ValueError: math domain error (line 2)."),
    ],
)  # fmt: skip
def test_mistakes_in_a_file_of_ones_own(
    words: list[str], sentence: str, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.py").write_text("import math\nmath.sqrt(-1)\n")
    assert main(["check", *words]) == 2
    assert capsys.readouterr() == ("", f"qvar: {sentence}\n")


def test_list_ansatze(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "ansatze", "--problem", "h2", "--layers", "1"]) == 0
    out = capsys.readouterr().out
    rows: dict[str, list[str]] = {}
    for line in filter(None, out.splitlines()):
        rows.setdefault(line.split()[0], line.split()[1:])  # variants of an ansatz stand below it
    # RY, RZ on 4 qubits, twice; a chain of 3 CNOTs; 2 X of the determinant, 2 rotations, 3 CNOTs, 2 rotations deep
    assert rows["hardware_efficient"][:4] == ["generic", "16", "3", "8"]
    assert rows["uccsd"][:3] == ["constrained", "3", "64"]
    assert rows["uccsd"][4:6] == ["N", "Sz"]
    assert max(map(len, out.splitlines())) <= 80
    assert main(["list", "ansatze", "--problem", "tfim", "--layers", "1"]) == 0
    out = capsys.readouterr().out
    assert "- uccsd, " in out
    assert "It needs electrons in orbitals, but this problem has none." in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80


def test_list_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "problems"]) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines() if line]
    assert [row[-3:] for row in rows if row[0] in ("lih", "h2o")] == [["1.546", "12", "4"], ["0.9584", "12", "8"]]
    assert [row[-1] for row in rows if row[0] == "heisenberg"] == ["6"]
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.usefixtures("without_pages")
def test_cite(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cite", "--all"]) == 0
    everything = capsys.readouterr().out
    problem = qvar.tfim(2)
    first = qvar.Duel(problem, [qvar.hardware_efficient(problem, layers=1)], seeds=1, budget=qvar.Budget(gradients=3))
    qvar.run(first, out="one", progress=False)
    qvar.run(
        qvar.Duel(problem, first.contenders, method=qvar.adam(), seeds=1, budget=first.budget),
        out="two",
        progress=False,
    )
    capsys.readouterr()
    assert main(["cite", "one"]) == 0
    one, err = capsys.readouterr()
    assert err == ""
    assert "@article{kandala2017,\n" in one
    assert "liu1989" in one
    assert "kingma2014" not in one
    assert main(["cite", "one", "two"]) == 0
    both = capsys.readouterr().out
    assert both.count("@article{kandala2017,") == 1
    assert "liu1989" in both
    assert "kingma2014" in both
    assert everything.count("\n@") > both.count("\n@") > one.count("\n@")


@pytest.mark.usefixtures("without_pages")
def test_cite_of_an_unfinished_an_older_and_a_silent_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(CASE), *QUICK, "--no-progress", "--out", "r"]) == 0
    Path("r/ledger.parquet").unlink()
    capsys.readouterr()
    assert main(["cite", "r"]) == 0
    assert capsys.readouterr() == ("", "qvar: r names nothing to cite.\n")
    record = json.loads(Path("r/case.json").read_text())
    assert record["references"] == []
    del record["checksum"]  # as one does who edits it on purpose
    Path("r/case.json").write_text(json.dumps({**record, "references": ["kandala2017", "me2030"]}))
    assert main(["cite", "r"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("@article{kandala2017,")
    assert err == "qvar: 'me2030' has no entry in qvar/citations.bib; its author knows it.\n"
    del record["references"]
    Path("r/case.json").write_text(json.dumps(record))
    assert main(["cite", "r"]) == 2
    assert (
        capsys.readouterr().err == "qvar: `RUN` must say what it used, but r is of an older qvar; --resume adds it.\n"
    )
    assert main(["run", str(CASE), *QUICK, "--no-progress", "--out", "r", "--resume"]) == 0
    assert main(["cite", "r"]) == 0


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


def test_a_case_script_is_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("cases")
    folder.mkdir()
    shutil.copy(CASE, folder / "mine.py")
    words = ("cases/mine.py", *QUICK, "--bond", "2")
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    assert "report: runs/mine" in done.stdout
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


def test_ctrl_c_says_how_to_go_on() -> None:
    words = command("run", str(CASE), "--slow", "1.5", "--seeds", "1", "--contenders", "ry x1", "uccsd", "--out", "r")
    # a suite in the background of a shell ignores Ctrl-C, and so would its children
    heard = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {words[2]}"
    with subprocess.Popen([*words[:2], heard, *words[3:]], stderr=subprocess.PIPE, text=True) as process:
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


def test_a_closed_pipe_is_no_error() -> None:
    words = command("show", "--columns")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_run_without_a_report_says_so_and_ends_with_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["run", str(CASE), *QUICK]) == 0
    page = Path("runs/fake_case/report.html")
    assert page.exists()

    def fail(_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("qvar.report.page.write_report", fail)
    with pytest.warns(RuntimeWarning, match="the report could not be made: OSError: no room"):
        assert main(["run", str(CASE), *QUICK, "--resume"]) == 1
    out, err = capsys.readouterr()
    assert out.endswith("ledger: runs/fake_case/ledger.csv\n")
    assert err.endswith("there is no report; try again: qvar report runs/fake_case\n")
    assert not page.exists()  # the older one showed another state
