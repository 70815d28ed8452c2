"""Imports that wait, and what makes them and short programs fast.

Names of a package load on first use; a function is called after an import; Python's garbage collector pauses or rests.
"""

from __future__ import annotations

import ast
import gc
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_OBJECTS = 50_000
"""New objects after which the garbage collector runs; a molecule makes some ten thousand."""


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
            gc.enable()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let Python's cyclic garbage collector run less often, for a program that ends soon or works in arrays.

    By default it runs after every 700 objects, for which `qvar run h4_duel` spends a tenth of its time.
    """
    before = gc.get_threshold()
    if before[0]:  # it is not switched off
        gc.set_threshold(max(before[0], _OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def when_imported(name: str, act: Callable[[], None]) -> None:
    """Call a function once a module has been imported: at once if it has been, otherwise when it is.

    `act` must not raise.
    """
    if name in sys.modules:
        act()
    else:
        sys.meta_path.insert(0, _Watcher(name, act))


class _Watcher:
    """The first finder on `sys.meta_path`; it leaves every module to the others, and sees one of them imported."""

    def __init__(self, name: str, act: Callable[[], None]) -> None:
        self.name = name
        self.act = act

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
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
