"""Help, version and lists: commands that run nothing."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest
from cli.words import command

import qvar
from qvar.cli.main import main


def test_help_and_version_answer_at_once() -> None:
    for words, expected in (
        (["--help"], "doctor"),
        (["--version"], f"qvar {qvar.__version__}"),
        (["run", "-h"], "--out"),
    ):
        begin = resource.getrusage(resource.RUSAGE_CHILDREN)
        answer = subprocess.run(command(*words), capture_output=True, text=True, check=True)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime < 2  # of a core, however busy it is
        assert expected in answer.stdout


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    code = (
        "import sys, qvar.cli.main\n"
        "heavy = {'jax', 'numpy', 'pandas', 'matplotlib', 'rich', 'tyro', 'pennylane', 'pyscf'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_closed_pipe_is_no_error() -> None:
    words = command("show", "--columns")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_list_ansatze(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "ansatze", "--problem", "h2", "--layers", "1"]) == 0
    out = capsys.readouterr().out
    rows: dict[str, list[str]] = {}
    for line in filter(None, out.splitlines()):
        rows.setdefault(line.split()[0], line.split()[1:])  # variants of an ansatz are below it
    # RY, RZ on 4 qubits, twice; a chain of 3 CNOTs; 2 X of the determinant, 2 rotations, 3 CNOTs, 2 rotations deep
    assert rows["hardware_efficient"][:4] == ["generic", "16", "3", "8"]
    assert rows["uccsd"][:3] == ["constrained", "3", "21"]
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


@pytest.mark.parametrize(
    ("what", "row"),
    [
        ("cases", ["h4_duel", "Hardware-efficient"]),
        ("methods", ["lbfgs", "L-BFGS:"]),
        ("pools", ["singlet_gsd", "66", "N", "Sz", "S2", "grimsley2019"]),  # 66 as Grimsley et al. count for H4
    ],
)
def test_lists(what: str, row: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", what]) == 0
    out = capsys.readouterr().out
    assert any(line.split()[: len(row)] == row for line in out.splitlines())
    assert max(map(len, out.splitlines())) <= 80


def test_pools_that_do_not_apply_have_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "pools", "--problem", "tfim"]) == 0
    out = capsys.readouterr().out
    assert "Not on this problem:" in out
    assert "singlet_gsd" in out.partition("Not on this problem:")[2]
