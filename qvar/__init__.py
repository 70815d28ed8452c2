"""qvar compares variational quantum models under equal budgets.

Importing qvar switches JAX to 64 bit, because chemical accuracy is a part in 10^5 of a molecule's
energy; set the environment variable `QVAR_PRECISION=32` before the import to leave JAX at 32 bit. It also makes JAX
keep compiled programs on the disk, see `qvar.compile_cache`; `QVAR_CACHE=off` does without.

Public names load on first use, so that `import qvar` and `qvar --help` answer at once.
"""

from __future__ import annotations

from typing import Any

from qvar.late_import import public_names, when_imported
from qvar.precision import check_precision, set_precision

_attribute, __dir__, __all__ = public_names(__name__, __file__)


def __getattr__(name: str) -> Any:
    value = _attribute(name)
    if name in __all__:
        check_precision()  # not at import, where the command line could not catch it
    return value


def _use_compile_cache() -> None:
    from qvar.compile_cache import use_compile_cache

    use_compile_cache()


set_precision()
when_imported("jax", _use_compile_cache)
