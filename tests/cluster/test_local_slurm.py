from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from cluster.local_slurm import LocalSlurm, Unavailable

COMMAND = [sys.executable, str(Path(__file__).with_name("local_slurm.py"))]


def until(true: Callable[[], bool], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.1)


def submit(slurm: LocalSlurm, *arguments: str) -> str:
    done = slurm.run("sbatch", "--parsable", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def states(slurm: LocalSlurm, job: str) -> list[str]:
    return slurm.run("squeue", "-h", "-r", "-t", "all", "-j", job, "-o", "%T").stdout.split()


def test_a_job_reaches_two_nodes(slurm: LocalSlurm) -> None:
    done = slurm.run("srun", "-N2", "printenv", "SLURMD_NODENAME")
    assert sorted(done.stdout.split()) == ["n1", "n2"], done.stderr


def test_tasks_of_an_array_see_the_gpus_that_they_asked_for(slurm: LocalSlurm, tmp_path: Path) -> None:
    job = submit(
        slurm, "--array=1-4", "--gres=gpu:1", "-o", f"{tmp_path}/%a", "--wrap", "echo $CUDA_VISIBLE_DEVICES; sleep 1"
    )
    until(lambda: states(slurm, job) == ["COMPLETED"] * 4)
    # four at once on two nodes of two GPUs
    assert sorted((tmp_path / name).read_text() for name in "1234") == ["0\n", "0\n", "1\n", "1\n"]


def test_a_job_without_gpus_sees_none(slurm: LocalSlurm) -> None:
    assert slurm.run("srun", "printenv", "CUDA_VISIBLE_DEVICES").returncode != 0


def test_jobs_of_main_displace_those_of_preempt(slurm: LocalSlurm, tmp_path: Path) -> None:
    low = submit(slurm, "-p", "preempt", "-N2", "--exclusive", "-o", "/dev/null", "--wrap", "exec sleep 100")
    until(lambda: states(slurm, low) == ["RUNNING"])
    high = submit(slurm, "-N2", "--exclusive", "-o", "/dev/null", "--wrap", "exec sleep 1")
    until(lambda: states(slurm, high) == ["COMPLETED"])
    assert states(slurm, low) == ["PENDING"]
    slurm.run("scancel", low)


def test_crashes(slurm: LocalSlurm, tmp_path: Path) -> None:
    """The controller comes back with its queue; a job on a node that is lost goes back into the queue, or fails."""
    child = tmp_path / "child"
    script = f"setsid sleep 300 & echo $! > {child}; wait"
    back = submit(slurm, "-w", "n2", "--requeue", "-o", "/dev/null", "--wrap", script)
    lost = submit(slurm, "-w", "n2", "--no-requeue", "-o", "/dev/null", "--wrap", "exec sleep 300")
    held = submit(slurm, "--hold", "-o", "/dev/null", "--wrap", "true")
    until(lambda: child.exists() and child.read_text().endswith("\n") and states(slurm, lost) == ["RUNNING"])

    settled = time.time()  # a controller that crashes forgets what it has not written yet
    submit(slurm, "--hold", "-o", "/dev/null", "--wrap", "true")
    until(lambda: (slurm.folder / "state/job_state").stat().st_mtime > settled + 0.1)
    slurm.kill_controller()
    assert slurm.run("scontrol", "ping").returncode == 1
    assert slurm.processes()["slurmctld"] == []
    slurm.start_controller()
    assert states(slurm, f"{back},{lost},{held}").count("RUNNING") == 2
    assert states(slurm, held) == ["PENDING"]

    slurm.kill_node("n2")
    assert not Path(f"/proc/{int(child.read_text())}/cwd").exists(), (
        "a process of the job that left its session lives on"
    )
    until(lambda: slurm.states()["n2"].startswith("down"))
    until(lambda: states(slurm, lost) == ["NODE_FAIL"] and states(slurm, back) == ["PENDING"])
    assert slurm.states()["n1"] == "idle"
    slurm.start_node("n2")
    assert "Restarts=1 " in slurm.run("scontrol", "show", "job", back).stdout
    slurm.run("scancel", back, held)


def test_a_second_one_is_another_and_stops_alone(slurm: LocalSlurm, tmp_path: Path) -> None:
    before = slurm.processes()
    with LocalSlurm(tmp_path / "other", nodes=1) as other:
        submit(other, "-o", "/dev/null", "--wrap", "setsid sleep 300")
        until(lambda: other._job_processes() != [])
        own = [*chain(*other.processes().values()), *other._job_processes()]
        assert other.run("squeue", "-h").stdout.count("\n") == 1
        ports = [
            line.split("Port=")[1].split()[0]
            for line in (other.folder / "slurm.conf").read_text().splitlines()
            if "Port=" in line
        ]
    assert not any([*other.processes().values(), other._job_processes()])
    assert not any(Path(f"/proc/{pid}/cwd").exists() for pid in own)
    listening = Path("/proc/net/tcp").read_text()
    assert len(ports) == 2
    assert not any(f":{int(port):04X} 00000000" in listening for port in ports)
    assert slurm.processes() == before
    assert slurm.run("srun", "true").returncode == 0


def test_it_ends_with_the_process_that_began_it(slurm: LocalSlurm, tmp_path: Path) -> None:
    lines = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from local_slurm import LocalSlurm
with LocalSlurm({str(tmp_path)!r}, nodes=1):
    print("up", flush=True)
    time.sleep(100)
"""
    with subprocess.Popen([sys.executable, "-c", lines], stdout=subprocess.PIPE, text=True) as began:
        assert began.stdout is not None
        assert began.stdout.readline() == "up\n"
        other = LocalSlurm.found(tmp_path)
        assert all(other.processes().values())
        began.send_signal(signal.SIGKILL)
    until(lambda: not any(other.processes().values()))


def test_the_command(slurm: LocalSlurm, tmp_path: Path) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *arguments, "--folder", str(tmp_path)], capture_output=True, text=True)

    assert command("stop").stderr == f"local_slurm: no Slurm was started in {tmp_path}\n"
    assert command("start", "--nodes", "1", "--cpus", "1").returncode == 0
    try:
        assert command("env").stdout == f"export SLURM_CONF={tmp_path}/slurm.conf\n"
        assert command("status").returncode == 0
        assert "must be one of n1" in command("kill-node", "n7").stderr
        command("kill-node", "n1")
        down = command("status")
        assert "slurmd n1: down\n" in down.stdout
        assert down.returncode == 3
        assert command("start-node", "n1").returncode == 0
        assert command("status").returncode == 0
    finally:
        assert command("stop").returncode == 0
    assert os.path.isdir(tmp_path / "log")
    assert not any(LocalSlurm.found(tmp_path).processes().values())


def test_a_machine_without_packages_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cluster.local_slurm.shutil.which", lambda program, path=None: None)
    with pytest.raises(Unavailable, match="cannot install slurmctld slurmd slurm-client munge with apt-get"):
        LocalSlurm(tmp_path).start()
    monkeypatch.undo()
    with pytest.raises(ValueError, match="at most 85 plain characters"):
        LocalSlurm(tmp_path / ("x" * 85)).start()
