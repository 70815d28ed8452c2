"""The PBS adapter against scripts written by hand and texts after its manual pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster.scripts import AWKWARD, check_syntax, collecting_job, full_job, golden, run_awkward

from qvar.cluster.pbs import PBS
from qvar.cluster.scheduler import Job, QueueAnswer, Resources, State


def job_text(name: str, *fields: str) -> str:
    return f"Job Id: {name}\n    Job_Name = duel\n" + "".join(f"    {field}\n" for field in fields) + "\n"


QSTAT = "".join((
    job_text("12[].pbs", "job_state = B", "array = True", "Resource_List.select = 1:ncpus=4:mem=16384mb"),
    job_text("12[1].pbs", "job_state = X", "exec_host = node7/0*4", "Exit_status = 0", "substate = 92"),
    job_text("12[2].pbs", "job_state = R", "exec_host = node8/0", "Variable_List = PBS_O_HOME=/home/me,", "\tA = b"),
    job_text("12[3].pbs", "job_state = Q", "comment = Not Running: Insufficient amount of resource: ncpus"),
    job_text("12[4].pbs", "job_state = X", "exec_host = node7/0", "Exit_status = 3"),
    job_text("12[5].pbs", "job_state = X", "exec_host = node7/0", "Exit_status = -29"),
    job_text("12[6].pbs", "job_state = X", "exec_host = node7/0", "Exit_status = 271"),
    job_text("12[7].pbs", "job_state = X"),  # without a history its end is not known
    job_text("12[8].pbs", "job_state = X", "exec_host = node7/0", "Exit_status = -27"),
    job_text("12[9].pbs", "job_state = X", "exec_host = node7/0", "Exit_status = 265"),
    job_text("12[10].pbs", "job_state = F", "exec_host = node7/0", "Exit_status = -20"),
    job_text("12[11].pbs", "job_state = F", "exec_host = node7/0"),  # it ran, and its end is not known either
    job_text("13.pbs.example.org", "job_state = H"),
    job_text("14.pbs", "job_state = F", "substate = 91"),
    job_text("99[1].pbs", "job_state = R"),  # not asked for
))  # fmt: skip


def test_an_array_is_the_script_of_the_manual() -> None:
    assert PBS.render(full_job("#PBS -m n")) == golden("pbs_full")


def test_the_collecting_job_waits_and_is_no_array() -> None:
    assert PBS.render(collecting_job(("7[].pbs", "8[].pbs"))) == golden("pbs_collect")


@pytest.mark.parametrize("name", ["pbs_full", "pbs_collect"])
def test_bash_reads_the_scripts(name: str) -> None:
    check_syntax(golden(name))


def test_the_command_line_arrives_whole_from_an_awkward_folder(tmp_path: Path) -> None:
    environment = {"PBS_JOBID": "12[3].pbs", "PBS_ARRAY_INDEX": "3", "PBS_O_WORKDIR": str(tmp_path)}
    words = run_awkward(PBS, tmp_path, environment)
    folder = tmp_path / AWKWARD
    assert words == ["worker", str(folder), "--index", "43", str(folder), "3", "pbs"]
    assert (folder / "logs" / PBS.log("12[].pbs", 3)).read_text() == "printed\n"


def test_an_array_of_one_is_a_plain_job_with_its_number(tmp_path: Path) -> None:
    words = run_awkward(PBS, tmp_path, {"PBS_JOBID": "12.pbs", "PBS_O_WORKDIR": str(tmp_path)}, count=1)
    assert words[2:4] == ["--index", "41"]
    assert "#PBS -J" not in PBS.render(Job("x", Path("/x"), ("qvar",), 1, resources=Resources(at_once=4)))
    assert PBS.place({"PBS_JOBID": "12.pbs"}) == ("12.pbs", 1)
    assert (tmp_path / AWKWARD / "logs" / PBS.log("12.pbs", 1)).exists()


def test_it_works_where_it_was_submitted() -> None:
    assert '\ncd "${PBS_O_WORKDIR:?}" || exit 1\nexec qvar\n' in PBS.render(Job("x", Path("/x"), ("qvar",), 0))


@pytest.mark.parametrize(("text", "job"), [("12[].pbs\n", "12[].pbs"), ("12.pbs.org\n", "12.pbs.org"), ("12\n", "12")])
def test_the_answer_of_qsub(text: str, job: str | None) -> None:
    assert PBS.submitted(text) == job
    assert PBS.submitted("qsub: Job rejected by all possible destinations\n") is None


def test_answers_of_qstat() -> None:
    (poll,) = PBS.polls(("12[].pbs", "13.pbs", "14.pbs"))
    assert poll.command == ("qstat", "-x", "-t", "-f", "12[].pbs", "13.pbs", "14.pbs")
    held, deleted = QueueAnswer(State.PENDING, "H"), QueueAnswer(State.CANCELLED, "deleted")
    assert poll.read(QSTAT) == {
        ("12[].pbs", 1): QueueAnswer(State.COMPLETED, "", "node7"),
        ("12[].pbs", 2): QueueAnswer(State.RUNNING, "", "node8"),
        ("12[].pbs", 3): QueueAnswer(State.PENDING),
        ("12[].pbs", 4): QueueAnswer(State.FAILED, "exit status 3", "node7"),
        ("12[].pbs", 5): QueueAnswer(State.TIMEOUT, "killed for walltime", "node7"),
        ("12[].pbs", 6): QueueAnswer(State.CANCELLED, "signal 15", "node7"),
        ("12[].pbs", 8): QueueAnswer(State.FAILED, "killed for mem", "node7"),
        ("12[].pbs", 9): QueueAnswer(State.FAILED, "signal 9", "node7"),
        ("12[].pbs", 10): QueueAnswer(State.LOST, "exit status -20", "node7"),
        ("13.pbs", 0): held, ("13.pbs", 1): held, ("14.pbs", 0): deleted, ("14.pbs", 1): deleted,
    }  # fmt: skip


def test_an_array_task_cannot_put_itself_back() -> None:
    environment = {"PBS_JOBID": "12[3].pbs", "PBS_ARRAY_INDEX": "3"}
    assert PBS.again(environment) is None
    assert PBS.place(environment) == ("12[].pbs", 3)
    assert PBS.place({}) is None
    assert PBS.cancel(("12[].pbs",)) == ("qdel", "12[].pbs")
