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
    """Switch JAX to 64 bit, or to 32 bit if `QVAR_PRECISION` is 32; JAX may be imported before or after.

    In 32 bit, products of matrices are exact to these 32 bit: a GPU would round their factors to 10 bit of mantissa
    (TF32), unless `JAX_DEFAULT_MATMUL_PRECISION` says otherwise.
    """
    enable = os.environ.get("QVAR_PRECISION") != "32"
    if not enable and "JAX_DEFAULT_MATMUL_PRECISION" not in os.environ:
        _set("jax_default_matmul_precision", "highest")
    _set("jax_enable_x64", enable)


def _set(option: str, value: bool | str) -> None:
    """Set an option of JAX, which reads the environment when it is imported; that can wait until it is needed."""
    if "jax" in sys.modules:
        sys.modules["jax"].config.update(option, value)
    else:
        os.environ[option.upper()] = str(int(value)) if isinstance(value, bool) else value
