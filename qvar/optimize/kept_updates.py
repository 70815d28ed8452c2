"""Compiled updates of a method that outlive a process; JAX's own cache wants them traced and lowered first.

They lie in the folder of JAX's programs, see `qvar.compile_cache`. A name is a digest of all that an update depends on:
settings of the method and of JAX, shapes, the files of this folder, and versions of packages.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.monitoring
import jaxlib
import numpy as np
from jax.experimental.serialize_executable import deserialize_and_load, serialize

from qvar.atomic_files import write_replaceable
from qvar.compile_cache import program_folder

_NO_PART = ("cache", "log", "dump", "profile", "traceback")
"""Words in names of JAX's settings that change no program."""

_FOUND = "/jax/compilation_cache/cache_hits"
"""Event of a program that JAX finds in its own cache; what comes from there cannot be written again."""


def kept_update(inputs: Any, compile: Callable[[str], Any]) -> Any:
    """Return the compiled update that was kept for the same inputs, or compile and keep it.

    `inputs` are all that it depends on but JAX's settings, versions and the code, with a `repr` that says so; `compile`
    gets its name.
    """
    folder = program_folder()
    if folder is None:
        return compile("_update")
    facts = repr((inputs, _settings(), os.environ.get("XLA_FLAGS"), _code()))
    digest = hashlib.sha256(facts.encode()).hexdigest()[:32]
    file = folder / f"update-{digest}-cache"
    with contextlib.suppress(Exception):  # no such file, half of one, or one of another version of JAX
        return deserialize_and_load(*pickle.loads(file.read_bytes()))
    with _compilations() as events:
        program = compile(f"_update_{digest}")
    if _FOUND not in events:
        with contextlib.suppress(Exception), write_replaceable(file) as temporary:
            temporary.write_bytes(pickle.dumps(serialize(program)))
    return program


@contextlib.contextmanager
def _compilations() -> Iterator[set[str]]:
    """Collect the names of JAX's events meanwhile."""
    events: set[str] = set()

    def listen(event: str, **_: Any) -> None:
        events.add(event)

    jax.monitoring.register_event_listener(listen)
    try:
        yield events
    finally:
        jax.monitoring.unregister_event_listener(listen)


def _settings() -> list[tuple[str, Any]]:
    """Return the settings of JAX that may change a program."""
    values: Any = jax.config.values
    plain = (str, bool, int, float, type(None))
    chosen = {name: value for name, value in values.items() if isinstance(value, plain)}
    return sorted((name, value) for name, value in chosen.items() if not any(word in name for word in _NO_PART))


@cache
def _code() -> tuple[str, ...]:
    """Return versions of packages, and a digest of the files of this folder."""
    import optax

    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return (*(package.__version__ for package in (jax, jaxlib, optax, np)), digest.hexdigest())
