"""Compiled programs that outlive a process: JAX's persistent compilation cache, as runs use it.

The folder is `$QVAR_CACHE`, or `$XDG_CACHE_HOME/qvar/jax`, or `~/.cache/qvar/jax`; `QVAR_CACHE=off` switches it off,
and a folder given to JAX itself, such as by `JAX_COMPILATION_CACHE_DIR`, is left to JAX. Below it every kind of CPU has
a folder of its own, because XLA loads what was compiled for another one, and may end in an illegal instruction.
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

from qvar.memory import size_words
from qvar.whole_files import is_temporary, write_replaceable

MAX_BYTES = 1 << 30
"""Above this size the programs that were used longest ago are deleted."""

_LEFT_OVER_SECONDS = 3600.0  # no program takes an hour to be written
_MIN_COMPILE_SECONDS = 0.0  # hundreds of programs of a few milliseconds each add up
_CPU_FIELDS = ("vendor_id", "cpu family", "model", "model name", "flags", "CPU implementer", "CPU part", "Features")


@dataclass(frozen=True)
class CompileCache:
    """Where compiled programs are kept."""

    folder: Path | None
    """None where none are kept."""
    remark: str
    """Why none are kept, or who chose the folder; empty where all is as always."""

    def describe(self) -> str:
        """One line for a person: the folder with its size, or why there is none."""
        if self.folder is None:
            return f"none, {self.remark}"
        size = sum(size for _, size, _ in _files(self.folder))
        return ", ".join(filter(None, [str(self.folder), size_words(size), self.remark]))


def use_compile_cache() -> CompileCache:
    """Makes JAX keep compiled programs and find them again, from now on; where that cannot be, all goes on without.

    Returns:
        What has been done.
    """
    import jax

    _write_programs_whole()
    wanted = os.environ.get("QVAR_CACHE", "")
    root = Path(wanted).expanduser() if wanted else _user_cache() / "qvar" / "jax"
    folder = root / _cpu_digest()
    chosen = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    if chosen and chosen != str(folder):
        return CompileCache(Path(chosen), "as JAX was told")
    if chosen:  # by this function, which has looked through the folder
        return CompileCache(root, "")
    if wanted.lower() == "off":
        return CompileCache(None, "as QVAR_CACHE says")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        return CompileCache(None, f"{root}: {error.strerror}")
    _shrink(root, MAX_BYTES)
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _MIN_COMPILE_SECONDS)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return CompileCache(root, "")


def _write_programs_whole() -> None:
    """Makes JAX write a program under another name first, and put it in place of a damaged one.

    JAX 0.10 writes straight into the file: of two processes that share the folder, the second may read a program of
    which the first has written a part, and a part that a killed process has left stays there for good.
    """
    try:
        from jax._src.lru_cache import LRUCache  # JAX has no public name for its cache of files
    except ImportError:  # another version of JAX, which writes as it does
        return

    def put(self: LRUCache, key: str, value: bytes) -> None:
        if self.eviction_enabled or "://" in str(self.path):  # with a lock, or in a bucket: whole anyway
            as_jax_does(self, key, value)
            return
        with write_replaceable(Path(self.path) / f"{key}-cache") as temporary:
            temporary.write_bytes(value)

    as_jax_does = LRUCache.put
    if as_jax_does.__module__ != __name__:
        LRUCache.put = put


def _user_cache() -> Path:
    """The user's folder for caches, as the XDG base directory specification has it."""
    told = os.environ.get("XDG_CACHE_HOME", "")
    return Path(told) if Path(told).is_absolute() else Path("~/.cache").expanduser()


def _cpu_digest() -> str:
    """Eight hexadecimal digits that CPUs with the same instructions share."""
    told = {"machine": platform.machine(), "processor": platform.processor()}
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in _CPU_FIELDS:
                told.setdefault(name.strip(), value.strip())
    return hashlib.sha256(repr(sorted(told.items())).encode()).hexdigest()[:8]


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """(time of last use, size, file) of every program below a folder, half-written ones too; the oldest use first."""
    found = []
    for file in folder.rglob("*-cache*"):
        with contextlib.suppress(OSError):  # another process may delete it
            told = file.stat()
            found.append((max(told.st_atime, told.st_mtime), told.st_size, file))
    return sorted(found)


def _shrink(folder: Path, max_bytes: int) -> None:
    """Deletes what killed processes left half-written, and programs until the rest takes at most `max_bytes`.

    JAX's own limit, `jax_compilation_cache_max_size`, takes another package, and a lock around every look-up.
    """
    found = _files(folder)
    stale = time.time() - _LEFT_OVER_SECONDS
    for _, _, file in (half for half in found if is_temporary(half[2]) and half[0] < stale):
        with contextlib.suppress(OSError):
            file.unlink()
    programs = [program for program in found if not is_temporary(program[2])]
    left = sum(size for _, size, _ in programs)
    for _, size, file in programs:
        if left <= max_bytes:
            break
        with contextlib.suppress(OSError):
            file.unlink()
        left -= size
