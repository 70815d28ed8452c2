"""Counts of XLA's compilations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import jax.monitoring

COMPILED = "/jax/core/compile/backend_compile_duration"  # an entry of the persistent cache counts as well

_DIGEST = re.compile("_[0-9a-f]{32}(?=[)])")
"""End of the name of an update that is kept for the next process."""


@contextmanager
def compilations() -> Iterator[Counter[str]]:
    """How often each function is compiled meanwhile."""
    count: Counter[str] = Counter()

    def listen(event: str, duration: float, **about: str | int) -> None:
        if event == COMPILED:
            count[_DIGEST.sub("", str(about["fun_name"]))] += 1

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield count
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
