"""Files that are never half-written: a temporary name in the same folder, then a rename; and reading them safely."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_TEMPORARY_SUFFIX = ".tmp"

_LONGEST_STEM = 80
"""Letters of a name that are kept in a temporary one, which adds up to 120; most file systems take 255."""

MOST_BYTES = 1 << 32
"""Larger files than this are not read whole."""


@contextlib.contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder to write to; rename it to `path` once all of it is on the disk.

    A reader of `path` sees the old file, the new one, or none, also after a kill or a power cut. Raises `OSError` if
    the file cannot be written.
    """
    with write_replaceable(path) as temporary:
        yield temporary
        _sync(temporary)
    _sync_folder(path.parent)


@contextlib.contextmanager
def write_replaceable(path: Path) -> Iterator[Path]:
    """Write as `write_whole` does, but without waiting for the disk: for what can be made again after a power cut."""
    temporary = _temporary(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def write_once(path: Path) -> Iterator[Path]:
    """Write as `write_whole` does, but leave an existing file: of several writers, on any machine, the first counts.

    Raises `FileExistsError` if the file is there once all is written.
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
    """Rename a file unless the name is taken."""
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
    writer = f"{platform.node()[:_LONGEST_STEM]}-{os.getpid()}-{threading.get_ident():x}"
    stem = path.stem
    if len(os.fsencode(stem)) > _LONGEST_STEM:  # the name itself may be as long as the file system takes
        stem = f"{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}"
    return path.parent / f".{stem}.{writer}{_TEMPORARY_SUFFIX}{path.suffix[:_LONGEST_STEM]}"


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, if the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_regular(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a whole file. A pipe, a device or a folder in its place is an error at once.

    Raises `OSError` if it is missing, cannot be read, is not a regular file, or is larger than `most`.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"It has {size} bytes, more than {most}", str(path))
        return file.read()


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading. A pipe, a device or a folder in its place is an error at once.

    Raises `OSError` if it is missing, cannot be read, or is not a regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)  # without O_NONBLOCK a pipe that has no writer would block
    except ValueError as error:  # a null character in the name
        raise FileNotFoundError(errno.ENOENT, str(error), str(path)) from error
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "something else")
            raise OSError(errno.EINVAL, f"It is {kind}, not a file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def is_temporary(path: Path) -> bool:
    """Return whether a killed process left this file before renaming it."""
    return path.name.startswith(".") and f"{_TEMPORARY_SUFFIX}." in path.name + "."
