"""Blocks of the README and the documentation run, page by page, in order, and the output shown is the true one.

A block `python` runs; with `title="name.py"` it is a file. A block `text` after it is what it prints, up to one
percent of its numbers. A block `console` holds commands `$ qvar ...` and what they print, up to its numbers. A line
`...` stands for any lines.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qvar.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?P<kind>\w*)(?: title=\"(?P<name>[\w.]+)\")?\n(?P<text>.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"-?\d[\d.]*(?:e[+-]?\d+)?")


def words(text: str) -> str:
    """Text without numbers and deviations, which differ between machines, and without lines and blanks of a table."""
    text = re.sub(r"<(?=0\.1 s\b)", "", text)  # a time on a fast machine
    text = re.sub(r",\s+within\s+[\d.e-]+\.|\s+exactly\.", ".", text)
    return " ".join(NUMBER.sub("#", text).replace("─", "").split())


def numbers(text: str) -> list[float]:
    return [float(number.rstrip(".")) for number in NUMBER.findall(text)]


def agree(shown: str, printed: str) -> bool:
    """Return whether an output is as shown, each part between lines `...` after the other."""
    parts = [words(part) for part in re.split(r"^\.\.\.$", shown, flags=re.M)]
    if len(parts) == 1:
        return parts == [words(printed)]
    place, text = 0, words(printed)
    for part in parts:
        place = text.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True


@dataclass
class Page:
    """A page whose blocks run one after the other in the current folder."""

    path: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})
    commands: list[str] = field(default_factory=list)

    def run(self, capsys: pytest.CaptureFixture[str]) -> None:
        text, before = self.path.read_text(encoding="utf-8"), ""
        for block in BLOCK.finditer(text):
            if block["name"]:
                Path(block["name"]).write_text(block["text"], encoding="utf-8")
            elif block["kind"] == "python":
                capsys.readouterr()
                source = "\n" * (text[: block.start()].count("\n") + 1) + block["text"]
                exec(compile(source, str(self.path), "exec", dont_inherit=True), self.names)
            elif block["kind"] == "console":
                self.type(block["text"], capsys)
            elif block["kind"] == "text":
                printed = capsys.readouterr().out
                assert before == "python", "a block `text` follows the block of Python that prints it"
                assert agree(block["text"], printed), f"{block['text']}\n{printed}"
                if "\n...\n" not in block["text"]:
                    assert np.allclose(numbers(block["text"]), numbers(printed), rtol=0.01, atol=1e-6), printed
            before = block["kind"]

    def type(self, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Type the commands of a block and compare what they print."""
        for command, _, shown in (part.partition("\n") for part in re.split(r"^\$ ", text, flags=re.M)[1:]):
            args = shlex.split(command)
            assert args[0] == "qvar"
            capsys.readouterr()
            status = main(args[1:])
            out, err = capsys.readouterr()
            mistake = shown.startswith("qvar: ")
            assert status == (2 if mistake else 1 if "WRONG" in shown else 0), out + err
            assert agree(shown, err if mistake else out), f"{command}\n{out}{err}"
            assert mistake or err == ""
            assert max(map(len, out.splitlines()), default=0) <= 80 or args[1] == "cite"
            self.commands.append(args[1])


@pytest.mark.parametrize("path", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_blocks_run(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    if path.name != "first-duel.md":  # other pages name a report, which tests/report draws of every study
        request.getfixturevalue("without_pages")
    monkeypatch.chdir(tmp_path)  # a page that runs something leaves its folder here
    monkeypatch.setenv("COLUMNS", "80")
    page = Page(path)
    page.run(capsys)
    if path.name == "first-duel.md":
        assert "</svg>" in Path("runs/first/report.html").read_text(encoding="utf-8")
    if path.name == "write-an-ansatz.md":
        assert page.commands == ["check", "check", "run", "show", "show", "cite"]
