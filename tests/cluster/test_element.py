"""What an array element does, whatever happens to it, without a queue."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cluster.campaigns import (
    FAKE,
    SLOW,
    assert_undisturbed,
    at_look,
    endings,
    key_of,
    made,
    told,
    until,
    write_attempt,
)

from qvar.cluster import element
from qvar.cluster.campaign import Campaign, open_campaign
from qvar.cluster.claims import Claim, Ending, claim, owner
from qvar.cluster.element import DISK, MOST_DEATHS, STOPPED, run_element
from qvar.cluster.status import Condition, survey
from qvar.cluster.stop import DEADLINE, Stop, listening
from qvar.errors import QvarError
from qvar.runs.record import read_shard, write_shard
from qvar.task import Row

LONG = ("--number", "2", "--steps", "900")
"""Two trainings, each of which is asked at least fifteen times whether to stop."""


@pytest.fixture(autouse=True)
def without_pages_or_queue(without_pages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvar.cluster.collect.write_report", lambda run: None)
    monkeypatch.setattr("qvar.cluster.stop._LOOK_S", 0.02)
    for name in (DEADLINE, "QVAR_QUEUE", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


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


def sends(number: signal.Signals) -> Callable[[Stop, Claim], None]:
    """Sends this process a signal and waits until it is known."""

    def act(stop: Stop, _: Claim) -> None:
        os.kill(os.getpid(), number)
        until(lambda: stop.asked)

    return act


# ---------------------------------------------------------------------------------------------------------------------
# Undisturbed


def test_an_element_does_its_line_and_no_other(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", "--number", "3", pack=2)
    assert run_element(campaign, 1) == 0
    assert [endings(campaign, label) for label in ("t0", "t1", "t2")] == [["done"], ["done"], []]
    assert run_element(campaign, 2) == 0
    assert run_element(campaign, 1) == 0  # there is nothing left
    assert [endings(campaign, label) for label in ("t0", "t1", "t2")] == [["done"]] * 3
    assert_undisturbed(campaign)
    assert sorted(path.name for path in campaign.run.tasks.iterdir()) == sorted(
        f"{line.key}.parquet" for line in campaign.tasks
    )
    assert not list(campaign.path.glob("state/*/checkpoint-*"))


def test_a_task_of_two_points_is_done_once_and_stands_at_both(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", sweeps=("number=1:2", "shift=0,0.5"))
    assert [(line.label, line.points) for line in campaign.tasks] == [
        ("t0", ("number=1,shift=0", "number=2,shift=0")),
        ("t0", ("number=1,shift=0.5", "number=2,shift=0.5")),
        ("t1", ("number=2,shift=0",)),
        ("t1", ("number=2,shift=0.5",)),
    ]
    assert run_element(campaign, 1) == 0
    assert len(list(campaign.path.glob("state/*/attempt-*"))) == 4
    assert_undisturbed(campaign)


def test_without_a_number_everything_is_done_but_what_others_are_at_work_on(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", case=FAKE, pack=1)
    write_attempt(campaign, "ry x2", 1, age_s=3.0)
    assert run_element(campaign, None) == 0
    assert [endings(campaign, line.label) for line in campaign.tasks] == [["done"], ["running"], ["done"], ["done"]]
    write_attempt(campaign, "ry x2", 1, age_s=91.0)  # nine heartbeats of ten seconds were missed
    assert run_element(campaign, None) == 0
    assert endings(campaign, "ry x2") == ["running", "done"]
    assert_undisturbed(campaign)


def test_a_task_that_raises_is_a_row_and_stops_no_other(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", "--contenders", "broken", "uccsd", case=FAKE)
    assert run_element(campaign, 1) == 0
    assert endings(campaign, "broken") == ["failed"]
    assert told(campaign, "broken")[0]["message"] == "RuntimeError: the matrix is singular"
    assert_undisturbed(campaign)


@pytest.mark.parametrize("damage", [lambda shard: shard[:-9], lambda shard: shard[:400] + b"\xff" + shard[401:]])
def test_a_damaged_shard_is_made_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    campaign = made(tmp_path / "c", case=FAKE)
    assert run_element(campaign, 1) == 0
    shard = campaign.run.shard(key_of(campaign, "uccsd"))
    shard.write_bytes(damage(shard.read_bytes()))
    assert read_shard(shard) is None
    assert run_element(campaign, 1) == 0
    assert (endings(campaign, "uccsd"), endings(campaign, "ry x1")) == (["done", "done"], ["done"])
    assert_undisturbed(campaign)


# ---------------------------------------------------------------------------------------------------------------------
# Asked to stop


def test_stopped_at_its_own_deadline_again_and_again_it_ends_as_if_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = made(tmp_path / "c", *LONG)
    statuses: list[int] = []

    def waits(stop: Stop, _: Claim) -> None:
        until(lambda: stop.asked or len(statuses) >= 7)

    at_look(monkeypatch, waits, 4, 5, 11, 20, 21, 24, 30)
    while not statuses or statuses[-1] == STOPPED:
        monkeypatch.setenv(DEADLINE, str(time.time() + (0.3 if len(statuses) < 7 else 1e6)))
        statuses.append(run_element(campaign, 1))
    assert statuses[-1] == 0
    assert len(statuses) >= 6
    ends = endings(campaign, "t0") + endings(campaign, "t1")
    assert ends.count("stopped") >= 4  # it may be told between two tasks too
    assert sorted(set(ends)) == ["done", "stopped"]
    stopped = [one for label in ("t0", "t1") for one in told(campaign, label) if one["ending"] == "stopped"]
    assert {one["message"] for one in stopped} == {"the time limit is near"}
    assert any(one["kept"] > 0 for one in stopped)
    # each step is kept once: an attempt that had no time for one kept none
    assert sum(attempt["kept"] for label in ("t0", "t1") for attempt in told(campaign, label)) == 2 * 900
    assert_undisturbed(campaign)


def test_told_by_slurm_it_goes_back_once_as_an_array_element(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    at_look(monkeypatch, sends(signal.SIGUSR1), 3)
    assert run_element(campaign, 1) == STOPPED
    assert scontrol() == ["requeue 71_4"]
    assert (endings(campaign, "t0"), endings(campaign, "t1")) == (["stopped"], [])
    told_ = told(campaign, "t0")[0]
    assert (told_["queue"], told_["job"], told_["number"]) == ("slurm", "71", 4)
    assert (told_["message"], told_["kept"] > 0) == ("signal SIGUSR1", True)
    assert run_element(campaign, 1) == 0
    assert scontrol() == ["requeue 71_4"]
    assert_undisturbed(campaign)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_for_good_it_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]], number: signal.Signals
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    at_look(monkeypatch, sends(number), 3)
    assert run_element(campaign, 1) == STOPPED
    assert (scontrol(), endings(campaign, "t0")) == ([], ["stopped"])
    assert run_element(campaign, 1) == 0
    assert_undisturbed(campaign)


def test_told_when_all_is_done_it_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", "--contenders", "uccsd", case=FAKE, queue="slurm")
    real = element.plain_rows

    def rows_at_last(rows: object) -> list[Row]:
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0.2)
        return real(rows)

    monkeypatch.setattr(element, "plain_rows", rows_at_last)
    assert run_element(campaign, 1) == 0
    assert (endings(campaign, "uccsd"), scontrol()) == (["done"], [])


def test_what_nobody_numbered_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    at_look(monkeypatch, sends(signal.SIGUSR1), 3)
    assert (run_element(campaign, None), scontrol()) == (STOPPED, [])


def test_a_queue_that_puts_it_back_by_itself_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]], capsys: pytest.CaptureFixture
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    with (tmp_path / "bin" / "scontrol").open("a") as file:
        file.write("echo 'Requested operation is presently disabled' >&2; exit 1\n")
    at_look(monkeypatch, sends(signal.SIGUSR1), 3, 6)
    assert run_element(campaign, 1) == STOPPED
    assert "not put back: Requested operation is presently disabled" in capsys.readouterr().out
    monkeypatch.setenv("PATH", "/nowhere")
    assert run_element(campaign, 1) == STOPPED
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
    assert run_element(campaign, 1) == status
    assert (told(campaign, "t0")[0]["kept"] > 0, "job" in told(campaign, "t0")[0]) == (True, bool(environment))


def impatient(
    cancelled: Callable[[], bool], patience_s: float, overdue: Callable[[Stop], None]
) -> AbstractContextManager[Stop]:
    assert patience_s == 105.0  # 120 s before the end it is told
    return listening(cancelled, 0.1, overdue)


def test_one_that_does_not_come_to_an_end_is_put_back_meanwhile_and_not_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    def in_a_long_step(stop: Stop, _: Claim) -> None:
        sends(signal.SIGUSR1)(stop, _)
        until(scontrol)

    campaign = made(tmp_path / "c", *LONG, queue="slurm")
    monkeypatch.setattr(element, "listening", impatient)
    at_look(monkeypatch, in_a_long_step, 3)
    assert run_element(campaign, 1) == STOPPED
    assert scontrol() == ["requeue 71_4"]


def test_one_that_does_not_come_to_an_end_leaves_where_its_exit_status_puts_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []

    def in_a_long_step(stop: Stop, _: Claim) -> None:
        sends(signal.SIGUSR1)(stop, _)
        until(lambda: left)

    monkeypatch.setenv("JOB_ID", "7")
    monkeypatch.setenv("SGE_TASK_ID", "1")
    campaign = made(tmp_path / "c", *LONG, queue="grid_engine")
    monkeypatch.setattr(element, "listening", impatient)
    monkeypatch.setattr(element.os, "_exit", left.append)
    at_look(monkeypatch, in_a_long_step, 3)
    assert run_element(campaign, 1) == 99
    assert left == [99]


def test_what_keeps_nothing_goes_back_once_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]], capsys: pytest.CaptureFixture
) -> None:
    campaign = made(tmp_path / "c", "--number", "1", queue="slurm")
    for number in range(1, 4):  # told before the first step
        with monkeypatch.context() as patched:
            at_look(patched, sends(signal.SIGUSR1), 1)
            assert run_element(campaign, 1) == STOPPED
        assert [attempt["kept"] for attempt in told(campaign, "t0")] == [0] * number
        assert len(scontrol()) == 1
    assert "reached no step that could be kept; it needs a longer time limit" in capsys.readouterr().out
    with monkeypatch.context() as patched:  # one that gets further may go back again
        at_look(patched, sends(signal.SIGUSR1), 3)
        assert run_element(campaign, 1) == STOPPED
    assert len(scontrol()) == 2
    assert run_element(campaign, 1) == 0
    assert_undisturbed(campaign)


def test_work_that_is_no_training_stops_where_it_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", case=FAKE, queue="slurm")
    monkeypatch.setattr(element, "_PATIENCE_S", 0.0)
    real_tell = Claim.tell

    def tell(claimed: Claim, **words: object) -> None:
        real_tell(claimed, **words)
        if words["done"] == 2 and len(endings(campaign, "ry x2")) == 1:
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.2)

    with monkeypatch.context() as patched:
        patched.setattr(Claim, "tell", tell)
        assert run_element(campaign, 1) == STOPPED
    assert (endings(campaign, "ry x1"), endings(campaign, "ry x2")) == (["done"], ["stopped"])
    assert scontrol() == ["requeue 71_4"]
    assert run_element(campaign, 1) == 0
    assert_undisturbed(campaign)


def test_a_cancelled_campaign_stops_and_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scontrol: Callable[[], list[str]]
) -> None:
    campaign = made(tmp_path / "c", *LONG, queue="slurm")

    def cancels(stop: Stop, _: Claim) -> None:
        campaign.cancelled.touch()
        until(lambda: stop.asked)

    at_look(monkeypatch, cancels, 5)
    assert run_element(campaign, 1) == STOPPED
    assert (endings(campaign, "t0"), scontrol()) == (["stopped"], [])
    assert told(campaign, "t0")[0]["message"] == "the campaign was cancelled"
    campaign.cancelled.unlink()
    assert run_element(campaign, 1) == 0
    assert_undisturbed(campaign)


# ---------------------------------------------------------------------------------------------------------------------
# Dead, stale, twice


def test_what_died_too_often_is_a_failed_row(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", case=FAKE)
    for number in range(1, MOST_DEATHS + 1):
        write_attempt(campaign, "ry x1", number, age_s=1e4)
        if number < MOST_DEATHS:
            write_attempt(campaign, "ry x2", number, age_s=1e4)
        write_attempt(campaign, "uccsd", number, age_s=1e4, kept=3 if number == 2 else 0)
    assert run_element(campaign, 1) == 0
    (row,) = read_shard(campaign.run.shard(key_of(campaign, "ry x1"))) or ()
    assert (row["contender"], row["status"]) == ("ry x1", "failed")
    assert row["message"] == f"It died {MOST_DEATHS} times without a word; see {campaign.logs}."
    assert endings(campaign, "ry x1")[-1] == "failed"
    assert endings(campaign, "ry x2")[-1] == endings(campaign, "uccsd")[-1] == "done"


def stale_and_newer(campaign: Campaign, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Claim], None]) -> int:
    """Runs an element of another machine, whose heart stops after some steps; then something happens meanwhile."""

    def heart_stops(_: Stop, claimed: Claim) -> None:
        claimed._over.set()
        claimed._thread.join()
        (path,) = campaign.state(key_of(campaign, "t0")).glob("attempt-*.json")
        os.utime(path, (time.time() - 1e4,) * 2)
        with monkeypatch.context() as here:
            here.undo()
            meanwhile(claimed)

    with monkeypatch.context() as far:
        far.setattr(element, "owner", lambda: owner() | {"host": "n9", "space": ""})
        at_look(far, heart_stops, 5)
        return run_element(campaign, 1)


def newer(campaign: Campaign) -> Claim:
    found = claim(campaign.state(key_of(campaign, "t0")), owner(), campaign.stale_s, campaign.beat_s)
    assert isinstance(found, Claim)
    return found


@pytest.fixture
def two(tmp_path: Path) -> Campaign:
    return made(tmp_path / "c", "--number", "1", "--steps", "900", every_s=0.0)


def test_a_stale_copy_that_wakes_when_the_newer_one_is_done_changes_nothing(
    two: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, seen = two.run.shard(key_of(two, "t0")), []

    def meanwhile(_: Claim) -> None:
        assert run_element(two, 1) == 0
        seen.append((shard.stat().st_ino, shard.stat().st_mtime_ns))

    assert stale_and_newer(two, monkeypatch, meanwhile) == 0
    assert endings(two, "t0") == ["outrun", "done"]
    assert seen == [(shard.stat().st_ino, shard.stat().st_mtime_ns)]
    assert not list(two.path.glob("state/*/checkpoint-*"))
    assert_undisturbed(two)


def test_a_stale_copy_that_does_not_stop_does_not_replace_a_result(
    two: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, seen = two.run.shard(key_of(two, "t0")), []

    def late(path: Path, rows: list[Row], once: bool) -> None:  # it has looked around, and then stands still
        with monkeypatch.context() as here:
            here.setattr(element, "write_shard", write_shard)
            here.setattr(element, "owner", owner)
            (attempt,) = path.parents[1].glob("state/*/attempt-*.json")
            os.utime(attempt, (time.time() - 1e4,) * 2)
            assert run_element(two, 1) == 0
        seen.append((shard.stat().st_ino, shard.stat().st_mtime_ns))
        write_shard(path, [{**row, "value": 7.0} for row in rows], once)

    with monkeypatch.context() as far:
        far.setattr(element, "owner", lambda: owner() | {"host": "n9", "space": ""})
        far.setattr(element, "write_shard", late)
        assert run_element(two, 1) == 0
    assert endings(two, "t0") == ["outrun", "done"]
    assert seen == [(shard.stat().st_ino, shard.stat().st_mtime_ns)]
    assert not [path for path in two.run.tasks.iterdir() if path != shard]
    assert_undisturbed(two)


def test_a_stale_copy_that_wakes_while_the_newer_one_is_at_work_writes_nothing(
    two: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    after: list[Claim] = []
    shard = two.run.shard(key_of(two, "t0"))
    before: list[dict[str, bytes]] = []

    def meanwhile(_: Claim) -> None:
        after.append(newer(two))
        before.append(checkpoints(two))

    def checkpoints(campaign: Campaign) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in campaign.path.glob("state/*/checkpoint-*")}

    assert stale_and_newer(two, monkeypatch, meanwhile) == 0
    assert endings(two, "t0") == ["outrun", "running"]
    assert not shard.exists()
    assert before == [checkpoints(two)]
    assert list(before[0]) == ["checkpoint-0000-0001.npz"]
    after[0].end(Ending.STOPPED)
    assert run_element(two, 1) == 0
    first, _, third = told(two, "t0")
    assert first["kept"] + third["kept"] == 900
    assert_undisturbed(two)


def test_a_stale_copy_that_ends_first_leaves_the_task_to_the_newer_one(
    two: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, after = two.run.shard(key_of(two, "t0")), []
    real = element.plain_rows

    def rows_at_last(rows: object) -> list[Row]:  # its training has ended when the newer attempt begins
        if not after:
            path = next(two.path.glob("state/*/attempt-0001.json"))
            os.utime(path, (time.time() - 1e4,) * 2)
            after.append(newer(two))
        return real(rows)

    with monkeypatch.context() as far:
        far.setattr(element, "owner", lambda: owner() | {"host": "n9", "space": ""})
        far.setattr(element, "plain_rows", rows_at_last)
        assert run_element(two, 1) == 0
    assert endings(two, "t0") == ["outrun", "running"]
    assert not shard.exists()
    after[0].end(Ending.STOPPED)
    assert run_element(two, 1) == 0
    assert endings(two, "t0") == ["outrun", "stopped", "done"]
    assert [attempt["kept"] for attempt in told(two, "t0")] == [900, 0, 0]  # the training had ended, and was kept
    assert_undisturbed(two)


def test_two_processes_at_the_same_element_of_which_one_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QVAR_HEARTBEAT", "0.15")
    campaign = made(tmp_path / "c", "--number", "3", "--steps", "1200", "--pause", "0.02", every_s=0.0)
    command = [sys.executable, "-m", "qvar", "run", "--campaign", str(campaign.path), "--index", "1"]
    processes = []

    def begin() -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        processes.append(process)
        return process

    try:
        first = begin()
        until(lambda: list(campaign.path.glob("state/*/checkpoint-*")), 60)
        first.send_signal(signal.SIGSTOP)
        second = begin()
        until(lambda: list(campaign.path.glob("state/*/attempt-0002.json")), 60)
        first.send_signal(signal.SIGCONT)
        said = [process.communicate(timeout=60)[0] for process in (first, second)]
        assert [process.returncode for process in (first, second)] == [0, 0], said
    finally:
        for process in processes:
            process.kill()
            process.wait()
    stood = next(line.label for line in campaign.tasks if len(endings(campaign, line.label)) > 1)
    assert endings(campaign, stood) == ["outrun", "done"]
    assert [endings(campaign, line.label) for line in campaign.tasks if line.label != stood] == [["done"]] * 2
    assert not list(campaign.path.glob("state/*/checkpoint-*"))
    assert_undisturbed(campaign)


# ---------------------------------------------------------------------------------------------------------------------
# Full disks


@pytest.fixture
def full_disk() -> Iterator[Callable[[bool], None]]:
    """Makes files larger than an attempt's fail, as they do on a disk without room, and lets them succeed again."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def switch(full: bool) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]) if full else before)

    yield switch
    switch(False)


