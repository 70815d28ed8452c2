"""Five hundred command lines: a sentence and an exit status, never a traceback, and nothing half-written."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest
from misuse.command_lines import command_line, furnish

from qvar.cli.main import main

N_LINES = int(os.environ.get("QVAR_COMMAND_LINES", "500"))
"""More of them are tried by hand."""

SENTENCE = re.compile(r"qvar: .*[.?:]$", re.DOTALL)


@pytest.fixture
def furnished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with cases, a run, a campaign and files that are neither; what takes long does nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("qvar.report.page.write_report", lambda loaded: loaded.folder.report.touch())
    monkeypatch.setattr("qvar.cluster.collect.write_report", lambda loaded: None)
    monkeypatch.setattr("qvar.report.listing.ansatze_text", lambda problem, layers: "")
    monkeypatch.setattr("qvar.studies.check_ansatz.conform", lambda problem, ansatz: [])
    monkeypatch.setattr("qvar.cluster.local.work_here", lambda campaign, workers, progress: 0)
    monkeypatch.setattr("qvar.report.listing.problems_text", lambda: "")
    monkeypatch.setattr("qvar.runs.doctor._PACKAGES", ())
    monkeypatch.setattr("qvar.runs.doctor._jax", lambda: ([], []))
    monkeypatch.setattr("qvar.runs.runner._work_in_processes", lambda *arguments: None)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    furnish(tmp_path)
    assert main(["run", "case.py", "--out", "run", "--no-progress"]) == 0
    assert main(["submit", "case.py", "--queue", "local", "--out", "camp", "--sweep", "tasks=1,2"]) in (0, 1)
    capsys.readouterr()
    return tmp_path


def files(folder: Path) -> set[str]:
    return {os.path.join(place, name) for place, folders, names in os.walk(folder) for name in (*folders, *names)}


def test_every_command_line_ends_well(furnished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(int(os.environ.get("QVAR_SEED", "0")))
    counts: dict[int, int] = {}
    before = files(furnished)
    for _ in range(N_LINES):
        words = command_line(draw)
        try:
            status = main(words)
        except BaseException as error:
            raise AssertionError(f"{words} raised {type(error).__name__}") from error
        out, err = capsys.readouterr()
        after = files(furnished)
        assert status in (0, 1, 2, 130), (words, status)
        assert "Traceback" not in out + err, (words, err)
        if status == 2:
            last = err.rstrip("\n").split("\nqvar: ")[-1].removeprefix("qvar: ")
            assert SENTENCE.fullmatch(f"qvar: {last}"), (words, err)
            assert "\n" not in last, (words, err)
            assert len(last) < 1000, (words, err)
            made = {name for name in after - before if "__pycache__" not in name}
            assert not made, (words, err, made)
        counts[status] = counts.get(status, 0) + 1
        before = after
    assert counts[0] > N_LINES / 20, counts
    assert counts[2] > N_LINES / 3, counts
