from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cluster.campaigns import until

from qvar.runs import leases
from qvar.runs.leases import LEASE, Attempt, Ending, Lease, acquire, latest, owner

BEAT_S = 0.05
STALE_S = 120.0
"""Far longer than a heartbeat may be late on a busy machine; tests make files old instead of waiting."""


def take(folder: Path, host: str = "") -> Lease | Attempt:
    """A lease for this process, or for one of another machine, of which only the heartbeat is known."""
    return acquire(folder, owner() | ({"host": host, "space": ""} if host else {}), stale_s=STALE_S, beat_s=BEAT_S)


def taken(folder: Path, host: str = "") -> Lease:
    lease = take(folder, host)
    assert isinstance(lease, Lease)
    return lease


def last(folder: Path) -> Attempt:
    attempt = latest(folder, time.time())
    assert attempt is not None
    return attempt


def lose_power(lease: Lease) -> None:
    """Stop the heartbeat, and make the last one old."""
    lease._over.set()
    lease._thread.join()
    os.utime(lease._path, (0, 0))


def test_of_many_that_ask_at_once_one_gets_the_lease(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(5):
            folder = tmp_path / str(number)
            answers = list(pool.map(lambda _, folder=folder: take(folder), range(8)))
            (first,) = [answer for answer in answers if isinstance(answer, Lease)]
            assert [answer.number for answer in answers] == [1] * 8
            first.end(Ending.DONE)


def test_of_many_that_take_over_at_once_the_one_in_the_file_goes_on(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(5):
            folder = tmp_path / str(number)
            lose_power(taken(folder, "n1"))
            answers = list(pool.map(lambda _, folder=folder: take(folder), range(8)))
            those = [answer for answer in answers if isinstance(answer, Lease)]
            (one,) = [lease for lease in those if not lease.superseded()]
            for lease in those:
                lease.end(Ending.DONE if lease is one else Ending.STOPPED)
            assert last(folder).ending is Ending.DONE
            assert last(folder).number == one.number


def test_two_that_both_saw_a_dead_lease_do_not_both_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_power(taken(tmp_path, "n1"))
    real, late = leases._write, list[Lease]()

    def write(path: Path, content: dict[str, object], *, new: bool = False) -> None:
        if not late:  # the other process writes between a look at the file and the change of it
            late.append(leases.Lease(path, {**content, "token": "f" * 16}, BEAT_S))
            real(path, late[0]._content)
        real(path, content, new=new)

    monkeypatch.setattr(leases, "_write", write)
    second = taken(tmp_path)
    assert (second.number, second.superseded(), late[0].superseded()) == (2, False, True)
    late[0].end(Ending.STOPPED)  # it leaves the file alone
    second.end(Ending.DONE)
    assert last(tmp_path).ending is Ending.DONE


def test_a_living_owner_keeps_its_task_and_a_dead_one_loses_it(tmp_path: Path) -> None:
    first = taken(tmp_path, "n1")
    os.utime(tmp_path / LEASE, (0, 0))  # older than an attempt without a heartbeat lives
    until(lambda: (tmp_path / LEASE).stat().st_mtime > 0)
    assert isinstance(take(tmp_path), Attempt)
    lose_power(first)
    second = taken(tmp_path)
    assert (second.number, first.superseded(), second.superseded()) == (2, True, False)
    first.end(Ending.DONE)
    assert last(tmp_path).ending is Ending.RUNNING
    second.end(Ending.DONE)


def test_a_process_that_was_killed_on_this_machine_is_not_waited_for(tmp_path: Path) -> None:
    code = (
        "import sys, os, time; from pathlib import Path; from qvar.runs.leases import acquire, owner\n"
        "acquire(Path(sys.argv[1]), owner(), 1e6, 0.05); print('here', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        attempt = acquire(tmp_path, owner(), stale_s=1e6, beat_s=BEAT_S)
        assert isinstance(attempt, Attempt)
        assert attempt.content["process"] == process.pid
        process.kill()
    second = acquire(tmp_path, owner(), stale_s=1e6, beat_s=BEAT_S)
    assert isinstance(second, Lease)
    second.end(Ending.DONE)


@pytest.mark.parametrize("ending", [ending for ending in Ending if ending is not Ending.RUNNING])
def test_an_attempt_that_ended_is_followed_at_once(tmp_path: Path, ending: Ending) -> None:
    first = taken(tmp_path)
    first.report(done=7, total=9)
    first.kept = 4
    first.end(ending, "words")
    content = last(tmp_path).content
    assert (last(tmp_path).ending, content["message"], content["done"], content["kept"]) == (ending, "words", 7, 4)
    second = taken(tmp_path)
    assert second.number == 2
    second.end(Ending.DONE)


def test_attempts_in_a_row_without_progress_are_counted(tmp_path: Path) -> None:
    counts = []
    for ending, kept in (
        (Ending.STOPPED, 0), (Ending.STOPPED, 0), (Ending.RUNNING, 0), (Ending.RUNNING, 0), (Ending.RUNNING, 5),
        (Ending.RUNNING, 0), (Ending.STOPPED, 2), (Ending.ERROR, 0),
    ):  # fmt: skip
        lease = taken(tmp_path, "n1")
        counts.append((lease.idle, lease.deaths))
        lease.kept = kept
        if ending is Ending.RUNNING:
            lease._write()
            lose_power(lease)
        else:
            lease.end(ending)
    assert counts == [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2), (0, 0), (0, 1), (0, 0)]


def test_a_heartbeat_shows_the_progress_of_the_work(tmp_path: Path) -> None:
    first = taken(tmp_path)
    before = (tmp_path / LEASE).stat()
    first.report(done=3, total=8, words="best " + "é" * 3000)  # however long, the file keeps its size
    until(lambda: "done" in last(tmp_path).content)
    assert last(tmp_path).content["done"] == 3
    assert (tmp_path / LEASE).stat().st_mtime_ns > before.st_mtime_ns
    assert (tmp_path / LEASE).stat().st_size == before.st_size
    first.end(Ending.STOPPED)


def test_a_torn_file_counts_as_an_attempt_at_work(tmp_path: Path) -> None:
    (tmp_path / LEASE).write_text('{"host": "n', encoding="utf-8")
    attempt = last(tmp_path)
    assert (attempt.number, attempt.ending, dict(attempt.content)) == (1, Ending.RUNNING, {})
    assert attempt.alive(60)
    assert not attempt.alive(-1)
    assert isinstance(take(tmp_path), Attempt)
    os.utime(tmp_path / LEASE, (0, 0))
    second = taken(tmp_path)
    assert second.number == 2
    second.end(Ending.DONE)


def test_on_a_full_disk_there_is_no_lease_and_a_heartbeat_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(leases.os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            take(tmp_path)
    assert latest(tmp_path, time.time()) is None
    first = taken(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(leases.os, "write", full)
        before = (tmp_path / LEASE).stat().st_mtime_ns
        until(lambda: (tmp_path / LEASE).stat().st_mtime_ns > before)
    first.end(Ending.ERROR, "No space left on device")
    assert json.loads((tmp_path / LEASE).read_text())["ending"] == "error"
