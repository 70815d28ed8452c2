"""The Slurm adapter against scripts written by hand and answers of a Slurm 22.05."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cluster.scripts import AWKWARD, check_syntax, collecting_job, full_job, golden, run_awkward

from qvar.cluster.scheduler import Job, QueueAnswer, Resources, State
from qvar.cluster.slurm import SLURM, max_array_size
from qvar.errors import QvarError

SQUEUE = """\
7|9|PENDING|JobArrayTaskLimit|
7|10|PENDING|JobArrayTaskLimit|
7|8|RUNNING|None|n1
5|1|PENDING|ReqNodeNotAvail, UnavailableNodes:n2|n2
9|1|FAILED|NonZeroExitCode|n2
12|N/A|CANCELLED|DependencyNeverSatisfied|
43|N/A|NODE_FAIL|NodeDown|n1
8|3|COMPLETED|None|n2
7|11|COMPLETING|None|n1
slurm_load_jobs error: Invalid job id specified
7|12|OF_ANOTHER_VERSION|None|
"""

SACCT = """\
12|CANCELLED|0:0|None assigned
13|COMPLETED|0:0|n1
7_8|RUNNING|0:0|n1
7_17|CANCELLED by 0|0:0|n1
7_[19-21,40%2]|CANCELLED by 0|0:0|None assigned
9_1|FAILED|3:0|n2
10_2|FAILED|0:9|n1
11_1|OUT_OF_MEMORY|0:125|n1
11_2|TIMEOUT|0:0|n1
5_1|PREEMPTED|0:0|n2
42_1|NODE_FAIL|0:0|n2
sacct: error: Problem talking to the database: Connection refused
"""

SCONTROL = """\
JobId=7 ArrayJobId=7 ArrayTaskId=9-11%2 ArrayTaskThrottle=2 JobName=arr UserId=root(0) JobState=PENDING \
Reason=JobArrayTaskLimit Dependency=(null) Requeue=1 ExitCode=0:0 ReqNodeList=(null) ExcNodeList=(null) NodeList= \
NumNodes=1 StdOut=/tmp/w/sl/x/o.7_4294967294 Power= TresPerNode=gres:gpu:1
JobId=39 ArrayJobId=7 ArrayTaskId=18 ArrayTaskThrottle=2 JobName=arr JobState=CANCELLED Reason=None ExitCode=0:15 \
RunTime=00:00:20 AllocNode:Sid=localhost:1923 ReqNodeList=(null) ExcNodeList=(null) NodeList=n1 BatchHost=n1
JobId=12 JobName=depkill UserId=root(0) JobState=CANCELLED Reason=DependencyNeverSatisfied Dependency=afterok:7_* \
ExitCode=0:0 ReqNodeList=(null) ExcNodeList=(null) NodeList= NumNodes=1
JobId=45 ArrayJobId=42 ArrayTaskId=1 JobName=t.sh JobState=PENDING Reason=ReqNodeNotAvail,_UnavailableNodes:n2 \
ReqNodeList=n2 NodeList=(null)
"""


def test_an_array_is_the_script_of_the_manual() -> None:
    assert SLURM.render(full_job("#SBATCH --constraint=a100", "high")) == golden("slurm_full")


def test_a_spread_state_starts_under_srun() -> None:
    asked = Resources(time_s=7200, gpus=4, nodes=2, distributed=True)
    words = ("qvar", "worker", "/scratch/duel")
    job = Job("state", Path("/scratch/duel"), words, 2, resources=asked, workdir=Path("/home/me/my cases"))
    assert SLURM.render(job) == golden("slurm_distributed")
    without = SLURM.render(Job("s", Path("/x"), words, 1, resources=Resources(cpus=8, nodes=2, distributed=True)))
    assert "srun --nodes=2 --ntasks-per-node=1 --cpus-per-task=8 --kill-on-bad-exit=1 qvar" in without
    assert "gres" not in without


def test_the_collecting_job_waits_and_is_no_array() -> None:
    assert SLURM.render(collecting_job(("7", "8"))) == golden("slurm_collect")


@pytest.mark.parametrize("name", ["slurm_full", "slurm_distributed", "slurm_collect"])
def test_bash_reads_the_scripts(name: str) -> None:
    check_syntax(golden(name))


def test_the_command_line_arrives_whole_from_an_awkward_folder(tmp_path: Path) -> None:
    environment = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_JOB_ID": "7"}
    words = run_awkward(SLURM, tmp_path, {**environment, "QVAR_STOP_AT": "1"})
    folder = tmp_path / AWKWARD
    assert words == ["worker", str(folder), "--index", "43", str(folder), "3", "slurm"]  # no deadline is left
    assert (folder / "logs" / "7_3.log").read_text() == "printed\n"


def test_an_array_task_without_its_number_does_nothing(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run_awkward(SLURM, tmp_path, {"SLURM_ARRAY_JOB_ID": "7"})
    assert not (tmp_path / "words").exists()


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (Resources(time_s=60), "--signal=B:USR1@10"),  # a tenth, but no less than 10 s
        (Resources(time_s=200), "--signal=B:USR1@20"),
        (Resources(time_s=240), "--signal=B:USR1@120"),
        (Resources(time_s=10), "--signal=B:USR1@5"),
        (Resources(), "--signal=B:USR1@120"),
        (Resources(memory_bytes=(1 << 20) + 1), "--mem=2M"),
        (Resources(time_s=86399), "--time=0-23:59:59"),
    ],
)
def test_numbers_become(asked: Resources, line: str) -> None:
    script = SLURM.render(Job("x", Path("/x"), ("qvar",), 3, resources=asked))
    assert f"#SBATCH {line}\n" in script
    assert "#SBATCH --array=1-3\n" in script


@pytest.mark.parametrize("flag", ["partition", "account", "qos"])
def test_a_word_that_would_break_a_directive_is_refused(flag: str) -> None:
    job = Job("x", Path("/x"), ("qvar",), 1, resources=replace(Resources(), **{flag: "a b"}))
    with pytest.raises(QvarError, match=f"`{flag}` must be one word, but is 'a b'."):
        SLURM.render(job)


@pytest.mark.parametrize(
    ("text", "job"),
    [("123\n", "123"), ("123;chem\n", "123"), ("sbatch: note 5\n\n77\n", "77"), ("", None), ("error 5\n", None)],
)
def test_the_answer_of_sbatch(text: str, job: str | None) -> None:
    assert SLURM.submitted(text) == job


def test_the_ways_to_ask() -> None:
    squeue, sacct, *scontrol = SLURM.polls(("7", "8"))
    assert squeue.command == (
        "squeue", "--noheader", "--array", "--states=all", "--format=%F|%K|%T|%r|%N", "--jobs=7,8",
    )  # fmt: skip
    assert sacct.command[0] == "sacct"
    assert sacct.command[-1] == "--jobs=7,8"
    assert [poll.command for poll in scontrol] == [("scontrol", "--oneliner", "show", "job", job) for job in ("7", "8")]
    assert SLURM.cancel(("7", "8")) == ("scancel", "7", "8")


def test_answers_of_squeue() -> None:
    assert SLURM.polls(("7",))[0].read(SQUEUE) == {
        ("7", 9): QueueAnswer(State.PENDING, "JobArrayTaskLimit"),
        ("7", 10): QueueAnswer(State.PENDING, "JobArrayTaskLimit"),
        ("7", 8): QueueAnswer(State.RUNNING, "", "n1"),
        ("5", 1): QueueAnswer(State.PENDING, "ReqNodeNotAvail, UnavailableNodes:n2"),
        ("9", 1): QueueAnswer(State.FAILED, "FAILED (NonZeroExitCode)", "n2"),
        ("12", 0): QueueAnswer(State.CANCELLED, "CANCELLED (DependencyNeverSatisfied)"),
        ("43", 0): QueueAnswer(State.LOST, "NODE_FAIL (NodeDown)", "n1"),
        ("8", 3): QueueAnswer(State.COMPLETED, "", "n2"),
        ("7", 11): QueueAnswer(State.RUNNING, "", "n1"),
    }


def test_answers_of_sacct() -> None:
    assert SLURM.polls(("7",))[1].read(SACCT) == {
        ("12", 0): QueueAnswer(State.CANCELLED, "CANCELLED"),
        ("13", 0): QueueAnswer(State.COMPLETED, "", "n1"),
        ("7", 8): QueueAnswer(State.RUNNING, "", "n1"),
        ("7", 17): QueueAnswer(State.CANCELLED, "CANCELLED", "n1"),
        **{("7", number): QueueAnswer(State.CANCELLED, "CANCELLED") for number in (19, 20, 21, 40)},
        ("9", 1): QueueAnswer(State.FAILED, "FAILED (exit status 3)", "n2"),
        ("10", 2): QueueAnswer(State.FAILED, "FAILED (signal 9)", "n1"),
        ("11", 1): QueueAnswer(State.FAILED, "OUT_OF_MEMORY (signal 125)", "n1"),
        ("11", 2): QueueAnswer(State.TIMEOUT, "TIMEOUT", "n1"),
        ("5", 1): QueueAnswer(State.LOST, "PREEMPTED", "n2"),
        ("42", 1): QueueAnswer(State.LOST, "NODE_FAIL", "n2"),
    }


def test_answers_of_scontrol() -> None:
    assert SLURM.polls(("7",))[2].read(SCONTROL) == {
        **{("7", number): QueueAnswer(State.PENDING, "JobArrayTaskLimit") for number in (9, 10, 11)},
        ("7", 18): QueueAnswer(State.CANCELLED, "CANCELLED (signal 15)", "n1"),
        ("12", 0): QueueAnswer(State.CANCELLED, "CANCELLED (DependencyNeverSatisfied)"),
        ("42", 1): QueueAnswer(State.PENDING, "ReqNodeNotAvail,_UnavailableNodes:n2"),
    }


def test_an_array_task_is_put_back_by_array_and_number() -> None:
    environment = {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "40"}
    assert SLURM.again(environment) == ("scontrol", "requeue", "7_40")
    assert SLURM.again({"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7"}) is None  # "7" would put back the whole array
    assert SLURM.again({"SLURM_JOB_ID": "8"}) == ("scontrol", "requeue", "8")
    assert SLURM.again({}) is None
    assert SLURM.place(environment) == ("7", 40)
    assert SLURM.place({"SLURM_JOB_ID": "8"}) is None
    assert SLURM.log("7", 40) == "7_40.log"


def test_the_size_of_arrays() -> None:
    config = "MaxArraySize            = 2001\nMaxBatchRequeue         = 5\n"
    assert max_array_size(config) == 2000
    assert max_array_size("MaxArraySize            = 0\n") is None
    assert max_array_size("") is None
