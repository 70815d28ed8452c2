"""LSF, IBM Spectrum LSF 10.1: `bsub`, `bjobs` and `bkill`.

Untested: this adapter has not run on a real queue.

After the pages bsub, bjobs, bkill and brequeue of the IBM Spectrum LSF Command Reference and lsf.conf and lsb.params of
its Configuration Reference. What is not plain:

- `bsub` reads directives on its standard input alone, unless a site sets `LSB_BSUB_PARSE_SCRIPT`.
- Memory is written with its unit, MB, since a bare number means KB or what `LSF_UNIT_FOR_LIMITS` says. `rusage` is a
  share of a slot, a task or a host, by the site's `RESOURCE_RESERVE_PER_TASK`; with several cores look at it once.
- Times are whole minutes. The warning, `-wa` with `-wt`, is left out where it would come in the first half of the time;
  qvar's own deadline does not need it.
- An array task that ends with status 99 is put back by `-Q 99`, one whose host is lost by `-r`.
- A log lies in `logs/JOB_NUMBER.log`, and is appended to (`-o`).
"""

from __future__ import annotations

from collections.abc import Sequence

from qvar.cluster.scheduler import Job, Poll, Queue, QueueAnswer, State
from qvar.cluster.script import checked, given, log_place, mebibytes, script, short_name, warning_s

_NAME = "lsf"
_AGAIN = 99

_BECOMES = {
    "partition": "-q NAME",
    "account": "-P NAME",
    "time": "-W HOURS:MINUTES",
    "memory": '-M NMB -R "rusage[mem=NMB]"; slot or host, by site',
    "cpus": '-n N -R "span[hosts=1]"',
    "gpus": '-gpu "num=N"',
    "at_once": '-J "NAME[1-COUNT]%N"',
    "signal": "-wa USR2 -wt MINUTES",
}

_STATES = {
    "PEND": State.PENDING, "PSUSP": State.PENDING, "WAIT": State.PENDING, "PROV": State.RUNNING, "RUN": State.RUNNING,
    "USUSP": State.RUNNING, "SSUSP": State.RUNNING, "UNKWN": State.RUNNING, "ZOMBI": State.LOST,
    "DONE": State.COMPLETED,
}  # fmt: skip

_REASONS = {
    "TERM_RUNLIMIT": State.TIMEOUT, "TERM_DEADLINE": State.TIMEOUT,
    "TERM_OWNER": State.CANCELLED, "TERM_FORCE_OWNER": State.CANCELLED, "TERM_ADMIN": State.CANCELLED,
    "TERM_FORCE_ADMIN": State.CANCELLED, "TERM_PREEMPT": State.LOST, "TERM_ZOMBIE": State.LOST,
}  # fmt: skip
"""States of array tasks that ended, by the termination reason of bjobs; any other reason means failed."""


def _render(job: Job) -> str:
    resources = checked(job)
    array = ("%J_%I.log", "${LSB_JOBID}_${LSB_JOBINDEX}.log")
    log, shell = log_place(job, array, ("collect_%J.log", "collect_${LSB_JOBID}.log"))
    if job.count:
        limit = "".join(given(("%{}", resources.at_once)))
        name = f'"{short_name(job.name)}[1-{job.count}]{limit}"'
    else:
        name = short_name(job.name)
    options = [f"-J {name}", "-r", f"-o {log or '/dev/null'}"]
    if job.count:
        options.append(f'-Q "{_AGAIN}"')
    options += given(
        ('-w "{}"', " && ".join(f"ended({one})" for one in job.after)),
        ("-q {}", resources.partition),
        ("-P {}", resources.account),
    )
    if resources.time_s is not None:
        limit_min, warning_min = -(-resources.time_s // 60), -(-warning_s(resources) // 60)
        options.append(f"-W {limit_min // 60}:{limit_min % 60:02d}")
        if job.count and 2 * warning_min <= limit_min:
            options += ["-wa USR2", f"-wt {warning_min}"]
    size = mebibytes(resources.memory_bytes)
    options += given(
        ("-n {}", resources.cpus),
        ('-R "span[hosts={}]"', 1 if resources.cpus > 1 else None),
        ("-M {}MB", size),
        ('-R "rusage[mem={}MB]"', size),
        ('-gpu "num={}"', resources.gpus),
    )
    return script((f"#BSUB {option}" for option in options), job, _NAME, "${LSB_JOBINDEX:?}", before=shell)


def _polls(jobs: Sequence[str]) -> tuple[Poll, ...]:
    """Return bjobs with finished jobs (`-a`), as long as the site keeps them (`CLEAN_PERIOD`, an hour by default)."""
    form = "jobid jobindex stat exit_code exec_host exit_reason delimiter='|'"
    return (Poll(("bjobs", "-a", "-noheader", "-o", form, *jobs), _read_bjobs),)


def _read_bjobs(text: str) -> dict[tuple[str, int], QueueAnswer]:
    states: dict[tuple[str, int], QueueAnswer] = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("|", 5)]
        if len(fields) == 6 and fields[0].isdigit() and fields[1].isdigit():
            answer = _heard(*fields[2:])
            if answer is not None:
                states[fields[0], int(fields[1])] = answer
    return states


def _heard(word: str, code: str, hosts: str, reason: str) -> QueueAnswer | None:
    first = hosts.split(":")[0]  # such as 4*node7:2*node8
    node = "" if first == "-" else first.rpartition("*")[2]
    if word in _STATES:
        return QueueAnswer(_STATES[word], "" if word in ("PEND", "RUN", "DONE") else word, node)
    if word != "EXIT":
        return None
    key = reason.split(":")[0]
    if key in ("", "-"):
        return QueueAnswer(State.FAILED, f"exit status {code}", node)
    return QueueAnswer(_REASONS.get(key, State.FAILED), key, node)


LSF = Queue(
    name=_NAME,
    words="LSF (untested)",
    program="bsub",
    submit=("sh", "-c", 'exec bsub <"$0"'),
    canceller="bkill",
    becomes=_BECOMES,
    largest_array=1000,
    render=_render,
    polls=_polls,
    job_ids=(r"^Job <(\d+)> is submitted to",),
    variables=("LSB_JOBID", "LSB_JOBINDEX"),
    back=_AGAIN,
    held="PSUSP",
    release=lambda job, number: f"bresume '{job}[{number}]'",
)
"""LSF. Its own default of `MAX_JOB_ARRAY_SIZE` is 1000."""
