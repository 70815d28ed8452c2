"""A batch queue that does nothing: programs with the names of Slurm, which record their arguments."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from qvar.cli.main import main

CASE = Path(__file__).parents[1] / "runs" / "fake_case.py"

_SBATCH = """#!/bin/sh
number=$(( $(ls "{folder}" | grep -c '^sent-') + 1 ))
if [ -e "{folder}/refuse-$number" ]; then cat "{folder}/refuse-$number" >&2; exit 1; fi
cp "$2" "{folder}/sent-$number"
echo $(( 100 + number ))
"""
_ANSWER = """#!/bin/sh
[ -e "{folder}/{name}" ] || exit 1
cat "{folder}/{name}"
"""
_SCANCEL = """#!/bin/sh
echo "$@" > "{folder}/cancelled"
"""


@dataclass
class FakeQueue:
    """Slurm's programs on the path of this process, and `qvar` as its user calls it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    @classmethod
    def installed(cls, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
        """Makes the programs and puts them first on the path; no site file is found."""
        programs = folder / "bin"
        programs.mkdir(parents=True)
        texts = {"sbatch": _SBATCH, "scancel": _SCANCEL, **dict.fromkeys(("squeue", "sacct", "scontrol"), _ANSWER)}
        for name, text in texts.items():
            (programs / name).write_text(text.format(folder=folder, name=name))
            (programs / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("QVAR_SITE", raising=False)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
        monkeypatch.setenv("QVAR_CACHE", "off")
        monkeypatch.setenv("COLUMNS", "80")
        return cls(folder, capsys)

    def qvar(self, *words: str, status: int = 0) -> str:
        """What a command prints, both streams, one after the other."""
        assert main(words) == status, self.capsys.readouterr()
        out, err = self.capsys.readouterr()
        assert "Traceback" not in err
        return out + err

    def submit(self, out: Path | str, *words: str, status: int = 0) -> str:
        """Submits the case without physics."""
        return self.qvar("submit", str(CASE), *words, "--queue", "slurm", "--out", str(out), status=status)

    def refuse(self, number: int, words: str = "sbatch: error: Invalid account or partition") -> None:
        """From now on the queue does not take the script that would be its n-th."""
        (self.folder / f"refuse-{number}").write_text(f"{words}\n")

    def say(self, program: str, text: str) -> None:
        """What `squeue`, `sacct` or `scontrol` prints from now on; before, they fail."""
        (self.folder / program).write_text(text)

    def sent(self) -> list[str]:
        """The scripts that it took."""
        return [(self.folder / f"sent-{at}").read_text() for at in range(1, len(list(self.folder.glob("sent-*"))) + 1)]


def asked(script: str) -> set[str]:
    """The directives of a script."""
    return {line.removeprefix("#SBATCH --") for line in script.splitlines() if line.startswith("#SBATCH --")}
