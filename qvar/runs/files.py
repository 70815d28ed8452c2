"""JSON files for people and programs, and what Python values become in them."""

from __future__ import annotations

import json
import math
from enum import Enum
from pathlib import Path
from typing import Any

from qvar.whole_files import write_whole


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file for people and programs, whole or not at all.

    Args:
        path: the file.
        content: anything that `jsonable` understands.

    Raises:
        OSError: if the file cannot be written.
    """
    with write_whole(path) as temporary:
        temporary.write_text(json.dumps(jsonable(content), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def jsonable(value: Any) -> Any:
    """A value as standard JSON can hold it: what JSON lacks becomes text.

    Args:
        value: anything.

    Returns:
        Nested dicts and lists of strings, finite numbers, booleans and None.
    """
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): jsonable(entry) for key, entry in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((jsonable(entry) for entry in value), key=repr)
    if isinstance(value, list | tuple):
        return [jsonable(entry) for entry in value]
    if hasattr(value, "tolist"):  # NumPy and JAX values
        return jsonable(value.tolist())
    return str(value)
