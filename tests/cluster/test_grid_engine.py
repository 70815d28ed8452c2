"""The Grid Engine adapter against scripts written by hand and texts after its manual pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster.scripts import AWKWARD, check_syntax, collecting_job, full_job, golden, run_awkward

from qvar.cluster.grid_engine import GRID_ENGINE
from qvar.cluster.scheduler import Job, QueueAnswer, Resources, State

QSTAT = """\
<?xml version='1.0'?>
<job_info  xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <queue_info>
    <job_list state="running">
      <JB_job_number>12</JB_job_number>
      <JAT_prio>0.55500</JAT_prio>
      <JB_name>duel</JB_name>
      <JB_owner>me</JB_owner>
      <state>r</state>
      <JAT_start_time>2026-01-05T10:00:00</JAT_start_time>
      <queue_name>all.q@node7.example.org</queue_name>
      <slots>1</slots>
      <tasks>3</tasks>
    </job_list>
    <job_list state="running">
      <JB_job_number>12</JB_job_number>
      <state>dr</state>
      <queue_name>all.q@node8</queue_name>
      <slots>1</slots>
      <tasks>4</tasks>
    </job_list>
  </queue_info>
  <job_info>
    <job_list state="pending">
      <JB_job_number>12</JB_job_number>
      <state>qw</state>
      <queue_name></queue_name>
      <slots>1</slots>
      <tasks>5-6:1</tasks>
    </job_list>
    <job_list state="pending">
      <JB_job_number>12</JB_job_number>
      <state>Rq</state>
      <queue_name></queue_name>
      <tasks>7</tasks>
    </job_list>
    <job_list state="pending">
      <JB_job_number>12</JB_job_number>
      <state>Eqw</state>
      <queue_name></queue_name>
      <tasks>8</tasks>
    </job_list>
    <job_list state="pending">
      <JB_job_number>13</JB_job_number>
      <state>hqw</state>
      <queue_name></queue_name>
    </job_list>
  </job_info>
