"""An array task without a queue: undisturbed, and asked to stop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cluster.campaigns import (
    FAKE,
    assert_undisturbed,
    at_look,
    ending,
    key_of,
    lease,
    made,
    until,
    write_attempt,
)

from qvar.cluster import array_task
from qvar.cluster.array_task import run_array_task
from qvar.records.run_tables import look_at_shard
from qvar.runs import task_loop
from qvar.runs.leases import Lease
from qvar.runs.stop import DEADLINE, Stop, listening
from qvar.runs.task_loop import STOPPED
from qvar.task import Row

pytestmark = pytest.mark.usefixtures("without_pages_or_queue")

LONG = ("--number", "2", "--steps", "900")
"""Two trainings, each of which is asked at least fifteen times whether to stop."""


@pytest.fixture
def scontrol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A Slurm of which nothing is there but a command that notes its arguments."""
    program, noted = tmp_path / "bin" / "scontrol", tmp_path / "scontrol.txt"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {noted}\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("QVAR_QUEUE", "slurm")
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "71")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "4")
    monkeypatch.setenv("SLURM_JOB_ID", "75")
    return lambda: noted.read_text(encoding="utf-8").splitlines() if noted.exists() else []


def sends(number: signal.Signals) -> Callable[[Stop, Lease], None]:
    """Sends this process a signal and waits until it is known."""

    def act(stop: Stop, _: Lease) -> None:
        os.kill(os.getpid(), number)
        until(lambda: stop.asked)

    return act


# ---------------------------------------------------------------------------------------------------------------------
# Undisturbed


