from __future__ import annotations

from pathlib import Path

import pytest
from cluster.fake_queue import FakeQueue


@pytest.fixture
def queue(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    """A queue that takes scripts and does nothing; the test works in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return FakeQueue.installed(tmp_path / "queue", capsys, monkeypatch)
