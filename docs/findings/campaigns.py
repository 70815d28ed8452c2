"""The campaigns of the plan, one after the other; each continues where a killed process left it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from findings.plan import Campaign
from qvar.cli.main import main


def done(folder: Path) -> bool:
    """Return if a campaign has its ledger."""
    return (folder / "ledger.parquet").exists()


def work(campaigns: Sequence[Campaign], runs: Path, workers: int) -> bool:
    """Do campaigns until all are done; those that another process holds come again.

    Returns:
        True if all are done, False if a round brought none further.
    """
    left = [campaign for campaign in campaigns if not done(runs / campaign.name)]
    while left:
        before = _n_results(left, runs)
        for campaign in left:
            begin = time.monotonic()
            print(f"{time.strftime('%H:%M:%S')} {campaign.name} ...", flush=True)
            _submit(campaign, runs / campaign.name, workers)
            print(f"{time.strftime('%H:%M:%S')} {campaign.name}: {time.monotonic() - begin:.0f} s", flush=True)
        left = [campaign for campaign in left if not done(runs / campaign.name)]
        if left and _n_results(left, runs) == before:
            time.sleep(30.0)
            if _n_results(left, runs) == before and time.monotonic() - begin > 300.0:
                return False
    return True


def _n_results(campaigns: Sequence[Campaign], runs: Path) -> int:
    return sum(len(list((runs / campaign.name / "tasks").glob("*.parquet"))) for campaign in campaigns)


def _submit(campaign: Campaign, folder: Path, workers: int) -> None:
    """Start or continue a campaign; what it prints goes to a file in `runs`."""
    again = (folder / "case.json").exists()
    words = ["--resume", str(folder), "--no-progress"] if again else [*campaign.words, "--out", str(folder)]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.log").open("a") as log, redirect_stdout(log), redirect_stderr(log):
        main(["submit", *words, "--workers", str(workers)])
        if again and not done(folder):
            main(["collect", str(folder)])
