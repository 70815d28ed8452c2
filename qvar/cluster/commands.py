"""The commands `qvar submit`, `status`, `collect` and `cancel`: reading their words, and telling what was done."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qvar.cluster.campaign import Campaign, open_campaign
from qvar.cluster.quantities import duration, memory_size
from qvar.cluster.scheduler import Resources
from qvar.cluster.site_config import Site, read_site
from qvar.errors import QvarError

_LONGEST_STEM = 100
"""Letters of a case's name that a campaign's folder keeps."""

_SUBMIT = """usage: qvar submit CASE [flags of the case] [--sweep NAME=VALUES] [flags below]
       qvar submit --resume CAMPAIGN [--failed] [flags that change]

Runs a case at every combination of swept arguments, as job arrays of a batch
queue, or in processes of this machine.

  qvar submit cases/family_duel.py --sweep molecule=h4,lih --sweep layers=1:8 \\
      --seeds 16 --queue slurm --partition gpu --gpus 1 --time 2h --memory 16G

what to run:
  --sweep NAME=VALUES   an argument of the case and its values: molecule=h4,lih,
                        layers=1:8 (both ends included), bond=0.5:2.5:0.25;
                        several sweeps make every combination
  --out FOLDER          the campaign's folder (default: runs/<case>-campaign)
  --resume CAMPAIGN     send what is missing and nobody is at work on
  --failed              with --resume: also what failed by its own fault
  --dry-run             show the scripts, write nothing, send nothing

