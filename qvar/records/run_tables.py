"""The tables of a run: which columns they have, what each means, and how they are written and read.

A task leaves a shard, one parquet file of ledger rows whose `trace_*` and `theta` entries are lists. The ledger (one
row per contender and seed) and the trace (one row per contender, seed and step) are made from the shards, always in
the same order and with the same types, so that a run finished in two sittings gives the same tables as one.
"""

from __future__ import annotations

import json
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qvar._types import DataFrame, Series
from qvar.analysis.rows import SWEEP
from qvar.atomic_files import write_once, write_whole
from qvar.errors import QvarError
from qvar.records.code_versions import code_versions
from qvar.records.parameters import THETA
from qvar.records.schema import LEDGER_COLUMNS, LEDGER_TYPES, LISTS, TRACE_TYPES, column_types
from qvar.records.sealed_tables import DamagedError, about_of, read_frame, read_rows, sealed_parquet
from qvar.task import LedgerColumn, Row

if TYPE_CHECKING:
    import pyarrow as pa

# ---------------------------------------------------------------------------------------------------------------------
# Rows


def plain_rows(rows: Any, columns: Sequence[LedgerColumn] = ()) -> list[Row]:
    """Return the rows of a task with plain Python values of their columns' types, after a check.

    NumPy and JAX scalars become Python's, arrays lists.

    Raises `QvarError` if a row is no dict, its traces differ in length, or a value is not of its column's type.
    """
    if not isinstance(rows, Sequence) or not all(isinstance(row, dict) for row in rows):
        raise QvarError(f"`Task.run` must return a list of rows (dicts), but returned {type(rows).__name__}.")
    plain = [{str(column): _plain(value) for column, value in row.items()} for row in rows]
    for row in plain:
        lists = {column: value for column, value in row.items() if _is_list(column) and value is not None}
        if wrong := [column for column, value in lists.items() if not isinstance(value, list)]:
            raise QvarError(f"`{wrong[0]}` must be a list with one entry per {_is_list(wrong[0])}.")
        lengths = {column: len(value) for column, value in lists.items() if column != THETA}
        if len(set(lengths.values())) > 1:
            raise QvarError(f"`trace_*` lists must all have one length, but have {lengths}.")
    for column, kind in _kinds(plain, columns).items():
        for row in plain:
            if column in row:
                row[column] = _checked_cell(column, row[column], kind)
    return plain


def _is_list(column: str) -> str:
    """Return what the entries of a column's lists stand for; nothing if the column holds single values."""
    return "parameter" if column == THETA else "step" if column.startswith("trace_") else ""


