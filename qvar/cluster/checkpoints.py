"""Checkpoints of a task on the disk: NumPy archives that each attempt writes under names of its own."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from pathlib import Path

import numpy as np

from qvar.array_files import read_arrays
from qvar.atomic_files import write_whole
from qvar.cluster.leases import Claim
from qvar.cluster.stop import Stop
from qvar.optimize.checkpoint import Keeper, length

_NAME = re.compile(r"checkpoint-(.+)-(\d{4,})\.npz")


def keeper(folder: Path, claim: Claim, stop: Stop, every_s: float) -> Keeper:
    """Keeps the state of a task's trainings in its folder.

    A later attempt reads what earlier ones wrote and overwrites none of it; once its own checkpoint lies on the disk,
    it deletes the older ones. A checkpoint that cannot be written is told and left out. An attempt that was outrun
    writes no more, and is asked to stop.

    Args:
        folder: the task's folder.
        claim: the attempt; its `kept` counts the steps that its checkpoints hold beyond those it began with.
        stop: asked whether to stop.
        every_s: seconds between two checkpoints.
    """
    looked_at = time.monotonic()
    lengths: dict[str, int] = {}

    def read(training: str) -> dict[str, np.ndarray] | None:
        arrays = _newest(folder, training)
        if arrays is not None:
            lengths[training] = length(arrays)
        return arrays

    def write(training: str, arrays: dict[str, np.ndarray]) -> None:
        nonlocal looked_at
        if claim.outrun():
            return
        older = _files(folder, training)
        path = folder / f"checkpoint-{training}-{claim.number:04d}.npz"
        try:
            with write_whole(path) as temporary:
                np.savez(temporary, **arrays)  # pyright: ignore[reportArgumentType]
        except OSError as error:  # the work goes on: it may end before there is need of a checkpoint
            print(f"qvar: no checkpoint, {path} could not be written: {error.strerror}", file=sys.stderr, flush=True)
            return
        before, lengths[training] = lengths.get(training, 0), length(arrays)
        # a state that did not fit is begun afresh, and may be shorter
        claim.kept += lengths[training] - (before if before <= lengths[training] else 0)
        looked_at = time.monotonic()
        for file in older:
            if file != path:
                file.unlink(missing_ok=True)

    def due() -> bool:
        return time.monotonic() - looked_at >= every_s

    def stopped() -> bool:
        return stop.asked or claim.outrun()

    return Keeper(read, write, due, stopped)


def follower(folder: Path, stop: Stop) -> Keeper:
    """What the other processes have, where several hold one state: they read what process 0 wrote, and may ask to stop.

    Args:
        folder: the task's folder.
        stop: asked whether to stop.
    """

    def write(training: str, arrays: dict[str, np.ndarray]) -> None:
        raise AssertionError("process 0 alone writes")

    return Keeper(lambda training: _newest(folder, training), write, lambda: False, lambda: stop.asked)


def _newest(folder: Path, training: str) -> dict[str, np.ndarray] | None:
    """The newest state of a training that can be read."""
    for file in reversed(_files(folder, training)):
        arrays = _load(file)
        if arrays is not None:
            return arrays
    return None


def forget(folder: Path) -> None:
    """Deletes the checkpoints of a task that is done."""
    for file in _files(folder):
        with contextlib.suppress(OSError):
            file.unlink()


def _files(folder: Path, training: str | None = None) -> list[Path]:
    """Checkpoints of one training or of all, those of the newest attempt last."""
    found = []
    for file in folder.glob("checkpoint-*.npz"):
        match = _NAME.fullmatch(file.name)
        if match and training in (None, match[1]):
            found.append((int(match[2]), file))
    return [file for _, file in sorted(found)]


def _load(file: Path) -> dict[str, np.ndarray] | None:
    """The arrays of an archive; None where it is damaged or gone."""
    try:
        return read_arrays(file)
    except (OSError, ValueError):
        return None
