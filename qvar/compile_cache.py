"""Compiled programs that outlive a process: JAX's persistent compilation cache, which importing qvar switches on.

The folder is `$QVAR_CACHE`, or `$XDG_CACHE_HOME/qvar/jax`, or `~/.cache/qvar/jax`; `QVAR_CACHE=off` switches it off,
and a folder given to JAX itself, such as by `JAX_COMPILATION_CACHE_DIR`, is left to JAX. Below it every kind of CPU has
a folder of its own, because XLA loads what was compiled for another one, and may end in an illegal instruction. If the
folder cannot be made or written, programs are compiled in every process, and all else is the same.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qvar._version import __version__
from qvar.atomic_files import is_temporary
from qvar.jax_internals import write_programs_whole
from qvar.memory import size_words

MAX_BYTES = 1 << 30
"""Above this size the programs that were used longest ago are deleted."""

_LEFT_OVER_SECONDS = 3600.0  # no program takes an hour to be written
_SHRINK_SECONDS = 86400.0  # a look at every file takes long on a file system of a network
_MIN_COMPILE_SECONDS = 0.0  # hundreds of programs of a few milliseconds each add up
_MIN_COMPILE_SECONDS_OF_JAX = 1.0
_CPU_FIELDS = ("vendor_id", "cpu family", "model", "model name", "flags", "CPU implementer", "CPU part", "Features")


@dataclass(frozen=True)
class CompileCache:
    """Folder of compiled programs."""

    folder: Path | None
    """None if none are kept."""
    remark: str
    """Reason if there is none, or what set the folder; empty by default."""

    def describe(self) -> str:
        """Return one line for a person: the folder with its size, or the reason why there is none."""
        if self.folder is None:
            return f"none, {self.remark}"
        size = sum(size for _, size, _ in _files(self.folder))
        return ", ".join(filter(None, [str(self.folder), size_words(size), self.remark]))


def use_compile_cache() -> CompileCache:
    """Make JAX keep compiled programs and find them again; if that cannot be, programs are compiled in each process.

    Importing qvar calls this as soon as JAX is imported. Nothing is raised, and the user's own settings of JAX stay.
    """
    import jax

    config: Any = jax.config
    chosen = config.jax_compilation_cache_dir
    if not config.jax_enable_compilation_cache or (not chosen and (_kept or "JAX_COMPILATION_CACHE_DIR" in os.environ)):
        return CompileCache(None, "set in JAX")
    if chosen:
        ours = _kept.get(chosen)
        return CompileCache(Path(chosen), "set in JAX") if ours is None else CompileCache(ours, "")
    here = _own_folder(_cpu_digest())
    if isinstance(here, str):
        return CompileCache(None, here)
    root, folder = here
    write_programs_whole()
    _shrink_daily(root, MAX_BYTES)
    if config.jax_persistent_cache_min_compile_time_secs == _MIN_COMPILE_SECONDS_OF_JAX and (
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ
    ):
        config.update("jax_persistent_cache_min_compile_time_secs", _MIN_COMPILE_SECONDS)
    config.update("jax_compilation_cache_dir", str(folder))
    _kept[str(folder)] = root
    return CompileCache(root, "")


_kept: dict[str, Path] = {}
"""The folder that JAX got from this process, and the one above it."""


def program_folder() -> Path | None:
    """Return the folder of JAX's programs for this CPU; None if none are kept, or the folder is the user's choice."""
    import jax

    chosen: Any = jax.config
    path = chosen.jax_compilation_cache_dir if chosen.jax_enable_compilation_cache else None
    return Path(path) if path in _kept else None


def kernel_folder() -> Path | None:
    """Return the folder of the host's own compiled kernels, beside that of JAX's programs; None if none are kept."""
    here = _own_folder("kernels")
    return None if isinstance(here, str) else here[1]


def kernels_are_missing() -> bool:
    """Return whether kernels of the host are still to be compiled, and kept, on this installation."""
    folder = kernel_folder()
    return folder is not None and not _kernels_mark(folder).exists()


def note_kernels(folder: Path) -> None:
    """Note that the usual kernels of this version of qvar are in a folder."""
    with contextlib.suppress(OSError):
        _kernels_mark(folder).touch()


def _kernels_mark(folder: Path) -> Path:
    return folder / f"complete-{__version__}"


def _own_folder(name: str) -> tuple[Path, Path] | str:
    """Return the root of qvar's compiled programs and a folder below it, made if need be; or why there is none."""
    wanted = os.environ.get("QVAR_CACHE", "")
    if wanted.lower() == "off":
        return "switched off by QVAR_CACHE"
    try:
        root = Path(wanted).expanduser() if wanted else _user_cache() / "qvar" / "jax"
    except RuntimeError:  # of a user without an entry in the system's list of users
        return "because the home folder is not known"
    folder = root / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        return f"{root}: {error.strerror}"
    return root, folder


def _user_cache() -> Path:
    """Return the user's folder for caches, as in the XDG base directory specification."""
    folder = os.environ.get("XDG_CACHE_HOME", "")
    return Path(folder) if Path(folder).is_absolute() else Path("~/.cache").expanduser()


def _cpu_digest() -> str:
    """Return eight hexadecimal digits that CPUs with the same instructions share."""
    facts = {"machine": platform.machine(), "processor": platform.processor()}
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in _CPU_FIELDS:
                facts.setdefault(name.strip(), value.strip())
    return hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()[:8]


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """Return (time of last use, size, file) of every program, half-written ones too; the oldest use first."""
    files = []
    for file in folder.rglob("*-cache*"):
        with contextlib.suppress(OSError):  # another process may delete it
            status = file.stat()
            files.append((max(status.st_atime, status.st_mtime), status.st_size, file))
    return sorted(files)


def _shrink_daily(folder: Path, max_bytes: int) -> None:
    """Shrink a folder, unless a process has done so within a day."""
    mark = folder / "looked-through"
    with contextlib.suppress(OSError):
        if mark.exists() and 0 <= time.time() - mark.stat().st_mtime < _SHRINK_SECONDS:
            return
        mark.touch()
        _shrink(folder, max_bytes)


def _shrink(folder: Path, max_bytes: int) -> None:
    """Delete half-written files of killed processes, and programs until the rest takes at most `max_bytes`.

    JAX's own limit, `jax_compilation_cache_max_size`, takes another package, and a lock around every look-up.
    """
    files = _files(folder)
    stale = time.time() - _LEFT_OVER_SECONDS
    for _, _, file in (half for half in files if is_temporary(half[2]) and half[0] < stale):
        with contextlib.suppress(OSError):
            file.unlink()
    programs = [program for program in files if not is_temporary(program[2])]
    left = sum(size for _, size, _ in programs)
    for _, size, file in programs:
        if left <= max_bytes:
            break
        with contextlib.suppress(OSError):
            file.unlink()
        left -= size