where:
  --queue QUEUE         slurm, grid_engine, pbs, lsf, or local (this machine;
                        default: the site file's, or the one that is installed)
  --workers N           with local: processes at the same time (default: 1)
  --site FILE           TOML file of defaults (default: $QVAR_SITE, or
                        ~/.config/qvar/site.toml)

what each array element asks for:
  --partition NAME      partition or queue
  --account NAME        account or project that pays
  --qos NAME            quality of service
  --time TIME           time limit: 90m, 2h, 30:00 (minutes, seconds), 1-12 or
                        1-12:00:00 (days, hours); a unit is needed
  --memory SIZE         memory of an element on a node: 16G or 16GB, which are
                        both 16384M; a unit is needed
  --cpus N              cores of each process (default: 1)
  --gpus N              GPUs on each node (default: 0)
  --nodes N             nodes of each element (default: 1)
  --distributed         each state over all processes of the element, one for
                        each GPU
  --setup LINE          shell line before qvar, such as "module load cuda";
                        may be repeated
  --extra LINE          raw line for the script's head; may be repeated

how:
  --pack N              tasks of one array element (default: 1)
  --at-once N           elements that may run at the same time
  --max-array N         elements of one array (default: what the site allows)
  --signal TIME         how long before the time limit a task is told to write
                        its checkpoint (default: 2m)
  --checkpoint TIME     time between two checkpoints (default: 5m)
  --no-collect          send no job that collects when all have ended
  --no-progress         with local: show no progress
  -h, --help            show this help message and exit

A flag of the case with one of these names is given by --sweep NAME=VALUE.

"""


def submit(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """`qvar submit`.

    Args:
        words: the words after it.
        parser: a parser whose errors are sentences.
    """
    from qvar.cluster.schedulers import becomes_text

    if not words or words[0] in ("-h", "--help"):
        if not words:
            raise QvarError("`CASE` must be given, such as `qvar submit cases/h4_duel.py`; `qvar submit --help` tells.")
        print(_SUBMIT + becomes_text(), end="")
        return 0
    _add_flags(parser)
    given, own = parser.parse_known_args(list(words))
    site = read_site(None if given.site is None else Path(given.site))
    if given.resume:
        if own:
            raise QvarError(f"`{own[0]}` must be left out with --resume: the case and its flags stay as they were.")
        return _resume(given, site)
    if not own or own[0].startswith("-") or words[0].startswith("-"):
        raise QvarError(f"`CASE` must come before its flags, but the first word is {words[0]}.")
    if given.failed:
        raise QvarError("`failed` must come with --resume, but is given alone.")
    return _submit(given, site, own[0], own[1:])


_REPEATED = ("--sweep", "--setup", "--extra")
_SWITCHES = ("--dry-run", "--failed", "--distributed", "--no-collect", "--no-progress")
_WITH_VALUE = (
    "--out", "--resume", "--queue", "--site", "--partition", "--account", "--qos", "--time", "--memory", "--signal",
    "--checkpoint", "--cpus", "--gpus", "--nodes", "--pack", "--at-once", "--max-array", "--workers",
)  # fmt: skip


def _add_flags(parser: argparse.ArgumentParser) -> None:
    for flag in _REPEATED:
        parser.add_argument(flag, action="append", default=[])
    for flag in _SWITCHES:
        parser.add_argument(flag, action="store_true")
    for flag in _WITH_VALUE:
        parser.add_argument(flag)


def _check_flags(own: Sequence[str], kinds: Mapping[str, Any], prog: str) -> None:
    """Refuses a flag that neither the case nor `qvar submit` has, with the nearest of both.

    Raises:
        QvarError: if there is one.
    """
    flags = [f"--{name.replace('_', '-')}" for name in kinds]
    switches = [f"--no-{name.replace('_', '-')}" for name, kind in kinds.items() if kind is bool]
    known = [*flags, *switches, "--help", *_REPEATED, *_SWITCHES, *_WITH_VALUE]
    for word in own:
        flag = word.partition("=")[0].replace("_", "-")
        if flag.startswith("--") and flag not in known:
            near = difflib.get_close_matches(flag, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"`{prog} --help` lists the case's flags."
            raise QvarError(f"`{flag}` is a flag neither of this case nor of qvar submit; {hint}")


def _submit(given: argparse.Namespace, site: Site, case: str, own: list[str]) -> int:
    from qvar.cluster import submit as work
    from qvar.cluster.choose_scheduler import adapter
    from qvar.cluster.sweep import points
    from qvar.records.run_folder import check_out, next_free, unmake
    from qvar.runs.case_flags import argument_kinds, load_case

    wish = _wish(given, site, None)
    path = Path(case)
    function = load_case(path)
    prog = f"qvar submit {case}"
    _check_flags(own, argument_kinds(function), prog)
    swept = points(function, own, given.sweep, prog)
    out = Path(given.out) if given.out else next_free(Path("runs") / f"{path.stem[:_LONGEST_STEM]}-campaign")
    if os.path.lexists(out / "case.json"):
        raise QvarError(
            f"`out` must be a new folder, but {out} exists already; `qvar submit --resume {out}` sends what it lacks."
        )
    check_out(out, resume=False)
    workers = _workers(given, wish.queue)
    planned = work.plan(function, path, swept, given.sweep, wish)
    keys = [line["key"] for line in planned.tasks]
    elements = work.deal(keys, set(), wish.pack)
    words = f"{_count(len(swept), 'point')}, {_count(len(keys), 'task')}"
    queue = adapter(wish.queue)
    if given.dry_run:
        print(f"# {out}: {words}, {_count(len(elements), 'array element')}; nothing is written or sent")
        _show_scripts(out.resolve(), Path.cwd(), len(elements), 0, wish)
        return 0
    above = [parent for parent in out.parents if not os.path.lexists(parent)]
    campaign = work.create(planned, out)
    if queue is None:
        print(f"{out}: {words}", flush=True)
        return _work_here(campaign, out, workers, not given.no_progress)
    try:
        ids = work.send(campaign, elements, wish, queue)
    except QvarError as error:
        if not campaign.submissions():
            work.discard(campaign.run)
            unmake(above)
            raise
        raise _partly(error, out) from error
    print(f"{out}: {words}")
    return _sent(out, ids, wish, len(elements))


def _resume(given: argparse.Namespace, site: Site) -> int:
    from qvar.cluster import submit as work
    from qvar.records.run_folder import locked, reason

    if given.sweep or given.out:
        raise QvarError("`sweep` and `out` must be left out with --resume: the campaign stays what it was.")
    campaign = open_campaign(given.resume)
    wish = _wish(given, site, work.recorded_wish(campaign))
    workers = _workers(given, wish.queue)
    try:  # of two that resume it at once, the second would send the same tasks
        with contextlib.nullcontext() if given.dry_run else locked(campaign.run):
            status = _send_missing(given, campaign, wish)
    except OSError as error:
        raise QvarError(f"`CAMPAIGN` {campaign.path} could not be written: {reason(error)}.") from error
    if status is not None:
        return status
    return _work_here(Campaign(campaign.path), Path(given.resume), workers, not given.no_progress)


def _send_missing(given: argparse.Namespace, campaign: Campaign, wish: Any) -> int | None:
    """Sends what a campaign lacks; None if it is to be done in processes of this machine."""
    from qvar.cluster import submit as work
    from qvar.cluster.choose_scheduler import adapter
    from qvar.cluster.status import SETTLED, UNDER_WAY, Condition, survey

    queue = adapter(wish.queue)
    found = survey(campaign)
    again = found.having(Condition.FAILED) if given.failed else []
    left = [one for one in found.standings if one.condition not in (*SETTLED, *UNDER_WAY) or one in again]
    shown = Path(given.resume)
    if found.silent:
        print(
            f"qvar: the queue does not answer ({found.silent}); what it may still have is sent again.", file=sys.stderr
        )
    if not left:
        n_done = len(found.having(*SETTLED))
        if n_done < len(found.standings):
            print(f"{shown}: nothing is missing that nobody is at work on; `qvar status {shown}` tells more.")
        else:
            failed = len(found.having(Condition.FAILED))
            tried = f"; {failed} of them failed, --failed tries these again" if failed else ""
            print(f"{shown}: all is done ({_count(n_done, 'task')}){tried}; `qvar collect {shown}` makes the report.")
        return 0
    died = {one.line.key for one in left if one.condition is Condition.DIED}
    elements = work.deal([one.line.key for one in left], died, wish.pack)
    words = f"{shown}: {_count(len(left), 'task')} of {len(found.standings)}"
    if given.dry_run:
        print(f"# {words}, {_count(len(elements), 'array element')}; nothing is written or sent")
        offset = max(campaign.elements(), default=0)
        _show_scripts(campaign.path, Path(campaign.record["folder"]), len(elements), offset, wish)
        return 0
    campaign = work.update(campaign, wish)
    for one in again:
        work.set_aside(campaign, one.line.key, one.n_attempts)
    if queue is None:
        print(words, flush=True)
        return None
    try:
        ids = work.send(campaign, elements, wish, queue)
    except QvarError as error:
        raise _partly(error, shown) from error
    print(words)
    return _sent(shown, ids, wish, len(elements))


def _partly(error: QvarError, shown: Path) -> QvarError:
    """What a queue refused of a campaign that stays, and how to go on."""
    return QvarError(f"{str(error).removesuffix('.')}; `qvar submit --resume {shown}` sends what it did not take.")


def _show_scripts(campaign: Path, workdir: Path, n_elements: int, offset: int, wish: Any) -> None:
    """Prints what would be sent."""
    from qvar.cluster import submit as work
    from qvar.cluster.choose_scheduler import adapter

    queue = adapter(wish.queue)
    if queue is None:
        print("# done in processes of this machine: there is no script")
        return
    jobs = work.jobs_of(campaign, workdir, n_elements, offset, wish, queue)
    if wish.collect:
        ids = [f"ID{number}" for number in range(1, len(jobs) + 1)]
        jobs.append(work.collecting_job(campaign, workdir, ids, wish))
    for job in jobs:
        print()
        print(queue.render(job), end="")


def _sent(out: Path, ids: Sequence[str], wish: Any, elements: int) -> int:
    arrays = ids[:-1] if wish.collect else ids
    print(
        f"sent to {wish.queue}: {_count(elements, 'array element')} in job{'s' if len(arrays) > 1 else ''} "
        f"{', '.join(arrays)}" + (f"; job {ids[-1]} collects" if wish.collect else "")
    )
    print(f"`qvar status {out}` tells how it goes.")
    return 0


def _work_here(campaign: Campaign, out: Path, workers: int, progress: bool) -> int:
    from qvar.cluster.local import work_here

    status = work_here(campaign, workers, progress)
    if status:
        print(f"qvar: not all was done; go on with: qvar submit --resume {out}", file=sys.stderr)
        return status
    return collect(str(out))


# ---------------------------------------------------------------------------------------------------------------------
# What is wished


def _wish(given: argparse.Namespace, site: Site, before: Any) -> Any:
    """Flags over what the campaign had, or over the site's defaults."""
    from qvar.cluster import submit as work
    from qvar.cluster.choose_scheduler import adapter, default_queue, supported

    start = before or work.Wish(site.queue or "", _site_resources(site), site.pack or 1, site.max_array)
    queue = given.queue or start.queue or default_queue()
    adapter(queue)
    changes: dict[str, Any] = {
        name: getattr(given, name) for name in ("partition", "account", "qos") if getattr(given, name) is not None
    }
    for name, least in (("cpus", 1), ("gpus", 0), ("nodes", 1), ("at_once", 1)):
        if getattr(given, name) is not None:
            changes[name] = _number(name, getattr(given, name), least)
    if given.time is not None:
        changes["time_s"] = duration(given.time, "time", queue)
    if given.signal is not None:
        changes["signal_s"] = duration(given.signal, "signal")
    if given.memory is not None:
        changes["memory_bytes"] = memory_size(given.memory)
    if given.distributed:
        changes["distributed"] = True
    for name in ("setup", "extra"):
        if getattr(given, name):
            changes[name] = (*(() if before else getattr(site, name)), *getattr(given, name))
    resources: Resources = dataclasses.replace(start.resources, **changes)
    supported(queue, resources)
    return dataclasses.replace(
        start,
        queue=queue,
        resources=resources,
        pack=start.pack if given.pack is None else _number("pack", given.pack, 1),
        max_array=start.max_array if given.max_array is None else _number("max_array", given.max_array, 1),
        checkpoint_s=start.checkpoint_s
        if given.checkpoint is None
        else float(duration(given.checkpoint, "checkpoint")),
        collect=start.collect and not given.no_collect,
    )


def _site_resources(site: Site) -> Resources:
    told = {
        "partition": site.partition,
        "account": site.account,
        "qos": site.qos,
        "time_s": site.time,
        "memory_bytes": site.memory,
        "cpus": site.cpus,
        "gpus": site.gpus,
        "at_once": site.at_once,
        "setup": site.setup,
        "extra": site.extra,
    }
    return Resources(**{name: value for name, value in told.items() if value is not None})  # pyright: ignore[reportArgumentType]


def _number(name: str, word: str, least: int) -> int:
    number = int(word) if re.fullmatch(r" *[0-9]{1,18} *", word) else None
    if number is None or number < least:
        raise QvarError(f"`{name}` must be a whole number of at least {least}, but is {word!r}.")
    return number


def _workers(given: argparse.Namespace, queue: str) -> int:
    if given.workers is None:
        return 1
    if queue != "local":
        raise QvarError(f"`workers` must come with --queue local, but the queue is {queue}; --at-once limits an array.")
    return _number("workers", given.workers, 1)


# ---------------------------------------------------------------------------------------------------------------------
# status, collect, cancel


def status(path: str, as_json: bool) -> int:
    """`qvar status`: how a campaign stands."""
    from qvar.cluster.status import survey
    from qvar.cluster.status_text import status_record, status_text

    campaign = open_campaign(path)
    found = survey(campaign)
    print(json.dumps(status_record(campaign, found), indent=2) if as_json else status_text(campaign, found, path))
    return 0


def collect(path: str) -> int:
    """`qvar collect`: tables, plots and page of the results that are there; status 1 where some are missing."""
    from qvar.cluster.collect import collect as gather
    from qvar.records.run_folder import say_damage
    from qvar.report.views import summary_text

    campaign = open_campaign(path)
    run = gather(campaign)
    say_damage(run)
    if run.n_done:
        print(summary_text(run.ledger))
        print()
        print(f"report: {Path(path) / 'report.html'}")
    print(f"ledger: {Path(path) / 'ledger.csv'}")
    if run.n_done < run.n_tasks:
        print(f"{run.n_done} of {run.n_tasks} tasks are there; `qvar status {path}` tells of the others.")
        return 1
    return 0


def cancel(path: str) -> int:
    """`qvar cancel`: tells the queue to let go of a campaign, and whoever is at work on it to stop."""
    from qvar.cluster.choose_scheduler import adapter

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
    print(f"{path}: cancelled; what runs writes its checkpoint and ends. Go on with: qvar submit --resume {path}")
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
