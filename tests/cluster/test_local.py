"""A campaign in processes of this machine."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cluster.campaigns import FAKE, SLOW, assert_undisturbed, ending, key_of, lease, made, until

from qvar.cli.main import main
from qvar.cluster import local
from qvar.cluster.campaign import Campaign, open_campaign
from qvar.cluster.local import work_here
from qvar.runs import local_pool
from qvar.runs.local_pool import Ended, work_in_processes
from qvar.runs.task_loop import DISK, MOST_DEATHS, STOPPED


@pytest.fixture(autouse=True)
def without_pages_or_waiting(without_pages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvar.cluster.collect.write_report", lambda run: None)
    monkeypatch.setattr(local_pool, "_LOOK_S", 0.02)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return made(tmp_path / "c", case=FAKE)


def ends(script: str) -> bytes:
    """Work of a process in place of a campaign's: these statements, in which `n` counts the processes from 0."""
    count = (
        "import os, re, signal, sys, time; n = int(re.search(r'_(\\d+).log$', os.readlink('/proc/self/fd/1'))[1]) - 1"
    )
    return pickle.dumps(partial(exec, f"{count}\n{script}"))


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Ended]]:
    """Lets processes do something else than a campaign's tasks; gives how they ended."""
    real = work_in_processes

    def set_up(script: str) -> list[Ended]:
        seen: list[Ended] = []

        def pool(work: bytes, workers: int, look: Callable[[], None], **words: Any) -> Ended:
            seen.append(real(ends(script), workers, look, **words))
            return seen[-1]

        monkeypatch.setattr(local, "work_in_processes", pool)
        return seen

    return set_up


@pytest.mark.parametrize(
    ("script", "status", "number"),
    [
        ("", 0, 2),
        (f"sys.exit({DISK} * (n == 1))", DISK, 2),
        (f"sys.exit({STOPPED} * (n == 0))", STOPPED, 2),  # the campaign was cancelled
        ("sys.exit(2)", 0, 2),  # each would print the same sentence again
        ("if n == 0: os.kill(os.getpid(), 9)", 0, 3),
        ("if n == 1: sys.exit(1)\nif n == 2: os.kill(os.getpid(), 11)", 0, 4),
    ],
)
def test_a_killed_process_is_replaced_and_one_that_ends_is_not(
    campaign: Campaign, does: Callable[[str], list[Ended]], script: str, status: int, number: int
) -> None:
    seen = does(script)
    assert work_here(campaign, 2, progress=False) == status
    assert len(seen[0].statuses) == number
    assert len(list(campaign.logs.iterdir())) == number


def test_processes_are_not_replaced_for_ever(tmp_path: Path, does: Callable[[str], list[Ended]]) -> None:
    campaign = made(tmp_path / "one", "--contenders", "uccsd", case=FAKE)
    seen = does("os.kill(os.getpid(), 9)")
    assert work_here(campaign, 2, progress=False) == 0
    assert seen[0].statuses == [-9] * (1 + MOST_DEATHS)  # so often the task may kill one


