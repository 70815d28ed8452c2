"""Python files of users: their import, and a sentence about what went wrong in one."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from qvar.errors import QvarError, error_words

_EXTRAS = {"basis_set_exchange": "basis-library", "equinox": "gallery", "sklearn": "gallery", "qiskit": "qiskit"}
"""Modules that cases import, and the extras of qvar that bring them."""


def load_module(path: Path, what: str) -> ModuleType:
    """Import a Python file, which may import the files beside it.

    Raises `QvarError` if there is no such file, it does not end in .py, or importing it fails.
    """
    if not os.path.isfile(path):  # unlike the methods of Path it takes any name
        kind = "a folder" if os.path.isdir(path) else "missing"
        raise QvarError(f"`{what}` must be a Python file, but {path} is {kind}.")
    if path.suffix != ".py":
        raise QvarError(f"`{what}` must be a Python file that ends in .py, but is {path}.")
    name = f"qvar_{what.lower()}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py file always has a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their module up here
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # as `python file.py` does
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # `sys.exit` among them
        sys.modules.pop(name, None)
        if isinstance(error, QvarError):
            raise
        if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
            extra = f"pip install 'qvar-sim[{_EXTRAS[error.name]}]'"
            raise QvarError(f"{error.name} must be installed for {path}: {extra}.") from error
        raise QvarError(f"`{what}` {path} could not be loaded: {error_text(error, path)}.") from error
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
    return module


def call_of_user(function: Callable[[], Any], name: str, path: Path, hint: str = "") -> Any:
    """Call a function of a user's file; `QvarError` with the line if it raises anything, `sys.exit` among them."""
    try:
        return function()
    except (QvarError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise QvarError(f"`{name}` in {path.name} raised {error_text(error, path)}{hint}.") from error


def error_text(error: BaseException, path: Path) -> str:
    """Return an exception in a user's file as "ErrorType: first line (line 12)"."""
    text = error_words(error).rstrip(".")
    if isinstance(error, SyntaxError):  # names file and line itself
        return text
    here = path.resolve()
    inside = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == here]
    return f"{text} (line {inside[-1]})" if inside else text