def test_a_result_that_cannot_be_written_is_told_and_made_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_disk: Callable[[bool], None], capsys: pytest.CaptureFixture
) -> None:
    campaign = made(tmp_path / "c", "--contenders", "ry x1", "uccsd", case=FAKE)

    def write(path: Path, rows: list[Row], once: bool) -> None:
        full_disk(path.stem == key_of(campaign, "ry x1"))
        try:
            write_shard(path, rows, once)
        finally:
            full_disk(False)

    with monkeypatch.context() as patched:
        patched.setattr(element, "write_shard", write)
        assert run_element(campaign, 1) == DISK
    assert (endings(campaign, "ry x1"), endings(campaign, "uccsd")) == (["error"], ["done"])
    assert "ry x1 (point) could not be written: " in capsys.readouterr().err
    assert [path.stem for path in campaign.run.tasks.iterdir()] == [key_of(campaign, "uccsd")]
    (standing,) = survey(campaign).having(Condition.ERROR)
    assert standing.attempt is not None
    assert "File too large" in standing.attempt.told["message"]
    assert run_element(campaign, 1) == 0
    assert endings(campaign, "ry x1") == ["error", "done"]
    assert_undisturbed(campaign)


@pytest.mark.parametrize("patched", [("os.link", "os.replace"), ("os.fsync",)])
def test_no_room_for_a_name_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patched: tuple[str, ...]
) -> None:
    campaign = made(tmp_path / "c", "--contenders", "uccsd", case=FAKE)
    real = write_shard

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    def write(path: Path, rows: list[Row], once: bool) -> None:
        with monkeypatch.context() as disk:
            for name in patched:
                disk.setattr(f"qvar.whole_files.{name}", full)
            real(path, rows, once)

    monkeypatch.setattr(element, "write_shard", write)
    assert run_element(campaign, 1) == DISK
    assert told(campaign, "uccsd")[0]["message"] == "No space left on device"
    assert list(campaign.run.tasks.iterdir()) == []