def _checked_cell(column: str, value: Any, kind: str) -> Any:
    try:
        if _is_list(column) and value is not None:
            return value if _has_types(value, kind) else [_cell(entry, kind) for entry in value]
        return _cell(value, kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise QvarError(f"`{column}` must hold values of type {kind}, but holds {value!r}.") from error


def _kinds(rows: Sequence[Row], columns: Sequence[LedgerColumn] = ()) -> dict[str, str]:
    """Return the columns of rows, in order of first appearance, with their types: declared, or found from values."""
    types = column_types(columns)
    present = dict.fromkeys(column for row in rows for column in row)
    return {column: types.get(column) or _seen_type(row.get(column) for row in rows) for column in present}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return list(value) if _NUMBERS.issuperset(map(type, value)) else [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    if hasattr(value, "tolist"):  # NumPy and JAX arrays and scalars, without importing either
        return value.tolist()
    return value


def _seen_type(values: Iterable[Any]) -> str:
    """Return the pandas type of a column from its values."""
    present = [value for value in values if value is not None]
    if any(isinstance(value, list) for value in present):
        present = [entry for value in present for entry in (value if isinstance(value, list) else [value])]
    if any(not isinstance(value, numbers.Real) for value in present):
        return "string"
    if present and all(isinstance(value, bool) for value in present):
        return "boolean"
    if present and all(isinstance(value, int) for value in present):
        return "Int64"
    return "float64"


_NUMBERS = {float, int, bool, type(None)}

_PLAIN_TYPES = {"string": str, "Int64": int, "float64": float, "boolean": bool}


def _has_types(values: Sequence[Any], kind: str) -> bool:
    """Return if all values are of their column's type or None, as nearly always, and many times faster than a cell."""
    return {_PLAIN_TYPES[kind], type(None)}.issuperset(map(type, values))


def _cell(value: Any, kind: str) -> Any:
    """Return one value in its column's type; None stays None."""
    if value is None:
        return None
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value)
    if kind == "Int64":
        if isinstance(value, float):
            if value != value:  # not a number: a count that does not exist
                return None
            if not value.is_integer():
                raise QvarError(f"`{value}` must be a whole number in a column of counts.")
        return int(value)
    return bool(value) if kind == "boolean" else float(value)


# ---------------------------------------------------------------------------------------------------------------------
# Shards


def write_shard(path: Path, rows: Sequence[Row], once: bool = False) -> None:
    """Write one task's rows, traces included, whole or not at all.

    Args:
        path: the parquet file to write; its name without `.parquet` is the task's key, which the file keeps together
            with the versions of the code.
        rows: what the task returned; see `plain_rows`.
        once: whether a shard that is there stays, see `qvar.atomic_files.write_once`.

    Raises:
        QvarError: if the rows are not of the form of `plain_rows`.
        FileExistsError: if a shard is there and has to stay.
        OSError: if the file cannot be written.
    """
    import pyarrow as pa

    plain = plain_rows(rows)
    arrays, fields = [], []
    for column, kind in ({**LEDGER_TYPES, **LISTS, **_kinds(plain)}).items():
        arrow = pa.list_(_arrow_type(kind)) if _is_list(column) else _arrow_type(kind)
        arrays.append(pa.array([row.get(column) for row in plain], type=arrow, from_pandas=False))
        fields.append(pa.field(column, arrow))
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    data = sealed_parquet(table, {"kind": "shard", "key": path.stem, "code": code_versions()})
    with (write_once if once else write_whole)(path) as temporary:
        temporary.write_bytes(data)


def _arrow_type(kind: str) -> pa.DataType:
    import pyarrow as pa

    return {"string": pa.string(), "Int64": pa.int64(), "float64": pa.float64(), "boolean": pa.bool_()}[kind]


@dataclass(frozen=True)
class Shard:
    """Result of looking for a shard."""

    rows: list[Row] | None
    """The task's rows; None if there are none."""
    damage: str = ""
    """Reason why not, in a clause; empty if there is nothing, or all is well."""
    code: dict[str, str] = field(default_factory=dict)
    """Code that computed them, see `code_versions`; empty if an older qvar wrote them."""


def look_at_shard(path: Path, key: str | None = None) -> Shard:
    """Read a shard, or find what is wrong with it."""
    try:
        table = read_rows(path, {"kind": "shard"} if key is None else {"kind": "shard", "key": key})
    except FileNotFoundError:
        return Shard(None)
    except DamagedError as error:
        return Shard(None, str(error))
    if missing := {*LEDGER_COLUMNS, *LISTS} - set(table.column_names):
        return Shard(None, f"it lacks the column {min(missing)}")
    return Shard(table.to_pylist(), code=about_of(table).get("code", {}))


# ---------------------------------------------------------------------------------------------------------------------
# Ledger and trace


def ledger_from(rows: Sequence[Row], columns: Sequence[LedgerColumn] = ()) -> DataFrame:
    """Return the ledger: the common columns, then the study's own in order of first appearance.

    Types do not depend on what is missing.
    """
    import pandas as pd

    own = {column: kind for column, kind in _kinds(rows, columns).items() if not _is_list(column)}
    kinds = {**LEDGER_TYPES, **own}
    return pd.DataFrame({c: _series([row.get(c) for row in rows], kind) for c, kind in kinds.items()})


def trace_from(rows: Sequence[Row]) -> DataFrame:
    """Return the trace: value, error and gradient norm, one row per contender, seed and step."""
    import pandas as pd

    columns: dict[str, list[Any]] = {column: [] for column in TRACE_TYPES}
    for row in rows:
        values = row.get("trace_value") or []
        nothing = [None] * len(values)
        reference = row.get("reference")
        for name in ("problem", "contender", "family", "method", "seed"):
            columns[name] += [row.get(name)] * len(values)
        columns["step"] += row.get("trace_step") or list(range(len(values)))
        columns["value"] += values
        columns["error"] += [None if v is None or reference is None else v - reference for v in values]
        columns["gradient_norm"] += row.get("trace_gradient_norm") or nothing
        columns["evaluations"] += row.get("trace_evaluations") or nothing
    return pd.DataFrame({column: _series(columns[column], kind) for column, kind in TRACE_TYPES.items()})


def swept_tables(
    points: Sequence[tuple[dict[str, Any], Sequence[Row]]], columns: Sequence[LedgerColumn] = ()
) -> tuple[DataFrame, DataFrame]:
    """Return ledger and trace of a case that ran at several values of its arguments, one point below the other.

    A column `sweep_<argument>` for each swept argument is at the end of both.
    """
    swept_cells = [{SWEEP + name: _one_cell(value) for name, value in swept.items()} for swept, _ in points]
    rows = [row for _, own in points for row in own]
    ledger, trace = ledger_from(rows, columns), trace_from(rows)
    steps = [sum(len(row.get("trace_value") or ()) for row in own) for _, own in points]
    for column in dict.fromkeys(name for cells in swept_cells for name in cells):
        kind = _seen_type(cells.get(column) for cells in swept_cells)
        for table, numbers_of_rows in ((ledger, [len(own) for _, own in points]), (trace, steps)):
            values = [
                cells.get(column) for cells, n in zip(swept_cells, numbers_of_rows, strict=True) for _ in range(n)
            ]
            table[column] = _series(values, kind)
    return ledger, trace


def _one_cell(value: Any) -> Any:
    """Return a value that is one cell of a table: entries of a list are separated by blanks, as on the command line."""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _series(values: list[Any], kind: str) -> Series:
    import pandas as pd

    cells = values if _has_types(values, kind) else [_cell(value, kind) for value in values]
    if kind == "float64":
        return pd.Series(cells, dtype="float64")  # None becomes nan
    return pd.Series(pd.array(cells, dtype=kind))  # pyright: ignore[reportCallIssue, reportArgumentType]


def write_ledger(table: DataFrame, folder: Path, run: str = "") -> None:
    """Write `ledger.parquet` and `ledger.csv`, each whole or not at all; `OSError` if a file cannot be written."""
    with write_whole(folder / "ledger.csv") as temporary:
        # Python's shortest text that reads back as the same 64 bits: no digit of an energy is lost.
        table.to_csv(temporary, index=False, lineterminator="\n")
    write_table(table, folder / "ledger.parquet", run)  # last: where it exists, the ledger is complete


def write_table(table: DataFrame, path: Path, run: str = "") -> None:
    """Write a table as parquet, whole or not at all; `OSError` if the file cannot be written."""
    import pyarrow as pa

    data = sealed_parquet(pa.Table.from_pandas(table, preserve_index=False), {"kind": path.stem, "run": run})
    with write_whole(path) as temporary:
        temporary.write_bytes(data)


def look_at_table(path: Path, run: str | None = None) -> tuple[DataFrame | None, str]:
    """Return a ledger or trace that `write_ledger` or `write_table` wrote, or what is wrong with it.

    The reason is a clause, empty if the file is missing.
    """
    try:
        return read_frame(path, {"kind": path.stem} if run is None else {"kind": path.stem, "run": run}), ""
    except FileNotFoundError:
        return None, ""
    except DamagedError as error:
        return None, str(error)
