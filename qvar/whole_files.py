"""Files that are never half-written: a temporary name in the same folder, then a rename."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

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
