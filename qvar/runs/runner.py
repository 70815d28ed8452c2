"""Running a study: every task without a shard is done, then the tables, plots and report are made.

A task's shard appears whole or not at all, so a run that was killed at any moment is finished by running it again
with `resume`; the tables are always made from the shards, so that they come out the same.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from qvar._types import DataFrame
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.compile_cache import kernels_are_missing
from qvar.errors import QvarError, error_words
from qvar.memory import wanted_memory
from qvar.records import provenance
from qvar.records.case_file import OtherFormatError, is_campaign
from qvar.records.circuits import circuits_of
from qvar.records.code_versions import code_versions, say_other_code
from qvar.records.json_files import jsonable
from qvar.records.json_shapes import LONGEST_NAME, names_a_file
from qvar.records.parameters import parameters_from
from qvar.records.run_folder import (
    RunFolder,
    check_out,
    clean,
    damage_words,
    discard,
    load,
    locked,
    make,
    read_case,
    reason,
    refuse_folders,
    run_name,
    unmake,
    write_case,
)
from qvar.records.run_tables import Shard, ledger_from, trace_from, write_ledger, write_table
from qvar.records.schema import as_record
from qvar.runs.leases import clear_leases, latest
from qvar.runs.local_pool import work_in_processes
from qvar.runs.multiprocess import from_leader, is_distributed, is_leader, meet
from qvar.runs.progress import Display, display, transient_line
from qvar.runs.stop import Stop, listening
from qvar.runs.task_loop import STOPPED, TaskLoop
from qvar.task import RECORD_FORMAT, Progress, Row, Runnable, Task, columns_of, tasks_of

Remake: TypeAlias = Callable[[], Runnable]
"""Makes a study again, in another process: a function of a module, or a `functools.partial` of one."""

CHECKPOINT_S = 60.0
"""Seconds between two checkpoints of a training."""


@checked("workers", own=("study",))
def run(
    study: Runnable,
    out: str | Path,
    *,
    resume: bool = False,
    progress: bool = True,
    arguments: dict[str, Any] | None = None,
    case: str | None = None,
    workers: int = 1,
    remake: Remake | None = None,
) -> DataFrame:
    """Run a study and keep its record in a folder.

    The folder holds `case.json` (what, with which versions, where), `tasks/<key>.parquet` (one shard per task),
    `ledger.parquet` and `ledger.csv` (one row per contender and seed), `trace.parquet` (one row per contender, seed
    and step), `parameters.parquet` (trained parameters, which `qvar.load` reads), `report.html` and `plots/*.png`. A
    task that fails gives a row with status `failed` and a message; it never stops the others.

    Compiled programs are kept for the next start, in `$QVAR_CACHE` or the user's cache folder: see `qvar doctor`.

    Args:
        study: what to run, such as a `qvar.Duel`.
        out: the folder to write; it must be new or empty unless `resume` is true.
        resume: finish what an interrupted run in `out` lacks. A folder that does not exist is started afresh.
        progress: show progress on standard error.
        arguments: the case's arguments, for the record; a resumed run must have the same.
        case: the case file's path, for the record.
        workers: processes that do tasks at the same time; 1 does them here, one after the other.
            Of several processes that hold one state (see `qvar.runs.multiprocess`) each calls `run`, process 0 writes.
        remake: makes the same study in another process, needed with several workers; it must be a function that can be
            pickled, such as one of a module.

    Returns:
        The ledger; `qvar.records.schema.describe` returns the meaning of a column.

    Raises:
        QvarError: if `out` cannot be used, what is to be resumed is another run, or `QVAR_MEMORY` is no size.
    """
    if not isinstance(study, Runnable) or isinstance(study, type):
        name = study.__name__ if isinstance(study, type) else type(study).__name__
        raise QvarError(f"`study` must be a Runnable, such as qvar.Duel(...), but is {name}.")
    if counting_number("workers", workers) > 1 and remake is None:
        raise QvarError(f"`remake` must be a function that makes the study where `workers` is {workers}, but is None.")
    code_versions()  # digests of files as they were imported: a user may edit them during the run
    wanted_memory()  # once, and not as the failure of every task
    if is_distributed() and workers > 1:
        raise QvarError(f"`workers` must be 1 where several processes hold one state, but is {workers}.")
    path = Path(out)
    if not is_leader():
        return _follow(checked_tasks(tasks_of(study)), RunFolder(path))
    again = "resume=True" if case is None else "--resume"
    try:
        check_out(path, resume, again)
        tasks = checked_tasks(tasks_of(study))
        record = case_record(study, tasks, arguments or {}, case, provenance.place())
        missing = [place for place in (path, *path.parents) if not os.path.lexists(place)]
        folder = make(path)
        with locked(folder):
            clean(folder)
            refuse_folders(folder, (task.key for task in tasks))
            shards = {task.key: folder.look_at_shard(task.key) for task in tasks}
            _take_up(folder, record, shards.values(), resume, missing)
            clear_leases(folder.states)  # of processes that were killed: the lock says that none is at work
            try:
                _do_tasks(tasks, shards, folder, progress, workers, remake, again)
            finally:
                clear_leases(folder.states)
            with transient_line("Writing tables, pictures and report.", progress):
                table = _make_tables(tasks, folder, run_name(record), again)
            from_leader(None)  # the other processes leave when all is written
            return table
    except OSError as error:  # the disk is full, or the folder went away
        raise _unwritten(path, error, again) from error


def checked_tasks(tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks, if their keys can name files and are all different."""
    labels: dict[str, str] = {}
    for task in tasks:
        if not names_a_file(task.key):
            longest = f"at most {LONGEST_NAME} " if len(task.key) > LONGEST_NAME else ""
            raise QvarError(f"`Task.key` must be made of {longest}letters, digits and ._-, but is {task.key!r:.160}.")
        if task.key in labels:
            raise QvarError(f"`study` must not hold the same task twice, but {task.label} equals {labels[task.key]}.")
        labels[task.key] = task.label
    if not labels:
        raise QvarError("`study` must have at least one task, but has none.")
    return list(tasks)


