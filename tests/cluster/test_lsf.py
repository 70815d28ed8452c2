"""The LSF adapter against scripts written by hand and texts after its command reference."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cluster.scripts import AWKWARD, check_syntax, collecting_job, full_job, golden, run_awkward

from qvar.cluster.lsf import LSF
from qvar.cluster.scheduler import Job, QueueAnswer, Resources, State

BJOBS = """\
12|1|DONE|-|node7|-
12|2|RUN|-|4*node7:4*node8|-
12|3|PEND|-|-|-
12|4|EXIT|3|node7|-
12|5|EXIT|140|node7|TERM_RUNLIMIT: job killed after reaching LSF run time limit
12|6|EXIT|130|-|TERM_OWNER: job killed by owner
12|7|EXIT|137|node7|TERM_MEMLIMIT: job killed after reaching LSF memory usage limit
12|8|ZOMBI|-|node7|-
12|9|UNKWN|-|node7|-
13|0|PSUSP|-|-|-
Job <14> is not found
"""


def test_an_array_is_the_script_of_the_manual() -> None:
    assert LSF.render(full_job("#BSUB -B")) == golden("lsf_full")


def test_the_collecting_job_waits_and_is_no_array() -> None:
    assert LSF.render(collecting_job(("7", "8"))) == golden("lsf_collect")


@pytest.mark.parametrize("name", ["lsf_full", "lsf_collect"])
def test_bash_reads_the_scripts(name: str) -> None:
    check_syntax(golden(name))


def test_the_command_line_arrives_whole_from_an_awkward_folder(tmp_path: Path) -> None:
    words = run_awkward(LSF, tmp_path, {"LSB_JOBID": "12", "LSB_JOBINDEX": "3"})
    folder = tmp_path / AWKWARD
    assert words == ["worker", str(folder), "--index", "43", str(folder), "3", "lsf"]
    assert (folder / "logs" / LSF.log("12", 3)).read_text() == "printed\n"


def test_a_short_job_gets_no_warning_in_its_first_half() -> None:
    short = LSF.render(Job("x", Path("/x"), ("qvar",), 1, resources=Resources(time_s=60)))
    assert "#BSUB -W 0:01\n" in short
    assert "-wt" not in short
    assert "#BSUB -wt 1\n" in LSF.render(Job("x", Path("/x"), ("qvar",), 1, resources=Resources(time_s=120)))


def test_bsub_reads_the_script_on_its_standard_input(tmp_path: Path) -> None:
    (tmp_path / "bsub").write_text("#!/bin/bash\necho $#; cat\n")
    (tmp_path / "bsub").chmod(0o755)
    script = tmp_path / "it's a job.sh"
    script.write_text("the script\n")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([*LSF.submit, str(script)], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "0\nthe script\n"


def test_the_answer_of_bsub() -> None:
    assert LSF.submitted("Job <12> is submitted to queue <normal>.\n") == "12"
    assert LSF.submitted("note\nJob <12> is submitted to default queue <normal>.\n") == "12"
    assert LSF.submitted("Bad resource requirement syntax. Job not submitted.\n") is None


def test_answers_of_bjobs() -> None:
    (poll,) = LSF.polls(("12", "13"))
    form = "jobid jobindex stat exit_code exec_host exit_reason delimiter='|'"
    assert poll.command == ("bjobs", "-a", "-noheader", "-o", form, "12", "13")
    assert poll.read(BJOBS) == {
        ("12", 1): QueueAnswer(State.COMPLETED, "", "node7"),
        ("12", 2): QueueAnswer(State.RUNNING, "", "node7"),
        ("12", 3): QueueAnswer(State.PENDING),
        ("12", 4): QueueAnswer(State.FAILED, "exit status 3", "node7"),
        ("12", 5): QueueAnswer(State.TIMEOUT, "TERM_RUNLIMIT", "node7"),
        ("12", 6): QueueAnswer(State.CANCELLED, "TERM_OWNER"),
        ("12", 7): QueueAnswer(State.FAILED, "TERM_MEMLIMIT", "node7"),
        ("12", 8): QueueAnswer(State.LOST, "ZOMBI", "node7"),
        ("12", 9): QueueAnswer(State.RUNNING, "UNKWN", "node7"),
        ("13", 0): QueueAnswer(State.PENDING, "PSUSP"),
    }


def test_an_array_task_is_put_back_by_its_exit_status() -> None:
    assert LSF.again({"LSB_JOBID": "12", "LSB_JOBINDEX": "3"}) == 99
    assert LSF.again({"LSB_JOBID": "12", "LSB_JOBINDEX": "0"}) is None
    assert LSF.again({}) is None
    assert LSF.place({"LSB_JOBID": "12", "LSB_JOBINDEX": "3"}) == ("12", 3)
    assert LSF.cancel(("12",)) == ("bkill", "12")
