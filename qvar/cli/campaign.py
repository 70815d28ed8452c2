"""The commands on a campaign: `qvar worker`, `status`, `collect` and `cancel`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from qvar.cluster.campaign import open_campaign
from qvar.errors import QvarError


def worker(path: str, index: int | None, distributed: bool) -> int:
    """Do the tasks of one array task, or all that no other process is working on."""
    if distributed:
        from qvar.runs.multiprocess import begin

        begin()
    from qvar.cluster.array_task import run_array_task

    return run_array_task(open_campaign(path), index)


def status(path: str, as_json: bool) -> int:
    """Print the state of a campaign."""
    from qvar.cluster.status import survey
    from qvar.cluster.status_text import status_record, status_text

    campaign = open_campaign(path)
    state = survey(campaign)
    print(json.dumps(status_record(campaign, state), indent=2) if as_json else status_text(campaign, state, path))
    return 0


def collect(path: str) -> int:
    """Make the tables and the page of a campaign; the exit status is 1 if results are missing."""
    from qvar.cluster.collect import collect as gather
    from qvar.records.run_folder import say_damage
    from qvar.report.reports import summary_text

    run = gather(open_campaign(path))
    say_damage(run)
    if run.n_done:
        print(summary_text(run.ledger, run.case.get("study")))
        print()
        print(f"report: {Path(path) / 'report.html'}")
    print(f"ledger: {Path(path) / 'ledger.csv'}")
    if run.n_done < run.n_tasks:
        print(f"{run.progress}; `qvar status {path}` shows the others.")
        return 1
    return 0


def cancel(path: str) -> int:
    """Cancel the jobs of a campaign in their queues, and ask its workers to stop."""
    from qvar.cluster.schedulers import adapter

    campaign = open_campaign(path)
    try:
        campaign.cancelled.touch()
    except OSError as error:
        raise QvarError(f"`CAMPAIGN` {path} could not be written: {error.strerror}.") from error
    jobs: dict[str, list[str]] = {}
    for entry in campaign.submissions():
        jobs.setdefault(entry["queue"], []).append(entry["job"])
    for name, ids in jobs.items():
        queue = adapter(name)
        if queue is None:
            continue
        try:
            answer = subprocess.run(queue.cancel(ids), capture_output=True, text=True, timeout=60, check=False)
            words = answer.stderr.strip() if answer.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            words = str(error)
        if words:
            print(f"qvar: {name}: {words.splitlines()[-1]}", file=sys.stderr)
    print(f"{path}: cancelled; running tasks write a checkpoint and end. Continue with: qvar submit --resume {path}")
    return 0
