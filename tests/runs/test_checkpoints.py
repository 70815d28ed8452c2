from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cluster.campaigns import age

from qvar.atomic_files import write_whole
from qvar.optimize.checkpoint import Arrays, Keeper
from qvar.records.code_versions import code_versions
from qvar.runs import checkpoints
from qvar.runs.checkpoints import forget, keeper
from qvar.runs.leases import LEASE, Ending, Lease, acquire, owner
from qvar.runs.stop import Stop


def state(steps: int) -> Arrays:
    """What a training of so many steps would keep."""
    return {"fingerprint": np.array("f"), "theta": np.full(3, float(steps)), "rows.value": np.arange(steps) / 7}


def with_code(**arrays: np.ndarray) -> Any:
    """The arrays of a checkpoint on the disk."""
    return {**arrays, "code": np.array(json.dumps(code_versions()))}


def attempt(folder: Path, every_s: float = 300.0) -> tuple[Lease, Keeper]:
    """The next attempt, of another machine, so that it is dead without a heartbeat."""
    found = acquire(folder, owner() | {"host": "n9", "space": ""}, stale_s=50.0, beat_s=10.0)
    assert isinstance(found, Lease)
    return found, keeper(folder, found, Stop(), every_s)


def dies(dead: Lease) -> None:
    dead._over.set()
    dead._thread.join()
    age(dead._path, 1e3)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != LEASE)


def theta(found: Arrays | None) -> float | None:
    return None if found is None else float(found["theta"][0])


def test_later_attempts_go_on_and_clear_up_when_their_own_checkpoint_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, kept = attempt(tmp_path)
    assert kept.read("0000") is None
    kept.write("0000", state(5))
    kept.write("0001", state(2))
    dies(first)
    second, kept = attempt(tmp_path)
    assert (theta(kept.read("0000")), theta(kept.read("0001")), kept.read("0002")) == (5, 2, None)
    seen = []

    @contextmanager
    def watched(path: Path) -> Iterator[Path]:
        with write_whole(path) as temporary:
            yield temporary
            seen.extend(name for name in names(tmp_path) if not name.startswith("."))
        assert path.exists()

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "write_whole", watched)
        kept.write("0000", state(9))
    # while the new one was being written, the old one was there
    assert seen == ["checkpoint-0000-0001.npz", "checkpoint-0001-0001.npz"]
    assert names(tmp_path) == ["checkpoint-0000-0002.npz", "checkpoint-0001-0001.npz"]
    assert (theta(kept.read("0000")), theta(kept.read("0001"))) == (9, 2)
    kept.write("0000", state(11))
    assert names(tmp_path) == ["checkpoint-0000-0002.npz", "checkpoint-0001-0001.npz"]
    second.end(Ending.DONE)
    forget(tmp_path)
    assert names(tmp_path) == []


def test_kept_counts_the_steps_beyond_those_of_the_attempts_before(tmp_path: Path) -> None:
    first, kept = attempt(tmp_path)
    kept.write("0000", state(0))
    assert first.kept == 0
    kept.write("0000", state(5))
    kept.write("0000", state(8))
    kept.write("0001", state(2))
    assert first.kept == 10
    dies(first)
    second, kept = attempt(tmp_path)
    kept.read("0000")
    kept.read("0001")
    kept.write("0001", state(2))
    assert second.kept == 0
    kept.write("0001", state(6))
    assert second.kept == 4
    dies(second)
    third, kept = attempt(tmp_path)  # of another version, to which the states do not fit
    kept.read("0000")
    kept.write("0000", state(3))
    assert third.kept == 3
    third.end(Ending.DONE)


def test_a_checkpoint_that_cannot_be_written_leaves_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def full(path: Path, **arrays: np.ndarray) -> None:
        path.write_bytes(b"PK half of it")
        raise OSError(28, os.strerror(28))

    first, kept = attempt(tmp_path)
    kept.write("0000", state(5))
    dies(first)
    second, kept = attempt(tmp_path, every_s=0.0)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints.np, "savez", full)
        kept.write("0000", state(9))
    assert names(tmp_path) == ["checkpoint-0000-0001.npz"]
    path = tmp_path / "checkpoint-0000-0002.npz"
    assert capsys.readouterr().err == f"qvar: no checkpoint, {path} could not be written: No space left on device\n"
    assert (second.kept, theta(kept.read("0000"))) == (0, 5)
    second.end(Ending.STOPPED)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", None])
