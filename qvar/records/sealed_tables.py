"""Parquet files that prove that they are whole: a SHA-256 of all their bytes, and what they belong to.

Both lie in the file's own metadata, so that any program reads the table and no second file can be lost. The digest is
taken with 64 zeros in its own place. It is checked before a library looks at the file, which must not be asked to make
sense of damaged sizes and offsets.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qvar._types import DataFrame
from qvar.atomic_files import read_regular
from qvar.records.json_files import parsed
from qvar.task import RECORD_FORMAT

if TYPE_CHECKING:
    import pyarrow as pa

_ABOUT, _SEAL = b"qvar", b"qvar.sha256"
_BEFORE = _SEAL + b"\x18\x40"
"""The digest's name as it lies in the file, and then, in the Thrift encoding, that a text of 64 bytes follows."""

_EMPTY = b"0" * 64


class DamagedError(ValueError):
    """A table that cannot be taken; the text is a clause that says why."""


def sealed_parquet(table: pa.Table, about: dict[str, Any]) -> bytes:
    """Return a table as the bytes of a sealed parquet file.

    `about` says what the file is, such as its kind and its task's key; JSON-able.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, write_page_checksum=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({_ABOUT: json.dumps({"format": RECORD_FORMAT, **about}).encode(), _SEAL: _EMPTY})
    data = sink.getvalue().to_pybytes()
    at = data.rindex(_BEFORE + _EMPTY) + len(_BEFORE)
    return data[:at] + hashlib.sha256(data).hexdigest().encode() + data[at + len(_EMPTY) :]


def read_rows(path: Path, about: dict[str, Any]) -> pa.Table:
    """Return the table of a sealed parquet file.

    Args:
        path: the file.
        about: what it must be. Entries that are missing here may be anything; one that is empty in the file fits all.

    Raises:
        FileNotFoundError: if there is no such file.
        DamagedError: if it cannot be read, is damaged, is another one, or is of another record format.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = _checked(path)
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            _check_about(file.metadata.metadata or {}, about)
            return file.read()
    except pa.ArrowException as error:
        raise DamagedError(f"it is no parquet file: {error}") from error


def read_frame(path: Path, about: dict[str, Any]) -> DataFrame:
    """Return the table that pandas wrote; arguments and errors as of `read_rows`."""
    return read_rows(path, about).to_pandas()


def about_of(table: pa.Table) -> dict[str, Any]:
    """Return what a table that `read_rows` returned says about itself."""
    return parsed((table.schema.metadata or {}).get(_ABOUT, b"{}"))


def _checked(path: Path) -> bytes:
    """Return the bytes of a file whose seal fits."""
    try:
        data = read_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DamagedError(f"it cannot be read: {reason}") from error
    position = data.rfind(_BEFORE)
    at, end = position + len(_BEFORE), position + len(_BEFORE) + len(_EMPTY)
    if position < 0 or end > len(data):
        raise DamagedError("it has no checksum of qvar, or was cut short")
    digest = hashlib.sha256(memoryview(data)[:at])
    digest.update(_EMPTY)
    digest.update(memoryview(data)[end:])
    if digest.hexdigest().encode() != data[at:end]:
        raise DamagedError("its checksum does not fit")
    return data


def _check_about(metadata: dict[bytes, bytes], about: dict[str, Any]) -> None:
    content = parsed(metadata.get(_ABOUT, b"{}"))
    if content.get("format") != RECORD_FORMAT:
        raise DamagedError(f"it is of record format {content.get('format')}, not {RECORD_FORMAT}")
    for name, value in about.items():
        if content.get(name) not in (value, ""):
            raise DamagedError(f"it is that of another {name}: {content.get(name)}, not {value}")
