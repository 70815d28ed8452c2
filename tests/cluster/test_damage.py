"""Whatever happens to the files of a campaign: one sentence, and no other task, job or number."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from cluster.campaigns import FAKE, SLOW, ending, lease, made, until
from forks import COMMAND, Forks

from qvar.array_files import read_arrays
from qvar.cli.main import main
from qvar.cluster import plan
from qvar.cluster.campaign import Campaign, _leave_out, append_lines, open_campaign
from qvar.cluster.status import Condition, survey
from qvar.errors import QvarError
from qvar.records.run_folder import locked
from qvar.runs.leases import LEASE, Attempt, Ending, Lease, acquire, latest, owner


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign of two points with a submission, none of whose tasks was begun."""
    monkeypatch.chdir(tmp_path)
    found = made(Path("c"), "--contenders", "uccsd", case=FAKE, sweeps=("seeds=1,2",), pack=1)
    append_lines(found.submissions_file, [{"queue": "local", "job": "7", "offset": 0, "count": 2, "time": "now"}])
    return found


def attempt(folder: Path) -> Attempt:
    """The latest attempt at a task."""
    found = latest(folder, time.time())
    assert found is not None
    return found


def content(campaign: Campaign) -> tuple[object, ...]:
    """What the files of a campaign say."""
    read = open_campaign(campaign.path)
    return read.record, read.tasks, read.array_tasks(), read.submissions()


