"""The folder of a run: where it may go, its files, and reading it back, finished or not."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qvar._types import DataFrame
from qvar.atomic_files import is_temporary
from qvar.errors import QvarError
from qvar.records.case_file import check_content, read_case_file
from qvar.records.code_versions import other_code
from qvar.records.json_files import jsonable, write_json
from qvar.records.nearby_runs import nearby_runs
from qvar.records.parameters import parameters_from
from qvar.records.run_tables import Shard, ledger_from, look_at_shard, look_at_table, swept_tables, trace_from
from qvar.records.schema import recorded_columns
from qvar.short_repr import short_repr
from qvar.task import Row, task_key

_MOST_SAID = 4


@short_repr()
@dataclass(frozen=True)
class RunFolder:
    """Names of the files in a run's folder."""

    path: Path
    """The folder itself."""

    @property
    def case_json(self) -> Path:
        """Study, arguments, versions and machine."""
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
        """The page about the run."""
        return self.path / "report.html"

    @property
    def ledger(self) -> Path:
        """The ledger; its presence says that all tasks are done."""
        return self.path / "ledger.parquet"

    @property
    def trace(self) -> Path:
        """The trace."""
        return self.path / "trace.parquet"

    @property
    def parameters(self) -> Path:
        """Trained parameters."""
        return self.path / "parameters.parquet"

    @property
    def lock(self) -> Path:
        """File that the process which writes the folder holds locked; it goes away with that process."""
        return self.path / ".lock"

    @property
    def states(self) -> Path:
        """Folder of leases and checkpoints, while tasks are not done."""
        return self.path / "state"

    def state(self, key: str) -> Path:
        """Return the folder of a task's lease and checkpoints."""
        return self.states / key

    def shard(self, key: str) -> Path:
        """Return the shard of the task with this key."""
        return self.tasks / f"{key}.parquet"

    def look_at_shard(self, key: str) -> Shard:
        """Read the shard of the task with this key, or find what is wrong with it."""
        return look_at_shard(self.shard(key), key)


@short_repr("folder", "n_done", "n_tasks")
@dataclass(frozen=True, eq=False)
class LoadedRun:
    """A run read back from its folder."""

    folder: RunFolder
    """Its folder."""
    case: dict[str, Any]
    """The content of `case.json`."""
    ledger: DataFrame
    """The ledger, of the finished tasks if some are missing."""
    trace: DataFrame
    """The trace, of the finished tasks if some are missing."""
    n_done: int
    """Tasks that are done."""
    n_tasks: int
    """Tasks that the run has."""
    damage: tuple[str, ...] = ()
    """A sentence about each file that is there and could not be taken."""
    other_code: str = ""
    """Differences between the codes of its results, see `qvar.records.code_versions`; empty if tables were read."""
    parameters: DataFrame = field(default_factory=lambda: parameters_from([]))
    """Trained parameters, row by row as the ledger; see `qvar.records.parameters`."""

    @property
    def progress(self) -> str:
        """Number of finished tasks in words, such as "1 of 3 tasks is done"."""
        return f"{self.n_done} of {self.n_tasks} tasks {'is' if self.n_done == 1 else 'are'} done"


# ---------------------------------------------------------------------------------------------------------------------
# Making a folder


def check_out(out: Path, resume: bool, again: str = "--resume") -> None:
    """Refuse a place that a run cannot go to, before any work is spent on it; `again` is how a user asks to resume.

    Raises `QvarError` if something is in the way.
    """
    check_path("out", out)
    if not os.path.lexists(out):
        above = next(parent for parent in out.absolute().parents if os.path.lexists(parent))
        if not os.path.isdir(above):
            raise QvarError(
                f"`out` must be a folder that can be made, but {out} cannot: {above} is {_no_folder(above)}."
            )
        if not os.access(above, os.W_OK | os.X_OK):
            raise QvarError(f"`out` must be a folder that can be made, but {out} cannot: {above} may not be written.")
        return
    if not os.path.isdir(out):
        raise QvarError(f"`out` must be a new folder, but {out} is {_no_folder(out)}.")
    try:
        entries = list(out.iterdir())
    except OSError as error:
        raise QvarError(f"`out` must be a folder that can be read, but {out}: {reason(error)}.") from error
    if not resume and entries:
        raise QvarError(f"`out` must be a new folder, but {out} exists already; say {again} to finish what it lacks.")
    if not os.access(out, os.W_OK | os.X_OK):
        raise QvarError(f"`out` must be a folder that can be written, but {out} may not be.")
    if not (out / "case.json").exists() and any(not _is_rest(entry) for entry in entries):
        raise QvarError(
            f"`out` must be the folder of a run to be resumed, but {out} holds other files and no case.json."
        )