def test_a_task_that_cannot_be_claimed_is_told_and_left(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    campaign = made(tmp_path / "c", "--contenders", "ry x1", "uccsd", case=FAKE)
    campaign.state(key_of(campaign, "ry x1")).write_text("in the way", encoding="utf-8")
    assert run_element(campaign, 1) == DISK
    assert "ry x1 (point) could not be written: File exists" in capsys.readouterr().err
    assert endings(campaign, "uccsd") == ["done"]


def test_work_goes_on_where_a_checkpoint_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_disk: Callable[[bool], None], capsys: pytest.CaptureFixture
) -> None:
    campaign = made(tmp_path / "c", "--number", "1", "--steps", "900", every_s=0.0)
    at_look(monkeypatch, lambda *_: full_disk(True), 3)
    real = element.plain_rows

    def rows_at_last(rows: object) -> list[Row]:
        full_disk(False)
        return real(rows)

    monkeypatch.setattr(element, "plain_rows", rows_at_last)
    assert run_element(campaign, 1) == 0
    said = capsys.readouterr().err
    assert said.count("qvar: no checkpoint, ") > 5
    assert said.count("could not be written: File too large") > 5
    assert endings(campaign, "t0") == ["done"]
    assert not list(campaign.path.glob("state/*/*npz*"))
    assert_undisturbed(campaign)


