from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cluster.local_slurm import LocalSlurm, Unavailable

if TYPE_CHECKING:
    from cluster.fake_queue import FakeQueue


@pytest.fixture
def queue(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    """A queue that takes scripts and does nothing; the test works in an empty folder."""
    from cluster.fake_queue import FakeQueue

    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return FakeQueue.installed(tmp_path / "queue", capsys, monkeypatch)


@pytest.fixture
def without_pages_or_queue(without_pages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run array tasks and collections bare: without pages and queue, and requests to stop are noted at once."""
    from qvar.runs.stop import DEADLINE

    monkeypatch.setattr("qvar.cluster.collect.write_report", lambda run: None)
    monkeypatch.setattr("qvar.runs.stop._LOOK_S", 0.02)
    for name in (DEADLINE, "QVAR_QUEUE", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSlurm]:
    """A Slurm of two pretend nodes, which starts once in a process."""
    try:
        with LocalSlurm(tmp_path_factory.mktemp("slurm"), timeout=3) as running:
            yield running
    except Unavailable as reason:
        pytest.skip(str(reason))
