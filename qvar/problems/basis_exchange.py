"""The Basis Set Exchange, an optional package of 350 MB, imported only for sets that PySCF does not carry itself.

Pritchard, Altarawy, Didier, Gibson, Windus, J. Chem. Inf. Model. 59, 4814 (2019),
https://doi.org/10.1021/acs.jcim.9b00725.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

from qvar.errors import QvarError, shown

INSTALL = "pip install 'qvar-sim[basis-library]'"
"""Command that installs the package."""


def exchange_is_installed() -> bool:
    """Return True if the package is there, without importing it."""
    return importlib.util.find_spec("basis_set_exchange") is not None


def basis_exchange(name: Any) -> Any:
    """Import the package, for a basis set.

    Raises:
        QvarError: if it is not installed.
    """
    try:
        import basis_set_exchange
    except ImportError as error:
        raise QvarError(f"The Basis Set Exchange must be installed for {shown(name)}: {INSTALL}.") from error
    return basis_set_exchange


def exchange_name(name: str) -> str:
    """Return a name as the package's files write it."""
    return name.lower().replace("/", "_sl_").replace("*", "_st_")


@cache
def all_electron_sets() -> frozenset[str]:
    """Return the names of published sets without core potentials, from a file of the package.

    The package takes a third of a second to import.
    """
    package = importlib.util.find_spec("basis_set_exchange")
    if package is None or package.origin is None:
        return frozenset()
    try:
        sets = json.loads(Path(package.origin).with_name("data").joinpath("METADATA.json").read_text(encoding="utf-8"))
        return frozenset(name for name, about in sets.items() if not any("ecp" in k for k in about["function_types"]))
    except (OSError, ValueError, KeyError, AttributeError):  # another version of the package
        return frozenset()
