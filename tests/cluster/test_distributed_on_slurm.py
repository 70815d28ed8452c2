"""Array tasks of several processes on a real Slurm: two pretend nodes, each a process with two virtual devices."""

from __future__ import annotations

import socket
from pathlib import Path

import pandas as pd
import pytest
from cluster.local_slurm import LocalSlurm
from cluster.user import Campaign

from qvar.cluster.campaign import open_campaign
from qvar.cluster.collect import collect
from qvar.runs.case_flags import load_case
from qvar.runs.runner import run

pytestmark = pytest.mark.usefixtures("without_pages_or_queue")

CASE = Path(__file__).parent / "spins_case.py"

STEPS = 130
"""Steps of a start: it is looked at after 1, 65, 129 and 130 of them, and pauses there until it may go on."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_two_processes_stop_and_go_on_together(slurm: LocalSlurm, tmp_path: Path) -> None:
    mine = Campaign(tmp_path / "campaign", "slurm", slurm.environment, lambda: slurm.run("squeue", "-a").stdout)
    asked = ("--nodes", "2", "--distributed", "--time", "5m", "--memory", "1G", "--at-once", "1")
    # the pretend nodes' names lead nowhere, so that the processes need an address
    setup = (
        f"export JAX_COORDINATOR_ADDRESS=127.0.0.1:{free_port()}",
        'export XLA_FLAGS="$XLA_FLAGS --xla_force_host_platform_device_count=2"',
    )
    lines = [word for line in setup for word in ("--setup", line)]
    mine.qvar(
        "submit", str(CASE), "--gradients", str(STEPS), "--pause", "2", "--go", str(mine.go), *asked, *lines,
        "--queue", "slurm", "--no-collect", "--checkpoint", "1s", "--out", str(mine.folder),
    )  # fmt: skip
    mine.await_steps(1, 100)
    assert slurm.run("scancel", "--signal=USR1", open_campaign(mine.folder).submissions()[0]["job"]).returncode == 0
    mine.await_done(1, 300)
    endings = [[lease["ending"] for lease in leases] for leases in mine.attempts().values()]
    assert endings == [["stopped", "done"]]
    assert collect(open_campaign(mine.folder)).n_done == 1
    alone = run(load_case(CASE)(gradients=STEPS), tmp_path / "alone", progress=False)
    both = [
        table.drop(columns=["wall_s", "compile_s"])
        for table in (pd.read_parquet(mine.folder / "ledger.parquet"), alone)
    ]
    pd.testing.assert_frame_equal(*both, rtol=0, atol=1e-12)
