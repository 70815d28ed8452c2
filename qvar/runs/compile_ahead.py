"""Kernels of the host, compiled in a process of its own while the first case is loaded and its molecules are computed.

Little is imported here, because that process imports this module before it watches its parent.
"""

from __future__ import annotations

import contextlib
import os
from multiprocessing import get_context

from qvar.engines.host_threads import n_cores
from qvar.runs.stop import end_with_parent


def compile_ahead() -> None:
    """Start to compile the usual kernels if they are missing on this installation and a second core is free for it.

    The process ends with this one. A circuit that needs a kernel which is being compiled waits for it, and compiles
    the others itself.
    """
    from qvar.compile_cache import kernels_are_missing

    if n_cores() < 2 or not kernels_are_missing():
        return
    with contextlib.suppress(OSError):  # no process is left: kernels are compiled when they are needed
        get_context("spawn").Process(target=_compile, name="qvar kernels", daemon=True).start()


def _compile() -> None:
    end_with_parent()
    os.setsid()  # Ctrl-C in a terminal reaches the parent alone
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.environ |= {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_COMPILATION_CACHE": "0"}  # no memory of a GPU, no other programs
    with contextlib.suppress(ImportError):  # a node with a GPU may have no Numba
        from qvar.engines.usual_kernels import compile_usual_kernels
        from qvar.optimize.lbfgs_kernels import compile_turn

        compile_usual_kernels()
        compile_turn()
