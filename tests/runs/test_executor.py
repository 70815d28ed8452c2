"""Several tasks at a time, in processes of their own."""

import contextlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import qvar
from qvar.cli.main import main
from qvar.runs.local_pool import work_in_processes
from qvar.runs.runner import run
from qvar.task import Reporter, Row, Task

pytestmark = pytest.mark.usefixtures("without_pages")

CASE = '''
"""Numbers and their squares."""
import os
from dataclasses import dataclass
from functools import partial

from qvar.task import Task


def square(number, report):
    if number == 3:
        raise ValueError("three is not squared")
    return [{"contender": f"{number}", "status": "measured", "value": float(number**2), "message": str(os.getpid())}]


@dataclass(frozen=True)
class Squares:
    most: int
    name: str = "squares"

    def tasks(self):
        return [Task(f"square-{n}", f"{n}", partial(square, n)) for n in range(self.most)]


def case(most: int = 5):
    """Squares numbers.

    Args:
        most: how many.
    """
    return Squares(most)
'''


def test_the_ledger_is_that_of_one_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "squares.py"
    case.write_text(CASE)
    assert main(["run", str(case), "--out", str(tmp_path / "two"), "--workers", "2"]) == 0
    text = capsys.readouterr().err
    assert all(f"{n + 1}/5 {n}: " in text for n in range(5))
    assert main(["run", str(case), "--out", str(tmp_path / "one")]) == 0
    two: Any = pd.read_csv(tmp_path / "two" / "ledger.csv")
    one: Any = pd.read_csv(tmp_path / "one" / "ledger.csv")
    assert list(two["value"].dropna()) == [0.0, 1.0, 4.0, 16.0]
    pd.testing.assert_frame_equal(two.drop(columns="message"), one.drop(columns="message"))
    assert two["message"][3] == one["message"][3] == "ValueError: three is not squared"
    assert str(os.getpid()) not in set(two["message"])
    assert str(os.getpid()) in set(one["message"])


def test_what_is_done_is_not_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, out = tmp_path / "squares.py", tmp_path / "run"
    case.write_text(CASE)
    assert main(["run", str(case), "--out", str(out), "--no-progress"]) == 0
    for name in ("square-1", "square-4"):
        (out / "tasks" / f"{name}.parquet").unlink()
    assert main(["run", str(case), "--out", str(out), "--resume", "--workers", "2"]) == 0
    assert "3 of 5 tasks are there already." in capsys.readouterr().err
    table: Any = pd.read_csv(out / "ledger.csv")
    messages = table["message"]
    here = str(os.getpid())
    assert [message == here for message in messages] == [True, False, True, False, False]
    assert json.loads((out / "case.json").read_text())["arguments"] == {"most": 5}


class _Deadly:
    name = "deadly"

    def tasks(self) -> list[Task]:
        return [Task(f"end-{n}", f"{n}", partial(_end, n)) for n in range(2)]


def _end(number: int, report: Reporter) -> list[Row]:
    os._exit(9)


WRITE_WHEN_LOOKED_AT = """
import time
from pathlib import Path

while not Path("looked at").exists():
    time.sleep(0.01)
Path("result").touch()
"""


def test_the_last_look_is_after_the_last_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that is written during a look at the results, by a process that ends before that look does."""
    monkeypatch.chdir(tmp_path)
    seen = []

    def look() -> None:
        seen.append(Path("result").exists())
        if not seen[-1]:
            Path("looked at").touch()
            end = time.monotonic() + 180
            while multiprocessing.active_children():
                assert time.monotonic() < end
                time.sleep(0.01)

    ended = work_in_processes(pickle.dumps(partial(exec, WRITE_WHEN_LOOKED_AT)), 1, look)
    assert (ended.statuses, seen) == ([0], [False, True])


def test_a_killed_process_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(qvar.QvarError, match=r"^`workers` must be few enough .* resume=True finishes what is left"):
        run(_Deadly(), tmp_path / "run", progress=False, workers=2, remake=_Deadly)


SLEEPING = CASE.replace("    if number == 3:", "    import time\n\n    time.sleep(60)\n    if number == 3:")


def descendants(process: int) -> set[int]:
    """Numbers of the living processes below one."""
    above: dict[int, int] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    above[int(place.name)] = int(parent)
    found = {process}
    while more := {one for one, parent in above.items() if parent in found} - found:
        found |= more
    return found - {process}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_processes_end_with_the_run_that_is_killed(tmp_path: Path) -> None:
    case = tmp_path / "sleeping.py"
    case.write_text(SLEEPING)
    words = [sys.executable, "-m", "qvar", "run", str(case), "--workers", "2", "--out", str(tmp_path / "run")]
    children: set[int] = set()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            end = time.monotonic() + 180
            while len(children := descendants(process.pid)) < 3:  # two, and the tracker of what they share
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.02)
            process.kill()
            end = time.monotonic() + 60
            process.communicate(timeout=60)  # the pipe is held by none of them
            while any(Path(f"/proc/{child}/cwd").exists() for child in children):
                assert time.monotonic() < end
                time.sleep(0.02)
        finally:
            for one in (process.pid, *children):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)


def test_a_case_that_fails_in_another_process_alone_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "squares.py"
    failing = "import multiprocessing, sys\n\nif multiprocessing.parent_process() is not None:\n    sys.exit(0)\n"
    case.write_text(failing + CASE)
    assert main(["run", str(case), "--out", str(tmp_path / "run"), "--workers", "2", "--no-progress"]) == 2
    assert f"qvar: `CASE` {case} could not be loaded: SystemExit: 0 (line 4).\n" == capsys.readouterr().err


def test_mistakes_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "squares.py"
    case.write_text(CASE)
    for wrong, words in (("0", "be at least 1, but is 0"), ("many", "be an int, but is 'many'")):
        assert main(["run", str(case), "--out", str(tmp_path / "run"), "--workers", wrong]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    with pytest.raises(qvar.QvarError, match=r"^`remake` must be a function"):
        run(_Deadly(), tmp_path / "run", workers=2)
    with pytest.raises(qvar.QvarError, match=r"^`remake` must be a function that can be pickled, but: "):
        run(_Deadly(), tmp_path / "run", workers=2, remake=lambda: _Deadly())