# ---------------------------------------------------------------------------------------------------------------------
# The record of what is run


def case_record(
    study: Runnable, tasks: Sequence[Task], arguments: dict[str, Any], case: str | None, place: dict[str, Any]
) -> dict[str, Any]:
    """Return the content of `case.json` of a run; `QvarError` if the study's citations are no keys."""
    budget = getattr(study, "budget", None)
    return {
        "format": RECORD_FORMAT,
        "case": case,
        "arguments": jsonable(arguments),
        "study": str(study.name),
        "budget": jsonable(dataclasses.asdict(budget))
        if dataclasses.is_dataclass(budget) and not isinstance(budget, type)
        else None,
        "tasks": [{"key": task.key, "label": str(task.label)} for task in tasks],
        "references": _citations(study),
        "columns": as_record(columns_of(study)),
        "circuits": circuits_of(study),
        **place,
        "started": provenance.now(),
        "resumed": [],
    }


def _citations(study: Runnable) -> list[str]:
    """Return the citations of a study, for `qvar cite`; a study need not have any."""
    keys = getattr(study, "citations", ())
    if not isinstance(keys, list | tuple | set | frozenset) or not all(isinstance(key, str) for key in keys):
        raise QvarError(f"`study.citations` must be keys of qvar/citations.bib, but is {keys!r}.")
    return sorted(set(keys))


