"""One page about several runs of one kind of study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qvar._types import DataFrame
from qvar.analysis.rows import SWEEP, is_campaign
from qvar.errors import QvarError
from qvar.records.run_folder import LoadedRun, RunFolder, load
from qvar.report.page import write_report


def write_comparison(paths: Sequence[str], out: str) -> Path:
    """Write a page about several runs, as of one study repeated in each of them, and its plots.

    Args:
        paths: folders of at least two runs of one kind of study, finished or not.
        out: folder to write to; `report.html` and `plots` in it are replaced.

    Raises:
        QvarError: if the runs are of different studies, one is a campaign or has no rows, or `out` is itself a run.
    """
    if len(paths) < 2:
        raise QvarError(f"`RUN` must be the folders of at least two runs, but is {' '.join(paths) or 'missing'}.")
    runs = [load(path) for path in paths]
    folder = RunFolder(Path(out))
    if (folder.path / "case.json").exists():
        raise QvarError(f"`out` must be a folder for the page alone, but {out} holds a run.")
    combined = _combined(dict(zip(_names(paths), runs, strict=True)), folder)
    folder.path.mkdir(parents=True, exist_ok=True)
    return write_report(combined)


def _names(paths: Sequence[str]) -> list[str]:
    """Return the last parts of paths, as many as make them different."""
    parts = [Path(path).resolve().parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise QvarError(f"`RUN` must be different folders, but is {' '.join(map(str, paths))}.")


def _combined(runs: dict[str, LoadedRun], folder: RunFolder) -> LoadedRun:
    """Return the tables of several runs as those of one, with the name of the run in a column of its own."""
    import pandas as pd

    studies = {name: str(run.case.get("study")) for name, run in runs.items()}
    if len(set(studies.values())) > 1:
        words = ", ".join(f"{name} ({study})" for name, study in studies.items())
        raise QvarError(f"`RUN` must be runs of one kind of study, but they are {words}.")
    for name, run in runs.items():
        if is_campaign(run.ledger):
            raise QvarError(f"`RUN` must be runs, but {name} is a campaign, whose page compares its points already.")
        if run.ledger.empty:
            raise QvarError(f"`RUN` must have rows, but {name} has none: {run.progress}.")

    def joined(table: str) -> DataFrame:
        tables = [getattr(run, table).assign(**{f"{SWEEP}run": name}) for name, run in runs.items()]
        return pd.concat([part.dropna(axis="columns", how="all") for part in tables if len(part)], ignore_index=True)

    first = next(iter(runs.values()))
    cases = [run.case for run in runs.values()]
    case: dict[str, Any] = {
        "study": first.case.get("study"),
        "comparison": {name: str(run.folder.path) for name, run in runs.items()},
        "sweep": {"run": list(runs)},
        "arguments": _shared([case.get("arguments") or {} for case in cases]),
        "columns": [column for case in cases for column in case.get("columns") or []],
        "references": sorted({key for case in cases for key in case.get("references") or []}),
        "versions": _shared([case.get("versions") or {} for case in cases]),
        "tasks": [],
    }
    ledger = joined("ledger")
    missing = [name for name in first.ledger if name not in ledger.columns]
    ledger = ledger.assign(**dict.fromkeys(missing))
    n_done, n_tasks = (sum(getattr(run, name) for run in runs.values()) for name in ("n_done", "n_tasks"))
    return LoadedRun(folder, case, ledger, joined("trace"), n_done, n_tasks)


def _shared(tables: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the entries that all tables have with one value."""
    first, *others = tables
    return {key: value for key, value in first.items() if all(key in t and t[key] == value for t in others)}
