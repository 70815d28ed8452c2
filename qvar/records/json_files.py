"""JSON files for people and programs, sealed with a checksum, and Python values in the form that they can hold.

The seal is the key `checksum`, the last one: the SHA-256 of the rest in a canonical form, so that other spaces or
another order of the keys do not matter. Content without a seal is taken as it is: a person may write a file, or remove
the seal of one that was changed on purpose.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from enum import Enum
from pathlib import Path
from typing import Any

from qvar.atomic_files import read_regular, write_whole

CHECKSUM = "checksum"
"""Name of the seal."""

_MOST_BYTES = 1 << 28


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a sealed JSON file for people and programs, whole or not at all.

    Raises `OSError` if the file cannot be written.
    """
    with write_whole(path) as temporary:
        temporary.write_text(json_text(content), encoding="utf-8")


def json_text(content: dict[str, Any]) -> str:
    """Return the text of a sealed JSON file."""
    return json.dumps(sealed(jsonable(content)), indent=2, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, without its seal.

    Raises:
        OSError: if the file cannot be read.
        ValueError: with a clause that says why, if its content cannot be taken; see `parsed`.
    """
    return parsed(read_regular(path, _MOST_BYTES))


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """Return a dict of JSON values with its seal."""
    rest = {name: value for name, value in content.items() if name != CHECKSUM}
    return {**rest, CHECKSUM: _checksum(rest)}


def parsed(data: bytes) -> Any:
    """Return the content of JSON text in UTF-8, without its seal.

    Raises:
        ValueError: with a clause that says why, if it is no standard JSON, holds a name twice, a number that is too
            large, or text that is not Unicode, or if its seal does not fit.
    """
    try:
        content = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_once_each, parse_constant=_no_number, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if b"\\u" in data:
        try:
            json.dumps(content, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("it holds text that is not Unicode") from None
    if isinstance(content, dict) and CHECKSUM in content:
        seal = content.pop(CHECKSUM)
        if seal != _checksum(content):
            raise ValueError(
                "its checksum does not fit, so it was damaged or edited; if it was edited on purpose, "
                f"remove its `{CHECKSUM}`"
            )
    return content


def _checksum(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it holds {next(name for name in names if names.count(name) > 1)!r} twice")
    return content


def _no_number(word: str) -> Any:
    raise ValueError(f"it holds {word}, which is not standard JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"it holds the number {digits}, which is too large")
    return number


def jsonable(value: Any) -> Any:
    """Return a value as standard JSON can hold it: what JSON lacks becomes text."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str):  # bytes of a command line that are not Unicode become readable escapes
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {jsonable(str(key)): jsonable(entry) for key, entry in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((jsonable(entry) for entry in value), key=repr)
    if isinstance(value, list | tuple):
        return [jsonable(entry) for entry in value]
    if hasattr(value, "tolist"):  # NumPy and JAX values
        return jsonable(value.tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return jsonable(str(value))
