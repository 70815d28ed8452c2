"""The page that walks from a circuit to the ledger: its files are written, its commands typed, its output compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from qvar.cli.main import main

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-an-ansatz.md"
BLOCK = re.compile(r'^```(?:python title="(?P<name>[\w.]+)"|(?P<console>console))\n(?P<text>.*?)^```$', re.M | re.S)


def plain(text: str) -> str:
    """Text without numbers and deviations, which differ between machines, and without lines and blanks of a table."""
    text = re.sub(r",\s+within\s+[\d.e-]+\.|\s+exactly\.", ".", text)
    return " ".join(re.sub(r"\d[\d.]*(e[+-]?\d+)?", "#", text).replace("─", "").split())


def in_order(pieces: list[str], text: str) -> bool:
    place = 0
    for piece in pieces:
        place = text.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return True


def test_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    typed = []
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["name"]:
            Path(block["name"]).write_text(block["text"], encoding="utf-8")
            continue
        for command, _, shown in (part.partition("\n") for part in re.split(r"^\$ ", block["text"], flags=re.M)[1:]):
            words = shlex.split(command)
            assert words[0] == "qvar"
            status = main(words[1:])
            out, err = capsys.readouterr()
            assert (status, err) == (1 if "WRONG" in shown else 0, "")
            pieces = [plain(piece) for piece in re.split(r"^\.\.\.$", shown, flags=re.M)]
            assert in_order(pieces, plain(out)), f"{command}\n{out}"
            if "..." not in shown:
                assert plain(shown) == plain(out)
            assert max(map(len, out.splitlines())) <= 80 or words[1] == "cite"
            typed.append(words[1])
    assert typed == ["check", "check", "run", "show", "show", "cite"]
    assert max(map(len, Path("my_ansatz.py").read_text().splitlines())) <= 88
