"""Every optimization method of qvar, found by itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable

import qvar.optimize
from qvar.optimize.method import Method


def returns(value: object, record: str) -> bool:
    return callable(value) and not isinstance(value, type) and inspect.signature(value).return_annotation == record


def _methods() -> dict[str, Callable[[], Method]]:
    """Every function of `qvar.optimize` that makes a method of settings, all of which have defaults."""
    found = {}
    for info in pkgutil.iter_modules(qvar.optimize.__path__, "qvar.optimize."):
        own = vars(importlib.import_module(info.name)).items()
        own = [(name, value) for name, value in own if getattr(value, "__module__", None) == info.name]
        found |= {name: value for name, value in own if returns(value, "Method") and _has_defaults(value)}
    return found


def _has_defaults(function: Callable[..., object]) -> bool:
    return all(one.default is not one.empty for one in inspect.signature(function).parameters.values())


METHODS = _methods()