# ---------------------------------------------------------------------------------------------------------------------
# Other cases, other elements


def test_the_case_as_it_was_submitted_is_run(tmp_path: Path) -> None:
    source = tmp_path / "a_case.py"
    source.write_bytes(FAKE.read_bytes())
    campaign = made(tmp_path / "c", "--contenders", "uccsd", case=source)
    source.write_text("raise RuntimeError('edited in the meantime')\n", encoding="utf-8")
    assert run_element(campaign, 1) == 0
    source.write_bytes(FAKE.read_bytes())
    assert_undisturbed(campaign)
    again = made(tmp_path / "again", "--contenders", "uccsd", case=source)
    source.unlink()
    assert run_element(again, 1) == 0


def test_a_case_that_no_longer_makes_its_tasks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "env_case.py"
    words = 'contenders: tuple[str, ...] = ("ry x1", "ry x2", "ry+rz x1", "uccsd")'
    text = FAKE.read_text(encoding="utf-8")
    assert words in text
    changed = text.replace(words, 'contenders: tuple[str, ...] = (__import__("os").environ["CONTENDER"],)')
    source.write_text(changed, encoding="utf-8")
    monkeypatch.setenv("CONTENDER", "uccsd")
    campaign = made(tmp_path / "c", case=source)
    monkeypatch.setenv("CONTENDER", "ry x1")
    with pytest.raises(QvarError, match=r"`CASE` must make the tasks .*, but uccsd of point is not among them"):
        run_element(campaign, 1)
    assert endings(campaign, "uccsd") == ["error"]
    assert "uccsd of point is not" in told(campaign, "uccsd")[0]["message"]
    (standing,) = survey(campaign).standings
    assert standing.condition is Condition.ERROR
    monkeypatch.setenv("CONTENDER", "uccsd")
    assert run_element(campaign, 1) == 0


def test_an_element_that_is_none_is_told(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", case=FAKE, pack=2)
    for number in (0, 3, -1):
        with pytest.raises(QvarError, match=rf"`index` must be an element from 1 to 2, but is {number}\."):
            run_element(campaign, number)
    with campaign.elements_file.open("a") as file:
        file.write('{"element": 3, "tasks": ["0123"]}\n{"element": 4, "ta')
    with pytest.raises(QvarError, match="`elements.jsonl` must name tasks of the campaign, but 0123 is none"):
        run_element(campaign, 3)
    with pytest.raises(QvarError, match="`CAMPAIGN` must be a folder that `qvar submit` made"):
        open_campaign(tmp_path)
    assert SLOW.exists()
