"""Room in tables: lengths of a few sizes, so that circuits of many depths share a compiled program.

Tables are padded with zeros, and the true numbers of operations are data: loops end there, so that no time is spent on
the rest. Arrays with an entry for each operation, parameter or term take `operations_room`, and are small; tables over
basis states take `capacity`, which adds at most half to a long table, or `phases_room`.
"""

from __future__ import annotations

import numpy as np

from qvar.random_draws import size_class

LARGE = 1 << 22
"""Entries from which a table has no room: its memory is that of many states."""


def capacity(n: int, least: int = 0) -> int:
    """Return the length of a table with n entries."""
    return n if n > LARGE else size_class(max(n, least))


def operations_room(n: int, least: int = 128) -> int:
    """Return the length of arrays with n operations, parameters or terms: the power of two, at least so long."""
    return max(least, 1 << (n - 1).bit_length()) if n else least


def phases_room(n: int, n_strings: int) -> int:
    """Return the length of a table of n phases on strings: a multiple of eight, because phases are matrix products."""
    return n if n * n_strings > LARGE else -(-n // 8) * 8


def with_room(table: np.ndarray, length: int, fill: int = 0) -> np.ndarray:
    """Return a table with a number at the end of its first axis, up to a length."""
    return np.concatenate([table, np.full((length - len(table), *table.shape[1:]), fill, table.dtype)])
