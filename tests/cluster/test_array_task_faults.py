"""An array task among killed or equal ones, on full disks, and with changed files."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster.campaigns import (
    FAKE,
    age,
    assert_undisturbed,
    at_look,
    ending,
    key_of,
    lease,
    made,
    until,
    write_attempt,
)
from forks import COMMAND, Forks

from qvar.cluster.array_task import run_array_task
from qvar.cluster.campaign import Campaign, open_campaign
from qvar.cluster.status import Condition, survey
from qvar.errors import QvarError
from qvar.records.run_tables import look_at_shard, write_shard
from qvar.runs import task_loop
from qvar.runs.leases import LEASE, Ending, Lease, acquire, owner
from qvar.runs.stop import Stop
from qvar.runs.task_loop import DISK, MOST_DEATHS
from qvar.task import Row

pytestmark = pytest.mark.usefixtures("without_pages_or_queue")


# ---------------------------------------------------------------------------------------------------------------------
# Dead, stale, twice


def test_a_task_that_killed_its_process_too_often_is_a_failed_row(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", case=FAKE)
    write_attempt(campaign, "ry x1", MOST_DEATHS, age_s=1e4, deaths=MOST_DEATHS - 1)
    write_attempt(campaign, "ry x2", MOST_DEATHS - 1, age_s=1e4, deaths=MOST_DEATHS - 2)
    write_attempt(campaign, "uccsd", MOST_DEATHS, age_s=1e4, deaths=MOST_DEATHS - 1, kept=3)
    assert run_array_task(campaign, 1) == 0
    rows = look_at_shard(campaign.run.shard(key_of(campaign, "ry x1"))).rows
    assert rows is not None
    (row,) = rows
    assert (row["contender"], row["status"]) == ("ry x1", "failed")
    assert row["message"] == f"Its process was killed {MOST_DEATHS} times; see {campaign.logs}."
    ends = [ending(campaign, label) for label in ("ry x1", "ry x2", "uccsd")]
    assert ends == [f"failed {MOST_DEATHS + 1}", f"done {MOST_DEATHS}", f"done {MOST_DEATHS + 1}"]


def stale_and_newer(campaign: Campaign, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Lease], None]) -> int:
    """Run an array task of another machine whose heartbeat ends after some steps; then do something meanwhile."""

    def end_heartbeat(_: Stop, lease: Lease) -> None:
        lease._over.set()
        lease._thread.join()
        age(campaign.run.state(key_of(campaign, "t0")) / LEASE, 1e4)
        with monkeypatch.context() as here:
            here.undo()
            meanwhile(lease)

    with monkeypatch.context() as far:
        far.setattr(task_loop, "owner", lambda: owner() | {"host": "n9", "space": ""})
        at_look(far, end_heartbeat, 5)
        return run_array_task(campaign, 1)


def newer(campaign: Campaign) -> Lease:
    found = acquire(campaign.run.state(key_of(campaign, "t0")), owner(), campaign.stale_s, campaign.beat_s)
    assert isinstance(found, Lease)
    return found


@pytest.fixture
def two(tmp_path: Path) -> Campaign:
    return made(tmp_path / "c", "--number", "1", "--steps", "900", every_s=0.0)


def test_a_stale_copy_that_continues_when_the_newer_one_is_done_changes_nothing(
    two: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, seen = two.run.shard(key_of(two, "t0")), []

    def meanwhile(_: Lease) -> None:
        assert run_array_task(two, 1) == 0
        seen.append((shard.stat().st_ino, shard.stat().st_mtime_ns))

    assert stale_and_newer(two, monkeypatch, meanwhile) == 0
    assert ending(two, "t0") == "done 2"
    assert seen == [(shard.stat().st_ino, shard.stat().st_mtime_ns)]
    assert not list(two.path.glob("state/*/checkpoint-*"))
    assert_undisturbed(two)


def test_a_stale_copy_that_does_not_stop_does_not_replace_a_result(
    two: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, seen = two.run.shard(key_of(two, "t0")), []

    def late(path: Path, rows: list[Row], once: bool) -> None:  # it has looked around, and then stands still
        with monkeypatch.context() as here:
            here.setattr(task_loop, "write_shard", write_shard)
            here.setattr(task_loop, "owner", owner)
            age(two.run.state(path.stem) / LEASE, 1e4)
            assert run_array_task(two, 1) == 0
        seen.append((shard.stat().st_ino, shard.stat().st_mtime_ns))
        write_shard(path, [{**row, "value": 7.0} for row in rows], once)

    with monkeypatch.context() as far:
        far.setattr(task_loop, "owner", lambda: owner() | {"host": "n9", "space": ""})
        far.setattr(task_loop, "write_shard", late)
        assert run_array_task(two, 1) == 0
    assert ending(two, "t0") == "done 2"
    assert seen == [(shard.stat().st_ino, shard.stat().st_mtime_ns)]
    assert not [path for path in two.run.tasks.iterdir() if path != shard]
    assert_undisturbed(two)


def test_a_stale_copy_that_continues_while_the_newer_one_works_writes_nothing(
    two: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    after: list[Lease] = []
    kept: list[int] = []
    shard = two.run.shard(key_of(two, "t0"))
    before: list[dict[str, bytes]] = []

    def meanwhile(first: Lease) -> None:
        kept.append(first.kept)
        after.append(newer(two))
        before.append(checkpoints(two))

    def checkpoints(campaign: Campaign) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in campaign.path.glob("state/*/checkpoint-*")}

    assert stale_and_newer(two, monkeypatch, meanwhile) == 0
    assert ending(two, "t0") == "running 2"
    assert not shard.exists()
    assert before == [checkpoints(two)]
    assert list(before[0]) == ["checkpoint-0000-0001.npz"]
    after[0].end(Ending.STOPPED)
    assert run_array_task(two, 1) == 0
    assert kept[0] + lease(two, "t0")["kept"] == 900
    assert_undisturbed(two)


def test_a_stale_copy_that_ends_first_leaves_the_task_to_the_newer_one(
    two: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, after = two.run.shard(key_of(two, "t0")), []
    real = task_loop.plain_rows

    def rows_at_last(rows: object, *columns: Any) -> list[Row]:  # its training has ended when the newer attempt begins
        if not after:
            age(two.run.state(key_of(two, "t0")) / LEASE, 1e4)
            after.append(newer(two))
        return real(rows, *columns)

    with monkeypatch.context() as far:
        far.setattr(task_loop, "owner", lambda: owner() | {"host": "n9", "space": ""})
        far.setattr(task_loop, "plain_rows", rows_at_last)
        assert run_array_task(two, 1) == 0
    assert ending(two, "t0") == "running 2"
    assert not shard.exists()
    after[0].end(Ending.STOPPED)
    assert run_array_task(two, 1) == 0
    assert (ending(two, "t0"), lease(two, "t0")["kept"]) == ("done 3", 0)  # the training had ended, and was kept
    assert_undisturbed(two)


def test_two_processes_at_the_same_array_task_of_which_one_is_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: Forks
) -> None:
    monkeypatch.setenv("QVAR_HEARTBEAT", "0.15")
    campaign = made(tmp_path / "c", "--number", "3", "--steps", "1200", "--pause", "0.02", every_s=0.0)
    words = (COMMAND, "worker", str(campaign.path), "--index", "1")
    first = forks.start(*words)
    until(lambda: list(campaign.path.glob("state/*/checkpoint-*")))
    os.kill(first, signal.SIGSTOP)
    try:
        second = forks.start(*words)
        until(lambda: any(ending(campaign, line.label).endswith(" 2") for line in campaign.tasks))
    finally:
        os.kill(first, signal.SIGCONT)
    ended = [forks.end(process) for process in (first, second)]
    assert [done.returncode for done in ended] == [0, 0], ended
    assert sorted(ending(campaign, line.label) for line in campaign.tasks) == ["done", "done", "done 2"]
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


def test_a_result_that_cannot_be_written_is_reported_and_made_later(
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
        patched.setattr(task_loop, "write_shard", write)
        assert run_array_task(campaign, 1) == DISK
    assert (ending(campaign, "ry x1"), ending(campaign, "uccsd")) == ("error", "done")
    assert "ry x1 (point) could not be written: " in capsys.readouterr().err
    assert [path.stem for path in campaign.run.tasks.iterdir()] == [key_of(campaign, "uccsd")]
    (state,) = survey(campaign).having(Condition.ERROR)
    assert state.attempt is not None
    assert "File too large" in state.attempt.content["message"]
    assert run_array_task(campaign, 1) == 0
    assert ending(campaign, "ry x1") == "done 2"
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
                disk.setattr(f"qvar.atomic_files.{name}", full)
            real(path, rows, once)

    monkeypatch.setattr(task_loop, "write_shard", write)
    assert run_array_task(campaign, 1) == DISK
    assert lease(campaign, "uccsd")["message"] == "No space left on device"
    assert list(campaign.run.tasks.iterdir()) == []


def test_a_task_without_a_possible_lease_is_reported_and_left(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    campaign = made(tmp_path / "c", "--contenders", "ry x1", "uccsd", case=FAKE)
    campaign.run.state(key_of(campaign, "ry x1")).write_text("in the way", encoding="utf-8")
    assert run_array_task(campaign, 1) == DISK
    assert "ry x1 (point) could not be written: File exists" in capsys.readouterr().err
    assert ending(campaign, "uccsd") == "done"


def test_work_goes_on_where_a_checkpoint_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_disk: Callable[[bool], None], capsys: pytest.CaptureFixture
) -> None:
    campaign = made(tmp_path / "c", "--number", "1", "--steps", "900", every_s=0.0)
    at_look(monkeypatch, lambda *_: full_disk(True), 3)
    real = task_loop.plain_rows

    def rows_at_last(rows: object, *columns: Any) -> list[Row]:
        full_disk(False)
        return real(rows, *columns)

    monkeypatch.setattr(task_loop, "plain_rows", rows_at_last)
    assert run_array_task(campaign, 1) == 0
    output = capsys.readouterr().err
    assert output.count("qvar: no checkpoint, ") > 5
    assert output.count("could not be written: File too large") > 5
    assert ending(campaign, "t0") == "done"
    assert not list(campaign.path.glob("state/*/*npz*"))
    assert_undisturbed(campaign)


# ---------------------------------------------------------------------------------------------------------------------
# Other cases, other array tasks


def test_the_case_as_it_was_submitted_is_run(tmp_path: Path) -> None:
    source = tmp_path / "a_case.py"
    source.write_bytes(FAKE.read_bytes())
    campaign = made(tmp_path / "c", "--contenders", "uccsd", case=source)
    source.write_text("raise RuntimeError('edited in the meantime')\n", encoding="utf-8")
    assert run_array_task(campaign, 1) == 0
    source.write_bytes(FAKE.read_bytes())
    assert_undisturbed(campaign)
    again = made(tmp_path / "again", "--contenders", "uccsd", case=source)
    source.unlink()
    assert run_array_task(again, 1) == 0


def test_a_case_that_no_longer_makes_its_tasks_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        run_array_task(campaign, 1)
    assert ending(campaign, "uccsd") == "error"
    assert "uccsd of point is not" in lease(campaign, "uccsd")["message"]
    (state,) = survey(campaign).task_states
    assert state.condition is Condition.ERROR
    monkeypatch.setenv("CONTENDER", "uccsd")
    assert run_array_task(campaign, 1) == 0


def test_a_number_of_no_array_task_is_one_sentence(tmp_path: Path) -> None:
    campaign = made(tmp_path / "c", case=FAKE, pack=2)
    for number in (0, 3, -1):
        with pytest.raises(QvarError, match=rf"`index` must be an array task from 1 to 2, but is {number}\."):
            run_array_task(campaign, number)
    with campaign.array_tasks_file.open("a") as file:
        file.write('{"array_task": 3, "tasks": ["0123"]}\n{"array_task": 4, "ta')
    with pytest.raises(QvarError, match=r"`array_tasks\.jsonl` must name tasks of the campaign, but 0123 is none"):
        run_array_task(campaign, 3)
    with pytest.raises(QvarError, match="`CAMPAIGN` must be a folder that `qvar submit` made"):
        open_campaign(tmp_path)
