"""The folder of a run: where it may go, what lies in it, and reading it back, finished or not."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qvar.errors import QvarError
from qvar.runs.files import write_json
from qvar.runs.record import ledger_from, read_shard, read_table, swept_tables, trace_from
from qvar.short_repr import short_repr
from qvar.task import Row
from qvar.whole_files import is_temporary

if TYPE_CHECKING:
    import pandas as pd


@short_repr()
@dataclass(frozen=True)
class RunFolder:
    """Names of the files in a run's folder."""

    path: Path
    """The folder itself."""

    @property
    def case_json(self) -> Path:
        """What was run, with which versions, where."""
        return self.path / "case.json"

    @property
    def tasks(self) -> Path:
        """Folder of the shards."""
        return self.path / "tasks"

    @property
    def plots(self) -> Path:
        """Folder of the pictures."""
        return self.path / "plots"

    @property
    def report(self) -> Path:
        """The page that tells the run."""
        return self.path / "report.html"

    @property
    def ledger(self) -> Path:
        """The ledger; its presence says that all tasks are done."""
        return self.path / "ledger.parquet"

    @property
    def trace(self) -> Path:
        """The trace."""
        return self.path / "trace.parquet"

    def shard(self, key: str) -> Path:
        """The shard of the task with this key."""
        return self.tasks / f"{key}.parquet"


@short_repr("folder", "n_done", "n_tasks")
@dataclass(frozen=True, eq=False)
class LoadedRun:
    """A run read back from its folder."""

    folder: RunFolder
    """Where it lies."""
    case: dict[str, Any]
    """The content of `case.json`."""
    ledger: pd.DataFrame
    """The ledger, of the finished tasks where some are missing."""
    trace: pd.DataFrame
    """The trace, likewise."""
    n_done: int
    """Tasks that are done."""
    n_tasks: int
    """Tasks that the run has."""


# ---------------------------------------------------------------------------------------------------------------------
# Making a folder


def check_out(out: Path, resume: bool) -> None:
    """Refuses a place that a run cannot go to, before any work is spent on it.

    Args:
        out: the folder that the run wants to write.
        resume: whether an existing run may be continued.

    Raises:
        QvarError: if something is in the way.
    """
    if not os.path.lexists(out):
        above = next(parent for parent in out.absolute().parents if os.path.lexists(parent))
        if not above.is_dir():
            raise QvarError(f"`out` must be a folder that can be made, but {out} cannot: {above} is a file.")
        if not os.access(above, os.W_OK | os.X_OK):
            raise QvarError(f"`out` must be a folder that can be made, but {out} cannot: {above} may not be written.")
        return
    if not out.is_dir():
        raise QvarError(f"`out` must be a new folder, but {out} is a file.")
    if not resume:
        raise QvarError(f"`out` must be a new folder, but {out} exists already; say --resume to finish what it lacks.")
    if not (out / "case.json").exists() and any(not _is_rest(entry) for entry in out.iterdir()):
        raise QvarError(
            f"`out` must be the folder of a run to be resumed, but {out} holds other files and no case.json."
        )


def _is_rest(entry: Path) -> bool:
    """Whether this may lie in a run folder whose `case.json` was never finished."""
    return is_temporary(entry) or (entry.name == "tasks" and entry.is_dir() and all(map(is_temporary, entry.iterdir())))


def make(out: Path) -> RunFolder:
    """Makes the folder and its parts; leaves nothing behind where that fails.

    Args:
        out: the folder; its parents are made too.

    Raises:
        QvarError: if the system refuses.
    """
    folder = RunFolder(out)
    missing = [parent for parent in (out, *out.parents) if not os.path.lexists(parent)]
    try:
        folder.tasks.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        unmake(missing)
        raise QvarError(f"`out` must be a folder that can be made, but {out} cannot: {reason(error)}.") from error
    return folder


def unmake(folders: list[Path]) -> None:
    """Removes folders that were just made, the innermost first; one that holds other things stays."""
    for folder in folders:
        with contextlib.suppress(OSError):
            (folder / "tasks").rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()


def reason(error: OSError) -> str:
    """The system's own words for a failure, such as "No space left on device"."""
    return error.strerror or str(error)


@contextlib.contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Holds the folder against a second writer; the system lets go of it when the process ends, however it ends.

    Raises:
        QvarError: if another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no advisory locks on folders: there the user takes care
        yield
        return
    descriptor = os.open(folder.path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise QvarError(f"`out` must be free, but another process is writing {folder.path}.") from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)


def clean(folder: RunFolder) -> None:
    """Removes what a killed process left half-written."""
    for place in (folder.path, folder.tasks, folder.plots):
        if place.is_dir() and not place.is_symlink():  # a link leads to shards that others may be writing
            for entry in place.iterdir():
                if is_temporary(entry):
                    entry.unlink(missing_ok=True)


def write_case(folder: RunFolder, content: dict[str, Any]) -> None:
    """Writes `case.json`."""
    write_json(folder.case_json, content)


# ---------------------------------------------------------------------------------------------------------------------
# Reading a folder


def read_case(folder: RunFolder) -> dict[str, Any] | None:
    """The content of `case.json`; None where it is missing.

    Raises:
        QvarError: if it is there and is not what qvar writes.
    """
    try:
        content = json.loads(folder.case_json.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise QvarError(f"`{folder.case_json}` must be a file that qvar wrote, but cannot be read: {error}.") from error
    if not isinstance(content, dict) or not isinstance(content.get("tasks"), list):
        raise QvarError(f"`{folder.case_json}` must be a file that qvar wrote, but lists no tasks.")
    return content


def load(path: str | Path) -> LoadedRun:
    """Reads a run back, finished or not.

    Args:
        path: the run's folder.

    Returns:
        Its tables; those of an unfinished run are made from the shards that are there.

    Raises:
        QvarError: if there is no run.
    """
    folder = RunFolder(Path(path))
    if not os.path.lexists(folder.path):
        raise QvarError(f"`RUN` must be the folder of a run, but {folder.path} does not exist.")
    case = read_case(folder)
    if case is None:
        raise QvarError(f"`RUN` must be the folder of a run, but {folder.path} has no case.json.")
    n_tasks = len(case["tasks"])
    ledger, trace = read_table(folder.ledger), read_table(folder.trace)
    if ledger is not None and trace is not None:
        return LoadedRun(folder, case, ledger, trace, n_tasks, n_tasks)
    shards = {task["key"]: read_shard(folder.shard(task["key"])) for task in case["tasks"]}
    done = {key: rows for key, rows in shards.items() if rows is not None}
    if "points" in case:  # a campaign: each point needs some of the tasks, several may need the same one
        points = [
            (point["swept"], [row for key in point["tasks"] for row in done.get(key, ())]) for point in case["points"]
        ]
        return LoadedRun(folder, case, *swept_tables(points), len(done), n_tasks)
    rows: list[Row] = [row for found in done.values() for row in found]
    return LoadedRun(folder, case, ledger_from(rows), trace_from(rows), len(done), n_tasks)


def next_free(path: Path) -> Path:
    """`path`, or the first of `path-2`, `path-3` ... that does not exist."""
    candidate, number = path, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def discard(folder: RunFolder) -> None:
    """Removes a folder that this process made and could not fill."""
    shutil.rmtree(folder.path, ignore_errors=True)