</job_info>
"""


def record(task: str, failed: str, status: str, *more: str) -> str:
    lines = (
        "=" * 62, "qname        all.q               ", "hostname     node7               ", "jobname      duel",
        "jobnumber    12                  ", f"taskid       {task}", f"failed       {failed}",
        f"exit_status  {status}", *more,
    )  # fmt: skip
    return "\n".join(lines) + "\n"


def test_an_array_is_the_script_of_the_manual() -> None:
    assert GRID_ENGINE.render(full_job("#$ -m n")) == golden("grid_engine_full")


def test_the_collecting_job_waits_and_is_no_array() -> None:
    assert GRID_ENGINE.render(collecting_job(("7", "8"))) == golden("grid_engine_collect")


@pytest.mark.parametrize("name", ["grid_engine_full", "grid_engine_collect"])
def test_bash_reads_the_scripts(name: str) -> None:
    check_syntax(golden(name))


def test_the_command_line_arrives_whole_from_an_awkward_folder(tmp_path: Path) -> None:
    words = run_awkward(GRID_ENGINE, tmp_path, {"JOB_ID": "12", "SGE_TASK_ID": "3"})
    folder = tmp_path / AWKWARD
    assert words == ["worker", str(folder), "--index", "43", str(folder), "3", "grid_engine"]
    assert (folder / "logs" / GRID_ENGINE.log("12", 3)).read_text() == "printed\n"


def test_memory_is_a_share_of_each_slot_and_names_begin_with_a_letter() -> None:
    asked = Resources(memory_bytes=(3 << 20) + 1, cpus=3)
    script = GRID_ENGINE.render(Job("4_atoms_in_a_row", Path("/x"), ("qvar",), 1, resources=asked))
    assert "#$ -l h_vmem=2M\n" in script  # 1 MiB and a byte, rounded up
    assert "#$ -N q4_atoms_in_a_r\n" in script
    assert "#$ -t 1-1\n" in script


@pytest.mark.parametrize(
    ("text", "job"), [("12\n", "12"), ("12.1-40:1\n", "12"), ("note\n13.1-2:1\n", "13"), ("", None)]
)
def test_the_answer_of_qsub(text: str, job: str | None) -> None:
    assert GRID_ENGINE.submitted(text) == job


def test_answers_of_qstat() -> None:
    qstat, *qacct = GRID_ENGINE.polls(("12", "13"))
    assert qstat.command == ("qstat", "-s", "prs", "-g", "d", "-xml")
    assert [poll.command for poll in qacct] == [("qacct", "-j", "12"), ("qacct", "-j", "13")]
    assert [poll.past for poll in (qstat, *qacct)] == [False, True, True]
    assert qstat.read(QSTAT) == {
        ("12", 3): QueueAnswer(State.RUNNING, "r", "node7.example.org"),
        ("12", 4): QueueAnswer(State.CANCELLED, "dr", "node8"),
        ("12", 5): QueueAnswer(State.PENDING, "qw"),
        ("12", 6): QueueAnswer(State.PENDING, "qw"),
        ("12", 7): QueueAnswer(State.PENDING, "Rq"),
        ("12", 8): QueueAnswer(State.FAILED, "Eqw"),
        ("13", 0): QueueAnswer(State.PENDING, "hqw"),
    }
    assert qstat.read("error: commlib error\n") == {}


def test_answers_of_qacct() -> None:
    text = "".join((
        record("1", "0", "0"),
        record("2", "0", "3"),
        record("3", "25  : rescheduling", "99"),
        record("3", "0", "0"),  # it ran again
        record("4", "37  : qmaster enforced h_rt, h_cpu, or h_vmem limit", "137                  (Killed)"),
        record("5", "100 : assumedly after job", "137                  (Killed)", "deleted_by   me@login"),
        record("6", "100 : assumedly after job", "137                  (Killed)", "deleted_by   NONE"),
        record("7", "19  : before writing exit_status", "0"),
        record("8", "25  : rescheduling", "99"),  # qstat has it, or it was deleted after that
        record("9", "0", "99"),
    ))  # fmt: skip
    assert GRID_ENGINE.polls(("12",))[1].read(text) == {
        ("12", 1): QueueAnswer(State.COMPLETED, "", "node7"),
        ("12", 2): QueueAnswer(State.FAILED, "exit status 3", "node7"),
        ("12", 3): QueueAnswer(State.COMPLETED, "", "node7"),
        ("12", 4): QueueAnswer(State.TIMEOUT, "37 : qmaster enforced h_rt, h_cpu, or h_vmem limit", "node7"),
        ("12", 5): QueueAnswer(State.CANCELLED, "deleted by me@login", "node7"),
        ("12", 6): QueueAnswer(State.FAILED, "100 : assumedly after job", "node7"),
        ("12", 7): QueueAnswer(State.LOST, "19 : before writing exit_status", "node7"),
    }
    alone = record("undefined", "0", "0")
    assert GRID_ENGINE.polls(("12",))[1].read(alone) == {("12", 0): QueueAnswer(State.COMPLETED, "", "node7")}
    assert GRID_ENGINE.polls(("12",))[1].read("error: job id 12 not found\n") == {}


def test_an_array_task_is_put_back_by_its_exit_status() -> None:
    assert GRID_ENGINE.again({"JOB_ID": "12", "SGE_TASK_ID": "3"}) == 99
    assert GRID_ENGINE.again({"JOB_ID": "12", "SGE_TASK_ID": "undefined"}) is None
    assert GRID_ENGINE.again({}) is None
    assert GRID_ENGINE.place({"JOB_ID": "12", "SGE_TASK_ID": "3"}) == ("12", 3)
    assert GRID_ENGINE.cancel(("12", "13")) == ("qdel", "12", "13")
