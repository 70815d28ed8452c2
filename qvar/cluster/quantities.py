"""Times and sizes of memory as users write them for a batch queue.

Queues read a bare number in different units, so a number without a unit is refused with its readings. Slurm's forms
of a time are taken and mean what Slurm means; where LSF reads the same text in another way, the queue decides.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from qvar.errors import QvarError

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_UNITED = re.compile(rf"(?:{_NUMBER}[dhms])+")
_DAYS = re.compile(r"([0-9]{1,6})-([0-9]{1,6})(?::([0-5]?[0-9]))?(?::([0-5]?[0-9]))?")
_CLOCK = re.compile(r"([0-9]{1,9}):([0-5]?[0-9]):([0-5]?[0-9])")
_PAIR = re.compile(r"([0-9]{1,9}):([0-5]?[0-9])")
_SIZE = re.compile(rf"({_NUMBER}) *([kmgt])(?:i?b)?", re.IGNORECASE)
_KIBIBYTES = {"k": 1, "m": 1 << 10, "g": 1 << 20, "t": 1 << 30}

_TIMES = "2h, 90m, 45s, 02:00:00 or 1-12:00:00"


def duration(value: Any, argument: str = "time", queue: str | None = None) -> int:
    """Return a time in seconds.

    | text | time |
    |---|---|
    | `2h`, `90m`, `45s`, `1d`, `1h30m`, `1.5h` | the sum of its parts |
    | `02:00:00` | hours, minutes, seconds |
    | `30:00` | minutes and seconds, as Slurm, PBS and Grid Engine read it; refused for LSF, which reads hours |
    | `1-12`, `1-12:30`, `1-12:30:05` | days and hours, minutes, seconds, as Slurm reads it |

    Returns:
        Whole seconds, rounded up.

    Raises:
        QvarError: if it is none of these, not positive, or a number without a unit.
    """
    text = str(value).strip()
    bare = re.fullmatch(r"[0-9]{1,12}", text) is not None and int(text) > 0
    if bare and argument == "time":
        raise QvarError(
            f"`time` must have a unit, such as {text}m or {text}s, but is {value!r}: Slurm and LSF read minutes, PBS "
            "and Grid Engine seconds."
        )
    if bare:
        raise QvarError(f"`{argument}` must have a unit, such as {text}s or {text}m, but is {value!r}.")
    pair = _PAIR.fullmatch(text)
    if pair is not None and queue == "lsf":
        first, second = int(pair[1]), int(pair[2])
        raise QvarError(
            f"`{argument}` must have units, such as {first}h{second}m or {first}m{second}s, but is {value!r}: LSF "
            "reads hours and minutes, Slurm minutes and seconds."
        )
    seconds = _seconds(text)
    if seconds is None or seconds <= 0:
        raise QvarError(f"`{argument}` must be a time such as {_TIMES}, but is {value!r}.")
    return seconds


def _seconds(text: str) -> int | None:
    """Return the seconds of a text with units or colons; None if it cannot be read."""
    if _UNITED.fullmatch(text):
        parts = re.findall(rf"({_NUMBER})([dhms])", text)
        return -int(-sum(Fraction(number) * _SECONDS[unit] for number, unit in parts) // 1)
    for form, units in ((_PAIR, (60, 1)), (_CLOCK, (3600, 60, 1)), (_DAYS, (86400, 3600, 60, 1))):
        match = form.fullmatch(text)
        if match is not None:
            return sum(int(part or 0) * unit for part, unit in zip(match.groups(), units, strict=True))
    return None


def memory_size(value: Any, argument: str = "memory") -> int:
    """Return a size of memory in bytes; units count in powers of 1024, as queues do, so that 16GB is 16384M.

    Raises `QvarError` if it is no size, not positive, or a number without a unit.
    """
    text = str(value).strip()
    if re.fullmatch(r"[0-9]{1,12}", text) and int(text) > 0:
        raise QvarError(
            f"`{argument}` must have a unit, such as {text}M or {text}G, but is {value!r}: Slurm reads MiB, LSF KiB, "
            "PBS and Grid Engine bytes."
        )
    match = _SIZE.fullmatch(text)
    size = 0 if match is None else -int(-Fraction(match[1]) * (_KIBIBYTES[match[2].lower()] << 10) // 1)
    if size < 1:
        raise QvarError(f"`{argument}` must be a size such as 16G or 500M, but is {value!r}.")
    return size
