"""Doing tasks: one after the other here, or several at once in processes of their own."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from qvar.errors import QvarError
from qvar.optimize.checkpoint import Stopped
from qvar.records.run_folder import RunFolder
from qvar.records.run_tables import plain_rows, write_shard
from qvar.runs.child_processes import begin
from qvar.runs.multiprocess import finished_alike
from qvar.runs.progress import Display
from qvar.task import Progress, Reporter, Row, Runnable, Task, error_words, failed_row, tasks_of

Remake: TypeAlias = Callable[[], Runnable]
"""Makes a study once more, in another process: a function of a module, or a `functools.partial` of one."""


def do_task(task: Task, shard: Path | None, reporter: Reporter) -> list[Row]:
    """Runs one task and writes its shard, if any. Whatever the task raises becomes a row: the last line of defence."""
    try:
        rows = plain_rows(task.run(reporter))
    except (KeyboardInterrupt, Stopped):  # of the user, and of the keeper of a training
        raise
    except BaseException as error:  # `sys.exit` among them, and panics of libraries in Rust
        rows = [failed_row(task.label, error_words(error))]
    if shard is not None:
        write_shard(shard, rows)
    return rows


def do_here(tasks: Sequence[Task], left: Sequence[int], folder: RunFolder, shown: Display) -> None:
    """Runs the tasks at some positions, one after the other."""
    for position in left:
        shown.start(position)
        begin = time.perf_counter()

        def reporter(told: Progress, position: int = position) -> None:
            shown.report(position, told)

        rows = do_task(tasks[position], folder.shard(tasks[position].key), reporter)
        finished_alike(rows)
        shown.finish(position, rows, time.perf_counter() - begin)


def do_in_workers(
    tasks: Sequence[Task],
    left: Sequence[int],
    folder: RunFolder,
    shown: Display,
    workers: int,
    remake: Remake,
    again: str,
) -> None:
    """Runs the tasks at some positions in several processes, each of which makes the study once.

    Each process has its share of the cores for PySCF and NumPy. Shards are written by the processes, so that what was
    done is there however the run ends. The processes end with this one, also if it is killed.

    Args:
        tasks: all tasks of the run.
        left: positions of those to be done.
        folder: where shards go.
        shown: told what begins and ends; how far a task is stays in its process.
        workers: number of processes, at least 2.
        remake: makes the study.
        again: how the user would ask to resume the run.

    Raises:
        QvarError: if a process dies, such as of too little memory.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    try:
        study = pickle.dumps((_begin, remake))
    except Exception as error:  # pickle raises whatever an object's own methods raise
        raise QvarError(f"`remake` must be a function that can be pickled, but: {error_words(error)}.") from error
    # a fresh interpreter each: a fork would share locks of threads that it does not have
    context = multiprocessing.get_context("spawn")
    share = max(1, (os.cpu_count() or 1) // workers)
    with (
        _environment("OMP_NUM_THREADS", str(share)),
        ProcessPoolExecutor(min(workers, len(left)), context, begin, (study,)) as pool,
    ):
        positions = {}
        for position in left:
            shown.start(position)
            positions[pool.submit(_do, tasks[position].key, folder.shard(tasks[position].key))] = position
        try:
            for future in as_completed(positions):
                shown.finish(positions[future], *future.result())
        except BrokenProcessPool:
            raise QvarError(
                f"`workers` must be few enough for the machine's memory, but one of {workers} died; {again} finishes "
                "what is left."
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """A variable that processes inherit, unless the user has set it."""
    if name in os.environ:
        yield
        return
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


_TASKS: dict[str, Task] = {}
"""In a process of its own: the study's tasks by their keys."""


_FAILURES: list[str] = []
"""In a process of its own: why it has no tasks."""


def _begin(remake: Remake) -> None:
    try:
        _TASKS.update({task.key: task for task in tasks_of(remake())})
    except QvarError as error:
        _FAILURES.append(str(error))


def _do(key: str, shard: Path) -> tuple[list[Row], float]:
    """One task in a process of its own: how its rows ended, the rest being in the shard, and the seconds it took."""
    if _FAILURES:
        raise QvarError(_FAILURES[0])
    if key not in _TASKS:
        raise QvarError("`remake` must make the study that is run, but its tasks are others.")
    start = time.perf_counter()
    rows = do_task(_TASKS[key], shard, lambda _: None)
    ends = [{name: value for name, value in row.items() if name in ("status", "message")} for row in rows]
    return ends, time.perf_counter() - start
