from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from cluster.fake_queue import CASE, FakeQueue
from forks import COMMAND, Forks

from qvar.cluster.campaign import open_campaign
from qvar.cluster.options import recorded_options


@pytest.fixture
def alone(queue: FakeQueue) -> FakeQueue:
    """A new user's folder, with a case in it and a file that is none."""
    Path("case.py").write_text(CASE.read_text())
    Path("empty").mkdir()
    Path("full").mkdir()
    Path("full/file").touch()
    Path("no_case.py").write_text("x = 1\n")
    Path("broken.py").write_text("def case(bond: float = 1.0):\n    raise ValueError('no such atom')\n")
    return queue


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "`CASE` must be given, such as `qvar submit cases/h4_duel.py`; see `qvar submit --help`."),
        (["nowhere.py"], "`CASE` must be a Python file, but nowhere.py is missing."),
        (["--queue", "slurm", "case.py"], "`CASE` must come before its flags, but the first word is --queue."),
        (["--failed"], "`CASE` must come before its flags, but the first word is --failed."),
        (["case.py", "--queue", "slrm"],
         "`queue` must be one of slurm, grid_engine, pbs, lsf or local, but is 'slrm'; did you mean slurm?"),
        (["case.py", "--queue", "sge"],
         "`queue` must be one of slurm, grid_engine, pbs, lsf or local, but is 'sge'; did you mean grid_engine?"),
        (["case.py", "--queue"], "`--queue` must have a value, but nothing follows it; see `qvar submit --help`."),
        (["case.py", "--time", "soon"],
         "`time` must be a time such as 2h, 90m, 45s, 02:00:00 or 1-12:00:00, but is 'soon'."),
        (["case.py", "--signal", "0"], "`signal` must be a time such as 2h"),
        (["case.py", "--checkpoint", "5 min"], "`checkpoint` must be a time such as 2h"),
        (["case.py", "--time", "90"],
         "`time` must have a unit, such as 90m or 90s, but is '90': Slurm and LSF read minutes, PBS and Grid Engine "),
        (["case.py", "--time", "30:00", "--queue", "lsf"],
         "`time` must have units, such as 30h0m or 30m0s, but is '30:00': LSF reads hours and minutes, Slurm minutes "),
        (["case.py", "--time", "9" * 5000], "`time` must be a time such as 2h"),
        (["case.py", "--signal", "90"], "`signal` must have a unit, such as 90s or 90m, but is '90'."),
        (["case.py", "--memory", "much"], "`memory` must be a size such as 16G or 500M, but is 'much'."),
        (["case.py", "--memory", "4096"],
         "`memory` must have a unit, such as 4096M or 4096G, but is '4096': Slurm reads MiB, LSF KiB, PBS and Grid "),
        (["case.py", "--memory", "0"], "`memory` must be a size such as 16G or 500M, but is '0'."),
        (["case.py", "--cpus", "\N{SUPERSCRIPT TWO}"], "`cpus` must be a whole number of at least 1, but is "),
        (["case.py", "--cpus", "0"], "`cpus` must be a whole number of at least 1, but is '0'."),
        (["case.py", "--cpus", "two"], "`cpus` must be a whole number of at least 1, but is 'two'."),
        (["case.py", "--gpus", "-1"], "`gpus` must be a whole number of at least 0, but is '-1'."),
        (["case.py", "--pack", "1.5"], "`pack` must be a whole number of at least 1, but is '1.5'."),
        (["case.py", "--max-array", "0"], "`max_array` must be a whole number of at least 1, but is '0'."),
        (["case.py", "--at-once", "x"], "`at_once` must be a whole number of at least 1, but is 'x'."),
        (["case.py", "--workers", "2"],
         "`workers` must come with --queue local, but the queue is slurm; --at-once limits an array."),
        (["case.py", "--workers", "0", "--queue", "local"],
         "`workers` must be a whole number of at least 1, but is '0'."),
        (["case.py", "--nodes", "2"], "`nodes` must be 1 without --distributed, but is 2."),
        (["case.py", "--qos", "high", "--queue", "lsf"],
         "`qos` must be left out with --queue lsf, but is 'high'."),
        (["case.py", "--distributed", "--queue", "pbs"],
         "`distributed` must be left out with --queue pbs, but is True."),
        (["case.py", "--tme", "2h"],
         "`--tme` is a flag neither of this case nor of qvar submit; did you mean `--time`?"),
        (["case.py", "--seed", "2"],
         "`--seed` is a flag neither of this case nor of qvar submit; did you mean `--seeds`?"),
        (["case.py", "--zzz"],
         "`--zzz` is a flag neither of this case nor of qvar submit; `qvar submit case.py --help` lists the case's"),
        (["case.py", "--seeds", "few"], "`seeds` must be an int, but is 'few'."),
        (["case.py", "--sweep", "layers=1"],
         "`sweep` must name an argument of the case (contenders, seeds, slow, bond, noisy), but names 'layers'."),
        (["case.py", "--sweep", "seeds"], "`sweep` must be like layers=1:8 or molecule=h4,lih, but is 'seeds'."),
        (["case.py", "--failed"], "`failed` must come with --resume, but is given alone."),
        (["case.py", "--out", "case.py"], "`out` must be a new folder, but case.py is a file."),
        (["case.py", "--out", "full"], "`out` must be a new folder, but full exists already"),
        (["case.py", "--out", "case.py/deep"], "`out` must be a folder that can be made, but case.py/deep cannot: "),
        (["case.py", "--site", "nowhere.toml"], "The site file must exist, but nowhere.toml does not."),
        (["no_case.py"], "`CASE` no_case.py must define a function `case`, but has none."),
        (["broken.py"], "`case` in broken.py raised ValueError: no such atom"),
        (["broken.py", "--sweep", "bond=1,2"], "At bond=1: `case` in broken.py raised ValueError: no such atom"),
        (["--resume", "nowhere"],
         "`CAMPAIGN` must be a folder that `qvar submit` made, but nowhere does not exist."),
        (["--resume", "empty"], "`CAMPAIGN` must be a folder that `qvar submit` made, but "),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_and_nothing_is_written(alone: FakeQueue, words: list[str], sentence: str) -> None:
    before = sorted(Path().rglob("*"))
    named = words if not words or words[0] == "--resume" or "--queue" in words else [*words, "--queue", "slurm"]
    output = alone.qvar("submit", *named, status=2)
    assert output.startswith(f"qvar: {sentence}")
    assert output.count("\n") == 1
    assert [path for path in sorted(Path().rglob("*")) if "__pycache__" not in str(path)] == before
    assert alone.sent() == []


