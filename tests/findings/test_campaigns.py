"""The driver of `make results`, on a plan of one small campaign."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd
import pytest

from findings.campaigns import done, work
from findings.keep import keep
from findings.plan import CAMPAIGNS, Campaign
from qvar.runs.case_flags import argument_kinds, case_values, load_case

TINY = Campaign(
    "tiny", "families", "family_duel",
    ("--molecule", "h2", "--seeds", "2", "--gradients", "20", "--contenders", "uccsd", "real_amplitudes"),
    ("bond=0.7,0.8",),
)  # fmt: skip


@pytest.mark.usefixtures("without_pages")
def test_a_killed_campaign_continues_and_its_rows_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs, kept = tmp_path / "runs", tmp_path / "kept"
    assert work([TINY], runs, 1)
    assert done(runs / "tiny")
    whole = pd.read_parquet(runs / "tiny" / "ledger.parquet")
    results = sorted((runs / "tiny" / "tasks").glob("*.parquet"))
    (runs / "tiny" / "ledger.parquet").unlink()  # as after a kill: one of four results is not there
    results[0].unlink()
    before = [path.stat().st_mtime_ns for path in results[1:]]
    assert work([TINY], runs, 1)
    assert [path.stat().st_mtime_ns for path in results[1:]] == before
    again = pd.read_parquet(runs / "tiny" / "ledger.parquet")
    timed = [name for name in whole if name.endswith("_s")]
    pd.testing.assert_frame_equal(again.drop(columns=timed), whole.drop(columns=timed))
    assert work([TINY], runs, 1)  # nothing is left to do
    assert capsys.readouterr().out.count("tiny ...") == 2

    assert keep((TINY,), runs, kept) == {"families": 8}
    ledger = pd.read_parquet(kept / "families.parquet")
    assert set(ledger["bond"]) == {0.7, 0.8}
    assert set(ledger["layers"].dropna()) == {4}
    for command in ledger["command"].unique():
        run, case, *words = shlex.split(command)[1:]
        values = case_values(load_case(case), words, "qvar run")
        assert (run, values["seeds"], len(values["contenders"])) == ("run", 2, 1)
    other = Campaign("other", "families", "family_duel")
    assert keep((other,), runs, kept) == {}  # what is there stays
    assert len(pd.read_parquet(kept / "families.parquet")) == 8


def test_the_plan_names_flags_and_sweeps_that_cases_have() -> None:
    assert len({campaign.name for campaign in CAMPAIGNS}) == len(CAMPAIGNS)
    for campaign in CAMPAIGNS:
        case = load_case(campaign.case)
        case_values(case, campaign.flags, campaign.name)
        assert {sweep.partition("=")[0] for sweep in campaign.sweeps} <= set(argument_kinds(case))
