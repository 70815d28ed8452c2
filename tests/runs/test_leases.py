from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qvar.runs import leases
from qvar.runs.leases import Attempt, Ending, Lease, acquire, attempts, owner

BEAT_S = 0.05


def take(folder: Path, host: str = "") -> Lease | Attempt:
    """A claim by this process, or by one of another machine, of which only the heartbeat is known."""
    who = owner() | ({"host": host, "space": ""} if host else {})
    return acquire(folder, who, stale_s=0.5, beat_s=BEAT_S)


def taken(folder: Path, host: str = "") -> Lease:
    found = take(folder, host)
    assert isinstance(found, Lease)
    return found


def last(folder: Path) -> Attempt:
    return attempts(folder, time.time())[-1]


def test_of_many_who_ask_at_once_one_wins(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(5):
            folder = tmp_path / str(number)
            answers = list(pool.map(lambda _, folder=folder: take(folder), range(8)))
            winners = [answer for answer in answers if isinstance(answer, Lease)]
            assert len(winners) == 1
            assert [answer.number for answer in answers] == [1] * 8
            winners[0].end(Ending.DONE)


def test_a_living_owner_keeps_its_task_and_a_dead_one_loses_it(tmp_path: Path) -> None:
    first = taken(tmp_path, "n1")
    time.sleep(0.7)  # longer than an attempt without a heartbeat lives
    assert isinstance(take(tmp_path), Attempt)
    first._over.set()  # as if its node had lost power
    first._thread.join()
    time.sleep(0.6)
    second = taken(tmp_path)
    assert (second.number, first.superseded(), second.superseded()) == (2, True, False)
    assert [attempt.ending for attempt in attempts(tmp_path, time.time())] == [Ending.RUNNING] * 2
    second.end(Ending.DONE)


def test_a_process_that_died_on_this_machine_is_not_waited_for(tmp_path: Path) -> None:
    code = (
        "import sys, os, time; from pathlib import Path; from qvar.runs.leases import acquire, owner\n"
        "acquire(Path(sys.argv[1]), owner(), 1e6, 0.05); print('here', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        found = acquire(tmp_path, owner(), stale_s=1e6, beat_s=BEAT_S)
        assert isinstance(found, Attempt)
        assert found.content["process"] == process.pid
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
    found = last(tmp_path)
    assert (found.ending, found.content["message"], found.content["done"], found.content["kept"]) == (
        ending,
        "words",
        7,
        4,
    )
    second = taken(tmp_path)
    assert second.number == 2
    second.end(Ending.DONE)


def test_a_heartbeat_tells_how_far_the_work_is(tmp_path: Path) -> None:
    first = taken(tmp_path)
    before = (tmp_path / "attempt-0001.json").stat().st_mtime_ns
    first.report(done=3, total=8, words="best " + "é" * 3000)  # however long, the file keeps its size
    deadline = time.monotonic() + 5
    while "done" not in last(tmp_path).content and time.monotonic() < deadline:
        time.sleep(0.02)
    assert last(tmp_path).content["done"] == 3
    assert (tmp_path / "attempt-0001.json").stat().st_mtime_ns > before
    first.end(Ending.STOPPED)


def test_a_torn_file_counts_as_an_attempt_at_work(tmp_path: Path) -> None:
    (tmp_path / "attempt-0003.json").write_text('{"host": "n', encoding="utf-8")
    (found,) = attempts(tmp_path, time.time())
    assert (found.number, found.ending, dict(found.content)) == (3, Ending.RUNNING, {})
    assert found.alive(60)
    assert not found.alive(-1)


def test_a_full_disk_is_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(leases.os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            take(tmp_path)
    assert attempts(tmp_path, time.time()) == []
    first = taken(tmp_path)
    with monkeypatch.context() as patched:  # the heart goes on without a word
        patched.setattr(leases.os, "write", full)
        before = (tmp_path / "attempt-0001.json").stat().st_mtime_ns
        time.sleep(4 * BEAT_S)
        assert (tmp_path / "attempt-0001.json").stat().st_mtime_ns > before
    first.end(Ending.ERROR, "No space left on device")
    assert json.loads((tmp_path / "attempt-0001.json").read_text())["ending"] == "error"
