"""The command `qvar submit`: a campaign is made and sent to a queue, or one that is there is continued."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qvar.cli.campaign import collect
from qvar.cluster.campaign import Campaign, open_campaign
from qvar.cluster.options import SubmissionOptions, options_from_flags, recorded_options, worker_count
from qvar.cluster.plan import create, plan, set_aside, update
from qvar.cluster.schedulers import adapter, becomes_text
from qvar.cluster.send import collecting_job, deal, jobs_of, send
from qvar.cluster.site_config import Site, read_site
from qvar.cluster.status import SETTLED, UNDER_WAY, Condition, survey
from qvar.cluster.sweep import points
from qvar.errors import QvarError, did_you_mean
from qvar.records.code_versions import say_other_code
from qvar.records.run_folder import check_out, discard, locked, next_free, reason, unmake
from qvar.runs.bundled_cases import find_case
from qvar.runs.case_flags import argument_kinds, load_case

_LONGEST_STEM = 100
"""Letters of a case's name that a campaign's folder keeps."""

_HELP = """usage: qvar submit CASE [flags of the case] [--sweep NAME=VALUES] [flags below]
       qvar submit --resume CAMPAIGN [--failed] [flags that change]

Runs a case at every combination of swept arguments, as job arrays of a batch
queue, or in processes of this machine.

  qvar submit cases/family_duel.py --sweep molecule=h4,lih --sweep layers=1:8 \\
      --seeds 16 --queue slurm --partition gpu --gpus 1 --time 2h --memory 16G

tasks:
  --sweep NAME=VALUES   an argument of the case and its values: molecule=h4,lih,
                        layers=1:8 (both ends included), bond=0.5:2.5:0.25;
                        several sweeps make every combination
  --out FOLDER          the campaign's folder (default: runs/<case>-campaign)
  --resume CAMPAIGN     send the tasks that are missing and not under way
  --failed              with --resume: also tasks that failed by themselves
  --dry-run             show the scripts, write nothing, send nothing

queue:
  --queue QUEUE         slurm, grid_engine, pbs, lsf, or local (this machine;
                        default: the site file's, or the one that is installed;
                        pbs and lsf are untested)
  --workers N           with local: processes at the same time (default: 1)
  --site FILE           TOML file of defaults (default: $QVAR_SITE, or
                        ~/.config/qvar/site.toml)

resources of each array task:
  --partition NAME      partition or queue
  --account NAME        account or project that pays
  --qos NAME            quality of service
  --time TIME           time limit: 90m, 2h, 30:00 (minutes, seconds), 1-12 or
                        1-12:00:00 (days, hours); a unit is needed
  --memory SIZE         memory on a node: 16G or 16GB, which are both 16384M;
                        a unit is needed
  --cpus N              cores of each process (default: 1)
  --gpus N              GPUs on each node (default: 0)
  --nodes N             nodes of each array task (default: 1)
  --distributed         each state over all processes of the array task, one
                        for each GPU
  --setup LINE          shell line before qvar, such as "module load cuda";
                        may be repeated
  --extra LINE          raw line for the script's head; may be repeated

