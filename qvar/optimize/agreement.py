"""Agreement of several processes on what to do next.

Processes of `jax.distributed` that hold one state together must all take the same steps. Whatever depends on a clock or
on the host is therefore asked of all and decided alike. With one process nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np

from qvar._types import FloatArray


def gathered(numbers: Sequence[float]) -> FloatArray:
    """Return the numbers of every process, exactly, (n_processes, n); all of them call it, and wait for each other."""
    own = np.asarray(numbers, dtype=np.float64)
    if jax.process_count() == 1:
        return own[None]
    from jax.experimental import multihost_utils

    # as bits, which arrive unrounded where JAX computes with 32
    bits = multihost_utils.process_allgather(own.view(np.uint32))
    return np.asarray(bits).view(np.float64)
