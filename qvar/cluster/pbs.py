"""PBS: OpenPBS and PBS Professional with `qsub`, `qstat` and `qdel`. Torque differs (`-t`, `PBS_ARRAYID`).

Untested: this adapter has not run on a real queue.

After the manual pages qsub(1B), qstat(1B), qdel(1B), qrerun(1B) and pbs_job_attributes(7B) of OpenPBS. What is not
plain:

- An array needs two array tasks at least, so a single one is sent as a plain job, with its number written out.
- The limit `-J 1-N%M` came with PBS Professional 2020 and OpenPBS 20; leave `at_once` out before.
- `ngpus` is a resource that a site defines; this is the usual name.
- A running array task cannot put itself back: `qrerun` wants an operator's rights. PBS does it after preemption and the
  loss of a node (`-r y`); what stopped at the time limit is sent again with `qvar submit --resume`.
- PBS warns with no signal before the time limit; it sends TERM at it and KILL after `kill_delay`, 10 s by default. The
  array task stops at qvar's own deadline.
- PBS would copy a log only when the array task has ended, and under a name that has no place for the job's id, so a
  shell line writes it: `logs/JOB.log`, where JOB is `123[4].server`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

from qvar.cluster.scheduler import Job, Poll, Queue, QueueAnswer, State
from qvar.cluster.script import array_numbers, checked, clock, given, log_line, mebibytes, script, short_name

_NAME = "pbs"

_BECOMES = {
    "partition": "-q NAME",
    "account": "-A NAME",
    "time": "-l walltime=HH:MM:SS",
    "memory": "-l select=1:mem=Nmb",
    "cpus": "-l select=1:ncpus=N",
    "gpus": "-l select=1:ngpus=N; names differ by site",
    "at_once": "-J 1-COUNT%N, from PBS 2020 and OpenPBS 20",
    "signal": "nothing; SECONDS count for qvar's own deadline alone",
}

_STATES = {"B": State.RUNNING, "E": State.RUNNING, "R": State.RUNNING, "S": State.RUNNING, "U": State.RUNNING}
_STATES |= dict.fromkeys("HMQTW", State.PENDING)

_SITE_FAULT = (-3, -4, -5, -6, -11, -12, -14, -15, -16, -18, -20, -32)
"""Exit statuses of `job.h` of an execution that PBS itself ended, or could not begin, and means to repeat."""

_KILL_WALLTIME = -29
_KILLED_FOR = {-24: "ncpus", -25: "ncpus", -26: "vmem", -27: "mem", -28: "cput", _KILL_WALLTIME: "walltime"}
"""Exit statuses of `job.h` that say by which limit PBS killed a job."""

_SIGNALLED = 256
"""PBS adds this to the number of the signal that ended a job."""


def _render(job: Job) -> str:
    resources = checked(job)
    array = job.count > 1
    log = "${PBS_JOBID}.log" if job.count else "collect_${PBS_JOBID}.log"
    chunk = given(
        ("ncpus={}", resources.cpus), ("mem={}mb", mebibytes(resources.memory_bytes)), ("ngpus={}", resources.gpus)
    )
    options = [f"-N {short_name(job.name)}", "-S /bin/bash", "-r y", "-j oe", "-o /dev/null"]
    options += given(
        ("-J {}", array_numbers(job) if array else None),
        ("-W depend=afterany:{}", ":".join(job.after)),
        ("-q {}", resources.partition),
        ("-A {}", resources.account),
        ("-l walltime={}", clock(resources.time_s)),
        ("-l select=1:{}", ":".join(chunk)),
    )
    number = "${PBS_ARRAY_INDEX:?}" if array else "1"
    directives = (f"#PBS {option}" for option in options)
    return script(directives, job, _NAME, number, before=(log_line(job, log),), workdir='"${PBS_O_WORKDIR:?}"')


def _polls(jobs: Sequence[str]) -> tuple[Poll, ...]:
    """Return qstat with finished jobs (`-x`, as long as the site keeps their history) and every array task (`-t`)."""
    read = functools.partial(_read_qstat, {_sequence(job): job for job in jobs})
    return (Poll(("qstat", "-x", "-t", "-f", *jobs), read),)


def _sequence(job: str) -> str:
    """Return the number of a job: the rest of its id differs between `qsub` and `qstat` if a server has two names."""
    return re.split(r"[\[.]", job)[0]


def _read_qstat(jobs: Mapping[str, str], text: str) -> dict[tuple[str, int], QueueAnswer]:
    """Read `Job Id: 123[4].server`, then indented lines `name = value`.

    A job that is no array may be the only task of one, so its state is noted under 0 and 1.
    """
    states: dict[tuple[str, int], QueueAnswer] = {}
    for part in re.split(r"^Job Id: ", text, flags=re.MULTILINE)[1:]:
        name = part.split("\n")[0].strip()
        fields = dict(re.findall(r"^ +(\S+) = (.*?) *$", part, re.MULTILINE))
        match = re.match(r"(\d+)(?:\[(\d*)\])?", name)
        job = jobs.get(_sequence(name))
        answer = _heard(fields)
        if match is None or job is None or answer is None or match[2] == "":
            continue
        for number in (0, 1) if match[2] is None else (int(match[2]),):
            states[job, number] = answer
    return states


def _heard(fields: Mapping[str, str]) -> QueueAnswer | None:
    letter = fields.get("job_state", "")
    node = fields.get("exec_host", "").partition("/")[0]
    if letter in _STATES:
        return QueueAnswer(_STATES[letter], "" if letter in "QR" else letter, node)
    if letter not in ("F", "X"):
        return None
    status = fields.get("Exit_status", "")
    if not re.fullmatch(r"-?\d+", status):
        # Where a site keeps no history, an array task that ended has lost its status; what never ran was deleted.
        return QueueAnswer(State.CANCELLED, "deleted", node) if letter == "F" and not node else None
    code = int(status)
    if code == 0:
        return QueueAnswer(State.COMPLETED, "", node)
    if code in _KILLED_FOR:
        state = State.TIMEOUT if code == _KILL_WALLTIME else State.FAILED
        return QueueAnswer(state, f"killed for {_KILLED_FOR[code]}", node)
    if code in _SITE_FAULT:
        return QueueAnswer(State.LOST, f"exit status {code}", node)
    if code == _SIGNALLED + 15:
        return QueueAnswer(State.CANCELLED, "signal 15", node)
    return QueueAnswer(
        State.FAILED, f"exit status {code}" if code < _SIGNALLED else f"signal {code - _SIGNALLED}", node
    )


def _split(job: str) -> tuple[str, int] | None:
    match = re.fullmatch(r"(\d+)(?:\[(\d+)\])?(.*)", job)
    if match is None:
        return None
    number, server = match[2], match[3]
    return (f"{match[1]}{server}", 1) if number is None else (f"{match[1]}[]{server}", int(number))


PBS = Queue(
    name=_NAME,
    words="OpenPBS and PBS Professional (untested)",
    program="pbsnodes",
    submit=("qsub",),
    canceller="qdel",
    becomes=_BECOMES,
    largest_array=10000,
    render=_render,
    polls=_polls,
    job_ids=(r"^(\d+(?:\[\])?(?:\.\S+)?)$",),
    variables=("PBS_JOBID", "PBS_ARRAY_INDEX"),
    log=lambda job, number: f"{job.replace('[]', f'[{number}]')}.log",
    split=_split,
    held="H",
    release=lambda job, number: f"qrls '{job.replace('[]', f'[{number}]')}'",
)
"""PBS. Its own default of `max_array_size` is 10000. A job's id is `123.server` or `123[].server`."""
