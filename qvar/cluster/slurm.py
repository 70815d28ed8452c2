r"""Slurm: `sbatch`, `squeue`, `sacct`, `scontrol` and `scancel`.

After the manual pages sbatch(1), srun(1), squeue(1), sacct(1), scontrol(1) and scancel(1) of Slurm 22.05, and tried on
it. What is not plain:

- GPUs are requested by `--gres=gpu:N`, N on each node: every Slurm with GPUs takes it, where `--gpus-per-node` wants
  19.05 and the plugin `select/cons_tres`. A type goes into a raw line, `#SBATCH --gres=gpu:a100:1`, for the last
  directive wins.
- `--signal=B:USR1@S` reaches the script alone, which is qvar by then; without `B:` it reaches the processes under
  `srun` alone. Slurm may send it up to a minute early, and may send it at preemption too.
- `srun` takes over neither `--cpus-per-task` of the script (since 22.05) nor, for certain, the GPUs, so both are
  repeated. Each process sees all GPUs of its node.
- A directive reads quotes as a shell does, and `%` in a file name is written `%%`; a folder with a quote or a backslash
  in its name gets its log from a shell line instead.
- An array task is put back as `ARRAY_TASK`: one of the array tasks has the array's own job id, and `scontrol requeue`
  of that id puts back the whole array. It also revives a task that was just cancelled, so it must not be used after
  SIGTERM, and one that has completed.
- An array task that could not be launched on its node, or whose prolog failed, is put back and held, and stays so until
  `scontrol release`.
- `squeue` without `--array` cuts a long list of array tasks at 30 characters.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from qvar.cluster.scheduler import Job, Poll, Queue, QueueAnswer, State
from qvar.cluster.script import array_numbers, checked, given, log_place, mebibytes, numbers, script, warning_s

_NAME = "slurm"
_VARIABLES = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID")

_BECOMES = {
    "partition": "--partition=NAME",
    "account": "--account=NAME",
    "qos": "--qos=NAME",
    "time": "--time=D-HH:MM:SS",
    "memory": "--mem=NM, on each node",
    "cpus": "--cpus-per-task=N",
    "gpus": "--gres=gpu:N, on each node",
    "nodes": "--nodes=N",
    "distributed": "srun with --ntasks-per-node=GPUS, or 1 without GPUs",
    "at_once": "--array=1-COUNT%N",
    "signal": "--signal=B:USR1@SECONDS; without B: where distributed",
}

_QUOTABLE = re.compile(r"[^'\"\\\n]+")

_STATES = {
    State.PENDING: "PENDING REQUEUED REQUEUE_HOLD REQUEUE_FED SPECIAL_EXIT RESV_DEL_HOLD",
    State.RUNNING: "RUNNING CONFIGURING COMPLETING SUSPENDED SIGNALING STAGE_OUT STOPPED RESIZING",
    State.COMPLETED: "COMPLETED",
    State.FAILED: "FAILED OUT_OF_MEMORY",
    State.CANCELLED: "CANCELLED REVOKED",
    State.TIMEOUT: "TIMEOUT DEADLINE",
    State.LOST: "NODE_FAIL PREEMPTED BOOT_FAIL",
}
_STATE_OF = {word: state for state, words in _STATES.items() for word in words.split()}
_ENDED = (State.COMPLETED, State.FAILED, State.CANCELLED, State.TIMEOUT, State.LOST)

_Answers = dict[tuple[str, int], QueueAnswer]


def _render(job: Job) -> str:
    resources = checked(job)
    spread = resources.distributed and job.count > 0
    processes = max(1, resources.gpus) if spread else 1
    array = ("%A_%a.log", "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}.log")
    log, shell = log_place(job, array, ("collect_%j.log", "collect_${SLURM_JOB_ID}.log"), _QUOTABLE)
    options = [f"--job-name={job.name}"]
    if job.count:
        options.append(f"--array={array_numbers(job)}")
    if job.after:
        options += [f"--dependency=afterany:{':'.join(job.after)}", "--kill-on-invalid-dep=yes"]
    options += given(
        ("--partition={}", resources.partition), ("--account={}", resources.account), ("--qos={}", resources.qos)
    )
    shape = given(
        ("--nodes={}", resources.nodes if spread else 1),
        ("--ntasks-per-node={}", processes),
        ("--cpus-per-task={}", resources.cpus),
        ("--gres=gpu:{}", resources.gpus),
    )
    options += shape
    options += given(("--mem={}M", mebibytes(resources.memory_bytes)), ("--time={}", _slurm_time(resources.time_s)))
    if job.count:
        options.append(f"--signal={'' if spread else 'B:'}USR1@{warning_s(resources)}")
    options += ["--requeue", "--open-mode=append", f"--output={_pattern(log)}"]
    # With one rank gone, the others would wait for it for ever.
    launcher = ("srun", *shape, "--kill-on-bad-exit=1") if spread else ()
    return script(
        (f"#SBATCH {option}" for option in options), job, _NAME, "${SLURM_ARRAY_TASK_ID:?}",
        before=shell, launcher=launcher,
    )  # fmt: skip


def _pattern(path: str | None) -> str:
    """Return a file name for a directive: its folder's `%` doubled, quoted where it has to be."""
    if path is None:
        return "/dev/null"
    folder, _, name = path.rpartition("/")
    return shlex.quote(f"{folder.replace('%', '%%')}/{name}")


