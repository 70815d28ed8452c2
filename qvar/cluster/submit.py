"""Sending a campaign to a queue: its folder is made, its tasks are dealt out to array elements, scripts are sent."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qvar.atomic_files import write_whole
from qvar.cluster.campaign import HEARTBEAT_S, Campaign, append_lines
from qvar.cluster.scheduler import Job, Queue, Resources
from qvar.cluster.slurm import SLURM, max_array_size
from qvar.cluster.sweep import Point
from qvar.errors import QvarError
from qvar.records import provenance
from qvar.records.case_file import check_content
from qvar.records.json_files import json_text, jsonable, write_json
from qvar.records.run_folder import check_out, discard, make, reason
from qvar.runs.case_flags import CaseFunction, make_study
from qvar.runs.runner import case_record, checked_tasks
from qvar.task import tasks_of

_TIMEOUT_S = 120

_TELL_S = 5.0
"""Seconds between two words on how many points are made: making a molecule may take as long as using it."""


@dataclass(frozen=True)
class Wish:
    """How a campaign is to be done."""

    queue: str
    """Name of the queue, or `local`."""
    resources: Resources
    """What each array element asks for."""
    pack: int = 1
    """Tasks of one element."""
    max_array: int | None = None
    """Elements of one array; what the queue allows where None."""
    checkpoint_s: float = 300.0
    """Seconds between two checkpoints of a task."""
    collect: bool = True
    """Whether a job that collects the results is sent too."""


@dataclass(frozen=True)
class Planned:
    """The tasks of a campaign before anything is written."""

    record: dict[str, Any]
    """What `case.json` is to hold."""
    tasks: list[dict[str, Any]]
    """Lines of `tasks.jsonl`."""
    point_records: dict[str, dict[str, Any]]
    """{point: its own `case.json`}."""


def plan(case_function: CaseFunction, case: Path, swept: Sequence[Point], sweeps: Sequence[str], wish: Wish) -> Planned:
    """Calls the case at every point and gathers the tasks; tasks with equal keys become one.

    Costs what the case takes to make its problems and circuits at each point, one after the other; says on standard
    error how far it is.

    Args:
        case_function: what `qvar.runs.case_flags.load_case` gave.
        case: the case file.
        swept: the points.
        sweeps: the texts that made them.
        wish: how the campaign is to be done.

    Raises:
        QvarError: if the case fails at a point.
    """
    tasks: dict[str, dict[str, Any]] = {}
    points, records, references = [], {}, set()
    place = provenance.place()
    told = time.monotonic()
    for number, point in enumerate(swept):
        if time.monotonic() - told > _TELL_S:
            told = time.monotonic()
            print(f"{number} of {len(swept)} points are made", file=sys.stderr, flush=True)
        try:
            study = make_study(case_function, point.values)
            found = checked_tasks(tasks_of(study))
        except QvarError as error:
            if not point.swept:
                raise
            raise QvarError(f"At {point.name}: {error}") from error
        record = case_record(study, found, point.values, str(case), place)
        records[point.name] = record
        references.update(record["references"])
        for task in found:
            line = tasks.setdefault(task.key, {"key": task.key, "label": task.label, "points": []})
            line["points"].append(point.name)
        points.append(
            {
                "name": point.name,
                "words": list(point.words),
                "swept": jsonable(point.swept),
                "tasks": [task.key for task in found],
            }
        )
    first = next(iter(records.values()))
    arguments = {name: value for name, value in first["arguments"].items() if name not in swept[0].swept}
    shared = all(record["budget"] == first["budget"] for record in records.values())
    record = {
        **first,
        "budget": first["budget"] if shared else None,
        "case_file": str(case.resolve()),
        "folder": os.getcwd(),
        "arguments": arguments,
        "sweep": {name: _different([jsonable(p.swept[name]) for p in swept]) for name in swept[0].swept},
        "sweeps": list(sweeps),
        "points": points,
        "tasks": [{"key": line["key"], "label": f"{line['label']} ({line['points'][0]})"} for line in tasks.values()],
        "references": sorted(references),
        **_wish_record(wish),
        "heartbeat_s": float(os.environ.get("QVAR_HEARTBEAT", HEARTBEAT_S)),
    }
    return Planned(record, list(tasks.values()), records)


def _different(values: Sequence[Any]) -> list[Any]:
    """Each value once; lists are among them."""
    return list({json.dumps(value): value for value in values}.values())


def _wish_record(wish: Wish) -> dict[str, Any]:
    return {
        "queue": wish.queue,
        "resources": jsonable(dataclasses.asdict(wish.resources)),
        "pack": wish.pack,
        "max_array": wish.max_array,
        "checkpoint_s": wish.checkpoint_s,
        "collect": wish.collect,
    }


def recorded_wish(campaign: Campaign) -> Wish:
    """How a campaign was to be done when it was sent last."""
    record = campaign.record
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in record["resources"].items()
    }
    return Wish(
        record["queue"],
        Resources(**told),
        record["pack"],
        record["max_array"],
        record["checkpoint_s"],
        record["collect"],
    )


def create(planned: Planned, out: Path) -> Campaign:
    """Makes the folder of a campaign; nothing is left of it where that fails.

    Raises:
        QvarError: if the folder exists or cannot be written.
    """
    check_out(out, resume=False)
    check_content(jsonable(planned.record), out / "case.json")
    folder = make(out, new=True)
    campaign = Campaign(out.resolve())
    try:
        for name in ("state", "points", "jobs", "logs", "case"):
            (out / name).mkdir()
        source = Path(planned.record["case_file"])
        with write_whole(out / "case" / source.name) as temporary:
            shutil.copyfile(source, temporary)
        append_lines(campaign.tasks_file, planned.tasks)
        for name, record in planned.point_records.items():
            point = campaign.point(name)
            point.path.mkdir()
            os.symlink(Path("..", "..", "tasks"), point.tasks)
            # without waiting for the disk each time: for the work itself nobody reads it
            point.case_json.write_text(json_text(record), encoding="utf-8")
        write_json(folder.case_json, planned.record)  # last: it is a campaign now
    except OSError as error:
        discard(folder)
        raise QvarError(f"`out` {out} could not be written: {reason(error)}.") from error
    except BaseException:  # Ctrl-C
        discard(folder)
        raise
    return campaign


def update(campaign: Campaign, wish: Wish) -> Campaign:
    """Writes down how the campaign is to be done from now on.

    Raises:
        QvarError: if the folder cannot be written.
    """
    sitting = {"time": provenance.now(), "versions": provenance.versions()}
    record = {**campaign.record, **_wish_record(wish), "resumed": [*campaign.record.get("resumed", []), sitting]}
    try:
        campaign.cancelled.unlink(missing_ok=True)
        write_json(campaign.run.case_json, record)
    except OSError as error:
        raise QvarError(f"`CAMPAIGN` {campaign.path} could not be written: {reason(error)}.") from error
    return Campaign(campaign.path)


def set_aside(campaign: Campaign, key: str, attempt: int) -> None:
    """Moves the result of a task that failed beside its attempts, so that it is tried again."""
    shard = campaign.run.shard(key)
    try:
        campaign.state(key).mkdir(parents=True, exist_ok=True)
        shard.rename(campaign.state(key) / f"failed-{attempt:04d}.parquet")
    except OSError as error:
        raise QvarError(f"`CAMPAIGN` {campaign.path} could not be written: {reason(error)}.") from error


# ---------------------------------------------------------------------------------------------------------------------
# Elements and jobs


def deal(keys: Sequence[str], alone: set[str], pack: int) -> list[list[str]]:
    """Deals tasks out to array elements.

    Args:
        keys: the tasks, those of a point next to each other: an element makes the case once for each of its points.
        alone: tasks that died before, each of which gets an element of its own, so that it takes no other with it.
        pack: most tasks of an element.

    Returns:
        The tasks of each element.
    """
    elements: list[list[str]] = []
    for key in keys:
        last = elements[-1] if elements else []
        if last and len(last) < pack and last[0] not in alone and key not in alone:
            last.append(key)
        else:
            elements.append([key])
    return elements


def jobs_of(campaign_path: Path, workdir: Path, n_elements: int, offset: int, wish: Wish, queue: Queue) -> list[Job]:
    """The arrays that a number of elements becomes, split at the largest array that the site takes.

    Args:
        campaign_path: the campaign's folder, absolute.
        workdir: the folder where it was submitted first.
        n_elements: elements to be sent.
        offset: elements that the campaign has already.
        wish: how it is to be done.
        queue: where to.
    """
    largest = wish.max_array or site_limit(queue) or queue.largest_array
    words = (*program(), "run", "--campaign", str(campaign_path))
    return [
        Job(
            name=job_name(campaign_path),
            folder=campaign_path,
            words=words,
            count=min(largest, n_elements - begin),
            offset=offset + begin,
            resources=wish.resources,
            path=programs_folder(),
            workdir=workdir,
        )
        for begin in range(0, n_elements, largest)
    ]


def site_limit(queue: Queue) -> int | None:
    """What the site itself says that an array may hold; None where it does not."""
    if queue is not SLURM:
        return None
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        command = ("scontrol", "show", "config")
        return max_array_size(subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout)
    return None


def collecting_job(campaign_path: Path, workdir: Path, after: Sequence[str], wish: Wish) -> Job:
    """The job that collects once all arrays have ended: one core, no GPU."""
    own = dataclasses.replace(wish.resources, cpus=1, gpus=0, nodes=1, distributed=False, at_once=None)
    words = (*program(), "collect", str(campaign_path))
    name = f"{job_name(campaign_path)[:13]}_c"
    return Job(name, campaign_path, words, 0, 0, own, programs_folder(), tuple(after), workdir)


def program() -> tuple[str, ...]:
    """How a script calls qvar: by its name where it lies beside this Python, else through this Python."""
    return ("qvar",) if (Path(sys.executable).parent / "qvar").exists() else (sys.executable, "-m", "qvar")


def programs_folder() -> str:
    """The folder of this Python and of qvar."""
    return str(Path(sys.executable).parent)


def job_name(campaign_path: Path) -> str:
    """The campaign's name as queues take it."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", campaign_path.name)[:15]
    return name if name[:1].isalpha() else f"q{name}"[:15]


def send(campaign: Campaign, elements: Sequence[Sequence[str]], wish: Wish, queue: Queue) -> list[str]:
    """Writes the scripts and sends them; every array that the queue took is written down at once.

    Args:
        campaign: whose tasks.
        elements: the tasks of each element.
        wish: how.
        queue: where to.

    Returns:
        The ids of the jobs, that of the collecting one last.

    Raises:
        QvarError: if the queue refuses one, or the folder cannot be written; those before it stay.
    """
    offset = max(campaign.elements(), default=0)
    workdir = Path(campaign.record["folder"])
    jobs = jobs_of(campaign.path, workdir, len(elements), offset, wish, queue)
    try:
        append_lines(
            campaign.elements_file,
            [{"element": offset + number, "tasks": list(keys)} for number, keys in enumerate(elements, start=1)],
        )
        ids = [_send(campaign, job, queue) for job in jobs]
        if wish.collect:
            ids.append(_send(campaign, collecting_job(campaign.path, workdir, ids, wish), queue))
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
