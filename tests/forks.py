"""Processes that are forked from one that has imported qvar, so that not each of them imports everything again."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

FORKS = """
import json
import os
import signal
import sys
import warnings

warnings.filterwarnings("ignore", "os.fork")  # JAX has no threads before it touches a device
import jax, numba, pandas, pyarrow.parquet, pyscf.ao2mo, pyscf.fci, pyscf.scf, scipy.optimize
import qvar.cli.main, qvar.engines.energy, qvar.report.page, qvar.runs.runner


def forked():
    for line in sys.stdin:
        if line[0].isdigit():
            print(os.waitstatus_to_exitcode(os.waitpid(int(line), 0)[1]), flush=True)
            continue
        source, words, folder, variables, output = json.loads(line)
        process = os.fork()
        if process == 0:
            signal.alarm(300)
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(variables)
            for stream in (1, 2):
                os.dup2(os.open(f"{output}-{stream}", os.O_WRONLY | os.O_CREAT), stream)
            sys.argv = ["-c", *words]
            return source
        print(process, flush=True)
    sys.exit()


exec(forked(), {"__name__": "__main__"})
"""


COMMAND = "import sys; from qvar.cli.main import main; sys.exit(main())"
"""Source of the command `qvar`."""


class Forks:
    """A process that has imported qvar and starts others, which end after 300 s, or when they say, at the latest.

    Args:
        folder: an empty folder for their outputs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, itertools.count()
        self._outputs: dict[int, Path] = {}

    def __enter__(self) -> Self:
        ends = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([sys.executable, "-c", FORKS], **ends)
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate()  # its input ends

    def start(self, source: str, *words: str, **variables: str) -> int:
        """Start a process in this folder and environment that executes a Python source; returns its number.

        Args:
            source: what it executes.
            words: what it finds in `sys.argv`.
            variables: more variables of its environment. Those that imports read are of no use.
        """
        output = self._folder / str(next(self._numbers))
        request = [source, words, os.getcwd(), {**os.environ, **variables}, str(output)]
        process = int(self._answer(json.dumps(request)))
        self._outputs[process] = output
        return process

    def end(self, process: int) -> subprocess.CompletedProcess[str]:
        """Wait for the end of a process: its status, and what it has printed."""
        status = int(self._answer(str(process)))
        out, err = (Path(f"{self._outputs[process]}-{stream}") for stream in (1, 2))
        texts = [path.read_text() if path.exists() else "" for path in (out, err)]  # none if it was killed at once
        return subprocess.CompletedProcess([], status, *texts)

    def run(self, source: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Start a process and wait for its end."""
        return self.end(self.start(source, *words, **variables))

    def is_running(self, process: int) -> bool:
        """Return if a process has not ended."""
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
        except OSError:
            return False

    def _answer(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        return self._process.stdout.readline()
