"""Threads of kernels on the host, which run without Python's global lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def n_threads() -> int:
    """Return the number of threads: the cores that this process may use, or fewer if OMP_NUM_THREADS says so."""
    cores = n_cores()
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(wanted))) if wanted.isdigit() else cores


def run_all(calls: Sequence[Callable[[], None]]) -> None:
    """Run all calls, several at a time; the first exception is raised.

    Inside one of several calls the next ones run one after the other: threads that wait for threads of the same pool
    would wait for ever.
    """
    if len(calls) == 1 or n_threads() == 1 or getattr(_thread, "is_busy", False):
        for call in calls:
            call()
        return
    for future in [_pool(os.getpid()).submit(_busy, call) for call in calls]:
        future.result()


_thread = threading.local()


def _busy(call: Callable[[], None]) -> None:
    _thread.is_busy = True
    try:
        call()
    finally:
        _thread.is_busy = False


@cache
def _pool(process: int) -> ThreadPoolExecutor:  # threads do not follow into a forked process
    return ThreadPoolExecutor(n_threads(), thread_name_prefix=f"qvar-{process}")
