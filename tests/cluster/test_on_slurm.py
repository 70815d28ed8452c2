"""Campaigns on a real Slurm of two pretend nodes, and what clusters do to them."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from cluster.local_slurm import LocalSlurm, Unavailable
from cluster.user import Campaign

from qvar.cluster.campaign import open_campaign

pytestmark = pytest.mark.usefixtures("without_pages_or_queue")


@dataclass
class OnSlurm(Campaign):
    """One on Slurm."""

    def submit(self, *words: str) -> str:
        return super().submit(*words, "--time", "5m", "--memory", "200M")

    def array_tasks(self) -> dict[str, str]:
        """{array task: its state} as squeue has them; other tests may have left jobs there."""
        answer = subprocess.run(
            ["squeue", "-h", "-r", "-o", "%i %T"], env=self.environment, capture_output=True, text=True, check=True
        )
        jobs = {entry["job"] for entry in open_campaign(self.folder).submissions()}
        states = dict(line.split(maxsplit=1) for line in answer.stdout.splitlines())
        return {name: state for name, state in states.items() if name.partition("_")[0] in jobs}


def campaign(slurm: LocalSlurm, tmp_path: Path) -> OnSlurm:
    return OnSlurm(tmp_path / "campaign", "slurm", slurm.environment, lambda: slurm.run("squeue", "-a").stdout)


def test_an_array_gives_what_a_run_here_gives(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    text = mine.submit("--number", "8", "--at-once", "3", "--pack", "2", "--gpus", "1")
    assert re.search(r"sent to slurm: 4 array tasks in job \d+\n", text)
    most, nodes = 0, set[str]()
    while states := mine.array_tasks():
        most = max(most, list(states.values()).count("RUNNING"))
        nodes.update(slurm.run("squeue", "-h", "-t", "RUNNING", "-o", "%N").stdout.split())
        time.sleep(0.2)
    assert 2 <= most <= 3
    assert nodes == {"n1", "n2"}
    mine.await_done(8)
    mine.assert_undisturbed("--number", "8")
    # two GPUs on each of two nodes, and each array task saw one
    assert set(re.findall(r"GPUs (.*)", mine.logs())) == {"0", "1"}
    assert all(len(leases) == 1 for leases in mine.attempts().values())


def test_before_the_time_limit_and_for_an_urgent_job_it_goes_back(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    words = ("--number", "2", "--steps", "900")
    mine.submit(*words, "--pause", "1", "--partition", "preempt")
    mine.await_steps(2)
    first = next(iter(mine.array_tasks()))
    # the signal that --signal=B:USR1 sends, at a time of our choice
    assert slurm.run("scancel", "--signal=USR1", "--batch", first).returncode == 0
    mine.await_ending("stopped")
    until = f"until [ -e {mine.go} ]; do sleep 0.1; done"
    urgent = slurm.run("sbatch", "--parsable", "-N2", "--exclusive", "-p", "main", "-o", "/dev/null", "--wrap", until)
    assert urgent.returncode == 0, urgent.stderr
    mine.await_counts(lambda counts: counts == {"waiting": 2})
    assert "2 of them with progress already" in mine.qvar("status", str(mine.folder))
    mine.await_done(2)
    attempts = list(mine.attempts().values())
    for leases in attempts:
        endings = [lease["ending"] for lease in leases]
        assert (endings[0], endings[-1]) == ("stopped", "done")
        assert set(endings[1:-1]) <= {"stopped"}  # the first may start again before the urgent job does
        assert leases[0]["kept"] > 0
        assert sum(lease["kept"] for lease in leases) == 900  # no step twice
    messages = {leases[0]["message"] for leases in attempts}
    assert "signal SIGUSR1" in messages
    assert messages <= {"signal SIGUSR1", "signal SIGTERM"}  # Slurm sends one after the other to make place
    mine.assert_undisturbed(*words)


def test_a_lost_node_and_a_lost_controller(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    words = ("--number", "3", "--steps", "900")
    mine.submit(*words, "--pause", "0.5", "--at-once", "2", "--extra", "#SBATCH --exclusive")
    mine.await_steps()
    mine.await_counts(lambda counts: counts.get("running") == 2)
    killed = time.monotonic()
    slurm.kill_node("n1")
    slurm.kill_controller()
    while (status := mine.status())["counts"]["running"] > 1:  # each one waits for the queue in vain
        assert time.monotonic() < killed + 180
    assert sum(status["counts"][name] for name in ("done", "running", "died", "missing")) == 3
    assert status["queue_silent"]
    assert "The queue does not answer" in mine.qvar("status", str(mine.folder))
    slurm.start_controller()
    slurm.mark_down("n1")
    slurm.start_node("n1")
    mine.go.touch()
    mine.await_counts(lambda counts: not {"running", "waiting"} & counts.keys(), 300)
    if mine.counts() != {"done": 3}:
        mine.qvar("submit", "--resume", str(mine.folder))
    mine.await_done(3)
    assert any(
        leases[0]["ending"] == "running" and leases[-1]["ending"] == "done" for leases in mine.attempts().values()
    )
    mine.assert_undisturbed(*words)


def test_cancelled_and_taken_up_again(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    words = ("--number", "2", "--steps", "900")
    mine.submit(*words, "--pause", "0.4", "--at-once", "1")
    mine.await_steps()
    assert "cancelled" in mine.qvar("cancel", str(mine.folder))
    counts = mine.await_counts(lambda counts: "running" not in counts and "waiting" not in counts)
    assert counts == {"stopped": 1, "cancelled": 1}
    assert mine.array_tasks() == {}
    assert "\ncancelled\n" in mine.qvar("status", str(mine.folder))
    before = len((mine.folder / "array_tasks.jsonl").read_text().splitlines())
    mine.qvar("submit", "--resume", str(mine.folder))
    assert len((mine.folder / "array_tasks.jsonl").read_text().splitlines()) == before + 2
    assert "all tasks are done or under way" in mine.qvar("submit", "--resume", str(mine.folder))
    mine.await_done(2)
    mine.assert_undisturbed(*words)


def test_what_fails_by_its_own_fault_is_not_tried_for_ever(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    mine.submit("--number", "1", "--others", "broken", "killed", "--pack", "2")
    end = {"done": 1, "failed": 1, "died": 1}
    mine.await_counts(lambda counts: counts == end and not mine.array_tasks())
    time.sleep(2)
    assert (mine.counts(), mine.array_tasks()) == (end, {})
    text = mine.qvar("status", str(mine.folder))
    assert "broken (point): RuntimeError: the matrix is singular" in text
    assert re.search(r"killed \(point\): failed .*see logs/\d+_2\.log", text)
    text = mine.qvar("submit", "--resume", str(mine.folder))
    assert "1 task of 3" in text
    mine.await_counts(lambda counts: counts == end and not mine.array_tasks())
    assert [len(leases) for leases in mine.attempts().values()] == [1, 1, 2]
    text = mine.qvar("collect", str(mine.folder), status=1)
    assert "2 of 3 tasks are done" in text
    ledger = pd.read_csv(mine.folder / "ledger.csv")
    assert ledger["status"].tolist() == ["out_of_budget"] * 2 + ["failed"]


def test_held_until_it_is_released_and_a_full_disk_under_one_task(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = campaign(slurm, tmp_path)
    words = ("--number", "2")
    mine.submit(*words, "--extra", "#SBATCH --hold")
    assert mine.counts() == {"waiting": 2}
    (job,) = {name.partition("_")[0] for name in mine.array_tasks()}
    text = mine.qvar("status", str(mine.folder))
    assert "held by the queue" in text
    assert f"JobHeldUser; `scontrol release {job}_1`" in " ".join(text.split())
    assert {task["reason"] for task in mine.status()["tasks"]} == {"JobHeldUser"}
    key = mine.tasks()["t1"]["key"]
    place = mine.folder / "state" / key
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", place], capture_output=True, check=False)
    if mounted.returncode:
        mine.await_done(2)  # which releases them
        pytest.skip("a small file system cannot be mounted here: it takes root")
    try:
        (place / "fill").write_bytes(b"x" * 4096)
        mine.await_counts(lambda counts: counts == {"done": 1, "ended": 1})  # which releases them
        assert "t1 (point) could not be written: No space left on device" in mine.logs()
        assert "see logs/" in mine.qvar("status", str(mine.folder))
    finally:
        subprocess.run(["umount", place], check=True)
    mine.qvar("submit", "--resume", str(mine.folder))
    mine.await_done(2)
    mine.assert_undisturbed(*words)


@pytest.mark.parametrize("accounting", [False, True])
def test_a_queue_without_a_record_is_asked_elsewhere_or_not_believed(tmp_path: Path, accounting: bool) -> None:
    try:
        with LocalSlurm(tmp_path / "slurm", nodes=1, accounting=accounting) as slurm:
            mine = campaign(slurm, tmp_path)
            mine.submit("--number", "1", "--others", "killed", "--pack", "2")
            end = {"done": 1, "died": 1}
            mine.await_counts(lambda counts: counts == end and not mine.array_tasks())
            while accounting and "FAILED" not in slurm.run("sacct", "-n", "-X", "-o", "State").stdout:
                time.sleep(0.1)  # the queue shows it a little later
            slurm.kill_controller()
            shutil.rmtree(slurm.folder / "state")
            (slurm.folder / "state").mkdir(mode=0o700)
            slurm.start_controller()
            assert mine.status()["queue_silent"] == ""  # to know nothing is an answer
            found = mine.tasks()
            assert {label: task["condition"] for label, task in found.items()} == {"t0": "done", "killed": "died"}
            assert found["killed"]["queue"] == ("failed" if accounting else None)
    except Unavailable as reason:
        pytest.skip(str(reason))
