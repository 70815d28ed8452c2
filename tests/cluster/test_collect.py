from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from cluster.campaigns import FAKE, ending, made, write_attempt
from cluster.fake_queue import FakeQueue

from qvar.cluster.array_task import run_array_task
from qvar.cluster.campaign import Campaign
from qvar.cluster.collect import collect
from qvar.errors import QvarError
from qvar.records import code_versions
from qvar.records.run_folder import load, locked
from qvar.records.run_tables import write_shard


@pytest.fixture
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write an empty report."""
    monkeypatch.setattr("qvar.cluster.collect.write_report", lambda run: run.folder.report.touch())


def finished(campaign: Campaign, status: int = 0) -> Campaign:
    assert run_array_task(campaign, None) == status
    return campaign


def files(campaign: Campaign) -> set[str]:
    names = {"ledger.csv", "ledger.parquet", "trace.parquet", "parameters.parquet", "report.html"}
    return {entry.name for entry in campaign.path.iterdir()} & names


@pytest.mark.usefixtures("without_report")
def test_all_that_is_done_is_collected(queue: FakeQueue) -> None:
    campaign = finished(made(Path("c"), "--seeds", "2", case=FAKE, sweeps=("bond=0.5,1", "noisy=no,yes")))
    queue.capsys.readouterr()
    text = queue.qvar("collect", "c")
    assert text.endswith("\nreport: c/report.html\nledger: c/ledger.csv\n")
    assert files(campaign) == {"ledger.csv", "ledger.parquet", "trace.parquet", "parameters.parquet", "report.html"}
    ledger, trace = (pd.read_parquet(campaign.path / f"{name}.parquet") for name in ("ledger", "trace"))
    # four points of four tasks of two seeds each; `noisy` changes no task, so each belongs to two points
    assert len(list(campaign.run.tasks.iterdir())) == 8
    assert len(ledger) == 4 * 4 * 2
    assert ledger["sweep_bond"].tolist() == [0.5] * 16 + [1.0] * 16
    assert ledger["sweep_noisy"].tolist() == ([False] * 8 + [True] * 8) * 2
    for table in (ledger, trace):
        assert [str(kind) for kind in table.dtypes[-2:]] == ["float64", "boolean"]
        assert table.columns.tolist()[-2:] == ["sweep_bond", "sweep_noisy"]
        named = ["contender", "seed", "sweep_bond", "sweep_noisy", *(["step"] if "step" in table else [])]
        assert not table.duplicated(named).any()
    of_one = trace[(trace["sweep_bond"] == 1.0) & trace["sweep_noisy"] & (trace["contender"] == "uccsd")]
    rows = load(campaign.point("bond=1,noisy=yes").path).trace
    pd.testing.assert_frame_equal(
        of_one.drop(columns=["sweep_bond", "sweep_noisy"]).reset_index(drop=True),
        rows[rows["contender"] == "uccsd"].reset_index(drop=True), check_exact=True,
    )  # fmt: skip
    first = (campaign.path / "ledger.csv").read_bytes()
    assert queue.qvar("collect", "c") == text
    assert (campaign.path / "ledger.csv").read_bytes() == first
    assert "lowest median error at" in queue.qvar("show", "c")
    assert "bond=0.5" in queue.qvar("show", "c", "--all")


def test_what_is_missing_makes_the_ledger_unfinished(queue: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = finished(made(Path("c"), case=FAKE, sweeps=("seeds=1,2",)))
    with monkeypatch.context() as patched:
        patched.setattr("qvar.cluster.collect.write_report", lambda run: None)
        queue.qvar("collect", "c")
    whole = (campaign.path / "ledger.csv").read_text().splitlines()
    gone = campaign.tasks[1]
    campaign.run.shard(gone.key).unlink()
    text = queue.qvar("collect", "c", status=1)
    assert text.endswith("ledger: c/ledger.csv\n7 of 8 tasks are done; `qvar status c` shows the others.\n")
    assert files(campaign) == {"ledger.csv", "report.html"}
    left = (campaign.path / "ledger.csv").read_text().splitlines()
    assert left == [line for line in whole if not (",ry x2," in line and line.endswith(",1"))]
    assert len(left) == len(whole) - 1
    page = (campaign.path / "report.html").read_text()
    assert "This run is not finished: 7 of 8 tasks are done. Missing: ry x2 (seeds=1)." in page
    assert "7 of 8 tasks are done; `qvar status c` shows the others." in queue.qvar("show", "c")
    finished(campaign)
    monkeypatch.setattr("qvar.cluster.collect.write_report", lambda run: run.folder.report.touch())
    assert "7 of 8" not in queue.qvar("collect", "c")
    assert len(files(campaign)) == 5


def test_nothing_is_there_yet(queue: FakeQueue) -> None:
    campaign = made(Path("c"), case=FAKE)
    text = queue.qvar("collect", "c", status=1)
    assert text == "ledger: c/ledger.csv\n0 of 4 tasks are done; `qvar status c` shows the others.\n"
    assert files(campaign) == {"ledger.csv"}
    assert len((campaign.path / "ledger.csv").read_text().splitlines()) == 1
    assert "0 of 4 tasks are done" in queue.qvar("show", "c")


def test_attempts_do_not_count(tmp_path: Path, without_report: None) -> None:
    calm, stormy = (made(tmp_path / name, case=FAKE, sweeps=("seeds=1,2",)) for name in ("calm", "stormy"))
    write_attempt(stormy, "ry x1", 2, age_s=1000.0, idle=1)
    (shard,) = (line.key for line in stormy.tasks if line.label == "uccsd" and line.points == ("seeds=1",))
    stormy.run.state(shard).mkdir()
    write_shard(stormy.run.state(shard) / "failed-0001.parquet", [{"contender": "uccsd", "status": "failed"}])
    (stormy.run.tasks / ".x.tmp").touch()
    tables = [collect(finished(campaign)).ledger for campaign in (calm, stormy)]
    assert ending(stormy, "ry x1") == "done 3"
    pd.testing.assert_frame_equal(*(table.drop(columns=["wall_s", "compile_s"]) for table in tables), check_exact=True)


def test_swept_texts_and_lists(tmp_path: Path, without_report: None) -> None:
    campaign = finished(made(tmp_path / "c", case=FAKE, sweeps=("contenders=ry x1,uccsd broken", "seeds=1:2")))
    run = collect(campaign)
    assert "message" in run.ledger  # which the study appended; the swept arguments come after it
    assert [str(kind) for kind in run.ledger.dtypes[-2:]] == ["string", "Int64"]
    assert run.ledger["sweep_contenders"].unique().tolist() == ["ry x1", "uccsd broken"]
    assert run.trace["sweep_seeds"].unique().tolist() == [1, 2]


@pytest.mark.usefixtures("without_report")
def test_another_study_than_a_duel(tmp_path: Path, queue: FakeQueue) -> None:
    case = tmp_path / "depths.py"
    case.write_text(
        "import qvar\n\n\ndef case(bond: float = 1.0) -> qvar.Curve:\n"
        "    return qvar.Curve(lambda at: qvar.hydrogen_chain(2, bond=at), (0.7, bond), [qvar.uccsd], seeds=1)\n"
    )
    campaign = finished(made(Path("c"), case=case, sweeps=("bond=0.8,0.9",)))
    assert "report: c/report.html" in queue.qvar("collect", "c")
    ledger = pd.read_parquet(campaign.path / "ledger.parquet")
    assert ledger.groupby("sweep_bond")["coordinate"].apply(sorted).tolist() == [[0.7, 0.8], [0.7, 0.9]]
    assert ledger["error"].abs().max() < 1e-6


def test_a_folder_that_cannot_be_written_and_one_that_is_being_written(
    tmp_path: Path, without_report: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = finished(made(tmp_path / "c", case=FAKE))
    with locked(campaign.run), pytest.raises(QvarError, match="another process is writing"):
        collect(campaign)
    assert files(campaign) == set()

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("qvar.cluster.collect.write_ledger", full)
    with pytest.raises(QvarError, match=r"`CAMPAIGN` .*/c could not be written: No space left on device\."):
        collect(campaign)
    assert "ledger.parquet" not in files(campaign)


@pytest.mark.usefixtures("without_report")
def test_a_damaged_result_is_missing(queue: FakeQueue) -> None:
    campaign = finished(made(Path("c"), "--seeds", "1", case=FAKE))
    shard = campaign.run.shard(campaign.tasks[1].key)
    content = bytearray(shard.read_bytes())
    content[len(content) // 2 :] = b"\0" * (len(content) - len(content) // 2)
    shard.write_bytes(content)
    assert "3 of 4 tasks are done" in queue.qvar("collect", "c", status=1)
    assert not shard.exists()  # so that `--resume` sends it again
    finished(campaign)
    assert "tasks are done" not in queue.qvar("collect", "c")


def test_a_campaign_names_other_code_when_it_is_resumed_and_when_it_is_collected(
    queue: FakeQueue, monkeypatch: pytest.MonkeyPatch, without_report: None
) -> None:
    campaign = made(Path("c"), "--seeds", "2", case=FAKE)
    with monkeypatch.context() as patched:
        patched.setattr(code_versions, "_packages", lambda: {"qvar": "0.0.9 sha256:00"})
        assert run_array_task(campaign, None) == 0
    assert "different code" not in queue.qvar("collect", "c")
    min(campaign.run.tasks.iterdir()).unlink()
    words = "qvar 0.0.9 and 0.1.0"
    assert f"kept that other code computed ({words}); " in queue.qvar("submit", "--resume", "c", "--queue", "slurm")
    assert run_array_task(campaign, None) == 0
    assert f"qvar: results of different code are in one table ({words}).\n" in queue.qvar("collect", "c")
