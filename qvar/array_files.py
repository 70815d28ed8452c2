"""Reading NumPy archives (`.npz`), of which every number is checked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from qvar.atomic_files import open_regular


def read_arrays(path: Path) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Read all arrays of an archive that `numpy.savez` wrote.

    Each member is read to its end, where its checksum is: `numpy.load` reads as many numbers as the member's head says,
    and a damaged head may say fewer.

    Raises:
        OSError: if the file is missing or cannot be read.
        ValueError: if it is no such archive, or was damaged.
    """
    with open_regular(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                members = [(info.filename.removesuffix(".npy"), archive.read(info)) for info in archive.infolist()]
            arrays = {name: _array(data) for name, data in members}
        except Exception as error:  # damage in the right places looks like encryption, another compression, any size
            raise ValueError("it is no NumPy archive, or was damaged") from error
    if len(arrays) < len(members):
        raise ValueError("it holds an array twice")
    return arrays


def _array(data: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    member = io.BytesIO(data)
    array = np.lib.format.read_array(member, allow_pickle=False)
    if member.read(1):
        raise ValueError("an array is longer than its head says")
    return array