def test_mistakes_about_a_campaign(alone: FakeQueue) -> None:
    alone.submit("camp")
    before = {str(path): path.read_bytes() for path in Path("camp").rglob("*") if path.is_file()}
    for words, sentence in (
        (["--seeds", "3"], "`--seeds` must be left out with --resume: the case and its flags stay as they were."),
        (["case.py"], "`case.py` must be left out with --resume: the case and its flags stay as they were."),
        (["--sweep", "seeds=1"], "`sweep` and `out` must be left out with --resume: the campaign stays what it was."),
        (["--out", "other"], "`sweep` and `out` must be left out with --resume: the campaign stays what it was."),
        (["--workers", "2"], "`workers` must come with --queue local, but the queue is slurm; "),
        (["--cpus", "none"], "`cpus` must be a whole number of at least 1, but is 'none'."),
    ):
        output = alone.qvar("submit", "--resume", "camp", *words, status=2)
        assert output.startswith(f"qvar: {sentence}"), output
        assert output.count("\n") == 1
    assert alone.submit("camp", status=2) == (
        "qvar: `out` must be a new folder, but camp exists already; `qvar submit --resume camp` sends what it lacks.\n"
    )
    assert {str(path): path.read_bytes() for path in Path("camp").rglob("*") if path.is_file()} == before
    assert len(alone.sent()) == 2


@pytest.mark.usefixtures("without_pages")
@pytest.mark.parametrize("command", ["status", "collect", "cancel"])
def test_a_folder_that_is_no_campaign(alone: FakeQueue, command: str) -> None:
    alone.qvar("run", "case.py", "--contenders", "ry x1", "--out", "run", "--no-progress")
    for folder, words in (("nowhere", "nowhere does not exist."), ("empty", " is not."), ("run", " is not.")):
        output = alone.qvar(command, folder, status=2)
        assert output.startswith("qvar: `CAMPAIGN` must be a folder that `qvar submit` made, but ")
        assert output.endswith(f"{words}\n")
    assert os.listdir("empty") == []
    assert not Path("run/cancelled").exists()
    assert alone.qvar(command, status=2).startswith("qvar: `CAMPAIGN` must be given; ")


