"""Room in tables: lengths of a few sizes, so that circuits of many depths share a compiled program.

Tables are padded with zeros, and the true numbers of operations are data: loops end there, so that no time is spent on
the rest. Lengths are those of `size_class`: at most half of a long table is added to it.
"""

from __future__ import annotations

import numpy as np

from qvar.random_draws import size_class

LARGE = 1 << 22
"""Entries from which a table has no room: its memory is that of many states."""


def capacity(n: int, least: int = 0) -> int:
    """Return the length of a table with n entries."""
    return n if n > LARGE else size_class(max(n, least))


def with_room(table: np.ndarray, length: int, fill: int = 0) -> np.ndarray:
    """Return a table with a number at the end of its first axis, up to a length."""
    return np.concatenate([table, np.full((length - len(table), *table.shape[1:]), fill, table.dtype)])
