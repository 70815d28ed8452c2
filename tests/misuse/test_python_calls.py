"""Wrong arguments from Python, as users give them: without the type checker that the tests are run with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_wrong_arguments_are_sentences() -> None:
    """The tests in `python_calls.py`, in a process of their own, for there qvar is imported as users import it."""
    here = Path(__file__).parent
    words = ("-q", "-x", "--noconftest", "-p", "no:cacheprovider", "--tb=short", str(here / "python_calls.py"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], capture_output=True, text=True, check=False, cwd=here.parents[1]
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