def test_a_damaged_archive_gives_way_to_the_one_before(tmp_path: Path, damage: bytes | None) -> None:
    for number, steps in enumerate((2, 5, 9), start=1):
        np.savez(tmp_path / f"checkpoint-0000-{number:04d}.npz", **with_code(**state(steps)))
    newest = tmp_path / "checkpoint-0000-0003.npz"
    newest.write_bytes(newest.read_bytes()[:-30] if damage is None else damage)
    (tmp_path / ".checkpoint-0000-0004.n1-77.tmp.npz").write_bytes(b"half")
    (tmp_path / "checkpoint-0000-0005.npz").mkdir()
    first, kept = attempt(tmp_path)
    assert theta(kept.read("0000")) == 5
    first.end(Ending.DONE)


def test_whatever_byte_of_an_archive_is_damaged_no_other_numbers_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {"qvar": "1.0 sha256:0123456789abcdef"}  # a process that tests has a hundred files: as many bytes to damage
    for module in (checkpoints, sys.modules[__name__]):
        monkeypatch.setattr(module, "code_versions", lambda: few)
    buffer, path = io.BytesIO(), tmp_path / "checkpoint-0000-0001.npz"
    np.savez(buffer, **with_code(a=np.arange(3.0), b=np.array("word")))
    good = buffer.getvalue()
    first, kept = attempt(tmp_path)
    read = 0
    for at in range(len(good)):
        for flip in (0x01, 0xFF):
            path.write_bytes(good[:at] + bytes([good[at] ^ flip]) + good[at + 1 :])
            found = kept.read("0000")
            if found is not None and found.keys() == {"a", "b"}:  # other names are refused by the training
                np.testing.assert_array_equal(found["a"], np.arange(3.0))
                assert str(found["b"]) == "word"
                read += 1
    assert 0 < read < len(good)  # such as in the time of change
    first.end(Ending.DONE)


@pytest.mark.parametrize(("old", "words"), [({}, "qvar"), ({**code_versions(), "numpy": "1.0"}, "numpy 1.0 and ")])
def test_a_checkpoint_of_other_code_is_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: dict[str, str], words: str
) -> None:
    path = tmp_path / "checkpoint-0000-0001.npz"
    np.savez(path, **{**with_code(**state(2)), "code": np.array(json.dumps(old))})
    first, kept = attempt(tmp_path)
    assert kept.read("0000") is None
    now = np.__version__ if "numpy" in words else ""
    assert capsys.readouterr().err == f"qvar: {path} is left out: other code wrote it ({words}{now}).\n"
    kept.write("0000", state(7))
    assert theta(kept.read("0000")) == 7
    assert names(tmp_path) == [path.name]
    first.end(Ending.DONE)


def test_a_superseded_attempt_writes_nothing_and_stops(tmp_path: Path) -> None:
    first, kept = attempt(tmp_path)
    kept.write("0000", state(5))
    assert not kept.stop()
    before = (tmp_path / "checkpoint-0000-0001.npz").read_bytes()
    dies(first)
    second, newer = attempt(tmp_path)
    kept.write("0000", state(7))
    assert (tmp_path / "checkpoint-0000-0001.npz").read_bytes() == before
    newer.write("0000", state(6))
    kept.write("0000", state(8))
    assert names(tmp_path) == ["checkpoint-0000-0002.npz"]
    assert (theta(newer.read("0000")), first.kept) == (6, 5)
    assert (kept.stop(), newer.stop()) == (True, False)
    second.end(Ending.DONE)


def test_due_when_the_time_has_come_since_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints.time, "monotonic", lambda: clock[0])
        found, kept = attempt(tmp_path, every_s=30.0)
        answers = []
        for seconds in (0, 29, 1, 5):
            clock[0] += seconds
            answers.append(kept.due())
        assert answers == [False, False, True, True]
        kept.write("0000", state(5))
        answers = []
        for seconds in (0, 29.5, 0.5):
            clock[0] += seconds
            answers.append(kept.due())
        assert answers == [False, False, True]
    found.end(Ending.DONE)


def test_a_request_to_stop_is_passed_on(tmp_path: Path) -> None:
    found = acquire(tmp_path, owner(), stale_s=50.0, beat_s=10.0)
    assert isinstance(found, Lease)
    stop = Stop()
    kept = keeper(tmp_path, found, stop, 300.0)
    assert not kept.stop()
    stop.ask("the time limit is near", True)
    assert kept.stop()
    found.end(Ending.STOPPED)
