"""The end of a command: a mistake of the user becomes one sentence and an exit status.

Only the standard library is imported here, so that `qvar --help` answers at once.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable

from qvar.errors import HelpShown, QvarError, one_line
from qvar.late_import import imported_late, rare_collections, without_artist_docs
from qvar.memory import wanted_memory
from qvar.precision import check_precision

USER_ERROR = 2
"""Exit status after a mistake of the user."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as in shells: 128 and the number of the signal."""


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit status.

    A mistake of the user is printed as one sentence; a closed pipe ends the output without an error.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show must not end the program
            stream.reconfigure(errors="replace")
    try:
        check_precision()
        wanted_memory()
        with rare_collections(), without_artist_docs(), imported_late("scipy.optimize"):
            status = command()
        sys.stdout.flush()
    except QvarError as error:
        complain(str(error))
        status = USER_ERROR
    except KeyboardInterrupt:
        complain("interrupted.")
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Python would complain when it closes the pipe at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except HelpShown:
        status = 0
    except SystemExit as end:  # of a user's file: it must not look like a success
        complain(f"A user's file must not end the program, but something in it called sys.exit({end.code!r}).")
        status = USER_ERROR
    except BaseException:
        if not _is_distributed():
            raise
        traceback.print_exc()
        status = 1
    if status and _is_distributed():
        from qvar.runs.multiprocess import leave

        leave(status)
    return status


def complain(sentence: str) -> None:
    """Print a sentence on standard error; of several processes that hold one state, one prints it."""
    if _is_distributed():
        from qvar.runs.multiprocess import sentence_to_print

        words = sentence_to_print(sentence)
        if words is None:
            return
        sentence = words
    print(f"qvar: {one_line(sentence)}", file=sys.stderr)


def _is_distributed() -> bool:
    """Return if this is one of several processes that have met, without an import that was not needed."""
    distributed = sys.modules.get("qvar.runs.multiprocess")
    return distributed is not None and distributed.has_joined()
