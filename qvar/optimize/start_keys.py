"""Random keys of starts as numbers on the host, so that no program is compiled for them."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np

from qvar._types import IntArray
from qvar.errors import QvarError

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
"""Bits by which the four rounds of a block are rotated; the blocks alternate."""


class KeyNumbers(NamedTuple):
    """Random keys."""

    numbers: IntArray
    """(n_starts, ...) their numbers, as of `jax.random.key_data`."""
    kind: Any
    """Their kind, as `jax.random.wrap_key_data` takes it."""


def numbers_of_keys(keys: jax.Array, shape: tuple[int, ...]) -> KeyNumbers:
    """Return JAX random keys as numbers.

    Raises `QvarError` if they have another one.
    """
    if keys.shape != shape:
        raise QvarError(f"`keys` must have shape {shape}, but has shape {keys.shape}.")
    numbers = np.asarray(jax.device_get(jax.random.key_data(keys)))
    return KeyNumbers(numbers.reshape(-1, numbers.shape[-1]), jax.random.key_impl(keys))


def usual_keys(n: int) -> KeyNumbers:
    """Return the keys `jax.random.fold_in(jax.random.key(0), i)` for i = 0, ..., n - 1.

    They are Threefry-2x32 of the block (0, i) with the key (0, 0): Salmon, Moraes, Dror, Shaw, SC '11, 16 (2011),
    https://doi.org/10.1145/2063384.2063405.
    """
    words = np.zeros((2, n), np.uint32)
    words[1] = np.arange(n, dtype=np.uint32)
    keys = np.array([0, 0, 0x1BD11BDA], np.uint32)  # the third is a constant for the key (0, 0)
    words += keys[:2, None]
    for block in range(5):
        for bits in _ROTATIONS[block % 2]:
            words[0] += words[1]
            words[1] = (words[1] << np.uint32(bits)) | (words[1] >> np.uint32(32 - bits))
            words[1] ^= words[0]
        words[0] += keys[(block + 1) % 3]
        words[1] += keys[(block + 2) % 3] + np.uint32(block + 1)
    return KeyNumbers(words.T.copy(), "threefry2x32")
