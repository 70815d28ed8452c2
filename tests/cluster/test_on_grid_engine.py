"""Campaigns on a real Grid Engine of one host."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.local_grid_engine import LocalGridEngine, Unavailable
from cluster.user import Campaign

pytestmark = pytest.mark.usefixtures("without_pages_or_queue")

CLOCK = """
import os, time
late, before = {late!r}, time.time
if not os.path.exists(late):
    time.time = lambda: before() + 1e5 * os.path.exists(late)
"""
"""Start of a process for whose clock it is late once a file is there, unless the file was there before."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGridEngine]:
    try:
        with LocalGridEngine(tmp_path_factory.mktemp("ge")) as running:
            yield running
    except Unavailable as reason:
        pytest.skip(str(reason))


def campaign(engine: LocalGridEngine, tmp_path: Path) -> Campaign:
    place = tmp_path / "campaign"
    return Campaign(place, "grid_engine", engine.outside, lambda: engine.run("qstat").stdout)


def test_an_array_goes_back_at_its_deadline_and_gives_what_a_run_here_gives(
    engine: LocalGridEngine, tmp_path: Path
) -> None:
    mine = campaign(engine, tmp_path)
    words = ("--number", "2", "--steps", "900")
    late = tmp_path / "late"
    (tmp_path / "sitecustomize.py").write_text(CLOCK.format(late=str(late)))
    setup = f'export PYTHONPATH={tmp_path}:"$PYTHONPATH"'
    mine.submit(*words, "--pause", "0.4", "--time", "5m", "--at-once", "2", "--setup", setup)
    mine.await_steps()
    late.touch()  # qvar's own deadline has passed: the status 99 puts the array task back
    mine.await_ending("stopped")
    mine.await_done(2, 240)
    attempts = list(mine.attempts().values())
    endings = [[lease["ending"] for lease in leases] for leases in attempts]
    assert all(ends[-1] == "done" and set(ends[:-1]) <= {"stopped"} for ends in endings)
    assert max(map(len, endings)) > 1
    assert {lease["message"] for leases in attempts for lease in leases[:-1]} == {"the time limit is near"}
    mine.assert_undisturbed(*words)


def test_cancelled_and_taken_up_again(engine: LocalGridEngine, tmp_path: Path) -> None:
    mine = campaign(engine, tmp_path)
    words = ("--number", "2", "--steps", "900")
    mine.submit(*words, "--pause", "0.4", "--at-once", "1")
    mine.await_steps()
    mine.qvar("cancel", str(mine.folder))
    counts = mine.await_counts(lambda counts: not {"running", "waiting"} & counts.keys())
    assert counts["stopped"] == 1  # the one that waited never began
    mine.qvar("submit", "--resume", str(mine.folder))
    mine.await_done(2)
    mine.assert_undisturbed(*words)


def test_a_job_deleted_by_hand_does_not_come_back(engine: LocalGridEngine, tmp_path: Path) -> None:
    mine = campaign(engine, tmp_path)
    mine.submit("--number", "1", "--steps", "900", "--pause", "0.4")
    mine.await_steps()
    place = mine.attempts()["t0"][0]
    assert engine.run("qdel", place["job"]).returncode == 0
    mine.await_counts(lambda counts: not {"running", "waiting"} & counts.keys())
    end = time.monotonic() + 180
    while mine.waiting():  # the execution daemon reports the end a little later
        assert mine.counts() == {"stopped": 1}
        assert time.monotonic() < end, mine.waiting()
    for _ in range(10):  # until the record of what ended has it, too
        time.sleep(0.3)
        assert mine.counts() == {"stopped": 1}
