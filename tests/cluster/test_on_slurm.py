"""Campaigns on a real Slurm of two pretend nodes, and what clusters do to them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cluster.local_slurm import LocalSlurm, Unavailable

CASE = Path(__file__).parent / "slow_case.py"
TIMES = ["wall_s", "compile_s"]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSlurm]:
    try:
        with LocalSlurm(tmp_path_factory.mktemp("slurm")) as running:
            yield running
    except Unavailable as reason:
        pytest.skip(str(reason))


@dataclass
class Campaign:
    """A campaign as its user sees it: commands, and what they print."""

    slurm: LocalSlurm
    folder: Path

    def qvar(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "qvar", *words],
            env=self.slurm.environment | {"QVAR_HEARTBEAT": "0.5", "QVAR_CACHE": "off"},
            cwd=self.folder.parent, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def submit(self, *words: str, gpus: bool = False) -> str:
        gpu = ("--gpus", "1") if gpus else ()
        asked = ("--queue", "slurm", "--time", "5m", "--memory", "200M", "--no-collect", "--checkpoint", "1s", *gpu)
        return self.qvar("submit", str(CASE), *words, *asked, "--out", str(self.folder))

    def status(self) -> dict[str, Any]:
        return json.loads(self.qvar("status", str(self.folder), "--json"))

    def counts(self) -> dict[str, int]:
        return {name: count for name, count in self.status()["counts"].items() if count}

    def tasks(self) -> dict[str, dict[str, Any]]:
        return {task["label"]: task for task in self.status()["tasks"]}

    def await_counts(self, true: Callable[[dict[str, int]], bool], seconds: float = 60) -> dict[str, int]:
        end = time.monotonic() + seconds
        while not true(counts := self.counts()):
            assert time.monotonic() < end, f"{counts}\n{self.logs()}\n{self.slurm.run('squeue', '-a').stdout}"
            time.sleep(0.3)
        return counts

    def await_done(self, number: int, seconds: float = 60) -> None:
        self.await_counts(lambda counts: counts == {"done": number}, seconds)

    def await_steps(self, seconds: float = 30) -> None:
        """Until some task has written a checkpoint."""
        end = time.monotonic() + seconds
        while not list(self.folder.glob("state/*/checkpoint-*.npz")):
            assert time.monotonic() < end, self.logs()
            time.sleep(0.1)

    def logs(self) -> str:
        return "\n".join(log.read_text() for log in sorted((self.folder / "logs").iterdir()))

    def elements(self) -> dict[str, str]:
        """{element: its state} as squeue has them."""
        answer = self.slurm.run("squeue", "-h", "-r", "-o", "%i %T").stdout.splitlines()
        return dict(line.split(maxsplit=1) for line in answer)

    def assert_undisturbed(self, *words: str) -> None:
        """The collected ledger and trace are those of `qvar run` in one process that nobody disturbed."""
        self.qvar("collect", str(self.folder))
        out = self.folder.parent / f"{self.folder.name}-here"
        self.qvar("run", str(CASE), *words, "--pause", "0", "--out", str(out), "--no-progress")
        for name in ("ledger.parquet", "trace.parquet"):
            mine, local = pd.read_parquet(self.folder / name), pd.read_parquet(out / name)
            both = [table.drop(columns=TIMES, errors="ignore") for table in (mine, local)]
            pd.testing.assert_frame_equal(*both, check_exact=True)

    def attempts(self) -> dict[str, list[dict[str, Any]]]:
        return {
            label: [json.loads(path.read_text()) for path in sorted((self.folder / "state" / key).glob("attempt-*"))]
            for label, key in ((label, task["key"]) for label, task in self.tasks().items())
        }


def campaign(slurm: LocalSlurm, tmp_path: Path) -> Campaign:
    return Campaign(slurm, tmp_path / "campaign")


def test_forty_tasks_give_what_a_run_here_gives(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    said = mine.submit("--number", "40", "--at-once", "4", "--pack", "5", gpus=True)
    assert re.search(r"sent to slurm: 8 array elements in job \d+\n", said)
    most = 0
    while mine.elements():
        most = max(most, list(mine.elements().values()).count("RUNNING"))
        time.sleep(0.2)
    assert 2 <= most <= 4
    mine.await_done(40)
    mine.assert_undisturbed("--number", "40")
    # two GPUs on each of two nodes, and each element saw one
    assert set(re.findall(r"GPUs (.*)", mine.logs())) == {"0", "1"}
    assert all(len(found) == 1 for found in mine.attempts().values())


def test_told_before_the_time_limit_it_goes_back_and_goes_on(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    words = ("--number", "2", "--steps", "900")
    mine.submit(*words, "--pause", "0.4")
    mine.await_steps()
    first = next(iter(mine.elements()))
    # the signal that --signal=B:USR1 sends, at a time of our choice
    assert slurm.run("scancel", "--signal=USR1", "--batch", first).returncode == 0
    counts = mine.await_counts(lambda counts: counts.get("running") == 1 and counts.get("waiting") == 1)
    assert counts == {"running": 1, "waiting": 1}
    assert "1 of them to go on with what they had" in mine.qvar("status", str(mine.folder))
    mine.await_done(2)
    ends = sorted([attempt["ending"] for attempt in found] for found in mine.attempts().values())
    assert ends == [["done"], ["stopped", "done"]]
    stopped = next(found[0] for found in mine.attempts().values() if len(found) == 2)
    assert stopped["kept"] > 0
    assert stopped["message"] == "signal SIGUSR1"
    mine.assert_undisturbed(*words)


def test_preempted_and_started_again_by_slurm(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    words = ("--number", "2", "--steps", "900")
    mine.submit(*words, "--pause", "0.4", "--partition", "preempt")
    mine.await_steps()
    urgent = slurm.run("sbatch", "--parsable", "-N2", "--exclusive", "-p", "main", "--wrap", "sleep 2")
    assert urgent.returncode == 0, urgent.stderr
    counts = mine.await_counts(lambda counts: counts == {"waiting": 2})
    assert counts == {"waiting": 2}
    mine.await_done(2)
    assert sorted(attempt["ending"] for found in mine.attempts().values() for attempt in found) == [
        "done", "done", "stopped", "stopped",
    ]  # fmt: skip
    mine.assert_undisturbed(*words)


def test_a_lost_node_and_a_lost_controller(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    words = ("--number", "4", "--steps", "900")
    mine.submit(*words, "--pause", "0.5", "--at-once", "2", "--extra", "#SBATCH --exclusive")
    mine.await_steps()
    mine.await_counts(lambda counts: counts.get("running") == 2)
    slurm.kill_node("n1")
    slurm.kill_controller()
    said = mine.await_counts(lambda counts: counts.get("running", 0) <= 1)
    assert said.get("done", 0) + said.get("running", 0) + said.get("died", 0) + said.get("missing", 0) == 4
    assert mine.status()["queue_silent"]
    assert "The queue does not answer" in mine.qvar("status", str(mine.folder))
    slurm.start_controller()
    slurm.start_node("n1")
    mine.await_counts(lambda counts: not {"running", "waiting"} & counts.keys(), 90)
    if "done" in (counts := mine.counts()) and counts != {"done": 4}:
        mine.qvar("submit", "--resume", str(mine.folder))
        mine.await_done(4)
    assert any(found[0]["ending"] == "running" and found[-1]["ending"] == "done" for found in mine.attempts().values())
    mine.assert_undisturbed(*words)


def test_cancelled_and_taken_up_again(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    words = ("--number", "3", "--steps", "900")
    mine.submit(*words, "--pause", "0.4", "--at-once", "2")
    mine.await_steps()
    assert "cancelled" in mine.qvar("cancel", str(mine.folder))
    counts = mine.await_counts(lambda counts: "running" not in counts and "waiting" not in counts)
    assert counts == {"stopped": 2, "cancelled": 1}
    assert mine.elements() == {}
    assert "\ncancelled\n" in mine.qvar("status", str(mine.folder))
    before = len((mine.folder / "elements.jsonl").read_text().splitlines())
    mine.qvar("submit", "--resume", str(mine.folder))
    assert len((mine.folder / "elements.jsonl").read_text().splitlines()) == before + 3
    assert "nothing is missing" in mine.qvar("submit", "--resume", str(mine.folder))  # all of it is under way
    mine.await_done(3)
    mine.assert_undisturbed(*words)


def test_what_fails_by_its_own_fault_is_not_tried_for_ever(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    mine.submit("--number", "2", "--others", "broken", "killed")
    end = {"done": 2, "failed": 1, "died": 1}
    mine.await_counts(lambda counts: counts == end)
    time.sleep(3)
    assert (mine.counts(), mine.elements()) == (end, {})
    said = mine.qvar("status", str(mine.folder))
    assert "broken (point): RuntimeError: the matrix is singular" in said
    assert re.search(r"killed \(point\): failed .*see logs/\d+_4\.log", said)
    told = mine.qvar("submit", "--resume", str(mine.folder))
    assert "1 task of 4" in told
    mine.await_counts(lambda counts: counts == end and not mine.elements())
    assert [len(found) for found in mine.attempts().values()] == [1, 1, 1, 2]
    said = mine.qvar("collect", str(mine.folder), status=1)
    assert "3 of 4 tasks are there" in said
    ledger = pd.read_csv(mine.folder / "ledger.csv")
    assert ledger["status"].tolist() == ["out_of_budget"] * 4 + ["failed"]


def test_a_full_disk_under_one_task(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    words = ("--number", "2", "--shift", "0.5")
    mine.submit(*words, "--extra", "#SBATCH --begin=now+3")
    key = mine.tasks()["t1"]["key"]
    place = mine.folder / "state" / key
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", place], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here: it takes root")
    try:
        (place / "fill").write_bytes(b"x" * 4096)
        mine.await_counts(lambda counts: counts == {"done": 1, "ended": 1})
        assert "t1 (point) could not be written: No space left on device" in mine.logs()
        assert "see logs/" in mine.qvar("status", str(mine.folder))
    finally:
        subprocess.run(["umount", place], check=True)
    mine.qvar("submit", "--resume", str(mine.folder))
    mine.await_done(2)
    mine.assert_undisturbed(*words)