@pytest.mark.parametrize("name", ["case.json", "array_tasks.jsonl", "submissions.jsonl"])
def test_a_flipped_bit_is_never_another_task_or_job(
    name: str, campaign: Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    good = content(campaign)
    path = campaign.path / name
    data = path.read_bytes()
    draw = random.Random(name)
    for bit in draw.sample(range(8 * len(data)), 150):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        _leave_out.cache_clear()
        try:
            same = content(campaign) == good
        except QvarError as error:
            if f"/{name}` must" in str(error):
                continue
            raise
        assert same or f"of {path} is left out: its writer ended" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("array_tasks.jsonl", {"array_task": "1", "tasks": []}, "line 3 cannot be read: `array_task` must be a whole"),
        ("array_tasks.jsonl", {"array_task": 1, "tasks": ["../../x"]}, "`tasks[0]` must be at most 120 letters"),
        ("submissions.jsonl", {"queue": "local"}, "line 2 cannot be read: `job` must be there"),
        ("submissions.jsonl", [], "line 2 cannot be read: `the file` must be an object"),
    ],
)  # fmt: skip
def test_a_mistyped_line_is_a_sentence(
    name: str, line: object, words: str, campaign: Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    with (campaign.path / name).open("a") as file:
        file.write(json.dumps(line) + ("}\n" if isinstance(line, list) else "\n"))
    assert main(["status", "c"]) == 2
    text = capsys.readouterr().err
    assert text.startswith(f"qvar: `{campaign.path / name}` must ")
    assert words in text or isinstance(line, list)
    assert len(text.splitlines()) == 1


def test_a_task_that_no_point_needs_is_a_sentence(campaign: Campaign, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign.run.case_json
    written = json.loads(path.read_text(encoding="utf-8"))
    del written["checksum"]
    written["points"][0]["tasks"] = []
    path.write_text(json.dumps(written), encoding="utf-8")
    assert main(["status", "c"]) == 2
    words = f"`tasks` must be those of the points, but is {written['tasks'][0]['key']!r}"
    assert capsys.readouterr().err == f"qvar: `{path}` must be a file that qvar wrote, but {words}.\n"


def test_a_half_last_line_is_left_out_and_stops_nothing(campaign: Campaign, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (campaign.array_tasks_file, campaign.submissions_file):
        data = path.read_bytes()
        path.write_bytes(data + data[: len(data) // 3])
    assert main(["status", "c"]) == 0
    remarks = capsys.readouterr().err.splitlines()
    assert [remark.partition(" is left out: ")[0] for remark in sorted(remarks)] == [
        f"qvar: line {number} of {path}"
        for number, path in ((2, campaign.submissions_file), (3, campaign.array_tasks_file))
    ]
    assert main(["submit", "--resume", "c", "--dry-run"]) == 0


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(
    campaign: Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (campaign.array_tasks_file, campaign.submissions_file):
        kept = path.rename("kept")
        os.mkfifo(path)
        assert main(["status", "c"]) == 2
        assert capsys.readouterr().err == (
            f"qvar: `{path}` must be a file that qvar wrote, but cannot be read: It is a pipe, not a file.\n"
        )
        kept.replace(path)


def test_a_damaged_attempt_counts_as_one_that_is_being_written(tmp_path: Path) -> None:
    begun = acquire(tmp_path, owner(), stale_s=50.0, beat_s=10.0)
    assert isinstance(begun, Lease)
    begun.end(Ending.STOPPED, "words")
    path = tmp_path / LEASE
    data = path.read_bytes()
    length = len(data.rstrip())
    draw = random.Random(1)
    for bit in draw.sample(range(8 * length), 100):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        found = attempt(tmp_path)
        if found.content:
            assert (found.ending, found.content["message"]) == (Ending.STOPPED, "words")
        else:
            assert found.ending is Ending.RUNNING
    for words in ({"ending": ["done"]}, {"host": 3}, {"kept": -1}, [1]):
        path.write_text(json.dumps(words))
        assert not attempt(tmp_path).content
    path.unlink()
    os.mkfifo(path)
    assert not attempt(tmp_path).content


def test_a_result_of_another_task_is_not_taken(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvar.cluster.collect.write_report", lambda run: None)
    assert main(["worker", "c", "--index", "1"]) == 0
    one, two = (line.key for line in campaign.tasks)
    shutil.copy(campaign.run.shard(one), campaign.run.shard(two))
    assert main(["collect", "c"]) == 1
    assert not campaign.run.shard(two).exists()
    assert [one.condition for one in survey(campaign).task_states] == [Condition.DONE, Condition.MISSING]
    assert main(["worker", "c"]) == 0
    assert main(["collect", "c"]) == 0


# ---------------------------------------------------------------------------------------------------------------------
# Writers


def test_the_second_of_two_that_submit_at_once_leaves_the_first_alone(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in campaign.path.rglob("*") if path.is_file()}
    monkeypatch.setattr(plan, "check_out", lambda *_, **__: None)  # it looked before the first began
    with pytest.raises(QvarError, match="`out` must be a new folder, but c exists already"):
        made(Path("c"), case=FAKE)
    assert {path: path.read_bytes() for path in campaign.path.rglob("*") if path.is_file()} == before


def test_two_do_not_resume_a_campaign_at_once(campaign: Campaign, capsys: pytest.CaptureFixture[str]) -> None:
    with locked(campaign.run):
        assert main(["submit", "--resume", "c"]) == 2
        assert "another process is writing" in capsys.readouterr().err
        assert main(["submit", "--resume", "c", "--dry-run"]) == 0
    assert sorted(path.name for path in campaign.path.iterdir() if path.name.startswith(".")) == []


def test_processes_of_this_machine_end_with_the_one_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: Forks
) -> None:
    monkeypatch.chdir(tmp_path)
    words = (str(SLOW), "--number", "1", "--steps", "100000", "--pause", "0.1", "--checkpoint", "1h", "--out", "c")
    process = forks.start(COMMAND, "submit", *words, "--queue", "local")
    try:
        until(lambda: list(tmp_path.glob("c/state/*/lease.json")))
        campaign = open_campaign("c")
        until(lambda: lease(campaign, "t0"))
        worker = Path(f"/proc/{lease(campaign, 't0')['process']}/cwd")
        assert worker.exists()
    finally:
        os.kill(process, signal.SIGKILL)
        forks.end(process)
    until(lambda: not worker.exists())
    if ending(campaign, "t0") == "stopped":  # it came to a step within its five seconds
        assert lease(campaign, "t0")["message"] == "the process that started it is gone"


# ---------------------------------------------------------------------------------------------------------------------
# Archives


def test_an_array_that_seems_shorter_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(65536.0))
    data = path.read_bytes()
    assert np.array_equal(read_arrays(path)["a"], np.arange(65536.0))
    path.write_bytes(data.replace(b"(65536,)", b"(45536,)"))
    with np.load(path) as archive:
        assert len(archive["a"]) == 45536  # NumPy itself does not see it
    with pytest.raises(ValueError, match="it is no NumPy archive, or was damaged"):
        read_arrays(path)
