"""Tables that several parts of a report take from one ledger, computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TypeAlias

from qvar._types import DataFrame

_Tables: TypeAlias = "dict[tuple[Callable[..., object], int], tuple[DataFrame, DataFrame]]"
"""{(function, id of a ledger): the ledger, which keeps the id its own, and the table}."""

_tables: ContextVar[_Tables | None] = ContextVar("tables", default=None)


@contextmanager
def tables_once() -> Iterator[None]:
    """Compute each table of one ledger once inside the block, where neither ledgers nor tables may be changed."""
    token = _tables.set({})
    try:
        yield
    finally:
        _tables.reset(token)


def once(function: Callable[[DataFrame], DataFrame]) -> Callable[[DataFrame], DataFrame]:
    """Return a function of a ledger that is computed once inside `tables_once`, and each time elsewhere."""

    @wraps(function)
    def table_of(ledger: DataFrame) -> DataFrame:
        tables = _tables.get()
        if tables is None:
            return function(ledger)
        key = (function, id(ledger))
        if key not in tables:
            tables[key] = (ledger, function(ledger))
        return tables[key][1]

    return table_of