@pytest.mark.parametrize(
    "words", [("submit", "--help"), ("--help",), ("status", "-h"), ("collect", "-h"), ("cancel", "-h")]
)
def test_help_fits_80_columns(queue: FakeQueue, words: tuple[str, ...]) -> None:
    output = queue.qvar(*words)
    assert max(len(line) for line in output.splitlines()) <= 80
    assert output.startswith("usage: qvar ")
    assert re.search("[ \t]$", output, re.MULTILINE) is None


def test_help_lists_every_flag_and_its_meaning(queue: FakeQueue) -> None:
    output = queue.qvar("submit", "--help")
    for flag in ("sweep", "resume", "failed", "dry-run", "workers", "site", "setup", "extra", "pack", "max-array",
                 "checkpoint", "no-collect", "partition", "memory", "gpus", "distributed", "at-once",
                 "signal"):  # fmt: skip
        assert f"\n  --{flag}" in output
    assert "slurm        --mem=NM, on each node" in output
    assert "--queue QUEUE         slurm, grid_engine, pbs, lsf, or local" in output
    own = queue.qvar("submit", str(CASE), "--help")
    assert "--seeds INT" in own
    assert "--resume" not in own  # which is a flag of `qvar run`, and something else here
    assert os.listdir() == []


def test_without_a_queue_one_has_to_be_named(alone: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(alone.folder))
    output = alone.qvar("submit", "case.py", status=2)
    assert output == (
        "qvar: `queue` must be given if no batch queue is installed: slurm, grid_engine, pbs, lsf or local.\n"
    )
    output = alone.qvar("submit", "case.py", "--queue", "slurm", status=2)
    assert output == "qvar: `queue` must be one that this machine can reach, but sbatch is missing.\n"
    assert not Path("runs").exists()


def test_a_queue_is_found_by_its_commands_and_folders_do_not_collide(alone: FakeQueue) -> None:
    for name in ("case-campaign", "case-campaign-2"):
        output = alone.qvar("submit", "case.py")
        assert output.startswith(f"runs/{name}: 1 point, 4 tasks\nsent to slurm: 4 array tasks in job ")
        assert f"`qvar status runs/{name}` shows the progress.\n" in output
        assert f"runs/{name}: case.py, 1 point, 4 tasks; slurm 10" in alone.qvar("status", f"runs/{name}")


def test_a_campaign_on_this_machine(alone: FakeQueue, forks: Forks) -> None:
    done = forks.run(
        COMMAND, "submit", "case.py", "--sweep", "seeds=1,2", "--contenders", "ry x1", "broken",
        "--queue", "local", "--workers", "2", "--out", "camp",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("camp: 2 points, 4 tasks\nry x1 ")
    assert done.stdout.endswith("\nreport: camp/report.html\nledger: camp/ledger.csv\n")
    assert "RuntimeError: the matrix is singular" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert done.stderr.splitlines()[-1] == "4 of 4 tasks are done, 2 of them failed"
    assert alone.sent() == []

    output = alone.qvar("status", "camp")
    assert output == (
        "camp: case.py, 2 points, 4 tasks; local\n"
        "  done           2\n"
        "  failed         2  by their own fault; --resume --failed tries again\n"
        "failed:\n"
        "  broken (seeds=1): RuntimeError: the matrix is singular\n"
        "  broken (seeds=2): RuntimeError: the matrix is singular\n"
        "Collected: camp/report.html\n"
    )
    record = json.loads(alone.qvar("status", "camp", "--json"))
    assert (record["counts"]["done"], record["counts"]["failed"], record["queue"]) == (2, 2, "local")
    assert [task["label"] for task in record["tasks"]] == ["ry x1", "broken"] * 2
    assert recorded_options(open_campaign("camp")).queue == "local"
    trial = alone.qvar("submit", "--resume", "camp", "--failed", "--dry-run")
    assert "there is no script" in trial
