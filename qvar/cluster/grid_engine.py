"""Grid Engine, of Sun, Univa or the Son: `qsub`, `qstat`, `qacct` and `qdel`.

After the manual pages sge_submit(1) (qsub), qstat(1), qacct(1), queue_conf(5), sge_conf(5), accounting(5) and
sge_status(5) of Son of Grid Engine 8.1.9. What is not plain:

- Memory, `h_vmem`, is a limit of each slot, so it is divided by the cores, and it is one of *virtual* memory, of which
  CUDA reserves far more than it uses; a site may want `mem_free` or `m_mem_free` in a raw line instead.
- `-pe smp N` and `-l gpu=N` are names that sites choose; these two are the usual ones. A raw line `#$ -pe NAME N` comes
  later and wins, as the last of an option does.
- `-notify` sends USR1 before a job is stopped and USR2 before it is killed, also at its time limit, by as many seconds
  as the queue's `notify` says; qvar's own deadline does not wait for it.
- An array task that ends with status 99 is put back, unless the site forbids it (`FORBID_RESCHEDULE`).
- `-hold_jid` waits for the end of a job, however it ends, but for the status 100.
- A log lies in `logs/JOB.NUMBER.log`.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence

from qvar.cluster.scheduler import Job, Poll, Queue, QueueAnswer, State
from qvar.cluster.script import checked, given, log_place, mebibytes, numbers, script, short_name

_NAME = "grid_engine"
_AGAIN = 99
_PUT_BACK = (24, 25)  # "migrating" and "rescheduling"

_BECOMES = {
    "partition": "-q NAME",
    "account": "-P NAME",
    "time": "-l h_rt=SECONDS",
    "memory": "-l h_vmem=NM, a slot's share of it; names differ by site",
    "cpus": "-pe smp N, where N is more than 1; names differ by site",
    "gpus": "-l gpu=N; names differ by site",
    "at_once": "-tc N",
    "signal": "-notify; SECONDS count for qvar's own deadline alone",
}

_Answers = dict[tuple[str, int], QueueAnswer]


def _render(job: Job) -> str:
    resources = checked(job)
    array = ("$JOB_ID.$TASK_ID.log", "${JOB_ID}.${SGE_TASK_ID}.log")
    log, shell = log_place(job, array, ("collect.$JOB_ID.log", "collect.${JOB_ID}.log"))
    options = [f"-N {short_name(job.name)}", "-S /bin/bash", "-cwd", "-r y", "-j y", f"-o {log or '/dev/null'}"]
    if job.count:
        options += [f"-t 1-{job.count}", "-notify", *given(("-tc {}", resources.at_once))]
    options += given(
        ("-hold_jid {}", ",".join(job.after)),
        ("-q {}", resources.partition),
        ("-P {}", resources.account),
        ("-l h_rt={}", resources.time_s),
        ("-l h_vmem={}M", mebibytes(resources.memory_bytes, resources.cpus)),
        ("-pe smp {}", resources.cpus if resources.cpus > 1 else None),
        ("-l gpu={}", resources.gpus),
    )
    return script((f"#$ {option}" for option in options), job, _NAME, "${SGE_TASK_ID:?}", before=shell)


def _polls(jobs: Sequence[str]) -> tuple[Poll, ...]:
    """Return qstat, for what waits or runs, with a line for each array task by `-g d`, and qacct for what ended."""
    return (
        Poll(("qstat", "-s", "prs", "-g", "d", "-xml"), _read_qstat),
        *(Poll(("qacct", "-j", job), _read_qacct, past=True) for job in jobs),
    )


def _read_qstat(text: str) -> _Answers:
    states: _Answers = {}
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return states
    for entry in root.iter("job_list"):
        job, letters = entry.findtext("JB_job_number", ""), entry.findtext("state", "")
        state = _state(letters)
        node = entry.findtext("queue_name", "").partition("@")[2]
        tasks = entry.findtext("tasks", "")
        for number in numbers(tasks) if tasks else [0]:
            if job and state is not None:
                states[job, number] = QueueAnswer(state, letters, node)
    return states


def _state(letters: str) -> State | None:
    """Return the table of sge_status(5): an `E` is an error before the start, a `d` one that is being deleted."""
    if "E" in letters:
        return State.FAILED
    if "d" in letters:
        return State.CANCELLED
    if "q" in letters:
        return State.PENDING
    return State.RUNNING if re.search("[rtsST]", letters) else None


def _read_qacct(text: str) -> _Answers:
    """Read one record for each time that an array task ran; the last one counts.

    What was put back into the queue is left out: qstat has it, or it has been deleted since.
    """
    states: _Answers = {}
    for record in re.split(r"^=+$", text, flags=re.MULTILINE):
        fields = dict(re.findall(r"^(\w+) +(.*?) *$", record, re.MULTILINE))
        failed = re.match(r"\d+", fields.get("failed", ""))
        status = re.match(r"\d+", fields.get("exit_status", ""))
        job, number = fields.get("jobnumber"), fields.get("taskid", "")
        if job is None or failed is None or status is None:
            continue
        place = (job, int(number) if number.isdigit() else 0)
        states.pop(place, None)
        if int(failed[0]) not in _PUT_BACK and (int(failed[0]), int(status[0])) != (0, _AGAIN):
            states[place] = _ended(int(failed[0]), int(status[0]), fields)
    return states


def _ended(failed: int, status: int, fields: Mapping[str, str]) -> QueueAnswer:
    node = fields.get("hostname", "")
    words = re.sub(r" +", " ", fields["failed"] if failed else f"exit status {status}")
    if failed == 37:
        return QueueAnswer(State.TIMEOUT, words, node)
    if fields.get("deleted_by", "NONE") not in ("NONE", ""):
        return QueueAnswer(State.CANCELLED, f"deleted by {fields['deleted_by']}", node)
    if failed in (18, 19):
        return QueueAnswer(State.LOST, words, node)
    return QueueAnswer(State.FAILED, words, node) if failed or status else QueueAnswer(State.COMPLETED, "", node)


GRID_ENGINE = Queue(
    name=_NAME,
    words="Grid Engine (8.1.9 tried)",
    program="qconf",
    submit=("qsub", "-terse"),
    canceller="qdel",
    becomes=_BECOMES,
    largest_array=75000,
    render=_render,
    polls=_polls,
    job_ids=(r"^(\d+)(?:\.\d+-\d+:\d+)?$", r"^Your job(?:-array)? (\d+).* has been submitted"),
    variables=("JOB_ID", "SGE_TASK_ID"),
    log=lambda job, number: f"{job}.{number}.log",
    back=_AGAIN,
    held="h",
    release=lambda job, number: f"qrls {job}.{number}",
)
"""Grid Engine. Its own default of `max_aj_tasks` is 75000. A job's id is `123` or `123.1-40:1`, or, in spite of
`-terse` and with status 1, part of a sentence if no host could take the job at this moment."""
