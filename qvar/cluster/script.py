"""Common parts of the scripts of all queues: the deadline, the environment, the last line, and the log.

A script is bash: directives, the site's raw lines, shell lines of the site, and at last one `exec`, so that the queue's
signals reach qvar itself and not a shell around it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from qvar.cluster.scheduler import Job, Resources
from qvar.errors import require

PLAIN = re.compile(r"[\w./@+=-]+")
"""Paths that every queue's directives take; a blank, a quote, `:`, `,`, `$` or `%` means something there."""

_NAME_LENGTH = 15


def checked(job: Job) -> Resources:
    """Return the resources of a job, after a check of the words that a directive cannot quote.

    Raises `QvarError` if a word or a folder cannot stand in a script.
    """
    resources = job.resources
    for flag, word in (("partition", resources.partition), ("account", resources.account), ("qos", resources.qos)):
        require(word is None or re.fullmatch(r"[^\s'\"\\]+", word) is not None, flag, "be one word", word)
    require("\n" not in str(job.folder), "out", "be a folder without a line break in its name", str(job.folder))
    return resources


def given(*options: tuple[str, object]) -> list[str]:
    """Return options such as `("-q {}", "short")` with their values, without those whose value is nothing or zero."""
    return [option.format(value) for option, value in options if value]


def short_name(name: str) -> str:
    """Return a job's name for a queue that takes at most 15 characters and no digit at the beginning."""
    return (name if name[:1].isalpha() else f"q{name}")[:_NAME_LENGTH]


def warning_s(resources: Resources) -> int:
    """Return the seconds before the time limit at which an array task is to stop.

    `signal_s`, or, if that is more than half of the limit, a tenth of it, but no less than 10 s, and never more than
    half of the limit.
    """
    limit = resources.time_s
    if limit is None or 2 * resources.signal_s <= limit:
        return resources.signal_s
    return min(max(10, limit // 10), limit // 2)


def mebibytes(size: int | None, parts: int = 1) -> int:
    """Return a size in MiB, or one of so many equal parts of it, rounded up; 0 if it is None."""
    return 0 if size is None else -(-size // (parts << 20))


def clock(seconds: int | None) -> str:
    """Return a time as HH:MM:SS; hours may be more than 99. Empty if it is None."""
    if seconds is None:
        return ""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def log_place(
    job: Job, array: tuple[str, str], single: tuple[str, str], plain: re.Pattern[str] = PLAIN
) -> tuple[str | None, tuple[str, ...]]:
    """Return the place of a job's log: a directive, or, if no directive can name the folder, a shell line.

    The queue's own words, such as why it killed a job, are in the log only with a directive.

    Args:
        job: the job.
        array: name of the log of an array task, in the patterns of the queue's directives, and with shell variables.
        single: the same for a single command.
        plain: folders that the queue's directives take.

    Returns:
        The path for the directive, or None; lines for the shell, which append to the same file if it is None.
    """
    directive, shell = array if job.count else single
    folder = f"{job.folder}/logs/"
    if plain.fullmatch(folder):
        return folder + directive, ()
    return None, (log_line(job, shell),)


def log_line(job: Job, name: str) -> str:
    """Return the shell line that appends all output to a file in the folder of logs; its name may have variables."""
    return f'exec >>{shlex.quote(f"{job.folder}/logs/")}"{name}" 2>&1'


def script(
    directives: Iterable[str], job: Job, queue: str, number: str, *,
    before: Iterable[str] = (), launcher: Sequence[str] = (), workdir: str | None = None,
) -> str:  # fmt: skip
    """Return a whole script.

    `number` is the shell expression of the number in the array, such as `${SLURM_ARRAY_TASK_ID:?}`; `launcher` comes
    between `exec` and the command; `workdir` is the shell word for the folder to work in if the job names none, None if
    the queue goes there itself. The deadline (`QVAR_STOP_AT`, seconds since 1970) is taken before the site's own lines
    run.
    """
    resources = job.resources
    lines = ["#!/bin/bash", *directives, *resources.extra, "", *before]
    if resources.time_s is None:
        lines.append("unset QVAR_STOP_AT")  # the submitting process may have had one, and queues copy its environment
    else:
        lines.append(f"export QVAR_STOP_AT=$(( $(date +%s) + {resources.time_s - warning_s(resources)} ))")
    lines += resources.setup
    if job.path:
        lines.append(f'export PATH={shlex.quote(job.path)}:"$PATH"')
    lines += [f"export OMP_NUM_THREADS={resources.cpus}", f"export QVAR_QUEUE={queue}"]
    folder = shlex.quote(str(job.workdir)) if job.workdir is not None else workdir
    if folder is not None:
        lines.append(f"cd {folder} || exit 1")
    last = shlex.join(("exec", *launcher, *job.words))
    if job.count and resources.distributed:
        last += " --distributed"
    if job.count:
        last += f' --index "$(({job.offset} + {number}))"'
    return "\n".join((*lines, last)) + "\n"


def array_numbers(job: Job) -> str:
    """Return the numbers of an array and its limit at once, as `1-40%8`."""
    return "".join([f"1-{job.count}", *given(("%{}", job.resources.at_once))])


def numbers(text: str) -> list[int]:
    """Return the numbers of an array expression, as in `1-3,7`, `1-9:2` and `4-6%2`; none if it cannot be read."""
    values: list[int] = []
    for part in text.split("%")[0].split(","):
        read = re.fullmatch(r"(\d+)(?:-(\d+)(?::(\d+))?)?", part.strip())
        if read is None:
            return []
        first, last, step = int(read[1]), int(read[2] or read[1]), int(read[3] or 1)
        values += range(first, last + 1, max(1, step))
    return values
