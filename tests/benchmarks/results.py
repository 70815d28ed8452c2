"""Results on the disk: tables with the machine, versions and time that they are from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rows import Row

from qvar.atomic_files import write_whole
from qvar.records import provenance

_FORMAT = "qvar-benchmarks-1"
_PACKAGES = ("python", "qvar", "jax", "numpy", "pennylane", "pennylane_lightning", "pyscf", "qulacs", "ffsim")

Results = dict[str, tuple[dict[str, Any], list[Row]]]
"""Key of a table -> (where it is from, its rows)."""


def here(device: str | None = None) -> dict[str, Any]:
    """Machine, versions and time of what is measured now.

    Args:
        device: the accelerator, where one does the work.
    """
    own = provenance.versions()
    versions = {name: own.get(name) or provenance.version(name) for name in _PACKAGES}
    machine = device or f"{provenance.cpu_model()}, {os.cpu_count()} cores"
    return {"machine": machine, "versions": versions, "date": provenance.now(), "load": round(os.getloadavg()[0], 2)}


def check(path: Path) -> None:
    """Looks whether `save` could write a file, now and not after the measurements.

    Raises:
        ValueError: if the file is there and holds something else, or its folder is not there.
        OSError: if it cannot be read.
    """
    if not path.parent.is_dir():
        raise ValueError(f"must be in an existing folder, but {str(path.parent)!r} is none")
    if path.exists():
        load(path)


def save(path: Path, results: Results) -> None:
    """Writes tables to a file; tables that it holds already and that are not among these stay.

    Raises:
        ValueError: if the file is there and holds something else.
        OSError: if it cannot be written.
    """
    kept = load(path) if path.exists() else {}
    merged = {**kept, **results}
    tables = {
        key: {"origin": origin, "rows": [row.to_json() for row in rows]} for key, (origin, rows) in merged.items()
    }
    with write_whole(path) as temporary:  # after every row of a device, which may be killed
        temporary.write_text(json.dumps({"format": _FORMAT, "tables": tables}, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Results:
    """What `save` wrote.

    Raises:
        ValueError: if the file holds something else.
        OSError: if it cannot be read.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        data = None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ValueError(f"must be a file of benchmarks, but {str(path)!r} is none")
    return {
        key: (entry["origin"], [Row.from_json(row) for row in entry["rows"]]) for key, entry in data["tables"].items()
    }
