"""Memory: how much a batch of evaluations may take, and whether what is asked for fits into the machine at all.

A batch may take what the setting `QVAR_MEMORY` says, or half of what the device has.
"""

from __future__ import annotations

import contextlib
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from qvar.errors import QvarError, power_of_ten, shown

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
_UNITS |= {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([A-Za-z]*)")
_ALWAYS = 1 << 20
"""Bytes that every machine has."""

_UNLIMITED = 1 << 60
"""Limit of old control groups above which nothing is limited."""


def wanted_memory() -> int | None:
    """Return the environment variable `QVAR_MEMORY` in bytes, such as 4 GiB of "4GiB"; None if it is not set.

    Raises `QvarError` if it is no size.
    """
    text = os.environ.get("QVAR_MEMORY", "").strip()
    return size_of("QVAR_MEMORY", text) if text else None


def size_of(argument: str, text: str) -> int:
    """Read a size such as "4GiB", "500MB" or "16G" in bytes; K, M, G and T alone are powers of 1024, as in queues.

    Raises `QvarError` if it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    size = round(float(match[1]) * _UNITS.get(match[2].lower(), 0)) if match else 0
    if size < 1:
        raise QvarError(f"`{argument}` must be a size such as 4GiB or 500MB, but is {text!r}.")
    return size


def memory_limit() -> int:
    """Return the bytes that a batch of evaluations may take on one device.

    `QVAR_MEMORY` where it is set, else half of the device's memory: of what JAX may allocate on an accelerator, of the
    machine's memory on a CPU, or of what the control group of a container or a batch job leaves of that.

    Raises `QvarError` if `QVAR_MEMORY` is no size.
    """
    wanted = wanted_memory()
    return wanted if wanted is not None else _device_memory() // 2


def chunk_size(n_evaluations: int, bytes_per_evaluation: int, most: int | None = None) -> int:
    """Return how many evaluations of a batch fit below `memory_limit()` at once, at least 1.

    `bytes_per_evaluation` is its scratch memory, 0 if it is small; a chunk has no more evaluations than `most`, and
    than the fewest chunks need.
    """
    at_once = n_evaluations if most is None else most
    if bytes_per_evaluation > 0:
        at_once = min(at_once, memory_limit() // bytes_per_evaluation)
    at_once = max(1, at_once)
    n_chunks = max(1, -(-n_evaluations // at_once))
    return -(-n_evaluations // n_chunks)


def require_memory(argument: str, value: Any, size: float, *, device: bool = False, devices: int = 1) -> None:
    """Raise `QvarError` if what an argument asks for does not fit into memory; call it before anything is built.

    `size` are bytes that it would take at least, in the memory of the host, or with `device` of the `devices` that
    share them.
    """
    if size < _ALWAYS:  # looking at the machine takes longer
        return
    available = (_device_memory() if device else machine_memory()) * devices
    if size > available:
        words = value if isinstance(value, str) else shown(value)
        raise QvarError(
            f"`{argument}` must fit into memory, but {words} would take {size_words(size)}, and this machine "
            f"has {size_words(available)}."
        )


def machine_memory() -> int:
    """Return the bytes of main memory of the machine, or of the container or batch job of this process."""
    return min(_machine_memory(), _group_memory())


def size_words(size: float) -> str:
    """Format a size, such as "11.8 GiB"; sizes beyond all memories are given as a power of ten."""
    if size >= 1 << 60:
        return f"{power_of_ten(round(size) >> 40)} TiB" if size != float("inf") else "more than any memory"
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def _device_memory() -> int:
    import jax

    stats = jax.local_devices()[0].memory_stats() or {}  # a CPU has none
    return int(stats.get("bytes_limit", 0)) or machine_memory()


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system has it
        return 8 << 30


@cache
def _group_memory(membership: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the least limit of the control groups of this process: a batch job may have less than its machine."""
    limits = [_UNLIMITED]
    try:
        groups = [line.split(":", 2) for line in membership.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return _UNLIMITED
    for _, controllers, path in groups:
        if controllers == "":
            root, name = mounted, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = mounted / "memory", "memory.limit_in_bytes"
        else:
            continue
        inner = root / path.lstrip("/")
        for place in (inner, *inner.parents):
            with contextlib.suppress(OSError, ValueError):  # missing, or the word "max"
                limits.append(int((place / name).read_text(encoding="utf-8")))
    return min(limits)
