"""Files that are never half-written: a temporary name in the same folder, then a rename."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

_TEMPORARY_SUFFIX = ".tmp"


@contextlib.contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write to, and renames it to `path` once all of it lies on the disk.

    Whoever looks at `path`, also after a kill or a power cut, sees the old file, the new one, or none.

    Args:
        path: the file that is to appear or to be replaced; its folder exists.

    Yields:
        The path to write to, in the same folder.

    Raises:
        OSError: if the file cannot be written.
    """
    # The process number keeps two writers apart, the ending keeps libraries that look at it content.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{_TEMPORARY_SUFFIX}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes a rename last through a power cut, where the system can do so."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_temporary(path: Path) -> bool:
    """Whether a file is one that a killed process left behind before renaming it."""
    return path.name.startswith(".") and f"{_TEMPORARY_SUFFIX}." in path.name + "."


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file for people and programs, whole or not at all.

    Args:
        path: the file.
        content: anything that `jsonable` understands.

    Raises:
        OSError: if the file cannot be written.
    """
    with write_whole(path) as temporary:
        temporary.write_text(json.dumps(jsonable(content), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def jsonable(value: Any) -> Any:
    """A value as standard JSON can hold it: what JSON lacks becomes text.

    Args:
        value: anything.

    Returns:
        Nested dicts and lists of strings, finite numbers, booleans and None.
    """
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): jsonable(entry) for key, entry in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((jsonable(entry) for entry in value), key=repr)
    if isinstance(value, list | tuple):
        return [jsonable(entry) for entry in value]
    if hasattr(value, "tolist"):  # NumPy and JAX values
        return jsonable(value.tolist())
    return str(value)
