"""The state of a campaign: its folder, and the answers of a queue."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cluster.campaigns import FAKE, key_of, made, write_attempt

from qvar.cli.main import main
from qvar.cluster import status
from qvar.cluster.campaign import Campaign, append_lines, open_campaign
from qvar.cluster.scheduler import Poll, QueueAnswer, State
from qvar.cluster.schedulers import adapter
from qvar.cluster.slurm import SLURM
from qvar.cluster.status import Condition, survey
from qvar.cluster.status_text import status_record, status_text
from qvar.records.run_tables import write_shard
from qvar.runs.leases import LEASE, owner

LABEL = "uccsd"
DEAD_S = 1e4
Answers = dict[tuple[str, int], QueueAnswer]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """A campaign of four array tasks, all sent as job 71."""
    found = made(tmp_path / "c", case=FAKE, queue="slurm", pack=1)
    append_lines(found.submissions_file, [{"queue": "slurm", "job": "71", "offset": 0, "count": 4, "time": "now"}])
    return found


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """A queue that gives these answers, one poll after the other; a text is why it does not answer."""

    def set_up(*answers: Answers | str, past: int | None = None) -> list[str]:
        asked: list[str] = []

        def polls(jobs: Sequence[str]) -> tuple[Poll, ...]:
            def poll(at: int, answer: Answers | str) -> Poll:
                return Poll((str(at), *jobs), lambda _: answer if isinstance(answer, dict) else {}, past=at == past)

            return tuple(poll(at, answer) for at, answer in enumerate(answers))

        def run(command: Sequence[str]) -> str | tuple[str]:
            asked.append(" ".join(command))
            answer = answers[int(command[0])]
            return "" if isinstance(answer, dict) else (answer,)

        monkeypatch.setattr(status, "adapter", lambda name: None if name == "local" else replace(SLURM, polls=polls))
        monkeypatch.setattr(status, "_run", run)
        return asked

    return set_up


def in_folder(campaign: Campaign, state: str) -> None:
    """Write a state of the task into the folder."""
    done = {"contender": LABEL, "status": "converged"}
    if state == "dead":
        write_attempt(campaign, LABEL, 1, DEAD_S)
    elif state == "alive":
        write_attempt(campaign, LABEL, 1, 3.0)
    elif state in ("stopped", "error"):
        write_attempt(campaign, LABEL, 1, 3.0, ending=state)
    elif state.startswith("shard"):
        endings = {"shard": "done", "shard failed": "failed", "shard dead": "running", "shard alive": "running"}
        write_attempt(campaign, LABEL, 1, 3.0 if state == "shard alive" else DEAD_S, ending=endings[state])
        write_shard(campaign.run.shard(key_of(campaign, LABEL)), [done], once=True)
    elif state == "taken over":
        write_attempt(campaign, LABEL, 2, 3.0)
    elif state == "torn":
        write_attempt(campaign, LABEL, 1, DEAD_S)
        next(campaign.run.state(key_of(campaign, LABEL)).iterdir()).write_text('{"ending": "do', encoding="utf-8")
    else:
        assert state == "nothing"


SILENT = None
EVERY = (SILENT, *State)
"""All answers of a queue."""

TABLE: list[tuple[str, tuple[State | None, ...], Condition]] = [
    ("shard", EVERY, Condition.DONE),
    ("shard dead", EVERY, Condition.DONE),  # it was killed between its result and its end
    ("shard alive", EVERY, Condition.DONE),
    ("shard failed", EVERY, Condition.FAILED),
    ("alive", EVERY, Condition.RUNNING),
    ("taken over", EVERY, Condition.RUNNING),
    ("torn", EVERY, Condition.RUNNING),  # its time of change is its heartbeat
    ("nothing", (State.PENDING, State.RUNNING), Condition.WAITING),
    ("dead", (State.PENDING, State.RUNNING), Condition.WAITING),
    ("stopped", (State.PENDING, State.RUNNING), Condition.WAITING),
    ("error", (State.PENDING, State.RUNNING), Condition.WAITING),
    ("nothing", (SILENT,), Condition.MISSING),
    ("nothing", (State.CANCELLED,), Condition.CANCELLED),
    ("nothing", (State.COMPLETED, State.FAILED, State.TIMEOUT, State.LOST), Condition.ENDED),
    *(
        (state, (SILENT, State.COMPLETED, State.FAILED, State.CANCELLED, State.TIMEOUT, State.LOST), condition)
        for state, condition in (
            ("dead", Condition.DIED),
            ("stopped", Condition.STOPPED),
            ("error", Condition.ERROR),
        )
    ),
]


@pytest.mark.parametrize(("state", "answers", "condition"), TABLE, ids=lambda value: str(value)[:20])
def test_the_folder_counts_more_than_the_queue(
    campaign: Campaign,
    queue: Callable[..., list[str]],
    state: str,
    answers: tuple[State | None, ...],
    condition: Condition,
) -> None:
    in_folder(campaign, state)
    for word in answers:
        asked = queue({} if word is None else {("71", 4): QueueAnswer(word)})
        found = survey(campaign)
        assert [one.condition for one in found.task_states] == [Condition.MISSING] * 3 + [condition], word
        assert asked == ["0 71"]
        assert found.unanswered == ""


def test_every_condition_and_every_word_is_in_the_table() -> None:
    assert {condition for _, _, condition in TABLE} == set(Condition)
    for state in {state for state, _, _ in TABLE}:
        assert sorted(str(word) for other, answers, _ in TABLE if other == state for word in answers) == sorted(
            map(str, EVERY)
        ), state


def test_a_dead_process_of_this_machine_is_not_taken_for_one_at_work(
    campaign: Campaign, queue: Callable[..., list[str]]
) -> None:
    queue({})
    write_attempt(campaign, LABEL, 1, 3.0, **owner())
    write_attempt(campaign, "ry x1", 1, 3.0, **owner() | {"birth": "1"})  # the number went to another process
    conditions = {one.line.label: one.condition for one in survey(campaign).task_states}
    assert (conditions[LABEL], conditions["ry x1"]) == (Condition.RUNNING, Condition.DIED)


def test_a_queue_is_not_asked_if_nothing_is_open(campaign: Campaign, queue: Callable[..., list[str]]) -> None:
    asked = queue("it is down")
    for label in ("ry x1", "ry x2", "ry+rz x1"):
        write_shard(campaign.run.shard(key_of(campaign, label)), [{"contender": label}], once=True)
    write_attempt(campaign, LABEL, 1, 3.0)
    found = survey(campaign)
    assert (asked, found.unanswered, len(found.having(Condition.DONE))) == ([], "", 3)
    write_attempt(campaign, LABEL, 1, DEAD_S)
    assert survey(campaign).unanswered == "it is down"


def test_the_first_answer_counts_and_the_next_command_is_run_for_the_rest_alone(
    campaign: Campaign, queue: Callable[..., list[str]]
) -> None:
    first = {
        ("71", 1): QueueAnswer(State.PENDING),
        ("71", 2): QueueAnswer(State.CANCELLED),
        ("9", 4): QueueAnswer(State.RUNNING),
    }
    second = {("71", number): QueueAnswer(State.FAILED) for number in (1, 2, 3)}
    third = {("71", 4): QueueAnswer(State.RUNNING), ("71", 3): QueueAnswer(State.PENDING)}
    asked = queue(first, second, third, "never reached")
    ends = [one.condition for one in survey(campaign).task_states]
    assert ends == [Condition.WAITING, Condition.CANCELLED, Condition.ENDED, Condition.WAITING]
    assert asked == ["0 71", "1 71", "2 71"]
    asked = queue({("71", number): QueueAnswer(State.PENDING) for number in range(1, 5)}, second)
    assert len(survey(campaign).having(Condition.WAITING)) == 4
    assert asked == ["0 71"]


def test_a_queue_without_an_answer_is_reported_if_no_command_answers(
    campaign: Campaign, queue: Callable[..., list[str]]
) -> None:
    queue("squeue: slurm_load_jobs error: Unable to contact slurm controller", "sacct is not installed here")
    found = survey(campaign)
    assert found.unanswered == "squeue: slurm_load_jobs error: Unable to contact slurm controller"
    assert len(found.having(Condition.MISSING)) == 4
    assert "The queue does not answer: squeue: slurm_load_jobs error" in status_text(campaign, found, "c")
    queue("squeue: down", {("71", 1): QueueAnswer(State.RUNNING)})
    found = survey(campaign)
    assert (found.unanswered, len(found.having(Condition.WAITING))) == ("", 1)
    queue("qstat: down", {("71", 1): QueueAnswer(State.CANCELLED)}, past=1)  # who knows the past alone is no answer
    found = survey(campaign)
    assert (found.unanswered, len(found.having(Condition.CANCELLED))) == ("qstat: down", 1)


def test_what_was_sent_twice_waits_while_one_of_both_is_in_the_queue(
    campaign: Campaign, queue: Callable[..., list[str]]
) -> None:
    append_lines(campaign.array_tasks_file, [{"array_task": 5, "tasks": [key_of(campaign, LABEL)]}])
    append_lines(campaign.submissions_file, [{"queue": "slurm", "job": "80", "offset": 4, "count": 1, "time": "now"}])
    for old, new, condition, place in (
        (State.PENDING, State.FAILED, Condition.WAITING, ("slurm", "71", 4)),
        (State.FAILED, State.PENDING, Condition.WAITING, ("slurm", "80", 1)),
        (State.CANCELLED, State.FAILED, Condition.ENDED, ("slurm", "80", 1)),
        (State.FAILED, State.CANCELLED, Condition.CANCELLED, ("slurm", "80", 1)),
    ):
        queue({("71", 4): QueueAnswer(old), ("80", 1): QueueAnswer(new)})
        found = survey(campaign).task_states[3]
        assert (found.condition, found.place) == (condition, place)


def test_commands_of_a_queue_are_run_and_their_failures_reported(tmp_path: Path) -> None:
    assert status._run(("echo", "71 R")) == "71 R\n"
    assert status._run(("sh", "-c", "echo one >&2; echo the last line >&2; exit 1")) == ("sh: the last line",)
    assert status._run(("false",)) == ("false: status 1",)
    assert status._run((str(tmp_path / "squeue"),)) == (f"{tmp_path / 'squeue'} is not installed here",)
    assert status._run((str(tmp_path),)) == (f"{tmp_path}: Permission denied",)


def test_a_queue_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "_TIMEOUT_S", 0.2)
    assert status._run(("sleep", "30")) == ("sleep gave no answer for 0.2 seconds",)


# ---------------------------------------------------------------------------------------------------------------------
# Texts and records


def test_a_script_gets_one_entry_for_each_task(campaign: Campaign, capsys: pytest.CaptureFixture) -> None:
    in_folder(campaign, "shard failed")
    write_attempt(campaign, "ry x1", 2, 3.0, done=7, total=9, queue="slurm", job="71", number=1)
    (campaign.logs / "71_1.log").touch()
    assert main(["status", str(campaign.path), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["counts"] | {"failed": 0, "running": 0, "missing": 0} == dict.fromkeys(record["counts"], 0)
    assert (record["counts"]["failed"], record["counts"]["running"], record["counts"]["missing"]) == (1, 1, 2)
    assert [task["label"] for task in record["tasks"]] == ["ry x1", "ry x2", "ry+rz x1", "uccsd"]
    assert [task["condition"] for task in record["tasks"]] == ["running", "missing", "missing", "failed"]
    first: dict[str, Any] = record["tasks"][0]
    assert first | {"key": ""} == {
        "key": "", "label": "ry x1", "points": ["point"], "condition": "running", "attempts": 2, "host": "n9",
        "done": 7, "total": 9, "message": None, "queue": None, "reason": None, "release": None,
        "log": "logs/71_1.log",
    }  # fmt: skip
    assert (record["queue"], record["cancelled"], record["folder"]) == ("slurm", False, str(campaign.path))


def test_the_text_says_what_to_do(campaign: Campaign, queue: Callable[..., list[str]]) -> None:
    queue(
        {("71", 1): QueueAnswer(State.PENDING, "Priority"), ("71", 3): QueueAnswer(State.FAILED, "OUT_OF_MEMORY", "n1")}
    )
    write_attempt(campaign, "ry x1", 1, DEAD_S)
    write_attempt(campaign, "ry x2", 1, 3.0, done=30, total=900, words="best 1e-3")
    write_attempt(campaign, "ry+rz x1", 1, DEAD_S)
    write_attempt(campaign, LABEL, 1, DEAD_S, ending="error", message="No space left on device")
    (campaign.logs / "71_3.log").touch()
    lines = status_text(campaign, survey(campaign), "runs/c").splitlines()
    assert lines[0].endswith("1 points, 4 tasks; slurm 71") or lines[0].endswith("1 point, 4 tasks; slurm 71")
    assert [" ".join(line.split()) for line in lines[1:5]] == [
        "running 1 on n9",
        "waiting 1 in the queue, 1 of them with progress already",
        "died 1 without a result, no longer in the queue",
        "error 1 could not start, or not write their result",
    ]
    assert lines[5:] == [
        "running:",
        "  ry x2 (point): 30/900 best 1e-3",
        "error:",
        "  uccsd (point): No space left on device",
        "died:",
        "  ry+rz x1 (point): failed OUT_OF_MEMORY; see logs/71_3.log",
        "`qvar submit --resume runs/c` sends the 2 that are missing.",
    ]
    campaign.cancelled.touch()
    assert status_text(campaign, survey(campaign), "runs/c").splitlines()[1] == "cancelled"


def test_long_names_fit_a_terminal(tmp_path: Path, queue: Callable[..., list[str]], monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    long = "a-label-without-a-blank-that-goes-on-for-ever-and-ever" * 2
    found = made(
        tmp_path / "c", "--contenders", *(f"{long}-{at}" for at in range(12)), case=FAKE, queue="slurm", pack=1,
        sweeps=("bond=1.00000000000001,1.00000000000002", "seeds=1000000000000:1000000000001"),
    )  # fmt: skip
    jobs = [f"{at}123456[].scheduler.cluster.example.org" for at in range(7)]
    append_lines(
        found.submissions_file,
        [
            {"queue": "slurm", "job": job, "offset": 7 * at, "count": 7, "time": "now"} for at, job in enumerate(jobs)
        ],
    )  # fmt: skip
    message = "RuntimeError: " + "a long sentence about what went wrong " * 5
    folder = list(found.tasks)
    for at, line in enumerate(folder[:40]):
        found.run.state(line.key).mkdir()
        entries = [
            {"done": 123456, "total": 1234567, "words": "best -123.456789 Ha, and more words " * 3},
            {"ending": "error", "message": message},
            {"ending": "failed", "message": message},
            {},
        ][at % 4]
        path = found.run.state(line.key) / LEASE
        path.write_text(json.dumps({"host": f"node-{at}.rack.cluster.example.org", **entries}), encoding="utf-8")
        if at % 4 == 2:
            write_shard(found.run.shard(line.key), [{"contender": line.label, "status": "failed"}], once=True)
        if at % 4 == 3:
            os.utime(path, (0, 0))
    queue(
        {(jobs[at // 7], at % 7 + 1): QueueAnswer(State.FAILED, "A_REASON_OF_ONE_WORD" * 3) for at in range(49)},
        "down " * 30,
    )
    surveyed = survey(found)
    text = status_text(found, surveyed, "runs/c")
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "`qvar submit --resume runs/c`" in text
    assert len(status_record(found, surveyed)["tasks"]) == len(found.tasks)
    # paths are not cut, for people copy them
    assert "/a-long-folder" * 9 in status_text(found, surveyed, "/a-long-folder" * 9)


def test_a_finished_campaign_is_to_be_collected(campaign: Campaign) -> None:
    for line in campaign.tasks:
        write_shard(campaign.run.shard(line.key), [{"contender": line.label, "status": "converged"}], once=True)
    text = status_text(campaign, survey(campaign), "c")
    assert text.splitlines()[1:] == ["  done           4", "`qvar collect c` makes the tables and the report."]


# ---------------------------------------------------------------------------------------------------------------------
# Folders of others, and damaged ones


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that any user may look into, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which takes root")
def test_another_users_campaign_can_be_looked_at(
    open_to_all: Path, queue: Callable[..., list[str]], capsys: pytest.CaptureFixture
) -> None:
    queue({})
    found = made(open_to_all / "c", case=FAKE, queue="slurm", pack=1)
    in_folder(found, "alive")
    before = sorted(found.path.rglob("*"))
    os.seteuid(65534)
    try:
        with pytest.raises(PermissionError):
            found.cancelled.touch()
        assert main(["status", str(found.path)]) == 0
    finally:
        os.seteuid(0)
    assert "running        1  on n9" in capsys.readouterr().out
    assert sorted(found.path.rglob("*")) == before


def test_a_full_disk_does_not_keep_one_from_looking(
    campaign: Campaign, queue: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path) -> float:
        raise OSError(28, os.strerror(28))

    queue({})
    in_folder(campaign, "alive")
    monkeypatch.setattr(status, "file_time", full)
    assert survey(campaign).task_states[3].condition is Condition.RUNNING


def test_lines_that_a_crash_cut_short_are_passed_over(campaign: Campaign, queue: Callable[..., list[str]]) -> None:
    queue({("72", 1): QueueAnswer(State.PENDING)})
    with campaign.submissions_file.open("a") as file:
        file.write('{"queue": "slurm", "jo')
    append_lines(campaign.submissions_file, [{"queue": "slurm", "job": "72", "offset": 0, "count": 4, "time": "now"}])
    found = survey(open_campaign(campaign.path))
    assert [one.condition for one in found.task_states] == [Condition.WAITING] + [Condition.MISSING] * 3


def test_a_folder_that_is_no_campaign_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["status", str(tmp_path / "none")]) == 2
    assert "`CAMPAIGN` must be a folder that `qvar submit` made, but" in capsys.readouterr().err
    assert main(["status", str(tmp_path)]) == 2
    assert f"{tmp_path} is not." in capsys.readouterr().err


def test_an_array_task_that_the_queue_holds_comes_with_its_release(campaign: Campaign, queue: Any) -> None:
    held = QueueAnswer(State.PENDING, "launch failed requeued held")
    waiting = QueueAnswer(State.PENDING, "Resources")
    queue({("71", 1): held, ("71", 2): waiting, ("71", 3): waiting, ("71", 4): QueueAnswer(State.RUNNING, "", "n1")})
    found = survey(campaign)
    assert [state.release for state in found.task_states] == ["scontrol release 71_1", "", "", ""]
    text = " ".join(status_text(campaign, found, "c").split())
    assert "held by the queue, until someone releases them:" in text
    assert "launch failed requeued held; `scontrol release 71_1`" in text
    record = status_record(campaign, found)["tasks"]
    assert [(task["reason"], task["release"]) for task in record[:2]] == [
        ("launch failed requeued held", "scontrol release 71_1"),
        ("Resources", None),
    ]


@pytest.mark.parametrize(
    ("queue_name", "job", "held", "command"),
    [
        ("slurm", "7", "JobHeldUser", "scontrol release 7_3"),
        ("slurm", "7", "JobHoldMaxRequeue", "scontrol release 7_3"),
        ("grid_engine", "7", "hqw", "qrls 7.3"),
        ("pbs", "7[].head", "H", "qrls '7[3].head'"),
        ("lsf", "7", "PSUSP", "bresume '7[3]'"),
    ],
)
def test_words_of_each_queue_for_what_it_holds(queue_name: str, job: str, held: str, command: str) -> None:
    queue = adapter(queue_name)
    assert queue is not None
    assert queue.release is not None
    assert queue.holds(QueueAnswer(State.PENDING, held))
    assert not queue.holds(QueueAnswer(State.RUNNING, held))
    assert not any(queue.holds(QueueAnswer(State.PENDING, reason)) for reason in ("", "Priority", "qw", "Q", "PEND"))
    assert queue.release(job, 3) == command
