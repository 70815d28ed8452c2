"""Kernels on the host: loops over tables as data, compiled by Numba once per installation and kept on disk.

The folder of compiled kernels lies beside that of JAX's programs, see `qvar.compile_cache`. Numba keeps kernels of
different CPUs apart, and compiles again if the file of a kernel has changed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba
from numba.core import config

from qvar.compile_cache import kernel_folder

# the compiler may reorder the terms of a sum; NaN and infinity are kept
_FAST = {"contract", "reassoc", "nsz"}

_FOLDER = kernel_folder()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays and numbers when it is first called; it runs without Python's global lock."""
    plain = inspect.unwrap(function)
    with _own_folder():
        return numba.njit(plain, nogil=True, fastmath=_FAST, error_model="numpy", cache=_FOLDER is not None)


@contextmanager
def _own_folder() -> Iterator[None]:
    """Let Numba take the folder for functions that are decorated inside, and not for those of other packages."""
    name = "CACHE_DIR"  # Numba makes its settings as the module is loaded
    others = getattr(config, name)
    if _FOLDER is not None:
        setattr(config, name, str(_FOLDER))
    try:
        yield
    finally:
        setattr(config, name, others)
