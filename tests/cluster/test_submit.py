from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cluster.fake_queue import CASE, FakeQueue, asked

from qvar.cluster import plan as planning
from qvar.cluster.campaign import Campaign, open_campaign
from qvar.cluster.options import SubmissionOptions, recorded_options
from qvar.cluster.plan import Planned, create, plan
from qvar.cluster.scheduler import Resources
from qvar.cluster.send import collecting_job, deal, jobs_of
from qvar.cluster.slurm import SLURM
from qvar.cluster.sweep import points
from qvar.errors import QvarError
from qvar.records.run_tables import look_at_shard, write_shard
from qvar.runs.case_flags import load_case

OPTIONS = SubmissionOptions("slurm", Resources())


def planned(*sweeps: str, case: Path = CASE, words: tuple[str, ...] = ()) -> Planned:
    function = load_case(case)
    return plan(function, case, points(function, words, sweeps, "qvar submit"), sweeps, OPTIONS)


def finish(campaign: Campaign, *labels: str, status: str = "converged") -> None:
    """Write results of these tasks, as array tasks do."""
    for line in campaign.tasks:
        if line.label in labels:
            write_shard(campaign.run.shard(line.key), [{"contender": line.label, "seed": 0, "status": status}])


def words_of(campaign: Campaign) -> dict[int, list[str]]:
    """Labels of the tasks of each array task."""
    labels = {line.key: line.label for line in campaign.tasks}
    return {number: [labels[key] for key in keys] for number, keys in campaign.array_tasks().items()}


# ---------------------------------------------------------------------------------------------------------------------
# Plan and folder


def test_a_long_plan_shows_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    planned("seeds=2,3")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(planning, "_PROGRESS_S", 0.0)
    planned("seeds=2,3")
    assert capsys.readouterr().err.splitlines() == ["0 of 2 points are made", "1 of 2 points are made"]


def test_a_budget_is_recorded_if_all_points_share_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Path(__file__).with_name("spins_case.py").resolve()
    monkeypatch.chdir(tmp_path)
    swept = planned("gradients=30,40", case=case)
    assert swept.record["budget"] is None
    assert [record["budget"]["gradients"] for record in swept.point_records.values()] == [30, 40]
    assert planned("layers=1,2", case=case).record["budget"]["gradients"] == 40


def test_equal_tasks_of_different_points_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = planned("noisy=yes,no", "seeds=2,3", words=("--contenders", "ry x1", "uccsd"))  # `noisy` changes nothing
    assert [task["label"] for task in made.record["tasks"]] == [
        f"{label} (noisy=yes,seeds={seeds})" for seeds in (2, 3) for label in ("ry x1", "uccsd")
    ]
    assert len({task["key"] for task in made.record["tasks"]}) == 4
    campaign = Campaign(tmp_path)
    vars(campaign)["record"] = made.record
    assert [(line.label, line.points) for line in campaign.tasks] == [
        (label, (f"noisy=yes,seeds={seeds}", f"noisy=no,seeds={seeds}"))
        for seeds in (2, 3)
        for label in ("ry x1", "uccsd")
    ]
    assert [point["name"] for point in made.record["points"]] == list(made.point_records)
    assert made.record["points"][1]["swept"] == {"noisy": True, "seeds": 3}
    assert made.record["sweep"] == {"noisy": [True, False], "seeds": [2, 3]}
    assert set(made.record["arguments"]) == {"contenders", "slow", "bond"}
    assert os.listdir(tmp_path) == []


def test_the_point_at_which_a_case_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)  # the case imports a module beside it
    Path("failing.py").write_text(
        "from qvar_case import Fake\n\n\ndef case(layers: int = 1) -> Fake:\n"
        "    if layers == 3:\n        raise ValueError('too deep')\n    return Fake(('ry x1',), seeds=layers)\n"
    )
    Path("qvar_case.py").write_text(CASE.read_text())
    with pytest.raises(QvarError, match=r"At layers=3: `case` in failing.py raised .*too deep"):
        planned("layers=1:4", case=tmp_path / "failing.py")
    assert sorted(os.listdir(tmp_path)) == ["failing.py", "qvar_case.py"]


