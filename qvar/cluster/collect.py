"""Collecting a campaign: its tables, plots and page from the results that are there."""

from __future__ import annotations

import contextlib

from qvar.atomic_files import write_whole
from qvar.cluster.campaign import Campaign
from qvar.errors import QvarError
from qvar.records.run_folder import LoadedRun, load, locked, reason, run_name
from qvar.records.run_tables import write_ledger, write_table
from qvar.report.page import write_report


def collect(campaign: Campaign) -> LoadedRun:
    """Make `ledger.csv` and `report.html`, and the parquet files of all tables if no task is missing.

    The tables are made of the results alone, point by point, in the order in which they were submitted: they do not
    depend on where, when or how often a task was tried. Costs one small file read for each task.

    Raises `QvarError` if the folder cannot be written, or another process collects.
    """
    folder = campaign.run
    try:
        with locked(folder):
            for stale in (folder.ledger, folder.trace, folder.parameters):
                stale.unlink(missing_ok=True)
            run = load(folder.path)
            if run.n_done < run.n_tasks:
                _drop_damaged(campaign)
            if run.n_done == run.n_tasks:
                name = run_name(run.case)
                write_table(run.trace, folder.trace, name)
                write_table(run.parameters, folder.parameters, name)
                write_ledger(run.ledger, folder.path, name)
            else:
                with write_whole(folder.path / "ledger.csv") as temporary:
                    run.ledger.to_csv(temporary, index=False, lineterminator="\n")
            with contextlib.suppress(FileNotFoundError):
                folder.report.unlink()
            if run.n_done:
                write_report(run)
    except OSError as error:
        raise QvarError(f"`CAMPAIGN` {campaign.path} could not be written: {reason(error)}.") from error
    return run


def _drop_damaged(campaign: Campaign) -> None:
    """Remove results that cannot be read, which otherwise look as if they were there: `--resume` sends their tasks."""
    for line in campaign.tasks:
        if campaign.run.look_at_shard(line.key).damage:
            campaign.run.shard(line.key).unlink()
