from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path

import pytest
from cli.words import CASE, QUICK


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run of the quick flags, with its pages, and what it printed."""
    from qvar.cli.main import main

    folder = tmp_path_factory.mktemp("quick")
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # as a terminal of today has it
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(out):
        patched.chdir(folder)
        patched.setenv("COLUMNS", "80")
        assert main(["run", str(CASE), *QUICK, "--no-progress", "--out", "r"]) == 0
    out.seek(0)
    return folder / "r", out.read()


@pytest.fixture
def printed(quick_run: tuple[Path, str]) -> str:
    """A copy of the quick run lies in the folder `r`; the text that the run printed."""
    shutil.copytree(quick_run[0], "r")
    return quick_run[1]
