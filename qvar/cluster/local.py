"""A campaign without a cluster: processes of this machine that do its tasks as array tasks do."""

from __future__ import annotations

import os
import pickle
import sys
from functools import partial
from pathlib import Path

from qvar.cluster.campaign import Campaign, open_campaign
from qvar.cluster.status import SETTLED, Condition, survey
from qvar.runs.local_pool import work_in_processes
from qvar.runs.task_loop import DISK, MOST_DEATHS, STOPPED


def work_here(campaign: Campaign, workers: int, progress: bool) -> int:
    """Do a campaign's tasks in processes of this machine, until none is left that can be done.

    A killed process takes its task with it, no other: another one is started in its place, which continues with what
    is left. Ctrl-C and SIGTERM are passed on: each process writes its checkpoints and ends.
    """
    printed = ""

    def look() -> None:
        nonlocal printed
        line = _line(campaign)
        if line != printed:
            print(line, file=sys.stderr, flush=True)
            printed = line

    ended = work_in_processes(
        pickle.dumps(partial(_work, campaign.path)),
        min(workers, len(campaign.tasks)),
        look if progress else lambda: None,
        replacements=MOST_DEATHS * len(campaign.tasks),
        logs=campaign.logs,
    )
    for sentence in ended.sentences:
        print(f"qvar: {sentence}", file=sys.stderr)
    if ended.interrupted or STOPPED in ended.statuses:
        return STOPPED
    return DISK if DISK in ended.statuses else 0


def _work(path: Path) -> int:
    from qvar.cluster.array_task import run_array_task

    os.environ["QVAR_QUEUE"] = "local"
    return run_array_task(open_campaign(path), None)


def _line(campaign: Campaign) -> str:
    """Return the progress of a campaign on one line."""
    state = survey(campaign)
    failed = len(state.having(Condition.FAILED))
    line = f"{len(state.having(*SETTLED))} of {len(state.task_states)} tasks are done"
    line += f", {failed} of them failed" if failed else ""
    at_work = [f"{one.line.label} ({one.line.points[0]})" for one in state.having(Condition.RUNNING)]
    return f"{line}; at work: {', '.join(at_work)}" if at_work else line