def test_the_folder_of_a_campaign(queue: FakeQueue) -> None:
    campaign = create(planned("seeds=1:2"), Path("deep/camp"))
    assert campaign.path == Path("deep/camp").resolve()
    assert (campaign.path / "case" / "fake_case.py").read_bytes() == CASE.read_bytes()
    assert {line.points for line in campaign.tasks} == {("seeds=1",), ("seeds=2",)}
    finish(campaign, "ry x1")
    for name in ("seeds=1", "seeds=2"):
        point = campaign.point(name)
        assert point.tasks.resolve() == campaign.run.tasks
        assert "1 of 4 tasks is done" in queue.qvar("show", str(point.path))
        queue.qvar("report", str(point.path))
        assert point.report.exists()
        assert "names nothing to cite" in queue.qvar("cite", str(point.path))
    assert "2 of 8 tasks are done; `qvar status deep/camp` shows" in queue.qvar("show", "deep/camp")


def test_what_makes_a_folder_a_campaign_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []

    def full(path: Path, content: object) -> None:
        seen.append({str(entry.relative_to(tmp_path / "camp")) for entry in (tmp_path / "camp").rglob("*")})
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(planning, "write_json", full)
    with pytest.raises(QvarError, match=r"`out` .*camp could not be written: No space left on device\."):
        create(planned("seeds=1:2"), tmp_path / "camp")
    assert {"points/seeds=2/case.json", "points/seeds=2/tasks", "case/fake_case.py"} <= seen[0]
    assert "case.json" not in seen[0]
    assert not (tmp_path / "camp").exists()


def test_ctrl_c_while_the_folder_is_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path, content: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(planning, "write_json", interrupted)
    with pytest.raises(KeyboardInterrupt):
        create(planned("seeds=1:2"), tmp_path / "camp")
    assert not (tmp_path / "camp").exists()


def test_how_it_is_to_be_done_is_read_back(tmp_path: Path) -> None:
    resources = Resources("gpu", "chem", "low", 7200, 1 << 34, 4, 2, 1, False, 9, 60, ("#SBATCH -x a",), ("true",))
    wish = SubmissionOptions("slurm", resources, 3, 100, 60.0, False)
    function = load_case(CASE)
    campaign = create(plan(function, CASE, points(function, (), (), ""), (), wish), tmp_path / "camp")
    assert recorded_options(open_campaign(campaign.path)) == wish


# ---------------------------------------------------------------------------------------------------------------------
# Elements and arrays


