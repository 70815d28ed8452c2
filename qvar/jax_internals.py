"""The parts of JAX that qvar uses though they have no public name, and what it does without them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qvar.atomic_files import write_replaceable
from qvar.errors import QvarError

if TYPE_CHECKING:
    import jax
    import numpy as np


def write_programs_whole() -> bool:
    """Make JAX write a compiled program under another name first, and put it in place of a damaged one.

    JAX 0.10 writes straight into the file, and has no setting for it: a process that shares the folder may read half of
    a program, and the half that a killed process or a full disk leaves stays for good. It also warns of every program
    that cannot be written; here the folder is made again, and a program without room is not kept.

    Returns:
        False if this version of JAX keeps its programs in another way, which is left as it is.
    """
    try:
        from jax._src.lru_cache import LRUCache

        as_jax_does = LRUCache.put
    except (ImportError, AttributeError):
        return False
    if as_jax_does.__module__ == __name__:  # done already
        return True

    def put(self: LRUCache, key: str, value: bytes) -> None:
        if getattr(self, "eviction_enabled", True) or "://" in str(self.path):  # with a lock, or in a bucket: whole
            as_jax_does(self, key, value)
            return
        with contextlib.suppress(OSError):
            folder = Path(self.path)
            folder.mkdir(parents=True, exist_ok=True)  # it may have been deleted
            with write_replaceable(folder / f"{key}-cache") as temporary:
                temporary.write_bytes(value)

    LRUCache.put = put
    return True


def coordination_client() -> Any:
    """Return the client of JAX's coordination service: keys and values of all processes, without a device.

    JAX's public functions for several processes (`multihost_utils`) wait on devices, for ever if a process has failed.

    Raises:
        QvarError: if this version of JAX keeps it elsewhere, or the processes have not met.
    """
    try:
        from jax._src import distributed

        client = distributed.global_state.client
        if all(hasattr(client, name) for name in ("key_value_set", "blocking_key_value_get", "key_value_dir_get")):
            return client
    except (ImportError, AttributeError):
        pass
    raise QvarError("`--distributed` must find the coordination service of JAX 0.10, but this JAX keeps it elsewhere.")


def on_device(array: np.ndarray) -> jax.Array:
    """Return `jax.device_put(array)`, in 3 us instead of 50: an evaluation of a small circuit takes as long."""
    return _put()(array)


@cache
def _put() -> Callable[[np.ndarray], jax.Array]:
    """Return the function that puts arrays on JAX's default device."""
    import jax
    import numpy as np

    try:
        from jax._src.core import ShapedArray
        from jax._src.lib import xla_client  # pyright: ignore[reportPrivateImportUsage]

        transfer = xla_client.batched_device_put
    except (ImportError, AttributeError):
        return jax.device_put
    device = jax.devices()[0]
    sharding = jax.sharding.SingleDeviceSharding(device)
    type_of = lru_cache(maxsize=256)(ShapedArray)

    def put(array: np.ndarray) -> jax.Array:
        if getattr(jax.config, "jax_default_device", None) is not None:
            return jax.device_put(array)
        return transfer(type_of(array.shape, array.dtype), sharding, [array], [device], False)

    try:
        put(np.zeros(1))
    except Exception:  # another version of JAX
        return jax.device_put
    return put
