"""Task: the one unit of work, and Runnable: whatever can be cut into tasks.

A case returns a `Runnable`. Running it, resuming it, running it in parallel and collecting it are one
loop over the tasks that have no shard yet.
"""

from __future__ import annotations

import hashlib
import json
import math
import traceback
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np

from qvar._types import FloatArray
from qvar.arguments import check_fields
from qvar.checks import different_names
from qvar.errors import QvarError, error_words, shown
from qvar.short_repr import short_repr

RECORD_FORMAT = 4
"""Version of a run's files. It is part of every task's key: results of another version are not taken for one's own."""

Row: TypeAlias = dict[str, Any]
"""One row of the ledger; a list is a part of the row's trace, or its trained parameters `theta`."""


Kind: TypeAlias = Literal["string", "Int64", "float64", "boolean"]
"""Types of a ledger's columns, by their names in pandas; an entry of any type may be missing."""


@short_repr("name", "kind", "unit")
@dataclass(frozen=True)
class LedgerColumn:
    """Column that a study adds to the ledger.

    Raises:
        QvarError: if a field is of a wrong type, or `kind` is unknown.
    """

    name: str
    """Its name, also in the rows that tasks return."""
    kind: Kind
    """Type of its entries: `"string"`, `"Int64"`, `"float64"` or `"boolean"`."""
    meaning: str
    """Its meaning, in one sentence without the unit."""
    _: KW_ONLY
    unit: str = ""
    """Its unit; empty if it has none."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def sentence(self) -> str:
        """The meaning, with the unit."""
        return f"{self.meaning} Unit: {self.unit}." if self.unit else self.meaning


@short_repr()
@dataclass(frozen=True)
class Progress:
    """Progress of a task, reported now and then."""

    done: int
    """Evaluations made so far, in the batch member that has made the most."""
    total: int
    """Evaluations that the budget allows; at least 1."""
    message: str
    """A few words for the end of a progress bar, such as the best error so far."""


Reporter: TypeAlias = Callable[[Progress], None]


@short_repr("label", "key")
@dataclass(frozen=True)
class Task:
    """One piece of work that knows nothing of the others and writes one shard, whole or not at all."""

    key: str
    """Hexadecimal digest of the task's inputs alone: the same inputs give the same key on any machine."""
    label: str
    """A short name for progress bars, such as `uccsd`."""
    run: Callable[[Reporter], list[Row]]
    """Does the work and returns the ledger rows; trace columns are lists named `trace_*`, of one length in a row,
    and `theta` is the list of trained parameters."""
    _: KW_ONLY
    columns: tuple[LedgerColumn, ...] = ()
    """Columns that its rows may have beside the common ones; `tasks_of` fills in those of its study."""


@runtime_checkable
class Runnable(Protocol):
    """Named list of tasks, as a case returns it.

    It may also have `citations`, keys of `qvar/citations.bib`, and `columns`, the `LedgerColumn`s that it adds to the
    ledger. Types of columns that are not declared are seen in their values.
    """

    @property
    def name(self) -> str:
        """A short name, such as `duel`."""
        ...

    def tasks(self) -> list[Task]:
        """Return the tasks in the order in which the ledger lists them."""
        ...


def task_key(inputs: dict[str, Any]) -> str:
    """Return the digest of a JSON-able description of a task's inputs and of the version of the record format.

    Args:
        inputs: nested dicts and lists of strings, numbers, booleans and None.

    Returns:
        The first 16 hexadecimal digits of the SHA-256 of the canonical JSON text.

    Raises:
        QvarError: if the inputs hold anything else.
    """
    content = {"record": RECORD_FORMAT, "inputs": inputs}
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=True)
    except (TypeError, ValueError) as error:
        raise QvarError(f"`inputs` must be what JSON can hold, but is {shown(inputs)}.") from error
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def numbers_for_key(numbers: Any, decimals: int) -> FloatArray:
    """Return numbers rounded for a key, because their last bits differ between kinds of machines.

    Where all are below 10^-3, as energies in joule are, they keep as many digits from there on.
    """
    array = np.asarray(numbers, float)
    largest = float(np.abs(array).max(initial=0.0))
    if 0.0 < largest < 1e-3:
        decimals += -3 - math.floor(math.log10(largest))
    return np.asarray(np.round(array, decimals))


def tasks_of(study: Runnable) -> list[Task]:
    """Return the tasks of a study; an error in a user's study becomes a sentence.

    Raises `QvarError` if they cannot be made, or the study's `columns` are no columns.
    """
    columns = columns_of(study)
    try:
        return [replace(task, columns=columns) if columns else task for task in study.tasks()]
    except (QvarError, KeyboardInterrupt):
        raise
    except BaseException as error:  # `sys.exit` among them
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        raise QvarError(f"`study.tasks` raised {error_words(error).removesuffix('.')} ({where}).") from error


def columns_of(study: Runnable) -> tuple[LedgerColumn, ...]:
    """Return the columns that a study declares; `QvarError` if they are no columns, or two have one name."""
    columns = getattr(study, "columns", ())
    if not isinstance(columns, list | tuple) or not all(isinstance(column, LedgerColumn) for column in columns):
        raise QvarError(f"`study.columns` must be a list of LedgerColumn, but is {shown(columns)}.")
    different_names("study.columns", [column.name for column in columns])
    return tuple(columns)


def failed_row(label: str, message: str) -> Row:
    """Return the row of a task that failed."""
    return {"contender": label, "status": "failed", "message": message}
