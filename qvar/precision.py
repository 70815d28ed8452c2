"""Precision of JAX's numbers: 64 bit, unless the environment variable `QVAR_PRECISION` is 32."""

from __future__ import annotations

import os
import sys


def check_precision() -> None:
    """Raise `QvarError` if the environment variable QVAR_PRECISION is neither 32 nor 64."""
    value = os.environ.get("QVAR_PRECISION", "64")
    if value not in ("32", "64"):
        from qvar.errors import QvarError

        raise QvarError(f"`QVAR_PRECISION` must be 32 or 64, but is {value!r}.")


def set_precision() -> None:
    """Switch JAX to 64 bit, or to 32 bit if `QVAR_PRECISION` is 32; JAX may be imported before or after."""
    enable = os.environ.get("QVAR_PRECISION") != "32"
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", enable)
    else:  # JAX reads this when it is imported, which can wait until it is needed
        os.environ["JAX_ENABLE_X64"] = "1" if enable else "0"
