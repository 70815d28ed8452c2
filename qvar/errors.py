"""Errors that the user caused, each in one sentence.

A wrong argument raises `QvarError`; the command line shows its sentence without a traceback and
exits with status 2. What goes wrong *during* a computation (not converged, not a number, out of
budget) is never an exception: it is a `status` in the record.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

_LONGEST = 120
"""Characters of a value that a sentence can hold."""

_ENDLESS = re.compile(rf"\S{{{3 * _LONGEST},}}")


class QvarError(ValueError):
    """An input that cannot be worked with; its text is one sentence that says what to change."""


class HelpShown(SystemExit):
    """The end of a program that was asked for its help or version and has printed it."""


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the end of a sentence about an unknown word: the nearest known one, or other words if none is near."""
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean `{near[0]}`?" if near else otherwise


def require(condition: bool, argument: str, must: str, got: Any) -> None:
    """Raise `QvarError` "`argument` must ..., but is ..." unless `condition` holds.

    Args:
        condition: what has to be true.
        argument: the name of the argument as the user wrote it.
        must: what the argument must be or do, starting with a verb: "be positive".
        got: the value that was given, as `shown` writes it.

    Raises:
        QvarError: if `condition` is false.
    """
    if not condition:
        raise QvarError(f"`{argument}` must {must}, but is {shown(got)}.")


def shown(value: Any) -> str:
    """Return a value on one line, short enough for a sentence."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**30:
        return f"{'-' if value < 0 else ''}{power_of_ten(abs(value))}"
    if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
        kind = "class" if inspect.isclass(value) else "module" if inspect.ismodule(value) else "function"
        return f"the {kind} {getattr(value, '__name__', kind)}"
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = ""
    name = type(value).__name__
    if not text or (text.startswith("<") and " object at 0x" in text):
        return f"an object of type {name}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 5]} ... ({name})"


def first_line(error: BaseException) -> str:
    """Return the first line of the message of an error; "" if it has none."""
    return (str(error).strip().splitlines() or [""])[0]


def error_words(error: BaseException) -> str:
    """Return an error as "ErrorType: first line"."""
    line = first_line(error)
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def clipped(text: str, most: int) -> str:
    """Return a text of at most so many letters; dots take the place of the end of a longer one."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def power_of_ten(number: int) -> str:
    """Return a positive integer of any number of digits to the nearest power of ten, such as "about 10^42"."""
    return f"about 10^{round((number.bit_length() - 0.5) * 0.30103)}"


def one_line(text: str) -> str:
    """Return a text as one line that a terminal shows: control characters escaped, endless words cut."""
    line = " ".join(text.split())
    line = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)
    return _ENDLESS.sub(lambda word: f"{word[0][:_LONGEST]}...{word[0][-1]}", line)
