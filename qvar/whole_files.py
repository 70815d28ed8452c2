"""Files that are never half-written: a temporary name in the same folder, then a rename."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import threading
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
    with write_replaceable(path) as temporary:
        yield temporary
        _sync(temporary)
    _sync_folder(path.parent)


@contextlib.contextmanager
def write_replaceable(path: Path) -> Iterator[Path]:
    """As `write_whole`, but without waiting for the disk: for what can be made again, should the power fail.

    Args:
        path: the file that is to appear or to be replaced; its folder exists.

    Yields:
        The path to write to, in the same folder.

    Raises:
        OSError: if the file cannot be written.
    """
    temporary = _temporary(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def write_once(path: Path) -> Iterator[Path]:
    """As `write_whole`, but a file that is there stays: of several writers, on whatever machines, the first one wins.

    Args:
        path: the file that is to appear; its folder exists.

    Yields:
        The path to write to, in the same folder.

    Raises:
        FileExistsError: if the file is there once all is written.
        OSError: if the file cannot be written.
    """
    temporary = _temporary(path)
    try:
        yield temporary
        _sync(temporary)
        _take_name(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _take_name(temporary: Path, path: Path) -> None:
    """Gives a file its name unless the name is taken."""
    try:
        os.link(temporary, path)  # unlike a rename it fails where there is a file
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: the moment between look and rename stays open
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.replace(temporary, path)


def _temporary(path: Path) -> Path:
    # Host, process and thread keep writers apart, the ending keeps libraries that look at it content.
    writer = f"{platform.node()}-{os.getpid()}-{threading.get_ident():x}"
    return path.parent / f".{path.stem}.{writer}{_TEMPORARY_SUFFIX}{path.suffix}"


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


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
