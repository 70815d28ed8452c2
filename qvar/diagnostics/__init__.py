"""What can be measured of an objective or a circuit: how trainable it is, what it can express, how well it converges.

Public names load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qvar.diagnostics.estimate import Estimate
    from qvar.diagnostics.intervals import wilson_interval

_HOME = {
    "Estimate": "estimate",
    "wilson_interval": "intervals",
}
"""Where each public name lives; the `TYPE_CHECKING` block above says the same to type checkers."""

__all__ = [
    "Estimate",
    "wilson_interval",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'qvar.diagnostics' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"qvar.diagnostics.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