def _take_up(
    folder: RunFolder, record: dict[str, Any], shards: Iterable[Shard], resume: bool, missing: list[Path]
) -> None:
    """Write `case.json`, or take up the run that the folder holds if it is the same run; say what other code left."""
    out = folder.path
    try:
        there = read_case(folder)
    except OtherFormatError as error:
        print(f"qvar: {str(error).removesuffix('.')}; its tasks are done again.", file=sys.stderr, flush=True)
        there = None
    except QvarError as error:
        raise QvarError(f"{str(error).removesuffix('.')}; put back a copy of it, or run into a new folder.") from error
    if there is None:
        try:
            write_case(folder, record)
        except (OSError, QvarError):
            if missing:
                discard(folder)
                unmake(missing)
            raise
        return
    if not resume:  # another process was faster, since the place was looked at
        raise QvarError(f"`out` must be a new folder, but {out} holds a run of another process already.")
    if is_campaign(there):
        raise QvarError(f"`out` must be the folder of a run, but {out} is a campaign: `qvar submit --resume {out}`.")
    _check_same(there, record, out)
    sitting = {"time": record["started"], "host": record["host"], "versions": record["versions"], "git": record["git"]}
    if words := say_other_code([shard.code for shard in shards if shard.rows is not None], folder.tasks):
        sitting["other_code"] = words
    kept = {
        **there,
        "references": record["references"],
        "columns": record["columns"],
        "circuits": record["circuits"],
        "resumed": [*there.get("resumed", []), sitting],
    }
    write_case(folder, kept)


def _check_same(there: dict[str, Any], record: dict[str, Any], out: Path) -> None:
    """Refuse to mix two runs in one folder."""
    old, new = there.get("arguments", {}), record["arguments"]
    for name in {**old, **new}:
        if name not in old or name not in new or old[name] != new[name]:
            was = repr(old[name]) if name in old else "absent"
            now = repr(new[name]) if name in new else "absent"
            raise QvarError(f"`{name}` must stay as it was to resume {out}: it was {was}, but is {now} now.")
    words, remedy = f"`study` must have the tasks it had to resume {out}", "run what has changed into a new folder"
    keys = [task["key"] for task in there["tasks"]]
    for task in record["tasks"]:
        if task["key"] not in keys:
            raise QvarError(f"{words}, but {task['label']} was not among them; {remedy}.")
    if len(keys) != len(record["tasks"]):
        left = {task["key"] for task in record["tasks"]}
        gone = next(task["label"] for task in there["tasks"] if task["key"] not in left)
        raise QvarError(f"{words}, but {gone} is missing; {remedy}.")


# ---------------------------------------------------------------------------------------------------------------------
# The work


def _do_tasks(
    tasks: Sequence[Task],
    shards: dict[str, Shard],
    folder: RunFolder,
    progress: bool,
    workers: int,
    remake: Remake | None,
    again: str,
) -> None:
    for task in tasks:
        if damage := shards[task.key].damage:
            words = damage_words(folder.shard(task.key), damage).removesuffix(".")
            print(f"qvar: {words}; {task.label} is done again.", file=sys.stderr, flush=True)
    left = [key for key, shard in shards.items() if shard.rows is None]
    if left:  # tables of an earlier sitting lack these tasks
        folder.ledger.unlink(missing_ok=True)
    meet(len(tasks))
    if progress and left and kernels_are_missing():
        words = "The first circuit on this installation compiles kernels for all others: some ten seconds."
        print(words, file=sys.stderr, flush=True)
    with display(
        {task.key: task.label for task in tasks}, len(tasks) - len(left), progress, workers
    ) as progress_display:
        if workers > 1 and len(left) > 1:
            assert remake is not None
            _work_in_processes(remake, left, folder, progress_display, workers, again)
        else:
            _loop(tasks, folder, progress_display, Stop()).work(left)
    from_leader(None)  # there are no more tasks


def _loop(tasks: Sequence[Task], folder: RunFolder, progress_display: Display, stop: Stop) -> TaskLoop:
    by_key = {task.key: task for task in tasks}
    return TaskLoop(folder, by_key.__getitem__, progress_display, stop, checkpoint_s=CHECKPOINT_S)


