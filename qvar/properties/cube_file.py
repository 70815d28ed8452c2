"""Fields on a regular grid as cube files, which programs that draw molecules read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qvar._types import FloatArray
from qvar.atomic_files import write_whole
from qvar.errors import QvarError


def write_cube(path: str | Path, mol: Any, values: FloatArray, resolution: float) -> None:
    """Write a density (n_ao, n_ao) or an orbital (n_ao,) over the atomic orbitals of PySCF's `mol` to a file.

    The file is written whole or not at all. Raises `QvarError` if the file cannot be written.
    """
    from pyscf.tools import cubegen

    write = cubegen.density if values.ndim == 2 else cubegen.orbital
    try:
        with write_whole(Path(path)) as temporary:
            write(mol, str(temporary), values, resolution=resolution)
    except (OSError, ValueError) as error:
        raise QvarError(f"`path` must be a file that can be written, but {str(path)!r} is not.") from error
