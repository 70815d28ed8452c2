"""Imports that wait, and what makes them and short programs fast.

Names of a package load on first use; a function is called after an import; Python's garbage collector pauses or rests;
matplotlib writes no docstrings.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import gc
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_OBJECTS = 500_000
"""New objects after which the garbage collector runs; a run of a case makes some 400,000 that stay to its end."""


def public_names(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a package whose names load on first use.

    Args:
        package: its `__name__`.
        file: its `__file__`. The stub beside it (`.pyi`) imports the names, `from .module import name`, and
            subpackages, `from . import name`; no name may be that of a module beside it.
    """
    stub = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
    modules = {
        alias.name: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }

    def attribute(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = modules[name]
        with without_collections():
            if module is None:
                value: Any = importlib.import_module(f"{package}.{name}")
            else:
                value = getattr(importlib.import_module(f"{package}.{module}"), name)
        vars(sys.modules[package])[name] = value
        return value

    return attribute, lambda: sorted(modules), sorted(modules)


@contextmanager
def without_collections() -> Iterator[None]:
    """Pause Python's cyclic garbage collector, which takes a fifth of the time of an import and finds nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            _count_as_old()
            gc.enable()


def _count_as_old() -> None:
    """Move all objects into the collector's oldest generation, so that it does not search them next."""
    if not gc.get_freeze_count():  # objects that someone has frozen stay so
        gc.freeze()
        gc.unfreeze()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let Python's cyclic garbage collector run less often, for a program that ends soon or works in arrays.

    By default it runs after every 700 objects, for which `qvar run h4_duel` spends a tenth of its time, and more than
    a second at the end of the process.
    """
    atexit.unregister(gc.freeze)  # once, however many commands a process runs
    atexit.register(gc.freeze)  # else Python would look for garbage among all that it is about to leave
    before = gc.get_threshold()
    if before[0]:  # it is not switched off
        gc.set_threshold(max(before[0], _OBJECTS), *before[1:])
    try:
        yield
    finally:
        _count_as_old()
        gc.set_threshold(*before)


def when_imported(name: str, act: Callable[[], None]) -> None:
    """Call a function once a module has been imported: at once if it has been, otherwise when it is.

    `act` must not raise.
    """
    if name in sys.modules:
        act()
    else:
        sys.meta_path.insert(0, _Watcher(name, act))


@contextmanager
def imported_late(name: str) -> Iterator[None]:
    """Let imports of a submodule wait until something of it is used.

    For a large one that another package imports and rarely uses, such as PySCF `scipy.optimize`. What is imported in
    the block alone is affected, and nothing if the submodule is there already.
    """
    finder = _LateFinder(name)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.leave()


class _LateFinder(Loader):
    """A finder on `sys.meta_path` that puts an empty module in the place of one, and the loader of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module = _LateModule(name)

    def find_spec(
        self, name: str, path: Iterable[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == self.name and self in sys.meta_path else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        self.module.leave = self.leave

    def leave(self) -> None:
        """Let the next import of the name load the module itself."""
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)
        if sys.modules.get(self.name) is self.module:
            del sys.modules[self.name]
            package, _, own = self.name.rpartition(".")
            vars(sys.modules[package]).pop(own, None)


class _LateModule(ModuleType):
    """A module whose names are those of the module itself, which is loaded when the first is asked for."""

    leave: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Any:
        if self.leave is None:  # it is being made
            raise AttributeError(name)
        self.leave()
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def without_artist_docs() -> Iterator[None]:
    """Keep matplotlib from writing a docstring for each of its classes while it is imported, a third of a second."""
    name = "_update_set_signature_and_docstring"
    with ExitStack() as afterwards:

        def leave_out() -> None:
            artist = sys.modules["matplotlib.artist"].Artist
            if name in vars(artist):  # it is not public
                afterwards.callback(setattr, artist, name, vars(artist)[name])
                setattr(artist, name, classmethod(_mark))

        watcher = _Watcher("matplotlib.artist", leave_out)
        sys.meta_path.insert(0, watcher)
        try:
            yield
        finally:
            if watcher in sys.meta_path:
                sys.meta_path.remove(watcher)


def _mark(cls: Any) -> None:
    """Do of matplotlib's method what its subclasses look for."""
    cls.set._autogenerated_signature = True


class _Watcher:
    """The first finder on `sys.meta_path`; it leaves every module to the others, and sees one of them imported."""

    def __init__(self, name: str, act: Callable[[], None]) -> None:
        self.name = name
        self.act = act

    def find_spec(
        self, name: str, path: Iterable[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            self.act()

        spec.loader.exec_module = execute_and_act
        return spec