def _work_in_processes(
    remake: Remake, left: Sequence[str], folder: RunFolder, progress_display: Display, workers: int, again: str
) -> None:
    """Do the tasks in several processes, and show what their leases and shards say.

    Raises:
        QvarError: if a process was killed and left tasks undone, such as for too little memory.
        KeyboardInterrupt: after Ctrl-C, once each process has written its checkpoints.
    """
    try:
        work = pickle.dumps(partial(_work_here, remake, folder, left, again))
    except Exception as error:  # pickle raises whatever an object's own methods raise
        raise QvarError(f"`remake` must be a function that can be pickled, but: {error_words(error)}.") from error
    started: dict[str, float] = {}
    open_keys = dict.fromkeys(left)

    def look() -> None:
        for key in list(open_keys):
            newest = latest(folder.state(key), time.time())
            rows = folder.look_at_shard(key).rows if folder.shard(key).exists() else None
            if (newest is not None or rows is not None) and key not in started:
                started[key] = time.monotonic()
                progress_display.start(key, 1)
            if rows is not None:
                progress_display.finish(key, rows, time.monotonic() - started[key])
                del open_keys[key]
            elif newest is not None and "total" in newest.content:
                content = newest.content
                progress_display.report(key, Progress(content["done"], content["total"], content.get("words", "")))

    ended = work_in_processes(work, min(workers, len(left)), look)
    if ended.interrupted:
        raise KeyboardInterrupt
    if ended.sentences:
        raise QvarError(ended.sentences[0])
    if open_keys:
        raise QvarError(
            f"`workers` must be few enough for the machine's memory, but one of {workers} {_death(ended.statuses)}; "
            f"{again} finishes what is left."
        )


def _death(statuses: Sequence[int]) -> str:
    """Return how the first process ended that did not end in an orderly way."""
    status = next((status for status in statuses if status not in (0, STOPPED)), 0)
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _work_here(remake: Remake, folder: RunFolder, left: Sequence[str], again: str) -> int:
    """Do what one of several processes of a run does."""
    with listening(lambda: False, float("inf"), lambda _: None) as stop:
        tasks = tasks_of(remake())
        if not {task.key for task in tasks}.issuperset(left):
            raise QvarError("`remake` must make the study that is run, but its tasks are others.")
        try:
            _loop(tasks, folder, Display({task.key: task.label for task in tasks}), stop).work(left)
        except OSError as error:
            raise _unwritten(folder.path, error, again) from error
        return STOPPED if stop.asked else 0


def _unwritten(path: Path, error: OSError, again: str) -> QvarError:
    return QvarError(f"`out` {path} could not be written: {reason(error)}; {again} finishes what it lacks.")


def _follow(tasks: Sequence[Task], folder: RunFolder) -> DataFrame:
    """Do the leader's tasks with it, and write nothing; return the ledger of those tasks alone."""
    meet(len(tasks))
    rows = _loop(tasks, folder, Display({}), Stop()).follow()
    from_leader(None)
    return ledger_from(rows, tasks[0].columns)


def _make_tables(tasks: Sequence[Task], folder: RunFolder, run: str, again: str) -> DataFrame:
    rows: list[Row] = []
    for task in tasks:
        shard = folder.look_at_shard(task.key)
        if shard.rows is None:
            why = shard.damage or "it is gone"
            raise QvarError(
                f"`{folder.shard(task.key)}` was written but cannot be read, for {why}; {again} does its task again."
            )
        rows += shard.rows
    from qvar.report.page import write_report  # a second of imports that `qvar submit` can do without

    table = ledger_from(rows, tasks[0].columns)
    write_table(trace_from(rows), folder.trace, run)
    write_table(parameters_from(rows), folder.parameters, run)
    write_ledger(table, folder.path, run)
    folder.report.unlink(missing_ok=True)  # an older page would not show these numbers
    try:
        write_report(load(folder.path))
    except Exception as error:  # the numbers are safe on the disk: a picture must not take them away
        warnings.warn(f"the report could not be made: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=3)
    return table
