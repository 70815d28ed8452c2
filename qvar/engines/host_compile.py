"""Kernels on the host: loops over tables as data, compiled by Numba once per installation and kept on disk.

The folder of compiled kernels lies beside that of JAX's programs, see `qvar.compile_cache`. Numba keeps kernels of
different CPUs apart, and compiles again if the file of a kernel has changed.
"""

from __future__ import annotations

import inspect
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import config
from numba.core.caching import FunctionCache

from qvar.compile_cache import kernel_folder
from qvar.late_import import without_collections

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}

_FREEDOM = ("contract", "reassoc", "nsz")
"""The compiler may reorder the terms of a sum; NaN and infinity are kept."""

_KNOWN_NUMBA = ((0, 62), (0, 68))
"""First and last version of Numba on whose internals `kernel_compiler` is tested."""


def has_known_internals(version: str) -> bool:
    """Return if kernels are compiled in the short way; by other versions of Numba they are in the usual, slower one."""
    major, minor = version.split(".")[:2]
    return major.isdigit() and minor.isdigit() and _KNOWN_NUMBA[0] <= (int(major), int(minor)) <= _KNOWN_NUMBA[1]


_FOR_KERNELS: dict[str, Any] = {}
_FOR_PARTS: dict[str, Any] = {}
_files: Callable[[Callable[..., Any]], Any] = FunctionCache
if has_known_internals(numba.__version__):
    from qvar.engines import kernel_compiler

    _FOR_KERNELS["pipeline_class"] = kernel_compiler.KernelCompiler
    _FOR_PARTS["pipeline_class"] = kernel_compiler.PartCompiler
    _files = kernel_compiler.KernelFiles

_WITHOUT_WRAPPERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_FOLDER = kernel_folder()

_PATIENCE_S = 120.0
"""Seconds to wait for another process that compiles the same kernel."""

_LOOK_S = 0.05


class Kernel:
    """A function of arrays and numbers, compiled when it is first called with real or with complex numbers.

    It runs without Python's global lock. Either kind has a folder of its own, because Numba numbers the files of one
    function: of two processes that compile different kinds at the same time, one could load the file of the other. So
    all arrays of a kernel must be contiguous and writable, and have one type for each kind.
    """

    def __init__(self, function: Callable[..., Any], decisive: int, freedom: tuple[str, ...] = _FREEDOM) -> None:
        self._function, self._decisive, self._freedom = inspect.unwrap(function), decisive, freedom
        self._name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        self.programs: dict[str, Any] = {}
        """Numba's function for each kind of numbers."""

    def __call__(self, *arguments: Any) -> Any:
        """Call the program for the kind of numbers of the decisive argument."""
        kind = arguments[self._decisive].dtype.kind
        program = self.programs.get(kind)
        return self._first_call(kind, arguments) if program is None else program(*arguments)

    def _first_call(self, kind: str, arguments: tuple[Any, ...]) -> Any:
        """Load or compile the program; without a file if that cannot be read or written."""
        if _FOLDER is not None:
            try:
                (_FOLDER / kind).mkdir(exist_ok=True)  # else Numba would write beside the file of the function
                program = self._program()
                with _cache_folder(kind):
                    program._cache = _files(self._function)
                with _alone(_FOLDER / kind, self._name), without_collections():
                    program.compile(tuple(map(numba.typeof, arguments)))
            except Exception:  # a full disk, a damaged file: Numba raises whatever reading it raises
                shutil.rmtree(_FOLDER / kind, ignore_errors=True)  # the next process writes whole files
                program = self._program()
        else:
            program = self._program()
        self.programs[kind] = program
        return program(*arguments)

    def _program(self) -> Any:
        return numba.njit(self._function, **_OPTIONS, **_FOR_KERNELS, fastmath=set(self._freedom))


def kernel(decisive: int = 0) -> Callable[[Callable[..., Any]], Kernel]:
    """Return a decorator that makes a kernel.

    `decisive` is the place of the argument that is real or complex as the state is.
    """
    return lambda function: Kernel(function, decisive)


def kernel_with(*freedom: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Return a decorator that makes a kernel whose arithmetic the compiler may change only as named.

    Args:
        *freedom: LLVM's names, such as "contract" for one rounding of a product and a sum.
    """
    return lambda function: Kernel(function, 0, freedom)


def part(function: Callable[..., Any]) -> Any:
    """Make a function that kernels call; compiled once for arguments of a type, whether they are constants or not."""
    return _part(function, _FREEDOM)


def part_with(*freedom: str) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that makes a part as `kernel_with` makes a kernel."""
    return lambda function: _part(function, freedom)


def _part(function: Callable[..., Any], freedom: tuple[str, ...]) -> Any:
    options = {**_OPTIONS, **_WITHOUT_WRAPPERS, **_FOR_PARTS, "fastmath": set(freedom)}
    program: Any = numba.njit(inspect.unwrap(function), **options)
    resolve = program.get_call_template

    def resolve_types(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return resolve(tuple(map(numba.types.unliteral, arguments)), keywords)

    program.get_call_template = resolve_types
    return program


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Let one process compile a kernel while others wait until it is there, unless the file system has no locks."""
    with ExitStack() as stack:
        if not any(folder.rglob(f"{name}-*.nbi")):  # Numba's index of this kernel
            with suppress(OSError, ImportError):  # Windows has no such locks
                _wait_for(stack.enter_context((folder / f"{name}.lock").open("w")))
        yield


def _wait_for(file: Any) -> None:
    """Take the lock of a file; after some patience go on without it."""
    import fcntl

    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOOK_S)
        else:
            return


@contextmanager
def _cache_folder(kind: str) -> Iterator[None]:
    """Let Numba keep functions that are made inside in the folder of a kind, and not those of other packages."""
    name = "CACHE_DIR"  # Numba makes its settings as the module is loaded
    others = getattr(config, name)
    if _FOLDER is not None:
        setattr(config, name, str(_FOLDER / kind))
    try:
        yield
    finally:
        setattr(config, name, others)
