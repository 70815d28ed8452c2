"""Counts of XLA's compilations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import jax.monitoring

COMPILED = "/jax/core/compile/backend_compile_duration"  # an entry of the persistent cache counts as well


@contextmanager
def compilations() -> Iterator[Counter[str]]:
    """How often each function is compiled meanwhile."""
    count: Counter[str] = Counter()

    def listen(event: str, duration: float, **about: str | int) -> None:
        if event == COMPILED:
            count[str(about["fun_name"])] += 1

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield count
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
