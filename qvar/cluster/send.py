"""Sending a campaign to a queue: its tasks are dealt out to array tasks, and scripts are written and submitted."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from qvar.cluster.campaign import Campaign, append_lines
from qvar.cluster.options import SubmissionOptions
from qvar.cluster.scheduler import Job, Queue
from qvar.cluster.slurm import SLURM, max_array_size
from qvar.errors import QvarError
from qvar.records import provenance
from qvar.records.run_folder import reason

_TIMEOUT_S = 120


def deal(keys: Sequence[str], alone: set[str], pack: int) -> list[list[str]]:
    """Deal tasks out to array tasks.

    Args:
        keys: the tasks, those of a point next to each other: an array task makes the case once for each of its points.
        alone: tasks whose process died before; each gets an array task of its own, so that it takes no other with it.
        pack: largest number of tasks of an array task.
    """
    array_tasks: list[list[str]] = []
    for key in keys:
        last = array_tasks[-1] if array_tasks else []
        if last and len(last) < pack and last[0] not in alone and key not in alone:
            last.append(key)
        else:
            array_tasks.append([key])
    return array_tasks


def jobs_of(
    campaign_path: Path, workdir: Path, n_array_tasks: int, offset: int, options: SubmissionOptions, queue: Queue
) -> list[Job]:
    """Return the arrays that hold a number of array tasks, split at the largest array that the site takes."""
    largest = options.max_array or site_limit(queue) or queue.largest_array
    words = (*program(), "worker", str(campaign_path))
    return [
        Job(
            name=job_name(campaign_path),
            folder=campaign_path,
            words=words,
            count=min(largest, n_array_tasks - begin),
            offset=offset + begin,
            resources=options.resources,
            path=programs_folder(),
            workdir=workdir,
        )
        for begin in range(0, n_array_tasks, largest)
    ]


def site_limit(queue: Queue) -> int | None:
    """Return the largest array that the site itself allows; None if its configuration does not say."""
    if queue is not SLURM:
        return None
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        command = ("scontrol", "show", "config")
        return max_array_size(subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout)
    return None


def collecting_job(campaign_path: Path, workdir: Path, after: Sequence[str], options: SubmissionOptions) -> Job:
    """Return the job that collects once all arrays have ended: one core, no GPU."""
    own = dataclasses.replace(options.resources, cpus=1, gpus=0, nodes=1, distributed=False, at_once=None)
    words = (*program(), "collect", str(campaign_path))
    name = f"{job_name(campaign_path)[:13]}_c"
    return Job(name, campaign_path, words, 0, 0, own, programs_folder(), tuple(after), workdir)


def program() -> tuple[str, ...]:
    """Return the words with which a script calls qvar: its name if it is beside this Python, else this Python."""
    return ("qvar",) if (Path(sys.executable).parent / "qvar").exists() else (sys.executable, "-m", "qvar")


def programs_folder() -> str:
    """Return the folder of this Python and of qvar."""
    return str(Path(sys.executable).parent)


def job_name(campaign_path: Path) -> str:
    """Return the campaign's name in the form that queues take."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", campaign_path.name)[:15]
    return name if name[:1].isalpha() else f"q{name}"[:15]


def send(
    campaign: Campaign, array_tasks: Sequence[Sequence[str]], options: SubmissionOptions, queue: Queue
) -> list[str]:
    """Write the scripts and submit them; every array that the queue accepts is recorded at once.

    Returns:
        The ids of the jobs, that of the collecting one last.

    Raises `QvarError` if the queue refuses one, or the folder cannot be written; those before it stay.
    """
    offset = max(campaign.array_tasks(), default=0)
    workdir = Path(campaign.record["folder"])
    jobs = jobs_of(campaign.path, workdir, len(array_tasks), offset, options, queue)
    try:
        append_lines(
            campaign.array_tasks_file,
            [{"array_task": offset + number, "tasks": list(keys)} for number, keys in enumerate(array_tasks, start=1)],
        )
        ids = [_send(campaign, job, queue) for job in jobs]
        if options.collect:
            ids.append(_send(campaign, collecting_job(campaign.path, workdir, ids, options), queue))
    except OSError as error:
        raise QvarError(f"`CAMPAIGN` {campaign.path} could not be written: {reason(error)}.") from error
    return ids


def _send(campaign: Campaign, job: Job, queue: Queue) -> str:
    script = campaign.jobs / f"{len(campaign.submissions()) + 1:04d}.sh"
    script.write_text(queue.render(job), encoding="utf-8")
    command = (*queue.submit, str(script))
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except FileNotFoundError:
        raise QvarError(f"`queue` must be one that this machine can reach, but {queue.submit[0]} is missing.") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise QvarError(f"`queue` {queue.name} did not take the job: {type(error).__name__}.") from error
    # Grid Engine may take a job and end with status 1, because no node could run it at this moment
    number = queue.submitted(f"{answer.stdout}\n{answer.stderr}")
    if number is None:
        words = " ".join((answer.stderr.strip() or answer.stdout.strip()).split())
        raise QvarError(f"`queue` {queue.name} did not take the job: {words.rstrip('.')}.")
    append_lines(
        campaign.submissions_file,
        [{"queue": queue.name, "job": number, "offset": job.offset, "count": job.count, "time": provenance.now()}],
    )
    return number
