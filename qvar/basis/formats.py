"""Basis sets as files: NWChem, Gaussian94 and the JSON of the Basis Set Exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qvar.basis.shells import BasisSet


def write(basis: BasisSet, path: str | Path, origin: dict[str, Any] | None = None) -> Path:
    raise NotImplementedError
