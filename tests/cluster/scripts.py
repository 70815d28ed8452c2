"""What the tests of the adapters share: jobs whose scripts lie in `golden/`, and a bash that runs scripts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from qvar.cluster.scheduler import Job, Queue, Resources

GOLDEN = Path(__file__).parent / "golden"

AWKWARD = """it's a "run" $HOME 50% (2)"""
"""A folder's name with everything that shells and queues may trip over."""


def full_job(extra: str, qos: str | None = None) -> Job:
    """The second part of a big array, with everything that a queue may be asked for."""
    resources = Resources(
        partition="gpu", account="chem", qos=qos, time_s=36 * 3600 + 1805, memory_bytes=16 << 30, cpus=4, gpus=2,
        at_once=5, extra=(extra,), setup=("module load cuda",),
    )  # fmt: skip
    words = ("qvar", "worker", "/scratch/duel")
    return Job("duel", Path("/scratch/duel"), words, 40, 1000, resources, "/opt/qvar/bin")


def collecting_job(after: tuple[str, ...]) -> Job:
    """The single command that waits for others."""
    folder = "/scratch/50% done"
    return Job("duel_c", Path(folder), ("qvar", "collect", folder), 0, after=after, resources=Resources(time_s=60))


def golden(name: str) -> str:
    """A script that was written by hand after the manuals."""
    return (GOLDEN / f"{name}.sh").read_text(encoding="utf-8")


def check_syntax(script: str) -> None:
    """Lets bash read a script without running it."""
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def run_awkward(
    queue: Queue, tmp_path: Path, environment: dict[str, str], count: int = 5, **asked: object
) -> list[str]:
    """Runs a script of a campaign with an awkward name, with a `qvar` that prints its words.

    Returns:
        What `qvar` was called with, then its folder, OMP_NUM_THREADS, QVAR_QUEUE and, where it is set, QVAR_STOP_AT.
    """
    folder, programs = tmp_path / AWKWARD, tmp_path / "my programs"
    (folder / "logs").mkdir(parents=True)
    programs.mkdir()
    words_file = tmp_path / "words"
    fake = programs / "qvar"
    shown = '"$@" "$PWD" $OMP_NUM_THREADS $QVAR_QUEUE $QVAR_STOP_AT'
    fake.write_text(f"#!/bin/bash\nprintf '%s\\n' {shown} >'{words_file}'\necho printed\n")
    fake.chmod(0o755)
    words = ("qvar", "worker", str(folder))
    job = Job("awkward", folder, words, count, 40, Resources(cpus=3), str(programs), workdir=folder)
    script = queue.render(job)
    check_syntax(script)
    subprocess.run(
        ["bash"], input=script, text=True, check=True, cwd=tmp_path, capture_output=True,
        env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip
    return words_file.read_text(encoding="utf-8").splitlines()