options of the submission:
  --pack N              tasks of one array task (default: 1)
  --at-once N           array tasks that may run at the same time
  --max-array N         array tasks of one array (default: the site's limit)
  --signal TIME         time before the limit at which a task is asked to write
                        a checkpoint and to end (default: 2m)
  --checkpoint TIME     time between two checkpoints (default: 5m)
  --no-collect          send no job that collects when all have ended
  --no-progress         with local: show no progress
  -h, --help            show this help message and exit

A flag of the case with one of these names is given by --sweep NAME=VALUE.

"""

_REPEATED = ("--sweep", "--setup", "--extra")
_SWITCHES = ("--dry-run", "--failed", "--distributed", "--no-collect", "--no-progress")
_WITH_VALUE = (
    "--out", "--resume", "--queue", "--site", "--partition", "--account", "--qos", "--time", "--memory", "--signal",
    "--checkpoint", "--cpus", "--gpus", "--nodes", "--pack", "--at-once", "--max-array", "--workers",
)  # fmt: skip


def submit(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Make and send a campaign, send what one lacks, or print the help of `qvar submit`."""
    if not words:
        raise QvarError("`CASE` must be given, such as `qvar submit cases/h4_duel.py`; see `qvar submit --help`.")
    if words[0] in ("-h", "--help"):
        print(_HELP + becomes_text(), end="")
        return 0
    for flag in _REPEATED:
        parser.add_argument(flag, action="append", default=[])
    for flag in _SWITCHES:
        parser.add_argument(flag, action="store_true")
    for flag in _WITH_VALUE:
        parser.add_argument(flag)
    args, own = parser.parse_known_args(list(words))
    site = read_site(None if args.site is None else Path(args.site))
    if args.resume:
        if own:
            raise QvarError(f"`{own[0]}` must be left out with --resume: the case and its flags stay as they were.")
        return _resume(args, site)
    if not own or own[0].startswith("-") or words[0].startswith("-"):
        raise QvarError(f"`CASE` must come before its flags, but the first word is {words[0]}.")
    if args.failed:
        raise QvarError("`failed` must come with --resume, but is given alone.")
    return _submit(args, site, own[0], own[1:])


def _check_flags(own: Sequence[str], kinds: Mapping[str, Any], prog: str) -> None:
    """Refuse a flag that neither the case nor `qvar submit` has, with the nearest of both."""
    flags = [f"--{name.replace('_', '-')}" for name in kinds]
    switches = [f"--no-{name.replace('_', '-')}" for name, kind in kinds.items() if kind is bool]
    known = [*flags, *switches, "--help", *_REPEATED, *_SWITCHES, *_WITH_VALUE]
    for word in own:
        flag = word.partition("=")[0].replace("_", "-")
        if flag.startswith("--") and flag not in known:
            hint = did_you_mean(flag, known, f"`{prog} --help` lists the case's flags.")
            raise QvarError(f"`{flag}` is a flag neither of this case nor of qvar submit; {hint}")


def _submit(args: argparse.Namespace, site: Site, case: str, own: list[str]) -> int:
    options = options_from_flags(args, site, None)
    path = find_case(case)
    function = load_case(path)
    prog = f"qvar submit {case}"
    _check_flags(own, argument_kinds(function), prog)
    swept = points(function, own, args.sweep, prog)
    out = Path(args.out) if args.out else next_free(Path("runs") / f"{path.stem[:_LONGEST_STEM]}-campaign")
    if os.path.lexists(out / "case.json"):
        raise QvarError(
            f"`out` must be a new folder, but {out} exists already; `qvar submit --resume {out}` sends what it lacks."
        )
    check_out(out, resume=False)
    workers = worker_count(args, options.queue)
    planned = plan(function, path, swept, args.sweep, options)
    keys = [task["key"] for task in planned.record["tasks"]]
    array_tasks = deal(keys, set(), options.pack)
    summary = f"{out}: {_count(len(swept), 'point')}, {_count(len(keys), 'task')}"
    queue = adapter(options.queue)
    if args.dry_run:
        _show_scripts(summary, out.resolve(), Path.cwd(), len(array_tasks), 0, options)
        return 0
    above = [parent for parent in out.parents if not os.path.lexists(parent)]
    campaign = create(planned, out)
    if queue is None:
        print(summary, flush=True)
        return _work_here(campaign, out, workers, not args.no_progress)
    try:
        ids = send(campaign, array_tasks, options, queue)
    except QvarError as error:
        if not campaign.submissions():
            discard(campaign.run)
            unmake(above)
            raise
        raise _partly(error, out) from error
    print(summary)
    return _print_sent(out, ids, options, len(array_tasks))


def _resume(args: argparse.Namespace, site: Site) -> int:
    if args.sweep or args.out:
        raise QvarError("`sweep` and `out` must be left out with --resume: the campaign stays what it was.")
    campaign = open_campaign(args.resume)
    options = options_from_flags(args, site, recorded_options(campaign))
    workers = worker_count(args, options.queue)
    try:  # of two that resume it at once, the second would send the same tasks
        with contextlib.nullcontext() if args.dry_run else locked(campaign.run):
            status = _send_missing(args, campaign, options)
    except OSError as error:
        raise QvarError(f"`CAMPAIGN` {campaign.path} could not be written: {reason(error)}.") from error
    if status is not None:
        return status
    return _work_here(Campaign(campaign.path), Path(args.resume), workers, not args.no_progress)


def _send_missing(args: argparse.Namespace, campaign: Campaign, options: SubmissionOptions) -> int | None:
    """Send what a campaign lacks; return None if it is to be done in processes of this machine."""
    queue = adapter(options.queue)
    state = survey(campaign)
    again = state.having(Condition.FAILED) if args.failed else []
    left = [one for one in state.task_states if one.condition not in (*SETTLED, *UNDER_WAY) or one in again]
    folder = Path(args.resume)
    if state.unanswered:
        sentence = f"qvar: the queue does not answer ({state.unanswered}); tasks that it may still have are sent again."
        print(sentence, file=sys.stderr)
    if not left:
        n_done = len(state.having(*SETTLED))
        if n_done < len(state.task_states):
            print(f"{folder}: all tasks are done or under way; `qvar status {folder}` shows more.")
        else:
            failed = len(state.having(Condition.FAILED))
            remark = f"; {failed} of them failed, --failed tries these again" if failed else ""
            print(
                f"{folder}: all is done ({_count(n_done, 'task')}){remark}; `qvar collect {folder}` makes the report."
            )
        return 0
    died = {one.line.key for one in left if one.condition is Condition.DIED}
    array_tasks = deal([one.line.key for one in left], died, options.pack)
    summary = f"{folder}: {_count(len(left), 'task')} of {len(state.task_states)}"
    if args.dry_run:
        offset = max(campaign.array_tasks(), default=0)
        _show_scripts(summary, campaign.path, Path(campaign.record["folder"]), len(array_tasks), offset, options)
        return 0
    shards = (campaign.run.look_at_shard(one.line.key) for one in state.having(*SETTLED) if one not in again)
    say_other_code([shard.code for shard in shards if shard.rows is not None], campaign.run.tasks)
    campaign = update(campaign, options)
    for one in again:
        set_aside(campaign, one.line.key, one.n_attempts)
    if queue is None:
        print(summary, flush=True)
        return None
    try:
        ids = send(campaign, array_tasks, options, queue)
    except QvarError as error:
        raise _partly(error, folder) from error
    print(summary)
    return _print_sent(folder, ids, options, len(array_tasks))


def _partly(error: QvarError, folder: Path) -> QvarError:
    """Return an error about what a queue refused of a campaign that stays."""
    return QvarError(f"{str(error).removesuffix('.')}; `qvar submit --resume {folder}` sends what it did not take.")


def _show_scripts(
    summary: str, campaign: Path, workdir: Path, n_array_tasks: int, offset: int, options: SubmissionOptions
) -> None:
    """Print what would be sent."""
    print(f"# {summary}, {_count(n_array_tasks, 'array task')}; nothing is written or sent")
    queue = adapter(options.queue)
    if queue is None:
        print("# done in processes of this machine: there is no script")
        return
    jobs = jobs_of(campaign, workdir, n_array_tasks, offset, options, queue)
    if options.collect:
        ids = [f"ID{number}" for number in range(1, len(jobs) + 1)]
        jobs.append(collecting_job(campaign, workdir, ids, options))
    for job in jobs:
        print()
        print(queue.render(job), end="")


def _print_sent(out: Path, ids: Sequence[str], options: SubmissionOptions, n_array_tasks: int) -> int:
    arrays = ids[:-1] if options.collect else ids
    print(
        f"sent to {options.queue}: {_count(n_array_tasks, 'array task')} in job{'s' if len(arrays) > 1 else ''} "
        f"{', '.join(arrays)}" + (f"; job {ids[-1]} collects" if options.collect else "")
    )
    print(f"`qvar status {out}` shows the progress.")
    return 0


def _work_here(campaign: Campaign, out: Path, workers: int, progress: bool) -> int:
    from qvar.cluster.local import work_here

    status = work_here(campaign, workers, progress)
    if status:
        print(f"qvar: not all was done; continue with: qvar submit --resume {out}", file=sys.stderr)
        return status
    return collect(str(out))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