def test_there_are_no_more_workers_than_tasks(campaign: Campaign, does: Callable[[str], list[Ended]]) -> None:
    seen = does("")
    assert work_here(campaign, 9, progress=False) == 0
    assert len(seen[0].statuses) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_end_is_passed_on_and_no_process_replaced(
    campaign: Campaign, does: Callable[[str], list[Ended]], number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    seen = does(
        "end = (lambda *_: os.kill(os.getpid(), 9)) if n else (lambda *_: sys.exit(75))\n"
        f"signal.signal(signal.SIGTERM, end)\nopen(f'{campaign.path}/ready.{{n}}', 'w').close()\ntime.sleep(200)"
    )

    def ask() -> None:
        try:
            until(lambda: len(list(campaign.path.glob("ready.*"))) == 2)
        finally:
            os.kill(os.getpid(), number)

    thread = threading.Thread(target=ask)
    thread.start()
    assert work_here(campaign, 2, progress=False) == STOPPED
    thread.join()
    assert sorted(seen[0].statuses) == [-9, 75]
    assert signal.getsignal(number) is before


def test_no_worker_outlives_a_fault(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise MemoryError

    started: list[Any] = []
    context = get_context("spawn")
    real = context.Process.start
    monkeypatch.setattr(context.Process, "start", lambda process: (real(process), started.append(process.pid))[0])
    with pytest.raises(MemoryError):
        work_in_processes(ends("time.sleep(60)"), 2, broken, logs=campaign.logs)
    assert len(started) == 2
    assert not any(Path(f"/proc/{process}/cwd").exists() for process in started)


DYING = '''
import os, signal
from dataclasses import dataclass
from pathlib import Path

from qvar.task import Task, task_key


@dataclass(frozen=True)
class Some:
    name: str = "some"

    def tasks(self):
        return [Task(task_key({"label": label}), label, self.work(label)) for label in ("a", "dies", "b", "broken")]

    def work(self, label):
        def run(report):
            mark = Path(__file__).with_name("died")
            if label == "dies" and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if label == "broken":
                raise RuntimeError("the matrix is singular")
            return [{"contender": label, "status": "converged", "value": 1.5}]

        return run


def case() -> Some:
    """Four tasks, of which one kills its process."""
    return Some()
'''


def test_two_workers_do_all_and_go_on_where_one_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dying_case.py").write_text(DYING, encoding="utf-8")
    assert main(["submit", "dying_case.py", "--queue", "local", "--workers", "2", "--out", "c"]) == 0
    campaign = open_campaign("c")
    assert [ending(campaign, line.label) for line in campaign.tasks] == ["done", "done 2", "done", "failed"]
    assert len(list(campaign.logs.iterdir())) == 3
    assert "4 of 4 tasks are done, 1 of them failed" in capfd.readouterr().err
    ledger = pd.read_parquet(campaign.run.ledger)
    assert ledger["contender"].tolist() == ["a", "dies", "b", "broken"]
    assert ledger["status"].tolist() == ["converged"] * 3 + ["failed"]
    assert main(["submit", "--resume", "c"]) == 0
    assert "all is done (4 tasks); 1 of them failed" in capfd.readouterr().out


def test_a_result_that_cannot_be_written_is_the_exit_status(
    tmp_path: Path, campaign: Campaign, capfd: pytest.CaptureFixture
) -> None:
    (campaign.run.state(key_of(campaign, "ry x1"))).write_text("in the way", encoding="utf-8")
    assert main(["submit", "--resume", str(campaign.path), "--no-progress"]) == DISK
    assert f"not all was done; continue with: qvar submit --resume {campaign.path}" in capfd.readouterr().err
    assert len(list(campaign.run.tasks.iterdir())) == 3


def test_after_ctrl_c_it_goes_on_as_if_nothing_had_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = (str(SLOW), "--number", "2", "--steps", "1300", "--pause", "0.2", "--go", "go", "--checkpoint", "1s",
             "--out", "c")  # fmt: skip
    command = [sys.executable, "-m", "qvar", "submit", *words, "--queue", "local", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: list(tmp_path.glob("c/state/*/checkpoint-*.npz")))
            until(lambda: len([path for path in tmp_path.glob("c/state/*/lease.json") if path.read_text()]) >= 2)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode == STOPPED, errors
    assert errors.endswith("qvar: not all was done; continue with: qvar submit --resume c\n")
    campaign = open_campaign("c")
    leases = [lease(campaign, line.label) for line in campaign.tasks]
    stopped = [one for one in leases if one["ending"] == "stopped"]
    assert stopped
    assert any(one["kept"] > 0 for one in stopped)
    assert {one["message"] for one in stopped} == {"signal SIGTERM"}
    assert "running" not in [one["ending"] for one in leases]
    assert not campaign.run.ledger.exists()
    Path("go").touch()
    assert main(["submit", "--resume", "c", "--no-progress", "--workers", "1"]) == 0
    assert {lease(campaign, line.label)["ending"] for line in campaign.tasks} == {"done"}
    assert_undisturbed(campaign)
