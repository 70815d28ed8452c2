"""Errors that the user caused, each told in one sentence.

A wrong argument raises `QvarError`; the command line shows its sentence without a traceback and
exits with status 2. What goes wrong *during* a computation (not converged, not a number, out of
budget) is never an exception: it is a `status` in the record.
"""

from __future__ import annotations

from typing import Any


class QvarError(ValueError):
    """An input that cannot be worked with; its text is one sentence that says what to change."""


class HelpShown(SystemExit):
    """The end of a program that was asked for its help or version and has printed it."""


def require(condition: bool, argument: str, must: str, got: Any) -> None:
    """Raises `QvarError` "`argument` must ..., but is ..." unless `condition` holds.

    Args:
        condition: what has to be true.
        argument: the name of the argument as the user wrote it.
        must: what the argument must be or do, starting with a verb: "be positive".
        got: the value that was given; shown by `repr`.

    Raises:
        QvarError: if `condition` is false.
    """
    if not condition:
        raise QvarError(f"`{argument}` must {must}, but is {got!r}.")