def test_dealing() -> None:
    keys = list("abcdefg")
    assert deal(keys, set(), 1) == [[key] for key in keys]
    assert deal(keys, set(), 3) == [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    assert deal(keys, {"b", "g"}, 3) == [["a"], ["b"], ["c", "d", "e"], ["f"], ["g"]]
    assert deal([], set(), 3) == []


def test_arrays_are_split_and_numbers_are_not_used_twice(tmp_path: Path) -> None:
    wish = SubmissionOptions("slurm", Resources(), max_array=4)
    jobs = jobs_of(tmp_path, tmp_path, 10, 7, wish, SLURM)
    assert [(job.offset, job.count) for job in jobs] == [(7, 4), (11, 4), (15, 2)]
    assert len({job.name for job in jobs}) == 1
    last = collecting_job(
        tmp_path, tmp_path, ["5", "6"], SubmissionOptions("slurm", Resources(gpus=2, cpus=8, nodes=2))
    )
    assert (last.count, last.after, last.resources) == (0, ("5", "6"), Resources())


def test_the_site_limits_an_array(queue: FakeQueue) -> None:
    queue.say("scontrol", "SlurmctldHost = a\nMaxArraySize            = 4\n")
    queue.submit("camp", "--sweep", "seeds=1,2")
    arrays = [{line for line in asked(script) if line.startswith("array")} for script in queue.sent()]
    assert arrays == [{"array=1-3"}, {"array=1-3"}, {"array=1-2"}, set()]
    offsets = [script.partition('--index "')[2][:7] for script in queue.sent()[:3]]
    assert offsets == ["$((0 + ", "$((3 + ", "$((6 + "]


# ---------------------------------------------------------------------------------------------------------------------
# Sending


def test_what_is_sent_and_written_down(queue: FakeQueue) -> None:
    output = queue.submit("camp", "--sweep", "seeds=1:3", "--pack", "4", "--max-array", "2", "--time", "2h")
    assert output == (
        "camp: 3 points, 12 tasks\n"
        "sent to slurm: 3 array tasks in jobs 101, 102; job 103 collects\n"
        "`qvar status camp` shows the progress.\n"
    )
    first, second, last = queue.sent()
    assert {"array=1-2", "time=0-02:00:00"} <= asked(first)
    assert "array=1-1" in asked(second)
    assert {"dependency=afterany:101:102", "kill-on-invalid-dep=yes"} <= asked(last)
    assert f"collect {Path('camp').resolve()}" in last
    campaign = open_campaign("camp")
    assert [(entry["job"], entry["offset"], entry["count"]) for entry in campaign.submissions()] == [
        ("101", 0, 2), ("102", 2, 1), ("103", 0, 0),
    ]  # fmt: skip
    assert {len(keys) for keys in campaign.array_tasks().values()} == {4}
    assert sorted(path.name for path in campaign.jobs.iterdir()) == ["0001.sh", "0002.sh", "0003.sh"]


def test_no_collecting_job_is_sent_where_none_is_wanted(queue: FakeQueue) -> None:
    output = queue.submit("camp", "--no-collect")
    assert "sent to slurm: 4 array tasks in job 101\n" in output
    assert len(queue.sent()) == 1
    queue.qvar("submit", "--resume", "camp")  # nobody is at work on it: all is sent again, without one again
    assert len(queue.sent()) == 2
    assert "array=1-4" in asked(queue.sent()[1])
    assert words_of(open_campaign("camp")).keys() == set(range(1, 9))
    assert "$((4 + " in queue.sent()[1]


@pytest.mark.parametrize("out", [["--out", "deep/camp"], []])
def test_a_queue_that_refuses_leaves_nothing_behind(queue: FakeQueue, out: list[str]) -> None:
    queue.refuse(1)
    output = queue.qvar("submit", str(CASE), "--queue", "slurm", *out, status=2)
    assert output == "qvar: `queue` slurm did not take the job: sbatch: error: Invalid account or partition.\n"
    assert os.listdir() == []


def test_a_script_that_cannot_be_written_leaves_nothing_behind(queue: FakeQueue) -> None:
    output = queue.submit("camp", "--account", "two words", status=2)
    assert output == "qvar: `account` must be one word, but is 'two words'.\n"
    assert os.listdir() == []


def test_after_a_refusal_in_the_middle_it_goes_on(queue: FakeQueue) -> None:
    queue.refuse(2, "sbatch: error: QOSMaxSubmitJobPerUserLimit")
    output = queue.submit("camp", "--max-array", "3", status=2)
    assert output == (
        "qvar: `queue` slurm did not take the job: sbatch: error: QOSMaxSubmitJobPerUserLimit; "
        "`qvar submit --resume camp` sends what it did not take.\n"
    )
    queue.say("squeue", "".join(f"101|{at}|PENDING|Priority|\n" for at in (1, 2, 3)))
    counts = json.loads(queue.qvar("status", "camp", "--json"))["counts"]
    assert {name: count for name, count in counts.items() if count} == {"waiting": 3, "missing": 1}
    (queue.folder / "refuse-2").unlink()
    output = queue.qvar("submit", "--resume", "camp")
    assert output.startswith("camp: 1 task of 4\nsent to slurm: 1 array task in job 102; job 103 collects\n")
    campaign = open_campaign("camp")
    assert words_of(campaign)[5] == ["uccsd"]  # 4 was not taken, and is not used again
    assert (campaign.submissions()[-2]["offset"], campaign.submissions()[-2]["count"]) == (4, 1)


def test_a_torn_line_of_submissions_is_passed_over(queue: FakeQueue) -> None:
    queue.submit("camp", "--no-collect")
    campaign = open_campaign("camp")
    with campaign.submissions_file.open("a") as file:
        file.write('{"queue": "slurm", "jo')  # the submitting process died
    assert [entry["job"] for entry in campaign.submissions()] == ["101"]
    queue.qvar("submit", "--resume", "camp")
    assert [entry["job"] for entry in campaign.submissions()] == ["101", "102"]


# ---------------------------------------------------------------------------------------------------------------------
# Resuming


def test_only_missing_tasks_that_no_process_has_are_sent_again(queue: FakeQueue) -> None:
    queue.submit("camp", "--sweep", "seeds=1,2", "--time", "1h", "--memory", "2G", "--no-collect")
    campaign = open_campaign("camp")
    finish(campaign, "ry x2")
    queue.say("squeue", "101|1|RUNNING|None|n1\n101|3|PENDING|Priority|\n101|4|CANCELLED|None|\n")
    output = queue.qvar("submit", "--resume", "camp", "--memory", "8G", "--pack", "2")
    assert output.startswith("camp: 4 tasks of 8\n")
    assert words_of(campaign)[9] == ["uccsd", "ry x1"]
    assert words_of(campaign)[10] == ["ry+rz x1", "uccsd"]
    assert {"array=1-2", "mem=8192M", "time=0-01:00:00"} <= asked(queue.sent()[1])
    assert recorded_options(open_campaign("camp")).resources.memory_bytes == 8 << 30
    queue.say("squeue", "".join(f"10{job}|{at}|PENDING|Priority|\n" for job in (1, 2) for at in range(1, 9)))
    assert "all tasks are done or under way" in queue.qvar("submit", "--resume", "camp")
    assert len(queue.sent()) == 2


def test_a_queue_that_does_not_answer_is_reported(queue: FakeQueue) -> None:
    queue.submit("camp")
    output = queue.qvar("submit", "--resume", "camp")
    assert "qvar: the queue does not answer (squeue: status 1); tasks that it may still have are sent again." in output
    assert "camp: 4 tasks of 4" in output


def test_failed_tasks_are_tried_again_on_request(queue: FakeQueue) -> None:
    queue.submit("camp", "--contenders", "ry x1", "broken", "--no-collect")
    queue.qvar("worker", "camp")
    output = queue.qvar("submit", "--resume", "camp")
    assert output == (
        "camp: all is done (2 tasks); 1 of them failed, --failed tries these again; "
        "`qvar collect camp` makes the report.\n"
    )
    campaign = open_campaign("camp")
    (broken,) = (line.key for line in campaign.tasks if line.label == "broken")
    before = look_at_shard(campaign.run.shard(broken)).rows
    output = queue.qvar("submit", "--resume", "camp", "--failed", "--queue", "slurm", "--no-collect")
    assert output.startswith("camp: 1 task of 2\nsent to slurm: 1 array task in job 102\n")
    assert not campaign.run.shard(broken).exists()
    assert look_at_shard(campaign.run.state(broken) / "failed-0001.parquet").rows == before


def test_a_cancelled_campaign_goes_on_when_it_is_resumed(queue: FakeQueue) -> None:
    queue.submit("camp", "--max-array", "2")
    output = queue.qvar("cancel", "camp")
    assert output.startswith("camp: cancelled; ")
    assert (queue.folder / "cancelled").read_text() == "101 102 103\n"
    campaign = open_campaign("camp")
    assert campaign.cancelled.exists()
    assert "\ncancelled\n" in queue.qvar("status", "camp")
    queue.qvar("submit", "--resume", "camp")
    assert not campaign.cancelled.exists()


# ---------------------------------------------------------------------------------------------------------------------
# Trials, and a site's defaults


def test_a_trial_shows_the_scripts_and_writes_nothing(queue: FakeQueue) -> None:
    words = ("--sweep", "seeds=1,2", "--max-array", "5", "--extra", "#SBATCH --constraint=a100")
    output = queue.submit("camp", *words, "--dry-run")
    assert output.startswith("# camp: 2 points, 8 tasks, 8 array tasks; nothing is written or sent\n")
    assert os.listdir() == []
    assert queue.sent() == []
    queue.submit("camp", *words)
    shown = output.partition("\n\n")[2].split("\n\n#!")
    for text, script in zip(shown, queue.sent(), strict=True):
        written = script.replace("afterany:101:102", "afterany:ID1:ID2").removeprefix("#!")
        assert text.removeprefix("#!").strip() == written.strip()


def test_a_trial_of_a_resumption_writes_nothing(queue: FakeQueue) -> None:
    queue.submit("camp", "--sweep", "seeds=1,2")
    finish(open_campaign("camp"), "ry x1")

    def content() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in Path("camp").rglob("*") if path.is_file()}

    before = content()
    output = queue.qvar("submit", "--resume", "camp", "--failed", "--time", "3h", "--dry-run")
    assert "# camp: 6 tasks of 8, 6 array tasks; nothing is written or sent\n" in output
    assert "#SBATCH --time=0-03:00:00" in output
    assert "$((8 + " in output
    assert content() == before
    assert len(queue.sent()) == 2


