"""Ledgers that travel with qvar: the runs behind "What we found", which `qvar advise` answers from."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from qvar._types import DataFrame
from qvar.errors import QvarError

FOLDER = Path(__file__).parents[1] / "ledgers"
"""Folder of the files, in the package."""

NAMES = ("families", "starts", "growing", "pruning", "distilling", "more_parameters", "trainability")
"""Names of the ledgers."""


@cache
def kept_ledger(name: str) -> DataFrame:
    """Return a ledger that travels with qvar.

    Beside columns of a run's ledger it has `campaign`, `command` (which repeats the run of a row), `qvar` (its version)
    and `date` (on which the run began); of duels `molecule`, `bond` (angstrom), `basis` and
    `budget` (evaluations of each start), too.

    Args:
        name: one of `NAMES`.

    Raises:
        QvarError: if the installation lacks its file, or the file cannot be read.
    """
    import pandas as pd

    path = FOLDER / f"{name}.parquet"
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise QvarError(
            f"`{path}` must be a ledger that comes with qvar, but cannot be read; install qvar again."
        ) from error
