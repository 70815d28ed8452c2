"""A campaign in processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from cluster.campaigns import FAKE, SLOW, assert_undisturbed, endings, key_of, made, told, until

from qvar.cli.main import main
from qvar.cluster import local
from qvar.cluster.array_task import DISK, MOST_DEATHS, STOPPED
from qvar.cluster.campaign import Campaign, open_campaign
from qvar.cluster.local import work_here


@pytest.fixture(autouse=True)
def without_pages_or_waiting(without_pages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvar.cluster.collect.write_report", lambda run: None)
    monkeypatch.setattr(local, "_LOOK_S", 0.02)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return made(tmp_path / "c", case=FAKE)


Started = list["subprocess.Popen[bytes]"]


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Started]:
    """Shells in place of workers, which do this, the n-th one the n-th thing and all later ones the last."""
    real = subprocess.Popen

    def set_up(*scripts: str) -> Started:
        started: Started = []

        def popen(command: list[str], **words: object) -> subprocess.Popen[bytes]:
            assert command[1:5] == ["-m", "qvar", "run", "--campaign"]
            process = real(["sh", "-c", scripts[min(len(started), len(scripts) - 1)]], **words)  # pyright: ignore[reportCallIssue, reportArgumentType]
            started.append(process)
            return process

        monkeypatch.setattr(local.subprocess, "Popen", popen)
        return started

    return set_up


@pytest.mark.parametrize(
    ("scripts", "status", "number"),
    [
        (("exit 0",), 0, 2),
        (("exit 0", f"exit {DISK}"), DISK, 2),
        ((f"exit {STOPPED}", "exit 0"), STOPPED, 2),  # the campaign was cancelled
        (("exit 2",), 0, 2),  # each would say the same sentence again
        (("kill -9 $$", "exit 0"), 0, 3),
        (("exit 0", "exit 1", "kill -11 $$", "exit 0"), 0, 4),
        (("kill -9 $$",), 0, 2 + 4 * MOST_DEATHS),  # so often each of the four tasks may kill one
    ],
)
def test_who_dies_is_replaced_and_who_ends_is_not(
    campaign: Campaign, shells: Callable[..., Started], scripts: tuple[str, ...], status: int, number: int
) -> None:
    started = shells(*scripts)
    assert work_here(campaign, 2, progress=False) == status
    assert len(started) == number
    assert len(list(campaign.logs.iterdir())) == number


def test_there_are_no_more_workers_than_tasks(campaign: Campaign, shells: Callable[..., Started]) -> None:
    started = shells("exit 0")
    assert work_here(campaign, 9, progress=False) == 0
    assert len(started) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wish_to_end_is_passed_on_and_nobody_replaced(
    campaign: Campaign, shells: Callable[..., Started], number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    waits = f"touch {campaign.path}/ready.$$; for at in $(seq 200); do sleep 0.05; done"
    started = shells(f"trap 'exit 75' TERM; {waits}", f"trap 'kill -9 $$' TERM; {waits}")

    def ask() -> None:
        try:
            until(lambda: len(list(campaign.path.glob("ready.*"))) == 2)
        finally:
            os.kill(os.getpid(), number)

    thread = threading.Thread(target=ask)
    thread.start()
    assert work_here(campaign, 2, progress=False) == STOPPED
    thread.join()
    assert sorted(process.returncode for process in started) == [-9, 75]
    assert signal.getsignal(number) is before


def test_no_worker_outlives_a_fault(
    campaign: Campaign, shells: Callable[..., Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Campaign) -> None:
        raise MemoryError

    started = shells("sleep 60")
    monkeypatch.setattr(local, "survey", broken)
    with pytest.raises(MemoryError):
        work_here(campaign, 2, progress=True)
    assert [process.returncode for process in started] == [-9, -9]


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
    assert [endings(campaign, line.label) for line in campaign.tasks] == [
        ["done"], ["running", "done"], ["done"], ["failed"],
    ]  # fmt: skip
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
    (campaign.state(key_of(campaign, "ry x1"))).write_text("in the way", encoding="utf-8")
    assert main(["submit", "--resume", str(campaign.path), "--no-progress"]) == DISK
    assert f"not all was done; go on with: qvar submit --resume {campaign.path}" in capfd.readouterr().err
    assert len(list(campaign.run.tasks.iterdir())) == 3


def test_after_ctrl_c_it_goes_on_as_if_nothing_had_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = (str(SLOW), "--number", "2", "--steps", "1300", "--pause", "0.1", "--checkpoint", "1s", "--out", "c")
    command = [sys.executable, "-m", "qvar", "submit", *words, "--queue", "local", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: list(tmp_path.glob("c/state/*/checkpoint-*.npz")), 60)
            until(lambda: len(list(tmp_path.glob("c/state/*/attempt-*.json"))) >= 2, 60)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == STOPPED, errors
    assert errors.endswith("qvar: not all was done; go on with: qvar submit --resume c\n")
    campaign = open_campaign("c")
    stopped = [one for line in campaign.tasks for one in told(campaign, line.label) if one["ending"] == "stopped"]
    assert stopped
    assert any(one["kept"] > 0 for one in stopped)
    assert {one["message"] for one in stopped} == {"signal SIGTERM"}
    assert "running" not in [ending for line in campaign.tasks for ending in endings(campaign, line.label)]
    assert not campaign.run.ledger.exists()
    assert main(["submit", "--resume", "c", "--no-progress"]) == 0
    assert {endings(campaign, line.label)[-1] for line in campaign.tasks} == {"done"}
    assert_undisturbed(campaign)
