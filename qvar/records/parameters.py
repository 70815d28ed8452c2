"""Table of trained parameters: `parameters.parquet`, whose rows are those of the ledger, in its order."""

from __future__ import annotations

from collections.abc import Sequence

from qvar._types import DataFrame
from qvar.task import Row

THETA = "theta"
"""Entry of a task's row, and column of the table, that holds the parameters of one start at its end."""

_IDENTITY = {"problem": "string", "contender": "string", "method": "string", "seed": "Int64"}


def parameters_from(rows: Sequence[Row]) -> DataFrame:
    """Return the table of trained parameters.

    A row for each row of the ledger; the list `theta` is None if nothing was trained.
    """
    import pandas as pd

    columns = {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in _IDENTITY.items()}
    thetas = pd.Series([row.get(THETA) for row in rows], dtype=object)
    return pd.DataFrame({**columns, THETA: thetas})
