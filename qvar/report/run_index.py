"""A page that lists the runs of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from qvar._types import DataFrame
from qvar.analysis.rows import ended, known, shown_errors, some
from qvar.atomic_files import write_whole
from qvar.errors import QvarError
from qvar.optimize.budget import Status
from qvar.records.run_folder import LoadedRun, load
from qvar.report.formats import attention, ends, error_words, number, values
from qvar.report.html import document, section
from qvar.report.table import NOTHING, Bullets, Column, Link, Note, Part, Table, Text


class _Listed(NamedTuple):
    """A run in the list."""

    name: str
    run: LoadedRun


def write_index(folder: str) -> Path:
    """Write `index.html` in a folder of runs: problem, contenders, best error, state, and a link to each report.

    Costs the reading of the tables of every run.

    Raises `QvarError` if there is no such folder, or no run in it.
    """
    place = Path(folder)
    if not place.is_dir():
        raise QvarError(f"`FOLDER` must be a folder of runs, but there is no folder {folder}.")
    runs: list[_Listed] = []
    unread: list[str] = []
    for path in sorted(place.glob("*/case.json")):
        try:
            runs.append(_Listed(path.parent.name, load(path.parent)))
        except QvarError as error:
            unread.append(f"Not in the list: {error}")
    if not runs and not unread:
        raise QvarError(f"`FOLDER` must be a folder of runs, but no folder in {folder} holds one.")
    runs.sort(key=lambda listed: str(listed.run.case.get("started")), reverse=True)
    table: Table[_Listed] = Table(
        [
            Column("run", _link, "name"),
            Column("study", lambda row: str(row.run.case.get("study") or NOTHING), "word"),
            Column("problem", lambda row: ends(values(row.run.ledger, "problem")) or NOTHING, "prose"),
            Column("contenders", lambda row: str(row.run.ledger["contender"].nunique())),
            Column("lowest error", lambda row: lowest(row.run.ledger)),
            Column("of", lambda row: _best(row.run.ledger), "name"),
            Column("state", lambda row: _state(row.run), "word"),
            Column("started", lambda row: str(row.run.case.get("started") or NOTHING)[:16].replace("T", " "), "word"),
        ],
        runs,
    )
    note = Note(
        "The lowest error is that of the best start of all contenders, on data that it was not fitted to if there are "
        "such, or the lowest value if no exact one is known; each report says how it was reached."
    )
    parts: list[Part] = [table, note, Bullets(unread)]
    page = place / "index.html"
    with write_whole(page) as temporary:
        title = f"Runs in {place.resolve().name}"
        temporary.write_text(document(title, section(f"{len(runs)} runs", parts)), encoding="utf-8")
    return page


def _link(row: _Listed) -> Text:
    return Link(row.name, href=f"{row.name}/report.html") if row.run.folder.report.exists() else row.name


def _state(run: LoadedRun) -> Text:
    failed = int(ended(run.ledger, "failed").sum()) if len(run.ledger) else 0
    if run.n_done < run.n_tasks:
        return attention(f"{run.n_done}/{run.n_tasks} tasks", True)
    return attention(f"{failed} failed", True) if failed else "done"


def lowest(ledger: DataFrame) -> str:
    """Return the lowest error with its unit, or the lowest value without an exact one, called so."""
    if (best := _best_row(ledger)) is None:
        return NOTHING
    value, kind, unit = best[1:]
    return f"{error_words(value, unit) if kind == 'error' else f'value {number(value)}'} {unit}".rstrip()


def _best(ledger: DataFrame) -> str:
    best = _best_row(ledger)
    return NOTHING if best is None else str(ledger.loc[best[0], "contender"])


def _best_row(ledger: DataFrame) -> tuple[Any, float, str, str] | None:
    """Return the row of the lowest error, the error, its kind and its unit; None if nothing was trained."""
    if ledger.empty or not some(ledger["status"] != Status.MEASURED.value):
        return None
    numbers: Any
    numbers, kind, unit = shown_errors(ledger)
    if "test_error" in ledger.columns and some(ledger["test_error"].notna()):
        numbers, kind = ledger["test_error"], "error"
    numbers = numbers.astype(float)
    return (numbers.idxmin(), float(numbers.min()), kind, unit) if known(numbers.min()) else None