def test_flags_go_over_the_values_of_a_site(queue: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    site = queue.folder / "site.toml"
    site.write_text(
        'queue = "slurm"\npartition = "long"\naccount = "chem"\ntime = "4h"\nmemory = "2G"\ncpus = 2\npack = 2\n'
        'setup = ["module load cuda"]\nextra = ["#SBATCH --constraint=a100"]\n'
    )
    monkeypatch.setenv("QVAR_SITE", str(site))
    queue.qvar("submit", str(CASE), "--out", "camp", "--time", "1h", "--setup", "true", "--no-collect")
    (script,) = queue.sent()
    wanted = {"partition=long", "account=chem", "time=0-01:00:00", "mem=2048M", "cpus-per-task=2", "array=1-2"}
    assert wanted | {"constraint=a100"} <= asked(script)
    assert "module load cuda\ntrue\n" in script
    monkeypatch.setenv("QVAR_SITE", str(queue.folder / "none.toml"))
    output = queue.qvar("submit", str(CASE), "--out", "other", status=2)
    assert output == f"qvar: The site file must exist, but {queue.folder / 'none.toml'} does not.\n"


def test_an_argument_of_the_case_with_a_flag_s_name_is_swept(queue: FakeQueue) -> None:
    text = CASE.read_text().replace("def case(", "def case(\n    time: float = 1.0,\n    memory: int = 2,")
    Path("timed.py").write_text(text.replace("return Fake(contenders, seeds", "return Fake(contenders, memory"))
    queue.qvar("submit", "timed.py", "--sweep", "time=0.5", "--sweep", "memory=3,4", "--time", "1h", "--out", "camp",
               "--queue", "slurm")  # fmt: skip
    campaign = open_campaign("camp")
    assert [point["swept"] for point in campaign.record["points"]] == [{"time": 0.5, "memory": at} for at in (3, 4)]
    assert campaign.record["points"][0]["words"] == ["--time", "0.5", "--memory", "3"]
    assert "time=0-01:00:00" in asked(queue.sent()[0])
