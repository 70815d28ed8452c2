"""Submission options: the queue, the resources of an array task, and how tasks are dealt out and checkpointed."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, fields, replace
from typing import Any

from qvar.cluster.campaign import Campaign
from qvar.cluster.quantities import duration, memory_size
from qvar.cluster.scheduler import Resources
from qvar.cluster.schedulers import adapter, check_supported, default_queue
from qvar.cluster.site_config import Site
from qvar.errors import QvarError
from qvar.records.json_files import jsonable


@dataclass(frozen=True)
class SubmissionOptions:
    """Options of `qvar submit` that do not change what is computed."""

    queue: str
    """Name of the queue, or `local`."""
    resources: Resources
    """Resources of each array task."""
    pack: int = 1
    """Tasks of one array task."""
    max_array: int | None = None
    """Array tasks of one array; the queue's own limit if None."""
    checkpoint_s: float = 300.0
    """Seconds between two checkpoints of a task."""
    collect: bool = True
    """True if a job that collects the results is sent too."""

    def record(self) -> dict[str, Any]:
        """Return the entries of a campaign's `case.json`."""
        return {field.name: jsonable(getattr(self, field.name)) for field in fields(self)}


def recorded_options(campaign: Campaign) -> SubmissionOptions:
    """Return the options with which a campaign was sent last."""
    record = campaign.record
    entries: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in record["resources"].items()
    }
    others = {name: record[name] for name in ("queue", "pack", "max_array", "checkpoint_s", "collect")}
    return SubmissionOptions(resources=Resources(**entries), **others)


def options_from_flags(args: argparse.Namespace, site: Site, before: SubmissionOptions | None) -> SubmissionOptions:
    """Return the options of a command line, over those sent before (None for a new campaign) or the site's.

    Raises `QvarError` if a value is wrong, or the queue does not support a flag.
    """
    start = before or SubmissionOptions(
        site.get("queue", ""), _site_resources(site), site.get("pack", 1), site.get("max_array")
    )
    queue = args.queue or start.queue or default_queue()
    adapter(queue)
    changes: dict[str, Any] = {
        name: getattr(args, name) for name in ("partition", "account", "qos") if getattr(args, name) is not None
    }
    for name, least in (("cpus", 1), ("gpus", 0), ("nodes", 1), ("at_once", 1)):
        if getattr(args, name) is not None:
            changes[name] = whole_flag(name, getattr(args, name), least)
    if args.time is not None:
        changes["time_s"] = duration(args.time, "time", queue)
    if args.signal is not None:
        changes["signal_s"] = duration(args.signal, "signal")
    if args.memory is not None:
        changes["memory_bytes"] = memory_size(args.memory)
    if args.distributed:
        changes["distributed"] = True
    for name in ("setup", "extra"):
        if getattr(args, name):
            changes[name] = (*(() if before else site.get(name, ())), *getattr(args, name))
    resources = replace(start.resources, **changes)
    check_supported(queue, resources)
    return SubmissionOptions(
        queue,
        resources,
        start.pack if args.pack is None else whole_flag("pack", args.pack, 1),
        start.max_array if args.max_array is None else whole_flag("max_array", args.max_array, 1),
        start.checkpoint_s if args.checkpoint is None else float(duration(args.checkpoint, "checkpoint")),
        start.collect and not args.no_collect,
    )


def worker_count(args: argparse.Namespace, queue: str) -> int:
    """Return the number of local processes that a command line asks for; 1 by default."""
    if args.workers is None:
        return 1
    if queue != "local":
        raise QvarError(f"`workers` must come with --queue local, but the queue is {queue}; --at-once limits an array.")
    return whole_flag("workers", args.workers, 1)


def whole_flag(name: str, word: str, least: int) -> int:
    """Return the whole number that a flag gives; `QvarError` if it is none, or too small."""
    number = int(word) if re.fullmatch(r" *[0-9]{1,18} *", word) else None
    if number is None or number < least:
        raise QvarError(f"`{name}` must be a whole number of at least {least}, but is {word!r}.")
    return number


def _site_resources(site: Site) -> Resources:
    renamed = {{"time": "time_s", "memory": "memory_bytes"}.get(key, key): value for key, value in site.items()}
    return Resources(**{key: renamed[key] for key in renamed.keys() & {field.name for field in fields(Resources)}})
