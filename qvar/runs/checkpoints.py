"""Checkpoints of a task on the disk: NumPy archives that each attempt writes under names of its own."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from pathlib import Path

import numpy as np

from qvar.array_files import read_arrays
from qvar.atomic_files import write_whole
from qvar.optimize.checkpoint import Keeper, length
from qvar.records.code_versions import code_versions, other_code
from qvar.runs.leases import Lease
from qvar.runs.stop import Stop

_CODE = "code"
"""Name of the array that holds the versions of the code."""

_NAME = re.compile(r"checkpoint-(.+)-(\d{4,})\.npz")


def keeper(folder: Path, lease: Lease, stop: Stop, every_s: float) -> Keeper:
    """Return a keeper of the states of a task's trainings, in the task's state folder.

    A later attempt reads the checkpoints of earlier ones and overwrites none; once its own checkpoint is on the disk,
    it deletes the older ones. One that other code wrote is reported and left out: a training is of one code. A
    checkpoint that cannot be written is reported and left out. A superseded attempt writes no more, and is asked to
    stop.

    The attempt's `kept` counts the steps of its checkpoints beyond those it began with.
    """
    written = time.monotonic()
    lengths: dict[str, int] = {}

    def read(training: str) -> dict[str, np.ndarray] | None:
        arrays = _newest(folder, training)
        if arrays is not None:
            lengths[training] = length(arrays)
        return arrays

    def write(training: str, arrays: dict[str, np.ndarray]) -> None:
        nonlocal written
        if lease.superseded():
            return
        older = _files(folder, training)
        path = folder / f"checkpoint-{training}-{lease.number:04d}.npz"
        try:
            arrays = {**arrays, _CODE: np.array(json.dumps(code_versions()))}
            with write_whole(path) as temporary:
                np.savez(temporary, **arrays)  # pyright: ignore[reportArgumentType]
        except OSError as error:  # the work continues: it may end before a checkpoint is needed
            print(f"qvar: no checkpoint, {path} could not be written: {error.strerror}", file=sys.stderr, flush=True)
            return
        before, lengths[training] = lengths.get(training, 0), length(arrays)
        # a training whose saved state did not fit starts again, and may be shorter
        lease.kept += lengths[training] - (before if before <= lengths[training] else 0)
        written = time.monotonic()
        for file in older:
            if file != path:
                file.unlink(missing_ok=True)

    def due() -> bool:
        return time.monotonic() - written >= every_s

    def stopped() -> bool:
        return stop.asked or lease.superseded()

    return Keeper(read, write, due, stopped)


def follower(folder: Path, stop: Stop) -> Keeper:
    """Return the keeper of the other processes if several hold one state: they read, and may ask to stop."""

    def write(training: str, arrays: dict[str, np.ndarray]) -> None:
        raise AssertionError("process 0 alone writes")

    return Keeper(lambda training: _newest(folder, training), write, lambda: False, lambda: stop.asked)


def forget(folder: Path) -> None:
    """Delete the checkpoints of a task that is done."""
    for file in _files(folder):
        with contextlib.suppress(OSError):
            file.unlink()


def _newest(folder: Path, training: str) -> dict[str, np.ndarray] | None:
    """Return the newest state of a training that can be read."""
    for file in reversed(_files(folder, training)):
        with contextlib.suppress(OSError, ValueError):  # gone, or damaged
            arrays = read_arrays(file)
            code = json.loads(str(arrays.pop(_CODE, "{}")))
            if not (words := other_code([code, code_versions()])):
                return arrays
            print(f"qvar: {file} is left out: other code wrote it ({words}).", file=sys.stderr, flush=True)
    return None


def _files(folder: Path, training: str | None = None) -> list[Path]:
    """Return the checkpoints of one training or of all, those of the newest attempt last."""
    files = []
    for file in folder.glob("checkpoint-*.npz"):
        match = _NAME.fullmatch(file.name)
        if match and training in (None, match[1]):
            files.append((int(match[2]), file))
    return [file for _, file in sorted(files)]
