"""Processes that end with the one that started them.

Only the standard library is imported here: a process watches before it spends seconds on its other imports.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from multiprocessing.connection import wait


def begin(pickled: bytes) -> None:
    """Begins the work of a process of a pool: watches its parent, and then calls a function.

    Args:
        pickled: the function and its only argument, which may take long to import.
    """
    end_with_parent()
    function, argument = pickle.loads(pickled)
    function(argument)


def end_with_parent() -> None:
    """Ends this process as soon as the one that started it is gone, however it went: after SIGKILL nothing else would.

    The parent holds one end of a pipe, which the system closes with it.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)  # shards are written whole or not at all

    threading.Thread(target=watch, name="qvar parent", daemon=True).start()
