"""Mistakes of a user: one sentence, exit status 2, nothing written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli.words import CASE, QUICK

import qvar
from qvar.cli.main import main


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run"], "`CASE` must be given, such as `qvar run h4_duel`; see `qvar run --help`."),
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
        (["--bad"], "`--bad` is not a flag of `qvar`; see `qvar --help`."),
        (["show"], "`RUN` must be given: the folder of a run, such as `qvar show runs/h4_duel`."),
        (["show", "none"], "`RUN` must be the folder of a run, but none does not exist."),
        (["show", "there"], "`RUN` must be the folder of a run, but there has no case.json."),
        (["show", "file"], "`RUN` must be the folder of a run, but file has no case.json."),
        (["report", "there"], "`RUN` must be the folder of a run, but there has no case.json."),
        (["report"], "`RUN` must be given; see `qvar report --help`."),
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
        (["show", "--al"], "`--al` is not a flag of `qvar show`; did you mean `--all`?"),
        (["show", "a", "b"], "`b` is more than `qvar show` takes; see `qvar show --help`."),
        (["compare", "--out"], "`--out` must have a value, but nothing follows it; see `qvar compare --help`."),
        (["worker", "a", "--index", "x"], "`--index` must be an int, but is 'x'; see `qvar worker --help`."),
        (
            ["list", "ansatz"],
            "`WHAT` must be ansatze, cases, methods, pools or problems, but is 'ansatz'; did you mean `ansatze`?",
        ),
        (["completion", "tcsh"], "`SHELL` must be bash, zsh or fish, but is 'tcsh'; see `qvar completion --help`."),
        (
            ["check", "mine.py"],
            "`FILE:NAME` must be a file and a name in it, such as my_ansatz.py:mine, but is 'mine.py'.",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there").mkdir()
    Path("there/something").touch()
    Path("file").write_text("mine")
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"qvar: {sentence}\n")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("runs/one", "runs/one does not exist; did you mean runs/won?"),
        ("won", "won does not exist; did you mean runs/won?"),
        ("runs", "runs has no case.json; it holds the runs a, b, c ..."),
        ("runs/won/ledger.csv", "runs/won/ledger.csv does not exist; did you mean runs/won?"),
        ("there", "there has no case.json; it holds the runs won."),
        ("xyzzy", "xyzzy does not exist."),
    ],
)
def test_a_folder_without_a_run_names_those_nearby(word: str, end: str, capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("runs/won", "runs/a", "runs/b", "runs/c", "there/won"):
        Path(place).mkdir(parents=True)
        Path(place, "case.json").touch()
    assert main(["show", word]) == 2
    assert capsys.readouterr() == ("", f"qvar: `RUN` must be the folder of a run, but {end}\n")


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
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
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