def _slurm_time(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds // 86400}-{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _polls(jobs: Sequence[str]) -> tuple[Poll, ...]:
    """Return squeue, for what waits, runs or ended within minutes; then what accounting and the controller remember.

    A site may have no accounting, so scontrol comes last; it knows exit statuses as long as squeue knows a job.
    """
    ids = f"--jobs={','.join(jobs)}"
    squeue = ("squeue", "--noheader", "--array", "--states=all", "--format=%F|%K|%T|%r|%N", ids)
    sacct = ("sacct", "--noheader", "--parsable2", "--allocations", "--format=JobID,State,ExitCode,NodeList", ids)
    scontrol = [("scontrol", "--oneliner", "show", "job", job) for job in jobs]
    return (
        Poll(squeue, _read_squeue),
        Poll(sacct, _read_sacct),
        *(Poll(command, _read_scontrol) for command in scontrol),
    )


def _read_squeue(text: str) -> _Answers:
    states: _Answers = {}
    for line in text.splitlines():
        fields = line.strip().split("|")
        if len(fields) == 5:
            job, number, word, reason, node = fields
            for one in [0] if number == "N/A" else numbers(number):
                _note(states, job, one, word, reason, node)
    return states


def _read_sacct(text: str) -> _Answers:
    states: _Answers = {}
    for line in text.splitlines():
        fields = line.strip().split("|")
        match = re.fullmatch(r"(\d+)(?:_(?:(\d+)|\[(.*)\]))?", fields[0])
        if len(fields) == 4 and match is not None:
            _, word, status, node = fields
            inside = match[2] or match[3]
            for one in [0] if inside is None else numbers(inside):
                _note(states, match[1], one, word, "", "" if node == "None assigned" else node, status)
    return states


def _read_scontrol(text: str) -> _Answers:
    states: _Answers = {}
    for line in text.splitlines():
        fields = dict(re.findall(r"(?:^| )(JobId|Array(?:Job|Task)Id|JobState|Reason|ExitCode|NodeList)=(\S+)", line))
        inside, job = fields.get("ArrayTaskId"), fields.get("ArrayJobId", fields.get("JobId"))
        if job is not None and "JobState" in fields:
            node = fields.get("NodeList", "").replace("(null)", "")
            for one in [0] if inside is None else numbers(inside):
                _note(states, job, one, fields["JobState"], fields.get("Reason", ""), node, fields.get("ExitCode", ""))
    return states


def _note(states: _Answers, job: str, number: int, words: str, reason: str, node: str, status: str = "") -> None:
    """Note one line; an unknown state is passed over."""
    word = words.split(" ")[0].rstrip("+")  # as in "CANCELLED by 1000"
    state = _STATE_OF.get(word)
    if state is None:
        return
    why = "" if reason == "None" else reason
    if state is State.COMPLETED:
        why = ""
    elif state in _ENDED:
        why = f"{word} ({_ending(status) or why})" if _ending(status) or why else word
    # What waits may name a node too: the one it lost, or asks for.
    states[job, number] = QueueAnswer(state, why, "" if state is State.PENDING else node)


def _ending(status: str) -> str:
    """Return `3:0` as exit status 3, `0:9` as signal 9."""
    code, _, signal = status.partition(":")
    if signal not in ("", "0"):
        return f"signal {signal}"
    return f"exit status {code}" if code not in ("", "0") else ""


def _again(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    array, number = (environment.get(name) for name in _VARIABLES)
    if array and number:
        return ("scontrol", "requeue", f"{array}_{number}")
    job = environment.get("SLURM_JOB_ID")
    return ("scontrol", "requeue", job) if job and not array else None


def max_array_size(text: str) -> int | None:
    """Return the number of array tasks that one array may have, of what `scontrol show config` prints.

    `MaxArraySize = 2001` means that numbers go up to 2000, which is as many array tasks if they are counted from 1.
    """
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", text, re.MULTILINE)
    return int(match[1]) - 1 if match is not None and int(match[1]) > 1 else None


SLURM = Queue(
    name=_NAME,
    words="Slurm (22.05 tried)",
    program="sbatch",
    submit=("sbatch", "--parsable"),
    canceller="scancel",
    becomes=_BECOMES,
    largest_array=1000,
    render=_render,
    polls=_polls,
    job_ids=(r"^(\d+)(?:;\S+)?$",),
    variables=_VARIABLES,
    back=_again,
    held=r"(?i)held|^Job(Hold|Held)",
    release=lambda job, number: f"scontrol release {job}_{number}",
)
"""Slurm. Its own default of `MaxArraySize`, 1001, allows 1000 array tasks. A site may print notes before a job's id,
which is `123` or `123;cluster`."""