def test_an_array_task_does_its_tasks_and_no_others(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", "--number", "3", pack=2)
    assert run_array_task(campaign, 1) == 0
    assert [ending(campaign, label) for label in ("t0", "t1", "t2")] == ["done", "done", ""]
    assert run_array_task(campaign, 2) == 0
    assert run_array_task(campaign, 1) == 0  # there is nothing left
    assert [ending(campaign, label) for label in ("t0", "t1", "t2")] == ["done"] * 3
    assert_undisturbed(campaign)
    assert sorted(path.name for path in campaign.run.tasks.iterdir()) == sorted(
        f"{line.key}.parquet" for line in campaign.tasks
    )
    assert not list(campaign.path.glob("state/*/checkpoint-*"))


def test_a_task_of_two_points_is_done_once_and_belongs_to_both(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", sweeps=("number=1:2", "shift=0,0.5"))
    assert [(line.label, line.points) for line in campaign.tasks] == [
        ("t0", ("number=1,shift=0", "number=2,shift=0")),
        ("t0", ("number=1,shift=0.5", "number=2,shift=0.5")),
        ("t1", ("number=2,shift=0",)),
        ("t1", ("number=2,shift=0.5",)),
    ]
    assert run_array_task(campaign, 1) == 0
    assert len(list(campaign.path.glob("state/*/lease.json"))) == 4
    assert_undisturbed(campaign)


def test_without_a_number_all_is_done_but_tasks_of_other_processes(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", case=FAKE, pack=1)
    write_attempt(campaign, "ry x2", 1, age_s=3.0)
    assert run_array_task(campaign, None) == 0
    assert [ending(campaign, line.label) for line in campaign.tasks] == ["done", "running", "done", "done"]
    write_attempt(campaign, "ry x2", 1, age_s=91.0)  # nine heartbeats of ten seconds were missed
    assert run_array_task(campaign, None) == 0
    assert ending(campaign, "ry x2") == "done 2"
    assert_undisturbed(campaign)


def test_a_task_that_raises_is_a_row_and_stops_no_other(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", "--contenders", "broken", "uccsd", case=FAKE)
    assert run_array_task(campaign, 1) == 0
    assert ending(campaign, "broken") == "failed"
    assert lease(campaign, "broken")["message"] == "RuntimeError: the matrix is singular"
    assert_undisturbed(campaign)


@pytest.mark.parametrize("damage", [lambda shard: shard[:-9], lambda shard: shard[:400] + b"\xff" + shard[401:]])
def test_a_damaged_shard_is_made_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    campaign = made(tmp_path / "c", case=FAKE)
    assert run_array_task(campaign, 1) == 0
    shard = campaign.run.shard(key_of(campaign, "uccsd"))
    shard.write_bytes(damage(shard.read_bytes()))
    assert look_at_shard(shard).rows is None
    assert run_array_task(campaign, 1) == 0
    assert (ending(campaign, "uccsd"), ending(campaign, "ry x1")) == ("done 2", "done")
    assert_undisturbed(campaign)


# ---------------------------------------------------------------------------------------------------------------------
# Asked to stop


def test_stopped_at_its_own_deadline_again_and_again_it_ends_as_if_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = made(tmp_path / "c", *LONG)
    statuses: list[int] = []

    ahead = [0.0]
    clock = SimpleNamespace(time=lambda: time.time() + ahead[0], monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr("qvar.runs.stop.time", clock)

    def passes(stop: Stop, _: Lease) -> None:
        ahead[0] = 2000.0
        until(lambda: stop.asked)

    at_look(monkeypatch, passes, 4, 5, 11, 20, 21, 24, 30)
    leases: dict[tuple[str, int], dict[str, Any]] = {}
    while not statuses or statuses[-1] == STOPPED:
        ahead[0] = 0.0
        monkeypatch.setenv(DEADLINE, str(time.time() + 1000))
        statuses.append(run_array_task(campaign, 1))
        leases |= {
            (label, lease(campaign, label)["attempt"]): lease(campaign, label)
            for label in ("t0", "t1")
            if ending(campaign, label)
        }
    assert statuses[-1] == 0
    assert len(statuses) == 8
    stopped = [one for one in leases.values() if one["ending"] == "stopped"]
    assert 4 <= len(stopped) <= 7  # one between two tasks stops none
    assert {one["message"] for one in stopped} == {"the time limit is near"}
    assert {one["ending"] for one in leases.values()} == {"done", "stopped"}
    assert any(one["kept"] > 0 for one in stopped)
    # each step is kept once: an attempt that had no time for one kept none
    assert sum(one["kept"] for one in leases.values()) == 2 * 900
    assert_undisturbed(campaign)


def test_after_a_signal_of_slurm_it_goes_back_once_as_an_array_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    at_look(monkeypatch, sends(signal.SIGUSR1), 3)
    assert run_array_task(campaign, 1) == STOPPED
    assert scontrol() == ["requeue 71_4"]
    assert (ending(campaign, "t0"), ending(campaign, "t1")) == ("stopped", "")
    content = lease(campaign, "t0")
    assert (content["queue"], content["job"], content["number"]) == ("slurm", "71", 4)
    assert (content["message"], content["kept"] > 0) == ("signal SIGUSR1", True)
    assert run_array_task(campaign, 1) == 0
    assert scontrol() == ["requeue 71_4"]
    assert_undisturbed(campaign)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_for_good_it_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]], number: signal.Signals
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    at_look(monkeypatch, sends(number), 3)
    assert run_array_task(campaign, 1) == STOPPED
    assert (scontrol(), ending(campaign, "t0")) == ([], "stopped")
    assert run_array_task(campaign, 1) == 0
    assert_undisturbed(campaign)


def test_after_a_signal_when_all_is_done_it_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", "--contenders", "uccsd", case=FAKE, queue="slurm")
    real = task_loop.plain_rows

    def rows_at_last(rows: object, *columns: Any) -> list[Row]:
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0.2)
        return real(rows, *columns)

    monkeypatch.setattr(task_loop, "plain_rows", rows_at_last)
    assert run_array_task(campaign, 1) == 0
    assert (ending(campaign, "uccsd"), scontrol()) == ("done", [])


def test_work_without_a_number_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    at_look(monkeypatch, sends(signal.SIGUSR1), 3)
    assert (run_array_task(campaign, None), scontrol()) == (STOPPED, [])


def test_a_queue_that_puts_it_back_by_itself_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]], capsys: pytest.CaptureFixture
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    with (tmp_path / "bin" / "scontrol").open("a") as file:
        file.write("echo 'Requested operation is presently disabled' >&2; exit 1\n")
    at_look(monkeypatch, sends(signal.SIGUSR1), 3, 6)
    assert run_array_task(campaign, 1) == STOPPED
    assert "not put back: Requested operation is presently disabled" in capsys.readouterr().out
    monkeypatch.setenv("PATH", "/nowhere")
    assert run_array_task(campaign, 1) == STOPPED
    assert "not put back, `qvar submit --resume` does it: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("queue", "environment", "status"),
    [
        ("grid_engine", {"JOB_ID": "7", "SGE_TASK_ID": "1"}, 99),
        ("lsf", {"LSB_JOBID": "7", "LSB_JOBINDEX": "1"}, 99),
        ("pbs", {"PBS_JOBID": "7[1].server", "PBS_ARRAY_INDEX": "1"}, STOPPED),
        ("local", {}, STOPPED),
    ],
)
def test_other_queues_take_it_back_by_its_exit_status_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queue: str, environment: dict[str, str], status: int
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    campaign = made(tmp_path / "c", *LONG, queue=queue)
    at_look(monkeypatch, sends(signal.SIGUSR2), 3)
    assert run_array_task(campaign, 1) == status
    assert (lease(campaign, "t0")["kept"] > 0, "job" in lease(campaign, "t0")) == (True, bool(environment))