def check_path(argument: str, path: Path) -> None:
    """Refuse a path that no file system can take.

    Raises `QvarError` if it holds a null character, or text that cannot be encoded.
    """
    try:
        possible = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise QvarError(f"`{argument}` must be the name of a folder, but is {str(path)!r:.80}.")


def _no_folder(path: Path) -> str:
    """Return what is there in the place of a folder."""
    return "a file" if os.path.exists(path) else f"a link to {os.readlink(path)}, which is missing"


def _is_rest(entry: Path) -> bool:
    """Return if this may be in a run folder whose `case.json` was never finished."""
    if entry.name == "tasks" and entry.is_dir():
        return all(map(is_temporary, entry.iterdir()))
    return is_temporary(entry) or entry.name == ".lock"


def make(out: Path, new: bool = False) -> RunFolder:
    """Make the folder, its parents and its parts; with `new` this process must be the one that makes it.

    Raises `QvarError` if the system refuses, or another process was faster.
    """
    folder = RunFolder(out)
    missing = [parent for parent in (out, *out.parents) if not os.path.lexists(parent)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder.tasks.mkdir(exist_ok=not new)  # of several processes one makes it
    except OSError as error:
        if new and os.path.isdir(folder.tasks):
            raise QvarError(f"`out` must be a new folder, but {out} exists already.") from error
        unmake(missing)
        raise QvarError(f"`out` must be a folder that can be made, but {out} cannot: {reason(error)}.") from error
    return folder


def unmake(folders: list[Path]) -> None:
    """Remove folders that were just made, the innermost first; one that holds other things stays."""
    for folder in folders:
        with contextlib.suppress(OSError):
            (folder / "tasks").rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()


def reason(error: OSError) -> str:
    """Return the system's own words for a failure, such as "No space left on device"."""
    return error.strerror or str(error)


@contextlib.contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold the folder against a second writer; the system frees it when the process ends, however it ends.

    On a shared file system the lock holds between machines if the system has such locks (NFS has); if it has none at
    all, the user takes care.

    Raises:
        QvarError: if another process holds it.
        OSError: if the folder cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such locks
        yield
        return
    descriptor = -1
    while descriptor < 0:
        descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise QvarError(f"`out` must be free, but another process is writing {folder.path}.") from error
        except OSError:  # a file system without locks
            pass
        if not _lies_at(descriptor, folder.lock):  # its holder ended and removed it between the two calls
            os.close(descriptor)
            descriptor = -1
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if _lies_at(descriptor, folder.lock):
                folder.lock.unlink()
        os.close(descriptor)


def _lies_at(descriptor: int, path: Path) -> bool:
    """Return if an open file is the one that has this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def refuse_folders(folder: RunFolder, keys: Iterable[str]) -> None:
    """Refuse folders in the places of a run's files, before any work is spent; other things there are replaced.

    Raises `QvarError` if there is one.
    """
    tables = (folder.ledger, folder.path / "ledger.csv", folder.trace, folder.parameters)
    for path in (folder.case_json, *tables, folder.report, *map(folder.shard, keys)):
        if path.is_dir():
            raise QvarError(f"`{path}` must be a file, but is a folder; move it away.")


def clean(folder: RunFolder) -> None:
    """Remove what a killed process left half-written."""
    for place in (folder.path, folder.tasks, folder.plots):
        if place.is_dir() and not place.is_symlink():  # a link leads to shards that others may be writing
            for entry in place.iterdir():
                if is_temporary(entry):
                    entry.unlink(missing_ok=True)


def write_case(folder: RunFolder, content: dict[str, Any]) -> None:
    """Write `case.json`.

    Raises:
        QvarError: if it could not be read back.
        OSError: if the file cannot be written.
    """
    content = jsonable(content)
    check_content(content, folder.case_json)
    write_json(folder.case_json, content)


# ---------------------------------------------------------------------------------------------------------------------
# Reading a folder


def read_case(folder: RunFolder) -> dict[str, Any] | None:
    """Return the content of `case.json`; None if it is missing.

    Raises `QvarError` if it is there and is not what qvar writes.
    """
    return read_case_file(folder.case_json)


def run_name(case: dict[str, Any]) -> str:
    """Return a digest of tasks and points: the tables of a run keep it, and those of another run are not taken."""
    points = [[point["name"], point["tasks"]] for point in case.get("points", [])]
    return task_key({"tasks": sorted(task["key"] for task in case["tasks"]), "points": points})


def load(path: str | Path) -> LoadedRun:
    """Read a run back, finished or not.

    Returns:
        Its tables; those of an unfinished run, or of one whose tables are damaged, are made from the shards that are
        there.

    Raises:
        QvarError: if there is no run.
    """
    folder = RunFolder(Path(path))
    check_path("RUN", folder.path)
    if not os.path.lexists(folder.path):
        words = f"`RUN` must be the folder of a run, but {folder.path} does not exist"
        raise QvarError(f"{words}{nearby_runs(folder.path) or '.'}")
    case = read_case(folder)
    if case is None:
        words = f"`RUN` must be the folder of a run, but {folder.path} has no case.json"
        raise QvarError(f"{words}{nearby_runs(folder.path) or '.'}")
    n_tasks, run = len(case["tasks"]), run_name(case)
    files = (folder.ledger, folder.trace, folder.parameters)
    tables, clauses = zip(*(look_at_table(file, run) for file in files), strict=True)
    ledger, trace, parameters = tables
    if ledger is not None and trace is not None and parameters is not None:
        return LoadedRun(folder, case, ledger, trace, n_tasks, n_tasks, parameters=parameters)
    damage = [damage_words(file, clause) for file, clause in zip(files, clauses, strict=True)]
    shards = {task["key"]: folder.look_at_shard(task["key"]) for task in case["tasks"]}
    damage += [damage_words(folder.shard(key), shard.damage) for key, shard in shards.items()]
    damaged = tuple(filter(None, damage))
    done = {key: shard.rows for key, shard in shards.items() if shard.rows is not None}
    code = other_code([shard.code for shard in shards.values() if shard.rows is not None])
    columns = recorded_columns(case)
    if "points" in case:  # a campaign: each point needs some of the tasks, several may need the same one
        points = [
            (point.get("swept", {}), [row for key in point["tasks"] for row in done.get(key, ())])
            for point in case["points"]
        ]
        rows: list[Row] = [row for _, some in points for row in some]
        ledger, trace = swept_tables(points, columns)
    else:
        rows = [row for some in done.values() for row in some]
        ledger, trace = ledger_from(rows, columns), trace_from(rows)
    return LoadedRun(folder, case, ledger, trace, len(done), n_tasks, damaged, code, parameters_from(rows))


def damage_words(file: Path, damage: str) -> str:
    """Return a sentence about a file that could not be taken; empty if nothing is wrong with it."""
    return f"{file} is left out: {damage}." if damage else ""


def say_damage(run: LoadedRun) -> None:
    """Print on standard error which files of a run were left out, the first few of them, and if codes are mixed."""
    for sentence in run.damage[:_MOST_SAID]:
        print(f"qvar: {sentence}", file=sys.stderr, flush=True)
    if len(run.damage) > _MOST_SAID:
        print(f"qvar: {len(run.damage) - _MOST_SAID} more files are left out.", file=sys.stderr, flush=True)
    if run.other_code:
        print(f"qvar: results of different code are in one table ({run.other_code}).", file=sys.stderr, flush=True)


def next_free(path: Path) -> Path:
    """Return `path`, or the first of `path-2`, `path-3` ... that does not exist."""
    candidate, number = path, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def discard(folder: RunFolder) -> None:
    """Remove a folder that this process made and could not fill."""
    shutil.rmtree(folder.path, ignore_errors=True)
