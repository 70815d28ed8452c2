"""Reading `case.json`: the one place where its content is checked, for a run and for a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from qvar.errors import QvarError
from qvar.records.json_files import read_json
from qvar.records.json_shapes import (
    MisshapenError,
    anything,
    choice,
    count,
    either,
    key,
    maybe,
    plain,
    point_name,
    record,
    seconds,
    several,
    switch,
    table,
    text,
)
from qvar.task import RECORD_FORMAT, Kind

_CELL = either(several(plain), plain)
"""The value of a swept argument."""

_GIT = record({"commit": text}, {"dirty": maybe(switch)})

_VERSIONS = table(maybe(text))

_RUN = {
    "format": anything, "case": maybe(text), "arguments": table(anything), "study": text,
    "budget": maybe(table(anything)), "references": several(text), "circuits": table(text),
    "versions": _VERSIONS, "host": text,
    "system": text, "cpu": text, "cpus": maybe(count(1)), "devices": several(text), "precision": count(1, 256),
    "git": maybe(_GIT), "started": text,
    "columns": several(record({"name": text, "kind": choice(*get_args(Kind)), "unit": text, "meaning": text}, {})),
    "resumed": several(
        record({"time": text}, {"host": text, "versions": _VERSIONS, "git": maybe(_GIT), "other_code": text})
    ),
}  # fmt: skip
"""Other entries of a run; all of them may be missing."""

_RESOURCES = {
    "partition": maybe(text), "account": maybe(text), "qos": maybe(text), "time_s": maybe(count(1)),
    "memory_bytes": maybe(count(1, 10**18)), "cpus": count(1), "gpus": count(0), "nodes": count(1),
    "distributed": switch, "at_once": maybe(count(1)), "signal_s": count(0), "extra": several(text),
    "setup": several(text),
}  # fmt: skip

_POINT = {"words": several(text), "swept": table(_CELL), "arguments": table(anything)}

_CAMPAIGN = {
    "case_file": text, "folder": text, "sweep": table(several(_CELL)), "sweeps": several(text),
    "points": several(record({"name": point_name, "tasks": several(key)}, _POINT)), "queue": text,
    "resources": record({}, _RESOURCES), "pack": count(1), "max_array": maybe(count(1)), "checkpoint_s": seconds,
    "collect": switch, "heartbeat_s": seconds,
}  # fmt: skip

_CASE = record({"tasks": several(record({"key": key, "label": text}, {}))}, {**_RUN, **_CAMPAIGN})


_NOT_NEEDED = ("heartbeat_s", "sweep")

_SUBMITTED = record(
    {
        **{name: shape for name, shape in _CAMPAIGN.items() if name not in _NOT_NEEDED},
        "points": several(
            record({"name": point_name, "tasks": several(key), "words": several(text), "swept": table(_CELL)}, {}), 1
        ),
    },
    {},
    others=True,
)
"""Entries that a campaign must have to be continued."""


_FIRST_FORMAT = 1
"""The format of files that do not say which one they have."""


class OtherFormatError(QvarError):
    """A `case.json` of another version of the record format."""


def read_case_file(path: Path) -> dict[str, Any] | None:
    """Return the content of a `case.json`; None if it is missing.

    Raises:
        OtherFormatError: if it is of another version of the record format.
        QvarError: if it cannot be read, was damaged, or is not what qvar writes.
    """
    try:
        content = read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise QvarError(f"`{path}` must be a file that qvar wrote, but cannot be read: {reason}.") from error
    if isinstance(content, dict) and "format" in content:
        _check_format(content["format"], path)
    check_content(content, path)
    _check_format(content.get("format", _FIRST_FORMAT), path)
    return content


def _check_format(number: Any, path: Path) -> None:
    if number != RECORD_FORMAT:
        raise OtherFormatError(
            f"`{path}` must be of record format {RECORD_FORMAT} to be read by this qvar, but is of format "
            f"{number!r:.20}."
        )


def check_content(content: Any, path: Path) -> None:
    """Refuse content that is not that of a `case.json`, of a run or of a campaign.

    Raises `QvarError` with the place and the reason.
    """
    try:
        _CASE(content, "")
        _check_keys(content)
        if is_campaign(content):
            _SUBMITTED(content, "")
    except MisshapenError as error:
        raise QvarError(f"`{path}` must be a file that qvar wrote, but {error}.") from None


def is_campaign(content: dict[str, Any]) -> bool:
    """Return if this is the content of a campaign's `case.json`, with all that is needed to continue it."""
    return "points" in content and "sweeps" in content


def _check_keys(content: dict[str, Any]) -> None:
    """Check that tasks are there once, and that points name all tasks that are there and no others."""
    keys = [task["key"] for task in content["tasks"]]
    if len(set(keys)) < len(keys):
        raise MisshapenError("tasks", "hold a task once", next(name for name in keys if keys.count(name) > 1))
    known, needed = set(keys), set[str]()
    for at, point in enumerate(content.get("points", [])):
        for name in point["tasks"]:
            if name not in known:
                raise MisshapenError(f"points[{at}].tasks", "name tasks of the campaign", name)
        needed |= set(point["tasks"])
    if is_campaign(content) and (unused := known - needed):
        raise MisshapenError("tasks", "be those of the points", min(unused))