def impatient(
    cancelled: Callable[[], bool], patience_s: float, overdue: Callable[[Stop], None]
) -> AbstractContextManager[Stop]:
    assert patience_s == 105.0  # the warning comes 120 s before the end
    return listening(cancelled, 0.1, overdue)


def test_a_long_step_is_put_back_meanwhile_and_not_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    def in_a_long_step(stop: Stop, _: Lease) -> None:
        sends(signal.SIGUSR1)(stop, _)
        until(scontrol)

    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    monkeypatch.setattr(array_task, "listening", impatient)
    at_look(monkeypatch, in_a_long_step, 3)
    assert run_array_task(campaign, 1) == STOPPED
    assert scontrol() == ["requeue 71_4"]


def test_a_long_step_ends_the_process_if_its_exit_status_puts_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []

    def in_a_long_step(stop: Stop, _: Lease) -> None:
        sends(signal.SIGUSR1)(stop, _)
        until(lambda: left)

    monkeypatch.setenv("JOB_ID", "7")
    monkeypatch.setenv("SGE_TASK_ID", "1")
    campaign = made(tmp_path / "c", *LONG, queue="grid_engine")
    monkeypatch.setattr(array_task, "listening", impatient)
    monkeypatch.setattr(array_task.os, "_exit", left.append)
    at_look(monkeypatch, in_a_long_step, 3)
    assert run_array_task(campaign, 1) == 99
    assert left == [99]


def test_an_attempt_that_keeps_nothing_goes_back_once_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]], capsys: pytest.CaptureFixture
) -> None:
    campaign = made(tmp_path / "c", "--number", "1", queue="slurm")
    for number in range(1, 4):  # asked before the first step
        with monkeypatch.context() as patched:
            at_look(patched, sends(signal.SIGUSR1), 1)
            assert run_array_task(campaign, 1) == STOPPED
        assert (lease(campaign, "t0")["attempt"], lease(campaign, "t0")["kept"]) == (number, 0)
        assert len(scontrol()) == 1
    assert "reached no step that could be kept; it needs a longer time limit" in capsys.readouterr().out
    with monkeypatch.context() as patched:  # one that gets further may go back again
        at_look(patched, sends(signal.SIGUSR1), 3)
        assert run_array_task(campaign, 1) == STOPPED
    assert len(scontrol()) == 2
    assert run_array_task(campaign, 1) == 0
    assert_undisturbed(campaign)


def test_work_that_is_no_training_stops_at_its_progress_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", case=FAKE, queue="slurm")
    monkeypatch.setattr(task_loop, "_PATIENCE_S", 0.0)
    real_report, real_ask, requests = Lease.report, Stop.ask, list[str]()

    def ask(stop: Stop, reason: str, again: bool) -> None:
        real_ask(stop, reason, again)
        requests.append(reason)

    def report(lease: Lease, **words: object) -> None:
        real_report(lease, **words)
        if words["done"] == 2 and ending(campaign, "ry x2") == "running":
            os.kill(os.getpid(), signal.SIGUSR1)
            until(lambda: requests)

    with monkeypatch.context() as patched:
        patched.setattr(Lease, "report", report)
        patched.setattr(Stop, "ask", ask)
        assert run_array_task(campaign, 1) == STOPPED
    assert (ending(campaign, "ry x1"), ending(campaign, "ry x2")) == ("done", "stopped")
    assert scontrol() == ["requeue 71_4"]
    assert run_array_task(campaign, 1) == 0
    assert_undisturbed(campaign)


def test_a_cancelled_campaign_stops_and_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")

    def cancels(stop: Stop, _: Lease) -> None:
        campaign.cancelled.touch()
        until(lambda: stop.asked)

    at_look(monkeypatch, cancels, 5)
    assert run_array_task(campaign, 1) == STOPPED
    assert (ending(campaign, "t0"), scontrol()) == ("stopped", [])
    assert lease(campaign, "t0")["message"] == "the campaign was cancelled"
    campaign.cancelled.unlink()
    assert run_array_task(campaign, 1) == 0
    assert_undisturbed(campaign)
