"""A campaign made from a case and its sweeps: its tasks are gathered, and its folder is written."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qvar.atomic_files import write_whole
from qvar.cluster.campaign import Campaign
from qvar.cluster.options import SubmissionOptions
from qvar.cluster.sweep import Point
from qvar.errors import QvarError
from qvar.records import provenance
from qvar.records.case_file import check_content
from qvar.records.json_files import json_text, jsonable, write_json
from qvar.records.run_folder import check_out, discard, make, reason
from qvar.runs.case_flags import CaseFunction, make_study
from qvar.runs.leases import HEARTBEAT_S
from qvar.runs.runner import case_record, checked_tasks
from qvar.task import tasks_of

_PROGRESS_S = 5.0
"""Seconds between two lines about the progress: making a molecule may take as long as using it."""


@dataclass(frozen=True)
class Planned:
    """Content of a campaign's files before anything is written."""

    record: dict[str, Any]
    """Content of `case.json`."""
    point_records: dict[str, dict[str, Any]]
    """{point: its own `case.json`}."""


def plan(
    case_function: CaseFunction, case: Path, swept: Sequence[Point], sweeps: Sequence[str], options: SubmissionOptions
) -> Planned:
    """Call the case at every point and gather the tasks; tasks with equal keys become one.

    Costs what the case takes to make its problems and circuits, point after point; the progress goes to standard error.

    Raises `QvarError` if the case fails at a point.
    """
    tasks: dict[str, dict[str, str]] = {}
    points, records, references = [], {}, set()
    place = provenance.place()
    printed = time.monotonic()
    for number, point in enumerate(swept):
        if time.monotonic() - printed > _PROGRESS_S:
            printed = time.monotonic()
            print(f"{number} of {len(swept)} points are made", file=sys.stderr, flush=True)
        try:
            study = make_study(case_function, point.values)
            own = checked_tasks(tasks_of(study))
        except QvarError as error:
            if not point.swept:
                raise
            raise QvarError(f"At {point.name}: {error}") from error
        record = case_record(study, own, point.values, str(case), place)
        records[point.name] = record
        references.update(record["references"])
        for task in own:
            tasks.setdefault(task.key, {"key": task.key, "label": f"{task.label} ({point.name})"})
        points.append(
            {
                "name": point.name,
                "words": list(point.words),
                "swept": jsonable(point.swept),
                "tasks": [task.key for task in own],
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
        "tasks": list(tasks.values()),
        "references": sorted(references),
        "columns": list({column["name"]: column for one in records.values() for column in one["columns"]}.values()),
        **options.record(),
        "heartbeat_s": float(os.environ.get("QVAR_HEARTBEAT", HEARTBEAT_S)),
    }
    return Planned(record, records)


def _different(values: Sequence[Any]) -> list[Any]:
    """Return each value once; lists are among them."""
    return list({json.dumps(value): value for value in values}.values())


def create(planned: Planned, out: Path) -> Campaign:
    """Make the folder of a campaign; nothing of it is left if that fails.

    Raises `QvarError` if the folder exists or cannot be written.
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
        for name, record in planned.point_records.items():
            point = campaign.point(name)
            point.path.mkdir()
            os.symlink(Path("..", "..", "tasks"), point.tasks)
            # without waiting for the disk each time: the work itself does not read it
            point.case_json.write_text(json_text(record), encoding="utf-8")
        write_json(folder.case_json, planned.record)  # last: it is a campaign now
    except OSError as error:
        discard(folder)
        raise QvarError(f"`out` {out} could not be written: {reason(error)}.") from error
    except BaseException:  # Ctrl-C
        discard(folder)
        raise
    return campaign


def update(campaign: Campaign, options: SubmissionOptions) -> Campaign:
    """Record the options with which a campaign is continued; `QvarError` if the folder cannot be written."""
    sitting = {"time": provenance.now(), "versions": provenance.versions()}
    record = {**campaign.record, **options.record(), "resumed": [*campaign.record.get("resumed", []), sitting]}
    try:
        campaign.cancelled.unlink(missing_ok=True)
        write_json(campaign.run.case_json, record)
    except OSError as error:
        raise QvarError(f"`CAMPAIGN` {campaign.path} could not be written: {reason(error)}.") from error
    return Campaign(campaign.path)


def set_aside(campaign: Campaign, key: str, attempt: int) -> None:
    """Move the result of a failed task next to its leases, so that the task is tried again."""
    shard = campaign.run.shard(key)
    try:
        campaign.run.state(key).mkdir(parents=True, exist_ok=True)
        shard.rename(campaign.run.state(key) / f"failed-{attempt:04d}.parquet")
    except OSError as error:
        raise QvarError(f"`CAMPAIGN` {campaign.path} could not be written: {reason(error)}.") from error
